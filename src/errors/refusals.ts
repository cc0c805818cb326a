import type { ErrorCode } from './error-table.ts';

/** An operation, or a step of one, that declares why it refuses. */
export interface Refuser {
  readonly refusals: Refusals;
}

/** Error codes, and the steps whose codes come in addition. */
export type Refusals = readonly (ErrorCode | Refuser)[];

/**
 * Declares why an operation refuses: its own codes, and the steps that it calls. Write it behind
 * the function:
 *
 *     settlePayout.refusals = refusals(authorize, assertNotQuarantined, 'movement_not_found');
 *
 * The OpenAPI document of a route follows from the operations that it names. Codes that follow
 * from the kind of a route (server/route-problems.ts), such as `validation_failed`, are not
 * declared.
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
