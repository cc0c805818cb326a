import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startHttpService } from '../support/server/http-service.ts';
import { parsePage } from '../support/clients/page.ts';
import { photo, pictureForm } from '../support/builders/pictures.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

/* Buyers see what sellers write and upload. A new brand is told what is missing. */

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);

test('the product’s story, usual price and photograph are on its campaign pages', async () => {
  const { seller, productId } = shop;
  const told = { description: 'Teh melati dari Slawi, disuling pelan.', base_price: 150_000 };
  expectStatus(await seller.patch(`/products/${productId}`, told), 200);
  const sending = await pictureForm(await photo());
  expectStatus(
    await seller.send({ method: 'PUT', path: `/products/${productId}/picture`, ...sending }),
    200,
  );
  const campaign = await shop.campaign({ total_slots: 10, minimum_slots: 4 });
  const buyer = await service.user();
  const joined = await join(buyer, campaign.id);
  const forms = new SiteForms(service.url, buyer);
  const page = await forms.get(`/sambatan/${campaign.id}`);
  assert.match(page.text, /Teh melati dari Slawi/);
  assert.match(page.text, /Harga biasa[\s\S]*Rp150\.000[\s\S]*hemat Rp25\.000/);
  assert.match(page.text, /dibuat mulai dari 4 slot/);
  for (const path of [`/ikutan/${joined.id}`, '/ikutan']) {
    assert.match((await forms.get(path)).text, /<img\s+class="picture"\s+src="\/gambar\//, path);
  }
});

test('a new brand sees its missing steps, and a warning about a missing payout account before opening', async () => {
  const seller = await service.user();
  const brand = expectStatus(await seller.post('/brands', { name: 'Kebun Baru' }), 201);
  const forms = new SiteForms(service.url, seller);
  const path = `/toko/${brand.id}`;
  const fresh = parsePage((await forms.get(path)).text).main;
  assert.match(fresh, /Siapkan brand-mu 0 dari 3/);
  const product = { brand_id: brand.id, name: 'Pagi', base_price: 90_000, sambatan_enabled: true };
  expectStatus(await seller.post('/products', product), 201);
  assert.match(parsePage((await forms.get(path)).text).main, /Siapkan brand-mu 1 dari 3/);
  const form = parsePage((await forms.get(`${path}/sambatan/baru`)).text);
  assert.match(form.notices[0]!, /Rekening pencairan belum diisi\./);
});

test('an open campaign can be shared from its seller’s page', async () => {
  const campaign = await shop.campaign({});
  const forms = new SiteForms(service.url, shop.seller);
  const page = await forms.get(`/toko/sambatan/${campaign.id}?kabar=terbit`);
  assert.match(page.text, /https:\/\/wa\.me\/\?text=/);
  assert.match(page.text, /data-copy="http[^"]*\/sambatan\/[\w-]+"/);
  assert.match(page.text, /data-share="/);
});

test('a second order asks for confirmation, and the same form sent twice is one order', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const forms = new SiteForms(service.url, buyer);
  const path = `/sambatan/${campaign.id}`;
  const blank = async () =>
    parsePage((await forms.get(path)).text).forms.find(({ action }) => action === `${path}/ikut`)!
      .fields;
  const address = { shipping_address: 'Jalan Kenanga 7, Bandung 40115' };
  const [first, stale] = [await blank(), await blank()];
  const sent = await forms.post(`${path}/ikut`, { ...first, ...address });
  assert.equal(sent.status, 303);
  assert.equal(
    (await forms.post(`${path}/ikut`, { ...first, ...address })).location,
    sent.location,
  );
  const asked = await forms.post(`${path}/ikut`, { ...stale, ...address });
  assert.equal(asked.status, 409);
  assert.match(asked.text, /Mau tambah lagi\?/);
  const again = parsePage(asked.text).forms.find(({ action }) => action === `${path}/ikut`)!;
  assert.equal((await forms.post(`${path}/ikut`, { ...again.fields })).status, 303);
});

test('a dispute accepts pictures, which its buyer, the seller and staff see and nobody else', async () => {
  const campaign = await shop.campaign({ total_slots: 1 });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign.id);
  const staff = await service.operator();
  expectStatus(await staff.post('/scheduler/trigger'), 200);
  expectStatus(await staff.post(`/participations/${id}/payment/verify`, {}), 200);
  const forms = new SiteForms(service.url, buyer);
  const body = new FormData();
  body.set('reason', 'Botolnya pecah di bagian leher');
  for (const name of ['a.jpg', 'b.jpg']) {
    body.append(
      'pictures',
      new Blob([new Uint8Array(await photo())], { type: 'image/jpeg' }),
      name,
    );
  }
  const sent = await fetch(`${service.url}/ikutan/${id}/masalah`, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: { authorization: `Bearer ${buyer.token}` },
  });
  assert.equal(sent.status, 303, await sent.text());
  const page = await forms.get(`/ikutan/${id}`);
  const [, shown] = /src="(\/keluhan\/[\w-]+\/foto\?nomor=2)"/.exec(page.text)!;
  const operator = new SiteForms(service.url, await service.operator());
  for (const who of [forms, operator]) {
    const picture = await who.get(shown!);
    assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/webp']);
  }
  const stranger = new SiteForms(service.url, await service.user());
  assert.equal((await stranger.get(shown!)).status, 404);
  assert.ok((await operator.get('/operator/uang/keluhan')).text.includes(shown!));
});

test('a page offers the language that the browser prefers, in that language', async () => {
  const get = async (path: string, language: string) =>
    await (await fetch(service.url + path, { headers: { 'accept-language': language } })).text();
  assert.match(await get('/', 'en-GB,en;q=0.9'), /Read it in English/);
  assert.match(await get('/en', 'id-ID'), /Baca dalam bahasa Indonesia/);
  assert.doesNotMatch(await get('/', 'id-ID,en;q=0.5'), /Read it in English/);
});

test('without the script the prices of several slots are listed', async () => {
  const campaign = await shop.campaign({});
  const forms = new SiteForms(service.url, await service.user());
  const { text } = await forms.get(`/sambatan/${campaign.id}`);
  assert.match(text, /<noscript>[\s\S]*2 slot = Rp250\.000[\s\S]*<\/noscript>/);
});
