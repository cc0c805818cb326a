import { MoneyModel } from './money.ts';
import type { Part } from '../waiting/model.ts';

/** Seconds from shipping, or from a later payment, until an order without a word is received. */
export const receiptSeconds = 2 * 86_400;
/** Orders that nobody has spoken about are looked at again after so many seconds. */
const againSeconds = 3_600;

/** The goods of a batch: sent, received, or not a word about them. */
export class GoodsModel extends MoneyModel {
  shippedAt: number | null = null;
  /** Fewer than the fourteen after which a line does not find a payment by its sum alone. */
  daysPassed = 0;
  /** When orders without a word are looked at next; null: never. */
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

  /** The buyer says that the goods are there. */
  receive(part: Part): string {
    if (part.status !== 'confirmed' || this.end !== 'fulfilled') {
      return 'participation_transition_not_allowed';
    }
    if (this.purse(part).payment?.status !== 'settled') return 'participation_not_paid';
    this.#markReceived(part);
    this.releaseWhenReceived();
    return 'ok';
  }

  /** What the lifecycle does when it looks once: goods without a word count as received. */
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
