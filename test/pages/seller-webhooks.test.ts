import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { newId } from '../../src/identity/ids.ts';
import { insertDelivery, insertEndpoint } from '../support/builders/deliveries.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { startReceiver } from '../support/fakes/receiver.ts';
import { expectStatus, join, openShop, type Shop } from '../support/builders/shop.ts';
import { SiteForms, type SiteResponse } from '../support/clients/site.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService({
  messages: true,
  environment: { SAMBATAN_WEBHOOKS_TO_LOOPBACK: 'true' },
});
after(service.close);

let shop: Shop;
let seller: SiteForms;
before(async () => {
  shop = await openShop(service);
  seller = new SiteForms(service.url, shop.seller);
});

function found(got: SiteResponse, status = 200): string {
  assert.equal(got.status, status, got.text.slice(0, 2_000));
  return got.text;
}

function leadsTo(got: SiteResponse, pattern: RegExp): void {
  assert.equal(got.status, 303, got.text.slice(0, 2_000));
  assert.match(got.location, pattern);
}

const secretIn = (page: string) => /<code>(whsec_[^<]+)<\/code>/.exec(page)?.[1];
const listOf = async () =>
  expectStatus(await shop.seller.get(`/webhooks?brand_id=${shop.brandId}`), 200).items;

test('a webhook is created by a form, its secret is shown once, and it signs deliveries', async () => {
  const receiver = await startReceiver();
  after(receiver.close);
  const path = `/toko/${shop.brandId}/webhook`;
  const wish = { url: receiver.url, description: 'Gudang', participant_joined: 'on' };
  const secret = secretIn(found(await seller.post(path, wish), 201));
  assert.ok(secret);
  const list = found(await seller.get(path));
  assert.equal(secretIn(list), undefined);
  assert.match(list, /Gudang · 1 jenis peristiwa/);

  const campaign = await shop.campaign();
  await join(await service.user(), campaign.id);
  await waitUntil(() => receiver.received.length === 1);
  const [sent] = receiver.received;
  const { type } = new Webhook(secret).verify(sent!.body, sent!.headers) as { type: string };
  assert.equal(type, 'participant_joined');
  const { id } = (await listOf())[0]!;
  await waitUntil(async () => />Terkirim</.test(found(await seller.get(`/toko/webhook/${id}`))));

  const log = found(await seller.get(`/en/toko/webhook/${id}`));
  assert.match(log, /1 attempt · <code>HTTP 200<\/code>/);
  const again = /action="([^"]*\/kiriman\/[\da-f-]{36})"/.exec(log)![1]!;
  leadsTo(await seller.post(again), /kabar=kirim-ulang/);
  await waitUntil(() => receiver.received.length === 2);
  assert.equal(receiver.received[1]!.id, sent!.id);

  const rotated = secretIn(found(await seller.post(`/toko/webhook/${id}/rahasia`)));
  assert.ok(rotated && rotated !== secret);
  assert.match(found(await seller.get(`/toko/webhook/${id}`)), /Kunci rahasia lama masih berlaku/);
});

test('it is changed, disabled, enabled and removed', async () => {
  const { id } = await insertEndpoint(service.db, shop.brandId);
  const path = `/toko/webhook/${id}`;
  const campaign = await shop.campaign();
  const delivery = await insertDelivery(service.db, campaign.id, id);
  const see = async () => expectStatus(await shop.seller.get(`/webhooks/${id}`), 200);
  const form = { url: 'https://receiver.example/lain', campaign_full: 'on', refund_failed: 'on' };
  leadsTo(await seller.post(`${path}/ubah`, form), /webhook-diubah/);
  const changed = await see();
  assert.deepEqual(
    [changed['url'], changed['events']],
    [form.url, ['campaign_full', 'refund_failed']],
  );
  assert.match(found(await seller.get(path)), /name="campaign_full"\s+checked/);

  leadsTo(await seller.post(`${path}/mati`), /webhook-mati/);
  assert.equal((await see()).status, 'disabled');
  assert.match(found(await seller.get(path)), /Webhook ini nonaktif/);
  leadsTo(await seller.post(`${path}/nyala`), /webhook-hidup/);
  assert.equal((await see()).status, 'enabled');
  assert.ok(found(await seller.get(path)).includes(delivery));

  leadsTo(await seller.post(`${path}/hapus`), new RegExp(`${shop.brandId}/webhook.*dihapus`));
  found(await seller.get(path), 404);
});

test('errors appear next to their fields, and nothing is created', async () => {
  const had = (await listOf()).length;
  const path = `/toko/${shop.brandId}/webhook`;
  for (const url of ['', 'kucing', 'https://10.0.0.1/hook', 'http://receiver.example/hook']) {
    const page = found(await seller.post(path, { url, description: 'Gudang <b>' }), 422);
    assert.match(page, /id="url-error"/, url);
    assert.match(page, /Gudang &lt;b&gt;/);
  }
  found(await seller.post(path, { url: 'https://receiver.example/x', kucing: 'on' }), 422);
  assert.equal((await listOf()).length, had);
  const { id } = await insertEndpoint(service.db, shop.brandId);
  const wrong = await seller.post(`/toko/webhook/${id}/ubah`, { url: 'https://127.0.0.1@x.id/' });
  assert.match(found(wrong, 422), /id="url-error"/);
});

test('a brand has a maximum number of webhooks, and the page says so', async () => {
  const other = await openShop(service);
  const owner = new SiteForms(service.url, other.seller);
  for (let i = 0; i < 20; i++) await insertEndpoint(service.db, other.brandId);
  const path = `/toko/${other.brandId}/webhook`;
  assert.match(found(await owner.get(path)), /maksimal 20/);
  found(await owner.post(path, { url: 'https://receiver.example/hook' }), 409);
});

test('a webhook without a brand has no page', async () => {
  const { id } = await insertEndpoint(service.db, null);
  found(await new SiteForms(service.url, await service.operator()).get(`/toko/webhook/${id}`), 404);
});

test('the owner sets the payout account; operators see it, admins do not', async () => {
  const path = `/toko/${shop.brandId}/rekening`;
  assert.match(found(await seller.get(path)), /Rekening pencairan belum diisi/);
  const account = { bank: 'BCA', number: '527 009-9001', holder: 'Sri <i> Rahayu' };
  const wrong = found(await seller.post(path, { ...account, number: '12' }), 422);
  assert.match(wrong, /id="number-error"/);
  assert.match(wrong, /Sri &lt;i&gt; Rahayu/);
  leadsTo(await seller.post(path, account), /kabar=tersimpan/);
  const known = expectStatus(await shop.seller.get(`/brands/${shop.brandId}/payout-account`), 200);
  assert.deepEqual([known['bank'], known['number']], ['BCA', '5270099001']);
  assert.match(found(await seller.get(path)), /value="5270099001"/);

  const operator = new SiteForms(service.url, await service.operator());
  const seen = found(await operator.get(`/en${path}`));
  assert.match(seen, /<code>5270099001<\/code>/);
  assert.doesNotMatch(seen, /name="number"/);
  const admin = await service.user();
  await queryRows(
    service.db,
    "insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'admin')",
    shop.brandId,
    admin.userId,
  );
  const helper = new SiteForms(service.url, admin);
  found(await helper.get(path), 403);
  const shopPage = found(await helper.get(`/toko/${shop.brandId}`));
  assert.ok(!shopPage.includes(path), 'no way is shown that is closed');
  assert.ok(shopPage.includes(`/toko/${shop.brandId}/webhook`));
  found(await seller.get(`/toko/${newId()}/rekening`), 404);
});
