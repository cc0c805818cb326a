import type { CampaignEvent } from '../audit/events.ts';
import { campaignStatuses, type CampaignStatus } from '../database/status-words.ts';

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
