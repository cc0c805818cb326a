import { hash } from 'node:crypto';
import type { AheadRow, WaitingRow } from './queries.ts';
import type { WaitingStatus } from './status.ts';

/**
 * A waiting-list entry with the fields that the campaign's seller may see. It does not contain the
 * shipping address.
 */
export interface ListedEntry {
  readonly id: string;
  readonly campaign_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly status: WaitingStatus;
  /**
   * The number of offers that later entries got because this entry wants more slots than were free.
   */
  readonly overtaken: number;
  /** When the buyer paid the kept money. Entries with kept money are ahead of all other entries. */
  readonly paid_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly offered_at: Date | null;
  /** The end of the offer; until then the slots are reserved for the buyer. */
  readonly offer_expires_at: Date | null;
  readonly accepted_at: Date | null;
  readonly declined_at: Date | null;
  readonly lapsed_at: Date | null;
  readonly withdrawn_at: Date | null;
  readonly closed_at: Date | null;
  /** The participation that was created when the offer was accepted. */
  readonly participation_id: string | null;
}

/**
 * An entry with the fields that its buyer may see. It contains the position in the list, and no
 * data of other buyers.
 */
export interface WaitingEntry extends ListedEntry {
  readonly shipping_address: string;
  readonly note: string | null;
  /**
   * For an offer that is made after the campaign has succeeded: the id of the order to pay. The
   * offer is accepted by paying the order.
   */
  readonly order_id: string | null;
  /**
   * The refund whose money pays for the slots. If no slots become free, the refund is due again.
   */
  readonly refund_id: string | null;
  /**
   * The kept money in whole rupiah. Like every price of slots, it is below 2^53, so a JavaScript
   * number is exact.
   */
  readonly kept_amount: number | null;
  /**
   * The position in the list: 1 for the first waiting entry. Null when the entry does not wait any
   * more.
   */
  readonly position: number | null;
  readonly slots_ahead: number;
}

/** Converts a row to an entry with the fields that the seller may see. */
export function listedEntryOf(row: WaitingRow): ListedEntry {
  return {
    id: row.entry_id,
    campaign_id: row.campaign_id,
    user_id: row.user_id,
    quantity: row.quantity,
    status: row.status,
    overtaken: row.overtaken,
    paid_at: row.paid_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
    offered_at: row.offered_at,
    offer_expires_at: row.offer_expires_at,
    accepted_at: row.accepted_at,
    declined_at: row.declined_at,
    lapsed_at: row.lapsed_at,
    withdrawn_at: row.withdrawn_at,
    closed_at: row.closed_at,
    participation_id: row.participation_id,
  };
}

/** Converts a row to an entry with the fields that its buyer may see. */
export function waitingEntryOf(row: WaitingRow & AheadRow): WaitingEntry {
  return {
    ...listedEntryOf(row),
    shipping_address: row.shipping_address,
    note: row.note,
    order_id: row.order_id,
    refund_id: row.refund_id,
    kept_amount: row.kept_amount === null ? null : Number(row.kept_amount),
    position: row.status === 'waiting' ? row.entries_ahead + 1 : null,
    slots_ahead: Number(row.slots_ahead),
  };
}

/** A buyer's request to wait, with all the data on which its answer depends. */
export interface WaitingRequest {
  readonly userId: string;
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note: string | null;
}

/**
 * Returns the hash of all fields that must be equal in requests with the same Idempotency-Key. It
 * never equals the hash of a join.
 */
export function requestHash({ userId, quantity, shippingAddress, note }: WaitingRequest): Buffer {
  const content = ['waiting', userId, quantity, shippingAddress, note];
  return hash('sha256', JSON.stringify(content), 'buffer');
}
