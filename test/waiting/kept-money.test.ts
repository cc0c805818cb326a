import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { expectInvariants } from '../support/database/campaign-invariants.ts';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, eventsOf, letTimePass } from '../support/builders/market.ts';
import {
  day,
  refundsOf,
  createLatePayments,
  verify,
  type LateBuyer,
  type Slot,
} from '../support/builders/kept-money.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);
const { db, service: staff } = service;
const operator = await service.operator();
const shop = await openShop(service);
const price = 125_000;
const address = { shipping_address: 'Jalan Mawar 12, Semarang' };

const run = async () => expectStatus(await staff.post('/lifecycle/run'), 200);
const paidLate = (buyers: readonly LateBuyer[], terms?: object) =>
  createLatePayments(service, shop, buyers, terms);
const choose = async (buyer: Client, refund: unknown) =>
  expectStatus(await buyer.post(`/refunds/${String(refund)}/wait`), 201);
const entryOf = async (buyer: Client, id: unknown) =>
  expectStatus(await buyer.get(`/waiting/${String(id)}`), 200);
const settle = async (refund: unknown) =>
  await operator.post('/refunds/settle', { ids: [refund], reference: 'TRF 1' });
const isPayable = async (refund: unknown, query = 'limit=100') =>
  expectStatus(await staff.get(`/refunds?${query}`), 200).items.some(({ id }) => id === refund);
const booksOf = async (id: string) => expectStatus(await staff.get(`/campaigns/${id}/books`), 200);

const leave = async ({ buyer, id }: Slot) =>
  expectStatus(await buyer.post(`/participations/${id}/cancel`), 200);

test('money paid in time but found too late pays for the next free slot if its buyer chooses so', async () => {
  const { id, late, others, refunds } = await paidLate([{ paidOn: day(-1) }]);
  const { buyer } = late[0]!;
  assert.equal(refunds[0]!['may_wait'], true);
  assert.ok(await isPayable(refunds[0]!.id), 'the refund is due until the buyer chooses');
  const waiter = await service.user();
  const ordinary = expectStatus(
    await waiter.post(`/campaigns/${id}/waiting`, { quantity: 1, ...address }),
    201,
  );
  const entry = await choose(buyer, refunds[0]!.id);
  assert.deepEqual([entry.status, entry['position'], entry['quantity']], ['waiting', 1, 1]);
  assert.equal((await entryOf(waiter, ordinary.id))['position'], 2);
  assert.equal((await choose(buyer, refunds[0]!.id)).id, entry.id, 'the same choice is one entry');
  assert.equal(await isPayable(refunds[0]!.id), false);
  assert.ok(await isPayable(refunds[0]!.id, 'kept=true'));
  expectProblem(await settle(refunds[0]!.id), 409, 'refund_is_kept');
  const failing = { reason: 'nomor salah' };
  expectProblem(
    await operator.post(`/refunds/${refunds[0]!.id}/fail`, failing),
    409,
    'refund_is_kept',
  );
  const goodbye = await buyer.send({ method: 'DELETE', path: '/me' });
  expectProblem(goodbye, 409, 'account_has_participations');
  await expectInvariants(db, id);

  await leave(others[0]!);
  const given = await entryOf(buyer, entry.id);
  assert.equal(given.status, 'accepted');
  const place = expectStatus(
    await buyer.get(`/participations/${String(given['participation_id'])}`),
    200,
  );
  assert.deepEqual([place.status, place['payment_state']], ['confirmed', 'paid']);
  assert.equal((await entryOf(waiter, ordinary.id)).status, 'waiting', 'the others stay behind');
  assert.deepEqual(await refundsOf(late[0]!), []);
  const books = await booksOf(id);
  assert.deepEqual(
    [books['gross'], books['paid'], books['credits'], books['refunds_due']],
    [price, price, 0, 0],
  );
  assert.equal(expectStatus(await staff.get(`/campaigns/${id}`), 200).status, 'full');
  await expectInvariants(db, id);
  expectProblem(await settle(refunds[0]!.id), 409, 'movement_transition_not_allowed');
  assert.deepEqual((await eventsOf(db, id)).slice(-5), [
    'waiting_accepted',
    'participant_joined',
    'participant_confirmed',
    'payment_settled',
    'campaign_full',
  ]);
});

test('without a choice the money is refunded, and a sent refund ends the choice', async () => {
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
  expectStatus(await settle(refunds[0]!.id), 200);
  const { buyer } = late[0]!;
  expectProblem(await buyer.post(`/refunds/${refunds[0]!.id}/wait`), 409, 'refund_sent_already');
  const [refund] = await refundsOf(late[0]!);
  assert.deepEqual([refund!.status, refund!['may_wait']], ['settled', false]);
  await expectInvariants(db, id);
});

test('leaving the head of the list makes the refund due again, and the buyer may choose once more', async () => {
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
  const { buyer } = late[0]!;
  const entry = await choose(buyer, refunds[0]!.id);
  expectStatus(await buyer.post(`/waiting/${entry.id}/withdraw`), 200);
  assert.ok(await isPayable(refunds[0]!.id));
  const again = await choose(buyer, refunds[0]!.id);
  assert.notEqual(again.id, entry.id);
  expectStatus(await buyer.post(`/waiting/${again.id}/withdraw`), 200);
  await expectInvariants(db, id);
  expectStatus(await settle(refunds[0]!.id), 200);
  assert.equal((await booksOf(id))['held'], 0);
  await expectInvariants(db, id);
});

test('kept money is due back when the campaign is cancelled', async () => {
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
  const entry = await choose(late[0]!.buyer, refunds[0]!.id);
  const reason = { reason: 'bahan baku habis' };
  expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, reason), 200);
  await run();
  assert.equal((await entryOf(late[0]!.buyer, entry.id)).status, 'closed');
  assert.ok(await isPayable(refunds[0]!.id));
  await expectInvariants(db, id);
  const { buyer } = late[0]!;
  expectProblem(await buyer.post(`/refunds/${refunds[0]!.id}/wait`), 409, 'waiting_list_closed');
});

test('the buyer who paid first gets the first free slot for their kept money', async () => {
  const { id, late, others, refunds } = await paidLate([{ paidOn: day(-1) }, { paidOn: day(-2) }]);
  const later = await choose(late[0]!.buyer, refunds[0]!.id);
  const earlier = await choose(late[1]!.buyer, refunds[1]!.id);
  assert.equal((await entryOf(late[0]!.buyer, later.id))['position'], 2);
  await leave(others[0]!);
  assert.equal((await entryOf(late[1]!.buyer, earlier.id)).status, 'accepted');
  assert.equal((await entryOf(late[0]!.buyer, later.id)).status, 'waiting');
  await expectInvariants(db, id);
  await leave(others[1]!);
  assert.equal((await entryOf(late[0]!.buyer, later.id)).status, 'accepted');
  await expectInvariants(db, id);
});

test('kept money waits for all of its slots, and is overtaken at most the maximum number of times', async () => {
  const { id, late, others, refunds } = await paidLate([{ quantity: 5, paidOn: day(-1) }]);
  const entry = await choose(late[0]!.buyer, refunds[0]!.id);
  const waiters: { readonly buyer: Client; readonly entry: Body }[] = [];
  for (let i = 0; i < 4; i++) {
    const buyer = await service.user();
    const waiting = await buyer.post(`/campaigns/${id}/waiting`, { quantity: 1, ...address });
    waiters.push({ buyer, entry: expectStatus(waiting, 201) });
  }
  for (const other of others.slice(0, 4)) await leave(other);
  const statuses = [];
  for (const one of waiters) statuses.push((await entryOf(one.buyer, one.entry.id)).status);
  assert.deepEqual(statuses, ['offered', 'offered', 'offered', 'waiting']);
  assert.equal((await entryOf(late[0]!.buyer, entry.id))['overtaken'], 3);
  await expectInvariants(db, id);
  for (const one of waiters.slice(0, 3)) {
    expectStatus(await one.buyer.post(`/waiting/${one.entry.id}/decline`), 200);
  }
  await leave(others[4]!);
  assert.equal((await entryOf(late[0]!.buyer, entry.id)).status, 'accepted');
  assert.equal((await booksOf(id))['gross'], 5 * price);
  await expectInvariants(db, id);
});

test('late or insufficient money gives no choice', async () => {
  const { late, refunds } = await paidLate([{}, { paidOn: day(-1), amount: price - 1 }]);
  for (const [index, { buyer }] of late.entries()) {
    const refund = refunds[index]!;
    assert.equal(refund['may_wait'], false);
    const asked = await buyer.post(`/refunds/${refund.id}/wait`);
    expectProblem(asked, 409, 'refund_has_no_choice');
  }
  const asked = await (await service.user()).post(`/refunds/${refunds[0]!.id}/wait`);
  expectProblem(asked, 404, 'movement_not_found');
  const ofSeller = await shop.seller.post(`/refunds/${refunds[0]!.id}/wait`);
  expectProblem(ofSeller, 404, 'movement_not_found');
  const ofStaff = await operator.post(`/refunds/${refunds[0]!.id}/wait`);
  expectProblem(ofStaff, 403, 'forbidden');
});

test('the overpaid part is refunded although the rest is kept', async () => {
  const amount = price + 50_000;
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1), amount }]);
  await choose(late[0]!.buyer, refunds[0]!.id);
  const rest = (await refundsOf(late[0]!)).find(({ id: one }) => one !== refunds[0]!.id)!;
  assert.ok(await isPayable(rest.id));
  const kept = amount - Number(rest['amount']);
  assert.ok(kept >= price && kept < price + 1_000, 'the price and the unique code');
  await expectInvariants(db, id);
});

test('a buyer with other slots can keep money only up to the maximum per buyer', async () => {
  const { id, late, others, refunds } = await paidLate([{ paidOn: day(-1) }], {
    max_slots_per_user: 1,
  });
  const { buyer } = late[0]!;
  await leave(others[0]!);
  await join(buyer, id);
  const asked = await buyer.post(`/refunds/${refunds[0]!.id}/wait`);
  expectProblem(asked, 422, 'quantity_out_of_bounds');
  await expectInvariants(db, id);
});

test('of a choice and a concurrent sending of the refund exactly one happens', async () => {
  const ends = new Set<string>();
  for (let round = 0; round < 6; round++) {
    const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
    const chosen = () => late[0]!.buyer.post(`/refunds/${refunds[0]!.id}/wait`);
    const sent = () => settle(refunds[0]!.id);
    const verbs = round % 2 === 0 ? [chosen, sent] : [sent, chosen];
    const answers = await Promise.all(verbs.map((verb) => verb()));
    const done = answers.filter(({ status }) => status < 300);
    assert.equal(done.length, 1, answers.map(({ text }) => text).join());
    ends.add(answers.find(({ status }) => status >= 300)!.body.code!);
    await expectInvariants(db, id);
  }
  for (const code of ends) assert.ok(['refund_is_kept', 'refund_sent_already'].includes(code));
});

/**
 * A completed campaign of two slots. One is paid. The other was cancelled as unpaid, and its
 * payment was found only after that.
 */
async function unpaidButPaid(waiters: number) {
  const { id } = await shop.campaign({ total_slots: 2, minimum_slots: 1 });
  const places = [await service.user(), await service.user()];
  const ids = [];
  for (const buyer of places) ids.push((await join(buyer, id)).id);
  const waiting = [];
  for (let i = 0; i < waiters; i++) {
    const buyer = await service.user();
    const asked = await buyer.post(`/campaigns/${id}/waiting`, { quantity: 1, ...address });
    waiting.push({ buyer, entry: expectStatus(asked, 201) });
  }
  await run();
  for (const [index, buyer] of places.entries()) {
    expectStatus(await buyer.get(`/participations/${ids[index]!}/payment`), 200);
  }
  assert.equal(await verify(operator, ids[0]!, { paid_on: day(0) }), 'settled');
  await letTimePass(db, id, (96 + 48) * 3_600);
  await run();
  const late = { buyer: places[1]!, id: ids[1]! };
  assert.equal(await verify(operator, late.id, { paid_on: day(-4) }), 'credited');
  const [refund] = await refundsOf(late);
  return { id, late, refund: refund!, waiting };
}

test('after success a free slot goes at once to money that was paid in time', async () => {
  const { id, late, refund } = await unpaidButPaid(0);
  assert.equal(refund['may_wait'], true);
  const entry = await choose(late.buyer, refund.id);
  assert.equal(entry.status, 'accepted');
  const books = await booksOf(id);
  assert.deepEqual([books['gross'], books['refunds_due']], [2 * price, 0]);
  assert.equal(books['payouts_due'], 2 * price - Number(books['fee']));
  await expectInvariants(db, id);
});

test('after success kept money waits for an offer to end, and is due back at shipping', async () => {
  const { id, late, refund, waiting } = await unpaidButPaid(1);
  const [{ buyer, entry: offer } = assert.fail()] = waiting;
  assert.equal((await entryOf(buyer, offer.id)).status, 'offered');
  const entry = await choose(late.buyer, refund.id);
  assert.equal(entry.status, 'waiting');
  await expectInvariants(db, id);
  expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
  assert.equal((await entryOf(late.buyer, entry.id)).status, 'closed');
  assert.ok(await isPayable(refund.id));
  await expectInvariants(db, id);
  const asked = await late.buyer.post(`/refunds/${refund.id}/wait`);
  expectProblem(asked, 409, 'waiting_list_closed');
});

test('after success kept money gets the slot of a declined or lapsed offer', async () => {
  const { id, late, refund, waiting } = await unpaidButPaid(1);
  const entry = await choose(late.buyer, refund.id);
  const [{ buyer, entry: offer } = assert.fail()] = waiting;
  expectStatus(await buyer.post(`/waiting/${offer.id}/decline`), 200);
  assert.equal((await entryOf(late.buyer, entry.id)).status, 'accepted');
  assert.equal((await booksOf(id))['gross'], 2 * price);
  await expectInvariants(db, id);
});

test('slots that are free at success go to kept money first', async () => {
  const buyers = [{ paidOn: day(-1) }, { paidOn: day(-2) }];
  const { id, late, others, refunds } = await paidLate(buyers);
  const waiter = await service.user();
  const asked = await waiter.post(`/campaigns/${id}/waiting`, { quantity: 1, ...address });
  const ordinary = expectStatus(asked, 201);
  const entry = await choose(late[0]!.buyer, refunds[0]!.id);
  assert.equal(await verify(operator, others[0]!.id, { paid_on: day(0) }), 'settled');
  // The order of the other slot was not paid in time.
  await letTimePass(db, id, 3_700 + 48 * 3_600);
  await run();
  assert.equal(expectStatus(await staff.get(`/campaigns/${id}`), 200).status, 'completed');
  assert.equal((await entryOf(late[0]!.buyer, entry.id)).status, 'accepted');
  assert.notEqual((await entryOf(waiter, ordinary.id)).status, 'offered');
  const books = await booksOf(id);
  assert.equal(books['payouts_due'], 2 * price - Number(books['fee']));
  await expectInvariants(db, id);
});

test('during verification kept money waits, and its buyer may take it back', async () => {
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
  await letTimePass(db, id, 3_700);
  await run();
  assert.equal(expectStatus(await staff.get(`/campaigns/${id}`), 200).status, 'verifying');
  const entry = await choose(late[0]!.buyer, refunds[0]!.id);
  await expectInvariants(db, id);
  expectStatus(await late[0]!.buyer.post(`/waiting/${entry.id}/withdraw`), 200);
  assert.ok(await isPayable(refunds[0]!.id));
  await expectInvariants(db, id);
});

test('kept money is due back when the campaign fails', async () => {
  const { id, late, refunds } = await paidLate([{ paidOn: day(-1) }]);
  const entry = await choose(late[0]!.buyer, refunds[0]!.id);
  await letTimePass(db, id, 3_700 + 48 * 3_600);
  await run();
  assert.equal((await entryOf(late[0]!.buyer, entry.id)).status, 'closed');
  assert.ok(await isPayable(refunds[0]!.id));
  await expectInvariants(db, id);
});

test('the buyer makes the choice by a form of the order, and withdraws it by another', async () => {
  const { id, late, others, refunds } = await paidLate([{ paidOn: day(-1) }]);
  const [{ buyer, id: place } = assert.fail()] = late;
  const forms = new SiteForms(service.url, buyer);
  const path = `/ikutan/${place}`;
  assert.match((await forms.get(path)).text, /Antre paling depan/);
  assert.match((await forms.get(`/en${path}`)).text, /You paid on time/);
  const refund = { refund: refunds[0]!.id };
  const chosen = await forms.post(`${path}/simpan`, refund);
  assert.deepEqual([chosen.status, chosen.location], [303, path]);
  const page = await forms.get(path);
  assert.match(page.text, /Disimpan untuk slotmu/);
  assert.match((await forms.get('/ikutan')).text, /Sudah kamu bayar/);
  const desk = new SiteForms(service.url, operator);
  assert.match((await desk.get('/operator/uang')).text, /Disimpan untuk antrean/);
  assert.match((await desk.get('/en/operator/uang')).text, /Held for the waiting list/);
  const [, leaving = ''] = /action="(\/antrean\/[0-9a-f-]+\/keluar)"/.exec(page.text) ?? [];
  assert.equal((await forms.post(leaving)).status, 303);
  assert.ok(await isPayable(refunds[0]!.id));
  await leave(others[0]!);
  const given = await forms.post(`${path}/simpan`, refund);
  assert.match(given.location, /^\/ikutan\/[0-9a-f-]+\?baru$/);
  const refused = await forms.post(`${path}/simpan`, { refund: newId() });
  assert.equal(refused.status, 404);
  await expectInvariants(db, id);
});

test('the audit log records for each choice the kept amount and its result', async () => {
  const { id, late, others, refunds } = await paidLate([{ paidOn: day(-1) }, { paidOn: day(-1) }]);
  await choose(late[0]!.buyer, refunds[0]!.id);
  const second = await choose(late[1]!.buyer, refunds[1]!.id);
  await leave(others[0]!);
  const closed = { reason: 'bahan baku habis' };
  assert.equal((await entryOf(late[1]!.buyer, second.id)).status, 'waiting');
  expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, closed), 200);
  await run();
  const log = await queryRows<{
    readonly event: string;
    readonly metadata: Record<string, unknown>;
  }>(
    db,
    `select event, metadata from sambatan.audit_events where campaign_id = $1
    and (event::text like 'waiting_%' or event = 'payment_late') order by seq`,
    id,
  );
  assert.deepEqual(
    log.map(({ event, metadata }) => [event, metadata['amount'] !== undefined]),
    [
      ['payment_late', true],
      ['payment_late', true],
      ['waiting_joined', true],
      ['waiting_joined', true],
      ['waiting_accepted', true],
      ['waiting_closed', true],
    ],
  );
  assert.ok(log.slice(0, 2).every(({ metadata }) => metadata['may_wait'] === true));
});
