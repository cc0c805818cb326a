import { query } from '../database/query.ts';

/** A stored checkpoint. */
export interface CheckpointRow {
  readonly campaign_id: string;
  readonly size: bigint;
  /** The extension lines, each with its newline. */
  readonly lines: string;
  readonly root: Buffer;
  readonly signature: Buffer;
  readonly signed_at: Date;
  readonly number: bigint;
  readonly key_number: number;
}

const columns = `campaign_id, size, lines, root, signature, signed_at, number, key_number`;

/** The newest checkpoint of a campaign. More extension lines sort after fewer. */
export const newestCheckpoint = query<[campaignId: string], CheckpointRow>(
  'newest_log_checkpoint',
  `select ${columns} from sambatan.log_checkpoints
  where campaign_id = $1 order by size desc, lines desc limit 1`,
);

/** The newest checkpoint of a campaign with this number of records. */
export const checkpointOfSize = query<[campaignId: string, size: bigint], CheckpointRow>(
  'log_checkpoint_of_size',
  `select ${columns} from sambatan.log_checkpoints
  where campaign_id = $1 and size = $2 order by lines desc limit 1`,
);

/** Checkpoints of all campaigns from a number on, in the order in which they were signed. */
export const checkpointsFrom = query<[number: bigint, limit: number], CheckpointRow>(
  'log_checkpoints_from',
  `select ${columns} from sambatan.log_checkpoints where number >= $1 order by number limit $2`,
);

/** Checkpoints of one campaign after a size, smallest first. */
export const checkpointsOfCampaign = query<
  [campaignId: string, afterSize: bigint, limit: number],
  CheckpointRow
>(
  'log_checkpoints_of_campaign',
  `select ${columns} from sambatan.log_checkpoints
  where campaign_id = $1 and size > $2 order by size, lines limit $3`,
);

/** The names of keys, and their ids. */
export const namesOfKeys = query<
  [numbers: number[]],
  { readonly number: number; readonly name: string; readonly key_id: Buffer }
>(
  'names_of_log_keys',
  'select number, name, key_id from sambatan.log_keys where number = any ($1)',
);

/** The number of records in the newest checkpoint of a published campaign; 0 if there is none. */
export const signedSize = query<[campaignId: string], { readonly size: bigint }>(
  'signed_log_size',
  `select coalesce(t.size, 0) as size
  from sambatan.campaign_details d
  left join sambatan.log_trees t on t.campaign_id = d.campaign_id
  where d.campaign_id = $1 and d.status <> 'draft'`,
);

/** The first hashes of a tile, concatenated; null if it has none. */
export const readTile = query<
  [campaignId: string, level: number, number: bigint, width: number],
  { readonly hashes: Buffer | null }
>('read_log_tile', 'select sambatan.log_tile($1, $2, $3, $4) as hashes');

/** The first records of a tile, each with its length before it; null if it has none. */
export const readEntries = query<
  [campaignId: string, number: bigint, width: number],
  { readonly entries: Buffer | null }
>('read_log_entries', 'select sambatan.log_entries($1, $2, $3) as entries');
