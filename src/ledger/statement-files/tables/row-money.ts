import { figureOf, markOf, type Direction, type PlacedFigure } from '../values/amounts.ts';
import type { Columns } from './columns.ts';
import { StatementRefused, type Place } from '../values/refused.ts';
import { labelOf } from './summaries.ts';
import type { TableRow } from './table.ts';
import type { Mapping } from '../values/types.ts';

/** The amount of a row before the number style of the file is known. */
export interface RawMoney extends PlacedFigure {
  readonly direction: Direction;
}

/** Returns the amount in a column of a row; undefined if the cell is empty. Refuses: amount. */
export function figureAt(row: TableRow, columns: Columns, index: number): PlacedFigure | undefined {
  if (index === -1) return undefined;
  const cell = row.cells[index] ?? '';
  const figure = figureOf(cell, row.numbers?.has(index));
  const place: Place = { line: row.row, column: columns.names[index] ?? '', cell };
  if (figure === undefined) throw new StatementRefused('amount', place);
  return figure === 'empty' ? undefined : { figure, place };
}

/**
 * Returns the amount and the direction of a row; undefined if the row has no amount. Refuses:
 * amount, amount_twice, mark.
 */
export function moneyOf(row: TableRow, columns: Columns, mapping: Mapping): RawMoney | undefined {
  if (columns.credit === -1) return markedMoney(row, columns, mapping);
  const [debit, credit] = [columns.debit, columns.credit].map((index) => {
    const found = figureAt(row, columns, index);
    return found && !isZero(found) ? found : undefined;
  });
  if (debit && credit) throw new StatementRefused('amount_twice', { line: row.row });
  const found = debit ?? credit;
  if (found === undefined) return undefined;
  const own = debit ? 'debit' : 'credit';
  // A negative number in the debit column is still a debit, because some banks write debits in this
  // way. A negative number in the credit column is a reversal, which is a debit.
  const direction = credit?.figure.negative ? 'debit' : own;
  if (found.figure.mark !== undefined && found.figure.mark !== own) {
    throw new StatementRefused('mark', found.place);
  }
  return { ...found, direction };
}

export function isZero({ figure }: PlacedFigure): boolean {
  return /^[0.,]+$/.test(figure.digits);
}

function markedMoney(row: TableRow, columns: Columns, mapping: Mapping): RawMoney | undefined {
  const found = figureAt(row, columns, columns.amount);
  if (found === undefined) return undefined;
  const more = { credit: mapping.creditMarks ?? [], debit: mapping.debitMarks ?? [] };
  const marks = columns.marks.map((index) => row.cells[index] ?? '').filter((cell) => cell !== '');
  const read = marks.map((cell) => markOf(cell, more));
  const all = new Set([...read, ...(found.figure.mark ? [found.figure.mark] : [])]);
  const [mark] = all;
  if (all.has(undefined) || all.size > 1) {
    throw new StatementRefused('mark', {
      ...found.place,
      cell: [found.place.cell, ...marks].join(' '),
    });
  }
  if (mark === undefined && mapping.columns.mark !== undefined && !isZero(found)) {
    throw new StatementRefused('mark', found.place);
  }
  const { negative } = found.figure;
  return {
    ...found,
    direction: mark === undefined ? (negative ? 'debit' : 'credit') : negative ? 'debit' : mark,
  };
}

/**
 * Refuses a row with a date whose only amount is outside the amount columns, because its meaning is
 * unknown.
 */
export function refuseStrayMoney({ row, cells }: TableRow, columns: Columns): void {
  const amounts = [columns.amount, columns.debit, columns.credit].filter((at) => at !== -1);
  if (amounts.some((at) => figureOf(cells[at] ?? '') !== 'empty')) return;
  const known = new Set([
    ...columns.descriptions,
    columns.date,
    columns.time,
    columns.balance,
    columns.reference,
    columns.account,
  ]);
  const cell = cells.find((one, index) => !known.has(index) && looksLikeMoney(one));
  if (cell !== undefined) throw new StatementRefused('row_unknown', { line: row, cell });
}

/** True if a cell consists of an amount with groups of three digits. */
function looksLikeMoney(cell: string): boolean {
  return /^\D{0,8}\d{1,3}(?:([.,])\d{3})+(?:(?!\1)[.,]\d\d)?\D{0,8}$/.test(cell);
}

/** Refuses a row with an amount that is neither a transaction nor a known footer. */
export function refuseMoney(given: TableRow, columns: Columns): void {
  const { cells, row } = given;
  const dateCell = cells[columns.date] ?? '';
  for (const index of [columns.amount, columns.debit, columns.credit]) {
    const cell = index === -1 ? '' : (cells[index] ?? '');
    const figure = figureOf(cell, given.numbers?.has(index));
    if (typeof figure !== 'object' || isZero({ figure, place: {} })) continue;
    const reason = dateCell === '' ? 'date_missing' : 'date';
    throw new StatementRefused(reason, {
      line: row,
      column: columns.names[columns.date] ?? '',
      cell: dateCell === '' ? cell : dateCell,
    });
  }
  const other = cells.find((cell) => looksLikeMoney(cell) && !labelOf(cell));
  if (other !== undefined) throw new StatementRefused('row_unknown', { line: row, cell: other });
}
