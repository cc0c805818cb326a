import { query } from '../../database/query.ts';
import { deliveredQuantity } from '../payments/payment-state.ts';

/** The data of a participation that operators see next to amounts. */
export interface ParticipationSummaryRow {
  readonly participation_id: string;
  readonly campaign_id: string;
  readonly title: string;
  /** The number of delivered slots, or of ordered slots if none is delivered. */
  readonly quantity: number;
  readonly display_name: string | null;
  readonly email: string | null;
  /** Media type of the proof of payment; null without one. */
  readonly proof_type: string | null;
  readonly proof_at: Date | null;
}

export const describeParticipations = query<[participationIds: string[]], ParticipationSummaryRow>(
  'describe_participations',
  `select p.participation_id, p.campaign_id, c.title, f.display_name, f.email,
    coalesce(nullif(${deliveredQuantity('p')}, 0), p.quantity) as quantity,
    o.content_type as proof_type, o.uploaded_at as proof_at
  from sambatan.participants p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  left join sambatan.profiles f on f.user_id = p.user_id
  left join sambatan.payment_proofs o on o.campaign_id = p.campaign_id
    and o.participation_id = p.participation_id
  where p.participation_id = any ($1)`,
);

/** A settled refund or payout. */
export interface SettledRow {
  readonly transaction_id: string;
  readonly campaign_id: string;
  readonly title: string;
  readonly participation_id: string | null;
  readonly amount: bigint;
  readonly reference: string | null;
  readonly settled_at: Date;
}

/** Query for the latest settled refunds or payouts, the newest first. */
export const listSettled = query<[kind: 'refund' | 'payout', limit: number], SettledRow>(
  'list_made',
  `select t.transaction_id, t.campaign_id, c.title, t.participation_id, t.amount, t.reference,
    t.settled_at
  from sambatan.transactions t
  join sambatan.campaigns c on c.campaign_id = t.campaign_id
  where t.kind = $1::sambatan.transaction_kind and t.status = 'settled'
    and t.kind in ('refund', 'payout')
  order by t.settled_at desc, t.transaction_id limit $2`,
);
