// A process with many clients that read the event stream of one campaign. It uses raw sockets, so
// that thousands of clients cost little. Commands and replies are sent over IPC.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The commands for the process. */
export type Command =
  | {
      readonly kind: 'open';
      readonly port: number;
      readonly path: string;
      readonly count: number;
    }
  | { readonly kind: 'seen'; readonly seq: string; readonly withinMs: number }
  | { readonly kind: 'updates' };

/**
 * The reply to a command. `open`: the number of streams that the service accepted. `seen`: the time
 * in milliseconds since the epoch when each client received the position, without the clients that
 * have not received it. `updates`: the number of progress events of all clients.
 */
export interface Reply {
  readonly value: number | readonly number[];
}

interface Watcher {
  /** The last bytes received. An event has a few hundred bytes and mostly arrives in one chunk. */
  tail: Buffer;
  at: number;
}

const openAtOnce = 100;
const keptBytes = 2_048;
/** The service limits the streams of one address, so the clients have many. */
const clientsOfAddress = 100;
const progress = Buffer.from('event: progress');
const watchers: Watcher[] = [];
let opened = 0;
let updates = 0;

process.on('message', (order: Command) => {
  void execute(order).then((value) => process.send?.({ value }));
});
process.on('disconnect', () => process.exit(0));

async function execute(order: Command): Promise<Reply['value']> {
  if (order.kind === 'updates') return updates;
  if (order.kind === 'seen') return await seen(BigInt(order.seq), order.withinMs);
  for (let isFull = false; !isFull && opened < order.count;) {
    const some = Math.min(openAtOnce, order.count - opened);
    const streams = await Promise.all(Array.from({ length: some }, () => openStream(order)));
    isFull = streams.includes(undefined);
    watchers.push(...streams.filter((stream) => stream !== undefined));
  }
  updates = 0;
  return watchers.length;
}

/**
 * Opens one event stream. Resolves when its first progress event arrives, to undefined when the
 * service refuses the stream.
 */
async function openStream({
  port,
  path,
}: Command & { kind: 'open' }): Promise<Watcher | undefined> {
  const { promise, resolve } = Promise.withResolvers<Watcher | undefined>();
  const localAddress = `127.0.${Math.floor(opened++ / clientsOfAddress)}.1`;
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress });
  const watcher: Watcher = { tail: Buffer.alloc(0), at: 0 };
  socket.on('connect', () => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`);
  });
  socket.on('data', (chunk: Buffer) => {
    watcher.tail =
      chunk.length >= keptBytes ? chunk : Buffer.concat([watcher.tail.subarray(-keptBytes), chunk]);
    if (!chunk.includes(progress)) return;
    watcher.at = Date.now();
    updates++;
    resolve(watcher);
  });
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(undefined));
  return promise;
}

/**
 * Waits until all clients have received this position of the audit log, or until the wait is over.
 * Returns the time of each client that has received it.
 */
async function seen(seq: bigint, withinMs: number): Promise<number[]> {
  const giveUpAt = Date.now() + withinMs;
  while (watchers.some((watcher) => lastPosition(watcher) < seq) && Date.now() < giveUpAt) {
    await sleep(50);
  }
  return watchers.filter((watcher) => lastPosition(watcher) >= seq).map(({ at }) => at);
}

/** The position in the audit log of the last complete event. */
function lastPosition({ tail }: Watcher): bigint {
  const text = tail.toString('latin1');
  const whole = text.slice(0, text.lastIndexOf('\n\n') + 2);
  const id = /\nid: (\d+)\n(?![\s\S]*\nid: )/.exec(whole)?.[1];
  return id === undefined ? -1n : BigInt(id);
}
