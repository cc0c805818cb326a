import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Sockets that listen on one address. Node takes one connection of a listening socket in each turn
 * of its event loop (libuv's rule since 1.45). A crowd makes the turns long, and who comes while it
 * lasts would wait for its end: with so many sockets so many are taken in a turn.
 */
const doors = 64;

/**
 * Connections that may wait to be taken, at each door. Beyond Node's own 511 the kernel drops them
 * without a word, and a phone tries again a second later, then three: a crowd comes all at once.
 */
const backlog = 4_096;

/** Where several sockets may listen on one address, and the kernel spreads who comes over them. */
const canShare = process.platform === 'linux' || process.platform === 'freebsd';

export interface SocketAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const besides = new WeakMap<FastifyInstance, readonly Server[]>();

/** Opens the server for everybody; rejects as `listen` does when the address is taken. */
export async function listen(
  server: FastifyInstance,
  { host, port }: SocketAddress,
): Promise<void> {
  if (!canShare) {
    await server.listen({ host, port, backlog });
    return;
  }
  // Another process of ours would share the address without a word; only a socket of its own tells.
  await checkAddress({ host, port });
  const shared = { host, port, backlog, reusePort: true };
  await server.listen(shared);
  const at = { ...shared, port: (server.server.address() as AddressInfo).port };
  const others: Server[] = [];
  besides.set(server, others);
  for (let door = 1; door < doors; door++) {
    const other = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      server.server.emit('connection', socket);
    });
    others.push(await opened(other, at));
  }
}

/** Rejects when nobody can listen on the address: it is taken, or not one of this machine. */
export async function checkAddress({ host, port }: SocketAddress): Promise<void> {
  if (port !== 0) await shut(await opened(createServer(), { host, port }));
}

/** Takes nobody any more; resolves when all who came through the doors beside the first are gone. */
export async function closeListeners(server: FastifyInstance): Promise<void> {
  await Promise.all((besides.get(server) ?? []).map(shut));
}

async function opened(
  door: Server,
  at: SocketAddress & { readonly backlog?: number },
): Promise<Server> {
  door.listen(at);
  await once(door, 'listening');
  return door;
}

async function shut(door: Server): Promise<void> {
  const gone = once(door, 'close');
  door.close();
  await gone;
}
