import Type from 'typebox';
import { Id, Rupiah, Timestamp, choice, closed, nullable } from '../../http/schemas.ts';
import type { OverpaidRefundRow } from './queries.ts';

export const OverpaidRefundSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    user_id: Id,
    status: choice(['due', 'settled', 'void']),
    amount: Rupiah,
    reason: nullable(Type.String({ description: 'The reason of the write-off' })),
    reference: nullable(Type.String({ description: 'Reference of the transfer that returned it' })),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
  },
  {
    title: 'Claim',
    description: 'Money that a buyer must return because of a duplicate refund',
  },
);

export function overpaidRefundOf(row: OverpaidRefundRow) {
  const { transaction_id: id, position: _, ...rest } = row;
  return { id, ...rest };
}
