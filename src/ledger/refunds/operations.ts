import { authorizeOnBuyer } from '../payments/authorize.ts';
import * as sql from './queries.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';
import { authorize, requireRecentAuth } from '../../identity/policy.ts';
import type { AgeCursor } from '../entries/cursor.ts';
import { retryRead } from '../../operation/run.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';

/** The gateway that sends back by itself what came through it; undefined where there is none. */
export type RefundGateway = { readonly name: string } | undefined;

/**
 * A page of refunds that people are to make, or only of those that failed; what `gateway` sends by
 * itself is not among them. Refuses: forbidden.
 */
export async function dueRefunds(
  db: Queryable,
  actor: Actor,
  gateway: RefundGateway,
  {
    failedOnly,
    after: [position, id],
    limit,
  }: { failedOnly: boolean; after: AgeCursor; limit: number },
): Promise<sql.RefundRow[]> {
  authorize(actor, 'refund.settle');
  return await db.rows(sql.listRefunds, failedOnly, position, id, limit, gateway?.name ?? null);
}

/**
 * A page of refunds whose money is kept, because their buyers wait for slots with it; nobody is to
 * make them meanwhile. Refuses: forbidden.
 */
export async function retainedRefunds(
  db: Queryable,
  actor: Actor,
  [position, id]: AgeCursor,
  limit: number,
): Promise<sql.RefundRow[]> {
  authorize(actor, 'refund.settle');
  return await db.rows(sql.listRetainedRefunds, position, id, limit);
}

/**
 * What goes back, or went back, to the buyer of a participation (or of an offer after success), the
 * newest first. Refuses: participation_not_found, forbidden.
 */
export async function refundsOf(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<sql.OwnRefundRow[]> {
  const { buyer } = await authorizeOnBuyer(db, actor, 'payment.read', participationId);
  return await db.rows(sql.refundsOfParticipation, buyer.campaign_id, participationId);
}

/** Refunds that one statement of a file reads. */
const refundsAtOnce = 1_000;

/**
 * Every refund that people are to make, the oldest first, for somebody who makes them now; read page
 * by page while they are taken. Refuses, before anything is read: forbidden, installation_held.
 */
export async function refundsToMake(
  db: Queryable,
  actor: Actor,
  gateway: RefundGateway,
): Promise<AsyncGenerator<sql.RefundRow>> {
  authorize(actor, 'refund.settle');
  await assertNotQuarantined(db);
  return everyRefund(db, actor, gateway);
}

async function* everyRefund(
  db: Queryable,
  actor: Actor,
  gateway: RefundGateway,
): AsyncGenerator<sql.RefundRow> {
  for (let after: AgeCursor = [null, null]; ;) {
    const wanted = { failedOnly: false, after, limit: refundsAtOnce };
    const rows = await retryRead(() => dueRefunds(db, actor, gateway, wanted));
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < refundsAtOnce) return;
    after = [Number(last.position), last.transaction_id];
  }
}

/**
 * Refunds were made, all with one reference, such as that of a bulk transfer: all or none are
 * settled. Those that are with this reference already stay as they are. Refuses: forbidden,
 * movement_not_found, movement_transition_not_allowed, refund_is_kept, installation_held,
 * reauthentication_required.
 */
export async function settleRefunds(
  tx: Tx,
  actor: Actor,
  ids: readonly string[],
  reference: string,
): Promise<sql.RefundRow[]> {
  const caller = authorize(actor, 'refund.settle');
  requireRecentAuth(actor);
  await assertNotQuarantined(tx);
  return await tx.rows(sql.settleRefunds, [...ids], reference, actorLabel(caller));
}

/**
 * A refund could not be made: it stays due, its failures are counted. Refuses: forbidden,
 * movement_not_found, movement_transition_not_allowed, refund_is_kept.
 */
export async function failRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.RefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.failRefund, id, reason, actorLabel(caller));
}

/**
 * A refund that was made came back: gives the one that is due in its place. Refuses: forbidden,
 * movement_not_found, movement_transition_not_allowed.
 */
export async function reverseRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.RefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.reverseRefund, id, reason, actorLabel(caller));
}
