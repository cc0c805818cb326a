import { define, fixed, type ErrorTable } from './definition.ts';
import type { Wording } from '../wording/language.ts';
import { statementReasons, type StatementReason } from '../wording/statement-reasons.ts';

/** Bank statements: their files, imports and lines. */
export const statementsErrors = {
  statement_not_readable: define<StatementPlace>(
    422,
    { id: 'Mutasi tidak terbaca', en: 'Statement not readable' },
    statementNotReadable,
  ),
  statement_import_not_found: fixed(
    404,
    { id: 'Impor mutasi tidak ditemukan', en: 'Statement import not found' },
    {
      id: 'Berkas ini tidak ada, atau sudah dihapus karena tidak diterapkan. Unggah lagi, ya.',
      en: 'This file does not exist, or was deleted because nobody applied it. Upload it again.',
    },
  ),
  statement_import_started: fixed(
    409,
    { id: 'Impor sudah berjalan', en: 'Import already started' },
    {
      id: 'Berkas ini sudah diterapkan. Lihat kemajuannya di halaman impor.',
      en: 'This file was applied already. See its progress on the page of the import.',
    },
  ),
  statement_line_not_found: fixed(
    404,
    { id: 'Baris mutasi tidak ditemukan', en: 'Statement line not found' },
    {
      id: 'Baris mutasi ini tidak ada. Muat ulang daftarnya, lalu pilih dari sana.',
      en: 'This line of a statement does not exist. Reload the list and choose one from it.',
    },
  ),
  statement_line_handled: fixed(
    409,
    { id: 'Baris mutasi sudah ditangani', en: 'Statement line already handled' },
    {
      id: 'Baris mutasi ini sudah dicocokkan atau diabaikan. Muat ulang daftarnya.',
      en: 'This line was matched or set aside already. Reload the list.',
    },
  ),
  statement_line_not_divided: fixed(
    409,
    { id: 'Transfer belum dibagi', en: 'Transfer not divided yet' },
    {
      id: 'Tentukan dulu pesanan mana yang dibayar transfer ini, lalu catat.',
      en: 'Say first which orders this transfer pays for, then count it.',
    },
  ),
  statement_lines_too_little: define<{
    readonly participation_id: string;
    readonly missing: number;
  }>(409, { id: 'Uangnya belum cukup', en: 'Not enough money' }, ({ missing }) => ({
    id: `Masih kurang ${rupiahWords(missing)} untuk salah satu pesanan. Gabungkan dengan transfer lain, ubah pembagiannya, atau pilih untuk mengembalikan uangnya.`,
    en: `One of the orders is still ${rupiahWords(missing)} short. Put it together with another transfer, divide it in another way, or choose to send the money back.`,
  })),
  statement_parts_exceed_line: define<{ readonly amount: number; readonly parts: number }>(
    409,
    { id: 'Pembagian melebihi transfer', en: 'More than the transfer' },
    ({ amount, parts }) => ({
      id: `Bagian-bagiannya berjumlah ${rupiahWords(parts)}, padahal transfernya ${rupiahWords(amount)}.`,
      en: `The parts add up to ${rupiahWords(parts)}, but the transfer is ${rupiahWords(amount)}.`,
    }),
  ),
} as const satisfies ErrorTable;

/** Where and why a bank statement could not be read. */
interface StatementPlace {
  readonly reason: StatementReason;
  /** Line of the text file or row of the sheet, from 1. */
  readonly line?: number;
  /** The column's heading, and the cell's content. */
  readonly column?: string;
  readonly cell?: string;
  /** For a wrong total or balance: the value in the file, and the computed one. */
  readonly expected?: string;
  readonly found?: string;
}

/** Formats whole rupiah in an error text, in the Indonesian way. */
function rupiahWords(amount: number): string {
  return `Rp${String(amount).replaceAll(/\B(?=(\d{3})+$)/g, '.')}`;
}

function statementNotReadable({ reason, ...place }: StatementPlace): Wording {
  const { line, column, cell, expected, found } = place;
  const inWords = (words: { line: string; column: string; said: string; read: string }) =>
    [
      line !== undefined && `${words.line} ${line}`,
      column !== undefined && `${words.column} “${column}”`,
      cell !== undefined && `“${cell}”`,
      expected !== undefined && `${words.said} ${expected}`,
      found !== undefined && `${words.read} ${found}`,
    ]
      .filter(Boolean)
      .join(', ');
  const at = {
    id: inWords({ line: 'Baris', column: 'kolom', said: 'tertulis', read: 'terbaca' }),
    en: inWords({ line: 'Line', column: 'column', said: 'stated', read: 'read' }),
  };
  const why = statementReasons[reason];
  return {
    id: at.id === '' ? why.id : `${at.id}: ${why.id}`,
    en: at.en === '' ? why.en : `${at.en}: ${why.en}`,
  };
}
