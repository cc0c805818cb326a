import { query } from '../../database/query.ts';
import { isAfterCursor, positionColumn } from '../entries/cursor.ts';
import { entriesOf, joinOrder } from '../entries/join-after.ts';

/** An overpaid refund: a refund reached the buyer twice, and the buyer must return one of them. */
export interface OverpaidRefundRow {
  readonly campaign_id: string;
  readonly transaction_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly status: 'due' | 'settled' | 'void';
  readonly amount: bigint;
  /** Why the overpaid refund was written off. */
  readonly reason: string | null;
  /** Reference of the transfer with which the buyer returned the money. */
  readonly reference: string | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
  readonly position: bigint;
}

const overpaidRefund = (user: string, from: string) => `select t.campaign_id, t.transaction_id,
    t.participation_id, ${user} as user_id, t.status, t.amount, t.reason, t.reference, t.created_at,
    t.settled_at, ${positionColumn('t.created_at')}
  from ${from}`;
const changedBy = (call: string) => overpaidRefund('t.user_id', entriesOf(call));

/** Query for a page of open overpaid refunds, the oldest first. */
export const listOverpaidRefunds = query<
  [after: number | null, afterId: string | null, limit: number],
  OverpaidRefundRow
>(
  'list_overpaid_refunds',
  `${overpaidRefund('p.user_id', `sambatan.transactions t ${joinOrder}`)}
  where t.kind = 'adjustment' and t.status = 'due'
    and ${isAfterCursor('t.created_at', 't.transaction_id', ['$1', '$2'])}
  order by t.created_at, t.transaction_id limit $3`,
);

export const settleOverpaidRefund = query<
  [transactionId: string, reference: string, actor: string],
  OverpaidRefundRow
>('settle_overpaid_refund', changedBy('sambatan.settle_overpaid_refund($1, $2, $3)'), {
  changes: 'rows',
});

export const writeOffOverpaidRefund = query<
  [transactionId: string, reason: string, actor: string],
  OverpaidRefundRow
>('write_off_overpaid_refund', changedBy('sambatan.write_off_overpaid_refund($1, $2, $3)'), {
  changes: 'rows',
});

/**
 * Records a refund that a provider made. `is_duplicate` is true if an operator had also made it.
 */
export const refundByProvider = query<
  [transactionId: string, provider: string, reference: string, actor: string],
  { readonly is_duplicate: boolean }
>('refund_by_provider', 'select sambatan.refund_by_provider($1, $2, $3, $4) as is_duplicate', {
  writes: true,
});
