import type { Tx } from '../../database/transaction.ts';
import { assertNotQuarantined } from '../../quarantine/operations.ts';
import * as sql from './pending-queries.ts';

/**
 * What a payment gateway needs of the ledger. A movement has one call of a provider at a time, under
 * a name of ours that never changes (`providerReference`), and is `pending` from before the call
 * until it is known what came of it: a call whose answer was lost is asked after by that name.
 *
 * 1. `sendMovement` in a transaction, committed; then the call.
 * 2. When it was made: `receiveMoney` of payments.ts for a payment, with the receipt
 *    `<provider>:<name>`; `settleRefunds` or `settlePayout` of movements.ts.
 * 3. When it was not, and will not be: `recallMovement`, or `failRefund` of movements.ts.
 * 4. What stays pending, the reconciliation asks after (`claimCalls` of gateway/queries.ts).
 */

export interface ProviderCall {
  /** Such as `midtrans`. */
  readonly provider: string;
  /** Our name for this call at the provider; no two movements share one. */
  readonly providerReference: string;
}

/**
 * The movement is with a provider; the same call again changes nothing. Refuses: movement_not_found,
 * movement_transition_not_allowed, and for a payout payout_not_released and payout_disputed,
 * installation_held.
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
 * The provider has not made the movement and will not: it is due again, and may be sent under
 * another name. Refuses: movement_not_found, movement_transition_not_allowed.
 */
export async function markFailed(
  tx: Tx,
  kind: sql.LedgerEntryKind,
  id: string,
  reason: string,
): Promise<sql.LedgerEntryRow> {
  return await tx.one(sql.markFailed, id, kind, reason);
}
