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
  Type.String({ minLength: 1, maxLength: 100, pattern: '\\S', description: 'Heading' }),
]);
const Columns = Type.Array(Column, { minItems: 1, maxItems: 10 });
const words = Type.Array(Type.String({ minLength: 1, maxLength: 20 }), { maxItems: 10 });
const lineNumber = Type.Integer({ minimum: 1, maximum: 1_000 });

/** How the columns of a file are read, as operators say it by the API. */
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
      'The columns of a table. Which way the money went is said by `credit` and `debit`, by `amount` with `mark`, or by the sign of `amount`.',
  },
);
export type MappingInput = Static<typeof MappingSchema>;

/** What an import or an account keeps: a format by its name, or columns. */
export type StoredMapping =
  { readonly format: StatementFormat } | { readonly columns: MappingInput };

const isMapping = Compile(MappingSchema);

/** What was stored, whatever it was; `auto` for what this version does not know. */
export function storedMappingOf(value: unknown): StoredMapping {
  const { format, columns } = (value ?? {}) as { format?: unknown; columns?: unknown };
  if (isMapping.Check(columns)) return { columns };
  return { format: statementFormats.find((one) => one === format) ?? 'auto' };
}

/**
 * Reads a file by a mapping. `today` is the day in Asia/Jakarta on which it was uploaded. Refuses:
 * statement_not_readable, with place and reason.
 */
export async function readByMapping(
  bytes: Buffer,
  mapping: StoredMapping,
  today: string,
): Promise<ParsedStatement> {
  if ('columns' in mapping) {
    // Columns by number fit every delimiter: it has to be one.
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
 * Reads a file whose mapping nobody named: by the one that its account keeps, else by whichever bank's
 * it is. Gives what was read and by which. Refuses: statement_not_readable.
 */
export async function recognise(
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

/** The day in Asia/Jakarta (which has no summer time) at a moment. */
export function dayInJakarta(moment: Date = new Date()): string {
  return new Date(moment.getTime() + 7 * 3_600_000).toISOString().slice(0, 10);
}

/** The day so many days after another, YYYY-MM-DD. */
export function dayAfter(day: string, days: number): string {
  const moment = new Date(`${day}T00:00:00Z`);
  return new Date(moment.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}
