import type { Joined, JoinRequest } from './join.ts';
import type { ParticipationRow } from './queries.ts';
import { spokenParticipationStatus, type ParticipationStatus } from './status.ts';

/** A participation as its owner, the campaign's seller, operators and the service may see it. */
export interface Participation {
  readonly id: string;
  readonly campaign_id: string;
  readonly user_id: string;
  readonly quantity: number;
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

/** The participation that a row tells of. */
export function participationOf(row: ParticipationRow): Participation {
  return {
    id: row.participation_id,
    campaign_id: row.campaign_id,
    user_id: row.user_id,
    quantity: row.quantity,
    status: spokenParticipationStatus(row.status),
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
  };
}

/** What a join answers: the participation as it was made. */
export type JoinResult = Pick<
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
 * The answer to a join that was taken. A replayed one is the first answer again: the key stands for
 * the same body, and what was made then was reserved.
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
  };
}
