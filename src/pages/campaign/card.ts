import type { Campaign } from '../../campaigns/campaign.ts';
import { countdown, progressBar } from '../../web/components.ts';
import { formatRupiah, formatShortMoment, formatSlots } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { campaignBadge } from '../statuses.ts';
import type { PageContext } from '../../web/visit.ts';
import { productPicture } from './picture.ts';

/** Returns a campaign as a card for a list. The whole card is a link. */
export function campaignCard(visit: PageContext, campaign: Campaign, isFirst = false): Html {
  const { language, url } = visit;
  const { status } = campaign;
  return html`<li>
    <article class="card">
      <div class="card-picture">
        ${productPicture(campaign, {
          alt: '',
          sizes: '(width < 40rem) 100vw, 20rem',
          eager: isFirst,
        })}
        ${status !== 'active' && campaignBadge(visit, status)}
      </div>
      <div class="card-body">
        <p class="maker">${campaign.brand_name}</p>
        <h3><a href="${url(`/sambatan/${campaign.id}`)}">${campaign.title}</a></h3>
        <p class="price">
          ${formatRupiah(campaign.price_per_slot, language)}
          <span class="per">/ slot</span>
        </p>
        ${progressBar(visit, {
          taken: takenOf(campaign),
          total: campaign.total_slots,
          minimum: campaign.minimum_slots,
        })}
        <p class="card-foot">${foot(visit, campaign)}</p>
      </div>
    </article>
  </li>`;
}

/**
 * Returns the number of taken slots. For an ended campaign it is the number at its end, before
 * refunds.
 */
export function takenOf(campaign: Pick<Campaign, 'slots_taken' | 'slots_at_close'>): number {
  return campaign.slots_at_close ?? campaign.slots_taken;
}

function foot(visit: PageContext, campaign: Campaign): Html {
  const { t, language } = visit;
  const left = formatSlots(campaign.slots_remaining, language);
  switch (campaign.status) {
    case 'active':
      return html`<span class="left">${t('campaign.card.left', { left })}</span>
        <span>${countdown(visit, campaign.deadline)}</span>`;
    case 'scheduled':
      return html`<span>${t('campaign.card.opensIn')}</span>
        <span>${countdown(visit, campaign.opens_at ?? campaign.deadline)}</span>`;
    case 'full':
      return html`<span>${t('common.allSlotsTaken')}</span>`;
    case 'verifying':
      return html`<span>${t('campaign.card.paymentsAreBeingChecked')}</span>`;
    case 'inactive':
      return html`<span>${t('campaign.card.notPublished')}</span>`;
    case 'completed':
    case 'failed':
    case 'cancelled':
      return html`<span>${formatShortMoment(endOf(campaign), language)}</span>`;
  }
}

function endOf(campaign: Campaign): Date {
  const { completed_at, failed_at, cancelled_at, updated_at } = campaign;
  // A campaign that was cancelled after it had succeeded has both times. The time of the
  // cancellation is shown.
  return cancelled_at ?? completed_at ?? failed_at ?? updated_at;
}
