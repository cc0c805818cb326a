import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Maximum duration of a shutdown before the process exits anyway, in milliseconds. */
const stopMilliseconds = 45_000;

/**
 * Calls `stop` once, on SIGINT, SIGTERM or SIGHUP, and (with `withParent`) when the parent process
 * is gone: npm forwards a signal, but nothing reports its death. A second signal exits at once.
 * When `stop` resolves, the process exits by an empty event loop; when it rejects or takes longer
 * than 45 s, with exit code 1. Returns a function that removes the handlers.
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
    if (!stopping) begin('the parent process has ended');
  };
  const parentWatch = withParent ? watchParent(parentGone) : undefined;
  const release = (): void => {
    clearInterval(parentWatch);
    for (const signal of signals) process.off(signal, begin);
  };
  return release;
}

/** Read at start, so that a parent that dies during a long start is noticed too. */
const parent = process.ppid;

/** Checks once a second whether the parent process is still the same. */
function watchParent(gone: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, 1_000);
  return timer.unref();
}

/**
 * Bounds the heap: V8 collects when it has grown to twice the live data; by default it waits for
 * four times as much, over 300 MB under load. The cost: docs/performance.md.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
}

/**
 * Returns the memory used during the start to the system; V8 would keep it. Blocks the process for
 * about 100 ms.
 */
export function handBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  // Only this kind of garbage collection shrinks the young generation.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
