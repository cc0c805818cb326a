import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Reply } from '../load/stream-clients.ts';

/** Many stream clients of one campaign, in a separate process. */
export class StreamClients {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(join(import.meta.dirname, '../load/stream-clients.ts'), {
      stdio: 'inherit',
    });
  }

  /** Opens this many event streams; resolves when each has received its first progress event. */
  async open(url: string, path: string, count: number): Promise<void> {
    const port = Number(new URL(url).port);
    const reply = await this.#order({ kind: 'open', port, path, count });
    if (!('open' in reply) || reply.open !== count) throw new Error('not every watcher came in');
  }

  /** Returns when each client received this position of the audit log, in ms since the epoch. */
  async seen(seq: bigint): Promise<{ seenAt: readonly number[]; updates: number }> {
    const reply = await this.#order({ kind: 'seen', seq: String(seq), withinMs: 20_000 });
    if (!('seenAt' in reply)) throw new Error('the watchers answered something else');
    return reply;
  }

  async close(): Promise<void> {
    await this.#order({ kind: 'close' });
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }

  async #order(order: Command): Promise<Reply> {
    const over = new AbortController();
    const { signal } = over;
    this.#process.send(order);
    const ended = once(this.#process, 'exit', { signal }).then(() => {
      throw new Error('the process of the watchers ended');
    });
    const answer = once(this.#process, 'message', { signal }) as Promise<[Reply]>;
    const [reply] = await Promise.race([answer, ended]).finally(() => over.abort());
    return reply;
  }
}

/**
 * The number of connections that a process can open, from the hard limit of open files. Node raises
 * its soft limit to the hard limit.
 */
export function maxConnections(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const hard = /^Max open files +\d+ +(\d+|unlimited)/m.exec(limits)?.[1];
    return hard === undefined || hard === 'unlimited' ? Infinity : Number(hard) - 500;
  } catch {
    return Infinity;
  }
}
