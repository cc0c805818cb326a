import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadResult, Job } from './job.ts';

/**
 * The load generator. It runs in a separate process, which is kept for all loads, so that its code
 * stays optimised.
 */
export class Generator {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(join(import.meta.dirname, 'process.ts'), { stdio: 'inherit' });
  }

  /** Sends one load and returns its results; rejects if the generator itself fails. */
  async run(job: Job): Promise<LoadResult> {
    this.#process.send(job);
    const over = new AbortController();
    const { signal } = over;
    const ended = once(this.#process, 'exit', { signal }).then(() => {
      throw new Error('the load generator ended before it was done');
    });
    const answer = once(this.#process, 'message', { signal }) as Promise<
      [{ answered: LoadResult } | { error: string }]
    >;
    const [message] = await Promise.race([answer, ended]).finally(() => over.abort());
    if ('error' in message) throw new Error(`the load generator failed: ${message.error}`);
    return message.answered;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || !this.#process.connected) return;
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }
}
