import { wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';

/** Errors about notifications, e-mail and webhooks. */
export const notificationsErrors = {
  notification_not_found: fixed(
    404,
    wording('errors.notification_not_found.title'),
    wording('errors.notification_not_found.detail'),
  ),
  link_not_valid: fixed(
    404,
    wording('errors.link_not_valid.title'),
    wording('errors.link_not_valid.detail'),
  ),
  mail_budget_spent: define<{ readonly retry_after_seconds: number }>(
    503,
    wording('errors.mail_budget_spent.title'),
    ({ retry_after_seconds }) =>
      wording('errors.mail_budget_spent.detail', { retryAfterSeconds: retry_after_seconds }),
  ),
  mail_unavailable: fixed(
    503,
    wording('errors.mail_unavailable.title'),
    wording('errors.mail_unavailable.detail'),
    10,
  ),
  webhook_not_found: fixed(
    404,
    wording('errors.webhook_not_found.title'),
    wording('errors.webhook_not_found.detail'),
  ),
  webhook_limit_reached: define<{ readonly maximum: number }>(
    409,
    wording('errors.webhook_limit_reached.title'),
    ({ maximum }) => wording('errors.webhook_limit_reached.detail', { maximum }),
  ),
  delivery_not_found: fixed(
    404,
    wording('errors.delivery_not_found.title'),
    wording('errors.delivery_not_found.detail'),
  ),
} as const satisfies ErrorTable;
