/** Limits of `Retry-After` in seconds. */
const minSeconds = 1;
const maxSeconds = 10;
/** At least this many clients are asked to come back in each second. */
const minReturns = 250;

/**
 * Computes `Retry-After`. It spreads the returns of rejected clients over the next seconds: in each
 * second, about as many clients are asked to come back as requests were accepted in the last
 * second. So they come back in the order in which they were rejected, and most of them are then
 * accepted.
 */
export class RetrySchedule {
  /** The number of clients that will come back, by second. */
  readonly #returns = new Uint32Array(maxSeconds + 1);
  #second = 0;
  #accepted = 0;
  #acceptedBefore = 0;

  /** Counts an accepted request. `now` is in milliseconds. */
  accepted(now: number): void {
    this.#advance(now);
    this.#accepted++;
  }

  /** Returns the value of `Retry-After` for a client that is rejected now. */
  nextSeconds(now: number): number {
    this.#advance(now);
    const room = Math.max(minReturns, this.#accepted, this.#acceptedBefore);
    let seconds = minSeconds;
    while (seconds < maxSeconds && this.#returns[this.#slot(seconds)]! >= room) seconds++;
    this.#returns[this.#slot(seconds)]!++;
    return seconds;
  }

  #slot(seconds: number): number {
    return (this.#second + seconds) % this.#returns.length;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.#second) return;
    const passed = second - this.#second;
    for (let n = 0; n < Math.min(passed, this.#returns.length); n++)
      this.#returns[this.#slot(n)] = 0;
    this.#acceptedBefore = passed === 1 ? this.#accepted : 0;
    this.#accepted = 0;
    this.#second = second;
  }
}
