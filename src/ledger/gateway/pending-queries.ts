import { query } from '../../database/query.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';

export type LedgerEntryKind = 'payment' | 'refund' | 'payout';

export interface LedgerEntryRow {
  readonly campaign_id: string;
  readonly transaction_id: string;
  readonly kind: LedgerEntryKind | 'adjustment';
  readonly status: LedgerEntryStatus;
  readonly participation_id: string | null;
  readonly amount: bigint;
  readonly unique_code: number;
  readonly attempts: number;
  readonly provider: string | null;
  readonly provider_reference: string | null;
}

const entryColumns = `campaign_id, transaction_id, kind, status, participation_id, amount,
    unique_code, attempts, provider, provider_reference`;

export const markPending = query<
  [transactionId: string, kind: LedgerEntryKind, provider: string, providerReference: string],
  LedgerEntryRow
>('mark_pending', `select ${entryColumns} from sambatan.mark_pending($1, $2, $3, $4)`, {
  writes: true,
});

export const markFailed = query<
  [transactionId: string, kind: LedgerEntryKind, reason: string],
  LedgerEntryRow
>('mark_failed', `select ${entryColumns} from sambatan.mark_failed($1, $2, $3)`, {
  writes: true,
});

export const findByProvider = query<[provider: string, providerReference: string], LedgerEntryRow>(
  'find_by_provider',
  `select ${entryColumns} from sambatan.transactions
  where provider = $1 and provider_reference = $2`,
);
