import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Processes, Usage } from '../load/job.ts';

/** CPU time that each process has used since its start, in seconds; undefined if unknown. */
interface Reading {
  readonly at: number;
  readonly server: number | undefined;
  readonly postgres: number | undefined;
  readonly generator: number;
}

/** Linux reports CPU time in hundredths of a second, with every timer frequency of the kernel. */
const ticksPerSecond = 100;

/** Reads the CPU time of the processes. Most values are known only on Linux. */
export function readCpuUsage({ server, postgres }: Processes): Reading {
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    server: secondsOf(server),
    postgres: postgres === undefined ? undefined : cpuSecondsOfTree([postgres]),
    generator: (user + system) / 1_000_000,
  };
}

/** Computes the average number of CPU cores used between two readings. */
export function usageBetween(before: Reading, after: Reading): Usage {
  const seconds = (after.at - before.at) / 1_000;
  const share = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : Math.max(0, (to - from) / seconds);
  return {
    server: share(before.server, after.server),
    postgres: share(before.postgres, after.postgres),
    generator: share(before.generator, after.generator) ?? 0,
  };
}

/** Resident memory of a process in bytes; undefined if unknown. */
export function residentBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

/** CPU time of a process with its ended children, in seconds; undefined if unknown. */
export function secondsOf(pid: number): number | undefined {
  const found = statOf(pid);
  return found && (found.own + found.ofEndedChildren) / ticksPerSecond;
}

/** CPU time of processes with all their descendants, running and ended, in seconds. */
export function cpuSecondsOfTree(roots: readonly number[]): number | undefined {
  if (roots.some((pid) => secondsOf(pid) === undefined)) return undefined;
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = /^\d+$/.test(name) ? statOf(pid)?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = new Set(roots);
  for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child);
  return [...tree].reduce((sum, pid) => sum + (secondsOf(pid) ?? 0), 0);
}

function statOf(pid: number) {
  // The second field is the name of the program in brackets, which may itself contain brackets.
  const fields = textOf(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ').map(Number);
  if (fields === undefined) return undefined;
  const [parent = 0, user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = [
    fields[1],
    ...fields.slice(11, 15),
  ];
  return { parent, own: user + system, ofEndedChildren: childrenUser + childrenSystem };
}

/** CPU time of all programs of this machine in seconds; undefined if unknown. */
export function secondsOfMachine(): number | undefined {
  const line = /^cpu +(.+)$/m.exec(textOf('/proc/stat') ?? '')?.[1];
  if (line === undefined) return undefined;
  // Interrupts are left out: most of them belong to the load over loopback.
  const [user = 0, nice = 0, system = 0] = line.split(' ').map(Number);
  return (user + nice + system) / ticksPerSecond;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Number of usable CPU cores. */
export const cores = availableParallelism();
