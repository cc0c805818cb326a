import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSocketDirectory, serverEnvironment, type Cluster, embeddedName } from './cluster.ts';
import { stopOrphans, isServerOf, ownerMark, recordedPid, waitUntilGone } from './processes.ts';
import type { Log } from '../log.ts';

/**
 * Keeps one server running until stop() is called. Starts the server, and restarts it when it dies.
 */
export class Supervisor {
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

  /** Starts the server and resolves when it accepts connections. */
  async start(): Promise<void> {
    const outputFile = `${this.#cluster.directory}.log`;
    const server = this.#launch(outputFile);
    this.#server = server;
    server.once('exit', (code, signal) => {
      this.#server = undefined;
      // If a restart is in progress, the restart reports the failed start.
      if (this.#stopping !== undefined || this.#restarting !== undefined) return;
      this.#log.error({ code, signal }, 'PostgreSQL exited unexpectedly; restarting it');
      this.#restarting = this.#restart().finally(() => {
        this.#restarting = undefined;
      });
    });
    await this.#ready(server, outputFile);
  }

  #launch(outputFile: string): ChildProcess {
    const { account, binaries: programs, directory } = this.#cluster;
    const dataPath = openSocketDirectory(directory, account);
    const output = openSync(outputFile, 'w', 0o600);
    const watchdog = this.#watchdog();
    const server = spawn(
      join(programs, 'bin', 'postgres'),
      ['-D', dataPath.path, '-k', this.#socketDirectory, '-c', `cluster_name=${ownerMark()}`],
      {
        ...account,
        cwd: '/',
        env: serverEnvironment,
        // The server runs in a separate session. So Ctrl-C in a terminal sends a signal only to
        // this process, which then shuts the server down.
        detached: true,
        stdio: ['ignore', output, output, dataPath.descriptor ?? 'ignore'],
      },
    );
    server.on('error', (error) =>
      this.#log.error({ err: error }, 'PostgreSQL could not be started'),
    );
    watchdog.stdin?.write(`${server.pid ?? ''}\n`);
    server.once('exit', () => watchdog.stdin?.end('over\n'));
    closeSync(output);
    dataPath.close();
    return server;
  }

  /**
   * Starts a shell that continues to run when this process ends. The shell reads the server's pid
   * and then waits for the line "over" on a pipe. If this process ends for any reason, the pipe
   * closes without that line, and the shell shuts the server down.
   */
  #watchdog(): ChildProcess {
    // Use the lock file of the socket to find out whether the server is running. The pid is not
    // enough, because a process that has ended may stay as a zombie for a long time.
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
    watchdog.on('error', (error) =>
      this.#log.error({ err: error }, 'the watchdog of PostgreSQL failed'),
    );
    watchdog.stdin?.on('error', () => undefined);
    watchdog.unref();
    return watchdog;
  }

  /**
   * Waits until the server's lock file contains `ready`. After a crash, recovery may take a long
   * time.
   */
  async #ready(server: ChildProcess, outputFile: string): Promise<void> {
    const begin = performance.now();
    let loggedAt = begin;
    while (server.exitCode === null && server.signalCode === null && server.pid !== undefined) {
      if (isReady(this.#cluster.directory, server.pid)) return;
      if (performance.now() - loggedAt > 5_000) {
        loggedAt = performance.now();
        const seconds = Math.round((loggedAt - begin) / 1_000);
        this.#log.info({ seconds }, 'PostgreSQL is still in crash recovery');
      }
      await sleep(5);
    }
    const output = existsSync(outputFile) ? readFileSync(outputFile, 'utf8').trim() : '';
    const pid = recordedPid(this.#cluster.directory);
    if (pid !== undefined) await endOrphansOf(this.#cluster.directory, pid, this.#log);
    throw new Error(`PostgreSQL did not start: ${output || 'it wrote no message'}`);
  }

  /**
   * Tries to start the server again, finally once per second. So the server is running again within
   * about a second after, for example, a full disk has free space again.
   */
  async #restart(): Promise<void> {
    let loggedAt = -Infinity;
    for (let delay = 50; this.#stopping === undefined; delay = Math.min(delay * 2, 1_000)) {
      try {
        await stopOrphans(this.#cluster.directory, this.#log);
        await this.#relaunch();
        this.#log.info('PostgreSQL restarted');
        return;
      } catch (error) {
        // The disk may be full for hours, and the log may be on the same disk. Therefore log at
        // most every 30 seconds.
        if (performance.now() - loggedAt > 30_000) {
          loggedAt = performance.now();
          this.#log.error({ err: error }, 'PostgreSQL restart failed; it will retry');
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
    this.#stopping ??= this.#shutDown();
    return this.#stopping;
  }

  async #shutDown(): Promise<void> {
    await Promise.resolve();
    await this.#restarting;
    const server = this.#server;
    if (server?.pid !== undefined) {
      const gone = once(server, 'exit');
      for (const [signal, wait] of stopSignals) {
        server.kill(signal);
        if (await isBefore(gone, wait)) break;
        this.#log.warn({ signal, milliseconds: wait }, 'PostgreSQL is slow to stop');
      }
    }
    // The server's logger process exits shortly after the server. Wait until it has ended too.
    await waitUntilGone(this.#cluster.directory, 2_000);
    rmSync(this.#socketDirectory, { recursive: true, force: true });
  }
}

/**
 * The signals that stop the server, each with the time to wait in milliseconds: fast shutdown,
 * immediate shutdown (the next start recovers from it), and SIGKILL.
 */
const stopSignals = [
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

/**
 * Stops server processes of a service that was killed. Throws DataDirectoryInUse when another
 * service is using the cluster.
 */
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

export function urlOf(socketDirectory: string, password: string): string {
  const host = encodeURIComponent(socketDirectory);
  return `postgresql://${embeddedName}:${password}@localhost/${embeddedName}?host=${host}`;
}
