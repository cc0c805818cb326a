import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Number of listening sockets on one address. Node accepts one connection per listening socket in
 * each tick of its event loop (libuv since 1.45). Load makes ticks long; with more sockets, each
 * tick accepts more connections.
 */
const listenerCount = 64;

/**
 * Accept backlog of each socket. Beyond Node's default of 511 the kernel silently drops
 * connections, and clients retry after one second, then three; bursts exceed that.
 */
const backlog = 4_096;

/** Systems with SO_REUSEPORT that distribute connections over the sockets of one address. */
const canShare = process.platform === 'linux' || process.platform === 'freebsd';

export interface SocketAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const additionalListeners = new WeakMap<FastifyInstance, readonly Server[]>();

/** Starts to listen on all sockets; rejects as `listen` does when the address is in use. */
export async function listen(
  server: FastifyInstance,
  { host, port }: SocketAddress,
): Promise<void> {
  if (!canShare) {
    await server.listen({ host, port, backlog });
    return;
  }
  // With SO_REUSEPORT another process of the same user would share the address without an error; an
  // exclusive socket detects it.
  await checkAddress({ host, port });
  const shared = { host, port, backlog, reusePort: true };
  await server.listen(shared);
  const address = { ...shared, port: (server.server.address() as AddressInfo).port };
  const additional: Server[] = [];
  additionalListeners.set(server, additional);
  for (let listener = 1; listener < listenerCount; listener++) {
    const extra = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      server.server.emit('connection', socket);
    });
    additional.push(await openListener(extra, address));
  }
}

/** Rejects when the address cannot be bound: it is in use or not one of this machine. */
export async function checkAddress({ host, port }: SocketAddress): Promise<void> {
  if (port !== 0) await closeListener(await openListener(createServer(), { host, port }));
}

/** Stops accepting; resolves when the connections of all additional sockets are closed. */
export async function closeListeners(server: FastifyInstance): Promise<void> {
  await Promise.all((additionalListeners.get(server) ?? []).map(closeListener));
}

async function openListener(
  listener: Server,
  address: SocketAddress & { readonly backlog?: number },
): Promise<Server> {
  listener.listen(address);
  await once(listener, 'listening');
  return listener;
}

async function closeListener(listener: Server): Promise<void> {
  const gone = once(listener, 'close');
  listener.close();
  await gone;
}
