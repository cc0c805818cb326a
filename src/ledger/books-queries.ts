import { query } from '../database/query.ts';
import type { LedgerEntryStatus } from './queries.ts';

export interface BooksRow {
  readonly gross: bigint;
  readonly fee: bigint;
  readonly paid: bigint;
  readonly unique_codes: bigint;
  readonly credits: bigint;
  readonly returned: bigint;
  readonly payouts_returned: bigint;
  readonly receivable: bigint;
  readonly codes_kept: bigint;
  readonly refunds_due: bigint;
  readonly refunds_settled: bigint;
  readonly payouts_due: bigint;
  readonly payouts_settled: bigint;
  readonly held: bigint;
  readonly owed_back: bigint;
  readonly lost: bigint;
}

export const campaignBooks = query<[campaignId: string], BooksRow>(
  'campaign_books',
  'select * from sambatan.campaign_books($1)',
);

export const declareShortfall = query<
  [campaignId: string, slots: number, reason: string, actor: string],
  { readonly refunds: bigint }
>('declare_shortfall', 'select sambatan.declare_shortfall($1, $2, $3, $4) as refunds', {
  changes: 1,
});

/** A payout of a campaign; everything is null where there is none. */
export interface PayoutOrNoneRow {
  readonly transaction_id: string | null;
  readonly status: LedgerEntryStatus | null;
  readonly amount: bigint | null;
  readonly reference: string | null;
  readonly created_at: Date | null;
  readonly released_at: Date | null;
  readonly settled_at: Date | null;
  readonly is_disputed: boolean;
}

/**
 * The books of a campaign with each payout that goes on, or went on, to its seller, the oldest
 * first; one row without a payout where there is none. One statement, so that the payouts are those
 * of the books.
 */
export const statementOfCampaign = query<[campaignId: string], BooksRow & PayoutOrNoneRow>(
  'statement_of_campaign',
  `select b.*, t.transaction_id, t.status, t.amount, t.reference, t.created_at, t.released_at,
    t.settled_at, exists (select from sambatan.disputes d
      where d.campaign_id = $1 and d.resolved_at is null) as is_disputed
  from sambatan.campaign_books($1) b
  left join sambatan.transactions t on t.campaign_id = $1 and t.kind = 'payout'
    and t.status in ('due', 'pending', 'settled')
  order by t.created_at, t.transaction_id`,
);

/** How many slots are to be delivered by now, and the fewest and most that a shortfall can leave. */
export interface ShortfallRange {
  readonly delivered: bigint;
  readonly minimum: bigint;
  readonly maximum: bigint;
}

export const rangeOfShortfall = query<[campaignId: string], ShortfallRange>(
  'range_of_shortfall',
  'select delivered, minimum, maximum from sambatan.range_of_shortfall($1)',
);

export interface ShareRow {
  /** In the order in which slots are given. */
  readonly place: bigint;
  readonly participation_id: string;
  readonly user_id: string;
  readonly keeps: number;
  readonly loses: number;
  /** Whole rupiah. */
  readonly refund: bigint;
  readonly display_name: string | null;
}

/** A page of who would keep and lose how many slots, from the end of the order. */
export const listShares = query<
  [campaignId: string, slots: number, before: number | null, limit: number],
  ShareRow
>(
  'list_shares',
  `select s.*, n.display_name from (
    select place, participation_id, user_id, keeps, loses, refund
    from sambatan.shares_of_shortfall($1, $2)
    where $3::bigint is null or place < $3 order by place desc limit $4) s
  left join sambatan.profiles n on n.user_id = s.user_id
  order by s.place desc`,
);

export interface SharesSum {
  /** Participations that keep everything, and those that lose slots. */
  readonly unhurt: bigint;
  readonly hurt: bigint;
  readonly refunds: bigint;
  /** Whole rupiah that are due back. */
  readonly amount: bigint;
  /** Whole rupiah that the delivered slots are worth to the seller, after the fee. */
  readonly payout: bigint;
}

export const sumShares = query<[campaignId: string, slots: number], SharesSum>(
  'sum_shares',
  `select s.*, worth.gross - sambatan.platform_fee(worth.gross, worth.basis_points) as payout
  from (
    select count(*) filter (where loses = 0) as unhurt, count(*) filter (where loses > 0) as hurt,
      count(*) filter (where refund > 0) as refunds,
      coalesce(sum(refund), 0)::bigint as amount
    from sambatan.shares_of_shortfall($1, $2)) s
  cross join (
    select $2 * price_per_slot as gross, platform_fee_basis_points as basis_points
    from sambatan.campaigns where campaign_id = $1) worth`,
);
