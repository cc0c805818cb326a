import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { childEnvironment, searchPath } from '../config/config.ts';
import { driverUrl } from '../database/session.ts';
import { checkConnection } from './connection.ts';

const programs = ['pg_dump', 'pg_restore', 'psql'] as const;
export type Program = (typeof programs)[number];

/** PostgreSQL's client programs of one major version, all from one directory. */
export interface Tools {
  readonly directory: string;
  readonly major: number;
}

/**
 * This machine has no client programs of the server's major version. The message names the package
 * to install.
 */
export class ToolsMissing extends Error {
  constructor(major: number, found: readonly Tools[]) {
    const others = found.map((tools) => `${tools.major} in ${tools.directory}`).join(', ');
    super(
      `the database is PostgreSQL ${major}, and pg_dump, pg_restore and psql of version ${major} ` +
        `are not on PATH nor in the usual directories (${others ? `found: ${others}` : 'none found'}); ` +
        `a backup that pg_dump wrote cannot be read without them. ` +
        `Install them: Debian and Ubuntu: apt-get install postgresql-client-${major} (from ` +
        `apt.postgresql.org where the distribution has another version); Fedora and RHEL: ` +
        `dnf install postgresql${major}; macOS: brew install postgresql@${major}`,
    );
    this.name = 'ToolsMissing';
  }
}

/**
 * Returns the directories in which packages of Debian, Red Hat and Homebrew install the client
 * programs.
 */
function defaultDirectories(): string[] {
  const versioned = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr'];
  return versioned.flatMap((parent) => {
    try {
      return readdirSync(parent)
        .filter((name) => /^(\d+|postgresql@\d+|pgsql-\d+)$/.test(name))
        .map((name) => join(parent, name, 'bin'));
    } catch {
      return [];
    }
  });
}

/**
 * Returns client programs of the server's major version; throws ToolsMissing when there are none.
 */
export function findTools(
  major: number,
  directories: readonly string[] = [...defaultDirectories(), ...searchPath()],
): Tools {
  const found = new Map<string, Tools>();
  for (const directory of new Set(directories)) {
    const tools = toolsIn(directory);
    if (tools?.major === major) return tools;
    if (tools !== undefined) found.set(directory, tools);
  }
  throw new ToolsMissing(major, [...found.values()]);
}

function toolsIn(directory: string): Tools | undefined {
  const versions = programs.map((program) => {
    const path = join(directory, program);
    try {
      accessSync(path, constants.X_OK);
    } catch {
      return undefined;
    }
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1];
  });
  const [first] = versions;
  if (first === undefined || versions.some((version) => version !== first)) return undefined;
  return { directory, major: Number(first) };
}

/**
 * Returns the URL for PostgreSQL's client programs and, separately, the password: every user of the
 * machine can read a program's arguments. Throws for a transaction pooler, which these programs do
 * not support.
 */
export function programTarget(url: string): { readonly name: string; readonly password: string } {
  checkConnection(url);
  const target = new URL(driverUrl(url));
  target.searchParams.delete('uselibpqcompat');
  const password = decodeURIComponent(target.password);
  target.password = '';
  return { name: target.toString(), password };
}

export interface Running {
  readonly tools: Tools;
  readonly program: Program;
  readonly args: readonly string[];
  readonly password?: string;
  /** Called with each line that the program writes to standard error. */
  readonly onLine?: (line: string) => void;
  /**
   * Receives the program's standard output and is not ended by this function; without it the output
   * is discarded.
   */
  readonly into?: Writable;
}

/**
 * Runs a program and waits for its end. When the program fails, throws an error with its last lines
 * of output.
 */
export async function run({ tools, program, args, ...how }: Running): Promise<void> {
  const child = spawn(join(tools.directory, program), args, {
    env: childEnvironment({ PGPASSWORD: how.password ?? '', PGAPPNAME: 'sambatan backup' }),
    stdio: ['ignore', how.into === undefined ? 'ignore' : 'pipe', 'pipe'],
  });
  if (how.into !== undefined) {
    child.stdout?.pipe(how.into, { end: false });
    // When the reader is closed, the program must not wait for it.
    how.into.once('close', () => child.stdout?.destroy());
  }
  await exitOf(child, program, how.onLine);
}

/** Runs psql with the input that `feed` writes. */
export async function runPsql(
  { tools, args, password = '' }: Omit<Running, 'program'>,
  feed: (input: Writable) => Promise<void>,
): Promise<void> {
  const child = spawn(join(tools.directory, 'psql'), args, {
    env: childEnvironment({ PGPASSWORD: password, PGAPPNAME: 'sambatan restore' }),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  // psql may exit early because a statement failed. Ignore the errors of later writes.
  child.stdin.on('error', () => undefined);
  const ended = exitOf(child, 'psql');
  const early = ended.then(() => Promise.reject(new Error('psql ended before it was told to')));
  const fed = feed(child.stdin).then(() => child.stdin.end());
  try {
    await Promise.race([fed, early]);
  } catch (error) {
    // Otherwise psql would wait for more input while its transaction stays open.
    child.kill();
    await ended.catch(() => undefined);
    throw error;
  }
  await ended;
}

const keptLines = 12;

async function exitOf(
  child: ReturnType<typeof spawn>,
  program: Program,
  onLine: (line: string) => void = () => undefined,
): Promise<void> {
  const last: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => {
    onLine(line);
    last.push(line);
    if (last.length > keptLines) last.shift();
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(signal ?? status));
  });
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${last.join('\n')}`);
}
