import { AssertionError } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when the condition becomes true. Rejects after one minute, and if the check throws. */
export async function waitUntil(
  isTrue: () => Promise<boolean> | boolean,
  { everyMs = 10, withinMs = 60_000 }: { everyMs?: number; withinMs?: number } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) {
      throw new AssertionError({ message: `it did not come true in ${withinMs} ms: ${isTrue}` });
    }
    await sleep(everyMs);
  }
}
