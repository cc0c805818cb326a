import { figureOf } from '../values/amounts.ts';
import { plain } from './columns.ts';
import type { Mapping, TablePreview } from '../values/types.ts';
import { dateFigureOf } from '../values/date-figure.ts';

type Columns = Mapping['columns'];
type Role = Exclude<keyof Columns, 'mark'> | 'mark';

/**
 * Words that identify the role of a column by its heading, in Indonesian and English. If several
 * roles fit, the first one is used.
 */
const words: readonly (readonly [Role, RegExp])[] = [
  ['currency', /^(?:ccy|currency|matauang)/],
  ['account', /^(?:norek|norekening|nomorrekening|accountno|accountnumber|account$)/],
  ['balance', /(?:saldo|balance)/],
  ['credit', /(?:kredit|credit|masuk|incoming|deposit)/],
  ['debit', /(?:debet|debit|keluar|outgoing|withdrawal)/],
  ['mark', /^(?:dk|dbcr|crdb|drcr|tipe|type|jenis|jenistransaksi)$/],
  ['date', /(?:tanggal|tgl|date)/],
  ['time', /^(?:jam|waktu|time|trxtime)/],
  ['amount', /(?:jumlah|nominal|amount|mutasi|nilai)/],
  ['reference', /(?:ref|journal|jurnal|trxid)/],
  ['description', /(?:keterangan|deskripsi|description|remark|uraian|rincian|detail|berita|memo)/],
];

/**
 * Proposes a mapping to the operator on the mapping page: the heading row, and the columns that it
 * recognises by their headings. Nothing is imported with this mapping until the operator confirms
 * it.
 */
export function guessMapping(rows: TablePreview['rows']): Partial<Mapping> {
  const scored = rows.map(({ row, cells }) => {
    const roles = cells.map(roleOf);
    const known = new Set(roles.filter((role) => role !== undefined));
    const hasFigures = cells.some(
      (cell) => dateFigureOf(cell) !== undefined || typeof figureOf(cell) === 'object',
    );
    return { row, roles, score: hasFigures || !known.has('date') ? 0 : known.size };
  });
  const best = scored.toSorted((a, b) => b.score - a.score)[0];
  if (best === undefined || best.score < 2) return {};
  const columns: Record<string, number[]> = {};
  for (const [index, role] of best.roles.entries()) {
    if (role === undefined) continue;
    const found = (columns[role] ??= []);
    if (found.length === 0 || role === 'description') found.push(index);
  }
  if (columns['credit'] && columns['debit']) delete columns['amount'];
  return { headerRow: best.row, columns: columns as unknown as Columns };
}

function roleOf(heading: string): Role | undefined {
  const name = plain(heading);
  return words.find(([, shape]) => shape.test(name))?.[0];
}
