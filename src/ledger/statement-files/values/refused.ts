import { DomainError } from '../../../errors/errors.ts';
import type { StatementReason } from '../../../errors/wording/statement-reasons.ts';

/** Where a file stops being readable. */
export interface Place {
  /** Line of the text file or row of the sheet, from 1. */
  readonly line?: number;
  /** Heading of the column. */
  readonly column?: string;
  /** What stands there. */
  readonly cell?: string;
  /** For a comparison that does not hold: what the file says, and what was read. */
  readonly expected?: string;
  readonly found?: string;
}

/** The file is refused as a whole: `statement_not_readable`, with place and reason. */
export class StatementRefused extends DomainError<'statement_not_readable'> {
  constructor(reason: StatementReason, place: Place = {}) {
    const { cell, column, ...rest } = place;
    super('statement_not_readable', {
      reason,
      ...rest,
      ...(column === undefined ? {} : { column: shortened(column, 60) }),
      ...(cell === undefined ? {} : { cell: shortened(cell, 80) }),
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

/** One line of plain text, at most so many characters. */
export function shortened(text: string, max: number): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .toWellFormed();
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`;
}
