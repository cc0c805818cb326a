import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import writeExcelFile from 'write-excel-file/node';
import {
  builtInMappings,
  readStatement,
  StatementRefused,
  type Mapping,
  type ParsedStatement,
} from '../../src/ledger/statement-files/parse.ts';
import { readHere } from '../../src/ledger/statement-files/read.ts';
import {
  rowsOf,
  rowText,
  shapes,
  type Shape,
  type StatementInput,
} from '../support/builders/statement-shapes.ts';

const today = '2026-11-30';
const runs = Number(process.env['SAMBATAN_STATEMENT_RUNS'] ?? 60);

const day = fc
  .integer({ min: 0, max: 60 })
  .map((ago) => new Date(Date.parse(today) - ago * 86_400_000).toISOString().slice(0, 10));
const clock = fc
  .integer({ min: 0, max: 86_399 })
  .map((second) => new Date(second * 1000).toISOString().slice(11, 19));
const words = fc.constantFrom(
  'TRSF E-BANKING CR 2911/FTSCY/WS95051 SARI DEWI',
  'BI-FAST CR TRANSFER DR 014 BUDI',
  'KR OTOMATIS 195.663 "TOKO JAYA", TBK',
  'SWITCHING CR; PT MAJU | TBK',
  'Kredit 1,500,000.00 untuk sambatan',
  'TOTAL BERES Söhne – café',
  "O'BRIEN 0000 Saldo Awal",
  '',
);
const amount = fc.oneof(
  fc.integer({ min: 1, max: 999 }),
  fc.integer({ min: 1000, max: 999_999 }),
  fc.integer({ min: 1_000_000, max: 2_000_000_000 }),
  fc.constantFrom(1, 100, 999, 1000, 195_000, 195_663, 1_500_123, 999_999_999),
);

function writtenFor(shape: Shape): fc.Arbitrary<StatementInput> {
  const entry = fc.record({
    day,
    clock,
    words,
    isPending: shape.pending ? fc.boolean() : fc.constant(false),
    sen: fc
      .tuple(amount, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 9 }), fc.boolean())
      .map(([rupiah, sen, chance, isDebit]) => {
        const size = BigInt(rupiah) * 100n + (shape.sen && chance === 0 ? BigInt(sen) : 0n);
        return isDebit && chance % 2 === 1 ? -size : size;
      }),
  });
  return fc.array(entry, { minLength: 1, maxLength: 12 }).map((entries) => {
    const sorted = entries.toSorted(
      (a, b) => Number(a.isPending) - Number(b.isPending) || (a.day < b.day ? -1 : 1),
    );
    const out = sorted.reduce((sum, { sen }) => (sen < 0n ? sum - sen : sum), 0n);
    return {
      opening: out + 100_000_00n,
      entries: sorted,
      period: { from: '2026-09-25', to: today },
    };
  });
}

const layer = fc.record({
  quoteAll: fc.boolean(),
  end: fc.constantFrom('\n', '\r\n', '\r'),
  lastEnd: fc.boolean(),
  encoding: fc.constantFrom('utf8', 'utf8 bom', 'utf16le', 'utf16be', 'windows-1252'),
  pageLength: fc.constantFrom(1, 3, 100),
  blank: fc.boolean(),
});
type Layer = typeof layer extends fc.Arbitrary<infer T> ? T : never;

function encode(text: string, encoding: Layer['encoding']): Buffer {
  if (encoding === 'utf8') return Buffer.from(text);
  if (encoding === 'utf8 bom') return Buffer.from(`\ufeff${text}`);
  if (encoding === 'utf16le') return Buffer.from(`\ufeff${text}`, 'utf16le');
  if (encoding === 'utf16be') return Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
  // In Windows-1252 the dash is the byte 0x96. All other characters in these tests equal Latin-1.
  return Buffer.from(text.replaceAll('–', '\u0096'), 'latin1');
}

/**
 * The text of the file. For each transaction also the length of the text that contains its whole
 * row.
 */
function fileOf(
  shape: Shape,
  written: StatementInput,
  { quoteAll, end, lastEnd, pageLength, blank }: Layer,
) {
  let text = '';
  const whole = new Map<number, number>();
  for (const { cells, entry } of rowsOf(shape, written, pageLength)) {
    text += rowText(cells, shape.delimiter, quoteAll && cells.length > 1).replaceAll('\n', end);
    if (entry !== undefined) whole.set(entry, text.length);
    text += end + (blank && entry !== undefined ? shape.delimiter + end : '');
  }
  return { text: lastEnd ? text : text.trimEnd(), whole };
}

const sorted = (items: readonly string[]) => items.toSorted();
const incoming = ({ skipped }: ParsedStatement) => skipped.filter((one) => one.incoming);

/**
 * Checks that every incoming transaction was read as a line, or was listed as skipped with its
 * amount.
 */
function assertAllFound(
  parsed: ParsedStatement,
  entries: StatementInput['entries'],
  place: string,
) {
  const credits = entries.filter(({ sen }) => sen > 0n);
  const whole = credits.filter(({ sen, isPending }) => sen % 100n === 0n && !isPending);
  const others = credits.filter(({ sen, isPending }) => sen % 100n !== 0n || isPending);
  assert.deepEqual(
    sorted(parsed.lines.map((line) => `${line.day} ${line.amount}`)),
    sorted(whole.map((entry) => `${entry.day} ${entry.sen / 100n}`)),
    place,
  );
  assert.deepEqual(
    sorted(incoming(parsed).map(({ amount: rupiah, sen }) => String(rupiah * 100n + BigInt(sen)))),
    sorted(others.map(({ sen }) => String(sen))),
    place,
  );
}

test('every built-in mapping has a shape with a named source', () => {
  assert.deepEqual(
    [...new Set(Object.values(shapes).map(({ mapping }) => mapping))].toSorted(),
    builtInMappings.map(({ id }) => id).toSorted(),
  );
  for (const { source } of builtInMappings) assert.match(source ?? '', /github\.com|docs\//);
  for (const { evidence } of Object.values(shapes)) assert.match(evidence, /github\.com|docs\//);
});

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: every rupiah of a complete file is a line or is listed`, async () => {
    await fc.assert(
      fc.asyncProperty(writtenFor(shape), layer, async (written, how) => {
        // If the order of day and month is unknown, a file in which no day is above 12 is refused.
        const isSure = written.entries.some((entry) => Number(entry.day.slice(8)) > 12);
        fc.pre(isSure || shape.mapping !== 'table-en');
        const { text } = fileOf(shape, written, how);
        const bytes = encode(text, how.encoding);
        const parsed = await readStatement(bytes, { mapping: 'auto', today });
        assert.equal(parsed.mapping, shape.mapping);
        assertAllFound(parsed, written.entries, text);
        for (const { day: booked, time } of parsed.lines) {
          if (time === undefined) continue;
          const clocks = written.entries.map((entry) => `${entry.day}T${entry.clock}+07:00`);
          assert.ok(
            clocks.some((at) => Date.parse(at) === time.getTime()),
            booked,
          );
        }
        if (shape.balance && written.entries.length > 1) {
          assert.ok(parsed.checks.some(({ kind }) => kind === 'running_balance'));
        }
      }),
      { numRuns: runs },
    );
  });

  test(`${name}: a truncated file is refused, or has lost only the missing part`, async () => {
    await fc.assert(
      fc.asyncProperty(
        writtenFor(shape),
        layer,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (written, how, share) => {
          const { text, whole } = fileOf(shape, written, how);
          const cut = text.slice(0, Math.floor(text.length * share));
          // Without balances, an amount at the very end of the file may be cut off, and nothing can
          // show it.
          if (!shape.balance && /\d$/.test(cut)) return;
          let parsed: ParsedStatement;
          try {
            parsed = await readStatement(encode(cut, how.encoding), { mapping: 'auto', today });
          } catch (error) {
            assert.ok(error instanceof StatementRefused, String(error));
            return;
          }
          const kept = written.entries.filter((_, index) => whole.get(index)! <= cut.length);
          const next = written.entries[kept.length];
          const read = parsed.lines.length + incoming(parsed).length;
          const wanted = kept.filter(({ sen }) => sen > 0n).length;
          // A row that is cut off may still be read if its amount is complete.
          assertAllFound(parsed, read > wanted && next ? [...kept, next] : kept, cut);
        },
      ),
      { numRuns: runs },
    );
  });
}

test('a workbook with cells of any type loses nothing', async () => {
  const names = Object.keys(shapes).filter((name) => name !== 'English table');
  await fc.assert(
    fc.asyncProperty(
      fc
        .constantFrom(...names)
        .chain((name) => fc.tuple(fc.constant(name), writtenFor(shapes[name]!))),
      fc.constantFrom(1, 3, 100),
      async ([name, written], pageLength) => {
        const rows = rowsOf(shapes[name]!, written, pageLength).map(({ cells }) =>
          cells.map((value) => (value === '' ? null : { value })),
        );
        const bytes = await writeExcelFile(rows as never).toBuffer();
        const parsed = await readHere(bytes, { mapping: 'auto', today });
        assert.equal(parsed.mapping, shapes[name]!.mapping);
        assertAllFound(parsed, written.entries, name);
      },
    ),
    { numRuns: runs },
  );
});

/**
 * The indexes of the columns, as an operator enters them for a bank that the service does not know.
 */
function byIndex({ mapping, heading }: Shape, headerRow: number): Mapping {
  const { columns, dates } = builtInMappings.find(({ id }) => id === mapping)!;
  const [names] = heading;
  const plain = (name: string | number) =>
    String(name)
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '');
  const indexes = (refs: readonly (string | number)[]) =>
    names!.flatMap((name, index) => (refs.map(plain).includes(plain(name)) ? [index] : []));
  const entries = Object.entries(columns).map(([role, refs]) =>
    refs === 'beside' ? [role, refs] : [role, indexes(refs)],
  );
  const own = Object.fromEntries(
    entries.filter(([, refs]) => refs!.length > 0),
  ) as Mapping['columns'];
  return { id: 'own', name: '', bank: 'operator', columns: own, dates: dates ?? 'DMY', headerRow };
}

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: columns mapped by number lose nothing either`, async () => {
    await fc.assert(
      fc.asyncProperty(
        writtenFor(shape),
        layer,
        fc.integer({ min: -2, max: 2 }),
        async (written, how, moved) => {
          const { text } = fileOf(shape, written, how);
          const heading = shape.head(written).length + 1;
          const bytes = encode(text, how.encoding);
          const options = {
            mapping: { ...byIndex(shape, heading + moved), delimiter: shape.delimiter },
            today,
          };
          try {
            assertAllFound(await readStatement(bytes, options), written.entries, text);
          } catch (error) {
            // If the row of the heading is wrong, the file may be refused, but no transaction may
            // be lost.
            if (moved === 0 || !(error instanceof StatementRefused)) throw error;
          }
        },
      ),
      { numRuns: runs / 2 },
    );
  });
}

const proven = Object.entries(shapes).filter(([, { balance }]) => balance);
test('a lost, duplicated or changed row is noticed if the bank states balances', async () => {
  const [names, all] = [proven.map(([name]) => name), Object.fromEntries(proven)];
  await fc.assert(
    fc.asyncProperty(
      fc
        .constantFrom(...names)
        .chain((name) => fc.tuple(fc.constant(name), writtenFor(all[name]!))),
      fc.nat(),
      fc.constantFrom('lost', 'doubled', 'changed'),
      async ([name, written], at, what) => {
        const shape = all[name]!;
        const rows = rowsOf(shape, written);
        const own = rows.flatMap(({ entry }, index) => (entry === undefined ? [] : [index]));
        // The first row has no balance before it, so it cannot be checked.
        fc.pre(own.length > 2);
        const index = own[1 + (at % (own.length - 2))]!;
        const lines = rows.map(({ cells }) => rowText(cells, shape.delimiter, cells.length > 1));
        const line = lines[index]!;
        const entry = written.entries[rows[index]!.entry!]!;
        const other = shape.rows({ ...entry, sen: entry.sen * 10n }, 0n, rows[index]!.entry!)[0]!;
        const amounts = rows[index]!.cells.map((cell, column) =>
          cell === other[column] || shape.heading[0]![column]?.match(/saldo|balance/i)
            ? cell
            : other[column]!,
        );
        if (what === 'lost') lines.splice(index, 1);
        if (what === 'doubled') lines.splice(index, 0, line);
        if (what === 'changed') lines[index] = rowText(amounts, shape.delimiter, true);
        const bytes = Buffer.from(lines.join('\n'));
        await assert.rejects(readStatement(bytes, { mapping: 'auto', today }), StatementRefused);
      },
    ),
    { numRuns: runs * 3 },
  );
});
