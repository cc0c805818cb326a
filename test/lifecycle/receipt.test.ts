import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass } from '../support/builders/market.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan' };
expectStatus(await service.service.post('/receiving-accounts', bank), 201);

/** A completed campaign. All of its buyers have paid, except the last `unpaid` ones. */
async function sold(buyers: number, unpaid = 0) {
  const { id } = await shop.campaign({ total_slots: buyers });
  const orders: { buyer: Client; id: string }[] = [];
  for (let n = 0; n < buyers; n++) {
    const buyer = await service.user();
    orders.push({ buyer, id: (await join(buyer, id)).id });
  }
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  for (const { id: part } of orders.slice(0, buyers - unpaid)) {
    expectStatus(await service.service.post(`/participations/${part}/payment/verify`), 200);
  }
  return { id, orders };
}

/** Lets this many days pass for a campaign and its reminders, and then runs what is due. */
async function daysPass(campaignId: string, days: number): Promise<void> {
  await letTimePass(service.db, campaignId, days * 86_400);
  await queryRows(
    service.db,
    `update sambatan.reminders set due_at = due_at - $2 * interval '1 day'
    where campaign_id = $1`,
    campaignId,
    days,
  );
  expectStatus(await service.service.post('/lifecycle/run'), 200);
}

const statusOf = async (id: string) =>
  expectStatus(await service.service.get(`/participations/${id}`), 200).status;
const isReleased = async (campaignId: string) => {
  const [row] = await queryRows<{ released: boolean }>(
    service.db,
    `select bool_or(released_at is not null) as released from sambatan.transactions
    where campaign_id = $1 and kind = 'payout'`,
    campaignId,
  );
  return row!.released;
};
const kindsFor = async (client: Client, campaignId: string): Promise<string[]> =>
  expectStatus(await client.get('/notifications?limit=100'), 200)
    .items.filter((one: Body) => one['campaign_id'] === campaignId)
    .map((one: Body) => String(one['kind']));

test('an unanswered order counts as received after its days, and the payout is released', async () => {
  const { id, orders } = await sold(2);
  const [first, second] = orders;
  const shipped = expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  const days =
    Date.parse(String(shipped['received_after'])) - Date.parse(String(shipped['shipped_at']));
  assert.equal(days, 14 * 86_400_000);
  expectStatus(await first!.buyer.post(`/participations/${first!.id}/fulfil`), 200);
  await daysPass(id, 13);
  assert.equal(await statusOf(second!.id), 'confirmed');
  assert.equal(await isReleased(id), false);
  await daysPass(id, 2);
  assert.equal(await statusOf(second!.id), 'fulfilled');
  assert.equal(await isReleased(id), true);
  const { items } = expectStatus(await shop.seller.get(`/campaigns/${id}/logs`), 200);
  const event = items.find((one) => one['participation_id'] === second!.id)!;
  assert.deepEqual(
    [event['event'], event['actor'], (event['metadata'] as { reason: string }).reason],
    ['participant_fulfilled', 'system', 'no_word'],
  );
});

test('a shipped batch below its minimum continues', async () => {
  const { id, orders } = await sold(2, 1);
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  // The other order stays unpaid. After shipping, the batch needs no decision because of it.
  await letTimePass(service.db, id, 7 * 86_400);
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  const campaign = expectStatus(await shop.seller.get(`/campaigns/${id}`), 200);
  assert.equal(campaign['decision_until'], null);
  await daysPass(id, 8);
  assert.equal(await statusOf(orders[0]!.id), 'fulfilled');
  assert.equal(await isReleased(id), true);
});

test('a batch that is shipped during the seller’s decision is not cancelled', async () => {
  const { id } = await sold(2, 1);
  await letTimePass(service.db, id, 7 * 86_400);
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  const forms = new SiteForms(service.url, shop.seller);
  assert.match(
    (await forms.get(`/toko/sambatan/${id}`)).text,
    /Batalkan dan kembalikan semua dana/,
  );
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  const page = (await forms.get(`/toko/sambatan/${id}`)).text;
  assert.match(page, /Lanjutkan batch ini/);
  assert.doesNotMatch(page, /Batalkan dan kembalikan semua dana/);
  const decision = await shop.seller.post(`/campaigns/${id}/decision`, { decision: 'cancel' });
  expectProblem(decision, 409, 'goods_shipped_already');
});

test('a dispute stops the time to answer; its dismissal continues it', async () => {
  const { id, orders } = await sold(1);
  const [order] = orders;
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  const path = `/participations/${order!.id}/dispute`;
  const dispute = expectStatus(await order!.buyer.post(path, { reason: 'botolnya pecah' }), 201);
  await daysPass(id, 20);
  assert.equal(await statusOf(order!.id), 'confirmed');
  const answer = { resolution: 'dismissed', explanation: 'fotonya botol lain' };
  expectStatus(await service.service.post(`/disputes/${dispute.id}/resolve`, answer), 200);
  await daysPass(id, 1);
  assert.equal(await statusOf(order!.id), 'fulfilled');
});

test('unpaid orders are not received, and late payments get the full time to answer', async () => {
  const { id, orders } = await sold(3, 2);
  const [paid, late, unpaid] = orders.map((order) => order.id);
  const statuses = () => Promise.all([paid!, late!, unpaid!].map(statusOf));
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  await daysPass(id, 3);
  expectStatus(await service.service.post(`/participations/${late}/payment/verify`), 200);
  await daysPass(id, 12);
  assert.deepEqual(await statuses(), ['fulfilled', 'confirmed', 'cancelled']);
  await daysPass(id, 3);
  assert.deepEqual(await statuses(), ['fulfilled', 'fulfilled', 'cancelled']);
});

test('only a completed campaign is shipped, and once', async () => {
  const { id: open } = await shop.campaign();
  expectProblem(await shop.seller.post(`/campaigns/${open}/ship`), 409, 'transition_not_allowed');
  const { id } = await sold(1);
  const first = expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  const again = expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  assert.equal(again['received_after'], first['received_after']);
});

test('a sweep of the scheduler marks due orders as received', async () => {
  const swept = await startHttpService({ sharedWith: service, scheduler: true });
  const { id, orders } = await sold(1);
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  await letTimePass(service.db, id, 15 * 86_400);
  await swept.close();
  const next = await startHttpService({ sharedWith: service, scheduler: true });
  const signal = AbortSignal.timeout(20_000);
  while ((await statusOf(orders[0]!.id)) !== 'fulfilled') signal.throwIfAborted();
  await next.close();
});

test('the buyer is notified, reminded and notified again; unpaid buyers get nothing', async () => {
  const { id, orders } = await sold(2, 1);
  const [paid, unpaid] = orders;
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  const tell = async () => {
    await service.app.notifications.plan();
    await service.app.notifications.plan();
  };
  await tell();
  assert.ok((await kindsFor(paid!.buyer, id)).includes('goods_shipped'));
  assert.ok(!(await kindsFor(unpaid!.buyer, id)).includes('goods_shipped'));
  await daysPass(id, 12);
  await tell();
  assert.ok((await kindsFor(paid!.buyer, id)).includes('receipt_ending'));
  await daysPass(id, 3);
  await tell();
  assert.ok((await kindsFor(paid!.buyer, id)).includes('received_without_word'));
});

test('the seller marks the batch as shipped on its page, and the buyer sees the time to answer', async () => {
  const { id, orders } = await sold(1);
  const forms = new SiteForms(service.url, shop.seller);
  assert.match((await forms.get(`/toko/sambatan/${id}`)).text, /Tandai sudah dikirim/);
  assert.match((await forms.get(`/toko/sambatan/${id}/kirim`)).text, /dalam 14 hari/);
  const sent = await forms.post(`/toko/sambatan/${id}/kirim`);
  assert.deepEqual([sent.status, sent.location], [303, `/toko/sambatan/${id}?kabar=dikirim`]);
  const shown = await forms.get(`/toko/sambatan/${id}`);
  assert.match(shown.text, /Dianggap diterima mulai/);
  assert.doesNotMatch(shown.text, /Tandai sudah dikirim/);
  const buyer = new SiteForms(service.url, orders[0]!.buyer);
  assert.match(
    (await buyer.get(`/ikutan/${orders[0]!.id}`)).text,
    /Kalau tidak ada kabar darimu sampai/,
  );
  assert.match((await buyer.get(`/en/ikutan/${orders[0]!.id}`)).text, /counts as received/);
});
