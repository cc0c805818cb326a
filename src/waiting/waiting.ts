import { hash } from 'node:crypto';
import type { AheadRow, WaitingRow } from './queries.ts';
import type { WaitingStatus } from './status.ts';

/** An entry of a waiting list as the campaign's seller may see it: without the address. */
export interface ListedEntry {
  readonly id: string;
  readonly campaign_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly status: WaitingStatus;
  /** Offers made to buyers behind this one, because they asked for fewer slots. */
  readonly overtaken: number;
  /** When the money was paid that is kept for it; it is then before all without. */
  readonly paid_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly offered_at: Date | null;
  /** The slots are kept for the buyer until then. */
  readonly offer_expires_at: Date | null;
  readonly accepted_at: Date | null;
  readonly declined_at: Date | null;
  readonly lapsed_at: Date | null;
  readonly withdrawn_at: Date | null;
  readonly closed_at: Date | null;
  /** What an accepted offer has become. */
  readonly participation_id: string | null;
}

/** An entry as its own buyer sees it: how much waits before it, and nothing of anybody else. */
export interface WaitingEntry extends ListedEntry {
  readonly shipping_address: string;
  readonly note: string | null;
  /** Of an offer after the campaign has succeeded: it is accepted by paying for this order. */
  readonly order_id: string | null;
  /** The refund whose money pays for it once slots come free, and is due again if none do. */
  readonly refund_id: string | null;
  /** Whole rupiah that are kept for it: at most 2^53 as every price of slots. */
  readonly kept_amount: number | null;
  /** 1 for the first who waits; null once it does not wait any more. */
  readonly position: number | null;
  readonly slots_ahead: number;
}

/** The entry that a row of a list tells of. */
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

/** The entry that a row tells its buyer of. */
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

/** A wish to wait, with everything that its answer depends on. */
export interface WaitingRequest {
  readonly userId: string;
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note: string | null;
}

/** What must be the same for the same Idempotency-Key to be the same wish; never that of a join. */
export function requestHash({ userId, quantity, shippingAddress, note }: WaitingRequest): Buffer {
  const content = ['waiting', userId, quantity, shippingAddress, note];
  return hash('sha256', JSON.stringify(content), 'buffer');
}
