import Type from 'typebox';
import { Id, Timestamp, choice, closed, nullable } from '../../http/schemas.ts';
import type { DisputeRow } from './queries.ts';

export const DisputeSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    participation_id: Id,
    reason: Type.String(),
    opened_at: Timestamp,
    resolution: nullable(choice(['upheld', 'dismissed'])),
    explanation: nullable(Type.String()),
    resolved_at: nullable(Timestamp),
    pictures: Type.Integer({
      minimum: 0,
      maximum: 3,
      description: 'Number of pictures; they are numbered from 1',
    }),
  },
  { title: 'Dispute' },
);

export function disputeOf(row: DisputeRow) {
  const { dispute_id: id, position: _, ...rest } = row;
  return { id, ...rest };
}
