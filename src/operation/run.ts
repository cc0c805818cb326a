import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFailure, databaseError } from '../database/errors.ts';
import { inApiWords } from '../database/status-words.ts';
import type { Database } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, domainErrorNamed } from '../errors/errors.ts';
import { onceByKey } from './idempotency-keys.ts';

/** Maximum number of attempts, the first one included. */
export const maxAttempts = 3;
const firstWaitMs = 25;
/** No retry starts later than this (milliseconds), so that lock waits are answered within 2 s. */
export const lastStartMs = 1_000;

/**
 * Runs a verb in a transaction and resolves with its result after the COMMIT was acknowledged. All
 * writes go through this function. It retries only what the database provably did not apply (a
 * lock, a deadlock, a connection that could not be opened): three attempts, with growing, jittered
 * waits. It never retries what may have been applied. In a request with an Idempotency-Key the
 * verb runs once, however often the request is sent (see idempotency-keys.ts).
 *
 * Throws DomainError: the refusals of the verb, `campaign_busy`, `overloaded`,
 * `database_unavailable`, or `outcome_unknown` when the connection died during COMMIT.
 */
export async function runInTransaction<T>(db: Database, verb: (tx: Tx) => Promise<T>): Promise<T> {
  const once = onceByKey(verb);
  return await attemptSafely(() => db.transaction(once));
}

/** Carries the result of a previewed verb out of the transaction that is rolled back. */
class Previewed<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('the preview is rolled back');
    this.value = value;
  }
}

/**
 * Runs a verb as `runInTransaction` does and rolls it back. Returns the result or throws the error
 * that the verb would give now; changes nothing.
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
 * Reads with the retries and errors of `runInTransaction`. An interrupted read changed nothing, so
 * it is retried and its outcome is never unknown.
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

/** Converts a database failure into a DomainError; returns an unknown error unchanged. */
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
