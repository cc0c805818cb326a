import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { midtrans } from '../../src/ledger/gateway/midtrans.ts';
import { Reconciler } from '../../src/ledger/gateway/reconcile.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, lockCampaign, waitForLockWait } from '../support/builders/market.ts';
import { startFakeMidtrans, serverKey } from '../support/fakes/midtrans.ts';
import { photo } from '../support/builders/pictures.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';

const provider = await startFakeMidtrans();
after(provider.close);
const service = await startHttpService({
  environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
});
after(service.close);
service.secrets.add(serverKey);
const staff = service.service;
const shop = await openShop(service);
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
const till = expectStatus(await staff.post('/receiving-accounts', bank), 201).id;
const operator = await service.operator();
const picture = await photo();
const { db, app } = service;
const price = 125_000;

beforeEach(() => {
  for (const operation of ['create', 'status', 'refund'] as const) provider.failNext(operation);
  provider.refuseRefunds(false);
});

interface Bought {
  readonly buyer: Client;
  readonly campaign: string;
  readonly id: string;
}
async function bought(wish: object = {}): Promise<Bought> {
  const terms = { payment_timing: 'upfront', hold_seconds: 3_600, ...wish };
  const { id: campaign } = await shop.campaign(terms);
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  return { buyer, campaign, id };
}
const online = ({ buyer, id }: Bought) => buyer.post(`/participations/${id}/pay-online`);
const pageOf = async (one: Bought) => String(expectStatus(await online(one), 200)['redirect_url']);
const orderOf = async ({ id }: Bought): Promise<string> => {
  const [row] = await queryRows<{ reference: string }>(
    db,
    `select reference from sambatan.gateway_calls where participation_id = $1
      and kind = 'payment' order by created_at desc limit 1`,
    id,
  );
  return row?.reference ?? '';
};
/** A buyer who has opened the payment page of an order at the provider. */
async function ordered(wish: object = {}) {
  const one = await bought(wish);
  await pageOf(one);
  return { ...one, order: await orderOf(one) };
}
const statusOf = async ({ id }: Bought) =>
  expectStatus(await staff.get(`/participations/${id}`), 200).status;
const paymentOf = async ({ buyer, id }: Bought) =>
  expectStatus(await buyer.get(`/participations/${id}/payment`), 200).status;
const booksOf = async ({ campaign }: Bought) =>
  expectStatus(await staff.get(`/campaigns/${campaign}/books`), 200) as unknown as Record<
    string,
    number
  >;
const notify = (body: object) => service.visitor.post('/gateway/midtrans/notifications', body);
const countOf = (operation: string, order: string) =>
  provider.calls.filter((call) => call.operation === operation && call.order === order).length;
/** Makes every scheduled status query due now, and runs the reconciliation. */
const reconcile = async (): Promise<Record<string, unknown>> => {
  await queryRows(
    db,
    `update sambatan.gateway_calls set next_check_at = clock_timestamp()
    where next_check_at is not null`,
  );
  return expectStatus(await staff.post('/gateway/reconcile'), 200) as unknown as Record<
    string,
    unknown
  >;
};
const callOff = async ({ campaign }: Bought) =>
  expectStatus(
    await shop.seller.post(`/campaigns/${campaign}/cancel`, { reason: 'Bahan habis' }),
    200,
  );

test('an online payment is confirmed by its notification; repeated notifications count once', async () => {
  const one = await ordered();
  assert.equal(await pageOf(one), await pageOf(one), 'who asks again gets the same page');
  assert.equal(countOf('create', one.order), 1);
  assert.equal(await paymentOf(one), 'pending');
  provider.buyer(one.order, 'settlement');
  const told = provider.notification(one.order);
  const answers = await Promise.all([notify(told), notify(told), notify(told)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  expectStatus(await notify(told), 200);
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['confirmed', 'settled']);
  assert.equal((await booksOf(one))['held'], price);
  expectProblem(await online(one), 409, 'payment_not_open');
});

test('concurrent requests for the payment page of one payment share one order', async () => {
  const one = await bought();
  const answers = await Promise.all(Array.from({ length: 6 }, () => online(one)));
  const pages = answers.filter(({ status }) => status === 200);
  assert.ok(pages.length > 0);
  assert.equal(new Set(pages.map(({ body }) => body['redirect_url'])).size, 1);
  const orders = await queryRows(
    db,
    'select from sambatan.gateway_calls where participation_id = $1',
    one.id,
  );
  assert.equal(orders.length, 1);
});

test('viewing a payment while it is being opened online does not deadlock', async () => {
  for (let round = 0; round < 12; round++) {
    const one = await bought();
    const look = () => one.buyer.get(`/participations/${one.id}/payment`);
    const answers = await Promise.all([online(one), look(), look(), online(one)]);
    assert.deepEqual([answers[1].status, answers[2].status], [200, 200]);
    assert.ok([answers[0].status, answers[3].status].includes(200));
  }
});

test('the first proof locks the campaign before it creates the payment, as an online payment does', async (t) => {
  const one = await bought();
  const held = await lockCampaign(db, one.campaign);
  t.after(() => held.commit());
  const answers = Promise.all([prove(one), online(one)]);
  await waitForLockWait(db);
  // If one of the waiting requests had already locked the payment, it would block every other
  // transaction that needs the payment.
  const make = () =>
    db.transaction(async (tx) => {
      await queryRows(tx, "set local lock_timeout = '100ms'");
      await queryRows(tx, 'select sambatan.open_payment($1, $2)', one.campaign, one.id);
      throw new Error('made');
    });
  await assert.rejects(make, /made/);
  await held.commit();
  const [proven, page] = await answers;
  assert.equal(proven.status, 'proof_submitted');
  assert.ok([200, 409].includes(page.status), page.text);
});

test('a forged notification has no effect, and a genuine one is verified with the provider', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'pending');
  const told = provider.notification(one.order);
  const forged = { ...told, transaction_status: 'settlement', signature_key: 'a'.repeat(128) };
  expectProblem(await notify(forged), 403, 'notification_not_genuine');
  expectProblem(await notify({ ...told, gross_amount: '1.00' }), 403, 'notification_not_genuine');
  expectProblem(await notify({ ...told, signature_key: '' }), 403, 'notification_not_genuine');
  // The signature does not include the status, so the service asks the provider for it.
  expectStatus(await notify({ ...told, transaction_status: 'settlement' }), 200);
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['reserved', 'pending']);
});

test('a notification about an unknown order is accepted without effect', async () => {
  const strange = await ordered();
  provider.buyer(strange.order, 'settlement');
  const order = strange.order;
  await queryRows(
    db,
    'update sambatan.gateway_calls set reference = $2 where reference = $1',
    order,
    newId(),
  );
  expectStatus(await notify(provider.notification(order)), 200);
  assert.equal(await statusOf(strange), 'reserved');
});

test('notifications in the wrong order lead to the true status', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'pending');
  const early = provider.notification(one.order);
  provider.buyer(one.order, 'settlement');
  expectStatus(await notify(provider.notification(one.order)), 200);
  expectStatus(await notify(early), 200);
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['confirmed', 'settled']);
  assert.equal((await booksOf(one))['held'], price);
});

test('a lost notification is recovered, and concurrent reconciliations count the money once', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'settlement');
  const other = new Reconciler(app.payments, app.log);
  await Promise.all([reconcile(), other.run(), reconcile()]);
  await reconcile();
  assert.equal(await statusOf(one), 'confirmed');
  assert.equal((await booksOf(one))['held'], price);
});

test('a card payment under fraud review counts once it is accepted', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'capture', 'challenge');
  expectStatus(await notify(provider.notification(one.order)), 200);
  assert.equal(await paymentOf(one), 'pending');
  provider.buyer(one.order, 'capture', 'accept');
  await reconcile();
  assert.equal(await paymentOf(one), 'settled');
});

test('a denied card may be followed by another; an expired order is replaced', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'deny');
  expectStatus(await notify(provider.notification(one.order)), 200);
  assert.equal(await paymentOf(one), 'pending');
  provider.buyer(one.order, 'expire');
  expectStatus(await notify(provider.notification(one.order)), 200);
  assert.equal(await paymentOf(one), 'due');
  await pageOf(one);
  const second = await orderOf(one);
  assert.notEqual(second, one.order);
  provider.buyer(second, 'settlement');
  expectStatus(await notify(provider.notification(second)), 200);
  assert.equal(await statusOf(one), 'confirmed');
});

test('money that arrives after a lapsed hold without free slots is refunded', async () => {
  const one = await ordered({ total_slots: 1, minimum_slots: 1 });
  await queryRows(
    db,
    `update sambatan.participants set hold_expires_at = now() - interval '1 hour'
    where participation_id = $1`,
    one.id,
  );
  await queryRows(db, 'select sambatan.settle_campaign($1, false, 1000)', one.campaign);
  await join(await service.user(), one.campaign);
  provider.buyer(one.order, 'settlement');
  await reconcile();
  await reconcile();
  assert.deepEqual(provider.refundsOf(one.order), [price]);
  const books = await booksOf(one);
  assert.deepEqual([books['refunds_due'], books['refunds_settled']], [0, price]);
});

/**
 * A transfer on a bank statement: the price plus the unique code. Returns the outcome of its line.
 */
async function transferred({ id }: Bought, code: number): Promise<unknown> {
  const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
  const line = `${today},TRSF ${id},${price + code}`;
  const applied = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: `date,description,amount\n${line}`,
    headers: { 'content-type': 'text/csv' },
  });
  expectStatus(applied, 200);
  const [row] = await queryRows<{ status: string; outcome: string | null }>(
    db,
    'select status::text, outcome from sambatan.statement_lines where description = $1',
    `TRSF ${id}`,
  );
  return row?.outcome ?? row?.status;
}
const prove = async ({ buyer, id }: Bought) => {
  const path = `/participations/${id}/proof`;
  const headers = { 'content-type': 'image/jpeg' };
  return expectStatus(await buyer.send({ method: 'POST', path, body: picture, headers }), 200);
};
const codeOf = async ({ buyer, id }: Bought) =>
  Number(expectStatus(await buyer.get(`/participations/${id}/payment`), 200)['unique_code']);
/** The money that the campaign holds, and its refunds that are due or settled. */
const standing = async (one: Bought) => {
  const { held, refunds_due: due, refunds_settled: settled } = await booksOf(one);
  return { held, due, settled };
};

test('a buyer who was sent to the provider’s page may transfer instead; the order’s money goes back', async () => {
  const one = await ordered();
  const code = await codeOf(one);
  assert.equal(await transferred(one, code), 'settled');
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['confirmed', 'settled']);
  provider.buyer(one.order, 'settlement');
  await reconcile();
  assert.deepEqual(provider.refundsOf(one.order), [price], 'by the way on which it came');
  assert.deepEqual(await standing(one), { held: price + code, due: 0, settled: price });
});

test('a transfer in addition to an online payment is refunded in full', async () => {
  const one = await ordered();
  const code = await codeOf(one);
  provider.buyer(one.order, 'settlement');
  expectStatus(await notify(provider.notification(one.order)), 200);
  const paid = expectStatus(await one.buyer.get(`/participations/${one.id}/payment`), 200);
  assert.deepEqual([paid['total'], paid['unique_code']], [price, 0], 'what was paid, not more');
  assert.equal(await transferred(one, code), 'credited');
  await reconcile();
  assert.deepEqual(provider.refundsOf(one.order), [], 'that money is the seller’s');
  assert.deepEqual(await standing(one), {
    held: 2 * price + code,
    due: price + code,
    settled: 0,
  });
});

test('a proof replaces the online payment: it waits for verification and stops the hold', async () => {
  const one = await ordered();
  assert.equal((await prove(one)).status, 'proof_submitted');
  const [hold] = await queryRows<{ hold_expires_at: Date | null }>(
    db,
    'select hold_expires_at from sambatan.participants where participation_id = $1',
    one.id,
  );
  assert.equal(hold!.hold_expires_at, null);
  expectProblem(await online(one), 409, 'payment_not_open');
  provider.buyer(one.order, 'expire');
  await reconcile();
  assert.equal(await paymentOf(one), 'proof_submitted', 'the order is none of its business');
  expectStatus(await staff.post(`/participations/${one.id}/payment/verify`, {}), 200);
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['confirmed', 'settled']);
});

test('an online order counts even after a proof, and the proven transfer goes back', async () => {
  const one = await ordered();
  const code = await codeOf(one);
  await prove(one);
  provider.buyer(one.order, 'settlement');
  await reconcile();
  assert.deepEqual([await statusOf(one), await paymentOf(one)], ['confirmed', 'settled']);
  assert.equal(await transferred(one, code), 'credited');
  assert.deepEqual(await standing(one), {
    held: 2 * price + code,
    due: price + code,
    settled: 0,
  });
});

test('after a rejected proof the buyer gets the same payment page, not a second order', async () => {
  const one = await ordered();
  const page = await pageOf(one);
  await prove(one);
  const no = { reason: 'Fotonya buram' };
  expectStatus(await operator.post(`/participations/${one.id}/payment/reject`, no), 200);
  assert.equal(await pageOf(one), page);
  assert.equal(await paymentOf(one), 'pending');
  assert.equal(countOf('create', one.order), 1);
  provider.buyer(one.order, 'settlement');
  expectStatus(await notify(provider.notification(one.order)), 200);
  assert.equal(await statusOf(one), 'confirmed');
});

test('of two concurrent payments one counts and the other is refunded', async () => {
  for (let round = 0; round < 4; round++) {
    const one = await ordered();
    const code = await codeOf(one);
    provider.buyer(one.order, 'settlement');
    const [, outcome] = await Promise.all([
      notify(provider.notification(one.order)),
      transferred(one, code),
    ]);
    await reconcile();
    assert.equal(await statusOf(one), 'confirmed');
    // If another payment happens to have the same amount, an operator must allocate the transfer.
    const both =
      outcome === 'settled'
        ? { held: price + code, due: 0, settled: price }
        : outcome === 'ambiguous'
          ? { held: price, due: 0, settled: 0 }
          : { held: 2 * price + code, due: price + code, settled: 0 };
    assert.deepEqual(await standing(one), both, String(outcome));
  }
});

for (const mood of [429, 500, 401, 'lost', 'garbage'] as const) {
  test(`an order creation answered with ${mood} is retried under the same reference`, async () => {
    const one = await bought();
    provider.failNext('create', mood);
    expectProblem(await online(one), 503, 'gateway_unavailable');
    assert.equal(await paymentOf(one), 'pending');
    await pageOf(one);
    const order = await orderOf(one);
    assert.equal(countOf('create', order), 2);
    provider.buyer(order, 'settlement');
    expectStatus(await notify(provider.notification(order)), 200);
    assert.equal((await booksOf(one))['held'], price);
  });
}

test('an order whose page was never returned is closed, and the payment is due again', async () => {
  const one = await bought();
  provider.failNext('create', 'lost');
  expectProblem(await online(one), 503, 'gateway_unavailable');
  await reconcile();
  assert.equal(await paymentOf(one), 'due');
  await pageOf(one);
  assert.equal(await paymentOf(one), 'pending');
});

test('a reference already used at the provider is replaced by a new one', async () => {
  const one = await bought();
  provider.failNext('create', 'lost');
  expectProblem(await online(one), 503, 'gateway_unavailable');
  const first = await orderOf(one);
  // After some minutes the provider has forgotten the key of the call, but not the order.
  provider.forgetKeys();
  expectProblem(await online(one), 409, 'gateway_refused');
  await pageOf(one);
  assert.notEqual(await orderOf(one), first);
});

test('a call without a response times out with an unknown result', async () => {
  const settings = { serverKey, snapUrl: provider.url, apiUrl: provider.url };
  const gateway = midtrans(settings, 50);
  provider.failNext('status', 'hang');
  provider.failNext('refund', 'hang');
  const status = await gateway.orderStatus('SBT-nobody-1');
  const order = { orderReference: 'SBT-nobody-1', reference: 'SBT-nobody-2', amount: 1n };
  const refund = await gateway.refund(order);
  assert.deepEqual([status.outcome, refund.outcome], ['unknown', 'unknown']);
});

for (const mood of [429, 500, 'lost', 'garbage'] as const) {
  test(`while the status query answers ${mood} nothing is counted, and afterwards once`, async () => {
    const one = await ordered();
    provider.buyer(one.order, 'settlement');
    const told = provider.notification(one.order);
    provider.failNext('status', mood);
    expectProblem(await notify(told), 503, 'gateway_unavailable');
    assert.equal(await statusOf(one), 'reserved');
    expectStatus(await staff.post('/gateway/reconcile'), 200);
    assert.equal(await statusOf(one), 'confirmed');
    expectStatus(await notify(told), 200);
    assert.equal((await booksOf(one))['held'], price);
  });
}

for (const mood of [429, 500, 'lost', 'garbage'] as const) {
  test(`a refund answered with ${mood} is made once, whichever process checks it`, async () => {
    const one = await ordered();
    provider.buyer(one.order, 'settlement');
    expectStatus(await notify(provider.notification(one.order)), 200);
    await callOff(one);
    provider.failNext('refund', mood);
    assert.equal((await reconcile())['stopped'], 'provider_away');
    assert.equal((await booksOf(one))['refunds_due'], price);
    const other = new Reconciler(app.payments, app.log);
    await Promise.all([reconcile(), other.run()]);
    await reconcile();
    assert.deepEqual(provider.refundsOf(one.order), [price]);
    const books = await booksOf(one);
    assert.deepEqual([books['refunds_due'], books['refunds_settled']], [0, price]);
  });
}

test('concurrent reconciliations send each refund once', async () => {
  const many = await Promise.all(Array.from({ length: 6 }, () => ordered()));
  for (const one of many) {
    provider.buyer(one.order, 'settlement');
    expectStatus(await notify(provider.notification(one.order)), 200);
    await callOff(one);
  }
  const others = [1, 2, 3].map(() => new Reconciler(app.payments, app.log));
  await Promise.all(others.map((one) => one.run()));
  for (const one of many) {
    assert.deepEqual(provider.refundsOf(one.order), [price]);
    assert.equal(countOf('refund', one.order), 1);
    assert.equal((await booksOf(one))['refunds_settled'], price);
  }
});

test('a refund that the provider cannot make is left to an operator and not retried', async () => {
  const one = await ordered();
  provider.buyer(one.order, 'settlement');
  expectStatus(await notify(provider.notification(one.order)), 200);
  await callOff(one);
  provider.refuseRefunds(true);
  await reconcile();
  await reconcile();
  assert.equal(countOf('refund', one.order), 1);
  const failed = expectStatus(await staff.get('/refunds?failed=true&limit=100'), 200).items;
  const mine = failed.find((each) => each['participation_id'] === one.id);
  assert.match(String(mine?.['reason']), /412/);
  expectStatus(await staff.post('/refunds/settle', { ids: [mine!.id], reference: 'TRF 12' }), 200);
  assert.equal((await booksOf(one))['refunds_settled'], price);
});

/** A buyer with a refund that is due through the provider. Also returns the id of the refund. */
async function refundable() {
  const one = await ordered();
  provider.buyer(one.order, 'settlement');
  expectStatus(await notify(provider.notification(one.order)), 200);
  await callOff(one);
  const [row] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'refund'`,
    one.campaign,
  );
  return { ...one, refund: row?.id ?? '' };
}
const settleByHand = (refund: string) =>
  staff.post('/refunds/settle', { ids: [refund], reference: `TRF ${refund.slice(0, 8)}` });

test('a refund sent to the provider cannot also be settled by hand', async () => {
  const one = await refundable();
  provider.failNext('refund', 500);
  assert.equal((await reconcile())['stopped'], 'provider_away');
  expectProblem(await settleByHand(one.refund), 409, 'movement_transition_not_allowed');
  await reconcile();
  assert.deepEqual(provider.refundsOf(one.order), [price]);
  assert.equal((await booksOf(one))['refunds_settled'], price);
});

test('a refund that an operator took back is not sent to the provider again', async () => {
  const one = await refundable();
  provider.failNext('refund', 500);
  await reconcile();
  const why = { reason: 'Tidak ada jawaban' };
  expectStatus(await staff.post(`/refunds/${one.refund}/fail`, why), 200);
  expectStatus(await settleByHand(one.refund), 200);
  await reconcile();
  await reconcile();
  assert.deepEqual(provider.refundsOf(one.order), []);
  assert.equal((await booksOf(one))['refunds_settled'], price);
  const open = await queryRows(
    db,
    'select from sambatan.gateway_calls where transaction_id = $1 and next_check_at is not null',
    one.refund,
  );
  assert.equal(open.length, 0, 'nothing more is asked after it');
});

/**
 * A refund that the provider has sent without answering, so that an operator sent it again by hand.
 */
async function madeByHandAsWell() {
  const one = await refundable();
  provider.failNext('refund', 'lost');
  await reconcile();
  const why = { reason: 'Tidak ada jawaban' };
  expectStatus(await staff.post(`/refunds/${one.refund}/fail`, why), 200);
  expectStatus(await settleByHand(one.refund), 200);
  return one;
}
const claimOf = async ({ id }: Bought) => {
  const { items } = expectStatus(await staff.get('/claims?limit=100'), 200);
  return items.filter((claim) => claim['participation_id'] === id);
};
/** The money that was sent, and how much of it was returned, is still owed back, or is lost. */
const twice = async (one: Bought) => {
  const { held, refunds_settled: out, returned, owed_back: owed, lost } = await booksOf(one);
  return { held, out, returned, owed, lost };
};

test('a refund made by hand and by the provider is booked twice and becomes an overpaid refund', async () => {
  const one = await madeByHandAsWell();
  const told: string[] = [];
  const log = { ...app.log, error: (_what: unknown, words?: unknown) => told.push(String(words)) };
  await queryRows(
    db,
    `update sambatan.gateway_calls set next_check_at = clock_timestamp()
    where next_check_at is not null`,
  );
  const reconciler = new Reconciler(app.payments, log as unknown as typeof app.log);
  assert.equal((await reconciler.run()).stopped, null);
  await reconcile();
  assert.deepEqual(told, ['DUPLICATE REFUND: it was also made by hand']);
  const both = { held: -price, out: 2 * price, returned: 0, owed: price, lost: 0 };
  assert.deepEqual(await twice(one), both);
  const [claim, ...more] = await claimOf(one);
  assert.deepEqual([claim?.['amount'], more.length], [price, 0]);
  expectStatus(await staff.post(`/claims/${claim!.id}/settle`, { reference: 'TRF 88' }), 200);
  expectStatus(await staff.post(`/claims/${claim!.id}/settle`, { reference: 'TRF 88' }), 200);
  assert.deepEqual(await twice(one), { ...both, held: 0, returned: price, owed: 0 });
  assert.deepEqual(await claimOf(one), []);
});

test('a notification of a refund that was also made by hand books the duplicate at once', async () => {
  const one = await madeByHandAsWell();
  const told = provider.notification(one.order);
  const answers = await Promise.all([notify(told), notify(told), notify(told)]);
  for (const answer of answers) expectStatus(answer, 200);
  const both = { held: -price, out: 2 * price, returned: 0, owed: price, lost: 0 };
  assert.deepEqual(await twice(one), both);
  const [claim] = await claimOf(one);
  const lost = { reason: 'Pembeli tidak bisa dihubungi' };
  expectStatus(await staff.post(`/claims/${claim!.id}/give-up`, lost), 200);
  assert.deepEqual(await twice(one), { ...both, owed: 0, lost: price });
  // Even if a claim was written off, the buyer may still send the money back.
  expectStatus(await staff.post(`/claims/${claim!.id}/settle`, { reference: 'TRF 89' }), 200);
  assert.deepEqual(await twice(one), { ...both, held: 0, returned: price, owed: 0 });
});

test('a refund that the provider makes after it was marked as failed is booked when reported', async () => {
  const one = await madeByHandAsWell();
  // Simulates that the provider sent the refund only after the service had asked about it.
  await queryRows(
    db,
    `update sambatan.gateway_calls set status = 'not_made', next_check_at = null
    where transaction_id = $1`,
    one.refund,
  );
  expectStatus(await notify(provider.notification(one.order)), 200);
  expectStatus(await notify(provider.notification(one.order)), 200);
  assert.equal((await twice(one)).owed, price);
});

test('if the bank returns one of two duplicate refunds, nothing is owed or due again', async () => {
  const one = await madeByHandAsWell();
  expectStatus(await notify(provider.notification(one.order)), 200);
  const back = { reason: 'Rekening tutup' };
  const answer = expectStatus(await staff.post(`/refunds/${one.refund}/reverse`, back), 200);
  assert.equal(answer.status, 'settled');
  const books = await booksOf(one);
  assert.deepEqual([books['owed_back'], books['refunds_due'], books['held']], [0, 0, 0]);
  // The bank returns the other refund too, so the buyer now has neither of them.
  expectStatus(await staff.post(`/refunds/${one.refund}/reverse`, back), 200);
  assert.equal((await booksOf(one))['refunds_due'], price);
});

test('a returned refund is no longer due once the provider has made it', async () => {
  const one = await madeByHandAsWell();
  const back = { reason: 'Rekening tutup' };
  expectStatus(await staff.post(`/refunds/${one.refund}/reverse`, back), 200);
  expectStatus(await notify(provider.notification(one.order)), 200);
  const books = await booksOf(one);
  assert.deepEqual([books['owed_back'], books['refunds_due'], books['held']], [0, 0, 0]);
});

test('the cost of a duplicate refund is not taken from the seller', async () => {
  const one = await bought({ total_slots: 2, minimum_slots: 1 });
  const other = await service.user();
  const { id: second } = await join(other, one.campaign);
  await pageOf(one);
  const order = await orderOf(one);
  provider.buyer(order, 'settlement');
  expectStatus(await notify(provider.notification(order)), 200);
  expectStatus(await staff.post(`/participations/${second}/confirm`), 200);
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', one.campaign);
  // The buyer pays a second time on the provider's page. That payment is refunded twice.
  const again = "select sambatan.receive_money($1, $2, $3, 'system', null, 'lain:1')";
  await queryRows(db, again, one.campaign, one.id, price);
  const [refund] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'refund'`,
    one.campaign,
  );
  expectStatus(await settleByHand(refund!.id), 200);
  const provided = "select sambatan.refund_by_provider($1, 'midtrans', 'SBT-R-lain', 'system')";
  await queryRows(db, provided, refund!.id);
  for (const buyer of [one.id, second]) {
    expectStatus(await staff.post(`/participations/${buyer}/fulfil`), 200);
  }
  const { items } = expectStatus(await staff.get('/payouts?limit=100'), 200);
  const payout = items.find((each) => each['campaign_id'] === one.campaign)!.id;
  expectStatus(await staff.post(`/payouts/${payout}/settle`, { reference: 'TRF 90' }), 200);
});

test('automatic refunds are not in the operators’ list until they fail', async () => {
  const one = await refundable();
  const own = { bank: 'BNI', number: '0900112255', holder: 'Sari' };
  expectStatus(await one.buyer.send({ method: 'PUT', path: '/refund-account', body: own }), 200);
  const isListed = async () => {
    const { items } = expectStatus(await staff.get('/refunds?limit=100'), 200);
    const { text } = await staff.get('/refunds/export');
    return [items.some(({ id }) => id === one.refund), text.includes(one.refund)];
  };
  assert.deepEqual(await isListed(), [false, false]);
  provider.refuseRefunds(true);
  await reconcile();
  assert.deepEqual(await isListed(), [true, true]);
});

test('a quarantined database sends and counts nothing until it is released', async () => {
  const one = await ordered();
  const fresh = await bought();
  provider.buyer(one.order, 'settlement');
  const before = provider.calls.length;
  await queryRows(
    db,
    "update sambatan.installation set quarantined_since = now(), quarantine_reason = 'restored'",
  );
  try {
    expectProblem(await online(fresh), 409, 'installation_held');
    assert.equal((await reconcile())['stopped'], 'held');
    assert.equal(provider.calls.length, before);
    expectProblem(await notify(provider.notification(one.order)), 409, 'installation_held');
  } finally {
    await queryRows(
      db,
      'update sambatan.installation set quarantined_since = null, quarantine_reason = null',
    );
  }
  await reconcile();
  assert.equal(await statusOf(one), 'confirmed');
});

test('only the buyer pays online, and only staff reconcile manually', async () => {
  const one = await bought();
  const stranger = await service.user();
  const path = `/participations/${one.id}/pay-online`;
  expectProblem(await stranger.post(path), 404, 'participation_not_found');
  expectProblem(await service.visitor.post(path), 401, 'unauthenticated');
  expectProblem(await stranger.post('/gateway/reconcile'), 403, 'forbidden');
});
