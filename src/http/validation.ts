import { type Wording, wording } from '../i18n/messages.ts';
import type { FastifySchemaCompiler } from 'fastify';
import { IsOptional } from 'typebox';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Settings } from 'typebox/system';
import Value from 'typebox/value';
import type { FieldError } from '../errors/errors.ts';
import { accountNumberPattern, namePattern } from './schemas.ts';

/** One validation error as typebox reports it. */
interface Complaint {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<{ [name: string]: unknown }>;
}

/** Maximum number of errors in a response. No form has that many fields. */
const maxErrors = 50;
/** Maximum length of the path of a field, in characters. The paths of real forms are shorter. */
const maxPathLength = 200;

/**
 * Validates each part of a request by its schema and rejects unknown fields. A body is validated
 * without conversion. The fields of queries and paths are texts: whole numbers and true/false are
 * converted where the schema expects them, and ids are converted to lower case. Adds the default
 * values of the schema.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  Settings.Set({ maxErrors: maxErrors });
  // The schema is compiled at the first request, so that a start does not wait for hundreds of
  // schemas.
  let compiled: Validator<{}, TSchema> | undefined;
  const mayBeAbsent = httpPart === 'body' && IsOptional(schema);
  const read = httpPart === 'body' ? asItIs : readerOf(schema);
  let completed: ((value: unknown) => unknown) | undefined;
  return (given: unknown) => {
    // Fastify passes null for a request without a body.
    if (mayBeAbsent && (given ?? undefined) === undefined) return { value: undefined };
    completed ??= hasDefaults(schema) ? (one) => Value.Default(schema, one) : asItIs;
    const value = completed(read(given));
    const validator = (compiled ??= Compile(schema));
    if (validator.Check(value)) return { value };
    return { error: validator.Errors(value) as unknown as Error };
  };
};

/**
 * Who reads the errors: a developer, who needs the field names of the API, or the user of a form.
 */
export type ErrorReader = 'developer' | 'person';

/**
 * Returns the errors, at most one per field, worded for their reader. An error of the whole body
 * has an empty field name.
 */
export function fieldErrors(complaints: readonly Complaint[], reader: ErrorReader): FieldError[] {
  const byField = new Map<string, Complaint>();
  for (const complaint of complaints.flatMap(perField)) {
    const known = byField.get(complaint.instancePath);
    if (!known || rank(complaint) > rank(known)) byField.set(complaint.instancePath, complaint);
  }
  return [...byField.values()].map((complaint) => ({
    field: fieldName(complaint.instancePath),
    message: (reader === 'person' && personWording(complaint)) || complaintWording(complaint),
  }));
}

/**
 * Returns the path of the first field whose text the database cannot store: it contains a control
 * character other than tab and line breaks, or half of a surrogate pair. Returns undefined when
 * there is none. Uses no recursion, so a deeply nested body cannot overflow the stack.
 */
export function unstorableField(value: unknown): string | undefined {
  return isPlainlyStorable(value) ? undefined : searchUnstorable(value);
}

/**
 * Returns true when an object contains no nested objects, and only texts that the database can
 * store.
 */
function isPlainlyStorable(value: unknown): boolean {
  if (isPlain(value)) return typeof value !== 'string';
  for (const [key, inside] of Object.entries(value as object)) {
    const isFine = typeof inside === 'string' ? isStorable(inside) : isPlain(inside);
    if (!isFine || !isStorable(key)) return false;
  }
  return true;
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function searchUnstorable(value: unknown): string | undefined {
  const open: { readonly value: unknown; readonly path: string }[] = [{ value, path: '' }];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const { value: here, path } = part;
    if (typeof here === 'string' && !isStorable(here)) return path;
    if (typeof here !== 'object' || here === null) continue;
    for (const [key, inside] of Object.entries(here).toReversed()) {
      if (!isStorable(key)) return path;
      // In a deeply nested body the path would become very long, so it is not extended any further.
      const name = path.length > maxPathLength ? path : path === '' ? key : `${path}.${key}`;
      open.push({ value: inside, path: name });
    }
  }
  return undefined;
}

export const unstorableText: Wording = wording('errors.field.unstorable');

function isStorable(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text);
}

const asItIs = (value: unknown): unknown => value;

/** Converts the text of a query, path or header field to the type in the schema. */
type Read = (text: string) => unknown;
const reads = {
  // Each id has only one spelling, because other code compares ids as texts.
  uuid: (text) => text.toLowerCase(),
  integer: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
  boolean: (text) => (/^(true|false)$/.test(text) ? text === 'true' : text),
} as const satisfies Record<string, Read>;

/**
 * Returns a function that converts the query, path or headers of a request by the schema. It does
 * not copy them when all fields are texts.
 */
function readerOf(schema: TSchema): (given: unknown) => unknown {
  const { properties = {} } = schema as {
    properties?: { [name: string]: { type?: string; format?: string } };
  };
  const fields = Object.entries(properties).flatMap(([name, { type, format }]) => {
    const kind = format === 'uuid' ? format : type;
    return kind !== undefined && Object.hasOwn(reads, kind)
      ? [{ name, read: reads[kind as keyof typeof reads] as Read }]
      : [];
  });
  if (fields.length === 0) return asItIs;
  return (given) => {
    const values: { [name: string]: unknown } = { ...(given as object) };
    for (const { name, read } of fields) {
      const value = values[name];
      if (typeof value === 'string') values[name] = read(value);
    }
    return values;
  };
}

/** Returns true when a schema contains a default value at any depth. */
function hasDefaults(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  return 'default' in schema || Object.values(schema).some(hasDefaults);
}

/** Splits an error about several fields of an object into one error per field. */
function perField(complaint: Complaint): Complaint[] {
  const { keyword, params, instancePath } = complaint;
  const names = params[keyword === 'required' ? 'requiredProperties' : 'additionalProperties'];
  if (!Array.isArray(names)) return [complaint];
  return names.map((name) => ({
    keyword,
    params,
    instancePath: `${instancePath}/${String(name)}`,
  }));
}

/**
 * Ranks the errors of one field. The most helpful error is shown; an error such as "must be null"
 * helps least.
 */
function rank({ keyword, params }: Complaint): number {
  if (keyword === 'additionalProperties') return 3;
  if (keyword === 'boolean' || keyword === 'anyOf' || params['type'] === 'null') return 0;
  return keyword === 'const' || keyword === 'type' ? 1 : 2;
}

function fieldName(instancePath: string): string {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

/** The error message for a field that the route does not accept. */
export const unknownField: Wording = wording('errors.field.unknown');

const wrongForm: Wording = wording('errors.field.wrongFormat');

/**
 * Returns the message for users of a form; undefined if they can understand the message of the API.
 */
function personWording({ keyword, params }: Complaint): Wording | undefined {
  if (keyword === 'additionalProperties') return wording('errors.page.field.unknown');
  if (keyword === 'enum' || keyword === 'const') return wording('errors.page.field.oneOf');
  if (keyword !== 'format') return undefined;
  if (params['format'] === 'uuid') return wording('errors.page.field.fromList');
  return params['format'] === 'date-time' ? wording('errors.page.field.dateTime') : undefined;
}

function complaintWording({ keyword, params }: Complaint): Wording {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'required':
      return wording('errors.field.required');
    case 'additionalProperties':
      return unknownField;
    case 'type':
      return wording('errors.field.type', { type: String(params['type']) });
    case 'enum':
      return oneOf(params['allowedValues']);
    case 'minLength':
      return limit === '1'
        ? wording('errors.field.empty')
        : wording('errors.field.minLength', { limit: Number(limit) });
    case 'maxLength':
      return wording('errors.field.maxLength', { limit: Number(limit) });
    case 'minimum':
      return wording('errors.field.minimum', { limit });
    case 'maximum':
      return wording('errors.field.maximum', { limit });
    case 'minItems':
      return wording('errors.field.minItems', { limit: Number(limit) });
    case 'maxItems':
      return wording('errors.field.maxItems', { limit: Number(limit) });
    case 'minProperties':
      return wording('errors.field.minProperties');
    case 'pattern':
      return ofPattern(String(params['pattern']));
    case 'format':
      return ofFormat(String(params['format']));
    default:
      return wrongForm;
  }
}

function ofPattern(pattern: string): Wording {
  if (pattern === String.raw`\S`) return wording('errors.field.empty');
  if (pattern === accountNumberPattern) {
    return wording('errors.field.accountNumber');
  }
  if (pattern !== namePattern) return wrongForm;
  return wording('errors.field.name');
}

function oneOf(allowed: unknown): Wording {
  const list = Array.isArray(allowed) ? allowed.join(', ') : '';
  return wording('errors.field.oneOf', { list });
}

function ofFormat(format: string): Wording {
  if (format === 'uuid') return wording('errors.field.uuid');
  if (format !== 'date-time') return wording('errors.field.wrongFormat');
  return wording('errors.field.dateTime');
}
