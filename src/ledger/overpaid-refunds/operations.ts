import { refusals } from '../../errors/errors.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import * as sql from './queries.ts';
import type { AgeCursor } from '../entries/cursor.ts';

/** Returns a page of open overpaid refunds, the oldest first. */
export async function openOverpaidRefunds(
  db: Queryable,
  actor: Actor,
  [position, id]: AgeCursor,
  limit: number,
): Promise<sql.OverpaidRefundRow[]> {
  authorize(actor, 'refund.settle');
  return await db.rows(sql.listOverpaidRefunds, position, id, limit);
}
openOverpaidRefunds.refusals = refusals(authorize);

/** Settles an overpaid refund that the buyer returned. */
export async function settleOverpaidRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reference: string,
): Promise<sql.OverpaidRefundRow> {
  const caller = authorize(actor, 'refund.settle');
  await assertNotQuarantined(tx);
  return await tx.one(sql.settleOverpaidRefund, id, reference, actorLabel(caller));
}
settleOverpaidRefund.refusals = refusals(
  authorize,
  assertNotQuarantined,
  'movement_not_found',
  'movement_transition_not_allowed',
  'campaign_busy',
);

/** Writes off an overpaid refund as a loss of the platform. */
export async function writeOffOverpaidRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.OverpaidRefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.writeOffOverpaidRefund, id, reason, actorLabel(caller));
}
writeOffOverpaidRefund.refusals = refusals(
  authorize,
  'movement_not_found',
  'movement_transition_not_allowed',
  'campaign_busy',
);
