import pg from 'pg';
import { ConnectionFailure, endsConnection, isStalePlan, withOutcome } from './errors.ts';
import { findBatched } from './batch-loader.ts';
import { Listener, type Listening } from './listen.ts';
import type { Log } from './log.ts';
import { columnTypes, queryable, send, type Queryable, type Run } from './query.ts';
import { driverUrl, isTransactionPooler, limits, sessionSettings } from './session.ts';
import { traced, type Trace } from '../observability/trace.ts';
import { runTransaction, type TransactionOptions, type Tx } from './transaction.ts';

/** The database as everybody sees it. Statements outside `transaction` are each their own. */
export interface Database extends Queryable {
  /**
   * Runs `verb` in one READ COMMITTED transaction and gives its result once the COMMIT was
   * acknowledged. Errors: see databaseError(); nothing is retried here.
   */
  transaction<T>(verb: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Calls `onPayload` for each NOTIFY on `channel`, and with '' after a lost connection was made
   * again (what was notified meanwhile is lost). Rejects when the first LISTEN fails, and always
   * when `canListen` is false.
   */
  listen(channel: string, onPayload: (payload: string) => void): Promise<Listening>;
  /** Connections: open, idle, and callers waiting for one. */
  stats(): { total: number; idle: number; waiting: number };
  /** False behind a transaction pooler. */
  readonly canListen: boolean;
  /** Lets statements in flight end (5 s at most), then closes every connection. Idempotent. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Port 6543 or `pgbouncer=true` says that a transaction pooler stands between. */
  readonly url: string;
  /** Connections at most; 20 unless told. */
  readonly maxConnections?: number;
  /** Told how long somebody has waited for a connection, in milliseconds; 0 for most. */
  readonly onWait?: (milliseconds: number) => void;
  /** Where there are traces, each statement and transaction is a part of them. */
  readonly trace?: Trace | undefined;
  readonly log: Log;
  /** Told of each campaign that a statement has changed, once it is committed. Never throws. */
  readonly onChanged?: (campaignId: string) => void;
}

/** Makes the pool; connects on first use only. Throws on a URL that cannot be used. */
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
  // A pooler's connection has no settings of ours outside a transaction: no time-outs either.
  const inTransaction: Run = (statement, parameters) =>
    transaction((tx) => tx.rows({ ...statement, changes: undefined }, ...parameters));

  const asking = queryable(pooled ? inTransaction : single, onChanged);

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

/** The pool, with what the driver leaves to its user. */
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
      // Without a listener the loss of a connection in use would end the process; the statement
      // in flight fails by itself.
      client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost'));
    });
    this.#pool.on('remove', (client) => this.#open.delete(client));
    this.#pool.on('release', (_error, client) => this.#lastUse.set(client, performance.now()));
    this.#pool.on('error', (error) => {
      // A server that ends with us may close a connection before it has heard that we do.
      const level = this.#closing === undefined ? 'warn' : 'debug';
      log[level]({ err: error }, 'an idle database connection was lost');
    });
  }

  /** A connection that answers; throws ConnectionFailure (safe) within about two seconds. */
  async acquire(): Promise<pg.PoolClient> {
    const client = await this.#connect();
    if (!this.#mayBeDead(client)) return client;
    try {
      // A network that was cut says nothing: without this the first statement would hang.
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

  /** Whoever waits for a place in the pool, and then for the network, has one time-out for both. */
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
      // Who gets none has met a database that is away: fewer at once would not bring it back.
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

/** The driver shows its socket, its types do not. */
function socketOf(client: pg.PoolClient): { destroy(): void } | undefined {
  return (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
}
