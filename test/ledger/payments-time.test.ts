import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { SiteForms } from '../support/clients/site.ts';
import { queryRows, eventsOf, letTimePass, pastDeadline } from '../support/builders/market.ts';
import { photo } from '../support/builders/pictures.ts';
import {
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  openShop,
} from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const staff = service.service;
const operator = await service.operator();
const shop = await openShop(service);
const picture = await photo();
const { db } = service;
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };

/** The date in Jakarta this many days from today, as YYYY-MM-DD. */
const day = (days = 0) =>
  new Date(Date.now() + 7 * hourMs + days * 24 * hourMs).toISOString().slice(0, 10);
const run = async () => expectStatus(await staff.post('/lifecycle/run'), 200);
const campaignOf = async (id: string) => expectStatus(await staff.get(`/campaigns/${id}`), 200);
const statusOf = async (id: string) => (await campaignOf(id)).status;
const placeOf = async (id: string) => expectStatus(await staff.get(`/participations/${id}`), 200);
const paymentOf = async (by: Client, id: string) =>
  expectStatus(await by.get(`/participations/${id}/payment`), 200);
const prove = async (by: Client, id: string) =>
  expectStatus(
    await by.send({
      method: 'POST',
      path: `/participations/${id}/proof`,
      body: picture,
      headers: { 'content-type': 'image/jpeg' },
    }),
    200,
  );
const verify = async (id: string, body: object = {}) =>
  expectStatus(await operator.post(`/participations/${id}/payment/verify`, body), 200)['outcome'];
const statement = async (on: string, total: unknown) => {
  const { items } = expectStatus(await staff.get('/receiving-accounts'), 200);
  const sent = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${items[0]!.id}/statement?apply=true`,
    body: `date,description,amount\n${on},TRF ${String(total)},${String(total)}`,
    headers: { 'content-type': 'text/csv' },
  });
  assert.ok(sent.status < 300, sent.text);
};
const statementThrough = async (through: string) => {
  const { items } = expectStatus(await staff.get('/receiving-accounts'), 200);
  for (const { id } of items) {
    expectStatus(
      await staff.patch(`/receiving-accounts/${id}`, { statement_through: through }),
      200,
    );
  }
};

/** Simulates a weekend, after which no statement has been imported yet. */
const noStatementYet = () =>
  queryRows(db, 'update sambatan.receiving_accounts set statement_through = null');

interface Place {
  readonly buyer: Client;
  readonly id: string;
}
/** A buyer who has joined but has not viewed the payment yet. */
async function joiner(campaign: string, wish: object = {}): Promise<Place> {
  const buyer = await service.user();
  const { id } = await join(buyer, campaign, wish);
  return { buyer, id };
}
async function shown(campaign: string, wish: object = {}): Promise<Place & { total: number }> {
  const place = await joiner(campaign, wish);
  return { ...place, total: Number((await paymentOf(place.buyer, place.id))['total']) };
}

test('an upfront campaign cannot be opened while there is no way to pay', async () => {
  const body = {
    product_id: shop.productId,
    title: 'Senja batch pertama',
    total_slots: 2,
    price_per_slot: 125_000,
    deadline: fromNow(hourMs),
    payment_timing: 'upfront',
  };
  const refused = [409, 'receiving_account_missing'] as const;
  expectProblem(await shop.seller.post('/campaigns', { ...body, publish: true }), ...refused);
  const opens = { opens_at: fromNow(hourMs / 2) };
  expectProblem(await shop.seller.post('/campaigns', { ...body, ...opens }), ...refused);
  const draft = expectStatus(await shop.seller.post('/campaigns', body), 201);
  expectProblem(await shop.seller.post(`/campaigns/${draft.id}/publish`), ...refused);
  const pledged = { ...body, payment_timing: 'on_completion', publish: true };
  expectStatus(await shop.seller.post('/campaigns', pledged), 201);

  const account = expectStatus(await staff.post('/receiving-accounts', bank), 201);
  const scheduled = expectStatus(await shop.seller.post('/campaigns', { ...body, ...opens }), 201);
  expectStatus(await shop.seller.post(`/campaigns/${draft.id}/publish`), 200);
  // The only receiving account is removed before the campaign opens. The campaign must then wait
  // until there is an account again.
  await queryRows(
    db,
    'update sambatan.receiving_accounts set is_active = false, is_default = false',
  );
  await letTimePass(db, scheduled.id, 1_900);
  await run();
  assert.equal(await statusOf(scheduled.id), 'scheduled');
  await queryRows(
    db,
    'update sambatan.receiving_accounts set is_active = true, is_default = true where account_id = $1',
    account.id,
  );
  await queryRows(
    db,
    'update sambatan.campaign_states set next_run_at = now() where campaign_id = $1',
    scheduled.id,
  );
  await run();
  assert.equal(await statusOf(scheduled.id), 'active');
});

test('a full campaign with proofs sent in time waits for staff and then succeeds', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 2 });
  const places = [await joiner(id), await joiner(id)];
  for (const { buyer, id: place } of places) await prove(buyer, place);
  await letTimePass(db, id, pastDeadline);
  await run();
  const waiting = await campaignOf(id);
  assert.equal(waiting.status, 'verifying');
  const until = Date.parse(String(waiting['verifying_until']));
  assert.equal(until, Date.parse(String(waiting['deadline'])) + 48 * hourMs);
  expectProblem(
    await places[0]!.buyer.post(`/participations/${places[0]!.id}/cancel`),
    409,
    'deadline_passed',
  );
  const late = await service.user();
  const tooLate = await late.post(`/campaigns/${id}/join`, {
    quantity: 1,
    shipping_address: 'Jalan Kenanga 5, Bandung',
  });
  expectProblem(tooLate, 409, 'campaign_not_active');
  for (const place of places) assert.equal(await verify(place.id), 'settled');
  await run();
  assert.equal(await statusOf(id), 'completed');
  assert.deepEqual(
    (await eventsOf(db, id)).filter((event) => event.startsWith('campaign_')),
    ['campaign_created', 'campaign_full', 'campaign_verifying', 'campaign_completed'],
  );
});

test('an unreported transfer counts by the day of its line, until the statement is complete', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 2 });
  const [first, second] = [await shown(id), await shown(id)];
  await letTimePass(db, id, pastDeadline);
  await run();
  assert.equal(await statusOf(id), 'verifying');
  await statement(day(), first.total);
  assert.equal((await placeOf(first.id)).status, 'confirmed');
  await run();
  assert.equal(await statusOf(id), 'verifying');
  await statementThrough(day());
  await run();
  assert.equal(await statusOf(id), 'failed');
  // Money that arrives after the campaign has failed is refunded.
  await statement(day(), second.total);
  const { items } = expectStatus(await staff.get('/refunds?limit=100'), 200);
  assert.deepEqual(
    [first, second].map(
      ({ id: place }) => items.filter((one) => one['participation_id'] === place).length,
    ),
    [1, 1],
  );
});

/** The id of the open statement line with this amount. */
const openLine = async (total: number) => {
  const { items } = expectStatus(await operator.get('/statement-lines?limit=100'), 200);
  return items.find((line) => line['amount'] === total)!.id;
};
const setAside = async (total: number) =>
  expectStatus(
    await operator.post(`/statement-lines/${await openLine(total)}/ignore`, {
      reason: 'Setoran modal, bukan dari pembeli',
    }),
    200,
  );

test('a line of nearly the right sum keeps the outcome open until a person allocates it', async () => {
  await noStatementYet();
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 1 });
  const place = await shown(id);
  await letTimePass(db, id, pastDeadline);
  await statement(day(), place.total + 3);
  await statementThrough(day());
  await run();
  assert.equal(await statusOf(id), 'verifying');
  const line = await openLine(place.total + 3);
  const assigned = await operator.post(`/statement-lines/${line}/assign`, {
    participation_id: place.id,
  });
  expectStatus(assigned, 200);
  assert.equal((await placeOf(place.id)).status, 'confirmed');
  await run();
  assert.equal(await statusOf(id), 'completed');
});

test('one transfer for two orders of a buyer keeps both open; marking it as unrelated decides', async () => {
  await noStatementYet();
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 2 });
  const first = await shown(id);
  const { id: second } = await join(first.buyer, id);
  const both = first.total + Number((await paymentOf(first.buyer, second))['total']);
  await letTimePass(db, id, pastDeadline);
  await statement(day(), both - 7);
  await statementThrough(day());
  await run();
  assert.equal(await statusOf(id), 'verifying');
  await setAside(both - 7);
  await letTimePass(db, id, 600);
  await run();
  assert.equal(await statusOf(id), 'failed');
});

test('a line of another sum or of a day after the deadline keeps nothing open', async () => {
  await noStatementYet();
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 1 });
  const place = await shown(id);
  await letTimePass(db, id, 24 * 3_600 + pastDeadline);
  await statement(day(), place.total + 2);
  await statement(day(-1), place.total * 3);
  await statementThrough(day());
  await run();
  assert.equal(await statusOf(id), 'failed');
  await setAside(place.total + 2);
  await setAside(place.total * 3);
});

test('what is undecided at the end of the verification hours does not count', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 1 });
  const { buyer, id: place } = await joiner(id);
  await prove(buyer, place);
  await letTimePass(db, id, pastDeadline);
  await run();
  assert.equal(await statusOf(id), 'verifying');
  await letTimePass(db, id, 48 * 3_600);
  await run();
  assert.equal(await statusOf(id), 'failed');
  assert.equal((await placeOf(place)).status, 'refunded');
  assert.equal(await verify(place), 'credited');
});

test('an operator enters the day of a transfer; a day after the deadline is too late', async () => {
  await noStatementYet();
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 2 });
  const [inTime, late] = [await shown(id), await shown(id)];
  await letTimePass(db, id, 24 * 3_600 + pastDeadline);
  await run();
  assert.equal(await statusOf(id), 'verifying');
  assert.equal(await verify(inTime.id, { paid_on: day(-1) }), 'settled');
  assert.equal((await paymentOf(inTime.buyer, inTime.id))['paid_on'], day(-1));
  assert.equal(await verify(late.id, { paid_on: day() }), 'credited');
  assert.equal((await placeOf(late.id)).status, 'reserved');
});

test('a rejected proof is final: if nothing else is undecided the campaign fails at once', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 1 });
  const { buyer, id: place } = await joiner(id);
  await prove(buyer, place);
  await letTimePass(db, id, pastDeadline);
  await run();
  const reason = { reason: 'Bukan transfer ke kami' };
  expectStatus(await operator.post(`/participations/${place}/payment/reject`, reason), 200);
  await run();
  assert.equal(await statusOf(id), 'failed');
});

test('no buyer gets a due time after the deadline', async () => {
  const made = await shop.campaign({ payment_timing: 'upfront', hold_seconds: 86_400 });
  const [id, deadline] = [made.id, String(made['deadline'])];
  const { buyer, id: place } = await joiner(id);
  const payment = await paymentOf(buyer, place);
  assert.equal(Date.parse(String(payment['pay_by'])), Date.parse(deadline));
  assert.equal(Date.parse(String((await placeOf(place))['hold_expires_at'])), Date.parse(deadline));
  // A later deadline gives holds the time back that the earlier deadline had cut off.
  const later = { deadline: fromNow(48 * hourMs), reason: 'masih ramai' };
  expectStatus(await shop.seller.post(`/campaigns/${id}/extend`, later), 200);
  const longer = Date.parse(String((await paymentOf(buyer, place))['pay_by']));
  assert.ok(longer > Date.parse(deadline) && longer <= Date.now() + 24 * hourMs);
});

/** A completed campaign of buyers with one slot each. Their payments are due. */
async function completed(slots: number, terms: object = {}) {
  await noStatementYet();
  const { id } = await shop.campaign({ total_slots: slots, ...terms });
  const places: Place[] = [];
  for (let i = 0; i < slots; i++) places.push(await joiner(id));
  await run();
  assert.equal(await statusOf(id), 'completed');
  return { id, places };
}
const termAndGrace = 96 * 3_600;

test('a payment due at completion gets its term and grace period, and is then cancelled as unpaid', async () => {
  const { id, places } = await completed(3, { minimum_slots: 2 });
  const [paid, unseen, unpaid] = places as [Place, Place, Place];
  const { completed_at: at } = (await campaignOf(id)) as unknown as { completed_at: string };
  const payments = await Promise.all(places.map((one) => paymentOf(one.buyer, one.id)));
  for (const payment of payments) {
    const term = Date.parse(String(payment['pay_by'])) - Date.parse(at);
    assert.equal(Math.round(term / 1_000), termAndGrace);
  }
  assert.equal(await verify(paid.id, { paid_on: day() }), 'settled');
  await letTimePass(db, id, termAndGrace + 60);
  await run();
  assert.equal((await placeOf(unpaid.id)).status, 'confirmed', 'the statement may still show it');
  // The buyer paid on the last possible day, but the payment was found only afterwards.
  await statement(day(), payments[1]!['total']);
  await statementThrough(day());
  await run();
  assert.equal((await placeOf(unseen.id)).status, 'confirmed');
  const cancelled = await placeOf(unpaid.id);
  assert.deepEqual([cancelled.status, cancelled['cancel_reason']], ['cancelled', 'unpaid']);
  assert.equal(await statusOf(id), 'completed');
  const books = expectStatus(await staff.get(`/campaigns/${id}/books`), 200);
  assert.equal(books['gross'], 250_000);
  assert.equal(books['payouts_due'], 242_500);
  assert.equal((await campaignOf(id))['decision_until'], null);
});

test('the slots of an unpaid order are offered to the waiting list; paying the offer confirms it', async () => {
  const { id } = await shop.campaign({ total_slots: 1 });
  const leaver = await joiner(id);
  const waiter = await service.user();
  const body = { quantity: 1, shipping_address: 'Jalan Mawar 12, Semarang' };
  const entry = expectStatus(await waiter.post(`/campaigns/${id}/waiting`, body), 201);
  await run();
  assert.equal(await statusOf(id), 'completed');
  assert.equal(expectStatus(await waiter.get(`/waiting/${entry.id}`), 200).status, 'waiting');
  await letTimePass(db, id, termAndGrace + 48 * 3_600);
  await run();
  assert.equal((await placeOf(leaver.id))['cancel_reason'], 'unpaid');
  const offer = expectStatus(await waiter.get(`/waiting/${entry.id}`), 200);
  assert.equal(offer.status, 'offered');
  expectProblem(await waiter.post(`/waiting/${entry.id}/accept`), 409, 'offer_is_paid');
  const order = String(offer['order_id']);
  const payment = await paymentOf(waiter, order);
  assert.equal(payment['pay_by'], offer['offer_expires_at']);
  await statement(day(), payment['total']);
  const place = await placeOf(order);
  assert.deepEqual([place.status, place['quantity']], ['confirmed', 1]);
  assert.equal(expectStatus(await waiter.get(`/waiting/${entry.id}`), 200).status, 'accepted');
  assert.equal(expectStatus(await staff.get(`/campaigns/${id}/books`), 200)['gross'], 125_000);
});

test('an unpaid offer lapses, and money that arrives later is refunded', async () => {
  const { id } = await shop.campaign({ total_slots: 1 });
  await joiner(id);
  const waiter = await service.user();
  const body = { quantity: 1, shipping_address: 'Jalan Mawar 12, Semarang' };
  const entry = expectStatus(await waiter.post(`/campaigns/${id}/waiting`, body), 201);
  await run();
  await letTimePass(db, id, termAndGrace + 48 * 3_600);
  await run();
  const offer = expectStatus(await waiter.get(`/waiting/${entry.id}`), 200);
  const { total } = await paymentOf(waiter, String(offer['order_id']));
  await letTimePass(db, id, 24 * 3_600 + 48 * 3_600);
  await run();
  assert.equal(expectStatus(await waiter.get(`/waiting/${entry.id}`), 200).status, 'lapsed');
  await statement(day(), total);
  const { items } = expectStatus(await staff.get('/refunds?limit=100'), 200);
  assert.ok(items.some((one) => one['participation_id'] === offer['order_id']));
});

test('below the minimum the seller decides first, and an operator only after the seller’s time', async () => {
  const { id, places } = await completed(2);
  assert.equal(await verify(places[0]!.id, { paid_on: day() }), 'settled');
  const decide = (by: Client, decision: string) =>
    by.post(`/campaigns/${id}/decision`, { decision });
  expectProblem(await decide(shop.seller, 'cancel'), 409, 'no_decision_open');
  await letTimePass(db, id, termAndGrace + 48 * 3_600);
  await run();
  assert.notEqual((await campaignOf(id))['decision_until'], null);
  await service.app.monitor.look();
  const figures = await service.app.metrics.registry.metrics();
  assert.match(figures, /sambatan_work_queue_items\{queue="decisions"\} [1-9]/);
  const { items } = expectStatus(await staff.get('/payouts?limit=100'), 200);
  const payout = items.find((one) => one['campaign_id'] === id)!;
  expectProblem(await operator.post(`/payouts/${payout.id}/release`), 409, 'payout_unsettled');
  expectProblem(await decide(operator, 'cancel'), 409, 'decision_is_sellers');
  await letTimePass(db, id, 72 * 3_600 + 1);
  const off = expectStatus(await decide(operator, 'cancel'), 200);
  assert.equal(off.status, 'cancelled');
  assert.equal((await placeOf(places[0]!.id)).status, 'refunded');
  const books = expectStatus(await staff.get(`/campaigns/${id}/books`), 200);
  assert.deepEqual([books['gross'], books['payouts_due']], [0, 0]);
  assert.equal(books['refunds_due'], Number(books['paid']) + Number(books['unique_codes']));
  const shownTo = async ({ buyer, id: order }: Place) =>
    (await new SiteForms(service.url, buyer).get(`/en/ikutan/${order}`)).text;
  const refunded = await shownTo(places[0]!);
  assert.match(refunded, /cancelled because too few orders were paid/);
  assert.doesNotMatch(refunded, /below_minimum/);
  const unpaid = await shownTo(places[1]!);
  assert.match(unpaid, /The time to pay passed, so your slots were released/);
  assert.doesNotMatch(unpaid, /You cancelled/);
});

test('a seller continues below the minimum, and the payout covers what was paid', async () => {
  const { id, places } = await completed(2);
  assert.equal(await verify(places[0]!.id, { paid_on: day() }), 'settled');
  await letTimePass(db, id, termAndGrace + 48 * 3_600);
  await run();
  const body = { decision: 'continue', note: 'Tetap kami buat' };
  expectStatus(await shop.seller.post(`/campaigns/${id}/decision`, body), 200);
  assert.equal(await statusOf(id), 'completed');
  const books = expectStatus(await staff.get(`/campaigns/${id}/books`), 200);
  assert.deepEqual([books['gross'], books['payouts_due']], [125_000, 121_250]);
  assert.equal((await eventsOf(db, id)).at(-1), 'campaign_continued');
});
