import type { Campaign } from '../../../campaigns/campaign.ts';
import { deliveredQuantityOf } from '../../../participations/participation.ts';
import type { ParticipantRow } from '../../../participations/participant-list-queries.ts';
import type { PaymentState } from '../../../ledger/payments/payment-state.ts';
import { emptyState, notice } from '../../../web/components.ts';
import { formatCount } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { nameOf } from '../brand/shop-head.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

/** Number of labels per page of the packing list. */
export const maxLabels = 100;

export interface PackingProps {
  readonly campaign: Campaign;
  /** The rows of the page, and one more row if there is a next page. */
  readonly rows: readonly ParticipantRow[];
  readonly isFirst: boolean;
  /** Number of participations in each payment state. */
  readonly states: ReadonlyMap<PaymentState, number>;
}

/**
 * Returns a page with labels to print for the paid orders. A label shows the number of delivered
 * slots.
 */
export function packingPage(visit: PageContext, { campaign, rows, isFirst, states }: PackingProps) {
  const { t, url } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const title = t('common.packingList');
  const list = cursorPage(visit, rows, {
    size: maxLabels,
    url: `${path}/kemas`,
    isFirst,
    cursorOf: (row) => [row.participation_id],
  });
  const main = html`<p class="crumbs no-print"><a href="${path}">${campaign.title}</a></p>
    <div class="row apart shop-head no-print">
      <h1>${title}</h1>
      <button class="button" type="button" data-print data-needs-script hidden>
        ${t('common.print')}
      </button>
    </div>
    ${
      campaign.status !== 'completed' &&
      notice(
        'busy',
        t('seller.packing.thisCampaignHasNotSucceededYet'),
        t('seller.packing.onlyPaidOrdersAreShown'),
      )
    }
    ${unpaidNotice(visit, path, states)}
    ${
      rows.length > 0
        ? html`<ul class="labels">
            ${list.rows.map((row) => label(visit, campaign, row))}
          </ul>`
        : emptyState(t('seller.packing.nothingToPackYet'), t('seller.packing.paidOrdersAppearHere'))
    }
    ${list.links}`;
  return { title: `${title} · ${campaign.title}`, section: 'shop' as const, wide: true, main };
}

/** Returns the number of unpaid orders, which must not be packed, with a link to them. */
function unpaidNotice(
  visit: PageContext,
  path: string,
  states: ReadonlyMap<PaymentState, number>,
): Html | false {
  const { t, language } = visit;
  const links = (['overdue', 'due', 'proof_submitted', 'pending_online'] as const)
    .map((state) => ({ state, number: states.get(state) ?? 0 }))
    .filter(({ number }) => number > 0);
  if (links.length === 0) return false;
  const words = {
    overdue: t('seller.packing.overdue'),
    due: t('seller.packing.awaitingPayment'),
    proof_submitted: t('seller.packing.withAProofBeingChecked'),
    pending_online: t('seller.packing.withAnOnlinePaymentPending'),
  };
  return html`<div class="notice busy no-print">
    <strong>${t('seller.packing.ordersThatAreNotPaid')}</strong>
    <span>
      ${links.map(
        ({ state, number }, index) =>
          html`${index > 0 && ', '}<a href="${path}/peserta?payment=${state}"
              >${formatCount(number, language)} ${words[state]}</a
            >`,
      )}.
    </span>
  </div>`;
}

function label(visit: PageContext, campaign: Campaign, row: ParticipantRow): Html {
  const { t, language } = visit;
  const slots = deliveredQuantityOf(row);
  return html`<li class="label">
    <p class="label-slots">
      <strong>${formatCount(slots, language)} ×</strong> ${campaign.product_name}
    </p>
    <p><strong>${nameOf(visit, row)}</strong></p>
    <p>${row.shipping_address}</p>
    ${row.note !== null && html`<p class="quiet">${t('common.note')}: ${row.note}</p>`}
    ${
      slots < row.quantity &&
      html`<p class="quiet">
        ${t('seller.packing.orderedTheRestIsRefunded', { quantity: row.quantity })}
      </p>`
    }
    <p class="quiet">
      …${row.participation_id.slice(-8)}${
        campaign.weight_grams !== null &&
        html` · ${formatCount(campaign.weight_grams * slots, language)} g`
      }
    </p>
  </li>`;
}
