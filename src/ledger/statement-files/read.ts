import { numberStyleOf, senOf, type PlacedFigure } from './values/amounts.ts';
import { checkAll, type ReadEntry } from './checks.ts';
import { locate, plain, type Located } from './tables/columns.ts';
import { readCamt053 } from './camt053.ts';
import { dateStyleOf, dayOf, hasClocks, refuseFarDay } from './values/dates.ts';
import { builtInMappings } from './tables/mappings.ts';
import { readMt940 } from './mt940.ts';
import { skippedLine, sortOutcomes } from './outcomes.ts';
import { StatementRefused } from './values/refused.ts';
import { sortRows, textOf, type RawEntry, type RawTable } from './tables/rows.ts';
import {
  delimiters,
  likelyDelimiter,
  openFile,
  rowsOfText,
  type Delimiter,
  type StatementFile,
  type TableRow,
} from './tables/table.ts';
import type { Summary } from './tables/summaries.ts';
import type {
  DateStyle,
  FileKind,
  Mapping,
  NumberStyle,
  ParsedStatement,
  ReadOptions,
  SkippedLine,
  TablePreview,
} from './values/types.ts';
import type { DateFigure } from './values/date-figure.ts';
import type { Period } from './values/periods.ts';

/** Maximum number of transactions in one file. */
export const maxStatementRows = 20_000;

/**
 * Parses a bank statement in the current thread. For 20,000 rows this needs about a second. Refuses
 * a file by throwing `StatementRefused` (statement_not_readable).
 */
export async function readHere(bytes: Buffer, options: ReadOptions): Promise<ParsedStatement> {
  const file = await openFile(bytes);
  if (file.kind === 'mt940') return withinDays(readMt940(file.text, file.encoding), options.today);
  if (file.kind === 'xml') return withinDays(readCamt053(file.text, file.encoding), options.today);
  const { rows, located, kind } = find(file, candidatesOf(options.mapping));
  return readTable(rows, located, file, kind, options.today);
}

function withinDays(parsed: ParsedStatement, today: string): ParsedStatement {
  if (parsed.lines.length > maxStatementRows) throw new StatementRefused('too_many_lines');
  for (const { day, row } of parsed.lines) refuseFarDay(day, today, { line: row, cell: day });
  return parsed;
}

function candidatesOf(mapping: ReadOptions['mapping']): readonly Mapping[] {
  if (mapping === 'auto') return builtInMappings;
  return Array.isArray(mapping) ? mapping : [mapping as Mapping];
}

type Table = Extract<StatementFile, { kind: 'text' | 'xlsx' }>;

/** Returns the table of a file, and the mapping that fits its heading best. */
function find(file: Table, mappings: readonly Mapping[]) {
  const tables =
    file.kind === 'xlsx'
      ? file.sheets.map((rows) => ({ rows, kind: 'xlsx' as const, whole: () => rows }))
      : textTables(file.text, mappings);
  const found = tables.flatMap(({ rows, kind, whole }) => {
    const fits = mappings.flatMap((mapping) => locate(rows, mapping) ?? []);
    const best = fits.toSorted((a, b) => b.score - a.score)[0];
    return best ? [{ located: best, kind, whole }] : [];
  });
  if (file.kind === 'xlsx' && found.length > 1) throw new StatementRefused('several_sheets');
  const best = found.toSorted((a, b) => b.located.score - a.located.score)[0];
  if (best === undefined) {
    // If an unclosed quotation mark hides the heading, this call throws quote_not_closed, which is
    // more exact than heading_not_found.
    if (file.kind === 'text') rowsOfText(file.text, likelyDelimiter(file.text));
    throw new StatementRefused('heading_not_found');
  }
  return { rows: best.whole(), located: best.located, kind: best.kind };
}

/** Returns the first lines of a text as one table for each delimiter that occurs in it. */
function textTables(text: string, mappings: readonly Mapping[]) {
  const given = mappings.map(({ delimiter }) => delimiter);
  const wanted = given.includes(undefined)
    ? delimiters
    : delimiters.filter((one) => given.includes(one));
  const head = text.split('\n', 150).join('\n');
  return wanted
    .filter((delimiter) => head.includes(delimiter))
    .map((delimiter) => ({
      rows: headRows(head, delimiter),
      kind: delimiter === '\t' ? ('tsv' as const) : ('csv' as const),
      whole: () => tableRows(text, delimiter),
    }));
}

/**
 * Returns the rows of a table, without the `sep=` line with which spreadsheet programs state the
 * delimiter.
 */
function tableRows(text: string, delimiter: Delimiter): TableRow[] {
  return rowsOfText(text, delimiter).filter(({ cells }) => !/^sep=.?$/i.test(cells.join('')));
}

/**
 * Parses the beginning of a text. It may end inside quotation marks; then only the lines before the
 * opening quotation mark are parsed.
 */
function headRows(head: string, delimiter: Delimiter): TableRow[] {
  for (let lines = head.split('\n'); lines.length > 0; lines = lines.slice(0, -1)) {
    try {
      return tableRows(lines.join('\n'), delimiter);
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error;
    }
  }
  return [];
}

function readTable(
  rows: readonly TableRow[],
  located: Located,
  file: Table,
  kind: FileKind,
  today: string,
): ParsedStatement {
  const { mapping, columns } = located;
  const raw = sortRows(rows, located);
  if (raw.entries.length > maxStatementRows) throw new StatementRefused('too_many_lines');
  const account = accountOf(rows, located, raw);
  refuseOtherCurrencies(rows, located, raw);
  const numbers = numberStyleOf(figuresOf(raw), mapping.numbers);
  const period = wholePeriod(raw.periods);
  const written = raw.entries.flatMap(({ date }) => date ?? []);
  const dates = dateStyleOf(written, mapping.dates ?? 'auto', { period, today });
  const isTimed = hasClocks(written);
  const read = raw.entries
    .filter(({ states }) => states === undefined)
    .map((entry) => ({ entry, ...moneyIn(entry, numbers) }));
  const checks = checkAll(read, [...raw.summaries, ...raw.entries.flatMap(statedIn)], numbers);
  const transactions = read.map(({ entry, row, sen, isPending, balance }) => ({
    row,
    text: textOf(entry.row),
    sen,
    isPending,
    ...(isPending ? {} : datedBy(entry, dates, { today, isTimed })),
    description: entry.description,
    reference: entry.row.cells[columns.reference] ?? '',
    ...(balance === undefined ? {} : { balance }),
    ...(account === undefined ? {} : { account }),
  }));
  const { lines, skipped } = sortOutcomes(transactions);
  const balances = raw.entries.flatMap((entry) => balanceRow(entry, numbers));
  return {
    mapping: mapping.id,
    kind,
    style: { numbers, dates, encoding: file.kind === 'xlsx' ? 'xlsx' : file.encoding },
    ...(period === undefined ? {} : { period }),
    ...(account === undefined ? {} : { account }),
    lines,
    skipped: [...skipped, ...balances].toSorted((a, b) => a.row - b.row),
    otherRows: raw.otherRows,
    checks,
  };
}

/** Returns the balance of a dated row that states a balance instead of a transaction. */
function statedIn({ states, balance, row }: RawEntry): Summary[] {
  if (states === undefined || balance === undefined) return [];
  const cell = balance.place.cell ?? '';
  return [{ kind: states, row: row.row, figure: balance.figure, cell }];
}

function balanceRow({ states, balance, row }: RawEntry, numbers: NumberStyle): SkippedLine[] {
  if (states === undefined || balance === undefined) return [];
  const sen = -senOf(balance, numbers);
  return [skippedLine({ row: row.row, text: textOf(row), sen }, 'balance')];
}

function figuresOf({ entries, summaries }: RawTable): PlacedFigure[] {
  return [
    ...entries.flatMap(({ money, balance }) => [money, balance].filter((one) => one !== undefined)),
    ...summaries.map(({ figure, row, cell }) => ({ figure, place: { line: row, cell } })),
  ];
}

function moneyIn({ money, balance, row, date, repaired }: RawEntry, style: NumberStyle): ReadEntry {
  const size = money === undefined ? 0n : senOf(money, style);
  const held = balance && senOf(balance, style) * (isOverdrawn(balance) ? -1n : 1n);
  return {
    row: row.row,
    sen: money?.direction === 'debit' ? -size : size,
    isPending: date === undefined,
    repaired,
    ...(held === undefined ? {} : { balance: held }),
  };
}

function isOverdrawn({ figure }: PlacedFigure): boolean {
  return figure.negative || figure.mark === 'debit';
}

function datedBy(
  entry: RawEntry,
  style: DateStyle,
  { today, isTimed }: { readonly today: string; readonly isTimed: boolean },
) {
  const { date, place } = entry.date!;
  const { clock, offset, ...day } = date;
  const own = clock === undefined || !isTimed ? (entry.clock ?? {}) : { clock, offset };
  return dayOf({ date: { ...day, ...own } as DateFigure, place }, style, {
    period: entry.period,
    today,
  });
}

function wholePeriod(periods: readonly Period[]): Period | undefined {
  const [from] = periods.map((period) => period.from).toSorted();
  const to = periods
    .map((period) => period.to)
    .toSorted()
    .at(-1);
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** Returns the bank account that the file states. Refuses: several_accounts. */
function accountOf(
  rows: readonly TableRow[],
  { columns, first }: Located,
  { entries }: RawTable,
): string | undefined {
  const digits = (text: string) => text.replaceAll(/\D/g, '');
  const own = columns.account === -1 ? [] : entries;
  const inRows = own.map(({ row }) => digits(row.cells[columns.account] ?? ''));
  const known = new Set(inRows.filter((number) => number !== ''));
  if (known.size > 1) throw new StatementRefused('several_accounts');
  const label = /(?:no(?:mor)?\.? ?rek(?:ening)?|account ?(?:no|number)|norek)\b/i;
  for (const { cells } of rows.slice(0, first - 1)) {
    const text = cells.join(' ');
    const at = label.exec(text);
    const number = at && /\d[\d .-]{4,24}\d/.exec(text.slice(at.index));
    if (number) known.add(digits(number[0]));
  }
  return [...known][0];
}

/** Refuses an account that is not in rupiah: currency. */
function refuseOtherCurrencies(
  rows: readonly TableRow[],
  { columns, first }: Located,
  { entries }: RawTable,
): void {
  const isRupiah = (text: string) => ['', 'rp', 'idr', 'rupiah', 'rupiahidr'].includes(plain(text));
  for (const { row } of columns.currency === -1 ? [] : entries) {
    const cell = row.cells[columns.currency] ?? '';
    if (!isRupiah(cell)) throw new StatementRefused('currency', { line: row.row, cell });
  }
  for (const { row, cells } of rows.slice(0, Math.max(first - 1, 0))) {
    const text = cells.filter((cell) => cell !== '').join(' ');
    const found = /(?:mata uang|currency)[^:=]*[:=]\s*([A-Za-z]{2,10})/i.exec(text)?.[1];
    if (found !== undefined && !isRupiah(found)) {
      throw new StatementRefused('currency', { line: row, cell: found });
    }
  }
}

/**
 * Returns the first rows of a file as cells, for the page on which an operator maps the columns.
 */
export async function previewTable(bytes: Buffer, maxRows = 40): Promise<TablePreview> {
  const file = await openFile(bytes);
  if (file.kind === 'xlsx') {
    const rows = file.sheets.toSorted((a, b) => b.length - a.length)[0] ?? [];
    return { kind: 'xlsx', encoding: 'xlsx', rows: rows.slice(0, maxRows) };
  }
  if (file.kind !== 'text') {
    return { kind: file.kind === 'xml' ? 'camt053' : 'mt940', encoding: file.encoding, rows: [] };
  }
  const delimiter = likelyDelimiter(file.text);
  const rows = headRows(file.text.split('\n', maxRows).join('\n'), delimiter);
  const kind = delimiter === '\t' ? 'tsv' : 'csv';
  return { kind, delimiter, encoding: file.encoding, rows };
}
