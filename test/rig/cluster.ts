import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { recordingLog } from './log.ts';

/** A server for tests, with one migrated database that the test databases are cloned from. */
export interface TestCluster {
  /** Of a database from which others can be created and dropped. */
  readonly adminUrl: string;
  readonly template: string;
  /** Drops the template or, when the server is ours, ends and deletes it all. */
  stop(): Promise<void>;
}

/** How `run.ts` tells the test files where the server is. */
export const clusterVariables = {
  adminUrl: 'SAMBATAN_TEST_CLUSTER_URL',
  template: 'SAMBATAN_TEST_TEMPLATE',
} as const;

/**
 * Starts an embedded server in a fresh directory or, when SAMBATAN_TEST_POSTGRES_URL names one
 * (another major version, say), uses that; then makes the template.
 */
export async function startCluster(): Promise<TestCluster> {
  const given = process.env['SAMBATAN_TEST_POSTGRES_URL'];
  const server =
    given === undefined ? await startOwnServer() : { url: given, stop: async () => {} };
  const template = `sambatan_template_${randomBytes(6).toString('hex')}`;
  try {
    await asAdmin(server.url, `create database ${template}`);
    await migrate(inDatabase(server.url, template), { log: recordingLog() });
    // So that no page of the template is dirty when it is cloned.
    await asAdmin(server.url, 'checkpoint');
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    adminUrl: server.url,
    template,
    stop: async () => {
      if (given !== undefined) await asAdmin(given, `drop database ${template} with (force)`);
      await server.stop();
    },
  };
}

async function startOwnServer(): Promise<{ url: string; stop(): Promise<void> }> {
  sweep();
  const directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    // Nobody pulls this one's plug. Whatever is about what survives has a server of its own, with
    // the settings of production; here waiting for the disk would be most of the time.
    const settings = { max_connections: '300', fsync: 'off', full_page_writes: 'off' };
    const server = await startEmbedded({ dataDir: directory, log: recordingLog(), settings });
    return {
      url: server.url,
      stop: async () => {
        await server.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

const prefix = 'sambatan-test-';

/** Removes the directories of test runs that were killed: named by a process that is no more. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(tmpdir(), name);
    if (statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.()) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Runs one statement on a connection of its own. */
export async function asAdmin(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The same server's other database. */
export function inDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.toString();
}
