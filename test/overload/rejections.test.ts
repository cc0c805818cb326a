import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { after, before, test, type TestContext } from 'node:test';
import Fastify from 'fastify';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { WaitingPlaces } from '../../src/overload/waiting-place.ts';
import { LoadShedder } from '../../src/overload/load-shedder.ts';
import {
  boundedServer,
  defaultTimeouts,
  trackRequests,
  type RequestTrackingDeps,
} from '../../src/overload/request-timeouts.ts';
import { stopServer } from '../../src/server/server.ts';
import { newId } from '../../src/identity/ids.ts';
import { countOf, startBlockedJoins } from '../support/clients/blocked-joins.ts';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const most = 8;
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: String(most), SAMBATAN_JOIN_RATE_LIMIT: '0' },
});
after(service.close);
let shop: Shop;
let id: string;
before(async () => {
  shop = await openShop(service);
  ({ id } = await shop.campaign({ total_slots: 500 }));
});

interface Client {
  readonly socket: Socket;
  received(): string;
  readonly closed: Promise<unknown>;
}

let clients = 0;

/** Opens a connection from an address that no other client uses. */
function open(t: TestContext, url = service.url): Client {
  const { hostname, port } = new URL(url);
  const localAddress = `127.0.1.${++clients}`;
  const socket = connect({ host: hostname, port: Number(port), localAddress }).setNoDelay(true);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return { socket, received: () => text, closed };
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const join = (more = '', body = JSON.stringify(joinBody({ user_id: newId() }))) =>
  `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\n` +
  `Authorization: Bearer ${serviceKey}\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${body.length}\r\n${more}\r\n${body}`;
const statuses = ({ received }: Client) =>
  [...received().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const answered = (client: Client, many: number) =>
  waitUntil(() => statuses(client).length === many || client.socket.closed);
const blocked = (t: TestContext) => startBlockedJoins(t, service, shop, most);

test('a rejected client keeps its connection, and each later request is decided anew', async (t) => {
  const { release } = await blocked(t);
  const client = open(t);
  for (let n = 1; n <= 3; n++) {
    client.socket.write(join());
    await answered(client, n);
  }
  assert.equal(await countOf(service, id), 0);
  client.socket.write(get('/readyz'));
  await answered(client, 4);
  await release();
  for (let n = 5; n <= 6; n++) {
    client.socket.write(join());
    await answered(client, n);
  }
  assert.deepEqual(statuses(client), [503, 503, 503, 200, 201, 201]);
  assert.equal(await countOf(service, id), 2);
});

test('requests that follow a waiting rejection on its connection are never executed', async (t) => {
  const { release } = await blocked(t);
  const stored = await countOf(service, id);
  const client = open(t);
  const { concurrencyLimiter } = service.app;
  // The second request comes too early, so its rejection is delayed.
  client.socket.write(get('/api/sambatan/campaigns'));
  await answered(client, 1);
  const { sheds } = concurrencyLimiter;
  client.socket.write(get('/api/sambatan/campaigns') + join() + join());
  await waitUntil(() => concurrencyLimiter.sheds > sheds);
  await release();
  await client.closed;
  assert.deepEqual(statuses(client), [503, 503]);
  assert.match(client.received(), /\r\nconnection: close\r\n/i);
  assert.equal(await countOf(service, id), stored);
});

test('a rejected request with a long or chunked body ends its connection', async (t) => {
  await blocked(t);
  for (const framing of ['Content-Length: 9999999', 'Transfer-Encoding: chunked']) {
    const client = open(t);
    client.socket.write(
      `POST /toko HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${framing}\r\n\r\n`,
    );
    await client.closed;
    assert.deepEqual(statuses(client), [503]);
    assert.match(client.received(), /\r\nconnection: close\r\n/i);
  }
});

test('the body of a rejected request is never read as a request', async (t) => {
  await blocked(t);
  const hidden = get('/livez');
  for (const framing of [
    `Content-Length: ${hidden.length}`,
    `Content-Length:\t${hidden.length}`,
    `Content-Length: 000000${hidden.length}`,
    `Content-Length : ${hidden.length}`,
    `Content-Length: ${hidden.length}, ${hidden.length}`,
    `Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked`,
    'Transfer-Encoding : chunked',
  ]) {
    const client = open(t);
    client.socket.write(
      `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n${hidden}`,
    );
    await answered(client, 1);
    if (client.socket.writable) client.socket.write(get('/nowhere'));
    await answered(client, 2);
    assert.ok(!statuses(client).includes(200), `${framing}: ${statuses(client).join(' ')}`);
  }
});

test('a client that disconnects before its rejection does no harm', async (t) => {
  await blocked(t);
  const { concurrencyLimiter } = service.app;
  for (let n = 0; n < 20; n++) {
    const client = open(t);
    const { sheds } = concurrencyLimiter;
    client.socket.write(get('/api/sambatan/campaigns'));
    await waitUntil(() => concurrencyLimiter.sheds > sheds);
    client.socket.destroy();
  }
  assert.equal((await service.visitor.get('//livez')).status, 200);
});

const places = new WaitingPlaces('service-key-of-at-least-32-characters', false);

/** A server that rejects everything except `/livez`. */
async function full(t: TestContext, draining = { now: false }) {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 0 });
  const loadShedder = new LoadShedder(concurrencyLimiter, places, { isProxy: () => false });
  const deps: RequestTrackingDeps = {
    concurrencyLimiter,
    loadShedder,
    isSignedIn: () => undefined,
    metrics: { connectionsRefused: { inc: () => undefined } } as never,
    timeouts: defaultTimeouts,
    isDraining: () => draining.now,
    tooSlow: (socket) => socket.destroy(),
  };
  const server = Fastify({ serverFactory: boundedServer(deps), forceCloseConnections: 'idle' });
  trackRequests(server, deps);
  server.get('/livez', async () => 'alive');
  server.post('/livez', async () => 'alive');
  await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => stopServer(server, 0));
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return { server, loadShedder, open: () => open(t, url) };
}

test('a stopping server sends the waiting rejections and closes idle connections', async (t) => {
  const { server, loadShedder, open: openHere } = await full(t);
  const [silent, alive, waiting] = [openHere(), openHere(), openHere()];
  alive.socket.write(get('/livez'));
  await Promise.all([answered(alive, 1), once(silent.socket, 'connect')]);
  waiting.socket.write(get('/'));
  await answered(waiting, 1);
  waiting.socket.write(get('/'));
  await waitUntil(() => loadShedder.waitingRejections === 1);
  await stopServer(server, 60_000);
  await Promise.all([silent, alive, waiting].map(({ closed }) => closed));
  assert.deepEqual([silent, alive, waiting].map(statuses), [[], [200], [503, 503]]);
  assert.match(waiting.received(), /\r\nconnection: close\r\n/i);
});

test('a request whose body does not end is aborted after the shutdown time', async (t) => {
  const { server, open: openHere } = await full(t);
  const half = openHere();
  const arrived = once(server.server, 'request');
  half.socket.write('POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12');
  await arrived;
  await stopServer(server, 300);
  await half.closed;
});

test('while the process drains, a rejection is the last response of its connection', async (t) => {
  const draining = { now: false };
  const { open: openHere } = await full(t, draining);
  const client = openHere();
  client.socket.write(get('/'));
  await answered(client, 1);
  draining.now = true;
  client.socket.write(get('/'));
  await client.closed;
  assert.match(client.received(), /keep-alive\r\n[^]*\r\nconnection: close\r\n/i);
});
