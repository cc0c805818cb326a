import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedMajor, type OsAccount } from './binaries.ts';

/** The paths and the user of one cluster, the data directory of a PostgreSQL server. */
export interface Cluster {
  /** The absolute path of `<dataDir>/postgres`. */
  readonly directory: string;
  /** The directory that contains `bin/postgres`. */
  readonly binaries: string;
  /** The operating-system user that runs the server; undefined means the user of this process. */
  readonly account: OsAccount | undefined;
  /** The superuser's password. The server accepts connections only through its socket. */
  readonly password: string;
}

/** The name of both the superuser and the database. */
export const embeddedName = 'sambatan';

/**
 * The path of the data directory that is passed to the server. The server's user may have no access
 * to the directory, for example if it is in a private home directory. In this case this process
 * opens the directory and passes the file descriptor to the server. On Linux, the server can reach
 * the directory through the descriptor.
 */
export interface SocketDirectory {
  readonly path: string;
  /**
   * The open directory, which becomes file descriptor 3 of the server; undefined if the server can
   * use the path.
   */
  readonly descriptor: number | undefined;
  close(): void;
}

export function openSocketDirectory(
  directory: string,
  account: OsAccount | undefined,
): SocketDirectory {
  if (account === undefined || canEnter(directory, account)) {
    return { path: directory, descriptor: undefined, close: () => undefined };
  }
  if (process.platform !== 'linux') {
    throw new Error(
      `uid ${account.uid}, as which PostgreSQL has to run, cannot reach ${directory}: ` +
        'start the service as another user than root, or set SAMBATAN_DATA_DIR',
    );
  }
  const descriptor = openSync(directory, 'r');
  return { path: '/proc/self/fd/3', descriptor, close: () => closeSync(descriptor) };
}

function canEnter(directory: string, { uid, gid }: OsAccount): boolean {
  const options = { uid, gid, cwd: '/', env: {}, stdio: 'ignore' } as const;
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], options).status === 0;
}

/**
 * The environment variables of the server's programs. The programs inherit no variables of this
 * process.
 */
export const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Returns the password of the cluster. If there is none yet, creates it. The file with the password
 * is next to the cluster, and only the user of this process can read it.
 */
export function readOrMakePassword(dataDir: string): string {
  const file = join(dataDir, 'postgres-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (existsSync(join(dataDir, 'postgres'))) {
    throw new Error(`${file} is missing: without it the database in ${dataDir} cannot be entered`);
  }
  const draft = `${file}.${process.pid}`;
  try {
    // Write to a temporary file first: if the disk is full, a partial file would make every later
    // start fail.
    const password = randomBytes(24).toString('base64url');
    writeFileSync(draft, `${password}\n`, { mode: 0o600, flush: true });
    linkSync(draft, file);
    return password;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Throws when the cluster was created by another major version of PostgreSQL, because the server
 * cannot read such a cluster. To move data to another major version, make a backup and restore it.
 */
export function checkMajorVersion(cluster: Cluster): void {
  const file = join(cluster.directory, 'PG_VERSION');
  if (!existsSync(file)) return;
  const major = readFileSync(file, 'utf8').trim();
  if (major === String(embeddedMajor)) return;
  throw new Error(
    `${cluster.directory} was made by PostgreSQL ${major}, and this version of Sambatan includes ` +
      `PostgreSQL ${embeddedMajor}. Take a backup with the version of Sambatan that you used ` +
      'before ("sambatan backup"), move that directory away, and restore the backup with this ' +
      'version ("sambatan restore"): docs/operations.md, "The embedded PostgreSQL"',
  );
}

/**
 * Creates the cluster if it does not exist. The cluster is created in a temporary directory and
 * then moved. So a start that is killed leaves no partial cluster. If two processes create the
 * cluster at the same time, both use the cluster of the process that moves it first.
 */
export function initialize(cluster: Cluster, dataDir: string): void {
  if (existsSync(join(cluster.directory, 'PG_VERSION'))) return;
  removeLeftovers(dataDir);
  const fresh = mkdtempSync(join(dataDir, 'postgres-new-'));
  const secret = privateDirectory('sambatan-initdb-', cluster.account);
  try {
    own(fresh, cluster.account);
    const passwordFile = join(secret, 'password');
    writeFileSync(passwordFile, cluster.password, { mode: 0o600 });
    own(passwordFile, cluster.account);
    initdb(cluster, fresh, passwordFile);
    renameSync(fresh, cluster.directory);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(cluster.directory, 'PG_VERSION'))) throw error;
  } finally {
    rmSync(secret, { recursive: true, force: true });
  }
}

function initdb(cluster: Cluster, directory: string, passwordFile: string): void {
  const door = openSocketDirectory(directory, cluster.account);
  const { status, stderr, error } = spawnSync(
    join(cluster.binaries, 'bin', 'initdb'),
    [
      `--pgdata=${door.path}`,
      `--username=${embeddedName}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      '--no-instructions',
    ],
    {
      ...cluster.account,
      cwd: '/',
      env: serverEnvironment,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe', door.descriptor ?? 'ignore'],
    },
  );
  door.close();
  if (status !== 0) {
    throw new Error(`initdb could not make a database: ${error?.message ?? stderr.trim()}`);
  }
}

/**
 * Removes partial clusters of starts that were killed. Keeps a directory that is younger than a
 * minute, because it may belong to a start in progress.
 */
function removeLeftovers(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (!name.startsWith('postgres-new-')) continue;
    const path = join(dataDir, name);
    const age = Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 60_000) rmSync(path, { recursive: true, force: true });
  }
}

const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '256MB',
  shared_preload_libraries: '',
  // Make commits durable: PostgreSQL acknowledges a commit only when its data is on the disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  min_wal_size: '80MB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  random_page_cost: '1.1',
  effective_cache_size: '1GB',
  // Use no parallel workers. They need shared memory, of which containers have little, and they do
  // not make short statements faster.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  datestyle: 'iso, mdy',
  password_encryption: 'scram-sha-256',
  // Keep the logs of the last seven days in `postgres/log`, one file per weekday.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_line_prefix: '%m [%p] %a ',
  log_lock_waits: 'on',
  // Log no details of errors, because a detail may contain a row, and the row may contain a
  // person's address.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/**
 * Writes the settings and access rules of the server. Only the superuser may connect, with the
 * password and through the socket. This runs before each start, so that the settings of a newer
 * version apply to older data.
 */
export function writeSettings(
  cluster: Cluster,
  changes: Readonly<Record<string, string>> = {},
): void {
  const lines = Object.entries({ ...defaults, ...changes })
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
    .join('\n');
  const warning = '# Written by Sambatan before each start; changes here are lost.\n';
  for (const [name, text] of [
    ['postgresql.conf', `${lines}\n`],
    ['pg_hba.conf', 'local all all scram-sha-256\n'],
  ] as const) {
    const file = join(cluster.directory, name);
    writeFileSync(file, warning + text, { mode: 0o600 });
    own(file, cluster.account);
  }
}

/**
 * Creates a directory that only `account` can use. The path of the directory is short enough for a
 * Unix socket, whose path can have at most 107 bytes.
 */
export function privateDirectory(prefix: string, account: OsAccount | undefined): string {
  const place = tmpdir().length <= 60 && isUsable(tmpdir(), account) ? tmpdir() : '/tmp';
  const directory = mkdtempSync(join(place, prefix));
  own(directory, account);
  return directory;
}

function isUsable(place: string, account: OsAccount | undefined): boolean {
  return account === undefined || canEnter(place, account);
}

function own(path: string, account: OsAccount | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/**
 * Makes the server's user the owner of a cluster's files. This is needed when root has copied a
 * cluster, because the copy then belongs to root.
 */
export function chownTo(directory: string, account: OsAccount | undefined): void {
  if (account === undefined || lstatSync(directory).uid === account.uid) return;
  own(directory, account);
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) own(join(entry.parentPath, entry.name), account);
  }
}

/** Creates the data directory if it does not exist. Only its owner can write to it. */
export function makeDataDirectory(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
}
