import type { SkippedRow } from '../../../ledger/bank-statements/import-queries.ts';
import { badge, checkbox, input } from '../../../web/components.ts';
import { formatCount, formatRupiah, formatDay } from '../../../web/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { buyerLink } from '../kit/parts.ts';
import type { Subjects } from './statement-parts.ts';
import { scrollingTable } from '../../../web/table.ts';
import type { PreviewedLine, StatementPreview } from '../../../ledger/bank-statements/preview.ts';

/** Lines of a preview that are shown; all of them are counted. */
const maxShown = 200;

/** What an import would do, how the file was understood, and the button that does it. */
export function previewPart(
  visit: PageContext,
  path: string,
  { preview, subjects }: { readonly preview: StatementPreview; readonly subjects: Subjects },
): Html {
  const { t, url, language } = visit;
  const { lines, parsed, mapping } = preview;
  const figure = (outcome: PreviewedLine['outcome'], words: string) =>
    html`<li>
      <strong
        >${formatCount(lines.filter((line) => line.outcome === outcome).length, language)}</strong
      >
      ${words}
    </li>`;
  return html`<section class="panel" aria-labelledby="numbers">
      <h2 id="numbers">${t('Yang akan terjadi', 'What would happen')}</h2>
      <ul class="figures">
        ${figure('match', t('cocok dengan satu pembayaran', 'fit exactly one payment'))}
        ${figure('ambiguous', t('cocok dengan beberapa', 'fit several'))}
        ${figure('unmatched', t('tidak cocok', 'fit none'))}
        ${figure('doubtful', t('mungkin sudah diimpor', 'possibly imported before'))}
        ${figure('known', t('sudah pernah diimpor', 'imported before'))}
        <li>
          <strong>${formatCount(parsed.skipped.length, language)}</strong>
          ${t('bukan transfer masuk', 'not incoming transfers')}
        </li>
      </ul>
      ${understoodPart(visit, preview)}
      <form class="stack narrow" method="post" action="${url(`${path}/terapkan`)}">
        ${input(visit, {
          name: 'through',
          label: t('Mutasi lengkap sampai tanggal', 'Complete through'),
          hint: t(
            'Isi kalau berkas memuat semua transfer sampai hari itu. Paling lambat kemarin.',
            'Fill this in if the file has every transfer through that day. Yesterday at the latest.',
          ),
          control: { type: 'date' },
        })}
        ${
          'columns' in mapping &&
          checkbox(visit, {
            name: 'keep_mapping',
            label: t(
              'Pakai kolom ini untuk impor rekening ini berikutnya',
              'Use these columns for the next imports of this account',
            ),
            checked: true,
          })
        }
        <button class="button">${t('Terapkan', 'Apply')}</button>
      </form>
    </section>
    ${lines.length > 0 && previewTable(visit, lines, subjects)}
    ${skippedPart(visit, parsed.skipped, parsed.skipped.length)} ${otherRowsPart(visit, parsed)}`;
}

/** Rows that were read as no transaction at all, such as headings and totals. */
function otherRowsPart(
  visit: PageContext,
  { otherRows }: StatementPreview['parsed'],
): Html | false {
  const { t, language } = visit;
  return (
    otherRows.length > 0 &&
    html`<details class="panel">
      <summary>
        ${t(
          `${formatCount(otherRows.length, language)} baris lain, seperti judul dan total`,
          `${formatCount(otherRows.length, language)} other rows, such as headings and totals`,
        )}
      </summary>
      <ul>
        ${otherRows
          .slice(0, maxShown)
          .map(({ row, text }) => html`<li><span class="quiet">${row}.</span> ${text}</li>`)}
      </ul>
    </details>`
  );
}

/** How numbers and dates were read, in words, each with an example from the file. */
function understoodPart(visit: PageContext, { parsed }: StatementPreview): Html {
  const { t, language } = visit;
  const { style, lines, period, checks } = parsed;
  const numbers = {
    dot_thousands: t('“1.500.123,00” dibaca', '“1.500.123,00” is read as'),
    comma_thousands: t('“1,500,123.00” dibaca', '“1,500,123.00” is read as'),
    plain: t('“1500123” dibaca', '“1500123” is read as'),
  };
  const dates = {
    DMY: t('“05/11/2026” dibaca', '“05/11/2026” is read as'),
    MDY: t('“11/05/2026” dibaca', '“11/05/2026” is read as'),
    ISO: t('“2026-11-05” dibaca', '“2026-11-05” is read as'),
  };
  const days = lines.map(({ day }) => day).toSorted();
  return html`<dl class="facts">
    <dt>${t('Angka', 'Numbers')}</dt>
    <dd>${numbers[style.numbers]} ${formatRupiah(1_500_123n, language)}</dd>
    <dt>${t('Tanggal', 'Dates')}</dt>
    <dd>${dates[style.dates]} ${formatDay('2026-11-05', visit.language)}</dd>
    ${
      days.length > 0 &&
      html`<dt>${t('Transfer masuk', 'Incoming transfers')}</dt>
        <dd>
          ${formatCount(lines.length, language)},
          ${formatRupiah(
            lines.reduce((sum, { amount }) => sum + amount, 0n),
            language,
          )},
          ${formatDay(days[0]!, visit.language)} – ${formatDay(days.at(-1)!, visit.language)}
        </dd>`
    }
    ${
      period &&
      html`<dt>${t('Periode di berkas', 'Period in the file')}</dt>
        <dd>
          ${formatDay(period.from, visit.language)} – ${formatDay(period.to, visit.language)}
        </dd>`
    }
    ${
      checks.length > 0 &&
      html`<dt>${t('Pemeriksaan', 'Checks')}</dt>
        <dd>
          ${t(
            'Jumlah dan saldo di berkas sama dengan yang terbaca.',
            'Totals and balances in the file agree with what was read.',
          )}
        </dd>`
    }
  </dl>`;
}

const urgency = { doubtful: 0, ambiguous: 1, unmatched: 2, match: 3, known: 4 } as const;

function previewTable(
  visit: PageContext,
  lines: readonly PreviewedLine[],
  subjects: Subjects,
): Html {
  const { t, language } = visit;
  const words = {
    match: badge(t('Cocok', 'Fits'), 'good'),
    ambiguous: badge(t('Beberapa cocok', 'Several fit'), 'busy'),
    unmatched: badge(t('Tidak cocok', 'Fits none'), 'bad'),
    doubtful: badge(t('Mungkin sudah diimpor', 'Possibly imported before'), 'busy'),
    known: badge(t('Sudah diimpor', 'Imported before')),
  };
  const sorted = lines.toSorted((one, two) => urgency[one.outcome] - urgency[two.outcome]);
  return html`<section class="panel">
    <h2 id="lines">${t('Baris mutasi', 'Lines of the statement')}</h2>
    ${
      lines.length > maxShown &&
      html`<p class="quiet">
        ${t(`${maxShown} baris pertama ditampilkan.`, `The first ${maxShown} lines are shown.`)}
      </p>`
    }
    ${scrollingTable<PreviewedLine>(
      { labelledBy: 'lines' },
      {
        isStacked: true,
        rows: sorted.slice(0, maxShown),
        columns: [
          {
            head: t('Keterangan', 'Description'),
            isRowHead: true,
            cell: ({ description }) => description || '–',
          },
          {
            head: t('Tanggal', 'Date'),
            cell: ({ booked_on: day }) =>
              html`<span class="nowrap">${formatDay(day, visit.language)}</span>`,
          },
          {
            head: t('Jumlah', 'Amount'),
            isNumber: true,
            cell: ({ amount }) => formatRupiah(amount, language),
          },
          { head: t('Hasil', 'Result'), cell: ({ outcome }) => words[outcome] },
          {
            head: t('Untuk', 'For'),
            cell: ({ participation_id: id }) => targetLink(visit, id, subjects),
          },
        ],
      },
    )}
  </section>`;
}

type Skipped = Omit<SkippedRow, 'amount'> & { readonly amount: bigint | number };

/** Rows with money that are no incoming transfer, each with its reason. */
export function skippedPart(
  visit: PageContext,
  rows: readonly Skipped[],
  total: number,
): Html | false {
  const { t, language } = visit;
  const reasons: Readonly<Record<string, string>> = {
    outgoing: t('uang keluar', 'money out'),
    pending: t('belum dibukukan bank (PEND)', 'not booked by the bank yet (PEND)'),
    sen: t('ada sen, misalnya bunga', 'has sen, such as interest'),
    no_amount: t('tanpa jumlah', 'no amount'),
    balance: t('baris saldo', 'a balance'),
  };
  // What came in and was not taken is what somebody has to look at.
  const sorted = rows.toSorted((one, two) => Number(two.incoming) - Number(one.incoming));
  return (
    rows.length > 0 &&
    html`<section class="panel">
      <h2 id="skipped">${t('Baris yang dilewati', 'Skipped rows')}</h2>
      ${
        total > maxShown &&
        html`<p class="quiet">
          ${t(`${maxShown} baris pertama ditampilkan.`, `The first ${maxShown} rows are shown.`)}
        </p>`
      }
      ${scrollingTable<Skipped>(
        { labelledBy: 'skipped' },
        {
          isStacked: true,
          rows: sorted.slice(0, maxShown),
          columns: [
            { head: t('Isi', 'Content'), isRowHead: true, cell: (row) => row.text || '–' },
            { head: t('Baris', 'Row'), cell: ({ row }) => row },
            {
              head: t('Jumlah', 'Amount'),
              isNumber: true,
              cell: ({ amount, sen }) =>
                html`${formatRupiah(amount, language)}${
                  sen > 0 && `${t(',', '.')}${String(sen).padStart(2, '0')}`
                }`,
            },
            { head: t('Alasan', 'Reason'), cell: ({ reason }) => reasons[reason] ?? reason },
          ],
        },
      )}
    </section>`
  );
}

function targetLink(visit: PageContext, id: string | null, subjects: Subjects): Html | string {
  if (id === null) return '–';
  const row = subjects.get(id);
  return html`${buyerLink(visit, row, id)}${row && html` · ${row.title}`}`;
}
