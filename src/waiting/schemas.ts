import Type from 'typebox';
import { choice, closed, Id, nullable, Timestamp } from '../http/schemas.ts';
import { waitingStatuses } from './status.ts';

const listedFields = {
  id: Id,
  campaign_id: Id,
  user_id: Id,
  quantity: Type.Integer(),
  status: choice(waitingStatuses),
  overtaken: Type.Integer({
    description: 'Offers made to later entries that asked for fewer slots',
  }),
  paid_at: nullable(
    Type.Unsafe<Date>({
      ...Timestamp,
      description:
        'When its kept money was paid. Paid entries are ahead of all others, in order of this time',
    }),
  ),
  created_at: Timestamp,
  updated_at: Timestamp,
  offered_at: nullable(Timestamp),
  offer_expires_at: nullable(Timestamp),
  accepted_at: nullable(Timestamp),
  declined_at: nullable(Timestamp),
  lapsed_at: nullable(Timestamp),
  withdrawn_at: nullable(Timestamp),
  closed_at: nullable(Timestamp),
  participation_id: nullable(Id),
};

export const ListedEntrySchema = closed(listedFields, { title: 'ListedWaitingEntry' });

export const WaitingEntrySchema = closed(
  {
    ...listedFields,
    shipping_address: Type.String(),
    note: nullable(Type.String()),
    order_id: nullable(
      Type.Unsafe<string>({
        ...Id,
        description:
          'For an offer after success: paying accepts it, see /participations/{order_id}/payment',
      }),
    ),
    refund_id: nullable(
      Type.Unsafe<string>({
        ...Id,
        description: 'The refund whose money is kept; due again when the entry ends without slots',
      }),
    ),
    kept_amount: nullable(Type.Integer({ description: 'Kept money in whole rupiah' })),
    position: nullable(Type.Integer({ description: '1 for the first entry' })),
    slots_ahead: Type.Integer({ description: 'Slots that the entries ahead ask for' }),
  },
  { title: 'WaitingEntry' },
);
