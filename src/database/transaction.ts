import type pg from 'pg';
import { CommitRefused, endsConnection, withOutcome } from './errors.ts';
import { queryable, send, type Queryable } from './query.ts';
import type { Trace } from '../observability/trace.ts';

declare const txBrand: unique symbol;

/** An open transaction. Verbs that write require this type, so that a pool cannot be passed. */
export interface Tx extends Queryable {
  readonly [txBrand]: true;
}

/** How a connection opens its transactions and sends its statements. */
export interface TransactionOptions {
  /** The statements that open a transaction, sent in one round trip. */
  readonly begin: string;
  readonly named: boolean;
  readonly trace?: Trace | undefined;
  /** Called with each changed campaign after the commit. */
  readonly onChanged: (campaignId: string) => void;
}

/**
 * Runs `verb` in a transaction on a checked-out connection and releases the connection. Resolves
 * with the operation's result after the COMMIT was acknowledged. Throws the operation's error after
 * ROLLBACK; a lost connection as ConnectionFailure, `safe` unless a COMMIT was sent that may have
 * succeeded; CommitRefused when the operation swallowed an error. A connection in an uncertain
 * state is destroyed.
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
    // A transaction lost before the COMMIT cannot have been committed. An ERROR at COMMIT (a
    // deferred constraint, for example) is also definite. Only a connection lost during the COMMIT
    // leaves the outcome unknown.
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
    // The server rolls back when it notices that the connection is gone.
    client.release(true);
  }
}
