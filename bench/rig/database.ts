import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { startEmbedded, type Embedded } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { columnTypes } from '../../src/database/query.ts';

/** PostgreSQL as the service starts it by itself, in a directory that is thrown away. */
export interface Cluster {
  /** Where this benchmark may keep files; thrown away at the end. */
  readonly directory: string;
  readonly postmaster: number;
  /** A fresh database with the schema; `of` names another one to copy. */
  createDatabase(name: string, of?: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** Runs SQL on a connection of its own without a time-out. */
  sql<R extends object>(url: string, text: string, parameters?: readonly unknown[]): Promise<R[]>;
  /** A connection without a time-out; the caller ends it. */
  connect(url: string): Promise<pg.Client>;
  /** So that no run pays for the writes of the one before it. */
  checkpoint(): Promise<void>;
  /** Server settings that tell the figures apart, by name. */
  settings(): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

const prefix = 'data-bench-';
const template = 'bench_template';

/**
 * Starts the embedded server in a new directory beside the sources, so that it writes to a disk and
 * not to a memory file system. Throws when what it acknowledges would not be on the disk.
 */
export async function startCluster(settings?: Readonly<Record<string, string>>): Promise<Cluster> {
  const root = resolve(import.meta.dirname, '../..');
  sweep(root);
  const directory = join(root, `${prefix}${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const server = await startEmbedded({
      dataDir: directory,
      log: quiet,
      // The servers of all variants are up at once, each with its pool.
      settings: { max_connections: '300', ...settings },
    });
    try {
      await refuseLostWrites(server.url);
      await sql(server.url, `create database ${template}`);
      await migrate(inDatabase(server.url, template), { log: quiet });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return clusterOf(server, directory, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

const quiet = { debug: silent, info: silent, warn: silent, error: console.error };
function silent(): void {}

function clusterOf(server: Embedded, directory: string, remove: () => void): Cluster {
  return {
    directory,
    postmaster: server.postmaster()!,
    createDatabase: async (name, of = template) => {
      await sql(server.url, `create database ${name} template ${of} strategy wal_log`);
      return inDatabase(server.url, name);
    },
    dropDatabase: async (name) => {
      await sql(server.url, `drop database if exists ${name} with (force)`);
    },
    sql,
    connect,
    checkpoint: async () => {
      await sql(server.url, 'checkpoint');
    },
    settings: async () => {
      const rows = await sql<{ name: string; value: string }>(
        server.url,
        'select name, current_setting(name) as value from pg_settings where name = any ($1)',
        [shownSettings],
      );
      return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    },
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}

const durable = ['fsync', 'synchronous_commit', 'full_page_writes'];
const shownSettings = [
  ...durable,
  'server_version',
  'shared_buffers',
  'max_wal_size',
  'wal_level',
  'max_connections',
];

async function refuseLostWrites(url: string): Promise<void> {
  const off = await sql<{ name: string }>(
    url,
    `select name from pg_settings where name = any ($1) and setting <> 'on'`,
    [durable],
  );
  if (off.length === 0) return;
  const names = off.map(({ name }) => name).join(', ');
  throw new Error(`not measured: ${names} is not on, so that what is acknowledged could be lost`);
}

async function sql<R extends object>(
  url: string,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<R[]> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<R & pg.QueryResultRow>(text, [...parameters]);
    return rows;
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types: columnTypes });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function inDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.toString();
}

/** Removes what benchmarks that were killed have left: named by a process that is no more. */
function sweep(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN);
    if (Number.isInteger(pid) && !isRunning(pid)) {
      rmSync(join(root, name), { recursive: true, force: true });
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
