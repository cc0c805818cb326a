import { query } from '../../database/query.ts';
import { isAfterCursor, positionColumn } from '../entries/cursor.ts';
import { entriesOf, joinOrder } from '../entries/join-after.ts';
import type { LedgerEntryStatus } from '../entries/entry.ts';

export interface RefundRow {
  readonly campaign_id: string;
  readonly transaction_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly status: LedgerEntryStatus;
  readonly amount: bigint;
  readonly attempts: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly created_at: Date;
  readonly settled_at: Date | null;
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
  readonly position: bigint;
}

const refund = (user: string, from: string) => `select t.campaign_id, t.transaction_id,
    t.participation_id, ${user} as user_id, t.status, t.amount, t.attempts, t.reason,
    t.reference, t.created_at, t.settled_at, a.bank, a.number, a.holder, ${positionColumn('t.created_at')}
  from ${from}
  left join sambatan.refund_accounts a on a.user_id = ${user}`;
const stored = refund('p.user_id', `sambatan.transactions t ${joinOrder}`);
const changedBy = (call: string) => refund('t.user_id', entriesOf(call));

/**
 * Returns the SQL condition that the refund `t` is not retained for the waiting list, so that it
 * may be sent.
 */
export const isNotRetained = (t: string) =>
  `(${t}.paid_in_time is null or not sambatan.is_retained(${t}.campaign_id, ${t}.transaction_id))`;

/**
 * Returns the SQL condition that an operator has to send the due refund `t`. It is always true if
 * there is no provider.
 */
export const leftToPeople = (provider: `$${number}`) =>
  `(${provider}::text is null or t.attempts > 0
    or sambatan.refund_order(t, ${provider}) is null)`;

/**
 * Query for a page of refunds that operators have to send, the oldest first: all of them, or only
 * the failed ones. Excludes refunds that the provider sends.
 */
export const listRefunds = query<
  [
    failedOnly: boolean,
    after: number | null,
    afterId: string | null,
    limit: number,
    provider: string | null,
  ],
  RefundRow
>(
  'list_refunds',
  `${stored}
  where t.kind = 'refund' and t.status = 'due' and (not $1 or t.attempts > 0)
    and ${isNotRetained('t')} and ${leftToPeople('$5')}
    and ${isAfterCursor('t.created_at', 't.transaction_id', ['$2', '$3'])}
  order by t.created_at, t.transaction_id limit $4`,
);

/** Query for a page of refunds that are retained for the waiting list, the oldest first. */
export const listRetainedRefunds = query<
  [after: number | null, afterId: string | null, limit: number],
  RefundRow
>(
  'list_retained_refunds',
  `${stored}
  join sambatan.waiting_entries w on w.campaign_id = t.campaign_id
    and w.refund_id = t.transaction_id and w.status = 'waiting'
  where t.kind = 'refund' and t.status = 'due' and t.paid_in_time is not null
    and ${isAfterCursor('t.created_at', 't.transaction_id', ['$1', '$2'])}
  order by t.created_at, t.transaction_id limit $3`,
);

export const settleRefunds = query<
  [transactionIds: string[], reference: string, actor: string],
  RefundRow
>('settle_refunds', changedBy("sambatan.settle_ledger_entries($1, 'refund', $2, $3)"), {
  changes: 'rows',
});

export const findRefund = query<[campaignId: string, transactionId: string], RefundRow>(
  'find_refund',
  `${stored} where t.campaign_id = $1 and t.transaction_id = $2`,
);

export const failRefund = query<[transactionId: string, reason: string, actor: string], RefundRow>(
  'fail_refund',
  changedBy('sambatan.fail_refund($1, $2, $3)'),
  { changes: 'rows' },
);

/** Reverses a settled refund. Returns the new due refund. */
export const reverseRefund = query<
  [transactionId: string, reason: string, actor: string],
  RefundRow
>('reverse_refund', changedBy("sambatan.reverse_ledger_entry($1, 'refund', $2, $3)"), {
  changes: 'rows',
});

/** The fields of a refund that the buyer sees. */
export type OwnRefundRow = Pick<
  RefundRow,
  'transaction_id' | 'status' | 'amount' | 'attempts' | 'reference' | 'created_at' | 'settled_at'
> & {
  /** Whether the buyer may choose the front of the waiting list instead of the refund. */
  readonly may_wait: boolean;
  /** The waiting-list entry for which the money is retained. */
  readonly kept_for: string | null;
};

/** Query for the due and settled refunds of one participation, the newest first. */
export const refundsOfParticipation = query<
  [campaignId: string, participationId: string],
  OwnRefundRow
>(
  'refunds_of_participation',
  `select t.transaction_id, t.status, t.amount, t.attempts, t.reference, t.created_at,
    t.settled_at, w.entry_id as kept_for,
    case when t.paid_in_time is null or w.entry_id is not null then false
      else sambatan.why_no_choice(t.campaign_id, t.transaction_id) is null end as may_wait
  from sambatan.transactions t
  left join sambatan.waiting_entries w on w.campaign_id = t.campaign_id
    and w.refund_id = t.transaction_id and w.status = 'waiting'
  where t.campaign_id = $1 and t.participation_id = $2 and t.kind = 'refund'
    and t.status in ('due', 'pending', 'settled')
  order by t.created_at desc, t.transaction_id desc`,
);
