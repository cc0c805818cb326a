import type { Readable } from 'node:stream';
import { csvOf, type Cell } from '../../exports/csv.ts';
import type { Database } from '../../database/pool.ts';
import type { Actor } from '../../identity/actor.ts';
import { spreadsheetOf, type SheetHead } from '../../exports/spreadsheet.ts';
import type { RefundRow } from './queries.ts';
import { refundsToMake, type RefundGateway } from './operations.ts';

/**
 * The columns that banks' templates for bulk transfers need (each bank has its own order). Programs
 * read this file too, so the column names are the same in every language.
 */
const head = {
  name: 'Refunds',
  columns: [
    { head: 'id', width: 38 },
    { head: 'bank', width: 16 },
    { head: 'number', width: 24 },
    { head: 'holder', width: 30 },
    { head: 'amount', width: 16 },
    { head: 'note', width: 20 },
    { head: 'missing', width: 20 },
  ],
} as const satisfies SheetHead;

/**
 * Exports all due refunds as CSV. Refunds without a bank account come last, with a note that the
 * bank account is missing. Refuses: forbidden, installation_held.
 */
export async function refundsCsv(
  db: Database,
  actor: Actor,
  gateway: RefundGateway,
): Promise<Readable> {
  const refunds = await refundsToMake(db, actor, gateway);
  return await csvOf(withHead(linesOf(refunds)));
}

/**
 * Exports all due refunds as an Excel file, with account numbers as text. Refuses: forbidden,
 * installation_held, export_too_large.
 */
export async function refundsSheet(
  db: Database,
  actor: Actor,
  gateway: RefundGateway,
): Promise<Buffer> {
  const refunds = await refundsToMake(db, actor, gateway);
  return await spreadsheetOf(head, linesOf(refunds));
}

async function* withHead(lines: AsyncIterable<Cell[]>): AsyncGenerator<Cell[]> {
  yield head.columns.map((column) => column.head);
  yield* lines;
}

async function* linesOf(refunds: AsyncIterable<RefundRow>): AsyncGenerator<Cell[]> {
  const incomplete: Cell[][] = [];
  for await (const { transaction_id: id, bank, number, holder, amount } of refunds) {
    const note = `SAMBATAN ${id.slice(-8).toUpperCase()}`;
    const missing = number === null ? 'account' : null;
    const line = [id, bank, number, holder, Number(amount), note, missing];
    if (missing === null) yield line;
    else incomplete.push(line);
  }
  yield* incomplete;
}
