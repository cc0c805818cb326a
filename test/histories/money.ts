import { Model, type Part, type Terms } from '../waiting/model.ts';
import type { Calendar } from './calendar.ts';

/**
 * The price of a slot in whole rupiah. It is an odd number, so that shares and fees must be
 * rounded.
 */
export const price = 9_973;
const feeBasisPoints = 300;
/** Seconds in which a dismissed dispute can be appealed. */
const disputeSeconds = 7 * 86_400;
/** The difference in rupiah up to which a statement line may still pay an order. */
const nearRupiah = 1_000;
/** Seconds that a hold lasts at least after a proof of payment was rejected. */
const leastHold = 3_600;

/** The payment of a participation in the model. */
export interface Payment {
  status: 'due' | 'proof_submitted' | 'rejected' | 'settled' | 'void';
  amount: number;
  /**
   * The unique code, which the model learns from the service at the first view. It can be any code
   * that no other open payment has.
   */
  code: number;
  /** The part of the unique code, in rupiah, that was received. */
  kept: number;
  isLooked: boolean;
  /** Whether the buyer got the slots back, as another participation. */
  isGiven: boolean;
  /** Time of the last rejection of a proof. */
  rejectedAt: number | null;
  settledAt: number | null;
}

/** The state of a participation's money in the model. */
export interface ParticipationMoney {
  payment: Payment | null;
  /** The amounts that operators have verified by hand and that count for this participation. */
  readonly seen: { readonly amount: number; readonly reference: string | null }[];
  /**
   * The statement lines allocated to this participation. `isKnown`: the line shows an amount that
   * an operator had verified before.
   */
  readonly lines: { readonly text: string; readonly amount: number; readonly isKnown: boolean }[];
  hasLapsed: boolean;
  /** Whether the participation was cancelled because its due payment was not made. */
  isUnpaid: boolean;
  /** Whether the paid participation was refunded while the campaign had not ended yet. */
  hasLeft: boolean;
  /** The day on which the last proof of payment was submitted. */
  provenOn: string | null;
  /** Seconds that were left of the hold when a proof of payment paused it. */
  holdLeft: number | null;
  /** The number of slots that cannot be delivered. */
  short: number;
  /** Whether the buyer has received the goods. */
  isReceived: boolean;
}

/** A transfer on a bank statement that is not allocated yet. */
export interface Line {
  readonly text: string;
  readonly amount: number;
  /** The time of the payment, or only its day if the time is not known. */
  readonly paid: Date | string;
  status: 'unmatched' | 'ambiguous';
}

/** A refund or payout that is due or sent. */
export interface LedgerEntry {
  readonly part: Part | null;
  amount: number;
  status: 'due' | 'settled' | 'void';
  attempts: number;
  reference: string | null;
  isReleased: boolean;
  hasComeBack: boolean;
}

/** A dispute that a buyer has opened. */
export interface Dispute {
  readonly part: Part;
  readonly words: string;
  end: 'upheld' | 'dismissed' | null;
  resolvedAt: number;
}

export interface Received {
  readonly outcome: 'settled' | 'given' | 'credited' | 'known';
  readonly part: Part;
}

const open: readonly string[] = ['due', 'proof_submitted', 'rejected'];
const moves = 'movement_transition_not_allowed';

/**
 * The model of a campaign's money, as simple as possible. For each participation it has the money
 * received and its purpose. It also has the refunds and the payout.
 */
export class MoneyModel extends Model {
  readonly refunds: LedgerEntry[] = [];
  readonly payouts: LedgerEntry[] = [];
  readonly disputes: Dispute[] = [];
  readonly lines: Line[] = [];
  /** The outcome of each line that was matched or allocated, by the text of the line. */
  readonly handled = new Map<string, Received>();
  /** Rupiah that were received but pay for no order. */
  credits = 0;
  /** Rupiah that have arrived for this campaign. Each transfer counts once. */
  arrived = 0;
  readonly calendar: Calendar;
  /** The last day for which the statement of the receiving account is completely imported. */
  through: string | null = null;
  /**
   * The decision about a batch below its minimum: since when it is needed, and whether it was made.
   */
  decision: { readonly openedAt: number; isTaken: boolean } | null = null;
  readonly #decisionSeconds: number;
  readonly #purses = new Map<Part, ParticipationMoney>();

  constructor(terms: Terms, { calendar, decision }: { calendar: Calendar; decision: number }) {
    super(terms);
    this.calendar = calendar;
    this.#decisionSeconds = decision;
  }

  /**
   * Everything that can be paid for: participations, and offers after success that are not
   * accepted.
   */
  get orders(): readonly Part[] {
    const offers = this.entries.flatMap(({ order }) => order ?? []);
    return [...this.parts, ...offers.filter((order) => !this.parts.includes(order))];
  }

  purse(part: Part): ParticipationMoney {
    const found = this.#purses.get(part);
    if (found !== undefined) return found;
    const made: ParticipationMoney = {
      payment: null,
      seen: [],
      lines: [],
      hasLapsed: false,
      isUnpaid: false,
      hasLeft: false,
      provenOn: null,
      holdLeft: null,
      short: 0,
      isReceived: false,
    };
    this.#purses.set(part, made);
    return made;
  }

  /** Rupiah that are needed to pay for a participation, without the unique code. */
  owed(part: Part): number {
    const { payment, short } = this.purse(part);
    return payment?.amount ?? (part.quantity - short) * price;
  }

  override cancel(part: Part): string {
    return this.#following(() => super.cancel(part));
  }

  /**
   * Reduces the slots. If they are paid, a part is refunded; otherwise the amount due is reduced.
   */
  override reduce(part: Part, quantity: number): string {
    const { payment } = this.purse(part);
    const freed = part.quantity - quantity;
    const refusal = this.whyNotReduced(part, quantity);
    if (refusal !== undefined || freed === 0) return refusal ?? 'ok';
    if (payment?.status === 'proof_submitted' || payment?.status === 'void') {
      return 'payment_not_open';
    }
    if (payment?.status === 'settled') this.refunds.push(newMovement(part, freed * price));
    else if (payment !== null) {
      Object.assign(payment, { amount: quantity * price, code: 0, isLooked: false });
    }
    return super.reduce(part, quantity);
  }

  override callOff(): string {
    return this.#following(() => super.callOff());
  }

  override settle(completeFull: boolean): void {
    this.#following(() => super.settle(completeFull), true);
  }

  /**
   * An operator verifies that the whole amount was paid, on the day of the proof if there is one.
   */
  override confirm(part: Part): string {
    const said = super.confirm(part, this.#paid(this.purse(part).provenOn));
    if (said !== 'ok') return said;
    const purse = this.purse(part);
    const amount = this.owed(part) + (purse.payment?.code ?? 0);
    this.arrived += amount;
    this.#pay(part, amount);
    purse.seen.push({ amount, reference: null });
    return 'ok';
  }

  /**
   * Views the payment. If it is time to pay, the payment is created, with an account and a code.
   */
  look(part: Part): string {
    const purse = this.purse(part);
    const isOpen = this.terms.upfront && this.#isOpen && !this.isVerifying;
    const isTime = part.status === 'reserved' && (isOpen || this.end === 'fulfilled');
    if (purse.payment === null && isTime) purse.payment = newPayment(this.owed(part));
    const { payment } = purse;
    if (payment === null) return 'payment_not_due';
    if (['due', 'rejected'].includes(payment.status)) payment.isLooked = true;
    return 'ok';
  }

  prove(part: Part): string {
    const looked = this.look(part);
    const purse = this.purse(part);
    if (looked !== 'ok') return looked;
    if (!open.includes(purse.payment!.status)) return 'payment_not_open';
    purse.provenOn = this.calendar.today();
    if (purse.payment!.status === 'proof_submitted') return 'ok';
    purse.payment!.status = 'proof_submitted';
    if (part.status === 'reserved' && this.end === null) {
      purse.holdLeft = part.holdEndsAt === null ? null : part.holdEndsAt - this.now;
      part.holdEndsAt = null;
    }
    return 'ok';
  }

  reject(part: Part): string {
    const { payment } = this.purse(part);
    if (payment === null) return 'payment_not_due';
    if (payment.status !== 'proof_submitted') return 'payment_not_open';
    this.#putBack(part);
    payment.rejectedAt = this.now;
    return 'ok';
  }

  /** An operator verifies an amount; null: the exact amount. */
  see(
    part: Part,
    given: number | null,
    { reference, paidOn }: { reference: string | null; paidOn: string | null },
  ): Received | string {
    const { payment, seen, lines } = this.purse(part);
    if (payment === null) return 'payment_not_due';
    if (!open.includes(payment.status)) return 'payment_not_open';
    const amount = given ?? payment.amount + payment.code;
    const isKnown =
      seen.some((one) => one.amount === amount && one.reference === reference) ||
      lines.some(
        (line) => line.amount === amount && !line.isKnown && line.text.includes(reference ?? ''),
      );
    if (isKnown) return { outcome: 'known', part };
    const paid = this.#paid(paidOn ?? this.purse(part).provenOn);
    const received = this.#receive(part, amount, paid);
    this.purse(received.part).seen.push({ amount, reference });
    return received;
  }

  /** Imports a statement with new lines. Returns the outcomes of all lines that were matched. */
  import(lines: readonly Line[]): readonly Received[] {
    this.lines.push(...lines);
    this.#noteDays(lines.map(({ paid }) => this.calendar.dayOfLine(paid)).toSorted());
    const fitting = this.lines.filter(
      ({ status, amount }) => status === 'unmatched' && this.#fitting(amount).length > 0,
    );
    const ambiguous = this.lines.filter(({ status }) => status === 'ambiguous');
    return [...fitting, ...ambiguous].flatMap((one) => {
      const parts = this.#fitting(one.amount);
      if (parts.length === 1) return this.assign(one, parts[0]!);
      one.status = parts.length === 0 ? 'unmatched' : 'ambiguous';
      return [];
    });
  }

  /**
   * Notes the days for which a statement is complete: all days of the file before its last one, as
   * far as they are over.
   */
  #noteDays(days: readonly string[]): void {
    const [first, last] = [days[0], days.at(-1)];
    if (first === undefined || last === undefined) return;
    const { through, calendar } = this;
    if (through !== null && first > calendar.dayAfter(through, 1)) return;
    const yesterday = calendar.today(1);
    const covered = calendar.dayAfter(last, -1);
    const until = covered < yesterday ? covered : yesterday;
    if (through === null || through < until) this.through = until;
  }

  /** Allocates a line to a participation. An operator decides it, or the amount of the line. */
  assign(line: Line, part: Part): Received {
    this.setAside(line);
    const { text, amount } = line;
    const paid = this.#paid(line.paid);
    const seen = this.#seenFor(part, amount, paid);
    const received: Received =
      seen === undefined ? this.#receive(part, amount, paid) : { outcome: 'known', part: seen };
    this.purse(received.part).lines.push({ text, amount, isKnown: seen !== undefined });
    this.handled.set(text, received);
    return received;
  }

  setAside(line: Line): void {
    this.lines.splice(this.lines.indexOf(line), 1);
  }

  sendRefund(refund: LedgerEntry, reference: string): string {
    if (refund.status === 'settled') return refund.reference === reference ? 'ok' : moves;
    refund.status = 'settled';
    refund.reference = reference;
    return 'ok';
  }

  failRefund(refund: LedgerEntry): string {
    if (refund.status !== 'due') return moves;
    refund.attempts++;
    return 'ok';
  }

  comeBack(list: LedgerEntry[], movement: LedgerEntry): string {
    if (movement.status !== 'settled' || movement.hasComeBack) return moves;
    movement.hasComeBack = true;
    const { part, amount, attempts, isReleased } = movement;
    list.push({ ...newMovement(part, amount), attempts: attempts + 1, isReleased });
    return 'ok';
  }

  releasePayout(payout: LedgerEntry): string {
    if (payout.status !== 'due') return moves;
    if (this.isDisputed()) return 'payout_disputed';
    if (this.#isUndecided) return 'payout_unsettled';
    payout.isReleased = true;
    return 'ok';
  }

  sendPayout(payout: LedgerEntry, reference: string): string {
    if (payout.status === 'settled') return payout.reference === reference ? 'ok' : moves;
    if (payout.status !== 'due') return moves;
    if (this.isDisputed()) return 'payout_disputed';
    if (!payout.isReleased) return 'payout_not_released';
    const { held, refunds_due, fee, codes_kept } = this.books();
    if (held - refunds_due - fee - codes_kept < payout.amount) return 'payout_not_covered';
    payout.status = 'settled';
    payout.reference = reference;
    return 'ok';
  }

  dispute(part: Part, words: string): string {
    if (!this.#isSold(part)) return 'participation_transition_not_allowed';
    const before = this.disputes.filter((one) => one.part === part);
    if (before.some(({ end }) => end === null)) return 'dispute_open_already';
    const isOver = ({ end, resolvedAt }: Dispute) =>
      end === 'upheld' || resolvedAt <= this.now - disputeSeconds;
    if (before.length > 1 || before.some(isOver)) return 'dispute_decided';
    if (before.some((one) => one.words === words)) return 'dispute_says_nothing_new';
    const { payment, short } = this.purse(part);
    if (short >= part.quantity || payment?.status !== 'settled') return 'dispute_not_paid';
    this.disputes.push({ part, words, end: null, resolvedAt: Infinity });
    return 'ok';
  }

  resolve(dispute: Dispute, end: 'upheld' | 'dismissed'): string {
    if (dispute.end !== null) return 'dispute_resolved_already';
    const { part } = dispute;
    const rest = part.quantity - this.purse(part).short;
    if (end === 'upheld' && this.#isSold(part) && rest > 0) {
      if (this.#isTooMuchOut(rest)) return 'payout_settled_already';
      this.#takeBack(part, rest);
      this.#refreshPayout();
    }
    Object.assign(dispute, { end, resolvedAt: this.now });
    this.releaseWhenReceived();
    return 'ok';
  }

  writeOff(part: Part): string {
    const purse = this.purse(part);
    if (purse.payment === null) return 'payment_not_due';
    if (!['due', 'rejected'].includes(purse.payment.status)) return 'payment_not_open';
    if (!this.#isSold(part)) return 'participation_transition_not_allowed';
    // An order that is not paid cannot be received. It can only be cancelled.
    if (this.#isTooMuchOut(part.quantity - purse.short)) return 'payout_settled_already';
    purse.isUnpaid = true;
    part.status = 'cancelled';
    purse.payment.status = 'void';
    this.offer();
    this.#refreshPayout();
    this.releaseWhenReceived();
    return 'ok';
  }

  shortfall(slots: number): string {
    if (this.end !== 'fulfilled') return 'transition_not_allowed';
    const has = (part: Part) => part.quantity - this.purse(part).short;
    const line = [
      ...this.parts.filter(({ status }) => status === 'fulfilled'),
      ...this.parts.filter(({ status }) => status === 'confirmed'),
    ];
    const received = sum(line, (part) => (part.status === 'fulfilled' ? has(part) : 0));
    const delivered = sum(line, has);
    if (slots >= delivered || slots < received) return 'shortfall_not_possible';
    if (this.#isTooMuchOut(delivered - slots)) return 'payout_settled_already';
    let left = slots;
    for (const part of line) {
      const keeps = Math.min(has(part), left);
      left -= keeps;
      if (keeps < has(part)) this.#takeBack(part, has(part) - keeps);
    }
    // No slots will be free for the waiting list.
    this.closeWaiting();
    this.#refreshPayout();
    this.releaseWhenReceived();
    return 'ok';
  }

  /** Releases the payout when the buyers have received everything that was delivered. */
  releaseWhenReceived(): void {
    if (this.isDisputed() || this.#isUndecided) return;
    if (this.parts.some(({ status }) => status === 'confirmed')) return;
    for (const payout of this.payouts) if (payout.status === 'due') payout.isReleased = true;
  }

  /** The amounts in the books of the campaign, as the API returns them. */
  books() {
    const parts = this.parts.map((part) => ({ part, ...this.purse(part) }));
    const settled = parts.filter(({ payment }) => payment?.status === 'settled');
    const sold = parts.filter(({ part }) => ['confirmed', 'fulfilled'].includes(part.status));
    const gross = sum(sold, ({ part, short }) => (part.quantity - short) * price);
    const paid = sum(settled, ({ payment }) => payment!.amount);
    const codes = sum(settled, ({ payment }) => payment!.kept);
    const kept = settled.filter(({ part }) => part.status !== 'refunded');
    const of = (list: readonly LedgerEntry[], status: string) =>
      sum(list, (movement) => (movement.status === status ? movement.amount : 0));
    const back = (list: readonly LedgerEntry[]) =>
      sum(list, (movement) => (movement.hasComeBack ? movement.amount : 0));
    const returned = back(this.refunds) + back(this.payouts);
    const owing = sold.filter(({ payment }) => open.includes(payment?.status ?? ''));
    return {
      gross,
      fee: this.end === 'fulfilled' ? feeOf(gross) : 0,
      paid,
      unique_codes: codes,
      credits: this.credits,
      returned,
      payouts_returned: back(this.payouts),
      receivable: sum(owing, ({ payment }) => payment!.amount),
      codes_kept: sum(kept, ({ payment }) => payment!.kept),
      refunds_due: of(this.refunds, 'due'),
      refunds_settled: of(this.refunds, 'settled'),
      payouts_due: of(this.payouts, 'due'),
      payouts_settled: of(this.payouts, 'settled'),
      // Received money, for any purpose, that was not sent to anybody.
      held: this.arrived + returned - of(this.refunds, 'settled') - of(this.payouts, 'settled'),
      owed_back: 0,
      lost: 0,
    };
  }

  /**
   * Decides about a batch below its minimum. First the seller may decide, later an operator too.
   */
  decide(goesOn: boolean, asOperator: boolean): string {
    const { decision } = this;
    if (this.end !== 'fulfilled' || decision === null || decision.isTaken) {
      return 'no_decision_open';
    }
    if (asOperator && this.now < decision.openedAt + this.#decisionSeconds) {
      return 'decision_is_sellers';
    }
    if (!goesOn && this.#isReceived) {
      return 'goods_received_already';
    }
    if (!goesOn && this.isShipped) return 'goods_shipped_already';
    if (!goesOn && !this.#mayBeCalledOff) return 'payout_settled_already';
    decision.isTaken = true;
    if (goesOn) this.releaseWhenReceived();
    else this.#giveAllBack();
    return 'ok';
  }

  #giveAllBack(): void {
    this.#following(() => this.close('cancelled'));
    for (const payout of this.payouts) if (payout.status === 'due') payout.status = 'void';
  }

  /** Whether the batch was shipped. */
  protected get isShipped(): boolean {
    return false;
  }

  /** Whether any buyer has received the goods, even if the money was refunded afterwards. */
  get #isReceived(): boolean {
    return this.parts.some((part) => this.purse(part).isReceived);
  }

  get #mayBeCalledOff(): boolean {
    if (this.isShipped) return false;
    return !this.#isReceived && !this.payouts.some(({ status }) => status === 'settled');
  }

  /** The number of slots that were paid, even if the payment was revoked later. */
  get #paidSlots(): number {
    const paid = this.parts.filter((part) => {
      const { payment, hasLeft } = this.purse(part);
      return payment?.status === 'settled' && !hasLeft;
    });
    return sum(paid, ({ quantity }) => quantity);
  }

  get #isUndecided(): boolean {
    const isAsked = this.decision !== null && !this.decision.isTaken;
    return isAsked || this.entries.some(({ status }) => status === 'offered');
  }

  protected override awaitsPayments(): boolean {
    return this.parts.some(
      (part) => part.status === 'reserved' && this.mayArrive(part, this.deadline),
    );
  }

  protected override isOwing(part: Part): boolean {
    const { payment } = this.purse(part);
    return part.status === 'confirmed' && part.payBy !== null && open.includes(payment!.status);
  }

  protected override mayArrive(order: Part, by: number): boolean {
    const { payment } = this.purse(order);
    if (payment === null || !open.includes(payment.status)) return false;
    if (payment.status === 'proof_submitted') return true;
    if (!payment.isLooked || (payment.rejectedAt ?? -Infinity) >= by) return false;
    const day = this.calendar.dayOf(by, this.now);
    return this.through === null || this.through < day || this.#hasLineLike(order, day);
  }

  /**
   * Whether there is an open line, of that day or earlier, that could pay an order. The amount of
   * the line is close to the amount of the order, or to the total that its buyer owes.
   */
  #hasLineLike(order: Part, day: string): boolean {
    const owing = this.parts.filter((part) => {
      const { payment } = this.purse(part);
      const isOpen = payment?.isLooked === true && open.includes(payment.status);
      return isOpen && part.user === order.user;
    });
    const sums = [[order], ...(this.parts.includes(order) ? [owing] : [])].map((parts) => {
      const payments = parts.map((part) => this.purse(part).payment!);
      const least = sum(payments, ({ amount }) => amount);
      return { least, most: least + sum(payments, ({ code }) => code) };
    });
    return this.lines.some(
      ({ amount, paid }) =>
        this.calendar.dayOfLine(paid) <= day &&
        sums.some(({ least, most }) => amount >= least - nearRupiah && amount <= most + nearRupiah),
    );
  }

  protected override showsUnpaid(order: Part, by: number): boolean {
    return this.purse(order).payment!.isLooked && !this.mayArrive(order, by);
  }

  protected override cancelUnpaid(parts: readonly Part[]): void {
    super.cancelUnpaid(parts);
    for (const part of parts) this.purse(part).isUnpaid = true;
    if (parts.length > 0) this.#refreshPayout();
  }

  protected override nothingIsOpen(): void {
    const isUnpaid = this.parts.some((part) => this.purse(part).isUnpaid);
    const isShort = isUnpaid && this.#paidSlots < this.terms.minimum;
    if (this.decision === null && isShort && this.#mayBeCalledOff) {
      this.decision = { openedAt: this.now, isTaken: false };
    } else {
      this.releaseWhenReceived();
    }
  }

  /**
   * The latest time at which a payment may have been made, if its time, only its day, or nothing is
   * known.
   */
  #paid(when: Date | string | null): number {
    return when === null ? this.now : Math.min(this.now, this.calendar.secondsAt(when, this.now));
  }

  #isSold({ status }: Part): boolean {
    return this.end === 'fulfilled' && ['confirmed', 'fulfilled'].includes(status);
  }

  isDisputed(part?: Part): boolean {
    return this.disputes.some(
      (dispute) => dispute.end === null && (part === undefined || dispute.part === part),
    );
  }

  #receive(part: Part, amount: number, paid: number): Received {
    this.arrived += amount;
    const why = this.#whyNotOwed(part, amount, paid);
    if (why === undefined) {
      this.#pay(part, amount);
      return { outcome: 'settled', part };
    }
    const isGiven = why === 'hold_lapsed' && amount >= this.owed(part) && paid < this.deadline;
    const again = isGiven ? this.#giveAgain(part) : null;
    if (again !== null) {
      this.#pay(again, amount);
      return { outcome: 'given', part: again };
    }
    this.#credit(part, amount);
    const { payment } = this.purse(part);
    const isPutBack = ['too_little', 'too_late'].includes(why);
    if (isPutBack && payment?.status === 'proof_submitted') this.#putBack(part);
    if (['hold_lapsed', 'left', 'campaign_over', 'unpaid'].includes(why)) voided(payment);
    return { outcome: 'credited', part };
  }

  #whyNotOwed(part: Part, amount: number, paid: number): string | undefined {
    const { payment, hasLapsed, isUnpaid } = this.purse(part);
    if (payment?.status === 'settled' || payment?.isGiven === true) return 'already_paid';
    if (isUnpaid) return 'unpaid';
    if (payment?.status === 'void') return 'campaign_over';
    const isOffer = !this.parts.includes(part);
    if (part.status === 'cancelled') return hasLapsed || isOffer ? 'hold_lapsed' : 'left';
    if (part.status === 'refunded') return 'campaign_over';
    const by = isOffer ? part.holdEndsAt! : this.deadline;
    if (part.status === 'reserved' && paid >= by) return 'too_late';
    if (part.status === 'confirmed' && paid >= (part.payBy ?? Infinity)) return 'too_late';
    return amount < this.owed(part) ? 'too_little' : undefined;
  }

  get #isOpen(): boolean {
    return this.end === null && this.now < this.deadline;
  }

  /** Gives the buyer the slots again. While the campaign is open, the rules of a join apply. */
  #giveAgain(part: Part): Part | null {
    if (!(this.#isOpen ? this.join(part.user, part.quantity) === 'ok' : this.takeAgain(part))) {
      return null;
    }
    const again = this.parts.at(-1)!;
    const old = this.purse(part);
    const owed = this.owed(part);
    this.purse(again).payment = { ...(old.payment ?? newPayment(owed)), status: 'due' };
    old.payment ??= newPayment(owed);
    Object.assign(old.payment, { status: 'void', isGiven: true });
    return again;
  }

  /**
   * Marks an order as paid. The part of the amount above the price counts up to the unique code.
   */
  #pay(part: Part, amount: number): void {
    const purse = this.purse(part);
    purse.payment ??= newPayment(this.owed(part));
    const { payment } = purse;
    payment.kept = Math.min(amount - payment.amount, payment.code);
    payment.status = 'settled';
    payment.settledAt = this.now;
    const above = amount - payment.amount - payment.kept;
    if (above > 0) this.#credit(part, above);
    if (part.status !== 'reserved') return;
    part.status = 'confirmed';
    part.holdEndsAt = null;
    const offer = this.entries.find(({ order }) => order === part);
    if (offer === undefined) return;
    offer.status = 'accepted';
    offer.part = this.parts.push(part) - 1;
    this.#refreshPayout();
  }

  #credit(part: Part, amount: number): void {
    this.credits += amount;
    this.refunds.push(newMovement(part, amount));
  }

  #putBack(part: Part): void {
    const purse = this.purse(part);
    const isReserved = part.status === 'reserved' && this.terms.upfront && this.#isOpen;
    if (isReserved && part.holdEndsAt === null) {
      const least = Math.min(this.terms.hold, leastHold);
      const until = this.now + Math.max(purse.holdLeft ?? 0, least);
      part.holdEndsAt = Math.min(this.deadline, until);
    }
    purse.holdLeft = null;
    purse.payment!.status = 'rejected';
  }

  /** The participations that a transfer may pay, by its amount alone. */
  #fitting(amount: number): Part[] {
    const fits = (part: Part) => {
      const { payment } = this.purse(part);
      return payment?.isLooked === true && payment.amount + payment.code === amount;
    };
    const statusOf = (part: Part) => this.purse(part).payment!.status;
    const fitting = this.orders.filter(fits);
    const owing = fitting.filter((part) => open.includes(statusOf(part)));
    return owing.length > 0 ? owing : fitting.filter((part) => this.#wasSeen(part, amount));
  }

  #wasSeen(part: Part, amount: number): boolean {
    const { seen, lines } = this.purse(part);
    const same = (one: { readonly amount: number }) => one.amount === amount;
    return seen.filter(same).length > lines.filter((line) => line.isKnown && same(line)).length;
  }

  #seenFor(part: Part, amount: number, paid: number): Part | undefined {
    if (this.#wasSeen(part, amount)) return part;
    if (this.#whyNotOwed(part, amount, paid) === undefined) return undefined;
    return this.parts.find((one) => one.user === part.user && this.#wasSeen(one, amount));
  }

  #takeBack(part: Part, slots: number): void {
    const purse = this.purse(part);
    const payment = purse.payment!;
    const isRefunded = purse.short + slots === part.quantity;
    if (payment.status === 'settled') {
      this.refunds.push(newMovement(part, slots * price + (isRefunded ? payment.kept : 0)));
    } else if (isRefunded) {
      voided(payment);
    } else {
      Object.assign(payment, { amount: payment.amount - slots * price, code: 0, isLooked: false });
    }
    purse.short += slots;
    if (isRefunded) {
      part.status = 'refunded';
      part.isTakenBack = true;
    }
  }

  /** Whether the seller would have received too much if this many more slots were not delivered. */
  #isTooMuchOut(slots: number): boolean {
    const { gross, payouts_settled, payouts_returned } = this.books();
    const rest = gross - slots * price;
    return rest - feeOf(rest) < payouts_settled - payouts_returned;
  }

  #refreshPayout(): void {
    const { gross, fee, payouts_settled, payouts_returned } = this.books();
    const rest = gross - fee - (payouts_settled - payouts_returned);
    const due = this.payouts.find(({ status }) => status === 'due');
    if (due === undefined) {
      if (rest > 0) this.payouts.push(newMovement(null, rest));
    } else if (rest === 0) {
      due.status = 'void';
    } else {
      due.amount = rest;
    }
  }

  /** Changes participations, and applies the effects of the change on their money. */
  #following<T>(change: () => T, byItself = false): T {
    const before = this.parts.map(({ status }) => status);
    const wasOpen = this.end === null;
    const result = change();
    for (const [index, part] of this.parts.entries()) {
      const [was, is] = [before[index], part.status];
      const purse = this.purse(part);
      if (was === is) continue;
      if (is === 'cancelled') purse.hasLapsed = byItself;
      if (was === 'reserved' && is === 'confirmed') purse.payment = newPayment(this.owed(part));
      if (was === 'confirmed' && is === 'refunded' && purse.payment?.status === 'settled') {
        purse.hasLeft = wasOpen;
        const slots = part.quantity - purse.short;
        this.refunds.push(newMovement(part, slots * price + purse.payment.kept));
      }
    }
    if (wasOpen && this.end === 'fulfilled') {
      const { gross, fee } = this.books();
      if (gross > fee) this.payouts.push(newMovement(null, gross - fee));
    }
    return result;
  }
}

function newPayment(amount: number): Payment {
  return {
    status: 'due',
    amount,
    code: 0,
    kept: 0,
    isLooked: false,
    isGiven: false,
    rejectedAt: null,
    settledAt: null,
  };
}

function newMovement(part: Part | null, amount: number): LedgerEntry {
  return {
    part,
    amount,
    status: 'due',
    attempts: 0,
    reference: null,
    isReleased: false,
    hasComeBack: false,
  };
}

/** Cancels a payment that is due. A payment that was received stays. */
function voided(payment: Payment | null): void {
  if (payment !== null && open.includes(payment.status)) payment.status = 'void';
}

/** The fee in whole rupiah, rounded half to even. */
function feeOf(gross: number): number {
  const exact = gross * feeBasisPoints;
  const [whole, rest] = [Math.floor(exact / 10_000), exact % 10_000];
  return whole + (rest > 5_000 || (rest === 5_000 && whole % 2 === 1) ? 1 : 0);
}

function sum<T>(list: readonly T[], worth: (one: T) => number): number {
  return list.reduce((all, one) => all + worth(one), 0);
}
