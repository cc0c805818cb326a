import { Readable } from 'node:stream';

/**
 * One cell of a spreadsheet table. An identifier made of digits (an account, a telephone number, a
 * postal code, a reference) is a string and stays text; amounts are numbers, exact up to 2^53;
 * null is an empty cell.
 */
export type Cell = string | number | Date | null;

/**
 * Streams rows as CSV for Indonesian Excel: semicolons and a byte order mark. A quote prefixes
 * every text that a spreadsheet would run as a formula (OWASP, CSV injection). A tab prefixes text
 * that it would convert to a number or a date: `0012345678` would lose its zeros, a number of 19
 * digits its last ones. Times are in Western Indonesian time.
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
    // Quoted too, so that a line break or a semicolon in an address does not end its cell.
    quoted_match: /[;"\r\n\t']/,
  });
  source.once('error', (error) => csv.destroy(error));
  csv.once('close', () => source.destroy());
  return source.pipe(csv);
}

/** Returns the time whose UTC clock shows the Western Indonesian clock of `at`. */
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
 * Escapes text that a spreadsheet could run as a formula, also after saving it again: covers the
 * leading formula characters, their full-width forms, and characters that may precede them.
 */
export function escapeFormula(cell: string): string {
  return /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠|%]/u.test(cell) || /^[\t\r\n]/.test(cell)
    ? `'${cell}`
    : cell;
}
