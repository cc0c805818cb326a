/**
 * Maximum number of concurrent attempts per receiver. Because of this limit, a slow receiver cannot
 * use all slots for attempts.
 */
export const maxConcurrent = 10;
/** A receiver counts as slow when an attempt takes at least this many milliseconds. */
const slowMs = 5_000;
/**
 * Length in milliseconds of the first pause after a slow attempt. If the first attempts after a
 * pause are slow too, the next pause is twice as long. A fast attempt after a pause resets the
 * length.
 */
const firstPauseMs = 10_000;
const maxPauseMs = 60_000;

/**
 * Circuit breaker per webhook receiver; it also counts the attempts in progress. If a receiver
 * answers slowly or not at all, the service makes no attempts to it during a pause, and each pause
 * is longer than the pause before. During a pause, the deliveries to the receiver wait, in addition
 * to the normal delays between attempts. Each process has a separate state.
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
   * Evaluates the duration of an attempt. A slow attempt that started before the end of the last
   * pause does not make the pause longer, because it shows a problem that is already known.
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
