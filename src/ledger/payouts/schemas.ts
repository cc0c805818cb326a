import Type from 'typebox';
import { Id, Timestamp, closed, nullable } from '../../http/schemas.ts';
import { accountIn } from '../bank-accounts/schemas.ts';
import { entryFields } from '../entries/schemas.ts';
import type { PayoutRow } from './queries.ts';

export const PayoutSchema = closed(
  {
    ...entryFields,
    brand_id: Id,
    title: Type.String(),
    released_at: nullable(Timestamp),
    is_disputed: Type.Boolean(),
  },
  { title: 'Payout' },
);

export function payoutOf(row: PayoutRow) {
  const { transaction_id: id, bank, number, holder, position: _, ...rest } = row;
  return { id, ...rest, account: accountIn({ bank, number, holder }) };
}
