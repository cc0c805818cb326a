import { query } from '../../database/query.ts';
import { isNotRetained } from '../refunds/queries.ts';

export interface CallRow {
  readonly campaign_id: string;
  readonly reference: string;
  readonly transaction_id: string;
  readonly participation_id: string;
  readonly kind: 'payment' | 'refund' | 'payout' | 'adjustment';
  readonly provider: string;
  readonly order_reference: string;
  readonly amount: bigint;
  readonly status: string;
  readonly redirect_url: string | null;
  /** The end of the time to pay; null for a refund. */
  readonly payable_until: Date | null;
  readonly created_at: Date;
  readonly is_over: boolean;
}

const columns = `campaign_id, reference, transaction_id, participation_id, kind, provider,
    order_reference, amount, status, redirect_url, payable_until, created_at,
    expires_at < clock_timestamp() as is_over`;

/** The lease while a call runs, so that no other process queries the call's status meanwhile. */
const lease = "interval '30 seconds'";

/**
 * Stores a call before it is made. `minutes` is the time in which the buyer must start and pay the
 * order. Its final status is known at most one hour later.
 */
export const insertCall = query<
  [
    campaignId: string,
    reference: string,
    transactionId: string,
    participationId: string,
    kind: 'payment' | 'refund',
    provider: string,
    orderReference: string,
    amount: bigint,
    minutes: number,
  ],
  CallRow
>(
  'insert_gateway_call',
  `insert into sambatan.gateway_calls (campaign_id, reference, transaction_id, participation_id,
    kind, provider, order_reference, amount, next_check_at, expires_at, created_at, payable_until)
  select $1, $2, $3, $4, $5::sambatan.transaction_kind, $6, $7, $8, now + ${lease},
    now + ($9::integer + 60) * interval '1 minute', now,
    case when $5 = 'payment' then now + $9::integer * interval '1 minute' end
  from (select clock_timestamp() as now) clock
  on conflict do nothing
  returning ${columns}`,
);

/**
 * Query for the number of whole minutes from now in which a payment is still in time; at most one
 * day.
 */
export const minutesToPay = query<[payBy: Date | null], { readonly minutes: number }>(
  'gateway_minutes_to_pay',
  `select least(1440, greatest(0, coalesce(
    floor(extract(epoch from $1::timestamptz - clock_timestamp()) / 60), 1440)))::integer as minutes`,
);

export const findCall = query<[reference: string], CallRow>(
  'find_gateway_call',
  `select ${columns} from sambatan.gateway_calls where reference = $1`,
);

export const lockCall = query<[reference: string], CallRow>(
  'lock_gateway_call',
  `select ${columns} from sambatan.gateway_calls where reference = $1 for update`,
);

/** Query for refunds of an order that were requested from the provider and are not confirmed. */
export const refundsNotMade = query<[campaignId: string, orderReference: string], CallRow>(
  'refunds_not_made',
  `select ${columns} from sambatan.gateway_calls
  where campaign_id = $1 and order_reference = $2 and kind = 'refund' and status <> 'made'
  order by created_at`,
);

/** Query for the current order of a payment at the provider. */
export const findLiveCall = query<[campaignId: string, transactionId: string], CallRow>(
  'find_live_gateway_call',
  `select ${columns} from sambatan.gateway_calls
  where campaign_id = $1 and transaction_id = $2 and status in ('unknown', 'open')
  order by created_at desc limit 1`,
);

/**
 * Marks a call as open and stores its page. Returns no row if the result of the call is already
 * known.
 */
export const openCall = query<[reference: string, redirectUrl: string], CallRow>(
  'open_gateway_call',
  `update sambatan.gateway_calls set status = 'open', redirect_url = $2
  where reference = $1 and status = 'unknown'
  returning ${columns}`,
);

export const closeCall = query<[reference: string, status: 'made' | 'not_made'], CallRow>(
  'close_gateway_call',
  `update sambatan.gateway_calls set status = $2, next_check_at = null
  where reference = $1
  returning ${columns}`,
);

/** Schedules a lifecycle run of the campaign, because its outcome may depend on this order. */
export const lookAgain = query<[campaignId: string], never>(
  'schedule_run',
  'select sambatan.schedule_run($1, clock_timestamp())',
  { writes: true },
);

/**
 * Makes the next status query of a call due now. Used if the status could not be queried when a
 * notification arrived.
 */
export const hastenCall = query<[reference: string], { readonly reference: string }>(
  'expedite_gateway_call',
  `update sambatan.gateway_calls set next_check_at = clock_timestamp(), attempts = 0
  where reference = $1 and next_check_at is not null
  returning reference`,
);

/**
 * Takes leases on calls whose status must be queried, longest overdue first. Each lease of a call
 * is longer than the one before, from 30 seconds up to 15 minutes, so its status is queried less
 * and less often.
 */
export const claimCalls = query<[provider: string, limit: number], CallRow>(
  'claim_gateway_calls',
  `update sambatan.gateway_calls set attempts = attempts + 1,
    next_check_at = clock_timestamp()
      + least(${lease} * power(2, least(attempts, 5)), interval '15 minutes')
  where (campaign_id, reference) in (
    select campaign_id, reference from sambatan.gateway_calls
    where next_check_at <= clock_timestamp() and provider = $1
    order by next_check_at limit $2
    for update skip locked)
  returning ${columns}`,
);

export interface RefundToSendRow {
  readonly campaign_id: string;
  readonly transaction_id: string;
  readonly participation_id: string;
  readonly amount: bigint;
  readonly order_reference: string;
}

/**
 * Query for due refunds of online payments, oldest first. Leaves failed refunds to operators: many
 * payment methods do not support refunds.
 */
export const listRefundsToSend = query<[provider: string, limit: number], RefundToSendRow>(
  'list_refunds_to_send',
  `select t.campaign_id, t.transaction_id, t.participation_id, t.amount, o.order_reference
  from sambatan.transactions t
  cross join lateral (select sambatan.refund_order(t, $1) as order_reference) o
  where t.kind = 'refund' and t.status = 'due' and t.attempts = 0
    and o.order_reference is not null and ${isNotRetained('t')}
  order by t.created_at, t.transaction_id limit $2`,
);
