import { refusals } from '../../errors/errors.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import * as sql from './queries.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { type Actor, actorLabel } from '../../identity/actor.ts';
import { authorize, requireRecentAuth } from '../../identity/policy.ts';
import type { AgeCursor } from '../entries/cursor.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';

/** The gateway that refunds online payments automatically; undefined if there is none. */
export type RefundGateway = { readonly name: string } | undefined;

/**
 * Returns a page of refunds that operators have to send: all of them, or only the failed ones.
 * Excludes refunds that `gateway` sends.
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
dueRefunds.refusals = refusals(authorize);

/**
 * Returns a page of retained refunds. Their buyers wait for slots instead of the money, so
 * operators must not send them.
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
retainedRefunds.refusals = refusals(authorize);

/**
 * Returns the due and settled refunds of a participation (or of an offer made after success), the
 * newest first.
 */
export async function refundsOf(
  db: Queryable,
  actor: Actor,
  participationId: string,
): Promise<sql.OwnRefundRow[]> {
  const { buyer } = await authorizeOnBuyer(db, actor, 'payment.read', participationId);
  return await db.rows(sql.refundsOfParticipation, buyer.campaign_id, participationId);
}
refundsOf.refusals = refusals(authorizeOnBuyer);

/** Number of refunds that the export reads with one query. */
const refundsAtOnce = 1_000;

/**
 * Returns every refund that operators have to send as a stream, the oldest first. Reads them page
 * by page.
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
refundsToMake.refusals = refusals(authorize, assertNotQuarantined);

async function* everyRefund(
  db: Queryable,
  actor: Actor,
  gateway: RefundGateway,
): AsyncGenerator<sql.RefundRow> {
  for (let after: AgeCursor = [null, null]; ;) {
    const wanted = { failedOnly: false, after, limit: refundsAtOnce };
    const rows = await dueRefunds(db, actor, gateway, wanted);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < refundsAtOnce) return;
    after = [Number(last.position), last.transaction_id];
  }
}

/**
 * Settles refunds that were sent with one reference, for example the reference of a bulk transfer.
 * Either all refunds are settled or none. Refunds that are already settled with this reference do
 * not change.
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
settleRefunds.refusals = refusals(
  authorize,
  requireRecentAuth,
  assertNotQuarantined,
  'movement_not_found',
  'movement_transition_not_allowed',
  'refund_is_kept',
  'campaign_busy',
);

/** Records a failed attempt of a refund; the refund stays due. */
export async function failRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.RefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.failRefund, id, reason, actorLabel(caller));
}
failRefund.refusals = refusals(
  authorize,
  'movement_not_found',
  'movement_transition_not_allowed',
  'refund_is_kept',
  'campaign_busy',
);

/** Reverses a settled refund that the bank returned. Returns the new due refund. */
export async function reverseRefund(
  tx: Tx,
  actor: Actor,
  id: string,
  reason: string,
): Promise<sql.RefundRow> {
  const caller = authorize(actor, 'refund.settle');
  return await tx.one(sql.reverseRefund, id, reason, actorLabel(caller));
}
reverseRefund.refusals = refusals(
  authorize,
  'movement_not_found',
  'movement_transition_not_allowed',
  'campaign_busy',
);
