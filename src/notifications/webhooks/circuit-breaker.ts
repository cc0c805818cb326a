/** Begun for one receiver together, so that a slow one leaves room for others. */
export const maxConcurrent = 10;
/** Who takes as long as that for an answer, or gives none, is slow. */
const slowMs = 5_000;
/** How long who was slow is left alone: twice as long each time, until an answer is quick again. */
const firstRestMs = 10_000;
const longestRestMs = 60_000;

/**
 * What is under way to each receiver of webhooks, and who is left alone for a while. One that lets
 * attempts run into their time-out takes a smaller and smaller part of the room that all share; its
 * deliveries wait, each with its own backoff besides. In the process: each finds out for itself.
 */
export class CircuitBreaker {
  readonly #underWay = new Map<string, number>();
  readonly #slow = new Map<string, { readonly restMs: number; readonly until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Those for whom nothing is to be begun now. */
  busy(): string[] {
    const full = [...this.#underWay].filter(([, count]) => count >= maxConcurrent);
    const resting = [...this.#slow].filter(([, { until }]) => until > this.#now());
    return [...new Set([...full, ...resting].map(([endpointId]) => endpointId))];
  }

  /** An attempt begins; gives what is called when it ends. */
  begin(endpointId: string): () => void {
    const startedAt = this.#now();
    this.#underWay.set(endpointId, (this.#underWay.get(endpointId) ?? 0) + 1);
    return () => {
      const left = (this.#underWay.get(endpointId) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(endpointId);
      else this.#underWay.set(endpointId, left);
      this.#learn(endpointId, startedAt);
    };
  }

  /** Attempts that were begun together tell the same: the first of them counts. */
  #learn(endpointId: string, startedAt: number): void {
    const now = this.#now();
    const known = this.#slow.get(endpointId);
    if (now - startedAt < slowMs) {
      if (known === undefined || known.until <= now) this.#slow.delete(endpointId);
    } else if (known === undefined || known.until <= startedAt) {
      const restMs = known === undefined ? firstRestMs : Math.min(2 * known.restMs, longestRestMs);
      this.#slow.set(endpointId, { restMs, until: now + restMs });
    }
  }
}
