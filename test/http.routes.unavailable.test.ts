import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../src/identity/ids.ts';
import type { Answer, Client } from './rig/client.ts';
import { codesOf } from './rig/contract.ts';
import { httpService, type HttpService } from './rig/http-service.ts';
import { ask, holdCampaign } from './rig/market.ts';
import { outageOf, type Outage } from './rig/outage.ts';
import {
  campaignBody,
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  joinBody,
  openShop,
  type Shop,
} from './rig/shop.ts';

let outage: Outage;
const service = await httpService({
  reach: async (url) => {
    outage = await outageOf(url);
    return outage.url;
  },
});
after(async () => {
  await service.close();
  await outage.close();
});

/** Every route that asks the database something, with a request that it understands. */
const requests: Readonly<Record<string, () => object | undefined>> = {
  'POST /brands': () => ({ name: 'Melati' }),
  'GET /products': none,
  'POST /products': () => ({ brand_id: newId(), name: 'Senja', base_price: 1 }),
  'PATCH /products/{id}': () => ({ name: 'Senja' }),
  'POST /campaigns': () => campaignBody(newId()),
  'GET /campaigns': none,
  'GET /campaigns/{id}': none,
  'PATCH /campaigns/{id}': () => ({ title: 'Senja lain' }),
  'POST /campaigns/{id}/publish': none,
  'POST /campaigns/{id}/extend': () => ({ deadline: fromNow(hourMs), reason: 'masih ramai' }),
  'POST /campaigns/{id}/cancel': () => ({ reason: 'bahan habis' }),
  'POST /campaigns/{id}/join': () => joinBody({ user_id: newId() }),
  'POST /campaigns/{id}/waiting': () => joinBody({ user_id: newId() }),
  'GET /campaigns/{id}/waiting': none,
  'GET /campaigns/{id}/waiting/mine': none,
  'GET /waiting/{id}': none,
  'POST /waiting/{id}/accept': none,
  'POST /waiting/{id}/decline': none,
  'POST /waiting/{id}/withdraw': none,
  'GET /campaigns/{id}/participants': none,
  'GET /campaigns/{id}/logs': none,
  'GET /campaigns/{id}/progress': none,
  'GET /campaigns/{id}/events': none,
  'GET /participations/{id}': none,
  'POST /participations/{id}/cancel': none,
  'POST /participations/{id}/confirm': none,
  'POST /participations/{id}/fulfil': none,
  'GET /notifications': none,
  'GET /notifications/unread': none,
  'GET /notifications/settings': none,
  'PUT /notifications/settings/{topic}': someone,
  'POST /notifications/read': someone,
  'POST /notifications/{id}/read': someone,
  'PUT /campaigns/{id}/reminder': someone,
  'DELETE /campaigns/{id}/reminder': someone,
  'POST /unsubscribe/{token}': none,
  'GET /webhooks': none,
  'POST /webhooks': () => ({ url: 'https://receiver.example/hook' }),
  'GET /webhooks/{id}': none,
  'PATCH /webhooks/{id}': () => ({}),
  'DELETE /webhooks/{id}': none,
  'POST /webhooks/{id}/rotate': none,
  'GET /webhooks/{id}/deliveries': none,
  'GET /deliveries': none,
  'POST /deliveries/{id}/resend': none,
  'GET /dashboard/summary': none,
  'POST /participations/{id}/pay-online': none,
  'POST /lifecycle/run': none,
};
function someone(): object {
  return { user_id: newId() };
}
function none(): undefined {
  return undefined;
}

/**
 * Routes that are not tried here: those of accounts, of brands' members and pictures, and of money,
 * which go the same way to the database as those that are.
 */
const ofOtherSlices =
  /\/(me|operators|invitations|brands\/\{|brands$(?<!POST \/brands)|receiving-accounts|refund-account|payments|statement-lines|refunds|payouts|disputes|gateway)|\/(picture|books|shortfall|payment|proof|dispute)(\/|$)/;

// Runs by hand wait for each other, so that the trigger is tried by itself below.
test('every route of campaigns, joins, waiting and messages is here', () => {
  const described = service.contract.operations
    .map(({ route }) => route.replace('/api/sambatan', ''))
    .filter((route) => !/\/(health|scheduler\/\S+)$/.test(route) && !ofOtherSlices.test(route));
  assert.deepEqual(described.toSorted(), Object.keys(requests).toSorted());
});

/** Asks for everything at once; gives how many milliseconds the slowest took. */
async function allUnavailable(client: Client): Promise<void> {
  await Promise.all(
    Object.entries(requests).map(async ([route, body]) => {
      const [method = '', path = ''] = route.split(' ');
      const began = performance.now();
      const answer = await client.send({
        method,
        path: pathOf(route, path),
        body: body(),
      });
      // A join may have been sent on a connection that nobody knew to be dead.
      const sent = route.endsWith('/join') && answer.body.code === 'outcome_unknown';
      expectProblem(answer, 503, sent ? 'outcome_unknown' : 'database_unavailable');
      const took = performance.now() - began;
      assert.ok(took < 3_000, `${route} took ${Math.round(took)} ms`);
    }),
  );
}

/** The path of a route about things that are not there; the service says whom it asks for. */
function pathOf(route: string, path: string): string {
  const { unsubscribeTokens } = service.app;
  const token = unsubscribeTokens.tokenFor({ userId: newId(), topic: 'campaigns' });
  const query = route.startsWith('GET /notifications') ? `?user_id=${newId()}` : '';
  return (
    path.replace('{id}', newId()).replace('{topic}', 'orders').replace('{token}', token) + query
  );
}

async function healthIs(status: string, ready: number): Promise<void> {
  assert.equal((await service.visitor.get('/health')).body.status, status);
  assert.equal((await service.visitor.get('//readyz')).status, ready);
  assert.equal((await service.visitor.get('//livez')).status, 200);
}

for (const away of ['refused', 'silent'] as const) {
  test(`a database that is away (${away}) is found out within 3 s, at the first use`, async () => {
    await outage.begin(away);
    try {
      await allUnavailable(service.service);
      await healthIs('degraded', 503);
    } finally {
      await outage.end();
    }
    assert.equal(service.app.db.stats().total, 0, 'the next one is a first use as well');
  });
}

let shop: Shop;

test('connections that were good and are cut are found out and made anew', async () => {
  shop = await openShop(service);
  const { id } = await shop.campaign({ total_slots: 100 });
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      Array.from({ length: 15 }, async () => expectStatus(await shop.seller.get('/products'), 200)),
    );
    await outage.begin('refused');
    await allUnavailable(service.service).finally(() => outage.end());
    const began = performance.now();
    await join(await service.user(), id);
    assert.ok(performance.now() - began < 2_000, 'the first success came late');
  }
  expectStatus(await service.visitor.get('/health'), 200);
});

test('a scheduler run by hand says that the database is away, and works when it is back', async () => {
  await outage.begin('refused');
  expectProblem(await service.service.post('/scheduler/trigger'), 503, 'database_unavailable');
  await outage.end();
  expectStatus(await service.service.post('/scheduler/trigger'), 200);
});

/** Every write that needs the campaign's row. */
const writes: Readonly<
  Record<string, (id: string, joined: string, entry: string) => Promise<Answer>>
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
  'POST /participations/{id}/cancel': (_id, joined) =>
    service.service.post(`/participations/${joined}/cancel`),
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

test('a campaign whose row is held makes its writers wait two seconds, and nobody else', async () => {
  const declared = service.contract.operations
    .filter(({ operation }) =>
      codesOf(operation.responses['503']?.description ?? '').includes('campaign_busy'),
    )
    .map(({ route }) => route.replace('/api/sambatan', ''))
    .filter((route) => !ofOtherSlices.test(route) && !route.endsWith('/pay-online'));
  assert.deepEqual(declared.toSorted(), Object.keys(writes).toSorted());

  const { id } = await shop.campaign({ total_slots: 2 });
  const { id: joined } = await join(await service.user(), id, { quantity: 2 });
  const waiting = await service.user();
  const { id: entry } = expectStatus(
    await waiting.post(`/campaigns/${id}/waiting`, joinBody()),
    201,
  );
  const { id: elsewhere } = await shop.campaign();
  const held = await holdCampaign(service.db, id);
  const began = performance.now();
  const answers = Object.entries(writes).map(async ([route, write]) => {
    expectProblem(await write(id, joined, entry), 503, 'campaign_busy');
    const took = performance.now() - began;
    assert.ok(took < 3_500, `${route} took ${Math.round(took)} ms`);
  });
  await join(await service.user(), elsewhere);
  expectStatus(await service.visitor.get(`/campaigns/${id}`), 200);
  expectStatus(await service.visitor.get(`/campaigns/${id}/progress`), 200);
  assert.ok(performance.now() - began < 1_000, 'others had to wait');
  await Promise.all(answers);
  await held.commit();
  expectStatus(await waiting.post(`/waiting/${entry}/withdraw`), 200);
});

test('more joins than there is room for are refused before anything is written', async (t) => {
  const full: HttpService = await httpService({ batching: { maxQueued: 0 } });
  t.after(full.close);
  const { id } = await (await openShop(full)).campaign();
  const answer = await (await full.user()).post(`/campaigns/${id}/join`, joinBody());
  expectProblem(answer, 503, 'overloaded');
  const { body } = await full.visitor.get(`/campaigns/${id}`);
  assert.equal(body['slots_taken'], 0);
});

test('what nobody foresaw is a 500 that tells nothing, and its log line tells no address', async (t) => {
  const broken = await httpService();
  t.after(broken.close);
  const { id } = await (await openShop(broken)).campaign();
  await ask(
    broken.db,
    `alter table sambatan.participants add constraint surprise check (quantity > 1)`,
  );
  const body = joinBody({ note: 'titip di satpam depan' });
  const answer = await (await broken.user()).post(`/campaigns/${id}/join`, body);
  expectProblem(answer, 500, 'internal_error');
  assert.ok(broken.logged.some((line) => line.includes('surprise')));
  await ask(broken.db, 'alter table sambatan.participants drop constraint surprise');
  await join(await broken.user(), id);
});
