import { query } from '../database/query.ts';
import type { ParticipationRow } from './queries.ts';
import type { StoredParticipationStatus } from './status.ts';

export interface RosterRow {
  readonly participation_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly status: StoredParticipationStatus;
  readonly joined_at: Date;
  readonly shipping_address: string;
  readonly note: string | null;
  readonly cancel_reason: ParticipationRow['cancel_reason'];
  /** From the buyer's profile. */
  readonly display_name: string | null;
  readonly email: string | null;
}

/**
 * A page of a campaign's participations in order of their ids, in some statuses, with who they are
 * of: what a seller packs by.
 */
export const listRoster = query<
  [campaignId: string, statuses: StoredParticipationStatus[], after: string | null, limit: number],
  RosterRow
>(
  'list_roster',
  `select p.participation_id, p.user_id, p.quantity, p.status, p.joined_at, p.shipping_address,
    p.note, p.cancel_reason, n.display_name, n.email
  from (
    select * from sambatan.participants
    where campaign_id = $1 and status = any ($2::sambatan.participant_status[])
      and participation_id > coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)
    order by participation_id limit $4) p
  left join sambatan.profiles n on n.user_id = p.user_id
  order by p.participation_id`,
);

export interface RefundRow {
  readonly participation_id: string;
  readonly user_id: string;
  readonly quantity: number;
  /** Whole rupiah that were paid and would go back. */
  readonly amount: bigint;
  readonly display_name: string | null;
}

/**
 * Payments that have arrived for confirmed participations: what a cancellation gives back, the
 * unique code with it. One look into an index for each participation, said so that no planner turns
 * it round: with the tables joined, and ten thousand rows that were not analysed yet, each payment
 * was compared with each participation, and the page took longer than 15 s.
 */
const paid = (start: string) => `(
    select participation_id, user_id, quantity from sambatan.participants
    where campaign_id = $1 and status = 'confirmed'${start}
    order by participation_id) p
  cross join lateral (
    select amount + surcharge as amount from sambatan.transactions
    where campaign_id = $1 and cause = 'payment:' || p.participation_id and status = 'settled'
    offset 0) t`;

/** A page of who would be refunded how much if the campaign were called off now. */
export const listExpectedRefunds = query<
  [campaignId: string, after: string | null, limit: number],
  RefundRow
>(
  'list_expected_refunds',
  `select r.*, n.display_name from (
    select p.participation_id, p.user_id, p.quantity, t.amount
    from ${paid(`
      and participation_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)`)}
    order by p.participation_id limit $3) r
  left join sambatan.profiles n on n.user_id = r.user_id
  order by r.participation_id`,
);

/** How many would be refunded, and how much in all. */
export const sumExpectedRefunds = query<
  [campaignId: string],
  { readonly refunds: bigint; readonly amount: bigint }
>(
  'sum_expected_refunds',
  `select count(*) as refunds, coalesce(sum(t.amount), 0)::bigint as amount from ${paid('')}`,
);
