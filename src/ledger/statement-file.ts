import { hash } from 'node:crypto';
import {
  mappingsOf,
  readStatement,
  type ParsedStatement,
  type StatementFormat,
} from './bank-statements/parse.ts';

export { statementFormats, type StatementFormat } from './bank-statements/parse.ts';

/** The most bytes of a statement. */
export const statementLimitBytes = 2 * 1024 * 1024;

/** One transfer to an account, as a statement shows it. */
export interface Transfer {
  /** YYYY-MM-DD. */
  readonly bookedOn: string;
  readonly amount: bigint;
  readonly description: string;
  /** 32 bytes over day, amount, description, and which of equal ones it is. */
  readonly fingerprint: Buffer;
}

export interface StatementFile {
  readonly transfers: readonly Transfer[];
  /** Rows with money that are no transfer of whole rupiah to us: debits, pending ones, interest. */
  readonly skipped: number;
  readonly parsed?: ParsedStatement;
}

/** Reads a bank's file by a format's mappings. Refuses: statement_not_readable. */
export async function readStatementFile(
  bytes: Buffer,
  format: StatementFormat,
  today = todayInJakarta(),
): Promise<StatementFile> {
  const parsed = await readStatement(bytes, { mapping: mappingsOf(format), today });
  const seen = new Map<string, number>();
  const transfers = parsed.lines.map(({ day: bookedOn, amount, description }) => {
    const key = `${bookedOn}|${amount}|${description.toLowerCase()}`;
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return {
      bookedOn,
      amount,
      description,
      fingerprint: hash('sha256', `${key}|${nth}`, 'buffer'),
    };
  });
  return { transfers, skipped: parsed.skipped.length, parsed };
}

/** The day in Asia/Jakarta, which has no summer time. */
export function todayInJakarta(): string {
  return new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
}
