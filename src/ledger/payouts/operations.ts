import { refusals } from '../../errors/errors.ts';
import * as sql from './queries.ts';
import { authorizeOnBrand } from '../../catalogue/operations.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';
import { authorize, requireRecentAuth } from '../../identity/policy.ts';
import type { AgeCursor } from '../entries/cursor.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';

/** Returns a page of due payouts: all of them, or only the released ones. */
export async function duePayouts(
  db: Queryable,
  actor: Actor,
  {
    releasedOnly,
    after: [position, id],
    limit,
  }: { releasedOnly: boolean; after: AgeCursor; limit: number },
): Promise<sql.PayoutRow[]> {
  authorize(actor, 'payout.settle');
  return await db.rows(sql.listPayouts, releasedOnly, position, id, limit);
}
duePayouts.refusals = refusals(authorize);

/** Returns a page of the payouts to a brand, newest first: due, pending and settled payouts. */
export async function payoutsOfBrand(
  db: Queryable,
  actor: Actor,
  brandId: string,
  { before: [position, id], limit }: { readonly before: AgeCursor; readonly limit: number },
): Promise<sql.PayoutRow[]> {
  await authorizeOnBrand(db, actor, 'payout.read', brandId);
  return await db.rows(sql.listPayoutsOfBrand, brandId, position, id, limit);
}
payoutsOfBrand.refusals = refusals(authorizeOnBrand);

/** Releases a payout before all buyers have received the goods. */
export async function releasePayout(tx: Tx, actor: Actor, id: string): Promise<sql.PayoutRow> {
  const caller = authorize(actor, 'payout.settle');
  requireRecentAuth(actor);
  await assertNotQuarantined(tx);
  return await tx.one(sql.releasePayout, id, actorLabel(caller));
}
releasePayout.refusals = refusals(
  authorize,
  requireRecentAuth,
  assertNotQuarantined,
  'movement_not_found',
  'movement_transition_not_allowed',
  'payout_disputed',
  'payout_unsettled',
  'campaign_busy',
);

/** Records that a payout was sent (settles it). */
export async function settlePayout(
  tx: Tx,
  actor: Actor,
  id: string,
  reference: string,
): Promise<sql.PayoutRow> {
  const caller = authorize(actor, 'payout.settle');
  requireRecentAuth(actor);
  await assertNotQuarantined(tx);
  return await tx.one(sql.settlePayout, id, reference, actorLabel(caller));
}
settlePayout.refusals = refusals(
  authorize,
  requireRecentAuth,
  assertNotQuarantined,
  'movement_not_found',
  'movement_transition_not_allowed',
  'payout_not_released',
  'payout_disputed',
  'payout_not_covered',
  'campaign_busy',
);

/** Reverses a settled payout that the bank returned. Returns the new due payout. */
export async function reversePayout(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.PayoutRow> {
  const caller = authorize(actor, 'payout.settle');
  return await tx.one(sql.reversePayout, id, reason, actorLabel(caller));
}
reversePayout.refusals = refusals(
  authorize,
  'movement_not_found',
  'movement_transition_not_allowed',
  'campaign_busy',
);
