import { type Wording, wording } from '../../i18n/messages.ts';
import { busySeconds, define, fixed, type ErrorTable } from './definition.ts';
import { refusedOfParticipation, type RefusedTransition } from '../wording/refused-transitions.ts';

/** Errors about joins and participations. */
export const participationsErrors = {
  participation_not_found: fixed(
    404,
    wording('errors.participation_not_found.title'),
    wording('errors.participation_not_found.detail'),
  ),
  quantity_out_of_bounds: define<QuantityBounds>(
    422,
    wording('errors.quantity_out_of_bounds.title'),
    quantityOutOfBounds,
  ),
  more_slots_by_joining: define<{ readonly quantity: number }>(
    422,
    wording('errors.more_slots_by_joining.title'),
    ({ quantity }) => wording('errors.more_slots_by_joining.detail', { quantity }),
  ),
  slots_unavailable: define<{ readonly remaining: number }>(
    409,
    wording('errors.slots_unavailable.title'),
    ({ remaining }) =>
      remaining > 0
        ? wording('errors.slots_unavailable.detail', { remaining })
        : wording('errors.slots_unavailable.none'),
  ),
  participation_transition_not_allowed: define<RefusedTransition>(
    409,
    wording('errors.participation_transition_not_allowed.title'),
    refusedOfParticipation,
  ),
  participation_not_paid: fixed(
    409,
    wording('errors.participation_not_paid.title'),
    wording('errors.participation_not_paid.detail'),
  ),
  receipt_pending: fixed(
    503,
    wording('errors.receipt_pending.title'),
    wording('errors.receipt_pending.detail'),
    busySeconds,
  ),
  receipt_not_available: fixed(
    404,
    wording('errors.receipt_not_available.title'),
    wording('errors.receipt_not_available.detail'),
  ),
  sums_not_published: fixed(
    404,
    wording('errors.sums_not_published.title'),
    wording('errors.sums_not_published.detail'),
  ),
  sum_proof_not_available: fixed(
    404,
    wording('errors.sum_proof_not_available.title'),
    wording('errors.sum_proof_not_available.detail'),
  ),
} as const satisfies ErrorTable;

interface QuantityBounds {
  readonly minimum: number;
  readonly maximum: number | null;
  /** Number of slots that the buyer already has in this campaign. */
  readonly held: number;
}

function quantityOutOfBounds({ minimum, maximum, held }: QuantityBounds): Wording {
  if (maximum === null) return wording('errors.quantity_out_of_bounds.atLeast', { minimum, held });
  return minimum === maximum
    ? wording('errors.quantity_out_of_bounds.exactly', { minimum, held })
    : wording('errors.quantity_out_of_bounds.between', { minimum, maximum, held });
}
