import type { Tx } from '../../database/transaction.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import * as sql from './pending-queries.ts';

/**
 * Pending ledger entries. An entry has at most one provider call at a time, whose reference
 * (`providerReference`) does not change. The entry is `pending` from before the call until the
 * result is known. So if the response is lost, the reconciliation can ask for the result. The order
 * of the steps is: `markPending`, commit, call the provider. After success, `receiveMoney` records
 * a payment, and the settlement records a refund or payout. After failure, call `markFailed` or
 * `failRefund`.
 */

export interface ProviderCall {
  /** The name of the provider, for example `midtrans`. */
  readonly provider: string;
  /** The reference that the service chose for this call; unique per ledger entry. */
  readonly providerReference: string;
}

/**
 * Marks a ledger entry as sent to a provider (pending). Repeating it is safe. Refuses:
 * movement_not_found, movement_transition_not_allowed, installation_held, and for a payout
 * payout_not_released and payout_disputed.
 */
export async function markPending(
  tx: Tx,
  kind: sql.LedgerEntryKind,
  id: string,
  { provider, providerReference }: ProviderCall,
): Promise<sql.LedgerEntryRow> {
  await assertNotQuarantined(tx);
  return await tx.one(sql.markPending, id, kind, provider, providerReference);
}

/**
 * Marks a pending ledger entry as failed: it is due again, and may be sent again with another
 * reference. Refuses: movement_not_found, movement_transition_not_allowed.
 */
export async function markFailed(
  tx: Tx,
  kind: sql.LedgerEntryKind,
  id: string,
  reason: string,
): Promise<sql.LedgerEntryRow> {
  return await tx.one(sql.markFailed, id, kind, reason);
}
