import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { osAccountFor, binaries } from './embedded-binaries.ts';
import {
  checkMajorVersion,
  openSocketDirectory,
  embeddedName,
  chownTo,
  initialize,
  makeDataDirectory,
  privateDirectory,
  readOrMakePassword,
  serverEnvironment,
  writeSettings,
  type Cluster,
} from './embedded-cluster.ts';
import {
  stopOrphans,
  isServerOf,
  ownerMark,
  recordedPid,
  waitUntilGone,
} from './embedded-processes.ts';
import type { Log } from './log.ts';

export interface EmbeddedOptions {
  /** The cluster is kept in its subdirectory `postgres`. */
  readonly dataDir: string;
  readonly log: Log;
  /** Server settings beside ours, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Embedded {
  /** For openDatabase(); the same for as long as this runs, also over a restart of the server. */
  readonly url: string;
  /** The server's first process; undefined while it is down. */
  postmaster(): number | undefined;
  /** Fast shutdown; waits until no process is left. Idempotent. */
  stop(): Promise<void>;
}

const socketPrefix = 'sambatan-socket-';

/**
 * Starts a PostgreSQL of our own on `<dataDir>/postgres`, made when it is not there, reachable by
 * a private unix socket alone. What a killed service left running there is ended first. When the
 * server dies it is started again; when this process dies, however, the server is shut down.
 * Throws DataDirectoryInUse when another service runs on the directory.
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
 * Where the server of another service on this data directory answers, for a command that wants to
 * look at its database meanwhile; undefined when none runs.
 */
export function runningEmbedded(dataDir: string): string | undefined {
  const cluster = join(resolve(dataDir), 'postgres');
  const pid = existsSync(join(cluster, 'postmaster.pid')) ? recordedPid(cluster) : undefined;
  if (pid === undefined || !isServerOf(cluster, pid)) return undefined;
  const socketDirectory = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[4];
  return urlOf(socketDirectory ?? '', readOrMakePassword(resolve(dataDir)));
}

function urlOf(socketDirectory: string, password: string): string {
  const host = encodeURIComponent(socketDirectory);
  return `postgresql://${embeddedName}:${password}@localhost/${embeddedName}?host=${host}`;
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

/** Ends what still runs there, then takes away the lock file and the socket that it left. */
async function recover(cluster: string, log: Log): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid');
  const socketDirectory = existsSync(lockFile)
    ? (readFileSync(lockFile, 'utf8').split('\n')[4] ?? '')
    : '';
  await stopOrphans(cluster, log);
  // The server would believe a pid that by now belongs to some other process.
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

/** Keeps one server running until it is told to stop. */
class Supervisor {
  readonly url: string;
  readonly #cluster: Cluster;
  readonly #socketDirectory: string;
  readonly #log: Log;
  #server: ChildProcess | undefined;
  #stopping: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;

  constructor(cluster: Cluster, socketDirectory: string, log: Log) {
    this.#cluster = cluster;
    this.#socketDirectory = socketDirectory;
    this.#log = log;
    this.url = urlOf(socketDirectory, cluster.password);
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** Resolves when the server takes connections. */
  async start(): Promise<void> {
    const outputFile = `${this.#cluster.directory}.log`;
    const server = this.#launch(outputFile);
    this.#server = server;
    server.once('exit', (code, signal) => {
      this.#server = undefined;
      // While it is being started again, that tells of it.
      if (this.#stopping !== undefined || this.#restarting !== undefined) return;
      this.#log.error({ code, signal }, 'PostgreSQL ended by itself: starting it again');
      this.#restarting = this.#restart().finally(() => {
        this.#restarting = undefined;
      });
    });
    await this.#ready(server, outputFile);
  }

  #launch(outputFile: string): ChildProcess {
    const { account, binaries: programs, directory } = this.#cluster;
    const door = openSocketDirectory(directory, account);
    const output = openSync(outputFile, 'w', 0o600);
    const watchdog = this.#watchdog();
    const server = spawn(
      join(programs, 'bin', 'postgres'),
      ['-D', door.path, '-k', this.#socketDirectory, '-c', `cluster_name=${ownerMark()}`],
      {
        ...account,
        cwd: '/',
        env: serverEnvironment,
        // In a session of its own: Ctrl-C in a terminal is for us, and we stop it in order.
        detached: true,
        stdio: ['ignore', output, output, door.descriptor ?? 'ignore'],
      },
    );
    server.on('error', (error) => this.#log.error({ err: error }, 'PostgreSQL cannot be run'));
    watchdog.stdin?.write(`${server.pid ?? ''}\n`);
    server.once('exit', () => watchdog.stdin?.end('over\n'));
    closeSync(output);
    door.close();
    return server;
  }

  /**
   * A shell that outlives us: it is told the server's pid, then reads on; when we are gone, however
   * that came, the pipe ends without a word and it shuts the server down.
   */
  #watchdog(): ChildProcess {
    // The socket's lock says that the server is there; a pid may stay as a zombie's for long.
    const script =
      'read -r pid || exit 0; [ -n "$pid" ] || exit 0; read -r over && exit 0; ' +
      'lock="$1/.s.PGSQL.5432.lock"; kill -INT "$pid"; n=0; ' +
      'while [ -e "$lock" ] && kill -0 "$pid" && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done; ' +
      '[ -e "$lock" ] && kill -QUIT "$pid"; rm -f "$1"/.s.PGSQL.*; rmdir "$1"';
    const watchdog = spawn('/bin/sh', ['-c', script, 'sh', this.#socketDirectory], {
      ...this.#cluster.account,
      cwd: '/',
      env: serverEnvironment,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watchdog.on('error', (error) => this.#log.error({ err: error }, 'no watchdog'));
    watchdog.stdin?.on('error', () => undefined);
    watchdog.unref();
    return watchdog;
  }

  /** The last line of the server's lock file turns to `ready`; recovery may take its time. */
  async #ready(server: ChildProcess, outputFile: string): Promise<void> {
    const begin = performance.now();
    let told = begin;
    while (server.exitCode === null && server.signalCode === null && server.pid !== undefined) {
      if (isReady(this.#cluster.directory, server.pid)) return;
      if (performance.now() - told > 5_000) {
        told = performance.now();
        const seconds = Math.round((told - begin) / 1_000);
        this.#log.info({ seconds }, 'PostgreSQL is still recovering what was not shut down');
      }
      await sleep(5);
    }
    const said = existsSync(outputFile) ? readFileSync(outputFile, 'utf8').trim() : '';
    const pid = recordedPid(this.#cluster.directory);
    if (pid !== undefined) await endOrphansOf(this.#cluster.directory, pid, this.#log);
    throw new Error(`PostgreSQL did not start: ${said || 'it said nothing'}`);
  }

  /** Tries every second at last: whoever has made room on a full disk waits no longer than that. */
  async #restart(): Promise<void> {
    let told = -Infinity;
    for (let delay = 50; this.#stopping === undefined; delay = Math.min(delay * 2, 1_000)) {
      try {
        await stopOrphans(this.#cluster.directory, this.#log);
        await this.#relaunch();
        this.#log.info('PostgreSQL runs again');
        return;
      } catch (error) {
        // A disk may be full for a night, and so may be the one that the log is on.
        if (performance.now() - told > 30_000) {
          told = performance.now();
          this.#log.error({ err: error }, 'PostgreSQL could not be started again yet');
        }
        await sleep(delay);
      }
    }
  }

  async #relaunch(): Promise<void> {
    rmSync(join(this.#cluster.directory, 'postmaster.pid'), { force: true });
    await this.start();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    await Promise.resolve();
    await this.#restarting;
    const server = this.#server;
    if (server?.pid !== undefined) {
      const gone = once(server, 'exit');
      for (const [signal, wait] of endings) {
        server.kill(signal);
        if (await isBefore(gone, wait)) break;
        this.#log.warn({ signal, milliseconds: wait }, 'PostgreSQL is slow to stop');
      }
    }
    // The server's logger outlives it by a moment.
    await waitUntilGone(this.#cluster.directory, 2_000);
    rmSync(this.#socketDirectory, { recursive: true, force: true });
  }
}

/** Fast, then immediate shutdown (recovers at the next start), then the hard end; how long each. */
const endings = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 10_000],
  ['SIGKILL', 10_000],
] as const;

async function isBefore(event: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const first = await Promise.race([event.then(() => true), late]);
  timer.abort();
  return first;
}

/** Says who holds the cluster when our own server found it taken. */
async function endOrphansOf(cluster: string, pid: number, log: Log): Promise<void> {
  if (isServerOf(cluster, pid)) await stopOrphans(cluster, log);
}

function isReady(cluster: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}
