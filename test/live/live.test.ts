import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { stopServer } from '../../src/server/server.ts';
import { startTestServer } from '../http/frame.ts';

const id = '0198c1a0-0000-7000-8000-000000000001';
const deadline = 5_000;

interface Heard {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

async function started(liveOptions?: Parameters<typeof startTestServer>[2], settings: object = {}) {
  const own = await startTestServer({ LOG_LEVEL: 'warn', ...settings }, undefined, liveOptions);
  await own.server.listen({ port: 0, host: '127.0.0.1' });
  after(() => stopServer(own.server, 1_000));
  own.campaigns.open(id);
  return own;
}

async function watch(server: FastifyInstance, headers: Record<string, string> = {}, thing = id) {
  const { port } = server.server.address() as AddressInfo;
  const path = `/api/sambatan/things/${thing}/events`;
  const asked = get({ port, host: '127.0.0.1', path, headers, agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

/** The events of a stream in order. A heartbeat appears as an event named "heartbeat". */
async function* events(response: IncomingMessage): AsyncGenerator<Heard> {
  const signal = AbortSignal.timeout(deadline);
  let text = '';
  for await (const [chunk] of on(response, 'data', { signal, close: ['end'] })) {
    text += String(chunk);
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith('retry:')) continue;
      if (block === ':') yield { event: 'heartbeat', id: '', data: '' };
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)));
      if ('event' in fields) yield fields as unknown as Heard;
    }
  }
}

async function next(stream: AsyncGenerator<Heard>): Promise<Heard> {
  const { value, done } = await stream.next();
  assert.ok(!done, 'the stream ended');
  return value;
}

const progress = (seq: number, filled: number): Heard => ({
  event: 'progress',
  id: String(seq),
  data: `{"filled":${filled}}`,
});

test('a client receives the current progress and then each change', async () => {
  const { server, campaigns: market } = await started();
  const response = await watch(server);
  assert.equal(response.statusCode, 200);
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  assert.ok(response.headers['x-request-id']);
  const stream = events(response);
  assert.deepEqual(await next(stream), progress(1, 0));
  market.join(id);
  assert.deepEqual(await next(stream), progress(2, 1));
});

test('a change without a notification is found by polling', async () => {
  const { server, campaigns: market } = await started({ pollMs: 50 });
  const stream = events(await watch(server));
  await next(stream);
  market.join(id, false);
  assert.deepEqual(await next(stream), progress(2, 1));
});

test('changes in quick succession are combined, with at most four updates a second', async () => {
  const { server, campaigns: market } = await started();
  const stream = events(await watch(server));
  await next(stream);
  const began = performance.now();
  let joins = 0;
  const busy = setInterval(() => {
    market.join(id);
    joins++;
  }, 5);
  const updates = 5;
  for (let update = 0; update < updates; update++) await next(stream);
  const elapsed = performance.now() - began;
  clearInterval(busy);
  // The first update may be sent at once, without waiting for the interval.
  assert.ok(elapsed > (updates - 1) * 240, `${updates} updates in ${elapsed} ms`);
  assert.ok(joins > 2 * updates, `${joins} joins in ${updates} updates`);
});

test('many clients share one read and receive the same data', async () => {
  const { server, campaigns: market } = await started();
  const all = await Promise.all(Array.from({ length: 50 }, () => watch(server)));
  const streams = all.map(events);
  for (const stream of streams) assert.deepEqual(await next(stream), progress(1, 0));
  assert.equal(market.readings, 1);
  market.join(id);
  for (const stream of streams) assert.deepEqual(await next(stream), progress(2, 1));
  assert.equal(market.readings, 2);
});

test('a change of the campaign itself is a status event before its progress', async () => {
  const { server, campaigns: market } = await started();
  const stream = events(await watch(server));
  await next(stream);
  market.happen(id, 'campaign_full');
  assert.deepEqual(await next(stream), {
    event: 'status',
    id: '2',
    data: '{"event":"campaign_full"}',
  });
  assert.equal((await next(stream)).event, 'progress');
});

test('a client that reconnects with Last-Event-ID receives what it missed', async () => {
  const { server, campaigns: market } = await started();
  market.happen(id, 'campaign_full');
  market.happen(id, 'campaign_reopened');
  market.happen(id, 'deadline_extended');
  const stream = events(await watch(server, { 'last-event-id': '2' }));
  const heard = [await next(stream), await next(stream), await next(stream)];
  assert.deepEqual(
    heard.map((one) => [one.event, one.id]),
    [
      ['status', '3'],
      ['status', '4'],
      ['progress', '4'],
    ],
  );
  const nonsense = events(await watch(server, { 'last-event-id': '-1 or 1=1' }));
  assert.deepEqual(await next(nonsense), progress(4, 0));
});

test('a failed read is made up for by the next one', async () => {
  const { server, campaigns: market, logged } = await started({ pollMs: 50 });
  const stream = events(await watch(server));
  await next(stream);
  market.failing = true;
  market.join(id);
  while (!logged.some(({ msg }) => msg === 'progress could not be read; the next poll retries')) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  market.failing = false;
  assert.deepEqual(await next(stream), progress(2, 1));
});

test('an idle stream sends heartbeats', async () => {
  const { server } = await started({ heartbeatMs: 30 });
  const stream = events(await watch(server));
  await next(stream);
  assert.equal((await next(stream)).event, 'heartbeat');
});

test('a missing campaign is 404, and a database outage is an error', async () => {
  const { server, campaigns: market } = await started();
  const absent = await watch(server, {}, '0198c1a0-0000-7000-8000-00000000dead');
  assert.equal(absent.statusCode, 404);
  market.failing = true;
  assert.equal((await watch(server)).statusCode, 500);
  market.failing = false;
  assert.equal((await watch(server)).statusCode, 200);
});

test('clients above the limit are told to retry later', async () => {
  const { server } = await started({ maxWatchers: 2 });
  const first = await watch(server);
  const second = await watch(server);
  const refused = await watch(server);
  assert.equal(refused.statusCode, 503);
  assert.equal(refused.headers['retry-after'], '1');
  first.destroy();
  second.destroy();
  let status = 0;
  for (const began = performance.now(); status !== 200;) {
    assert.ok(performance.now() - began < deadline);
    const response = await watch(server);
    status = response.statusCode ?? 0;
    if (status !== 200) response.resume();
  }
  assert.match((await server.inject('/metrics')).body, /sambatan_live_watchers 1/);
});

test('one network can open at most half of the streams; other networks still get theirs', async () => {
  const settings = { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' };
  const { server } = await started({ maxWatchers: 8 }, settings);
  const open = async (address: string) => {
    const response = await watch(server, { 'x-forwarded-for': address });
    if (response.statusCode !== 200) response.resume();
    return response;
  };
  const statuses = async (addresses: readonly string[]) => {
    const found: (number | undefined)[] = [];
    for (const address of addresses) found.push((await open(address)).statusCode);
    return found;
  };
  const crowd = Array.from({ length: 6 }, () => '203.0.113.7');
  assert.deepEqual(await statuses(crowd), [200, 200, 200, 200, 503, 503]);
  // The addresses of one IPv6 customer count as one network.
  const sixth = ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2:ffff::3'];
  assert.deepEqual(await statuses(sixth), [200, 200, 503]);
  assert.deepEqual(await statuses(['198.51.100.1', '198.51.100.1', '192.0.2.9']), [200, 503, 200]);
});

test('while a campaign with many watchers keeps changing, its changes are sent together', async () => {
  // One watcher counts like very many here.
  const rare = { throttleMs: 1, pauseMsPerWatcher: 60_000, maxPauseMs: 60_000 };
  const { server, campaigns: market } = await started(rare);
  const stream = events(await watch(server));
  assert.deepEqual(await next(stream), progress(1, 0));
  market.join(id);
  // The first change after a pause is sent at once.
  assert.deepEqual(await next(stream), progress(2, 1));
  for (let join = 0; join < 20; join++) {
    market.join(id);
    await setImmediate();
  }
  // The last change is sent soon after it happened, and those before it are sent with it.
  assert.deepEqual(await next(stream), progress(22, 21));
});

test('a client that does not read is dropped, and the others continue', async () => {
  const { server, campaigns: market } = await started({ throttleMs: 1 });
  const campaign = market.campaigns.get(id)!;
  const slow = await watch(server);
  slow.socket.pause();
  const stream = events(await watch(server));
  await next(stream);
  for (let i = 0; i < 400; i++) {
    market.happen(id, 'x'.repeat(60_000));
    campaign.events.splice(0, campaign.events.length - 1);
    while ((await next(stream)).event !== 'progress');
    const { body } = await server.inject('/metrics');
    if (/sambatan_live_watchers 1\n/.test(body)) return;
  }
  assert.fail('the slow watcher was never dropped');
});

test('the server closes with open streams, which end', async () => {
  const { server } = await started();
  const response = await watch(server);
  const stream = events(response);
  await next(stream);
  const began = performance.now();
  await stopServer(server, 5_000);
  assert.ok(performance.now() - began < 4_000);
  assert.equal((await stream.next()).done, true);
});
