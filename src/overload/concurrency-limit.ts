import { randomFill } from 'node:crypto';

/** How the limit of requests in flight is found. */
export interface ConcurrencyLimiterOptions {
  /** Requests in flight at most, whatever is measured. */
  readonly maxInFlight: number;
  /** Told, once a second at most, how many were turned away since the last time. */
  readonly onShed?: (sheds: number, limit: number) => void;
}

/** What requests wait for before anything is done for them. */
export type Wait = keyof typeof targetsMs;

/**
 * Waits up to these are a crowd that is being served; longer ones that do not end are a queue that
 * stands, and answers nobody sooner.
 */
const targetsMs = {
  /**
   * One turn of the event loop: so long an arriving request may lie unread, to be shed or not.
   * Only where some are shed: a thousand phones that are all being served make long turns, too.
   */
  turn: 50,
  /** A connection of the pool, which is given up on after two seconds. */
  connection: 300,
  /** The next batch of joins. */
  batch: 500,
  /** A thread of libuv's pool: pages are compressed there. */
  thread: 150,
};

/** Waits are judged this often at most, and never a single one: it may be a collection of garbage. */
const windowMs = 100;
const fewestWaits = 2;
/** A thread is asked so long after it has answered. */
const askEveryMs = 20;
const oneByte = Buffer.alloc(1);
/** What a window without requests means: whatever was learnt is out of date. */
const quietMs = 2_000;
/** Turning one away takes about so long; a turn that is long for that is no reason to do less. */
const shedMs = 0.01;
/** Never below this: fewer would leave the database with nothing to do. */
const leastLimit = 64;
const growth = { share: 0.1, least: 4 };
const shrink = { atMost: 0.5, atLeast: 0.9 };
/** So long after somebody found no room, who comes is thought to belong to the same crowd. */
const pressedMs = 2_000;
const tellEveryMs = 1_000;

/**
 * How many requests this process answers at once. The limit falls while every request waits too
 * long for its turn of the event loop, for a connection, for its batch or for a thread, and rises
 * again when they do not (additive increase, multiplicative decrease, judged by the least wait of a
 * window as CoDel does). So the work that is taken on is finished in time, whatever comes on top.
 */
export class ConcurrencyLimiter {
  readonly #options: ConcurrencyLimiterOptions;
  readonly #least: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  readonly #waits: Record<Wait, number> = { turn: 0, connection: 0, batch: 0, thread: 0 };
  #limit: number;
  #inFlight = 0;
  #peak = 0;
  #wasFull = false;
  #fullAt = -Infinity;
  #windowBegan = performance.now();
  #turnBegan: number | undefined;
  #arrivedInTurn = false;
  #turnIsWatched = false;
  #threadIsAsked = false;
  #sheds = 0;
  #shedsBefore = 0;
  #shedsTold = 0;
  #toldAt = 0;

  constructor(options: ConcurrencyLimiterOptions) {
    this.#options = options;
    this.#limit = options.maxInFlight;
  }

  /** Requests being answered now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that may be in flight now. */
  get limit(): number {
    return this.#limit;
  }

  /** Requests that were turned away so far. */
  get sheds(): number {
    return this.#sheds;
  }

  /** Whether somebody found no room a moment ago, so that others will not, either. */
  get isPressed(): boolean {
    return performance.now() - this.#fullAt < pressedMs;
  }

  /** Whether a request that arrives now finds room. */
  hasRoom(): boolean {
    this.#watchTurn();
    const hasRoom = this.#inFlight < this.#limit;
    if (!hasRoom) {
      this.#wasFull = true;
      this.#fullAt = performance.now();
    }
    return hasRoom;
  }

  /** A request found none and was turned away. */
  shed(): void {
    this.#sheds++;
  }

  /** A request is being worked on. */
  enter(): void {
    this.#inFlight++;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
  }

  /** It is not any more, or waits for its sender. */
  leave(): void {
    this.#inFlight--;
  }

  /** Something waited so long for what it needs. */
  waited(what: Wait, milliseconds: number): void {
    const least = this.#least[what];
    if (this.#waits[what]++ === 0 || milliseconds < least) this.#least[what] = milliseconds;
    this.#judge(performance.now());
  }

  /** Measures whole turns of the event loop for as long as requests arrive. */
  #watchTurn(): void {
    this.#arrivedInTurn = true;
    if (this.#turnIsWatched) return;
    this.#turnIsWatched = true;
    setImmediate(this.#turn);
    if (!this.#threadIsAsked) this.#askThread();
  }

  /** Asks a thread for next to nothing, again and again while requests arrive. */
  #askThread(): void {
    this.#threadIsAsked = true;
    const began = performance.now();
    randomFill(oneByte, () => {
      this.waited('thread', performance.now() - began);
      setTimeout(() => {
        this.#threadIsAsked = false;
        if (this.#turnIsWatched) this.#askThread();
      }, askEveryMs).unref();
    });
  }

  readonly #turn = (): void => {
    const now = performance.now();
    const began = this.#turnBegan;
    this.#turnIsWatched = this.#arrivedInTurn;
    this.#turnBegan = this.#turnIsWatched ? now : undefined;
    if (this.#turnIsWatched) setImmediate(this.#turn);
    this.#arrivedInTurn = false;
    const shedding = (this.#sheds - this.#shedsBefore) * shedMs;
    this.#shedsBefore = this.#sheds;
    if (began !== undefined) this.waited('turn', now - began - shedding);
  };

  #judge(now: number): void {
    const elapsed = now - this.#windowBegan;
    if (elapsed < windowMs || (elapsed <= quietMs && !this.#isEnough())) return;
    let excess = 0;
    for (const what of Object.keys(targetsMs) as Wait[]) {
      if (this.#waits[what] < fewestWaits || (what === 'turn' && !this.#wasFull)) continue;
      excess = Math.max(excess, this.#least[what] / targetsMs[what]);
    }
    this.#limit = Math.round(this.#next(excess, elapsed));
    // One that is too rare to be judged is kept until there is another.
    for (const what of Object.keys(targetsMs) as Wait[]) {
      if (this.#waits[what] >= fewestWaits) this.#waits[what] = 0;
    }
    this.#windowBegan = now;
    this.#peak = this.#inFlight;
    this.#wasFull = false;
    this.#tell(now);
  }

  #isEnough(): boolean {
    return Object.values(this.#waits).some((count) => count >= fewestWaits);
  }

  #next(excess: number, elapsed: number): number {
    const { maxInFlight } = this.#options;
    if (elapsed > quietMs) return maxInFlight;
    if (excess <= 1) {
      const step = Math.max(growth.least, this.#limit * growth.share);
      return Math.min(maxInFlight, this.#limit + step);
    }
    const share = Math.min(shrink.atLeast, Math.max(shrink.atMost, 1 / excess));
    const used = Math.min(this.#limit, Math.max(this.#peak, leastLimit));
    return Math.min(maxInFlight, Math.max(leastLimit, used * share));
  }

  #tell(now: number): void {
    if (this.#sheds === this.#shedsTold || now - this.#toldAt < tellEveryMs) return;
    this.#options.onShed?.(this.#sheds - this.#shedsTold, this.#limit);
    this.#shedsTold = this.#sheds;
    this.#toldAt = now;
  }
}
