import type { ImportRow, SkippedRow } from '../../../ledger/bank-statements/import-queries.ts';
import type { ReceivingAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { badge, emptyState, select } from '../../../web/components.ts';
import { fileInput } from '../../../web/file-input.ts';
import { formatCount, formatShortMoment } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { skippedPart } from './import-preview.ts';

/** Returns the form that uploads a bank statement. */
export function importForm(
  visit: PageContext,
  listPath: string,
  accounts: readonly ReceivingAccountRow[],
): Html {
  const { t, url } = visit;
  if (accounts.length === 0) {
    return emptyState(
      t('common.noAccountsYet'),
      t('operator.importParts.addAReceivingAccountFirst'),
      html`<a class="button" href="${url('/operator/pembayaran/rekening')}"
        >${t('common.receivingAccounts')}</a
      >`,
    );
  }
  return html`<section class="panel narrow" aria-labelledby="import">
    <h2 id="import">${t('operator.importParts.importAStatement')}</h2>
    <form class="stack" method="post" enctype="multipart/form-data" action="${url(listPath)}">
      ${select(
        visit,
        { name: 'account', label: t('common.bankAccount'), required: true },
        accounts.map((row) => ({
          value: row.account_id,
          label: `${row.bank} ${row.number} (${row.holder})`,
        })),
      )}
      ${fileInput(visit, {
        name: 'statement',
        label: t('operator.importParts.statementFile'),
        hint: t('operator.importParts.cSVTSVXLSXMT940OrCAMT053'),
        button: t('operator.importParts.chooseAFile'),
        accept: '.csv,.tsv,.txt,.xlsx,.sta,.940,.xml,text/csv',
        required: true,
      })}
      <button class="button">${t('operator.importParts.preview')}</button>
    </form>
  </section>`;
}

/** Returns the list of the latest imports, each with a link. */
export function importList(
  visit: PageContext,
  listPath: string,
  rows: readonly ImportRow[],
): Html | false {
  const { t, url, language } = visit;
  return (
    rows.length > 0 &&
    html`<section class="panel" aria-labelledby="imports">
      <h2 id="imports">${t('operator.importParts.latestImports')}</h2>
      <ul class="plain stack">
        ${rows.map(
          (row) =>
            html`<li class="row apart">
              <a href="${url(`${listPath}/berkas/${row.import_id}`)}"
                >${row.file_name || t('common.bankStatement')} ·
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
    uploaded: badge(t('operator.importParts.notAppliedYet')),
    storing: badge(t('operator.importParts.running'), 'busy'),
    matching: badge(t('operator.importParts.running'), 'busy'),
    done: badge(t('operator.importParts.done'), 'good'),
    refused: badge(t('operator.importParts.rejected'), 'bad'),
  };
  return words[state];
}

/** Returns the progress of a running import. The page reloads automatically. */
export function progressPart(visit: PageContext, row: ImportRow, path: string): Html {
  const { t, url, language } = visit;
  const bar = (words: string, done: number, total: number) =>
    html`<p>
      <label
        >${words}: ${formatCount(done, language)} ${t('common.of')} ${formatCount(total, language)}
        <progress max="${Math.max(total, 1)}" value="${done}"></progress
      ></label>
    </p>`;
  return html`<section class="panel" aria-labelledby="progress" aria-live="polite">
    <h2 id="progress">${t('operator.importParts.theImportIsRunning')}</h2>
    ${bar(t('operator.importParts.linesStored'), row.stored_lines, row.total_lines)}
    ${
      row.state === 'matching' &&
      bar(t('operator.importParts.transfersMatched'), row.matched_lines, row.to_match)
    }
    <p class="quiet">${t('operator.importParts.youCanLeaveThisPage')}</p>
    <a class="button quiet" href="${url(path)}">${t('operator.importParts.refresh')}</a>
  </section>`;
}

/** Returns the result of a finished import. */
export function resultPart(
  visit: PageContext,
  row: ImportRow,
  skipped: readonly SkippedRow[],
  listPath: string,
): Html {
  const { t, url, language } = visit;
  const figure = (value: number, words: string) =>
    html`<li><strong>${formatCount(value, language)}</strong> ${words}</li>`;
  const known = row.stored_lines - row.added_lines;
  return html`<section class="panel" aria-labelledby="numbers">
      <h2 id="numbers">${t('operator.importParts.theStatementIsImported')}</h2>
      <ul class="figures">
        ${figure(row.added_lines, t('operator.importParts.newTransfers'))}
        ${figure(row.matched_lines, t('operator.importParts.matched'))}
        ${figure(known, t('common.alreadyImported'))}
        ${row.doubtful_lines > 0 && figure(row.doubtful_lines, t('common.possiblyImported'))}
        ${figure(row.skipped_lines, t('common.notIncomingTransfers'))}
      </ul>
      <a class="button" href="${url(listPath)}">${t('operator.importParts.reviewOpenTransfers')}</a>
    </section>
    ${skippedPart(visit, skipped, row.skipped_lines)}`;
}
