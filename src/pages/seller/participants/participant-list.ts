import { participationStatuses, toApiParticipationStatus } from '../../../database/status-words.ts';
import { paymentStates, type PaymentState } from '../../../ledger/payments/payment-state.ts';
import { deliveredQuantityOf } from '../../../participations/participation.ts';
import type {
  ParticipantListInput,
  ParticipantPage,
} from '../../../participations/participant-list.ts';
import {
  participantSorts,
  type ParticipantRow,
  type ParticipantSort,
} from '../../../participations/participant-list-queries.ts';
import { emptyState, input, pageJump, select } from '../../../web/components.ts';
import {
  formatCount,
  formatDistance,
  formatParticipants,
  formatRupiah,
  formatShortMoment,
} from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import {
  participationBadge,
  participationWords,
  paymentBadge,
  paymentWords,
} from '../../statuses.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { nameOf } from '../brand/shop-head.ts';
import { table } from '../../../web/table.ts';

export const rosterPageSize = 50;

/** The sort order and the page number of the list. The filter is a separate type. */
export interface RosterView {
  readonly sort: ParticipantSort;
  readonly page: number;
}

type View = ParticipantListInput & RosterView;

/**
 * Returns the page with a campaign's participants: search, filters, a sorted table, and links to
 * the other pages.
 */
export function rosterPage(
  visit: PageContext,
  { campaign, rows, total, states }: ParticipantPage,
  view: View,
) {
  const { t, url, language } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const query = queryOf(view);
  const ending = query === '' ? '' : `?${query}`;
  const isNarrowed =
    view.search !== undefined || view.status !== undefined || view.paymentState !== undefined;
  const main = html`<p class="crumbs"><a href="${path}">${campaign.title}</a></p>
    <div class="row apart shop-head">
      <h1>${t('common.participants')}</h1>
      <div class="row">
        <a class="button quiet" href="${path}/kemas">${t('common.packingList')}</a>
        <a class="button quiet" href="${path}/peserta.csv${ending}">CSV</a>
        <a class="button quiet" href="${path}/peserta.xlsx${ending}">Excel</a>
      </div>
    </div>
    ${filters(visit, `${path}/peserta`, view, states)}
    <p role="status">
      <strong>${formatParticipants(total, language)}</strong>${
        isNarrowed &&
        html` ${t('seller.participantList.matchYourSearch')} ·
          <a href="${path}/peserta">${t('seller.participantList.showAll')}</a>`
      }
    </p>
    ${
      rows.length > 0
        ? participantTable(visit, rows)
        : isNarrowed
          ? emptyState(
              t('common.nothingMatches'),
              t('seller.participantList.tryOtherWordsOrFewerFilters'),
            )
          : emptyState(
              t('seller.participantList.noParticipants'),
              t('seller.participantList.shareTheLinkOfYourCampaign'),
            )
    }
    ${pageJump(visit, {
      path: `${path}/peserta`,
      query: new URLSearchParams(query),
      page: view.page,
      pages: Math.ceil(total / rosterPageSize),
    })}`;
  const title = `${t('common.participants')} · ${campaign.title}`;
  return { title, section: 'shop' as const, wide: true, main };
}

/** Returns the filter and the sort order as a query string. The page number is left out. */
function queryOf({ status, paymentState, search, sort }: View): string {
  return new URLSearchParams({
    ...(search !== undefined && { q: search }),
    ...(status !== undefined && { status }),
    ...(paymentState !== undefined && { payment: paymentState }),
    ...(sort !== 'joined' && { sort }),
  }).toString();
}

function filters(
  visit: PageContext,
  path: string,
  view: View,
  states: ReadonlyMap<PaymentState, number>,
): Html {
  const { t, language } = visit;
  const everything = { value: '', label: t('common.all') };
  const sorts: Record<ParticipantSort, string> = {
    joined: t('seller.participantList.firstToJoin'),
    newest: t('seller.participantList.lastToJoin'),
    name: t('common.name2'),
    slots: t('seller.participantList.mostSlots'),
    pay_by: t('seller.participantList.earliestDueDate'),
  };
  return html`<form class="filters" action="${path}" role="search">
    ${input(visit, {
      name: 'q',
      label: t('seller.participantList.nameAddressEMailPhoneOrOrder'),
      value: view.search,
      control: { type: 'search', maxlength: 100, autocomplete: 'off' },
    })}
    ${select(
      visit,
      { name: 'payment', label: t('common.payment'), value: view.paymentState ?? '' },
      [
        everything,
        ...paymentStates
          .filter((state) => states.has(state) || state === view.paymentState)
          .map((state) => ({
            value: state,
            label: `${inLanguage(visit, paymentWords[state].words)} (${formatCount(states.get(state) ?? 0, language)})`,
          })),
      ],
    )}
    ${select(visit, { name: 'status', label: 'Status', value: view.status ?? '' }, [
      everything,
      ...participationStatuses.map((status) => ({
        value: status,
        label: inLanguage(visit, participationWords[status].words),
      })),
    ])}
    ${select(
      visit,
      { name: 'sort', label: t('common.sortBy'), value: view.sort },
      participantSorts.map((sort) => ({ value: sort, label: sorts[sort] })),
    )}
    <button class="button">${t('common.show')}</button>
  </form>`;
}

function participantTable(visit: PageContext, rows: readonly ParticipantRow[]): Html {
  const { t, language } = visit;
  return table({
    kind: 'roster panel',
    rows,
    columns: [
      {
        head: t('common.buyer'),
        isRowHead: true,
        cell: (row) =>
          html`${nameOf(visit, row)}${row.email !== null && html`<br /><small>${row.email}</small>`}
            <br /><small class="quiet">…${row.participation_id.slice(-8)}</small>`,
      },
      {
        head: t('common.address'),
        cell: (row) =>
          html`${row.shipping_address}${
            row.note !== null && html`<br /><em class="quiet">${row.note}</em>`
          }`,
      },
      { head: 'Slot', isNumber: true, cell: (row) => slotsCell(visit, row) },
      { head: t('common.payment'), cell: (row) => paymentCell(visit, row) },
      {
        head: 'Status',
        cell: (row) => participationBadge(visit, toApiParticipationStatus(row.status)),
      },
      {
        head: t('seller.participantList.orderedAt'),
        cell: (row) => formatShortMoment(row.joined_at, language),
      },
    ],
  });
}

/** Returns the number of delivered slots, and the number of ordered slots if it is higher. */
function slotsCell({ t, language }: PageContext, row: ParticipantRow): Html {
  const delivered = deliveredQuantityOf(row);
  const isLive = row.status !== 'cancelled' && row.status !== 'refunded';
  const slots = isLive ? delivered : row.quantity;
  const ordered = formatCount(row.quantity, language);
  return html`${formatCount(slots, language)}
    <span class="unit">${t('seller.participantList.slotUnit', { count: slots })}</span>${
      isLive &&
      delivered < row.quantity &&
      html`<br /><small class="quiet">${t('seller.participantList.of', { ordered })}</small>`
    }`;
}

function paymentCell(visit: PageContext, row: ParticipantRow): Html {
  const { t, language, now } = visit;
  const { amount_due: due, pay_by: by, paid_amount: paid, refund_due_amount: back } = row;
  return html`${paymentBadge(visit, row.payment_state)}${
    paid > 0n && html`<br /><small>${t('common.paid')} ${formatRupiah(paid, language)}</small>`
  }${due > 0n && html`<br /><small>${t('seller.participantList.toPay')} ${formatRupiah(due, language)}</small>`}${
    by !== null &&
    html`<br /><small class="quiet"
        >${t('seller.participantList.due')} ${formatShortMoment(by, language)}
        (${formatDistance(by, now, language)})</small
      >`
  }${
    back > 0n &&
    html`<br /><small
        >${t('seller.participantList.toRefund')} ${formatRupiah(back, language)}</small
      >`
  }`;
}
