/**
 * Writes bank statements with the layouts of real banks and with invented content. Each layout
 * names the public importer or sample that it follows; it contains nothing of their code or data.
 */

/** One transaction on a statement. A positive amount in sen is incoming money. */
export interface WrittenEntry {
  readonly day: string;
  readonly clock: string;
  readonly sen: bigint;
  readonly isPending: boolean;
  readonly words: string;
}

export interface StatementInput {
  readonly opening: bigint;
  readonly entries: readonly WrittenEntry[];
  readonly period: { readonly from: string; readonly to: string };
}

export interface Shape {
  readonly mapping: string;
  readonly evidence: string;
  readonly delimiter: ',' | ';' | '\t';
  /** Whether this bank lists pending transactions. */
  readonly pending: boolean;
  /** Whether this bank writes sen (hundredths of a rupiah), not only whole rupiah. */
  readonly sen: boolean;
  /** Whether each row has the balance of the account after the transaction. */
  readonly balance: boolean;
  readonly head: (written: StatementInput) => string[][];
  readonly heading: string[][];
  /** Returns the rows of one transaction. */
  readonly rows: (entry: WrittenEntry, balance: bigint, index: number) => string[][];
  readonly foot: (written: StatementInput) => string[][];
}

type Grouping = ',' | '.' | '';

/** An amount in sen, written as the bank does, with two digits after the decimal sign. */
export function money(sen: bigint, grouping: Grouping, decimal: '.' | ','): string {
  const size = sen < 0n ? -sen : sen;
  const whole = (size / 100n).toString().replaceAll(/\B(?=(\d{3})+$)/g, grouping);
  return `${whole}${decimal}${(size % 100n).toString().padStart(2, '0')}`;
}
export const english = (sen: bigint) => money(sen, ',', '.');
export const indonesian = (sen: bigint) => money(sen, '.', ',');
export const bare = (sen: bigint) => money(sen, '', '.');
/** Whole rupiah with a point after each thousand, as on a web page: `Rp 195.663`. */
export const web = (sen: bigint) => `Rp ${indonesian(sen).slice(0, -3)}`;

export const dmy = (day: string) => day.split('-').toReversed().join('/');
export const dm = (day: string) => dmy(day).slice(0, 5);
export const dmyy = (day: string) => `${dm(day)}/${day.slice(2, 4)}`;
export const monthsId = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'Mei',
  'Jun',
  'Jul',
  'Agu',
  'Sep',
  'Okt',
  'Nov',
  'Des',
];
export const monthsEn = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
];
export const named = (day: string, months: readonly string[], sign = ' ') =>
  [day.slice(8), months[Number(day.slice(5, 7)) - 1], day.slice(0, 4)].join(sign);

export const sum = (entries: readonly WrittenEntry[], sign: 1 | -1) =>
  entries.reduce(
    (total, { sen }) => (sen > 0n === sign > 0 ? total + sen * BigInt(sign) : total),
    0n,
  );
export const count = (entries: readonly WrittenEntry[], sign: 1 | -1) =>
  String(entries.filter(({ sen }) => sen > 0n === sign > 0).length);
export const closing = ({ opening, entries }: StatementInput) =>
  entries.reduce((balance, { sen }) => balance + sen, opening);
export const split = (sen: bigint, write: (sen: bigint) => string, none: string) =>
  sen < 0n ? [write(sen), none] : [none, write(sen)];
export const mark = (sen: bigint, debit: string, credit: string) => (sen < 0n ? debit : credit);
export const none = () => [];

export const native =
  'github.com/ismailir10/native-erp-v2: tests/bank-layouts.ts, tests/bank-fixture.ts';
export const suryamas = 'github.com/ThePrime-Sushimas/suryamas: bank-statement-import/test-samples';
