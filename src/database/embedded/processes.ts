import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';

const linux = process.platform === 'linux';
const ownerPattern = /cluster_name=sambatan:(\d+):(\S+)/;

/**
 * Returns a text that is added to the command line of a server. It contains the pid of the service
 * process that started the server.
 */
export function ownerMark(pid: number = process.pid): string {
  return `sambatan:${pid}:${startTime(pid) ?? 'unknown'}`;
}

/**
 * Error: another running service uses this data directory. A second server on the same directory
 * would destroy the data.
 */
export class DataDirectoryInUse extends Error {
  constructor(directory: string, pid: number) {
    super(
      `the data directory ${directory} is in use by another running Sambatan (process ${pid}); ` +
        'stop that one, or give this one a SAMBATAN_DATA_DIR of its own',
    );
    this.name = 'DataDirectoryInUse';
  }
}

/**
 * Stops the server processes that are still running on this cluster although the service that
 * started them was killed. This can be the main server process (postmaster), or other server
 * processes if their postmaster has ended. A process gets a signal only if it is a `postgres` of
 * this directory. Throws DataDirectoryInUse when the service that started the server still runs.
 */
export async function stopOrphans(cluster: string, log: Log): Promise<void> {
  const found = serverProcesses(cluster);
  const postmaster = found.find((pid) => ownerPattern.test(commandLine(pid)));
  if (postmaster !== undefined) {
    const owner = livingOwner(postmaster);
    if (owner !== undefined) throw new DataDirectoryInUse(cluster, owner);
    log.warn({ pid: postmaster }, 'a PostgreSQL of a killed service still runs; stopping it');
    await end(postmaster, ['SIGINT', 'SIGQUIT', 'SIGKILL'], cluster);
  }
  // Server processes notice that their postmaster has ended, and then exit by themselves, unless
  // they are executing a statement.
  await waitUntilGone(cluster, 1_000);
  for (const pid of serverProcesses(cluster)) {
    log.warn({ pid }, 'a server process without a postmaster still runs; stopping it');
    await end(pid, ['SIGTERM', 'SIGQUIT', 'SIGKILL'], cluster);
  }
}

/** Waits until no process of this cluster is running, at most this number of milliseconds. */
export async function waitUntilGone(cluster: string, milliseconds: number): Promise<void> {
  for (let waited = 0; waited < milliseconds; waited += 10) {
    if (serverProcesses(cluster).length === 0) return;
    await sleep(10);
  }
}

/** Returns true when the pid is a running server of this cluster. */
export function isServerOf(cluster: string, pid: number): boolean {
  if (linux) {
    try {
      if (!/^postgres\b/.test(basename(readlinkSync(`/proc/${pid}/exe`)))) return false;
      const at = statSync(`/proc/${pid}/cwd`);
      const wanted = statSync(cluster);
      return at.dev === wanted.dev && at.ino === wanted.ino;
    } catch {
      return false;
    }
  }
  const command = commandLine(pid);
  return command.includes('postgres') && command.includes(` -D ${cluster} `);
}

/**
 * Returns the pids of this cluster's server processes. On systems other than Linux, returns only
 * the pid of the main process (postmaster).
 */
export function serverProcesses(cluster: string): number[] {
  if (linux) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => isServerOf(cluster, pid));
  }
  const pid = recordedPid(cluster);
  return pid !== undefined && isServerOf(cluster, pid) ? [pid] : [];
}

/** Returns the pid in the cluster's lock file. The process with this pid may have ended. */
export function recordedPid(cluster: string): number | undefined {
  try {
    const pid = Number(readFileSync(`${cluster}/postmaster.pid`, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function livingOwner(postmaster: number): number | undefined {
  const [, pid, started] = ownerPattern.exec(commandLine(postmaster)) ?? [];
  if (pid === undefined || Number(pid) === process.pid) return undefined;
  // Compare the start time, because the system may have given the pid to another process.
  return startTime(Number(pid)) === started ? Number(pid) : undefined;
}

async function end(pid: number, signals: NodeJS.Signals[], cluster: string): Promise<void> {
  for (const signal of signals) {
    if (!isServerOf(cluster, pid)) return;
    process.kill(pid, signal);
    for (let waited = 0; waited < 10_000; waited += 20) {
      await sleep(20);
      if (!isServerOf(cluster, pid)) return;
    }
  }
  throw new Error(`process ${pid} of ${cluster} could not be ended`);
}

function commandLine(pid: number): string {
  if (!linux) return `${ps(pid, 'command')} `;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/**
 * Returns the start time of a process, in a unit that depends on the system. Use the result only
 * for comparison. Undefined for a process that has ended, also if it still exists as a zombie: a
 * killed service whose parent does not collect it can stay a zombie for a long time.
 */
function startTime(pid: number): string | undefined {
  if (!linux) {
    if (ps(pid, 'stat').startsWith('Z')) return undefined;
    return ps(pid, 'lstart').replaceAll(/\s+/g, '_') || undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The start time is field 22. Field 2 is a name in parentheses that may contain spaces.
    // Therefore count the fields from the end of field 2.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string {
  const { stdout } = spawnSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], {
    encoding: 'utf8',
  });
  return stdout.trim();
}
