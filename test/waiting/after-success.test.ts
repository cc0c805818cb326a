import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { verifyAudit } from '../../src/audit/queries.ts';
import { pdfOf } from '../support/builders/pdf.ts';
import type { Client } from '../support/clients/client.ts';
import { expectInvariants } from '../support/database/campaign-invariants.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { letTimePass } from '../support/builders/market.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const { db, service: staff } = service;
const operator = await service.operator();
const shop = await openShop(service);
const account = { bank: 'BCA', number: '5270099007', holder: 'PT Sambatan Bersama' };
expectStatus(await staff.post('/receiving-accounts', account), 201);
const reason = { reason: 'alasan yang jelas' };
/** Seconds after completion when it is certain that a due payment was not made. */
const unpaidAfter = (96 + 48) * 3_600;

const run = async () => expectStatus(await staff.post('/lifecycle/run'), 200);
const settle = async (id: string) =>
  expectStatus(await operator.post(`/participations/${id}/payment/verify`), 200);
const look = async (buyer: Client, id: string) =>
  expectStatus(await buyer.get(`/participations/${id}/payment`), 200);

/** A completed campaign of buyers with one slot each, and one more buyer on the waiting list. */
async function waitedFor(slots: number, terms: object = {}) {
  const { id } = await shop.campaign({ total_slots: slots, ...terms });
  const places: { readonly buyer: Client; readonly id: string }[] = [];
  for (let i = 0; i < slots; i++) {
    const buyer = await service.user();
    places.push({ buyer, id: (await join(buyer, id)).id });
  }
  const waiter = await service.user();
  const wish = { quantity: 1, shipping_address: 'Jalan Mawar 12, Semarang' };
  const entry = expectStatus(await waiter.post(`/campaigns/${id}/waiting`, wish), 201);
  await run();
  const waits = async () => expectStatus(await waiter.get(`/waiting/${entry.id}`), 200).status;
  assert.equal(await waits(), 'waiting');
  return { id, places, waits, waiter, entryId: entry.id };
}

test('a shortfall after success leaves no slots for the waiting list', async () => {
  const { id, waits } = await waitedFor(3, { minimum_slots: 1 });
  const less = { slots: 2, ...reason };
  expectStatus(await shop.seller.post(`/campaigns/${id}/shortfall`, less), 200);
  await run();
  assert.equal(await waits(), 'closed');
  await expectInvariants(db, id);
});

test('slots of an upheld dispute are not offered', async () => {
  const { id, places, waits } = await waitedFor(2);
  const { buyer, id: place } = places[0]!;
  await look(buyer, place);
  await settle(place);
  const dispute = expectStatus(await buyer.post(`/participations/${place}/dispute`, reason), 201);
  const upheld = { resolution: 'upheld', explanation: 'sudah dicek' };
  expectStatus(await operator.post(`/disputes/${dispute.id}/resolve`, upheld), 200);
  await run();
  assert.equal(await waits(), 'waiting');
  await expectInvariants(db, id);
  await letTimePass(db, id, unpaidAfter);
  await run();
  // The other order was never paid, so its slot is free for the waiting list.
  assert.equal(await waits(), 'offered');
});

test('the slot of a written-off order is offered at once', async () => {
  const { id, places, waits } = await waitedFor(2);
  const { buyer, id: place } = places[0]!;
  await look(buyer, place);
  expectStatus(await operator.post(`/participations/${place}/payment/write-off`, reason), 200);
  assert.equal(await waits(), 'offered');
  await expectInvariants(db, id);
});

test('a payout that waited for an offer is released when the offer lapses', async () => {
  const { id, places, waits } = await waitedFor(2, { minimum_slots: 1 });
  const { buyer, id: place } = places[0]!;
  await look(buyer, place);
  await settle(place);
  await letTimePass(db, id, unpaidAfter);
  await run();
  assert.equal(await waits(), 'offered');
  expectStatus(await buyer.post(`/participations/${place}/fulfil`), 200);
  const payout = async () =>
    expectStatus(await staff.get('/payouts?limit=100'), 200).items.find(
      (one) => one['campaign_id'] === id,
    );
  assert.equal((await payout())?.['released_at'], null);
  await letTimePass(db, id, unpaidAfter);
  await run();
  assert.equal(await waits(), 'lapsed');
  assert.notEqual((await payout())?.['released_at'], null);
});

test('shipping ends the waiting list; an open offer can still be paid and received', async () => {
  const { id, places, waits, waiter, entryId } = await waitedFor(2, { minimum_slots: 1 });
  const late = await service.user();
  const wish = { quantity: 1, shipping_address: 'Jalan Mawar 13, Semarang' };
  const [paid, unpaid] = places;
  await look(paid!.buyer, paid!.id);
  await settle(paid!.id);
  const reject = `/participations/${unpaid!.id}/payment/write-off`;
  await look(unpaid!.buyer, unpaid!.id);
  expectStatus(await operator.post(reject, reason), 200);
  assert.equal(await waits(), 'offered');
  const refused = await late.post(`/campaigns/${id}/waiting`, wish);
  assert.equal(refused.status, 409);
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  assert.equal(await waits(), 'offered');
  // All participants that are left have confirmed that they received the goods.
  expectStatus(await paid!.buyer.post(`/participations/${paid!.id}/fulfil`), 200);
  const { order_id: order } = expectStatus(await waiter.get(`/waiting/${entryId}`), 200);
  await look(waiter, String(order));
  await settle(String(order));
  await letTimePass(db, id, 15 * 86_400);
  await run();
  const received = expectStatus(await waiter.get(`/participations/${String(order)}`), 200);
  assert.equal(received.status, 'fulfilled');
  await expectInvariants(db, id);
});

test('the events of an offer that is paid with a proof belong to the log of the order', async () => {
  const { id, places, waits, waiter, entryId } = await waitedFor(2, { minimum_slots: 1 });
  const { buyer, id: place } = places[0]!;
  await look(buyer, place);
  expectStatus(await operator.post(`/participations/${place}/payment/write-off`, reason), 200);
  assert.equal(await waits(), 'offered');
  const { order_id: order } = expectStatus(await waiter.get(`/waiting/${entryId}`), 200);
  await look(waiter, String(order));
  const proof = await waiter.send({
    method: 'POST',
    path: `/participations/${String(order)}/proof`,
    headers: { 'content-type': 'application/pdf' },
    body: Buffer.from(pdfOf()),
  });
  expectStatus(proof, 200);
  assert.deepEqual(await db.rows(verifyAudit, id), [], 'while it is an offer');
  await settle(String(order));
  assert.equal(await waits(), 'accepted');
  assert.deepEqual(await db.rows(verifyAudit, id), []);
});

test('buyers who still wait at shipping are notified that the list is closed', async () => {
  const { id, places, waits } = await waitedFor(2);
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  assert.equal(await waits(), 'closed');
  const { buyer, id: place } = places[0]!;
  await look(buyer, place);
  expectStatus(await operator.post(`/participations/${place}/payment/write-off`, reason), 200);
  await run();
  assert.equal(await waits(), 'closed');
  await expectInvariants(db, id);
});
