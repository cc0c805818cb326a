import { MoneyModel } from './money.ts';
import type { Part } from '../waiting/model.ts';

/**
 * Seconds after shipping, or after a later payment, when an order counts as received although its
 * buyer has not answered.
 */
export const receiptSeconds = 2 * 86_400;
/** Seconds between two checks for orders whose buyers have not answered. */
const againSeconds = 3_600;

/** The model of the goods in a batch: sent, received, or without an answer of the buyer. */
export class GoodsModel extends MoneyModel {
  shippedAt: number | null = null;
  /**
   * Stays below fourteen days, because after that a statement line no longer matches a payment by
   * its amount alone.
   */
  daysPassed = 0;
  /** The time of the next check for orders without an answer; null: there is none. */
  #receiptsDueAt: number | null = null;

  protected override get isShipped(): boolean {
    return this.shippedAt !== null;
  }

  protected shipBatch(): string {
    if (this.end !== 'fulfilled') return 'transition_not_allowed';
    if (this.shippedAt !== null) return 'ok';
    this.shippedAt = this.now;
    this.#receiptsDueAt = this.now + receiptSeconds;
    this.closeLine();
    return 'ok';
  }

  /** The buyer confirms the receipt. */
  receive(part: Part): string {
    if (part.status !== 'confirmed' || this.end !== 'fulfilled') {
      return 'participation_transition_not_allowed';
    }
    if (this.purse(part).payment?.status !== 'settled') return 'participation_not_paid';
    this.#markReceived(part);
    this.releaseWhenReceived();
    return 'ok';
  }

  /** Models one lifecycle run, which also marks orders without an answer as received. */
  sweep(): void {
    this.settle(true);
    if (this.#receiptsDueAt === null || this.#receiptsDueAt > this.now) return;
    const isOver = this.end !== 'fulfilled';
    const received = isOver ? [] : this.parts.filter((part) => this.#isWithoutWord(part));
    for (const part of received) this.#markReceived(part);
    const isMore = this.open > 0 || this.parts.some(({ status }) => status === 'confirmed');
    this.#receiptsDueAt = !isOver && isMore ? this.now + againSeconds : null;
    if (received.length > 0) this.releaseWhenReceived();
  }

  #markReceived(part: Part): void {
    part.status = 'fulfilled';
    this.purse(part).isReceived = true;
  }

  #isWithoutWord(part: Part): boolean {
    const { payment } = this.purse(part);
    const isTime = (payment?.settledAt ?? Infinity) <= this.now - receiptSeconds;
    return part.status === 'confirmed' && isTime && !this.isDisputed(part);
  }
}
