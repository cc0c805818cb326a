import type { Tx } from '../../database/transaction.ts';
import type { ParsedStatement } from '../statement-files/parse.ts';
import * as sql from './import-queries.ts';
import { dayAfter, dayInJakarta } from './mapping.ts';

/** Stores the last day up to which the account's statement is completely imported. */
export async function noteThrough(
  tx: Tx,
  row: sql.ImportRow,
  parsed: ParsedStatement,
): Promise<void> {
  const yesterday = dayAfter(dayInJakarta(row.created_at), -1);
  const [from, through] = coveredDays(parsed, row.stated_through, yesterday);
  if (through === undefined) return;
  await tx.rows(sql.noteThrough, row.account_id, from ?? null, through);
}

/**
 * Returns the first and the last day of the period for which the file has every line. The day of
 * the upload is excluded, because more transfers may arrive on it. If the file states no period,
 * the day of its last line is excluded too, because later lines of that day may be missing. The
 * first day is undefined if an operator stated the last day.
 */
export function coveredDays(
  { period, lines: read }: ParsedStatement,
  saidThrough: string | null,
  yesterday: string,
): readonly [from: string | undefined, through: string | undefined] {
  const earliest = (day: string) => (day < yesterday ? day : yesterday);
  if (saidThrough !== null) return [undefined, earliest(saidThrough)];
  if (period !== undefined) return [period.from, earliest(period.to)];
  const days = read.map(({ day }) => day).toSorted();
  const last = days.at(-1);
  return [days[0], last === undefined ? undefined : earliest(dayAfter(last, -1))];
}
