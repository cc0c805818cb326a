import type { Payment } from '../payments/payment.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import { systemActor, type Actor } from '../../identity/actor.ts';
import { newId } from '../../identity/ids.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { findByProvider } from './pending-queries.ts';
import { receiveMoney, viewPayment } from '../payments/operations.ts';
import { markFailed, markPending } from './pending-refunds.ts';
import { lockPaymentsOf } from '../payments/queries.ts';
import type { OrderStatus } from './port.ts';
import * as sql from './queries.ts';
import { type GatewayDeps, requireGateway } from './deps.ts';

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
  // Commit before calling the provider, so that the call is stored even if its response is lost.
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
  // The order was closed meanwhile, and a new order will replace it, so do not return its page.
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

/**
 * Minimum number of minutes to pay on the provider's page. If less time is left, no order is
 * created.
 */
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
  // Reuse an order that can still be paid, even if the buyer has uploaded a proof since then. Never
  // create a second order for the same payment.
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
 * Closes an order that will not be paid; its payment is due again. If `unopened` is true, does
 * nothing if the provider's page was returned meanwhile. Locks the call, then the campaign.
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
 * Applies the provider's status of an order to the ledger. Repeating it is safe. The money of an
 * order is counted once, even if its payment is already settled or void. Returns whether the status
 * is final.
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
  // The provider's page was never returned, or nobody started to pay in time.
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
 * Returns the time of payment. If the provider does not report it, returns the end of the time to
 * pay, because the order cannot be paid later.
 */
function paidAtOf({ payable_until: until }: sql.CallRow, { paidAt }: OrderStatus): Date | null {
  return paidAt ?? until;
}
