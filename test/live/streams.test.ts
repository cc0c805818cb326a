import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { liveDefaults } from '../../src/live/live-updates.ts';
import { newId } from '../../src/identity/ids.ts';
import { limits } from '../../src/config/limits.ts';
import { token } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import {
  expectProblem,
  expectStatus,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';
import { openStream, type StreamEvent } from '../support/clients/stream.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService();
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const progressOf = (filled: number) => (one: StreamEvent) =>
  one.event === 'progress' && one.data['filled_slots'] === filled;
const transition = (name: string) => (one: StreamEvent) => one.data['event'] === name;

test('a client sees a campaign fill, with public data only', async () => {
  const { id } = await shop.campaign({ total_slots: 3 });
  const watcher = await openStream(service.url, id);
  assert.match(watcher.response.headers['content-type'] ?? '', /^text\/event-stream/);
  await watcher.heard(progressOf(0));
  await join(await service.user(), id, { quantity: 2, note: 'jangan dibaca orang' });
  await watcher.heard(progressOf(2));
  await join(await service.user(), id);
  const full = await watcher.heard(transition('campaign_full'));
  assert.deepEqual([full.data['slots_taken'], full.data['total_slots']], [3, 3]);
  const last = await watcher.heard(progressOf(3));
  assert.deepEqual(last.data, (await service.visitor.get(`/campaigns/${id}/progress`)).body);
  const numbers = watcher.events.map((one) => one.id);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
    'ids grow',
  );
  for (const secret of ['jangan dibaca', 'Kenanga', 'user_id', 'user:', 'participation']) {
    assert.ok(!watcher.text().includes(secret), secret);
  }
  watcher.end();
});

test('a client that reconnects with Last-Event-ID receives what it missed, and nothing twice', async () => {
  const { id } = await shop.campaign({ total_slots: 1 });
  const first = await openStream(service.url, id);
  const { id: place } = await first.heard(progressOf(0));
  first.end();
  const buyer = await service.user();
  const { id: joined } = await join(buyer, id);
  expectStatus(await buyer.post(`/participations/${joined}/cancel`), 200);
  await join(await service.user(), id);
  const again = await openStream(service.url, id, { 'last-event-id': String(place) });
  await again.heard(progressOf(1));
  const told = again.events
    .filter(({ event }) => event === 'status')
    .map(({ data }) => data['event']);
  assert.deepEqual(told, ['campaign_full', 'campaign_reopened', 'campaign_full']);
  const newest = again.events.at(-1)!.id;
  again.end();
  const third = await openStream(service.url, id, { 'last-event-id': String(newest) });
  await third.heard(progressOf(1));
  await third.heard(({ event }) => event === 'contributions');
  assert.equal(third.events.length, 2);
  third.end();
});

test('an invalid or future Last-Event-ID starts with the current state', async () => {
  const { id } = await shop.campaign();
  for (const given of ['x', '-1', '1e3', '9'.repeat(18), '9'.repeat(40), '']) {
    const watcher = await openStream(service.url, id, { 'last-event-id': given });
    assert.equal(watcher.status, 200, given);
    await watcher.heard(progressOf(0));
    assert.equal(watcher.events.length, 2, given);
    watcher.end();
  }
});

test('a hot campaign sends at most four updates a second, and always its last state', async () => {
  const { id } = await shop.campaign({ total_slots: 500 });
  const watcher = await openStream(service.url, id);
  await watcher.heard(progressOf(0));
  const buyers = await Promise.all(Array.from({ length: 20 }, () => service.user()));
  const began = performance.now();
  let joins = 0;
  while (performance.now() - began < 1_500) {
    await Promise.all(buyers.map((buyer) => join(buyer, id)));
    joins += buyers.length;
    if (joins >= 480) break;
  }
  const { at: end } = await watcher.heard(progressOf(joins));
  const heard = watcher.events.filter(({ event }) => event === 'progress');
  const most = 2 + Math.ceil((end - began) / 250);
  assert.ok(heard.length <= most, `${heard.length} updates in ${Math.round(end - began)} ms`);
  assert.ok(heard.length < joins / 2, 'several joins make one update');
  watcher.end();
});

test('a change by another process arrives as quickly', async (t) => {
  const other = await startHttpService({ sharedWith: service });
  t.after(other.close);
  const { id } = await shop.campaign();
  const watcher = await openStream(other.url, id);
  await watcher.heard(progressOf(0));
  const began = performance.now();
  await join(await service.user(), id);
  await watcher.heard(progressOf(1));
  assert.ok(performance.now() - began < 4_000, 'that was the poll, not a poke');
  watcher.end();
});

test('while the LISTEN connection is lost repeatedly, changes are found by polling', async (t) => {
  const other = await startHttpService({ sharedWith: service });
  t.after(other.close);
  const { id } = await shop.campaign();
  const watcher = await openStream(other.url, id);
  await watcher.heard(progressOf(0));
  let lost = 0;
  const over = new AbortController();
  const losing = (async () => {
    while (!over.signal.aborted) {
      const ended = await queryRows(
        service.db,
        `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ilike 'listen %'`,
      );
      lost += ended.length;
    }
  })();
  await waitUntil(() => lost > 0);
  const buyer = await service.user();
  await join(buyer, id);
  await watcher.heard(progressOf(1));
  over.abort();
  await losing;
  await join(await service.user(), id);
  await watcher.heard(progressOf(2));
  watcher.end();
});

test('an account has at most 20 event streams, and may open a new one when another ends', async () => {
  const { id } = await shop.campaign();
  const userId = newId();
  const headers = { authorization: `Bearer ${await token(userId)}` };
  const { max } = limits.streamsOfUser;
  const open = await Promise.all(
    Array.from({ length: max }, () => openStream(service.url, id, headers)),
  );
  assert.deepEqual([...new Set(open.map(({ status }) => status))], [200]);
  const user = await service.user(userId);
  expectProblem(await user.get(`/campaigns/${id}/events`), 429, 'rate_limited');
  const others = { authorization: `Bearer ${await token(newId())}` };
  const besides = await Promise.all([
    openStream(service.url, id),
    openStream(service.url, id, others),
  ]);
  assert.deepEqual(
    besides.map(({ status }) => status),
    [200, 200],
  );
  open.pop()!.end();
  for (;;) {
    const again = await openStream(service.url, id, headers);
    again.end();
    if (again.status === 200) break;
    assert.equal(again.status, 429);
  }
  for (const watcher of [...open, ...besides]) watcher.end();
});

test('a stream sends heartbeats before clients time out', () => {
  assert.ok(liveDefaults.heartbeatMs <= 30_000);
  assert.ok(liveDefaults.heartbeatMs * 2 < service.server.server.timeout);
  assert.ok(liveDefaults.throttleMs >= 250, 'four times a second at most');
});

test('a change to a campaign id in capitals arrives as quickly', async (t) => {
  const { id } = await shop.campaign({ publish: false, total_slots: 5 });
  expectStatus(await shop.seller.post(`/campaigns/${id.toUpperCase()}/publish`), 200);
  const watcher = await openStream(service.url, id.toUpperCase());
  await watcher.heard(progressOf(0));
  const began = performance.now();
  await join(await service.user(), id.toUpperCase());
  await watcher.heard(progressOf(1));
  expectStatus(
    await shop.seller.post(`/campaigns/${id.toUpperCase()}/cancel`, { reason: 'bahan habis' }),
    200,
  );
  await watcher.heard(transition('campaign_cancelled'));
  assert.ok(performance.now() - began < 4_000, 'that was the poll, not a poke');
  watcher.end();
  t.diagnostic(`${Math.round(performance.now() - began)} ms`);
});

test('a client receives the latest joins with one letter of each name, only when they change', async () => {
  const { id } = await shop.campaign({ total_slots: 20 });
  const watcher = await openStream(service.url, id);
  const lists = () => watcher.events.filter(({ event }) => event === 'contributions');
  const shown = (event: StreamEvent) =>
    (event.data['contributions'] as { initial: string | null; quantity: number }[]).map(
      ({ initial, quantity }) => [initial, quantity],
    );
  const heard = (list: unknown) =>
    watcher.heard(
      (one) => one.event === 'contributions' && JSON.stringify(shown(one)) === JSON.stringify(list),
    );
  await heard([]);
  const buyer = await service.user();
  expectStatus(await buyer.patch('/me', { display_name: 'siti rahma' }), 200);
  const { id: joined } = await join(buyer, id, { quantity: 2 });
  await heard([['S', 2]]);
  for (let n = 1; n <= 6; n++) await join(await service.user(), id, { quantity: n % 2 ? 1 : 3 });
  const full = [3, 1, 3, 1, 3, 1].map((quantity) => [null, quantity]);
  await heard(full);
  // The cancelled join is no longer among the latest six. Only the progress changes; the list
  // stays.
  const told = lists().length;
  expectStatus(await buyer.post(`/participations/${joined}/cancel`), 200);
  await watcher.heard(progressOf(12));
  assert.equal(lists().length, told);
  const keys = new Set(
    lists().flatMap(({ data }) => (data['contributions'] as object[]).flatMap(Object.keys)),
  );
  assert.deepEqual([...keys].toSorted(), ['initial', 'joined_at', 'quantity']);
  for (const secret of ['rahma', buyer.userId, joined]) assert.ok(!watcher.text().includes(secret));
  watcher.end();
});

test('a missing campaign has no stream, and a draft has one for its seller only', async () => {
  const { id } = await shop.campaign({ publish: false });
  for (const absent of [newId(), id]) {
    const answer = await service.visitor.get(`/campaigns/${absent}/events`);
    assert.deepEqual([answer.status, answer.body.code], [404, 'campaign_not_found']);
  }
  const own = await openStream(service.url, id, { authorization: `Bearer ${shop.seller.token}` });
  await own.heard(progressOf(0));
  own.end();
});

test('hundreds of clients of one campaign all receive its events, and no stream remains afterwards', async () => {
  const { id } = await shop.campaign();
  const count = 300;
  const watchers = await Promise.all(
    Array.from({ length: count }, () => openStream(service.url, id)),
  );
  await Promise.all(watchers.map((one) => one.heard(progressOf(0))));
  assert.match((await service.visitor.get('//metrics')).text, /sambatan_live_watchers 300/);
  await join(await service.user(), id, { quantity: 4 });
  const heard = await Promise.all(watchers.map((one) => one.heard(progressOf(4))));
  const told = new Set(heard.map((event) => JSON.stringify({ ...event, at: 0 })));
  assert.equal(told.size, 1, 'everybody was sent the same');
  for (const one of watchers) one.end();
  await waitUntil(async () =>
    /sambatan_live_watchers 0/.test((await service.visitor.get('//metrics')).text),
  );
});

test('a stopping service ends its streams in order and accepts no new ones', async () => {
  const own = await startHttpService();
  const { id } = await (await openShop(own)).campaign();
  const watchers = await Promise.all(Array.from({ length: 20 }, () => openStream(own.url, id)));
  await Promise.all(watchers.map((one) => one.heard(progressOf(0))));
  const began = performance.now();
  await Promise.all([own.close(), ...watchers.map(({ ended }) => ended)]);
  assert.ok(performance.now() - began < 5_000, 'the streams held the service up');
});
