import { wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';

/** Errors about waiting lists and offers. */
export const waitingErrors = {
  waiting_entry_not_found: fixed(
    404,
    wording('errors.waiting_entry_not_found.title'),
    wording('errors.waiting_entry_not_found.detail'),
  ),
  slots_available: define<{ readonly remaining: number }>(
    409,
    wording('errors.slots_available.title'),
    ({ remaining }) => wording('errors.slots_available.detail', { remaining }),
  ),
  already_waiting: fixed(
    409,
    wording('errors.already_waiting.title'),
    wording('errors.already_waiting.detail'),
  ),
  waiting_list_full: define<{ readonly maximum: number }>(
    409,
    wording('errors.waiting_list_full.title'),
    ({ maximum }) => wording('errors.waiting_list_full.detail', { maximum }),
  ),
  waiting_list_closed: fixed(
    409,
    wording('errors.waiting_list_closed.title'),
    wording('errors.waiting_list_closed.detail'),
  ),
  offer_expired: fixed(
    409,
    wording('errors.offer_expired.title'),
    wording('errors.offer_expired.detail'),
  ),
  offer_is_paid: fixed(
    409,
    wording('errors.offer_is_paid.title'),
    wording('errors.offer_is_paid.detail'),
  ),
  waiting_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    wording('errors.waiting_transition_not_allowed.title'),
    ({ from }) => wording('errors.waiting_transition_not_allowed.detail', { from }),
  ),
} as const satisfies ErrorTable;
