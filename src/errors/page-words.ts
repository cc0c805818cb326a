import { type Wording, wording } from '../i18n/messages.ts';
import type { ErrorCode } from './error-table.ts';

/** Text that depends on the parameters of the error. */
type DetailOf = (params: PageParams) => Wording;

/** The parameters of an error of any code. */
export type PageParams = Readonly<Record<string, unknown>>;

/** Formats a number of bytes for people. */
function size(bytes: unknown): string {
  const kilobytes = Number(bytes) / 1_024;
  return kilobytes < 1_024 ? `${kilobytes} KB` : `${kilobytes / 1_024} MB`;
}

/**
 * Texts for pages where the API's text is too technical. A code without an entry has one text for
 * both.
 */
export const pageWords: Partial<
  Record<ErrorCode, { readonly title?: Wording; readonly detail: Wording | DetailOf }>
> = {
  outcome_unknown: {
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
    detail: wording('errors.page.installation_held.detail'),
  },
  payload_too_large: {
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
};
