import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import pg from 'pg';
import { osAccountFor, binaries } from './binaries.ts';
import {
  checkMajorVersion,
  embeddedName,
  chownTo,
  initialize,
  makeDataDirectory,
  privateDirectory,
  readOrMakePassword,
  writeSettings,
  type Cluster,
} from './cluster.ts';
import { stopOrphans, isServerOf, recordedPid } from './processes.ts';
import type { Log } from '../log.ts';
import { Supervisor, urlOf } from './supervisor.ts';

export interface EmbeddedOptions {
  /** The data directory. The cluster is in its subdirectory `postgres`. */
  readonly dataDir: string;
  readonly log: Log;
  /** Further settings of the server, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Embedded {
  /** The URL of the database, for openDatabase(). It stays the same when the server restarts. */
  readonly url: string;
  /**
   * Returns the pid of the main server process (postmaster); undefined while the server is not
   * running.
   */
  postmaster(): number | undefined;
  /**
   * Stops the server with a fast shutdown. Resolves when all processes of the server have ended.
   * Idempotent.
   */
  stop(): Promise<void>;
}

const socketPrefix = 'sambatan-socket-';

/**
 * Starts a private PostgreSQL server on `<dataDir>/postgres` and creates the cluster if it does not
 * exist. The server accepts connections only through a private Unix socket. Before the start, it
 * stops server processes of a service that was killed. If the server dies, it is started again. If
 * this process dies, the server is shut down. Throws DataDirectoryInUse when another service uses
 * the directory.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log } = options;
  const dataDir = resolve(options.dataDir);
  const cluster = prepare(dataDir, log);
  checkMajorVersion(cluster);
  await recover(cluster.directory, log);
  initialize(cluster, dataDir);
  chownTo(cluster.directory, cluster.account);
  writeSettings(cluster, options.settings);
  const socketDirectory = privateDirectory(socketPrefix, cluster.account);
  const supervisor = new Supervisor(cluster, socketDirectory, log);
  try {
    await supervisor.start();
    await createDatabase(supervisor.url);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return {
    url: supervisor.url,
    postmaster: () => supervisor.pid,
    stop: () => supervisor.stop(),
  };
}

/**
 * Returns the URL of the server if another service is running on this data directory, so that a
 * command can use the database of that service. Undefined when no service is running.
 */
export function runningEmbedded(dataDir: string): string | undefined {
  const cluster = join(resolve(dataDir), 'postgres');
  const pid = existsSync(join(cluster, 'postmaster.pid')) ? recordedPid(cluster) : undefined;
  if (pid === undefined || !isServerOf(cluster, pid)) return undefined;
  const socketDirectory = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[4];
  return urlOf(socketDirectory ?? '', readOrMakePassword(resolve(dataDir)));
}

function prepare(dataDir: string, log: Log): Cluster {
  makeDataDirectory(dataDir);
  const directory = join(dataDir, 'postgres');
  const account = osAccountFor(directory);
  return {
    directory,
    account,
    binaries: binaries(account, log),
    password: readOrMakePassword(dataDir),
  };
}

/** Stops server processes of a service that was killed, then removes their lock file and socket. */
async function recover(cluster: string, log: Log): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid');
  const socketDirectory = existsSync(lockFile)
    ? (readFileSync(lockFile, 'utf8').split('\n')[4] ?? '')
    : '';
  await stopOrphans(cluster, log);
  // Remove the lock file, because the server would trust the pid in the file, which may now belong
  // to another process.
  rmSync(lockFile, { force: true });
  const found = lstatSync(socketDirectory, { throwIfNoEntry: false });
  if (basename(socketDirectory).startsWith(socketPrefix) && found?.isDirectory() === true) {
    rmSync(socketDirectory, { recursive: true, force: true });
  }
}

async function createDatabase(url: string): Promise<void> {
  const admin = new URL(url);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.toString() });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      embeddedName,
    ]);
    if (rowCount === 0) await client.query(`create database ${embeddedName}`);
  } finally {
    await client.end();
  }
}
