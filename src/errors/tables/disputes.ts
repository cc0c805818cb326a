import { wording } from '../../i18n/messages.ts';
import { fixed, type ErrorTable } from './definition.ts';

/** Errors about disputes that buyers open. */
export const disputesErrors = {
  dispute_not_found: fixed(
    404,
    wording('errors.dispute_not_found.title'),
    wording('errors.dispute_not_found.detail'),
  ),
  dispute_not_paid: fixed(
    409,
    wording('errors.dispute_not_paid.title'),
    wording('errors.dispute_not_paid.detail'),
  ),
  dispute_open_already: fixed(
    409,
    wording('errors.dispute_open_already.title'),
    wording('errors.dispute_open_already.detail'),
  ),
  dispute_decided: fixed(
    409,
    wording('errors.dispute_decided.title'),
    wording('errors.dispute_decided.detail'),
  ),
  dispute_says_nothing_new: fixed(
    422,
    wording('errors.dispute_says_nothing_new.title'),
    wording('errors.dispute_says_nothing_new.detail'),
  ),
  dispute_resolved_already: fixed(
    409,
    wording('errors.dispute_resolved_already.title'),
    wording('errors.dispute_resolved_already.detail'),
  ),
} as const satisfies ErrorTable;
