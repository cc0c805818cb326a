import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../../src/database/embedded/start.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { recordingLog } from '../server/log.ts';

/**
 * A server for tests, with one migrated template database that the test databases are cloned from.
 */
export interface TestCluster {
  /** URL of a database from which others can be created and dropped. */
  readonly adminUrl: string;
  readonly template: string;
  /** Drops the template or, if the server is ours, stops and deletes the server. */
  stop(): Promise<void>;
}

/** The environment variable in which `run.ts` passes the server to the test files. */
export const clusterVariables = {
  adminUrl: 'SAMBATAN_TEST_CLUSTER_URL',
  template: 'SAMBATAN_TEST_TEMPLATE',
} as const;

/**
 * Starts an embedded server in a new directory, or uses the one in SAMBATAN_TEST_POSTGRES_URL (for
 * example another major version); then creates the template.
 */
export async function startCluster(): Promise<TestCluster> {
  const given = process.env['SAMBATAN_TEST_POSTGRES_URL'];
  const server =
    given === undefined ? await startOwnServer() : { url: given, stop: async () => {} };
  const template = `sambatan_template_${randomBytes(6).toString('hex')}`;
  try {
    await createTemplate(server.url, template);
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

/** Creates a database with the schema, from which others are cloned. */
export async function createTemplate(url: string, template: string): Promise<void> {
  await asAdmin(url, `create database ${template}`);
  await migrate(inDatabase(url, template), { log: recordingLog() });
  // Flushes all dirty pages of the template before it is cloned.
  await asAdmin(url, 'checkpoint');
}

async function startOwnServer(): Promise<{ url: string; stop(): Promise<void> }> {
  // This server need not survive a crash, and waiting for the disk would take most of the time.
  // Tests of durability use their own server with production settings.
  const settings = { max_connections: '300', fsync: 'off', full_page_writes: 'off' };
  return await startServerBelow(tmpdir(), { prefix: 'sambatan-test-', settings });
}

/** An embedded PostgreSQL server in its own directory. */
export interface OwnServer {
  readonly url: string;
  /** Its data and other files of the caller; deleted by `stop`. */
  readonly directory: string;
  readonly postmaster: number;
  stop(): Promise<void>;
}

/**
 * Starts an embedded server in a new directory below `parent`, named by the prefix and this
 * process. Deletes directories with the same prefix that killed processes left.
 */
export async function startServerBelow(
  parent: string,
  how: { readonly prefix: string; readonly settings: Readonly<Record<string, string>> },
): Promise<OwnServer> {
  const { prefix, settings } = how;
  sweep(parent, prefix);
  const directory = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const server = await startEmbedded({ dataDir: directory, log: recordingLog(), settings });
    return {
      url: server.url,
      directory,
      postmaster: server.postmaster()!,
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

/** Deletes directories of killed runs: their process no longer exists. */
function sweep(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(parent, name);
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

/** Runs one statement on a separate connection. */
export async function asAdmin(url: string, statement: string): Promise<pg.QueryResult> {
  const client = await connect(url);
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A connection without a time-out; the caller closes it. */
export async function connect(url: string, types?: pg.CustomTypesConfig): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, ...(types && { types }) });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The URL of another database on the same server. */
export function inDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.toString();
}
