import type { Payment } from '../../ledger/payments/payment.ts';
import { toApiParticipationStatus, toApiStatus } from '../../database/status-words.ts';
import Type from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFinal } from '../../campaigns/status.ts';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import { cancelParticipation } from '../../participations/operations.ts';
import {
  findOwnParticipation,
  participationHistory,
  type OwnRow,
} from '../../participations/queries.ts';
import { input, notice } from '../../web/components.ts';
import { formatCount, formatRupiah, formatSlots } from '../../i18n/format.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import { campaignBadge, participationBadge, paymentBadge } from '../statuses.ts';
import type { PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { productPicture } from '../campaign/picture.ts';
import { sum } from '../campaign/rules.ts';
import { historyOf } from './history.ts';
import { goodsPart, refundPart } from './goods.ts';
import { moneyOf, type Fault, type Money } from './money.ts';
import { nextStep } from './next-step.ts';
import { payPart, type PayPlace } from './pay.ts';
import { receiptPart, receiptState } from './receipt-part.ts';

const params = closed({ id: Id });
const readLeaving = formParser(closed({ reason: Type.Optional(text(0, 200)) }));

/** Registers the page of one order: its status, next step, history and cancellation. */
export function participationPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/ikutan/:id', { schema: { params } }, async (request, reply) => {
      const row = await ownParticipation(app, request.visit, request.params.id);
      return showParticipation(app, request, reply, row);
    });

    server.get('/ikutan/:id/batal', { schema: { params } }, async (request, reply) =>
      confirmation(request, reply, await ownParticipation(app, request.visit, request.params.id)),
    );

    server.post('/ikutan/:id/batal', { schema: { params } }, async (request, reply) => {
      const { id } = request.params;
      const { actor } = request.visit;
      const row = await ownParticipation(app, request.visit, id);
      const form = readLeaving(request.body);
      if ('errors' in form) return confirmation(request, reply, row, { errors: form.errors });
      const reason = form.value.reason?.trim() || null;
      const answer = await toResult(() =>
        runInTransaction(app.db, (tx) => cancelParticipation(tx, actor, id, reason)),
      );
      if ('refused' in answer)
        return confirmation(request, reply, row, { refused: answer.refused });
      return redirect(request, reply, `/ikutan/${id}?batal`);
    });
  };
}

/**
 * Sends the page of a participation. If one of its forms was refused, the page shows the errors.
 */
export async function showParticipation(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  row: OwnRow,
  fault?: Fault,
): Promise<FastifyReply> {
  const { visit } = request;
  const [money, log, receipt] = await Promise.all([
    moneyOf(app, visit, row),
    app.db.rows(participationHistory, row.campaign_id, row.participation_id),
    receiptState(app.db, row),
  ]);
  const isNew = Object.hasOwn(request.query as object, 'baru');
  const isChanged = Object.hasOwn(request.query as object, 'diubah');
  const main = html`${isNew && welcome(visit, row)}${hasLeft(request) && cancelledNotice(visit, row)}${isChanged && savedNotice(visit)}${participationBody(visit, row, money, fault)}
    <div data-part="receipt">${receiptPart(visit, row, receipt)}</div>
    <div data-part="history">${historyOf(visit, row, log)}</div>`;
  const page = { title: row.title, section: 'mine', main } as const;
  return sendPage(request, reply, page, fault?.status ?? 200);
}

/**
 * Returns a participation of the user. Throws `participation_not_found` for the participation of
 * another user.
 */
export async function ownParticipation(
  app: PageDeps,
  visit: PageContext,
  id: string,
): Promise<OwnRow> {
  const { userId } = requirePerson(visit);
  const row = await app.db.maybe(findOwnParticipation, id, userId);
  if (row === undefined) throw new DomainError('participation_not_found', {});
  return row;
}

function savedNotice({ t }: PageContext): Html {
  return notice(
    'good',
    t('order.participation.yourChangesAreSaved'),
    t('order.participation.theSellerSeesTheNewestDetails'),
  );
}

/** Returns the error of the form with which the buyer keeps the money of a refund for slots. */
function refusedOf(fault: Fault | undefined): DomainError | undefined {
  return fault?.form === 'refund' ? fault.refused : undefined;
}

/**
 * Returns the base path of the forms on the order's page, and the time until which its slots are
 * held.
 */
function placeOf(row: OwnRow): PayPlace {
  return { path: `/ikutan/${row.participation_id}`, heldUntil: row.hold_expires_at };
}

function welcome({ t }: PageContext, row: OwnRow): Html {
  return notice(
    'good',
    t('order.participation.youAreIn'),
    t('order.participation.reservedForYou', { quantity: row.quantity }),
  );
}

/** Returns true if the user has just cancelled the order. */
function hasLeft(request: FastifyRequest): boolean {
  return Object.hasOwn(request.query as object, 'batal');
}

/** Returns a notice after a cancellation: the slots are free for others. */
function cancelledNotice({ t }: PageContext, row: OwnRow): Html | undefined {
  if (toApiParticipationStatus(row.status) !== 'cancelled') return undefined;
  return notice(
    'good',
    t('order.participation.yourOrderIsCancelled'),
    t('order.participation.freeForOthersNow', { quantity: row.quantity }),
  );
}

function participationBody(
  visit: PageContext,
  row: OwnRow,
  money: Money,
  fault: Fault | undefined,
): Html {
  const { url } = visit;
  const campaignStatus = toApiStatus(row.campaign_status);
  return html`<article
    ${attribute(
      'data-events',
      !isFinal(campaignStatus) && `/api/sambatan/campaigns/${row.campaign_id}/events`,
    )}
    data-status="${campaignStatus}"
  >
    <div class="participation-head" data-part="head">
      <div class="thumb">${productPicture(row, { alt: '', sizes: '8rem' })}</div>
      <div>
        <p class="maker">${row.brand_name}</p>
        <h1><a href="${url(`/sambatan/${row.campaign_id}`)}">${row.title}</a></h1>
        <p class="row">
          ${participationBadge(visit, toApiParticipationStatus(row.status))}
          <span class="pair"
            ><span class="quiet">Sambatan:</span> ${campaignBadge(visit, campaignStatus)}</span
          >
        </p>
      </div>
    </div>
    <div data-part="pay">${payPart(visit, placeOf(row), money, fault)}</div>
    ${nextStepPart(visit, row, money)}
    <div data-part="refund">
      ${refundPart(visit, `/ikutan/${row.participation_id}`, money, refusedOf(fault))}
    </div>
    <div data-part="goods">${goodsPart(visit, row, money, fault)}</div>
  </article>`;
}

/** Returns the part of the page with the buyer's next step and the facts about the order. */
function nextStepPart(visit: PageContext, row: OwnRow, money: Money): Html {
  const { t, url, language } = visit;
  return html`<section class="panel" aria-labelledby="next" data-part="next">
    <h2 id="next">${t('order.participation.whatIsNext')}</h2>
    <p>${nextStep(visit, row, money.payment)}</p>
    <dl class="facts">
      <dt>${t('order.participation.slots')}</dt>
      <dd>
        ${formatSlots(row.quantity, language)} × ${formatRupiah(row.price_per_slot, language)}
      </dd>
      ${undelivered(visit, row)}
      <dt>${t('common.payment')}</dt>
      <dd>${paymentBadge(visit, row.payment_state)}</dd>
      <dt>${t('order.participation.total')}</dt>
      <dd>${whatItCosts(visit, row, money.payment)}</dd>
      <dt>${t('order.participation.sentTo')}</dt>
      <dd class="prose">${row.shipping_address}</dd>
      ${
        row.note !== null &&
        html`<dt>${t('common.note')}</dt>
          <dd>${row.note}</dd>`
      }
    </dl>
    ${
      ['reserved', 'confirmed'].includes(toApiParticipationStatus(row.status)) &&
      html`<p>
        <a class="button quiet" href="${url(`/ikutan/${row.participation_id}/ubah`)}"
          >${t('common.changeYourOrder')}</a
        >
      </p>`
    }
    ${
      mayLeave(visit, row) &&
      html`<p>
        <a class="button danger" href="${url(`/ikutan/${row.participation_id}/batal`)}"
          >${t('order.participation.cancelOrder')}</a
        >
      </p>`
    }
  </section>`;
}

/**
 * Returns the number of delivered slots compared with the ordered ones, after a shortfall was
 * declared.
 */
function undelivered(visit: PageContext, row: OwnRow): Html | false {
  const { t, language } = visit;
  if (row.undelivered_slots === 0) return false;
  const delivered = row.quantity - row.undelivered_slots;
  return html`<dt>${t('order.participation.delivered')}</dt>
    <dd>
      ${htmlMessage(visit, 'order.participation.ofTheRestCannotBeDelivered', {
        delivered: html`<strong>${formatCount(delivered, language)}</strong>`,
        quantity: row.quantity,
      })}
    </dd>`;
}

/**
 * Returns the amount of the payment including its unique code. Without a payment, returns the price
 * of the slots.
 */
function whatItCosts(visit: PageContext, row: OwnRow, payment: Payment | undefined): Html {
  const { t, language } = visit;
  if (payment === undefined || payment.status === 'void') {
    return html`<strong>${sum(visit, row.price_per_slot, row.quantity)}</strong>`;
  }
  const code = formatCount(payment.unique_code, language);
  return html`<strong>${formatRupiah(payment.total, language)}</strong> ${
      payment.unique_code !== 0 &&
      html`<span class="quiet">${t('order.participation.withTheUniqueCode', { code })}</span>`
    }`;
}

/**
 * Returns true if the page offers a cancellation. Whether it is still possible is checked when the
 * form is sent.
 */
function mayLeave({ now }: PageContext, row: OwnRow): boolean {
  const isReserved = toApiParticipationStatus(row.status) === 'reserved';
  return isReserved && !row.is_closing && row.deadline > now;
}

function confirmation(
  request: FastifyRequest,
  reply: FastifyReply,
  row: OwnRow,
  fault: { errors?: DomainError['fields']; refused?: DomainError } = {},
): FastifyReply {
  const { visit } = request;
  const { t, url, language } = visit;
  const back = url(`/ikutan/${row.participation_id}`);
  const { refused } = fault;
  const words = refused?.text(language);
  const title = t('order.participation.cancelThisOrder');
  const main = html`<div class="panel narrow">
    <h1>${title}</h1>
    ${words && notice('bad', words.title, words.detail)}
    <p>${t('order.participation.slotsGoToOthers', { quantity: row.quantity, title: row.title })}</p>
    <form class="stack" method="post" action="${back}/batal">
      ${input(visit, {
        name: 'reason',
        label: t('order.participation.yourReason'),
        errors: fault.errors,
        control: { maxlength: 200, autocomplete: 'off' },
      })}
      <div class="row">
        <button class="button danger">${t('order.participation.yesCancel')}</button>
        <a class="button quiet" href="${back}">${t('order.participation.keepOrder')}</a>
      </div>
    </form>
  </div>`;
  const status = refused?.status ?? (fault.errors === undefined ? 200 : 422);
  return sendPage(request, reply, { title, section: 'mine', main }, status);
}
