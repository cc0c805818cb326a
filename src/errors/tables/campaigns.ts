import { wording } from '../../i18n/messages.ts';
import { busySeconds, define, fixed, type ErrorTable } from './definition.ts';
import { refusedOfCampaign, type RefusedTransition } from '../wording/refused-transitions.ts';

/** Errors about campaigns: their terms, deadlines, transitions and decisions. */
export const campaignsErrors = {
  campaign_not_found: fixed(
    404,
    wording('errors.campaign_not_found.title'),
    wording('errors.campaign_not_found.detail'),
  ),
  log_part_not_found: fixed(
    404,
    wording('errors.log_part_not_found.title'),
    wording('errors.log_part_not_found.detail'),
  ),
  campaign_already_open: fixed(
    409,
    wording('errors.campaign_already_open.title'),
    wording('errors.campaign_already_open.detail'),
  ),
  campaign_not_active: define<{ readonly status: string }>(
    409,
    wording('errors.campaign_not_active.title'),
    ({ status }) => wording('errors.campaign_not_active.detail', { status }),
  ),
  campaign_closing: fixed(
    409,
    wording('errors.campaign_closing.title'),
    wording('errors.campaign_closing.detail'),
  ),
  campaign_busy: fixed(
    503,
    wording('errors.campaign_busy.title'),
    wording('errors.campaign_busy.detail'),
    busySeconds,
  ),
  deadline_passed: fixed(
    409,
    wording('errors.deadline_passed.title'),
    wording('errors.deadline_passed.detail'),
  ),
  deadline_not_in_future: fixed(
    422,
    wording('errors.deadline_not_in_future.title'),
    wording('errors.deadline_not_in_future.detail'),
  ),
  deadline_not_later: fixed(
    422,
    wording('errors.deadline_not_later.title'),
    wording('errors.deadline_not_later.detail'),
  ),
  transition_not_allowed: define<RefusedTransition>(
    409,
    wording('errors.transition_not_allowed.title'),
    refusedOfCampaign,
  ),
  shortfall_not_possible: define<{ readonly minimum: number; readonly maximum: number }>(
    422,
    wording('errors.shortfall_not_possible.title'),
    ({ minimum, maximum }) => wording('errors.shortfall_not_possible.detail', { minimum, maximum }),
  ),
  no_decision_open: fixed(
    409,
    wording('errors.no_decision_open.title'),
    wording('errors.no_decision_open.detail'),
  ),
  decision_is_sellers: fixed(
    409,
    wording('errors.decision_is_sellers.title'),
    wording('errors.decision_is_sellers.detail'),
  ),
  goods_received_already: fixed(
    409,
    wording('errors.goods_received_already.title'),
    wording('errors.goods_received_already.detail'),
  ),
  goods_shipped_already: fixed(
    409,
    wording('errors.goods_shipped_already.title'),
    wording('errors.goods_shipped_already.detail'),
  ),
} as const satisfies ErrorTable;
