import { randomFill } from 'node:crypto';
import {
  claimShares,
  minBesideJoins,
  priorities,
  shares,
  sharesBesideJoins,
  type Claim,
  type Priority,
} from './priority.ts';

/** A request in flight, as far as it matters for the limits. */
export interface InFlight {
  /** The unverified claim with which the request was accepted. */
  readonly claim?: Claim | undefined;
  /** True for a request of the class `join`. */
  readonly isJoin?: boolean;
}

/** Options of the adaptive concurrency limit. */
export interface ConcurrencyLimiterOptions {
  /** The limit never exceeds this number of requests. */
  readonly maxInFlight: number;
  /**
   * Called at most once a second. `sheds` is the number of requests that were rejected since the
   * last call.
   */
  readonly onShed?: (sheds: number, limit: number) => void;
}

/** The kinds of waits that are measured. Each kind is a wait for a resource that requests need. */
export type Wait = keyof typeof targetsMs;

/**
 * The acceptable wait for each kind, in milliseconds. Waits below this value are normal during a
 * short burst of requests. If all waits of a time window are longer, requests arrive faster than
 * they are processed, so the concurrency limit falls (as in the CoDel algorithm).
 */
const targetsMs = {
  /**
   * Time between two iterations of the event loop. During this time, a request that has arrived
   * stays unread. This wait lowers the limit only while requests are rejected, because a normal
   * burst of requests also makes iterations long.
   */
  turn: 50,
  /** Wait for a database connection of the pool. The pool stops waiting after two seconds. */
  connection: 300,
  /** Wait for the next batch of joins. */
  batch: 500,
  /** Wait for a thread of libuv's thread pool. These threads compress pages. */
  thread: 150,
};

/**
 * Length of the time window over which waits are evaluated. A single long wait does not lower the
 * limit, because it may be caused by garbage collection.
 */
const windowMs = 100;
const minSamples = 2;
/** Interval between two measurements of the thread pool. */
const probeEveryMs = 20;
const oneByte = Buffer.alloc(1);
/**
 * After this time without requests, the measurements are too old and the limit is reset to its
 * initial value.
 */
const quietMs = 2_000;
/**
 * Estimated processing time of one rejection. It is subtracted from the measured event-loop delay,
 * so that the work of rejecting requests does not lower the limit.
 */
const shedMs = 0.03;
/**
 * The limit never falls below this number of requests. With fewer, the batches of joins would be so
 * small that each join costs more. A long iteration of the event loop may also have causes that a
 * lower limit does not remove: new connections, rejections, and other programs on the machine.
 */
const minLimit = 200;
/**
 * The limit of a process that has just started, or has had no requests for a while. If the first
 * requests were accepted up to the maximum, the requests of a sudden crowd would wait for seconds
 * until the limit has fallen.
 */
const initialLimit = 512;
/** The limit rises only if at least this share of it was used. Otherwise it has no effect. */
const minUse = 0.5;
/**
 * From this number of joins in flight on, few requests of low priority are accepted. A few joins
 * leave enough time for everybody.
 */
const manyJoins = 20;
/** At least this many requests with an unverified claim may be in flight. */
const minClaims = 16;
const growth = { factor: 0.1, min: 4 };
const shrink = { min: 0.5, max: 0.9 };
const reportEveryMs = 1_000;

/**
 * Limits the number of concurrent requests of one process and adapts this limit to the load. The
 * limit falls while every request waits too long for the event loop, a database connection, a join
 * batch or a thread. It rises when the waits are short again. It rises in small steps and falls in
 * proportion to the wait (additive increase, multiplicative decrease). As in the CoDel algorithm,
 * only the smallest wait of each time window is compared with the acceptable wait. As a result,
 * accepted requests finish in time under any load.
 */
export class ConcurrencyLimiter {
  readonly #options: ConcurrencyLimiterOptions;
  readonly #minWait: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  readonly #waits: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  #limit: number;
  #inFlight = 0;
  #joins = 0;
  /** The maximum number of joins in flight, in the current time window and in the one before. */
  #joinPeak = 0;
  #joinPeakBefore = 0;
  #peak = 0;
  #wasFull = false;
  #windowBegan = performance.now();
  #tickBegan: number | undefined;
  #arrivedInTick = false;
  #isWatching = false;
  #isProbing = false;
  readonly #shedsOf = new Map<Priority, number>(priorities.map((priority) => [priority, 0]));
  readonly #claims: Record<Claim, number> = { unverified: 0, notification: 0 };
  #sheds = 0;
  #shedsBefore = 0;
  #shedsReported = 0;
  #reportedAt = 0;

  constructor(options: ConcurrencyLimiterOptions) {
    this.#options = options;
    this.#limit = Math.min(initialLimit, options.maxInFlight);
  }

  /** The number of requests in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The current limit, in requests. */
  get limit(): number {
    return this.#limit;
  }

  /** The number of requests that were rejected since the start. */
  get sheds(): number {
    return this.#sheds;
  }

  /** The number of rejected requests of each priority since the start. */
  get shedsByPriority(): ReadonlyMap<Priority, number> {
    return this.#shedsOf;
  }

  /** Returns true if requests of every priority can be accepted. */
  hasRoomForAll(): boolean {
    this.#watchEventLoop();
    return this.#recentJoins() < manyJoins && this.#isBelow('robot');
  }

  /**
   * Returns true if a request of this priority that arrives now can be accepted. `part` is the part
   * of the share of this priority that the request may use.
   */
  hasRoom(priority: Priority, part = 1): boolean {
    const hasRoom = this.#isBelow(priority, part) && this.#hasRoomBesideJoins(priority, part);
    if (!hasRoom) this.#wasFull = true;
    return hasRoom;
  }

  /** Returns true if a further request with this claim, which is not verified, can be accepted. */
  hasRoomForClaim(claim: Claim): boolean {
    return this.#claims[claim] < Math.max(minClaims, Math.ceil(claimShares[claim] * this.#limit));
  }

  /** Counts a rejected request. */
  shed(priority: Priority): void {
    this.#sheds++;
    this.#shedsOf.set(priority, this.#shedsOf.get(priority)! + 1);
  }

  /** Counts a request as in flight, because its processing starts. */
  enter({ claim, isJoin = false }: InFlight = {}): void {
    this.#inFlight++;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    if (claim) this.#claims[claim]++;
    if (isJoin && ++this.#joins > this.#joinPeak) this.#joinPeak = this.#joins;
  }

  /**
   * Counts a request as no longer in flight. The request has ended, or its body arrives so slowly
   * that it should not count. The argument must be the same as in `enter`.
   */
  leave({ claim, isJoin = false }: InFlight = {}): void {
    this.#inFlight--;
    if (claim) this.#claims[claim]--;
    if (isJoin) this.#joins--;
  }

  #isBelow(priority: Priority, part = 1): boolean {
    const share = Math.round(shares[priority] * part * this.#limit);
    return this.#inFlight < Math.max(Math.min(1, this.#limit), share);
  }

  #recentJoins(): number {
    return Math.max(this.#joinPeak, this.#joinPeakBefore);
  }

  /**
   * Returns false if a request of low priority would take the processor from joins. The number of
   * joins in flight changes fast, because a batch is answered at once. So the maximum of the last
   * time windows counts.
   */
  #hasRoomBesideJoins(priority: Priority, part: number): boolean {
    const joins = this.#recentJoins();
    if (joins < manyJoins) return true;
    const others = this.#inFlight - this.#joins;
    return others < part * Math.max(minBesideJoins, sharesBesideJoins[priority] * joins);
  }

  /** Records how long a request waited for a resource, in milliseconds. */
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
    // A kind of wait with too few samples keeps them for the next window.
    for (const what of Object.keys(targetsMs) as Wait[]) {
      if (this.#waits[what] >= minSamples) this.#waits[what] = 0;
    }
    this.#windowBegan = now;
    this.#peak = this.#inFlight;
    this.#joinPeakBefore = this.#joinPeak;
    this.#joinPeak = this.#joins;
    this.#wasFull = false;
    this.#report(now);
  }

  #hasSamples(): boolean {
    return Object.values(this.#waits).some((count) => count >= minSamples);
  }

  #nextLimit(excess: number, elapsed: number): number {
    const { maxInFlight } = this.#options;
    if (elapsed > quietMs) return Math.min(initialLimit, maxInFlight);
    if (excess <= 1) {
      if (!this.#wasFull && this.#peak < this.#limit * minUse) return this.#limit;
      const step = Math.max(growth.min, this.#limit * growth.factor);
      return Math.min(maxInFlight, this.#limit + step);
    }
    const factor = Math.min(shrink.max, Math.max(shrink.min, 1 / excess));
    // Requests of a low priority are rejected before the whole limit is used.
    const used = this.#wasFull ? this.#limit : Math.min(this.#limit, this.#peak);
    return Math.min(maxInFlight, Math.max(minLimit, used * factor));
  }

  #report(now: number): void {
    if (this.#sheds === this.#shedsReported || now - this.#reportedAt < reportEveryMs) return;
    this.#options.onShed?.(this.#sheds - this.#shedsReported, this.#limit);
    this.#shedsReported = this.#sheds;
    this.#reportedAt = now;
  }
}
