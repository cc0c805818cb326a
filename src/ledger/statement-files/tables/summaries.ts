import { figureOf, isAmount, type Figure } from '../values/amounts.ts';
import { plain, type Columns } from './columns.ts';
import type { TableRow } from './table.ts';

/** The kind of a sum, count or balance that a header or footer row states for the whole file. */
export type SummaryKind =
  | 'opening'
  | 'closing'
  | 'credits'
  | 'debits'
  /**
   * Either the sum or the number of transactions: `Jumlah Transaksi` can mean both, depending on
   * the bank.
   */
  | 'creditsOrCount'
  | 'debitsOrCount'
  | 'total'
  | 'other';

export interface Summary {
  readonly kind: SummaryKind;
  readonly row: number;
  readonly figure: Figure;
  readonly cell: string;
  /** The number of transactions, if the bank states it after the sum. */
  readonly count?: number;
}

const labels: readonly (readonly [SummaryKind, RegExp])[] = [
  ['other', /^(?:saldo (?:di)?pindah|(?:balance )?(?:carried|brought) forward|balance [bc]\/f)/i],
  [
    'creditsOrCount',
    /^(?:jumlah|total|banyaknya|number of|no\.? of) (?:transaksi|transactions?|items?) ?(?:kredit|credits?|cr|masuk)\b|^(?:number|no\.?) of credits?\b/i,
  ],
  [
    'debitsOrCount',
    /^(?:jumlah|total|banyaknya|number of|no\.? of) (?:transaksi|transactions?|items?) ?(?:debet|debits?|db|keluar)\b|^(?:number|no\.?) of debits?\b/i,
  ],
  [
    'opening',
    /^(?:saldo ?(?:awal|sebelumnya|lalu)|(?:opening|initial|starting|beginning|previous) balance|ledger opening balance)\b/i,
  ],
  ['closing', /^(?:saldo akhir|(?:closing|ending|final) balance|ledger closing balance)\b/i],
  [
    'credits',
    /^(?:(?:total|jumlah) )?(?:mutasi (?:kredit|cr)|kredit|credits?|cr|(?:dana|uang) masuk|incoming transactions?|deposits?)\b/i,
  ],
  [
    'debits',
    /^(?:(?:total|jumlah) )?(?:mutasi (?:debet|debit|db)|debet|debits?|db|(?:dana|uang) keluar|outgoing transactions?|withdrawals?)\b/i,
  ],
  ['total', /^(?:(?:grand|sub) ?)?(?:total|jumlah)\b/i],
  [
    'other',
    /^(?:saldo (?:efektif|tersedia|ditahan|blokir|minimum|rata)|(?:available|effective|average|hold|minimum) balance|hold|plafon|net|selisih)\b/i,
  ],
];

/** Returns the kind of a cell that begins with a label, such as `Saldo Awal : 154,376,321.00`. */
export function labelOf(cell: string): SummaryKind | undefined {
  const text = cell.replaceAll(/\s+/g, ' ').trim();
  return labels.find(([, label]) => label.test(text))?.[0];
}

/**
 * Returns the kind of balance if a description is only the label of a balance; otherwise undefined.
 */
export function isBalanceLabel(description: string): SummaryKind | undefined {
  const text = plain(description);
  if (/^(?:saldoawal|openingbalance|beginningbalance|startingbalance)$/.test(text)) {
    return 'opening';
  }
  return /^(?:saldoakhir|closingbalance|endingbalance)$/.test(text) ? 'closing' : undefined;
}

/**
 * Returns the sums, counts and balances that a row states. The amount follows its label in the same
 * cell or in the next cell, and a count may follow the amount. A label without an amount is
 * ignored.
 */
export function summariesOf(row: TableRow, columns?: Columns): Summary[] {
  const found: Summary[] = [];
  for (const [index, cell] of row.cells.entries()) {
    const kind = labelOf(cell);
    if (kind === undefined) continue;
    const next = row.cells.findIndex((other, at) => at > index && labelOf(other) !== undefined);
    const rest = row.cells.slice(index + 1, next === -1 ? undefined : next);
    const values = [behindLabel(cell), ...rest].filter((text) => !/^[:=]?$/.test(text));
    if (kind === 'total' && columns) {
      found.push(...columnTotals(row, columns));
      break;
    }
    const summary = valueOf(values, row, index);
    if (summary) found.push({ kind, row: row.row, ...summary });
  }
  return found;
}

/**
 * Returns the text of a cell after its label: `77,001,100.00` for `Mutasi Kredit : 77,001,100.00`,
 * and an empty text if there is only a label.
 */
function behindLabel(cell: string): string {
  const sign = /[:=]/.exec(cell);
  if (sign) return cell.slice(sign.index + 1).trim();
  return /(?:rp\.? ?|idr ?)?[-(]?\d.*$/i.exec(cell)?.[0] ?? '';
}

function valueOf(values: readonly string[], row: TableRow, from: number) {
  // An amount without quotation marks is split into several cells by its commas: `Saldo
  // Awal,1,000,000.00`.
  const joined = values.join(',');
  const whole = values.length > 1 ? amountIn(joined) : undefined;
  if (whole) return { figure: whole, cell: joined };
  const [first, second] = values;
  if (first === undefined) return undefined;
  const at = row.cells.indexOf(first, from);
  const figure = amountIn(first, row.numbers?.has(at));
  if (figure === undefined) return undefined;
  const count =
    second !== undefined && /^(?:0|[1-9]\d{0,5})$/.test(second) ? Number(second) : undefined;
  return { figure, cell: first, ...(count === undefined ? {} : { count }) };
}

/** Returns the sums of a row `Total`, which are in the columns of the amounts. */
function columnTotals({ row, cells, numbers }: TableRow, columns: Columns): Summary[] {
  const kinds = [
    ['credits', columns.credit],
    ['debits', columns.debit],
    ['total', columns.amount],
    ['closing', columns.balance],
  ] as const;
  return kinds.flatMap(([kind, index]) => {
    const cell = cells[index] ?? '';
    const figure = amountIn(cell, numbers?.has(index));
    return figure === undefined ? [] : [{ kind, row, figure, cell }];
  });
}

function amountIn(cell: string, numeric = false): Figure | undefined {
  const figure = figureOf(cell, numeric);
  return figure === undefined || figure === 'empty' || !isAmount(figure) ? undefined : figure;
}
