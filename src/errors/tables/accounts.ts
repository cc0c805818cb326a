import { wording } from '../../i18n/messages.ts';
import { awaySeconds, define, fixed, type ErrorTable } from './definition.ts';

/** Errors about sign-in, permissions, second factors and accounts. */
export const accountsErrors = {
  unauthenticated: fixed(
    401,
    wording('errors.unauthenticated.title'),
    wording('errors.unauthenticated.detail'),
  ),
  account_required: fixed(
    403,
    wording('errors.account_required.title'),
    wording('errors.account_required.detail'),
  ),
  verified_email_required: fixed(
    403,
    wording('errors.verified_email_required.title'),
    wording('errors.verified_email_required.detail'),
  ),
  forbidden: fixed(403, wording('errors.forbidden.title'), wording('errors.forbidden.detail')),
  reauthentication_required: fixed(
    403,
    wording('errors.reauthentication_required.title'),
    wording('errors.reauthentication_required.detail'),
  ),
  sign_in_code_wrong: define<{ readonly remaining: number }>(
    422,
    wording('errors.sign_in_code_wrong.title'),
    ({ remaining }) =>
      remaining > 0
        ? wording('errors.sign_in_code_wrong.detail', { remaining })
        : wording('errors.sign_in_code_wrong.exhausted'),
  ),
  sign_in_ended: fixed(
    410,
    wording('errors.sign_in_ended.title'),
    wording('errors.sign_in_ended.detail'),
  ),
  second_factor_required: fixed(
    403,
    wording('errors.second_factor_required.title'),
    wording('errors.second_factor_required.detail'),
  ),
  second_factor_wrong: fixed(
    422,
    wording('errors.second_factor_wrong.title'),
    wording('errors.second_factor_wrong.detail'),
  ),
  second_factor_present: fixed(
    409,
    wording('errors.second_factor_present.title'),
    wording('errors.second_factor_present.detail'),
  ),
  second_factor_not_begun: fixed(
    409,
    wording('errors.second_factor_not_begun.title'),
    wording('errors.second_factor_not_begun.detail'),
  ),
  identity_unavailable: fixed(
    503,
    wording('errors.identity_unavailable.title'),
    wording('errors.identity_unavailable.detail'),
    awaySeconds,
  ),
  account_not_found: fixed(
    404,
    wording('errors.account_not_found.title'),
    wording('errors.account_not_found.detail'),
  ),
  account_has_participations: define<{ readonly count: number }>(
    409,
    wording('errors.account_has_participations.title'),
    ({ count }) => wording('errors.account_has_participations.detail', { count }),
  ),
  account_owns_brand: define<{ readonly brand_id: string; readonly brand: string }>(
    409,
    wording('errors.account_owns_brand.title'),
    ({ brand }) => wording('errors.account_owns_brand.detail', { brand }),
  ),
  account_has_campaigns: define<{ readonly count: number }>(
    409,
    wording('errors.account_has_campaigns.title'),
    ({ count }) => wording('errors.account_has_campaigns.detail', { count }),
  ),
  address_not_found: fixed(
    404,
    wording('errors.address_not_found.title'),
    wording('errors.address_not_found.detail'),
  ),
  too_many_addresses: define<{ readonly maximum: number }>(
    409,
    wording('errors.too_many_addresses.title'),
    ({ maximum }) => wording('errors.too_many_addresses.detail', { maximum }),
  ),
} as const satisfies ErrorTable;
