/**
 * The model of a campaign with a waiting list, as simple as possible: each step looks at all data
 * again. Times are seconds since the campaign opened.
 */

export interface Part {
  readonly user: number;
  quantity: number;
  status: 'reserved' | 'confirmed' | 'cancelled' | 'refunded' | 'fulfilled';
  holdEndsAt: number | null;
  readonly joinedAt: number;
  /**
   * The time until which the order must be paid, if its payment became due at completion; otherwise
   * null.
   */
  payBy: number | null;
  /** Whether the slots cannot be delivered: nobody else can get them. */
  isTakenBack: boolean;
  /**
   * Whether the deadline was moved after the order. Its buyer may then cancel it even when it is
   * paid.
   */
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
  /**
   * The participation that is created when the buyer pays for an offer after success; otherwise
   * null.
   */
  order: Part | null;
}

export interface Terms {
  readonly total: number;
  readonly minimum: number;
  readonly mostPerUser: number;
  readonly upfront: boolean;
  /** The time of the deadline, in seconds since the opening. */
  readonly deadline: number;
  readonly hold: number;
  readonly offer: number;
  /** Seconds from completion until payments must be made. */
  readonly payment: number;
  /** Seconds after the deadline in which payments that were made in time may still be found. */
  readonly verification: number;
}

const mostOvertakes = 3;

export class Model {
  readonly terms: Terms;
  readonly parts: Part[] = [];
  readonly entries: Entry[] = [];
  now = 0;
  deadline: number;
  isVerifying = false;
  /** How the campaign ended; null while it has not ended. */
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

  /**
   * The number of slots that are kept for the waiting list, so that nobody else can join with them.
   */
  get kept(): number {
    return this.line.length > 0 ? this.terms.total - this.taken : this.offered;
  }

  get status(): string {
    if (this.end === null && this.isVerifying) return 'verifying';
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
      order: null,
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

  /**
   * The reason why a participation cannot be changed to this number of slots; undefined if it can.
   */
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

  /**
   * Marks a participation as paid at this time. If the time is not known, the current time counts.
   */
  confirm(part: Part, paidAt = this.now): string {
    if (part.status !== 'reserved') return 'participation_transition_not_allowed';
    if (paidAt >= this.deadline) return 'deadline_passed';
    part.status = 'confirmed';
    part.holdEndsAt = null;
    return 'ok';
  }

  accept(entry: Entry): string {
    if (entry.status === 'accepted') return 'ok';
    if (entry.status !== 'offered') return 'waiting_transition_not_allowed';
    if (this.end === 'fulfilled') return 'offer_is_paid';
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
    if (this.now >= this.deadline && this.end !== 'fulfilled') return 'deadline_passed';
    this.#ended(entry, as);
    this.offer();
    return 'ok';
  }

  extend(seconds: number): string {
    if (this.end !== null || this.isVerifying) return 'transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    const before = this.deadline;
    this.deadline += seconds;
    for (const part of this.parts) {
      part.isFree = true;
      // If the old deadline had shortened a hold, the hold now lasts as long as it would have
      // without it.
      if (part.status === 'reserved' && part.holdEndsAt === before) {
        part.holdEndsAt = Math.max(before, this.#holdOf(part.joinedAt));
      }
    }
    return 'ok';
  }

  callOff(): string {
    if (this.end !== null) return 'transition_not_allowed';
    this.#close('cancelled');
    return 'ok';
  }

  /** Models one lifecycle run: holds lapse, and a campaign ends if it is time. */
  settle(completeFull: boolean): void {
    if (this.end === 'fulfilled') this.settleAfterSuccess();
    if (this.end !== null) return;
    if (this.now < this.deadline) {
      for (const part of this.parts) {
        if (part.status === 'reserved' && (part.holdEndsAt ?? Infinity) <= this.now) {
          part.status = 'cancelled';
        }
      }
      this.#lapseAll();
    }
    const counted = this.terms.upfront ? this.#slots(this.parts, 'confirmed') : this.taken;
    if (this.now >= this.deadline) {
      this.isVerifying = this.now < this.#verified(this.deadline) && this.awaitsPayments();
      if (this.isVerifying) return;
      this.#close(counted >= this.terms.minimum ? 'fulfilled' : 'expired');
    } else if (completeFull && counted === this.terms.total) {
      this.#close('fulfilled');
    }
  }

  /**
   * Whether a payment may still be found that decides about a participation. In this model nobody
   * pays.
   */
  protected awaitsPayments(): boolean {
    return false;
  }

  /** Whether an order of a completed campaign still has to be paid. */
  protected isOwing(part: Part): boolean {
    return part.status === 'confirmed' && part.payBy !== null;
  }

  /**
   * Whether a payment that was due at this time may have been made in time but is not found yet.
   */
  protected mayArrive(_order: Part, _by: number): boolean {
    return false;
  }

  /**
   * Whether it is already known that nothing was paid in time, before the verification hours end.
   */
  protected showsUnpaid(_order: Part, _by: number): boolean {
    return false;
  }

  /** Cancels unpaid orders, lets unpaid offers lapse, and offers free slots to the next entries. */
  protected settleAfterSuccess(): void {
    const isUnpaid = (part: Part) =>
      this.isOwing(part) &&
      part.payBy! <= this.now &&
      (this.#verified(part.payBy!) <= this.now || this.showsUnpaid(part, part.payBy!));
    this.cancelUnpaid(this.parts.filter(isUnpaid));
    if (this.open > 0) this.#lapseAll();
    const isWaitedFor = this.entries.some(
      ({ status, keepUntil }) =>
        status === 'offered' || (status === 'waiting' && keepUntil !== null),
    );
    if (isWaitedFor || this.parts.some((part) => this.isOwing(part))) return;
    this.closeWaiting();
    this.nothingIsOpen();
  }

  protected cancelUnpaid(parts: readonly Part[]): void {
    for (const part of parts) part.status = 'cancelled';
  }

  /** What happens when nothing can be paid any more. */
  protected nothingIsOpen(): void {}

  protected closeWaiting(): void {
    for (const entry of this.entries) {
      if (['waiting', 'offered'].includes(entry.status)) this.#ended(entry, 'closed');
      entry.keepUntil = null;
    }
  }

  /** Offers no more slots. Offers that buyers can still accept stay. */
  protected closeLine(): void {
    for (const entry of this.line) {
      this.#ended(entry, 'closed');
      entry.keepUntil = null;
    }
  }

  /**
   * Offers slots to one entry after the other: always to the first entry that fits and that may be
   * offered slots.
   */
  offer(): void {
    const lasts = this.end === 'fulfilled' ? this.terms.hold : this.terms.offer;
    const gone = this.parts.filter(({ isTakenBack }) => isTakenBack);
    const lost = gone.reduce((slots, { quantity }) => slots + quantity, 0);
    const free = () => this.terms.total - this.taken - this.offered - lost;
    for (;;) {
      const { line } = this;
      const last = line.findIndex(({ overtaken }) => overtaken >= mostOvertakes);
      const next = line.findIndex(
        ({ quantity }, place) => quantity <= free() && (last < 0 || place <= last),
      );
      if (next < 0) break;
      for (const passed of line.slice(0, next)) passed.overtaken++;
      line[next]!.status = 'offered';
      line[next]!.offerEndsAt = this.now + lasts;
      if (this.end === 'fulfilled') this.#order(line[next]!);
    }
    const blocked =
      free() > 0 ? this.line.find(({ overtaken }) => overtaken >= mostOvertakes) : undefined;
    for (const entry of this.entries) {
      entry.keepUntil = entry === blocked ? (entry.keepUntil ?? this.now + lasts) : null;
    }
  }

  /**
   * Lets offers lapse before entries. The slots that they free may fit an entry whose time is over
   * too.
   */
  #lapseAll(): void {
    this.#lapse(
      ({ status, offerEndsAt, order }) =>
        status === 'offered' &&
        offerEndsAt! <= this.now &&
        (order === null ||
          this.#verified(offerEndsAt!) <= this.now ||
          !this.mayArrive(order, offerEndsAt!)),
    );
    this.#lapse(
      ({ status, keepUntil }) => status === 'waiting' && (keepUntil ?? Infinity) <= this.now,
    );
  }

  /**
   * If an order has lapsed but was paid before the deadline, its buyer gets the slots back if they
   * are still free.
   */
  protected takeAgain({ user, quantity }: Part): boolean {
    if (this.end !== null || quantity > this.terms.total - this.taken - this.kept) return false;
    if (this.#bounds(user, quantity) !== undefined) return false;
    this.parts.push(newPart(user, quantity, this.now, null));
    return true;
  }

  #lapse(isOver: (entry: Entry) => boolean): void {
    for (const entry of this.entries.filter(isOver)) this.#ended(entry, 'lapsed');
    this.offer();
  }

  #ended(entry: Entry, as: string): void {
    entry.status = as;
    if (entry.order !== null) entry.order.status = 'cancelled';
  }

  /** Creates the order of an offer after success. The buyer accepts the offer by paying. */
  #order(entry: Entry): void {
    const { user, quantity, offerEndsAt } = entry;
    entry.order = newPart(user, quantity, this.now, offerEndsAt);
  }

  #verified(from: number): number {
    return from + this.terms.verification;
  }

  #holdOf(joinedAt: number): number {
    return Math.min(joinedAt + this.terms.hold, this.deadline);
  }

  protected close(end: NonNullable<Model['end']>): void {
    this.#close(end);
  }

  #close(end: NonNullable<Model['end']>): void {
    // After success the waiting list stays open, because slots of unpaid orders may be offered to
    // it.
    if (end !== 'fulfilled') this.closeWaiting();
    for (const part of this.parts) {
      if (part.status === 'cancelled') continue;
      if (end !== 'fulfilled') part.status = 'refunded';
      else if (part.status === 'reserved') {
        part.status = this.terms.upfront ? 'cancelled' : 'confirmed';
        if (!this.terms.upfront) part.payBy = this.now + this.terms.payment;
      }
    }
    this.end = end;
    if (end !== 'fulfilled') return;
    for (const entry of this.entries.filter(({ status }) => status === 'offered')) {
      entry.offerEndsAt = this.now + this.terms.hold;
      this.#order(entry);
    }
    this.offer();
  }

  #closed(): string | undefined {
    if (this.end !== null || this.isVerifying) return 'campaign_not_active';
    return this.now >= this.deadline ? 'deadline_passed' : undefined;
  }

  #bounds(user: number, quantity: number): string | undefined {
    const own = this.parts.filter((part) => part.user === user);
    const held = this.#slots(own, 'reserved', 'confirmed');
    return held + quantity > this.terms.mostPerUser ? 'quantity_out_of_bounds' : undefined;
  }

  #take(user: number, quantity: number): number {
    const holdEndsAt = this.terms.upfront ? this.#holdOf(this.now) : null;
    return this.parts.push(newPart(user, quantity, this.now, holdEndsAt)) - 1;
  }

  #slots(of: readonly { quantity: number; status: string }[], ...statuses: string[]): number {
    return of
      .filter(({ status }) => statuses.includes(status))
      .reduce((sum, { quantity }) => sum + quantity, 0);
  }
}

function newPart(
  user: number,
  quantity: number,
  joinedAt: number,
  holdEndsAt: number | null,
): Part {
  return {
    user,
    quantity,
    status: 'reserved',
    holdEndsAt,
    joinedAt,
    payBy: null,
    isTakenBack: false,
    isFree: false,
  };
}
