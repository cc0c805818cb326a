import { toApiParticipationStatus, type ParticipationStatus } from '../database/status-words.ts';
import { toApiStatus } from '../database/status-words.ts';
import type { Joined, JoinRequest } from './join.ts';
import type { ParticipationMoney } from '../ledger/payments/payment-state.ts';
import type { OwnRow, ParticipationRow, ParticipationWithMoney } from './queries.ts';

/**
 * A participation with the fields that its owner, the campaign's seller, operators and the service
 * may see.
 */
export interface Participation extends ParticipationMoney {
  readonly id: string;
  readonly campaign_id: string;
  readonly user_id: string;
  readonly quantity: number;
  /**
   * Number of slots that the buyer gets. It is less than the quantity if the seller has reported a
   * shortfall.
   */
  readonly delivered_quantity: number;
  readonly status: ParticipationStatus;
  readonly shipping_address: string;
  readonly note: string | null;
  readonly joined_at: Date;
  readonly updated_at: Date;
  readonly hold_expires_at: Date | null;
  readonly confirmed_at: Date | null;
  readonly cancelled_at: Date | null;
  readonly refunded_at: Date | null;
  readonly fulfilled_at: Date | null;
  readonly cancel_reason: ParticipationRow['cancel_reason'];
}

/**
 * Returns the number of slots that the buyer gets. The same rule in SQL is `deliveredQuantity` in
 * ledger/payment-state.ts.
 */
export function deliveredQuantityOf({
  status,
  quantity,
  undelivered_slots: short,
}: Pick<ParticipationRow, 'status' | 'quantity' | 'undelivered_slots'>): number {
  return status === 'cancelled' || status === 'refunded' ? 0 : quantity - short;
}

/** Converts a row to a participation. */
export function participationOf(row: ParticipationWithMoney): Participation {
  return {
    id: row.participation_id,
    campaign_id: row.campaign_id,
    user_id: row.user_id,
    quantity: row.quantity,
    delivered_quantity: deliveredQuantityOf(row),
    status: toApiParticipationStatus(row.status),
    shipping_address: row.shipping_address,
    note: row.note,
    joined_at: row.joined_at,
    updated_at: row.updated_at,
    hold_expires_at: row.hold_expires_at,
    confirmed_at: row.confirmed_at,
    cancelled_at: row.cancelled_at,
    refunded_at: row.refunded_at,
    fulfilled_at: row.fulfilled_at,
    cancel_reason: row.cancel_reason,
    payment_state: row.payment_state,
    amount_due: row.amount_due,
    pay_by: row.pay_by,
    paid_amount: row.paid_amount,
    refund_due_amount: row.refund_due_amount,
    refunded_amount: row.refunded_amount,
  };
}

/** Converts a row to a participation with the data of its campaign that the buyer may see. */
export function ownParticipationOf(row: OwnRow) {
  return {
    ...participationOf(row),
    campaign_title: row.title,
    campaign_status: toApiStatus(row.campaign_status),
    brand_name: row.brand_name,
  };
}

/** Where the record of a new order is in the public log of its campaign (docs/public-log.md). */
export interface JoinLog {
  /** The index of the leaf in the tree. */
  readonly index: number;
  /** The hash of the leaf, in base64. */
  readonly leaf_hash: string;
  /** The salt of the commitment, in base64; null after the account of the buyer was deleted. */
  readonly salt: string | null;
}

/** The answer to a join: fields of the new participation, and its record in the public log. */
export type JoinResult = { readonly log: JoinLog } & Pick<
  Participation,
  | 'id'
  | 'campaign_id'
  | 'user_id'
  | 'quantity'
  | 'status'
  | 'shipping_address'
  | 'note'
  | 'joined_at'
  | 'updated_at'
>;

/**
 * Returns the answer to an accepted join. A repeated request gets the same answer as the first
 * request: the request has equal fields, and the answer always shows the participation as reserved.
 */
export function joinResultOf(request: JoinRequest, joined: Joined): JoinResult {
  return {
    id: joined.participationId,
    campaign_id: request.campaignId,
    user_id: request.userId,
    quantity: request.quantity,
    status: 'reserved',
    shipping_address: request.shippingAddress,
    note: request.note,
    joined_at: joined.joinedAt,
    updated_at: joined.joinedAt,
    log: {
      index: joined.log.index,
      leaf_hash: joined.log.leafHash.toString('base64'),
      salt: joined.log.salt?.toString('base64') ?? null,
    },
  };
}
