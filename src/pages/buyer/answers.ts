import type { FastifyRequest } from 'fastify';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, type PagePlugin } from '../../http/page-response.ts';
import { readProofFile, takeUploads } from '../../uploads/uploads.ts';
import { submitProof, viewProof, viewProofThumbnail } from '../../ledger/payments/operations.ts';
import { proofHeaders } from '../../ledger/payments/schemas.ts';
import { readProof } from '../../ledger/payments/proofs.ts';
import { runInTransaction } from '../../operation/run.ts';
import { fulfilParticipation } from '../../participations/operations.ts';
import { waitInsteadOfRefund } from '../../waiting/operations.ts';
import { disputePages } from './dispute.ts';
import { faultOf } from './money.ts';
import { ownParticipation, showParticipation } from './participation.ts';
import { payOnline } from '../../ledger/gateway/orders.ts';

const schema = { params: closed({ id: Id }) };

/**
 * Registers the buyer's forms: pay online, use the money of a refund for slots that come free,
 * confirm the receipt of the goods, upload a proof of payment, open a dispute.
 */
export function answerPages(app: PageDeps): PagePlugin {
  return async (server) => {
    await server.register(proofPages(app));
    await server.register(disputePages(app));

    server.post('/ikutan/:id/bayar', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      const row = await ownParticipation(app, visit, id);
      const answer = await toResult(() => payOnline(app.payments, visit.actor, id));
      // The buyer returns to the page of the order and follows a link to the provider. A direct
      // redirect is not possible, because the content security policy forbids a form to lead to
      // another host.
      if ('done' in answer) return redirect(request, reply, `/ikutan/${id}#bayar`);
      return showParticipation(app, request, reply, row, faultOf('online', answer.refused));
    });

    server.post('/ikutan/:id/simpan', { schema }, async (request, reply) => {
      const { id } = request.params;
      const row = await ownParticipation(app, request.visit, id);
      const answer = await keepForSlots(app, request);
      if ('refused' in answer) {
        return showParticipation(app, request, reply, row, faultOf('refund', answer.refused));
      }
      const { participation_id: given } = answer.done;
      return redirect(request, reply, given === null ? `/ikutan/${id}` : `/ikutan/${given}?baru`);
    });

    server.post('/ikutan/:id/terima', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      const row = await ownParticipation(app, visit, id);
      const answer = await toResult(() =>
        runInTransaction(app.db, (tx) => fulfilParticipation(tx, visit.actor, id)),
      );
      if ('done' in answer) return redirect(request, reply, `/ikutan/${id}`);
      return showParticipation(app, request, reply, row, faultOf('received', answer.refused));
    });
  };
}

const readKeeping = formParser(closed({ refund: Id }));

/**
 * Handles the form with which a buyer chooses the first place of the waiting list instead of a
 * refund. Returns the result or the refusal. Throws `validation_failed` for an invalid form.
 */
export async function keepForSlots(app: PageDeps, { body, visit }: FastifyRequest) {
  const form = readKeeping(body);
  if ('errors' in form) throw new DomainError('validation_failed', {}, form.errors);
  const id = form.value.refund.toLowerCase();
  return await toResult(() =>
    runInTransaction(app.db, (tx) => waitInsteadOfRefund(tx, visit.actor, id)),
  );
}

/** Registers the form that uploads a proof of payment, and the routes that show the proof. */
function proofPages(app: PageDeps): PagePlugin {
  return async (server) => {
    takeUploads(server);

    server.get('/ikutan/:id/bukti/berkas', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      await ownParticipation(app, visit, id);
      const { contentType, content } = await viewProof(app.db, visit.actor, id);
      return reply.headers(proofHeaders(id, contentType)).send(content);
    });

    server.get('/ikutan/:id/bukti/kecil', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      await ownParticipation(app, visit, id);
      const { contentType, content } = await viewProofThumbnail(app.db, visit.actor, id);
      return reply.headers(proofHeaders(id, contentType)).send(content);
    });

    server.post('/ikutan/:id/bukti', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      const row = await ownParticipation(app, visit, id);
      const answer = await toResult(async () => {
        const proof = await readProof(await readProofFile(request));
        return await runInTransaction(app.db, (tx) => submitProof(tx, visit.actor, id, proof));
      });
      if ('refused' in answer) {
        return showParticipation(app, request, reply, row, faultOf('proof', answer.refused));
      }
      return redirect(request, reply, `/ikutan/${id}`);
    });
  };
}
