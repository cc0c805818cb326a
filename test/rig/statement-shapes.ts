/**
 * Bank statements in the shapes that banks write, with invented content. Each shape names the
 * public importer or sample that it follows; nothing of their code or data is in here.
 */

/** One transaction; sen above zero are money in. */
export interface WrittenEntry {
  readonly day: string;
  readonly clock: string;
  readonly sen: bigint;
  readonly isPending: boolean;
  readonly words: string;
}

export interface Written {
  readonly opening: bigint;
  readonly entries: readonly WrittenEntry[];
  readonly period: { readonly from: string; readonly to: string };
}

export interface Shape {
  readonly mapping: string;
  readonly evidence: string;
  readonly delimiter: ',' | ';' | '\t';
  /** Whether this bank lists pending transactions. */
  readonly pending: boolean;
  /** Whether this bank keeps sen. */
  readonly sen: boolean;
  /** Whether each row has the balance after it. */
  readonly balance: boolean;
  readonly head: (written: Written) => string[][];
  readonly heading: string[][];
  /** The rows of one transaction. */
  readonly rows: (entry: WrittenEntry, balance: bigint, index: number) => string[][];
  readonly foot: (written: Written) => string[][];
}

type Grouping = ',' | '.' | '';

/** Sen as a bank writes them, with two digits behind the decimal sign. */
function money(sen: bigint, grouping: Grouping, decimal: '.' | ','): string {
  const size = sen < 0n ? -sen : sen;
  const whole = (size / 100n).toString().replaceAll(/\B(?=(\d{3})+$)/g, grouping);
  return `${whole}${decimal}${(size % 100n).toString().padStart(2, '0')}`;
}
export const english = (sen: bigint) => money(sen, ',', '.');
export const indonesian = (sen: bigint) => money(sen, '.', ',');
const bare = (sen: bigint) => money(sen, '', '.');
/** Whole rupiah with points, as in a web page: `Rp 195.663`. */
const web = (sen: bigint) => `Rp ${indonesian(sen).slice(0, -3)}`;

const dmy = (day: string) => day.split('-').toReversed().join('/');
const dm = (day: string) => dmy(day).slice(0, 5);
const dmyy = (day: string) => `${dm(day)}/${day.slice(2, 4)}`;
const monthsId = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'Mei',
  'Jun',
  'Jul',
  'Agu',
  'Sep',
  'Okt',
  'Nov',
  'Des',
];
const monthsEn = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
];
const named = (day: string, months: readonly string[], sign = ' ') =>
  [day.slice(8), months[Number(day.slice(5, 7)) - 1], day.slice(0, 4)].join(sign);

const sum = (entries: readonly WrittenEntry[], sign: 1 | -1) =>
  entries.reduce(
    (total, { sen }) => (sen > 0n === sign > 0 ? total + sen * BigInt(sign) : total),
    0n,
  );
const count = (entries: readonly WrittenEntry[], sign: 1 | -1) =>
  String(entries.filter(({ sen }) => sen > 0n === sign > 0).length);
const closing = ({ opening, entries }: Written) =>
  entries.reduce((balance, { sen }) => balance + sen, opening);
const split = (sen: bigint, write: (sen: bigint) => string, none: string) =>
  sen < 0n ? [write(sen), none] : [none, write(sen)];
const mark = (sen: bigint, debit: string, credit: string) => (sen < 0n ? debit : credit);
const none = () => [];

const native = 'github.com/ismailir10/native-erp-v2: tests/bank-layouts.ts, tests/bank-fixture.ts';
const suryamas = 'github.com/ThePrime-Sushimas/suryamas: bank-statement-import/test-samples';

const bcaHead = ({ period }: Written) => [
  ['Informasi Rekening - Mutasi Rekening'],
  ['No. rekening : 5270099001'],
  ['Nama : PT SAMBATAN BERSAMA'],
  [`Periode : ${dmy(period.from)} - ${dmy(period.to)}`],
  ['Kode Mata Uang : Rp'],
  [''],
];

export const shapes: Readonly<Record<string, Shape>> = {
  'KlikBCA business': {
    mapping: 'bca',
    evidence: `github.com/devlis04/obos-admin: test/mutasi_csv_test.dart; ${native}`,
    delimiter: ',',
    pending: true,
    sen: true,
    balance: true,
    head: bcaHead,
    heading: [['Tanggal Transaksi', 'Keterangan', 'Cabang', 'Jumlah', 'Saldo']],
    rows: ({ day, sen, words, isPending }, balance) => [
      [
        isPending ? 'PEND' : dmy(day),
        `${words}   `,
        '0000',
        `${english(sen)} ${mark(sen, 'DB', 'CR')}`,
        english(balance),
      ],
    ],
    foot: (written) => [
      [`Saldo Awal : ${english(written.opening)}`],
      [`Mutasi Debet : ${english(sum(written.entries, -1))}`, count(written.entries, -1)],
      [`Mutasi Kredit : ${english(sum(written.entries, 1))}`, count(written.entries, 1)],
      [`Saldo Akhir : ${english(closing(written))}`],
    ],
  },
  'KlikBCA personal': {
    mapping: 'bca',
    evidence: `github.com/Sabianhk/Truth-of-auditor: sources/parsers/banks.py; ${native}`,
    delimiter: ',',
    pending: true,
    sen: true,
    balance: true,
    head: bcaHead,
    heading: [['Tanggal Transaksi', 'Keterangan', 'Cabang', 'Jumlah', '', 'Saldo']],
    rows: ({ day, sen, words, isPending }, balance) => [
      [
        `'${isPending ? 'PEND' : dm(day)}`,
        `'${words}`,
        `'0000`,
        english(sen),
        mark(sen, 'DB', 'CR'),
        english(balance),
      ],
    ],
    foot: (written) => [
      ['Saldo Awal', '=', english(written.opening)],
      ['Kredit', '=', english(sum(written.entries, 1))],
      ['Debet', '=', english(sum(written.entries, -1))],
      ['Saldo Akhir', '=', english(closing(written))],
    ],
  },
  'KlikBCA English': {
    mapping: 'bca-en',
    evidence: `github.com/EkmalRey/rekapimutasi: tests/test_bca.py; ${suryamas}/sample_bca_personal.csv`,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: () => [
      ['Account No.', '=', `'5270099001`],
      ['Name', '=', 'SAMBATAN'],
      ['Currency', '=', 'IDR'],
      [''],
    ],
    heading: [['Date', 'Description', 'Branch', 'Amount', '', 'Balance']],
    rows: ({ day, sen, words }, balance) => [
      [`'${dmy(day)}`, words, `'0000`, bare(sen), mark(sen, 'DB', 'CR'), bare(balance)],
    ],
    foot: (written) => [
      ['Starting Balance', '=', bare(written.opening)],
      ['Credit', '=', bare(sum(written.entries, 1))],
      ['Debet', '=', bare(sum(written.entries, -1))],
      ['Ending Balance', '=', bare(closing(written))],
    ],
  },
  'BCA table': {
    mapping: 'table',
    evidence: `${suryamas}/reproduce_bca_v2_user.ts`,
    delimiter: '\t',
    pending: false,
    sen: false,
    balance: true,
    head: ({ period }) => [['Pratinjau Data'], [`Periode ${period.from} - ${period.to}`], ['']],
    heading: [['No', 'Tanggal', 'Keterangan', 'Debit', 'Kredit', 'Saldo']],
    rows: ({ day, sen, words }, balance, index) => [
      [String(index + 1), dmy(day), words, ...split(sen, web, '-'), web(balance)],
    ],
    foot: none,
  },
  'English table': {
    mapping: 'table-en',
    evidence: `${native} (OCBC)`,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: ({ period }) => [
      ['Account Number', '693800123456'],
      ['Period', dmy(period.from), dmy(period.to)],
    ],
    heading: [
      ['Transaction Date', 'Value Date', 'Description', 'Withdrawals', 'Deposits', 'Balance'],
    ],
    rows: ({ day, sen, words }, balance) => [
      [dmy(day), dmy(day), words, ...split(sen, english, ''), english(balance)],
    ],
    foot: none,
  },
  'Mandiri Kopra': {
    mapping: 'mandiri-kopra',
    evidence: 'github.com/gazafernanda/bank-statement-converter: mandiri_statement_to_csv.py',
    delimiter: ';',
    pending: false,
    sen: true,
    balance: true,
    head: none,
    heading: [
      [
        'AccountNo',
        'Ccy',
        'PostDate',
        'Remarks',
        'AdditionalDesc',
        'Credit Amount',
        'Debit Amount',
        'Close Balance',
      ],
    ],
    rows: ({ day, clock, sen, words }, balance) => [
      [
        '1370000123456',
        'IDR',
        `${named(day, monthsEn)} ${clock}`,
        words,
        'MCM InhouseTrf',
        ...split(sen, bare, '0.00').toReversed(),
        bare(balance),
      ],
    ],
    foot: none,
  },
  'Mandiri MCM': {
    mapping: 'mandiri-mcm',
    evidence: `${suryamas}/sample_mandiri_cv.csv`,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: false,
    head: none,
    heading: [
      [
        'Account No',
        'Date',
        'Val. Date',
        'Transaction Code',
        'Description',
        'Description',
        'Reference No.',
        'Debit',
        'Credit',
      ],
    ],
    rows: ({ day, sen, words }) => [
      [
        '0060003911777',
        dmyy(day),
        dmyy(day),
        '6902',
        words,
        'KR 0060003911777 ',
        '',
        ...split(sen, english, '.00'),
      ],
    ],
    foot: none,
  },
  'Mandiri account statement': {
    mapping: 'mandiri-statement',
    evidence: native,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: ({ period }) => [
      ['Mandiri Cash Management - Account Statement'],
      ['Account No', '1370000123456'],
      ['Period', `${dmy(period.from)} - ${dmy(period.to)}`],
    ],
    heading: [['Posting Date', 'Remark', 'Reference No', 'Debit', 'Credit', 'Balance']],
    rows: ({ day, clock, sen, words }, balance, index) => [
      [
        `${named(day, monthsEn)} ${clock}`,
        words,
        `REF${7000 + index}`,
        ...split(sen, english, '0.00'),
        english(balance),
      ],
    ],
    foot: (written) => [
      ['Opening Balance', english(written.opening)],
      ['Closing Balance', english(closing(written))],
    ],
  },
  'Mandiri e-statement': {
    mapping: 'mandiri-livin',
    evidence:
      'github.com/farrez30/fifofun: src/lib/statement/mandiri-xlsx.test.ts; github.com/Sabianhk/Truth-of-auditor: sources/parsers/banks.py',
    delimiter: ';',
    pending: false,
    sen: true,
    balance: true,
    head: (written) => [
      ['e-Statement'],
      [
        'Nama/Name',
        '',
        ':',
        'SAMBATAN ',
        '',
        'Periode/Period',
        ':',
        `${named(written.period.from, monthsId)} - ${named(written.period.to, monthsId)}`,
      ],
      [
        'Tabungan NOW IDR',
        '',
        '',
        '',
        '',
        'Saldo Awal/Initial Balance',
        '',
        indonesian(written.opening),
      ],
      [
        '',
        '',
        '',
        '',
        '',
        'Dana Masuk/Incoming Transactions',
        '',
        indonesian(sum(written.entries, 1)),
      ],
      [
        'Nomor Rekening/Account Number',
        ':',
        '1560000000001',
        '',
        '',
        'Dana Keluar/Outgoing Transactions',
        '',
        indonesian(sum(written.entries, -1)),
      ],
      [
        'Mata Uang/Currency',
        ':',
        'IDR',
        '',
        '',
        'Saldo Akhir/Closing Balance',
        '',
        indonesian(closing(written)),
      ],
    ],
    heading: [
      [
        '',
        'No',
        'Tanggal',
        '',
        'Keterangan',
        'Dana Masuk (IDR)',
        'Dana Keluar (IDR)',
        'Saldo (IDR)',
      ],
      [
        '',
        'No',
        'Date',
        '',
        'Remarks',
        'Incoming Transactions (IDR)',
        'Outgoing Transactions (IDR)',
        'Balance (IDR)',
      ],
    ],
    rows: ({ day, clock, sen, words }, balance, index) => [
      [
        String(index + 1),
        '',
        named(day, monthsEn),
        '',
        `Transfer dari BANK MANDIRI\n${words}`,
        ...split(sen, indonesian, '').toReversed(),
        indonesian(balance),
      ],
      ['', '', `${clock} WIB`],
    ],
    foot: () => [
      [
        '',
        '',
        '',
        '',
        'PT Bank Mandiri (Persero) Tbk. berizin dan diawasi oleh OJK',
        '',
        'Mandiri Call 14000',
      ],
    ],
  },
  'Mandiri Livin nominal': {
    mapping: 'mandiri-nominal',
    evidence: native,
    delimiter: ';',
    pending: false,
    sen: true,
    balance: true,
    head: ({ period }) => [
      [`Periode: ${named(period.from, monthsId)} - ${named(period.to, monthsId)}`],
    ],
    heading: [['Tanggal', 'Keterangan', 'Nominal', 'Saldo']],
    rows: ({ day, sen, words }, balance) => [
      [
        named(day, monthsId),
        words,
        `${mark(sen, '-', '+')}${indonesian(sen)}`,
        indonesian(balance),
      ],
    ],
    foot: none,
  },
  'BRI CMS': {
    mapping: 'bri-cms',
    evidence:
      'github.com/Sabianhk/Truth-of-auditor: sources/parsers/banks.py; github.com/ihfandicahyo/Mutasi-BRI-CSV-PDF-ke-Excel: bri_csv2excel.py',
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: none,
    heading: [
      'ID NOREK TGL_TRAN TGL_EFEKTIF JAM_TRAN SEQ DESK_TRAN SALDO_AWAL_MUTASI MUTASI_DEBET MUTASI_KREDIT SALDO_AKHIR_MUTASI GLSIGN TRUSER'.split(
        ' ',
      ),
    ],
    rows: ({ day, clock, sen, words }, balance, index) => [
      [
        String(index),
        '58801037081508',
        `${day} ${clock}`,
        `${day} ${clock}`,
        clock.replaceAll(':', ''),
        '143801',
        words,
        bare(balance - sen),
        ...split(sen, bare, '0.00'),
        bare(balance),
        mark(sen, 'Db', 'Cr'),
        '8888079',
      ],
    ],
    foot: none,
  },
  'BRI internet banking': {
    mapping: 'bri-ib',
    evidence: native,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: () => [['Laporan Mutasi Rekening'], ['No. Rekening : 0000-01-000123-50-9'], ['']],
    heading: [['Tanggal Transaksi', 'Uraian Transaksi', 'Teller', 'Debet', 'Kredit', 'Saldo']],
    rows: ({ day, sen, words }, balance) => [
      [dmyy(day), words, '0000123', ...split(sen, indonesian, '0,00'), indonesian(balance)],
    ],
    foot: none,
  },
  BNIDirect: {
    mapping: 'bni-direct',
    evidence: native,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: ({ period }) => [
      ['BNI Direct - Mutasi Rekening'],
      ['Account No : 0000001234'],
      [`Period : ${dmy(period.from)} - ${dmy(period.to)}`],
    ],
    heading: [['Post Date', 'Branch', 'Journal No', 'Description', 'Debit', 'Credit', 'Balance']],
    rows: ({ day, clock, sen, words }, balance, index) => [
      [
        `${dmyy(day)} ${clock}`,
        '0998',
        String(7000 + index),
        words,
        ...split(sen, english, '0.00'),
        english(balance),
      ],
    ],
    foot: none,
  },
  'BNI account statement': {
    mapping: 'bni-statement',
    evidence: 'github.com/Adi-Sumardi/doc-scan-ai: backend/bank_adapters/bni_v2.py',
    delimiter: ';',
    pending: false,
    sen: true,
    balance: true,
    head: none,
    heading: [
      [
        'Posting Date',
        'Effective Date',
        'Branch',
        'Journal',
        'Transaction Description',
        'Amount',
        'DB/CR',
        'Balance',
      ],
    ],
    rows: ({ day, sen, words }, balance, index) => [
      [
        dmy(day),
        dmy(day),
        '0998',
        String(123_456 + index),
        words,
        english(sen),
        mark(sen, 'D', 'K'),
        english(balance),
      ],
    ],
    foot: none,
  },
  'BNI Mobile': {
    mapping: 'bni-mobile',
    evidence: native,
    delimiter: ';',
    pending: false,
    sen: true,
    balance: true,
    head: () => [['BNI Mobile Banking - Mutasi Rekening']],
    heading: [['Tanggal', 'Keterangan', 'Tipe', 'Jumlah', 'Saldo']],
    rows: ({ day, sen, words }, balance) => [
      [dmy(day), words, mark(sen, 'DB', 'CR'), english(sen), english(balance)],
    ],
    foot: none,
  },
  BSI: {
    mapping: 'bsi',
    evidence: 'github.com/Adi-Sumardi/doc-scan-ai: backend/bank_adapters/bsi_syariah.py',
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: none,
    heading: [['TrxId', 'Tanggal', 'Trx Time', 'D/K', 'Mutasi', 'Saldo', 'Keterangan']],
    rows: ({ day, clock, sen, words }, balance, index) => [
      [
        `FT${7000 + index}`,
        dmy(day),
        clock,
        mark(sen, 'D', 'K'),
        english(sen),
        english(balance),
        words,
      ],
    ],
    foot: none,
  },
  'CIMB OCTO': {
    mapping: 'cimb',
    evidence: native,
    delimiter: ';',
    pending: false,
    sen: false,
    balance: true,
    head: () => [['CIMB Niaga - Rekening Koran'], ['Nomor Rekening', '800123456789']],
    heading: [['Tanggal', 'Deskripsi', 'Debit', 'Kredit', 'Saldo']],
    rows: ({ day, sen, words }, balance) => [
      [
        named(day, monthsEn, '-'),
        words,
        ...split(sen, (one) => bare(one).slice(0, -3), '0'),
        bare(balance).slice(0, -3),
      ],
    ],
    foot: none,
  },
  PermataNet: {
    mapping: 'permata',
    evidence: native,
    delimiter: ',',
    pending: false,
    sen: true,
    balance: true,
    head: () => [['PermataNet - Account Statement'], ['Account No : 4100123456']],
    heading: [['Posting Date', 'Eff Date', 'Transaction Desc', 'Debit', 'Credit', 'Balance']],
    rows: ({ day, sen, words }, balance) => [
      [dmy(day), dmy(day), words, ...split(sen, bare, '0.00'), bare(balance)],
    ],
    foot: none,
  },
  generic: {
    mapping: 'generic',
    evidence: 'docs/api.md',
    delimiter: ',',
    pending: false,
    sen: false,
    balance: false,
    head: none,
    heading: [['date', 'description', 'amount']],
    rows: ({ day, sen, words }) => [[day, words, `${mark(sen, '-', '')}${bare(sen).slice(0, -3)}`]],
    foot: none,
  },
};

/** The rows of a file, with the heading again after every so many transactions. */
export function rowsOf(shape: Shape, written: Written, pageLength = Infinity) {
  const rows: { cells: string[]; entry?: number }[] = [];
  const add = (more: readonly string[][]) => rows.push(...more.map((cells) => ({ cells })));
  add(shape.head(written));
  add(shape.heading);
  let balance = written.opening;
  for (const [index, entry] of written.entries.entries()) {
    if (index > 0 && index % pageLength === 0) add(shape.heading);
    balance += entry.sen;
    const [first, ...below] = shape.rows(entry, balance, index);
    rows.push({ cells: first!, entry: index });
    add(below);
  }
  add(shape.foot(written));
  return rows;
}

/** A row as text: cells in quotes where they have to be, or all of them. */
export function rowText(cells: readonly string[], delimiter: string, quoteAll = false): string {
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const needs = (cell: string) => [delimiter, '"', '\n'].some((sign) => cell.includes(sign));
  return cells.map((cell) => (quoteAll || needs(cell) ? quoted(cell) : cell)).join(delimiter);
}
