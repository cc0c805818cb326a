import { DomainError, refusals } from '../../errors/errors.ts';
import { runInTransaction } from '../../operation/run.ts';
import * as sql from './queries.ts';
import { type GatewayDeps, requireGateway } from './deps.ts';
import { applyOrder } from './orders.ts';
import { recordRefundMade } from './refund-calls.ts';

/**
 * Handles a notification of the provider: asks the provider for the status of the order, and
 * applies that status to the ledger. Repeating it is safe. Notifications about unknown orders are
 * ignored. Returns the refunds that an operator had also made.
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
