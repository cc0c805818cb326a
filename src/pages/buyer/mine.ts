import { type Wording, wording } from '../../i18n/messages.ts';
import {
  participationStatuses,
  toApiParticipationStatus,
  type ParticipationStatus,
} from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import type { PageDeps } from '../deps.ts';
import { cursorAfter } from '../../http/cursor.ts';
import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import type { PaymentState } from '../../ledger/payments/payment-state.ts';
import { viewOwnParticipations } from '../../participations/mine.ts';
import { deliveredQuantityOf } from '../../participations/participation.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { openEntriesOf } from '../../waiting/queries.ts';
import { countdown, emptyState } from '../../web/components.ts';
import { formatMoment, formatRupiah, formatShortMoment, formatSlots } from '../../i18n/format.ts';
import { attribute, html, type Html, type Part } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import { heading } from '../../web/layout.ts';
import { campaignWords, participationBadge, paymentBadge } from '../statuses.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { productPicture } from '../campaign/picture.ts';
import { sum } from '../campaign/rules.ts';
import { waitingPlaces } from '../campaign/waiting-part.ts';
import { cursorPage } from '../kit/cursor-page.ts';

const pageSize = 20;
/** Maximum number of waiting-list entries on the page. */
const mostPlaces = 20;

interface ShelfOf {
  readonly words: Wording;
  readonly of: readonly ParticipationStatus[];
  readonly paymentStates?: readonly PaymentState[];
}

const shelves = {
  all: { words: wording('order.mine.shelves.all'), of: participationStatuses },
  unpaid: {
    words: wording('order.mine.shelves.unpaid'),
    of: ['reserved', 'confirmed'],
    paymentStates: ['due', 'overdue'],
  },
  live: { words: wording('order.mine.shelves.live'), of: ['reserved', 'confirmed'] },
  done: {
    words: wording('order.mine.shelves.done'),
    of: ['fulfilled', 'cancelled', 'refunded'],
  },
} satisfies Record<string, ShelfOf>;
type Shelf = keyof typeof shelves;
const shelfOfName: Readonly<Record<Shelf, ShelfOf>> = shelves;

/** Registers the page with all orders and waiting-list entries of the user, newest first. */
export function minePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/ikutan', async (request, reply) => {
      const { visit } = request;
      const person = requirePerson(visit);
      const asked = request.query as Readonly<Record<string, unknown>>;
      const shelf = shelfOf(asked['status']);
      const cursor = typeof asked['cursor'] === 'string' ? asked['cursor'] : undefined;
      const [before = null] = cursorAfter(cursor, ['id']);
      const { of: statuses, paymentStates } = shelfOfName[shelf];
      const wanted = { statuses, paymentStates, before, limit: pageSize + 1 };
      const [rows, places] = await Promise.all([
        viewOwnParticipations(app.db, visit.actor, person.userId, wanted),
        app.db.rows(openEntriesOf, person.userId, mostPlaces),
      ]);
      const shown = cursorPage(visit, rows, {
        size: pageSize,
        url: `${visit.url('/ikutan')}?status=${shelf}`,
        isFirst: cursor === undefined,
        cursorOf: (row) => [row.participation_id],
      });
      const title = visit.t('common.myOrders');
      const main = html`${heading(title)}${cursor === undefined && waitingPlaces(visit, places)}${filter(visit, shelf)}${participationList(
        visit,
        shelf,
        shown.rows,
      )}${shown.links}`;
      return sendPage(request, reply, { title, section: 'mine', main });
    });
  };
}

function shelfOf(given: unknown): Shelf {
  return typeof given === 'string' && Object.hasOwn(shelves, given) ? (given as Shelf) : 'all';
}

function filter(visit: PageContext, shelf: Shelf): Html {
  const one = (name: Shelf) =>
    html`<li>
      <a
        href="${visit.url(name === 'all' ? '/ikutan' : `/ikutan?status=${name}`)}"
        ${attribute('aria-current', name === shelf && 'page')}
        >${inLanguage(visit, shelves[name].words)}</a
      >
    </li>`;
  return html`<nav class="shelves" aria-label="${visit.t('order.mine.filter')}">
    <ul>
      ${(Object.keys(shelves) as Shelf[]).map(one)}
    </ul>
  </nav>`;
}

function participationList(visit: PageContext, shelf: Shelf, rows: readonly OwnRow[]): Html {
  const { t, url } = visit;
  if (rows.length > 0) {
    return html`<ul class="mine">
      ${rows.map((row) => item(visit, row))}
    </ul>`;
  }
  return emptyState(
    shelf === 'all' ? t('order.mine.noOrdersYet') : t('order.mine.nothingHere'),
    t('order.mine.pickWhatYouLike'),
    html`<a class="button" href="${url('/')}">${t('order.mine.browseOpenCampaigns')}</a>`,
  );
}

function item(visit: PageContext, row: OwnRow): Html {
  const { language, url } = visit;
  const slotsShown = deliveredQuantityOf(row) || row.quantity;
  return html`<li class="panel mine-item">
    <div class="thumb">${productPicture(row, { alt: '', sizes: '5rem' })}</div>
    <div>
      <h2><a href="${url(`/ikutan/${row.participation_id}`)}">${row.title}</a></h2>
      <p class="quiet">
        ${row.brand_name} ·
        ${inLanguage(visit, campaignWords[toApiStatus(row.campaign_status)].words)}
      </p>
      <p class="row">
        ${participationBadge(visit, toApiParticipationStatus(row.status))}
        ${paymentBadge(visit, row.payment_state)}
        <span>${formatSlots(slotsShown, language)}</span>
        <span class="quiet"
          >${formatShortMoment(row.joined_at, language, visit.person?.timeZone)}</span
        >
      </p>
      ${whatToDo(visit, row)}
    </div>
  </li>`;
}

/** Returns what the buyer has to do or to wait for: the payment with its amount. */
function whatToDo(visit: PageContext, row: OwnRow): Html | undefined {
  const { t, language } = visit;
  const sumOf = (amount: bigint) => html`<strong>${formatRupiah(amount, language)}</strong>`;
  const momentOf = (at: Date) => formatMoment(at, language, visit.person?.timeZone);
  const todo = (words: Part) => html`<p class="mine-todo">${words}</p>`;
  const by = row.pay_by;
  switch (row.payment_state) {
    case 'due': {
      const amount = sumOf(row.amount_due);
      if (by === null) return todo(htmlMessage(visit, 'order.mine.pay', { amount }));
      const at = html`<strong>${momentOf(by)}</strong>`;
      const left = countdown(visit, by);
      return todo(htmlMessage(visit, 'order.mine.payBy', { amount, at, left }));
    }
    case 'overdue':
      return todo(htmlMessage(visit, 'order.mine.isOverdue', { amount: sumOf(row.amount_due) }));
    case 'proof_submitted':
      return todo(t('order.mine.weAreCheckingYourPayment'));
    case 'pending_online':
      return todo(
        by === null
          ? t('order.mine.finishYourOnlinePayment')
          : t('order.mine.finishYourOnlinePaymentBy', { at: momentOf(by) }),
      );
    case 'not_due': {
      const amount = sum(visit, row.price_per_slot, row.quantity);
      return html`<p class="mine-todo quiet">${t('order.mine.nothingToPayYet', { amount })}</p>`;
    }
    case 'paid':
      return todo(whilePaid(visit, row, sumOf(row.paid_amount)));
    case 'refund_due': {
      const amount = sumOf(row.refund_due_amount);
      return todo(htmlMessage(visit, 'order.mine.willBeRefunded', { amount }));
    }
    case 'refunded': {
      const amount = sumOf(row.refunded_amount);
      return todo(htmlMessage(visit, 'order.mine.wasRefunded', { amount }));
    }
    case 'unpaid':
    case 'void':
      return undefined;
  }
}

function whilePaid(visit: PageContext, row: OwnRow, paid: Html): Html {
  if (row.refund_due_amount > 0n) {
    const refund = formatRupiah(row.refund_due_amount, visit.language);
    return htmlMessage(visit, 'order.mine.paidWillBeRefunded', { paid, refund });
  }
  if (row.status === 'fulfilled') return htmlMessage(visit, 'order.mine.paidAndReceived', { paid });
  return toApiStatus(row.campaign_status) === 'completed'
    ? htmlMessage(visit, 'order.mine.paidItIsBeingPrepared', { paid })
    : htmlMessage(visit, 'order.mine.paidNowTheCampaignHas', { paid });
}
