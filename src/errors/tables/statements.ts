import { rupiah } from '../../i18n/format.ts';
import { joinValues } from '../../i18n/messages.ts';
import { type Wording, wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';
import { statementReasons, type StatementReason } from '../wording/statement-reasons.ts';

/** Errors about bank statements: their files, imports and lines. */
export const statementsErrors = {
  statement_not_readable: define<StatementPlace>(
    422,
    wording('errors.statement_not_readable.title'),
    statementNotReadable,
  ),
  statement_import_not_found: fixed(
    404,
    wording('errors.statement_import_not_found.title'),
    wording('errors.statement_import_not_found.detail'),
  ),
  statement_import_started: fixed(
    409,
    wording('errors.statement_import_started.title'),
    wording('errors.statement_import_started.detail'),
  ),
  statement_line_not_found: fixed(
    404,
    wording('errors.statement_line_not_found.title'),
    wording('errors.statement_line_not_found.detail'),
  ),
  statement_line_handled: fixed(
    409,
    wording('errors.statement_line_handled.title'),
    wording('errors.statement_line_handled.detail'),
  ),
  statement_line_not_divided: fixed(
    409,
    wording('errors.statement_line_not_divided.title'),
    wording('errors.statement_line_not_divided.detail'),
  ),
  statement_lines_too_little: define<{
    readonly participation_id: string;
    readonly missing: number;
  }>(409, wording('errors.statement_lines_too_little.title'), ({ missing }) =>
    wording('errors.statement_lines_too_little.detail', { missing: rupiah(missing) }),
  ),
  statement_parts_exceed_line: define<{ readonly amount: number; readonly parts: number }>(
    409,
    wording('errors.statement_parts_exceed_line.title'),
    ({ amount, parts }) =>
      wording('errors.statement_parts_exceed_line.detail', {
        parts: rupiah(parts),
        amount: rupiah(amount),
      }),
  ),
} as const satisfies ErrorTable;

/** The place in a bank statement that could not be read, and the reason. */
interface StatementPlace {
  readonly reason: StatementReason;
  /** Number of the line in a text file, or of the row in a spreadsheet. The first one is 1. */
  readonly line?: number;
  /** The heading of the column, and the content of the cell. */
  readonly column?: string;
  readonly cell?: string;
  /** The value in the file and the computed value, if a total or balance in the file is wrong. */
  readonly expected?: string;
  readonly found?: string;
}

function statementNotReadable({ reason, ...at }: StatementPlace): Wording {
  const { line, column, cell, expected, found } = at;
  const places = [
    line === undefined ? undefined : wording('errors.statement_not_readable.line', { line }),
    column === undefined ? undefined : wording('errors.statement_not_readable.column', { column }),
    cell === undefined ? undefined : `“${cell}”`,
    expected === undefined
      ? undefined
      : wording('errors.statement_not_readable.expected', { expected }),
    found === undefined ? undefined : wording('errors.statement_not_readable.found', { found }),
  ].filter((place) => place !== undefined);
  const why = statementReasons[reason];
  if (places.length === 0) return why;
  return wording('errors.statement_not_readable.detail', { place: joinValues(places), why });
}
