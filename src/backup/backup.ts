import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Queryable } from '../database/query.ts';
import { verifyBackup } from './backup-file.ts';
import { checkConnection } from './connection.ts';
import { dump } from './dump.ts';
import * as sql from '../quarantine/queries.ts';

export interface BackupOptions {
  readonly url: string;
  readonly db: Queryable;
  readonly file: string;
  readonly overwrite?: boolean;
  /** Called with the number of tables written so far. */
  readonly onTable?: (tables: number) => void;
}

export interface Backup {
  readonly finishedAt: Date;
  readonly bytes: number;
  readonly sha256: string;
  readonly tables: number;
  readonly rows: number;
}

/**
 * Writes a backup, verifies it, and records it in the database. The file gets its final name only
 * when it is complete and verified. Needs no PostgreSQL client programs. Throws any failure.
 */
export async function backUp(options: BackupOptions): Promise<Backup> {
  const { url, db, file, overwrite = false, onTable } = options;
  if (!overwrite && existsSync(file)) {
    throw new Error(`${file} is there already; with --overwrite it is replaced`);
  }
  checkConnection(url);
  if (!(await db.one(sql.schemaIsThere)).there) {
    throw new Error('the database has no schema that can be backed up: run "sambatan migrate"');
  }
  const backupId = randomUUID();
  const migrations = await db.rows(sql.appliedMigrations);
  await db.rows(sql.beginBackup, backupId, JSON.stringify(migrations));
  const partial = `${file}.partial`;
  try {
    // An earlier backup that was killed may have left a partial file.
    await rm(partial, { force: true });
    const dumped = await dump({ url, file: partial, ...(onTable && { onTable }) });
    if (!isDeepStrictEqual(dumped.migrations, migrations)) {
      throw new Error('a migration was applied meanwhile; take the backup again');
    }
    const { rows } = await verifyBackup(partial);
    const { bytes, sha256 } = await seal(partial);
    await rename(partial, file);
    await syncDirectory(dirname(file));
    const { finished_at } = await db.one(sql.finishBackup, backupId, bytes, sha256);
    return { finishedAt: finished_at, bytes, sha256, tables: dumped.tables, rows };
  } catch (error) {
    await rm(partial, { force: true });
    await db.rows(sql.forgetBackup, backupId).catch(() => undefined);
    throw error;
  }
}

/** Returns the major version of the PostgreSQL server. */
export async function majorVersion(db: Queryable): Promise<number> {
  const { version } = await db.one(sql.serverVersion);
  return Math.floor(version / 10_000);
}

/** Makes sure that the file is on the disk (fsync). Returns its size and hash. */
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

/**
 * Makes sure that the directory is on the disk (fsync), so that the file's new name survives a
 * power failure.
 */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
