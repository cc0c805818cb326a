import { wording } from '../../i18n/messages.ts';
import { awaySeconds, fixed, type ErrorTable } from './definition.ts';

/** Errors about online payments through the payment gateway. */
export const gatewayErrors = {
  gateway_off: fixed(
    409,
    wording('errors.gateway_off.title'),
    wording('errors.gateway_off.detail'),
  ),
  gateway_refused: fixed(
    409,
    wording('errors.gateway_refused.title'),
    wording('errors.gateway_refused.detail'),
  ),
  gateway_unavailable: fixed(
    503,
    wording('errors.gateway_unavailable.title'),
    wording('errors.gateway_unavailable.detail'),
    awaySeconds,
  ),
  too_late_to_pay_online: fixed(
    409,
    wording('errors.too_late_to_pay_online.title'),
    wording('errors.too_late_to_pay_online.detail'),
  ),
  notification_not_genuine: fixed(
    403,
    wording('errors.notification_not_genuine.title'),
    wording('errors.notification_not_genuine.detail'),
  ),
} as const satisfies ErrorTable;
