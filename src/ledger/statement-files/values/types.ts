/**
 * What the statement parser promises, to the import job and to the mapping page.
 *
 * Every row with incoming money has exactly one of three outcomes: it is one of `lines`; it is one
 * of `skipped`, with its amount and a reason; or the whole file is refused by `StatementRefused`,
 * with line, cell and reason. Rows without money (headings, foot lines, blank rows) are `otherRows`.
 *
 * Sums, counts and balances that the file itself states are compared with what was read. `checks`
 * lists the comparisons that were made; one that does not hold refuses the file.
 */
import type { StatementReason } from '../../../errors/wording/statement-reasons.ts';

export type { StatementReason };

/** How a file writes amounts. `plain`: no separator was seen in any of them. */
export type NumberStyle = 'dot_thousands' | 'comma_thousands' | 'plain';

/** Order of the parts of numeric dates. `ISO`: none was ambiguous (year first, month by name). */
export type DateStyle = 'DMY' | 'MDY' | 'ISO';

export type FileKind = 'csv' | 'tsv' | 'xlsx' | 'mt940' | 'camt053';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

export interface StatementStyle {
  readonly numbers: NumberStyle;
  readonly dates: DateStyle;
  /** The encoding of a text file; `xlsx` for a workbook. */
  readonly encoding: Encoding | 'xlsx';
}

/** Incoming money: whole rupiah, booked. */
export interface StatementLine {
  /** Line of the text file or row of the sheet, counted from 1. */
  readonly row: number;
  /** YYYY-MM-DD in Asia/Jakarta. */
  readonly day: string;
  /** The moment, where the bank writes a time of day. */
  readonly time?: Date;
  /** Rupiah, above zero. */
  readonly amount: bigint;
  /** At most 400 characters, one line. */
  readonly description: string;
  readonly reference?: string;
  /** The balance of the account after this line, in sen. */
  readonly balanceSen?: bigint;
  /** Number of the account that the line belongs to, digits only. */
  readonly accountHint?: string;
}

/** Why a row with money is not a line. `sen`: the amount is not whole rupiah, such as interest. */
export const skipReasons = ['outgoing', 'pending', 'sen', 'no_amount', 'balance'] as const;
export type SkipReason = (typeof skipReasons)[number];

export interface SkippedLine {
  readonly row: number;
  /** The row's cells, shortened to 200 characters. */
  readonly text: string;
  /** Whole rupiah, without sen; never negative: `incoming` says which way the money went. */
  readonly amount: bigint;
  /** Sen above the whole rupiah, 0 to 99. */
  readonly sen: number;
  readonly incoming: boolean;
  readonly reason: SkipReason;
}

/** A row below the table's heading that states no transfer. */
export interface OtherRow {
  readonly row: number;
  readonly text: string;
  readonly kind: 'heading' | 'summary' | 'text';
}

export const checkKinds = [
  'credit_total',
  'credit_count',
  'debit_total',
  'debit_count',
  'closing_balance',
  'running_balance',
] as const;
export type CheckKind = (typeof checkKinds)[number];

/** A statement of the file about itself that agrees with what was read; amounts in sen. */
export interface StatementCheck {
  readonly kind: CheckKind;
  readonly expected: bigint;
  readonly found: bigint;
  readonly ok: true;
}

export interface ParsedStatement {
  /** Id of the mapping that was used; `mt940` and `camt053` for those formats. */
  readonly mapping: string;
  readonly kind: FileKind;
  readonly style: StatementStyle;
  /** ISO days that the file's head gives, both inclusive. */
  readonly period?: { readonly from: string; readonly to: string };
  /** Number of the account as the file's head gives it, digits only. */
  readonly account?: string;
  readonly lines: readonly StatementLine[];
  readonly skipped: readonly SkippedLine[];
  readonly otherRows: readonly OtherRow[];
  readonly checks: readonly StatementCheck[];
}

/** A column: its heading (compared without case, spaces and signs) or its index from 0. */
export type ColumnRef = string | number;

/**
 * How the columns of one bank's table are read. Data: built-in ones are JSON files in `mappings`,
 * and an operator makes others on a page. Where several columns are named, the first that the
 * file has is taken; of `description` all that it has are joined.
 *
 * Which way the money went is said by `debit` and `credit`, or by `amount` with `mark`, or by the
 * sign of `amount` alone.
 */
export interface Mapping {
  readonly id: string;
  /** What people call it, such as `BCA (KlikBCA)`. */
  readonly name: string;
  /** The choice of the import form and API that this mapping belongs to, such as `bca`. */
  readonly bank: string;
  /** The public evidence that the shape was taken from; built-in mappings only. */
  readonly source?: string;
  readonly columns: {
    readonly date: readonly ColumnRef[];
    readonly time?: readonly ColumnRef[];
    readonly description: readonly ColumnRef[];
    readonly amount?: readonly ColumnRef[];
    /** `beside`: in the amount's cell, or in the cell to its right. */
    readonly mark?: readonly ColumnRef[] | 'beside';
    readonly debit?: readonly ColumnRef[];
    readonly credit?: readonly ColumnRef[];
    readonly balance?: readonly ColumnRef[];
    readonly reference?: readonly ColumnRef[];
    readonly account?: readonly ColumnRef[];
    readonly currency?: readonly ColumnRef[];
  };
  /** Headings that a file must have besides those above to be taken for this bank's by itself. */
  readonly signature?: readonly string[];
  /** Line of the heading, from 1; without it the heading is searched for. */
  readonly headerRow?: number;
  /** First line of the table, from 1, for files without a heading (columns by index). */
  readonly firstRow?: number;
  readonly numbers?: 'auto' | 'dot_thousands' | 'comma_thousands';
  readonly dates?: 'auto' | 'DMY' | 'MDY';
  /** Words in a mark column besides the usual ones (CR, K, Kredit, DB, D, Debet …). */
  readonly creditMarks?: readonly string[];
  readonly debitMarks?: readonly string[];
  readonly delimiter?: ',' | ';' | '\t' | '|';
}

export interface ReadOptions {
  /** `auto`: the built-in mapping whose heading the file has. A list: the one of these. */
  readonly mapping: Mapping | readonly Mapping[] | 'auto';
  readonly fileName?: string;
  /** The day of the import in Asia/Jakarta, YYYY-MM-DD: later days are refused after a week. */
  readonly today: string;
}

/** Media types that statements are uploaded as; what a file is, is found from its bytes. */
export const statementMediaTypes = [
  'text/csv',
  'text/tab-separated-values',
  'text/plain',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/xml',
  'text/xml',
  'application/octet-stream',
] as const;

/** A file as the mapping page shows it before anything is known about its columns. */
export interface TablePreview {
  readonly kind: FileKind;
  readonly delimiter?: string;
  readonly encoding: Encoding | 'xlsx';
  /** The first rows; `row` is the line of the file, from 1. Empty for `mt940` and `camt053`. */
  readonly rows: readonly { readonly row: number; readonly cells: readonly string[] }[];
}
