import Type from 'typebox';
import { cursorAfter } from '../http/cursor.ts';
import { csvType, fileHeaders } from '../http/download-headers.ts';
import { spreadsheetType } from '../exports/spreadsheet.ts';
import {
  accountNumberPattern,
  closed,
  Id,
  nameText,
  nullable,
  choice,
  Rupiah,
  Timestamp,
} from '../http/schemas.ts';
import type { OverpaidRefundRow } from './overpaid-refunds/queries.ts';
import type { DisputeRow } from './disputes/queries.ts';
import type { OwnRefundRow, PayoutRow, RefundRow } from './movement-queries.ts';
import type { Place } from './movements.ts';
import type { Proof } from './payments/proofs.ts';
import type { OwnAccountRow, ReceivingAccountRow } from './queries.ts';

export const ledgerEntryStatuses = [
  'due',
  'proof_submitted',
  'rejected',
  'pending',
  'settled',
  'void',
] as const;

/** A bank account as it is sent. */
export const bankFields = {
  bank: nameText(2, 40),
  number: Type.String({ minLength: 5, maxLength: 40, pattern: accountNumberPattern }),
  holder: nameText(2, 80),
};
/** What says of the refunds that are to be made that they are a file. */
export const refundsFileHeaders = {
  csv: fileHeaders({ name: 'pengembalian.csv', type: csvType }),
  xlsx: fileHeaders({ name: 'pengembalian.xlsx', type: spreadsheetType }),
};

/** What says of a proof of payment what file it is: a picture to look at, a PDF to save. */
export function proofHeaders(participationId: string, type: Proof['contentType']) {
  const isShown = type === 'image/webp';
  return fileHeaders({
    name: `bukti-${participationId}.${isShown ? 'webp' : 'pdf'}`,
    type,
    isShown,
  });
}

/** How many slots of a completed campaign can be delivered. */
export const slotsDelivered = Type.Integer({ minimum: 0, maximum: 1_000_000 });

const bankAccount = { bank: Type.String(), number: Type.String(), holder: Type.String() };
const BankAccountSchema = closed(bankAccount, { title: 'BankAccount' });

export const OwnAccountSchema = closed(
  { ...bankAccount, updated_at: Timestamp },
  { title: 'OwnBankAccount' },
);

export const ReceivingAccountSchema = closed(
  {
    id: Id,
    ...bankAccount,
    is_default: Type.Boolean(),
    is_active: Type.Boolean(),
    statement_through: nullable(
      Type.String({
        description: 'The last day (Asia/Jakarta) of which its statement was imported whole',
      }),
    ),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { title: 'ReceivingAccount' },
);

export const PaymentSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    status: choice(ledgerEntryStatuses),
    amount: Rupiah,
    unique_code: Type.Integer({
      description: 'Rupiah; makes the total one of a kind. Once settled: what was paid of it',
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
      Type.Unsafe<Date>({ ...Timestamp, description: 'When the buyer paid, where that is known' }),
    ),
    paid_on: nullable(
      Type.String({
        description: 'The day of the transfer in Asia/Jakarta, where no more than the day is known',
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
      'settled: the payment; given: a lapsed hold got its slots back, as another participation; credited: a refund is due; known: it was counted before',
  },
);

const movement = {
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

export const RefundSchema = closed(
  {
    ...movement,
    participation_id: Id,
    user_id: Id,
    attempts: Type.Integer({ description: 'How often it failed or came back' }),
  },
  { title: 'Refund' },
);

export const BuyerRefundSchema = closed(
  {
    id: Id,
    status: choice(['due', 'pending', 'settled']),
    amount: Rupiah,
    attempts: Type.Integer({ description: 'How often it failed or came back' }),
    reference: nullable(Type.String()),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
    may_wait: Type.Boolean({
      description: 'Its buyer may choose the head of the waiting list instead',
    }),
    kept_for: nullable(
      Type.Unsafe<string>({
        ...Id,
        description: 'The entry of the waiting list that its money is kept for',
      }),
    ),
  },
  { title: 'BuyerRefund' },
);

export const OverpaidRefundSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    user_id: Id,
    status: choice(['due', 'settled', 'void']),
    amount: Rupiah,
    reason: nullable(Type.String({ description: 'Why it was given up' })),
    reference: nullable(Type.String({ description: 'Of the transfer by which it came back' })),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
  },
  {
    title: 'Claim',
    description: 'What a buyer is to send back, because a refund reached them twice',
  },
);

export const PayoutSchema = closed(
  {
    ...movement,
    brand_id: Id,
    title: Type.String(),
    released_at: nullable(Timestamp),
    is_disputed: Type.Boolean(),
  },
  { title: 'Payout' },
);

export const DisputeSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    reason: Type.String(),
    opened_at: Timestamp,
    resolution: nullable(choice(['upheld', 'dismissed'])),
    explanation: nullable(Type.String()),
    resolved_at: nullable(Timestamp),
    pictures: Type.Integer({
      minimum: 0,
      maximum: 3,
      description: 'How many pictures there are; they are numbered from 1',
    }),
  },
  { title: 'Dispute' },
);

export const BooksSchema = closed(
  {
    gross: Rupiah,
    fee: Rupiah,
    paid: Rupiah,
    unique_codes: Rupiah,
    credits: Rupiah,
    returned: Rupiah,
    payouts_returned: Rupiah,
    receivable: Rupiah,
    codes_kept: Rupiah,
    refunds_due: Rupiah,
    refunds_settled: Rupiah,
    payouts_due: Rupiah,
    payouts_settled: Rupiah,
    held: Rupiah,
    owed_back: Rupiah,
    lost: Rupiah,
  },
  {
    title: 'CampaignBooks',
    description:
      'paid + unique_codes + credits + returned + receivable + owed_back + lost = gross + codes_kept + payouts_returned + refunds_due + refunds_settled; held is what is in hand, owed_back what refunds that were made twice took out of it, lost what of that was given up',
  },
);

/** The place that a cursor of a list by age names; its beginning without one. */
export function placeOf(cursor: string | undefined): Place {
  const [position = null, id = null] = cursorAfter(cursor, ['number', 'id']);
  return [position, id];
}

/** The account of a row that may have none. */
function accountIn(row: {
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
}) {
  const { bank, number, holder } = row;
  return bank !== null && number !== null && holder !== null ? { bank, number, holder } : null;
}

export function receivingAccountOf(row: ReceivingAccountRow) {
  const { account_id: id, ...rest } = row;
  return { id, ...rest };
}

export function ownAccountOf({ bank, number, holder, updated_at }: OwnAccountRow) {
  return { bank, number, holder, updated_at };
}

export function refundOf(row: RefundRow) {
  const { transaction_id: id, bank, number, holder, position: _, ...rest } = row;
  return { id, ...rest, account: accountIn({ bank, number, holder }) };
}

export function buyerRefundOf({ transaction_id: id, status, ...rest }: OwnRefundRow) {
  // The query gives no others.
  return { id, status: status as 'due' | 'pending' | 'settled', ...rest };
}

export function overpaidRefundOf(row: OverpaidRefundRow) {
  const { transaction_id: id, position: _, ...rest } = row;
  return { id, ...rest };
}

export function payoutOf(row: PayoutRow) {
  const { transaction_id: id, bank, number, holder, position: _, ...rest } = row;
  return { id, ...rest, account: accountIn({ bank, number, holder }) };
}

export function disputeOf(row: DisputeRow) {
  const { dispute_id: id, position: _, ...rest } = row;
  return { id, ...rest };
}
