import { StatementRefused, type Place } from './refused.ts';
import type { NumberStyle } from './types.ts';

/**
 * Parses amounts in the notations of banks. A cell is first split into sign, debit/credit mark and
 * digits. The meaning of the separators is decided once for all amounts of a file. All results are
 * in sen.
 */

export type Direction = 'credit' | 'debit';

/** A cell with an amount before the number style of the file is known. */
export interface Figure {
  readonly negative: boolean;
  readonly mark?: Direction;
  /** Digits with their separators, such as `1,500,123.00`. */
  readonly digits: string;
  /**
   * True for a number cell of a workbook. Its point is always a decimal point, even if text cells
   * use another number style.
   */
  readonly numeric: boolean;
}

const creditWords = ['cr', 'k', 'c', 'kredit', 'credit'];
const debitWords = ['db', 'dr', 'd', 'debet', 'debit'];
/**
 * Words that mark the direction of money in a separate column such as `Jenis`. They never occur in
 * an amount cell.
 */
const creditKinds = ['masuk', 'uang masuk', 'dana masuk', 'in', 'incoming', 'cash in', 'kr'];
const debitKinds = ['keluar', 'uang keluar', 'dana keluar', 'out', 'outgoing', 'cash out'];
const words = [...creditWords, ...debitWords].toSorted((a, b) => b.length - a.length).join('|');
const leadingMark = new RegExp(`^\\(?(${words})\\)?\\.?(?=[\\s\\d(+-])\\s*`, 'i');
const trailingMark = new RegExp(`(?<=[\\d\\s)-])\\(?(${words})\\)?\\.?$`, 'i');
const currency = /^(?:rp\.?|idr)(?=[\s\d.,(+-]|$)\s*|\s*(?:rp|idr)\.?$/i;

/** Returns the direction of money that a word marks. */
export function markOf(
  text: string,
  more: { readonly credit?: readonly string[]; readonly debit?: readonly string[] } = {},
): Direction | undefined {
  const word = tidy(text)
    .toLowerCase()
    .replaceAll(/^[(\s]+|[).\s]+$/g, '');
  const has = (list: readonly string[], own: readonly string[] = []) =>
    list.includes(word) || own.some((one) => tidy(one).toLowerCase() === word);
  if (has([...creditWords, ...creditKinds], more.credit)) return 'credit';
  return has([...debitWords, ...debitKinds], more.debit) ? 'debit' : undefined;
}

/**
 * Parses a cell with an amount. Returns `empty` for a cell without an amount (also for `-` and for
 * `Rp` alone), and undefined if the cell contains anything else than one amount.
 */
export function figureOf(cell: string, numeric = false): Figure | 'empty' | undefined {
  if (/^\d[\d.,]*\d$/.test(cell)) return { negative: false, digits: cell, numeric };
  let rest = tidy(cell).replace(/^="(.*)"$/, '$1');
  let negative = 0;
  let marks = 0;
  let mark: Direction | undefined;
  for (let before = ''; before !== rest;) {
    before = rest;
    const found = leadingMark.exec(rest) ?? trailingMark.exec(rest);
    if (found) {
      mark = markOf(found[1]!);
      marks++;
      rest = rest.replace(found[0], '').trim();
    }
    rest = rest.replace(currency, '').trim();
    // `195.000,-` is a common notation for whole rupiah.
    rest = rest.replace(/(\d)[.,]-{1,2}$/, '$1');
    const sign = /^[+-]\s*(?=[\d.,(])|(?<=\d)\s*[+-]$/.exec(rest);
    if (sign) {
      negative += sign[0].includes('-') ? 1 : 100;
      rest = rest.replace(sign[0], '').trim();
    }
    const inner = /^\(\s*(.+?)\s*\)$/.exec(rest);
    if (inner) {
      negative++;
      rest = inner[1]!;
    }
  }
  if (rest === '' || /^-+$/.test(rest)) {
    return marks === 0 && negative === 0 ? 'empty' : undefined;
  }
  // Allow at most one sign and one mark. `negative` is 1 for a minus sign or parentheses, and 100
  // for a plus sign.
  if (marks > 1 || ![0, 1, 100].includes(negative)) return undefined;
  const digits = withoutGroupSpaces(rest);
  if (!/^\d+(?:[.,]\d+)*$|^[.,]\d\d$/.test(digits)) return undefined;
  return { negative: negative === 1, digits, numeric, ...(mark === undefined ? {} : { mark }) };
}

/**
 * Replaces full-width digits, no-break spaces and dashes by plain characters, and removes invisible
 * characters.
 */
export function tidy(text: string): string {
  if (/^[\w.,]*$/.test(text)) return text;
  return text
    .normalize('NFKC')
    .replaceAll(/[\p{Cf}\u00ad]/gu, '')
    .replaceAll(/[\u2010-\u2015\u2212]/g, '-')
    .replaceAll(/[\u2018\u2019\u02bc`´]/g, "'")
    .replaceAll(/\s+/g, ' ')
    .replace(/^['" ]+/, '')
    .replace(/['" ]+$/, '');
}

/**
 * Removes the separators of `1 500 123` and `1'500'123`. Other spaces stay, so that the amount is
 * refused.
 */
function withoutGroupSpaces(text: string): string {
  return /^\d{1,3}(?:[ ']\d{3})+(?:[.,]\d\d)?$/.test(text) ? text.replaceAll(/[ ']/g, '') : text;
}

const shapes = {
  dot_thousands: /^(?:[1-9]\d{0,2}(?:\.\d{3})+|0|[1-9]\d*)?(?:,\d\d)?$/,
  comma_thousands: /^(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)?(?:\.\d\d)?$/,
} as const;
const pointed = /^(?:0|[1-9]\d*)(?:\.\d\d?)?$/;

/** True if the digits are an amount in at least one number style. */
export function isAmount({ digits, numeric }: Figure): boolean {
  return numeric
    ? pointed.test(digits)
    : shapes.dot_thousands.test(digits) || shapes.comma_thousands.test(digits);
}

export interface PlacedFigure {
  readonly figure: Figure;
  readonly place: Place;
}

/**
 * Decides the number style of a file from all its amounts. A single separator before three digits
 * separates thousands, because sen have two digits. Refuses: amount (an amount fits neither style),
 * mixed_numbers (two amounts fit only different styles).
 */
export function numberStyleOf(
  figures: readonly PlacedFigure[],
  given: 'auto' | 'dot_thousands' | 'comma_thousands' = 'auto',
): NumberStyle {
  let style: Exclude<NumberStyle, 'plain'> | undefined = given === 'auto' ? undefined : given;
  for (const { figure, place } of figures) {
    if (!isAmount(figure)) throw new StatementRefused('amount', place);
    if (figure.numeric) continue;
    const dots = shapes.dot_thousands.test(figure.digits);
    const commas = shapes.comma_thousands.test(figure.digits);
    if (dots && commas) continue;
    const only = dots ? 'dot_thousands' : 'comma_thousands';
    if (style !== undefined && style !== only) throw new StatementRefused('mixed_numbers', place);
    style = only;
  }
  return style ?? 'plain';
}

/** The largest amount that is accepted: 15 digits of rupiah. */
const maxSen = 10n ** 17n - 1n;

/** Converts the digits to sen, without the sign. Refuses: amount, amount_too_large. */
export function senOf({ figure, place }: PlacedFigure, style: NumberStyle): bigint {
  const decimal = figure.numeric || style === 'comma_thousands' ? '.' : ',';
  const [whole = '', sen = ''] = figure.digits.split(decimal);
  const digits = whole.replaceAll(/[.,]/g, '');
  if (digits.length > 15) throw new StatementRefused('amount_too_large', place);
  const value = BigInt(`${digits}${sen.padEnd(2, '0')}`);
  if (value > maxSen) throw new StatementRefused('amount_too_large', place);
  return value;
}

/** Formats an amount in sen for messages, such as `1.500.123,45`. */
export function senText(sen: bigint): string {
  const [digits, sign] = sen < 0n ? [-sen, '-'] : [sen, ''];
  const whole = (digits / 100n).toString().replaceAll(/\B(?=(\d{3})+$)/g, '.');
  return `${sign}${whole},${(digits % 100n).toString().padStart(2, '0')}`;
}
