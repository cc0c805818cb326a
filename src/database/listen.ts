import pg from 'pg';
import type { Log } from './log.ts';
import { limits } from './session.ts';

/** One subscription to a channel. */
export interface Listening {
  stop(): Promise<void>;
}

type Callback = (payload: string) => void;

const firstRetryMilliseconds = 100;
const lastRetryMilliseconds = 5_000;

/**
 * A connection that is used only for LISTEN, on all channels. It is opened when the first channel
 * is subscribed. If the connection is lost, it is opened again after 0.1 s; after each failure the
 * wait doubles, up to 5 s. Notifications that are sent in the meantime are lost, so every
 * subscriber is called with '' after each reconnection.
 */
export class Listener {
  readonly #url: string;
  readonly #log: Log;
  readonly #channels = new Map<string, Set<Callback>>();
  #current: Promise<pg.Client> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, log: Log) {
    this.#url = url;
    this.#log = log;
  }

  /**
   * Subscribes to a channel. Rejects when the first LISTEN fails. If the connection is lost later,
   * it is opened again and the subscriber gets no error.
   */
  async listen(channel: string, onPayload: Callback): Promise<Listening> {
    if (this.#closed) throw new Error('the database was closed');
    const callback: Callback = (payload) => onPayload(payload);
    const callbacks = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, callbacks.add(callback));
    try {
      const client = await this.#connected();
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      await this.#forget(channel, callback);
      throw error;
    }
    return { stop: () => this.#forget(channel, callback) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = await this.#current?.catch(() => undefined);
    await client?.end();
  }

  #connected(): Promise<pg.Client> {
    this.#current ??= this.#connect().catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'sambatan listen',
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: limits.connectMilliseconds,
      query_timeout: limits.connectMilliseconds,
    });
    client.on('error', (error) => this.#log.warn({ err: error }, 'the LISTEN connection was lost'));
    client.on('notification', ({ channel, payload = '' }) => {
      for (const callback of this.#channels.get(channel) ?? []) callback(payload);
    });
    await client.connect();
    try {
      for (const channel of this.#channels.keys()) {
        await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      }
    } catch (error) {
      await client.end();
      throw error;
    }
    client.once('end', () => {
      this.#current = undefined;
      this.#reconnect(firstRetryMilliseconds);
    });
    return client;
  }

  #reconnect(delay: number): void {
    if (this.#closed || this.#channels.size === 0 || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#connected().then(
        () => {
          for (const callbacks of this.#channels.values()) for (const call of callbacks) call('');
        },
        (error: unknown) => {
          this.#log.debug({ err: error }, 'LISTEN could not reconnect yet');
          this.#reconnect(Math.min(delay * 2, lastRetryMilliseconds));
        },
      );
    }, delay);
  }

  async #forget(channel: string, callback: Callback): Promise<void> {
    const callbacks = this.#channels.get(channel);
    if (callbacks?.delete(callback) !== true || callbacks.size > 0) return;
    this.#channels.delete(channel);
    const client = await this.#current?.catch(() => undefined);
    await client?.query(`unlisten ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
  }
}
