/**
 * What a campaign with a waiting list is to do, said as simply as possible: everything is looked
 * through from the beginning each time. Times are seconds from the campaign's opening.
 */

export interface Part {
  readonly user: number;
  quantity: number;
  status: 'reserved' | 'confirmed' | 'cancelled' | 'refunded' | 'fulfilled';
  holdEndsAt: number | null;
  /** The deadline was moved after it was made: also once it is paid its buyer may leave. */
  isFree: boolean;
}

export interface Entry {
  readonly user: number;
  readonly quantity: number;
  status: string;
  overtaken: number;
  offerEndsAt: number | null;
  keepUntil: number | null;
  part: number | null;
}

export interface Terms {
  readonly total: number;
  readonly minimum: number;
  readonly mostPerUser: number;
  readonly upfront: boolean;
  /** Seconds. */
  readonly deadline: number;
  readonly hold: number;
  readonly offer: number;
}

const mostOvertakes = 3;

export class Model {
  readonly terms: Terms;
  readonly parts: Part[] = [];
  readonly entries: Entry[] = [];
  now = 0;
  deadline: number;
  /** Null while it is open. */
  end: 'fulfilled' | 'expired' | 'cancelled' | null = null;

  constructor(terms: Terms) {
    this.terms = terms;
    this.deadline = terms.deadline;
  }

  get taken(): number {
    return this.#slots(this.parts, 'reserved', 'confirmed', 'fulfilled');
  }

  get offered(): number {
    return this.#slots(this.entries, 'offered');
  }

  get line(): Entry[] {
    return this.entries.filter(({ status }) => status === 'waiting');
  }

  get open(): number {
    return this.entries.filter(({ status }) => ['waiting', 'offered'].includes(status)).length;
  }

  /** Slots that are not for strangers. */
  get kept(): number {
    return this.line.length > 0 ? this.terms.total - this.taken : this.offered;
  }

  get status(): string {
    return this.end ?? (this.taken === this.terms.total ? 'locked' : 'active');
  }

  join(user: number, quantity: number): string {
    const refusal = this.#closed() ?? this.#bounds(user, quantity);
    if (refusal !== undefined) return refusal;
    if (quantity > this.terms.total - this.taken - this.kept) return 'slots_unavailable';
    this.#take(user, quantity);
    return 'ok';
  }

  wait(user: number, quantity: number): string {
    const waits = this.entries.some(
      (entry) => entry.user === user && ['waiting', 'offered'].includes(entry.status),
    );
    const refusal =
      this.#closed() ??
      (waits ? 'already_waiting' : undefined) ??
      this.#bounds(user, quantity) ??
      (quantity > this.terms.total ? 'quantity_out_of_bounds' : undefined);
    if (refusal !== undefined) return refusal;
    if (this.taken + this.kept < this.terms.total) return 'slots_available';
    this.entries.push({
      user,
      quantity,
      status: 'waiting',
      overtaken: 0,
      offerEndsAt: null,
      keepUntil: null,
      part: null,
    });
    this.offer();
    return 'ok';
  }

  cancel(part: Part): string {
    const isOpen = this.end === null && this.now < this.deadline;
    if (part.status === 'confirmed' && part.isFree && isOpen) {
      part.status = 'refunded';
      this.offer();
      return 'ok';
    }
    if (part.status !== 'reserved') return 'participation_transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    part.status = 'cancelled';
    this.offer();
    return 'ok';
  }

  /** Why a participation may not have so many slots from now on; undefined when it may. */
  whyNotReduced(part: Part, quantity: number): string | undefined {
    if (!['reserved', 'confirmed'].includes(part.status)) {
      return 'participation_transition_not_allowed';
    }
    if (quantity === part.quantity) return undefined;
    if (quantity > part.quantity) return 'more_slots_by_joining';
    return this.#closed();
  }

  reduce(part: Part, quantity: number): string {
    const refusal = this.whyNotReduced(part, quantity);
    if (refusal !== undefined) return refusal;
    if (quantity === part.quantity) return 'ok';
    part.quantity = quantity;
    this.offer();
    return 'ok';
  }

  confirm(part: Part): string {
    if (part.status !== 'reserved') return 'participation_transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    part.status = 'confirmed';
    part.holdEndsAt = null;
    return 'ok';
  }

  accept(entry: Entry): string {
    if (entry.status === 'accepted') return 'ok';
    if (entry.status !== 'offered') return 'waiting_transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    if (this.now >= entry.offerEndsAt!) return 'offer_expired';
    const refusal = this.#bounds(entry.user, entry.quantity);
    if (refusal !== undefined) return refusal;
    entry.status = 'accepted';
    entry.part = this.#take(entry.user, entry.quantity);
    return 'ok';
  }

  leave(entry: Entry, as: 'declined' | 'withdrawn'): string {
    if (entry.status === as) return 'ok';
    const possible = as === 'declined' ? ['offered'] : ['waiting', 'offered'];
    if (!possible.includes(entry.status)) return 'waiting_transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    entry.status = as;
    this.offer();
    return 'ok';
  }

  extend(seconds: number): string {
    if (this.end !== null) return 'transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    this.deadline += seconds;
    for (const part of this.parts) part.isFree = true;
    return 'ok';
  }

  callOff(): string {
    if (this.end !== null) return 'transition_not_allowed';
    this.#close('cancelled');
    return 'ok';
  }

  /** What the lifecycle does when it looks. */
  settle(completeFull: boolean): void {
    if (this.end !== null) return;
    if (this.now < this.deadline) {
      for (const part of this.parts) {
        if (part.status === 'reserved' && (part.holdEndsAt ?? Infinity) <= this.now) {
          part.status = 'cancelled';
        }
      }
      this.#lapse(({ status, offerEndsAt }) => status === 'offered' && offerEndsAt! <= this.now);
      this.#lapse(
        ({ status, keepUntil }) => status === 'waiting' && (keepUntil ?? Infinity) <= this.now,
      );
    }
    const counted = this.terms.upfront ? this.#slots(this.parts, 'confirmed') : this.taken;
    if (this.now >= this.deadline) {
      this.#close(counted >= this.terms.minimum ? 'fulfilled' : 'expired');
    } else if (completeFull && counted === this.terms.total) {
      this.#close('fulfilled');
    }
  }

  /** One offer after the other, each to the first who fits and may have it. */
  offer(): void {
    const free = () => this.terms.total - this.taken - this.offered;
    for (;;) {
      const { line } = this;
      const last = line.findIndex(({ overtaken }) => overtaken >= mostOvertakes);
      const next = line.findIndex(
        ({ quantity }, place) => quantity <= free() && (last < 0 || place <= last),
      );
      if (next < 0) break;
      for (const passed of line.slice(0, next)) passed.overtaken++;
      line[next]!.status = 'offered';
      line[next]!.offerEndsAt = this.now + this.terms.offer;
    }
    const blocked =
      free() > 0 ? this.line.find(({ overtaken }) => overtaken >= mostOvertakes) : undefined;
    for (const entry of this.entries) {
      entry.keepUntil = entry === blocked ? (entry.keepUntil ?? this.now + this.terms.offer) : null;
    }
  }

  #lapse(isOver: (entry: Entry) => boolean): void {
    for (const entry of this.entries.filter(isOver)) entry.status = 'lapsed';
    this.offer();
  }

  #close(end: NonNullable<Model['end']>): void {
    for (const entry of this.entries) {
      if (['waiting', 'offered'].includes(entry.status)) entry.status = 'closed';
      entry.keepUntil = null;
    }
    for (const part of this.parts) {
      if (part.status === 'cancelled') continue;
      if (end !== 'fulfilled') part.status = 'refunded';
      else if (part.status === 'reserved') {
        part.status = this.terms.upfront ? 'cancelled' : 'confirmed';
      }
    }
    this.end = end;
  }

  #closed(): string | undefined {
    if (this.end !== null) return 'campaign_not_active';
    return this.now >= this.deadline ? 'deadline_passed' : undefined;
  }

  #bounds(user: number, quantity: number): string | undefined {
    const own = this.parts.filter((part) => part.user === user);
    const held = this.#slots(own, 'reserved', 'confirmed');
    return held + quantity > this.terms.mostPerUser ? 'quantity_out_of_bounds' : undefined;
  }

  #take(user: number, quantity: number): number {
    const holdEndsAt = this.terms.upfront ? this.now + this.terms.hold : null;
    return this.parts.push({ user, quantity, status: 'reserved', holdEndsAt, isFree: false }) - 1;
  }

  #slots(of: readonly { quantity: number; status: string }[], ...statuses: string[]): number {
    return of
      .filter(({ status }) => statuses.includes(status))
      .reduce((sum, { quantity }) => sum + quantity, 0);
  }
}
