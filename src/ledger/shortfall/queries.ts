import { query } from '../../database/query.ts';

export const declareShortfall = query<
  [campaignId: string, slots: number, reason: string, actor: string],
  { readonly refunds: bigint }
>('declare_shortfall', 'select sambatan.declare_shortfall($1, $2, $3, $4) as refunds', {
  changes: 1,
});

/**
 * The number of slots that are to be delivered now, and the minimum and maximum that can remain
 * after a shortfall.
 */
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
  /** The participation's position in the order in which slots are kept. */
  readonly place: bigint;
  readonly participation_id: string;
  readonly user_id: string;
  readonly keeps: number;
  readonly loses: number;
  /** The refund in whole rupiah. */
  readonly refund: bigint;
  readonly display_name: string | null;
}

/**
 * Query for a page of the slots that each buyer would keep and lose. It is in reverse order of
 * `place`, so buyers who lose slots come first.
 */
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
  /** The number of participations that keep all slots, and the number of those that lose slots. */
  readonly unaffected: bigint;
  readonly affected: bigint;
  readonly refunds: bigint;
  /** The sum of the refunds in whole rupiah. */
  readonly amount: bigint;
  /** The value of the delivered slots for the seller in whole rupiah, after the fee. */
  readonly payout: bigint;
}

export const sumShares = query<[campaignId: string, slots: number], SharesSum>(
  'sum_shares',
  `select s.*, worth.gross - sambatan.platform_fee(worth.gross, worth.basis_points) as payout
  from (
    select count(*) filter (where loses = 0) as unaffected, count(*) filter (where loses > 0) as affected,
      count(*) filter (where refund > 0) as refunds,
      coalesce(sum(refund), 0)::bigint as amount
    from sambatan.shares_of_shortfall($1, $2)) s
  cross join (
    select $2 * price_per_slot as gross, platform_fee_basis_points as basis_points
    from sambatan.campaigns where campaign_id = $1) worth`,
);
