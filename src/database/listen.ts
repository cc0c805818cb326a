import pg from 'pg';
import type { Log } from './log.ts';
import { limits } from './session.ts';

/** One subscription to a channel. */
export interface Listening {
  stop(): Promise<void>;
}

export interface Listener {
  listen(channel: string, onPayload: (payload: string) => void): Promise<Listening>;
  close(): Promise<void>;
}

type Callback = (payload: string) => void;

/**
 * One connection of its own for all channels, made on first use and made again when it is lost
 * (after 0.1 s, doubling to 5 s). NOTIFY is a poke that may be lost: after each reconnection every
 * subscriber is called with ''.
 */
export function listener(url: string, log: Log): Listener {
  const channels = new Map<string, Set<Callback>>();
  let current: Promise<pg.Client> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'sambatan listen',
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: limits.connectMilliseconds,
      query_timeout: limits.connectMilliseconds,
    });
    client.on('error', (error) => log.warn({ err: error }, 'the LISTEN connection was lost'));
    client.on('notification', ({ channel, payload = '' }) => {
      for (const callback of channels.get(channel) ?? []) callback(payload);
    });
    await client.connect();
    client.once('end', () => {
      current = undefined;
      reconnect(100);
    });
    try {
      for (const channel of channels.keys()) await client.query(`listen ${quoted(channel)}`);
    } catch (error) {
      await client.end();
      throw error;
    }
    return client;
  };

  const connected = (): Promise<pg.Client> => {
    current ??= connect().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };

  const reconnect = (delay: number): void => {
    if (closed || channels.size === 0 || retry !== undefined) return;
    retry = setTimeout(() => {
      retry = undefined;
      connected().then(
        () => {
          for (const callbacks of channels.values()) for (const call of callbacks) call('');
        },
        (error: unknown) => {
          log.debug({ err: error }, 'LISTEN could not reconnect yet');
          reconnect(Math.min(delay * 2, 5_000));
        },
      );
    }, delay);
  };

  const forget = async (channel: string, callback: Callback): Promise<void> => {
    const callbacks = channels.get(channel);
    if (!callbacks?.delete(callback) || callbacks.size > 0) return;
    channels.delete(channel);
    const client = await current?.catch(() => undefined);
    await client?.query(`unlisten ${quoted(channel)}`).catch(() => undefined);
  };

  return {
    async listen(channel, onPayload) {
      if (closed) throw new Error('the database was closed');
      const callback: Callback = (payload) => onPayload(payload);
      const callbacks = channels.get(channel) ?? new Set();
      channels.set(channel, callbacks.add(callback));
      try {
        const client = await connected();
        await client.query(`listen ${quoted(channel)}`);
      } catch (error) {
        await forget(channel, callback);
        throw error;
      }
      return { stop: () => forget(channel, callback) };
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      const client = await current?.catch(() => undefined);
      await client?.end();
    },
  };
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`;
}
