// A process with many clients that read the event stream of one campaign. It uses raw sockets, so
// that 5,000 clients cost little. Commands and replies are sent over IPC.
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
  | { readonly kind: 'close' };

/**
 * The reply to a command. `open`: the number of open streams. `seen`: the time when each client
 * received the position. `close`: the number of closed streams.
 */
export type Reply =
  | { readonly open: number }
  /** Milliseconds since the epoch, without the clients that have not received the position. */
  | { readonly seenAt: readonly number[]; readonly updates: number }
  | { readonly closed: number };

interface Watcher {
  readonly socket: Socket;
  /** The last bytes received. An event has a few hundred bytes and mostly arrives in one chunk. */
  tail: Buffer;
  at: number;
}

const openAtOnce = 100;
const keptBytes = 2_048;
let watchers: Watcher[] = [];
let updates = 0;

process.on('message', (order: Command) => {
  void execute(order).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));

async function execute(order: Command): Promise<Reply> {
  switch (order.kind) {
    case 'open': {
      for (let open = 0; open < order.count; open += openAtOnce) {
        const some = Math.min(openAtOnce, order.count - open);
        watchers.push(
          ...(await Promise.all(Array.from({ length: some }, () => openStream(order)))),
        );
      }
      updates = 0;
      return { open: watchers.length };
    }
    case 'seen':
      return { seenAt: await seen(BigInt(order.seq), order.withinMs), updates };
    case 'close': {
      const closed = watchers.length;
      for (const { socket } of watchers) socket.destroy();
      watchers = [];
      return { closed };
    }
  }
}

/** Opens one event stream; resolves when its first progress event arrives. */
async function openStream({ port, path }: Command & { kind: 'open' }): Promise<Watcher> {
  const { promise, resolve, reject } = Promise.withResolvers<Watcher>();
  const socket = connect(port, '127.0.0.1');
  const watcher: Watcher = { socket, tail: Buffer.alloc(0), at: 0 };
  socket.on('connect', () => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`);
  });
  socket.on('data', (chunk: Buffer) => {
    watcher.tail =
      chunk.length >= keptBytes ? chunk : Buffer.concat([watcher.tail.subarray(-keptBytes), chunk]);
    watcher.at = Date.now();
    updates++;
    if (watcher.tail.includes('event: progress')) resolve(watcher);
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('a watcher was turned away')));
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
