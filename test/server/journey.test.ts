import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { readConfig } from '../../src/config/config.ts';
import { createApp } from '../../src/app/app.ts';
import { createLog } from '../../src/server/logging.ts';
import { siteFilePlugins, sitePages } from '../../src/server/site/pages.ts';
import { apiRoutes } from '../../src/server/routes.ts';
import { buildServer, stopServer } from '../../src/server/server.ts';
import { testDatabase } from '../support/database/database.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const buyer = '0198c1a0-0000-7000-8000-00000000000b';
const address = 'Jalan Melati 5, Yogyakarta';

const { url: databaseUrl, close } = await testDatabase();
const lines: string[] = [];
const { log } = createLog(
  'debug',
  new Writable({ write: (line: Buffer, _encoding, done) => (lines.push(String(line)), done()) }),
);
const app = createApp({ config: readConfig({}), log, databaseUrl, serviceKey });
const server = await buildServer(
  { ...app, isDraining: () => false },
  apiRoutes(app),
  sitePages(app),
  siteFilePlugins(app),
);
await app.changeNotifier.start();
await server.listen({ port: 0, host: '127.0.0.1' });
after(async () => {
  await stopServer(server, 1_000);
  await app.close();
  await close();
});

async function post<T>(path: string, body: object): Promise<T> {
  const answer = await server.inject({
    method: 'POST',
    url: `/api/sambatan${path}`,
    headers: { authorization: `Bearer ${serviceKey}` },
    payload: body,
  });
  assert.ok(answer.statusCode < 300, answer.body);
  return answer.json<T>();
}

async function campaign(): Promise<string> {
  const brand = await post<{ id: string }>('/brands', {
    name: 'Melati Wangi',
    owner_id: randomUUID(),
  });
  const product = await post<{ id: string }>('/products', {
    brand_id: brand.id,
    name: 'Senja',
    base_price: 150_000,
    sambatan_enabled: true,
  });
  const { id } = await post<{ id: string }>('/campaigns', {
    product_id: product.id,
    title: 'Senja batch pertama',
    total_slots: 2,
    price_per_slot: 125_000,
    deadline: new Date(Date.now() + 3_600_000),
  });
  await post(`/campaigns/${id}/publish`, {});
  return id;
}

async function watch(id: string, headers: Record<string, string> = {}) {
  const { port } = server.server.address() as AddressInfo;
  const path = `/api/sambatan/campaigns/${id}/events`;
  const asked = get({ port, host: '127.0.0.1', path, headers, agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  let text = '';
  response.on('data', (chunk: Buffer) => (text += chunk.toString()));
  /** The text that the stream has sent, as soon as it contains this part. */
  const heard = async (part: string) => {
    const signal = AbortSignal.timeout(5_000);
    while (!text.includes(part)) await once(response, 'data', { signal });
    return text;
  };
  return { heard, end: () => response.destroy() };
}

test('a visitor sees a campaign fill live, also after reconnecting', async () => {
  const id = await campaign();
  const first = await watch(id);
  await first.heard('event: progress');
  await post(`/campaigns/${id}/join`, { user_id: buyer, quantity: 2, shipping_address: address });
  const text = await first.heard('"status":"full"');
  first.end();
  const progress = await server.inject(`/api/sambatan/campaigns/${id}/progress`);
  const data = text.split('data: ').at(-1) ?? '';
  assert.deepEqual(JSON.parse(data), progress.json());
  assert.match(text, /event: status\nid: \d+\ndata: [^\n]*"campaign_full"[^\n]*"slots_taken":2/);

  const second = await watch(id, { 'last-event-id': '1' });
  const again = await second.heard('event: progress');
  assert.match(again, /"campaign_full"/);
  assert.doesNotMatch(text + again, /Melati 5|00000000000b/);
  second.end();
});

test('the log contains the campaign id of a request, never an address, a token or a key', async () => {
  const id = await campaign();
  await post(`/campaigns/${id}/join`, { user_id: buyer, quantity: 1, shipping_address: address });
  const answered = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(answered.some((line) => line['campaign_id'] === id && line['status'] === 201));
  assert.doesNotMatch(lines.join(''), /Jalan Melati|service-key/);
});
