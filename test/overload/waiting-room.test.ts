import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { WaitingPlaces, placeSeconds } from '../../src/overload/waiting-place.ts';
import { WaitingRoom } from '../../src/overload/waiting-room.ts';
import { openShop, type Shop } from '../support/builders/shop.ts';
import { startBlockedJoins } from '../support/clients/blocked-joins.ts';
import { openRaw } from '../support/clients/raw.ts';
import { serviceKey, startHttpService } from '../support/server/http-service.ts';
import { waitUntil } from '../support/server/until.ts';

const browser = 'Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36';
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: '40' },
  timeouts: { retryDelaysMs: [0] },
});
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

/** Fills the share of pages, and less than the share of everything above them. */
const fillPages = (t: TestContext) => startBlockedJoins(t, service, shop, 24);

const asPage = { 'user-agent': browser, 'sec-fetch-dest': 'document' };
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(service.url + path, { headers: { ...asPage, ...headers } });
const fromHere = { ...asPage, 'sec-fetch-site': 'same-origin' };
const post = (path: string, body: URLSearchParams | string, headers: object = fromHere) =>
  fetch(service.url + path, {
    method: 'POST',
    redirect: 'manual',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
const placeOf = (answer: Response): string => {
  const [cookie = ''] = answer.headers.getSetCookie();
  return cookie.split(';')[0]!;
};

const places = new WaitingPlaces(serviceKey, false);
const seconds = () => Math.floor(Date.now() / 1_000);
const cookieOf = (arrivedAt: number, seenAt = seconds()) =>
  places.header(places.create(arrivedAt), seenAt).split(';')[0]!;

// This test comes first: shortly after many joins, there are other limits for pages.
test('whoever waited longer gets in first; a forged or old cookie gains nothing', async () => {
  const limiter = service.app.concurrencyLimiter;
  const set = (inFlight: number) => {
    while (limiter.inFlight < inFlight) limiter.enter();
    while (limiter.inFlight > inFlight) limiter.leave();
  };
  try {
    set(24);
    const now = seconds();
    for (let n = 0; n < 40; n++) {
      assert.equal((await get('/', { cookie: cookieOf(now - 60) })).status, 503);
    }
    // There is room for those who have waited, and not for newcomers.
    set(18);
    await waitUntil(async () => (await get('/')).status === 503);
    const old = cookieOf(now - 600);
    const others = {
      'a newcomer': '',
      'a later place': cookieOf(now),
      'a forged place': `${old.slice(0, -3)}AAA`,
      'a place with another time': old.replace('=', '=0'),
      'an expired place': cookieOf(now - 900, now - placeSeconds - 5),
      'a place of another installation': new WaitingPlaces('another key', false)
        .header(places.create(now - 600), now)
        .split(';')[0]!,
    };
    for (const [name, cookie] of Object.entries(others)) {
      assert.equal((await get('/', { cookie })).status, 503, name);
    }
    for (let copies = 0; copies < 10; copies++) {
      assert.equal((await get('/', { cookie: old })).status, 200);
    }
    assert.equal((await get('/', { cookie: old })).status, 503, 'a copied place is used up');
    assert.equal((await get('/', { cookie: cookieOf(now - 601) })).status, 200);
  } finally {
    set(0);
  }
});

test('a rejected visitor gets a page that asks again by itself, and keeps a place', async (t) => {
  await fillPages(t);
  for (const [path, words] of [
    ['/', /Kamu sudah masuk antrean/],
    ['/en', /You’re in line/],
  ] as const) {
    const answer = await get(path);
    const text = await answer.text();
    assert.equal(answer.status, 503);
    assert.match(text, words);
    const refresh = Number(answer.headers.get('refresh'));
    assert.ok(refresh >= Number(answer.headers.get('retry-after')));
    const [cookie = ''] = answer.headers.getSetCookie();
    assert.match(cookie, /^sambatan-antre=[\w.-]+; Max-Age=120; Path=\/; HttpOnly; SameSite=Lax$/);
    const policy = answer.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'.*script-src 'sha256-.*form-action 'self'/);
    assert.doesNotMatch(text, /(?:src|href)="[^"]/, 'it needs no other file');
  }
});

test('a place keeps the time of arrival, and only people get one', async (t) => {
  await fillPages(t);
  const first = placeOf(await get('/'));
  const again = placeOf(await get('/', { cookie: first }));
  const [arrived, , id] = first.split('=')[1]!.split('.');
  assert.deepEqual([again.split('=')[1]!.split('.')[0], again.split('.')[2]], [arrived, id]);
  for (const [path, headers] of [
    ['/api/sambatan/campaigns', {}],
    ['/', { 'sec-fetch-dest': 'image' }],
    ['/', { 'user-agent': 'curl/8.5.0' }],
  ] as const) {
    const answer = await get(path, headers);
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [503, []]);
  }
});

test('the chosen theme is kept', async (t) => {
  await fillPages(t);
  const answer = await get('/', { cookie: 'theme=dark' });
  assert.match(await answer.text(), /<html lang="id" +data-theme="dark">/);
});

test('the answer to a form contains what was typed, escaped, for the same address', async (t) => {
  await fillPages(t);
  const fields = new URLSearchParams([
    ['email', '"><script>alert(1)</script>'],
    ['note', 'Kopi & roti\r\n100 % “enak” $& $1'],
    ['key', 'a-key'],
    ['note', 'second'],
  ]);
  const answer = await post('/sambatan/1/antre?x=1', fields);
  const text = await answer.text();
  assert.equal(answer.status, 503);
  assert.match(text, /Isianmu tersimpan di halaman ini, tapi belum terkirim/);
  assert.equal(answer.headers.get('refresh'), null, 'the browser would ask without the form');
  assert.doesNotMatch(text, /<script>alert/);
  assert.match(text, /<form method="post">/);
  const inputs = [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  const unescape = (value: string) =>
    value
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  assert.deepEqual(
    inputs.map(([, name, value]) => [name, unescape(value!)]),
    [...fields],
  );
  assert.equal(answer.headers.get('cache-control'), 'no-store');
});

test('a form of another site, a file or a long text is not sent again by the page', async (t) => {
  await fillPages(t);
  const rest = 'a=b';
  const foreign = { ...asPage, 'sec-fetch-site': 'cross-site' };
  const multipart = { ...fromHere, 'content-type': 'multipart/form-data; boundary=x' };
  for (const [body, headers] of [
    [rest, foreign],
    [rest, { ...asPage, 'sec-fetch-site': 'same-site' }],
    [rest, asPage],
    [rest, { ...fromHere, 'sec-fetch-dest': 'iframe' }],
    [rest, multipart],
    [`a=${'x'.repeat(17_000)}`, fromHere],
    ['a=1&'.repeat(300), fromHere],
  ] as const) {
    const answer = await post('/tema', body, headers);
    const text = await answer.text();
    assert.equal(answer.status, 503);
    assert.doesNotMatch(text, /<form/);
    assert.equal(answer.headers.get('refresh'), null);
    assert.match(text, /Isianmu belum terkirim/);
  }
});

test('a form that is broken off is not answered, and holds nothing', async (t) => {
  await fillPages(t);
  const head =
    'POST /tema HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n' +
    `User-Agent: ${browser}\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: document\r\n` +
    'Content-Type: application/x-www-form-urlencoded\r\n\r\na=b';
  const port = Number(new URL(service.url).port);
  const broken = openRaw(port, head);
  broken.socket.end();
  await broken.closed;
  const late = openRaw(port, head);
  assert.match(await late.closed, /503 Service Unavailable[^]*Isianmu belum terkirim/);
});

test('the threshold follows those who wait, and nobody waits when they have gone', () => {
  const room = new WaitingRoom();
  const at = (arrivedAt: number) => places.create(arrivedAt);
  const start = 1_800_000_000;
  assert.equal(room.isDue(undefined, start), true);
  for (let n = 0; n < 30; n++) room.reject(at(start - 20), start);
  for (let n = 0; n < 30; n++) room.reject(at(start), start);
  const due = (arrivedAt: number, now: number) => room.isDue(at(arrivedAt), now);
  assert.deepEqual([due(start - 30, start + 1), due(start, start + 1)], [true, false]);
  for (let n = 0; n < 50; n++) room.admit(at(start - 20), start + 1);
  assert.equal(due(start, start + 2), true, 'there is room for fifty');
  assert.equal(room.isDue(undefined, start + 2), false);
  assert.equal(room.isDue(undefined, start + 30), true);
});
