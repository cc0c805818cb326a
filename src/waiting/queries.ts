import { query } from '../database/query.ts';
import type { WaitingStatus } from './status.ts';

export interface WaitingRow {
  readonly campaign_id: string;
  readonly entry_id: string;
  readonly user_id: string;
  readonly position: bigint;
  readonly quantity: number;
  readonly status: WaitingStatus;
  readonly overtaken: number;
  readonly offer_expires_at: Date | null;
  readonly participation_id: string | null;
  /**
   * For an offer that is made after the campaign has succeeded: the id of the order to pay. The
   * participation gets the same id when the offer is paid.
   */
  readonly order_id: string | null;
  /** The refund whose money is kept as payment; null for an ordinary entry. */
  readonly refund_id: string | null;
  /** When the kept money was paid; null for an ordinary entry. */
  readonly paid_at: Date | null;
  /** The kept money in whole rupiah; null for an ordinary entry. */
  readonly kept_amount: bigint | null;
  readonly shipping_address: string;
  readonly note: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly offered_at: Date | null;
  readonly accepted_at: Date | null;
  readonly declined_at: Date | null;
  readonly lapsed_at: Date | null;
  readonly withdrawn_at: Date | null;
  readonly closed_at: Date | null;
}

/**
 * The number of entries that are ahead of an entry, and the number of slots that they want. Both
 * are 0 when the entry does not wait any more.
 */
export interface AheadRow {
  readonly entries_ahead: number;
  readonly slots_ahead: bigint;
}

const columns = `e.campaign_id, e.entry_id, e.user_id, e.position, e.quantity, e.status, e.overtaken,
    e.participation_id, e.order_id, e.refund_id, e.paid_at, e.kept_amount, e.shipping_address,
    e.note, e.created_at, e.updated_at, e.offered_at, e.accepted_at, e.declined_at, e.lapsed_at, e.withdrawn_at, e.closed_at`;

/**
 * SQL that selects entries with the end of their offers. An offer that is accepted by joining ends
 * at the latest at the campaign's deadline.
 */
const withOfferEnd = (relation: string) => `select ${columns},
    case when e.order_id is not null then e.offer_expires_at
      when e.offer_expires_at is not null then least(e.offer_expires_at, c.deadline) end
      as offer_expires_at
  from (${relation}) e
  join sambatan.campaigns c on c.campaign_id = e.campaign_id`;

/**
 * SQL that selects entries, each with the numbers of entries and slots ahead of it. Entries with
 * kept money and ordinary entries are counted in two separate parts, so that each part can use a
 * suitable index.
 */
const withAhead = (relation: string) => `select p.*, a.* from (${withOfferEnd(relation)}) p
  cross join lateral (
    select count(*)::integer as entries_ahead, coalesce(sum(w.quantity), 0) as slots_ahead
    from (
      select o.quantity from sambatan.waiting_entries o
      where p.status = 'waiting' and p.paid_at is null and o.campaign_id = p.campaign_id
        and o.status = 'waiting' and o.position < p.position and o.paid_at is null
      union all
      select k.quantity from sambatan.waiting_entries k
      where p.status = 'waiting' and k.campaign_id = p.campaign_id and k.status = 'waiting'
        and (k.paid_at, k.position) < (coalesce(p.paid_at, 'infinity'), p.position)) w) a`;

/** Query that finds an entry by its id, without the id of the campaign. */
export const findWaitingEntry = query<[entryId: string], WaitingRow & AheadRow>(
  'find_waiting_entry',
  withAhead('select * from sambatan.waiting_entries where entry_id = $1'),
);

/** Query for the newest entry of a user in a campaign's waiting list. */
export const findOwnWaitingEntry = query<
  [campaignId: string, userId: string],
  WaitingRow & AheadRow
>(
  'find_own_waiting_entry',
  withAhead(`select * from sambatan.waiting_entries
    where campaign_id = $1 and user_id = $2 order by position desc limit 1`),
);

/**
 * Query for a page of a campaign's waiting list, in order of arrival: the entries with one status,
 * or all entries.
 */
export const listWaiting = query<
  [campaignId: string, status: WaitingStatus | null, after: bigint, limit: number],
  WaitingRow
>(
  'list_waiting',
  `${withOfferEnd(`select * from sambatan.waiting_entries
    where campaign_id = $1 and ($2::sambatan.waiting_status is null or status = $2)
      and position > $3 order by position limit $4`)} order by e.position`,
);

interface MovedRow {
  readonly entry_id: string;
}

export const waitForSlots = query<
  [
    campaignId: string,
    entryId: string,
    userId: string,
    quantity: number,
    shippingAddress: string,
    note: string | null,
    key: string | null,
    requestHash: Buffer | null,
    actor: string,
  ],
  MovedRow
>(
  'wait_for_slots',
  'select entry_id from sambatan.wait_for_slots($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  { changes: 1 },
);

export const acceptOffer = query<
  [campaignId: string, entryId: string, participationId: string, actor: string],
  MovedRow
>('accept_offer', 'select entry_id from sambatan.accept_offer($1, $2, $3, $4)', { changes: 1 });

export const leaveWaiting = query<
  [
    campaignId: string,
    entryId: string,
    event: 'waiting_declined' | 'waiting_withdrawn',
    actor: string,
  ],
  MovedRow
>(
  'withdraw_waiting_entry',
  'select entry_id from sambatan.withdraw_waiting_entry($1, $2, $3, $4)',
  { changes: 1 },
);

/** A waiting-list entry with the title of its campaign, for the buyer. */
export type OwnWaitingRow = WaitingRow & AheadRow & { readonly title: string };

/** Query for a buyer's entries that are waiting or have an offer, newest first. */
export const openEntriesOf = query<
  [userId: string, limit: number],
  WaitingRow & AheadRow & { readonly title: string }
>(
  'open_entries_of',
  `select o.*, c.title from (${withAhead(`select * from sambatan.waiting_entries
    where user_id = $1 and status in ('waiting', 'offered') order by position desc limit $2`)}) o
  join sambatan.campaigns c on c.campaign_id = o.campaign_id
  order by o.created_at desc`,
);

/** Query for the user to whom a refund is paid. */
export const findRefundOwner = query<
  [refundId: string],
  { readonly campaign_id: string; readonly user_id: string; readonly brand_id: string }
>(
  'find_refund_owner',
  `select t.campaign_id, o.user_id, c.brand_id from sambatan.transactions t
  join sambatan.orders o on o.campaign_id = t.campaign_id
    and o.participation_id = t.participation_id
  join sambatan.campaigns c on c.campaign_id = t.campaign_id
  where t.transaction_id = $1 and t.kind = 'refund'`,
);

export const waitWithKeptMoney = query<
  [campaignId: string, refundId: string, entryId: string, actor: string],
  MovedRow
>(
  'wait_with_retained_refund',
  'select sambatan.wait_with_retained_refund($1, $2, $3, $4) as entry_id',
  {
    changes: 1,
  },
);
