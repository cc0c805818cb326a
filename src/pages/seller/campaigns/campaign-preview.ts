import type { Campaign, CampaignTerms } from '../../../campaigns/campaign.ts';
import { pictureOf } from '../../../catalogue/picture.ts';
import type { ProductRow } from '../../../catalogue/queries.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { campaignToCome } from '../../campaign/campaign.ts';

export interface Previewed {
  readonly terms: CampaignTerms;
  readonly brand: { readonly brand_id: string; readonly name: string };
  readonly product: ProductRow;
  /** The campaign that is being changed; undefined for a new one. */
  readonly campaign?: Campaign | undefined;
}

/** Returns the page that buyers would see if the campaign had these terms. */
export function campaignPreview(visit: PageContext, previewed: Previewed): Html {
  return framedPreview(visit, campaignWith(visit, previewed), previewed.product);
}

/** Returns the page of a draft or scheduled campaign as buyers will see it. */
export function draftPreview(visit: PageContext, campaign: Campaign, product: ProductRow): Html {
  return framedPreview(
    visit,
    { ...campaign, status: openStatus(visit, campaign.opens_at) },
    product,
  );
}

function framedPreview(visit: PageContext, campaign: Campaign, product: ProductRow): Html {
  const { t } = visit;
  return html`<section class="preview" aria-label="${t('common.preview')}">
    <p class="preview-mark">${t('seller.campaignPreview.thisIsWhatBuyersSee')}</p>
    ${campaignToCome(visit, campaign, product)}
  </section>`;
}

function openStatus({ now }: PageContext, opensAt: Date | null): Campaign['status'] {
  return opensAt !== null && opensAt > now ? 'scheduled' : 'active';
}

function campaignWith(
  visit: PageContext,
  { terms, brand, product, campaign }: Previewed,
): Campaign {
  const changed = {
    title: terms.title,
    description: terms.description,
    payment_timing: terms.paymentTiming,
    total_slots: terms.totalSlots,
    minimum_slots: terms.minimumSlots,
    price_per_slot: terms.pricePerSlot,
    min_slots_per_user: terms.minSlotsPerUser,
    max_slots_per_user: terms.maxSlotsPerUser,
    hold_seconds: terms.holdSeconds,
    deadline: terms.deadline,
    opens_at: terms.opensAt,
  };
  // After a campaign has opened, only its title and story can be changed.
  const isOpen = campaign?.status === 'active' || campaign?.status === 'full';
  if (isOpen) return { ...campaign, title: terms.title, description: terms.description };
  const { now } = visit;
  return {
    id: campaign?.id ?? product.product_id,
    brand_id: brand.brand_id,
    brand_name: brand.name,
    product_id: product.product_id,
    product_name: product.name,
    picture: pictureOf(product),
    weight_grams: product.weight_grams,
    status: openStatus(visit, terms.opensAt),
    slots_taken: 0,
    slots_remaining: terms.totalSlots,
    waiting_count: 0,
    progress_percent: 0,
    participant_count: 0,
    is_closing: false,
    slots_at_close: null,
    extended_at: null,
    created_at: now,
    updated_at: now,
    opened_at: null,
    verifying_at: null,
    shipped_at: null,
    received_after: null,
    verifying_until: null,
    decision_until: null,
    filled_at: null,
    completed_at: null,
    failed_at: null,
    cancelled_at: null,
    ...changed,
  };
}
