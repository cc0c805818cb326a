import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Maximum duration of a shutdown in milliseconds; after it the process exits anyway. */
const stopMilliseconds = 45_000;

/**
 * Calls `stop` once: on SIGINT, SIGTERM or SIGHUP and, with `withParent`, when the parent process
 * has ended. The parent is checked because npm forwards signals but does not report its own end. A
 * second signal exits at once. When `stop` resolves, the process exits because nothing is left to
 * do; when it rejects or takes longer than 45 s, the process exits with code 1. Returns a function
 * that removes the handlers.
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

/**
 * The parent process at the start. It is read early, so that the end of the parent during a long
 * start is noticed too.
 */
const parent = process.ppid;

/**
 * Checks every second whether the parent process is still the same, and calls `gone` when it is
 * not.
 */
function watchParent(gone: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, 1_000);
  return timer.unref();
}

/**
 * Limits the growth of the heap: garbage collection starts when the heap has twice the size of the
 * live data. By default V8 waits for four times the size, which is over 300 MB under load.
 * docs/performance.md describes the cost.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
}

/**
 * Gives memory that was needed only during the start back to the operating system; V8 would keep
 * it. Blocks the process for about 100 ms.
 */
export function handBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  // Only this kind of garbage collection makes V8's young generation smaller.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
