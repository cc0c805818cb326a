import type { Static, TProperties } from 'typebox';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import {
  mappingsOf,
  previewTable,
  readStatement,
  StatementRefused,
  statementFormats,
  type Mapping,
  type ParsedStatement,
  type StatementFormat,
} from '../statement-files/parse.ts';

const closed = <P extends TProperties>(properties: P, more: object = {}) =>
  Type.Object(properties, { ...more, additionalProperties: false });
const choice = <const W extends readonly string[]>(words: W) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: words });
const Column = Type.Union([
  Type.Integer({ minimum: 0, maximum: 199, description: 'Index of the column, from 0' }),
  Type.String({
    minLength: 1,
    maxLength: 100,
    pattern: '\\S',
    description: 'Heading of the column',
  }),
]);
const Columns = Type.Array(Column, { minItems: 1, maxItems: 10 });
const words = Type.Array(Type.String({ minLength: 1, maxLength: 20 }), { maxItems: 10 });
const lineNumber = Type.Integer({ minimum: 1, maximum: 1_000 });

/** The mapping of a file's columns that operators send to the API. */
export const MappingSchema = closed(
  {
    columns: closed({
      date: Columns,
      description: Columns,
      time: Type.Optional(Columns),
      amount: Type.Optional(Columns),
      mark: Type.Optional(Type.Union([Columns, Type.Literal('beside')])),
      debit: Type.Optional(Columns),
      credit: Type.Optional(Columns),
      balance: Type.Optional(Columns),
      reference: Type.Optional(Columns),
    }),
    header_row: Type.Optional(lineNumber),
    first_row: Type.Optional(lineNumber),
    numbers: Type.Optional(choice(['auto', 'dot_thousands', 'comma_thousands'])),
    dates: Type.Optional(choice(['auto', 'DMY', 'MDY'])),
    delimiter: Type.Optional(choice([',', ';', '\t', '|'])),
    credit_marks: Type.Optional(words),
    debit_marks: Type.Optional(words),
  },
  {
    title: 'StatementMapping',
    description:
      'The columns of a table. `credit` and `debit`, or `amount` with `mark`, or the sign of `amount` give the direction of the money.',
  },
);
export type MappingInput = Static<typeof MappingSchema>;

/** The mapping that an import or an account stores: the name of a format, or columns. */
export type StoredMapping =
  { readonly format: StatementFormat } | { readonly columns: MappingInput };

const isMapping = Compile(MappingSchema);

/**
 * Parses a stored mapping. Returns `auto` if this version of the service does not know the stored
 * format.
 */
export function storedMappingOf(value: unknown): StoredMapping {
  const { format, columns } = (value ?? {}) as { format?: unknown; columns?: unknown };
  if (isMapping.Check(columns)) return { columns };
  return { format: statementFormats.find((one) => one === format) ?? 'auto' };
}

/**
 * Reads a file with a mapping. `today` is the day of the upload in Asia/Jakarta. Refuses:
 * statement_not_readable, with position and reason.
 */
export async function readByMapping(
  bytes: Buffer,
  mapping: StoredMapping,
  today: string,
): Promise<ParsedStatement> {
  if ('columns' in mapping) {
    // If the columns are given by number, a wrong delimiter would cause no error, so the mapping
    // must contain the delimiter.
    const delimiter = mapping.columns.delimiter ?? (await previewTable(bytes, 60)).delimiter;
    const columns = { ...mapping.columns, ...(delimiter === undefined ? {} : { delimiter }) };
    return await readStatement(bytes, {
      mapping: parserMappingOf(columns as MappingInput),
      today,
    });
  }
  const { format } = mapping;
  return await readStatement(bytes, { mapping: mappingsOf(format), today });
}

/**
 * Reads a file for which the operator chose no mapping. Uses the stored mapping of the account, or
 * else the built-in mapping that fits. Returns the result and the mapping. Refuses:
 * statement_not_readable.
 */
export async function recognizeBank(
  bytes: Buffer,
  kept: StoredMapping | undefined,
  today: string,
): Promise<{ readonly parsed: ParsedStatement; readonly mapping: StoredMapping }> {
  if (kept !== undefined) {
    try {
      return { parsed: await readByMapping(bytes, kept, today), mapping: kept };
    } catch (error) {
      if (!(error instanceof StatementRefused) || error.reason !== 'heading_not_found') throw error;
    }
  }
  const mapping: StoredMapping = { format: 'auto' };
  return { parsed: await readByMapping(bytes, mapping, today), mapping };
}

function parserMappingOf(input: MappingInput): Mapping {
  const { columns, header_row: headerRow, first_row: firstRow, ...rest } = input;
  const { credit_marks: creditMarks, debit_marks: debitMarks, ...options } = rest;
  return {
    id: 'operator',
    name: '',
    bank: 'operator',
    columns,
    ...options,
    ...(headerRow === undefined ? {} : { headerRow }),
    ...(firstRow === undefined ? {} : { firstRow }),
    ...(creditMarks === undefined ? {} : { creditMarks }),
    ...(debitMarks === undefined ? {} : { debitMarks }),
  } as Mapping;
}

/** Returns the calendar day of a time in Asia/Jakarta, which has no summer time. */
export function dayInJakarta(moment: Date = new Date()): string {
  return new Date(moment.getTime() + 7 * 3_600_000).toISOString().slice(0, 10);
}

/** Adds days to a day, YYYY-MM-DD. */
export function dayAfter(day: string, days: number): string {
  const moment = new Date(`${day}T00:00:00Z`);
  return new Date(moment.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}
