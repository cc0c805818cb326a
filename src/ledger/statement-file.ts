import { hash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { DomainError } from '../errors.ts';
import bca from './formats/bca.json' with { type: 'json' };
import generic from './formats/generic.json' with { type: 'json' };
import mandiri from './formats/mandiri.json' with { type: 'json' };
import { parseRupiah, type NumberStyle } from './rupiah.ts';

/** How a bank's export is read; each is a file of data in `formats`. */
interface Format {
  readonly name: string;
  readonly delimiters: readonly string[];
  readonly date: Column & { readonly order: string };
  /** Those that the file has are joined. */
  readonly description: { readonly columns: readonly string[] };
  readonly amount: Column & { readonly decimal: string; readonly thousands: string };
  /** A transfer to us has this mark in one of so many cells, counted from a column on. */
  readonly credit?: { readonly from: string; readonly cells: number; readonly mark: string };
}

interface Column {
  readonly column: string;
  readonly aliases?: readonly string[];
}

export const statementFormats = ['generic', 'bca', 'mandiri'] as const;
export type StatementFormat = (typeof statementFormats)[number];
const formats: Record<StatementFormat, Format> = { generic, bca, mandiri };

/** The most bytes of a statement, and the most transfers in one. */
export const statementLimitBytes = 2 * 1024 * 1024;
const mostLines = 20_000;

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
  /** Lines that are no transfer of whole rupiah to us: debits, interest. */
  readonly skipped: number;
}

/**
 * Reads a bank's CSV. Before the header and after the last transfer it may hold anything. Refuses:
 * statement_not_readable, with the line that does not fit.
 */
export function readStatement(csv: string, name: StatementFormat): StatementFile {
  const format = formats[name];
  const { rows, header, startsAt } = locate(csv, format);
  const columns = columnsOf(header, format);
  const seen = new Map<string, number>();
  const transfers: Transfer[] = [];
  let skipped = 0;
  for (const [index, row] of rows.entries()) {
    const day = dayOf(row[columns.date], format.date.order);
    // Totals and balances below the transfers have no day.
    if (day === undefined && !/\d/.test(row[columns.date] ?? '')) continue;
    const amount = amountOf(row, columns, format);
    if (day === undefined || amount === undefined) throw unreadable(startsAt + index);
    if (amount === 'skip' || amount <= 0n) {
      skipped++;
      continue;
    }
    const description = describe(row, columns.descriptions);
    const key = `${day}|${amount}|${description.toLowerCase()}`;
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    const fingerprint = hash('sha256', `${key}|${nth}`, 'buffer');
    transfers.push({ bookedOn: day, amount, description, fingerprint });
    if (transfers.length > mostLines) throw unreadable(startsAt + index);
  }
  return { transfers, skipped };
}

/** The rows below the header; `startsAt` is the first one's line, counted from 1. */
function locate(csv: string, format: Format) {
  for (const delimiter of format.delimiters) {
    const rows = rowsOf(csv, delimiter);
    const at = rows.findIndex(
      (row) => find(row, format.date) !== -1 && find(row, format.amount) !== -1,
    );
    if (at !== -1) return { rows: rows.slice(at + 1), header: rows[at]!, startsAt: at + 2 };
  }
  throw unreadable(1);
}

function rowsOf(csv: string, delimiter: string): string[][] {
  try {
    return parse(csv, {
      bom: true,
      delimiter,
      relaxColumnCount: true,
      relaxQuotes: true,
      skipEmptyLines: false,
      trim: true,
    });
  } catch {
    throw unreadable(1);
  }
}

interface Columns {
  readonly date: number;
  readonly amount: number;
  readonly descriptions: readonly number[];
  readonly credit: number;
}

function columnsOf(header: readonly string[], format: Format): Columns {
  const wanted = format.description.columns.map(plain);
  return {
    date: find(header, format.date),
    amount: find(header, format.amount),
    descriptions: header.flatMap((cell, index) => (wanted.includes(plain(cell)) ? [index] : [])),
    credit: format.credit ? find(header, { column: format.credit.from }) : -1,
  };
}

function find(row: readonly string[], { column, aliases = [] }: Column): number {
  const names = [column, ...aliases].map(plain);
  return row.findIndex((cell) => names.includes(plain(cell)));
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '');

/** The amount of a transfer to us; 'skip' for a line that is none; undefined for no number. */
function amountOf(row: readonly string[], columns: Columns, { amount, credit }: Format) {
  const cell = row[columns.amount] ?? '';
  if (credit) {
    const cells = row.slice(columns.credit, columns.credit + credit.cells).join(' ');
    if (!cells.split(/\s+/).includes(credit.mark)) return 'skip';
  }
  if (cell === '') return 'skip';
  const figure = credit ? cell.replace(credit.mark, '') : cell;
  const value = parseRupiah(figure, amount as NumberStyle);
  // Sen are interest: a number, but no transfer.
  if (value === undefined) return /^-?[\d.,\s]+$/.test(figure) ? 'skip' : undefined;
  return value;
}

function dayOf(cell: string | undefined, order: string): string | undefined {
  const parts = /^'?(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})\b/.exec(cell ?? '')?.slice(1);
  if (parts === undefined) return undefined;
  const [year = '', month = '', day = ''] = order === 'YMD' ? parts : parts.toReversed();
  const text = `${year.length === 2 ? `20${year}` : year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const moment = new Date(`${text}T00:00:00Z`);
  if (!/^20\d\d-/.test(text) || isNaN(moment.getTime())) return undefined;
  return moment.toISOString().slice(0, 10) === text ? text : undefined;
}

function describe(row: readonly string[], columns: readonly number[]): string {
  const words = columns.map((column) => row[column] ?? '').join(' ');
  return words.replaceAll('\0', '').replaceAll(/\s+/g, ' ').trim().toWellFormed().slice(0, 400);
}

function unreadable(line: number) {
  return new DomainError('statement_not_readable', { line });
}
