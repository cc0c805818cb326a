import type { Queryable } from '../database/query.ts';
import type { Actor } from '../identity/actor.ts';
import { permit } from '../identity/policy.ts';
import * as sql from './desk-queries.ts';
import {
  listOverduePayments,
  listPayments,
  type MovementStatus,
  type PaymentRow,
} from './queries.ts';
import { listOpenLines, paymentsFor, type StatementLineRow } from './statement-queries.ts';
import type { Place } from './movements.ts';

/** Participations by id, as those who handle money see them. Refuses: forbidden. */
export async function subjectsOf(
  db: Queryable,
  actor: Actor,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, sql.SubjectRow>> {
  permit(actor, 'payment.verify');
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  const rows = wanted.length === 0 ? [] : await db.rows(sql.describeParticipations, wanted);
  return new Map(rows.map((row) => [row.participation_id, row]));
}

/**
 * A page of payments in one open status, the oldest first; or of those that are overdue, the longest
 * overdue first. Refuses: forbidden.
 */
export async function openPayments(
  db: Queryable,
  actor: Actor,
  status: MovementStatus | 'overdue',
  [position, id]: Place,
  limit: number,
): Promise<PaymentRow[]> {
  permit(actor, 'payment.verify');
  return status === 'overdue'
    ? await db.rows(listOverduePayments, position, id, limit)
    : await db.rows(listPayments, status, position, id, limit);
}

/** A line of a statement that waits for a person, and the participations that it may be for. */
export interface OpenLine extends StatementLineRow {
  readonly candidates: readonly string[];
}

/** A page of statement lines that wait for a person, the oldest day first. Refuses: forbidden. */
export async function openLines(
  db: Queryable,
  actor: Actor,
  [day, id]: readonly [day: string | null, id: string | null],
  limit: number,
): Promise<OpenLine[]> {
  permit(actor, 'statement.import');
  const lines = await db.rows(listOpenLines, day, id, limit);
  const candidates = new Map<string, string[]>();
  for (const [accountId, own] of Map.groupBy(lines, ({ account_id }) => account_id)) {
    const amounts = own.map(({ amount }) => amount);
    const days = own.map(({ booked_on }) => booked_on);
    for (const found of await db.rows(paymentsFor, accountId, amounts, days)) {
      const { line_id } = own[found.ordinal - 1]!;
      candidates.set(line_id, [...(candidates.get(line_id) ?? []), found.participation_id]);
    }
  }
  return lines.map((line) => ({ ...line, candidates: candidates.get(line.line_id) ?? [] }));
}

/** The last refunds or payouts that were made, the newest first. Refuses: forbidden. */
export async function lastMade(
  db: Queryable,
  actor: Actor,
  kind: 'refund' | 'payout',
  limit: number,
): Promise<sql.MadeRow[]> {
  permit(actor, kind === 'refund' ? 'refund.settle' : 'payout.settle');
  return await db.rows(sql.listMade, kind, limit);
}
