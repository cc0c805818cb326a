/**
 * Maximum number of concurrent attempts per receiver, so that a slow receiver leaves slots for the
 * others.
 */
export const maxConcurrent = 10;
/** A receiver counts as slow when an attempt takes at least this many milliseconds. */
const slowMs = 5_000;
/**
 * Length in milliseconds of the first pause of a slow receiver. Each further slow attempt doubles
 * the pause, until an answer is fast again.
 */
const firstPauseMs = 10_000;
const maxPauseMs = 60_000;

/**
 * Circuit breaker per webhook receiver; it also counts the attempts in progress. A receiver that
 * answers slowly or not at all gets no attempts during a pause, and the pauses become longer.
 * Meanwhile its deliveries wait, in addition to their own delays between attempts. Each process has
 * its own state.
 */
export class CircuitBreaker {
  readonly #underWay = new Map<string, number>();
  readonly #slow = new Map<string, { readonly restMs: number; readonly until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns the endpoints to which no attempt may start now. */
  busy(): string[] {
    const full = [...this.#underWay].filter(([, count]) => count >= maxConcurrent);
    const resting = [...this.#slow].filter(([, { until }]) => until > this.#now());
    return [...new Set([...full, ...resting].map(([endpointId]) => endpointId))];
  }

  /** Records the start of an attempt. Call the returned function when the attempt ends. */
  begin(endpointId: string): () => void {
    const startedAt = this.#now();
    this.#underWay.set(endpointId, (this.#underWay.get(endpointId) ?? 0) + 1);
    return () => {
      const left = (this.#underWay.get(endpointId) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(endpointId);
      else this.#underWay.set(endpointId, left);
      this.#record(endpointId, startedAt);
    };
  }

  /**
   * Records the duration of an attempt. Of several slow attempts that started together, only the
   * first one makes the pause longer, because all show the same problem.
   */
  #record(endpointId: string, startedAt: number): void {
    const now = this.#now();
    const known = this.#slow.get(endpointId);
    if (now - startedAt < slowMs) {
      if (known === undefined || known.until <= now) this.#slow.delete(endpointId);
    } else if (known === undefined || known.until <= startedAt) {
      const restMs = known === undefined ? firstPauseMs : Math.min(2 * known.restMs, maxPauseMs);
      this.#slow.set(endpointId, { restMs, until: now + restMs });
    }
  }
}
