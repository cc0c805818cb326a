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
} from '../../../web/format.ts';
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

/** How the list is looked at, beside what it is narrowed to. */
export interface RosterView {
  readonly sort: ParticipantSort;
  readonly page: number;
}

type View = ParticipantListInput & RosterView;

/** A campaign's participants: a search, filters, a sorted page, and the way to any other. */
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
      <h1>${t('Peserta', 'Participants')}</h1>
      <div class="row">
        <a class="button quiet" href="${path}/kemas">${t('Daftar kemas', 'Packing list')}</a>
        <a class="button quiet" href="${path}/peserta.csv${ending}">CSV</a>
        <a class="button quiet" href="${path}/peserta.xlsx${ending}">Excel</a>
      </div>
    </div>
    ${filters(visit, `${path}/peserta`, view, states)}
    <p role="status">
      <strong>${formatParticipants(total, language)}</strong>${
        isNarrowed &&
        html` ${t('cocok dengan pencarianmu', 'match your search')} ·
          <a href="${path}/peserta">${t('Tampilkan semua', 'Show all')}</a>`
      }
    </p>
    ${
      rows.length > 0
        ? participantTable(visit, rows)
        : isNarrowed
          ? emptyState(
              t('Tidak ada yang cocok', 'Nothing matches'),
              t('Coba kata lain atau longgarkan saringannya.', 'Try other words or fewer filters.'),
            )
          : emptyState(
              t('Belum ada peserta', 'No participants'),
              t('Bagikan tautan Sambatanmu, ya.', 'Share the link of your campaign.'),
            )
    }
    ${pageJump(visit, {
      path: `${path}/peserta`,
      query: new URLSearchParams(query),
      page: view.page,
      pages: Math.ceil(total / rosterPageSize),
    })}`;
  const title = `${t('Peserta', 'Participants')} · ${campaign.title}`;
  return { title, section: 'shop' as const, wide: true, main };
}

/** What narrows and sorts the list, as the query of an address, without the page. */
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
  const everything = { value: '', label: t('Semua', 'All') };
  const sorts: Record<ParticipantSort, string> = {
    joined: t('Paling dulu ikut', 'First to join'),
    newest: t('Paling baru ikut', 'Last to join'),
    name: t('Nama', 'Name'),
    slots: t('Slot terbanyak', 'Most slots'),
    pay_by: t('Batas bayar terdekat', 'Earliest due date'),
  };
  return html`<form class="filters" action="${path}" role="search">
    ${input(visit, {
      name: 'q',
      label: t(
        'Nama, alamat, e-mail, nomor HP, atau nomor pesanan',
        'Name, address, e-mail, phone or order number',
      ),
      value: view.search,
      control: { type: 'search', maxlength: 100, autocomplete: 'off' },
    })}
    ${select(
      visit,
      { name: 'payment', label: t('Pembayaran', 'Payment'), value: view.paymentState ?? '' },
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
      { name: 'sort', label: t('Urutkan', 'Sort by'), value: view.sort },
      participantSorts.map((sort) => ({ value: sort, label: sorts[sort] })),
    )}
    <button class="button">${t('Tampilkan', 'Show')}</button>
  </form>`;
}

function participantTable(visit: PageContext, rows: readonly ParticipantRow[]): Html {
  const { t, language } = visit;
  return table({
    kind: 'roster panel',
    rows,
    columns: [
      {
        head: t('Pembeli', 'Buyer'),
        isRowHead: true,
        cell: (row) =>
          html`${nameOf(visit, row)}${row.email !== null && html`<br /><small>${row.email}</small>`}
            <br /><small class="quiet">…${row.participation_id.slice(-8)}</small>`,
      },
      {
        head: t('Alamat', 'Address'),
        cell: (row) =>
          html`${row.shipping_address}${
            row.note !== null && html`<br /><em class="quiet">${row.note}</em>`
          }`,
      },
      { head: 'Slot', isNumber: true, cell: (row) => slotsCell(visit, row) },
      { head: t('Pembayaran', 'Payment'), cell: (row) => paymentCell(visit, row) },
      {
        head: 'Status',
        cell: (row) => participationBadge(visit, toApiParticipationStatus(row.status)),
      },
      { head: t('Ikut pada', 'Joined'), cell: (row) => formatShortMoment(row.joined_at, language) },
    ],
  });
}

/** What is delivered, and what was ordered where that is more. */
function slotsCell({ t, language }: PageContext, row: ParticipantRow): Html {
  const delivered = deliveredQuantityOf(row);
  const isLive = row.status !== 'cancelled' && row.status !== 'refunded';
  const shown = formatCount(isLive ? delivered : row.quantity, language);
  const ordered = formatCount(row.quantity, language);
  return html`${shown} <span class="unit">slot</span>${
      isLive &&
      delivered < row.quantity &&
      html`<br /><small class="quiet">${t(`dari ${ordered}`, `of ${ordered}`)}</small>`
    }`;
}

function paymentCell(visit: PageContext, row: ParticipantRow): Html {
  const { t, language, now } = visit;
  const { amount_due: due, pay_by: by, paid_amount: paid, refund_due_amount: back } = row;
  return html`${paymentBadge(visit, row.payment_state)}${
    paid > 0n && html`<br /><small>${t('Dibayar', 'Paid')} ${formatRupiah(paid, language)}</small>`
  }${due > 0n && html`<br /><small>${t('Tagihan', 'To pay')} ${formatRupiah(due, language)}</small>`}${
    by !== null &&
    html`<br /><small class="quiet"
        >${t('Batas', 'Due')} ${formatShortMoment(by, language)}
        (${formatDistance(by, now, language)})</small
      >`
  }${
    back > 0n &&
    html`<br /><small>${t('Dikembalikan', 'To refund')} ${formatRupiah(back, language)}</small>`
  }`;
}
