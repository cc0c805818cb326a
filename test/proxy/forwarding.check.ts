import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { openRaw, statusesIn } from '../support/clients/raw.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { proxyHeader, startProxy } from '../support/server/haproxy.ts';

const seen: IncomingMessage[] = [];
subscribe('http.server.request.start', (message) => {
  seen.push((message as { request: IncomingMessage }).request);
});

const service = await startHttpService({
  environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1', SAMBATAN_JOIN_RATE_LIMIT: '10' },
  timeouts: { namelessJoins: { max: 3, seconds: 600 } },
});
const proxy = await startProxy({ after }, { replicas: [service.url] });
after(service.close);

const forged = [
  'X-Forwarded-For: 198.51.100.99',
  'X-FORWARDED-FOR: 198.51.100.98, 198.51.100.97',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Server: evil.test',
  'X-Forwarded: for=198.51.100.99',
  'Forwarded: for=198.51.100.99;host=evil.test;proto=https',
  'X-Real-IP: 198.51.100.99',
  'X-Client-IP: 198.51.100.99',
  'X-Cluster-Client-IP: 198.51.100.99',
  'True-Client-IP: 198.51.100.99',
  'CF-Connecting-IP: 198.51.100.99',
  'X-Original-URL: /api/sambatan/refunds',
  'X-Rewrite-URL: /api/sambatan/refunds',
  'X_Forwarded_For: 198.51.100.99',
  'Proxy: http://evil.test',
  'Connection: close, X-Forwarded-For, X-Forwarded-Proto',
];

/** Sends a request from this address, and returns its status. */
async function send(address: string, head: string, headers: readonly string[] = []) {
  const lines = [head, 'Host: a.test', 'Connection: close', ...headers, '', ''];
  return statusesIn(
    await openRaw(proxy.addressedPort, proxyHeader(address) + lines.join('\r\n')).closed,
  )[0];
}

for (const address of ['203.0.113.7', '2001:db8:1:2::7']) {
  test(`forwarding headers of the client ${address} do not reach the service`, async () => {
    const path = `/api/sambatan/campaigns?from=${encodeURIComponent(address)}`;
    await send(address, `GET ${path} HTTP/1.1`, forged);
    const found = seen.find(({ url }) => url === path);
    assert.ok(found);
    const text = JSON.stringify(found.rawHeaders);
    assert.doesNotMatch(text, /198\.51\.100|evil|refunds/);
    assert.equal(found.headers['x-forwarded-for'], address);
    assert.equal(found.headers['x-forwarded-proto'], 'http');
    assert.deepEqual(
      Object.keys(found.headers).filter((name) => /forwarded|real|client|original|_/.test(name)),
      ['x-forwarded-for', 'x-forwarded-proto'],
    );
  });
}

test('the limits of the service count the real network of a client', async () => {
  const join = `POST /api/sambatan/campaigns/${newId()}/join HTTP/1.1`;
  const body = ['Content-Length: 0'];
  const from = (address: string, forgedAddress: string) =>
    send(address, join, [...body, `X-Forwarded-For: ${forgedAddress}`]);
  const first = [];
  for (let n = 0; n < 5; n++) first.push(await from('203.0.113.20', `198.51.100.${n}`));
  assert.deepEqual(first, [401, 401, 401, 429, 429]);
  assert.equal(await from('203.0.113.21', '203.0.113.20'), 401);
  const v6 = [];
  for (let n = 1; n <= 5; n++) v6.push(await from(`2001:db8:5:5::${n}`, '203.0.113.20'));
  assert.deepEqual(v6, [401, 401, 401, 429, 429], 'a /64 is one network');
  assert.equal(await from('2001:db8:5:6::1', '203.0.113.20'), 401);
});

test('the service trusts the proxy, and reports no unnamed one', async () => {
  const health = await service.service.get('/health');
  assert.equal(health.body['unnamed_proxy'], false);
});
