import { query } from '../../database/query.ts';
import { isAfterCursor, positionColumn } from '../entries/cursor.ts';
import { joinAfter } from '../entries/join-after.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';

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

const payout = (entries: string) => `select t.campaign_id, c.brand_id, c.title,
    t.transaction_id, t.status, t.amount, t.reason, t.reference, t.created_at, t.released_at,
    t.settled_at, exists (select from sambatan.disputes d
      where d.campaign_id = t.campaign_id and d.resolved_at is null) as is_disputed,
    a.bank, a.number, a.holder, ${positionColumn('t.created_at')}
  from ${entries} t
  ${joinAfter('sambatan.campaigns', 'c', 'c.campaign_id = t.campaign_id')}
  left join sambatan.payout_accounts a on a.brand_id = c.brand_id`;

/** Query for a page of due payouts, the oldest first: all of them, or only the released ones. */
export const listPayouts = query<
  [releasedOnly: boolean, after: number | null, afterId: string | null, limit: number],
  PayoutRow
>(
  'list_payouts',
  `${payout('sambatan.transactions')}
  where t.kind = 'payout' and t.status = 'due' and (not $1 or t.released_at is not null)
    and ${isAfterCursor('t.created_at', 't.transaction_id', ['$2', '$3'])}
  order by t.created_at, t.transaction_id limit $4`,
);

/** Query for a page of the payouts to a brand, newest first: due, pending and settled payouts. */
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

/** The fields of a payout that the seller sees. */
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
>('settle_payout', payout("sambatan.settle_ledger_entry($1, 'payout', $2, $3)"), {
  changes: 'rows',
});

/** Reverses a settled payout. Returns the new due payout. */
export const reversePayout = query<
  [transactionId: string, reason: string, actor: string],
  PayoutRow
>('reverse_payout', payout("sambatan.reverse_ledger_entry($1, 'payout', $2, $3)"), {
  changes: 'rows',
});
