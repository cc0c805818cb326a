import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFailure, databaseError } from './errors.ts';

/** Maximum number of attempts, including the first one. */
export const maxAttempts = 3;
const firstWaitMs = 25;
/**
 * No attempt starts later than this number of milliseconds after the first attempt. So an operation
 * that waits for locks ends within 2 seconds.
 */
export const lastStartMs = 1_000;

/**
 * Runs an operation that the database applies completely or not at all. Repeats it after a failure
 * if it is certain that the database changed nothing. Makes at most three attempts, with random
 * waits that become longer. Throws the error of the last attempt.
 */
export async function retrySafely<T>(run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const again = attempt < maxAttempts && performance.now() - startedAt < lastStartMs;
      if (!again || !isWorthRetrying(error)) throw error;
      await sleep(retryWaitMs(attempt));
    }
  }
}

/**
 * Marks the failure of a read as safe: an interrupted read changed nothing, so it may be repeated.
 */
export function asReadFailure(error: unknown): unknown {
  const failure = databaseError(error);
  if (failure.kind !== 'unavailable' || failure.safe) return error;
  return new ConnectionFailure(error, { safe: true });
}

/**
 * Returns the wait before the next attempt in milliseconds. The maximum doubles with each attempt;
 * the wait is a random time between half of the maximum and the maximum.
 */
export function retryWaitMs(attempt: number): number {
  const longest = firstWaitMs * 2 ** attempt;
  return longest / 2 + (Math.random() * longest) / 2;
}

/**
 * Returns true when it is certain that the database changed nothing, and another attempt may
 * succeed.
 */
export function isWorthRetrying(error: unknown): boolean {
  const failure = databaseError(error);
  return failure.kind === 'busy' || (failure.kind === 'unavailable' && failure.safe);
}
