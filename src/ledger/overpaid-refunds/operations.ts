import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import * as sql from './queries.ts';
import type { AgeCursor } from '../entries/cursor.ts';

/** A page of what buyers are to send back, the oldest first. Refuses: forbidden. */
export async function openOverpaidRefunds(
  db: Queryable,
  actor: Actor,
  [position, id]: AgeCursor,
  limit: number,
): Promise<sql.OverpaidRefundRow[]> {
  authorize(actor, 'refund.settle');
  return await db.rows(sql.listOverpaidRefunds, position, id, limit);
}

/**
 * What was refunded twice has come back. Refuses: forbidden, movement_not_found,
 * movement_transition_not_allowed, installation_held.
 */
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

/**
 * What was refunded twice will not come back: it is the platform's loss. Refuses: forbidden,
 * movement_not_found, movement_transition_not_allowed.
 */
export async function writeOffOverpaidRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.OverpaidRefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.writeOffOverpaidRefund, id, reason, actorLabel(caller));
}
