/** Pieces of work of one process that take turns: each begins when the one before has ended. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Gives what `work` gives, once its turn has come; it fails alone. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
