import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Log } from './log.ts';
import { driverUrl } from './session.ts';

export interface MigrateOptions {
  readonly log: Log;
  /** The directory of the migrations; the default is the project's supabase/migrations. */
  readonly directory?: string;
}

/** One migration file. */
export interface Migration {
  /** The time stamp of fourteen digits in the file name. It determines the order. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text in hex. Line ends are normalized first. */
  readonly checksum: string;
}

/**
 * Error: the text of a migration was changed after the migration was applied, so it is possible
 * that the database schema does not match the text.
 */
export class EditedMigration extends Error {
  constructor({ version, name }: Migration) {
    super(
      `the migration ${version}_${name}.sql was applied to this database and edited since; ` +
        'put its old text back and write a new migration for the change',
    );
    this.name = 'EditedMigration';
  }
}

const migrationsDirectory = join(import.meta.dirname, '../../supabase/migrations');

/**
 * Applies all missing migrations in order, each in its own transaction, and returns their versions.
 * Several processes may call this at the same time: one of them applies each migration, and all
 * return when all migrations are applied.
 *
 * Applied migrations are recorded in the same table as the Supabase CLI uses, and migrations that
 * the CLI has applied count as applied. An additional table contains the checksums. Migrations that
 * the database has and this directory does not have were applied by a newer version of the service;
 * they are ignored. Throws EditedMigration, or the server's error with the file name added at the
 * beginning.
 */
export async function migrate(
  url: string,
  { log, directory = migrationsDirectory }: MigrateOptions,
): Promise<{ applied: string[] }> {
  const migrations = readMigrations(directory);
  const client = new pg.Client({
    connectionString: driverUrl(url),
    application_name: 'sambatan migrate',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // When the connection is lost, the running statement fails and reports the error. Without this
  // listener, the event `error` would also end the process.
  client.on('error', (error) => log.debug({ err: error }, 'the connection was lost'));
  await client.connect();
  try {
    const recorded = await readRecorded(client);
    const applied: string[] = [];
    for (const migration of migrations) {
      if (isRecorded(recorded, migration) && recorded.get(migration.version) !== null) continue;
      if (await applyOne(client, migration)) {
        applied.push(migration.version);
        log.info({ version: migration.version, name: migration.name }, 'migration applied');
      }
    }
    return { applied };
  } finally {
    await client.end();
  }
}

/**
 * Returns the migrations of a directory in order. Throws when a file name has no valid time stamp.
 */
export function readMigrations(directory: string = migrationsDirectory): Migration[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.sql'));
  const migrations = files.sort().map((file) => {
    const [, version, name] = /^(\d{14})_([\w-]+)\.sql$/.exec(file) ?? [];
    if (version === undefined || name === undefined) {
      throw new Error(`${file} is not named YYYYMMDDHHMMSS_name.sql`);
    }
    const sql = readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n');
    return { version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
  const twice = migrations.find(({ version }, index) => migrations[index + 1]?.version === version);
  if (twice !== undefined) throw new Error(`two migrations have the version ${twice.version}`);
  return migrations;
}

/**
 * The checksums of applied migrations by version. The checksum is null if another tool applied the
 * migration.
 */
type Recorded = ReadonlyMap<string, string | null>;

function isRecorded(recorded: Recorded, migration: Migration): boolean {
  const checksum = recorded.get(migration.version);
  if (typeof checksum === 'string' && checksum !== migration.checksum) {
    throw new EditedMigration(migration);
  }
  return checksum !== undefined;
}

async function readRecorded(client: pg.Client): Promise<Recorded> {
  const { rows } = await client.query<{ known: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null
        and to_regclass('supabase_migrations.sambatan_checksums') is not null as known`,
  );
  if (rows[0]?.known !== true) return new Map();
  const { rows: records } = await client.query<{ version: string; sha256: string | null }>(
    `select version, sha256
       from supabase_migrations.schema_migrations
       left join supabase_migrations.sambatan_checksums using (version)`,
  );
  return new Map(records.map(({ version, sha256 }) => [version, sha256]));
}

/**
 * Applies a migration and returns true. If the migration was applied before, only records its
 * checksum and returns false.
 */
async function applyOne(client: pg.Client, migration: Migration): Promise<boolean> {
  // Set the time-outs only for this transaction, because settings of a session do not work through
  // a transaction pooler.
  await client.query("begin; set local lock_timeout = '10min'; set local statement_timeout = 0");
  try {
    // Use a lock of the transaction, not of the session. It also works through poolers and is
    // always released when the transaction ends.
    await client.query("select pg_advisory_xact_lock(hashtext('sambatan migrate'))");
    await client.query(recordTables);
    // Another process may have applied the migration while this process waited for the lock.
    const isNew = !isRecorded(await readRecorded(client), migration);
    if (isNew) await client.query(migration.sql);
    await record(client, migration, isNew);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error('the server did not commit it');
    return isNew;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw withLocation(error, migration);
  }
}

/** SQL that creates the tables for recording applied migrations, if they do not exist. */
export const recordTables = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (
    version text not null primary key,
    statements text[],
    name text
  );
  create table if not exists supabase_migrations.sambatan_checksums (
    version text not null primary key,
    sha256 text not null
  )`;

async function record(client: pg.Client, migration: Migration, isNew: boolean): Promise<void> {
  const { version, name, sql, checksum } = migration;
  if (isNew) {
    await client.query(
      `insert into supabase_migrations.schema_migrations (version, statements, name)
       values ($1, $2, $3)`,
      [version, [sql], name],
    );
  }
  await client.query(
    `insert into supabase_migrations.sambatan_checksums (version, sha256)
     values ($1, $2) on conflict do nothing`,
    [version, checksum],
  );
}

function withLocation(error: unknown, { version, name, sql }: Migration): unknown {
  if (!(error instanceof Error) || error instanceof EditedMigration) return error;
  const position = 'position' in error ? Number(error.position) : Number.NaN;
  const line = Number.isInteger(position) ? sql.slice(0, position).split('\n').length : undefined;
  const where = line === undefined ? '' : ` line ${line}`;
  return new Error(`${version}_${name}.sql${where}: ${error.message}`, { cause: error });
}
