import { sortOutcomes, type Transaction } from './outcomes.ts';
import { senText } from './values/amounts.ts';
import { StatementRefused } from './values/refused.ts';
import type { Encoding, ParsedStatement, StatementCheck } from './values/types.ts';

/**
 * Parses bank statements in the format SWIFT MT940 strictly, without a library: the npm packages
 * (mt940js 1.3.5, mt940-js 1.0.0) use floating-point amounts. The opening balance plus the
 * transactions must equal the closing balance in every statement of the file.
 */

interface Field {
  readonly tag: string;
  readonly line: number;
  /** The field's first line and its continuation lines. */
  readonly rows: string[];
}

interface Balance {
  readonly sen: bigint;
  readonly line: number;
}

const known = /^(?:20|21|25|25P|28|28C|13D?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]|NS)$/;

/** Reads an MT940 file. Refuses: mt940, currency, several_accounts, check, date. */
export function readMt940(text: string, encoding: Encoding): ParsedStatement {
  const transactions: Transaction[] = [];
  const checks: StatementCheck[] = [];
  const accounts = new Set<string>();
  let days: string[] = [];
  let balance: Balance | undefined;
  let first = 0;
  for (const field of fieldsOf(text)) {
    const { tag, line, rows } = field;
    const value = rows[0]!;
    if (tag === '25' || tag === '25P') accounts.add(value.split('/').at(-1)!.replaceAll(/\D/g, ''));
    if (tag.startsWith('60')) {
      const opening = balanceOf(field);
      if (tag === '60M' && balance) compare('closing_balance', opening.sen, balance.sen, line);
      balance = opening;
      first = transactions.length;
      days = [...days, dayOf(/^[CD](\d{6})/.exec(value)?.[1] ?? '', field)];
    } else if (tag === '61') {
      if (balance === undefined) throw refusalOf(field);
      const read = transactionOf(field);
      if (!read.isPending) balance = { sen: balance.sen + read.sen, line };
      transactions.push({ ...read, balance: balance.sen });
    } else if (tag === '86') {
      const last = transactions.at(-1);
      // An information field after the closing balance describes the statement, not a transaction.
      if (last && balance && transactions.length > first) {
        transactions[transactions.length - 1] = { ...last, description: rows.join(' ') };
      }
    } else if (tag.startsWith('62')) {
      if (balance === undefined) throw refusalOf(field);
      checks.push(compare('closing_balance', balanceOf(field).sen, balance.sen, line));
      if (tag === '62F') balance = undefined;
      first = transactions.length;
      days = [...days, dayOf(/^[CD](\d{6})/.exec(value)?.[1] ?? '', field)];
    } else if (tag.startsWith('90')) {
      checks.push(...countsOf(field, transactions));
    }
  }
  if (balance !== undefined || checks.length === 0) throw new StatementRefused('mt940');
  if (accounts.size > 1) throw new StatementRefused('several_accounts');
  const [account] = [...accounts].filter((number) => number !== '');
  const sorted = days.toSorted();
  return {
    mapping: 'mt940',
    kind: 'mt940',
    style: { numbers: 'dot_thousands', dates: 'ISO', encoding },
    period: { from: sorted[0]!, to: sorted.at(-1)! },
    ...(account === undefined ? {} : { account }),
    ...sortOutcomes(transactions.map((one) => ({ ...one, ...(account ? { account } : {}) }))),
    otherRows: [],
    checks,
  };
}

/** Returns the fields of all messages, without the envelopes around the messages. */
function fieldsOf(text: string): Field[] {
  const fields: Field[] = [];
  let isOpen = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const row = raw.trimEnd().replace(/^(?:\{[1235]:.*?\})*\{4:/, '');
    const start = /^:(\w{2,3}):(.*)$/.exec(row);
    if (start) {
      const tag = start[1]!;
      if (!known.test(tag)) throw new StatementRefused('mt940', { line, cell: row });
      fields.push({ tag, line, rows: [start[2]!] });
      isOpen = true;
    } else if (/^-\}?/.test(row) && /^-(?:\}.*)?$/.test(row)) isOpen = false;
    else if (row !== '' && !/^\{[1-5S]:/.test(row)) {
      if (!isOpen) throw new StatementRefused('mt940', { line, cell: row });
      fields.at(-1)!.rows.push(row);
    }
  }
  return fields;
}

function refusalOf({ tag, line, rows }: Field): StatementRefused {
  return new StatementRefused('mt940', { line, cell: `:${tag}:${rows[0]}` });
}

/** Parses a balance such as `C260930IDR100000,00`: sign, day, currency, amount. */
function balanceOf(field: Field): Balance {
  const found = /^([CD])(\d{6})([A-Z]{3})(\d+,\d{0,2})$/.exec(field.rows[0]!.trim());
  if (found === null) throw refusalOf(field);
  const [, sign, day, currency, amount] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  dayOf(day, field);
  if (currency !== 'IDR') {
    throw new StatementRefused('currency', { line: field.line, cell: currency });
  }
  return { sen: senOf(amount) * (sign === 'D' ? -1n : 1n), line: field.line };
}

function senOf(amount: string): bigint {
  const [whole = '0', sen = ''] = amount.split(',');
  return BigInt(`${whole}${sen.padEnd(2, '0')}`);
}

function dayOf(text: string, field: Field): string {
  const day = `20${text.slice(0, 2)}-${text.slice(2, 4)}-${text.slice(4, 6)}`;
  const date = new Date(`${day}T00:00:00Z`);
  if (text.length === 6 && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)) {
    return day;
  }
  throw refusalOf(field);
}

/**
 * The parts of a transaction: value day, optional entry day, mark, optional last letter of the
 * currency, amount, type, references. `RC` reverses a credit, `RD` a debit; `EC` and `ED` are
 * expected entries.
 */
const transactionShape =
  /^(\d{6})(?:\d{4})?(RC|RD|EC|ED|C|D)[A-Z]?(\d+,\d{0,2})[A-Z][A-Z0-9]{3}([^\n]*)$/;

function transactionOf(field: Field): Transaction {
  const found = transactionShape.exec(field.rows[0]!.trim());
  if (found === null) throw refusalOf(field);
  const [, day, mark, amount, references] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  const sen = senOf(amount);
  if (sen >= 10n ** 17n) {
    throw new StatementRefused('amount_too_large', { line: field.line, cell: amount });
  }
  const isIncoming = ['C', 'RD', 'EC'].includes(mark);
  const [own = '', bank = ''] = references.split('//');
  const reference = own !== '' && own !== 'NONREF' ? own : bank;
  return {
    row: field.line,
    text: `:61:${field.rows.join(' ')}`,
    sen: isIncoming ? sen : -sen,
    isPending: mark.startsWith('E'),
    day: dayOf(day, field),
    description: field.rows.slice(1).join(' '),
    ...(reference === '' ? {} : { reference }),
  };
}

function compare(
  kind: StatementCheck['kind'],
  expected: bigint,
  found: bigint,
  line: number,
): StatementCheck {
  if (expected === found) return { kind, expected, found, ok: true };
  const isCount = kind.endsWith('_count');
  const text = (value: bigint) => (isCount ? String(value) : senText(value));
  throw new StatementRefused('check', { line, expected: text(expected), found: text(found) });
}

/**
 * Compares the stated number and sum of transactions with the file, such as `:90C:5IDR77001100,00`
 * (5 credits of 77,001,100 rupiah together).
 */
function countsOf(field: Field, transactions: readonly Transaction[]): StatementCheck[] {
  const found = /^(\d{1,5})([A-Z]{3})(\d+,\d{0,2})$/.exec(field.rows[0]!.trim());
  if (found === null) throw refusalOf(field);
  const isCredit = field.tag === '90C';
  const meant = transactions.filter(({ sen, isPending }) => !isPending && sen > 0n === isCredit);
  const sum = meant.reduce((total, { sen }) => total + (sen < 0n ? -sen : sen), 0n);
  const side = isCredit ? 'credit' : 'debit';
  return [
    compare(`${side}_count`, BigInt(found[1]!), BigInt(meant.length), field.line),
    compare(`${side}_total`, senOf(found[3]!), sum, field.line),
  ];
}
