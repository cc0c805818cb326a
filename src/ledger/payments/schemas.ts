import Type from 'typebox';
import { fileHeaders } from '../../http/download-headers.ts';
import { Id, Rupiah, Timestamp, choice, closed, nullable } from '../../http/schemas.ts';
import { BankAccountSchema } from '../bank-accounts/schemas.ts';
import { ledgerEntryStatuses } from '../entries/entry.ts';
import type { Proof } from './proofs.ts';

/**
 * Returns the response headers of a proof: the browser shows a picture inline and downloads a PDF.
 */
export function proofHeaders(participationId: string, type: Proof['contentType']) {
  const isShown = type === 'image/webp';
  return fileHeaders({
    name: `bukti-${participationId}.${isShown ? 'webp' : 'pdf'}`,
    type,
    isShown,
  });
}

export const PaymentSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    status: choice(ledgerEntryStatuses),
    amount: Rupiah,
    unique_code: Type.Integer({
      description: 'Rupiah that make the total unique; after settlement, the paid part of them',
    }),
    total: Rupiah,
    pay_by: nullable(Timestamp),
    account: nullable(BankAccountSchema),
    reason: nullable(Type.String()),
    has_proof: Type.Boolean(),
    proof: nullable(
      closed({
        content_type: choice(['image/webp', 'application/pdf']),
        bytes: Type.Integer({ minimum: 1 }),
        sent_at: Timestamp,
      }),
    ),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
    paid_at: nullable(
      Type.Unsafe<Date>({ ...Timestamp, description: 'Time of the payment, if known' }),
    ),
    paid_on: nullable(
      Type.String({
        description: 'The day of the transfer in Asia/Jakarta, if only the day is known',
      }),
    ),
  },
  { title: 'Payment' },
);

export const ReceivedSchema = closed(
  {
    campaign_id: Id,
    participation_id: Id,
    outcome: choice(['settled', 'given', 'credited', 'known']),
  },
  {
    title: 'ReceivedMoney',
    description:
      'settled: it paid the participation; given: a lapsed hold got its slots back as another participation; credited: a refund is due; known: it was counted before',
  },
);
