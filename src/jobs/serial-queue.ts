/** Runs async tasks of this process one at a time (a mutex). */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True while a task is running or waiting. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /**
   * Runs `work` after all earlier tasks and resolves with its result. When it fails, later tasks
   * still run.
   */
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
