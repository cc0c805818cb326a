import { once } from 'node:events';
import { get } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A minimal load balancer for connections. It checks /readyz of each replica and never retries. */
export interface Balancer {
  readonly url: string;
  add(url: string): void;
  remove(url: string): void;
  /** Whether the balancer currently sends connections to this replica. */
  isReady(url: string): boolean;
  close(): Promise<void>;
}

/** Starts a balancer that checks /readyz of each replica at this interval. */
export async function startBalancer(lookEveryMs = 100): Promise<Balancer> {
  const backends = new Map<string, { ready: boolean }>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    const ready = [...backends].filter(([, backend]) => backend.ready);
    const [url] = ready[turn++ % Math.max(1, ready.length)] ?? [];
    if (url === undefined) return void client.destroy();
    const { hostname, port } = new URL(url);
    const upstream = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.end();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const closing = new AbortController();
  const looking = (async () => {
    while (!closing.signal.aborted) {
      await Promise.all(
        [...backends].map(async ([url, backend]) => {
          backend.ready = await answersReady(url);
        }),
      );
      await sleep(lookEveryMs);
    }
  })();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (url) => void backends.set(url, { ready: false }),
    remove: (url) => void backends.delete(url),
    isReady: (url) => backends.get(url)?.ready === true,
    close: async () => {
      closing.abort();
      await looking;
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function answersReady(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  get(`${url}/readyz`, { agent: false, timeout: 2_000 }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  }).on('error', () => resolve(false));
  return await promise;
}
