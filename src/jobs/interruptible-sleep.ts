/**
 * A sleep that `end()` and `shorten()` can cut short. A wake-up between `begin()` and
 * `sleepUntil()` is not lost.
 */
export class InterruptibleSleep {
  #maxMs = Infinity;
  #endsAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #resolve: (() => void) | undefined;

  /** From this call on, a wake-up applies to the next sleep. */
  begin(): void {
    this.#maxMs = Infinity;
  }

  /** Sleeps at most this many milliseconds. */
  async sleep(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resolve = resolve;
    this.#set(Math.min(milliseconds, this.#maxMs));
    await promise;
    clearTimeout(this.#timer);
    this.#resolve = undefined;
  }

  /** Ends the sleep within this many milliseconds. */
  wakeWithin(milliseconds: number): void {
    this.#maxMs = Math.min(this.#maxMs, milliseconds);
    if (this.#resolve !== undefined && performance.now() + milliseconds < this.#endsAt) {
      this.#set(milliseconds);
    }
  }

  /** Ends the sleep now. */
  wake(): void {
    this.#maxMs = 0;
    this.#resolve?.();
  }

  #set(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#endsAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => this.#resolve?.(), milliseconds);
  }
}
