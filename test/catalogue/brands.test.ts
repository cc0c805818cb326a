import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import {
  readAllPages,
  expectProblem,
  expectStatus,
  join,
  openShop,
} from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);

test('every brand has an owner: the service has to name one', async () => {
  const { service: backend } = service;
  const without = await backend.post('/brands', { name: 'Tanpa Pemilik' });
  const problem = expectProblem(without, 422, 'validation_failed');
  assert.deepEqual(
    problem.errors.map(({ field }) => field),
    ['owner_id'],
  );
  const owner = await service.user();
  const body = { name: 'Punya Pemilik', owner_id: owner.userId };
  const brand = expectStatus(await backend.post('/brands', body), 201);
  const { items } = expectStatus(await owner.get('/brands'), 200);
  assert.deepEqual(
    items.map(({ id, role }) => [id, role]),
    [[brand.id, 'owner']],
  );
});

test('a brand and a product can be read by their ids', async () => {
  const somebody = await service.user();
  const brand = expectStatus(await somebody.get(`/brands/${shop.brandId}`), 200);
  assert.deepEqual([brand.id, brand['name']], [shop.brandId, 'Melati Wangi']);
  const product = expectStatus(await somebody.get(`/products/${shop.productId}`), 200);
  assert.deepEqual([product.id, product['base_price']], [shop.productId, 150_000]);
  expectProblem(await somebody.get(`/brands/${newId()}`), 404, 'brand_not_found');
  expectProblem(await somebody.get(`/products/${newId()}`), 404, 'product_not_found');
});

test('a seller sees payouts of their own brand, before and after they are made', async () => {
  const { seller, brandId } = shop;
  const buyer = await service.user();
  const ids: string[] = [];
  for (const total_slots of [1, 2, 3]) {
    const { id } = await shop.campaign({ total_slots });
    await join(buyer, id, { quantity: total_slots });
    expectStatus(await service.service.post('/lifecycle/run'), 200);
    ids.push(id);
  }
  const payouts = await readAllPages(seller, `/brands/${brandId}/payouts`, 2);
  assert.deepEqual(
    payouts.map(({ campaign_id }) => campaign_id),
    ids.toReversed(),
  );
  assert.deepEqual(new Set(payouts.map(({ status }) => status)), new Set(['due']));
  const stranger = await openShop(service);
  const path = `/brands/${brandId}/payouts`;
  expectProblem(await stranger.seller.get(path), 403, 'forbidden');
  expectProblem(await buyer.get(path), 403, 'forbidden');
});

test('the API document has the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { text } = await service.visitor.get('//api/docs/json');
  assert.equal((JSON.parse(text) as { info: { version: string } }).info.version, version);
});
