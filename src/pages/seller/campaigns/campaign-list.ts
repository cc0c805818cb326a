import type { CampaignStatus } from '../../../database/status-words.ts';
import { campaignOf, type Campaign } from '../../../campaigns/campaign.ts';
import type { CampaignRow } from '../../../campaigns/queries.ts';
import type { BrandSetupRow } from '../../../ledger/bank-accounts/queries.ts';
import { countdown, emptyState, progressBar } from '../../../web/components.ts';
import { formatParticipants, formatRupiah } from '../../../i18n/format.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import { pictureTag } from '../../product-picture.ts';
import { campaignBadge } from '../../statuses.ts';
import type { PageContext } from '../../../web/visit.ts';
import { checklist } from './checklist.ts';
import { shopHead, type ShopOf } from '../brand/shop-head.ts';
import type { CursorPage } from '../../kit/cursor-page.ts';

/** The three lists of campaigns on a brand's dashboard, with the statuses in each. */
export const lists = {
  jalan: ['scheduled', 'active', 'full', 'verifying'],
  draf: ['inactive'],
  selesai: ['completed', 'failed', 'cancelled'],
} as const satisfies Record<string, readonly CampaignStatus[]>;

export type ListName = keyof typeof lists;

export function isOpen({ status }: Campaign): boolean {
  return status === 'active' || status === 'full';
}

interface DashboardParts {
  readonly name: ListName;
  readonly list: CursorPage<CampaignRow>;
  readonly creates: boolean;
  readonly setup: BrandSetupRow;
}

export function dashboard(visit: PageContext, shop: ShopOf, parts: DashboardParts) {
  const { brand } = shop;
  const { t, url } = visit;
  const { name, list } = parts;
  const campaigns = list.rows.map(campaignOf);
  const path = url(`/toko/${brand.brand_id}`);
  const make = parts.creates
    ? html`<a class="button" href="${path}/sambatan/baru">${t('common.newCampaign')}</a>`
    : undefined;
  const choice = (one: ListName, words: string) =>
    html`<li>
      <a
        href="${one === 'jalan' ? path : `${path}?tampil=${one}`}"
        ${attribute('aria-current', one === name && 'true')}
        >${words}</a
      >
    </li>`;
  const main = html`${shopHead(visit, shop, 'campaigns', make)}${checklist(visit, shop, parts.setup)}
    <nav class="choices" aria-label="${t('common.show')}">
      <ul>
        ${choice('jalan', t('seller.campaignList.openNow'))}${choice('draf', t('seller.campaignList.drafts'))}${choice(
          'selesai',
          t('seller.campaignList.ended'),
        )}
      </ul>
    </nav>
    ${
      campaigns.length > 0
        ? html`<ul class="cards">
            ${campaigns.map((campaign) => campaignCard(visit, campaign))}
          </ul>`
        : emptyState(...emptyWords(visit, name), name === 'selesai' ? undefined : make)
    }
    ${list.links}`;
  return { title: brand.name, section: 'shop' as const, main };
}

function emptyWords({ t }: PageContext, name: ListName): [string, string] {
  switch (name) {
    case 'jalan':
      return [t('common.noOpenCampaigns'), t('seller.campaignList.openANewCampaignAndShare')];
    case 'draf':
      return [t('seller.campaignList.noDrafts'), t('seller.campaignList.draftsAppearHere')];
    case 'selesai':
      return [
        t('seller.campaignList.noPastCampaigns'),
        t('seller.campaignList.theResultsOfYourCampaigns'),
      ];
    default:
      return name satisfies never;
  }
}

function campaignCard(visit: PageContext, campaign: Campaign): Html {
  const { url, language } = visit;
  const { status, participant_count: people } = campaign;
  const over = campaign.slots_at_close;
  return html`<li>
    <article class="card">
      ${pictureTag(campaign.picture, {
        alt: campaign.product_name,
        sizes: '(min-width: 48rem) 18rem, 100vw',
      })}
      <div class="card-body">
        <p>${campaignBadge(visit, status)}</p>
        <h2><a href="${url(`/toko/sambatan/${campaign.id}`)}">${campaign.title}</a></h2>
        <p class="price">${formatRupiah(campaign.price_per_slot, language)}</p>
        ${progressBar(visit, { taken: over ?? campaign.slots_taken, total: campaign.total_slots })}
        <p class="quiet">
          ${formatParticipants(people, language)}${
            isOpen(campaign) && html` · ${countdown(visit, campaign.deadline)}`
          }
        </p>
      </div>
    </article>
  </li>`;
}
