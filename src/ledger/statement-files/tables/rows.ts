import { figureOf, markOf, type PlacedFigure } from '../values/amounts.ts';
import { columnsIn, isNamed, plain, type Columns, type Located } from './columns.ts';
import type { PlacedDate } from '../values/dates.ts';
import { StatementRefused, shorten } from '../values/refused.ts';
import { isBalanceLabel, summariesOf, type Summary } from './summaries.ts';
import type { TableRow } from './table.ts';
import type { OtherRow } from '../values/types.ts';
import { clockOf, dateFigureOf } from '../values/date-figure.ts';
import { periodOf, type Period } from '../values/periods.ts';
import { figureAt, moneyOf, refuseStrayMoney, refuseMoney, type RawMoney } from './row-money.ts';

/** A row with a transaction before the number style and the date style of the file are known. */
export interface RawEntry {
  readonly row: TableRow;
  /** Undefined for a pending transaction. */
  readonly date?: PlacedDate;
  readonly period?: Period;
  /** The time of day, from a separate column or from the row below. */
  clock?: { readonly clock?: string; readonly offset?: number };
  /** Undefined if the row states no amount. */
  readonly money?: RawMoney;
  readonly balance?: PlacedFigure;
  description: string;
  /** Set if the row states only a balance, such as `SALDO AWAL` (opening balance). */
  readonly states?: 'opening' | 'closing';
  /**
   * True if the cells were repaired. Only the running balance can prove that the repair is right.
   */
  readonly repaired: boolean;
}

export interface RawTable {
  readonly entries: readonly RawEntry[];
  readonly summaries: readonly Summary[];
  readonly otherRows: readonly OtherRow[];
  readonly periods: readonly Period[];
}

const pendingWords = /^(?:pend|pending|pnd|tertunda|hold)$/i;

/**
 * Classifies the rows below the heading. Refuses a row with an amount that is not a transaction.
 */
export function sortRows(rows: readonly TableRow[], located: Located): RawTable {
  const { columns, first } = located;
  const head = readHead(rows.slice(0, first), columns);
  const entries: RawEntry[] = [];
  const summaries = [...head.summaries];
  const otherRows: OtherRow[] = [];
  const periods = [...head.periods];
  for (const given of rows.slice(first)) {
    if (given.cells.every((cell) => cell === '')) continue;
    const entry = entryOf(given, located, periods.at(-1));
    if (entry) {
      entries.push(entry);
      continue;
    }
    const other = otherRow(given, located, entries.at(-1));
    otherRows.push({ row: given.row, text: textOf(given), kind: other.kind });
    summaries.push(...other.summaries);
    const period = periodOf(given.cells.join(' '));
    if (period && other.kind !== 'summary') periods.push(period);
  }
  return { entries, summaries, otherRows, periods };
}

export function textOf({ cells }: TableRow): string {
  return shorten(cells.filter((cell) => cell !== '').join(' | '), 200);
}

/**
 * Reads the periods and balances in the rows above the heading row. Refuses a transaction there:
 * rows_before_heading.
 */
function readHead(rows: readonly TableRow[], columns: Columns) {
  for (const { row, cells } of rows) {
    const date = dateFigureOf(cells[columns.date] ?? '');
    const money = [columns.amount, columns.credit].map((at) => figureOf(cells[at] ?? ''));
    const isMoney = money.some((figure) => typeof figure === 'object');
    if (date && isMoney) {
      throw new StatementRefused('rows_before_heading', { line: row });
    }
  }
  return {
    summaries: rows.flatMap((row) => summariesOf(row)),
    periods: periodsOf(rows),
  };
}

/**
 * Returns the periods that rows state. If there are none, returns the period whose first and last
 * day are in two rows.
 */
function periodsOf(rows: readonly TableRow[]): Period[] {
  const texts = rows.map(({ cells }) => cells.join(' '));
  const whole = texts.flatMap((text) => periodOf(text) ?? []);
  if (whole.length > 0) return whole;
  const from = texts.find((text) => /\b(?:awal|dari|mulai|from|start)\b/i.test(text));
  const to = texts.find((text) => /\b(?:akhir|sampai|hingga|to|until|end)\b/i.test(text));
  const both = from !== undefined && to !== undefined && from !== to && periodOf(`${from} ${to}`);
  return both ? [both] : [];
}

/** Returns the transaction of a row; undefined if the row has no date. */
function entryOf(given: TableRow, located: Located, period?: Period): RawEntry | undefined {
  const dateCell = given.cells[located.columns.date] ?? '';
  const date = dateFigureOf(dateCell);
  const isPending = pendingWords.test(dateCell.replaceAll(/[^a-z]/gi, ''));
  if (date === undefined && !isPending) return undefined;
  // A row with only a date is the print date, unless the file ends there without a line end and may
  // be truncated.
  if (!given.isOpen && given.cells.filter((cell) => cell !== '').length === 1) return undefined;
  const { row, columns, repaired } = fitRow(given, located);
  const place = { line: row.row, column: columns.names[columns.date] ?? '', cell: dateCell };
  const money = moneyOf(row, columns, located.mapping);
  const balance = figureAt(row, columns, columns.balance);
  const description = descriptionOf(row, columns);
  const label = money === undefined && balance ? isBalanceLabel(description) : undefined;
  if (money === undefined && label === undefined) refuseStrayMoney(row, columns);
  const clock = clockOf(row.cells[columns.time] ?? '');
  return {
    row,
    description,
    repaired,
    ...(date === undefined ? {} : { date: { date, place } }),
    ...(period === undefined ? {} : { period }),
    ...(clock === undefined ? {} : { clock }),
    ...(money === undefined ? {} : { money }),
    ...(balance === undefined ? {} : { balance }),
    ...(label === 'opening' || label === 'closing' ? { states: label } : {}),
  };
}

function descriptionOf({ cells }: TableRow, columns: Columns): string {
  return columns.descriptions.map((index) => (cells[index] ?? '').replace(/^'/, '')).join(' ');
}

/**
 * Returns a row with as many cells as the heading. Extra cells come from a mark without a heading,
 * or from unquoted commas in a description. Missing cells mean that the file is truncated.
 */
function fitRow(given: TableRow, { columns }: Located) {
  const { width } = columns;
  const length = given.cells.findLastIndex((cell) => cell !== '') + 1;
  if (width === 0 || length <= width) {
    const needed = Math.max(columns.amount, columns.credit, columns.debit);
    if (given.cells.length <= needed || (given.isOpen && given.cells.length < width)) {
      throw new StatementRefused('row_short', { line: given.row, cell: textOf(given) });
    }
    return { row: given, columns, repaired: false };
  }
  const marked = markOf(given.cells[columns.amount + 1] ?? '');
  if (length === width + 1 && columns.amount !== -1 && marked && columns.marks.length === 0) {
    return { row: given, columns: shiftColumns(columns), repaired: false };
  }
  if (length === width + 1 && hasBalanceWithoutHeading(given, columns)) {
    return { row: given, columns: { ...columns, balance: width }, repaired: false };
  }
  const at = columns.descriptions[0];
  const extra = length - width;
  if (at === undefined || at > Math.max(columns.amount, columns.credit)) throw tooLong(given);
  const cells = [
    ...given.cells.slice(0, at),
    given.cells.slice(at, at + extra + 1).join(', '),
    ...given.cells.slice(at + extra + 1),
  ];
  return { row: { ...given, cells }, columns, repaired: true };
}

/**
 * True if a row ends with a balance that has no heading, as in some exports. The amount before it
 * then contains the debit/credit mark.
 */
function hasBalanceWithoutHeading({ cells }: TableRow, columns: Columns): boolean {
  const [amount, balance] = [columns.amount, columns.width].map((at) => figureOf(cells[at] ?? ''));
  return (
    columns.amount === columns.width - 1 &&
    columns.balance === -1 &&
    typeof amount === 'object' &&
    amount.mark !== undefined &&
    typeof balance === 'object'
  );
}

/**
 * Returns the columns of a row that has an additional cell with a debit/credit mark after the
 * amount.
 */
function shiftColumns(columns: Columns): Columns {
  const { amount } = columns;
  const moved = (index: number) => (index > amount ? index + 1 : index);
  return {
    ...columns,
    marks: [amount + 1],
    balance: moved(columns.balance),
    reference: moved(columns.reference),
    descriptions: columns.descriptions.map(moved),
  };
}

export function tooLong(row: TableRow): StatementRefused {
  return new StatementRefused('row_long', { line: row.row, cell: textOf(row) });
}

/** Handles a row without a date: a repeated heading, a footer, or more text of the row above. */
function otherRow(given: TableRow, located: Located, above: RawEntry | undefined) {
  const { columns, mapping } = located;
  const isRepeated = isNamed(mapping) && columnsIn(given.cells, mapping) !== undefined;
  if (isRepeated || isHeading(given, columns)) {
    return { kind: 'heading', summaries: [] } as const;
  }
  const summaries = summariesOf(given, columns);
  if (summaries.length > 0) return { kind: 'summary', summaries } as const;
  refuseMoney(given, columns);
  const clock = clockOf(given.cells[columns.date] ?? '');
  if (above && clock && above.row.row < given.row) above.clock ??= clock;
  if (above && isContinuation(given, columns))
    above.description += ` ${descriptionOf(given, columns)}`;
  return { kind: 'text', summaries: [] } as const;
}

/** True if the row repeats two or more headings of the table and contains nothing else. */
function isHeading({ cells }: TableRow, columns: Columns): boolean {
  const known = new Set(columns.names.map(plain));
  const own = cells.map(plain).filter((cell) => cell !== '');
  return own.length > 1 && own.every((cell) => known.has(cell));
}

/**
 * True for the second row of a transaction: it has a time below the date, and more text of the
 * description.
 */
function isContinuation({ cells }: TableRow, columns: Columns): boolean {
  const allowed = new Set([...columns.descriptions, columns.date]);
  return (
    columns.descriptions.some((index) => (cells[index] ?? '') !== '') &&
    cells.every((cell, index) => cell === '' || allowed.has(index)) &&
    clockOf(cells[columns.date] ?? '') !== undefined
  );
}
