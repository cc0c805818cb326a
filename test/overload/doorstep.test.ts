import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import Fastify from 'fastify';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { Doorstep } from '../../src/overload/doorstep.ts';
import { boundedServer, defaultTimeouts } from '../../src/overload/request-timeouts.ts';
import { stopServer } from '../../src/server/server.ts';
import { newId } from '../../src/identity/ids.ts';
import { countOf, startBlockedJoins } from '../support/clients/blocked-joins.ts';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const seed = Number(process.env['SAMBATAN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const most = 8;
const service = await startHttpService({
  environment: { SAMBATAN_MAX_IN_FLIGHT: String(most), SAMBATAN_JOIN_RATE_LIMIT: '0' },
  timeouts: { headersMs: 600, silentMs: 5_000, checkMs: 100 },
});
after(service.close);
let shop: Shop;
let id: string;
before(async () => {
  shop = await openShop(service);
  ({ id } = await shop.campaign({ total_slots: 5_000 }));
});

/**
 * Uses the whole capacity of the service until the test releases it, and lets one client be
 * rejected. From then on, new connections are handled by the early rejection.
 */
async function full(t: TestContext): Promise<() => Promise<unknown>> {
  const { release: letGo } = await startBlockedJoins(t, service, shop, most);
  assert.equal((await service.visitor.get('/campaigns')).status, 503);
  assert.ok(service.app.concurrencyLimiter.isPressed);
  return letGo;
}

/**
 * Brings the service to the moment after a rejection when it has capacity again. Early rejection is
 * still active then.
 */
async function pressed(t: TestContext): Promise<void> {
  await (
    await full(t)
  )();
  assert.ok(service.app.concurrencyLimiter.isPressed);
  assert.ok(service.app.concurrencyLimiter.hasRoom());
}

/** Waits until no rejection is recent, so that connections reach the server directly. */
async function quiet(): Promise<void> {
  await waitUntil(() => !service.app.concurrencyLimiter.isPressed);
}

interface Line {
  readonly socket: Socket;
  heard(): string;
  readonly ended: Promise<unknown>;
}

function dial(t: TestContext, url = service.url): Line {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true);
  let heard = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => (heard += text));
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  // A connection that was reset counts as ended, too.
  const ended = new Promise((resolve) => socket.once('close', resolve));
  return { socket, heard: () => heard, ended };
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
/** The request headers by which a browser is recognised. */
const ofBrowser =
  'Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (Linux; Android 14)\r\n' +
  'Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Site: none\r\nAccept-Encoding: gzip, br\r\nAccept-Language: id-ID,id\r\n';
const join = (more = '', body = JSON.stringify(joinBody({ user_id: newId() }))) =>
  `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${serviceKey}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const statuses = (heard: string) =>
  [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const slots = () => countOf(service, id);

/** The headers of a response by name, without those that differ between responses. */
function headersOf(answer: string): Record<string, string> {
  const [, ...lines] = answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n');
  const pairs = lines.map((line) => line.split(/: */, 2) as [string, string]);
  const all = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  delete all['connection'];
  delete all['keep-alive'];
  return all;
}

test('an early rejection is the same response as any other rejection', async (t) => {
  await quiet();
  const plain = dial(t);
  await once(plain.socket, 'connect');
  // The server itself reads this request, because the service is not overloaded yet.
  plain.socket.write(get('/livez'));
  await waitUntil(() => statuses(plain.heard()).length === 1);
  await full(t);
  for (const request of [
    get('/api/sambatan/campaigns'),
    get('/api/sambatan/campaigns', 'Accept-Language: en-GB, id;q=0.5\r\n'),
    get('/', ofBrowser),
    get(`/sambatan/${id}?dari=wa`),
    get(`/en/sambatan/${id}`),
    join(),
  ]) {
    const line = dial(t);
    line.socket.write(request);
    await waitUntil(() => statuses(line.heard()).length === 1);
    const { status, headers, text } = await inside(request);
    assert.equal(statuses(line.heard())[0], status, request);
    assert.deepEqual(headersOf(line.heard()), headers, request);
    assert.equal(line.heard().slice(line.heard().indexOf('\r\n\r\n') + 4), text);
    assert.match(line.heard(), /\r\nretry-after: 1\r\n/);
    assert.match(line.heard(), /\r\nconnection: keep-alive\r\n/);
  }

  /**
   * The answer of the server itself. A request that arrives in two pieces is not rejected early.
   */
  async function inside(request: string) {
    const line = dial(t);
    await once(line.socket, 'connect');
    line.socket.write(request.slice(0, 10));
    await sleep(20);
    line.socket.write(request.slice(10));
    await waitUntil(() => statuses(line.heard()).length === 1);
    const heard = line.heard();
    return {
      status: 503,
      headers: headersOf(heard),
      text: heard.slice(heard.indexOf('\r\n\r\n') + 4),
    };
  }
});

test('a rejected client keeps its connection, and each later request is accepted or rejected anew', async (t) => {
  const letGo = await full(t);
  const earlier = await slots();
  const line = dial(t);
  for (let n = 1; n <= 3; n++) {
    line.socket.write(join());
    await waitUntil(() => statuses(line.heard()).length === n);
  }
  assert.equal(await slots(), earlier, 'nothing is written for who is refused');
  await letGo();
  for (let n = 4; n <= 6; n++) {
    line.socket.write(join());
    await waitUntil(() => statuses(line.heard()).length === n);
  }
  assert.equal(await slots(), earlier + 3);
  await full(t);
  line.socket.write(join());
  await waitUntil(() => statuses(line.heard()).length === 7);
  line.socket.write(get('/readyz'));
  await waitUntil(() => statuses(line.heard()).length === 8);
  assert.deepEqual(statuses(line.heard()), [503, 503, 503, 201, 201, 201, 503, 200]);
  assert.equal(await slots(), earlier + 3);
});

test('a connection that the server closes with a rejection reconnects through early rejection', async (t) => {
  await quiet();
  const line = dial(t);
  line.socket.write(get('/livez'));
  await waitUntil(() => statuses(line.heard()).length === 1);
  await full(t);
  line.socket.write(join());
  await line.ended;
  assert.deepEqual(statuses(line.heard()), [200, 503]);
  assert.match(line.heard(), /\r\nconnection: close\r\n/i);
});

/** Unusual ways in which a request or a connection can end. */
const unusual: readonly (readonly [what: string, request: () => string])[] = [
  ['a head without a body', () => `HEAD /sambatan/${id} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ['HTTP/1.0', () => `GET /livez HTTP/1.0\r\nHost: x\r\n\r\n`],
  ['a connection to be closed', () => get('/livez', 'Connection: close\r\n')],
  ['a connection to be kept', () => get('/livez', 'Connection: keep-alive\r\n')],
  [
    'a body in chunks',
    () =>
      join()
        .replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked')
        .replace(/(\{.*\})$/, (body) => [body.length.toString(16), body, '0', '', ''].join('\r\n')),
  ],
  ['an expectation', () => join('Expect: 100-continue\r\n')],
  ['an upgrade', () => get('/livez', 'Upgrade: websocket\r\nConnection: Upgrade\r\n')],
  ['two lengths', () => join('Content-Length: 3\r\n')],
  ['a length and chunks', () => join('Transfer-Encoding: chunked\r\n')],
  ['a length that is none', () => get('/livez', 'Content-Length: +5\r\n')],
  ['a header in two lines', () => get('/livez', 'X-Long: a\r\n b\r\n')],
  ['a line feed alone', () => 'GET /livez HTTP/1.1\nHost: x\n\n'],
  ['a carriage return alone', () => get('/livez', 'X-Odd: a\rb\r\n')],
  ['no host', () => 'GET /livez HTTP/1.1\r\n\r\n'],
  ['nothing of HTTP', () => 'EHLO x\r\n\r\n'],
  ['a path that is none', () => get('livez')],
  ['a whole address', () => get('http://x/livez')],
  ['an empty line before', () => `\r\n${get('/livez')}`],
];

test('unusual requests get the same answers with early rejection', async (t) => {
  const answered = async (request: string): Promise<string> => {
    const line = dial(t);
    await once(line.socket, 'connect');
    line.socket.write(request);
    await waitUntil(() => statuses(line.heard()).length > 0 || line.socket.closed);
    // If the connection was kept, it answers another request. If it was closed, it ends.
    if (line.socket.writable) line.socket.write(get('/api/sambatan/none'));
    await waitUntil(() => statuses(line.heard()).at(-1) === 404 || line.socket.closed);
    return `${statuses(line.heard()).join(' ')}${line.socket.closed ? ' closed' : ''}`;
  };
  const usual = new Map<string, string>();
  await quiet();
  for (const [what, request] of unusual) usual.set(what, await answered(request()));
  for (const [what, request] of unusual) {
    await pressed(t);
    assert.equal(await answered(request()), usual.get(what), what);
  }
});

test('however the bytes are split, each request of a connection is answered once and in order', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed}`);
  const paths = ['/livez', '/nirgends', '/api/sambatan/campaigns?limit=1', '/api/sambatan/x'];
  const asked = fc.array(
    fc.oneof(
      fc.constantFrom(...paths).map((path) => ({ kind: 'get' as const, path })),
      fc.constant({ kind: 'join' as const, path: '' }),
    ),
    { minLength: 1, maxLength: 6 },
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 0, maxLength: 8 });
  const good: Readonly<Record<string, number>> = {
    '/livez': 200,
    '/nirgends': 404,
    '/api/sambatan/campaigns?limit=1': 200,
    '/api/sambatan/x': 404,
    '': 201,
  };
  await fc.assert(
    fc.asyncProperty(asked, cuts, async (requests, lengths) => {
      await pressed(t);
      const earlier = await slots();
      const line = dial(t);
      await once(line.socket, 'connect');
      let bytes = requests.map(({ path }) => (path === '' ? join() : get(path))).join('');
      for (const length of lengths) {
        line.socket.write(bytes.slice(0, length));
        bytes = bytes.slice(length);
        await sleep(2);
      }
      if (bytes !== '') line.socket.write(bytes);
      await waitUntil(() => statuses(line.heard()).length >= requests.length);
      assert.deepEqual(
        statuses(line.heard()),
        requests.map(({ path }) => good[path]),
      );
      const joined = requests.filter(({ kind }) => kind === 'join').length;
      assert.equal(await slots(), earlier + joined);
      line.socket.destroy();
    }),
    { numRuns: 60, seed, endOnFailure: false },
  );
});

test('a request inside the body of another one is not executed', async (t) => {
  await pressed(t);
  const line = dial(t);
  const hidden = get('/livez');
  line.socket.write(
    `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\n` +
      `Authorization: Bearer ${serviceKey}\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${hidden.length}\r\n\r\n`,
  );
  await sleep(30);
  line.socket.write(hidden);
  await waitUntil(() => statuses(line.heard()).length === 1);
  await sleep(60);
  assert.deepEqual(statuses(line.heard()), [415]);
});

test('an unusual body length never turns a part of the body into a request', async (t) => {
  await full(t);
  const hidden = get('/livez');
  const { length } = hidden;
  for (const said of [
    `Content-Length:\t${length}`,
    `Content-Length: ${length} `,
    `Content-Length: ${length}\t`,
    `Content-Length: 000000${length}`,
    `Content-Length : ${length}`,
    `Content-Length: ${length}, ${length}`,
    `\x0bContent-Length: ${length}`,
    `Content-Length\x00: ${length}`,
    'Transfer-Encoding:\tchunked',
    '\x0bTransfer-Encoding: chunked',
    'Transfer-Encoding : chunked',
  ]) {
    const line = dial(t);
    line.socket.write(
      `POST /api/sambatan/campaigns/${id}/join HTTP/1.1\r\nHost: x\r\n${said}\r\n\r\n`,
    );
    await waitUntil(() => statuses(line.heard()).length === 1);
    if (line.socket.writable) line.socket.write(hidden);
    await sleep(60);
    const [first, ...others] = statuses(line.heard());
    assert.ok(first === 503 || first === 400, said);
    assert.ok(
      others.every((status) => status === 400),
      `${said}: ${others.join(' ')}`,
    );
  }
});

test('a response does not overtake an earlier rejection', async (t) => {
  await full(t);
  const line = dial(t);
  const earlier = service.app.concurrencyLimiter.sheds;
  for (let n = 1; n <= 3; n++) {
    line.socket.write(get('/api/sambatan/campaigns'));
    await waitUntil(() => service.app.concurrencyLimiter.sheds === earlier + n);
    line.socket.write(get('/livez'));
    await waitUntil(() => statuses(line.heard()).length === 2 * n);
  }
  assert.deepEqual(statuses(line.heard()), [503, 200, 503, 200, 503, 200]);
});

test('a half-closed connection still receives its rejection', async (t) => {
  await full(t);
  const line = dial(t);
  line.socket.end(get('/api/sambatan/campaigns'));
  await line.ended;
  assert.deepEqual(statuses(line.heard()), [503]);
});

/** A server that has no capacity, and a function that requests one of its paths. */
async function crowded(t: TestContext, draining = { now: false }) {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 0 });
  const server = Fastify({
    serverFactory: boundedServer({
      concurrencyLimiter: concurrencyLimiter,
      always: new Set(['/livez']),
      metrics: { connectionsRefused: { inc: () => undefined } } as never,
      timeouts: defaultTimeouts,
      isDraining: () => draining.now,
      tooSlow: (socket) => socket.destroy(),
    }),
    forceCloseConnections: 'idle',
  });
  server.get('/livez', async () => 'alive');
  await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => stopServer(server, 0));
  assert.equal(concurrencyLimiter.hasRoom(), false);
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return { server, call: () => dial(t, url) };
}

test('a closing server ends pending and rejected connections', async (t) => {
  const { server, call } = await crowded(t);
  const lines = Array.from({ length: 3 }, call);
  const [silent, refused, answered] = lines as [Line, Line, Line];
  await Promise.all(lines.map(({ socket }) => once(socket, 'connect')));
  refused.socket.write(get('/'));
  answered.socket.write(get('/livez'));
  await waitUntil(() => statuses(refused.heard()).length + statuses(answered.heard()).length === 2);
  const last = call();
  await once(last.socket, 'connect');
  const arrived = once(server.server, 'connection');
  const other = call();
  await arrived;
  other.socket.write(get('/'));
  await sleep(5);
  const began = performance.now();
  await stopServer(server, 20_000);
  assert.ok(performance.now() - began < 5_000, 'it waits for nobody who asks nothing');
  await Promise.all([...lines, last, other].map(({ ended }) => ended));
  assert.deepEqual(
    [silent, refused, answered, other].map(({ heard }) => statuses(heard())),
    [[], [503], [200], [503]],
  );
});

test('a response that exceeds the shutdown time is aborted', async (t) => {
  const { server, call } = await crowded(t);
  const half = call();
  half.socket.write('POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12');
  await sleep(50);
  const began = performance.now();
  await stopServer(server, 300);
  await half.ended;
  assert.ok(performance.now() - began < 3_000);
});

test('while the process drains, a rejection is the last response of its connection', async (t) => {
  const draining = { now: false };
  const { call } = await crowded(t, draining);
  const kept = call();
  kept.socket.write(get('/'));
  await waitUntil(() => statuses(kept.heard()).length === 1);
  draining.now = true;
  const inside = call();
  inside.socket.write(get('/', 'X-Long: a'));
  inside.socket.write('\r\n\r\n');
  kept.socket.write(get('/'));
  await Promise.all([kept.ended, inside.ended]);
  assert.match(kept.heard(), /keep-alive\r\n[^]*\r\nconnection: close\r\n/);
});

test('an event stream that passed early rejection receives its events', async (t) => {
  await pressed(t);
  const line = dial(t);
  line.socket.write(get(`/api/sambatan/campaigns/${id}/events`, 'Accept: text/event-stream\r\n'));
  await waitUntil(() => line.heard().includes('retry:'));
  const joined = dial(t);
  joined.socket.write(join());
  await waitUntil(() => /\nevent: /.test(line.heard()));
  line.socket.destroy();
  await waitUntil(async () => {
    const { text } = await service.visitor.get('//metrics');
    return /^sambatan_live_watchers 0$/m.test(text);
  });
});

test('a client that sends nothing, or half a request, is disconnected', async (t) => {
  await pressed(t);
  const silent = dial(t);
  const half = dial(t);
  half.socket.write('GET /api/sambatan/campaigns HTTP/1.1\r\nHost:');
  await Promise.all([silent.ended, half.ended]);
  assert.equal(silent.heard(), '');
  assert.deepEqual(statuses(half.heard()), [408]);
});

test('a client that disconnects before its rejection does no harm', async (t) => {
  await full(t);
  const earlier = service.app.concurrencyLimiter.sheds;
  for (let n = 0; n < 20; n++) {
    const line = dial(t);
    await once(line.socket, 'connect');
    line.socket.write(get('/api/sambatan/campaigns'));
    await waitUntil(() => service.app.concurrencyLimiter.sheds === earlier + n + 1);
    line.socket.destroy();
  }
  assert.equal((await service.visitor.get('//livez')).status, 200);
});

test('a client that never reads its rejection is disconnected', async () => {
  const concurrencyLimiter = new ConcurrencyLimiter({ maxInFlight: 0 });
  const letIn = () => assert.fail('there is no room');
  const waits = { firstMs: 60_000, silentMs: 60_000 };
  const doorstep = new Doorstep({
    ...waits,
    concurrencyLimiter,
    always: new Set(),
    isDraining: () => false,
    letIn,
  });
  // A connection that never delivers what is written to it.
  const deaf = Object.assign(new Duplex({ read() {}, write() {} }), { setTimeout() {} });
  doorstep.take(deaf as unknown as Socket);
  while (!deaf.destroyed) {
    assert.ok(concurrencyLimiter.sheds < 1_000);
    deaf.push(Buffer.from(get('/')));
    await sleep(1);
  }
});
