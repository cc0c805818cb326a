import type { StoredCampaignStatus } from '../database/status-words.ts';
import type { PaymentTiming } from '../campaigns/campaign.ts';
import { query } from '../database/query.ts';

/** Data of a campaign for its notifications. */
export interface CampaignFacts {
  readonly campaign_id: string;
  readonly brand_id: string;
  readonly title: string;
  readonly brand_name: string;
  readonly status: StoredCampaignStatus;
  readonly closing_outcome: StoredCampaignStatus | null;
  /**
   * The reason that was given for cancelling the campaign. It is set as soon as the cancellation
   * starts.
   */
  readonly cancel_reason: string | null;
  readonly payment_timing: PaymentTiming;
  /** Seconds from completion until the payment is due, without the grace period. */
  readonly payment_term_seconds: number;
  readonly price_per_slot: bigint;
  readonly deadline: Date;
  readonly total_slots: number;
  readonly filled_slots: number;
  /** The members of the brand. */
  readonly sellers: string[];
}

/** Query for the data of a campaign. It does not lock the campaign's row. */
export const campaignFacts = query<[campaignId: string], CampaignFacts>(
  'campaign_facts',
  `select c.campaign_id, c.brand_id, c.title, b.name as brand_name, c.status, c.closing_outcome,
    coalesce(c.closing_reason, (select a.metadata ->> 'reason' from sambatan.audit_events a
      where a.campaign_id = c.campaign_id and a.participation_id is null
        and a.event = 'campaign_cancelled' order by a.seq desc limit 1)) as cancel_reason,
    c.payment_timing, c.payment_term_seconds, c.price_per_slot, c.deadline, c.total_slots,
    c.filled_slots,
    array(select user_id from sambatan.brand_members m where m.brand_id = c.brand_id) as sellers
  from sambatan.campaigns c
  join sambatan.brands b on b.brand_id = c.brand_id
  where c.campaign_id = $1`,
);

export interface Person {
  /** The id of the participation or waiting-list entry. */
  readonly id: string;
  readonly user_id: string;
  readonly quantity: number;
  /** The end of a hold or an offer. */
  readonly ends_at: Date | null;
  /** The latest time to pay for the participation; null when it has no payment. */
  readonly pay_by: Date | null;
}

/** Query for the owners of the participations and waiting-list entries with these ids. */
export const peopleOf = query<[campaignId: string, ids: string[]], Person>(
  'people_of',
  `select p.participation_id as id, p.user_id, p.quantity, p.hold_expires_at as ends_at, t.pay_by
  from sambatan.participants p
  left join sambatan.transactions t on t.campaign_id = p.campaign_id
    and t.cause = 'payment:' || p.participation_id
  where p.campaign_id = $1 and p.participation_id = any ($2)
  union all
  select case when e.entry_id = any ($2) then e.entry_id else e.order_id end, e.user_id, e.quantity,
    e.offer_expires_at, null
  from sambatan.waiting_entries e
  where e.campaign_id = $1 and (e.entry_id = any ($2)
    or (e.order_id = any ($2) and e.participation_id is null))`,
);

export interface PersonInOrder {
  readonly participation_id: string;
  readonly user_id: string;
  readonly is_live: boolean;
  readonly is_paid: boolean;
}

/** Query for a page of a campaign's participants, in the order of participation ids. */
export const peopleAfter = query<[campaignId: string, after: string, limit: number], PersonInOrder>(
  'people_after',
  `select participation_id, user_id,
    status in ('pending_payment', 'confirmed', 'fulfilled') as is_live,
    exists (select 1 from sambatan.transactions t where t.campaign_id = $1
      and t.cause = 'payment:' || p.participation_id and t.status = 'settled') as is_paid
  from sambatan.participants p
  where campaign_id = $1 and participation_id > $2 order by participation_id limit $3`,
);

/**
 * Query that stores notifications and adds their e-mails to the outbox, according to the settings
 * of each person. `defaults` applies to a person without settings. Each notification is stored only
 * once, also when several processes store it at the same time. It returns the number of stored
 * notifications.
 */
export const insertMessages = query<
  [
    campaignId: string,
    ids: string[],
    userIds: string[],
    eventKeys: string[],
    kinds: string[],
    params: object[],
    topics: string[],
    emailDefaults: boolean[],
    inAppDefaults: boolean[],
  ],
  { readonly made: number; readonly emails: number }
>(
  'insert_messages',
  'select made, emails from sambatan.insert_messages($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  { writes: true },
);

/**
 * Query that adds webhooks to the outbox, one delivery per pair of endpoint and event. It skips a
 * pair that exists already.
 */
export const insertWebhookDeliveries = query<
  [campaignId: string, ids: string[], endpointIds: string[], seqs: bigint[]],
  never
>(
  'insert_webhook_deliveries',
  `insert into sambatan.deliveries
    (campaign_id, delivery_id, channel, endpoint_id, seq, next_attempt_at)
  select $1, w.id, 'webhook', w.endpoint_id, w.seq, clock_timestamp()
  from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as w (id, endpoint_id, seq)
  on conflict do nothing`,
);

/** Query for the webhook endpoints that receive the events of a brand's campaigns. */
export const endpointsFor = query<
  [brandId: string],
  { readonly endpoint_id: string; readonly events: string[] }
>(
  'endpoints_for',
  `select endpoint_id, events from sambatan.webhook_endpoints
  where status = 'enabled' and (brand_id = $1 or brand_id is null)`,
);

export interface DigestCounts {
  readonly joined: number;
  readonly joined_slots: bigint;
  readonly confirmed: number;
  readonly confirmed_slots: bigint;
  readonly cancelled: number;
  readonly cancelled_slots: bigint;
}

/**
 * Query that adds counts to the open digest window of a campaign. If the campaign has no open
 * window, it opens a window that ends after `windowSeconds`.
 */
export const addToDigest = query<
  [
    campaignId: string,
    fromSeq: bigint,
    windowSeconds: number,
    joined: number,
    joinedSlots: bigint,
    confirmed: number,
    confirmedSlots: bigint,
    cancelled: number,
    cancelledSlots: bigint,
  ],
  never
>(
  'add_to_digest',
  `insert into sambatan.seller_digests as d (campaign_id, from_seq, due_at, joined, joined_slots,
    confirmed, confirmed_slots, cancelled, cancelled_slots)
  values ($1, $2, clock_timestamp() + $3::double precision * interval '1 second', $4, $5, $6, $7,
    $8, $9)
  on conflict (campaign_id) do update set joined = d.joined + excluded.joined,
    joined_slots = d.joined_slots + excluded.joined_slots,
    confirmed = d.confirmed + excluded.confirmed,
    confirmed_slots = d.confirmed_slots + excluded.confirmed_slots,
    cancelled = d.cancelled + excluded.cancelled,
    cancelled_slots = d.cancelled_slots + excluded.cancelled_slots`,
);

export interface Due {
  readonly campaign_id: string;
}

export const listDigests = query<[limit: number], Due>(
  'list_digests',
  `select campaign_id from sambatan.seller_digests
  where due_at <= (select clock_timestamp()) order by due_at limit $1`,
);

/**
 * Query that closes a due digest window and returns its counts. It returns no row when another
 * worker is closing the window.
 */
export const takeDigest = query<[campaignId: string], DigestCounts & { readonly from_seq: bigint }>(
  'claim_digest',
  `delete from sambatan.seller_digests where campaign_id in (
    select campaign_id from sambatan.seller_digests
    where campaign_id = $1 and due_at <= clock_timestamp() for update skip locked)
  returning from_seq, joined, joined_slots, confirmed, confirmed_slots, cancelled,
    cancelled_slots`,
);

export const insertFanout = query<[campaignId: string, seq: bigint], never>(
  'insert_fanout',
  `insert into sambatan.notification_fanouts (campaign_id, seq) values ($1, $2)
  on conflict do nothing`,
);

export interface Fanout {
  readonly campaign_id: string;
  readonly seq: bigint;
  readonly after: string;
}

export const listFanouts = query<[limit: number], Fanout>(
  'list_fanouts',
  `select campaign_id, seq, after from sambatan.notification_fanouts
  order by campaign_id, seq limit $1`,
);

export const lockFanout = query<[campaignId: string, seq: bigint], Fanout>(
  'lock_fanout',
  `select campaign_id, seq, after from sambatan.notification_fanouts
  where campaign_id = $1 and seq = $2 for update skip locked`,
);

export const moveFanout = query<[campaignId: string, seq: bigint, after: string], never>(
  'move_fanout',
  `update sambatan.notification_fanouts set after = $3 where campaign_id = $1 and seq = $2`,
);

export const removeFanout = query<[campaignId: string, seq: bigint], never>(
  'remove_fanout',
  'delete from sambatan.notification_fanouts where campaign_id = $1 and seq = $2',
);
