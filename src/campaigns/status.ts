import type { CampaignEvent } from '../audit/events.ts';
import { campaignStatuses, type CampaignStatus } from '../database/status-words.ts';

/** The statuses that visitors may see: all except drafts. */
export const publishedStatuses = campaignStatuses.filter((status) => status !== 'inactive');

/**
 * Maps each status to its possible events and their next status. All other transitions are
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
  // Only below its minimum, once no further payment is possible.
  completed: { campaign_cancelled: 'cancelled' },
  failed: {},
  cancelled: {},
} as const satisfies Record<CampaignStatus, Partial<Record<CampaignEvent, CampaignStatus>>>;

/** Returns the next status after an event; undefined when the event is not possible. */
export function campaignAfter(
  status: CampaignStatus,
  event: CampaignEvent,
): CampaignStatus | undefined {
  const possible: Partial<Record<CampaignEvent, CampaignStatus>> = campaignTransitions[status];
  return possible[event];
}

/** Returns true when a campaign has ended: it accepts no joins, and its outcome is known. */
export function isFinal(status: CampaignStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
