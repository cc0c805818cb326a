import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Log } from './log.ts';
import { driverUrl } from './session.ts';

export interface MigrateOptions {
  readonly log: Log;
  /** Default: the project's supabase/migrations. */
  readonly directory?: string;
}

/** One migration file. */
export interface Migration {
  /** The time stamp in the file name: fourteen digits that define the order. */
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text with normalized line ends, in hex. */
  readonly checksum: string;
}

/** The text of a migration changed after it was applied, so the schema may differ from it. */
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
 * Applies all missing migrations in order, each in its own transaction, and returns their
 * versions. Several processes may call this at once: one process applies each migration, and all
 * return when all are applied. Migrations are recorded as the Supabase CLI records them, and its
 * records are accepted; an additional table holds the checksums. Migrations that the database has
 * and this directory lacks belong to a newer service and are ignored. Throws EditedMigration, or
 * the server's error with the file name as prefix.
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
  // The running statement fails by itself; an unhandled event would end the process.
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
 * Returns the migrations of a directory in order. Throws on a file name without a valid time
 * stamp.
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

/** Version → checksum; null when another tool applied it and no checksum is known. */
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
 * Returns true when this call applied it, false when it was already applied (its checksum is
 * recorded then).
 */
async function applyOne(client: pg.Client, migration: Migration): Promise<boolean> {
  // Time-outs for this transaction only: a transaction pooler does not keep session settings.
  await client.query("begin; set local lock_timeout = '10min'; set local statement_timeout = 0");
  try {
    // A transaction lock, not a session lock: it works through poolers and cannot leak.
    await client.query("select pg_advisory_xact_lock(hashtext('sambatan migrate'))");
    await client.query(recordTables);
    // Another process may have applied it while this one waited for the lock.
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

/** Creates the tables that record applied migrations, if they are missing. */
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
