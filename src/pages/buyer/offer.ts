import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { toResult } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { readProofFile, takeUploads } from '../../uploads/uploads.ts';
import { refundsOf } from '../../ledger/refunds/operations.ts';
import {
  submitProof,
  viewPayment,
  viewProof,
  viewProofThumbnail,
} from '../../ledger/payments/operations.ts';
import { readProof } from '../../ledger/payments/proofs.ts';
import { findRefundAccount } from '../../ledger/bank-accounts/queries.ts';
import { proofHeaders } from '../../ledger/payments/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import { viewWaitingEntry } from '../../waiting/operations.ts';
import type { WaitingEntry } from '../../waiting/waiting.ts';
import { html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { keepForSlots } from './answers.ts';
import { refundPart } from './goods.ts';
import { faultOf, type Fault, type Money } from './money.ts';
import { payPart } from './pay.ts';
import { pageToPay, payOnline } from '../../ledger/gateway/orders.ts';

const schema = { params: closed({ id: Id }) };

/**
 * Registers the page of an offer in a campaign that has already succeeded. The buyer accepts the
 * offer by paying.
 */
export function offerPages(app: PageDeps): PagePlugin {
  return async (server) => {
    takeUploads(server);

    server.get('/antrean/:id/bayar', { schema }, async (request, reply) => {
      const entry = await offerOf(app, request.visit, request.params.id);
      if (entry.participation_id !== null) {
        return redirect(request, reply, `/ikutan/${entry.participation_id}`);
      }
      return await showOffer(app, request, reply, entry);
    });

    server.post('/antrean/:id/bayar', { schema }, async (request, reply) => {
      const { visit } = request;
      const entry = await offerOf(app, visit, request.params.id);
      const answer = await toResult(() => payOnline(app.payments, visit.actor, entry.order_id));
      if ('done' in answer) return redirect(request, reply, `/antrean/${entry.id}/bayar`);
      return await showOffer(app, request, reply, entry, faultOf('online', answer.refused));
    });

    server.post(
      '/antrean/:id/simpan',
      { schema, config: { formPage: '/ikutan' } },
      async (request, reply) => {
        const { visit } = request;
        const entry = await offerOf(app, visit, request.params.id);
        const answer = await keepForSlots(app, request);
        if ('refused' in answer) {
          return await showOffer(app, request, reply, entry, faultOf('refund', answer.refused));
        }
        const { participation_id: given } = answer.done;
        const next = given === null ? `/antrean/${entry.id}/bayar` : `/ikutan/${given}?baru`;
        return redirect(request, reply, next);
      },
    );

    server.get('/antrean/:id/bukti/berkas', { schema }, async (request, reply) => {
      const { visit } = request;
      const entry = await offerOf(app, visit, request.params.id);
      const proof = await viewProof(app.db, visit.actor, entry.order_id);
      return reply.headers(proofHeaders(entry.order_id, proof.contentType)).send(proof.content);
    });

    server.get('/antrean/:id/bukti/kecil', { schema }, async (request, reply) => {
      const { visit } = request;
      const { order_id: id } = await offerOf(app, visit, request.params.id);
      const { contentType, content } = await viewProofThumbnail(app.db, visit.actor, id);
      return reply.headers(proofHeaders(id, contentType)).send(content);
    });

    server.post(
      '/antrean/:id/bukti',
      { schema, config: { formPage: '/antrean/:id/bayar' } },
      async (request, reply) => {
        const { visit } = request;
        const entry = await offerOf(app, visit, request.params.id);
        const answer = await toResult(async () => {
          const proof = await readProof(await readProofFile(request));
          return await runInTransaction(app.db, (tx) =>
            submitProof(tx, visit.actor, entry.order_id, proof),
          );
        });
        if ('refused' in answer) {
          return await showOffer(app, request, reply, entry, faultOf('proof', answer.refused));
        }
        return redirect(request, reply, `/antrean/${entry.id}/bayar`);
      },
    );
  };
}

type Offer = WaitingEntry & { readonly order_id: string };

/**
 * Returns an offer that the user accepts by paying. Throws `waiting_entry_not_found` for any other
 * entry and for an entry of another user.
 */
async function offerOf(app: PageDeps, visit: PageContext, id: string): Promise<Offer> {
  const { userId } = requirePerson(visit);
  const entry = await viewWaitingEntry(app.db, visit.actor, id);
  const { order_id } = entry;
  if (entry.user_id !== userId || order_id === null) {
    throw new DomainError('waiting_entry_not_found', {});
  }
  return { ...entry, order_id };
}

async function showOffer(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  entry: Offer,
  fault?: Fault,
): Promise<FastifyReply> {
  const { visit } = request;
  const { t, url } = visit;
  const money = await moneyOf(app, visit, entry);
  const place = { path: `/antrean/${entry.id}`, heldUntil: entry.offer_expires_at };
  const isOpen = entry.status === 'offered';
  const title = isOpen ? t('order.offer.payToTakeYourSlots') : t('order.offer.yourOfferHasEnded');
  const refused = fault?.form === 'refund' ? fault.refused : undefined;
  const main = html`<article>
    <h1>${title}</h1>
    ${isOpen && html`<p>${t('order.offer.keptForYouYoursOnce', { quantity: entry.quantity })}</p>`}
    ${payPart(visit, place, money, fault)}
    <div data-part="refund">${refundPart(visit, place.path, money, refused)}</div>
    <p>
      <a href="${url(`/sambatan/${entry.campaign_id}`)}">${t('common.viewCampaign')}</a>
    </p>
  </article>`;
  return sendPage(request, reply, { title, section: 'mine', main }, fault?.status ?? 200);
}

async function moneyOf(app: PageDeps, visit: PageContext, { order_id: id }: Offer): Promise<Money> {
  const refunds = await refundsOf(app.db, visit.actor, id);
  const { userId } = requirePerson(visit);
  const account = await app.db.maybe(findRefundAccount, userId);
  const none = { refunds, dispute: undefined, hasRefundAccount: account !== undefined } as const;
  const isOffered = app.payments.gateway !== undefined;
  const answer = await toResult(() =>
    runInTransaction(app.db, (tx) => viewPayment(tx, visit.actor, id, isOffered)),
  );
  if ('refused' in answer) {
    const online = { isOffered, page: undefined };
    return { ...none, payment: undefined, unpayable: answer.refused, online };
  }
  const page = await pageToPay(app.db, answer.done);
  return { ...none, payment: answer.done, unpayable: undefined, online: { isOffered, page } };
}
