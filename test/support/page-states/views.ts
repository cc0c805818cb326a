import { waitUntil } from '../server/until.ts';
import type { Page } from 'playwright-core';
import { nextCursor } from '../../../src/http/cursor.ts';
import { newId } from '../../../src/identity/ids.ts';
import { formatFieldMoment } from '../../../src/i18n/format.ts';
import { setUpSecondFactor } from '../clients/authenticator.ts';
import type { Client } from '../clients/client.ts';
import { insertDelivery, insertEndpoint } from '../builders/deliveries.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows, letTimePass, pastDeadline } from '../builders/market.ts';
import { photo, pictureForm } from '../builders/pictures.ts';
import { expectStatus, fromNow, hourMs, join } from '../builders/shop.ts';
import {
  requestCode,
  openMfaChallenge,
  homeAddress,
  lastMail,
  signIn,
  SiteClient,
  type SignedInClient,
} from '../clients/sign-in.ts';
import { createReceivingAccount } from '../builders/receiving-account.ts';
import { mergePageStates, createPaymentStates } from './views-payment.ts';

/** One state of one page. */
export interface PageState {
  readonly path: string;
  /** Default: a visitor. */
  readonly who?: SiteClient;
  /** Default: 200. */
  readonly status?: number;
  /** An action on the page before it is checked. */
  readonly act?: (page: Page) => Promise<void>;
}

/** The states of each page, by its row of the route table and a name. */
export type PageStates = Readonly<Record<string, Readonly<Record<string, PageState>>>>;

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)> ${'Panjang'.repeat(8)}`;
const long =
  'Parfum Sambatan Edisi Ulang Tahun Kesepuluh Melati-Kenanga-Cempaka-Sedapmalam Nusantara Istimewa';
const day = 24 * hourMs;

/** A user with a browser session and API access. */
interface Person extends SignedInClient {
  readonly api: Client;
}

/** The shared dependencies of all data builders. */
export interface StateBuilderDeps {
  readonly service: HttpService;
  person(name: string): Promise<Person>;
  operator: Person;
  till: string;
}

/**
 * Creates data that is hard to lay out (long and hostile words, large numbers; none, one and many)
 * and every state that a page can show. Returns the URLs of all of them. The service must skip the
 * invariants, because ten thousand rows are inserted directly.
 */
export async function createPageStates(service: HttpService): Promise<PageStates> {
  const person = async (name: string): Promise<Person> => {
    const client = await signIn(service, `${name}@contoh.id`);
    return Object.assign(client, { api: await service.user(client.userId) });
  };
  const operator = await person('petugas');
  expectStatus(await service.service.post('/operators', { user_id: operator.userId }), 201);
  // A process reloads its operator list after a moment.
  await waitUntil(async () => (await operator.api.get('/operators')).status === 200);
  const till = await createReceivingAccount(service.db);
  const making: StateBuilderDeps = { service, person, operator, till };
  const shop = await shopToLookAt(making);
  // First, because it runs the lifecycle, which must not change the other campaigns.
  const payments = await createPaymentStates(making, shop);
  const buyer = await person('pembeli');
  return mergePageStates(
    await visitorViews(making, shop),
    await buyerViews(making, shop, buyer),
    await accountViews(making, buyer),
    await sellerViews(making, shop),
    await operatorViews(making, shop),
    payments,
  );
}

/** A shop of many members with two products, and functions that create its campaigns. */
export interface StateShop {
  readonly owner: Person;
  readonly brandId: string;
  readonly bare: string;
  readonly pictured: string;
  /** Created by the owner, with long text and large numbers. */
  campaign(wish?: object): Promise<string>;
  /** Created with short text and everyday numbers. */
  plain(wish?: object): Promise<string>;
}

async function shopToLookAt({ service, person }: StateBuilderDeps): Promise<StateShop> {
  const owner = await person('ratri.kusumaningrum.wijayanti.prameswari');
  const { api } = owner;
  expectStatus(await api.patch('/me', { display_name: long.slice(0, 80) }), 200);
  const brandId = expectStatus(await api.post('/brands', { name: long.slice(0, 80) }), 201).id;
  for (const role of ['admin', 'contributor']) {
    await queryRows(
      service.db,
      `insert into sambatan.brand_members (brand_id, user_id, role)
      values ($1, $2, $3::sambatan.brand_role)`,
      brandId,
      newId(),
      role,
    );
  }
  const product = async (wish: object) =>
    expectStatus(
      await api.post('/products', {
        brand_id: brandId,
        name: long,
        description: `${long}. `.repeat(8),
        base_price: 999_999_999,
        weight_grams: 120,
        sambatan_enabled: true,
        ...wish,
      }),
      201,
    ).id;
  const bare = await product({ name: 'Tanpa foto', base_price: 95_000 });
  const pictured = await product({});
  const sending = await pictureForm(await photo());
  const put = { method: 'PUT', path: `/products/${pictured}/picture`, ...sending };
  expectStatus(await api.send(put), 200);
  const made = async (terms: object, wish: object) =>
    expectStatus(await api.post('/campaigns', { publish: true, ...terms, ...wish }), 201).id;
  return {
    owner,
    brandId,
    bare,
    pictured,
    campaign: (wish = {}) =>
      made(
        {
          product_id: pictured,
          title: long,
          description: `${long}. `.repeat(6),
          total_slots: 12_000,
          price_per_slot: 999_999_999,
          deadline: fromNow(14 * day),
          payment_timing: 'upfront',
        },
        wish,
      ),
    plain: (wish = {}) =>
      made(
        {
          product_id: bare,
          title: 'Senja batch pertama',
          description: 'Bergamot, teh melati, dan kayu cendana dari Timor.',
          total_slots: 10,
          price_per_slot: 95_000,
          deadline: fromNow(3 * day),
        },
        wish,
      ),
  };
}

async function visitorViews(
  { service, person }: StateBuilderDeps,
  shop: StateShop,
): Promise<PageStates> {
  const buyer = await person('siti');
  const newcomer = await person('baru');
  const waiter = await person('menunggu');
  const active = await shop.campaign({
    title: hostile.slice(0, 118),
    description: hostile,
    payment_timing: 'on_completion',
  });
  for (let n = 1; n <= 8; n++) await join(await service.user(), active, { quantity: n });
  await join(buyer.api, active, { note: hostile.slice(0, 150) });
  const untouched = await shop.plain({ title: 'Belum ada yang ikut', total_slots: 1 });
  const scheduled = await shop.plain({ opens_at: fromNow(hourMs), deadline: fromNow(2 * day) });
  const upfront = await shop.plain({ payment_timing: 'upfront', minimum_slots: 2 });
  const bounded = await shop.plain({ max_slots_per_user: 1 });
  await join(buyer.api, bounded);
  const full = await shop.plain({ title: 'Sudah penuh semua', total_slots: 1 });
  await join(await service.user(), full);
  const wish = { quantity: 1, shipping_address: 'Gang Penantian 9, Solo' };
  expectStatus(await waiter.api.post(`/campaigns/${full}/waiting`, wish), 201);
  const offered = await shop.plain({ title: 'Slot ditawarkan', total_slots: 1 });
  const leaver = await service.user();
  const left = await join(leaver, offered);
  expectStatus(await waiter.api.post(`/campaigns/${offered}/waiting`, wish), 201);
  expectStatus(await leaver.post(`/participations/${left.id}/cancel`), 200);
  const completed = await shop.plain({ title: 'Sudah berhasil', total_slots: 2 });
  await join(await service.user(), completed, { quantity: 2 });
  const failed = await shop.plain({ title: 'Tidak terpenuhi', deadline: fromNow(hourMs) });
  await join(await service.user(), failed);
  await letTimePass(service.db, failed, pastDeadline);
  await settle(service, completed);
  await settle(service, failed);
  const cancelled = await shop.plain({ title: 'Yang dibatalkan' });
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await shop.owner.api.post(`/campaigns/${cancelled}/cancel`, reason), 200);
  const at = (id: string) => `/sambatan/${id}`;
  return {
    'GET /': {
      home: { path: '/?sort=newest' },
      'home-member': { path: '/', who: buyer },
      'home-soon': { path: '/?status=soon' },
      'home-over': { path: '/?status=done' },
      'home-nothing': { path: '/?q=zzzzz' },
      missing: { path: '/tidak-ada', status: 404 },
    },
    'GET /sambatan/:id': {
      active: { path: at(active) },
      'active-joining': { path: at(active), who: newcomer },
      'active-joined': { path: at(active), who: buyer },
      'active-mistake': {
        path: at(active),
        who: newcomer,
        act: async (page) => {
          await withoutHelp(page);
          await page.locator('#shipping_address').fill('pendek');
          await answered(page, page.locator('form.join button.button').last());
        },
      },
      untouched: { path: at(untouched) },
      scheduled: { path: at(scheduled) },
      upfront: { path: at(upfront), who: newcomer },
      'bound-reached': { path: at(bounded), who: buyer },
      full: { path: at(full), who: newcomer },
      'full-waiting': { path: at(full), who: waiter },
      'slot-offered': { path: at(offered), who: waiter },
      completed: { path: at(completed) },
      failed: { path: at(failed) },
      cancelled: { path: at(cancelled) },
      'campaign-missing': { path: at(newId()), status: 404 },
    },
    'GET /sambatan/:id/poster': {
      poster: { path: `${at(active)}/poster` },
      'poster-bare': { path: `${at(upfront)}/poster` },
    },
    'GET /berhenti/:token': {
      unsubscribe: {
        path: `/berhenti/${service.app.unsubscribeTokens.tokenFor({ userId: buyer.userId, topic: 'reminders' })}`,
      },
      'unsubscribe-ended': { path: '/berhenti/x', status: 404 },
    },
  };
}

async function buyerViews(
  { service, person, operator }: StateBuilderDeps,
  shop: StateShop,
  buyer: Person,
): Promise<PageStates> {
  const nobody = await person('belum');
  const { api } = buyer;
  const joined = async (campaignId: string, wish: object = {}) =>
    (await join(api, campaignId, wish)).id;
  const paying = (wish: object = {}) =>
    shop.plain({ payment_timing: 'upfront', total_slots: 4, ...wish });
  const prove = async (id: string) => {
    const headers = { 'content-type': 'image/jpeg' };
    const path = `/participations/${id}/proof`;
    expectStatus(await api.send({ method: 'POST', path, body: await photo(), headers }), 200);
  };
  const verify = async (id: string) => {
    expectStatus(await api.get(`/participations/${id}/payment`), 200);
    expectStatus(await operator.api.post(`/participations/${id}/payment/verify`, {}), 200);
  };
  const reserved = await joined(
    await shop.campaign({ title: hostile.slice(0, 118), payment_timing: 'on_completion' }),
    { note: hostile.slice(0, 150), quantity: 9_999 },
  );
  const unpaid = await joined(await paying());
  const proven = await joined(await paying());
  await prove(proven);
  const rejected = await joined(await paying());
  await prove(rejected);
  const because = { reason: 'Fotonya buram, angka transfernya tidak terbaca sama sekali' };
  expectStatus(await operator.api.post(`/participations/${rejected}/payment/reject`, because), 200);
  const paid = await joined(await paying());
  await verify(paid);
  const succeed = async (quantity: number) => {
    const campaign = await paying({ total_slots: quantity });
    const id = await joined(campaign, { quantity });
    await verify(id);
    await settle(service, campaign);
    return { campaign, id };
  };
  const confirmed = await succeed(2);
  const received = await succeed(1);
  expectStatus(await api.post(`/participations/${received.id}/fulfil`), 200);
  const disputed = await succeed(3);
  const wrong = { reason: 'Botolnya pecah dan isinya tumpah semua di dalam kardus' };
  expectStatus(await api.post(`/participations/${disputed.id}/dispute`, wrong), 201);
  const dispute = async (id: string, why: string) =>
    expectStatus(await api.post(`/participations/${id}/dispute`, { reason: why }), 201).id;
  const dismiss = async (id: string) => {
    const end = { resolution: 'dismissed', explanation: 'Pada fotonya botolnya masih utuh' };
    expectStatus(await operator.api.post(`/disputes/${id}/resolve`, end), 200);
  };
  const [dismissed, anew, final] = [await succeed(1), await succeed(1), await succeed(1)];
  for (const { id } of [dismissed, anew, final]) {
    await dismiss(await dispute(id, 'Isinya tinggal setengah'));
  }
  await dispute(anew.id, 'Ini videonya waktu paketnya kubuka');
  await dismiss(await dispute(final.id, 'Ini videonya waktu paketnya kubuka'));
  const gone = await joined(await shop.plain());
  expectStatus(await api.post(`/participations/${gone}/cancel`), 200);
  const calledOff = await paying();
  const refunded = await joined(calledOff);
  await verify(refunded);
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await operator.api.post(`/campaigns/${calledOff}/cancel`, reason), 200);
  const at = (id: string) => `/ikutan/${id}`;
  return {
    'GET /ikutan': {
      mine: { path: '/ikutan', who: buyer },
      'mine-over': { path: '/ikutan?status=done', who: buyer },
      'mine-nothing': { path: '/ikutan', who: nobody },
    },
    'GET /ikutan/:id': {
      'joined-now': { path: `${at(reserved)}?baru`, who: buyer },
      unpaid: { path: at(unpaid), who: buyer },
      proven: { path: at(proven), who: buyer },
      'proof-rejected': { path: at(rejected), who: buyer },
      'proof-missing': {
        path: at(unpaid),
        who: buyer,
        act: async (page) => {
          await withoutHelp(page);
          await answered(page, page.locator('form[action$="/bukti"] button'));
        },
      },
      paid: { path: at(paid), who: buyer },
      confirmed: { path: at(confirmed.id), who: buyer },
      received: { path: at(received.id), who: buyer },
      disputed: { path: at(disputed.id), who: buyer },
      'dispute-dismissed': {
        path: at(dismissed.id),
        who: buyer,
        act: async (page) => await page.locator('main details.trouble summary').click(),
      },
      'dispute-final': { path: at(final.id), who: buyer },
      left: { path: at(gone), who: buyer },
      refunded: { path: at(refunded), who: buyer },
    },
    'GET /ikutan/:id/batal': { leave: { path: `${at(reserved)}/batal`, who: buyer } },
  };
}

const longAddress = {
  label: 'Rumah Ibu di kampung dekat pasar lama ya',
  recipient: 'Raden Ayu Siti Nurhaliza Kusumaningtyas binti Wirosableng',
  street: 'Jalan Panglima Besar Jenderal Sudirman Kavling 52-53 RT 001/012',
  district: 'Kecamatan Hinai Kiri',
};

async function accountViews(
  { service, person }: StateBuilderDeps,
  buyer: Person,
): Promise<PageStates> {
  const personWith = async (addresses: number) => {
    const one = await person(`punya.${addresses}.alamat`);
    for (let n = 0; n < addresses; n++) {
      const address = { ...homeAddress, ...(n === 1 ? longAddress : { label: `Rumah ${n + 1}` }) };
      expectStatus(await one.api.post('/me/addresses', address), 201);
    }
    return one;
  };
  const nobody = await personWith(0);
  const one = await personWith(1);
  const ten = await personWith(10);
  const saved = expectStatus(await ten.api.get('/me/addresses'), 200).items[1]!;
  const guarded = await person('punya.dua.faktor');
  await setUpSecondFactor(service, guarded);
  const proving = {
    mailed: await person('lama.tidak.masuk'),
    guarded: await person('lama.tidak.masuk.dua.faktor'),
  };
  await setUpSecondFactor(service, proving.guarded);
  const whose = Object.values(proving).map(({ userId }) => userId);
  const age = "update sambatan_auth.sessions set reauthenticated_at = now() - interval '1 h'";
  await queryRows(service.db, `${age} where user_id = any ($1)`, whose);
  const leave = async (page: Page) => {
    const word = page.url().includes('/en/') ? 'delete' : 'hapus';
    await page.fill('main [name=word]', word);
    await answered(page, page.locator('main form[action$="/akun/hapus"] button'));
  };
  const beginning = await person('sedang.memasang.faktor');
  await beginning.post('/akun/keamanan/mulai');
  const halfIn = await openMfaChallenge(service, 'punya.dua.faktor@contoh.id');
  await requestCode(new SiteClient(service), 'lewat.tautan@contoh.id');
  const { link } = await lastMail(service, 'lewat.tautan@contoh.id');
  const account = {
    bank: 'Bank Pembangunan Daerah Istimewa',
    number: '0099887766',
    holder: long.slice(0, 60),
  };
  expectStatus(await ten.api.send({ method: 'PUT', path: '/refund-account', body: account }), 200);
  // The buyer's notifications about all changes of their slots.
  await service.app.notifications.plan();
  const press = (name: RegExp) => async (page: Page) => {
    await withoutHelp(page);
    await answered(page, page.locator('main').getByRole('button', { name }));
  };
  return {
    'GET /masuk': {
      'sign-in': { path: '/masuk' },
      'sign-in-mistake': {
        path: '/masuk',
        act: press(/^(Kirim kode|Send code)$/),
      },
    },
    'GET /masuk/kode': {
      code: { path: '/masuk/kode?id=x' },
      'code-wrong': { path: '/masuk/kode?id=x', act: press(/^(Masuk|Sign in)$/) },
    },
    'GET /masuk/tautan': {
      link: { path: link },
      'link-ended': { path: '/masuk/tautan?t=x', status: 410 },
    },
    'GET /masuk/aplikasi': {
      'app-code': { path: '/masuk/aplikasi', who: halfIn },
      'app-code-lost': {
        path: '/masuk/aplikasi',
        who: halfIn,
        act: async (page) => await page.locator('main summary').click(),
      },
    },
    'GET /akun/keamanan': {
      'security-off': { path: '/akun/keamanan', who: one },
      'security-on': {
        path: '/akun/keamanan',
        who: guarded,
        act: async (page) => await page.locator('main summary').click(),
      },
      'recovery-codes': {
        path: '/akun/keamanan',
        who: guarded,
        act: press(/^(Buat kode cadangan baru|Create new backup codes)$/),
      },
    },
    'GET /akun/keamanan/aplikasi': {
      app: { path: '/akun/keamanan/aplikasi', who: beginning },
      'app-mistake': {
        path: '/akun/keamanan/aplikasi',
        who: beginning,
        act: async (page) => {
          await page.fill('main [name=code]', '12345');
          await answered(page, page.locator('main form button.button:not(.quiet)'));
        },
      },
    },
    'GET /masuk/nama': { name: { path: '/masuk/nama', who: nobody } },
    'GET /outbox/:secret': {
      outbox: { path: service.app.outboxPath },
      'outbox-wrong': { path: '/outbox/x', status: 404 },
    },
    'GET /akun': {
      account: { path: '/akun', who: ten },
      'account-saved': { path: '/akun?simpan=1', who: ten },
      'account-mistake': {
        path: '/akun',
        who: ten,
        act: press(/^(Hapus akunku|Delete my account)$/),
      },
      // The target of sensitive actions: here, account deletion.
      prove: { path: '/akun', who: proving.mailed, act: leave },
      'prove-app': { path: '/akun', who: proving.guarded, act: leave },
    },
    'GET /akun/alamat': {
      'addresses-none': { path: '/akun/alamat', who: nobody },
      'addresses-one': { path: '/akun/alamat', who: one },
      'addresses-ten': { path: '/akun/alamat', who: ten },
    },
    'GET /akun/alamat/baru': {
      'address-new': { path: '/akun/alamat/baru', who: nobody },
      'address-mistake': {
        path: '/akun/alamat/baru',
        who: nobody,
        act: press(/^(Simpan alamat|Save address)$/),
      },
    },
    'GET /akun/alamat/:id': { address: { path: `/akun/alamat/${saved.id}`, who: ten } },
    'GET /akun/rekening': {
      'refund-account-none': { path: '/akun/rekening', who: nobody },
      'refund-account': { path: '/akun/rekening', who: ten },
    },
    'GET /akun/pesan': {
      'inbox-none': { path: '/akun/pesan', who: nobody },
      inbox: { path: '/akun/pesan', who: buyer },
    },
    'GET /akun/pemberitahuan': { 'message-settings': { path: '/akun/pemberitahuan', who: ten } },
  };
}

async function sellerViews(making: StateBuilderDeps, shop: StateShop): Promise<PageStates> {
  const { service, person } = making;
  const { owner, brandId, bare, pictured, campaign } = shop;
  const newcomer = await person('penjual.baru');
  const empty = expectStatus(await owner.api.post('/brands', { name: 'Baru' }), 201).id;
  const email = 'nama.yang.sangat.panjang.sekali.untuk.sebuah.alamat@contoh.id';
  const invited = { email, role: 'contributor' };
  expectStatus(await owner.api.post(`/brands/${brandId}/invitations`, invited), 201);
  const token = 'b'.repeat(43);
  await queryRows(
    service.db,
    `insert into sambatan.brand_invitations
      (invitation_id, brand_id, email, role, token_hash, invited_by, expires_at)
    values ($1, $2, 'tamu@contoh.id', 'admin', sha256($3), 'service', now() + interval '1 day')`,
    newId(),
    brandId,
    Buffer.from(token),
  );
  const disabled = expectStatus(
    await owner.api.post('/products', {
      brand_id: brandId,
      name: 'Belum dijual bareng',
      base_price: 1_000,
    }),
    201,
  ).id;
  const [draft, none] = [await campaign({ publish: false }), await campaign()];
  const one = await campaign({ title: 'Senja', total_slots: 3, price_per_slot: 95_000 });
  const joined = await join(await service.user(), one, { note: 'Untuk kado, tolong dibungkus' });
  expectStatus(await service.service.post(`/participations/${joined.id}/confirm`), 200);
  const many = await campaignOfThousands(service, await campaign());
  const over = await campaign({ title: 'Selesai', total_slots: 70, price_per_slot: 195_000 });
  for (const quantity of [...Array.from({ length: 60 }, () => 1), 10]) {
    const { id } = await join(await service.user(), over, { quantity });
    expectStatus(await service.service.post(`/participations/${id}/confirm`), 200);
  }
  await settle(service, over);
  const calledOff = await campaign({ title: 'Yang dibatalkan' });
  const reason = { reason: 'bahan habis' };
  expectStatus(await owner.api.post(`/campaigns/${calledOff}/cancel`, reason), 200);
  const url = `https://${'gudang-utama-'.repeat(4)}nusantara.contoh.id/${'hook/'.repeat(40)}`;
  const webhook = await insertEndpoint(service.db, brandId, url);
  for (const about of [over, one, calledOff]) {
    await insertDelivery(service.db, about, webhook.id);
  }
  const unheard = await insertEndpoint(service.db, brandId);
  const off = { enabled: false, events: ['participant_joined', 'payment_settled'] };
  expectStatus(await owner.api.patch(`/webhooks/${unheard.id}`, off), 200);
  const account = {
    bank: 'Bank Pembangunan Daerah Istimewa',
    number: '0099887766',
    holder: long.slice(0, 60),
  };
  const payout = { method: 'PUT', path: `/brands/${brandId}/payout-account`, body: account };
  expectStatus(await owner.api.send(payout), 200);
  const here = `/toko/${brandId}`;
  const of = (id: string, part = '') => ({ path: `/toko/sambatan/${id}${part}`, who: owner });
  const at = (path: string) => ({ path, who: owner });
  const preview = (page: Page) =>
    answered(page, page.getByRole('button', { name: /^(Lihat pratinjau|Preview)$/ }));
  return {
    'GET /toko': { brands: at('/toko'), 'brands-none': { path: '/toko', who: newcomer } },
    'GET /toko/baru': { 'new-brand': at('/toko/baru') },
    'GET /toko/undangan/:token': {
      invitation: { path: `/toko/undangan/${token}`, who: newcomer },
      'invitation-ended': { path: `/toko/undangan/${'c'.repeat(43)}`, who: newcomer, status: 404 },
    },
    'GET /toko/:id': {
      dashboard: at(here),
      drafts: at(`${here}?tampil=draf`),
      over: at(`${here}?tampil=selesai`),
      'dashboard-empty': at(`/toko/${empty}`),
      'brand-missing': { ...at(`/toko/${newId()}`), status: 404 },
      'brand-forbidden': { path: here, who: newcomer, status: 403 },
    },
    'GET /toko/:id/produk': {
      products: at(`${here}/produk`),
      'products-empty': at(`/toko/${empty}/produk`),
    },
    'GET /toko/:id/produk/baru': { 'new-product': at(`${here}/produk/baru`) },
    'GET /toko/produk/:id': {
      product: at(`/toko/produk/${pictured}`),
      'product-bare': at(`/toko/produk/${bare}`),
      'product-disabled': at(`/toko/produk/${disabled}`),
    },
    'GET /toko/:id/anggota': { members: at(`${here}/anggota`) },
    'GET /toko/:id/rekening': {
      'payout-account': at(`${here}/rekening`),
      'payout-account-none': at(`/toko/${empty}/rekening`),
      'payout-account-staff': { path: `${here}/rekening`, who: making.operator },
    },
    'GET /toko/:id/webhook': {
      webhooks: at(`${here}/webhook`),
      'webhooks-none': at(`/toko/${empty}/webhook`),
      'webhook-made': {
        ...at(`/toko/${empty}/webhook`),
        act: async (page) => {
          await page.locator('#url').fill(url);
          await answered(page, page.locator('main form[action$="/webhook"] button'));
        },
      },
    },
    'GET /toko/webhook/:id': {
      webhook: at(`/toko/webhook/${webhook.id}`),
      'webhook-off': {
        ...at(`/toko/webhook/${unheard.id}`),
        act: async (page) => {
          await page.evaluate(
            'for (const one of document.querySelectorAll("details")) one.open = true',
          );
        },
      },
    },
    'GET /toko/:id/sambatan/baru': {
      'new-campaign': at(`${here}/sambatan/baru`),
      'new-campaign-empty': at(`/toko/${empty}/sambatan/baru`),
      'new-campaign-mistake': {
        ...at(`${here}/sambatan/baru`),
        act: async (page) => {
          await withoutHelp(page);
          await page.locator('#title').fill('x');
          await page.locator('#deadline').fill('2020-01-01T10:00');
          await preview(page);
        },
      },
      'new-campaign-preview': {
        ...at(`${here}/sambatan/baru`),
        act: async (page) => {
          await page.locator('#title').fill(long);
          await page
            .locator('#deadline')
            .fill(formatFieldMoment(new Date(Date.now() + 9 * hourMs)));
          await preview(page);
        },
      },
    },
    'GET /toko/sambatan/:id': {
      draft: of(draft),
      none: of(none),
      one: of(one),
      many: of(many),
      succeeded: of(over),
      'called-off': of(calledOff),
    },
    'GET /toko/sambatan/:id/ubah': { edit: of(draft, '/ubah'), 'edit-open': of(one, '/ubah') },
    'GET /toko/sambatan/:id/perpanjang': { extend: of(many, '/perpanjang') },
    'GET /toko/sambatan/:id/batal': {
      cancel: of(many, '/batal'),
      'cancel-free': of(none, '/batal'),
    },
    'GET /toko/sambatan/:id/peserta': {
      participants: of(many, '/peserta'),
      'participants-none': of(none, '/peserta'),
    },
    'GET /toko/sambatan/:id/kemas': {
      packing: of(one, '/kemas'),
      'packing-none': of(none, '/kemas'),
    },
    'GET /toko/sambatan/:id/kurang': {
      'fewer-asked': of(over, '/kurang'),
      fewer: of(over, '/kurang?slots=7'),
      'fewer-too-early': { ...of(one, '/kurang'), status: 409 },
    },
    'GET /toko/sambatan/:id/uang': { money: of(over, '/uang'), 'money-none': of(none, '/uang') },
  };
}

/** Ten thousand paid participants, and two weeks of joins in the log. */
async function campaignOfThousands({ db }: HttpService, id: string): Promise<string> {
  await queryRows(
    db,
    `insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note)
    select $1, gen_random_uuid(), gen_random_uuid(), 1, 'confirmed', now(), now(), now(),
      'Jalan Kenanga Raya Nomor ' || n || ', RT 04 RW 09, Kelurahan Sukamaju, Kecamatan Cibeunying, '
        || 'Kota Bandung, Jawa Barat 40123', 'Titip di satpam'
    from generate_series(1, 10000) n`,
    id,
  );
  await queryRows(
    db,
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at)
    select campaign_id, 'payment', 'settled', participation_id, 999999999,
      'payment:' || participation_id, 'service', now(), now()
    from sambatan.participants where campaign_id = $1`,
    id,
  );
  await queryRows(
    db,
    `update sambatan.campaigns set filled_slots = 10000, participant_count = 10000,
      confirmed_slots = 10000, opened_at = now() - interval '5 days' where campaign_id = $1`,
    id,
  );
  await queryRows(
    db,
    `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event, actor,
      metadata, hash)
    select $1, 10 + n, now() - interval '5 days' + n * interval '140 minutes', gen_random_uuid(),
      'participant_joined', 'service', jsonb_build_object('slots_taken', least(10000, n * n * 4)), ''
    from generate_series(1, 50) n`,
    id,
  );
  return id;
}

async function operatorViews(making: StateBuilderDeps, shop: StateShop): Promise<PageStates> {
  const { service, operator, till } = making;
  const late = await shop.plain({ title: 'Yang terlambat', deadline: fromNow(hourMs) });
  await join(await service.user(), late);
  await letTimePass(service.db, late, pastDeadline);
  const today = new Date(Date.now() + 7 * hourMs).toISOString().slice(0, 10);
  const csv = [
    'date,description,amount',
    `${today},TRSF E-BANKING CR ${long},95001`,
    `${today},SETORAN TUNAI,999999999`,
  ].join('\n');
  const statement = {
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: Buffer.from(csv),
    headers: { 'content-type': 'text/csv' },
  };
  const applied = expectStatus(await operator.api.send(statement), 200);
  const uploaded = async (text: string) => {
    const path = `/receiving-accounts/${till}/statements?file_name=${encodeURIComponent(long)}.csv`;
    return expectStatus(
      await operator.api.send({ ...statement, path, body: Buffer.from(text) }),
      201,
    ).id;
  };
  const known = await uploaded(`${csv}\n${today},BARU,12345\n${today},BIAYA ADM,-6500`);
  const unknown = await uploaded(`Kapan;Isi;Nilai\n05/11/2026;TRSF ${long};1.500.123,00`);
  const { items: lines } = expectStatus(await operator.api.get('/statement-lines'), 200);
  const open = await shop.plain({ title: 'Dilihat petugas' });
  const { id } = await join(await service.user(), open);
  await refundedTwice(making, shop);
  const named = await making.person('petugas.kedua');
  expectStatus(await operator.api.post('/operators', { user_id: named.userId }), 201);
  const at = (path: string) => ({ path, who: operator });
  const here = '/operator';
  const cursorBehindAll = nextCursor([1, 2], 1, () => [Date.now() * 1000 + 1e12, newId()]);
  return {
    'GET /operator': { overview: at(here) },
    'GET /operator/sambatan': {
      'campaigns-found': at(`${here}/sambatan`),
      'campaigns-none': at(`${here}/sambatan?q=zzzzz`),
    },
    'GET /operator/sambatan/:id': {
      'campaign-overrides': at(`${here}/sambatan/${open}`),
      'campaign-late': at(`${here}/sambatan/${late}`),
    },
    'GET /operator/ikutan': {
      'participation-search': at(`${here}/ikutan`),
      'participation-found': at(`${here}/ikutan?q=${id}`),
    },
    'GET /operator/pembayaran': {
      proofs: at(`${here}/pembayaran`),
      'proofs-rejected': at(`${here}/pembayaran?status=rejected`),
    },
    'GET /operator/pembayaran/mutasi': {
      statements: at(`${here}/pembayaran/mutasi`),
    },
    'GET /operator/pembayaran/mutasi/berkas/:id': {
      'statement-preview': at(`${here}/pembayaran/mutasi/berkas/${known}`),
      'statement-columns': at(`${here}/pembayaran/mutasi/berkas/${unknown}`),
      'statement-imported': at(`${here}/pembayaran/mutasi/berkas/${String(applied['import_id'])}`),
    },
    'GET /operator/pembayaran/mutasi/:id': {
      'statement-line': {
        ...at(`${here}/pembayaran/mutasi/${lines[0]!.id}?q=a`),
        act: async (page) => {
          for (const summary of await page.locator('main summary').all()) await summary.click();
        },
      },
    },
    'GET /operator/pembayaran/rekening': { tills: at(`${here}/pembayaran/rekening`) },
    'GET /operator/uang': { refunds: at(`${here}/uang`) },
    'GET /operator/uang/pencairan': { payouts: at(`${here}/uang/pencairan`) },
    'GET /operator/uang/dobel': {
      'doubled-none': { ...at(`${here}/uang/dobel?cursor=${cursorBehindAll}`) },
      doubled: {
        ...at(`${here}/uang/dobel`),
        act: async (page) => {
          for (const summary of await page.locator('main summary').all()) await summary.click();
        },
      },
    },
    'GET /operator/uang/keluhan': { disputes: at(`${here}/uang/keluhan`) },
    'GET /operator/log': {
      log: at(`${here}/log`),
      'log-of-campaign': at(`${here}/log?campaign=${open}`),
    },
    'GET /operator/orang': { operators: at(`${here}/orang`) },
  };
}

/** A refund that an operator and the payment provider both sent: an overpaid refund is open. */
async function refundedTwice(
  { service, operator }: StateBuilderDeps,
  shop: StateShop,
): Promise<void> {
  const { db } = service;
  const campaign = await shop.plain({ title: 'Uangnya kembali dua kali' });
  const { id } = await join(await service.user(), campaign);
  const paid = `select sambatan.receive_money($1, $2, 95000, 'service', null, 'mutasi 1')`;
  await queryRows(db, paid, campaign, id);
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await operator.api.post(`/campaigns/${campaign}/cancel`, reason), 200);
  const [refund] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'refund'`,
    campaign,
  );
  const sent = { ids: [refund!.id], reference: 'TRF 881' };
  expectStatus(await operator.api.post('/refunds/settle', sent), 200);
  const byProvider = `select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')`;
  await queryRows(db, byProvider, refund!.id, `SBT-R-${refund!.id}`);
}

async function settle({ db }: HttpService, campaignId: string): Promise<void> {
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', campaignId);
}

/** Submit without the browser's own validation, to see the page with the error. */
async function withoutHelp(page: Page): Promise<void> {
  await page.evaluate('for (const form of document.forms) form.noValidate = true');
}

async function answered(page: Page, button: { click(): Promise<void> }): Promise<void> {
  const answer = page.waitForResponse((one) => one.request().method() === 'POST');
  await Promise.all([answer, button.click()]);
  await page.waitForLoadState();
  await page.locator('main:not([aria-busy])').waitFor();
}
