import { query } from '../../database/query.ts';
import { isAfterCursor, positionColumn } from '../entries/cursor.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';
import type { Proof } from './proofs.ts';

/**
 * Query for the buyer and the brand of a participation, or of an offer made after success, for
 * authorization.
 */
export const findBuyer = query<
  [participationId: string],
  {
    readonly campaign_id: string;
    readonly participation_id: string;
    readonly user_id: string;
    readonly brand_id: string;
  }
>(
  'find_buyer',
  `select campaign_id, participation_id, user_id, brand_id
  from sambatan.orders join sambatan.campaigns using (campaign_id)
  where participation_id = $1`,
);

export interface PaymentRow {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly transaction_id: string;
  readonly status: LedgerEntryStatus;
  /** The amount in whole rupiah, without the unique code. */
  readonly amount: bigint;
  /**
   * The unique code; after settlement, the part of the unique code that was paid. Payments through
   * the provider do not include a unique code.
   */
  readonly unique_code: number;
  readonly pay_by: Date | null;
  /** The time of payment, or only the day in Asia/Jakarta (YYYY-MM-DD) if the time is unknown. */
  readonly paid_at: Date | null;
  readonly paid_on: string | null;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
  readonly has_proof: boolean;
  /** Data of the latest proof; all three columns are null if there is none. */
  readonly proof_type: Proof['contentType'] | null;
  readonly proof_bytes: number | null;
  readonly proof_sent_at: Date | null;
  /** The position for the cursor: the creation time or due time in microseconds since 1970. */
  readonly position: bigint;
}

const payment = (
  entries: string,
  position = 't.created_at',
) => `select t.campaign_id, t.participation_id,
    t.transaction_id, t.status, t.amount,
    case when t.status = 'settled' then t.surcharge::integer else t.unique_code end as unique_code,
    case when t.status = 'pending' then least(t.pay_by, (
        select min(g.payable_until) from sambatan.gateway_calls g
        where g.campaign_id = t.campaign_id and g.transaction_id = t.transaction_id
          and g.status in ('unknown', 'open'))) else t.pay_by end as pay_by,
    t.paid_at, t.paid_on::text as paid_on, t.reason, t.reference, t.created_at, t.settled_at, a.bank, a.number, a.holder,
    f.participation_id is not null as has_proof, f.content_type as proof_type,
    octet_length(f.content) as proof_bytes, f.uploaded_at as proof_sent_at,
    ${positionColumn(position)}
  from ${entries} t
  left join sambatan.receiving_accounts a on a.account_id = t.account_id
  left join sambatan.payment_proofs f
    on f.campaign_id = t.campaign_id and f.participation_id = t.participation_id`;

/**
 * Returns the payment of a participation, and creates it if necessary. Returns no row if nothing is
 * to be paid.
 */
export const openPayment = query<
  [campaignId: string, participationId: string, paysOnline: boolean],
  PaymentRow
>(
  'open_payment',
  `${payment('sambatan.open_payment($1, $2, $3)')}
  where t.transaction_id is not null`,
  { writes: true },
);

export const findPayment = query<[campaignId: string, participationId: string], PaymentRow>(
  'find_payment',
  `${payment('sambatan.transactions')}
  where t.campaign_id = $1 and t.cause = 'payment:' || $2::uuid`,
);

/** Query for a page of payments with one open status, the oldest first. */
export const listPayments = query<
  [status: LedgerEntryStatus, after: number | null, afterId: string | null, limit: number],
  PaymentRow
>(
  'list_payments',
  `${payment('sambatan.transactions')}
  where t.kind = 'payment' and t.status = $1
    and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
    and ${isAfterCursor('t.created_at', 't.transaction_id', ['$2', '$3'])}
  order by t.created_at, t.transaction_id limit $4`,
);

/** Query for a page of overdue payments of confirmed or fulfilled orders, longest overdue first. */
export const listOverduePayments = query<
  [after: number | null, afterId: string | null, limit: number],
  PaymentRow
>(
  'list_overdue_payments',
  `${payment('sambatan.transactions', 't.pay_by')}
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id
  where t.kind = 'payment' and t.status in ('due', 'rejected') and t.pay_by < now()
    and p.status in ('confirmed', 'fulfilled')
    and ${isAfterCursor('t.pay_by', 't.transaction_id', ['$1', '$2'])}
  order by t.pay_by, t.transaction_id limit $3`,
);

export const submitProof = query<
  [
    campaignId: string,
    participationId: string,
    contentType: string,
    content: Buffer,
    actor: string,
  ],
  { readonly status: LedgerEntryStatus }
>('submit_proof', 'select status from sambatan.submit_proof($1, $2, $3, $4, $5)', { changes: 1 });

export const findProof = query<
  [campaignId: string, participationId: string],
  {
    readonly content_type: Proof['contentType'];
    readonly content: Buffer;
    readonly uploaded_at: Date;
  }
>(
  'find_proof',
  `select content_type, content, uploaded_at from sambatan.payment_proofs
  where campaign_id = $1 and participation_id = $2`,
);

/** The outcome of received money, and the participation that got the slots. */
export interface ReceivedRow {
  readonly outcome: 'settled' | 'given' | 'credited' | 'known';
  readonly participation_id: string;
}

/**
 * Verifies a payment manually. The last parameter is the day of the transfer in Asia/Jakarta,
 * YYYY-MM-DD.
 */
export const verifyPayment = query<
  [
    campaignId: string,
    participationId: string,
    amount: bigint | null,
    actor: string,
    reference: string | null,
    paidOn: string | null,
  ],
  ReceivedRow
>(
  'verify_payment',
  'select outcome, participation_id from sambatan.verify_payment($1, $2, $3, $4, $5, $6::text::date)',
  { changes: 1 },
);

/** Records received money. The last parameter is the time of payment; null if it is unknown. */
export const receiveMoney = query<
  [
    campaignId: string,
    participationId: string,
    amount: bigint,
    actor: string,
    reference: string | null,
    receipt: string,
    paidAt: Date | null,
  ],
  ReceivedRow
>(
  'receive_money',
  'select outcome, participation_id from sambatan.receive_money($1, $2, $3, $4, $5, $6, $7)',
  { changes: 1 },
);

export const rejectPayment = query<
  [campaignId: string, participationId: string, reason: string, actor: string],
  { readonly status: LedgerEntryStatus }
>('reject_payment', 'select status from sambatan.reject_payment($1, $2, $3, $4)', { changes: 1 });

export const writeOffPayment = query<
  [campaignId: string, participationId: string, reason: string, actor: string],
  { readonly done: string }
>('write_off_payment', 'select sambatan.write_off_payment($1, $2, $3, $4) as done', { changes: 1 });

/**
 * Query for holds that lapse before a given time, earliest first, starting at a cursor; for
 * reminders. Holds that a proof of payment has stopped are not included.
 */
export const holdsAboutToLapse = query<
  [until: Date, after: Date | null, afterId: string | null, limit: number],
  {
    readonly campaign_id: string;
    readonly participation_id: string;
    readonly user_id: string;
    readonly quantity: number;
    readonly hold_expires_at: Date;
  }
>(
  'holds_about_to_lapse',
  `select campaign_id, participation_id, user_id, quantity, hold_expires_at
  from sambatan.participants
  where status = 'pending_payment' and hold_expires_at is not null and hold_expires_at < $1
    and (hold_expires_at, participation_id) > (coalesce($2, timestamptz 'epoch'),
      coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
  order by hold_expires_at, participation_id limit $4`,
);

/**
 * Locks the campaign before a payment is created and changed. All writers lock the campaign first;
 * a transaction that locked the payment first could deadlock with them. The lock has the same
 * strength as other writers' locks. A stronger lock would have to wait for a transaction that is
 * viewing the payment, while that transaction waits for this lock.
 */
export const lockPaymentsOf = query<[campaignId: string], { readonly campaign_id: string }>(
  'lock_payments_of_campaign',
  'select campaign_id from sambatan.campaigns where campaign_id = $1 for no key update',
);
