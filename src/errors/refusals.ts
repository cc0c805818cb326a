import type { ErrorCode } from './error-table.ts';

/**
 * An operation, or a step of an operation, that declares the error codes with which it refuses a
 * request.
 */
export interface RefusingOperation {
  readonly refusals: Refusals;
}

/**
 * Error codes that depend on the kind of a request, for example on its method. Operations do not
 * declare them: server/route-problems.ts adds them to the routes.
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

/** A list of error codes, and of steps that add their own codes. */
export type Refusals = readonly (Exclude<ErrorCode, RequestCode> | RefusingOperation)[];

/**
 * Declares the errors with which an operation refuses a request: its own codes, and the steps that
 * it calls. Write the declaration after the function:
 *
 *     settlePayout.refusals = refusals(authorize, assertNotQuarantined, 'movement_not_found');
 *
 * The OpenAPI document lists these codes for each route that names the operation.
 */
export function refusals(...declared: Refusals): Refusals {
  return declared;
}

/**
 * Returns the codes of the declared refusals without duplicates, including the codes of the steps.
 */
export function refusalCodes(declared: Refusals): ReadonlySet<ErrorCode> {
  return new Set(
    declared.flatMap((one) => (typeof one === 'string' ? [one] : [...refusalCodes(one.refusals)])),
  );
}
