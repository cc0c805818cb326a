import type { Queryable } from '../../database/query.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import * as sql from './queries.ts';

/** Returns participations by id, for operators. Refuses: forbidden. */
export async function participationsById(
  db: Queryable,
  actor: Actor,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, sql.ParticipationSummaryRow>> {
  authorize(actor, 'payment.verify');
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  const rows = wanted.length === 0 ? [] : await db.rows(sql.describeParticipations, wanted);
  return new Map(rows.map((row) => [row.participation_id, row]));
}

/** Returns the latest settled refunds or payouts, the newest first. Refuses: forbidden. */
export async function recentlySettled(
  db: Queryable,
  actor: Actor,
  kind: 'refund' | 'payout',
  limit: number,
): Promise<sql.SettledRow[]> {
  authorize(actor, kind === 'refund' ? 'refund.settle' : 'payout.settle');
  return await db.rows(sql.listSettled, kind, limit);
}
