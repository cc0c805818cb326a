/** Runs async tasks one at a time (in-process mutex). */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True while a task runs or waits. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Queues `work`; resolves with its result. A failure does not affect later tasks. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#last.then(work).finally(() => this.#pending--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all queued tasks have ended; never rejects. */
  async onIdle(): Promise<void> {
    await this.#last;
  }
}
