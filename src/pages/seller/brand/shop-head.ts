import type { FastifyRequest } from 'fastify';
import { may, type BrandRole } from '../../../identity/policy.ts';
import { DomainError, type ErrorCode, type FieldError } from '../../../errors/errors.ts';
import { notice } from '../../../web/components.ts';
import { attribute, html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';

/** The id that a path names; anything else is no page. */
export function idIn(request: FastifyRequest, name = 'id'): string {
  const value = (request.params as Readonly<Record<string, string | undefined>>)[name] ?? '';
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) {
    throw new DomainError('not_found', {});
  }
  return value.toLowerCase();
}

/** One word of a query; undefined when it is not there or comes twice. */
export function queryParam(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Sends visitors to sign in; gives the rest of the pages somebody to be for. */
export function signedIn(visit: PageContext): void {
  if (visit.actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
}

/** What a form was refused for, above it; what is wrong with a field stands at the field. */
export function refusalNotice(
  visit: PageContext,
  refused: DomainError | undefined,
): Html | undefined {
  if (refused === undefined) return undefined;
  const { title, detail } = refused.text(visit.language);
  return notice('bad', title, detail);
}

/** The status of a page that shows a form again. */
export function statusOf(refused: DomainError | undefined): number {
  return refused === undefined ? 422 : refused.status;
}

export interface Shown {
  readonly typed: Readonly<Record<string, string | undefined>>;
  readonly errors?: readonly FieldError[] | undefined;
  readonly refused?: DomainError | undefined;
}

/**
 * A form that was refused: what is wrong with its fields beside them, anything else above it.
 * `fieldOf` names the field that a refusal as a whole is about.
 */
export function rerenderForm(
  typed: Shown['typed'],
  refused: DomainError,
  fieldOf: { readonly [C in ErrorCode]?: string } = {},
): Shown {
  const field = fieldOf[refused.code];
  if (field !== undefined) {
    const message = { id: refused.text('id').detail, en: refused.text('en').detail };
    return { typed, errors: [{ field, message }] };
  }
  return refused.fields.length > 0 ? { typed, errors: refused.fields } : { typed, refused };
}

const news = {
  'brand-dibuat': { id: 'Brand-mu sudah jadi.', en: 'Your brand is made.' },
  tersimpan: { id: 'Perubahan tersimpan.', en: 'The changes are saved.' },
  'produk-dibuat': { id: 'Produk ditambahkan.', en: 'The product is added.' },
  'foto-dihapus': { id: 'Foto dihapus.', en: 'The picture is removed.' },
  diundang: { id: 'Undangan sudah dikirim.', en: 'The invitation is on its way.' },
  'undangan-batal': { id: 'Undangan dibatalkan.', en: 'The invitation was taken back.' },
  'anggota-keluar': { id: 'Anggota dikeluarkan.', en: 'The member was removed.' },
  keluar: { id: 'Kamu sudah keluar dari brand itu.', en: 'You have left the brand.' },
  bergabung: { id: 'Selamat datang di brand ini!', en: 'Welcome to this brand!' },
  draf: {
    id: 'Draf tersimpan. Hanya tim brand-mu yang melihatnya.',
    en: 'The draft is saved. Only your team sees it.',
  },
  terbit: { id: 'Sambatan sudah dibuka. Yuk, bagikan!', en: 'The campaign is open. Share it!' },
  dijadwalkan: {
    id: 'Sambatan dijadwalkan; terbuka sendiri pada waktunya.',
    en: 'The campaign is scheduled and opens by itself.',
  },
  diperpanjang: {
    id: 'Batas waktu diperpanjang, dan pesertanya diberi tahu.',
    en: 'The deadline is later now, and the participants are told.',
  },
  dibatalkan: {
    id: 'Sambatan dibatalkan. Dana yang sudah masuk dikembalikan.',
    en: 'The campaign is called off. What was paid goes back.',
  },
  'webhook-diubah': { id: 'Webhook diubah.', en: 'The webhook is changed.' },
  'webhook-hidup': { id: 'Webhook dinyalakan.', en: 'The webhook is switched on.' },
  'webhook-mati': { id: 'Webhook dimatikan.', en: 'The webhook is switched off.' },
  'webhook-dihapus': { id: 'Webhook dihapus.', en: 'The webhook is removed.' },
  'kirim-ulang': { id: 'Dikirim ulang sebentar lagi.', en: 'It is sent again in a moment.' },
  dikirim: {
    id: 'Tercatat. Pembeli yang sudah bayar diberi tahu.',
    en: 'Noted. Buyers who have paid are told.',
  },
  dikurangi: {
    id: 'Tercatat. Pembelinya diberi tahu, dan uangnya dikembalikan.',
    en: 'It is noted. The buyers are told, and their money goes back.',
  },
} as const;

/** A path that says, once it is reached, what was done. */
export function withFlash(path: string, what: keyof typeof news): string {
  return `${path}${path.includes('?') ? '&' : '?'}kabar=${what}`;
}

/** What was done on the page before this one. */
export function flashMessage(request: FastifyRequest): Html | undefined {
  const word = queryParam(request, 'kabar');
  if (word === undefined || !Object.hasOwn(news, word)) return undefined;
  return notice('good', news[word as keyof typeof news][request.visit.language]);
}

export type ShopTab = 'campaigns' | 'products' | 'members' | 'account' | 'webhooks';

/** A brand, and what whoever looks is in it. */
export interface ShopOf {
  readonly brand: { readonly brand_id: string; readonly name: string };
  readonly role: BrandRole | undefined;
}

/** The head of every page of a brand: its name, and the ways to its parts. */
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
  return html`<p class="crumbs"><a href="${url('/toko')}">${t('Semua brand', 'All brands')}</a></p>
    <div class="row apart shop-head">
      <h1>${brand.name}</h1>
      ${action}
    </div>
    <nav class="tabs" aria-label="${t('Bagian toko', 'Parts of the shop')}">
      <ul>
        ${link('campaigns', `/toko/${brand.brand_id}`, 'Sambatan')}
        ${link('products', `/toko/${brand.brand_id}/produk`, t('Produk', 'Products'))}
        ${link('members', `/toko/${brand.brand_id}/anggota`, t('Anggota', 'Members'))}
        ${
          may(actor, 'payout_account.read', rights) &&
          link('account', `/toko/${brand.brand_id}/rekening`, t('Rekening', 'Payouts'))
        }
        ${
          may(actor, 'webhook.manage', rights) &&
          link('webhooks', `/toko/${brand.brand_id}/webhook`, 'Webhook')
        }
      </ul>
    </nav>`;
}

export const roleNames = {
  owner: { id: 'Pemilik', en: 'Owner' },
  admin: { id: 'Admin', en: 'Admin' },
  contributor: { id: 'Kontributor', en: 'Contributor' },
} as const satisfies Record<BrandRole, { readonly id: string; readonly en: string }>;

/** How a buyer or member is called: by their profile, else by the beginning of their id. */
export function nameOf(
  visit: PageContext,
  { display_name, user_id }: { readonly display_name: string | null; readonly user_id: string },
): string {
  return (
    display_name ?? visit.t(`Akun\u00a0…${user_id.slice(-6)}`, `Account\u00a0…${user_id.slice(-6)}`)
  );
}
