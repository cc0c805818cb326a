import { AssertionError } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { findViolations } from '../../../src/database/invariants.ts';
import { openDatabase, type Database } from '../../../src/database/pool.ts';
import {
  asAdmin,
  clusterVariables,
  inDatabase,
  startCluster,
  type TestCluster,
} from './cluster.ts';
import { recordingLog, type RecordedLog } from '../server/log.ts';

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
  /** The lines that `db` has logged. */
  readonly log: RecordedLog;
  /**
   * Checks the invariants, then drops the database. Rejects if an invariant is violated. May be
   * called more than once. First close everything that uses the database: `after(async () => {
   * await app.close(); await close(); })`.
   */
  close(): Promise<void>;
}

export interface TestDatabaseOptions {
  /**
   * Set it to false in a test that corrupts rows on purpose: the invariants are then not checked.
   */
  readonly invariants?: boolean;
  /** Creates a database without the schema of Sambatan. */
  readonly empty?: boolean;
  /** Maximum number of connections of `db`; default 10. */
  readonly maxConnections?: number;
}

/**
 * Creates a database that is a copy of the template, in about 0.1 seconds. Copying files needs a
 * quarter of the time that copying through the write-ahead log needs. With `npm test` all files use
 * the server that run.ts started. A test file that is run alone starts and stops a server.
 */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { invariants = true, empty = false, maxConnections = 10 } = options;
  const cluster = await useCluster();
  const name = `sambatan_test_${process.pid}_${randomBytes(5).toString('hex')}`;
  const template = empty ? 'template0' : cluster.template;
  await asAdmin(
    cluster.adminUrl,
    `create database ${name} template ${template} strategy file_copy`,
  );
  const url = inDatabase(cluster.adminUrl, name);
  const log = recordingLog();
  const db = openDatabase({ url, maxConnections, log });
  const close = async (): Promise<void> => {
    await db.close();
    try {
      if (invariants && !empty) await checkInvariants(url);
    } finally {
      await asAdmin(cluster.adminUrl, `drop database ${name} with (force)`);
      await releaseCluster();
    }
  };
  let closing: Promise<void> | undefined;
  return { url, db, log, close: () => (closing ??= close()) };
}

/** Rejects with the rows that the queries in sql/invariants found. */
async function checkInvariants(url: string): Promise<void> {
  const violations = await findViolations(url);
  if (violations.length === 0) return;
  const shown = violations.map(
    ({ name, rows }) => `  ${name}: ${rows.length} rows, such as ${inspect(rows.slice(0, 5))}`,
  );
  throw new AssertionError({ message: `the invariants are broken:\n${shown.join('\n')}` });
}

let own: { cluster: Promise<TestCluster>; users: number } | undefined;

async function useCluster(): Promise<Pick<TestCluster, 'adminUrl' | 'template'>> {
  const adminUrl = process.env[clusterVariables.adminUrl];
  const template = process.env[clusterVariables.template];
  if (adminUrl !== undefined && template !== undefined) return { adminUrl, template };
  own ??= { cluster: startCluster(), users: 0 };
  own.users++;
  return own.cluster;
}

/** Stops the server when the last database that uses it is closed. */
async function releaseCluster(): Promise<void> {
  if (own === undefined || --own.users > 0) return;
  const { cluster } = own;
  own = undefined;
  await (await cluster).stop();
}
