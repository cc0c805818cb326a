import { Readable } from 'node:stream';

/**
 * One value of a table that people open in a spreadsheet. A number that is a name (an account, a
 * telephone number, a postal code, a reference) is a string and stays one; sums are numbers, exact
 * up to 2^53; null is an empty cell.
 */
export type Cell = string | number | Date | null;

/**
 * Lines as CSV for Indonesian Excel: semicolons, a byte order mark, a quote before whatever a
 * spreadsheet would take for a formula (OWASP, CSV injection), and a tab before text that it would
 * turn into a number or a date: `0012345678` would lose its zeros, a number of 19 digits its last
 * ones. Moments are in Western Indonesian time. Read as it is sent.
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
    // Quoted too, so that neither a break nor a semicolon in an address ends its cell.
    quoted_match: /[;"\r\n\t']/,
  });
  source.once('error', (error) => csv.destroy(error));
  csv.once('close', () => source.destroy());
  return source.pipe(csv);
}

/** The moment whose clock in UTC shows what the one in Western Indonesia shows at `at`. */
export function onWesternClock(at: Date): Date {
  return new Date(at.getTime() + 7 * 3_600_000);
}

function csvCell(cell: Cell): string | number {
  if (cell === null) return '';
  if (cell instanceof Date)
    return onWesternClock(cell).toISOString().slice(0, 16).replace('T', ' ');
  if (typeof cell === 'number') return cell;
  const text = harmless(cell);
  return looksLikeNumber(text) ? `\t${text}` : text;
}

/** Whether a spreadsheet would make a number, a sum, a date or a time of it. */
function looksLikeNumber(text: string): boolean {
  return /^[\s(]*[\p{Nd}][\p{Nd}\s.,:/()\-+%]*(e[+-]?\d+)?\s*$/iu.test(text);
}

/**
 * Text that a spreadsheet does not take for a formula, however it is opened or saved again: the
 * signs that begin one, in their full width too, and what may stand before them.
 */
export function harmless(cell: string): string {
  return /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠|%]/u.test(cell) || /^[\t\r\n]/.test(cell)
    ? `'${cell}`
    : cell;
}
