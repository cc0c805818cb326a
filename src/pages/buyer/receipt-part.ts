import { toApiStatus } from '../../database/status-words.ts';
import type { Queryable } from '../../database/query.ts';
import { findReceipt, hasPublishedSums } from '../../participations/log-proofs.ts';
import type { OwnRow } from '../../participations/queries.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

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
