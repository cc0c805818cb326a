import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How long a shutdown may take before the process leaves regardless, in milliseconds. */
const stopMilliseconds = 45_000;

/**
 * Calls `stop` once, on SIGINT, SIGTERM or SIGHUP, and, where `withParent` says so, when the parent
 * process is gone: npm passes a signal on, but when it is killed nobody tells us. A second signal
 * ends the process at once. When `stop` has resolved the process leaves by an empty event loop;
 * when it rejects or takes longer than 45 s, with exit code 1. Gives a function that takes all this
 * off again.
 */
export function onStopSignal(
  stop: (reason: string) => Promise<void>,
  { withParent = false }: { withParent?: boolean } = {},
): () => void {
  let stopping = false;
  const begin = (reason: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    clearInterval(parentWatch);
    setTimeout(() => process.exit(1), stopMilliseconds).unref();
    stop(reason).then(release, (error: unknown) => {
      process.stderr.write(`stopping failed: ${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    });
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, begin);
  const parentGone = (): void => {
    if (!stopping) begin('the parent process is gone');
  };
  const parentWatch = withParent ? watchParent(parentGone) : undefined;
  const release = (): void => {
    clearInterval(parentWatch);
    for (const signal of signals) process.off(signal, begin);
  };
  return release;
}

/** Taken as the process begins: a parent that dies during a long start is missed as well. */
const parent = process.ppid;

/** Looks once a second whether the parent is still the one we began with. */
function watchParent(gone: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, 1_000);
  return timer.unref();
}

/**
 * Lets the heap grow to twice what is alive in it, then collects: left to itself V8 lets four times
 * as much gather, which takes a crowd over 300 MB. What it costs: docs/performance.md.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
}

/**
 * Gives the memory that starting has taken and left back to the system: V8 keeps it for a process
 * that goes on as it began. Takes some 100 ms in which nothing else is done.
 */
export function handBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  // Nothing less makes the young generation small again.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
