import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { zipSync } from 'fflate';
import writeExcelFile from 'write-excel-file/node';
import { readStatement } from '../../src/ledger/statement-files/parse.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { expectStatus } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const operator = await service.operator();
const account = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
const till = expectStatus(await service.service.post('/receiving-accounts', account), 201).id;

const jakarta = new Date(Date.now() + 7 * 3_600_000);
const dayAgo = (days: number) =>
  new Date(jakarta.getTime() - days * 86_400_000).toISOString().slice(0, 10);
const today = dayAgo(0);
const dmy = (day: string) => day.split('-').toReversed().join('/');
const dm = (day: string) => dmy(day).slice(0, 5);

const send = (body: string | Buffer, format = 'auto', type = 'text/csv') =>
  operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?format=${format}`,
    body,
    headers: { 'content-type': type },
  });
interface Preview {
  readonly lines: { booked_on: string; amount: number; description: string }[];
  readonly skipped: number;
}
const read = async (body: string | Buffer, format?: string, type?: string) => {
  const answer = expectStatus(await send(body, format, type), 200) as unknown as Preview;
  return {
    lines: answer.lines.map(({ booked_on, amount }) => `${booked_on} ${amount}`),
    words: answer.lines.map(({ description }) => description),
    skipped: answer.skipped,
  };
};
const refusal = async (body: string | Buffer, format?: string, type?: string) => {
  const answer = expectStatus(await send(body, format, type), 422) as unknown as {
    code: string;
    params: { reason: string; line?: number; cell?: string };
  };
  assert.equal(answer.code, 'statement_not_readable');
  const { reason, line, cell } = answer.params ?? answer;
  return { reason, line, cell };
};

const generic = (...amounts: string[]) =>
  ['date,description,amount', ...amounts.map((amount) => `${today},TRSF SARI,${amount}`)].join(
    '\n',
  );

describe('amounts', () => {
  for (const [written, rupiah] of Object.entries({
    '195.000': 195_000,
    'Rp 195.000': 195_000,
    'Rp195.663': 195_663,
    'IDR 195.663': 195_663,
    '"195,663"': 195_663,
    '1.950.000': 1_950_000,
    '"1,500,123"': 1_500_123,
    '1.500.123': 1_500_123,
    '"1500123,00"': 1_500_123,
    '1500123.00': 1_500_123,
    '"1.500.123,00"': 1_500_123,
    '"1,500,037.00 CR"': 1_500_037,
    '"Rp 1.500.037,00 K"': 1_500_037,
    '"CR 195,663.00"': 195_663,
    '195663 Kredit': 195_663,
    '+195663': 195_663,
    "'195663": 195_663,
    'Rp\u00a0195.663': 195_663,
    '１９５．６６３': 195_663,
    '1 500 123': 1_500_123,
    "1'500'123": 1_500_123,
    '"Rp195.663,-"': 195_663,
    '999.999.999.999.999': 999_999_999_999_999,
  })) {
    test(`${written} is Rp${rupiah}`, async () => {
      assert.deepEqual((await read(generic(written))).lines, [`${today} ${rupiah}`]);
    });
  }

  for (const written of [
    '-195.000',
    '"(195,000.00)"',
    '195000-',
    '195.000 DB',
    '"195,000.00 D"',
    '−195000',
  ]) {
    test(`${written} is outgoing money: listed, never a line`, async () => {
      const { lines, skipped } = await read(generic(written));
      assert.deepEqual([lines, skipped], [[], 1]);
    });
  }

  for (const [written, reason] of Object.entries({
    '195.66': undefined,
    '195663.5': 'amount',
    '195.6637': 'amount',
    '1.5E+06': 'amount',
    '1.95.000': 'amount',
    '"1,500.123,00"': 'amount',
    'USD 195.00': 'amount',
    '195663 CR DB': 'amount',
    '0195663': 'amount',
    '1234567890123456': 'amount_too_large',
    '123.456.789.012.345.678': 'amount_too_large',
  })) {
    test(`${written} is ${reason ? 'refused with its line and cell' : 'listed, for its sen'}`, async () => {
      const file = generic('195663', written);
      if (reason === undefined) {
        assert.deepEqual(await read(file), {
          lines: [`${today} 195663`],
          words: ['TRSF SARI'],
          skipped: 1,
        });
        return;
      }
      const cell = written.replaceAll('"', '');
      assert.deepEqual(await refusal(file), { reason, line: 3, cell });
    });
  }

  test('two number styles in one file are refused at the second one', async () => {
    assert.deepEqual(await refusal(generic('1.950.000', '195.663', '"1,500,123"')), {
      reason: 'mixed_numbers',
      line: 4,
      cell: '1,500,123',
    });
  });

  test('one amount with sen determines the number style of the file', async () => {
    assert.deepEqual((await read(generic('195.663', '"200.000,00"'))).lines, [
      `${today} 195663`,
      `${today} 200000`,
    ]);
  });
});

/** The layout follows github.com/devlis04/obos-admin, test/mutasi_csv_test.dart. */
const business = (rows: string[], foot: string[]) =>
  [
    '"Informasi Rekening - Mutasi Rekening"," "," "," "," ",',
    '"No. rekening : 5270099001"',
    '"Nama : PT SAMBATAN BERSAMA"',
    `"Periode : ${dmy(dayAgo(3))} - ${dmy(today)}"`,
    '"Kode Mata Uang : Rp"',
    '"Tanggal Transaksi","Keterangan","Cabang","Jumlah","Saldo"',
    ...rows,
    ...foot,
    '',
  ].join('\r\n');
const credit = (amount: string, balance: string, at = dmy(today)) =>
  `"${at}","TRSF E-BANKING CR 0809/FTSCY/WS95031  SARI DEWI  ","0000","${amount} CR","${balance}"`;
const foot = [
  '"Saldo Awal : 154,376,321.00"',
  '"Mutasi Debet : 0.00","0"',
  '"Mutasi Kredit : 77,001,100.00","2"',
  '"Saldo Akhir : 231,377,421.00"',
];
const twoCredits = [
  credit('77,000,000.00', '231,376,321.00'),
  credit('1,100.00', '231,377,421.00'),
];

describe('KlikBCA business', () => {
  test('its footer rows are not transfers, and prove that nothing was lost', async () => {
    assert.deepEqual((await read(business(twoCredits, foot), 'bca')).lines, [
      `${today} 77000000`,
      `${today} 1100`,
    ]);
  });

  for (const [what, rows, wrong] of [
    ['a missing row', twoCredits.slice(0, 1), 10],
    ['a row twice', [...twoCredits, twoCredits[1]!], 12],
    ['an amount that was changed', [twoCredits[0]!, credit('1,200.00', '231,377,521.00')], 11],
  ] as const) {
    test(`${what} refuses the file`, async () => {
      const found = await refusal(business([...rows], foot), 'bca');
      assert.deepEqual([found.reason, found.line], ['check', wrong]);
    });
  }

  test('headings repeated on each page are skipped', async () => {
    const heading = '"Tanggal Transaksi","Keterangan","Cabang","Jumlah","Saldo"';
    const pages = [twoCredits[0]!, '"No. rekening : 5270099001"', heading, twoCredits[1]!];
    assert.equal((await read(business(pages, foot), 'bca')).lines.length, 2);
  });

  test('pending lines are listed, whether or not the sums include their amounts', async () => {
    const pending = credit('500.00', '231,377,921.00', 'PEND');
    const counted = foot.map((line) =>
      line.replace('77,001,100.00","2', '77,001,600.00","3').replace('231,377,421', '231,377,921'),
    );
    for (const end of [foot, counted]) {
      const { lines, skipped } = await read(business([...twoCredits, pending], end), 'bca');
      assert.deepEqual([lines.length, skipped], [2, 1]);
    }
  });
});

describe('KlikBCA personal', () => {
  /** The layout follows github.com/ismailir10/native-erp-v2, tests/bank-layouts.ts. */
  const personal = (period: string, rows: string[]) =>
    [
      'Informasi Rekening - Mutasi Rekening',
      'No. rekening : 5270099001',
      period,
      'Kode Mata Uang : IDR',
      '',
      'Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo',
      ...rows,
    ].join('\n');
  const row = (at: string, balance = '8,500,000.00') =>
    `'${at},'TRSF E-BANKING CR 3011/FTSCY/WS95051 NAMA,'0000,"195,722.00",CR,"${balance}"`;

  test('the year comes from the period', async () => {
    const file = personal(`Periode : ${dmy(dayAgo(20))} - ${dmy(today)}`, [row(dm(today))]);
    assert.deepEqual((await read(file, 'bca')).lines, [`${today} 195722`]);
  });

  test('the year comes from the period across a new year', async () => {
    const rows = [row('31/12', '8,500,000.00'), row('02/01', '8,695,722.00')];
    const file = personal('Periode : 15/12/2025 - 14/01/2026', rows);
    assert.deepEqual((await read(file, 'bca')).lines, ['2025-12-31 195722', '2026-01-02 195722']);
  });

  test('a day that is missing or outside the period is refused', async () => {
    for (const period of ['Periode : 01/02/2026 - 28/02/2026', 'Nama : SARI']) {
      const found = await refusal(personal(period, [row('15/03')]), 'bca');
      assert.deepEqual([found.reason, found.line, found.cell], ['date_year', 7, "'15/03"]);
    }
  });

  test('English headings with unquoted commas in descriptions are read', async () => {
    const file = [
      "Account No.,=,'5270099001",
      'Name,=,PT SAMBATAN BERSAMA',
      'Currency,=,IDR',
      '',
      'Date,Description,Branch,Amount,,Balance',
      `'${dmy(today)},TRSF E-BANKING CR, SARI, DEWI,'0000,108400.00,CR,1042939.96`,
      'Starting Balance,=,934539.96',
      'Credit,=,108400.00',
      'Debet,=,',
      'Ending Balance,=,1042939.96',
    ];
    const { lines, words } = await read(file.join('\n'));
    assert.deepEqual([lines, words], [[`${today} 108400`], ['TRSF E-BANKING CR, SARI, DEWI']]);
    const unproven = file.filter((line) => !/Balance,=/.test(line));
    assert.equal((await refusal(unproven.join('\n'))).reason, 'row_long');
  });
});

describe('other banks and files', () => {
  const table = (delimiter: string, at: (day: string) => string) =>
    [
      ['Tanggal', 'Keterangan', 'Debit', 'Kredit', 'Saldo'],
      [at(today), 'TRSF SARI', '-', 'Rp 195.663', 'Rp 1.195.663'],
      [at(today), 'BIAYA ADM', 'Rp 6.500', '-', 'Rp 1.189.163'],
      ['Total', '', 'Rp 6.500', 'Rp 195.663', ''],
    ]
      .map((cells) => cells.join(delimiter))
      .join('\n');

  for (const [what, at] of Object.entries({
    'dd/mm/yyyy': dmy,
    'dd-mm-yyyy': (day: string) => dmy(day).replaceAll('/', '-'),
    'dd.mm.yyyy': (day: string) => dmy(day).replaceAll('/', '.'),
    'dd/mm/yy': (day: string) => `${dm(day)}/${day.slice(2, 4)}`,
    'yyyy-mm-dd': (day: string) => day,
    'ISO with T and a zone': (day: string) => `${day}T05:00:00Z`,
    'a time behind it': (day: string) => `${dmy(day)} 09:39:37`,
    'Indonesian months': (day: string) =>
      `${Number(day.slice(8))} ${['Januari', 'Februari', 'Maret', 'April', 'Mei', 'Juni', 'Juli', 'Agustus', 'September', 'Oktober', 'November', 'Desember'][Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`,
    'short Indonesian months': (day: string) =>
      `${day.slice(8)} ${['Jan', 'Feb', 'Mar', 'Apr', 'Mei', 'Jun', 'Jul', 'Agu', 'Sep', 'Okt', 'Nov', 'Des'][Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`,
    'English months': (day: string) =>
      `${day.slice(8)}-${['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][Number(day.slice(5, 7)) - 1]}-${day.slice(2, 4)}`,
    'days since 1900': (day: string) => String(Date.parse(day) / 86_400_000 + 25_569),
  })) {
    test(`dates as ${what}, - for nothing, a row of totals`, async () => {
      assert.deepEqual(await read(table(';', at)), {
        lines: [`${today} 195663`],
        words: ['TRSF SARI'],
        skipped: 1,
      });
    });
  }

  test('tabs, semicolons and vertical bars are delimiters too', async () => {
    for (const delimiter of ['\t', ';', '|']) {
      assert.equal((await read(table(delimiter, (day) => day))).lines.length, 1, delimiter);
    }
  });

  test('UTF-16, Windows-1252 and UTF-8 with a byte order mark are read; other encodings are named', async () => {
    const text = table(';', (day) => day).replace('SARI', 'SÖHNE');
    for (const bytes of [
      Buffer.from(`\ufeff${text}`),
      Buffer.from(`\ufeff${text}`, 'utf16le'),
      Buffer.from(text, 'utf16le'),
      Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
      Buffer.from(text, 'latin1'),
    ]) {
      assert.deepEqual((await read(bytes)).words, ['TRSF SÖHNE']);
    }
    const strange = Buffer.concat([Buffer.from(text, 'latin1'), Buffer.from([0x81, 0x8d])]);
    assert.equal((await refusal(strange)).reason, 'encoding');
  });

  test('an ambiguous order of day and month is decided from the whole file, or refused', async () => {
    const rows = (...days: string[]) =>
      ['Date;Description;Debit;Credit', ...days.map((day) => `${day};A;-;1.000`)].join('\n');
    assert.deepEqual((await read(rows('03/04/2026', '25/04/2026'))).lines, [
      '2026-04-03 1000',
      '2026-04-25 1000',
    ]);
    assert.equal((await refusal(rows('03/04/2026', '05/04/2026'))).reason, 'date_order');
    assert.equal((await refusal(rows('25/04/2026', '04/25/2026'))).reason, 'date_order');
    assert.equal((await refusal(rows('31/02/2026'))).reason, 'date');
    assert.equal((await refusal(rows('13/03/2099'))).reason, 'date_out_of_range');
  });

  test('a workbook is read with its native numbers and days', async () => {
    const day = new Date(`${today}T00:00:00Z`);
    const cell = (value: string | number) => ({ value });
    const bytes = await writeExcelFile([
      [cell('Laporan Mutasi Rekening')],
      ['No', 'Tanggal Transaksi', 'Uraian Transaksi', 'Teller', 'Debet', 'Kredit', 'Saldo'].map(
        cell,
      ),
      [
        cell(1),
        { value: day, type: Date, format: 'dd/mm/yyyy' },
        cell('TRSF SARI'),
        cell('8888'),
        cell(0),
        cell(195_663),
        cell(1_195_663.5),
      ],
      [
        cell(2),
        cell(dmy(today)),
        cell('BUNGA'),
        cell('8888'),
        cell(0),
        cell(12.34),
        cell(1_195_675.84),
      ],
    ] as never).toBuffer();
    const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
    assert.deepEqual(await read(bytes, 'bri', type), {
      lines: [`${today} 195663`],
      words: ['TRSF SARI'],
      skipped: 1,
    });
    const cut = bytes.subarray(0, bytes.length - 200);
    assert.equal((await refusal(cut, 'bri', type)).reason, 'workbook');
  });

  test('files that are not statements are named: PDF, old Excel, a web page, a picture, nothing', async () => {
    const octets = 'application/octet-stream';
    const named = async (bytes: Buffer) => (await refusal(bytes, 'auto', octets)).reason;
    assert.equal(await named(Buffer.from('%PDF-1.7\n')), 'pdf');
    assert.equal(await named(Buffer.from('d0cf11e0a1b11ae1', 'hex')), 'old_excel');
    assert.equal(await named(Buffer.from('<html><table><tr><td>Tanggal')), 'web_page');
    assert.equal(await named(Buffer.from('89504e470d0a1a0a', 'hex')), 'not_a_statement');
    assert.equal(await named(Buffer.from(' \n ')), 'empty');
    assert.equal(await named(Buffer.from('tidak,jelas\n1,2')), 'heading_not_found');
  });
});

describe('amounts of each bank', () => {
  const bca = (amount: string) =>
    `Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo\n'${dmy(today)},'TRSF,'0000,"${amount}",CR,`;
  const bcaBeside = (amount: string) => bca(amount).replace(',CR,', ',,');
  const mandiri = (amount: string) =>
    `AccountNo;Date;Description;Debit;Credit\n137;${dmy(today)};TRSF;-;"${amount}"`;
  for (const [format, file, rupiah] of [
    ['bca', bca('195.000'), 195_000],
    ['bca', bca('195.093'), 195_093],
    ['bca', bcaBeside('1.500.037,00 CR'), 1_500_037],
    ['bca', bca('1,500,037.00'), 1_500_037],
    ['mandiri', mandiri('1.500.123,00'), 1_500_123],
    ['mandiri', mandiri('1,500,123.00'), 1_500_123],
  ] as const) {
    test(`${format} ${file.split('\n')[1]}`, async () => {
      assert.deepEqual((await read(file, format)).lines, [`${today} ${rupiah}`]);
    });
  }

  test('an amount without a credit or debit mark is refused', async () => {
    assert.equal((await refusal(bcaBeside('195.000'), 'bca')).reason, 'mark');
    assert.equal((await refusal(bca('195.000 DB'), 'bca')).reason, 'mark');
  });
});

/** The layout follows github.com/ismailir10/native-erp-v2, tests/bank-layouts.ts. */
describe('MT940', () => {
  const short = (day: string) => day.slice(2).replaceAll('-', '');
  const file = (...lines: string[]) =>
    [
      '{1:F01CENAIDJAAXXX0000000000}{2:O9401200260901CENAIDJAXXXX00000000002609011200N}{4:',
      ':20:STMT',
      ':25:5270099001',
      ':28C:00001/001',
      `:60F:C${short(dayAgo(1))}IDR1000000,00`,
      ...lines,
      '-}',
    ].join('\r\n');
  const transfers = [
    `:61:${short(today)}${short(today).slice(2)}CR195663,00NTRFNONREF//FT2601`,
    ':86:TRSF E-BANKING CR',
    'SARI DEWI',
    `:61:${short(today)}D6500,NCHGNONREF`,
    `:61:${short(today)}C12,34NINTNONREF`,
  ];
  const closing = (amount: string) => `:62F:C${short(today)}IDR${amount}`;

  test('is read with names and references, and must match its closing balance', async () => {
    assert.deepEqual(await read(file(...transfers, closing('1189175,34'))), {
      lines: [`${today} 195663`],
      words: ['TRSF E-BANKING CR SARI DEWI'],
      skipped: 2,
    });
    const found = await refusal(file(...transfers, closing('1189175,35')));
    assert.deepEqual([found.reason, found.line], ['check', 11]);
  });

  test('truncated, unknown or foreign-currency files are refused', async () => {
    assert.equal((await refusal(file(...transfers))).reason, 'mt940');
    const odd = await refusal(file(transfers[0]!.replace(',00', '.00'), closing('1195663,00')));
    assert.deepEqual([odd.reason, odd.line], ['mt940', 6]);
    const dollars = file(...transfers, closing('1189175,34')).replaceAll('IDR', 'USD');
    assert.equal((await refusal(dollars)).reason, 'currency');
  });

  test('a reversed debit is incoming, a reversed credit outgoing, an expected one pending', async () => {
    const marks = ['RD', 'RC', 'EC'].map((mark) => `:61:${short(today)}${mark}1000,00NTRFX`);
    const { lines, skipped } = await read(file(...marks, closing('1000000,00')));
    assert.deepEqual([lines, skipped], [[`${today} 1000`], 2]);
  });
});

/** The layout follows the message definition of ISO 20022, camt.053.001.08. */
describe('CAMT.053', () => {
  const amount = (value: string) => `<Amt Ccy="IDR">${value}</Amt><CdtDbtInd>CRDT</CdtDbtInd>`;
  const balance = (code: string, value: string) =>
    `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp>${amount(value)}</Bal>`;
  const detail = (value: string, name: string) =>
    `<TxDtls><Amt Ccy="IDR">${value}</Amt><RltdPties><Dbtr><Pty><Nm>${name}</Nm></Pty></Dbtr></RltdPties></TxDtls>`;
  const entry = (value: string, details: string, status = 'BOOK') =>
    `<Ntry>${amount(value)}<Sts><Cd>${status}</Cd></Sts><BookgDt><Dt>${today}</Dt></BookgDt><NtryDtls>${details}</NtryDtls></Ntry>`;
  const file = (closing: string, ...entries: string[]) =>
    `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><Othr><Id>5270099001</Id></Othr></Id><Ccy>IDR</Ccy></Acct>
${balance('OPBD', '1000.00')}${balance('CLBD', closing)}
${entries.join('\n')}
</Stmt></BkToCstmrStmt></Document>`;
  const gathered = entry('395663', detail('195663.00', 'SARI DEWI') + detail('200000', 'BUDI'));

  test('is read, batch entries one by one, and must match its closing balance', async () => {
    const pending = entry('500.00', '', 'PDNG');
    assert.deepEqual(await read(file('396663', gathered, pending), 'auto', 'application/xml'), {
      lines: [`${today} 195663`, `${today} 200000`],
      words: ['SARI DEWI', 'BUDI'],
      skipped: 1,
    });
    assert.equal((await refusal(file('396664', gathered))).reason, 'check');
  });

  test('files that are truncated, have a document type or another currency are refused', async () => {
    const whole = file('396663', gathered);
    assert.equal((await refusal(whole.slice(0, -40))).reason, 'xml');
    const typed = whole.replace('<Document', '<!DOCTYPE x [<!ENTITY a "b">]><Document');
    assert.equal((await refusal(typed)).reason, 'xml');
    assert.equal((await refusal(whole.replaceAll('IDR', 'USD'))).reason, 'currency');
  });
});

describe('20,000 transactions', () => {
  const rows = (count: number) => {
    const lines = Array.from(
      { length: count },
      (_, index) => `${today};TRSF NAMA PEMBELI ${index};;${100_000 + index};`,
    );
    return Buffer.from(['Tanggal;Keterangan;Debit;Kredit;Saldo', ...lines].join('\n'));
  };

  test('are read without blocking the event loop', async () => {
    let turns = 0;
    let isRead = false;
    const turn = () => {
      turns++;
      if (!isRead) setImmediate(turn);
    };
    setImmediate(turn);
    const parsed = await readStatement(rows(20_000), { mapping: 'auto', today });
    isRead = true;
    assert.equal(parsed.lines.length, 20_000);
    assert.equal(parsed.lines.at(-1)!.amount, 119_999n);
    assert.ok(turns > 100, `the loop turned ${turns} times meanwhile`);
  });

  test('plus one are refused, also inside the worker thread', async () => {
    const asked = { mapping: 'auto', today } as const;
    await assert.rejects(readStatement(rows(20_001), asked), { reason: 'too_many_lines' });
    const broken = Buffer.concat([rows(5000), Buffer.from(`\n${today};A;;1.95.000;`)]);
    const place = { reason: 'amount', line: 5002, cell: '1.95.000', column: 'Kredit' };
    await assert.rejects(readStatement(broken, asked), { params: place });
  });

  test('an archive that unpacks to more than the limit is refused', async () => {
    const sheet = Buffer.concat([Buffer.from('<worksheet>'), Buffer.alloc(60_000_000, ' ')]);
    const bomb = Buffer.from(zipSync({ 'xl/worksheets/sheet1.xml': sheet }));
    assert.ok(bomb.length < 200_000);
    await assert.rejects(readStatement(bomb, { mapping: 'auto', today }), { reason: 'too_large' });
    const far = Buffer.from('<worksheet><sheetData><row><c r="XFD1048576"><v>1</v></c></row>');
    const wide = Buffer.from(zipSync({ 'xl/worksheets/sheet1.xml': far }));
    await assert.rejects(readStatement(wide, { mapping: 'auto', today }), { reason: 'too_large' });
  });
});

describe('rows that must not be lost', () => {
  const head = 'Tanggal;Keterangan;Debit;Kredit;Saldo';
  const rows = (...lines: string[]) => [head, `${today};A;;100.000;`, ...lines].join('\n');
  for (const [what, line, reason] of [
    ['an amount without a day', ';SETORAN;;195.663;', 'date_missing'],
    ['an amount beside something that is no day', 'kemarin;SETORAN;;195.663;', 'date'],
    ['an impossible day', '31/02/2026;SETORAN;;195.663;', 'date'],
    ['a row that is cut off', `${today};SETORAN`, 'row_short'],
    ['a row with a cell too many', `${today};SETORAN;X;;195.663;1.000`, 'row_long'],
    ['a debit and a credit in one row', `${today};SETORAN;5.000;195.663;`, 'amount_twice'],
    [
      'a quotation mark that is not closed',
      `${today};"SETORAN;;195.663;\n${today};B;;1.000;`,
      'quote_not_closed',
    ],
    [
      'a mark that takes the next row with it',
      `${today};"SETORAN;;195.663;\n${today};B";;1.000;`,
      'quote_not_closed',
    ],
    ['an amount in a column of its own', `${today};A;;;;195.663`, 'row_long'],
    ['an amount in an unknown row', 'Biaya;;;;195.663', 'row_unknown'],
    ['a total that is not that of the rows', 'Total;;;195.663;', 'check'],
  ] as const) {
    test(`${what} refuses the file with its line`, async () => {
      const found = await refusal(rows(line));
      assert.deepEqual([found.reason, found.line], [reason, 3]);
    });
  }

  for (const [what, lines] of Object.entries({
    'a balance carried over to the next page': [
      ';Saldo dipindahkan;;;100.000',
      head,
      ';Saldo pindahan;;;100.000',
    ],
    'numbers and sums of transactions': [
      'Jumlah Transaksi Kredit;1;;;',
      'Total Transaksi Kredit : 100.000;;;;',
      'Jumlah Transaksi Debet;0;;;',
      'TOTAL;;0;100.000;',
    ],
    'page numbers, printing dates and notes': [
      'Halaman 1 dari 2;;;;',
      'Dicetak pada 30/11/2026 10:00;;;;',
      `${today};;;;`,
      ';PT Bank Contoh berizin dan diawasi oleh OJK;;;',
    ],
    'balances above and below': [';SALDO AWAL;;;0', ';SALDO AKHIR;;;100.000'],
  })) {
    test(`${what} are skipped`, async () => {
      assert.deepEqual(await read(rows(...lines)), {
        lines: [`${today} 100000`],
        words: ['A'],
        skipped: 0,
      });
    });
  }

  test('an amount in an unmapped column refuses the file', async () => {
    const file = ['Tanggal;Keterangan;Debit;Kredit;Biaya;Saldo', `${today};A;;;195.663;`];
    const found = await refusal(file.join('\n'));
    assert.deepEqual(found, { reason: 'row_unknown', line: 2, cell: '195.663' });
  });

  test('a stated number of transactions that differs from the rows refuses the file', async () => {
    const found = await refusal(rows('Jumlah Transaksi Kredit;2;;;'));
    assert.deepEqual([found.reason, found.line], ['check', 3]);
  });

  test('a transaction above the heading refuses the file', async () => {
    const found = await refusal(`${today};A;;100.000;\n${head}\n`);
    assert.deepEqual([found.reason, found.line], ['rows_before_heading', 1]);
  });

  test('another currency or a second account refuses the file', async () => {
    const kopra = (currency: string, number: string) =>
      `${number};${currency};${today};A;B;195663.00;0.00;195663.00`;
    const top =
      'AccountNo;Ccy;PostDate;Remarks;AdditionalDesc;Credit Amount;Debit Amount;Close Balance';
    const one = kopra('IDR', '1370000123456');
    assert.equal((await read([top, one].join('\n'))).lines.length, 1);
    const dollars = [top, kopra('USD', '1370000123456')].join('\n');
    assert.equal((await refusal(dollars)).reason, 'currency');
    const two = [top, one, kopra('IDR', '1370000999999')].join('\n');
    assert.equal((await refusal(two)).reason, 'several_accounts');
  });
});
