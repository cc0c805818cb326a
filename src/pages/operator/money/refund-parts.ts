import type { SettledRow, ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { RefundRow } from '../../../ledger/refunds/queries.ts';
import { badge, emptyState } from '../../../web/components.ts';
import { formatRupiah, formatShortMoment } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import {
  bankAccountText,
  buyerLink,
  fieldOf,
  collapsibleForm,
  reasonOf,
  orderSummary,
  subsections,
} from '../kit/parts.ts';
import { waitingCell } from '../kit/queue-age.ts';
import { scrollingTable } from '../../../web/table.ts';

export const refundsPath = '/operator/uang';

/** Returns the links to the pages about outgoing money. */
export function moneyOutParts(visit: PageContext, at: string): Html {
  const { t } = visit;
  return subsections(
    visit,
    [
      { path: refundsPath, words: t('operator.refundParts.refunds') },
      { path: `${refundsPath}/pencairan`, words: t('operator.refundParts.payouts') },
      { path: `${refundsPath}/dobel`, words: t('common.duplicateRefunds') },
      { path: `${refundsPath}/keluhan`, words: t('common.disputes') },
    ],
    at,
  );
}

type Subjects = ReadonlyMap<string, ParticipationSummaryRow>;

export function refundQueue(
  visit: PageContext,
  rows: readonly RefundRow[],
  subjects: Subjects,
): Html {
  const { t, url } = visit;
  if (rows.length === 0) {
    return emptyState(
      t('common.nothingToReview'),
      t('operator.refundParts.everyRefundHasBeenMade'),
    );
  }
  return html`<section class="panel">
      <div class="row apart">
        <h2 id="due">${t('operator.refundParts.toBeMade')}</h2>
        <span class="row">
          <a class="button" href="${url(`${refundsPath}/pengembalian.xlsx`)}" download
            >${t('operator.refundParts.downloadExcel')}</a
          >
          <a class="button quiet" href="${url(`${refundsPath}/pengembalian.csv`)}" download>CSV</a>
        </span>
      </div>
      <p class="quiet">${t('operator.refundParts.theFileHasEveryRefund')}</p>
      <form class="stack" method="post" action="${url(`${refundsPath}/lunas`)}">
        ${refundTable(visit, rows, subjects)}
        ${fieldOf('settle', 'reference', t('common.transferReference'), {
          required: true,
          maxlength: 200,
        })}
        <button class="button">${t('operator.refundParts.settleTheChosen')}</button>
      </form>
    </section>
    <section class="panel" aria-labelledby="failed">
      <h2 id="failed">${t('operator.refundParts.didOneFail')}</h2>
      ${rows.map((row) =>
        collapsibleForm(
          visit,
          {
            path: `${refundsPath}/${row.transaction_id}/gagal`,
            words: `${formatRupiah(row.amount, visit.language)} · ${
              row.holder ?? subjects.get(row.participation_id)?.display_name ?? '–'
            }`,
            button: t('operator.refundParts.noteTheFailure'),
            danger: true,
          },
          reasonOf(visit, row.transaction_id),
        ),
      )}
    </section>`;
}

function refundTable(visit: PageContext, rows: readonly RefundRow[], subjects: Subjects): Html {
  const { t, language } = visit;
  return scrollingTable<RefundRow>(
    { labelledBy: 'due' },
    {
      isStacked: true,
      rows,
      columns: [
        {
          head: t('operator.refundParts.choose'),
          isRowHead: true,
          cell: ({ transaction_id: id, participation_id }) =>
            html`<span class="field check"
              ><label
                ><input type="checkbox" name="id" value="${id}" /><span
                  >${subjects.get(participation_id)?.display_name ?? `…${id.slice(-8)}`}</span
                ></label
              ></span
            >`,
        },
        {
          head: t('operator.refundParts.order'),
          cell: ({ participation_id: id }) =>
            html`${orderSummary(visit, subjects.get(id))} ${buyerLink(visit, undefined, id)}`,
        },
        {
          head: t('operator.refundParts.to'),
          cell: (row) =>
            html`${bankAccountText(visit, row)}${
              row.attempts > 0 &&
              html` ${badge(t('operator.refundParts.failed', { attempts: row.attempts }), 'bad')}
                <span class="quiet">${row.reason}</span>`
            }`,
        },
        {
          head: t('common.amount'),
          isNumber: true,
          cell: ({ amount }) => formatRupiah(amount, language),
        },
        {
          head: t('common.since'),
          cell: (row) => waitingCell(visit, 'refunds', row.created_at),
        },
      ],
    },
  );
}

/**
 * Returns the list of refunds that operators must not send. Their buyers chose to wait at the head
 * of a waiting list, and their money is kept for new slots.
 */
export function keptPart(
  visit: PageContext,
  rows: readonly RefundRow[],
  subjects: Subjects,
): Html | undefined {
  const { t, language } = visit;
  if (rows.length === 0) return undefined;
  return html`<section class="panel" aria-labelledby="kept">
    <h2 id="kept">${t('operator.refundParts.heldForTheWaitingList')}</h2>
    <p class="quiet">${t('operator.refundParts.theseBuyersPaidOnTime')}</p>
    <ul class="plain">
      ${rows.map((row) => {
        const whose = subjects.get(row.participation_id);
        return html`<li>
          <strong>${formatRupiah(row.amount, language)}</strong>
          ${whose?.display_name ?? `…${row.transaction_id.slice(-8)}`} ·
          ${orderSummary(visit, whose)} ${buyerLink(visit, undefined, row.participation_id)}
        </li>`;
      })}
    </ul>
  </section>`;
}

/**
 * Returns the latest money movements that were sent. Operators look for a movement here when the
 * bank has returned its money.
 */
export function madePart(
  visit: PageContext,
  base: string,
  rows: readonly SettledRow[],
  subjects: Subjects,
): Html | undefined {
  const { t, language, person } = visit;
  if (rows.length === 0) return undefined;
  return html`<section class="panel" aria-labelledby="made">
    <h2 id="made">${t('operator.refundParts.recentlySent')}</h2>
    <p class="quiet">${t('operator.refundParts.didTheBankSendItBack')}</p>
    ${rows.map((row) => {
      const name = subjects.get(row.participation_id ?? '')?.display_name;
      const when = formatShortMoment(row.settled_at, language, person?.timeZone);
      const words = [formatRupiah(row.amount, language), name ?? row.title, row.reference, when];
      return collapsibleForm(
        visit,
        {
          path: `${base}/${row.transaction_id}/balik`,
          words: words.filter(Boolean).join(' · '),
          button: t('operator.refundParts.itCameBack'),
          danger: true,
        },
        reasonOf(visit, row.transaction_id),
      );
    })}
  </section>`;
}
