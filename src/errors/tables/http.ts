import { wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';

/** Errors that are found in a request before any operation handles it. */
export const httpErrors = {
  malformed_request: fixed(
    400,
    wording('errors.malformed_request.title'),
    wording('errors.malformed_request.detail'),
  ),
  foreign_form: fixed(
    403,
    wording('errors.foreign_form.title'),
    wording('errors.foreign_form.detail'),
  ),
  not_found: fixed(404, wording('errors.not_found.title'), wording('errors.not_found.detail')),
  method_not_allowed: define<{ readonly allowed: readonly string[] }>(
    405,
    wording('errors.method_not_allowed.title'),
    ({ allowed }) => wording('errors.method_not_allowed.detail', { allowed: allowed.join(', ') }),
  ),
  request_timeout: fixed(
    408,
    wording('errors.request_timeout.title'),
    wording('errors.request_timeout.detail'),
  ),
  payload_too_large: define<{ readonly maximum_bytes: number }>(
    413,
    wording('errors.payload_too_large.title'),
    ({ maximum_bytes }) =>
      wording('errors.payload_too_large.detail', { maximumBytes: maximum_bytes }),
  ),
  headers_too_large: fixed(
    431,
    wording('errors.headers_too_large.title'),
    wording('errors.headers_too_large.detail'),
  ),
  unsupported_media_type: fixed(
    415,
    wording('errors.unsupported_media_type.title'),
    wording('errors.unsupported_media_type.detail'),
  ),
  content_encoding_not_supported: fixed(
    415,
    wording('errors.content_encoding_not_supported.title'),
    wording('errors.content_encoding_not_supported.detail'),
  ),
  validation_failed: fixed(
    422,
    wording('errors.validation_failed.title'),
    wording('errors.validation_failed.detail'),
  ),
  idempotency_key_reused: fixed(
    422,
    wording('errors.idempotency_key_reused.title'),
    wording('errors.idempotency_key_reused.detail'),
  ),
  rate_limited: define<{ readonly retry_after_seconds: number }>(
    429,
    wording('errors.rate_limited.title'),
    ({ retry_after_seconds }) =>
      wording('errors.rate_limited.detail', { retryAfterSeconds: retry_after_seconds }),
  ),
  export_too_large: define<{ readonly maximum_rows: number }>(
    409,
    wording('errors.export_too_large.title'),
    ({ maximum_rows }) => wording('errors.export_too_large.detail', { maximumRows: maximum_rows }),
  ),
} as const satisfies ErrorTable;
