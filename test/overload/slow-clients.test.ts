import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { after, before, test, type TestContext } from 'node:test';
import Fastify from 'fastify';
import { listen } from '../../src/overload/listen.ts';
import { eventFrame, EventStream } from '../../src/live/event-stream.ts';
import { defaultTimeouts } from '../../src/overload/request-timeouts.ts';

import { stopServer } from '../../src/server/server.ts';
import { newId } from '../../src/identity/ids.ts';
import { startTestServer } from '../http/frame.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { openShop, type Shop } from '../support/builders/shop.ts';
import { openStream } from '../support/clients/stream.ts';
import { waitUntil } from '../support/server/until.ts';

/** The time limits of production, shortened for the tests. */
const sooner = {
  headersMs: 600,
  bodyMs: 1_500,
  uploadMs: 3_000,
  wholeMs: 4_000,
  silentMs: 1_200,
  checkMs: 100,
};
const most = 6;
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: String(most) },
  timeouts: sooner,
});
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

interface Slow {
  readonly socket: Socket;
  heard(): string;
  /** Resolves to the milliseconds after which the service closed the connection. */
  readonly cut: Promise<number>;
}

/** A client that sends the beginning of a request and then stops, or continues byte by byte. */
function slow(t: TestContext, text: string, dribble = ''): Slow {
  const { hostname, port } = new URL(service.url);
  const began = performance.now();
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', () => undefined);
  // If the connection is closed, writing to it fails. That counts as closed, too.
  const cut = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(performance.now() - began));
  });
  socket.write(text);
  const timer = setInterval(() => {
    if (dribble !== '' && socket.writable) socket.write(dribble);
  }, 40);
  t.after(() => {
    clearInterval(timer);
    socket.destroy();
  });
  return { socket, heard: () => heard, cut };
}

const joinHead = (id: string, length: number) =>
  [
    `POST /api/sambatan/campaigns/${id}/join HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${service.service.token}`,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    '\r\n',
  ].join('\r\n');

test('a client that sends headers byte by byte, or nothing, is disconnected', async (t) => {
  const dribbled = slow(t, 'GET /api/sambatan/campaigns HTTP/1.1\r\nHost: x\r\nX-Slow: ', 'x');
  const silent = slow(t, '');
  await Promise.all([dribbled.cut, silent.cut]);
  assert.match(dribbled.heard(), /^HTTP\/1.1 408 .*"code":"request_timeout"/s);
});

test('a client that sends a body byte by byte is disconnected, and nothing is written', async (t) => {
  const { id } = await shop.campaign();
  const { cut, heard } = slow(t, `${joinHead(id, 5_000)}{"user_id":"${newId()}","note":"`, 'x');
  assert.ok((await cut) >= sooner.bodyMs);
  assert.match(heard(), /^HTTP\/1.1 408 .*"code":"request_timeout"/s);
  assert.equal((await service.visitor.get(`/campaigns/${id}`)).body['participant_count'], 0);
});

test('a form with a file has a longer time-out', async (t) => {
  const head = [
    `PUT /api/sambatan/products/${shop.productId}/picture HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${shop.seller.token}`,
    'Content-Type: multipart/form-data; boundary=b',
    'Content-Length: 900000',
    '',
    '--b\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n',
  ].join('\r\n');
  const { cut } = slow(t, head, 'x');
  const taken = await cut;
  assert.ok(taken >= sooner.uploadMs, `${taken}`);
  await waitUntil(() => service.server.uploads.underWay === 0);
});

test('slow clients block nobody: others are answered at once', async (t) => {
  const { id } = await shop.campaign({ total_slots: 50 });
  const slowOnes = Array.from({ length: most * 3 }, () =>
    slow(t, `${joinHead(id, 5_000)}{"note":"`, 'x'),
  );
  await waitUntil(() => service.app.concurrencyLimiter.inFlight === 0);
  const buyer = { user_id: newId(), quantity: 1, shipping_address: 'Jalan Kenanga 12, Bandung' };
  assert.equal((await service.service.post(`/campaigns/${id}/join`, buyer)).status, 201);
  await Promise.all(slowOnes.map(({ cut }) => cut));
  await waitUntil(() => service.app.concurrencyLimiter.inFlight === 0);
  assert.equal((await service.visitor.get(`/campaigns/${id}`)).body['participant_count'], 1);
});

test('a client that sends requests and never reads is disconnected', async (t) => {
  const asking = 'GET /api/docs/json HTTP/1.1\r\nHost: x\r\n\r\n';
  const arrived = once(service.server.server, 'connection') as Promise<[Socket]>;
  const { socket, cut } = slow(t, asking.repeat(600));
  socket.pause();
  const [theirs] = await arrived;
  assert.equal((await service.visitor.get('/campaigns')).status, 200);
  await waitUntil(() => theirs.destroyed);
  socket.resume();
  await cut;
});

test('a stream client that never reads is dropped, and others receive all events', async (t) => {
  const server = Fastify({ forceCloseConnections: true });
  t.after(() => server.close());
  const streams = new Set<EventStream>();
  server.get('/events', (_request, reply) => {
    const stream = new EventStream(reply, () => void streams.delete(stream));
    streams.add(stream);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const watching = 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n';
  const [deaf, good] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  deaf.pause();
  let heard = 0;
  good.on('data', (chunk: Buffer) => (heard += chunk.length));
  for (const socket of [deaf, good]) {
    socket.on('error', () => undefined);
    socket.write(watching);
  }
  await waitUntil(() => streams.size === 2);
  const news = Buffer.from(eventFrame('progress', 1n, 'x'.repeat(32_768)));
  let sent = 0;
  // For a client that does not read, the operating system stores some megabytes.
  for (; streams.size === 2 && sent < 2_000; sent++) {
    for (const stream of streams) stream.send(news);
    await waitUntil(() => heard >= (sent + 1) * news.length);
  }
  assert.equal(streams.size, 1);
  for (const stream of streams) stream.send(news);
  await waitUntil(() => heard >= (sent + 1) * news.length);
  good.destroy();
  deaf.destroy();
});

test('an idle stream stays open longer than a silent connection may', async () => {
  assert.ok(defaultTimeouts.silentMs > 30_000, 'it beats every 15 s');
  const { id } = await shop.campaign();
  const watcher = await openStream(service.url, id);
  await watcher.heard(({ event }) => event === 'progress');
  watcher.end();
});

test('a connection above the limit is closed and counted; it is accepted when another one ends', async (t) => {
  const own = await startTestServer({}, undefined, {}, { maxConnections: 64 });
  t.after(() => stopServer(own.server, 1_000));
  await listen(own.server, { host: '127.0.0.1', port: 0 });
  const { port } = own.server.server.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    const [what] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    return { socket, isIn: Buffer.isBuffer(what) };
  };
  const all: Awaited<ReturnType<typeof open>>[] = [];
  for (let n = 0; n < 200; n++) all.push(await open());
  assert.equal(all.filter(({ isIn }) => isIn).length, 64);
  for (const { socket } of all) socket.destroy();
  await waitUntil(async () => (await open()).isIn);
  const { body } = await own.server.inject('/metrics');
  assert.match(body, /sambatan_http_connections_refused_total [1-9]/);
});

test('disconnected clients leave no entry in any list', async () => {
  assert.equal(service.app.concurrencyLimiter.inFlight, 0);
  const rows = await queryRows<{ busy: number }>(
    service.db,
    `select count(*)::integer as busy from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction'`,
  );
  assert.equal(rows[0]!.busy, 0);
});
