import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { actorLabel, type Actor } from '../../identity/actor.ts';
import { permit } from '../../identity/policy.ts';
import { refuseWhileHeld } from '../../quarantine/operations.ts';
import * as sql from './queries.ts';
import type { Place } from '../movements.ts';

/** A page of what buyers are to send back, the oldest first. Refuses: forbidden. */
export async function openClaims(
  db: Queryable,
  actor: Actor,
  [position, id]: Place,
  limit: number,
): Promise<sql.ClaimRow[]> {
  permit(actor, 'refund.settle');
  return await db.rows(sql.listClaims, position, id, limit);
}

/**
 * What was refunded twice has come back. Refuses: forbidden, movement_not_found,
 * movement_transition_not_allowed, installation_held.
 */
export async function settleClaim(
  tx: Tx,
  actor: Actor,
  id: string,
  reference: string,
): Promise<sql.ClaimRow> {
  const caller = permit(actor, 'refund.settle');
  await refuseWhileHeld(tx);
  return await tx.one(sql.settleClaim, id, reference, actorLabel(caller));
}

/**
 * What was refunded twice will not come back: it is the platform's loss. Refuses: forbidden,
 * movement_not_found, movement_transition_not_allowed.
 */
export async function giveUpClaim(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.ClaimRow> {
  const caller = permit(actor, 'refund.settle');
  return await tx.one(sql.giveUpClaim, id, reason, actorLabel(caller));
}
