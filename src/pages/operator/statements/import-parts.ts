import type { ImportRow, SkippedRow } from '../../../ledger/bank-statements/import-queries.ts';
import type { ReceivingAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { badge, emptyState, select } from '../../../web/components.ts';
import { fileInput } from '../../../web/file-input.ts';
import { formatCount, formatShortMoment } from '../../../web/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { skippedPart } from './import-preview.ts';

/** The form that a statement is uploaded with. */
export function importForm(
  visit: PageContext,
  here: string,
  accounts: readonly ReceivingAccountRow[],
): Html {
  const { t, url } = visit;
  if (accounts.length === 0) {
    return emptyState(
      t('Belum ada rekening', 'No account yet'),
      t('Tambahkan rekening penerima dulu.', 'Add a receiving account first.'),
      html`<a class="button" href="${url('/operator/pembayaran/rekening')}"
        >${t('Rekening penerima', 'Receiving accounts')}</a
      >`,
    );
  }
  return html`<section class="panel narrow" aria-labelledby="import">
    <h2 id="import">${t('Impor mutasi', 'Import a statement')}</h2>
    <form class="stack" method="post" enctype="multipart/form-data" action="${url(here)}">
      ${select(
        visit,
        { name: 'account', label: t('Rekening', 'Account'), required: true },
        accounts.map((row) => ({
          value: row.account_id,
          label: `${row.bank} ${row.number} (${row.holder})`,
        })),
      )}
      ${fileInput(visit, {
        name: 'statement',
        label: t('Berkas mutasi', 'Statement file'),
        hint: t(
          'CSV, TSV, XLSX, MT940, atau CAMT.053, sampai 8 MB dan 20.000 baris. Mutasi yang sudah pernah diimpor tidak dihitung dua kali.',
          'CSV, TSV, XLSX, MT940 or CAMT.053, up to 8 MB and 20,000 lines. Transfers that were imported before are not counted twice.',
        ),
        button: t('Pilih berkas', 'Choose a file'),
        accept: '.csv,.tsv,.txt,.xlsx,.sta,.940,.xml,text/csv',
        required: true,
      })}
      <button class="button">${t('Lihat pratinjau', 'Preview')}</button>
    </form>
  </section>`;
}

/** The last imports, with the way to each. */
export function importList(
  visit: PageContext,
  here: string,
  rows: readonly ImportRow[],
): Html | false {
  const { t, url, language } = visit;
  return (
    rows.length > 0 &&
    html`<section class="panel" aria-labelledby="imports">
      <h2 id="imports">${t('Impor terakhir', 'Latest imports')}</h2>
      <ul class="plain stack">
        ${rows.map(
          (row) =>
            html`<li class="row apart">
              <a href="${url(`${here}/berkas/${row.import_id}`)}"
                >${row.file_name || t('Mutasi', 'Statement')} ·
                ${formatShortMoment(row.created_at, language)}</a
              >${stateBadge(visit, row)}
            </li>`,
        )}
      </ul>
    </section>`
  );
}

function stateBadge(visit: PageContext, { state }: ImportRow): Html {
  const { t } = visit;
  const words = {
    uploaded: badge(t('Belum diterapkan', 'Not applied yet')),
    storing: badge(t('Sedang berjalan', 'Running'), 'busy'),
    matching: badge(t('Sedang berjalan', 'Running'), 'busy'),
    done: badge(t('Selesai', 'Done'), 'good'),
    refused: badge(t('Ditolak', 'Rejected'), 'bad'),
  };
  return words[state];
}

/** How far a running import is; the page loads itself again. */
export function progressPart(visit: PageContext, row: ImportRow, path: string): Html {
  const { t, url, language } = visit;
  const bar = (words: string, done: number, total: number) =>
    html`<p>
      <label
        >${words}: ${formatCount(done, language)} ${t('dari', 'of')} ${formatCount(total, language)}
        <progress max="${Math.max(total, 1)}" value="${done}"></progress
      ></label>
    </p>`;
  return html`<section class="panel" aria-labelledby="progress" aria-live="polite">
    <h2 id="progress">${t('Impor sedang berjalan', 'The import is running')}</h2>
    ${bar(t('Baris disimpan', 'Lines stored'), row.stored_lines, row.total_lines)}
    ${
      row.state === 'matching' &&
      bar(t('Transfer dipasangkan', 'Transfers matched'), row.matched_lines, row.to_match)
    }
    <p class="quiet">
      ${t(
        'Kamu boleh menutup halaman ini; impor tetap berjalan.',
        'You can leave this page; the import goes on.',
      )}
    </p>
    <a class="button quiet" href="${url(path)}">${t('Muat ulang', 'Refresh')}</a>
  </section>`;
}

/** What a finished import did. */
export function resultPart(
  visit: PageContext,
  row: ImportRow,
  skipped: readonly SkippedRow[],
  here: string,
): Html {
  const { t, url, language } = visit;
  const figure = (value: number, words: string) =>
    html`<li><strong>${formatCount(value, language)}</strong> ${words}</li>`;
  const known = row.stored_lines - row.added_lines;
  return html`<section class="panel" aria-labelledby="numbers">
      <h2 id="numbers">${t('Mutasi sudah diimpor', 'The statement is imported')}</h2>
      <ul class="figures">
        ${figure(row.added_lines, t('transfer baru', 'new transfers'))}
        ${figure(row.matched_lines, t('dipasangkan', 'matched'))}
        ${figure(known, t('sudah pernah diimpor', 'imported before'))}
        ${
          row.doubtful_lines > 0 &&
          figure(row.doubtful_lines, t('mungkin sudah diimpor', 'possibly imported before'))
        }
        ${figure(row.skipped_lines, t('bukan transfer masuk', 'not incoming transfers'))}
      </ul>
      <a class="button" href="${url(here)}"
        >${t('Lihat yang menunggu kamu', 'See what waits for you')}</a
      >
    </section>
    ${skippedPart(visit, skipped, row.skipped_lines)}`;
}
