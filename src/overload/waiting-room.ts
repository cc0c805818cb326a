import { maxWaitSeconds, type WaitingPlace } from './waiting-place.ts';

/** Arrivals within this time count as simultaneous. */
const slotSeconds = 2;
const slots = maxWaitSeconds / slotSeconds + 1;
/** Everybody who waits comes back within this time: the maximum of `Retry-After`, and jitter. */
const periodSeconds = 12;
/** At least this many waiting visitors are due. */
const minDue = 20;
/** The number of requests that one place admits. A copied cookie is worth no more. */
const maxUses = 10;
/** Maximum number of places whose uses are remembered. */
const maxPlaces = 10_000;

/**
 * Decides which visitors get in first: those who have waited longest. It counts the rejected
 * visitors by the time of their arrival. The threshold is the arrival of the last visitor for whom
 * there is room soon, judged by the number of visitors who got in recently. Whoever arrived later
 * may use only a part of the capacity, so that the others find room. Needs a constant amount of
 * memory.
 */
export class WaitingRoom {
  /** The rejections by time of arrival, in this period and in the one before. */
  #now = new Uint32Array(slots);
  #before = new Uint32Array(slots);
  #admitted = 0;
  #admittedBefore = 0;
  #period = 0;
  #threshold = Infinity;
  #evaluatedAt = 0;
  readonly #uses = new Map<string, number>();

  /**
   * Returns true if this visitor's turn has come, or if nobody has to wait. A visitor without a
   * place has just arrived. `now` is in seconds since 1970.
   */
  isDue(place: WaitingPlace | undefined, now: number): boolean {
    const threshold = this.#thresholdAt(now);
    if (threshold === Infinity) return true;
    if (place === undefined || place.arrivedAt > threshold) return false;
    return (this.#uses.get(place.id) ?? 0) < maxUses;
  }

  /** Counts a visitor who got in. */
  admit(place: WaitingPlace | undefined, now: number): void {
    this.#advance(now);
    this.#admitted++;
    if (place === undefined) return;
    if (this.#uses.size >= maxPlaces && !this.#uses.has(place.id)) {
      for (const oldest of this.#uses.keys()) {
        this.#uses.delete(oldest);
        break;
      }
    }
    this.#uses.set(place.id, (this.#uses.get(place.id) ?? 0) + 1);
  }

  /** Counts a visitor who was rejected. */
  reject({ arrivedAt }: WaitingPlace, now: number): void {
    this.#advance(now);
    this.#now[slotOf(arrivedAt)]!++;
  }

  /** The latest arrival, in seconds since 1970, for which there is room soon. */
  #thresholdAt(now: number): number {
    this.#advance(now);
    if (now === this.#evaluatedAt) return this.#threshold;
    this.#evaluatedAt = now;
    const room = Math.max(minDue, this.#admitted, this.#admittedBefore);
    let waiting = 0;
    for (let arrival = now - maxWaitSeconds; arrival <= now; arrival += slotSeconds) {
      const slot = slotOf(arrival);
      waiting += Math.max(this.#now[slot]!, this.#before[slot]!);
      if (waiting < room) continue;
      this.#threshold = arrival;
      return arrival;
    }
    this.#threshold = Infinity;
    return Infinity;
  }

  #advance(now: number): void {
    const period = Math.floor(now / periodSeconds);
    if (period === this.#period) return;
    const isNext = period === this.#period + 1;
    const old = this.#before;
    this.#before = isNext ? this.#now : old.fill(0);
    this.#now = isNext ? old.fill(0) : this.#now.fill(0);
    this.#admittedBefore = isNext ? this.#admitted : 0;
    this.#admitted = 0;
    this.#period = period;
  }
}

function slotOf(arrivedAt: number): number {
  return Math.floor(arrivedAt / slotSeconds) % slots;
}
