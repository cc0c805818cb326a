import { Readable } from 'node:stream';

/**
 * One cell of an exported table. An identifier made of digits (account number, telephone number,
 * postal code, reference) is a string, so it stays text. Amounts are numbers, which are exact up to
 * 2^53. Null is an empty cell.
 */
export type Cell = string | number | Date | null;

/**
 * Streams rows as CSV for Excel with Indonesian settings: separated by semicolons, with a byte
 * order mark at the start. Times are in Western Indonesian time.
 *
 * Text that a spreadsheet would run as a formula gets a quote in front (OWASP, CSV injection). Text
 * that it would convert to a number or a date gets a tab in front: otherwise `0012345678` would
 * lose its zeros, and a number of 19 digits its last digits.
 */
export async function csvOf(lines: AsyncIterable<readonly Cell[]>): Promise<Readable> {
  const { stringify } = await import('csv-stringify');
  const cells = async function* () {
    for await (const line of lines) yield line.map(csvCell);
  };
  const source = Readable.from(cells());
  const csv = stringify({
    delimiter: ';',
    bom: true,
    record_delimiter: 'windows',
    // Put such cells in quotes, so that a line break or a semicolon in an address does not end the
    // cell.
    quoted_match: /[;"\r\n\t']/,
  });
  source.once('error', (error) => csv.destroy(error));
  csv.once('close', () => source.destroy());
  return source.pipe(csv);
}

/** Returns a time whose UTC clock shows what the Western Indonesian clock shows at `at`. */
export function onWesternClock(at: Date): Date {
  return new Date(at.getTime() + 7 * 3_600_000);
}

function csvCell(cell: Cell): string | number {
  if (cell === null) return '';
  if (cell instanceof Date)
    return onWesternClock(cell).toISOString().slice(0, 16).replace('T', ' ');
  if (typeof cell === 'number') return cell;
  const text = escapeFormula(cell);
  return looksLikeNumber(text) ? `\t${text}` : text;
}

/**
 * Returns true when a spreadsheet would convert the text to a number, an amount, a date or a time.
 */
function looksLikeNumber(text: string): boolean {
  return /^[\s(]*[\p{Nd}][\p{Nd}\s.,:/()\-+%]*(e[+-]?\d+)?\s*$/iu.test(text);
}

/**
 * Puts a quote before text that a spreadsheet could run as a formula, even after the file was saved
 * again. The check includes the characters that begin a formula, their full-width forms, and
 * characters that may come before them.
 */
export function escapeFormula(cell: string): string {
  return /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠|%]/u.test(cell) || /^[\t\r\n]/.test(cell)
    ? `'${cell}`
    : cell;
}
