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

  /**
   * Opens this many event streams. Resolves when each has received its first progress event, to the
   * number of streams that the service accepted.
   */
  async open(url: string, path: string, count: number): Promise<number> {
    const port = Number(new URL(url).port);
    return (await this.#order({ kind: 'open', port, path, count })).value as number;
  }

  /** Returns when each client received this position of the audit log, in ms since the epoch. */
  async seen(seq: bigint): Promise<readonly number[]> {
    const reply = await this.#order({ kind: 'seen', seq: String(seq), withinMs: 20_000 });
    return reply.value as readonly number[];
  }

  /** The number of progress events that all clients have received so far. */
  async updates(): Promise<number> {
    return (await this.#order({ kind: 'updates' })).value as number;
  }

  /** Closes all streams. */
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
