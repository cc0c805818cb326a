import type { StoredParticipationStatus } from '../database/status-words.ts';
import { query } from '../database/query.ts';
import {
  deliveredQuantity,
  ledgerOf,
  moneyColumns,
  paymentState,
  type PaymentState,
} from '../ledger/payments/payment-state.ts';
import type { ParticipationWithMoney } from './queries.ts';

/** A participation with the buyer's name and e-mail address, for packing and selling. */
export type ParticipantRow = ParticipationWithMoney & Buyer;

/** The buyer's data from the profile. */
export interface Buyer {
  readonly display_name: string | null;
  readonly email: string | null;
}

/** The filters of a participant list. Null or an empty list means no filter. */
export type ParticipantFilter = readonly [
  campaignId: string,
  statuses: StoredParticipationStatus[],
  states: PaymentState[] | null,
  /** Each word must occur in the name, e-mail address, shipping address, note or id. */
  words: string[] | null,
  /** Digits of a telephone number, without country code and leading 0. */
  digits: string | null,
  /** Only orders to pack: paid, with at least one delivered slot. */
  onlyToPack: boolean,
];

/**
 * SQL for participations `p` that match the filters. An unused filter takes no time: the first
 * operand of its `or` is true, so PostgreSQL does not evaluate the second operand. So a list
 * without filters reads no ledger entry and no profile.
 */
const matching = `sambatan.participants p
    join sambatan.campaigns c on c.campaign_id = p.campaign_id
    where p.campaign_id = $1 and p.status = any ($2::sambatan.participant_status[])
      and ($3::text[] is null or (select ${paymentState('p', 'c', 'm')}
        from (values (1)) s ${ledgerOf('p')}) = any ($3))
      and (not $6::boolean or (p.status = 'confirmed' and ${deliveredQuantity('p')} > 0
        and exists (select 1 from sambatan.transactions t where t.campaign_id = p.campaign_id
          and t.cause = 'payment:' || p.participation_id and t.status = 'settled')))
      and ($4::text[] is null
        or sambatan.search_fold(concat_ws(' ', (select concat_ws(' ', f.display_name, f.email)
            from sambatan.profiles f where f.user_id = p.user_id),
          p.shipping_address, p.note, p.participation_id)) like all ($4)
        or $5::text is not null
          and sambatan.bare_number(p.shipping_address) like '%' || $5 || '%')`;

const columns = `p.campaign_id, p.participation_id, p.user_id, p.quantity, p.undelivered_slots, p.status,
    p.joined_at, p.updated_at, p.hold_expires_at, p.confirmed_at, p.cancelled_at, p.refunded_at,
    p.fulfilled_at, p.cancel_reason, p.shipping_address, p.note, f.display_name, f.email,
    ${moneyColumns('p', 'c', 'm')}`;

/**
 * Query for matching participations after a given id, in the order of ids. It is used by exports
 * and packing lists.
 */
export const listParticipants = query<
  [
    campaignId: string,
    statuses: StoredParticipationStatus[],
    states: PaymentState[] | null,
    words: string[] | null,
    digits: string | null,
    onlyToPack: boolean,
    after: string | null,
    limit: number,
  ],
  ParticipantRow
>(
  'list_participants',
  `select ${columns} from (
    select p.* from ${matching}
      and p.participation_id > coalesce($7, '00000000-0000-0000-0000-000000000000'::uuid)
    order by p.participation_id limit $8) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  left join sambatan.profiles f on f.user_id = p.user_id
  ${ledgerOf('p')}
  order by p.participation_id`,
);

/** The orders in which a participant list can be sorted. */
export const participantSorts = ['joined', 'newest', 'name', 'slots', 'pay_by'] as const;
export type ParticipantSort = (typeof participantSorts)[number];

/** SQL for the numeric sort key. Rows with smaller values come first. */
const sortNumber = `case $7::text
      when 'slots' then - ${deliveredQuantity('p')}
      when 'newest' then - extract(epoch from p.joined_at)
      when 'pay_by' then extract(epoch from coalesce((select min(t.pay_by)
        from sambatan.transactions t where t.campaign_id = p.campaign_id
          and t.cause = 'payment:' || p.participation_id
          and t.status in ('due', 'rejected', 'proof_submitted', 'pending')), p.hold_expires_at))
      end`;

/**
 * Query for one sorted page of matching participations, with the total number of matches, so that a
 * reader can go to any page. It reads all participations of the campaign.
 */
export const pageOfParticipants = query<
  [
    campaignId: string,
    statuses: StoredParticipationStatus[],
    states: PaymentState[] | null,
    words: string[] | null,
    digits: string | null,
    onlyToPack: boolean,
    sort: ParticipantSort,
    offset: number,
    limit: number,
  ],
  ParticipantRow & { readonly total: bigint }
>(
  'page_of_participants',
  `with matching as materialized (
    select p.participation_id, ${sortNumber} as number,
      case when $7 = 'name' then (select sambatan.search_fold(f.display_name)
        from sambatan.profiles f where f.user_id = p.user_id) end as name
    from ${matching}),
  page as (
    select participation_id, row_number() over () as place from (
      select participation_id from matching
      order by name, number, participation_id offset $8 limit $9) sorted)
  select ${columns}, (select count(*) from matching) as total
  from page
  join sambatan.participants p
    on p.campaign_id = $1 and p.participation_id = page.participation_id
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  left join sambatan.profiles f on f.user_id = p.user_id
  ${ledgerOf('p')}
  order by page.place`,
);

/** Query for the number of a campaign's participations in each payment state. */
export const countPaymentStates = query<
  [campaignId: string],
  { readonly payment_state: PaymentState; readonly participations: bigint }
>(
  'count_payment_states',
  `select ${paymentState('p', 'c', 'm')} as payment_state, count(*) as participations
  from sambatan.participants p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  ${ledgerOf('p')}
  where p.campaign_id = $1
  group by 1`,
);

export interface RefundRow {
  readonly participation_id: string;
  readonly user_id: string;
  readonly quantity: number;
  /** The amount in whole rupiah that was paid and would be refunded. */
  readonly amount: bigint;
  readonly display_name: string | null;
}

/**
 * SQL for the settled payments of confirmed participations. Their amounts, including the unique
 * codes, are what a cancellation of the campaign would refund. `offset 0` forces one index lookup
 * per participation. With a plain join over ten thousand rows without statistics, PostgreSQL
 * compared each payment with each participation, and the page took longer than 15 seconds.
 */
const paidParticipations = (start: string) => `(
    select participation_id, user_id, quantity from sambatan.participants
    where campaign_id = $1 and status = 'confirmed'${start}
    order by participation_id) p
  cross join lateral (
    select p.quantity * c.price_per_slot + x.surcharge as amount
    from sambatan.transactions x
    join sambatan.campaigns c on c.campaign_id = x.campaign_id
    where x.campaign_id = $1 and x.cause = 'payment:' || p.participation_id
      and x.status = 'settled'
    offset 0) t`;

/**
 * Query for a page of the refunds that would become due if the campaign were cancelled now, one per
 * order.
 */
export const listExpectedRefunds = query<
  [campaignId: string, after: string | null, limit: number],
  RefundRow
>(
  'list_expected_refunds',
  `select r.*, n.display_name from (
    select p.participation_id, p.user_id, p.quantity, t.amount
    from ${paidParticipations(`
      and participation_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)`)}
    order by p.participation_id limit $3) r
  left join sambatan.profiles n on n.user_id = r.user_id
  order by r.participation_id`,
);

/**
 * Query for the number and sum of all refunds that would become due if the campaign were cancelled
 * now.
 */
export const sumExpectedRefunds = query<
  [campaignId: string],
  { readonly refunds: bigint; readonly amount: bigint }
>(
  'sum_expected_refunds',
  `select count(*) as refunds, coalesce(sum(t.amount), 0)::bigint as amount from ${paidParticipations('')}`,
);
