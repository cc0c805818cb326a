import {
  anyParticipationStatus,
  type StoredParticipationStatus,
} from '../database/status-words.ts';
import type { StoredCampaignStatus } from '../database/status-words.ts';
import type { AuditRow } from '../audit/queries.ts';
import type { PaymentTiming } from '../campaigns/campaign.ts';
import { query } from '../database/query.ts';
import {
  deliveredQuantity,
  ledgerOf,
  moneyColumns,
  paymentState,
  type ParticipationMoney,
  type PaymentState,
} from '../ledger/payments/payment-state.ts';

export interface ParticipationRow {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly quantity: number;
  /** Number of slots that the seller cannot deliver or that were revoked. */
  readonly undelivered_slots: number;
  readonly status: StoredParticipationStatus;
  readonly joined_at: Date;
  readonly updated_at: Date;
  readonly hold_expires_at: Date | null;
  readonly confirmed_at: Date | null;
  readonly cancelled_at: Date | null;
  readonly refunded_at: Date | null;
  readonly fulfilled_at: Date | null;
  readonly cancel_reason: 'buyer' | 'hold_lapsed' | 'operator' | 'unpaid' | null;
  readonly shipping_address: string;
  readonly note: string | null;
}

const columns = `campaign_id, participation_id, user_id, quantity, undelivered_slots, status, joined_at,
    updated_at, hold_expires_at, confirmed_at, cancelled_at, refunded_at, fulfilled_at,
    cancel_reason, shipping_address, note`;

/** A participation with its payment state. */
export type ParticipationWithMoney = ParticipationRow & ParticipationMoney;

/** The columns of the payment state, for participations `p` with their campaigns `c`. */
const money = moneyColumns('p', 'c', 'm');

/**
 * Query that finds a participation by its id, without the id of the campaign. The row contains the
 * brand, because the caller's role in the brand decides whether the caller may see the
 * participation.
 */
export const findParticipation = query<
  [participationId: string],
  ParticipationWithMoney & { readonly brand_id: string }
>(
  'find_participation',
  `select p.*, c.brand_id, ${money} from (
    select ${columns} from sambatan.participants where participation_id = $1) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  ${ledgerOf('p')}`,
);

/** The owner of a participation that an operator looks up. */
export interface Whose {
  readonly title: string;
  readonly display_name: string | null;
  readonly email: string | null;
}
export type FoundParticipation = ParticipationWithMoney & Whose;

const found = (where: string) => `select p.*, c.title, f.display_name, f.email, ${money}
  from (select ${columns} from sambatan.participants p where ${where}) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  left join sambatan.profiles f on f.user_id = p.user_id
  ${ledgerOf('p')}`;

/** Query for a participation with data of its owner. Operators use it to look up an order. */
export const lookUpParticipation = query<[participationId: string], FoundParticipation>(
  'look_up_participation',
  found('participation_id = $1'),
);

/** Query for the participations of several users, newest first. */
export const lookUpUsersParticipations = query<
  [userIds: string[], limit: number],
  FoundParticipation
>(
  'look_up_users_participations',
  `${found(`p.user_id = any ($1) and ${anyParticipationStatus('p')}`)}
  order by p.participation_id desc limit $2`,
);

/**
 * The data of a contribution that everybody may see: no id, no address, and only one letter of the
 * name.
 */
export interface ContributionRow {
  readonly quantity: number;
  readonly joined_at: Date;
  readonly initial: string | null;
}

/** Number of recent contributions that the public page shows. */
export const shownContributions = 6;

/**
 * SQL for the latest contributions to a campaign that are not cancelled, newest first. It reads
 * only the newest fifty participations, so that it stays fast if many participations are cancelled.
 */
export const lastContributions = (campaignId: string, limit: string) => `
  select r.quantity, r.joined_at, upper(left(trim(f.display_name), 1)) as initial, r.participation_id
  from (select participation_id, user_id, quantity, joined_at, status
    from sambatan.participants where campaign_id = ${campaignId}
    order by participation_id desc limit 50) r
  left join sambatan.profiles f on f.user_id = r.user_id
  where r.status in ('pending_payment', 'confirmed', 'fulfilled')
  order by r.participation_id desc limit ${limit}`;

export const recentContributions = query<[campaignId: string, limit: number], ContributionRow>(
  'recent_contributions',
  `select quantity, joined_at, initial from (${lastContributions('$1', '$2')}) l
  order by participation_id desc`,
);

/** Data of the campaign that the buyer of a participation sees. Amounts are in whole rupiah. */
export interface OwnCampaign {
  readonly title: string;
  readonly brand_name: string;
  readonly product_id: string;
  readonly campaign_status: StoredCampaignStatus;
  readonly payment_timing: PaymentTiming;
  readonly price_per_slot: bigint;
  readonly deadline: Date;
  readonly is_closing: boolean;
  /**
   * For a shipped batch: the time at which an order counts as received if its buyer has reported
   * nothing.
   */
  readonly received_after: Date | null;
  /** True when the payment already has a receiving account and a unique code. */
  readonly has_account: boolean;
}

export type OwnRow = ParticipationWithMoney & OwnCampaign;

const own = (where: string) => `select p.*, c.title, b.name as brand_name, c.product_id,
    goods.picture_digest, goods.picture_width, goods.picture_height,
    c.status as campaign_status, c.payment_timing, c.price_per_slot, c.deadline,
    c.closing_outcome is not null as is_closing, c.received_after, m.has_account, ${money}
  from (select ${columns} from sambatan.participants p where ${where}) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  join sambatan.brands b on b.brand_id = c.brand_id
  join sambatan.products goods on goods.product_id = c.product_id
  ${ledgerOf('p')}
  order by p.participation_id desc`;

/**
 * Query for a buyer's participations, newest first. They are sorted without an index, because a
 * buyer has few participations.
 */
export const listOwnParticipations = query<
  [
    userId: string,
    statuses: StoredParticipationStatus[],
    before: string | null,
    limit: number,
    states: PaymentState[] | null,
  ],
  OwnRow
>(
  'list_own_participations',
  `${own(`user_id = $1 and ${anyParticipationStatus('p')} and status = any ($2)
    and participation_id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    and ($5::text[] is null or (select ${paymentState('p', 'c', 'm')}
      from sambatan.campaigns c ${ledgerOf('p')}
      where c.campaign_id = p.campaign_id) = any ($5))
    order by participation_id desc limit $4`)}`,
);

/** Query for one participation with the data of its campaign that the buyer may see. */
export const findOwnParticipation = query<[participationId: string, userId: string], OwnRow>(
  'find_own_participation',
  own('participation_id = $1 and user_id = $2'),
);

/**
 * Query for a buyer's participations in one campaign, newest first. The quantity is the number of
 * slots that are delivered, or the number of ordered slots if none is delivered.
 */
export const ownInCampaign = query<
  [userId: string, campaignId: string],
  Pick<ParticipationRow, 'participation_id' | 'quantity' | 'status'>
>(
  'own_in_campaign',
  `select p.participation_id, coalesce(nullif(${deliveredQuantity('p')}, 0), p.quantity) as quantity,
    p.status from sambatan.participants p
  where p.user_id = $1 and p.campaign_id = $2 and ${anyParticipationStatus('p')}
  order by p.participation_id desc limit 20`,
);

/**
 * Query for the audit events of one participation, and for the events of its campaign since the
 * participation was made, oldest first.
 */
export const participationHistory = query<[campaignId: string, participationId: string], AuditRow>(
  'participation_history',
  `with p as materialized (
    select joined_seq from sambatan.participants
    where campaign_id = $1 and participation_id = $2)
  select campaign_id, seq, occurred_at, participation_id, event, actor, metadata from (
    select l.* from p
    join sambatan.audit_events l on l.campaign_id = $1 and l.seq = p.joined_seq
    union all
    select l.* from sambatan.audit_events l
    where l.campaign_id = $1 and l.participation_id = $2 and l.event <> 'participant_joined'
    union all
    select l.* from p cross join lateral (
      select * from sambatan.audit_events a
      where a.campaign_id = $1 and a.participation_id is null
        and a.seq > p.joined_seq
        and a.event in ('campaign_full', 'campaign_reopened', 'campaign_completed',
          'campaign_failed', 'campaign_cancelled', 'campaign_shipped', 'deadline_extended')
      order by a.seq desc limit 30) l) h
  order by h.seq`,
);

export const releaseParticipation = query<
  [
    campaignId: string,
    participationId: string,
    reason: 'buyer' | 'operator',
    actor: string,
    note: string | null,
  ],
  ParticipationRow
>(
  'release_participation',
  `select ${columns} from sambatan.release_participation($1, $2, $3, $4, $5)`,
  { changes: 1 },
);

/**
 * Query that changes a participation. A null parameter does not change its field; an empty note
 * removes the note.
 */
export const changeParticipation = query<
  [
    campaignId: string,
    participationId: string,
    quantity: number | null,
    address: string | null,
    note: string | null,
    actor: string,
  ],
  ParticipationRow
>(
  'change_participation',
  `select ${columns} from sambatan.change_participation($1, $2, $3, $4, $5, $6)`,
  { changes: 1 },
);

export const confirmParticipation = query<
  [campaignId: string, participationId: string, actor: string, reference: string | null],
  ParticipationRow
>(
  'confirm_participation',
  `select ${columns} from sambatan.confirm_participation($1, $2, $3, $4)`,
  { changes: 1 },
);

export const fulfilParticipation = query<
  [campaignId: string, participationId: string, actor: string],
  ParticipationRow
>('fulfil_participation', `select ${columns} from sambatan.fulfil_participation($1, $2, $3)`, {
  changes: 1,
});

/**
 * Query that returns whether a buyer already has reserved or confirmed slots of a campaign. It
 * returns false if the idempotency key was used in this campaign before, because the present
 * request may then be a repetition of the request that made the slots.
 */
export const hasOtherOrder = query<
  [campaignId: string, userId: string, key: string],
  { readonly has_other: boolean }
>(
  'has_other_order',
  `select exists (select from sambatan.participants
      where campaign_id = $1 and user_id = $2 and status in ('pending_payment', 'confirmed'))
    and not exists (select from sambatan.idempotency_keys
      where campaign_id = $1 and user_id = $2 and key = $3) as has_other`,
);
