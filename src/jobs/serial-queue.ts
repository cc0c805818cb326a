/** Pieces of work of one process that take turns: each begins when the one before has ended. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #taken = 0;

  /** Whether some work is under way or waits for its turn. */
  get areTaken(): boolean {
    return this.#taken > 0;
  }

  /** Gives what `work` gives, once its turn has come; it fails alone. */
  take<T>(work: () => Promise<T>): Promise<T> {
    this.#taken++;
    const mine = this.#last.then(work).finally(() => this.#taken--);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Waits for the end of all that has been taken; never rejects. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
