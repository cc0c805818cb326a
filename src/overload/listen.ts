import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Number of sockets that listen on the same address. In each tick of its event loop, Node accepts
 * one connection per listening socket (libuv since 1.45). Under load, a tick takes long. With more
 * sockets, Node accepts more connections in each tick.
 */
const listenerCount = 64;

/**
 * Number of connections that each socket queues until they are accepted. When the queue is full,
 * the kernel drops new connections without an error, and a client retries only after one second,
 * and then after three more seconds. Bursts can exceed Node's default of 511.
 */
const backlog = 4_096;

/**
 * True on systems where several sockets with SO_REUSEPORT can share one address and the kernel
 * distributes the connections over them.
 */
const canShare = process.platform === 'linux' || process.platform === 'freebsd';

export interface SocketAddress {
  readonly host: string;
  /** The TCP port. 0 means any free port. */
  readonly port: number;
}

const additionalListeners = new WeakMap<FastifyInstance, readonly Server[]>();

/**
 * Starts to listen on all sockets. Fails with the same error as Fastify's `listen` when the address
 * is in use.
 */
export async function listen(
  server: FastifyInstance,
  { host, port }: SocketAddress,
): Promise<void> {
  if (!canShare) {
    await server.listen({ host, port, backlog });
    return;
  }
  // With SO_REUSEPORT, another process of the same user can listen on the same address without an
  // error. Binding an exclusive socket first detects such a process.
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

/**
 * Fails when the service cannot listen on the address, because another process listens on it or
 * because it is not an address of this machine.
 */
export async function checkAddress({ host, port }: SocketAddress): Promise<void> {
  if (port !== 0) await closeListener(await openListener(createServer(), { host, port }));
}

/** Closes the additional sockets. Resolves when their connections are closed too. */
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
