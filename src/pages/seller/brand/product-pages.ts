import { pictureOf } from '../../../catalogue/picture.ts';
import type { BrandRow, ProductRow } from '../../../catalogue/queries.ts';
import { badge, checkbox, emptyState, input, textarea } from '../../../web/components.ts';
import { formatCount, formatRupiah } from '../../../i18n/format.ts';
import { fileInput } from '../../../web/file-input.ts';
import { html, type Html } from '../../../web/html.ts';
import { pictureTag } from '../../product-picture.ts';
import type { PageContext } from '../../../web/visit.ts';
import type { FormState } from '../../kit/form-action.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { shopHead, type ShopOf } from './shop-head.ts';
import type { CursorPage } from '../../kit/cursor-page.ts';

export function productList(
  visit: PageContext,
  shop: ShopOf,
  { rows, links }: CursorPage<ProductRow>,
) {
  const { t, url, language } = visit;
  const { brand } = shop;
  const path = url(`/toko/${brand.brand_id}/produk`);
  const add = html`<a class="button" href="${path}/baru">${t('common.addAProduct')}</a>`;
  const cards = rows.map(
    (product) =>
      html`<li>
        <article class="card">
          ${pictureTag(pictureOf(product), { alt: product.name, sizes: cardSizes })}
          <div class="card-body">
            <h2><a href="${url(`/toko/produk/${product.product_id}`)}">${product.name}</a></h2>
            <p class="price">${formatRupiah(product.base_price, language)}</p>
            <p class="row">
              ${
                product.sambatan_enabled
                  ? badge(t('seller.productPages.enabledForSambatan'), 'good')
                  : badge(t('seller.productPages.notEnabled'))
              }
              ${
                product.weight_grams !== null &&
                html`<span class="quiet">${formatCount(product.weight_grams, language)} g</span>`
              }
            </p>
          </div>
        </article>
      </li>`,
  );
  const main = html`${shopHead(visit, shop, 'products', add)}
  ${
    cards.length > 0
      ? html`<ul class="cards">
          ${cards}
        </ul>`
      : emptyState(
          t('seller.productPages.noProductYet'),
          t('seller.productPages.addYourFirstProduct'),
          add,
        )
  }
  ${links}`;
  return { title: `${t('common.products')} · ${brand.name}`, section: 'shop' as const, main };
}

const cardSizes = '(min-width: 48rem) 18rem, 100vw';

export function productForm(
  visit: PageContext,
  brand: BrandRow,
  product: ProductRow | undefined,
  { typed, errors, refused }: FormState,
) {
  const { t, url } = visit;
  const title = product === undefined ? t('common.addAProduct') : product.name;
  const action =
    product === undefined
      ? url(`/toko/${brand.brand_id}/produk/baru`)
      : url(`/toko/produk/${product.product_id}`);
  const field = (name: string) => ({ name, value: typed[name], errors });
  const main = html`<p class="crumbs">
      <a href="${url(`/toko/${brand.brand_id}/produk`)}">${t('common.products')} · ${brand.name}</a>
    </p>
    <h1>${title}</h1>
    ${refusalNotice(visit, refused)}
    <div class="columns">
      <form class="stack panel" method="post" enctype="multipart/form-data" action="${action}">
        ${input(visit, {
          ...field('name'),
          label: t('seller.productPages.name'),
          required: true,
          control: { minlength: 2, maxlength: 120 },
        })}
        ${textarea(visit, {
          ...field('description'),
          label: t('seller.productPages.story'),
          hint: t('seller.productPages.whatIsSpecialAndForWhom'),
          control: { maxlength: 5_000, rows: 6 },
        })}
        <div class="fields">
          ${input(visit, {
            ...field('base_price'),
            label: t('seller.productPages.usualPriceRp'),
            required: true,
            control: { inputmode: 'numeric', maxlength: 13, autocomplete: 'off' },
          })}
          ${input(visit, {
            ...field('weight_grams'),
            label: t('seller.productPages.packedWeightGrams'),
            control: { inputmode: 'numeric', maxlength: 9, autocomplete: 'off' },
          })}
        </div>
        ${checkbox(visit, {
          name: 'sambatan_enabled',
          label: t('seller.productPages.availableForCampaigns'),
          checked: product === undefined && !('name' in typed) ? true : 'sambatan_enabled' in typed,
        })}
        ${fileInput(visit, {
          name: 'picture',
          errors,
          label: t('seller.productPages.photo'),
          hint: t('seller.productPages.jPEGPNGOrWebP'),
          accept: 'image/jpeg,image/png,image/webp',
          button: t('seller.productPages.chooseAPhoto'),
        })}
        <button class="button">${t('common.save')}</button>
      </form>
      ${product !== undefined && presentPicture(visit, product)}
    </div>`;
  return { title, section: 'shop' as const, main };
}

function presentPicture(visit: PageContext, product: ProductRow): Html {
  const { t, url } = visit;
  const picture = pictureOf(product);
  return html`<aside class="panel side" aria-labelledby="picture-now">
    <h2 id="picture-now">${t('seller.productPages.presentPicture')}</h2>
    <div class="framed">
      ${pictureTag(picture, { alt: product.name, sizes: '(min-width: 58rem) 24rem, 100vw' })}
    </div>
    ${
      picture === null
        ? html`<p class="quiet">${t('seller.productPages.thereIsNoPictureYet')}</p>`
        : html`<form
            method="post"
            action="${url(`/toko/produk/${product.product_id}/gambar/hapus`)}"
          >
            <button class="button danger">${t('seller.productPages.removeThePicture')}</button>
          </form>`
    }
  </aside>`;
}
