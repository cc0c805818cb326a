/** The statuses of a ledger entry; the same as in the SQL type `sambatan.transaction_status`. */
export const ledgerEntryStatuses = [
  'due',
  'proof_submitted',
  'rejected',
  'pending',
  'settled',
  'void',
] as const;
export type LedgerEntryStatus = (typeof ledgerEntryStatuses)[number];
