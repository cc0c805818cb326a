import type pg from 'pg';
import { CommitRefused, endsConnection, withOutcome } from './errors.ts';
import { queryable, send, type Queryable } from './query.ts';
import type { Trace } from '../observability/trace.ts';

declare const txBrand: unique symbol;

/**
 * An open transaction. Operations that write require this type, so that they cannot be called with
 * a pool.
 */
export interface Tx extends Queryable {
  readonly [txBrand]: true;
}

/** How a connection opens transactions and sends statements. */
export interface TransactionOptions {
  /** The statements that open a transaction. They are sent together. */
  readonly begin: string;
  readonly named: boolean;
  readonly trace?: Trace | undefined;
  /** Called after the commit with the id of each changed campaign. */
  readonly onChanged: (campaignId: string) => void;
}

/**
 * Runs `verb` in a transaction on a connection of the pool, and then releases the connection.
 * Resolves with the result of `verb` when the server has acknowledged the COMMIT.
 *
 * If `verb` throws, rolls back and throws the same error. Throws CommitRefused when `verb` ignored
 * the error of a statement, and ConnectionFailure when the connection was lost. The
 * ConnectionFailure is `safe`, unless a COMMIT was sent that may have succeeded. A connection whose
 * state is uncertain is destroyed.
 */
export async function runTransaction<T>(
  client: pg.PoolClient,
  options: TransactionOptions,
  verb: (tx: Tx) => Promise<T>,
): Promise<T> {
  let phase: 'open' | 'committing' | 'ended' = 'open';
  let lost = false;
  const changed = new Set<string>();
  const base = queryable(
    async (statement, parameters) => {
      if (phase !== 'open') throw new Error(`${statement.name} came after its transaction's end`);
      try {
        return await send(client, statement, parameters, options);
      } catch (error) {
        lost ||= endsConnection(error);
        throw withOutcome(error, { safe: true });
      }
    },
    (campaignId) => changed.add(campaignId),
  );
  try {
    await client.query(options.begin);
    const result = await verb(base as Tx);
    phase = 'committing';
    const { command } = await client.query('commit');
    phase = 'ended';
    if (command !== 'COMMIT') throw new CommitRefused();
    client.release(lost);
    for (const campaignId of changed) options.onChanged(campaignId);
    return result;
  } catch (error) {
    // If the connection was lost before the COMMIT was sent, nothing was committed. If the server
    // answers the COMMIT with an error (from a deferred constraint, for example), nothing was
    // committed either. The outcome is unknown only when the connection was lost during the COMMIT.
    const safe = phase !== 'committing' || lost;
    lost ||= endsConnection(error);
    const rollback = phase === 'open' && !lost;
    phase = 'ended';
    if (rollback) await rollBack(client);
    else client.release(lost);
    throw withOutcome(error, { safe });
  }
}

async function rollBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('rollback');
    client.release();
  } catch {
    // The server rolls back when it notices that the connection is closed.
    client.release(true);
  }
}
