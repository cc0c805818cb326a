import { type Wording, wording } from '../i18n/messages.ts';
import type { ErrorCode } from './error-table.ts';

/**
 * Returns a text for pages that depends on the parameters of the error. Returns undefined where the
 * page shows the text of the API.
 */
type DetailOf = (params: PageParams) => Wording | undefined;

/** The type of the parameters of an error with any code. */
export type PageParams = Readonly<Record<string, unknown>>;

/** From this many seconds on, a page shows the waiting time in minutes instead of seconds. */
const longWait = 100;

/** Returns the waiting time in whole minutes if it is long, otherwise undefined. */
function minutesToWait({ retry_after_seconds: seconds }: PageParams): number | undefined {
  return Number(seconds) >= longWait ? Math.ceil(Number(seconds) / 60) : undefined;
}

/** Formats a number of bytes for users. */
function size(bytes: unknown): string {
  const kilobytes = Number(bytes) / 1_024;
  return kilobytes < 1_024 ? `${kilobytes} KB` : `${kilobytes / 1_024} MB`;
}

/**
 * Texts for pages, for errors whose API text is too technical. An error without an entry has the
 * same text on pages and in the API.
 */
export const pageWords: Partial<
  Record<ErrorCode, { readonly title?: Wording; readonly detail: Wording | DetailOf }>
> = {
  outcome_unknown: {
    title: wording('errors.page.outcome_unknown.title'),
    detail: wording('errors.page.outcome_unknown.detail'),
  },
  idempotency_key_reused: {
    title: wording('errors.page.idempotency_key_reused.title'),
    detail: wording('errors.page.idempotency_key_reused.detail'),
  },
  unsupported_media_type: {
    title: wording('errors.page.unsupported_media_type.title'),
    detail: wording('errors.page.unsupported_media_type.detail'),
  },
  content_encoding_not_supported: {
    title: wording('errors.page.content_encoding_not_supported.title'),
    detail: wording('errors.page.content_encoding_not_supported.detail'),
  },
  method_not_allowed: {
    title: wording('errors.page.method_not_allowed.title'),
    detail: wording('errors.page.method_not_allowed.detail'),
  },
  installation_held: {
    title: wording('errors.page.installation_held.title'),
    detail: wording('errors.page.installation_held.detail'),
  },
  payload_too_large: {
    title: wording('errors.page.payload_too_large.title'),
    detail: ({ maximum_bytes: most }) =>
      wording('errors.page.payload_too_large.detail', { most: size(most) }),
  },
  malformed_request: {
    title: wording('errors.page.malformed_request.title'),
    detail: wording('errors.page.malformed_request.detail'),
  },
  validation_failed: {
    detail: wording('errors.page.validation_failed.detail'),
  },
  headers_too_large: {
    title: wording('errors.page.headers_too_large.title'),
    detail: wording('errors.page.headers_too_large.detail'),
  },
  clock_skewed: {
    title: wording('errors.page.clock_skewed.title'),
    detail: wording('errors.page.clock_skewed.detail'),
  },
  notification_not_genuine: {
    detail: wording('errors.page.notification_not_genuine.detail'),
  },
  reauthentication_required: {
    detail: wording('errors.page.reauthentication_required.detail'),
  },
  internal_error: {
    detail: wording('errors.page.internal_error.detail'),
  },
  rate_limited: {
    detail: (params) => {
      const minutes = minutesToWait(params);
      return minutes === undefined
        ? undefined
        : wording('errors.page.rate_limited.minutes', { minutes });
    },
  },
  mail_budget_spent: {
    detail: (params) => {
      const minutes = minutesToWait(params);
      return minutes === undefined
        ? undefined
        : wording('errors.page.mail_budget_spent.minutes', { minutes });
    },
  },
};
