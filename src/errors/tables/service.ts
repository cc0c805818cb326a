import { wording } from '../../i18n/messages.ts';
import { awaySeconds, busySeconds, fixed, type ErrorTable } from './definition.ts';

/** Errors about temporary failures of the service. */
export const serviceErrors = {
  internal_error: fixed(
    500,
    wording('errors.internal_error.title'),
    wording('errors.internal_error.detail'),
  ),
  overloaded: fixed(
    503,
    wording('errors.overloaded.title'),
    wording('errors.overloaded.detail'),
    busySeconds,
  ),
  database_unavailable: fixed(
    503,
    wording('errors.database_unavailable.title'),
    wording('errors.database_unavailable.detail'),
    awaySeconds,
  ),
  outcome_unknown: fixed(
    503,
    wording('errors.outcome_unknown.title'),
    wording('errors.outcome_unknown.detail'),
    awaySeconds,
  ),
  clock_skewed: fixed(
    503,
    wording('errors.clock_skewed.title'),
    wording('errors.clock_skewed.detail'),
    30,
  ),
  installation_held: fixed(
    409,
    wording('errors.installation_held.title'),
    wording('errors.installation_held.detail'),
  ),
} as const satisfies ErrorTable;
