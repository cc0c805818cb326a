import { Readable } from 'node:stream';

/** One value of a table that people open in a spreadsheet. */
export type Cell = string | number;

/**
 * Lines as CSV for Indonesian Excel: semicolons, a byte order mark, and a quote before whatever a
 * spreadsheet would take for a formula (OWASP, CSV injection). Read as it is sent.
 */
export async function csvOf(lines: AsyncIterable<readonly Cell[]>): Promise<Readable> {
  const { stringify } = await import('csv-stringify');
  const cells = async function* () {
    for await (const line of lines) yield line.map(harmless);
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

/**
 * Text that a spreadsheet does not take for a formula, however it is opened or saved again: the
 * signs that begin one, in their full width too, and what may stand before them.
 */
export function harmless<T extends Cell>(cell: T): T | string {
  if (typeof cell !== 'string') return cell;
  return /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠|%]/u.test(cell) || /^[\t\r\n]/.test(cell)
    ? `'${cell}`
    : cell;
}
