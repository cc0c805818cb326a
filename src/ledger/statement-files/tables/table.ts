import { CsvError, parse } from 'csv-parse/sync';
import { decodeText } from '../values/decode.ts';
import { StatementRefused } from '../values/refused.ts';
import type { Encoding } from '../values/types.ts';
import { isWorkbook, readWorkbook } from './workbook.ts';
import { dateFigureOf } from '../values/date-figure.ts';

export type Delimiter = ',' | ';' | '\t' | '|';
export const delimiters: readonly Delimiter[] = [',', ';', '\t', '|'];

export interface TableRow {
  /** Number of the line in the text file, or of the row in the sheet, from 1. */
  readonly row: number;
  readonly cells: readonly string[];
  /** Indexes of the cells that are numbers in the workbook; their text has a decimal point. */
  readonly numbers?: ReadonlySet<number>;
  /** True if the file ends in this row without a line end, so the row may be truncated. */
  readonly isOpen?: boolean;
}

export type StatementFile =
  | { readonly kind: 'text'; readonly text: string; readonly encoding: Encoding }
  | { readonly kind: 'xml'; readonly text: string; readonly encoding: Encoding }
  | { readonly kind: 'mt940'; readonly text: string; readonly encoding: Encoding }
  | { readonly kind: 'xlsx'; readonly sheets: readonly (readonly TableRow[])[] };

/** The first bytes (magic numbers) of gzip, PNG, JPEG, RAR and 7z files. */
const otherFiles = ['1f8b', '89504e47', 'ffd8ff', '52617221', '377abcaf'];

/**
 * Detects the type of a file from its first bytes. Refuses files without a readable table, with the
 * reason.
 */
export async function openFile(bytes: Buffer): Promise<StatementFile> {
  const start = bytes.subarray(0, 8);
  if (bytes.length === 0) throw new StatementRefused('empty');
  if (isWorkbook(bytes)) return { kind: 'xlsx', sheets: await readWorkbook(bytes) };
  if (start.toString('latin1').startsWith('%PDF')) throw new StatementRefused('pdf');
  const magic = start.toString('hex');
  if (magic === 'd0cf11e0a1b11ae1') throw new StatementRefused('old_excel');
  if (otherFiles.some((known) => magic.startsWith(known))) {
    throw new StatementRefused('not_a_statement');
  }
  const { text, encoding } = decodeText(bytes);
  if (text.trim() === '') throw new StatementRefused('empty');
  const head = text.slice(0, 2000).trimStart();
  if (/^<(?:!doctype html|html|table|body|head|style|meta|div)\b/i.test(head)) {
    throw new StatementRefused('web_page');
  }
  if (head.startsWith('<')) return { kind: 'xml', text, encoding };
  if (/^(?:\{1:|:20:|:25:|:940:)/m.test(head) && /^:6[01][FM]?:/m.test(text)) {
    return { kind: 'mt940', text, encoding };
  }
  return { kind: 'text', text, encoding };
}

/** Maximum length of a row in characters. */
const maxRowChars = 100_000;

/** Returns the rows of a text table. Refuses: quote_not_closed, not_a_statement. */
export function rowsOfText(text: string, delimiter: Delimiter): TableRow[] {
  const records: { record: string[]; info: { lines: number } }[] = [];
  try {
    parse(text, {
      delimiter,
      recordDelimiter: '\n',
      relaxColumnCount: true,
      relaxQuotes: true,
      skipEmptyLines: false,
      maxRecordSize: maxRowChars,
      onRecord: (record: string[], info) => {
        records.push({ record, info: { lines: info.lines } });
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The quotation mark was opened in the row after the last complete row.
    throw new StatementRefused('quote_not_closed', { line: (records.at(-1)?.info.lines ?? 0) + 1 });
  }
  const open = text.endsWith('\n') ? -1 : records.length - 1;
  return records.map(({ record, info }, index) => {
    const breaks = record.reduce((sum, cell) => sum + (cell.match(/\n/g)?.length ?? 0), 0);
    const row = info.lines - breaks;
    if (breaks > 0) refuseSwallowedRows(record, row, delimiter);
    const cells = record.map((cell) => cell.trim());
    return index === open ? { row, cells, isOpen: true } : { row, cells };
  });
}

/**
 * If a quotation mark is not closed, the rows below it become part of one cell, up to the next
 * quotation mark. So this refuses a cell of several lines that looks like rows: it contains
 * delimiters, or one of its lines begins with a date.
 */
function refuseSwallowedRows(cells: readonly string[], row: number, delimiter: Delimiter): void {
  for (const cell of cells) {
    const lines = cell.split('\n');
    if (lines.length < 2) continue;
    const hasRow =
      cell.split(delimiter).length > 2 ||
      lines.slice(1).some((line) => dateFigureOf(line.split(delimiter)[0]!) !== undefined);
    if (hasRow) throw new StatementRefused('quote_not_closed', { line: row, cell });
  }
}

/**
 * Returns the delimiter that splits the first lines into the most columns, for a file of unknown
 * format.
 */
export function likelyDelimiter(text: string): Delimiter {
  const head = text.split('\n', 60).join('\n');
  let best: Delimiter = ',';
  let most = 0;
  for (const delimiter of delimiters) {
    let widths: number[];
    try {
      widths = rowsOfText(head, delimiter).map(({ cells }) => cells.length);
    } catch {
      continue;
    }
    const score = widths.filter((width) => width > 2).reduce((sum, width) => sum + width, 0);
    if (score > most) [best, most] = [delimiter, score];
  }
  return best;
}
