import type { FastifyInstance, RouteOptions } from 'fastify';
import { sizeLimits } from '../config/size-limits.ts';

/** What of a schema says how long a JSON text by it can be. */
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

/** Most bytes of one character: an emoji that the client escapes as `\ud83d\ude00`. */
const characterBytes = 12;
/** Most bytes around one field: quotes, colon, comma, line break and indentation. */
const betweenBytes = 16;
/** Most bytes of a number, a boolean, null, or of a text with a format (date, UUID). */
const scalarBytes = 64;

/** Body limits of forms of the site, in bytes; files are counted apart. */
export const formBytes = {
  /** Short forms that visitors send. */
  public: sizeLimits.publicFormBytes.max,
  usual: sizeLimits.formBytes.max,
  /** Forms with long texts. */
  long: sizeLimits.longFormBytes.max,
} as const;

/** Least limit of a JSON body, also of routes that take none. */
const minJsonBytes = 2_048;

/** Largest JSON body of any route, in bytes. */
export const maxJsonBytes = sizeLimits.jsonBytes.max;

/**
 * Gives every route of the API a body limit: its own `bodyLimit`, or what its schema can need,
 * rounded up to a power of two. The OpenAPI document says it as `x-max-body-bytes`.
 * Throws at start for a JSON route whose schema bounds nothing and that names no limit.
 */
export function limitJsonBodies(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    if (!takesBody(route)) return;
    route.bodyLimit ??= bodyBytesOf(route);
    if (route.schema) Object.assign(route.schema, { 'x-max-body-bytes': route.bodyLimit });
  });
}

/** Gives every form of the site the usual limit, unless its route has one of its own. */
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

/** Most bytes of a JSON text that the schema accepts; Infinity where it sets no bound. */
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
