import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, test, type TestContext } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { VerifiedCredentials } from '../../src/overload/credentials.ts';
import { LoadShedder } from '../../src/overload/load-shedder.ts';
import { WaitingPlaces } from '../../src/overload/waiting-place.ts';
import { RetrySchedule } from '../../src/overload/retry-schedule.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { startBlockedJoins } from '../support/clients/blocked-joins.ts';
import { signIn } from '../support/clients/sign-in.ts';
import { startHttpService } from '../support/server/http-service.ts';

const max = 40;
const browser = 'Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36';
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: String(max) },
  timeouts: { retryDelaysMs: [0] },
});
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

/** Fills more than the share of pages, and less than the share of everything above them. */
const fillPages = (t: TestContext) => startBlockedJoins(t, service, shop, 24);

async function shedOf(priority: string): Promise<number> {
  const { text } = await service.visitor.get('//metrics');
  const name = `sambatan_http_shed_total{class="${priority}"} `;
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.slice(name.length),
  );
}

test('while pages are rejected, joins and signed-in people are served', async (t) => {
  const buyer = await signIn(service, 'pembeli@example.com');
  const { id } = await shop.campaign();
  await fillPages(t);
  const headers = { 'user-agent': browser };
  const page = await service.visitor.get(`//sambatan/${id}`, headers);
  const robot = await service.visitor.get('/campaigns');
  assert.deepEqual([page.status, robot.status], [503, 503]);
  assert.equal((await service.visitor.get(`/campaigns/${id}/progress`)).status, 200);
  assert.equal((await buyer.get(`/sambatan/${id}`)).status, 200);
  const wish = joinBody({ user_id: newId() });
  assert.equal((await service.service.post(`/campaigns/${id}/join`, wish)).status, 201);
  assert.deepEqual([await shedOf('page'), await shedOf('robot'), await shedOf('join')], [1, 1, 0]);
});

test('a join without an account has the priority of a page', async (t) => {
  const { id } = await shop.campaign();
  await fillPages(t);
  const answer = await service.visitor.post(`/campaigns/${id}/join`, joinBody({}));
  assert.equal(answer.status, 503);
});

test('a token that was rejected does not raise the priority', async (t) => {
  const forger = service.withToken('forged');
  await fillPages(t);
  assert.equal((await forger.get('/me')).status, 401);
  const limiter = service.app.concurrencyLimiter;
  for (let n = 0; n < 16; n++) limiter.enter({ claim: 'unverified' });
  try {
    assert.equal((await forger.get('/me')).status, 503);
    assert.equal((await shop.seller.get('/me')).status, 503, 'nobody has seen this token yet');
  } finally {
    for (let n = 0; n < 16; n++) limiter.leave({ claim: 'unverified' });
  }
});

const places = new WaitingPlaces('service-key-of-at-least-32-characters', false);

/** A request that is only looked at by the load shedder, and never answered. */
function request(method: string, url: string, headers: Record<string, string> = {}) {
  const socket = { remoteAddress: '198.51.100.1', once: () => undefined, destroyed: true };
  return { method, url, headers, socket } as unknown as IncomingMessage;
}
const nobody = {} as ServerResponse;

/** A load shedder with this many requests in flight, of at most 100. */
function loaded(inFlight: number) {
  const limiter = new ConcurrencyLimiter({ maxInFlight: 100 });
  const shedder = new LoadShedder(limiter, places, { isProxy: () => false });
  for (let n = 0; n < inFlight; n++) limiter.enter();
  const accepts = (one: IncomingMessage) => shedder.accepts(one, nobody, false);
  return { limiter, shedder, accepts };
}

test('each class is rejected from its share of the limit on', () => {
  const signedIn = { authorization: 'Bearer a' };
  const classes: [number, IncomingMessage][] = [
    [30, request('GET', '/api/sambatan/campaigns')],
    [55, request('GET', '/', { 'user-agent': browser })],
    [70, request('GET', '/api/sambatan/campaigns/1/progress')],
    [85, request('GET', '/api/sambatan/me', signedIn)],
    [100, request('POST', '/api/sambatan/campaigns/1/join', signedIn)],
    [100, request('POST', '/api/sambatan/gateway/midtrans/notifications')],
  ];
  for (const [share, one] of classes) {
    assert.equal(loaded(share - 1).accepts(one), true, `${one.url} below ${share}`);
    assert.equal(loaded(share).accepts(one), false, `${one.url} at ${share}`);
  }
  assert.equal(loaded(1_000).accepts(request('GET', '/metrics')), true);
});

test('while many joins are in flight, few requests of low priority are accepted beside them', () => {
  const { limiter, accepts } = loaded(0);
  const page = () => request('GET', '/', { 'user-agent': browser });
  for (let n = 0; n < 19; n++) limiter.enter({ isJoin: true });
  for (let n = 0; n < 20; n++) limiter.enter();
  assert.equal(accepts(page()), true, 'a few joins leave time for everybody');
  for (let n = 0; n < 20; n++) limiter.leave();
  for (let n = 0; n < 21; n++) limiter.enter({ isJoin: true });
  for (let n = 0; n < 4; n++) {
    assert.equal(accepts(page()), true);
    limiter.enter();
  }
  for (let n = 0; n < 40; n++) limiter.leave({ isJoin: true });
  assert.equal(accepts(page()), false, 'the next joins will come at once');
  assert.equal(accepts(request('GET', '/akun', { cookie: 'sambatan=a' })), true);
});

test('clients that pretend to be signed in use at most their share', () => {
  const { limiter, shedder, accepts } = loaded(60);
  const join = (token: string) =>
    request('POST', '/api/sambatan/campaigns/1/join', { authorization: `Bearer ${token}` });
  let pretenders = 0;
  for (let n = 0; n < 40; n++) {
    const one = join(`forged ${n}`);
    if (!accepts(one)) continue;
    limiter.enter({ claim: shedder.acceptanceOf(one)?.claim });
    pretenders++;
  }
  assert.equal(pretenders, 25);
  const genuine = join('genuine');
  assert.equal(accepts(genuine), false);
  const earlier = { claim: undefined, credential: 'Bearer genuine', isKnown: false };
  shedder.recordCredential(earlier, true);
  assert.equal(accepts(genuine), true);
  shedder.recordCredential({ ...earlier, isKnown: true }, false);
  assert.equal(accepts(genuine), false, 'its session has ended');
});

test('the memory for credentials is bounded and contains no credential', () => {
  const verified = new VerifiedCredentials();
  for (let n = 0; n < 25_000; n++) verified.record(`token ${n}`, true);
  assert.equal(verified.size, 20_000);
  assert.deepEqual([verified.has('token 0'), verified.has('token 24999')], [false, true]);
  assert.doesNotMatch(JSON.stringify(verified), /token/);
});

test('rejected clients are asked to come back one after the other', () => {
  const schedule = new RetrySchedule();
  for (let n = 0; n < 1_000; n++) schedule.accepted(5_500);
  const seconds = Array.from({ length: 12_000 }, () => schedule.nextSeconds(6_500));
  const counts = Map.groupBy(seconds, (one) => one);
  assert.deepEqual(
    [...counts].map(([second, all]) => [second, all.length]),
    [...Array.from({ length: 9 }, (_, n) => [n + 1, 1_000]), [10, 3_000]],
  );
  assert.equal(schedule.nextSeconds(60_000), 1, 'everybody has come back');
});
