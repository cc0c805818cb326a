import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { languages } from '../src/errors.ts';
import { newId } from '../src/identity/ids.ts';
import { fieldMoment } from '../src/web/format.ts';
import { themes } from '../src/web/visit.ts';
import { sizes, testBrowser, tours, type Looking } from './rig/browser.ts';
import type { Client } from './rig/client.ts';
import { httpService } from './rig/http-service.ts';
import { ask } from './rig/market.ts';
import { photo, pictureForm } from './rig/pictures.ts';
import { expectStatus, fromNow, hourMs, join, openShop } from './rig/shop.ts';

// Ten thousand participants are written straight into the tables.
const service = await httpService({ invariants: false });
const browser = await testBrowser();
const files = mkdtempSync(pathOf(tmpdir(), 'sambatan-photos-'));
after(async () => {
  try {
    await browser.close();
  } finally {
    rmSync(files, { recursive: true, force: true });
    await service.close();
  }
});

const picture = pathOf(files, 'botol.jpg');
const wrongPicture = pathOf(files, 'botol.svg.jpg');
before(async () => {
  writeFileSync(picture, await photo());
  writeFileSync(wrongPicture, '<svg xmlns="http://www.w3.org/2000/svg"/>');
});

const look = (wish: Omit<Looking, 'url'>) => browser.open({ url: service.url, ...wish });

for (const script of [true, false]) {
  suite(script ? 'with the script' : 'without the script', () => {
    test('a seller makes a brand, a product and a campaign, opens, extends and calls it off', async () => {
      const seller = await service.user();
      const looker = await look({ token: seller.token, script });
      const { page } = looker;
      const press = async (name: string | RegExp) => {
        await page.getByRole('button', { name }).first().click();
      };
      await looker.go('/toko');
      await looker.check();
      await page.getByRole('link', { name: 'Buat brand' }).click();
      await page.getByLabel('Nama brand').fill('Rumah Kenanga');
      await press('Buat brand');
      await page.getByText('Brand-mu sudah jadi.').waitFor();

      await page.getByRole('link', { name: 'Produk' }).click();
      await page.getByRole('link', { name: 'Tambah produk' }).first().click();
      await page.getByLabel('Nama produk').fill('Kenanga 30 ml');
      await page.getByLabel('Harga biasa (Rp)').fill('150.000');
      await page.getByLabel(/^Foto/).setInputFiles(wrongPicture);
      await press('Simpan');
      await page.getByText('Pilih foto JPEG, PNG, atau WebP.').waitFor();
      await looker.check();
      assert.equal(await page.getByLabel('Nama produk').inputValue(), 'Kenanga 30 ml');
      await page.getByLabel(/^Foto/).setInputFiles(picture);
      await press('Simpan');
      await page.getByText('Produk ditambahkan.').waitFor();
      await looker.check();
      assert.ok(await page.locator('img.picture').first().isVisible());

      await page.getByRole('link', { name: 'Sambatan', exact: true }).last().click();
      await page.getByRole('link', { name: 'Sambatan baru' }).first().click();
      await page.getByLabel('Judul').fill('Kenanga batch satu');
      await page.getByLabel('Total slot').fill('20');
      await press('Lihat pratinjau');
      await page.getByText('Begini pembeli melihatnya').waitFor();
      await looker.check();
      await press('Ubah lagi');
      assert.equal(await page.getByLabel('Judul').inputValue(), 'Kenanga batch satu');
      await press('Lihat pratinjau');
      await press('Simpan sebagai draf');
      await page.getByText('Draf tersimpan.').waitFor();
      await looker.check();
      await press('Buka sekarang');
      await page.getByText('Sambatan sudah dibuka.').waitFor();

      await page.getByRole('link', { name: 'Perpanjang' }).click();
      await page.getByLabel('Batas waktu baru').fill('2031-05-06T21:00');
      await page.getByLabel('Alasannya').fill('Botolnya datang terlambat');
      await press('Perpanjang');
      await page.getByText('Batas waktu diperpanjang').waitFor();
      assert.ok(await page.getByText('2031 pukul 21.00 WIB').isVisible());

      const path = new URL(page.url()).pathname;
      await join(await service.user(), path.split('/').at(-1)!, { quantity: 2 });
      await page.getByRole('link', { name: 'Peserta & alamat' }).click();
      await looker.check();
      const downloading = page.waitForEvent('download');
      await page.getByRole('link', { name: 'CSV' }).click();
      assert.equal((await downloading).suggestedFilename(), 'sambatan-kenanga-batch-satu.csv');
      await looker.go(path);
      await page.getByRole('link', { name: 'Batalkan' }).click();
      await page.getByText('peserta dilepas dan diberi tahu').waitFor();
      await page.getByLabel('Alasannya').fill('Bahan tidak lolos uji');
      await page.getByLabel('Ketik judulnya').fill('kenanga');
      await press('Batalkan Sambatan ini');
      await page.getByText('Belum sama dengan judulnya.').waitFor();
      await looker.check();
      await page.getByLabel('Ketik judulnya').fill('Kenanga batch satu');
      await press('Batalkan Sambatan ini');
      await page.getByText('Sambatan dibatalkan.').waitFor();
      await looker.check();
      await looker.close();
    });
  });
}

for (const script of [true, false]) {
  test(`a seller delivers fewer slots than were sold (script: ${script})`, async () => {
    const shop = await openShop(service);
    const { id } = await shop.campaign({ total_slots: 3, payment_timing: 'upfront' });
    const participations: string[] = [];
    for (let i = 0; i < 3; i++) {
      const joined = await join(await service.user(), id);
      expectStatus(await service.service.post(`/participations/${joined.id}/confirm`), 200);
      participations.push(joined.id);
    }
    await ask(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);
    const looker = await look({ token: shop.seller.token, script });
    const { page } = looker;
    const press = (name: string) => page.getByRole('button', { name }).click();
    await looker.go(`/toko/sambatan/${id}`);
    await page.getByRole('link', { name: 'Kirim lebih sedikit' }).click();
    await looker.check();
    await page.getByLabel('Slot yang bisa dikirim').fill('2');
    await press('Lihat akibatnya');
    await page.getByRole('row', { name: '0 dari 1' }).getByText('Rp125.000').waitFor();
    await looker.check();
    await page.getByLabel('Alasannya').fill('Satu pecah waktu dikemas');
    await page.getByLabel('Ketik judulnya').fill('Senja batch pertama');
    await press('Kirim 2 slot saja');
    await page.getByText('Tercatat. Pembelinya diberi tahu').waitFor();
    await looker.check();
    await looker.close();
    const last = await service.service.get(`/participations/${participations[2]}`);
    assert.equal(expectStatus(last, 200).status, 'refunded');
  });
}

const long =
  'Parfum Sambatan Edisi Ulang Tahun Kesepuluh Melati-Kenanga-Cempaka-Sedapmalam Nusantara Istimewa';

interface Market {
  readonly owner: Client;
  readonly paths: Readonly<Record<string, string>>;
}

/** A shop with everything that is hard to lay out: long words, large numbers, none, one, many. */
async function fullMarket(): Promise<Market> {
  const owner = await service.user();
  const name = long.slice(0, 80);
  const brand = expectStatus(await owner.post('/brands', { name }), 201);
  await ask(
    service.db,
    `insert into sambatan.profiles (user_id, display_name, email)
    values ($1, $2, 'ratri.kusumaningrum.wijayanti.prameswari@rumah-kenanga-nusantara.contoh.id')`,
    owner.userId,
    long.slice(0, 80),
  );
  for (const role of ['admin', 'contributor']) {
    await ask(
      service.db,
      `insert into sambatan.brand_members (brand_id, user_id, role)
      values ($1, $2, $3::sambatan.brand_role)`,
      brand.id,
      newId(),
      role,
    );
  }
  expectStatus(
    await owner.post(`/brands/${brand.id}/invitations`, {
      email: 'nama.yang.sangat.panjang.sekali.untuk.sebuah.alamat@contoh.id',
      role: 'contributor',
    }),
    201,
  );
  const product = async (wish: object) =>
    expectStatus(
      await owner.post('/products', {
        brand_id: brand.id,
        name: long,
        description: `${long}. `.repeat(8),
        base_price: 999_999_999,
        weight_grams: 120,
        sambatan_enabled: true,
        ...wish,
      }),
      201,
    ).id;
  const bare = await product({ name: 'Tanpa foto', sambatan_enabled: false });
  const pictured = await product({});
  const sending = await pictureForm(await photo());
  const put = { method: 'PUT', path: `/products/${pictured}/picture`, ...sending };
  expectStatus(await owner.send(put), 200);
  const campaign = async (wish: object = {}) =>
    expectStatus(
      await owner.post('/campaigns', {
        product_id: pictured,
        title: long,
        description: `${long}. `.repeat(6),
        total_slots: 12_000,
        price_per_slot: 999_999_999,
        deadline: fromNow(14 * 24 * hourMs),
        payment_timing: 'upfront',
        publish: true,
        ...wish,
      }),
      201,
    ).id;
  const [draft, none] = [await campaign({ publish: false }), await campaign()];
  const one = await campaign({ title: 'Senja', total_slots: 3, price_per_slot: 95_000 });
  const joined = await join(await service.user(), one, { note: 'Untuk kado, tolong dibungkus' });
  expectStatus(await service.service.post(`/participations/${joined.id}/confirm`), 200);
  const many = await campaign();
  await ask(
    service.db,
    `insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note)
    select $1, gen_random_uuid(), gen_random_uuid(), 1, 'confirmed', now(), now(), now(),
      'Jalan Kenanga Raya Nomor ' || n || ', RT 04 RW 09, Kelurahan Sukamaju, Kecamatan Cibeunying, '
        || 'Kota Bandung, Jawa Barat 40123', 'Titip di satpam'
    from generate_series(1, 10000) n`,
    many,
  );
  await ask(
    service.db,
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at)
    select campaign_id, 'payment', 'settled', participation_id, 999999999,
      'payment:' || participation_id, 'service', now(), now()
    from sambatan.participants where campaign_id = $1`,
    many,
  );
  await ask(
    service.db,
    `update sambatan.campaigns set filled_slots = 10000, participant_count = 10000,
      confirmed_slots = 10000, opened_at = now() - interval '5 days' where campaign_id = $1`,
    many,
  );
  await ask(
    service.db,
    `insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event, actor,
      metadata, hash)
    select $1, 10 + n, now() - interval '5 days' + n * interval '140 minutes', gen_random_uuid(),
      'participant_joined', 'service', jsonb_build_object('slots_taken', least(10000, n * n * 4)), ''
    from generate_series(1, 50) n`,
    many,
  );
  const done = await campaign({ title: 'Selesai', total_slots: 70, price_per_slot: 195_000 });
  for (let i = 0; i < 60; i++) {
    const { id } = await join(await service.user(), done);
    expectStatus(await service.service.post(`/participations/${id}/confirm`), 200);
  }
  const big = await join(await service.user(), done, { quantity: 10 });
  expectStatus(await service.service.post(`/participations/${big.id}/confirm`), 200);
  await ask(service.db, 'select sambatan.settle_campaign($1, true, 1000)', done);
  const calledOff = await campaign({ title: 'Yang dibatalkan' });
  expectStatus(await owner.post(`/campaigns/${calledOff}/cancel`, { reason: 'bahan habis' }), 200);
  const empty = expectStatus(await owner.post('/brands', { name: 'Baru' }), 201).id;
  const shop = `/toko/${brand.id}`;
  const of = (id: string, part = '') => `/toko/sambatan/${id}${part}`;
  return {
    owner,
    paths: {
      brands: '/toko',
      'new-brand': '/toko/baru',
      dashboard: shop,
      drafts: `${shop}?tampil=draf`,
      over: `${shop}?tampil=selesai`,
      'dashboard-empty': `/toko/${empty}`,
      products: `${shop}/produk`,
      'products-empty': `/toko/${empty}/produk`,
      'new-product': `${shop}/produk/baru`,
      product: `/toko/produk/${pictured}`,
      'product-bare': `/toko/produk/${bare}`,
      members: `${shop}/anggota`,
      'new-campaign': `${shop}/sambatan/baru`,
      'new-campaign-empty': `/toko/${empty}/sambatan/baru`,
      draft: of(draft),
      none: of(none),
      one: of(one),
      many: of(many),
      'called-off': of(calledOff),
      edit: of(draft, '/ubah'),
      'edit-open': of(one, '/ubah'),
      extend: of(many, '/perpanjang'),
      cancel: of(many, '/batal'),
      'cancel-free': of(none, '/batal'),
      participants: of(many, '/peserta'),
      done: of(done),
      'fewer-asked': of(done, '/kurang'),
      fewer: of(done, '/kurang?slots=7'),
      statement: of(done, '/uang'),
      'statement-open': of(one, '/uang'),
      'participants-none': of(none, '/peserta'),
      packing: of(many, '/kemas'),
      'packing-none': of(none, '/kemas'),
      'not-there': `/toko/${newId()}`,
    },
  };
}

suite('every page, in both languages and themes, at every size', () => {
  let market: Market;
  before(async () => {
    market = await fullMarket();
  });

  const all = tours.flatMap(([language, , looks]) =>
    looks.map(([size, theme]) => ({ size, look: `${language} ${theme}` })),
  );
  assert.equal(new Set(all.map(({ size }) => size)).size, Object.keys(sizes).length);
  assert.equal(new Set(all.map((one) => one.look)).size, languages.length * themes.length);

  for (const [language, device, looks] of tours) {
    test(`is accessible, fits and breaks no policy: ${language}, ${looks.join(', ')}`, async () => {
      const looker = await look({ token: market.owner.token, size: device, language });
      for (const [name, path] of Object.entries(market.paths)) {
        await looker.go(path);
        await looker.checkIn(looks);
        await looker.screenshot(`seller-${name}-${language}-${looks.at(-1)!.join('-')}`);
      }
      await looker.close();
    });
  }

  test('a form with mistakes and a preview are as good', async () => {
    const looker = await look({ token: market.owner.token });
    const { page } = looker;
    const preview = page.getByRole('button', { name: 'Lihat pratinjau' });
    const checkIn = async (name: string) => {
      await looker.checkIn(themes.map((theme) => ['phone', theme]));
      await looker.screenshot(`seller-${name}-phone-id`);
    };
    await looker.go(market.paths['new-campaign']!);
    await page.getByLabel('Batas waktu (WIB)').fill('2020-01-01T10:00');
    await preview.click();
    await page.getByText('Batas waktu harus di masa depan.').waitFor();
    await checkIn('mistake');
    await page.getByLabel('Batas waktu (WIB)').fill(fieldMoment(new Date(Date.now() + 9 * hourMs)));
    await preview.click();
    await page.getByText('Begini pembeli melihatnya').waitFor();
    await checkIn('preview');
    await looker.close();
  });
});
