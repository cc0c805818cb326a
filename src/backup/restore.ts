import pg from 'pg';
import { recordTables } from '../database/migrate.ts';
import type { Queryable } from '../database/query.ts';
import { formatOf } from './backup-file.ts';
import { inOwnTransaction } from './connection.ts';
import { load } from './load.ts';
import * as sql from '../quarantine/queries.ts';
import { restorePgDump } from './restore-pg-dump.ts';

export interface RestoreOptions {
  readonly url: string;
  readonly db: Queryable;
  readonly file: string;
  /** True: replace the data of a database that is already in use. */
  readonly overwrite?: boolean;
  /** Called with the number of tables loaded so far and the total number. */
  readonly onTable?: (tables: number, all: number) => void;
}

/** The database contains data that would be lost, and `overwrite` is not set. */
export class NotEmpty extends Error {
  constructor() {
    super(
      'the database has a market in it (brands, campaigns or people); with --overwrite it is ' +
        'replaced by the backup, and lost',
    );
    this.name = 'NotEmpty';
  }
}

/**
 * Replaces the service's data by a backup, in one transaction: if anything fails, the database does
 * not change. From the commit on, the restored database is quarantined. Returns when the backup was
 * started. Throws NotEmpty, BackupDamaged, ToolsMissing (for a file of pg_dump), or the server's
 * error.
 */
export async function restore(options: RestoreOptions): Promise<{ begunAt: Date }> {
  const { url, db, file, overwrite = false } = options;
  const format = await formatOf(file);
  const { connected } = await db.one(sql.connectedServices);
  if (connected > 0) {
    throw new Error(
      `${connected} connections of a running service are on this database; stop it first`,
    );
  }
  if (!overwrite && (await hasMarket(db))) throw new NotEmpty();

  const dropSchemas = (await db.rows(sql.ownSchemas))
    .map(({ name }) => `drop schema ${pg.escapeIdentifier(name)} cascade;`)
    .join('\n');
  if (format === 'pg_dump') {
    await restorePgDump({ ...options, before: dropSchemas, after: afterRestore });
  } else {
    await inOwnTransaction(url, 'begin', async (client) => {
      await client.query("select pg_advisory_xact_lock(hashtext('sambatan migrate'))");
      await client.query(dropSchemas);
      await load(client, options);
      await client.query(afterRestore);
    });
  }
  const { begun_at } = await db.one(sql.restoredBackup);
  return { begunAt: begun_at };
}

async function hasMarket(db: Queryable): Promise<boolean> {
  const { there } = await db.one(sql.schemaIsThere);
  return there && (await db.one(sql.marketIsThere)).there;
}

/**
 * Runs at the end of a restore's transaction. Starts the quarantine, makes every checkpoint of the
 * public log mention the restore, and records the backup's migrations. The records of migrations of another application in the same database stay.
 */
const afterRestore = `
  insert into sambatan.installation (quarantined_since, quarantine_reason)
  select clock_timestamp(), 'restored from the backup that was begun at '
    || to_char(max(started_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
  from sambatan.backups where finished_at is null;
  select sambatan.note_restore(max(started_at)) from sambatan.backups where finished_at is null;
  ${recordTables};
  delete from supabase_migrations.schema_migrations
  where version in (select version from supabase_migrations.sambatan_checksums);
  delete from supabase_migrations.sambatan_checksums;
  create temporary table known_to_backup on commit drop as
  select m.* from sambatan.backups,
    jsonb_to_recordset(migrations) as m (version text, name text, sha256 text)
  where finished_at is null
    and started_at = (select max(started_at) from sambatan.backups where finished_at is null);
  insert into supabase_migrations.schema_migrations (version, name)
  select version, name from known_to_backup on conflict (version) do nothing;
  insert into supabase_migrations.sambatan_checksums (version, sha256)
  select version, sha256 from known_to_backup;
  analyze;
`;
