import { query } from '../database/query.ts';
import type { LedgerEntryStatus } from './queries.ts';

export interface RefundRow {
  readonly campaign_id: string;
  readonly transaction_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly status: LedgerEntryStatus;
  readonly amount: bigint;
  readonly attempts: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
  readonly position: bigint;
}

export const position = '(extract(epoch from t.created_at) * 1000000)::bigint as position';

const refund = (movements: string) => `select t.campaign_id, t.transaction_id, t.participation_id,
    p.user_id, t.status, t.amount, t.attempts, t.reason, t.reference, t.created_at, t.settled_at,
    a.bank, a.number, a.holder, ${position}
  from ${movements} t
  join sambatan.orders p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id
  left join sambatan.refund_accounts a on a.user_id = p.user_id`;

/** Refunds `t` whose money is not kept for the waiting list: they may be sent. */
export const isNotKept = (t: string) =>
  `(${t}.paid_in_time is null or not sambatan.is_kept(${t}.campaign_id, ${t}.transaction_id))`;

/** Of refunds that are due, those that no provider sends by itself: all of them without one. */
export const leftToPeople = (provider: `$${number}`) =>
  `(${provider}::text is null or t.attempts > 0
    or sambatan.order_to_refund(t, ${provider}) is null)`;

/**
 * A page of refunds that people are to make, the oldest first; only the failed ones, or all. What
 * came through the provider goes back through it, and is not made by hand as well.
 */
export const listRefunds = query<
  [
    failedOnly: boolean,
    after: number | null,
    afterId: string | null,
    limit: number,
    provider: string | null,
  ],
  RefundRow
>(
  'list_refunds',
  `${refund('sambatan.transactions')}
  where t.kind = 'refund' and t.status = 'due' and (not $1 or t.attempts > 0)
    and ${isNotKept('t')} and ${leftToPeople('$5')}
    and (t.created_at, t.transaction_id) > (
      timestamptz 'epoch' + coalesce($2::bigint, 0) * interval '1 microsecond',
      coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
  order by t.created_at, t.transaction_id limit $4`,
);

/** A page of refunds whose money is kept for the waiting list, in order of when it was paid. */
export const listKeptRefunds = query<
  [after: number | null, afterId: string | null, limit: number],
  RefundRow
>(
  'list_kept_refunds',
  `${refund('sambatan.transactions')}
  join sambatan.waiting_entries w on w.campaign_id = t.campaign_id
    and w.refund_id = t.transaction_id and w.status = 'waiting'
  where t.kind = 'refund' and t.status = 'due' and t.paid_in_time is not null
    and (t.created_at, t.transaction_id) > (
      timestamptz 'epoch' + coalesce($1::bigint, 0) * interval '1 microsecond',
      coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
  order by t.created_at, t.transaction_id limit $3`,
);

export const settleRefunds = query<
  [transactionIds: string[], reference: string, actor: string],
  RefundRow
>('settle_refunds', refund("sambatan.settle_movements($1, 'refund', $2, $3)"), { changes: 'rows' });

export const findRefund = query<[campaignId: string, transactionId: string], RefundRow>(
  'find_refund',
  `${refund('sambatan.transactions')} where t.campaign_id = $1 and t.transaction_id = $2`,
);

export const failRefund = query<[transactionId: string, reason: string, actor: string], RefundRow>(
  'fail_refund',
  refund('sambatan.fail_refund($1, $2, $3)'),
  { changes: 'rows' },
);

/** Gives the refund that is due in place of the one that came back. */
export const reverseRefund = query<
  [transactionId: string, reason: string, actor: string],
  RefundRow
>('reverse_refund', refund("sambatan.reverse_movement($1, 'refund', $2, $3)"), { changes: 'rows' });

export interface PayoutRow {
  readonly campaign_id: string;
  readonly brand_id: string;
  readonly title: string;
  readonly transaction_id: string;
  readonly status: LedgerEntryStatus;
  readonly amount: bigint;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly created_at: Date;
  readonly released_at: Date | null;
  readonly settled_at: Date | null;
  readonly is_disputed: boolean;
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
  readonly position: bigint;
}

const payout = (movements: string) => `select t.campaign_id, c.brand_id, c.title,
    t.transaction_id, t.status, t.amount, t.reason, t.reference, t.created_at, t.released_at,
    t.settled_at, exists (select from sambatan.disputes d
      where d.campaign_id = t.campaign_id and d.resolved_at is null) as is_disputed,
    a.bank, a.number, a.holder, ${position}
  from ${movements} t
  join sambatan.campaigns c on c.campaign_id = t.campaign_id
  left join sambatan.payout_accounts a on a.brand_id = c.brand_id`;

/** A page of payouts that are to be made, the oldest first; only those that may leave, or all. */
export const listPayouts = query<
  [releasedOnly: boolean, after: number | null, afterId: string | null, limit: number],
  PayoutRow
>(
  'list_payouts',
  `${payout('sambatan.transactions')}
  where t.kind = 'payout' and t.status = 'due' and (not $1 or t.released_at is not null)
    and (t.created_at, t.transaction_id) > (
      timestamptz 'epoch' + coalesce($2::bigint, 0) * interval '1 microsecond',
      coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
  order by t.created_at, t.transaction_id limit $4`,
);

/** A page of the payouts to a brand, newest first: due, on their way and settled. */
export const listPayoutsOfBrand = query<
  [brandId: string, before: number | null, beforeId: string | null, limit: number],
  PayoutRow
>(
  'list_payouts_of_brand',
  `${payout('sambatan.transactions')}
  where c.brand_id = $1 and t.kind = 'payout' and t.status in ('due', 'pending', 'settled')
    and ($2::bigint is null or (t.created_at, t.transaction_id) <
      (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::uuid))
  order by t.created_at desc, t.transaction_id desc limit $4`,
);

/** What of a payout the seller of its campaign is shown. */
export type CampaignPayoutRow = Pick<
  PayoutRow,
  | 'transaction_id'
  | 'status'
  | 'amount'
  | 'reference'
  | 'created_at'
  | 'released_at'
  | 'settled_at'
  | 'is_disputed'
>;

export const releasePayout = query<[transactionId: string, actor: string], PayoutRow>(
  'release_payout',
  payout('sambatan.release_payout($1, $2)'),
  { changes: 'rows' },
);

export const settlePayout = query<
  [transactionId: string, reference: string, actor: string],
  PayoutRow
>('settle_payout', payout("sambatan.settle_movement($1, 'payout', $2, $3)"), { changes: 'rows' });

/** Gives the payout that is due in place of the one that came back. */
export const reversePayout = query<
  [transactionId: string, reason: string, actor: string],
  PayoutRow
>('reverse_payout', payout("sambatan.reverse_movement($1, 'payout', $2, $3)"), { changes: 'rows' });

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

const movementColumns = `campaign_id, transaction_id, kind, status, participation_id, amount,
    unique_code, attempts, provider, provider_reference`;

export const markPending = query<
  [transactionId: string, kind: LedgerEntryKind, provider: string, providerReference: string],
  LedgerEntryRow
>('send_movement', `select ${movementColumns} from sambatan.send_movement($1, $2, $3, $4)`);

export const markFailed = query<
  [transactionId: string, kind: LedgerEntryKind, reason: string],
  LedgerEntryRow
>('recall_movement', `select ${movementColumns} from sambatan.recall_movement($1, $2, $3)`);

export const findByProvider = query<[provider: string, providerReference: string], LedgerEntryRow>(
  'find_by_provider',
  `select ${movementColumns} from sambatan.transactions
  where provider = $1 and provider_reference = $2`,
);

/** What of a refund its buyer is shown. */
export type OwnRefundRow = Pick<
  RefundRow,
  'transaction_id' | 'status' | 'amount' | 'attempts' | 'reference' | 'created_at' | 'settled_at'
> & {
  /** Whether its buyer may choose the head of the waiting list instead. */
  readonly may_wait: boolean;
  /** The entry of the waiting list that its money is kept for. */
  readonly kept_for: string | null;
};

/** What goes back, or went back, to the buyer of one participation, the newest first. */
export const refundsOfParticipation = query<
  [campaignId: string, participationId: string],
  OwnRefundRow
>(
  'refunds_of_participation',
  `select t.transaction_id, t.status, t.amount, t.attempts, t.reference, t.created_at,
    t.settled_at, w.entry_id as kept_for,
    case when t.paid_in_time is null or w.entry_id is not null then false
      else sambatan.why_no_choice(t.campaign_id, t.transaction_id) is null end as may_wait
  from sambatan.transactions t
  left join sambatan.waiting_entries w on w.campaign_id = t.campaign_id
    and w.refund_id = t.transaction_id and w.status = 'waiting'
  where t.campaign_id = $1 and t.participation_id = $2 and t.kind = 'refund'
    and t.status in ('due', 'pending', 'settled')
  order by t.created_at desc, t.transaction_id desc`,
);
