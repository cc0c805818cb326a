import { query } from '../database/query.ts';

/** The money of a campaign in whole rupiah: paid + receivable = payout + fee + refunds + kept. */
export interface Sums {
  readonly paid: bigint;
  readonly receivable: bigint;
  readonly payout: bigint;
  readonly fee: bigint;
  readonly refunds: bigint;
  readonly kept: bigint;
}

/**
 * Marks a campaign whose money may have changed, if one of its payouts was released. `seq` is the
 * number of the last event that was handled.
 */
export const markSumsDue = query<[campaignId: string, seq: bigint], never>(
  'mark_sums_due',
  `insert into sambatan.log_sums_due (campaign_id, seq)
  select $1::uuid, $2::bigint
  where exists (select 1 from sambatan.transactions
    where campaign_id = $1 and kind = 'payout' and released_at is not null)
  on conflict (campaign_id) do update set seq = excluded.seq`,
);

/** The campaigns whose sums are due, at most `limit` of them. */
export const listSumsDue = query<[limit: number], { readonly campaign_id: string }>(
  'list_sums_due',
  'select campaign_id from sambatan.log_sums_due order by campaign_id limit $1',
);

/** Locks the mark of a campaign. No row when another process has locked or removed it. */
export const lockSumsDue = query<[campaignId: string], { readonly campaign_id: string }>(
  'lock_sums_due',
  `select campaign_id from sambatan.log_sums_due where campaign_id = $1
  for update skip locked`,
);

export const removeSumsDue = query<[campaignId: string], never>(
  'remove_sums_due',
  'delete from sambatan.log_sums_due where campaign_id = $1',
);

/** The money of a campaign and the leaves of its sum tree, in one snapshot of the database. */
export interface SumSnapshot extends Sums {
  /** The number of the campaign's events. */
  readonly seq: bigint;
  /** True while the campaign is being closed: its money is then between two states. */
  readonly is_closing: boolean;
  /** The orders of the leaves, their hashes as hex text, and what their buyers paid. */
  readonly orders: string[];
  readonly hashes: string[];
  readonly amounts: bigint[];
  /** Which leaves are new or changed since the newest sum checkpoint. */
  readonly changes: boolean[];
}

export const readSums = query<[campaignId: string], SumSnapshot>(
  'read_sums',
  `with c as materialized (
    select audit_seq, closing_outcome from sambatan.campaigns where campaign_id = $1)
  select c.audit_seq as seq, c.closing_outcome is not null as is_closing,
    b.paid, b.receivable, b.payout, b.fee, b.refunds, b.kept,
    l.orders, l.hashes, l.amounts, l.changes
  from c
  cross join sambatan.campaign_sums($1) b
  cross join (
    select coalesce(array_agg(order_id), '{}') as orders,
      coalesce(array_agg(encode(hash, 'hex')), '{}') as hashes,
      coalesce(array_agg(paid), '{}') as amounts,
      coalesce(array_agg(is_changed), '{}') as changes
    from sambatan.campaign_sum_leaves($1)) l`,
);

/** A published sum checkpoint. */
export interface PublishedSums extends Sums {
  readonly version: number;
  readonly root_hash: Buffer;
  /** The signed note. */
  readonly checkpoint: string;
}

const columns = `version, root_hash, checkpoint, paid, receivable, payout, fee, refunds, kept`;

export const newestSums = query<[campaignId: string], PublishedSums>(
  'newest_sums',
  `select ${columns} from sambatan.log_sums
  where campaign_id = $1 order by version desc limit 1`,
);

/** Stores a sum checkpoint. */
export const insertSums = query<
  [
    campaignId: string,
    version: number,
    seq: bigint,
    rootHash: Buffer,
    paid: bigint,
    receivable: bigint,
    payout: bigint,
    fee: bigint,
    refunds: bigint,
    kept: bigint,
    checkpoint: string,
  ],
  never
>(
  'insert_sums',
  `insert into sambatan.log_sums (campaign_id, version, seq, root_hash, paid, receivable, payout,
    fee, refunds, kept, checkpoint)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
);

/** Stores the leaves that are new or changed in a version. */
export const insertSumLeaves = query<
  [campaignId: string, version: number, orders: string[], hashes: string[], amounts: bigint[]],
  never
>(
  'insert_sum_leaves',
  `insert into sambatan.log_sum_leaves (campaign_id, version, order_id, hash, paid)
  select $1, $2, o.order_id, decode(o.hash, 'hex'), o.paid
  from unnest($3::uuid[], $4::text[], $5::bigint[]) as o (order_id, hash, paid)`,
);

/** The leaves of a sum tree: their hashes as hex text, and what their buyers paid. */
export const sumLeaves = query<
  [campaignId: string, version: number],
  { readonly hashes: string[]; readonly amounts: bigint[] }
>(
  'sum_leaves',
  `select coalesce(array_agg(encode(hash, 'hex')), '{}') as hashes,
    coalesce(array_agg(paid), '{}') as amounts
  from (select distinct on (order_id) hash, paid from sambatan.log_sum_leaves
    where campaign_id = $1 and version <= $2 order by order_id, version desc) l`,
);
