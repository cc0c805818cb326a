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
import { embeddedMajor, type OsAccount } from './embedded-binaries.ts';

/** Where one cluster lies and how its server reaches it. */
export interface Cluster {
  /** `<dataDir>/postgres`, absolute. */
  readonly directory: string;
  /** Directory with `bin/postgres`. */
  readonly binaries: string;
  /** Undefined: the server runs as ourselves. */
  readonly account: OsAccount | undefined;
  /** The superuser's password; only needed on the socket, there is no other way in. */
  readonly password: string;
}

/** The name of the superuser and of the database. */
export const embeddedName = 'sambatan';

/**
 * The path under which the server is told its data directory. When its user cannot walk there (a
 * private home), the directory is handed over open, and Linux lets a process enter it by that.
 */
export interface SocketDirectory {
  readonly path: string;
  /** To be descriptor 3 of the server; undefined when the plain path is fine. */
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

/** The environment of the server's programs: nothing of ours leaks into it. */
export const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Reads the password of the cluster, or makes one. It lies beside the cluster, for us alone. */
export function readOrMakePassword(dataDir: string): string {
  const file = join(dataDir, 'postgres-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (existsSync(join(dataDir, 'postgres'))) {
    throw new Error(`${file} is missing: without it the database in ${dataDir} cannot be entered`);
  }
  const draft = `${file}.${process.pid}`;
  try {
    // Beside first: on a full disk a half-written one would bar every later start.
    const password = randomBytes(24).toString('base64url');
    writeFileSync(draft, `${password}\n`, { mode: 0o600, flush: true });
    linkSync(draft, file);
    return password;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Throws when the cluster was made by another major version of PostgreSQL, which the server could
 * not read. Data move between major versions by a backup and a restore.
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
 * Makes the cluster when there is none: aside first, and moved into place when it is whole, so
 * that a killed start leaves nothing half made. Of two at once one wins and both use it.
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

/** What a killed start left half made; one that is under way is younger than a minute. */
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
  // Durable: what is acknowledged is on disk.
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
  // Containers have little shared memory, and short statements gain nothing from helpers.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  datestyle: 'iso, mdy',
  password_encryption: 'scram-sha-256',
  // A week of logs, one file a weekday, in `postgres/log`.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_line_prefix: '%m [%p] %a ',
  log_lock_waits: 'on',
  // The detail of an error may hold a row, and a row may hold an address.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/**
 * Writes the server's settings and who may enter: only our superuser, with its password, by the
 * socket. Done before each start, so that a newer version's settings hold for older data.
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

/** A fresh directory for `account` alone, with a path short enough for a socket (107 bytes). */
export function privateDirectory(prefix: string, account: OsAccount | undefined): string {
  const place = tmpdir().length <= 60 && usable(tmpdir(), account) ? tmpdir() : '/tmp';
  const directory = mkdtempSync(join(place, prefix));
  own(directory, account);
  return directory;
}

function usable(place: string, account: OsAccount | undefined): boolean {
  return account === undefined || canEnter(place, account);
}

function own(path: string, account: OsAccount | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/** A cluster that was copied by root belongs to root: its server's user gets it back. */
export function chownTo(directory: string, account: OsAccount | undefined): void {
  if (account === undefined || lstatSync(directory).uid === account.uid) return;
  own(directory, account);
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) own(join(entry.parentPath, entry.name), account);
  }
}

/** Makes the data directory, for us alone unless it is there. */
export function makeDataDirectory(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
}
