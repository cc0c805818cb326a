import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse } from '../support/clients/client.ts';
import { codesOf, type DescribedOperation } from '../support/clients/contract.ts';
import { exampleRequest } from '../support/page-states/examples.ts';
import { startHttpService, type HttpService } from '../support/server/http-service.ts';
import { queryRows, lockCampaign, keepTransactionOpen } from '../support/builders/market.ts';
import { startFakeMidtrans, serverKey, signNotification } from '../support/fakes/midtrans.ts';
import { prepareOutage, type Outage } from '../support/server/outage.ts';
import { photo, pictureForm } from '../support/builders/pictures.ts';
import {
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  joinBody,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';

let outage: Outage;
const provider = await startFakeMidtrans();
const service = await startHttpService({
  environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
  proxiedDatabase: async (url) => {
    outage = await prepareOutage(url);
    return outage.url;
  },
});
after(async () => {
  await service.close();
  await outage.close();
  await provider.close();
});

/**
 * Health is left out because it reports the outage. Manual runs of the scheduler wait for each
 * other and are tested below.
 */
const tried = service.contract.operations.filter(
  ({ route }) => !/\/(health|scheduler\/\S+)$/.test(route),
);

/**
 * Sends all requests at the same time. On an idle machine the slowest answer arrives after three
 * seconds.
 */
async function allUnavailable(): Promise<void> {
  assert.ok(tried.length > 90);
  const somebody = await service.user();
  const wrong: string[] = [];
  await Promise.all(
    tried.map(async (described) => {
      const { route } = described;
      const request = await requestOf(described);
      const began = performance.now();
      const caller = route.includes('/me') ? somebody : service.service;
      const answer = await caller.send(request);
      const took = performance.now() - began;
      // A join may have been sent on a connection that was already lost, so its outcome is unknown.
      const sent = route.endsWith('/join') && answer.body.code === 'outcome_unknown';
      const code = sent ? 'outcome_unknown' : 'database_unavailable';
      if (answer.body.code === code && took < 9_000) expectProblem(answer, 503, code);
      else wrong.push(`${route}: ${Math.round(took)} ms, ${answer.status} ${answer.text}`);
    }),
  );
  assert.deepEqual(wrong, []);
}

/**
 * A request that is valid as far as the service can check it without the database. The service
 * names a user.
 */
async function requestOf({ route, operation }: DescribedOperation) {
  const example = exampleRequest(route);
  if (route.endsWith('/unsubscribe/{token}')) {
    const token = service.app.unsubscribeTokens.tokenFor({ userId: newId(), topic: 'campaigns' });
    return { ...example, path: `/unsubscribe/${token}` };
  }
  if (route.startsWith('PUT ') && route.endsWith('/picture')) {
    return { ...example, ...(await pictureForm(await photo())) };
  }
  if (route.endsWith('/statement')) {
    return { ...example, body: 'date,description,amount\n2026-11-20,TRSF Melati,125001' };
  }
  if (route.endsWith('/midtrans/notifications'))
    return { ...example, body: signNotification(told) };
  const forSomebody = operation.parameters?.some(
    (one) => one.name === 'user_id' && one.in === 'query',
  );
  return forSomebody ? { ...example, path: `${example.path}?user_id=${newId()}` } : example;
}

const told = {
  order_id: `SBT-${newId()}`,
  status_code: '200',
  gross_amount: '125001.00',
  transaction_status: 'settlement',
};

async function healthIs(status: string, ready: number): Promise<void> {
  assert.equal((await service.visitor.get('/health')).body.status, status);
  assert.equal((await service.visitor.get('//readyz')).status, ready);
  assert.equal((await service.visitor.get('//livez')).status, 200);
}

for (const away of ['refused', 'silent'] as const) {
  test(`a database outage (${away}) is detected within seconds, at the first use`, async () => {
    await outage.begin(away);
    try {
      await allUnavailable();
      await healthIs('degraded', 503);
    } finally {
      await outage.end();
    }
    assert.equal(service.app.db.stats().total, 0, 'the next one is a first use as well');
  });
}

let shop: Shop;

test('broken connections are detected and replaced', async () => {
  shop = await openShop(service);
  const { id } = await shop.campaign({ total_slots: 100 });
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      Array.from({ length: 15 }, async () => expectStatus(await shop.seller.get('/products'), 200)),
    );
    await outage.begin('refused');
    await allUnavailable().finally(() => outage.end());
    const began = performance.now();
    await join(await service.user(), id);
    assert.ok(performance.now() - began < 8_000, 'the first success came late');
  }
  expectStatus(await service.visitor.get('/health'), 200);
});

test('a manual scheduler run reports the outage, and works when the database is back', async () => {
  await outage.begin('refused');
  try {
    const away = await service.service.post('/scheduler/trigger');
    // A request on a connection that has just been lost may have reached the database.
    const sent = away.body.code === 'outcome_unknown';
    expectProblem(away, 503, sent ? 'outcome_unknown' : 'database_unavailable');
  } finally {
    await outage.end();
  }
  expectStatus(await service.service.post('/scheduler/trigger'), 200);
});

/** Every write that must lock the row of its campaign. */
const writes: Readonly<
  Record<string, (id: string, joined: string, entry: string) => Promise<ClientResponse>>
> = {
  'POST /campaigns/{id}/join': (id) =>
    service.service.post(`/campaigns/${id}/join`, joinBody({ user_id: newId() })),
  'PATCH /campaigns/{id}': (id) => shop.seller.patch(`/campaigns/${id}`, { title: 'Judul lain' }),
  'POST /campaigns/{id}/publish': (id) => shop.seller.post(`/campaigns/${id}/publish`),
  'POST /campaigns/{id}/extend': (id) =>
    shop.seller.post(`/campaigns/${id}/extend`, {
      deadline: fromNow(2 * hourMs),
      reason: 'masih ramai',
    }),
  'POST /campaigns/{id}/cancel': (id) =>
    shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'bahan habis' }),
  'POST /campaigns/{id}/cancel/preview': (id) =>
    shop.seller.post(`/campaigns/${id}/cancel/preview`),
  'POST /campaigns/{id}/decision': (id) =>
    shop.seller.post(`/campaigns/${id}/decision`, { decision: 'continue' }),
  'POST /campaigns/{id}/ship': (id) => shop.seller.post(`/campaigns/${id}/ship`),
  'POST /participations/{id}/cancel': (_id, joined) =>
    service.service.post(`/participations/${joined}/cancel`),
  'PATCH /participations/{id}': (_id, joined) =>
    service.service.send({
      method: 'PATCH',
      path: `/participations/${joined}`,
      body: { note: 'titip di satpam' },
    }),
  'POST /participations/{id}/confirm': (_id, joined) =>
    service.service.post(`/participations/${joined}/confirm`),
  'POST /participations/{id}/fulfil': (_id, joined) =>
    service.service.post(`/participations/${joined}/fulfil`),
  'POST /campaigns/{id}/waiting': (id) =>
    service.service.post(`/campaigns/${id}/waiting`, joinBody({ user_id: newId() })),
  'POST /waiting/{id}/accept': (_id, _joined, entry) =>
    service.service.post(`/waiting/${entry}/accept`),
  'POST /waiting/{id}/decline': (_id, _joined, entry) =>
    service.service.post(`/waiting/${entry}/decline`),
  'POST /waiting/{id}/withdraw': (_id, _joined, entry) =>
    service.service.post(`/waiting/${entry}/withdraw`),
};

/**
 * The routes that document a wait for the row of a campaign: either all routes about money, or all
 * other routes.
 */
const waiters = (ofMoney: boolean) =>
  service.contract.operations
    .filter(({ operation }) =>
      codesOf(operation.responses['503']?.description ?? '').includes('campaign_busy'),
    )
    .filter(({ operation }) => (operation.tags?.[0] === 'money') === ofMoney)
    .map(({ route }) => route.replace('/api/sambatan', ''))
    .toSorted();

/**
 * Sends each write while the campaign is locked. Each is answered “campaign busy”, on an idle
 * machine after two seconds.
 */
async function allBusy(
  asked: Readonly<Record<string, () => Promise<ClientResponse>>>,
): Promise<void> {
  const began = performance.now();
  await Promise.all(
    Object.entries(asked).map(async ([route, write]) => {
      const { body } = await write();
      assert.equal(body.code, 'campaign_busy', `${route}: ${JSON.stringify(body)}`);
      const took = performance.now() - began;
      assert.ok(took < 15_000, `${route} took ${Math.round(took)} ms`);
    }),
  );
}

test('writers of a locked campaign wait two seconds, and nobody else waits', async (t) => {
  assert.deepEqual(waiters(false), Object.keys(writes).toSorted());
  const { id } = await shop.campaign({ total_slots: 2 });
  const { id: joined } = await join(await service.user(), id, { quantity: 2 });
  const waiting = await service.user();
  const { id: entry } = expectStatus(
    await waiting.post(`/campaigns/${id}/waiting`, joinBody()),
    201,
  );
  const { id: elsewhere } = await shop.campaign();
  const held = await lockCampaign(service.db, id);
  t.after(() => held.commit());
  let areTold = false;
  const answers = allBusy(
    Object.fromEntries(
      Object.entries(writes).map(([route, write]) => [route, () => write(id, joined, entry)]),
    ),
  ).finally(() => (areTold = true));
  await join(await service.user(), elsewhere);
  expectStatus(await service.visitor.get(`/campaigns/${id}`), 200);
  expectStatus(await service.visitor.get(`/campaigns/${id}/progress`), 200);
  assert.ok(!areTold, 'others had to wait as long');
  await answers;
  await held.commit();
  expectStatus(await waiting.post(`/waiting/${entry}/withdraw`), 200);
});

/**
 * Routes that write data that belongs to no campaign, so they never wait for the row of a campaign.
 */
const ofNoCampaign = [
  'DELETE /receiving-accounts/{id}/statement-mapping',
  'GET /participations/{id}/payment',
  'PATCH /receiving-accounts/{id}',
  'POST /receiving-accounts',
  // A statement is imported in the background, so the request does not wait for the campaigns that
  // the statement pays.
  'POST /receiving-accounts/{id}/statement',
  'POST /receiving-accounts/{id}/statements',
  'POST /statement-lines/{id}/ignore',
  'POST /statements/{id}/apply',
  'PUT /brands/{id}/payout-account',
  'PUT /refund-account',
  'PUT /statement-lines/{id}/parts',
];

test('money operations of a locked campaign wait equally long', async (t) => {
  const staff = service.service;
  const till = expectStatus(
    await staff.post('/receiving-accounts', { bank: 'BCA', number: '5270099001', holder: 'PT' }),
    201,
  ).id;
  const { id } = await shop.campaign({ total_slots: 5 });
  const buyer = await service.user();
  const joined = [];
  for (let n = 0; n < 5; n++) joined.push((await join(buyer, id)).id);
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', id);
  const [unpaid = '', online = '', paid = '', refunded = '', disputed = ''] = joined;
  const path = (participation: string, what: string) => `/participations/${participation}/${what}`;
  expectStatus(await buyer.get(path(unpaid, 'payment')), 200);
  for (const one of [paid, refunded, disputed]) {
    expectStatus(await staff.post(path(one, 'payment/verify')), 200);
  }
  expectStatus(await buyer.post(path(online, 'pay-online')), 200);
  const [call] = await queryRows<{ reference: string }>(
    service.db,
    `select reference from sambatan.gateway_calls where participation_id = $1`,
    online,
  );
  const order = call!.reference;
  provider.buyer(order, 'settlement');
  const why = { reason: 'alasan yang jelas' };
  const dispute = expectStatus(await buyer.post(path(disputed, 'dispute'), why), 201).id;
  // The same money arrives a second time, so a refund is due.
  await queryRows(
    service.db,
    `select sambatan.receive_money($1, $2, 500, 'service', null, gen_random_uuid()::text)`,
    id,
    refunded,
  );
  const moved = await queryRows<{ kind: string; id: string }>(
    service.db,
    `select kind, transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind in ('refund', 'payout')`,
    id,
  );
  const [refund, payout] = ['refund', 'payout'].map(
    (kind) => moved.find((one) => one.kind === kind)!.id,
  );
  // The money arrives once more. The refund for it is then sent twice.
  await queryRows(
    service.db,
    `select sambatan.receive_money($1, $2, 700, 'service', null, gen_random_uuid()::text)`,
    id,
    refunded,
  );
  const twice = (text: string, which: string) =>
    queryRows<{ id: string }>(
      service.db,
      `select ${text} as id from sambatan.transactions
      where campaign_id = $1 and amount = 700 and ${which}`,
      id,
    );
  const settled = "sambatan.settle_ledger_entry(transaction_id, 'refund', 'TRF', 'service')";
  await twice(settled, "kind = 'refund'");
  const provided = "sambatan.refund_by_provider(transaction_id, 'midtrans', 'SBT-R-1', 'system')";
  await twice(provided, "kind = 'refund'");
  const claim = (await twice('transaction_id', "purpose = 'overpaid_refund'"))[0]!.id;
  const today = new Date(Date.now() + 7 * hourMs).toISOString().slice(0, 10);
  const statement = (amount: unknown, where = 'statement?apply=true') => ({
    method: 'POST',
    path: `/receiving-accounts/${till}/${where}`,
    body: `date,description,amount\n${today},TRSF,${String(amount)}`,
    headers: { 'content-type': 'text/csv' },
  });
  expectStatus(await staff.send(statement(4_321)), 200);
  expectStatus(await staff.send(statement(5_432)), 200);
  const [line, divided] = expectStatus(await staff.get('/statement-lines'), 200).items.map(
    (one) => one.id,
  );
  const parts = [{ participation_id: unpaid, amount: 100 }];
  const division = { method: 'PUT', path: `/statement-lines/${divided}/parts`, body: { parts } };
  expectStatus(await staff.send(division), 200);
  const ref = { reference: 'TRF 1' };
  const money: Readonly<Record<string, () => Promise<ClientResponse>>> = {
    'POST /participations/{id}/proof': async () =>
      buyer.send({
        method: 'POST',
        path: path(unpaid, 'proof'),
        body: await photo(),
        headers: { 'content-type': 'image/jpeg' },
      }),
    'POST /participations/{id}/payment/verify': () => staff.post(path(unpaid, 'payment/verify')),
    'POST /participations/{id}/payment/reject': () =>
      staff.post(path(unpaid, 'payment/reject'), why),
    'POST /participations/{id}/payment/write-off': () =>
      staff.post(path(unpaid, 'payment/write-off'), why),
    'POST /participations/{id}/dispute': () => buyer.post(path(paid, 'dispute'), why),
    'POST /participations/{id}/pay-online': () => buyer.post(path(unpaid, 'pay-online')),
    'POST /gateway/midtrans/notifications': () =>
      service.visitor.post('/gateway/midtrans/notifications', provider.notification(order)),
    'POST /statement-lines/settle': () =>
      staff.post('/statement-lines/settle', { ids: [divided], refund: true }),
    'POST /statement-lines/{id}/assign': () =>
      staff.post(`/statement-lines/${line}/assign`, { participation_id: unpaid }),
    'POST /refunds/settle': () => staff.post('/refunds/settle', { ids: [refund], ...ref }),
    'POST /refunds/{id}/fail': () => staff.post(`/refunds/${refund}/fail`, why),
    'POST /refunds/{id}/wait': () => staff.post(`/refunds/${refund}/wait`),
    'POST /refunds/{id}/reverse': () => staff.post(`/refunds/${refund}/reverse`, why),
    'POST /claims/{id}/settle': () => staff.post(`/claims/${claim}/settle`, ref),
    'POST /claims/{id}/give-up': () => staff.post(`/claims/${claim}/give-up`, why),
    'POST /payouts/{id}/release': () => staff.post(`/payouts/${payout}/release`),
    'POST /payouts/{id}/settle': () => staff.post(`/payouts/${payout}/settle`, ref),
    'POST /payouts/{id}/reverse': () => staff.post(`/payouts/${payout}/reverse`, why),
    'POST /campaigns/{id}/shortfall': () =>
      staff.post(`/campaigns/${id}/shortfall`, { slots: 4, ...why }),
    'POST /campaigns/{id}/shortfall/preview': () =>
      staff.post(`/campaigns/${id}/shortfall/preview`, { slots: 4 }),
    'POST /disputes/{id}/resolve': () =>
      staff.post(`/disputes/${dispute}/resolve`, {
        resolution: 'dismissed',
        explanation: 'sudah dicek',
      }),
  };
  assert.deepEqual(waiters(true), [...Object.keys(money), ...ofNoCampaign].toSorted());

  const held = await lockCampaign(service.db, id);
  t.after(() => held.commit());
  await allBusy(money);
  await held.commit();
  const books = expectStatus(await staff.get(`/campaigns/${id}/books`), 200);
  assert.equal(books['paid'], 3 * 125_000, 'nothing of it was written');
  expectStatus(await money['POST /payouts/{id}/release']!(), 409);
});

test('viewing a payment that another transaction is creating answers a temporary error', async (t) => {
  const { id } = await shop.campaign({ payment_timing: 'upfront' });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const making = await keepTransactionOpen(service.db, (tx) =>
    queryRows(
      tx,
      `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
        cause, actor, created_at)
      values ($1, 'payment', 'due', $2, 125000, 'payment:' || $2::uuid, 'system', now())`,
      id,
      held,
    ),
  );
  t.after(() => making.commit());
  expectProblem(await buyer.get(`/participations/${held}/payment`), 503, 'campaign_busy');
  await making.commit();
  expectStatus(await buyer.get(`/participations/${held}/payment`), 200);
});

test('joins above the queue limit are refused before anything is written', async (t) => {
  const full: HttpService = await startHttpService({ batching: { maxQueued: 0 } });
  t.after(full.close);
  const { id } = await (await openShop(full)).campaign();
  const answer = await (await full.user()).post(`/campaigns/${id}/join`, joinBody());
  expectProblem(answer, 503, 'overloaded');
  const { body } = await full.visitor.get(`/campaigns/${id}`);
  assert.equal(body['slots_taken'], 0);
});

test('an unexpected error is a 500 without details, and its log line contains no address', async (t) => {
  const broken = await startHttpService();
  t.after(broken.close);
  const { id } = await (await openShop(broken)).campaign();
  await queryRows(
    broken.db,
    `alter table sambatan.participants add constraint surprise check (quantity > 1)`,
  );
  const body = joinBody({ note: 'titip di satpam depan' });
  const answer = await (await broken.user()).post(`/campaigns/${id}/join`, body);
  expectProblem(answer, 500, 'internal_error');
  assert.ok(broken.logged.some((line) => line.includes('surprise')));
  await queryRows(broken.db, 'alter table sambatan.participants drop constraint surprise');
  await join(await broken.user(), id);
});
