import { query } from '../database/query.ts';

/** What the receipt of an order consists of, apart from the checkpoint and the proof. */
export interface ReceiptRow {
  /** The number of the order's record in the log, from 1. */
  readonly seq: bigint;
  /** The first 34 bytes of the public record. */
  readonly record_head: Buffer;
  /** Null after the account was deleted. */
  readonly salt: Buffer | null;
  readonly private_record: Buffer;
}

export const findReceipt = query<[campaignId: string, participationId: string], ReceiptRow>(
  'find_receipt',
  `select l.seq, substring(sambatan.public_record(l.seq, l.occurred_at, l.event, l.slots,
      l.slots_taken, l.total_slots, l.price_per_slot, l.commitment) from 1 for 34) as record_head,
    p.salt, sambatan.private_record(l.participation_id, l.occurred_at, l.actor_kind, l.actor_id,
      l.event, l.metadata) as private_record
  from sambatan.participants p
  join sambatan.audit_logs l on l.campaign_id = $1 and l.seq = p.joined_seq
  where p.campaign_id = $1 and p.participation_id = $2`,
);

/** True while a worker builds the trees of the public log. */
export const isLogWritten = query<[], { readonly is_written: boolean }>(
  'is_log_written',
  `select coalesce(max(passed_at) > clock_timestamp() - interval '15 seconds', false) as is_written
  from sambatan.log_writer`,
);

/** The leaf of an order in a version of the sums, and the salt from which its hash was made. */
export const findSumLeaf = query<
  [campaignId: string, participationId: string, version: number],
  { readonly hash: Buffer; readonly paid: bigint; readonly salt: Buffer | null }
>(
  'find_sum_leaf',
  `select l.hash, l.paid, p.salt
  from sambatan.log_sum_leaves l
  join sambatan.participants p on p.campaign_id = $1 and p.participation_id = $2
  where l.campaign_id = $1 and l.order_id = $2 and l.version <= $3
  order by l.version desc limit 1`,
);
