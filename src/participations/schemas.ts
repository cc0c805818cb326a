import { participationStatuses } from '../database/status-words.ts';
import { campaignStatuses } from '../database/status-words.ts';
import { paymentStates } from '../ledger/payments/payment-state.ts';
import Type from 'typebox';
import { choice, closed, Id, nullable, Rupiah, text, Timestamp } from '../http/schemas.ts';

/** The fields of a join that the buyer fills in, in the API and in forms. */
export const JoinFields = {
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  shipping_address: text(10, 240),
  note: Type.Optional(nullable(text(0, 160))),
};

const joinFields = {
  id: Id,
  campaign_id: Id,
  user_id: Id,
  quantity: Type.Integer(),
  status: choice(participationStatuses),
  shipping_address: Type.String(),
  note: nullable(Type.String()),
  joined_at: Timestamp,
  updated_at: Timestamp,
};
export const JoinResultSchema = closed(
  {
    ...joinFields,
    log: closed(
      {
        index: Type.Integer({ description: 'Number of the leaf in the tree, from 0' }),
        leaf_hash: Type.String({ description: 'Hash of the leaf, base64' }),
        salt: nullable(
          Type.String({ description: 'Salt of the commitment, base64; keep it with the order' }),
        ),
      },
      {
        description:
          'The record of the order in the public log. GET /participations/{id}/receipt proves it as soon as a checkpoint covers it.',
      },
    ),
  },
  { title: 'JoinResult' },
);

export const ParticipationSchema = closed(
  {
    ...joinFields,
    delivered_quantity: Type.Integer({
      description:
        'Slots that the buyer gets: less than `quantity` after a shortfall, 0 once the participation is cancelled or refunded',
    }),
    payment_state: choice(paymentStates),
    amount_due: {
      ...Rupiah,
      description:
        'Whole rupiah to transfer now; includes the unique code once GET …/payment has assigned one',
    },
    pay_by: nullable(Timestamp),
    paid_amount: { ...Rupiah, description: 'Whole rupiah received for it' },
    refund_due_amount: { ...Rupiah, description: 'Whole rupiah still to refund' },
    refunded_amount: { ...Rupiah, description: 'Whole rupiah refunded' },
    hold_expires_at: nullable(Timestamp),
    confirmed_at: nullable(Timestamp),
    cancelled_at: nullable(Timestamp),
    refunded_at: nullable(Timestamp),
    fulfilled_at: nullable(Timestamp),
    cancel_reason: nullable(choice(['buyer', 'hold_lapsed', 'operator', 'unpaid'])),
  },
  { title: 'Participation' },
);

export const OwnParticipationSchema = closed(
  {
    ...ParticipationSchema.properties,
    campaign_title: Type.String(),
    campaign_status: choice(campaignStatuses),
    brand_name: Type.String(),
  },
  { title: 'OwnParticipation' },
);

export const ProgressSchema = closed(
  {
    campaign_id: Id,
    status: choice(campaignStatuses),
    total_slots: Type.Integer(),
    filled_slots: Type.Integer(),
    available_slots: Type.Integer(),
    progress: Type.Number({ description: 'Percent, two decimals' }),
    participant_count: Type.Integer(),
    total_contribution: Rupiah,
  },
  { title: 'Progress' },
);
