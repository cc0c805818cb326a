import { query } from '../../database/query.ts';
import type { KnownLine } from './line-identity.ts';

export const importStates = ['uploaded', 'storing', 'matching', 'done', 'refused'] as const;
export type ImportState = (typeof importStates)[number];

/**
 * A row of a file that is not an incoming transfer, in its stored form; amounts are in whole
 * rupiah.
 */
export interface SkippedRow {
  readonly row: number;
  readonly text: string;
  readonly amount: number;
  readonly sen: number;
  readonly incoming: boolean;
  readonly reason: string;
}

export interface ImportRow {
  readonly import_id: string;
  readonly account_id: string;
  readonly state: ImportState;
  readonly file_name: string;
  /** How the columns of the file are read; a `StoredMapping`. */
  readonly mapping: object;
  /** The last day up to which the file is complete, YYYY-MM-DD, if an operator stated it. */
  readonly stated_through: string | null;
  readonly created_at: Date;
  readonly started_by: string | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly total_lines: number;
  readonly stored_lines: number;
  readonly added_lines: number;
  readonly doubtful_lines: number;
  readonly skipped_lines: number;
  readonly to_match: number;
  readonly matched_lines: number;
  /** The code and the parameters of the error if the import was refused; null otherwise. */
  readonly error: object | null;
}

const columns = `import_id, account_id, state, file_name, mapping,
    stated_through::text as stated_through, created_at, started_by, started_at, finished_at, total_lines,
    stored_lines, added_lines, doubtful_lines, skipped_lines, to_match, matched_lines, error`;

export const insertImport = query<
  [
    importId: string,
    accountId: string,
    fileName: string,
    fileHash: Buffer,
    content: Buffer,
    mapping: string,
    actor: string,
  ],
  ImportRow
>(
  'insert_statement_import',
  `insert into sambatan.statement_imports (import_id, account_id, state, file_name, file_hash,
    content, mapping, created_by, created_at)
  values ($1, $2, 'uploaded', $3, $4, $5, $6::text::jsonb, $7, clock_timestamp())
  returning ${columns}`,
);

export const findImport = query<[importId: string], ImportRow>(
  'find_statement_import',
  `select ${columns} from sambatan.statement_imports where import_id = $1`,
);

/** Query for the file of an unfinished import. */
export const findImportFile = query<
  [importId: string],
  { readonly content: Buffer | null; readonly mapping: object; readonly created_at: Date }
>(
  'find_statement_import_file',
  'select content, mapping, created_at from sambatan.statement_imports where import_id = $1',
);

/** Query for the first skipped rows of an import. */
export const listSkipped = query<
  [importId: string, limit: number],
  { readonly skipped: readonly SkippedRow[] }
>(
  'list_skipped_rows',
  `select coalesce((
    select jsonb_agg(s.value order by s.ordinality)
    from jsonb_array_elements(i.skipped) with ordinality s where s.ordinality <= $2), '[]') as skipped
  from sambatan.statement_imports i where i.import_id = $1`,
);

/** Query for a page of imports, the newest first, starting at a cursor. */
export const listImports = query<
  [before: Date | null, beforeId: string | null, limit: number],
  ImportRow
>(
  'list_statement_imports',
  `select ${columns} from sambatan.statement_imports
  where (created_at, import_id) < (coalesce($1, timestamptz 'infinity'),
    coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  order by created_at desc, import_id desc limit $3`,
);

export const setImportMapping = query<
  [importId: string, mapping: string],
  { readonly import_id: string }
>(
  'set_statement_import_mapping',
  `update sambatan.statement_imports set mapping = $2::text::jsonb
  where import_id = $1 and state = 'uploaded' returning import_id`,
);

/** Starts an uploaded import. Returns no row if it was started before. */
export const startImport = query<
  [
    importId: string,
    mapping: string,
    saidThrough: string | null,
    totalLines: number,
    skippedLines: number,
    skipped: string,
    actor: string,
  ],
  ImportRow
>(
  'start_statement_import',
  `update sambatan.statement_imports set state = 'storing', mapping = $2::text::jsonb,
    stated_through = $3::text::date, total_lines = $4, skipped_lines = $5, skipped = $6::text::jsonb,
    started_by = $7, started_at = clock_timestamp()
  where import_id = $1 and state = 'uploaded' returning ${columns}`,
);

/** An import whose lease this worker holds. */
export interface TakenImportRow extends ImportRow {
  readonly content: Buffer;
}

/**
 * Takes a lease of 30 seconds on an import that no worker has leased: the given import, or the
 * oldest. The imports of one account run in the order in which they were started.
 */
export const takeImport = query<[token: string, importId: string | null], TakenImportRow>(
  'claim_statement_import',
  `update sambatan.statement_imports set lease_token = $1,
    lease_until = clock_timestamp() + interval '30 seconds'
  where import_id = (
    select i.import_id from sambatan.statement_imports i
    where i.state in ('storing', 'matching')
      and (i.lease_until is null or i.lease_until < clock_timestamp())
      and ($2::uuid is null or i.import_id = $2)
      and not exists (select 1 from sambatan.statement_imports o
        where o.account_id = i.account_id and o.state in ('storing', 'matching')
          and (o.started_at, o.import_id) < (i.started_at, i.import_id))
    order by i.started_at, i.import_id limit 1 for update skip locked)
  returning ${columns}, content`,
);

/** Locks an import for one batch if this worker still holds the lease. */
export const lockImport = query<
  [importId: string, token: string],
  Pick<ImportRow, 'state' | 'stored_lines' | 'matched_lines'>
>(
  'lock_statement_import',
  `select state, stored_lines, matched_lines from sambatan.statement_imports
  where import_id = $1 and lease_token = $2 for update`,
);

/** Releases the lease, so that any worker may take the import at once. */
export const releaseImport = query<[importId: string, token: string], never>(
  'release_statement_import',
  `update sambatan.statement_imports set lease_until = null
  where import_id = $1 and lease_token = $2`,
);

/**
 * Query for lines of an account, on the days from `from` to `to`, that other imports stored; in the
 * order of the statement.
 */
export const storedLines = query<
  [accountId: string, from: string, to: string, importId: string],
  KnownLine
>(
  'stored_statement_lines',
  `select line_id, booked_on::text as booked_on, amount, description, reference, balance_sen
  from sambatan.statement_lines
  where account_id = $1 and booked_on between $2::text::date and $3::text::date
    and import_id is distinct from $4::uuid
  order by booked_on, imported_at, position nulls first, line_id`,
);

export const insertLines = query<
  [
    accountId: string,
    importId: string,
    actor: string,
    lineIds: string[],
    positions: number[],
    fingerprints: Buffer[],
    bookedOn: string[],
    bookedAt: (Date | null)[],
    amounts: bigint[],
    descriptions: string[],
    references: (string | null)[],
    balancesSen: (bigint | null)[],
    duplicatesOf: (string | null)[],
  ],
  { readonly line_id: string }
>(
  'insert_statement_lines',
  `insert into sambatan.statement_lines (account_id, import_id, imported_by, imported_at, line_id,
    position, fingerprint, booked_on, booked_at, amount, description, reference, balance_sen,
    duplicate_of)
  select $1, $2, $3, clock_timestamp(), u.line_id, u.position, u.fingerprint, u.booked_on::date,
    u.booked_at, u.amount, u.description, u.reference, u.balance_sen, u.duplicate_of
  from unnest($4::uuid[], $5::integer[], $6::bytea[], $7::text[], $8::timestamptz[], $9::bigint[],
    $10::text[], $11::text[], $12::bigint[], $13::uuid[])
    as u (line_id, position, fingerprint, booked_on, booked_at, amount, description, reference,
      balance_sen, duplicate_of)
  returning line_id`,
);

/** Stores the progress after a batch of lines was stored, and renews the lease. */
export const noteStored = query<
  [importId: string, storedLines: number, added: number, doubtful: number, state: ImportState],
  never
>(
  'note_stored_lines',
  `update sambatan.statement_imports set stored_lines = $2, added_lines = added_lines + $3,
    doubtful_lines = doubtful_lines + $4, state = $5,
    lease_until = clock_timestamp() + interval '30 seconds'
  where import_id = $1`,
);

/** Stores the progress of matching. */
export const noteMatched = query<[importId: string, matched: number, toMatch: number], never>(
  'note_matched_lines',
  `update sambatan.statement_imports set matched_lines = matched_lines + $2,
    to_match = greatest(to_match, $3, matched_lines + $2),
    lease_until = clock_timestamp() + interval '30 seconds'
  where import_id = $1`,
);

export const finishImport = query<[importId: string], ImportRow>(
  'finish_statement_import',
  `update sambatan.statement_imports set state = 'done', content = null,
    finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where import_id = $1 and state = 'matching' returning ${columns}`,
);

export const refuseImport = query<[importId: string, error: string], never>(
  'refuse_statement_import',
  `update sambatan.statement_imports set state = 'refused', content = null, error = $2::text::jsonb,
    finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where import_id = $1 and state = 'storing' and stored_lines = 0`,
);

/**
 * Moves the last day up to which the account's statement is completely imported. The day does not
 * change if days before the first day of this file are missing, and it never moves to an earlier
 * day. Returns the campaigns whose outcome may be decided now.
 */
export const noteThrough = query<
  [accountId: string, from: string | null, through: string],
  { readonly campaign_id: string }
>(
  'note_statement_through',
  `select i.campaign_id from sambatan.receiving_accounts a
  cross join lateral sambatan.statement_imported($1, $3::text::date) i (campaign_id)
  where a.account_id = $1 and coalesce($2::text::date <= a.statement_through + 1, true)`,
  { changes: 'rows' },
);

/** Deletes uploaded files that nobody imported within a day, with their rows. */
export const forgetUploads = query<[], never>(
  'delete_statement_uploads',
  `delete from sambatan.statement_imports
  where state = 'uploaded' and created_at < clock_timestamp() - interval '1 day'`,
);

export const findMapping = query<[accountId: string], { readonly mapping: object }>(
  'find_statement_mapping',
  'select mapping from sambatan.statement_mappings where account_id = $1',
);

export const putMapping = query<[accountId: string, mapping: string, actor: string], never>(
  'put_statement_mapping',
  `insert into sambatan.statement_mappings (account_id, mapping, saved_by, saved_at)
  values ($1, $2::text::jsonb, $3, clock_timestamp())
  on conflict (account_id) do update set mapping = excluded.mapping, saved_by = excluded.saved_by,
    saved_at = excluded.saved_at`,
);

export const deleteMapping = query<[accountId: string], never>(
  'delete_statement_mapping',
  'delete from sambatan.statement_mappings where account_id = $1',
);
