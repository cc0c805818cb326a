import { updateCampaign } from '../database/campaign-update.ts';
import type { Page } from 'playwright-core';
import { newId } from '../../../src/identity/ids.ts';
import { formatFieldMoment } from '../../../src/i18n/format.ts';
import { insertDelivery, insertEndpoint } from '../builders/deliveries.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows } from '../builders/market.ts';
import { expectStatus, hourMs, join } from '../builders/shop.ts';
import {
  type PageStates,
  long,
  type StateBuilderDeps,
  type StateShop,
  settle,
  withoutHelp,
  answered,
} from './page-state.ts';

export async function sellerViews(making: StateBuilderDeps, shop: StateShop): Promise<PageStates> {
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

/** Adds ten thousand paid participants to a campaign, and two weeks of joins to its audit log. */
async function campaignOfThousands({ db }: HttpService, id: string): Promise<string> {
  await queryRows(
    db,
    `insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note, joined_seq)
    select $1, gen_random_uuid(), gen_random_uuid(), 1, 'confirmed', now(), now(), now(),
      'Jalan Kenanga Raya Nomor ' || n || ', RT 04 RW 09, Kelurahan Sukamaju, Kecamatan Cibeunying, '
        || 'Kota Bandung, Jawa Barat 40123', 'Titip di satpam', 10 + n
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
    updateCampaign(
      `filled_slots = 10000, participant_count = 10000, confirmed_slots = 10000,
      opened_at = now() - interval '5 days'`,
    ),
    id,
  );
  await queryRows(
    db,
    `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
      actor_kind, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
    select $1, 10 + n, now() - interval '5 days' + n * interval '140 minutes', gen_random_uuid(),
      'participant_joined', 'service', 1, least(10000, n * n * 4), 10000, 150000, '', ''
    from generate_series(1, 50) n`,
    id,
  );
  // Discards the plans that connections cached while the tables were almost empty. Autovacuum does
  // this within a minute, after most pages have been requested.
  await queryRows(db, 'analyze sambatan.participants, sambatan.transactions');
  return id;
}
