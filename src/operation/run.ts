import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFailure, databaseError } from '../database/errors.ts';
import { inApiWords } from '../database/status-words.ts';
import type { Database } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, domainErrorNamed } from '../errors/errors.ts';
import { onceByKey } from './idempotency-keys.ts';

/** Attempts in all at what the database provably did not apply. */
export const maxAttempts = 3;
const firstWaitMs = 25;
/** No new attempt begins later than this: who waits for a lock is answered within two seconds. */
export const lastStartMs = 1_000;

/**
 * The one way to write: runs a verb in a transaction and gives what it gives once the COMMIT was
 * acknowledged. What the database provably did not apply (a lock, a deadlock, a connection that was
 * not there yet) is tried again, three times in all, with growing, jittered waits; what it may have
 * applied never is. In a request with an Idempotency-Key the verb runs once, however often the
 * request is sent (see request-keys.ts). Throws DomainError: the verb's own refusals, `campaign_busy`, `overloaded`,
 * `database_unavailable`, or `outcome_unknown` when the connection died during COMMIT.
 */
export async function runInTransaction<T>(db: Database, verb: (tx: Tx) => Promise<T>): Promise<T> {
  const once = onceByKey(verb);
  return await attemptSafely(() => db.transaction(once));
}

/** Carries what a previewed verb gave out of the transaction that is rolled back. */
class Previewed<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('the preview is rolled back');
    this.value = value;
  }
}

/**
 * Runs a verb as `operate` does and rolls it back: gives what it would give now, and throws what it
 * would throw, without changing anything.
 */
export async function preview<T>(db: Database, verb: (tx: Tx) => Promise<T>): Promise<T> {
  return await retryRead(async () => {
    try {
      return await db.transaction<never>(async (tx) => {
        throw new Previewed(await verb(tx));
      });
    } catch (error) {
      if (error instanceof Previewed) return error.value as T;
      throw error;
    }
  });
}

/**
 * Reads with the same patience and the same errors as `operate`; but a read that was cut off has
 * changed nothing, so that its outcome is never unknown and it is tried again.
 */
export async function retryRead<T>(read: () => Promise<T>): Promise<T> {
  return await attemptSafely(async () => {
    try {
      return await read();
    } catch (error) {
      const failure = databaseError(error);
      if (failure.kind !== 'unavailable' || failure.safe) throw error;
      throw new ConnectionFailure(error, { safe: true });
    }
  });
}

async function attemptSafely<T>(run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const again = attempt < maxAttempts && performance.now() - startedAt < lastStartMs;
      if (!again || !isWorthRetrying(error)) throw asDomainError(error);
      await sleep(retryWaitMs(attempt));
    }
  }
}

/** Milliseconds to wait before the next attempt: doubling, with full jitter above the half. */
export function retryWaitMs(attempt: number): number {
  const longest = firstWaitMs * 2 ** attempt;
  return longest / 2 + (Math.random() * longest) / 2;
}

/** Whether the database provably applied nothing and may well do so the next time. */
export function isWorthRetrying(error: unknown): boolean {
  const failure = databaseError(error);
  return failure.kind === 'busy' || (failure.kind === 'unavailable' && failure.safe);
}

/** What a failure of the database means to a caller; anything unknown is given back as it came. */
export function asDomainError(error: unknown): unknown {
  const failure = databaseError(error);
  switch (failure.kind) {
    case 'refusal':
      return domainErrorNamed(failure.code, inApiWords(failure.code, failure.params)) ?? error;
    case 'unavailable':
      return new DomainError(failure.safe ? 'database_unavailable' : 'outcome_unknown', {});
    case 'overloaded':
      return new DomainError('overloaded', {});
    case 'busy':
      return new DomainError('campaign_busy', {});
    case 'constraint':
    case 'unknown':
      return error;
    default:
      return failure satisfies never;
  }
}
