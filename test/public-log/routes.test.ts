import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openCheckpoint } from '../../src/public-log/checkpoint.ts';
import {
  leafHash,
  nodeHash,
  rootOf,
  splitHashes,
  verifyConsistency,
  verifyInclusion,
} from '../../src/public-log/merkle.ts';
import { parseVerifierKey } from '../../src/public-log/note.ts';
import { parseTilePath } from '../../src/public-log/tile-path.ts';
import { joinSuccessfully, joinRequest } from '../support/builders/market.ts';
import { campaignBody, expectProblem, expectStatus, openShop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);

const recordsCount = 600;
let campaignId = '';
before(async () => {
  const shop = await openShop(service);
  const body = { ...campaignBody(shop.productId), publish: true, total_slots: 1_000 };
  campaignId = expectStatus(await shop.seller.post('/campaigns', body), 201).id;
  await service.app.logWriter.drain();
  const join = (count: number) =>
    joinSuccessfully(service.db, ...Array.from({ length: count }, () => joinRequest(campaignId)));
  await join(300);
  await service.app.logWriter.drain();
  await join(recordsCount - 301);
  await service.app.logWriter.drain();
});

/** Requests a part of the log as anybody may. */
async function get(path: string, headers: Record<string, string> = {}) {
  const url = `${service.url}/api/sambatan/campaigns/${campaignId}/log/${path}`;
  const answer = await fetch(url, { headers });
  return {
    status: answer.status,
    headers: answer.headers,
    body: Buffer.from(await answer.arrayBuffer()),
  };
}

const isImmutable = (headers: Headers): boolean =>
  headers.get('cache-control') === 'public, max-age=31536000, immutable';

async function keys() {
  const answer = await fetch(`${service.url}/.well-known/sambatan-log-key`);
  const list = (await answer.json()) as { log_name: string; keys: { vkey: string }[] };
  assert.equal(answer.headers.get('cache-control'), 'public, max-age=60');
  return list.keys.map(({ vkey }) => parseVerifierKey(vkey));
}

/** All records, fetched in tiles. */
async function records(): Promise<Buffer[]> {
  const tiles = await Promise.all(
    ['000', '001', '002.p/88'].map(async (tile) => {
      const { status, headers, body } = await get(`tile/entries/${tile}`);
      assert.equal(status, 200, tile);
      assert.ok(isImmutable(headers));
      assert.equal(headers.get('content-type'), 'application/octet-stream');
      return body;
    }),
  );
  const all = Buffer.concat(tiles);
  return Array.from({ length: all.length / 68 }, (_, n) => {
    const entry = all.subarray(n * 68, (n + 1) * 68);
    assert.equal(entry.readUInt16BE(), 66);
    return entry.subarray(2);
  });
}

test('the records that anybody can fetch have the root of the signed checkpoint', async () => {
  const { status, headers, body } = await get('checkpoint');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(headers.get('cache-control'), 'public, max-age=1');
  const checkpoint = openCheckpoint(body.toString(), await keys());
  assert.equal(checkpoint.origin, `localhost/${campaignId}`);
  assert.equal(checkpoint.size, recordsCount);
  const fetched = await records();
  assert.equal(fetched.length, recordsCount);
  assert.deepEqual(rootOf(fetched.map(leafHash)), checkpoint.root);
  for (const [index, record] of fetched.entries()) {
    assert.equal(record.readBigUInt64BE(1), BigInt(index + 1), 'the sequence has no gaps');
  }
});

test('a checkpoint that has not changed is answered with 304', async () => {
  const etag = (await get('checkpoint')).headers.get('etag')!;
  const again = await get('checkpoint', { 'if-none-match': etag });
  assert.equal(again.status, 304);
  assert.equal(again.body.length, 0);
});

test('an earlier checkpoint can be fetched by its size', async () => {
  const earlier = await get('checkpoint/301');
  assert.equal(openCheckpoint(earlier.body.toString(), await keys()).size, 301);
  assert.equal((await get('checkpoint/302')).status, 404);
});

test('hash tiles of level 0 have the leaf hashes, and of level 1 the roots of full tiles', async () => {
  const leaves = (await records()).map(leafHash);
  const full = await get('tile/0/000');
  assert.ok(isImmutable(full.headers));
  assert.deepEqual(splitHashes(full.body), leaves.slice(0, 256));
  assert.deepEqual(splitHashes((await get('tile/0/001.p/5')).body), leaves.slice(256, 261));
  assert.deepEqual(splitHashes((await get('tile/0/002.p/88')).body), leaves.slice(512));
  const upper = splitHashes((await get('tile/1/000.p/2')).body);
  assert.deepEqual(upper, [rootOf(leaves.slice(0, 256)), rootOf(leaves.slice(256, 512))]);
  assert.deepEqual(nodeHash(upper[0]!, upper[1]!), rootOf(leaves.slice(0, 512)));
});

test('nothing beyond the newest checkpoint is served', async () => {
  for (const path of [
    'tile/0/002',
    'tile/0/002.p/89',
    'tile/0/003.p/1',
    'tile/1/000',
    'tile/1/000.p/3',
    'tile/2/000.p/1',
    'tile/entries/002',
    'tile/entries/002.p/89',
    'tile/entries/x001/000',
    'checkpoint/601',
    'inclusion?index=0&size=601',
    'inclusion?index=600&size=600',
    'consistency?from=1&to=601',
    'consistency?from=5&to=4',
  ]) {
    const { status, body } = await get(path);
    assert.equal(status, 404, path);
    assert.equal((JSON.parse(body.toString()) as { code: string }).code, 'log_part_not_found');
  }
});

test('only the paths of tlog-tiles name a tile', () => {
  const parse = (path: string) => parseTilePath(path.split('/'));
  assert.deepEqual(parse('0/x001/x234/067'), { level: 0, number: 1_234_067, width: 256 });
  assert.deepEqual(parse('entries/x001/000.p/255'), { level: 'entries', number: 1000, width: 255 });
  for (const path of [
    '0/0',
    '0/00',
    '0/0000',
    '0/x000/001',
    '0/001/002',
    '00/000',
    '6/000',
    '-1/000',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/000.p',
    '0/000.p/1/2',
    'data/000',
    '0/../000',
  ]) {
    assert.equal(parse(path), undefined, path);
  }
});

test('proofs of inclusion and consistency verify against the signed checkpoints', async () => {
  const known = await keys();
  const newest = openCheckpoint((await get('checkpoint')).body.toString(), known);
  const earlier = openCheckpoint((await get('checkpoint/301')).body.toString(), known);
  const leaves = (await records()).map(leafHash);
  for (const { size, root } of [earlier, newest]) {
    for (const index of [0, 255, 256, size - 1]) {
      const answer = await get(`inclusion?index=${index}&size=${size}`);
      assert.ok(isImmutable(answer.headers));
      const proof = JSON.parse(answer.body.toString()) as { leaf_hash: string; hashes: string[] };
      assert.equal(proof.leaf_hash, leaves[index]!.toString('base64'));
      const hashes = proof.hashes.map((one) => Buffer.from(one, 'base64'));
      assert.ok(verifyInclusion(index, size, leaves[index]!, hashes, root));
    }
  }
  const answer = await get('consistency?from=301&to=600');
  assert.ok(isImmutable(answer.headers));
  const { hashes } = JSON.parse(answer.body.toString()) as { hashes: string[] };
  const proof = hashes.map((one) => Buffer.from(one, 'base64'));
  assert.ok(verifyConsistency({ from: earlier, to: newest }, proof));
});

test('the log of a draft is hidden even from its seller', async () => {
  const shop = await openShop(service);
  const { id } = expectStatus(
    await shop.seller.post('/campaigns', { ...campaignBody(shop.productId), publish: false }),
    201,
  );
  await service.app.logWriter.drain();
  const answer = await shop.seller.get(`/campaigns/${id}/log/checkpoint`);
  expectProblem(answer, 404, 'campaign_not_found');
});
