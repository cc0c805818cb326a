import pg from 'pg';
import { ConnectionFailure, endsConnection, isStalePlan, withOutcome } from './errors.ts';
import { findBatched } from './batch-loader.ts';
import { Listener, type Listening } from './listen.ts';
import type { Log } from './log.ts';
import { columnTypes, queryable, send, type Queryable, type Run } from './query.ts';
import { asReadFailure, retrySafely } from './retry.ts';
import { shareReads } from './shared-reads.ts';
import { driverUrl, isTransactionPooler, limits, sessionSettings } from './session.ts';
import { traced, type Trace } from '../observability/trace.ts';
import { runTransaction, type TransactionOptions, type Tx } from './transaction.ts';

/** The database. Each statement outside `transaction` runs in a separate transaction. */
export interface Database extends Queryable {
  /**
   * Runs `verb` in one READ COMMITTED transaction. Resolves with the result of `verb` when the
   * server has acknowledged the COMMIT. databaseError() describes the errors. Nothing is repeated
   * after a failure.
   */
  transaction<T>(verb: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Calls `onPayload` for each NOTIFY on `channel`. After a reconnection it calls `onPayload` with
   * '', because notifications may have been lost. Rejects when the first LISTEN fails, and always
   * when `canListen` is false.
   */
  listen(channel: string, onPayload: (payload: string) => void): Promise<Listening>;
  /**
   * Returns the numbers of all connections, of idle connections, and of callers that wait for a
   * connection.
   */
  stats(): { total: number; idle: number; waiting: number };
  /** False when the URL points to a transaction pooler, through which LISTEN does not work. */
  readonly canListen: boolean;
  /** Waits up to 5 seconds for running statements, then closes all connections. Idempotent. */
  close(): Promise<void>;
}

/** The dependencies of code that needs only the database. */
export interface DatabaseDeps {
  readonly db: Database;
}

export interface DatabaseOptions {
  /**
   * The URL of the database. Port 6543 or `pgbouncer=true` means that it points to a transaction
   * pooler.
   */
  readonly url: string;
  /** Maximum number of connections; the default is 20. */
  readonly maxConnections?: number;
  /**
   * Called with the time in milliseconds that a caller waited for a connection; it is usually 0.
   */
  readonly onWait?: (milliseconds: number) => void;
  /** If set, each statement and each transaction is recorded as a span of a trace. */
  readonly trace?: Trace | undefined;
  readonly log: Log;
  /**
   * Called after the commit with the id of each campaign that a statement changed. Must not throw.
   */
  readonly onChanged?: (campaignId: string) => void;
}

/**
 * Creates the connection pool. It opens the first connection when it is first used. Throws for an
 * invalid URL.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { url, log, trace, onChanged = () => undefined } = options;
  const pooled = isTransactionPooler(url);
  const settings = sessionSettings({ local: pooled });
  const begin = `begin isolation level read committed${pooled ? `; ${settings}` : ''}`;
  const transactions: TransactionOptions = { begin, named: !pooled, trace, onChanged };
  const connections = new Connections(options, pooled ? undefined : settings);
  const listening = new Listener(driverUrl(url), log);

  const transaction = <T>(verb: (tx: Tx) => Promise<T>) =>
    traced(trace, 'transaction', {}, async () =>
      runTransaction(await connections.acquire(), transactions, verb),
    );

  const single: Run = async (statement, parameters) => {
    for (let attempt = 1; ; attempt++) {
      const client = await connections.acquire();
      try {
        const rows = await send(client, statement, parameters, { named: true, trace });
        client.release();
        return rows;
      } catch (error) {
        client.release(endsConnection(error));
        if (isStalePlan(error) && attempt < 3) continue;
        throw withOutcome(error, { safe: false });
      }
    }
  };
  // With a pooler, run single statements in a transaction too, because the settings of this pool,
  // such as time-outs, apply only inside a transaction.
  const inTransaction: Run = (statement, parameters) =>
    transaction((tx) => tx.rows({ ...statement, changes: undefined }, ...parameters));

  const once = pooled ? inTransaction : single;
  const run: Run = async (statement, parameters) => {
    if (statement.isRead !== true) return await once(statement, parameters);
    return await retrySafely(async () => {
      try {
        return await once(statement, parameters);
      } catch (error) {
        throw asReadFailure(error);
      }
    });
  };
  const asking = queryable(shareReads(run), onChanged);

  return {
    ...asking,
    find: findBatched(asking),
    transaction,
    listen: async (channel, onPayload) => {
      if (pooled) throw new Error('LISTEN does not work through a transaction pooler');
      return listening.listen(channel, onPayload);
    },
    stats: () => connections.stats(),
    canListen: !pooled,
    close: async () => {
      await Promise.all([listening.close(), connections.close()]);
    },
  };
}

/**
 * The connection pool. It adds probes, time-outs and error handling, which the driver does not
 * have.
 */
class Connections {
  readonly #pool: pg.Pool;
  readonly #open = new Set<pg.PoolClient>();
  readonly #lastUse = new WeakMap<pg.PoolClient, number>();
  readonly #overNetwork: boolean;
  readonly #onWait: DatabaseOptions['onWait'];
  #reachable = true;
  #closing: Promise<void> | undefined;

  constructor(options: DatabaseOptions, settings: string | undefined) {
    const { url, log, maxConnections: max = 20 } = options;
    this.#onWait = options.onWait;
    this.#overNetwork = !/[?&]host=(\/|%2f)/i.test(url);
    this.#pool = new pg.Pool({
      connectionString: driverUrl(url),
      max,
      application_name: 'sambatan',
      pipeline: true,
      types: columnTypes,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: limits.connectMilliseconds,
      query_timeout: limits.answerMilliseconds,
      idleTimeoutMillis: 60_000,
      ...(settings === undefined ? {} : { onConnect: (client) => setUp(client, settings) }),
    });
    this.#pool.on('connect', (client) => {
      this.#reachable = true;
      this.#open.add(client);
      // When a connection in use is lost, the running statement fails and reports the error.
      // Without this listener, the event `error` would also end the process.
      client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost'));
    });
    this.#pool.on('remove', (client) => this.#open.delete(client));
    this.#pool.on('release', (_error, client) => this.#lastUse.set(client, performance.now()));
    this.#pool.on('error', (error) => {
      // When the server and this process shut down at the same time, the server may close a
      // connection first. This is normal, so it is not logged as a warning.
      const level = this.#closing === undefined ? 'warn' : 'debug';
      log[level]({ err: error }, 'an idle database connection was lost');
    });
  }

  /**
   * Returns a connection that works. If that is not possible, throws ConnectionFailure (safe)
   * within about two seconds.
   */
  async acquire(): Promise<pg.PoolClient> {
    const client = await this.#connect();
    if (!this.#mayBeDead(client)) return client;
    try {
      // An interrupted network causes no error. Without this probe, the first statement would wait
      // for an unlimited time.
      await client.query({ text: 'select 1', query_timeout: limits.probeMilliseconds } as {
        text: string;
      });
      return client;
    } catch {
      client.release(true);
      return this.#connect();
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#place();
    } catch (error) {
      const waited = error instanceof Error && error.message.startsWith('timeout exceeded');
      if (!waited) this.#reachable = false;
      const poolExhausted = waited && this.#reachable && this.#open.size > 0;
      throw new ConnectionFailure(error, { safe: true, poolExhausted });
    }
  }

  /**
   * Gets a connection from the pool. One time limit covers both the wait for a free connection and
   * opening a new one.
   */
  async #place(): Promise<pg.PoolClient> {
    const { idleCount, totalCount } = this.#pool;
    const connecting = this.#pool.connect();
    if (idleCount > 0 || totalCount < this.#pool.options.max) {
      this.#onWait?.(0);
      return await connecting;
    }
    const began = performance.now();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error('timeout exceeded twice')),
      limits.connectMilliseconds + limits.connectMilliseconds / 8,
    );
    try {
      const client = await Promise.race([connecting, late]);
      // The wait is reported only here. A time-out while connecting means that the database is
      // down, not that the pool is too small.
      this.#onWait?.(performance.now() - began);
      return client;
    } catch (error) {
      void connecting.then(
        (client) => client.release(),
        () => undefined,
      );
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #mayBeDead(client: pg.PoolClient): boolean {
    if (!this.#overNetwork) return false;
    const lastUse = this.#lastUse.get(client);
    return lastUse !== undefined && performance.now() - lastUse > limits.idleTrustMilliseconds;
  }

  stats(): { total: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const cut = setTimeout(() => {
      for (const client of this.#open) socketOf(client)?.destroy();
    }, limits.closeMilliseconds);
    await this.#pool.end();
    clearTimeout(cut);
  }
}

async function setUp(client: pg.ClientBase, settings: string): Promise<void> {
  const statement = { text: settings, query_timeout: limits.connectMilliseconds };
  await client.query(statement as { text: string });
}

/**
 * Returns the socket of a connection. The driver has this property but does not declare it in its
 * types.
 */
function socketOf(client: pg.PoolClient): { destroy(): void } | undefined {
  return (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
}
