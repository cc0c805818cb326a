import type { CampaignEvent } from '../audit/events.ts';
import { campaignStatuses, type CampaignStatus } from '../database/status-words.ts';

/** The statuses of campaigns that visitors may see: all except drafts. */
export const publishedStatuses = campaignStatuses.filter((status) => status !== 'inactive');

/**
 * Maps each status to its possible events and the next status of each. Any other transition is
 * refused.
 */
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
  // Possible only when the batch is below its minimum and no further payment can arrive.
  completed: { campaign_cancelled: 'cancelled' },
  failed: {},
  cancelled: {},
} as const satisfies Record<CampaignStatus, Partial<Record<CampaignEvent, CampaignStatus>>>;

/** Returns the status after an event; undefined when the event is not possible in this status. */
export function campaignAfter(
  status: CampaignStatus,
  event: CampaignEvent,
): CampaignStatus | undefined {
  const possible: Partial<Record<CampaignEvent, CampaignStatus>> = campaignTransitions[status];
  return possible[event];
}

/** Returns true when a campaign has ended. It then accepts no joins, and its outcome is known. */
export function isFinal(status: CampaignStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
