/**
 * A sleep that a wake-up can end early. A wake-up after `begin()` also shortens the next sleep, so
 * that a wake-up during work is not lost.
 */
export class InterruptibleSleep {
  #maxMs = Infinity;
  #endsAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #resolve: (() => void) | undefined;

  /** Forgets earlier wake-ups. A wake-up after this call shortens the next sleep. */
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

  /** Makes the current or next sleep end within this many milliseconds. */
  wakeWithin(milliseconds: number): void {
    this.#maxMs = Math.min(this.#maxMs, milliseconds);
    if (this.#resolve !== undefined && performance.now() + milliseconds < this.#endsAt) {
      this.#set(milliseconds);
    }
  }

  /** Ends the current sleep now, or makes the next one end at once. */
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
