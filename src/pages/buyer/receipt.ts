import { toString as qrCode } from 'qrcode';
import type { FastifyReply } from 'fastify';
import { toApiStatus } from '../../database/status-words.ts';
import type { Queryable } from '../../database/query.ts';
import { fileHeaders } from '../../http/download-headers.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { closed, Id } from '../../http/schemas.ts';
import {
  findReceipt,
  hasPublishedSums,
  viewReceipt,
  viewSumProof,
} from '../../participations/log-proofs.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import type { PageDeps } from '../deps.ts';
import { ownParticipation } from './participation.ts';

const params = closed({ id: Id });

/** What the page of an order shows of the public log. */
export interface ReceiptState {
  /** The receipt as text; `pending` while no checkpoint covers the order. */
  readonly receipt: Awaited<ReturnType<typeof findReceipt>>;
  /** True when the published sums count what the buyer paid. */
  readonly isCounted: boolean;
}

/** Reads the receipt of an order for its page. */
export async function receiptState(db: Queryable, row: OwnRow): Promise<ReceiptState> {
  const { campaign_id: campaignId, participation_id: id } = row;
  // Sums are published after a campaign has succeeded.
  const mayBeCounted = toApiStatus(row.campaign_status) === 'completed';
  const [receipt, isCounted] = await Promise.all([
    findReceipt(db, campaignId, id),
    mayBeCounted && hasPublishedSums(db, campaignId, id),
  ]);
  return { receipt, isCounted };
}

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
      const options = { type: 'svg', errorCorrectionLevel: 'L', margin: 4 } as const;
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

/** Returns the part of an order's page with its receipt; nothing when the order has none. */
export function receiptPart(
  visit: PageContext,
  row: OwnRow,
  { receipt, isCounted }: ReceiptState,
): Html | undefined {
  const { t, url } = visit;
  if (receipt === 'not_available') return undefined;
  const path = url(`/ikutan/${row.participation_id}`);
  return html`<section class="panel" aria-labelledby="receipt">
    <h2 id="receipt">${t('order.receipt.title')}</h2>
    ${
      receipt === 'pending'
        ? html`<p>${t('order.receipt.isPrepared')}</p>`
        : html`<p>${t('order.receipt.whatItProves')}</p>
            <div class="row">
              <a class="button" href="${`${url('/bukti')}#${receipt}`}"
                >${t('order.receipt.check')}</a
              >
              <a class="button quiet" href="${path}/bukti-pesanan.txt" download
                >${t('order.receipt.download')}</a
              >
            </div>
            <details>
              <summary>${t('order.receipt.showQRCode')}</summary>
              <img
                class="qr receipt-qr"
                src="${path}/bukti-pesanan.svg"
                alt="${t('order.receipt.qRCodeOfTheReceipt')}"
                width="352"
                height="352"
                loading="lazy"
              />
              <p class="quiet">${t('order.receipt.scanToCheck')}</p>
            </details>
            ${isCounted && countedPart(visit, path)}
            <p class="quiet">${t('order.receipt.keepItPrivate')}</p>`
    }
  </section>`;
}

function countedPart({ t }: PageContext, path: string): Html {
  return html`<p>${t('order.receipt.yourMoneyIsCounted')}</p>
    <p>
      <a class="button quiet" href="${path}/bukti-hitungan.json" download
        >${t('order.receipt.downloadSumProof')}</a
      >
    </p>`;
}
