import { translate } from '../../src/i18n/messages.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SharedPageCache } from '../../src/http/shared-pages.ts';
import { newId } from '../../src/identity/ids.ts';
import { html } from '../../src/web/html.ts';
import type { PageContext } from '../../src/web/visit.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { join, openShop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService();
const shop = await openShop(service);
after(() => service.close());

const readers = { identity: (bytes: Buffer) => bytes, gzip: gunzipSync, br: brotliDecompressSync };
const taken = (text: string) =>
  /(\d+) dari \d+ slot terisi|(\d+) of \d+ slots taken/.exec(text)?.[0];

/** Requests a page of the cache as a visitor. Returns the response. */
async function askFor(pages: SharedPageCache, visit: PageContext, id: string): Promise<string> {
  let sent = '';
  const reply = {
    header: () => reply,
    type: () => reply,
    send: (bytes: Buffer) => {
      sent = bytes.toString();
      return reply;
    },
  };
  const request = { visit, headers: {} };
  await pages.send(request as unknown as FastifyRequest, reply as unknown as FastifyReply, id);
  return sent;
}

test('concurrent visitors share one rendering; a later visitor gets a new one', async () => {
  const drawn: string[] = [];
  const { promise: drying, resolve: dry } = Promise.withResolvers<void>();
  const pages = new SharedPageCache(async (_visit, id) => {
    drawn.push(id);
    await drying;
    return { title: `${id} ${drawn.length}`, main: html`<p>${id}</p>` };
  });
  const visit = {
    language: 'id',
    path: '/sambatan/a',
    origin: service.url,
    theme: undefined,
    now: new Date(),
    person: undefined,
    sessionId: undefined,
    sessionEnded: false,
    page: '/sambatan/a',
    isAnswer: false,
    preferred: undefined,
    actor: { kind: 'visitor', address: '127.0.0.1' },
    t: (key, ...values) => translate('id', key, ...values),
    url: (path) => path,
  } satisfies PageContext;
  const crowd = Array.from({ length: 40 }, () => askFor(pages, visit, 'a'));
  await waitUntil(() => drawn.length === 1);
  const late = Array.from({ length: 40 }, () => askFor(pages, visit, 'a'));
  await waitUntil(() => drawn.length === 2);
  dry();
  assert.equal(new Set(await Promise.all(crowd)).size, 1);
  assert.equal(new Set(await Promise.all(late)).size, 1);
  assert.deepEqual(drawn, ['a', 'a']);
});

test('a visitor’s page was read after their request', async () => {
  const { id } = await shop.campaign({ total_slots: 50 });
  for (let joined = 1; joined <= 10; joined++) {
    // Requests that run at the same time as the join may show it or not.
    const others = Array.from({ length: 5 }, () => service.visitor.get(`//sambatan/${id}`));
    await join(await service.user(), id, { quantity: 1 });
    const { text } = await service.visitor.get(`//sambatan/${id}`);
    assert.equal(taken(text), `${joined} dari 50 slot terisi`);
    await Promise.all(others);
  }
});

test('renderings are separate per language, and a missing page does not affect others', async () => {
  const { id } = await shop.campaign({});
  const [indonesian, english, missing, another] = await Promise.all([
    service.visitor.get(`//sambatan/${id}`),
    service.visitor.get(`//en/sambatan/${id}`),
    service.visitor.get(`//sambatan/${newId()}`),
    service.visitor.get(`//sambatan/${id}?dari=wa`),
  ]);
  assert.match(indonesian.text, /<html lang="id"/);
  assert.match(english.text, /<html lang="en"/);
  assert.equal(missing.status, 404);
  assert.match(another.text, new RegExp(`name="back" value="/sambatan/${id}\\?dari=wa"`));
  assert.ok(!indonesian.text.includes('dari=wa'));
});

test('signed-in users get their own rendering, however many visitors request the page', async () => {
  const { id } = await shop.campaign({});
  const buyer = await service.user();
  const { id: own } = await join(buyer, id, { quantity: 1 });
  const [mine, ...visitors] = await Promise.all([
    buyer.get(`//sambatan/${id}`),
    ...Array.from({ length: 10 }, () => service.visitor.get(`//sambatan/${id}`)),
  ]);
  assert.ok(mine.text.includes(`/ikutan/${own}`));
  for (const { text } of visitors) assert.ok(!text.includes(own));
});

test('a shared page is compressed as the browser accepts', async () => {
  const { id } = await shop.campaign({});
  const sizes = [];
  for (const encoding of ['identity', 'gzip', 'br'] as const) {
    const { headers, rawPayload } = await service.server.inject({
      url: `/sambatan/${id}`,
      headers: { 'accept-encoding': encoding },
    });
    assert.equal(headers['content-encoding'], encoding === 'identity' ? undefined : encoding);
    assert.equal(headers['vary'], 'accept-encoding');
    assert.match(readers[encoding](rawPayload).toString(), /^<!doctype html>[^]*<\/html>\s*$/);
    sizes.push(rawPayload.length);
  }
  for (const [accepts, given] of [
    ['br;q=0, gzip', 'gzip'],
    ['gzip;q=0.000,br; q=0', undefined],
    ['br;q=0.5', 'br'],
  ] as const) {
    const { headers } = await service.server.inject({
      url: `/sambatan/${id}`,
      headers: { 'accept-encoding': accepts },
    });
    assert.equal(headers['content-encoding'], given, accepts);
  }
  const [whole, ...compressed] = sizes;
  for (const size of compressed) assert.ok(size < whole! / 2, String(sizes));
});
