import type { SkippedRow } from '../../../ledger/bank-statements/import-queries.ts';
import { badge, checkbox, input } from '../../../web/components.ts';
import { formatCount, formatRupiah, formatDay } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { buyerLink } from '../kit/parts.ts';
import type { Subjects } from './statement-parts.ts';
import { scrollingTable } from '../../../web/table.ts';
import type { PreviewedLine, StatementPreview } from '../../../ledger/bank-statements/preview.ts';

/** Maximum number of lines that a preview shows. The numbers in the preview count all lines. */
const maxShown = 200;

/**
 * Returns the preview of an import: its effect, how the file was interpreted, and the button that
 * starts the import.
 */
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
      <h2 id="numbers">${t('operator.importPreview.heading')}</h2>
      <ul class="figures">
        ${figure('match', t('operator.importPreview.fitExactlyOnePayment'))}
        ${figure('ambiguous', t('operator.importPreview.fitSeveral'))}
        ${figure('unmatched', t('operator.importPreview.fitNone'))}
        ${figure('doubtful', t('common.possiblyImported'))}
        ${figure('known', t('common.alreadyImported'))}
        <li>
          <strong>${formatCount(parsed.skipped.length, language)}</strong>
          ${t('common.notIncomingTransfers')}
        </li>
      </ul>
      ${understoodPart(visit, preview)}
      <form class="stack narrow" method="post" action="${url(`${path}/terapkan`)}">
        ${input(visit, {
          name: 'through',
          label: t('operator.importPreview.completeThrough'),
          hint: t('operator.importPreview.fillThisInIfTheFile'),
          control: { type: 'date' },
        })}
        ${
          'columns' in mapping &&
          checkbox(visit, {
            name: 'keep_mapping',
            label: t('operator.importPreview.useTheseColumnsForTheNext'),
            checked: true,
          })
        }
        <button class="button">${t('operator.importPreview.apply')}</button>
      </form>
    </section>
    ${lines.length > 0 && previewTable(visit, lines, subjects)}
    ${skippedPart(visit, parsed.skipped, parsed.skipped.length)} ${otherRowsPart(visit, parsed)}`;
}

/** Returns the rows of the file that are not transactions, such as headings and totals. */
function otherRowsPart(
  visit: PageContext,
  { otherRows }: StatementPreview['parsed'],
): Html | false {
  const { t } = visit;
  return (
    otherRows.length > 0 &&
    html`<details class="panel">
      <summary>
        ${t('operator.importPreview.otherRowsSuchAsHeadings', { otherRows: otherRows.length })}
      </summary>
      <ul>
        ${otherRows
          .slice(0, maxShown)
          .map(({ row, text }) => html`<li><span class="quiet">${row}.</span> ${text}</li>`)}
      </ul>
    </details>`
  );
}

/** Returns how the numbers and dates of the file are interpreted, each with an example. */
function understoodPart(visit: PageContext, { parsed }: StatementPreview): Html {
  const { t, language } = visit;
  const { style, lines, period, checks } = parsed;
  const numbers = {
    dot_thousands: t('operator.importPreview.150012300IsRead'),
    comma_thousands: t('operator.importPreview.150012300IsRead2'),
    plain: t('operator.importPreview.1500123IsRead'),
  };
  const dates = {
    DMY: t('operator.importPreview.05112026IsRead'),
    MDY: t('operator.importPreview.11052026IsRead'),
    ISO: t('operator.importPreview.20261105IsRead'),
  };
  const days = lines.map(({ day }) => day).toSorted();
  return html`<dl class="facts">
    <dt>${t('operator.mappingForm.numberFormat')}</dt>
    <dd>${numbers[style.numbers]} ${formatRupiah(1_500_123n, language)}</dd>
    <dt>${t('operator.importPreview.dates')}</dt>
    <dd>${dates[style.dates]} ${formatDay('2026-11-05', visit.language)}</dd>
    ${
      days.length > 0 &&
      html`<dt>${t('operator.importPreview.incomingTransfers')}</dt>
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
      html`<dt>${t('operator.importPreview.periodInTheFile')}</dt>
        <dd>
          ${formatDay(period.from, visit.language)} – ${formatDay(period.to, visit.language)}
        </dd>`
    }
    ${
      checks.length > 0 &&
      html`<dt>${t('operator.importPreview.checks')}</dt>
        <dd>${t('operator.importPreview.totalsAndBalancesInTheFile')}</dd>`
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
    match: badge(t('operator.importPreview.fits'), 'good'),
    ambiguous: badge(t('common.severalMatches'), 'busy'),
    unmatched: badge(t('common.noMatch'), 'bad'),
    doubtful: badge(t('common.possiblyImportedBadge'), 'busy'),
    known: badge(t('operator.importPreview.importedBefore')),
  };
  const sorted = lines.toSorted((one, two) => urgency[one.outcome] - urgency[two.outcome]);
  return html`<section class="panel">
    <h2 id="lines">${t('operator.importPreview.linesOfTheStatement')}</h2>
    ${
      lines.length > maxShown &&
      html`<p class="quiet">${t('operator.importPreview.theFirstLinesAreShown', { maxShown })}</p>`
    }
    ${scrollingTable<PreviewedLine>(
      { labelledBy: 'lines' },
      {
        isStacked: true,
        rows: sorted.slice(0, maxShown),
        columns: [
          {
            head: t('common.description'),
            isRowHead: true,
            cell: ({ description }) => description || '–',
          },
          {
            head: t('common.date'),
            cell: ({ booked_on: day }) =>
              html`<span class="nowrap">${formatDay(day, visit.language)}</span>`,
          },
          {
            head: t('common.amount'),
            isNumber: true,
            cell: ({ amount }) => formatRupiah(amount, language),
          },
          { head: t('operator.importPreview.result'), cell: ({ outcome }) => words[outcome] },
          {
            head: t('operator.importPreview.for'),
            cell: ({ participation_id: id }) => targetLink(visit, id, subjects),
          },
        ],
      },
    )}
  </section>`;
}

type Skipped = Omit<SkippedRow, 'amount'> & { readonly amount: bigint | number };

/**
 * Returns the rows that have an amount but are not incoming transfers, each with the reason for
 * skipping it.
 */
export function skippedPart(
  visit: PageContext,
  rows: readonly Skipped[],
  total: number,
): Html | false {
  const { t, language } = visit;
  const reasons: Readonly<Record<string, string>> = {
    outgoing: t('operator.importPreview.moneyOut'),
    pending: t('operator.importPreview.notBookedByTheBankYet'),
    sen: t('operator.importPreview.hasSenSuchAsInterest'),
    no_amount: t('operator.importPreview.noAmount'),
    balance: t('operator.importPreview.aBalance'),
  };
  // Skipped incoming money is listed first, because a person must check it.
  const sorted = rows.toSorted((one, two) => Number(two.incoming) - Number(one.incoming));
  return (
    rows.length > 0 &&
    html`<section class="panel">
      <h2 id="skipped">${t('operator.importPreview.skippedRows')}</h2>
      ${
        total > maxShown &&
        html`<p class="quiet">${t('operator.importPreview.theFirstRowsAreShown', { maxShown })}</p>`
      }
      ${scrollingTable<Skipped>(
        { labelledBy: 'skipped' },
        {
          isStacked: true,
          rows: sorted.slice(0, maxShown),
          columns: [
            {
              head: t('operator.importPreview.content'),
              isRowHead: true,
              cell: (row) => row.text || '–',
            },
            { head: t('common.row'), cell: ({ row }) => row },
            {
              head: t('common.amount'),
              isNumber: true,
              cell: ({ amount, sen }) =>
                html`${formatRupiah(amount, language)}${
                  sen > 0 && `${t('operator.importPreview.text')}${String(sen).padStart(2, '0')}`
                }`,
            },
            { head: t('common.reason'), cell: ({ reason }) => reasons[reason] ?? reason },
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
