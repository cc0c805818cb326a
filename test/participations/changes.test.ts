import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus, join, joinBody, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan' };
expectStatus(await service.service.post('/receiving-accounts', bank), 201);

const change = (by: Client, id: string, body: object) =>
  by.send({ method: 'PATCH', path: `/participations/${id}`, body });
const progressOf = async (id: string) =>
  expectStatus(await service.visitor.get(`/campaigns/${id}/progress`), 200);
const logOf = async (id: string) =>
  expectStatus(await shop.seller.get(`/campaigns/${id}/logs?limit=100`), 200).items;
const refundsOf = (campaignId: string) =>
  queryRows<{ amount: number }>(
    service.db,
    `select amount::integer from sambatan.transactions where campaign_id = $1 and kind = 'refund'
    order by created_at`,
    campaignId,
  );
const address = 'Jalan Baru 99, Sleman, Yogyakarta';

async function ordered(quantity: number, wish: object = {}) {
  const campaign = await shop.campaign({ total_slots: 6, ...wish });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign.id, { quantity });
  return { campaignId: campaign.id, buyer, id };
}

test('a buyer corrects address and note until the goods are received; the seller sees the newest', async () => {
  const { campaignId, buyer, id } = await ordered(6);
  const note = 'titip di satpam blok C';
  const first = expectStatus(await change(buyer, id, { shipping_address: address, note }), 200);
  assert.deepEqual([first['shipping_address'], first['note']], [address, note]);
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  const later = expectStatus(await change(buyer, id, { note: null }), 200);
  assert.deepEqual(
    [later.status, later['note'], later['shipping_address']],
    ['confirmed', null, address],
  );
  const { items } = expectStatus(
    await shop.seller.get(`/campaigns/${campaignId}/participants`),
    200,
  );
  assert.equal(items[0]!['shipping_address'], address);
  const told = (await logOf(campaignId)).filter(({ event }) => event === 'participant_changed');
  assert.deepEqual(
    told.map(({ metadata }) => (metadata as { fields: string[] }).fields),
    [['note'], ['shipping_address', 'note']],
  );
  assert.ok(!JSON.stringify(told).includes('Sleman'), 'the log has no address');
  expectStatus(await service.service.post(`/participations/${id}/payment/verify`), 200);
  expectStatus(await buyer.post(`/participations/${id}/fulfil`), 200);
  const late = await change(buyer, id, { shipping_address: address });
  expectProblem(late, 409, 'participation_transition_not_allowed');
});

test('a correction that changes nothing writes nothing', async () => {
  const { campaignId, buyer, id } = await ordered(2);
  const before = await logOf(campaignId);
  const same = expectStatus(await buyer.get(`/participations/${id}`), 200);
  const { shipping_address, note, quantity } = same;
  assert.deepEqual(
    expectStatus(await change(buyer, id, { shipping_address, note, quantity }), 200),
    same,
  );
  assert.deepEqual(await logOf(campaignId), before);
  expectProblem(await change(buyer, id, {}), 422, 'validation_failed');
});

test('a reduced quantity frees slots at once for the waiting list, and reopens a full campaign', async () => {
  const { campaignId, buyer, id } = await ordered(6);
  const waiting = await service.user();
  const path = `/campaigns/${campaignId}/waiting`;
  const entry = expectStatus(await waiting.post(path, joinBody({ quantity: 2 })), 201);
  expectStatus(await change(buyer, id, { quantity: 3 }), 200);
  const { status } = expectStatus(await waiting.get(`/waiting/${entry.id}`), 200);
  assert.equal(status, 'offered');
  const progress = await progressOf(campaignId);
  assert.deepEqual([progress['filled_slots'], progress.status], [3, 'active']);
  const events = (await logOf(campaignId)).map(({ event }) => event).toReversed();
  assert.deepEqual(events.slice(-3), [
    'participant_changed',
    'campaign_reopened',
    'waiting_offered',
  ]);
});

test('a reduced paid order stays confirmed, and the difference is refunded once', async () => {
  const { campaignId, buyer, id } = await ordered(4, { payment_timing: 'upfront' });
  const payment = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  const code = Number(payment['unique_code']);
  expectStatus(await service.service.post(`/participations/${id}/payment/verify`), 200);
  expectStatus(await change(buyer, id, { quantity: 3 }), 200);
  const kept = expectStatus(await change(buyer, id, { quantity: 1 }), 200);
  assert.deepEqual([kept.status, kept['quantity']], ['confirmed', 1]);
  assert.deepEqual(
    (await refundsOf(campaignId)).map(({ amount }) => amount),
    [125_000, 250_000],
  );
  // When the campaign is cancelled, the rest is refunded. All refunds together are not more than
  // was received.
  const seen = expectStatus(await shop.seller.post(`/campaigns/${campaignId}/cancel/preview`), 200);
  assert.equal(seen['refund_total'], 125_000 + code);
  expectStatus(await shop.seller.post(`/campaigns/${campaignId}/cancel`, { reason: 'batal' }), 200);
  const sum = (await refundsOf(campaignId)).reduce((all, { amount }) => all + amount, 0);
  assert.equal(sum, 500_000 + code);
});

test('the open payment is reduced, and paying the rest is enough', async () => {
  const { campaignId, buyer, id } = await ordered(4, { payment_timing: 'upfront' });
  const before = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  assert.equal(before['amount'], 500_000);
  expectStatus(await change(buyer, id, { quantity: 2 }), 200);
  const now = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  assert.deepEqual([now.id, now['amount']], [before.id, 250_000]);
  expectStatus(await service.service.post(`/participations/${id}/payment/verify`), 200);
  assert.deepEqual(await refundsOf(campaignId), []);
});

test('additional slots are a separate order', async () => {
  const { campaignId, buyer, id } = await ordered(2);
  const refused = expectProblem(
    await change(buyer, id, { quantity: 3 }),
    422,
    'more_slots_by_joining',
  );
  assert.deepEqual(refused.params, { quantity: 2 });
  const more = await join(buyer, campaignId, { quantity: 1 });
  assert.notEqual(more.id, id);
  assert.equal((await progressOf(campaignId))['filled_slots'], 3);
});

test('the buyer corrects the order on its page', async () => {
  const { buyer, id } = await ordered(3);
  const forms = new SiteForms(service.url, buyer);
  const order = await forms.get(`/ikutan/${id}`);
  assert.match(order.text, new RegExp(`href="/ikutan/${id}/ubah"`));
  const page = await forms.get(`/ikutan/${id}/ubah`);
  assert.match(page.text, /name="quantity"[^>]*max="3"/s);
  const bad = await forms.post(`/ikutan/${id}/ubah`, { quantity: '9', shipping_address: address });
  assert.equal(bad.status, 422);
  assert.match(bad.text, /Buat pesanan baru/);
  const empty = await forms.post(`/ikutan/${id}/ubah`, { shipping_address: 'Jl' });
  assert.match(empty.text, /id="shipping_address-error"/);
  const fields = { quantity: '2', shipping_address: address, note: '' };
  const saved = await forms.post(`/ikutan/${id}/ubah`, fields);
  assert.deepEqual([saved.status, saved.location], [303, `/ikutan/${id}?diubah`]);
  const shown = await forms.get(`/ikutan/${id}?diubah`);
  assert.match(shown.text, /Perubahan tersimpan/);
  assert.match(shown.text, /Pesanan dikurangi menjadi 2 slot/);
  assert.match((await forms.get(`/en/ikutan/${id}/ubah`)).text, /Delivery address/);
});

test('the seller is notified of a new address once the orders are prepared, the buyer of fewer slots', async () => {
  const { campaignId, buyer, id } = await ordered(6);
  const kinds = async (client: Client): Promise<string[]> =>
    expectStatus(await client.get('/notifications?limit=100'), 200)
      .items.filter((one: Body) => one['campaign_id'] === campaignId)
      .map((one: Body) => String(one['kind']));
  expectStatus(await change(buyer, id, { quantity: 5, shipping_address: address }), 200);
  await service.app.notifications.plan();
  assert.ok((await kinds(buyer)).includes('order_reduced'));
  assert.ok(!(await kinds(shop.seller)).includes('seller_order_changed'));
  await join(await service.user(), campaignId);
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  expectStatus(await change(buyer, id, { shipping_address: `${address} 2` }), 200);
  await service.app.notifications.plan();
  assert.ok((await kinds(shop.seller)).includes('seller_order_changed'));
});
