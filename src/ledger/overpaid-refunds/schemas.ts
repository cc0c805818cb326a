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
    reason: nullable(Type.String({ description: 'Why it was given up' })),
    reference: nullable(Type.String({ description: 'Of the transfer by which it came back' })),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
  },
  {
    title: 'Claim',
    description: 'What a buyer is to send back, because a refund reached them twice',
  },
);

export function overpaidRefundOf(row: OverpaidRefundRow) {
  const { transaction_id: id, position: _, ...rest } = row;
  return { id, ...rest };
}
