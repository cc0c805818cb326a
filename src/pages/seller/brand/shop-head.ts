import { wording, type Wording } from '../../../i18n/messages.ts';
import { may, type BrandRole } from '../../../identity/policy.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';

export type ShopTab = 'campaigns' | 'products' | 'members' | 'account' | 'webhooks';

/** A brand and the role that the user has in it. */
export interface ShopOf {
  readonly brand: { readonly brand_id: string; readonly name: string };
  readonly role: BrandRole | undefined;
}

/** Returns the head of every page of a brand: the brand's name and the tabs. */
export function shopHead(
  visit: PageContext,
  { brand, role }: ShopOf,
  tab: ShopTab | undefined,
  action?: Html,
): Html {
  const { t, url, actor } = visit;
  const rights = { brandRole: role };
  const link = (name: ShopTab, path: string, words: string) =>
    html`<li>
      <a href="${url(path)}" ${attribute('aria-current', name === tab && 'page')}>${words}</a>
    </li>`;
  return html`<p class="crumbs"><a href="${url('/toko')}">${t('common.allMyBrands')}</a></p>
    <div class="row apart shop-head">
      <h1>${brand.name}</h1>
      ${action}
    </div>
    <nav class="tabs" aria-label="${t('seller.shopHead.brandPages')}">
      <ul>
        ${link('campaigns', `/toko/${brand.brand_id}`, t('seller.shopHead.campaigns'))}
        ${link('products', `/toko/${brand.brand_id}/produk`, t('common.products'))}
        ${link('members', `/toko/${brand.brand_id}/anggota`, t('common.members'))}
        ${
          may(actor, 'payout_account.read', rights) &&
          link('account', `/toko/${brand.brand_id}/rekening`, t('seller.shopHead.payoutAccount'))
        }
        ${
          may(actor, 'webhook.manage', rights) &&
          link('webhooks', `/toko/${brand.brand_id}/webhook`, 'Webhook')
        }
      </ul>
    </nav>`;
}

export const roleNames = {
  owner: wording('seller.shopHead.roleNames.owner'),
  admin: wording('seller.shopHead.roleNames.admin'),
  contributor: wording('seller.shopHead.roleNames.contributor'),
} as const satisfies Record<BrandRole, Wording>;

/**
 * Returns the display name of a buyer or member. Without a name, returns the last characters of the
 * id.
 */
export function nameOf(
  visit: PageContext,
  { display_name, user_id }: { readonly display_name: string | null; readonly user_id: string },
): string {
  return display_name ?? visit.t('seller.shopHead.account', { value: user_id.slice(-6) });
}
