import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { queryRows } from '../support/builders/market.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);

/** Everything that the public can read of a campaign's log, as bytes. */
async function publicLogOf(campaign: string): Promise<Buffer> {
  const at = `${service.url}/api/sambatan/campaigns/${campaign}/log`;
  const size = (await (await fetch(`${at}/checkpoint`)).text()).split('\n')[1];
  const tiles = [`tile/0/000.p/${size}`, `tile/entries/000.p/${size}`];
  const proofs = [`inclusion?index=2&size=${size}`, `consistency?from=2&to=${size}`];
  const paths = ['checkpoint', `checkpoint/${size}`].concat(tiles, proofs);
  const answers = paths.map(async (path) => {
    const answer = await fetch(`${at}/${path}`);
    assert.equal(answer.status, 200, path);
    return Buffer.from(await answer.arrayBuffer());
  });
  return Buffer.concat(await Promise.all(answers));
}

/** All parts of 16 bytes, at which an id or another number of a person would be found. */
function partsOf(bytes: Buffer): Set<string> {
  const parts = new Set<string>();
  for (let at = 0; at + 16 <= bytes.length; at++) parts.add(bytes.toString('hex', at, at + 16));
  return parts;
}

const hexOf = (id: string) => id.replaceAll('-', '');

test('the public log names no buyer, and does not link orders of one buyer', async () => {
  const buyer = await service.user();
  const campaigns = [await shop.campaign({}), await shop.campaign({})];
  const orders: string[] = [];
  for (const { id } of campaigns) {
    const note = { note: 'Untuk Kirana', shipping_address: 'Jalan Kenanga 7, Bandung 40115' };
    orders.push((await join(buyer, id, note)).id, (await join(buyer, id)).id);
    expectStatus(await buyer.post(`/participations/${orders.at(-1)}/cancel`, {}), 200);
  }
  await service.app.logWriter.drain();
  const [first, second] = await Promise.all(campaigns.map(({ id }) => publicLogOf(id)));
  const salts = await queryRows<{ salt: string }>(
    service.db,
    `select encode(salt, 'hex') as salt from sambatan.participants where user_id = $1`,
    buyer.userId,
  );
  assert.equal(new Set(salts.map(({ salt }) => salt)).size, 4, 'each order has its own salt');
  for (const log of [first!, second!]) {
    const parts = partsOf(log);
    for (const id of [buyer.userId, ...orders]) {
      assert.ok(!parts.has(hexOf(id)), 'an id');
      assert.ok(!log.includes(id), 'an id as text');
    }
    for (const { salt } of salts) assert.ok(!parts.has(salt.slice(0, 32)), 'a salt');
    for (const word of ['Kirana', 'Kenanga', 'Bandung']) assert.ok(!log.includes(word), word);
  }
  // Neither the commitments nor anything else of the records is equal in the two logs. The
  // checkpoints have equal lines, so only binary records are compared: they differ in every part.
  const records = async (id: string) => {
    const at = `${service.url}/api/sambatan/campaigns/${id}/log`;
    const size = Number((await (await fetch(`${at}/checkpoint`)).text()).split('\n')[1]);
    const bytes = Buffer.from(
      await (await fetch(`${at}/tile/entries/000.p/${size}`)).arrayBuffer(),
    );
    return Array.from({ length: size }, (_, n) => bytes.toString('hex', n * 68 + 36, n * 68 + 68));
  };
  const [one, two] = await Promise.all(campaigns.map(({ id }) => records(id)));
  assert.equal(new Set([...one!, ...two!]).size, one!.length + two!.length);
});

test('the routes of the public log need no account, and set no cookie', async () => {
  const { id } = await shop.campaign({});
  await service.app.logWriter.drain();
  for (const path of [
    `/api/sambatan/campaigns/${id}/log/checkpoint`,
    `/api/sambatan/campaigns/${id}/log/tile/entries/000.p/1`,
    '/.well-known/sambatan-log-key',
  ]) {
    const answer = await fetch(service.url + path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.match(answer.headers.get('cache-control') ?? '', /public/);
  }
});
