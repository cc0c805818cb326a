/**
 * Types of the statement parser's input and output. The import job and the mapping page use them.
 *
 * Every row with incoming money has exactly one of three outcomes: it is one of `lines`; it is one
 * of `skipped`, with its amount and a reason; or the whole file is refused by `StatementRefused`,
 * with line, cell and reason. Rows without money (headings, footers, blank rows) are `otherRows`.
 *
 * Sums, counts and balances that the file states are compared with the rows. `checks` lists the
 * comparisons. If one fails, the file is refused.
 */
import type { StatementReason } from '../../../errors/wording/statement-reasons.ts';

export type { StatementReason };

/** The number style of a file. `plain`: no amount shows which style the file uses. */
export type NumberStyle = 'dot_thousands' | 'comma_thousands' | 'plain';

/**
 * The order of day, month and year in numeric dates. `ISO`: no date is ambiguous, because the year
 * comes first or the month is a name.
 */
export type DateStyle = 'DMY' | 'MDY' | 'ISO';

export type FileKind = 'csv' | 'tsv' | 'xlsx' | 'mt940' | 'camt053';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

export interface StatementStyle {
  readonly numbers: NumberStyle;
  readonly dates: DateStyle;
  /** The encoding of a text file; `xlsx` for a workbook. */
  readonly encoding: Encoding | 'xlsx';
}

/** A booked incoming transfer in whole rupiah. */
export interface StatementLine {
  /** Number of the line in the text file, or of the row in the sheet, from 1. */
  readonly row: number;
  /** The booking day in Asia/Jakarta, YYYY-MM-DD. */
  readonly day: string;
  /** The time, if the bank states it. */
  readonly time?: Date;
  /** The amount in rupiah, above zero. */
  readonly amount: bigint;
  /** The description of the transfer on one line, at most 400 characters. */
  readonly description: string;
  readonly reference?: string;
  /** The balance of the account after this line, in sen. */
  readonly balanceSen?: bigint;
  /** Number of the bank account that the line belongs to, digits only. */
  readonly accountHint?: string;
}

/** Why a row with money is not a line. `sen`: the amount is not whole rupiah, such as interest. */
export const skipReasons = ['outgoing', 'pending', 'sen', 'no_amount', 'balance'] as const;
export type SkipReason = (typeof skipReasons)[number];

export interface SkippedLine {
  readonly row: number;
  /** The row's cells, shortened to 200 characters. */
  readonly text: string;
  /** The whole rupiah of the amount, without sen. Never negative; `incoming` is the direction. */
  readonly amount: bigint;
  /** The sen of the amount, 0 to 99. */
  readonly sen: number;
  readonly incoming: boolean;
  readonly reason: SkipReason;
}

/** A row below the heading row that states no transfer. */
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

/**
 * A sum, count or balance that the file states and that agrees with its rows. Amounts are in sen.
 */
export interface StatementCheck {
  readonly kind: CheckKind;
  readonly expected: bigint;
  readonly found: bigint;
  readonly ok: true;
}

export interface ParsedStatement {
  /**
   * The id of the mapping with which the file was read; `mt940` or `camt053` for files of these
   * formats.
   */
  readonly mapping: string;
  readonly kind: FileKind;
  readonly style: StatementStyle;
  /** The first and the last day of the period in the file's header, YYYY-MM-DD. */
  readonly period?: { readonly from: string; readonly to: string };
  /** Number of the bank account in the file's header, digits only. */
  readonly account?: string;
  readonly lines: readonly StatementLine[];
  readonly skipped: readonly SkippedLine[];
  readonly otherRows: readonly OtherRow[];
  readonly checks: readonly StatementCheck[];
}

/**
 * A reference to a column: its heading (compared without case, spaces and punctuation) or its index
 * from 0.
 */
export type ColumnRef = string | number;

/**
 * How to read the columns of one bank's table. Built-in mappings are JSON files in `mappings`;
 * operators create others on the mapping page. If a mapping has several columns for one value, the
 * first column that the file has is used. For `description`, the texts of all columns that the file
 * has are joined.
 *
 * The direction of the money comes from `debit` and `credit`, or from `amount` with `mark`, or from
 * the sign of `amount`.
 */
export interface Mapping {
  readonly id: string;
  /** The displayed name, such as `BCA (KlikBCA)`. */
  readonly name: string;
  /** The format with which the import form and the API select this mapping, such as `bca`. */
  readonly bank: string;
  /** The public source of the format; only for built-in mappings. */
  readonly source?: string;
  readonly columns: {
    readonly date: readonly ColumnRef[];
    readonly time?: readonly ColumnRef[];
    readonly description: readonly ColumnRef[];
    readonly amount?: readonly ColumnRef[];
    /**
     * The debit/credit mark. `beside`: it is in the amount's cell or in the cell to the right of
     * that.
     */
    readonly mark?: readonly ColumnRef[] | 'beside';
    readonly debit?: readonly ColumnRef[];
    readonly credit?: readonly ColumnRef[];
    readonly balance?: readonly ColumnRef[];
    readonly reference?: readonly ColumnRef[];
    readonly account?: readonly ColumnRef[];
    readonly currency?: readonly ColumnRef[];
  };
  /** Other headings that a file must have for this mapping to fit. */
  readonly signature?: readonly string[];
  /** Line number of the heading row, from 1. If it is missing, the heading row is searched for. */
  readonly headerRow?: number;
  /** First line of the table, from 1, for files without a heading (columns by index). */
  readonly firstRow?: number;
  readonly numbers?: 'auto' | 'dot_thousands' | 'comma_thousands';
  readonly dates?: 'auto' | 'DMY' | 'MDY';
  /** Words in a mark column in addition to the usual words (CR, K, Kredit, DB, D, Debet …). */
  readonly creditMarks?: readonly string[];
  readonly debitMarks?: readonly string[];
  readonly delimiter?: ',' | ';' | '\t' | '|';
}

export interface ReadOptions {
  /**
   * `auto` uses the built-in mapping that fits the heading row best; a list uses the mapping of the
   * list that fits best.
   */
  readonly mapping: Mapping | readonly Mapping[] | 'auto';
  readonly fileName?: string;
  /**
   * The day of the import in Asia/Jakarta, YYYY-MM-DD; bookings more than a week later are refused.
   */
  readonly today: string;
}

/** Media types of statement uploads; the type of a file is detected from its bytes. */
export const statementMediaTypes = [
  'text/csv',
  'text/tab-separated-values',
  'text/plain',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/xml',
  'text/xml',
  'application/octet-stream',
] as const;

/** A file on the mapping page, before its columns are known. */
export interface TablePreview {
  readonly kind: FileKind;
  readonly delimiter?: string;
  readonly encoding: Encoding | 'xlsx';
  /** The first rows; `row` is the line of the file, from 1. Empty for `mt940` and `camt053`. */
  readonly rows: readonly { readonly row: number; readonly cells: readonly string[] }[];
}
