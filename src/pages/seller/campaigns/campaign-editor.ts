import type { Campaign } from '../../../campaigns/campaign.ts';
import { findProduct, type BrandRow, type ProductRow } from '../../../catalogue/queries.ts';
import type { PageDeps } from '../../deps.ts';
import type { BrandSetupRow } from '../../../ledger/bank-accounts/queries.ts';
import { emptyState } from '../../../web/components.ts';
import { html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { hiddenFields, termsForm, termsOf, type TermsForm } from './campaign-form.ts';
import { campaignPreview } from './campaign-preview.ts';
import { noAccount } from './checklist.ts';
import type { FormState } from '../../kit/form-action.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { isOpen } from './campaign-list.ts';

export interface Start {
  readonly brand: BrandRow;
  readonly products: readonly ProductRow[];
  readonly publishes: boolean;
  readonly setup: BrandSetupRow;
  readonly collects: boolean;
}

export interface Edited {
  readonly campaign: Campaign;
  readonly collects: boolean;
}

export function newCampaign(visit: PageContext, start: Start, shown: FormState) {
  const { brand, products, publishes, setup, collects } = start;
  const { t, url } = visit;
  const title = t('common.newCampaign');
  const main = html`<p class="crumbs">
      <a href="${url(`/toko/${brand.brand_id}`)}">${brand.name}</a>
    </p>
    <h1>${title}</h1>
    ${refusalNotice(visit, shown.refused)}${!setup.has_payout_account && noAccount(visit, brand)}
    ${
      products.length === 0
        ? emptyState(
            t('seller.campaignEditor.noProductIsEnabledYet'),
            t('seller.campaignEditor.addAProductAndTickAvailable'),
            html`<a class="button" href="${url(`/toko/${brand.brand_id}/produk/baru`)}"
              >${t('common.addAProduct')}</a
            >`,
          )
        : termsForm(visit, {
            action: url(`/toko/${brand.brand_id}/sambatan/baru`),
            shown,
            products,
            open: false,
            opening: publishes,
            collects,
          })
    }`;
  return { title, section: 'shop' as const, main };
}

export function editPage(visit: PageContext, { campaign, collects }: Edited, shown: FormState) {
  const { t, url } = visit;
  const title = t('seller.campaignEditor.changeTheCampaign');
  const open = isOpen(campaign);
  const main = html`<p class="crumbs">
      <a href="${url(`/toko/sambatan/${campaign.id}`)}">${campaign.title}</a>
    </p>
    <h1>${title}</h1>
    ${open && html`<p class="quiet">${t('seller.campaignEditor.onceItIsOpenOnly')}</p>`}
    ${refusalNotice(visit, shown.refused)}
    ${termsForm(visit, {
      action: url(`/toko/sambatan/${campaign.id}/ubah`),
      shown,
      products: [{ product_id: campaign.product_id, name: campaign.product_name }],
      open,
      opening: campaign.status === 'scheduled',
      collects,
      isDraft: campaign.status === 'inactive',
    })}`;
  return { title, section: 'shop' as const, main };
}

interface PreviewParts {
  readonly fresh?: Start;
  readonly campaign?: Campaign;
  readonly form: TermsForm;
  readonly typed: FormState['typed'];
}

export async function previewPage(app: PageDeps, visit: PageContext, parts: PreviewParts) {
  const { t, url } = visit;
  const { fresh, campaign, form, typed } = parts;
  const terms = termsOf(form);
  const product = await app.db.one(findProduct, campaign?.product_id ?? form.product_id);
  const brand = fresh?.brand ?? { brand_id: campaign!.brand_id, name: campaign!.brand_name };
  const preview = campaignPreview(visit, { terms, brand, product, campaign });
  const action = fresh
    ? url(`/toko/${fresh.brand.brand_id}/sambatan/baru`)
    : url(`/toko/sambatan/${campaign!.id}/ubah`);
  const opens = terms.opensAt !== null && terms.opensAt > visit.now;
  const button = (aksi: string, words: string, kind = '') =>
    html`<button class="button ${kind}" name="aksi" value="${aksi}">${words}</button>`;
  const title = t('common.preview');
  const main = html`<h1>${title}</h1>
    ${preview}
    <form class="panel row" method="post" action="${action}">
      ${hiddenFields(typed)}
      ${
        campaign
          ? button('simpan', t('seller.campaignEditor.saveTheChanges'))
          : fresh!.publishes &&
            button('terbit', opens ? t('seller.campaignEditor.scheduleIt') : t('common.openNow'))
      }
      ${!campaign && !opens && button('draf', t('seller.campaignEditor.saveAsADraft'), 'quiet')}
      ${button('ubah', t('seller.campaignEditor.changeItAgain'), 'quiet')}
    </form>`;
  return { title, section: 'shop' as const, main };
}
