import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { recordTables } from '../database/migrate.ts';
import type { Queryable } from '../database/query.ts';
import { contentsOf, majorVersion } from './backup.ts';
import * as sql from './queries.ts';
import { findTools, programTarget, run, runPsql } from './tools.ts';

export interface RestoreOptions {
  readonly url: string;
  readonly db: Queryable;
  readonly file: string;
  /** Replaces a market that is there. */
  readonly overwrite?: boolean;
  /** Told how many tables have been read so far, of how many. */
  readonly onTable?: (tables: number, all: number) => void;
}

/** What would be lost is there: whoever means it says so. */
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
 * Puts a backup in the place of what the database has of Sambatan, in one transaction: at any other
 * end than a good one the database is as before. Messages and money are held from its first moment.
 * Gives when the backup was begun. Throws NotEmpty, ToolsMissing, or what went wrong.
 */
export async function restore(options: RestoreOptions): Promise<{ begunAt: Date }> {
  const { url, db, file, overwrite = false } = options;
  const tools = findTools(await majorVersion(db));
  const contents = await contentsOf(tools, file);
  const { connected } = await db.one(sql.connectedServices);
  if (connected > 0) {
    throw new Error(
      `${connected} connections of a running service are on this database; stop it first`,
    );
  }
  if (!overwrite && (await hasMarket(db))) throw new NotEmpty();

  const place = await mkdtemp(join(tmpdir(), 'sambatan-restore-'));
  const { name, password } = programTarget(url);
  const ownSchemas = await db.rows(sql.ownSchemas);
  try {
    const list = join(place, 'contents');
    // Rights that a new table would get name the owner of the old database; ours come with tables.
    const wanted = contents.filter((line) => !line.includes(' DEFAULT ACL '));
    await writeFile(list, wanted.join('\n'));
    const args = ['--no-psqlrc', '--quiet', '--single-transaction', '--set=ON_ERROR_STOP=1'];
    const read = counted(options.onTable, wanted);
    await runPsql(
      { tools, args: [...args, '--file=-', `--dbname=${name}`], password },
      async (input) => {
        input.write('set statement_timeout = 0; set lock_timeout = 0;\n');
        for (const { name: schema } of ownSchemas) {
          input.write(`drop schema ${pg.escapeIdentifier(schema)} cascade;\n`);
        }
        await run({
          tools,
          program: 'pg_restore',
          args: ['--no-owner', '--verbose', `--use-list=${list}`, '--file=-', file],
          onLine: read,
          into: input,
        });
        if (!input.write(afterwards)) await once(input, 'drain');
      },
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  const { begun_at } = await db.one(sql.restoredBackup);
  return { begunAt: begun_at };
}

async function hasMarket(db: Queryable): Promise<boolean> {
  const { there } = await db.one(sql.schemaIsThere);
  return there && (await db.one(sql.marketIsThere)).there;
}

function counted(onTable: RestoreOptions['onTable'], contents: readonly string[]) {
  const all = contents.filter((line) => line.includes(' TABLE DATA ')).length;
  let tables = 0;
  return (line: string): void => {
    if (/processing data for table/.test(line)) onTable?.(++tables, all);
  };
}

/**
 * In the restore's own transaction: the hold, and which migrations the backup knew. A marketplace's
 * own records of migrations are left as they are.
 */
const afterwards = `
  insert into sambatan.installation (held_since, held_reason)
  select clock_timestamp(), 'restored from the backup that was begun at '
    || to_char(max(started_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
  from sambatan.backups where finished_at is null;
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
