import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, eventsOf, letTimePass, pastDeadline } from '../support/builders/market.ts';
import { startFakeMidtrans, serverKey } from '../support/fakes/midtrans.ts';
import { photo } from '../support/builders/pictures.ts';
import {
  campaignBody,
  expectProblem,
  expectStatus,
  join,
  openShop,
} from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';
import { deleteReceivingAccounts } from '../support/builders/receiving-account.ts';

const provider = await startFakeMidtrans();
after(provider.close);
const service = await startHttpService({
  environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
});
after(service.close);
service.secrets.add(serverKey);
const offline = await startHttpService({ sharedWith: service });
after(offline.close);
const { db, service: staff } = service;
const shop = await openShop(service);
const upfront = { payment_timing: 'upfront', hold_seconds: 3_600, total_slots: 1 };
const run = async () => expectStatus(await staff.post('/lifecycle/run'), 200);
const campaignOf = async (id: string) => expectStatus(await staff.get(`/campaigns/${id}`), 200);

interface Place {
  readonly campaign: string;
  readonly buyer: Client;
  readonly id: string;
}
async function reserved(): Promise<Place> {
  const made = await shop.seller.post('/campaigns', campaignBody(shop.productId, upfront));
  const { id: campaign } = expectStatus(made, 201);
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  return { campaign, buyer, id };
}
const statusOf = async ({ id }: Place) =>
  expectStatus(await staff.get(`/participations/${id}`), 200).status;
async function ordered(): Promise<Place & { readonly order: string }> {
  const place = await reserved();
  expectStatus(await place.buyer.post(`/participations/${place.id}/pay-online`), 200);
  const [call] = await queryRows<{ reference: string }>(
    db,
    'select reference from sambatan.gateway_calls where participation_id = $1',
    place.id,
  );
  return { ...place, order: call!.reference };
}
const pageFor = async (url: string, client: Client, path: string) => {
  const page = await new SiteForms(url, client).get(path);
  assert.equal(page.status, 200, page.text.slice(0, 400));
  return page.text;
};
const notify = async (order: string) =>
  expectStatus(
    await service.visitor.post('/gateway/midtrans/notifications', provider.notification(order)),
    200,
  );

test('without a receiving account buyers pay online and see no transfer instructions', async () => {
  await deleteReceivingAccounts(db);
  const place = await reserved();
  const { buyer, id } = place;
  const due = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  assert.deepEqual(
    [due['account'], due['unique_code'], due['total'], due.status],
    [null, 0, 125_000, 'due'],
  );
  const page = await pageFor(service.url, buyer, `/ikutan/${id}`);
  assert.match(page, /Bayar online/);
  assert.match(page, /hanya bisa dibayar online/);
  assert.doesNotMatch(page, /Transfer persis|Ke rekening|Kirim bukti|Atau transfer bank/);
  const proof = await buyer.send({
    method: 'POST',
    path: `/participations/${id}/proof`,
    body: await photo(),
    headers: { 'content-type': 'image/jpeg' },
  });
  expectProblem(proof, 409, 'payment_account_missing');
  expectStatus(await buyer.post(`/participations/${id}/pay-online`), 200);
  const [call] = await queryRows<{ reference: string }>(
    db,
    'select reference from sambatan.gateway_calls where participation_id = $1',
    id,
  );
  provider.buyer(call!.reference, 'settlement');
  await notify(call!.reference);
  assert.equal(await statusOf(place), 'confirmed');
});

test('a receiving account that is added later is shown to buyers who could only pay online', async () => {
  await deleteReceivingAccounts(db);
  const { buyer, id } = await reserved();
  expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  const bank = { bank: 'BCA', number: '5270099055', holder: 'PT Sambatan Bersama' };
  expectStatus(await staff.post('/receiving-accounts', bank), 201);
  const due = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  assert.deepEqual(due['account'], bank);
  assert.ok(Number(due['unique_code']) > 0);
});

test('a seller is warned beforehand that nobody could pay upfront', async () => {
  await deleteReceivingAccounts(db);
  const path = `/toko/${shop.brandId}/sambatan/baru`;
  const missing = /Bayar di muka belum tersedia/;
  assert.match(await pageFor(offline.url, shop.seller, path), missing);
  assert.doesNotMatch(await pageFor(service.url, shop.seller, path), missing);
});

/** A buyer whose payment is still pending at the provider when the deadline passes. */
async function pendingAtDeadline() {
  const place = await ordered();
  provider.buyer(place.order, 'pending');
  await letTimePass(db, place.campaign, pastDeadline);
  await run();
  const campaign = await campaignOf(place.campaign);
  assert.equal(campaign.status, 'verifying');
  return { place, deadline: Date.parse(String(campaign['deadline'])) };
}

test('an order in progress at the deadline counts if it was paid in time', async () => {
  const { place, deadline } = await pendingAtDeadline();
  provider.paysAt(place.order, new Date(deadline - 10_000));
  await notify(place.order);
  assert.equal(await statusOf(place), 'confirmed');
  await run();
  assert.equal((await campaignOf(place.campaign)).status, 'completed');
  assert.ok((await eventsOf(db, place.campaign)).includes('campaign_verifying'));
});

test('an order paid after the deadline is refunded and does not count', async () => {
  const { place, deadline } = await pendingAtDeadline();
  provider.paysAt(place.order, new Date(deadline + 10_000));
  await notify(place.order);
  await run();
  assert.equal((await campaignOf(place.campaign)).status, 'failed');
  const books = expectStatus(await staff.get(`/campaigns/${place.campaign}/books`), 200);
  assert.equal(Number(books['refunds_due']) + Number(books['refunds_settled'] ?? 0), 125_000);
});

test('an order reported as unpaid ends the verification', async () => {
  const { place } = await pendingAtDeadline();
  provider.buyer(place.order, 'expire');
  await notify(place.order);
  await run();
  assert.equal((await campaignOf(place.campaign)).status, 'failed');
  assert.equal(await statusOf(place), 'refunded');
});
