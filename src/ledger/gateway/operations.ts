import type { Payment } from '../payments/payment.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import type { Log } from '../../database/log.ts';
import type { Database } from '../../database/pool.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import { systemActor, type Actor } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { retryRead, runInTransaction } from '../../operation/run.ts';
import { refundByProvider } from '../overpaid-refunds/queries.ts';
import { failRefund } from '../refunds/queries.ts';
import { findByProvider } from './pending-queries.ts';
import { receiveMoney, viewPayment } from '../payments/operations.ts';
import { markFailed, markPending } from './pending-refunds.ts';
import { lockPaymentsOf } from '../payments/queries.ts';
import type { Gateway, OrderStatus } from './port.ts';
import * as sql from './queries.ts';

/** What a call of the provider needs; `gateway` is undefined where none is configured. */
export interface GatewayDeps {
  readonly db: Database;
  readonly gateway: Gateway | undefined;
}

/**
 * Where a buyer pays online. The payment is with the provider from now on, under one order: who
 * asks again gets the same page. Refuses: participation_not_found, forbidden, gateway_off,
 * payment_not_due, unique_codes_exhausted, payment_not_open,
 * too_late_to_pay_online, installation_held, gateway_refused, gateway_unavailable.
 */
export async function payOnline(
  parts: GatewayDeps,
  actor: Actor,
  participationId: string,
): Promise<string> {
  const { db } = parts;
  await retryRead(() => authorizeOnBuyer(db, actor, 'payment.prove', participationId));
  const gateway = requireGateway(parts);
  // Committed before the provider is called: a call whose answer is lost is known of.
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
  // Closed meanwhile: nobody may get its page, another order takes its place.
  if (opened?.status !== 'open' || opened.redirect_url === null) {
    throw new DomainError('gateway_unavailable', {});
  }
  return opened.redirect_url;
}

/** The page on which a payment that is with the provider is paid; undefined while there is none. */
export async function pageToPay(
  db: Queryable,
  payment: Pick<Payment, 'campaign_id' | 'id' | 'status'>,
): Promise<string | undefined> {
  if (payment.status !== 'pending') return undefined;
  const live = await db.maybe(sql.findLiveCall, payment.campaign_id, payment.id);
  return live?.redirect_url ?? undefined;
}

/** The gateway; refuses with gateway_off where there is none. */
export function requireGateway({ gateway }: GatewayDeps): Gateway {
  if (gateway === undefined) throw new DomainError('gateway_off', {});
  return gateway;
}

/** What a buyer needs to pay on the provider's page; an order with less time is not made. */
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
  // One that can be paid still, also when a proof took the payment from it: no second one beside it.
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

/**
 * An order was not paid, and will not be: its payment is due again. `unopened` only: not when its
 * page was handed out meanwhile. Locks the call, then the campaign.
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
 * Brings the ledger to what the provider says of an order, however often it is said. Money is
 * counted by its order, once; also when the payment that it was for is settled or owed no more.
 * Gives whether it is known for good. Refuses: installation_held.
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
  // An order whose page nobody was given, or that nobody began to pay in time.
  const unused = status.outcome === 'absent' && (call.status === 'unknown' || call.is_over);
  if (status.outcome !== 'not_made' && !unused) return false;
  await runInTransaction(db, async (tx) => {
    const isRetryable = status.outcome === 'absent' && !call.is_over;
    await giveUpOrder(tx, reference, status.outcome, isRetryable);
    tx.noteChanged(campaignId);
  });
  return true;
}

/**
 * When an order was paid. A provider that does not say so took it before the order's end, after which
 * it could not be paid.
 */
function paidAtOf({ payable_until: until }: sql.CallRow, { paidAt }: OrderStatus): Date | null {
  return paidAt ?? until;
}

/**
 * Marks a refund as with the provider. Gives undefined when somebody else has done so. Refuses:
 * installation_held, movement_not_found, movement_transition_not_allowed.
 */
export async function startRefund(
  db: Database,
  provider: string,
  refund: sql.RefundToSendRow,
): Promise<sql.CallRow | undefined> {
  const { campaign_id, transaction_id, participation_id, order_reference, amount } = refund;
  const reference = `SBT-R-${transaction_id}`;
  return await runInTransaction(db, async (tx) => {
    // First, so that of two who would send it one does, and no refund that failed is sent again.
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
 * Whether a refund is with the provider no more, because a person said that it was not made: it is
 * not sent again, nor asked after.
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
 * The provider has made the refund. Gives true when it was made by hand as well: what went out twice
 * is booked, and owed back by its buyer. Refuses: installation_held.
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

/** Says in the log that a refund was made by hand and by the provider. */
export function reportDuplicateRefund(log: Log, { reference, transaction_id }: sql.CallRow): void {
  log.error({ reference, transaction_id }, 'A REFUND WAS MADE TWICE: by hand as well');
}

/** The provider has not made the refund, and will not: a person makes it. */
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
 * A notification came: it is believed only after the provider was asked, and changes nothing that
 * is known. One about an order that is not ours is nobody's business here. Gives the refunds that
 * turned out to have been made by hand as well. Refuses: gateway_off, notification_not_genuine,
 * gateway_unavailable, installation_held.
 */
export async function handleNotification(
  parts: GatewayDeps,
  body: unknown,
): Promise<readonly sql.CallRow[]> {
  const { db } = parts;
  const gateway = requireGateway(parts);
  const reference = gateway.readNotification(body);
  if (reference === undefined) throw new DomainError('notification_not_genuine', {});
  const call = await retryRead(() => db.maybe(sql.findCall, reference));
  if (call?.kind !== 'payment') return [];
  const { campaign_id } = call;
  const refunds = await retryRead(() => db.rows(sql.refundsNotMade, campaign_id, reference));
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
