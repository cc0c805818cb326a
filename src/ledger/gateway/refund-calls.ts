import type { Log } from '../../database/log.ts';
import type { Database } from '../../database/pool.ts';
import { systemActor } from '../../identity/actor.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { refundByProvider } from '../overpaid-refunds/queries.ts';
import { failRefund } from '../refunds/queries.ts';
import { findByProvider } from './pending-queries.ts';
import { markPending } from './pending-refunds.ts';
import * as sql from './queries.ts';
import type { GatewayDeps } from './deps.ts';

/**
 * Marks a refund as pending with the provider. Returns undefined if another process did this
 * already. Refuses: installation_held, movement_not_found, movement_transition_not_allowed.
 */
export async function startRefund(
  db: Database,
  provider: string,
  refund: sql.RefundToSendRow,
): Promise<sql.CallRow | undefined> {
  const { campaign_id, transaction_id, participation_id, order_reference, amount } = refund;
  const reference = `SBT-R-${transaction_id}`;
  return await runInTransaction(db, async (tx) => {
    // Insert the call first, so that only one of two processes sends the refund, and a failed
    // refund is not sent again.
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
 * Records that the provider made a refund. Returns true if an operator had also made it: then the
 * duplicate is recorded as an overpaid refund. Refuses: installation_held.
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

/** Logs that both an operator and the provider made a refund. */
export function reportDuplicateRefund(log: Log, { reference, transaction_id }: sql.CallRow): void {
  log.error({ reference, transaction_id }, 'DUPLICATE REFUND: it was also made by hand');
}

/** Records that the provider refused a refund; an operator has to send it. */
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
