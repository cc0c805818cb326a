import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { newId } from '../src/identity/ids.ts';
import { httpService } from './rig/http-service.ts';
import { join, openShop } from './rig/shop.ts';

const service = await httpService();
const shop = await openShop(service);
after(() => service.close());

const readers = { identity: (bytes: Buffer) => bytes, gzip: gunzipSync, br: brotliDecompressSync };
const drawings = (text: string) => /data-now="([^"]+)"/.exec(text)?.[1];
const taken = (text: string) =>
  /(\d+) dari \d+ slot terisi|(\d+) of \d+ slots taken/.exec(text)?.[0];

test('visitors who ask for a campaign in one moment get one drawing of it', async () => {
  const { id } = await shop.campaign({});
  const pages = await Promise.all(
    Array.from({ length: 40 }, () => service.visitor.get(`//sambatan/${id}`)),
  );
  for (const page of pages) assert.equal(page.status, 200);
  const drawn = new Set(pages.map(({ text }) => drawings(text)));
  assert.ok(drawn.size < 20, `${drawn.size} drawings for 40 visitors`);
});

test('what a visitor gets was read after it was asked for', async () => {
  const { id } = await shop.campaign({ total_slots: 50 });
  for (let joined = 1; joined <= 10; joined++) {
    // Others who ask while this join is under way may see it or not.
    const others = Array.from({ length: 5 }, () => service.visitor.get(`//sambatan/${id}`));
    await join(await service.user(), id, { quantity: 1 });
    const { text } = await service.visitor.get(`//sambatan/${id}`);
    assert.equal(taken(text), `${joined} dari 50 slot terisi`);
    await Promise.all(others);
  }
});

test('each asks in a language, and one who finds nothing keeps no other from theirs', async () => {
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

test('whoever is signed in gets a page of their own, however many visitors ask beside them', async () => {
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

test('a shared page is compressed as the browser takes it', async () => {
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
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
});
