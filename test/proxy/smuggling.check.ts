import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import { openRaw, statusesIn } from '../support/clients/raw.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { startProxy } from '../support/server/haproxy.ts';
import { chunkAttacks, formAttacks, lengthAttacks, type Attack } from './attacks.ts';

interface Seen {
  readonly url: string;
  /** True if the proxy has added its header. The bytes of an attack never contain it. */
  readonly isFromProxy: boolean;
}

/** Every request that the HTTP parser of the service has found. */
const seen: Seen[] = [];
subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  const isFromProxy = request.headers['x-forwarded-for'] !== undefined;
  seen.push({ url: request.url ?? '', isFromProxy });
});

const service = await startHttpService({
  environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' },
});
const proxy = await startProxy(
  { after },
  {
    replicas: [service.url],
    variables: { PROXY_HEAD_TIMEOUT: '1s', PROXY_BODY_TIMEOUT: '1s', PROXY_IDLE_TIMEOUT: '500ms' },
  },
);
after(service.close);

let marks = 0;

/** Sends an attack on its own connection. Returns what the service saw of it. */
async function attackWith({ name, bytes }: Attack): Promise<{ name: string; found: Seen[] }> {
  const mark = `mark=${++marks}.`;
  const outer = `/api/sambatan/campaigns?outer&${mark}`;
  const inner = `/api/sambatan/hidden?${mark}`;
  const heard = await openRaw(proxy.port, bytes(outer, inner)).closed;
  assert.notDeepEqual(statusesIn(heard), [], `${name}: no answer`);
  return { name, found: seen.filter(({ url }) => url.includes(mark)) };
}

/** Requests of other clients afterwards, on connections that the proxy may use again. */
async function othersAreAnswered(): Promise<void> {
  const answers = Array.from({ length: 40 }, async (_, n) => {
    const answer = await fetch(`${proxy.url}/api/sambatan/campaigns/${n}`);
    const { code } = (await answer.json()) as { code: string };
    assert.deepEqual([answer.status, code], [422, 'validation_failed'], `client ${n}`);
  });
  await Promise.all(answers);
}

const kinds = {
  'that disagree about the length of a body': lengthAttacks,
  'with malformed chunks': chunkAttacks,
  'with a malformed head': formAttacks,
};
for (const [kind, attacks] of Object.entries(kinds)) {
  test(`requests ${kind} bring no hidden request to the service`, async () => {
    const results = await Promise.all(attacks.map(attackWith));
    await othersAreAnswered();
    for (const [n, { name, found }] of results.entries()) {
      const hidden = found.filter(({ isFromProxy }) => !isFromProxy);
      assert.deepEqual(hidden, [], name);
      const most = attacks[n]!.isPipelined === true ? 2 : 1;
      assert.ok(found.length <= most, `${name}: ${JSON.stringify(found)}`);
    }
  });
}

test('control: the service does find a second request that the proxy does not', async () => {
  const direct = Number(new URL(service.url).port);
  const bytes =
    'GET /api/sambatan/campaigns?first HTTP/1.1\r\nHost: a.test\r\n\r\n' +
    'GET /api/sambatan/hidden?direct HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
  await openRaw(direct, bytes).closed;
  const found = seen.filter(({ url }) => url.endsWith('hidden?direct'));
  assert.deepEqual(found, [{ url: '/api/sambatan/hidden?direct', isFromProxy: false }]);
});

test('an absolute address of the same host reaches the service as a path', async () => {
  const bytes =
    'GET http://a.test/api/sambatan/campaigns?absolute HTTP/1.1\r\nHost: a.test\r\n' +
    'Connection: close\r\n\r\n';
  await openRaw(proxy.port, bytes).closed;
  const [found] = seen.filter(({ url }) => url.endsWith('?absolute'));
  assert.equal(found?.url, '/api/sambatan/campaigns?absolute');
});

test('requests of HTTP/2 cannot write a second request into the head of HTTP/1.1', async (t) => {
  const hidden = '/api/sambatan/hidden?h2';
  const line = `HTTP/1.1\r\nHost: a.test\r\n\r\nGET ${hidden}`;
  const body = `GET ${hidden} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  const path = '/api/sambatan/campaigns';
  const heads: readonly Record<string, string>[] = [
    { ':path': `${path} ${line}` },
    { ':path': path, ':method': `GET ${hidden} HTTP/1.1` },
    { ':path': path, ':authority': `a.test\r\nX: y\r\n\r\nGET ${hidden}` },
    { ':path': path, ':method': 'POST', 'content-length': '0' },
    { ':path': path, ':method': 'POST', 'content-length': String(body.length + 20) },
  ];
  for (const head of heads) {
    const session = connect(proxy.url);
    session.on('error', () => undefined);
    t.after(() => session.destroy());
    await once(session, 'connect');
    const ended = new Promise((resolve) => session.once('close', resolve));
    const stream = session.request(head);
    stream.on('error', () => undefined);
    stream.once('close', () => session.destroy());
    stream.resume();
    stream.end(body);
    await ended;
  }
  await othersAreAnswered();
  assert.deepEqual(
    seen.filter(({ url }) => url.includes(hidden)),
    [],
  );
});
