import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { DomainError, type FieldError } from '../errors/errors.ts';
import { keyboardText } from './pasted-text.ts';
import { fieldErrors, unstorableField, unstorableText } from './validation.ts';
import { asDomainError } from '../operation/run.ts';

/** The fields of a form by name, as texts. */
export type RawFields = Readonly<Record<string, string | undefined>>;

/**
 * The values of a valid form, or the field errors of an invalid one together with its raw fields.
 */
export type ParseResult<T> =
  | { readonly value: T; readonly typed: RawFields }
  | { readonly errors: readonly FieldError[]; readonly typed: RawFields };

/**
 * Returns a parser that validates forms by the schemas of the API's bodies. Form fields are texts,
 * so the parser converts them: an empty field is omitted (or null where the schema allows null),
 * whole numbers may have thousands separators, and a checkbox is true if its field is present. A
 * date and time without offset, from a `datetime-local` field, is in Western Indonesian time.
 * Rejects fields that the schema does not name.
 */
export function formParser<S extends TSchema>(
  schema: S,
): (body: unknown) => ParseResult<Static<S>> {
  const validator = Compile(schema);
  return (body) => {
    const typed = rawFields(body);
    const value = convertFields(schema, typed);
    const unstorable = unstorableField(value);
    if (unstorable !== undefined) {
      return { typed, errors: [{ field: unstorable, message: unstorableText }] };
    }
    if (validator.Check(value)) return { typed, value: value as Static<S> };
    return { typed, errors: fieldErrors(validator.Errors(value) as never, 'person') };
  };
}

/**
 * Runs an operation for a form. Returns a refusal instead of throwing it, so that the page can show
 * it: field errors next to the fields, other refusals above the form.
 */
export async function toResult<T>(
  verb: () => Promise<T>,
): Promise<{ readonly done: T } | { readonly refused: DomainError }> {
  try {
    return { done: await verb() };
  } catch (thrown) {
    // A read outside a transaction throws the error of the database driver.
    const error = asDomainError(thrown);
    if (error instanceof DomainError && error.status < 500 && !isOfCaller(error)) {
      return { refused: error };
    }
    throw thrown;
  }
}

/**
 * Returns true for errors about the caller, such as a missing re-authentication. The page cannot
 * show them as errors of the form.
 */
function isOfCaller({ status, code }: DomainError): boolean {
  return status === 401 || code === 'reauthentication_required';
}

/** Returns the text fields of a form's body. When a name occurs twice, the last value is used. */
export function rawFields(body: unknown): RawFields {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries((body ?? {}) as object)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    if (typeof last === 'string') fields[name] = last.replaceAll('\r\n', '\n');
  }
  return fields;
}

/**
 * Returns the fields of a form in the order in which they were sent. For a form with files, returns
 * only the fields before the first file and does not read the file.
 */
export async function fieldsWithoutFiles(
  request: FastifyRequest,
): Promise<readonly (readonly [name: string, value: string])[]> {
  if (!request.isMultipart?.()) return fieldsIn(request.body);
  const fields: [string, string][] = [];
  try {
    for await (const part of request.parts()) {
      if (part.type !== 'field') break;
      if (!part.valueTruncated) fields.push([part.fieldname, String(part.value)]);
    }
  } catch {
    // The fields that were read before the error are returned.
  }
  return fields;
}

/** Returns the text fields of a form's body in order. A name may occur more than once. */
export function fieldsIn(body: unknown): (readonly [name: string, value: string])[] {
  return Object.entries((body ?? {}) as object).flatMap(([name, value]) =>
    [value as unknown]
      .flat()
      .filter((one) => typeof one === 'string')
      .map((one) => [name, one] as const),
  );
}

interface FieldSchema {
  readonly type?: string;
  readonly format?: string;
  readonly anyOf?: readonly FieldSchema[];
}

function convertFields(schema: TSchema, typed: RawFields): Record<string, unknown> {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, FieldSchema>> };
  const value: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(typed)) {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const read = readAs(field, text!);
    if (read !== undefined) value[name] = read;
  }
  for (const [name, field] of Object.entries(properties)) {
    if (field.type === 'boolean') value[name] = typed[name] !== undefined;
  }
  return value;
}

function readAs(field: FieldSchema | undefined, text: string): unknown {
  const variants = field?.anyOf ?? (field === undefined ? [] : [field]);
  if (text.trim() === '') return variants.some(({ type }) => type === 'null') ? null : undefined;
  const isNumber = variants.some(({ type }) => type === 'integer' || type === 'number');
  const isMoment = variants.some(({ format }) => format === 'date-time');
  const shown = isNumber || isMoment ? keyboardText(text).trim() : text;
  // Users type numbers with separators, such as 1.250.000 or 1,250,000.
  const plain = /^\d{1,3}([.,\s]\d{3})+$/.test(shown) ? shown.replaceAll(/[.,\s]/g, '') : shown;
  if (isNumber) return /^-?\d{1,15}$/.test(plain) ? Number(plain) : text;
  if (isMoment && localMoment.test(shown)) return `${shown.slice(0, 16)}:00+07:00`;
  return text;
}

const localMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;
