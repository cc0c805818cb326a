import { resolve } from 'node:path';
import type pg from 'pg';
import { columnTypes } from '../../src/database/query.ts';
import {
  asAdmin,
  connect,
  createTemplate,
  inDatabase,
  startServerBelow,
  type OwnServer,
} from '../../test/support/database/cluster.ts';

/** PostgreSQL as the service starts it, in a temporary directory. */
export interface Cluster {
  /** The directory for files of this benchmark; deleted at the end. */
  readonly directory: string;
  readonly postmaster: number;
  /** Creates a database with the schema, or a copy of the database `of`. Returns its URL. */
  createDatabase(name: string, of?: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** Runs SQL on a separate connection without a time-out. */
  sql<R extends object>(url: string, text: string, parameters?: readonly unknown[]): Promise<R[]>;
  /** Opens a connection without a time-out; the caller closes it. */
  connect(url: string): Promise<pg.Client>;
  /** Runs a checkpoint, so that the writes of one run do not slow down the next one. */
  checkpoint(): Promise<void>;
  /** Server settings that affect the results, by name. */
  settings(): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

const template = 'bench_template';

/**
 * Starts the embedded server in a new directory next to the sources, which is on a disk and not on
 * a memory file system. Throws if PostgreSQL could acknowledge a write that is not on the disk.
 */
export async function startCluster(settings?: Readonly<Record<string, string>>): Promise<Cluster> {
  const server = await startServerBelow(resolve(import.meta.dirname, '../..'), {
    prefix: 'data-bench-',
    // The servers of all variants run at the same time, each with a separate connection pool.
    settings: { max_connections: '600', ...settings },
  });
  try {
    await refuseLostWrites(server.url);
    await createTemplate(server.url, template);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return clusterOf(server);
}

function clusterOf({ url, directory, postmaster, stop }: OwnServer): Cluster {
  return {
    directory,
    postmaster,
    createDatabase: async (name, of = template) => {
      // Large copies would fill the write-ahead log.
      const strategy = of === template ? 'wal_log' : 'file_copy';
      await asAdmin(url, `create database ${name} template ${of} strategy ${strategy}`);
      return inDatabase(url, name);
    },
    dropDatabase: async (name) => {
      await asAdmin(url, `drop database if exists ${name} with (force)`);
    },
    sql,
    connect: (to) => connect(to, columnTypes),
    checkpoint: async () => {
      await asAdmin(url, 'checkpoint');
    },
    settings: async () => {
      const rows = await sql<{ name: string; value: string }>(
        url,
        'select name, current_setting(name) as value from pg_settings where name = any ($1)',
        [shownSettings],
      );
      return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    },
    stop,
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
  const client = await connect(url, columnTypes);
  try {
    const { rows } = await client.query<R & pg.QueryResultRow>(text, [...parameters]);
    return rows;
  } finally {
    await client.end();
  }
}
