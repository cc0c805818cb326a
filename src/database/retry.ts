import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFailure, databaseError } from './errors.ts';

/** Maximum number of attempts, the first one included. */
export const maxAttempts = 3;
const firstWaitMs = 25;
/** No retry starts later than this (milliseconds), so that lock waits are answered within 2 s. */
export const lastStartMs = 1_000;

/**
 * Runs what the database applies completely or not at all, and retries it while the database provably
 * applied nothing: three attempts, with growing, jittered waits. Throws the error of the last attempt.
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

/** An interrupted read changed nothing: it may be retried, and its outcome is never unknown. */
export function asReadFailure(error: unknown): unknown {
  const failure = databaseError(error);
  if (failure.kind !== 'unavailable' || failure.safe) return error;
  return new ConnectionFailure(error, { safe: true });
}

/**
 * Returns the wait before the next attempt in milliseconds: doubles, with full jitter above one
 * half.
 */
export function retryWaitMs(attempt: number): number {
  const longest = firstWaitMs * 2 ** attempt;
  return longest / 2 + (Math.random() * longest) / 2;
}

/** Returns true when the database provably applied nothing and a retry may succeed. */
export function isWorthRetrying(error: unknown): boolean {
  const failure = databaseError(error);
  return failure.kind === 'busy' || (failure.kind === 'unavailable' && failure.safe);
}
