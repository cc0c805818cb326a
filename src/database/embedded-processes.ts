import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.ts';

const linux = process.platform === 'linux';
const ownerPattern = /cluster_name=sambatan:(\d+):(\S+)/;

/** The mark by which a server's command line names the service that started it. */
export function ownerMark(pid: number = process.pid): string {
  return `sambatan:${pid}:${startTime(pid) ?? 'unknown'}`;
}

/** Another running service has this data directory; starting a second server would destroy it. */
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
 * Ends what a killed service left running on this cluster: a postmaster without its service, or
 * server processes without their postmaster. A pid is believed only when that process is a
 * `postgres` that works in this directory; anything else with the pid is left alone. Throws
 * DataDirectoryInUse when the service that started the server still runs.
 */
export async function stopOrphans(cluster: string, log: Log): Promise<void> {
  const found = serverProcesses(cluster);
  const postmaster = found.find((pid) => ownerPattern.test(commandLine(pid)));
  if (postmaster !== undefined) {
    const owner = livingOwner(postmaster);
    if (owner !== undefined) throw new DataDirectoryInUse(cluster, owner);
    log.warn({ pid: postmaster }, 'a PostgreSQL of a killed service still runs: ending it');
    await end(postmaster, ['SIGINT', 'SIGQUIT', 'SIGKILL'], cluster);
  }
  // They see that their postmaster is gone and leave by themselves, unless they are busy.
  await waitUntilGone(cluster, 1_000);
  for (const pid of serverProcesses(cluster)) {
    log.warn({ pid }, 'a server process without its postmaster still runs: ending it');
    await end(pid, ['SIGTERM', 'SIGQUIT', 'SIGKILL'], cluster);
  }
}

/** Waits until no process of this cluster is left, or the milliseconds are over. */
export async function waitUntilGone(cluster: string, milliseconds: number): Promise<void> {
  for (let waited = 0; waited < milliseconds; waited += 10) {
    if (serverProcesses(cluster).length === 0) return;
    await sleep(10);
  }
}

/** Whether the pid is that of a running server of this cluster. */
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

/** The running server processes of this cluster (elsewhere than on Linux: its postmaster). */
export function serverProcesses(cluster: string): number[] {
  if (linux) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => isServerOf(cluster, pid));
  }
  const pid = recordedPid(cluster);
  return pid !== undefined && isServerOf(cluster, pid) ? [pid] : [];
}

/** The pid that the cluster's own lock file names, running or not. */
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
  // A pid alone may have been given to another process since.
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
 * When a process began, in whatever unit the system has: only good for comparing. Undefined for one
 * that has ended, also while nobody has taken notice of it: a killed service whose parent is gone
 * stays a zombie for as long as the system's first process pleases.
 */
function startTime(pid: number): string | undefined {
  if (!linux) {
    if (ps(pid, 'stat').startsWith('Z')) return undefined;
    return ps(pid, 'lstart').replaceAll(/\s+/g, '_') || undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field; the second one is a name in parentheses that may hold blanks.
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
