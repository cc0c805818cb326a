import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Queryable } from '../database/query.ts';
import * as sql from './queries.ts';
import { findTools, programTarget, run, type Tools } from './tools.ts';

export interface BackupOptions {
  readonly url: string;
  readonly db: Queryable;
  readonly file: string;
  readonly overwrite?: boolean;
  /** Told how many tables have been written so far. */
  readonly onTable?: (tables: number) => void;
}

export interface Backup {
  readonly finishedAt: Date;
  readonly bytes: number;
  readonly sha256: string;
  /** Tables with rows in it. */
  readonly tables: number;
}

/** What is ours in a database that a marketplace may share with us. */
const schemas = ['sambatan', 'sambatan_*'];
/** Who this database is, who works on it now: not what another database should believe of itself. */
const leftOut = ['sambatan.installation', 'sambatan.workers'];

/**
 * Writes a backup with pg_dump, reads it back, and records it. The file comes into being whole and
 * verified, or not at all. Throws ToolsMissing, or what went wrong.
 */
export async function backUp(options: BackupOptions): Promise<Backup> {
  const { db, file, overwrite = false } = options;
  if (!overwrite && existsSync(file)) {
    throw new Error(`${file} is there already; with --overwrite it is replaced`);
  }
  if (!(await db.one(sql.schemaIsThere)).there) {
    throw new Error('the database has no schema that can be backed up: run "sambatan migrate"');
  }
  const tools = findTools(await majorVersion(db));
  const backupId = randomUUID();
  const migrations = await db.rows(sql.appliedMigrations);
  await db.rows(sql.beginBackup, backupId, JSON.stringify(migrations));
  const partial = `${file}.partial`;
  try {
    await dump({ ...options, tools, partial });
    const tables = await verify(tools, partial);
    if (!isDeepStrictEqual(await db.rows(sql.appliedMigrations), migrations)) {
      throw new Error('a migration was applied meanwhile; take the backup again');
    }
    const { bytes, sha256 } = await seal(partial);
    await rename(partial, file);
    const { finished_at } = await db.one(sql.finishBackup, backupId, bytes, sha256);
    return { finishedAt: finished_at, bytes, sha256, tables };
  } catch (error) {
    await rm(partial, { force: true });
    await db.rows(sql.forgetBackup, backupId).catch(() => undefined);
    throw error;
  }
}

/** The major version of the server. */
export async function majorVersion(db: Queryable): Promise<number> {
  const { version } = await db.one(sql.serverVersion);
  return Math.floor(version / 10_000);
}

async function dump({
  url,
  tools,
  partial,
  onTable,
}: BackupOptions & { readonly tools: Tools; readonly partial: string }): Promise<void> {
  const { name, password } = programTarget(url);
  // It holds addresses: for our own eyes from its first byte on. A killed one may have left its own.
  await rm(partial, { force: true });
  await (await open(partial, 'wx', 0o600)).close();
  let tables = 0;
  await run({
    tools,
    program: 'pg_dump',
    args: [
      '--format=custom',
      '--no-unlogged-table-data',
      '--lock-wait-timeout=60s',
      '--verbose',
      ...schemas.map((schema) => `--schema=${schema}`),
      ...leftOut.map((table) => `--exclude-table-data=${table}`),
      `--file=${partial}`,
      `--dbname=${name}`,
    ],
    password,
    onLine: (line) => {
      if (line.includes('dumping contents of table')) onTable?.(++tables);
    },
  });
}

/**
 * Reads a backup from end to end: its list of contents stands at the beginning, and would be whole
 * in a file that was cut off. Gives how many tables with rows are in it.
 */
async function verify(tools: Tools, file: string): Promise<number> {
  const contents = await contentsOf(tools, file);
  await run({ tools, program: 'pg_restore', args: ['--file=/dev/null', file] });
  return contents.filter((line) => / TABLE DATA /.test(line)).length;
}

/** The lines of a backup's list of contents; throws when it is not one that we made. */
export async function contentsOf(tools: Tools, file: string): Promise<string[]> {
  const list = await textOf(tools, ['--list', file]);
  const lines = list.split('\n');
  const ours = ['campaigns', 'audit_logs', 'backups'].every((table) =>
    lines.some((line) => line.includes(` TABLE DATA sambatan ${table} `)),
  );
  if (!ours) throw new Error(`${file} was not made by sambatan backup`);
  return lines;
}

async function textOf(tools: Tools, args: readonly string[]): Promise<string> {
  const chunks: Buffer[] = [];
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await run({ tools, program: 'pg_restore', args, into });
  return Buffer.concat(chunks).toString();
}

/** Makes sure that it is on the disk, and gives what it is known by. */
async function seal(file: string): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    return { bytes: (await handle.stat()).size, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}
