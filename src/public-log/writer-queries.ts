import { query } from '../database/query.ts';

/** What a pass of the writer needs to know first. */
export interface WriterRow {
  /** The number of the next checkpoint. */
  readonly next_number: bigint;
  readonly now: Date;
  readonly newest_key: number | null;
  readonly current_key: number | null;
  /** False if the database was restored with other programs, and nobody has noticed yet. */
  readonly is_installed: boolean;
}

/** Locks the mutex of the writer. Returns no row while another worker has it. */
export const tryLockWriter = query<[], WriterRow>(
  'try_lock_log_writer',
  `select next_number, clock_timestamp() as now,
    (select max(number) from sambatan.log_keys) as newest_key,
    (select max(number) from sambatan.log_keys where signs_from is not null) as current_key,
    (select count(*) from sambatan.installation) > 0 as is_installed
  from sambatan.log_writer for update skip locked`,
);

/** Ends a pass: stores the number of the next checkpoint, and what is still to be done. */
export const endPass = query<
  [nextNumber: bigint, oldestPendingAt: Date | null, broken: number],
  never
>(
  'end_log_pass',
  `update sambatan.log_writer set next_number = $1, oldest_pending_at = $2,
    broken_campaigns = $3, passed_at = clock_timestamp()
  where is_the_one`,
);

/** The restores of this database, oldest first. */
export const listRestores = query<[], { readonly restored_at: Date; readonly backup_at: Date }>(
  'list_log_restores',
  'select restored_at, backup_at from sambatan.log_restores order by restored_at',
);

/** The tree of a campaign, and the number of its events. */
export interface TreeRow {
  readonly campaign_id: string;
  readonly created_at: Date;
  readonly audit_seq: bigint;
  readonly size: bigint;
  readonly subtrees: Buffer | null;
}

/** Of these campaigns, those whose newest checkpoint does not cover all events. */
export const changedTrees = query<[campaignIds: string[]], TreeRow>(
  'changed_log_trees',
  `select s.campaign_id, d.created_at, s.audit_seq, coalesce(t.size, 0) as size, t.subtrees
  from sambatan.campaign_states s
  join sambatan.campaign_details d on d.campaign_id = s.campaign_id
  left join sambatan.log_trees t on t.campaign_id = s.campaign_id
  where s.campaign_id = any ($1) and (s.audit_seq <> coalesce(t.size, 0) or t.is_outdated)`,
);

export interface LeavesRow {
  readonly campaign_id: string;
  /** The leaf hashes, concatenated in order. */
  readonly leaves: Buffer;
  readonly records: bigint;
  readonly oldest: Date;
  readonly newest: Date;
}

/** The leaf hashes of campaigns after `sizes` up to `targets`. */
export const readLeaves = query<
  [campaignIds: string[], sizes: bigint[], targets: bigint[]],
  LeavesRow
>('log_leaves', 'select * from sambatan.log_leaves($1, $2, $3)');

export const insertTiles = query<
  [campaignIds: string[], levels: number[], numbers: bigint[], roots: Buffer[]],
  never
>('insert_log_tiles', 'select sambatan.insert_log_tiles($1, $2, $3, $4)', { writes: true });

export const saveTrees = query<[campaignIds: string[], sizes: bigint[], subtrees: Buffer[]], never>(
  'save_log_trees',
  `insert into sambatan.log_trees (campaign_id, size, subtrees)
  select * from unnest($1::uuid[], $2::bigint[], $3::bytea[])
  on conflict (campaign_id) do update set size = excluded.size, subtrees = excluded.subtrees,
    is_outdated = false`,
);

export const insertCheckpoints = query<
  [
    campaignIds: string[],
    sizes: bigint[],
    lines: string[],
    roots: Buffer[],
    signatures: Buffer[],
    keyNumber: number,
    signedAt: Date,
    firstNumber: bigint,
  ],
  never
>(
  'insert_log_checkpoints',
  `insert into sambatan.log_checkpoints
    (campaign_id, size, lines, root, signature, key_number, signed_at, number)
  select w.campaign_id, w.size, w.lines, w.root, w.signature, $6::integer, $7::timestamptz,
    $8::bigint + w.position - 1
  from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::bytea[])
    with ordinality as w (campaign_id, size, lines, root, signature, position)`,
);

/**
 * One query of a sweep over all campaigns. It returns the last id that it checked, and the campaigns
 * whose newest checkpoint does not cover all events.
 */
export const uncoveredCampaigns = query<
  [after: string | null, limit: number],
  { readonly last: string | null; readonly checked: number; readonly behind: string[] }
>(
  'uncovered_campaigns',
  `with step as materialized (
    select campaign_id, audit_seq from sambatan.campaign_states
    where campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
    order by campaign_id limit $2),
  -- Each tree belongs to a campaign, so these include all trees of the campaigns above.
  trees as materialized (
    select campaign_id, size, is_outdated from sambatan.log_trees
    where campaign_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
    order by campaign_id limit $2)
  select (select campaign_id from step order by campaign_id desc limit 1) as last,
    count(*)::integer as checked,
    coalesce(array_agg(s.campaign_id)
      filter (where s.audit_seq <> coalesce(t.size, 0) or t.is_outdated), '{}') as behind
  from step s
  left join trees t on t.campaign_id = s.campaign_id`,
);
