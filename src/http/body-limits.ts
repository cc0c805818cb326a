import type { FastifyInstance, RouteOptions } from 'fastify';
import { sizeLimits } from '../config/size-limits.ts';

/** The fields of a JSON schema that limit the length of a JSON text. */
interface SizedSchema {
  readonly type?: string;
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SizedSchema[];
  readonly items?: SizedSchema;
  readonly properties?: Readonly<Record<string, SizedSchema>>;
  readonly additionalProperties?: unknown;
}

/**
 * Maximum number of bytes of one character. The longest is an emoji that the client escapes as
 * `\ud83d\ude00`.
 */
const characterBytes = 12;
/** Maximum number of bytes around one field: quotes, colon, comma, line break and indentation. */
const betweenBytes = 16;
/** Maximum number of bytes of a number, a boolean, null, or a text with a format (date, UUID). */
const scalarBytes = 64;

/** Body limits of the site's forms in bytes, not counting files. */
export const formBytes = {
  /** The limit of short forms that visitors may send without an account. */
  public: sizeLimits.publicFormBytes.max,
  usual: sizeLimits.formBytes.max,
  /** The limit of forms with long texts. */
  long: sizeLimits.longFormBytes.max,
} as const;

/** Smallest body limit of an API route in bytes. Routes without a body have this limit too. */
const minJsonBytes = 2_048;

/** Largest JSON body that any route accepts, in bytes. */
export const maxJsonBytes = sizeLimits.jsonBytes.max;

/**
 * Sets the body limit of every API route: the `bodyLimit` of the route, or the maximum length that
 * its schema allows, rounded up to a power of two. The OpenAPI document shows the limit as
 * `x-max-body-bytes`. Throws an error at start if a JSON route has neither an own limit nor a
 * schema that bounds the length.
 */
export function limitJsonBodies(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    if (!takesBody(route)) return;
    route.bodyLimit ??= bodyBytesOf(route);
    if (route.schema) Object.assign(route.schema, { 'x-max-body-bytes': route.bodyLimit });
  });
}

/** Sets the default body limit for every form of the site whose route does not set another one. */
export function limitForms(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    if (takesBody(route)) route.bodyLimit ??= formBytes.usual;
  });
}

function takesBody({ method }: RouteOptions): boolean {
  return [method].flat().some((one) => one !== 'GET' && one !== 'HEAD' && one !== 'OPTIONS');
}

function bodyBytesOf({ schema, method, url }: RouteOptions): number {
  const needed = schema?.body === undefined ? 0 : jsonBytesOf(schema.body as SizedSchema);
  if (needed > maxJsonBytes) {
    throw new Error(`${String(method)} ${url}: a body by its schema has no bound; set bodyLimit`);
  }
  let bytes = minJsonBytes;
  while (bytes < needed) bytes *= 2;
  return bytes;
}

/**
 * Returns the maximum number of bytes of a JSON text that the schema accepts; Infinity if the
 * schema does not bound it.
 */
export function jsonBytesOf(schema: SizedSchema): number {
  const { type, anyOf, properties = {}, maxLength, maxItems, items, format } = schema;
  if (anyOf) return Math.max(...anyOf.map(jsonBytesOf));
  if (schema.enum) return Math.max(...schema.enum.map((one) => JSON.stringify(one).length));
  switch (type) {
    case 'object': {
      if (schema.additionalProperties !== false) return Infinity;
      return Object.entries(properties).reduce(
        (sum, [name, field]) => sum + name.length + betweenBytes + jsonBytesOf(field),
        betweenBytes,
      );
    }
    case 'array':
      return items && maxItems !== undefined
        ? betweenBytes + maxItems * (betweenBytes + jsonBytesOf(items))
        : Infinity;
    case 'string':
      if (maxLength !== undefined) return maxLength * characterBytes;
      return format === undefined ? Infinity : scalarBytes;
    case 'integer':
    case 'number':
    case 'boolean':
    case 'null':
      return scalarBytes;
    default:
      return Infinity;
  }
}
