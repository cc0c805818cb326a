import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { newId } from '../../src/identity/ids.ts';
import { insertMessages } from '../../src/notifications/queries.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService({ environment: { SAMBATAN_JOIN_RATE_LIMIT: '100' } });
const shop = await openShop(service);
after(() => service.close());
const operator = await service.operator();
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT <b>Sambatan</b>' };
expectStatus(await operator.post('/receiving-accounts', bank), 201);

const hostile = `<script>alert(1)</script>"'>`;
const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;';
const photo = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#fff' } })
  .jpeg()
  .toBuffer();

const upfront = (wish: object = {}) =>
  shop.campaign({ payment_timing: 'upfront', hold_seconds: 3_600, ...wish });
const formsOf = (client: Client) => new SiteForms(service.url, client);
const settle = (id: string) =>
  queryRows(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);

type MessageLists = [string[], string[], string[], string[], object[], string[], boolean[]];

/**
 * A buyer who has not paid an upfront order yet, with a client that can open the page of the order.
 */
async function payer(wish: object = {}) {
  const client = await service.user();
  const campaign = await upfront(wish);
  const { id } = await join(client, campaign.id, { quantity: 2 });
  return { client, forms: formsOf(client), id, campaignId: campaign.id, path: `/ikutan/${id}` };
}

test('a payment is shown with its code, its receiving account and its due time', async () => {
  const { client, forms, id, path } = await payer();
  const page = await forms.get(path);
  const payment = expectStatus(await client.get(`/participations/${id}/payment`), 200);
  const { total, unique_code: code } = payment;
  assert.match(page.text, new RegExp(`data-copy="${String(total)}"`));
  assert.match(page.text, new RegExp(`Rp250\\.000 ditambah kode unik ${String(code)}`));
  assert.match(page.text, /data-copy="5270099001"/);
  assert.match(page.text, /PT &lt;b&gt;Sambatan&lt;\/b&gt;/);
  assert.match(page.text, /data-countdown/);
  assert.match((await forms.get(`/en${path}`)).text, /Transfer exactly/);
});

test('without a provider the pages do not mention online payment, and requests for it are refused', async () => {
  const { forms, path } = await payer();
  assert.doesNotMatch((await forms.get(path)).text, /Bayar online/);
  const asked = await forms.post(`${path}/bayar`);
  assert.equal(asked.status, 409);
});

test('a proof is sent by a form, refused next to its field, and stops the hold', async () => {
  const { forms, path } = await payer();
  const nothing = await forms.upload(`${path}/bukti`, {});
  assert.equal(nothing.status, 422);
  assert.match(nothing.text, /id="picture-error">Berkasnya belum ada atau kosong/);
  const text = await forms.upload(`${path}/bukti`, {}, { bytes: Buffer.from('bukan foto') });
  assert.equal(text.status, 422);
  assert.match(text.text, /id="picture-error">Bukti transfer harus berupa foto/);
  const sent = await forms.upload(`${path}/bukti`, {}, { bytes: photo });
  assert.deepEqual([sent.status, sent.location], [303, path]);
  const page = await forms.get(path);
  assert.match(page.text, /Bukti transfer terkirim/);
  assert.match(page.text, /Selama dicek, slotmu aman/);
  const proof = await forms.get(`${path}/bukti/berkas`);
  assert.equal(proof.headers.get('content-type'), 'image/webp');
  assert.equal(proof.headers.get('cache-control'), 'private, no-store');
});

test('a rejected proof shows the reason, and the buyer is notified of a verified payment', async () => {
  const { forms, id, path } = await payer();
  await forms.upload(`${path}/bukti`, {}, { bytes: photo });
  const because = { reason: hostile };
  expectStatus(await operator.post(`/participations/${id}/payment/reject`, because), 200);
  const rejected = await forms.get(path);
  assert.match(rejected.text, /Bukti transfermu belum bisa kami terima/);
  assert.ok(rejected.text.includes(`“${escaped}”`));
  assert.ok(!rejected.text.includes(hostile));
  await forms.upload(`${path}/bukti`, {}, { bytes: photo });
  expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
  const page = await forms.get(path);
  assert.match(page.text, /Lunas/);
  assert.match(page.text, /Tinggal menunggu Sambatan ini berhasil/);
  assert.ok(!page.text.includes('type="file"'));
});

test('a proof rejected before the notification of the join sets one due time, the later one', async () => {
  const { forms, id, path, campaignId } = await payer();
  await forms.upload(`${path}/bukti`, {}, { bytes: photo });
  const because = { reason: 'Buram' };
  expectStatus(await operator.post(`/participations/${id}/payment/reject`, because), 200);
  await service.app.notifications.plan();
  const [told] = await queryRows<{ clocks: number; in_time: boolean }>(
    service.db,
    `select count(*)::integer as clocks, bool_and(r.due_at < p.hold_expires_at) as in_time
    from sambatan.reminders r
    join sambatan.participants p on p.campaign_id = r.campaign_id and p.participation_id = r.subject_id
    where r.campaign_id = $1`,
    campaignId,
  );
  assert.deepEqual(told, { clocks: 1, in_time: true });
});

test('a pledge is paid after the campaign succeeds, not before', async () => {
  const client = await service.user();
  const campaign = await shop.campaign({ total_slots: 1 });
  const waiting = await shop.campaign({});
  const early = await join(client, waiting.id);
  assert.ok(!(await formsOf(client).get(`/ikutan/${early.id}`)).text.includes('Transfer persis'));
  const { id } = await join(client, campaign.id);
  await settle(campaign.id);
  const page = await formsOf(client).get(`/ikutan/${id}`);
  assert.match(page.text, /Sekarang tinggal bayar/);
  assert.match(page.text, /Transfer persis/);
});

test('the buyer confirms the receipt of the goods and can open a dispute', async () => {
  const { forms, id, path, campaignId } = await payer({ total_slots: 2 });
  const early = await forms.post(`${path}/terima`);
  assert.equal(early.status, 409);
  await forms.get(path);
  expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
  await settle(campaignId);
  assert.match((await forms.get(path)).text, /Barang sudah kuterima/);
  const short = await forms.post(`${path}/masalah`, { reason: 'x' });
  assert.equal(short.status, 422);
  assert.match(short.text, /id="reason-error"/);
  assert.equal((await forms.post(`${path}/terima`)).status, 303);
  assert.equal((await forms.post(`${path}/masalah`, { reason: hostile })).status, 303);
  const page = await forms.get(path);
  assert.match(page.text, /Laporanmu sedang kami periksa/);
  assert.ok(page.text.includes(escaped) && !page.text.includes(hostile));
  const again = await forms.post(`${path}/masalah`, { reason: 'Botolnya pecah' });
  assert.equal(again.status, 409);
});

test('a buyer with a refund sees its amount and is asked for a bank account', async () => {
  const { client, forms, id, path, campaignId } = await payer();
  await forms.get(path);
  expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
  const called = await shop.seller.post(`/campaigns/${campaignId}/cancel`, { reason: 'Batal' });
  expectStatus(called, 200);
  await settle(campaignId);
  const asked = await forms.get(path);
  assert.match(asked.text, /Sedang diproses/);
  assert.match(asked.text, /Tambah rekening pengembalian dana/);
  const refunds = expectStatus(await operator.get('/refunds?limit=100'), 200);
  const due = refunds.items.find((one) => one['participation_id'] === id)!;
  const made = { ids: [due.id], reference: 'TRX-7' };
  expectStatus(await operator.post('/refunds/settle', made), 200);
  const page = await formsOf(client).get(`/en${path}`);
  assert.match(page.text, /Sent<[\s\S]*TRX-7/);
});

test('a valid refund account is stored as entered', async () => {
  const forms = formsOf(await service.user());
  const path = '/akun/rekening';
  const given = { bank: 'BCA', number: '52-7009 9001', holder: hostile };
  const wrong = await forms.post(path, { ...given, number: 'lima' });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /id="number-error"/);
  assert.ok(wrong.text.includes(`value="${escaped}"`));
  const saved = await forms.post(path, given);
  assert.deepEqual([saved.status, saved.location], [303, `${path}?simpan`]);
  const page = await forms.get(saved.location);
  assert.match(page.text, /Tersimpan/);
  assert.match(page.text, /value="5270099001"/);
});

const address = 'Jalan Kenanga 7, Bandung 40115';
const keyIn = (text: string) => /name="key" value="([^"]+)"/.exec(text)?.[1] ?? '';
const offerIn = (text: string) => /action="(\/antrean\/[^"]+)\/ambil"/.exec(text)?.[1] ?? '';
const placeIn = (text: string) => /action="(\/antrean\/[^"]+)\/keluar"/.exec(text)?.[1] ?? '';

/** A full campaign with a single buyer, who may cancel. */
async function fullCampaign() {
  const campaign = await shop.campaign({ total_slots: 2, title: `Penuh ${hostile}` });
  const holder = await service.user();
  const { id } = await join(holder, campaign.id, { quantity: 2 });
  return {
    path: `/sambatan/${campaign.id}`,
    leave: () => holder.post(`/participations/${id}/cancel`),
  };
}

/** A buyer who joins the waiting list by the form. Returns the client of that buyer. */
async function waiter(path: string, quantity: number) {
  const forms = formsOf(await service.user());
  const key = keyIn((await forms.get(path)).text);
  const wish = { key, quantity: String(quantity), shipping_address: address, note: hostile };
  const sent = await forms.post(`${path}/antre`, wish);
  assert.deepEqual([sent.status, sent.location], [303, path]);
  return forms;
}

test('a buyer joins the waiting list by a form and sees their position and what is ahead', async () => {
  const { path } = await fullCampaign();
  await waiter(path, 2);
  const forms = formsOf(await service.user());
  const form = await forms.get(path);
  assert.match(form.text, /Masuk antrean/);
  const wrong = { key: keyIn(form.text), quantity: '9', shipping_address: 'x' };
  const refused = await forms.post(`${path}/antre`, wrong);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /id="shipping_address-error"/);
  const many = await forms.post(`${path}/antre`, { ...wrong, shipping_address: address });
  assert.equal(many.status, 422);
  const sent = { ...wrong, key: keyIn(many.text), quantity: '1', shipping_address: address };
  assert.equal((await forms.post(`${path}/antre`, sent)).status, 303);
  const page = await forms.get(path);
  assert.match(page.text, /Kamu di antrean ke-2/);
  assert.match(page.text, /Ada 2 slot yang antre sebelum kamu/);
  const mine = await forms.get('/en/ikutan');
  assert.match(mine.text, /You’re number 2 in line/);
  assert.ok(mine.text.includes(escaped) && !mine.text.includes(hostile));
  assert.equal((await forms.post(`${placeIn(page.text)}/keluar`)).location, path);
  assert.match((await forms.get(path)).text, /Masuk antrean/);
});

test('freed slots are offered with a countdown, and are accepted or declined', async () => {
  const { path, leave } = await fullCampaign();
  const first = await waiter(path, 2);
  const second = await waiter(path, 1);
  expectStatus(await leave(), 200);
  const page = await first.get(path);
  assert.match(page.text, /2 slot kami simpan untukmu!/);
  assert.match(page.text, /data-countdown/);
  assert.match((await second.get(path)).text, /Kamu di antrean ke-1/);
  assert.match((await formsOf(await service.user()).get(path)).text, /Masuk antrean/);
  assert.equal((await first.post(`${offerIn(page.text)}/lewatkan`)).location, path);
  const offered = await second.get(path);
  const form = offered.text.indexOf('/ikut"');
  assert.ok(form > 0 && offered.text.indexOf('1 slot disimpan') < form, 'the offer comes first');
  const next = await second.get('/ikutan');
  const answer = await second.post(`${offerIn(next.text)}/ambil`);
  assert.match(answer.location, /^\/ikutan\/[\w-]+\?baru$/);
  assert.match((await second.get(answer.location)).text, /Pesananmu berhasil!/);
  const gone = await first.post(`${offerIn(page.text)}/ambil`);
  assert.equal(gone.status, 409);
});

test('one form sets the notifications of each topic', async () => {
  const client = await service.user();
  const forms = formsOf(client);
  const path = '/akun/pemberitahuan';
  assert.match((await forms.get(path)).text, /name="email_waiting"\s+value="on"\s+checked/);
  const set = { in_app_waiting: 'on', email_orders: 'on' };
  assert.equal((await forms.post(path, set)).location, `${path}?simpan`);
  const { items } = expectStatus(await client.get('/notifications/settings'), 200);
  const of = (topic: string) => items.find((one) => one['topic'] === topic)!;
  assert.deepEqual([of('waiting')['email'], of('waiting')['in_app']], [false, true]);
  assert.deepEqual([of('orders')['email'], of('orders')['in_app']], [true, false]);
});

test('a reminder is set and removed on the page of the campaign', async () => {
  const forms = formsOf(await service.user());
  const campaign = await shop.campaign({ deadline: new Date(Date.now() + 9e7).toISOString() });
  const path = `/sambatan/${campaign.id}`;
  assert.match((await forms.get(path)).text, /Ingatkan aku/);
  assert.equal((await forms.post(`${path}/ingatkan`)).location, path);
  assert.match((await forms.get(path)).text, /Tidak usah diingatkan/);
  assert.equal((await forms.post(`${path}/lupakan`)).location, path);
  assert.match((await forms.get(path)).text, /Ingatkan aku/);
});

test('the inbox shows new notifications, which are marked as read one by one or all at once', async () => {
  const client = await service.user();
  const forms = formsOf(client);
  const campaign = await shop.campaign({ title: hostile });
  for (const key of ['a', 'b', 'c']) {
    const params = { campaign: hostile, brand: 'Melati', quantity: 1 };
    const made = [[newId()], [client.userId], [key], ['joined'], [params], ['orders'], [true]];
    await service.db.rows(insertMessages, campaign.id, ...(made as MessageLists), [true]);
  }
  const page = await forms.get('/akun/pesan');
  assert.match(page.text, /3 belum dibaca/);
  assert.match(page.text, /Kamu sudah memesan/);
  const english = await forms.get('/en/akun/pesan');
  assert.match(english.text, /You’ve joined/);
  assert.ok(!english.text.includes('Kamu sudah memesan'));
  assert.ok(page.text.includes(escaped) && !page.text.includes(hostile));
  const one = /action="(\/akun\/pesan\/[^"/]+\/baca)"/.exec(page.text)?.[1] ?? '';
  assert.equal((await forms.post(one)).location, '/akun/pesan');
  assert.match((await forms.get('/en/akun/pesan')).text, /2 unread/);
  const upTo = /name="up_to" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  await forms.post('/akun/pesan/baca', { up_to: upTo });
  assert.match((await forms.get('/akun/pesan')).text, /0 belum dibaca/);
});
