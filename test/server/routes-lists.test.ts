import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { Body } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import {
  readAllPages,
  expectStatus,
  fromNow,
  hourMs,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);

const perfumes = [
  'Melati Senja',
  'Kenanga Pagi',
  'Cendana Tua',
  'melati putih',
  'Nilam Hujan',
  'Ylang',
];
let shop: Shop;
let other: Shop;
/**
 * The campaigns in the order in which they were created. Some have equal deadlines or equal
 * progress.
 */
const campaigns: Body[] = [];
before(async () => {
  shop = await openShop(service);
  other = await openShop(service);
  const deadlines = [fromNow(hourMs), fromNow(2 * hourMs), fromNow(3 * hourMs)];
  for (let i = 0; i < 24; i++) {
    const made = await (i % 3 === 0 ? other : shop).campaign({
      title: perfumes[i % perfumes.length],
      total_slots: 4,
      deadline: deadlines[i % deadlines.length],
    });
    const quantity = i % 5;
    if (quantity > 0) await join(await service.user(), made.id, { quantity });
    if (i % 8 === 7) {
      const { seller } = i % 3 === 0 ? other : shop;
      await seller.post(`/campaigns/${made.id}/cancel`, { reason: 'bahan habis' });
    }
    campaigns.push(made);
  }
});

const ids = (items: readonly Body[]) => items.map(({ id }) => id);

const sorts = {
  newest: (a: Body, b: Body) => (a.id < b.id ? 1 : -1),
  deadline: (a: Body, b: Body) =>
    String(a['deadline']).localeCompare(String(b['deadline'])) || (a.id < b.id ? -1 : 1),
  progress: (a: Body, b: Body) =>
    Math.floor(Number(b['progress_percent'])) - Math.floor(Number(a['progress_percent'])) ||
    (a.id < b.id ? 1 : -1),
};

for (const [sort, order] of Object.entries(sorts)) {
  test(`campaigns sorted by ${sort} are complete and without duplicates, for any page size`, async () => {
    for (const filter of ['', `&brand_id=${shop.brandId}`, '&q=melati', '&status=active']) {
      const path = `/campaigns?sort=${sort}${filter}`;
      const whole = await readAllPages(service.visitor, path, 100);
      assert.ok(whole.length >= 8, filter);
      assert.deepEqual(ids(whole), ids(whole.toSorted(order)), filter);
      for (const limit of [1, 3, 8]) {
        assert.deepEqual(ids(await readAllPages(service.visitor, path, limit)), ids(whole), filter);
      }
    }
  });
}

test('filters return exactly the matching items', async () => {
  const all = await readAllPages(service.visitor, '/campaigns', 100);
  assert.deepEqual(ids(all).toSorted(), ids(campaigns).toSorted());
  for (const status of ['scheduled', 'active', 'full', 'completed', 'failed', 'cancelled']) {
    const found = await readAllPages(service.visitor, `/campaigns?status=${status}`, 7);
    const expected = all.filter((one) => one.status === status);
    assert.deepEqual(ids(found), ids(expected), status);
  }
  const mine = await readAllPages(service.visitor, `/campaigns?brand_id=${shop.brandId}`, 5);
  assert.deepEqual(ids(mine), ids(all.filter((one) => one['brand_id'] === shop.brandId)));
  const nobodys = await readAllPages(service.visitor, `/campaigns?brand_id=${newId()}`, 5);
  assert.deepEqual(nobodys, []);
  const both = `/campaigns?brand_id=${shop.brandId}&status=cancelled&q=melati`;
  const expected = all.filter(
    (one) =>
      one['brand_id'] === shop.brandId &&
      one.status === 'cancelled' &&
      /melati/i.test(String(one['title'])),
  );
  assert.deepEqual(ids(await readAllPages(service.visitor, both, 1)), ids(expected));
});

test('a search matches the beginning of words, ignoring case', async () => {
  const titles = async (q: string) => {
    const found = await readAllPages(service.visitor, `/campaigns?q=${encodeURIComponent(q)}`, 9);
    return [...new Set(found.map(({ title }) => String(title)))].toSorted();
  };
  assert.deepEqual(await titles('melati'), ['Melati Senja', 'melati putih']);
  assert.deepEqual(await titles('MEL'), ['Melati Senja', 'melati putih']);
  assert.deepEqual(await titles('senja mel'), ['Melati Senja']);
  assert.deepEqual(await titles('hujan'), ['Nilam Hujan']);
  assert.deepEqual(await titles('elati'), []);
  assert.deepEqual(await titles("melati' or 1=1"), []);
});

test('new items during paging cause no duplicate or missing old item', async () => {
  const path = '/campaigns?sort=newest&limit=5';
  const first = expectStatus(await service.visitor.get(path), 200);
  await shop.campaign({ title: 'Baru saja dibuka' });
  const rest: Body[] = [];
  for (let cursor = first.next_cursor; cursor !== null;) {
    const page = expectStatus(await service.visitor.get(`${path}&cursor=${cursor}`), 200);
    rest.push(...page.items);
    cursor = page.next_cursor;
  }
  const seen = ids([...first.items, ...rest]);
  assert.deepEqual(seen, ids(campaigns.toSorted(sorts.newest)));
});

test('products are listed newest first, of one brand or all, each once', async () => {
  for (let i = 0; i < 6; i++) {
    const body = { brand_id: shop.brandId, name: `Produk ${i}`, base_price: 1_000 };
    expectStatus(await shop.seller.post('/products', body), 201);
  }
  for (const path of ['/products', `/products?brand_id=${shop.brandId}`]) {
    const whole = await readAllPages(shop.seller, path, 100);
    assert.deepEqual(ids(whole), ids(whole).toSorted().toReversed());
    assert.equal(whole.length, path.includes('?') ? 7 : 8);
    for (const limit of [1, 3]) {
      assert.deepEqual(ids(await readAllPages(shop.seller, path, limit)), ids(whole));
    }
  }
});

test('participants and log entries with equal times are each listed once', async () => {
  const { id } = await shop.campaign({ total_slots: 40 });
  const buyers = await Promise.all(Array.from({ length: 23 }, () => service.user()));
  const joined = await Promise.all(buyers.map((buyer) => join(buyer, id)));
  for (const { id: leaving } of joined.slice(0, 5)) {
    expectStatus(await service.service.post(`/participations/${leaving}/cancel`), 200);
  }
  const participants = `/campaigns/${id}/participants`;
  for (const limit of [1, 4, 23, 100]) {
    const all = await readAllPages(shop.seller, participants, limit);
    assert.deepEqual(ids(all).toSorted(), ids(joined).toSorted());
    const reserved = await readAllPages(shop.seller, `${participants}?status=reserved`, limit);
    assert.deepEqual(ids(reserved).toSorted(), ids(joined.slice(5)).toSorted());
  }
  for (const limit of [1, 7, 100]) {
    const log = await readAllPages(shop.seller, `/campaigns/${id}/logs`, limit);
    const numbers = log.map(({ seq }) => Number(seq));
    assert.deepEqual(
      numbers,
      Array.from({ length: 29 }, (_, index) => 29 - index),
    );
  }
});

test('a page has twenty items by default and a hundred at most', async () => {
  const page = expectStatus(await service.visitor.get('/campaigns'), 200);
  assert.equal(page.items.length, 20);
  assert.notEqual(page.next_cursor, null);
});

test('a deadline at the maximum year does not end the list by deadline', async () => {
  const late = await openShop(service);
  const deadlines = [fromNow(hourMs), '2999-12-31T23:59:59-23:59', '2999-12-31T23:59:59Z'];
  for (const deadline of deadlines) await late.campaign({ deadline });
  const path = `/campaigns?sort=deadline&brand_id=${late.brandId}`;
  const whole = await readAllPages(service.visitor, path, 1);
  assert.deepEqual(
    whole.slice(1).map((one) => String(one['deadline']).slice(0, 4)),
    ['2999', '3000'],
  );
});
