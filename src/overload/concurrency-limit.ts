import { randomFill } from 'node:crypto';

/** Options of the adaptive concurrency limit. */
export interface ConcurrencyLimiterOptions {
  /** Upper bound of the limit, in requests. */
  readonly maxInFlight: number;
  /** Called at most once a second with the number of requests shed since the last call. */
  readonly onShed?: (sheds: number, limit: number) => void;
}

/** Kinds of waits of a request before the process works on it. */
export type Wait = keyof typeof targetsMs;

/**
 * Target wait in milliseconds, per kind. Below: a normal burst. Persistently above: a standing
 * queue, so the limit falls (CoDel).
 */
const targetsMs = {
  /**
   * Event-loop delay: how long an arriving request may lie unread. Applies only while requests are
   * shed: a burst that is being served also causes long ticks.
   */
  turn: 50,
  /** A connection of the pool; the pool gives up after two seconds. */
  connection: 300,
  /** The next join batch. */
  batch: 500,
  /** A thread of libuv's pool, which compresses pages. */
  thread: 150,
};

/** Waits are judged per window, never one by one: a single long wait may be garbage collection. */
const windowMs = 100;
const minSamples = 2;
/** Interval between two probes of the thread pool. */
const probeEveryMs = 20;
const oneByte = Buffer.alloc(1);
/** After this long without requests, the measurements are out of date. */
const quietMs = 2_000;
/**
 * Cost of one rejection, subtracted from the event-loop delay so that rejections alone do not
 * lower the limit.
 */
const shedMs = 0.01;
/** Minimum of the limit: fewer requests would leave the database idle. */
const minLimit = 64;
const growth = { factor: 0.1, min: 4 };
const shrink = { min: 0.5, max: 0.9 };
/** The limiter counts as saturated for this long after the last rejection. */
const saturatedMs = 2_000;
const reportEveryMs = 1_000;

/**
 * Adaptive concurrency limit of one process. The limit falls while every request waits too long
 * for the event loop, a connection, its batch or a thread, and rises when the waits are short
 * again (additive increase, multiplicative decrease, judged by the smallest wait of a window as in
 * CoDel). So accepted work finishes in time under any load.
 */
export class ConcurrencyLimiter {
  readonly #options: ConcurrencyLimiterOptions;
  readonly #minWait: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  readonly #waits: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  #limit: number;
  #inFlight = 0;
  #peak = 0;
  #wasFull = false;
  #fullAt = -Infinity;
  #windowBegan = performance.now();
  #tickBegan: number | undefined;
  #arrivedInTick = false;
  #isWatching = false;
  #isProbing = false;
  #sheds = 0;
  #shedsBefore = 0;
  #shedsReported = 0;
  #reportedAt = 0;

  constructor(options: ConcurrencyLimiterOptions) {
    this.#options = options;
    this.#limit = options.maxInFlight;
  }

  /** Requests in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The current limit, in requests. */
  get limit(): number {
    return this.#limit;
  }

  /** Number of requests shed since the start. */
  get sheds(): number {
    return this.#sheds;
  }

  /** True shortly after a rejection: further requests will be rejected too. */
  get isPressed(): boolean {
    return performance.now() - this.#fullAt < saturatedMs;
  }

  /** Returns true when a request that arrives now is below the limit. */
  hasRoom(): boolean {
    this.#watchEventLoop();
    const hasRoom = this.#inFlight < this.#limit;
    if (!hasRoom) {
      this.#wasFull = true;
      this.#fullAt = performance.now();
    }
    return hasRoom;
  }

  /** Counts a rejected request. */
  shed(): void {
    this.#sheds++;
  }

  /** Counts a request that starts. */
  enter(): void {
    this.#inFlight++;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
  }

  /** Counts a request that ends, or that waits for its sender. */
  leave(): void {
    this.#inFlight--;
  }

  /** Records a wait in milliseconds. */
  waited(what: Wait, milliseconds: number): void {
    const minWait = this.#minWait[what];
    if (this.#waits[what]++ === 0 || milliseconds < minWait) this.#minWait[what] = milliseconds;
    this.#evaluate(performance.now());
  }

  /** Measures event-loop delay while requests arrive. */
  #watchEventLoop(): void {
    this.#arrivedInTick = true;
    if (this.#isWatching) return;
    this.#isWatching = true;
    setImmediate(this.#onTick);
    if (!this.#isProbing) this.#probeThread();
  }

  /** Measures the delay of libuv's thread pool while requests arrive. */
  #probeThread(): void {
    this.#isProbing = true;
    const began = performance.now();
    randomFill(oneByte, () => {
      this.waited('thread', performance.now() - began);
      setTimeout(() => {
        this.#isProbing = false;
        if (this.#isWatching) this.#probeThread();
      }, probeEveryMs).unref();
    });
  }

  readonly #onTick = (): void => {
    const now = performance.now();
    const began = this.#tickBegan;
    this.#isWatching = this.#arrivedInTick;
    this.#tickBegan = this.#isWatching ? now : undefined;
    if (this.#isWatching) setImmediate(this.#onTick);
    this.#arrivedInTick = false;
    const shedding = (this.#sheds - this.#shedsBefore) * shedMs;
    this.#shedsBefore = this.#sheds;
    if (began !== undefined) this.waited('turn', now - began - shedding);
  };

  #evaluate(now: number): void {
    const elapsed = now - this.#windowBegan;
    if (elapsed < windowMs || (elapsed <= quietMs && !this.#hasSamples())) return;
    let excess = 0;
    for (const what of Object.keys(targetsMs) as Wait[]) {
      if (this.#waits[what] < minSamples || (what === 'turn' && !this.#wasFull)) continue;
      excess = Math.max(excess, this.#minWait[what] / targetsMs[what]);
    }
    this.#limit = Math.round(this.#nextLimit(excess, elapsed));
    // A kind with too few samples stays in the window until more arrive.
    for (const what of Object.keys(targetsMs) as Wait[]) {
      if (this.#waits[what] >= minSamples) this.#waits[what] = 0;
    }
    this.#windowBegan = now;
    this.#peak = this.#inFlight;
    this.#wasFull = false;
    this.#report(now);
  }

  #hasSamples(): boolean {
    return Object.values(this.#waits).some((count) => count >= minSamples);
  }

  #nextLimit(excess: number, elapsed: number): number {
    const { maxInFlight } = this.#options;
    if (elapsed > quietMs) return maxInFlight;
    if (excess <= 1) {
      const step = Math.max(growth.min, this.#limit * growth.factor);
      return Math.min(maxInFlight, this.#limit + step);
    }
    const factor = Math.min(shrink.max, Math.max(shrink.min, 1 / excess));
    const used = Math.min(this.#limit, Math.max(this.#peak, minLimit));
    return Math.min(maxInFlight, Math.max(minLimit, used * factor));
  }

  #report(now: number): void {
    if (this.#sheds === this.#shedsReported || now - this.#reportedAt < reportEveryMs) return;
    this.#options.onShed?.(this.#sheds - this.#shedsReported, this.#limit);
    this.#shedsReported = this.#sheds;
    this.#reportedAt = now;
  }
}
