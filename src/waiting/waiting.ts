import { hash } from 'node:crypto';
import type { AheadRow, WaitingRow } from './queries.ts';
import type { WaitingStatus } from './status.ts';

/** A waiting-list entry as the campaign's seller sees it: without the address. */
export interface ListedEntry {
  readonly id: string;
  readonly campaign_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly status: WaitingStatus;
  /** Number of offers made to later entries because they asked for fewer slots. */
  readonly overtaken: number;
  /** When the kept money was paid; a paid entry is ahead of all ordinary ones. */
  readonly paid_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly offered_at: Date | null;
  /** The slots are reserved for the buyer until then. */
  readonly offer_expires_at: Date | null;
  readonly accepted_at: Date | null;
  readonly declined_at: Date | null;
  readonly lapsed_at: Date | null;
  readonly withdrawn_at: Date | null;
  readonly closed_at: Date | null;
  /** The participation of an accepted offer. */
  readonly participation_id: string | null;
}

/** An entry as its buyer sees it: its position, and no data of other buyers. */
export interface WaitingEntry extends ListedEntry {
  readonly shipping_address: string;
  readonly note: string | null;
  /** For an offer after success: paying this order accepts the offer. */
  readonly order_id: string | null;
  /** The refund whose money pays for the slots; it is due again if none come free. */
  readonly refund_id: string | null;
  /** The kept money in whole rupiah: at most 2^53, as every price of slots. */
  readonly kept_amount: number | null;
  /** 1 for the first waiting entry; null once it does not wait any more. */
  readonly position: number | null;
  readonly slots_ahead: number;
}

/** Converts a row to an entry of a list. */
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

/** Converts a row to the entry that its buyer sees. */
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

/** A request to wait, with everything that its answer depends on. */
export interface WaitingRequest {
  readonly userId: string;
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note: string | null;
}

/**
 * Returns the hash of everything that must be equal for requests with the same Idempotency-Key;
 * never equal to the hash of a join.
 */
export function requestHash({ userId, quantity, shippingAddress, note }: WaitingRequest): Buffer {
  const content = ['waiting', userId, quantity, shippingAddress, note];
  return hash('sha256', JSON.stringify(content), 'buffer');
}
