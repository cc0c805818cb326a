import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { stopServer } from '../../src/server/server.ts';
import { asService, startTestServer } from '../http/frame.ts';
import type { TestServer } from '../http/frame.ts';

const base = '/api/sambatan';
const nextRunTime = new Date('2026-08-17T10:00:00Z');
const scheduler = (isRunning: boolean) => ({ status: () => ({ isRunning, nextRunTime }) });

async function healthOf({ server }: TestServer): Promise<unknown> {
  const answer = await server.inject(`${base}/health`);
  assert.equal(answer.statusCode, 200);
  return answer.json();
}

test('health is healthy when the scheduler runs and the database answers', async () => {
  const own = await startTestServer({}, scheduler(true));
  assert.deepEqual(await healthOf(own), {
    status: 'healthy',
    scheduler_running: true,
    messages_running: false,
    log_running: false,
    outbox_lag_seconds: null,
    database_connected: true,
    next_run: '2026-08-17T10:00:00.000Z',
    held: false,
    unnamed_proxy: false,
  });
  await own.server.close();
});

test('health is degraded without a scheduler, and while the database refuses queries', async () => {
  const own = await startTestServer();
  own.database = () => Promise.reject(new Error('away'));
  assert.deepEqual(await healthOf(own), {
    status: 'degraded',
    scheduler_running: false,
    messages_running: false,
    log_running: false,
    outbox_lag_seconds: null,
    database_connected: false,
    next_run: null,
    held: null,
    unnamed_proxy: false,
  });
  await own.server.close();
});

test('health is degraded during a quarantine, and the service is ready', async () => {
  const own = await startTestServer({}, scheduler(true));
  own.held = true;
  assert.deepEqual(await healthOf(own), {
    status: 'degraded',
    scheduler_running: true,
    messages_running: false,
    log_running: false,
    outbox_lag_seconds: null,
    database_connected: true,
    next_run: '2026-08-17T10:00:00.000Z',
    held: true,
    unnamed_proxy: false,
  });
  assert.equal((await own.server.inject('/readyz')).statusCode, 200);
  await own.server.close();
});

test('an unresponsive database makes the service unready within a second', async () => {
  const own = await startTestServer();
  own.database = () => new Promise(() => {});
  const began = performance.now();
  const answers = await Promise.all([own.server.inject('/readyz'), own.server.inject('/readyz')]);
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [503, 503],
  );
  assert.ok(performance.now() - began < 5_000);
  assert.equal((await own.server.inject('/livez')).statusCode, 200);
  await own.server.close();
});

test('concurrent health requests share one database query', async () => {
  const own = await startTestServer();
  let asked = 0;
  own.database = async () => asked++;
  await Promise.all(Array.from({ length: 20 }, () => own.server.inject('/readyz')));
  assert.equal(asked, 1);
  await own.server.close();
});

async function addressSeen(environment: Record<string, string>, forwarded: string) {
  const { server } = await startTestServer(environment);
  const headers = { 'x-forwarded-for': forwarded };
  const answer = await server.inject({
    url: `${base}/address`,
    headers,
    remoteAddress: '10.0.0.7',
  });
  await server.close();
  return answer.json<{ address: string }>().address;
}

test('X-Forwarded-For is accepted only from configured proxies', async () => {
  const proxies = (list: string) => ({ SAMBATAN_TRUSTED_PROXIES: list });
  assert.equal(await addressSeen({}, '198.51.100.9'), '10.0.0.7');
  assert.equal(await addressSeen(proxies('10.0.0.8'), '198.51.100.9'), '10.0.0.7');
  assert.equal(await addressSeen(proxies('10.0.0.0/24'), '198.51.100.9'), '198.51.100.9');
  const spoofed = '203.0.113.1, 198.51.100.9';
  assert.equal(await addressSeen(proxies('10.0.0.7'), spoofed), '198.51.100.9');
});

/** A low limit for this test: three attempts to join without signing in, per network and minute. */
const threeJoins = { namelessJoins: { max: 3, seconds: 60 } };

test('join attempts without a valid caller are limited by address, others are not', async () => {
  const { server } = await startTestServer({}, undefined, {}, threeJoins);
  const attempt = async (remoteAddress: string, headers: Record<string, string> = {}) => {
    const answer = await server.inject({
      method: 'POST',
      url: `${base}/join`,
      remoteAddress,
      headers,
    });
    return answer;
  };
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await attempt('192.0.2.1')).statusCode);
  assert.deepEqual(statuses, [401, 401, 401]);
  const refused = await attempt('192.0.2.1', { authorization: 'Bearer nonsense' });
  assert.equal(refused.statusCode, 429);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal((await attempt('192.0.2.2')).statusCode, 401);
  assert.equal((await attempt('192.0.2.1', asService)).statusCode, 200);
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:5::']) await attempt(address);
  assert.equal((await attempt('2001:db8:0::9')).statusCode, 429);
  assert.equal((await attempt('2001:db8:0:1::9')).statusCode, 401);
  await server.close();
});

test('a limit of 0 limits nobody', async () => {
  const unlimited = { SAMBATAN_JOIN_RATE_LIMIT: '0' };
  const { server } = await startTestServer(unlimited, undefined, {}, threeJoins);
  for (let i = 0; i < 30; i++) {
    const answer = await server.inject({ method: 'POST', url: `${base}/join` });
    assert.equal(answer.statusCode, 401);
  }
  await server.close();
});

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

test('the OpenAPI document describes every route with every error', async () => {
  const { server } = await startTestServer();
  const document = (await server.inject('/api/docs/json')).json<OpenApi>();
  assert.equal(document.openapi, '3.1.0');
  const thing = document.paths[`${base}/things/{thing_id}`]?.['get'];
  assert.deepEqual(Object.keys(thing?.responses ?? {}), [
    '200',
    '400',
    '401',
    '404',
    '409',
    '422',
    '500',
    '503',
  ]);
  assert.match(thing?.responses['503']?.description ?? '', /`overloaded`, `database_unavailable`/);
  const made = document.paths[`${base}/things`]?.['post'];
  assert.ok(made?.responses['413'] && made.responses['415']);
  await server.close();
});

test('the API page loads nothing from another host', async () => {
  const { server } = await startTestServer();
  const page = await server.inject('/api/docs');
  assert.equal(page.statusCode, 200);
  assert.doesNotMatch(page.body, /(src|href)="(https?:)?\/\//);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /https:|upgrade-insecure/);
  assert.doesNotMatch(page.body, /<script>(?!\s*<\/script>)/);
  for (const [, path = ''] of page.body.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)) {
    const asset = await server.inject(new URL(path, 'http://x/api/docs/').pathname);
    assert.equal(asset.statusCode, 200, path);
  }
  await server.close();
});

test('stopping answers requests in flight and accepts no more', async () => {
  const own = await startTestServer();
  const { promise: answerNow, resolve } = Promise.withResolvers<void>();
  own.database = () => answerNow;
  await own.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = own.server.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  const asked = request({ port, host: '127.0.0.1', path: '/readyz', agent }).end();
  await once(own.server.server, 'request');
  const began = performance.now();
  const stopped = stopServer(own.server, 5_000);
  while (own.server.server.listening) await setImmediate();
  const [late] = await once(request({ port, host: '127.0.0.1', path: '/livez' }).end(), 'error');
  assert.equal((late as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  resolve();
  const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
  answer.resume();
  assert.equal(answer.statusCode, 200);
  await stopped;
  assert.ok(performance.now() - began < 4_000, 'a kept connection held the server up');
  agent.destroy();
});

test('a request that does not finish in time is aborted, so that stopping ends', async () => {
  const own = await startTestServer();
  own.database = () => new Promise(() => {});
  await own.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = own.server.server.address() as AddressInfo;
  const asked = request({ port, host: '127.0.0.1', path: '/readyz' }).end();
  await once(own.server.server, 'request');
  const began = performance.now();
  const failed = once(asked, 'error');
  await stopServer(own.server, 100);
  await failed;
  assert.ok(performance.now() - began < 5_000);
});
