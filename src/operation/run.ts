import { databaseError } from '../database/errors.ts';
import { asReadFailure, retrySafely } from '../database/retry.ts';
import { inApiWords } from '../database/status-words.ts';
import type { Database } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, domainErrorNamed } from '../errors/errors.ts';
import { onceByKey } from './idempotency-keys.ts';

/**
 * Runs an operation in a transaction. Resolves with its result when the server has acknowledged the
 * COMMIT. All writes go through this function. If an attempt fails and it is certain that the
 * database changed nothing (because of a lock, a deadlock, or a connection that could not be
 * opened), it tries again: at most three attempts, with random waits that become longer. It never
 * repeats an attempt that may have been committed. In a request with an Idempotency-Key, the
 * operation runs only once, even if the client sends the request several times (see
 * idempotency-keys.ts).
 *
 * Throws DomainError: the refusals of the operation, `campaign_busy`, `overloaded`,
 * `database_unavailable`, or `outcome_unknown` when the connection was lost during the COMMIT.
 */
export async function runInTransaction<T>(db: Database, verb: (tx: Tx) => Promise<T>): Promise<T> {
  const once = onceByKey(verb);
  return await attempt(() => db.transaction(once));
}

/**
 * An error with the result of a previewed operation. Throwing it makes the transaction roll back.
 */
class Previewed<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('the preview is rolled back');
    this.value = value;
  }
}

/**
 * Runs an operation in a transaction and rolls the transaction back, so that nothing changes.
 * Returns the result that the operation would have now, or throws its error.
 */
export async function preview<T>(db: Database, verb: (tx: Tx) => Promise<T>): Promise<T> {
  return await attempt(async () => {
    try {
      return await db.transaction<never>(async (tx) => {
        throw new Previewed(await verb(tx));
      });
    } catch (error) {
      if (error instanceof Previewed) return error.value as T;
      throw asReadFailure(error);
    }
  });
}

/**
 * Runs a function with retries. Converts failures of the database into DomainErrors; throws other
 * errors unchanged.
 */
async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await retrySafely(run);
  } catch (error) {
    throw asDomainError(error);
  }
}

/** Converts a failure of the database into a DomainError; returns any other error unchanged. */
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
