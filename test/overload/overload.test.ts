import assert from 'node:assert/strict';
import { pbkdf2 } from 'node:crypto';
import { after, before, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { newId } from '../../src/identity/ids.ts';
import { countOf, startBlockedJoins } from '../support/clients/blocked-joins.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const most = 8;
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: String(most) },
  timeouts: { retryDelaysMs: [0] },
});
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const wish = () => joinBody({ user_id: newId() });
const crowded = (t: TestContext) => startBlockedJoins(t, service, shop, most);

const metric = async (name: string, label = '') => {
  const { text } = await service.visitor.get('//metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name}${label} `));
  return Number(line?.split(' ')[1]);
};
const joinSheds = () => metric('sambatan_http_shed_total', '{class="join"}');

test('a request above the limit is shed before anything is written, and accepted later', async (t) => {
  const { id, release: letGo } = await crowded(t);
  const before503 = await joinSheds();
  const mine = wish();
  const key = { 'idempotency-key': newId() };
  const path = `/campaigns/${id}/join`;
  const shed = await Promise.all(
    Array.from({ length: 50 }, () => service.service.post(path, mine, key)),
  );
  for (const { status, headers, body } of shed) {
    assert.deepEqual([status, body.code], [503, 'overloaded']);
    assert.equal(headers['retry-after'], '1');
    assert.match(headers['content-type'] ?? '', /^application\/problem\+json/);
  }
  assert.equal((await joinSheds()) - before503, 50);
  assert.equal(await metric('sambatan_http_requests_in_flight'), most);
  assert.equal(await countOf(service, id), 0);
  assert.deepEqual(await letGo(), Array<number>(most).fill(201));
  assert.equal(await countOf(service, id), most);
  const taken = await service.service.post(path, mine, key);
  assert.equal(taken.status, 201);
});

test('health, readiness and metrics are answered under any load', async (t) => {
  await crowded(t);
  for (const path of ['/health', '//livez', '//readyz', '//metrics', '//metrics?x=1']) {
    assert.equal((await service.visitor.get(path)).status, 200, path);
  }
  assert.equal((await service.visitor.get('/campaigns')).status, 503);
});

test('a shed browser gets a small page in its language without further files', async (t) => {
  const { id } = await crowded(t);
  const pages: [path: string, language: string, word: RegExp][] = [
    [`/sambatan/${id}`, 'id', /Sedang ramai sekali/],
    [`/en/sambatan/${id}`, 'en', /It’s very busy right now/],
    ['/en', 'en', /Try again/],
    ['/england', 'id', /Coba lagi/],
  ];
  for (const [path, language, word] of pages) {
    const { status, headers, text } = await service.visitor.get(`/${path}`);
    assert.equal(status, 503, path);
    assert.equal(headers['retry-after'], '1');
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(headers['content-type'] ?? '', /^text\/html/);
    assert.match(text, new RegExp(`<html lang="${language}">`));
    assert.match(text, word);
    assert.doesNotMatch(text, /<(link|img|script .*src)/);
  }
  const form = await service.visitor.send({
    method: 'POST',
    path: `//sambatan/${id}/ikut`,
    body: 'quantity=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(form.status, 503);
  const english = await service.visitor.get('/campaigns', { 'accept-language': 'en' });
  assert.equal(english.body['title'], 'Very busy right now');
});

/** Reports waiting times to the limiter: three in each of several windows. */
async function waits(
  concurrencyLimiter: ConcurrencyLimiter,
  windows: number,
  milliseconds: number,
): Promise<void> {
  for (let window = 0; window < windows; window++) {
    for (let n = 0; n < 3; n++) concurrencyLimiter.waited('connection', milliseconds);
    await sleep(110);
    concurrencyLimiter.waited('connection', milliseconds);
  }
}

test('the limit falls while all requests wait too long, and rises otherwise', async () => {
  const told: number[] = [];
  const concurrencyLimiter = new ConcurrencyLimiter({
    maxInFlight: 1_000,
    onShed: (sheds) => told.push(sheds),
  });
  for (let n = 0; n < 1_000; n++) concurrencyLimiter.enter();
  assert.equal(concurrencyLimiter.hasRoom('join'), false);
  concurrencyLimiter.shed('join');
  await waits(concurrencyLimiter, 3, 1_000);
  const low = concurrencyLimiter.limit;
  assert.ok(low <= 250, `${low}`);
  await waits(concurrencyLimiter, 10, 1_000);
  assert.ok(concurrencyLimiter.limit >= 16, 'it never stops everything');
  const lowest = concurrencyLimiter.limit;
  await waits(concurrencyLimiter, 4, 1);
  assert.ok(concurrencyLimiter.limit > lowest, `${concurrencyLimiter.limit}`);
  assert.deepEqual(told, [1]);
});

test('a single long wait, or some among short ones, does not lower the limit', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 1_000 });
  for (let window = 0; window < 4; window++) {
    concurrencyLimiter.waited('turn', 5_000);
    await sleep(110);
    concurrencyLimiter.waited('batch', 1);
    const some = window % 2 === 0 ? [3_000, 2] : [2, 4_000];
    for (const wait of some) concurrencyLimiter.waited('connection', wait);
  }
  assert.equal(concurrencyLimiter.limit, 512);
});

test('long event-loop turns do not lower the limit while there is capacity', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 1_000 });
  const longTurns = async (arriving: number) => {
    for (let turn = 0; turn < 8; turn++) {
      for (let n = 0; n < arriving; n++) {
        concurrencyLimiter.hasRoomForAll();
        if (concurrencyLimiter.hasRoom('join')) concurrencyLimiter.enter();
      }
      const end = performance.now() + 100;
      while (performance.now() < end);
      while (concurrencyLimiter.inFlight > 0) concurrencyLimiter.leave();
      await nextTurn();
    }
  };
  await longTurns(200);
  assert.equal(concurrencyLimiter.limit, 512);
  await longTurns(1_200);
  assert.ok(concurrencyLimiter.limit < 512, `${concurrencyLimiter.limit}`);
});

test('the learned limit is reset after a while without requests', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 1_000 });
  for (let n = 0; n < 1_000; n++) concurrencyLimiter.enter();
  await waits(concurrencyLimiter, 4, 1_000);
  assert.ok(concurrencyLimiter.limit < 300);
  for (let n = 0; n < 1_000; n++) concurrencyLimiter.leave();
  await sleep(2_100);
  concurrencyLimiter.waited('connection', 1);
  assert.equal(concurrencyLimiter.limit, 512);
});

test('a process starts with a low limit, which rises to the maximum only as far as it is used', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 2_000 });
  assert.equal(concurrencyLimiter.limit, 512);
  for (let n = 0; n < 100; n++) concurrencyLimiter.enter();
  await waits(concurrencyLimiter, 5, 1);
  assert.equal(concurrencyLimiter.limit, 512, 'nobody needs a higher one');
  for (let n = 0; n < 1_900; n++) concurrencyLimiter.enter();
  await waits(concurrencyLimiter, 30, 1);
  assert.equal(concurrencyLimiter.limit, 2_000);
});

test('a full thread pool counts as load, because pages wait for it', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 1_000 });
  for (let n = 0; n < 1_000; n++) concurrencyLimiter.enter();
  let busy = true;
  const load = () => pbkdf2('x', 'y', 400_000, 32, 'sha256', () => busy && load());
  for (let n = 0; n < 12; n++) load();
  await waitUntil(() => {
    concurrencyLimiter.hasRoomForAll();
    return concurrencyLimiter.limit < 512;
  });
  busy = false;
});
