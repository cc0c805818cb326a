import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import { exampleRequest } from '../support/page-states/examples.ts';
import { startHttpService, type HttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import {
  campaignBody,
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';
import { homeAddress } from '../support/clients/sign-in.ts';
import {
  startStatementProxy,
  type StatementFault,
  type StatementProxy,
} from '../support/fakes/statement-proxy.ts';

const service = await startHttpService();
after(service.close);

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const keyed = (key: string) => ({ 'idempotency-key': key });
const replayed = ({ headers }: ClientResponse) => headers['idempotency-replayed'] === 'true';

async function rowsOf(table: string, on: HttpService = service): Promise<number> {
  const [row] = await queryRows<{ n: number }>(
    on.db,
    `select count(*)::integer as n from sambatan.${table}`,
  );
  return row!.n;
}

/** Requests that create something, each with the table in which it must be stored once. */
const creations: Readonly<Record<string, () => { by: Client; path: string; body: object }>> = {
  brands: () => ({ by: shop.seller, path: '/brands', body: { name: 'Brand baru' } }),
  products: () => ({
    by: shop.seller,
    path: '/products',
    body: { brand_id: shop.brandId, name: 'Fajar', base_price: 9_000 },
  }),
  campaigns: () => ({ by: shop.seller, path: '/campaigns', body: campaignBody(shop.productId) }),
  webhook_endpoints: () => ({
    by: shop.seller,
    path: '/webhooks',
    body: { brand_id: shop.brandId, url: 'https://receiver.example/hook' },
  }),
  brand_invitations: () => ({
    by: shop.seller,
    path: `/brands/${shop.brandId}/invitations`,
    body: { email: `${newId()}@contoh.id`, role: 'admin' },
  }),
  addresses: () => ({ by: shop.seller, path: '/me/addresses', body: homeAddress }),
  receiving_accounts: () => ({
    by: service.service,
    path: '/receiving-accounts',
    body: { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan' },
  }),
};

for (const [table, request] of Object.entries(creations)) {
  test(`${table}: repeated requests with one key create one row and get one answer`, async () => {
    const { by, path, body } = request();
    const rows = await rowsOf(table);
    const key = keyed(newId());
    const atOnce = await Promise.all(Array.from({ length: 6 }, () => by.post(path, body, key)));
    const first = expectStatus(atOnce[0]!, 201);
    const later = await by.post(path, body, key);
    for (const answer of [...atOnce, later]) {
      assert.deepEqual([answer.status, answer.body], [201, first], answer.text);
    }
    assert.ok(replayed(later));
    assert.equal(await rowsOf(table), rows + 1);
    // Simulates a process that committed the change but ended before it stored the answer.
    await queryRows(
      service.db,
      'update sambatan.request_keys set status = null, body = null where key = $1',
      key['idempotency-key'],
    );
    const recovered = await by.post(path, body, key);
    assert.deepEqual([recovered.status, recovered.body], [201, first], recovered.text);
    assert.ok(!replayed(recovered));
    assert.equal(await rowsOf(table), rows + 1);
  });
}

test('repeated publish, extend and cancel return their first answer', async () => {
  const { id } = await shop.campaign({ publish: false });
  const again = async (path: string, body: object | undefined, status: string) => {
    const key = keyed(newId());
    const first = await shop.seller.post(`/campaigns/${id}/${path}`, body, key);
    assert.equal(expectStatus(first, 200).status, status);
    const second = await shop.seller.post(`/campaigns/${id}/${path}`, body, key);
    assert.deepEqual([second.status, second.body, replayed(second)], [200, first.body, true]);
    return key;
  };
  const published = await again('publish', undefined, 'active');
  const longer = { deadline: fromNow(2 * hourMs), reason: 'masih ramai' };
  const extended = await again('extend', longer, 'active');
  const other = { ...longer, reason: 'alasan lain' };
  const reused = await shop.seller.post(`/campaigns/${id}/extend`, other, extended);
  expectProblem(reused, 422, 'idempotency_key_reused');
  const elsewhere = await shop.seller.post(
    `/campaigns/${id}/cancel`,
    { reason: 'x y z' },
    extended,
  );
  expectProblem(elsewhere, 422, 'idempotency_key_reused');
  await join(await service.user(), id);
  await again('cancel', { reason: 'bahan habis' }, 'cancelled');
  // The campaign is over, but a request with the same key still gets the first answer.
  const late = await shop.seller.post(`/campaigns/${id}/publish`, undefined, published);
  assert.equal(expectStatus(late, 200).status, 'active');
  const without = await shop.seller.post(`/campaigns/${id}/publish`);
  expectProblem(without, 409, 'transition_not_allowed');
});

test('other repeated writes return their first answer', async () => {
  const { id } = await shop.campaign({ total_slots: 1 });
  const buyer = await service.user();
  const { id: part } = await join(buyer, id);
  expectStatus(await service.service.post('/lifecycle/run'), 200);
  const twice = async (by: Client, method: string, path: string, body?: object) => {
    const sent = { method, path, body, headers: keyed(newId()) };
    const first = await by.send(sent);
    assert.ok(first.status < 300, first.text);
    const second = await by.send(sent);
    assert.deepEqual([second.status, second.text], [first.status, first.text]);
    assert.ok(replayed(second), path);
    return first.body;
  };
  await twice(shop.seller, 'PATCH', `/products/${shop.productId}`, { name: 'Senja Merah' });
  await twice(service.service, 'POST', `/participations/${part}/payment/verify`, {});
  await twice(buyer, 'POST', `/participations/${part}/fulfil`);
  const address = await twice(buyer, 'POST', '/me/addresses', homeAddress);
  await twice(buyer, 'DELETE', `/me/addresses/${address.id}`);
});

test('a refusal is not stored: the same request may succeed later', async () => {
  const product = expectStatus(
    await shop.seller.post('/products', { brand_id: shop.brandId, name: 'Pagi', base_price: 1 }),
    201,
  );
  const key = keyed(newId());
  const body = campaignBody(product.id);
  expectProblem(await shop.seller.post('/campaigns', body, key), 409, 'product_not_enabled');
  await shop.seller.patch(`/products/${product.id}`, { sambatan_enabled: true });
  expectStatus(await shop.seller.post('/campaigns', body, key), 201);
});

test('a key belongs to its caller', async () => {
  const key = keyed(newId());
  const [one, other] = [await service.user(), await service.user()];
  const first = expectStatus(await one.post('/brands', { name: 'Melati' }, key), 201);
  const second = expectStatus(await other.post('/brands', { name: 'Kenanga' }, key), 201);
  assert.notEqual(first.id, second.id);
});

test('every write with a key refuses a key that was used for another request', async () => {
  const operations = service.contract.operations.filter(
    ({ method, operation }) =>
      method !== 'GET' && operation.parameters?.some(({ name }) => name === 'idempotency-key'),
  );
  assert.ok(operations.length > 55, String(operations.length));
  const key = newId();
  await queryRows(
    service.db,
    `insert into sambatan.request_keys (caller, key, request_hash, result, status)
    values ('service', $1, sha256('other'), '', 200)`,
    key,
  );
  for (const { route } of operations) {
    // Joining a campaign and joining its waiting list store their keys with the campaign. They are
    // tested elsewhere.
    if (/\/(join|waiting)$/.test(route)) continue;
    const answer = await service.service.send({
      ...exampleRequest(route),
      headers: { ...exampleRequest(route).headers, ...keyed(key) },
    });
    expectProblem(answer, 422, 'idempotency_key_reused');
  }
});

test('an invalid key is refused before anything happens', async () => {
  const rows = await rowsOf('brands');
  for (const key of ['dua kata', 'é', 'x'.repeat(256)]) {
    const headers = { 'idempotency-key': Buffer.from(key).toString('latin1') };
    const answer = await shop.seller.post('/brands', { name: 'Melati' }, headers);
    expectProblem(answer, 422, 'validation_failed');
  }
  assert.equal(await rowsOf('brands'), rows);
});

test('a commit with a lost answer is unknown; repeating it with the key returns the result', async (t) => {
  let cable: StatementProxy | undefined;
  let fate: StatementFault = 'pass';
  const shaky = await startHttpService({
    proxiedDatabase: async (url) => {
      cable = await startStatementProxy(url, 'commit\0', () => fate);
      return cable.url;
    },
  });
  t.after(async () => {
    await shaky.close();
    await cable?.close();
  });
  const seller = await shaky.user();
  for (const [one, made] of [
    ['lose answer', 1],
    ['lose request', 0],
  ] as const) {
    const rows = await rowsOf('brands', shaky);
    const key = keyed(newId());
    fate = one;
    expectProblem(await seller.post('/brands', { name: 'Melati' }, key), 503, 'outcome_unknown');
    fate = 'pass';
    assert.equal(await rowsOf('brands', shaky), rows + made, one);
    expectStatus(await seller.post('/brands', { name: 'Melati' }, key), 201);
    assert.equal(await rowsOf('brands', shaky), rows + 1, one);
  }
});
