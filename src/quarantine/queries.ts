import { query } from '../database/query.ts';

/** Returns whether this database is quarantined. */
export const isQuarantined = query<[], { readonly quarantined: boolean }>(
  'is_quarantined',
  'select sambatan.is_quarantined() as quarantined',
);

export interface QuarantineRow {
  readonly quarantined: boolean;
  readonly quarantined_since: Date | null;
  readonly quarantine_reason: string | null;
}

/**
 * The quarantine, with its time and reason. A database that was restored by hand has neither of
 * them.
 */
export const findQuarantine = query<[], QuarantineRow>(
  'find_quarantine',
  `select sambatan.is_quarantined() as quarantined, i.quarantined_since, i.quarantine_reason
  from (values (true)) here (is_the_one) left join sambatan.installation i using (is_the_one)`,
);

/**
 * Notices that the database was restored with other programs, and makes every checkpoint of the
 * public log mention it. Returns false if that is not so, or was noticed before.
 */
export const noteRestoreByHand = query<[], { readonly noted: boolean }>(
  'note_restore_by_hand',
  'select sambatan.note_restore_by_hand() as noted',
  { writes: true },
);

/** Ends the quarantine. Returns no row if the database was not quarantined. */
export const release = query<[], { readonly installation_id: string }>(
  'release_installation',
  `insert into sambatan.installation as i (released_at) values (clock_timestamp())
  on conflict (is_the_one) do update set quarantined_since = null, quarantine_reason = null,
    released_at = excluded.released_at
  where i.quarantined_since is not null
  returning installation_id`,
);

export const beginBackup = query<[backupId: string, migrations: string], never>(
  'begin_backup',
  'insert into sambatan.backups (backup_id, migrations) values ($1, $2::text::jsonb)',
);

export const finishBackup = query<
  [backupId: string, bytes: number, sha256: string],
  { readonly finished_at: Date }
>(
  'finish_backup',
  `update sambatan.backups set finished_at = clock_timestamp(), bytes = $2, sha256 = $3
  where backup_id = $1 returning finished_at`,
);

export const forgetBackup = query<[backupId: string], never>(
  'delete_backup',
  'delete from sambatan.backups where backup_id = $1 and finished_at is null',
);

export interface AppliedMigration {
  readonly version: string;
  readonly name: string | null;
  readonly sha256: string;
}

/**
 * The migrations of the service that this database has. Other tools may have recorded further
 * migrations.
 */
export const appliedMigrations = query<[], AppliedMigration>(
  'applied_migrations',
  `select m.version, m.name, c.sha256
  from supabase_migrations.schema_migrations m
  join supabase_migrations.sambatan_checksums c using (version) order by m.version`,
);

/** The server's version in the form of `server_version_num`: 170010 is 17.10. */
export const serverVersion = query<[], { readonly version: number }>(
  'server_version',
  "select current_setting('server_version_num')::integer as version",
);

/** The number of other connections of the service and its workers to this database. */
export const connectedServices = query<[], { readonly connected: number }>(
  'connected_services',
  `select count(*)::integer as connected from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and application_name in ('sambatan', 'sambatan listen')`,
);

/** The database schemas that a restore replaces. */
export const ownSchemas = query<[], { readonly name: string }>(
  'own_schemas',
  `select nspname::text as name from pg_namespace
  where nspname = 'sambatan' or nspname like 'sambatan\\_%'`,
);

export const schemaIsThere = query<[], { readonly there: boolean }>(
  'schema_is_there',
  "select to_regclass('sambatan.backups') is not null as there",
);

/** Returns whether the database contains data that a restore would delete. */
export const marketIsThere = query<[], { readonly there: boolean }>(
  'market_is_there',
  `select exists (select from sambatan.campaigns) or exists (select from sambatan.brands)
    or exists (select from sambatan.profiles) as there`,
);

/**
 * The backup from which this database was restored. In the restored data this backup is not
 * finished, because the data were copied before its end.
 */
export const restoredBackup = query<[], { readonly begun_at: Date }>(
  'restored_backup',
  'select max(started_at) as begun_at from sambatan.backups where finished_at is null',
);
