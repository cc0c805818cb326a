import type { SubjectRow } from '../../ledger/desk-queries.ts';
import type { OpenLine } from '../../ledger/desk.ts';
import type { ReceivingAccountRow } from '../../ledger/queries.ts';
import { statementFormats, type StatementFormat } from '../../ledger/statement-file.ts';
import type { PreviewedLine } from '../../ledger/statements.ts';
import { badge, emptyState, select } from '../../web/components.ts';
import { count, rupiah, slots } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { Visit } from '../../web/visit.ts';
import { buyer, fieldOf, folded, reasonOf } from './money-parts.ts';

/** Lines of a preview that are shown; all of them are counted. */
const mostShown = 200;

type Subjects = ReadonlyMap<string, SubjectRow>;

const formatNames: Record<StatementFormat, string> = {
  auto: '',
  generic: 'CSV: date, description, amount',
  bca: 'BCA (KlikBCA, myBCA)',
  mandiri: 'Mandiri (Kopra, MCM, Livin’)',
  bri: 'BRI (CMS, Internet Banking, QLola)',
  bni: 'BNI (BNIDirect, Mobile)',
  bsi: 'BSI',
  cimb: 'CIMB Niaga (OCTO)',
  permata: 'Permata (PermataNet)',
};

/** The form that a statement is read in with. */
export function importForm(
  visit: Visit,
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
      ${select(
        visit,
        { name: 'format', label: t('Format berkas', 'Format of the file'), required: true },
        statementFormats.map((value) => ({
          value,
          label:
            value === 'auto' ? t('Kenali otomatis', 'Recognise by itself') : formatNames[value],
        })),
      )}
      <div class="field">
        <label for="statement">${t('Berkas CSV', 'CSV file')}</label
        ><input
          id="statement"
          name="statement"
          type="file"
          accept=".csv,text/csv"
          required
          aria-describedby="statement-hint"
        />
        <p class="hint" id="statement-hint">
          ${t(
            'Sampai 2 MB. Mutasi yang sudah pernah diimpor tidak dihitung dua kali.',
            'Up to 2 MB. What was imported before is not counted twice.',
          )}
        </p>
      </div>
      <button class="button">${t('Lihat pratinjau', 'Preview')}</button>
    </form>
  </section>`;
}

interface Preview {
  readonly account: string;
  readonly format: StatementFormat;
  readonly packed: string;
  readonly lines: readonly PreviewedLine[];
  readonly skipped: number;
  readonly subjects: Subjects;
}

/** What an import would do, and the button that does it. */
export function previewPart(visit: Visit, here: string, preview: Preview): Html {
  const { t, url, language } = visit;
  const { lines, skipped } = preview;
  const figure = (outcome: PreviewedLine['outcome'], words: string) =>
    html`<li>
      <strong>${count(lines.filter((line) => line.outcome === outcome).length, language)}</strong>
      ${words}
    </li>`;
  const hasNew = lines.some(({ outcome }) => outcome !== 'known');
  return html`<section class="panel" aria-labelledby="numbers">
      <h2 id="numbers">${t('Yang akan terjadi', 'What would happen')}</h2>
      <ul class="figures">
        ${figure('match', t('cocok dengan satu pembayaran', 'fit exactly one payment'))}
        ${figure('ambiguous', t('cocok dengan beberapa', 'fit several'))}
        ${figure('unmatched', t('tidak cocok', 'fit none'))}
        ${figure('known', t('sudah pernah diimpor', 'were imported before'))}
        <li>
          <strong>${count(skipped, language)}</strong>
          ${t('bukan transfer masuk', 'are no transfer to us')}
        </li>
      </ul>
      <form
        class="row"
        method="post"
        enctype="multipart/form-data"
        action="${url(`${here}/terapkan`)}"
      >
        <input type="hidden" name="account" value="${preview.account}" />
        <input type="hidden" name="format" value="${preview.format}" />
        <input type="hidden" name="packed" value="${preview.packed}" />
        ${hasNew && html`<button class="button">${t('Terapkan', 'Apply')}</button>`}
        <a class="button quiet" href="${url(here)}">${t('Kembali', 'Back')}</a>
      </form>
    </section>
    ${lines.length > 0 && previewTable(visit, preview)}`;
}

const urgency = { ambiguous: 0, unmatched: 1, match: 2, known: 3 } as const;

function previewTable(visit: Visit, { lines, subjects }: Preview): Html {
  const { t, language } = visit;
  const words = {
    match: badge(t('Cocok', 'Fits'), 'good'),
    ambiguous: badge(t('Beberapa cocok', 'Several fit'), 'busy'),
    unmatched: badge(t('Tidak cocok', 'Fits none'), 'bad'),
    known: badge(t('Sudah diimpor', 'Known')),
  };
  const sorted = lines.toSorted((one, two) => urgency[one.outcome] - urgency[two.outcome]);
  return html`<section class="panel">
    <h2 id="lines">${t('Baris mutasi', 'Lines of the statement')}</h2>
    ${
      lines.length > mostShown &&
      html`<p class="quiet">
        ${t(`${mostShown} baris pertama ditampilkan.`, `The first ${mostShown} lines are shown.`)}
      </p>`
    }
    <div class="table" tabindex="0" role="region" aria-labelledby="lines">
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">${t('Keterangan', 'Description')}</th>
            <th scope="col">${t('Tanggal', 'Day')}</th>
            <th scope="col" class="number">${t('Jumlah', 'Amount')}</th>
            <th scope="col">${t('Hasil', 'Outcome')}</th>
            <th scope="col">${t('Untuk', 'For')}</th>
          </tr>
        </thead>
        <tbody>
          ${sorted.slice(0, mostShown).map(
            (line) =>
              html`<tr>
                <th scope="row"><span>${line.description || '–'}</span></th>
                <td data-label="${t('Tanggal', 'Day')}">
                  <span class="nowrap">${line.booked_on}</span>
                </td>
                <td class="number" data-label="${t('Jumlah', 'Amount')}">
                  <span>${rupiah(line.amount, language)}</span>
                </td>
                <td data-label="${t('Hasil', 'Outcome')}"><span>${words[line.outcome]}</span></td>
                <td data-label="${t('Untuk', 'For')}">
                  <span>${target(visit, line.participation_id, subjects)}</span>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function target(visit: Visit, id: string | null, subjects: Subjects): Html | string {
  if (id === null) return '–';
  const row = subjects.get(id);
  return html`${buyer(visit, row, id)}${row && html` · ${row.title}`}`;
}

/** The transfers that wait for a person. */
export function openList(
  visit: Visit,
  here: string,
  {
    lines,
    subjects,
    accounts,
  }: {
    readonly lines: readonly OpenLine[];
    readonly subjects: Subjects;
    readonly accounts: readonly ReceivingAccountRow[];
  },
): Html {
  const { t } = visit;
  const banks = new Map(accounts.map((row) => [row.account_id, row]));
  return html`<h2>${t('Menunggu kamu', 'Waiting for you')}</h2>
    ${
      lines.length === 0
        ? emptyState(
            t('Semua transfer sudah jelas', 'Every transfer is clear'),
            t(
              'Yang tidak cocok atau meragukan muncul di sini setelah impor.',
              'What fits none or several payments appears here after an import.',
            ),
          )
        : lines.map((line) => openEntry(visit, here, line, subjects, banks.get(line.account_id)))
    }`;
}

function openEntry(
  visit: Visit,
  here: string,
  line: OpenLine,
  subjects: Subjects,
  bank: ReceivingAccountRow | undefined,
): Html {
  const { t, url, language } = visit;
  const { line_id: id } = line;
  return html`<article class="panel">
    <div class="row apart">
      <h3>${rupiah(line.amount, language)}</h3>
      ${
        line.status === 'ambiguous'
          ? badge(t('Beberapa cocok', 'Several fit'), 'busy')
          : badge(t('Tidak cocok', 'Fits none'), 'bad')
      }
    </div>
    <dl class="facts">
      <dt>${t('Keterangan', 'Description')}</dt>
      <dd>${line.description || '–'}</dd>
      <dt>${t('Tanggal', 'Day')}</dt>
      <dd>${line.booked_on}</dd>
      ${
        bank &&
        html`<dt>${t('Rekening', 'Account')}</dt>
          <dd>${bank.bank} <code>${bank.number}</code></dd>`
      }
    </dl>
    ${
      line.candidates.length > 0 &&
      html`<p>${t('Mungkin untuk', 'It may be for')}</p>
        <div class="row">
          ${line.candidates.slice(0, 6).map(
            (candidate) =>
              html`<form method="post" action="${url(`${here}/${id}/tujuan`)}">
                <input type="hidden" name="participation_id" value="${candidate}" />
                <button class="button quiet">${named(visit, candidate, subjects)}</button>
              </form>`,
          )}
        </div>`
    }
    ${folded(
      visit,
      {
        path: `${here}/${id}/tujuan`,
        words: t('Pasangkan dengan ID keikutsertaan', 'Assign by participation id'),
        button: t('Pasangkan', 'Assign'),
      },
      fieldOf(id, 'participation_id', t('ID keikutsertaan', 'Participation id'), {
        required: true,
        maxlength: 36,
      }),
    )}
    ${folded(
      visit,
      {
        path: `${here}/${id}/sisihkan`,
        words: t('Bukan untuk Sambatan', 'Not for any campaign'),
        button: t('Sisihkan', 'Set aside'),
        danger: true,
      },
      reasonOf(visit, id),
    )}
  </article>`;
}

function named(visit: Visit, id: string, subjects: Subjects): string {
  const row = subjects.get(id);
  if (row === undefined) return `…${id.slice(-12)}`;
  const name = row.display_name ?? row.email ?? `…${id.slice(-12)}`;
  return `${name} · ${row.title} · ${slots(row.quantity, visit.language)}`;
}
