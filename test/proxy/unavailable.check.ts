import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { keepTransactionOpen, queryRows } from '../support/builders/market.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { startProxy } from '../support/server/haproxy.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService({
  environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' },
});
const proxy = await startProxy(
  { after },
  { replicas: [service.url], variables: { PROXY_MAX_WRITES: '1', PROXY_QUEUE_TIMEOUT: '300ms' } },
);
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

interface Shown {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Headers;
}

async function show(url: string, path: string, init: RequestInit = {}): Promise<Shown> {
  const answer = await fetch(url + path, init);
  const { status, headers } = answer;
  return { status, type: headers.get('content-type') ?? '', text: await answer.text(), headers };
}

/** Whether this is the proxy's own response for people, in this language. */
function expectPage({ status, type, text, headers }: Shown, language: string, word: RegExp): void {
  assert.equal(status, 503);
  assert.equal(type, 'text/html; charset=utf-8');
  assert.match(text, new RegExp(`<html lang="${language}">`));
  assert.match(text, word);
  // A request for another file would be refused too.
  assert.doesNotMatch(text, /(?:src|href)="[^"]/);
  assert.match(headers.get('content-security-policy') ?? '', /style-src 'sha256-/);
  expectTemporary(headers);
}

function expectProblem({ status, type, text, headers }: Shown, title: string): void {
  assert.equal(status, 503);
  assert.equal(type, 'application/problem+json');
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(
    [problem['code'], problem['status'], problem['title']],
    ['overloaded', 503, title],
  );
  assert.equal(headers.get('vary'), 'Accept-Language');
  expectTemporary(headers);
}

function expectTemporary(headers: Headers): void {
  assert.ok(Number(headers.get('retry-after')) > 0);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
}

test('without a service the proxy answers with its own pages and problem documents', async (t) => {
  const nobody = createServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  const alone = await startProxy(t, { replicas: [`http://127.0.0.1:${port}`] });
  expectPage(await show(alone.url, '/sambatan/x'), 'id', /Sedang ramai/);
  expectPage(await show(alone.url, '/en/sambatan/x'), 'en', /Very busy right now/);
  const form = await show(alone.url, '/akun', { method: 'POST', body: 'a=b' });
  expectPage(form, 'id', /Sedang ramai/);
  assert.equal(form.headers.get('refresh'), null, 'the browser would ask without the form');
  const page = await show(alone.url, '/');
  assert.ok(Number(page.headers.get('refresh')) >= 3, 'the page asks again by itself');
  const api = '/api/sambatan/campaigns';
  expectProblem(await show(alone.url, api), 'Sedang ramai');
  const english = { headers: { 'accept-language': 'en-GB,en;q=0.9,id;q=0.5' } };
  expectProblem(await show(alone.url, api, english), 'Very busy right now');
});

test('joins above the limit wait, then get 503, and are not stored; pages are answered', async () => {
  const { id } = await shop.campaign({ total_slots: 50 });
  const holder = await keepTransactionOpen(service.db, (tx) =>
    queryRows(tx, 'select from sambatan.campaigns where campaign_id = $1 for update', id),
  );
  const join = () =>
    show(proxy.url, `/api/sambatan/campaigns/${id}/join`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.service.token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(joinBody({ user_id: newId() })),
    });
  const first = join();
  await waitUntil(() => service.app.concurrencyLimiter.inFlight === 1);
  for (const refused of await Promise.all([join(), join(), join()])) {
    expectProblem(refused, 'Sedang ramai');
  }
  assert.equal((await show(proxy.url, '/')).status, 200);
  assert.equal((await show(proxy.url, `/api/sambatan/campaigns/${id}`)).status, 200);
  await holder.commit();
  assert.equal((await first).status, 201);
  assert.equal((await join()).status, 201);
  const stored = await queryRows(
    service.db,
    'select from sambatan.participants where campaign_id = $1',
    id,
  );
  assert.equal(stored.length, 2);
});

test('a broken answer of the service is told as an unknown outcome', async (t) => {
  const broken = createServer((socket) => {
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString().startsWith('GET /readyz')) {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      } else socket.destroy();
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  t.after(() => broken.close());
  await once(broken, 'listening');
  const { port } = broken.address() as AddressInfo;
  const alone = await startProxy(t, { replicas: [`http://127.0.0.1:${port}`] });
  const post = { method: 'POST', body: 'a=b' };
  const api = await show(alone.url, '/api/sambatan/campaigns', post);
  assert.deepEqual([api.status, api.type], [502, 'application/problem+json']);
  assert.equal((JSON.parse(api.text) as { code: string }).code, 'outcome_unknown');
  const page = await show(alone.url, '/en/akun', post);
  assert.deepEqual([page.status, page.type], [502, 'text/html; charset=utf-8']);
  assert.match(page.text, /The connection dropped/);
  expectTemporary(page.headers);
});

test('the metrics are not public', async () => {
  const metrics = await show(proxy.url, '/metrics');
  assert.deepEqual([metrics.status, metrics.text.includes('sambatan_')], [404, false]);
  assert.match(metrics.text, /Halaman tidak ditemukan/);
  assert.equal((await show(service.url, '/metrics')).status, 200);
});
