import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { after, before, test, type TestContext } from 'node:test';
import { openRaw, statusesIn, type RawConnection } from '../support/clients/raw.ts';
import { openStream } from '../support/clients/stream.ts';
import { openShop, type Shop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { startProxy } from '../support/server/haproxy.ts';
import { waitUntil } from '../support/server/until.ts';

const seen: IncomingMessage[] = [];
subscribe('http.server.request.start', (message) => {
  seen.push((message as { request: IncomingMessage }).request);
});

const service = await startHttpService({
  environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' },
});
const proxy = await startProxy(
  { after },
  {
    replicas: [service.url],
    variables: {
      PROXY_HEAD_TIMEOUT: '1s',
      PROXY_BODY_TIMEOUT: '1s',
      PROXY_CLIENT_TIMEOUT: '2s',
      PROXY_MAX_WRITES: '2',
      PROXY_MAX_PAGES: '2',
      PROXY_MAX_FILES: '4',
    },
  },
);
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

/** A client that sends the beginning of a request, and then one byte after the other. */
function dribble(t: TestContext, begin: string, byte: string): RawConnection {
  const connection = openRaw(proxy.port, begin);
  const timer = setInterval(() => {
    if (connection.socket.writable) connection.socket.write(byte);
  }, 50);
  void connection.closed.then(() => clearInterval(timer));
  t.after(() => connection.socket.destroy());
  return connection;
}

/** Other clients are answered, although each backend has two slots only. */
async function othersAreAnswered(): Promise<void> {
  const read = await fetch(`${proxy.url}/api/sambatan/campaigns`);
  assert.equal(read.status, 200, await read.text());
  const write = await fetch(`${proxy.url}/api/sambatan/campaigns`, { method: 'POST', body: '{}' });
  assert.equal(write.status, 401, await write.text());
}

test('slow heads are cut, and take no slot of the service', async (t) => {
  const path = '/api/sambatan/campaigns?slow-head';
  const slow = Array.from({ length: 10 }, () =>
    dribble(t, `GET ${path} HTTP/1.1\r\nHost: a.test\r\nX-Slow: `, 'x'),
  );
  await othersAreAnswered();
  for (const { closed } of slow) assert.deepEqual(statusesIn(await closed), [408]);
  assert.deepEqual(
    seen.filter(({ url }) => url === path),
    [],
  );
});

test('slow bodies are cut, and take no slot of the service', async (t) => {
  const path = '/api/sambatan/campaigns?slow-body';
  const head = `POST ${path} HTTP/1.1\r\nHost: a.test\r\n`;
  const slow = Array.from({ length: 5 }, () => [
    dribble(t, `${head}Content-Length: 10000\r\n\r\n{`, ' '),
    dribble(t, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'),
  ]).flat();
  await othersAreAnswered();
  for (const { closed } of slow) {
    const heard = await closed;
    assert.deepEqual(statusesIn(heard), [408]);
    assert.match(heard, /"code":"request_timeout"/);
  }
  assert.deepEqual(
    seen.filter(({ url }) => url === path),
    [],
  );
});

test('a body longer than the buffer takes no slot of joins while it arrives', async (t) => {
  const path = '/api/sambatan/campaigns?long-body';
  const token = service.service.token;
  const head =
    `POST ${path} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer ${token}\r\n` +
    'Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n';
  const slow = Array.from({ length: 4 }, () => dribble(t, head + ' '.repeat(16_000), ' '));
  await waitUntil(() => seen.filter(({ url }) => url === path).length === 4);
  await othersAreAnswered();
  for (const { socket } of slow) socket.destroy();
});

test('clients that do not read their answers are cut, and block nobody', async (t) => {
  // Together the answers are larger than every buffer between the service and the client.
  const one = 'GET /api/docs/json?unread HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const slow = Array.from({ length: 6 }, () => {
    const connection = openRaw(proxy.port, one.repeat(300));
    connection.socket.pause();
    t.after(() => connection.socket.destroy());
    return connection;
  });
  // In its log the proxy marks an answer that a client did not read in time with "cD".
  const cut = () => proxy.said().match(/ cD-- .*\?unread/g)?.length ?? 0;
  await waitUntil(async () => {
    await othersAreAnswered();
    return cut() === slow.length;
  });
});

test('an event stream stays open longer than the time-out for silent clients', async () => {
  const campaign = await shop.campaign();
  const streams = await Promise.all([1, 2, 3].map(() => openStream(proxy.url, campaign.id)));
  await othersAreAnswered();
  // There are fifteen seconds between two heartbeats.
  const beats = (text: string) => text.split('\n:\n').length - 1;
  await waitUntil(() => streams.every((stream) => beats(stream.text()) >= 2));
  await othersAreAnswered();
  for (const stream of streams) stream.end();
});
