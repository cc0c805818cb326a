import { StatementRefused } from '../values/refused.ts';
import type { TableRow } from './table.ts';
import type { ColumnRef, Mapping } from '../values/types.ts';

/** The indexes of a mapping's columns in one file; -1 for a column that the file does not have. */
export interface Columns {
  readonly date: number;
  readonly time: number;
  readonly descriptions: readonly number[];
  readonly amount: number;
  readonly marks: readonly number[];
  readonly debit: number;
  readonly credit: number;
  readonly balance: number;
  readonly reference: number;
  readonly account: number;
  readonly currency: number;
  /**
   * Number of cells in the heading row, without empty cells at its end; 0 if the file has no
   * heading row.
   */
  readonly width: number;
  /** The headings by column index, for error messages. */
  readonly names: readonly string[];
}

export interface Located {
  readonly mapping: Mapping;
  readonly columns: Columns;
  /** Index of the first row below the heading. */
  readonly first: number;
  /**
   * How many cells of the heading row the mapping contains. The mapping with the highest score fits
   * best.
   */
  readonly score: number;
}

/** The heading row must be among this many rows at the top of the file. */
const maxHeadRows = 100;

/** Normalizes a heading for comparison: only letters and digits, in lower case. */
export function plain(heading: string): string {
  return heading
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/**
 * Returns the names that a heading matches. A heading in two languages, such as `Tanggal / Date`,
 * matches in either language, also if the languages are on two lines.
 */
function namesIn(heading: string): string[] {
  return [heading, ...heading.split(/\n| \/ /)].map(plain).filter((name) => name !== '');
}

/**
 * Returns where the table begins, and its columns; undefined if the rows do not fit the mapping.
 */
export function locate(rows: readonly TableRow[], mapping: Mapping): Located | undefined {
  if (mapping.firstRow !== undefined && mapping.headerRow === undefined) {
    const first = rows.findIndex(({ row }) => row >= mapping.firstRow!);
    const columns = columnsIn([], mapping);
    if (columns === undefined) return undefined;
    // If there is no heading row, the number of cells is that of the table's first row.
    const width = rows[first]?.cells.length ?? 0;
    const from = first === -1 ? rows.length : first;
    return { mapping, columns: { ...columns, width }, first: from, score: 1 };
  }
  for (const [index, { row, cells }] of rows.slice(0, maxHeadRows).entries()) {
    if (mapping.headerRow !== undefined && row !== mapping.headerRow) continue;
    const columns = columnsIn(cells, mapping);
    if (columns === undefined) continue;
    if (mapping.headerRow === undefined && !isNamed(mapping)) continue;
    return { mapping, columns, first: index + 1, score: scoreOf(cells, mapping) };
  }
  return undefined;
}

/**
 * True if the mapping refers to the date column by its heading. Only then can a heading row be
 * distinguished from other rows.
 */
export function isNamed({ columns }: Mapping): boolean {
  return columns.date.every((ref) => typeof ref === 'string');
}

function scoreOf(cells: readonly string[], mapping: Mapping): number {
  const { mark, ...rest } = mapping.columns;
  const refs = [...Object.values(rest), mark === 'beside' ? [] : (mark ?? [])].flat();
  const known = [...refs, ...(mapping.signature ?? [])].filter((ref) => typeof ref === 'string');
  const names = new Set(known.map(plain));
  return cells.filter((cell) => namesIn(cell).some((name) => names.has(name))).length;
}

/**
 * Returns the columns of a heading row; undefined if the row does not fit this mapping. Refuses:
 * column_twice.
 */
export function columnsIn(heading: readonly string[], mapping: Mapping): Columns | undefined {
  const cells = heading.map(namesIn);
  const all = (refs: readonly ColumnRef[] = []) =>
    refs.flatMap((ref) =>
      typeof ref === 'number'
        ? [ref]
        : cells.flatMap((names, index) => (names.includes(plain(ref)) ? [index] : [])),
    );
  const one = (refs?: readonly ColumnRef[]) => all(refs)[0] ?? -1;
  const { columns } = mapping;
  const [date, amount] = [one(columns.date), one(columns.amount)];
  const [debit, credit] = [one(columns.debit), one(columns.credit)];
  if (date === -1) return undefined;
  if (columns.credit === undefined ? amount === -1 : credit === -1 || debit === -1) {
    return undefined;
  }
  if (Array.isArray(columns.mark) && one(columns.mark) === -1) return undefined;
  const known = new Set(cells.flat());
  if (!(mapping.signature ?? []).every((name) => known.has(plain(name)))) return undefined;
  for (const index of [amount, debit, credit]) refuseTwice(heading, index);
  const width = heading.findLastIndex((cell) => cell !== '') + 1;
  return {
    date,
    time: one(columns.time),
    descriptions: [...new Set(all(columns.description))].toSorted((a, b) => a - b),
    amount,
    marks: columns.mark === 'beside' ? markColumnBeside(cells, amount) : all(columns.mark),
    debit,
    credit,
    balance: one(columns.balance),
    reference: one(columns.reference),
    account: one(columns.account),
    currency: one(columns.currency),
    width,
    names: heading,
  };
}

/**
 * Returns the column to the right of the amount if its heading is empty: then it has the
 * debit/credit mark.
 */
function markColumnBeside(cells: readonly string[][], amount: number): number[] {
  const right = cells[amount + 1];
  return right !== undefined && right.length === 0 ? [amount + 1] : [];
}

function refuseTwice(heading: readonly string[], index: number): void {
  const name = heading[index];
  if (name === undefined || name === '') return;
  if (heading.filter((cell) => plain(cell) === plain(name)).length > 1) {
    throw new StatementRefused('column_twice', { column: name });
  }
}
