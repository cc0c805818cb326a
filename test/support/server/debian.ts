import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asAdmin, inDatabase } from '../database/cluster.ts';
import { waitUntil } from './until.ts';

/**
 * Programs from packages of Debian, because no npm package contains them. The tests that need them
 * install them.
 */

/**
 * The directory of a PostgreSQL server and its tools, all of one version. If they are missing, and
 * this process is root on Debian, they are installed. Otherwise returns the reason, and the test is
 * skipped with it.
 */
export function postgresWithTools(): { directory: string } | { missing: string } {
  const directory = installedPostgres() ?? installPostgres();
  if (directory !== undefined) return { directory };
  return {
    missing:
      'there is no PostgreSQL with pg_dump in /usr/lib/postgresql: ' +
      'install it (apt-get install postgresql), or run this test as root on Debian or Ubuntu',
  };
}

function installedPostgres(): string | undefined {
  const parent = '/usr/lib/postgresql';
  if (!existsSync(parent)) return undefined;
  return readdirSync(parent)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((major) => join(parent, major, 'bin'))
    .find((bin) =>
      ['postgres', 'initdb', 'pg_dump', 'pg_restore', 'psql'].every((program) =>
        existsSync(join(bin, program)),
      ),
    );
}

function installPostgres(): string | undefined {
  if (!isRoot || !hasApt()) return undefined;
  // Without this setting the package would create and start a database server.
  const settings = '/etc/postgresql-common/createcluster.conf';
  if (!existsSync(settings)) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(settings, 'create_main_cluster = false\n');
  }
  apt('apt-get install -y --no-install-recommends postgresql');
  return installedPostgres();
}

/** A program, with the variables that it needs in its environment. */
type Program =
  | { readonly program: string; readonly variables: Readonly<Record<string, string>> }
  | { readonly missing: string };

interface PackagedProgram {
  readonly name: string;
  readonly package: string;
  /** The directory of the program in the package. */
  readonly bin: 'usr/bin' | 'usr/sbin';
  readonly versionOption: string;
  /** A command that prints further packages to unpack, such as libraries. */
  readonly others?: string;
}

/** The program promtool, which checks alert rules and runs their unit tests. */
export const promtool = (): Program => prometheusProgram('promtool');

export const prometheus = (): Program => prometheusProgram('prometheus');

const prometheusProgram = (name: 'promtool' | 'prometheus'): Program =>
  packagedProgram({ name, package: 'prometheus', bin: 'usr/bin', versionOption: '--version' });

/** The reverse proxy HAProxy. */
export const haproxy = (): Program =>
  packagedProgram({
    name: 'haproxy',
    package: 'haproxy',
    bin: 'usr/sbin',
    versionOption: '-v',
    others:
      "apt-cache depends haproxy | sed -n 's/^ *Depends: \\(lib.*\\)/\\1/p' | grep -v '^libc6'",
  });

/**
 * Finds the program in PATH, or else in a package of Debian that is unpacked without installing it.
 * Any user can do that if the package lists exist. Otherwise returns the reason.
 */
function packagedProgram(wanted: PackagedProgram): Program {
  const { name, versionOption } = wanted;
  const runs = (program: string, variables = {}) =>
    spawnSync(program, [versionOption], { env: { ...process.env, ...variables } }).status === 0;
  if (runs(name)) return { program: name, variables: {} };
  const place = join(tmpdir(), `sambatan-${wanted.package}-${process.getuid?.() ?? 0}`);
  const program = join(place, 'unpacked', wanted.bin, name);
  if (!existsSync(program) && hasApt()) unpackPackage(place, wanted);
  const variables = { LD_LIBRARY_PATH: libraryDirectories(place) };
  if (runs(program, variables)) return { program, variables };
  return {
    missing:
      `there is no ${name} on PATH, and it could not be fetched by apt-get: install the package ` +
      `${wanted.package}, or run this test as root on Debian or Ubuntu`,
  };
}

/** The directories of the unpacked libraries, such as usr/lib/x86_64-linux-gnu. */
function libraryDirectories(place: string): string {
  const parent = join(place, 'unpacked/usr/lib');
  if (!existsSync(parent)) return '';
  return readdirSync(parent)
    .filter((directory) => directory.endsWith('-linux-gnu'))
    .map((directory) => join(parent, directory))
    .join(':');
}

function unpackPackage(place: string, wanted: PackagedProgram): void {
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const others = wanted.others === undefined ? '' : `$(${wanted.others})`;
  const fetch =
    `cd '${place}' && rm -rf fresh *.deb && apt-get download ${wanted.package} ${others} && ` +
    `for package in *.deb; do dpkg-deb -x "$package" fresh || exit 1; done && ` +
    `rm -rf unpacked *.deb && mv fresh unpacked`;
  try {
    apt(fetch);
  } catch (error) {
    if (isRoot) throw error;
  }
}

const isRoot = process.getuid?.() === 0;
const hasApt = (): boolean => spawnSync('apt-get', ['--version']).status === 0;

/**
 * Runs apt-get under a lock, because test files run in parallel and apt-get cannot. The package
 * lists may be missing or old.
 */
function apt(script: string): void {
  const update = isRoot ? 'apt-get update -qq >/dev/null' : 'true';
  const whole = `flock 9; export DEBIAN_FRONTEND=noninteractive; (${script}) || (${update} && ${script})`;
  const lock = join(tmpdir(), `sambatan-apt-${process.getuid?.() ?? 0}.lock`);
  execFileSync('bash', ['-c', `(${whole}) 9>'${lock}' >&2`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** A separate PostgreSQL server from a package of Debian, with a new cluster. */
export interface DebianServer {
  /** The URL of an empty database. */
  readonly url: string;
  /** Creates another empty database, and returns its URL. */
  another(name: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts a server in a new directory. It is reachable only by a socket in that directory. A shell
 * between this process and the server shuts the server down when this process ends in any way.
 */
export async function startDebianServer(bin: string, user = 'sambatan'): Promise<DebianServer> {
  const place = mkdtempSync(join(tmpdir(), 'sambatan-pg-'));
  const account = isRoot ? idOfNobody() : undefined;
  if (account !== undefined) chownSync(place, account.uid, account.gid);
  const data = join(place, 'data');
  const options = { ...account, cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } } as const;
  const settings = ['--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'];
  execFileSync(join(bin, 'initdb'), [`--pgdata=${data}`, `--username=${user}`, ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const script =
    '"$0" -D "$1" -k "$2" -c listen_addresses= -c fsync=off >"$2/log" 2>&1 & ' +
    'read -r over; kill -INT $!; wait';
  const shell = spawn('/bin/sh', ['-c', script, join(bin, 'postgres'), data, place], {
    ...options,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const admin = `postgresql://${user}@localhost/postgres?host=${encodeURIComponent(place)}`;
  const another = async (name: string): Promise<string> => {
    await asAdmin(admin, `create database ${name}`);
    return inDatabase(admin, name);
  };
  const isThere = async () =>
    asAdmin(admin, 'select 1').then(
      () => true,
      () => false,
    );
  await waitUntil(isThere, { everyMs: 50 });
  const stop = async (): Promise<void> => {
    const gone = once(shell, 'exit');
    shell.stdin.end('over\n');
    await gone;
    rmSync(place, { recursive: true, force: true });
  };
  return { url: await another('sambatan'), another, stop };
}

function idOfNobody(): { uid: number; gid: number } {
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim());
  return { uid: id('-u'), gid: id('-g') };
}
