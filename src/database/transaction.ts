import type pg from 'pg';
import { CommitRefused, endsConnection, withOutcome } from './errors.ts';
import { queryable, send, type Queryable } from './query.ts';
import type { Trace } from '../observability/trace.ts';

declare const txBrand: unique symbol;

/** An open transaction. A pool is not one: verbs that write take this type. */
export interface Tx extends Queryable {
  readonly [txBrand]: true;
}

/** How this connection's transactions are opened and its statements sent. */
export interface TransactionOptions {
  /** The whole opening, in one round trip. */
  readonly begin: string;
  readonly named: boolean;
  readonly trace?: Trace | undefined;
  /** Told of each campaign that was changed, after the commit. */
  readonly onChanged: (campaignId: string) => void;
}

/**
 * Runs `verb` in a transaction on a checked-out connection and releases the connection. Gives
 * what the verb gives, after the COMMIT was acknowledged. Throws what the verb throws, after
 * ROLLBACK; a lost connection as ConnectionFailure, `safe` unless a COMMIT had been sent that
 * may have succeeded; CommitRefused when an error inside was swallowed. A connection in doubt is
 * destroyed.
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
    // What was lost before the COMMIT cannot have been committed. An ERROR at COMMIT (a deferred
    // constraint, say) is a definite no too; only a connection lost while it was on its way is not.
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
    // The server rolls back when it sees the connection gone.
    client.release(true);
  }
}
