import Type from 'typebox';
import { spreadsheetType } from '../../exports/spreadsheet.ts';
import { csvType, fileHeaders } from '../../http/download-headers.ts';
import { Id, Rupiah, Timestamp, choice, closed, nullable } from '../../http/schemas.ts';
import { accountIn } from '../bank-accounts/schemas.ts';
import { entryFields } from '../entries/schemas.ts';
import type { OwnRefundRow, RefundRow } from './queries.ts';

/** Response headers for the export of due refunds, by file format. */
export const refundsFileHeaders = {
  csv: fileHeaders({ name: 'pengembalian.csv', type: csvType }),
  xlsx: fileHeaders({ name: 'pengembalian.xlsx', type: spreadsheetType }),
};

export const RefundSchema = closed(
  {
    ...entryFields,
    participation_id: Id,
    user_id: Id,
    attempts: Type.Integer({ description: 'Number of failures and returns' }),
  },
  { title: 'Refund' },
);

export const BuyerRefundSchema = closed(
  {
    id: Id,
    status: choice(['due', 'pending', 'settled']),
    amount: Rupiah,
    attempts: Type.Integer({ description: 'Number of failures and returns' }),
    reference: nullable(Type.String()),
    created_at: Timestamp,
    settled_at: nullable(Timestamp),
    may_wait: Type.Boolean({
      description: 'The buyer may choose the head of the waiting list instead',
    }),
    kept_for: nullable(
      Type.Unsafe<string>({
        ...Id,
        description: 'The waiting-list entry that the money is kept for',
      }),
    ),
  },
  { title: 'BuyerRefund' },
);

export function refundOf(row: RefundRow) {
  const { transaction_id: id, bank, number, holder, position: _, ...rest } = row;
  return { id, ...rest, account: accountIn({ bank, number, holder }) };
}

export function buyerRefundOf({ transaction_id: id, status, ...rest }: OwnRefundRow) {
  // The query returns no other status.
  return { id, status: status as 'due' | 'pending' | 'settled', ...rest };
}
