import Type from 'typebox';
import { choice, closed, Id, nullable, Rupiah, Timestamp } from '../../http/schemas.ts';
import { statementFormats, type ParsedStatement } from '../statement-files/parse.ts';
import { importStates, type ImportRow } from './import-queries.ts';
import { candidateReasons, type Candidate } from './candidates.ts';
import type { DividedLine } from './lines.ts';
import { MappingSchema, storedMappingOf, type StoredMapping } from './mapping.ts';
import { statementLineStatuses } from './queries.ts';
import type { PreviewedLine, StatementPreview } from './preview.ts';

const Day = Type.String({ description: 'A day in Asia/Jakarta, YYYY-MM-DD' });
/** The format of a file, if the caller chooses one. */
export const Format = Type.Optional(choice(statementFormats));

const Count = Type.Integer({ minimum: 0 });

const Candidates = Type.Array(
  closed({
    reason: choice(candidateReasons),
    named: Type.Boolean({ description: 'The description names the buyer' }),
    parts: Type.Array(closed({ participation_id: Id, amount: Rupiah })),
    lines: Type.Array(Id, { description: 'Other lines that pay for it together with this one' }),
    difference: Rupiah,
  }),
  { description: 'Candidates of an open line, most likely first; they have no effect' },
);

export const StatementLineSchema = closed(
  {
    id: Id,
    account_id: Id,
    booked_on: Day,
    booked_at: nullable(Timestamp),
    amount: Rupiah,
    description: Type.String(),
    reference: nullable(Type.String()),
    status: choice(statementLineStatuses),
    campaign_id: nullable(Id),
    participation_id: nullable(
      Type.String({ format: 'uuid', description: 'Null for a divided line: see `parts`' }),
    ),
    outcome: nullable(Type.String()),
    duplicate_of: nullable(
      Type.String({ format: 'uuid', description: 'A line that may be the same transfer' }),
    ),
    parts: Type.Array(
      closed({
        campaign_id: Id,
        participation_id: Id,
        amount: Rupiah,
        outcome: nullable(Type.String()),
      }),
      {
        description:
          'The participations that the line pays for; without an outcome until it is settled',
      },
    ),
    candidates: Type.Optional(Candidates),
    imported_at: Timestamp,
    handled_at: nullable(Timestamp),
  },
  { title: 'StatementLine' },
);

const outcomes = ['match', 'ambiguous', 'unmatched', 'known', 'doubtful'] as const;

export const StatementSchema = closed(
  {
    applied: Type.Boolean({ description: 'False for a preview, which changes nothing' }),
    import_id: Type.Optional(Id),
    added: Type.Integer({ description: 'New transfers' }),
    skipped: Type.Integer({ description: 'Rows with an amount that are not incoming transfers' }),
    matched: Count,
    unmatched: Count,
    ambiguous: Count,
    lines: Type.Array(
      closed({
        row: Type.Integer({ description: 'Line of the file, from 1' }),
        booked_on: Day,
        amount: Rupiah,
        description: Type.String(),
        outcome: choice(outcomes),
        participation_id: nullable(Id),
      }),
      { description: 'For a preview: the effect on each transfer' },
    ),
  },
  { title: 'StatementResult' },
);

const Mapping = Type.Union([closed({ format: Type.String() }), closed({ columns: MappingSchema })]);

export const ImportSchema = closed(
  {
    id: Id,
    account_id: Id,
    state: choice(importStates),
    file_name: Type.String(),
    mapping: Mapping,
    through: nullable(Day),
    total_lines: Count,
    stored_lines: Type.Integer({ description: 'Processed lines of the file' }),
    added: Type.Integer({ description: 'New transfers among these' }),
    doubtful: Type.Integer({
      description: 'New lines that may be duplicates; a person must check them',
    }),
    skipped: Count,
    to_match: Type.Integer({ description: 'Open lines that matched a payment' }),
    matched: Count,
    error: nullable(Type.Object({}, { additionalProperties: true })),
    created_at: Timestamp,
    started_at: nullable(Timestamp),
    finished_at: nullable(Timestamp),
  },
  { title: 'StatementImport' },
);

export const UploadPreviewSchema = closed(
  {
    mapping: Mapping,
    kind: Type.String(),
    style: closed({
      numbers: choice(['dot_thousands', 'comma_thousands', 'plain']),
      dates: choice(['DMY', 'MDY', 'ISO']),
      encoding: Type.String(),
    }),
    period: nullable(closed({ from: Day, to: Day })),
    account: nullable(Type.String({ description: 'The account number in the file' })),
    lines: StatementSchema.properties.lines,
    skipped: Type.Array(
      closed({
        row: Type.Integer(),
        text: Type.String(),
        amount: Rupiah,
        sen: Type.Integer(),
        incoming: Type.Boolean(),
        reason: Type.String(),
      }),
      { description: 'Rows with an amount that are not incoming transfers, with the reason' },
    ),
    checks: Type.Array(closed({ kind: Type.String() }), {
      description: 'Totals, counts and balances of the file that agree with what was read',
    }),
  },
  { title: 'StatementUploadPreview' },
);

export const TableSchema = closed(
  {
    kind: Type.String(),
    encoding: Type.String(),
    delimiter: nullable(Type.String()),
    rows: Type.Array(closed({ row: Type.Integer(), cells: Type.Array(Type.String()) })),
    guess: Type.Object({}, { additionalProperties: true }),
  },
  { title: 'StatementTable' },
);

export function statementLineOf(
  line: DividedLine & { readonly candidates?: readonly Candidate[] },
) {
  const { line_id: id, parts, candidates, ...rest } = line;
  return {
    id,
    ...rest,
    parts: parts.map(({ campaign_id, participation_id, amount, outcome }) => ({
      campaign_id,
      participation_id,
      amount,
      outcome,
    })),
    ...(candidates === undefined
      ? {}
      : {
          candidates: candidates.map((one) => ({
            ...one,
            parts: [...one.parts],
            lines: [...one.lines],
          })),
        }),
  };
}

/**
 * Returns the mapping of an import for a response, without properties that the schema does not
 * have.
 */
const mappingOf = (value: unknown): StoredMapping => storedMappingOf(value);

export function importOf(row: ImportRow) {
  const { import_id: id, account_id, state, file_name, total_lines, stored_lines, to_match } = row;
  const { created_at, started_at, finished_at } = row;
  return {
    id,
    account_id,
    state,
    file_name,
    mapping: mappingOf(row.mapping),
    through: row.stated_through,
    total_lines,
    stored_lines,
    added: row.added_lines,
    doubtful: row.doubtful_lines,
    skipped: row.skipped_lines,
    to_match,
    matched: row.matched_lines,
    error: row.error as object | null,
    created_at,
    started_at,
    finished_at,
  };
}

/** Converts a preview to an API response. */
export function previewOf({ parsed, mapping, lines }: StatementPreview) {
  const { kind, style, period, account, skipped, checks } = parsed;
  return {
    mapping,
    kind,
    style,
    period: period ?? null,
    account: account ?? null,
    lines: [...lines],
    skipped: [...skipped],
    checks: checks.map(({ kind: what }) => ({ kind: what })),
  };
}

/** Builds the response of the route that imports a file at once, from the preview. */
export function resultOf(lines: readonly PreviewedLine[], { skipped }: ParsedStatement) {
  const count = (word: PreviewedLine['outcome']) =>
    lines.filter(({ outcome }) => outcome === word).length;
  return {
    applied: false,
    added: lines.length - count('known'),
    skipped: skipped.length,
    matched: count('match'),
    unmatched: count('unmatched') + count('doubtful'),
    ambiguous: count('ambiguous'),
    lines: [...lines],
  };
}
