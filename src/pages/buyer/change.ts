import { toApiParticipationStatus } from '../../database/status-words.ts';
import { toApiStatus } from '../../database/status-words.ts';
import Type from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../deps.ts';
import type { DomainError, FieldError } from '../../errors/errors.ts';
import { formParser, toResult, type RawFields } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import { changeParticipation } from '../../participations/operations.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { JoinFields } from '../../participations/schemas.ts';
import { input, notice, textarea } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { ownParticipation } from './participation.ts';

const params = closed({ id: Id });
const readChange = formParser(
  closed({
    quantity: Type.Optional(JoinFields.quantity),
    shipping_address: JoinFields.shipping_address,
    note: JoinFields.note,
  }),
);

interface Shown {
  readonly typed?: RawFields;
  readonly errors?: readonly FieldError[];
  readonly refused?: DomainError;
}

/**
 * Registers the page on which a buyer changes an order: its address, its note, or to fewer slots.
 */
export function changePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/ikutan/:id/ubah', { schema: { params } }, async (request, reply) => {
      const row = await ownParticipation(app, request.visit, request.params.id);
      if (!mayChange(row)) return redirect(request, reply, `/ikutan/${row.participation_id}`);
      return changePage(request, reply, row, {});
    });

    server.post('/ikutan/:id/ubah', { schema: { params } }, async (request, reply) => {
      const { id } = request.params;
      const { actor } = request.visit;
      const row = await ownParticipation(app, request.visit, id);
      const form = readChange(request.body);
      const { typed } = form;
      if ('errors' in form) return changePage(request, reply, row, { typed, errors: form.errors });
      const { quantity, shipping_address: shippingAddress, note } = form.value;
      const change = { quantity, shippingAddress, note: note ?? null };
      const answer = await toResult(() =>
        runInTransaction(app.db, (tx) => changeParticipation(tx, actor, id, change)),
      );
      if ('refused' in answer) {
        const { refused } = answer;
        return changePage(request, reply, row, { typed, errors: refused.fields, refused });
      }
      return redirect(request, reply, `/ikutan/${id}?diubah`);
    });
  };
}

/**
 * Returns true while the page offers changes: until the order has ended or the goods were received.
 */
export function mayChange(row: OwnRow): boolean {
  return ['reserved', 'confirmed'].includes(toApiParticipationStatus(row.status));
}

/**
 * Returns true if the page offers a reduction of the slots. Whether it is still possible is checked
 * when the form is sent.
 */
function mayReduce({ now }: PageContext, row: OwnRow): boolean {
  const isOpen = ['active', 'full'].includes(toApiStatus(row.campaign_status));
  return isOpen && row.quantity > 1 && !row.is_closing && row.deadline > now;
}

function changePage(
  request: FastifyRequest,
  reply: FastifyReply,
  row: OwnRow,
  { typed = {}, errors = [], refused }: Shown,
): FastifyReply {
  const { visit } = request;
  const { t, url, language } = visit;
  const back = url(`/ikutan/${row.participation_id}`);
  const title = t('common.changeYourOrder');
  const words = errors.length === 0 ? refused?.text(language) : undefined;
  const main = html`<p class="crumbs"><a href="${back}">${row.title}</a></p>
    <h1>${title}</h1>
    ${words && notice('bad', words.title, words.detail)}
    <form class="stack panel narrow" method="post" action="${back}/ubah">
      ${mayReduce(visit, row) && quantityField(visit, row, typed, errors)}
      ${textarea(visit, {
        name: 'shipping_address',
        label: t('order.change.deliveryAddress'),
        hint: t('common.addressHint'),
        value: typed['shipping_address'] ?? row.shipping_address,
        errors,
        required: true,
        control: { minlength: 10, maxlength: 240, rows: 3, autocomplete: 'street-address' },
      })}
      ${input(visit, {
        name: 'note',
        label: t('common.noteToTheSeller'),
        value: typed['note'] ?? row.note ?? undefined,
        errors,
        control: { maxlength: 160, autocomplete: 'off' },
      })}
      <div class="row">
        <button class="button">${t('common.save')}</button>
        <a class="button quiet" href="${back}">${t('common.cancel')}</a>
      </div>
    </form>
    ${toApiStatus(row.campaign_status) === 'active' && moreSlots(visit, row)}`;
  const status = refused?.status ?? (errors.length === 0 ? 200 : 422);
  return sendPage(request, reply, { title, section: 'mine', main }, status);
}

function quantityField(
  visit: PageContext,
  row: OwnRow,
  typed: RawFields,
  errors: readonly FieldError[],
): Html {
  const { t } = visit;
  return input(visit, {
    name: 'quantity',
    label: t('order.change.numberOfSlots'),
    hint: t('order.change.slotsYouGiveUpGo'),
    value: typed['quantity'] ?? String(row.quantity),
    errors,
    required: true,
    control: { type: 'number', inputmode: 'numeric', min: 1, max: row.quantity },
  });
}

/**
 * Returns a link to order more slots. They become a separate order at the end of the queue, with a
 * separate payment.
 */
function moreSlots({ t, url }: PageContext, row: OwnRow): Html {
  return html`<p class="quiet">
    ${t('order.change.wantMoreThan', { quantity: row.quantity })}
    <a href="${url(`/sambatan/${row.campaign_id}`)}">${t('order.change.placeAnotherOrder')}</a>
  </p>`;
}
