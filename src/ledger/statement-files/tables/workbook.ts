import { unzipSync, zipSync } from 'fflate';
import { StatementRefused } from '../values/refused.ts';
import type { TableRow } from './table.ts';

/** Maximum unpacked size of a workbook in bytes, and maximum number of files in its archive. */
const maxUnpackedBytes = 48 * 1024 * 1024;
const maxParts = 200;

/**
 * Matches a cell beyond column CZ or row 99,999. The parser would create all empty cells before it.
 */
const farCell = /\br="(?:[A-Z]{3,}\d+|[D-Z][A-Z]\d+|[A-Z]*\d{6,})"/;

/** True if a file is a zip archive, as every .xlsx file is. */
export function isWorkbook(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).toString('latin1') === 'PK\x03\x04';
}

/**
 * Returns the rows of each sheet of an .xlsx file, as text: numbers with a decimal point, days as
 * YYYY-MM-DD. Refuses: workbook, too_large, not_a_statement (another kind of archive).
 */
export async function readWorkbook(bytes: Buffer): Promise<TableRow[][]> {
  const safe = unpackedWithin(bytes);
  let sheets: { data: unknown[][] }[];
  // The library is loaded for the first workbook.
  const { default: readSheets } = await import('read-excel-file/node');
  try {
    sheets = (await readSheets(safe, {
      trim: false,
      parseNumber: (text: string) => new SheetNumber(text) as never,
    })) as unknown as typeof sheets;
  } catch {
    throw new StatementRefused('workbook');
  }
  return sheets.map(({ data }) => data.map((cells, index) => rowOf(cells, index + 1)));
}

class SheetNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function rowOf(cells: readonly unknown[], row: number): TableRow {
  const numbers = new Set<number>();
  const texts = cells.map((cell, index) => {
    if (cell instanceof SheetNumber) {
      numbers.add(index);
      return decimalText(cell.text);
    }
    if (cell instanceof Date) return dateText(cell);
    return typeof cell === 'string' ? cell.trim() : cell === true ? 'TRUE' : '';
  });
  return numbers.size === 0 ? { row, cells: texts } : { row, cells: texts, numbers };
}

/**
 * Returns a stored number without an exponent. Digits after the sen that are rounding errors of
 * binary fractions are removed.
 */
function decimalText(stored: string): string {
  const value = Number(stored);
  if (/^-?\d{1,17}$/.test(stored) || !Number.isFinite(value)) return stored;
  if (Number.isInteger(value)) return BigInt(value).toString();
  const sen = value.toFixed(2);
  return Math.abs(Number(sen) - value) < 1e-6 ? sen : String(value);
}

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return '';
  const text = new Date(Math.round(date.getTime() / 1000) * 1000).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.slice(0, 19).replace('T', ' ');
}

/**
 * Checks the unpacked size of the files in the archive, and repacks them without compression. The
 * check protects against a zip bomb: a small archive that states a small size but unpacks to a very
 * large one.
 */
function unpackedWithin(bytes: Buffer): Buffer {
  let sum = 0;
  let parts = 0;
  let hasSheet = false;
  let unpacked: ReturnType<typeof unzipSync>;
  try {
    unpacked = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        sum += originalSize;
        parts++;
        if (sum > maxUnpackedBytes || parts > maxParts) {
          throw new StatementRefused('too_large');
        }
        if (name.startsWith('xl/worksheets/')) hasSheet = true;
        return /\.(?:xml|rels)$/i.test(name);
      },
    });
  } catch (error) {
    if (error instanceof StatementRefused) throw error;
    throw new StatementRefused('workbook');
  }
  if (!hasSheet) throw new StatementRefused('not_a_statement');
  for (const [name, part] of Object.entries(unpacked)) {
    if (name.startsWith('xl/worksheets/') && farCell.test(Buffer.from(part).toString('latin1'))) {
      throw new StatementRefused('too_large');
    }
  }
  return Buffer.from(zipSync(unpacked, { level: 0 }));
}
