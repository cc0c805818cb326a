import { may } from '../../../identity/policy.ts';
import type { BrandSetupRow } from '../../../ledger/bank-accounts/queries.ts';
import { notice } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import type { ShopOf } from '../brand/shop-head.ts';

interface Step {
  readonly isDone: boolean;
  readonly words: string;
  readonly why: string;
  /** The path of the page for this step. Undefined if another member of the brand must do it. */
  readonly path: string | undefined;
}

/**
 * Returns the steps that a new brand must complete before it can receive money, in order. Returns
 * nothing when all steps are done.
 */
export function checklist(
  visit: PageContext,
  shop: ShopOf,
  setup: BrandSetupRow,
): Html | undefined {
  const steps = stepsOf(visit, shop, setup);
  const done = steps.filter(({ isDone }) => isDone).length;
  if (done === steps.length) return undefined;
  const { t } = visit;
  return html`<section class="panel checklist" aria-labelledby="checklist">
    <h2 id="checklist">
      ${t('seller.checklist.setUpYourBrand')}
      <span class="quiet">${t('seller.checklist.of', { done, steps: steps.length })}</span>
    </h2>
    <ol>
      ${steps.map((step) => stepLine(visit, step))}
    </ol>
  </section>`;
}

function stepLine({ t, url }: PageContext, { isDone, words, why, path }: Step): Html {
  if (isDone) return html`<li class="done">${words} – ${t('seller.checklist.done')} ✓</li>`;
  return html`<li>
    ${path === undefined ? html`<strong>${words}</strong>` : html`<a href="${url(path)}">${words}</a>`}
    <br /><span class="quiet">${why}</span>
  </li>`;
}

function stepsOf({ t, actor }: PageContext, { brand, role }: ShopOf, setup: BrandSetupRow): Step[] {
  const path = `/toko/${brand.brand_id}`;
  const rights = { brandRole: role };
  const edits = may(actor, 'payout_account.edit', rights);
  return [
    {
      isDone: setup.has_product,
      words: t('seller.checklist.addAProduct'),
      why: t('seller.checklist.campaignsAreMadeFromYourProducts'),
      path: may(actor, 'product.create', rights) ? `${path}/produk/baru` : undefined,
    },
    {
      isDone: setup.has_campaign,
      words: t('seller.checklist.createYourFirstCampaign'),
      why: t('seller.checklist.setItsPriceSlotsAndDeadline'),
      path: setup.has_product
        ? `${path}/sambatan/baru`
        : may(actor, 'product.create', rights)
          ? `${path}/produk/baru`
          : undefined,
    },
    {
      isDone: setup.has_payout_account,
      words: t('seller.checklist.addAPayoutAccount'),
      why: edits
        ? t('seller.checklist.thisIsWhereWeSend')
        : t('seller.checklist.theOwnerOfTheBrandAdds'),
      path: edits ? `${path}/rekening` : undefined,
    },
  ];
}

/**
 * Returns a notice that the brand has no payout account. It is shown before a campaign opens, so
 * that the seller does not notice it only when a payout is due.
 */
export function noAccount({ t, url }: PageContext, brand: ShopOf['brand']): Html {
  return notice(
    'busy',
    t('seller.checklist.thereIsNoPayoutAccountYet'),
    html`${t('seller.checklist.youCanOpenTheCampaign')}
      <a href="${url(`/toko/${brand.brand_id}/rekening`)}"
        >${t('seller.checklist.addTheAccount')}</a
      >`,
  );
}
