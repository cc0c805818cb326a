import type { Payment } from '../payments/payment.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import type { Log } from '../../database/log.ts';
import type { Database } from '../../database/pool.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import { systemActor, type Actor } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { refundByProvider } from '../overpaid-refunds/queries.ts';
import { failRefund } from '../refunds/queries.ts';
import { findByProvider } from './pending-queries.ts';
import { receiveMoney, viewPayment } from '../payments/operations.ts';
import { markFailed, markPending } from './pending-refunds.ts';
import { lockPaymentsOf } from '../payments/queries.ts';
import type { Gateway, OrderStatus } from './port.ts';
import * as sql from './queries.ts';

/** Dependencies of provider calls; `gateway` is undefined if none is configured. */
export interface GatewayDeps {
  readonly db: Database;
  readonly gateway: Gateway | undefined;
}

/**
 * Creates the provider's order for a payment and returns the URL of its page. The payment becomes
 * pending. Repeated calls return the same page.
 */
export async function payOnline(
  parts: GatewayDeps,
  actor: Actor,
  participationId: string,
): Promise<string> {
  const { db } = parts;
  await authorizeOnBuyer(db, actor, 'payment.prove', participationId);
  const gateway = requireGateway(parts);
  // Commit before calling the provider, so that a call with a lost response is on record.
  const { call, minutes } = await runInTransaction(db, (tx) =>
    startOrder(tx, actor, gateway.name, participationId),
  );
  if (call.redirect_url !== null) return call.redirect_url;
  const { reference, amount } = call;
  const { created_at: startsAt } = call;
  const answer = await gateway.createOrder({ reference, amount, startsAt, minutes });
  if (answer.outcome === 'unknown') throw new DomainError('gateway_unavailable', {});
  if (answer.outcome === 'refused') {
    await runInTransaction(db, (tx) => giveUpOrder(tx, reference, answer.reason, true));
    throw new DomainError('gateway_refused', {});
  }
  const opened = await runInTransaction(
    db,
    async (tx) =>
      (await tx.maybe(sql.openCall, reference, answer.redirectUrl)) ??
      (await tx.maybe(sql.findCall, reference)),
  );
  // The order was closed meanwhile; another order replaces it, so do not return its page.
  if (opened?.status !== 'open' || opened.redirect_url === null) {
    throw new DomainError('gateway_unavailable', {});
  }
  return opened.redirect_url;
}
payOnline.refusals = refusals(
  authorizeOnBuyer,
  requireGateway,
  startOrder,
  'gateway_refused',
  'gateway_unavailable',
);

/** Returns the provider's page of a pending payment; undefined if there is none. */
export async function pageToPay(
  db: Queryable,
  payment: Pick<Payment, 'campaign_id' | 'id' | 'status'>,
): Promise<string | undefined> {
  if (payment.status !== 'pending') return undefined;
  const live = await db.maybe(sql.findLiveCall, payment.campaign_id, payment.id);
  return live?.redirect_url ?? undefined;
}

/** Returns the gateway. */
export function requireGateway({ gateway }: GatewayDeps): Gateway {
  if (gateway === undefined) throw new DomainError('gateway_off', {});
  return gateway;
}
requireGateway.refusals = refusals('gateway_off');

/** Minimum minutes to pay on the provider's page; no order is created with less time. */
const minMinutesToPay = 3;

async function startOrder(
  tx: Tx,
  actor: Actor,
  provider: string,
  participationId: string,
): Promise<{ readonly call: sql.CallRow; readonly minutes: number }> {
  const { buyer } = await authorizeOnBuyer(tx, actor, 'payment.prove', participationId);
  await assertNotQuarantined(tx);
  await tx.one(lockPaymentsOf, buyer.campaign_id);
  const payment = await viewPayment(tx, actor, participationId, true);
  const { minutes } = await tx.one(sql.minutesToPay, payment.pay_by);
  if (!['due', 'rejected', 'pending'].includes(payment.status)) {
    throw new DomainError('payment_not_open', { status: payment.status });
  }
  // Reuse an order that can still be paid, even if a proof was uploaded since. Never create a
  // second.
  const live = await tx.maybe(sql.findLiveCall, buyer.campaign_id, payment.id);
  if (live !== undefined && live.amount === payment.amount) {
    if (payment.status !== 'pending') {
      const known = { provider, providerReference: live.reference };
      await markPending(tx, 'payment', payment.id, known);
    }
    return { call: live, minutes };
  }
  if (payment.status === 'pending') {
    throw new DomainError('payment_not_open', { status: payment.status });
  }
  if (minutes < minMinutesToPay) throw new DomainError('too_late_to_pay_online', {});
  const reference = `SBT-${newId()}`;
  await markPending(tx, 'payment', payment.id, { provider, providerReference: reference });
  const call = await tx.one(
    sql.insertCall,
    buyer.campaign_id,
    reference,
    payment.id,
    participationId,
    'payment',
    provider,
    reference,
    payment.amount,
    minutes,
  );
  return { call, minutes };
}
startOrder.refusals = refusals(
  authorizeOnBuyer,
  assertNotQuarantined,
  'payment_not_due',
  'payment_not_open',
  'unique_codes_exhausted',
  'too_late_to_pay_online',
  'campaign_busy',
);

/**
 * Closes an order that will not be paid; its payment is due again. With `unopened`, does nothing if
 * the page was returned meanwhile. Locks the call, then the campaign.
 */
async function giveUpOrder(tx: Tx, reference: string, reason: string, unopened: boolean) {
  const call = await tx.one(sql.lockCall, reference);
  if (call.status !== 'unknown' && (unopened || call.status !== 'open')) return;
  const entry = await tx.maybe(findByProvider, call.provider, reference);
  if (entry?.status === 'pending') {
    await markFailed(tx, 'payment', entry.transaction_id, reason);
  }
  await tx.one(sql.closeCall, reference, 'not_made');
  await tx.rows(sql.lookAgain, call.campaign_id);
}

/**
 * Applies the provider's status of an order to the ledger; idempotent. The money of an order is
 * counted once, also if its payment is settled or void. Returns whether the status is final.
 */
export async function applyOrder(
  { db }: GatewayDeps,
  call: sql.CallRow,
  status: OrderStatus,
): Promise<boolean> {
  const { campaign_id: campaignId, participation_id: participationId, reference } = call;
  if (status.outcome === 'paid') {
    await runInTransaction(db, async (tx) => {
      await tx.one(sql.lockCall, reference);
      await receiveMoney(tx, systemActor, `${call.provider}:${reference}`, {
        campaignId,
        participationId,
        amount: status.amount,
        reference: status.providerName,
        paidAt: paidAtOf(call, status),
      });
      await tx.one(sql.closeCall, reference, 'made');
    });
    return true;
  }
  // The page was never returned, or nobody started to pay in time.
  const unused = status.outcome === 'absent' && (call.status === 'unknown' || call.is_over);
  if (status.outcome !== 'not_made' && !unused) return false;
  await runInTransaction(db, async (tx) => {
    const isRetryable = status.outcome === 'absent' && !call.is_over;
    await giveUpOrder(tx, reference, status.outcome, isRetryable);
    tx.noteChanged(campaignId);
  });
  return true;
}
applyOrder.refusals = refusals(assertNotQuarantined, 'campaign_busy');

/**
 * Returns the time of payment. If the provider does not report it, the end of the order is used:
 * the order cannot be paid later.
 */
function paidAtOf({ payable_until: until }: sql.CallRow, { paidAt }: OrderStatus): Date | null {
  return paidAt ?? until;
}

/**
 * Marks a refund as pending with the provider. Returns undefined if another process did so.
 * Refuses: installation_held, movement_not_found, movement_transition_not_allowed.
 */
export async function startRefund(
  db: Database,
  provider: string,
  refund: sql.RefundToSendRow,
): Promise<sql.CallRow | undefined> {
  const { campaign_id, transaction_id, participation_id, order_reference, amount } = refund;
  const reference = `SBT-R-${transaction_id}`;
  return await runInTransaction(db, async (tx) => {
    // Insert first: of two processes only one sends the refund, and a failed refund is not sent
    // again.
    const call = await tx.maybe(
      sql.insertCall,
      campaign_id,
      reference,
      transaction_id,
      participation_id,
      'refund',
      provider,
      order_reference,
      amount,
      1_440,
    );
    if (call === undefined) return undefined;
    await markPending(tx, 'refund', transaction_id, { provider, providerReference: reference });
    return call;
  });
}

/**
 * Closes the call of a refund that an operator marked as failed, so that it is not sent or checked
 * again. Returns whether the call is closed.
 */
export async function closeWithdrawnRefund(
  { db }: GatewayDeps,
  call: sql.CallRow,
): Promise<boolean> {
  return await runInTransaction(db, async (tx) => {
    const { status } = await tx.one(sql.lockCall, call.reference);
    if (status === 'made' || status === 'not_made') return true;
    const entry = await tx.maybe(findByProvider, call.provider, call.reference);
    if (entry?.status === 'pending') return false;
    await tx.one(sql.closeCall, call.reference, 'not_made');
    return true;
  });
}

/**
 * Records that the provider made a refund. Returns true if it was also made by hand: the duplicate
 * is booked as an overpaid refund. Refuses: installation_held.
 */
export async function recordRefundMade({ db }: GatewayDeps, call: sql.CallRow): Promise<boolean> {
  const isDuplicate = await runInTransaction(db, async (tx) => {
    const { status } = await tx.one(sql.lockCall, call.reference);
    if (status === 'made') return false;
    await assertNotQuarantined(tx);
    const { reference, provider, transaction_id } = call;
    const { is_duplicate } = await tx.one(
      refundByProvider,
      transaction_id,
      provider,
      reference,
      systemActor,
    );
    await tx.one(sql.closeCall, reference, 'made');
    tx.noteChanged(call.campaign_id);
    return is_duplicate;
  });
  return isDuplicate;
}

/** Logs that a refund was made by hand and by the provider. */
export function reportDuplicateRefund(log: Log, { reference, transaction_id }: sql.CallRow): void {
  log.error({ reference, transaction_id }, 'A REFUND WAS MADE TWICE: by hand as well');
}

/** Records that the provider refused a refund; an operator has to make it. */
export async function recordRefundRefused(
  { db }: GatewayDeps,
  call: sql.CallRow,
  reason: string,
): Promise<void> {
  await runInTransaction(db, async (tx) => {
    const { status } = await tx.one(sql.lockCall, call.reference);
    if (status === 'made' || status === 'not_made') return;
    await tx.one(failRefund, call.transaction_id, reason, systemActor);
    await tx.one(sql.closeCall, call.reference, 'not_made');
  });
}

/**
 * Handles a notification: asks the provider for the status, and applies that. Idempotent;
 * notifications about unknown orders are ignored. Returns the refunds that were also made by hand.
 */
export async function handleNotification(
  parts: GatewayDeps,
  body: unknown,
): Promise<readonly sql.CallRow[]> {
  const { db } = parts;
  const gateway = requireGateway(parts);
  const reference = gateway.readNotification(body);
  if (reference === undefined) throw new DomainError('notification_not_genuine', {});
  const call = await db.maybe(sql.findCall, reference);
  if (call?.kind !== 'payment') return [];
  const { campaign_id } = call;
  const refunds = await db.rows(sql.refundsNotMade, campaign_id, reference);
  if (call.status === 'made' && refunds.length === 0) return [];
  const status = await gateway.orderStatus(reference);
  if (status.outcome === 'unknown') {
    await runInTransaction(db, (tx) => tx.rows(sql.hastenCall, reference));
    throw new DomainError('gateway_unavailable', {});
  }
  if (call.status !== 'made') await applyOrder(parts, call, status);
  const duplicates: sql.CallRow[] = [];
  for (const refund of refunds.filter((one) => status.refunds.includes(one.reference))) {
    if (await recordRefundMade(parts, refund)) duplicates.push(refund);
  }
  return duplicates;
}
handleNotification.refusals = refusals(
  requireGateway,
  applyOrder,
  'notification_not_genuine',
  'gateway_unavailable',
);
