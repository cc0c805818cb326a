import type { ErrorCode } from './error-table.ts';

/** An operation, or a step of one, that declares why it refuses. */
export interface RefusingOperation {
  readonly refusals: Refusals;
}

/**
 * Error codes that follow from the kind of a request; server/route-problems.ts adds them to the
 * routes.
 */
export type RequestCode =
  | 'malformed_request'
  | 'unauthenticated'
  | 'account_required'
  | 'validation_failed'
  | 'idempotency_key_reused'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'content_encoding_not_supported'
  | 'overloaded'
  | 'database_unavailable'
  | 'identity_unavailable'
  | 'internal_error';

/** Error codes, and the steps whose codes come in addition. */
export type Refusals = readonly (Exclude<ErrorCode, RequestCode> | RefusingOperation)[];

/**
 * Declares why an operation refuses: its own codes, and the steps that it calls. Write it behind
 * the function:
 *
 *     settlePayout.refusals = refusals(authorize, assertNotQuarantined, 'movement_not_found');
 *
 * The OpenAPI document of a route follows from the operations that it names.
 */
export function refusals(...declared: Refusals): Refusals {
  return declared;
}

/** Returns the codes of declared refusals, those of their steps included, each once. */
export function refusalCodes(declared: Refusals): ReadonlySet<ErrorCode> {
  return new Set(
    declared.flatMap((one) => (typeof one === 'string' ? [one] : [...refusalCodes(one.refusals)])),
  );
}
