import { rupiah } from '../../i18n/format.ts';
import { wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';

/** Errors about outgoing money: refunds and payouts. */
export const payoutsErrors = {
  movement_not_found: fixed(
    404,
    wording('errors.movement_not_found.title'),
    wording('errors.movement_not_found.detail'),
  ),
  movement_transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    wording('errors.movement_transition_not_allowed.title'),
    ({ from }) => wording('errors.movement_transition_not_allowed.detail', { from }),
  ),
  refund_has_no_choice: fixed(
    409,
    wording('errors.refund_has_no_choice.title'),
    wording('errors.refund_has_no_choice.detail'),
  ),
  refund_sent_already: fixed(
    409,
    wording('errors.refund_sent_already.title'),
    wording('errors.refund_sent_already.detail'),
  ),
  refund_is_kept: fixed(
    409,
    wording('errors.refund_is_kept.title'),
    wording('errors.refund_is_kept.detail'),
  ),
  payout_not_released: fixed(
    409,
    wording('errors.payout_not_released.title'),
    wording('errors.payout_not_released.detail'),
  ),
  payout_disputed: fixed(
    409,
    wording('errors.payout_disputed.title'),
    wording('errors.payout_disputed.detail'),
  ),
  payout_unsettled: fixed(
    409,
    wording('errors.payout_unsettled.title'),
    wording('errors.payout_unsettled.detail'),
  ),
  payout_not_covered: define<{ readonly free: number }>(
    409,
    wording('errors.payout_not_covered.title'),
    ({ free }) => wording('errors.payout_not_covered.detail', { free: rupiah(free) }),
  ),
  payout_settled_already: fixed(
    409,
    wording('errors.payout_settled_already.title'),
    wording('errors.payout_settled_already.detail'),
  ),
} as const satisfies ErrorTable;
