/**
 * A rest that ends by itself, or earlier when something happens. What happens before it begins
 * counts as well, from `begin` on: nothing that comes while its end is worked out is slept over.
 */
export class InterruptibleSleep {
  #longest = Infinity;
  #endsAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  /** From here on `shorten` counts for the next rest. */
  begin(): void {
    this.#longest = Infinity;
  }

  /** Rests for so many milliseconds at most. */
  async sleepUntil(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#set(Math.min(milliseconds, this.#longest));
    await promise;
    clearTimeout(this.#timer);
    this.#wake = undefined;
  }

  /** Ends the rest after so many milliseconds, unless it ends before. */
  shorten(milliseconds: number): void {
    this.#longest = Math.min(this.#longest, milliseconds);
    if (this.#wake !== undefined && performance.now() + milliseconds < this.#endsAt) {
      this.#set(milliseconds);
    }
  }

  /** Ends the rest now. */
  end(): void {
    this.#longest = 0;
    this.#wake?.();
  }

  #set(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#endsAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => this.#wake?.(), milliseconds);
  }
}
