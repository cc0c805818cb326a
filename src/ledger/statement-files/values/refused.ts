import { DomainError } from '../../../errors/errors.ts';
import type { StatementReason } from '../../../errors/wording/statement-reasons.ts';

/** The position at which a file becomes unreadable. */
export interface Place {
  /** Number of the line in the text file, or of the row in the sheet, from 1. */
  readonly line?: number;
  /** Heading of the column. */
  readonly column?: string;
  /** The text of the cell. */
  readonly cell?: string;
  /** For a failed check: the value that the file states, and the value that its rows result in. */
  readonly expected?: string;
  readonly found?: string;
}

/** Thrown to refuse a whole file: `statement_not_readable`, with position and reason. */
export class StatementRefused extends DomainError<'statement_not_readable'> {
  constructor(reason: StatementReason, place: Place = {}) {
    const { cell, column, ...rest } = place;
    super('statement_not_readable', {
      reason,
      ...rest,
      ...(column === undefined ? {} : { column: shorten(column, 60) }),
      ...(cell === undefined ? {} : { cell: shorten(cell, 80) }),
    });
    this.name = 'StatementRefused';
  }

  get reason(): StatementReason {
    return this.params.reason;
  }

  get line(): number | undefined {
    return this.params.line;
  }
}

/** Returns a text as plain text on one line, truncated to a maximum length. */
export function shorten(text: string, max: number): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .toWellFormed();
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`;
}
