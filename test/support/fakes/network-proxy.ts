import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The faults of a network, in both directions. */
export type NetworkFault =
  | { readonly kind: 'fine' }
  /** Every chunk is delayed by this time, in order. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Every chunk is split into pieces of this many bytes. */
  | { readonly kind: 'slice'; readonly bytes: number }
  /** Nothing arrives and nothing ends: a black hole. */
  | { readonly kind: 'silent' }
  /** Requests arrive, and no response comes back. */
  | { readonly kind: 'mute' }
  /** New connections are closed at once. */
  | { readonly kind: 'refuse' };

/** A faulty proxy on a free port of this machine. */
export interface NetworkProxy {
  readonly port: number;
  fault: NetworkFault;
  /** The target of new connections. */
  target: NetConnectOpts;
  /** Ends every connection on both sides, and returns their number. */
  cut(): number;
  /**
   * Removes all faults. Data lost in a black hole never arrives, so those connections are closed.
   */
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
  // Chunks stay in order, whatever fault applies to each.
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

/** The target of a database URL: a socket directory or a port. */
export function addressOf(url: string): NetConnectOpts {
  const { hostname, port, searchParams } = new URL(url);
  const directory = searchParams.get('host');
  const number = Number(port || 5_432);
  if (directory === null) return { host: hostname, port: number };
  return { path: `${directory}/.s.PGSQL.${number}` };
}

/** The same database through a proxy. */
export function proxiedUrl({ port }: NetworkProxy, url: string): string {
  const way = new URL(url);
  way.hostname = '127.0.0.1';
  way.port = String(port);
  way.searchParams.delete('host');
  return way.toString();
}
