import type { StoredCampaignStatus } from '../campaigns/status.ts';
import { query, type Lookup } from '../database/query.ts';
import type { StoredParticipationStatus } from './status.ts';

export interface ParticipationRow {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly quantity: number;
  readonly status: StoredParticipationStatus;
  readonly joined_at: Date;
  readonly updated_at: Date;
  readonly hold_expires_at: Date | null;
  readonly confirmed_at: Date | null;
  readonly cancelled_at: Date | null;
  readonly refunded_at: Date | null;
  readonly fulfilled_at: Date | null;
  readonly cancel_reason: 'buyer' | 'hold_lapsed' | 'operator' | null;
  readonly shipping_address: string;
  readonly note: string | null;
}

const columns = `campaign_id, participation_id, user_id, quantity, status, joined_at, updated_at,
    hold_expires_at, confirmed_at, cancelled_at, refunded_at, fulfilled_at, cancel_reason,
    shipping_address, note`;

/** One participation by its id alone, with the brand that decides who may see it. */
export const findParticipation = query<
  [participationId: string],
  ParticipationRow & { readonly brand_id: string }
>(
  'find_participation',
  `select p.*, c.brand_id from (
    select ${columns} from sambatan.participants where participation_id = $1) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id`,
);

/** A page of one campaign's participations in order of their ids, of all statuses or one. */
export const listParticipations = query<
  [
    campaignId: string,
    status: StoredParticipationStatus | null,
    after: string | null,
    limit: number,
  ],
  ParticipationRow
>(
  'list_participations',
  `select ${columns} from sambatan.participants
  where campaign_id = $1 and ($2::sambatan.participant_status is null or status = $2)
    and participation_id > coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)
  order by participation_id limit $4`,
);

/** What goes with a participation for those who look one up. */
export interface Whose {
  readonly title: string;
  readonly display_name: string | null;
  readonly email: string | null;
}
export type FoundParticipation = ParticipationRow & Whose;

const found = (where: string) => `select p.*, c.title, f.display_name, f.email
  from (select ${columns} from sambatan.participants where ${where}) p
  join sambatan.campaigns c on c.campaign_id = p.campaign_id
  left join sambatan.profiles f on f.user_id = p.user_id`;

/** A participation with whose it is, for those who look one up. */
export const lookUpParticipation = query<[participationId: string], ParticipationRow & Whose>(
  'look_up_participation',
  found('participation_id = $1'),
);

/** What these users take part in, newest first. */
export const lookUpUsersParticipations = query<
  [userIds: string[], limit: number],
  ParticipationRow & Whose
>(
  'look_up_users_participations',
  `${found('user_id = any ($1)')} order by p.participation_id desc limit $2`,
);

/** Who has this e-mail address. */
export const usersByEmail = query<[email: string], { readonly user_id: string }>(
  'users_by_email',
  'select user_id from sambatan.profiles where lower(email) = lower($1) limit 10',
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
);

export const confirmParticipation = query<
  [campaignId: string, participationId: string, actor: string, reference: string | null],
  ParticipationRow
>('confirm_participation', `select ${columns} from sambatan.confirm_participation($1, $2, $3, $4)`);

export const fulfilParticipation = query<
  [campaignId: string, participationId: string, actor: string],
  ParticipationRow
>('fulfil_participation', `select ${columns} from sambatan.fulfil_participation($1, $2, $3)`);

export interface ProgressRow {
  readonly campaign_id: string;
  readonly total_slots: number;
  readonly filled_slots: number;
  readonly available_slots: number;
  readonly progress: string;
  readonly participant_count: number;
  readonly total_contribution: bigint;
  readonly status: StoredCampaignStatus;
}

const campaignProgress = query<[campaignId: string], ProgressRow>(
  'campaign_progress',
  'select * from sambatan.campaign_progress($1)',
);

/** The progress of several campaigns, and the place in the audit log that each is at. */
export const watchedProgress = query<
  [campaignIds: string[]],
  ProgressRow & { readonly audit_seq: bigint }
>(
  'watched_progress',
  `select p.*, c.audit_seq from sambatan.campaigns c
  cross join lateral sambatan.campaign_progress(c.campaign_id) p
  where c.campaign_id = any ($1)`,
);

export const progressById: Lookup<ProgressRow> = {
  one: campaignProgress,
  many: watchedProgress,
  idOf: (row) => row.campaign_id,
};
