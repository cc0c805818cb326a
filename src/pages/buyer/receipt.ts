import type { FastifyReply } from 'fastify';
import { fileHeaders } from '../../http/download-headers.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { closed, Id } from '../../http/schemas.ts';
import { viewReceipt, viewSumProof } from '../../participations/log-proofs.ts';
import type { PageContext } from '../../web/visit.ts';
import type { PageDeps } from '../deps.ts';
import { ownParticipation } from './participation.ts';
import { qrCode } from '../../web/qr-code.ts';

const params = closed({ id: Id });

/** Registers the files of an order's receipt: its text, its QR code, and the sum proof. */
export function receiptPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/ikutan/:id/bukti-pesanan.txt', { schema: { params } }, async (request, reply) => {
      const { visit } = request;
      await ownParticipation(app, visit, request.params.id);
      const receipt = await viewReceipt(app.db, visit.actor, request.params.id);
      const name = `sambatan-${request.params.id}.txt`;
      return send(reply, fileHeaders({ name, type: 'text/plain; charset=utf-8' }), `${receipt}\n`);
    });

    server.get('/ikutan/:id/bukti-pesanan.svg', { schema: { params } }, async (request, reply) => {
      const { visit } = request;
      await ownParticipation(app, visit, request.params.id);
      const receipt = await viewReceipt(app.db, visit.actor, request.params.id);
      // The code is large, so it has the lowest redundancy: a screen or clean paper needs no more.
      const options = { errorCorrectionLevel: 'L', margin: 4 } as const;
      const code = await qrCode(checkAddress(visit, receipt), options);
      const type = 'image/svg+xml; charset=utf-8';
      return send(reply, fileHeaders({ name: 'qr.svg', type, isShown: true }), code);
    });

    server.get(
      '/ikutan/:id/bukti-hitungan.json',
      { schema: { params } },
      async (request, reply) => {
        const { visit } = request;
        await ownParticipation(app, visit, request.params.id);
        const proof = await viewSumProof(app, visit.actor, request.params.id);
        const json = JSON.stringify(proof, (_key, value: unknown) =>
          typeof value === 'bigint' ? Number(value) : value,
        );
        const name = `sambatan-${request.params.id}.json`;
        return send(reply, fileHeaders({ name, type: 'application/json' }), json);
      },
    );
  };
}

function send(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
  content: string,
): FastifyReply {
  return reply.headers(headers).send(content);
}

/**
 * Returns the address that verifies a receipt. The receipt is in the fragment, which browsers do not
 * send to the server.
 */
function checkAddress(visit: PageContext, receipt: string): string {
  return `${visit.origin}${visit.url('/bukti')}#${receipt}`;
}
