import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../../src/database/embedded/start.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { recordingLog } from '../server/log.ts';

/**
 * A PostgreSQL server for tests. It has one template database with the schema; each test database
 * is a copy of that template.
 */
export interface TestCluster {
  /** The URL of a database through which other databases can be created and dropped. */
  readonly adminUrl: string;
  readonly template: string;
  /** Deletes the template. If the tests started the server, also stops and deletes the server. */
  stop(): Promise<void>;
}

/** The environment variables by which `run.ts` tells the test files which server to use. */
export const clusterVariables = {
  adminUrl: 'SAMBATAN_TEST_CLUSTER_URL',
  template: 'SAMBATAN_TEST_TEMPLATE',
} as const;

/**
 * Creates the template database on a server. That is a new embedded server, or the server of
 * SAMBATAN_TEST_POSTGRES_URL, for example to test another major version.
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

/** Creates a database with the schema. Test databases are copied from it. */
export async function createTemplate(url: string, template: string): Promise<void> {
  await asAdmin(url, `create database ${template}`);
  await migrate(inDatabase(url, template), { log: recordingLog() });
  // Writes all changed pages of the template to disk before it is copied.
  await asAdmin(url, 'checkpoint');
}

async function startOwnServer(): Promise<{ url: string; stop(): Promise<void> }> {
  // The data may be lost in a crash, so the server does not wait for the disk, which would be most
  // of the duration. Tests of durability use another server with production settings.
  const settings = { max_connections: '300', fsync: 'off', full_page_writes: 'off' };
  return await startServerBelow(tmpdir(), { prefix: 'sambatan-test-', settings });
}

/** An embedded PostgreSQL server in a directory that only it uses. */
export interface OwnServer {
  readonly url: string;
  /** The directory of the database, in which the caller may store files too. `stop` deletes it. */
  readonly directory: string;
  readonly postmaster: number;
  stop(): Promise<void>;
}

/**
 * Starts an embedded server in a new directory below `parent`. The name of the directory has the
 * prefix and the id of this process. Also deletes directories with the same prefix whose process
 * was killed.
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

/** Deletes the directories of killed test runs: those whose process no longer exists. */
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

/** Runs one statement on a new connection, which is closed afterwards. */
export async function asAdmin(url: string, statement: string): Promise<pg.QueryResult> {
  const client = await connect(url);
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Opens a connection whose statements have no time limit. The caller closes it. */
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
