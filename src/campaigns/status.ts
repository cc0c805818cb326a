import type { CampaignEvent } from '../audit/events.ts';

/** A campaign's status as the database stores it (`sambatan.campaign_status`). */
export type StoredCampaignStatus =
  'draft' | 'scheduled' | 'active' | 'locked' | 'verifying' | 'fulfilled' | 'expired' | 'cancelled';

/** A campaign's status as everybody else says it. */
export const campaignStatuses = [
  'inactive',
  'scheduled',
  'active',
  'full',
  'verifying',
  'completed',
  'failed',
  'cancelled',
] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];

const spoken = {
  draft: 'inactive',
  scheduled: 'scheduled',
  active: 'active',
  locked: 'full',
  verifying: 'verifying',
  fulfilled: 'completed',
  expired: 'failed',
  cancelled: 'cancelled',
} as const satisfies Record<StoredCampaignStatus, CampaignStatus>;

const stored = {
  inactive: 'draft',
  scheduled: 'scheduled',
  active: 'active',
  full: 'locked',
  verifying: 'verifying',
  completed: 'fulfilled',
  failed: 'expired',
  cancelled: 'cancelled',
} as const satisfies {
  [S in CampaignStatus]: {
    [D in StoredCampaignStatus]: (typeof spoken)[D] extends S ? D : never;
  }[StoredCampaignStatus];
};

/** From the database's word to everybody's; with storedStatus the one place that knows both. */
export function spokenStatus(status: StoredCampaignStatus): CampaignStatus {
  return spoken[status];
}

/** The same for a word that may be either, as in the parameters of a refusal. */
export function spokenWord(word: string): string {
  return Object.hasOwn(spoken, word) ? spoken[word as StoredCampaignStatus] : word;
}

/** From everybody's word to the database's. */
export function storedStatus(status: CampaignStatus): StoredCampaignStatus {
  return stored[status];
}

/** What a visitor may see: all but what is still being prepared. */
export const publishedStatuses = campaignStatuses.filter((status) => status !== 'inactive');

/** Which events are possible in which status, and where each leads. All else is refused. */
export const campaignTransitions = {
  inactive: {
    campaign_edited: 'inactive',
    campaign_opened: 'active',
    campaign_cancelled: 'cancelled',
  },
  scheduled: {
    campaign_edited: 'scheduled',
    campaign_opened: 'active',
    campaign_cancelled: 'cancelled',
  },
  active: {
    campaign_edited: 'active',
    campaign_full: 'full',
    campaign_verifying: 'verifying',
    campaign_completed: 'completed',
    campaign_failed: 'failed',
    campaign_cancelled: 'cancelled',
    deadline_extended: 'active',
  },
  full: {
    campaign_edited: 'full',
    campaign_reopened: 'active',
    campaign_verifying: 'verifying',
    campaign_completed: 'completed',
    campaign_failed: 'failed',
    campaign_cancelled: 'cancelled',
    deadline_extended: 'full',
  },
  verifying: {
    campaign_completed: 'completed',
    campaign_failed: 'failed',
    campaign_cancelled: 'cancelled',
  },
  // Only below its minimum, once nothing more can be paid.
  completed: { campaign_cancelled: 'cancelled' },
  failed: {},
  cancelled: {},
} as const satisfies Record<CampaignStatus, Partial<Record<CampaignEvent, CampaignStatus>>>;

/** Where an event leads from a status; undefined when it is not possible there. */
export function campaignAfter(
  status: CampaignStatus,
  event: CampaignEvent,
): CampaignStatus | undefined {
  const possible: Partial<Record<CampaignEvent, CampaignStatus>> = campaignTransitions[status];
  return possible[event];
}

/** Whether a campaign is over: it takes no joins any more, and its outcome is known. */
export function isFinal(status: CampaignStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
