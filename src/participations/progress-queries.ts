import type { StoredCampaignStatus } from '../database/status-words.ts';
import { query, type Lookup } from '../database/query.ts';
import { lastContributions } from './queries.ts';

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

/**
 * Query for the progress of several campaigns, each with the last sequence number of its audit log.
 */
export const watchedProgress = query<
  [campaignIds: string[]],
  ProgressRow & { readonly audit_seq: bigint }
>(
  'watched_progress',
  `select p.*, c.audit_seq from sambatan.campaigns c
  cross join lateral sambatan.campaign_progress(c.campaign_id) p
  where c.campaign_id = any ($1)`,
);

/**
 * Query for the data of live pages: progress, the last sequence number of the audit log, and the
 * latest contributions.
 */
export const watchedCampaigns = query<
  [campaignIds: string[], contributions: number],
  ProgressRow & {
    readonly audit_seq: bigint;
    /** `joined_at` is in RFC 3339 format. */
    readonly contributions: readonly {
      readonly initial: string | null;
      readonly quantity: number;
      readonly joined_at: string;
    }[];
  }
>(
  'watched_campaigns',
  `select p.*, c.audit_seq, l.contributions from sambatan.campaigns c
  cross join lateral sambatan.campaign_progress(c.campaign_id) p
  cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_object('initial', initial, 'quantity', quantity,
      'joined_at', joined_at) order by participation_id desc), '[]') as contributions
    from (${lastContributions('c.campaign_id', '$2')}) r) l
  where c.campaign_id = any ($1)`,
);

export const progressById: Lookup<ProgressRow> = {
  one: campaignProgress,
  many: watchedProgress,
  idOf: (row) => row.campaign_id,
};
