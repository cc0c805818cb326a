import { toApiParticipationStatus } from '../../database/status-words.ts';
import Type from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../deps.ts';
import type { DomainError } from '../../errors/errors.ts';
import { formParser } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import { cancelParticipation, confirmParticipation } from '../../participations/operations.ts';
import { deliveredQuantityOf } from '../../participations/participation.ts';
import { findPeople, type FoundPeople } from '../../participations/people.ts';
import type { FoundParticipation } from '../../participations/queries.ts';
import { emptyState, input, notice } from '../../web/components.ts';
import { formatCount, formatDistance, formatRupiah, formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { participationBadge, paymentBadge } from '../statuses.ts';
import type { PageContext } from '../../web/visit.ts';
import { requireValid } from './kit/parts.ts';
import { sendOperatorPage } from './kit/frame.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';
import { runAction } from '../kit/form-action.ts';

const params = closed({ id: Id });
const readConfirmation = formParser(closed({ reference: Type.Optional(text(0, 200)) }));
const readCancellation = formParser(closed({ reason: text(3, 200) }));

/**
 * Registers the page on which operators search users and their orders by name, telephone number,
 * e-mail address or id, and confirm or cancel an order.
 */
export function operatorParticipations(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (
      request: FastifyRequest,
      reply: FastifyReply,
      wanted: string,
      refused?: DomainError,
    ) => {
      const { visit } = request;
      const found = await findPeople(app.db, visit.actor, wanted);
      const { t } = visit;
      const body = html`${searchForm(visit, wanted)}${refusalNotice(visit, refused)}${resultList(visit, wanted, found)}`;
      const title = t('operator.participations.findOrders');
      const page = { title, at: '/operator/ikutan', body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get<{ Querystring: { q?: string } }>('/operator/ikutan', async (request, reply) =>
      show(request, reply, typedWords(request.query.q)),
    );

    server.post(
      '/operator/ikutan/:id/konfirmasi',
      { schema: { params } },
      async (request, reply) => {
        const { actor } = request.visit;
        authorize(actor, 'participation.confirm');
        const { id } = request.params;
        const read = readConfirmation(request.body);
        const reference = 'value' in read ? read.value.reference?.trim() || null : null;
        return await runAction(request, reply, {
          run: () =>
            runInTransaction(app.db, (tx) => confirmParticipation(tx, actor, id, reference)),
          next: `/operator/ikutan?q=${id}`,
          showAgain: (refused) => show(request, reply, id, refused),
        });
      },
    );

    server.post('/operator/ikutan/:id/batalkan', { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'participation.search');
      const { id } = request.params;
      return await runAction(request, reply, {
        run: async () => {
          const { reason } = requireValid(readCancellation(request.body));
          return await runInTransaction(app.db, (tx) =>
            cancelParticipation(tx, actor, id, reason.trim()),
          );
        },
        next: `/operator/ikutan?q=${id}`,
        showAgain: (refused) => show(request, reply, id, refused),
      });
    });
  };
}

function typedWords(q: unknown): string {
  return typeof q === 'string' ? q.trim().slice(0, 254) : '';
}

function searchForm(visit: PageContext, wanted: string): Html {
  const { t, url } = visit;
  return html`<form class="filters" action="${url('/operator/ikutan')}" role="search">
    ${input(visit, {
      name: 'q',
      label: t('operator.participations.namePhoneNumberEMailOrderNumber'),
      value: wanted,
      required: true,
      control: { type: 'search', maxlength: 254, autocomplete: 'off' },
    })}
    <button class="button">${t('common.find')}</button>
  </form>`;
}

function resultList(
  visit: PageContext,
  wanted: string,
  { people, orders, isCut }: FoundPeople,
): Html {
  const { t } = visit;
  if (people.length > 0 || orders.length > 0) {
    return html`${isCut && tooMany(visit)}${people.length > 0 && peopleTable(visit, people)}${orders.map((row) => orderEntry(visit, row))}`;
  }
  return wanted === ''
    ? emptyState(
        t('operator.participations.searchFirst'),
        t('operator.participations.typeTheBuyersNamePhoneNumber'),
      )
    : emptyState(
        t('operator.participations.notFound'),
        t('operator.participations.checkTheSpellingOrTry'),
      );
}

function tooMany(visit: PageContext): Html {
  const { t } = visit;
  return notice(
    'busy',
    t('operator.participations.thereAreMany'),
    t('operator.participations.addAWordToNarrow'),
  );
}

/** Returns a table of the users that were found. Several users may have the same name. */
function peopleTable(visit: PageContext, people: FoundPeople['people']): Html {
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="people">
    <h2 id="people">${t('operator.participations.people')}</h2>
    <ul class="people">
      ${people.map(
        (one) =>
          html`<li class="row apart">
            <p class="person">
              <a href="${url(`/operator/ikutan?q=${one.user_id}`)}"
                >${one.display_name ?? `…${one.user_id.slice(-12)}`}</a
              >${one.email !== null && html`<br /><span class="quiet">${one.email}</span>`}
            </p>
            <span>${t('operator.participations.orderCount', { count: one.participations })}</span>
          </li>`,
      )}
    </ul>
  </section>`;
}

function orderEntry(visit: PageContext, row: FoundParticipation): Html {
  const { t, url, language, person } = visit;
  const status = toApiParticipationStatus(row.status);
  return html`<article class="panel">
    <div class="row apart">
      <h2><a href="${url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a></h2>
      <span class="row"
        >${participationBadge(visit, status)} ${paymentBadge(visit, row.payment_state)}</span
      >
    </div>
    <dl class="facts">
      <dt>ID</dt>
      <dd><code>${row.participation_id}</code></dd>
      <dt>${t('common.buyer')}</dt>
      <dd>${row.display_name ?? '–'} ${row.email !== null && html`· ${row.email}`}</dd>
      <dt>${t('common.account')}</dt>
      <dd><code>${row.user_id}</code></dd>
      <dt>Slot</dt>
      <dd>${slotsOf(visit, row)}</dd>
      ${moneyFacts(visit, row)}
      <dt>${t('operator.participations.joined')}</dt>
      <dd>${formatShortMoment(row.joined_at, language, person?.timeZone)}</dd>
      <dt>${t('common.address')}</dt>
      <dd>${row.shipping_address}</dd>
      ${
        row.note !== null &&
        html`<dt>${t('common.note')}</dt>
          <dd>${row.note}</dd>`
      }
    </dl>
    <p>
      <a href="${url(`/operator/log?sambatan=${row.campaign_id}&ikutan=${row.participation_id}`)}"
        >${t('operator.participations.orderHistory')}</a
      >
    </p>
    ${status === 'reserved' && actions(visit, row)}
  </article>`;
}

/** Returns the number of ordered slots, and the number of delivered slots if it is lower. */
function slotsOf({ t, language }: PageContext, row: FoundParticipation): string {
  const ordered = formatCount(row.quantity, language);
  if (row.undelivered_slots === 0) return ordered;
  const delivered = formatCount(deliveredQuantityOf(row), language);
  return t('operator.participations.orderedDelivered', { ordered, delivered });
}

function moneyFacts(visit: PageContext, row: FoundParticipation): Html {
  const { t, language, now, person } = visit;
  const sum = (amount: bigint, words: string) =>
    amount !== 0n &&
    html`<dt>${words}</dt>
      <dd>${formatRupiah(amount, language)}</dd>`;
  return html`${sum(row.paid_amount, t('common.paid'))}${sum(row.amount_due, t('operator.participations.toBePaid'))}${
    row.pay_by !== null &&
    html`<dt>${t('common.payBy')}</dt>
      <dd>
        ${formatShortMoment(row.pay_by, language, person?.timeZone)}
        <span class="quiet">(${formatDistance(row.pay_by, now, language)})</span>
      </dd>`
  }${sum(row.refund_due_amount, t('operator.participations.refundDue'))}${sum(row.refunded_amount, t('operator.participations.refunded'))}`;
}

function actions(visit: PageContext, { participation_id: id }: FoundParticipation): Html {
  const { t, url } = visit;
  return html`<details>
      <summary>${t('operator.participations.thePaymentWasVerified')}</summary>
      <form class="stack" method="post" action="${url(`/operator/ikutan/${id}/konfirmasi`)}">
        <div class="field">
          <label for="reference-${id}">${t('common.transferReference')}</label
          ><input id="reference-${id}" name="reference" maxlength="200" autocomplete="off" />
        </div>
        <button class="button">${t('operator.participations.confirm')}</button>
      </form>
    </details>
    <details>
      <summary>${t('operator.participations.cancelThisOrder')}</summary>
      <form class="stack" method="post" action="${url(`/operator/ikutan/${id}/batalkan`)}">
        <div class="field">
          <label for="reason-${id}">${t('common.reason')}</label
          ><input
            id="reason-${id}"
            name="reason"
            required
            minlength="3"
            maxlength="200"
            autocomplete="off"
          />
        </div>
        <button class="button danger">${t('operator.participations.cancel')}</button>
      </form>
    </details>`;
}
