import Type from 'typebox';
import { Id, Rupiah, Timestamp, choice, nullable } from '../../http/schemas.ts';
import { BankAccountSchema } from '../bank-accounts/schemas.ts';
import { ledgerEntryStatuses } from './entry.ts';

/** The fields that refunds and payouts have in common. */
export const entryFields = {
  id: Id,
  campaign_id: Id,
  status: choice(ledgerEntryStatuses),
  amount: Rupiah,
  reason: nullable(Type.String()),
  reference: nullable(Type.String()),
  created_at: Timestamp,
  settled_at: nullable(Timestamp),
  account: nullable(BankAccountSchema),
};
