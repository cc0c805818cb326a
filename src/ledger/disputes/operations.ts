import { refusals } from '../../errors/errors.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import * as sql from './queries.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { authorize } from '../../identity/policy.ts';
import type { AgeCursor } from '../entries/cursor.ts';

/**
 * Opens a dispute about a participation. The campaign's payout is blocked until the dispute is
 * resolved.
 */
export async function openDispute(
  tx: Tx,
  actor: Actor,
  participationId: string,
  reason: string,
): Promise<sql.DisputeRow> {
  const { buyer, caller } = await authorizeOnBuyer(tx, actor, 'dispute.open', participationId);
  return await tx.one(
    sql.openDispute,
    buyer.campaign_id,
    participationId,
    newId(),
    reason,
    actorLabel(caller),
  );
}
openDispute.refusals = refusals(
  authorizeOnBuyer,
  'participation_transition_not_allowed',
  'dispute_not_paid',
  'dispute_open_already',
  'dispute_decided',
  'dispute_says_nothing_new',
  'campaign_busy',
);

/** Returns a page of open disputes, the oldest first. */
export async function openDisputes(
  db: Queryable,
  actor: Actor,
  [position, id]: AgeCursor,
  limit: number,
): Promise<sql.DisputeRow[]> {
  authorize(actor, 'dispute.resolve');
  return await db.rows(sql.listDisputes, position, id, limit);
}
openDisputes.refusals = refusals(authorize);

/** Returns the earlier decision of each appealed dispute, by dispute id. */
export async function earlierDecisionsOf(
  db: Queryable,
  actor: Actor,
  disputeIds: readonly string[],
): Promise<ReadonlyMap<string, sql.EarlierDecisionRow>> {
  authorize(actor, 'dispute.resolve');
  const rows = await db.rows(sql.earlierDecisions, disputeIds);
  return new Map(rows.map((row) => [row.dispute_id, row]));
}
earlierDecisionsOf.refusals = refusals(authorize);

/**
 * Resolves a dispute. If it is upheld, the buyer is refunded. If it is dismissed, the seller keeps
 * the money.
 */
export async function resolveDispute(
  tx: Tx,
  actor: Actor,
  disputeId: string,
  {
    resolution,
    explanation,
  }: { readonly resolution: 'upheld' | 'dismissed'; readonly explanation: string },
): Promise<sql.DisputeRow> {
  const caller = authorize(actor, 'dispute.resolve');
  return await tx.one(sql.resolveDispute, disputeId, resolution, explanation, actorLabel(caller));
}
resolveDispute.refusals = refusals(
  authorize,
  'dispute_not_found',
  'dispute_resolved_already',
  'payout_settled_already',
  'campaign_busy',
);
