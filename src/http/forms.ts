import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { DomainError, type FieldError } from '../errors/errors.ts';
import { keyboardText } from './pasted-text.ts';
import { fieldErrors, unstorableField, unstorableText } from './validation.ts';

/** What a form holds: fields by name, as text. */
export type RawFields = Readonly<Record<string, string | undefined>>;

/** A form that can be used, or what is wrong with it, beside the fields. */
export type ParseResult<T> =
  | { readonly value: T; readonly typed: RawFields }
  | { readonly errors: readonly FieldError[]; readonly typed: RawFields };

/**
 * Reads forms by the same schemas as the API's bodies. Every field of a form is text: what is
 * empty is left out (null where the schema takes null), whole numbers may be written with
 * separators of thousands, boxes are ticked or not there, and a date and time without an offset
 * (as `datetime-local` sends it) is Western Indonesian time. Fields that the schema does not name
 * are refused.
 */
export function formParser<S extends TSchema>(
  schema: S,
): (body: unknown) => ParseResult<Static<S>> {
  const validator = Compile(schema);
  return (body) => {
    const typed = rawFields(body);
    const value = converted(schema, typed);
    const unstorable = unstorableField(value);
    if (unstorable !== undefined) {
      return { typed, errors: [{ field: unstorable, message: unstorableText }] };
    }
    if (validator.Check(value)) return { typed, value: value as Static<S> };
    return { typed, errors: fieldErrors(validator.Errors(value) as never) };
  };
}

/**
 * Runs a verb for a form: what it refuses about its fields comes back to be shown beside them, and
 * any other refusal to be shown above the form.
 */
export async function toResult<T>(
  verb: () => Promise<T>,
): Promise<{ readonly done: T } | { readonly refused: DomainError }> {
  try {
    return { done: await verb() };
  } catch (error) {
    if (error instanceof DomainError && error.status < 500 && !isOfCaller(error)) {
      return { refused: error };
    }
    throw error;
  }
}

/** Whether something is to be shown by who sends the form, rather than changed in it. */
function isOfCaller({ status, code }: DomainError): boolean {
  return status === 401 || code === 'reauthentication_required';
}

/** The text fields of a form's body; the last one counts where a name comes twice. */
export function rawFields(body: unknown): RawFields {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries((body ?? {}) as object)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    if (typeof last === 'string') fields[name] = last.replaceAll('\r\n', '\n');
  }
  return fields;
}

/**
 * The fields of a form as they were sent, in order; of a form with files only what comes before the
 * first file, which is not read.
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
    // What was read so far is kept.
  }
  return fields;
}

/** The text fields of a form's body, in order; a name may come twice. */
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

function converted(schema: TSchema, typed: RawFields): Record<string, unknown> {
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
  // «1.250.000» and «1,250,000» are how people write it.
  const plain = /^\d{1,3}([.,\s]\d{3})+$/.test(shown) ? shown.replaceAll(/[.,\s]/g, '') : shown;
  if (isNumber) return /^-?\d{1,15}$/.test(plain) ? Number(plain) : text;
  if (isMoment && localMoment.test(shown)) return `${shown.slice(0, 16)}:00+07:00`;
  return text;
}

const localMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;
