import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The faults that the proxy can apply to both directions of a connection. */
export type NetworkFault =
  | { readonly kind: 'fine' }
  /** Delays every chunk by this time and keeps the order of the chunks. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Every chunk is split into pieces of this many bytes. */
  | { readonly kind: 'slice'; readonly bytes: number }
  /** Loses all data and keeps the connections open, like a broken network. */
  | { readonly kind: 'silent' }
  /** Forwards requests and loses all responses. */
  | { readonly kind: 'mute' }
  /** Closes new connections at once. */
  | { readonly kind: 'refuse' };

/** A proxy on a free port of this machine that can disturb its connections. */
export interface NetworkProxy {
  readonly port: number;
  fault: NetworkFault;
  /** The server to which new connections are forwarded. */
  target: NetConnectOpts;
  /** Closes every connection on both sides, and returns how many there were. */
  cut(): number;
  /** Removes all faults. Connections that lost data are closed, because that data never arrives. */
  heal(): void;
  close(): Promise<void>;
}

export async function startNetworkProxy(target: NetConnectOpts): Promise<NetworkProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ noDelay: true }, (client) => {
    if (proxy.fault.kind === 'refuse') return void client.resetAndDestroy();
    const upstream = connect({ ...proxy.target }).setNoDelay(true);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    carry(client, upstream, () => proxy.fault);
    carry(upstream, client, () => proxy.fault, true);
    for (const socket of pair) socket.on('close', () => pairs.delete(pair));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): number => {
    const count = pairs.size;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
    return count;
  };
  const proxy: NetworkProxy = {
    port: (server.address() as AddressInfo).port,
    fault: { kind: 'fine' },
    target,
    cut,
    heal: () => {
      const lossy = ['silent', 'mute'].includes(proxy.fault.kind);
      proxy.fault = { kind: 'fine' };
      if (lossy) cut();
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

function carry(from: Socket, to: Socket, weather: () => NetworkFault, isAnswer = false): void {
  // Chunks stay in order, even if each of them has another fault.
  let line: Promise<void> = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    line = line.then(() => pass(chunk, to, weather(), isAnswer));
  });
  from.on('error', () => undefined);
  from.on('end', () => void line.then(() => to.end()));
  from.on('close', () => void line.then(() => to.destroy()));
}

async function pass(
  chunk: Buffer,
  to: Socket,
  weather: NetworkFault,
  isAnswer: boolean,
): Promise<void> {
  if (weather.kind === 'silent' || (weather.kind === 'mute' && isAnswer)) return;
  if (weather.kind === 'delay') await sleep(weather.milliseconds);
  const step = weather.kind === 'slice' ? weather.bytes : chunk.length;
  for (let at = 0; at < chunk.length && to.writable; at += step) {
    to.write(chunk.subarray(at, at + step));
    if (step < chunk.length) await new Promise(setImmediate);
  }
}

/** The server of a database URL: a port, or a socket in a directory. */
export function addressOf(url: string): NetConnectOpts {
  const { hostname, port, searchParams } = new URL(url);
  const directory = searchParams.get('host');
  const number = Number(port || 5_432);
  if (directory === null) return { host: hostname, port: number };
  return { path: `${directory}/.s.PGSQL.${number}` };
}

/** The URL of the same database, reached through the proxy. */
export function proxiedUrl({ port }: NetworkProxy, url: string): string {
  const way = new URL(url);
  way.hostname = '127.0.0.1';
  way.port = String(port);
  way.searchParams.delete('host');
  return way.toString();
}
