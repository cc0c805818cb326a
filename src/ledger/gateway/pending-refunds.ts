import type { Tx } from '../../database/transaction.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import * as sql from './pending-queries.ts';

/**
 * Pending ledger entries. An entry has one provider call at a time, with a constant reference
 * (`providerReference`). It is `pending` from before the call until the result is known, so that
 * the reconciliation can ask for the result of a call whose response was lost. Order:
 * `markPending`, commit, call the provider. On success `receiveMoney` (payment) or the settlement
 * of the refund or payout; on failure `markFailed` or `failRefund`.
 */

export interface ProviderCall {
  /** For example `midtrans`. */
  readonly provider: string;
  /** Our reference of this call at the provider; unique per ledger entry. */
  readonly providerReference: string;
}

/**
 * Marks a ledger entry as pending with a provider; idempotent. Refuses: movement_not_found,
 * movement_transition_not_allowed, installation_held, and for a payout payout_not_released and
 * payout_disputed.
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
 * Marks a pending ledger entry as failed: it is due again, and may be sent under another reference.
 * Refuses: movement_not_found, movement_transition_not_allowed.
 */
export async function markFailed(
  tx: Tx,
  kind: sql.LedgerEntryKind,
  id: string,
  reason: string,
): Promise<sql.LedgerEntryRow> {
  return await tx.one(sql.markFailed, id, kind, reason);
}
