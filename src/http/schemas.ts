import Type from 'typebox';
import type { TSchema } from 'typebox';
import { errorTable, refusalCodes } from '../errors/errors.ts';
import type { ErrorCode, Refusals } from '../errors/errors.ts';

/**
 * Returns an object schema that rejects unknown fields in requests. From a response, fields that
 * the schema does not name are removed.
 */
export function closed<P extends { [key: string]: TSchema }>(
  properties: P,
  options: { readonly title?: string; readonly description?: string } = {},
) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

export const Id = Type.String({ format: 'uuid' });

/** An amount in whole rupiah in a response. The code uses bigint; the JSON has an integer. */
export const Rupiah = Type.Unsafe<bigint>({ type: 'integer', description: 'Whole rupiah' });

/**
 * An amount in whole rupiah in a request. The maximum is the largest integer that a JSON number
 * holds exactly. Convert it with `BigInt()`.
 */
export const RupiahInput = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Whole rupiah',
});

/** A time in a response. The code uses Date; the JSON has a text in RFC 3339, in UTC. */
export const Timestamp = Type.Unsafe<Date>({ type: 'string', format: 'date-time' });

/**
 * A time in a request: a text in RFC 3339 with an offset, in the years 2000 to 2999. Convert it
 * with `new Date()`. Leap seconds are rejected, because Date does not support them.
 */
export const TimestampInput = Type.String({
  format: 'date-time',
  pattern: '^2\\d{3}-(?!.*:60)[^[]+$',
});

/** Returns a schema for one of the given words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: words });
}

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

/**
 * Returns a schema for text that a user enters. If `minLength` is at least 1, a text of spaces is
 * rejected too. The operation checks the length of the trimmed text. Control characters are
 * rejected in every field.
 */
export function text(minLength: number, maxLength: number) {
  return Type.String({ minLength, maxLength, ...(minLength > 0 ? { pattern: '\\S' } : {}) });
}

/**
 * Characters that break a line or change the direction of text: embeddings, overrides and isolates.
 */
const breaksOrTurns = String.raw`\n\r\u2028-\u202e\u2066-\u2069`;
/** Invisible characters: spaces of every width, joiners, fillers and selectors. */
const unseen =
  String.raw`\t \xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f` +
  String.raw`\u2000-\u200f\u202f\u205f-\u2065\u206a-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0`;

/**
 * Matches a valid name: it has at least one visible character, is on one line, and contains no
 * character that changes the direction of text.
 */
export const namePattern = `^[${unseen}]*[^${unseen}${breaksOrTurns}][^${breaksOrTurns}]*$`;

/** Matches a bank account number: 5 to 30 digits, with at most one separator between two digits. */
export const accountNumberPattern = String.raw`^\d(?:[ .-]?\d){4,29}$`;

/** Returns a schema for a display name. It rejects a name without any visible character. */
export function nameText(minLength: number, maxLength: number) {
  return Type.String({ minLength, maxLength, pattern: namePattern });
}

export const cursor = Type.String({ minLength: 1, maxLength: 500 });

/** The query fields that every list accepts. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(cursor),
};

/** Returns the schema of one page of a list. `next_cursor` is null on the last page. */
export function pageOf<T extends TSchema>(item: T) {
  return closed({ items: Type.Array(item), next_cursor: nullable(Type.String()) });
}

/** The header that makes a repeated write take effect only once. */
export const idempotencyKeyHeader = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
});

/** The schema of a problem document, which is the body of an error response (RFC 9457). */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'The request id, also in X-Request-Id' }),
    code: Type.String({ description: 'Stable; see docs/errors.md' }),
    params: Type.Optional(Type.Object({}, { additionalProperties: true })),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() })),
    ),
  },
  { title: 'Problem' },
);

/**
 * Returns the schemas of a route's error responses, by status. The arguments are the operations
 * that the route calls; their declared errors become the responses. Spread the result into
 * `schema.response`: its type is empty, so it does not change the types of successful responses.
 * The server adds the error codes that depend on the kind of the route.
 */
export function problems(...declared: Refusals): object {
  return withProblems({}, refusalCodes(declared));
}

/**
 * The response schemas of a route by status. Only the parts are typed that adding error codes
 * needs.
 */
export interface Responses {
  readonly [status: string]: { readonly description?: string };
}

/** Adds error codes to response schemas. The description of each status lists its codes. */
export function withProblems(responses: Responses, codes: Iterable<ErrorCode>): Responses {
  const all: Record<string, Responses[string]> = { ...responses };
  const content = { 'application/problem+json': { schema: Problem } };
  for (const code of codes) {
    const { status } = errorTable[code];
    const before = all[status]?.description;
    if (before?.includes(`\`${code}\``)) continue;
    const description = before === undefined ? `\`${code}\`` : `${before}, \`${code}\``;
    all[status] = { description, content } as Responses[string];
  }
  return all;
}
