/** The statuses of a ledger entry, as `sambatan.transaction_status` has them. */
export const ledgerEntryStatuses = [
  'due',
  'proof_submitted',
  'rejected',
  'pending',
  'settled',
  'void',
] as const;
export type LedgerEntryStatus = (typeof ledgerEntryStatuses)[number];
