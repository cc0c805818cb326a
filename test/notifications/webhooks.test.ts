import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { AuditRow } from '../../src/audit/queries.ts';
import { newId } from '../../src/identity/ids.ts';
import { Webhook } from 'standardwebhooks';
import {
  AddressNotAllowed,
  checkedLookup,
  isAllowedAddress,
  isAllowedUrl,
} from '../../src/http-client/public-addresses.ts';
import { webhookRetryDelaysSeconds } from '../../src/notifications/transports.ts';
import { retryDelay } from '../../src/notifications/deliveries.ts';
import { CircuitBreaker } from '../../src/notifications/webhooks/circuit-breaker.ts';
import {
  newSecret,
  webhookMessageOf,
  WebhookSender,
} from '../../src/notifications/webhooks/webhooks.ts';
import { startHttpService } from '../support/server/http-service.ts';
import {
  queryRows,
  keepTransactionOpen,
  joinSuccessfully,
  createTestCampaign,
  joinRequest,
} from '../support/builders/market.ts';
import { startReceiver, type Received } from '../support/fakes/receiver.ts';
import { expectProblem, expectStatus, openShop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService({
  messages: true,
  environment: { SAMBATAN_WEBHOOKS_TO_LOOPBACK: 'true' },
});
const { db, app } = service;
after(service.close);
const shop = await openShop(service);

const openings: Server[] = [];
after(() => openings.forEach((server) => server.close()));

/** Creates a webhook endpoint of the shop with a separate receiver. */
async function endpoint(wishes: object = {}) {
  const receiver = await startReceiver();
  after(receiver.close);
  const body = { brand_id: shop.brandId, url: receiver.url, ...wishes };
  const made = expectStatus(await shop.seller.post('/webhooks', body), 201);
  return { receiver, id: made.id, secret: String(made['secret']) };
}

const verified = (secret: string, { body, headers }: Received) =>
  new Webhook(secret).verify(body, headers) as { type: string; data: Record<string, unknown> };

/** The deliveries to an endpoint, as its log in the API shows them. */
const deliveriesOf = async (id: string) =>
  expectStatus(await shop.seller.get(`/webhooks/${id}/deliveries?limit=100`), 200).items;

async function campaignWith(note?: string): Promise<string> {
  const id = await createTestCampaign(db, shop);
  await joinSuccessfully(db, joinRequest(id, note === undefined ? {} : { note }));
  app.changeNotifier.notifyChanged(id);
  return id;
}

test('every event is sent once, signed by the specification, without personal data', async () => {
  const { receiver, secret, id: endpointId } = await endpoint();
  const id = await campaignWith('titip di satpam Pak Budi');
  await waitUntil(() => receiver.received.length === 2);
  for (const one of receiver.received) {
    const { data } = verified(secret, one);
    assert.equal(data['campaign_id'], id);
    assert.doesNotMatch(one.body, /user:|satpam|Jalan|user_id/);
  }
  const join = receiver.received
    .map((one) => verified(secret, one))
    .find(({ type }) => type === 'participant_joined')!;
  assert.deepEqual(join.data['metadata'], { quantity: 1, slots_taken: 1, total_slots: 10 });
  assert.equal(join.data['actor'], 'user');
  assert.equal(new Set(receiver.received.map((one) => one.id)).size, 2);
  assert.throws(() => verified(newSecret(), receiver.received[0]!));
  await waitUntil(async () =>
    (await deliveriesOf(endpointId)).every(({ status }) => status === 'delivered'),
  );
});

test('an endpoint receives only its subscribed events of its own brand', async () => {
  const some = await endpoint({ events: ['participant_joined'] });
  const other = await openShop(service);
  await createTestCampaign(db, other);
  await campaignWith();
  await app.notifications.plan();
  await waitUntil(() => some.receiver.received.length === 1);
  assert.equal(verified(some.secret, some.receiver.received[0]!).type, 'participant_joined');
  assert.equal((await deliveriesOf(some.id)).length, 1);
});

test('rolled-back events are not sent', async () => {
  const { receiver, id: endpointId } = await endpoint({ events: ['participant_joined'] });
  const id = await createTestCampaign(db, shop);
  const open = await keepTransactionOpen(db, (tx) => joinSuccessfully(tx, joinRequest(id)));
  await app.notifications.plan();
  assert.deepEqual(await deliveriesOf(endpointId), []);
  await open.commit();
  await app.notifications.plan();
  await waitUntil(() => receiver.received.length === 1);
});

test('a failed delivery is retried later with the same id', async () => {
  const { receiver, id } = await endpoint({ events: ['participant_joined'] });
  receiver.answer(500);
  await campaignWith();
  await waitUntil(async () => (await deliveriesOf(id))[0]?.['last_result'] === 'HTTP 500');
  receiver.answer(200);
  await queryRows(
    db,
    'update sambatan.deliveries set next_attempt_at = now() where endpoint_id = $1',
    id,
  );
  await waitUntil(async () => (await deliveriesOf(id))[0]?.status === 'delivered');
  assert.equal(receiver.received.length, 2);
  assert.equal(receiver.received[0]!.id, receiver.received[1]!.id);
  assert.equal((await deliveriesOf(id))[0]!['attempts'], 2);
});

test('unresponsive receivers block no others and are tried less and less often', async () => {
  const events = ['participant_joined'];
  const slow = [await endpoint({ events }), await endpoint({ events }), await endpoint({ events })];
  for (const { receiver } of slow) receiver.hang();
  const quick = await endpoint({ events });
  const many = 14;
  const id = await createTestCampaign(db, shop, { totalSlots: many });
  // Joins happen one after the other. When the last event is sent, the slow receivers have as many
  // open requests as is allowed.
  for (let n = 0; n < many; n++) {
    await joinSuccessfully(db, joinRequest(id));
    app.changeNotifier.notifyChanged(id);
    await app.notifications.plan();
    await waitUntil(() => quick.receiver.received.length === n + 1, { withinMs: 4_000 });
  }
  const firstTimes = slow.map(({ receiver }) => receiver.received.length);
  assert.ok(Math.max(...firstTimes) <= 10, 'so many at a time at most');
  for (const { id: endpointId } of slow) {
    await waitUntil(async () =>
      (await deliveriesOf(endpointId)).some((one) => one['last_result'] === 'no answer in time'),
    );
    const tried = (await deliveriesOf(endpointId)).filter((one) => one['last_result'] !== null);
    for (const one of tried) {
      assert.equal(one.status, 'pending');
      assert.ok(new Date(String(one['next_attempt_at'])).getTime() > Date.now());
    }
  }
  // After a time-out, the deliveries that wait are sent only after a pause.
  assert.deepEqual(
    slow.map(({ receiver }) => receiver.received.length),
    firstTimes,
  );
  for (const { id: endpointId } of slow) {
    expectStatus(await shop.seller.patch(`/webhooks/${endpointId}`, { enabled: false }), 200);
  }
});

test('attempts are spread over three days, and then the delivery has failed', () => {
  const all = webhookRetryDelaysSeconds;
  const sum = all.reduce((whole, _wait, at) => whole + retryDelay(at + 1, all, 0.5)!, 0);
  assert.ok(Math.abs(sum / 3_600 - 72) < 1, `${sum / 3_600} hours`);
  assert.equal(retryDelay(all.length + 1, all), null);
  assert.equal(Math.round(retryDelay(2, all, 0)!), 240);
  assert.equal(Math.round(retryDelay(2, all, 1)!), 360);
});

test('a receiver that answers 410 is disabled until somebody enables it', async () => {
  const { receiver, id } = await endpoint({ events: ['participant_joined'] });
  receiver.answer(410);
  await campaignWith();
  const see = async () => expectStatus(await shop.seller.get(`/webhooks/${id}`), 200);
  await waitUntil(async () => (await see()).status === 'disabled');
  assert.equal((await see())['status_reason'], 'HTTP 410');
  await campaignWith();
  await app.notifications.plan();
  assert.equal(receiver.received.length, 1);
  receiver.answer(200);
  const on = await shop.seller.patch(`/webhooks/${id}`, { enabled: true });
  assert.equal(expectStatus(on, 200).status, 'enabled');
  const [dropped] = await deliveriesOf(id);
  assert.equal(dropped!.status, 'dropped');
  expectStatus(await shop.seller.post(`/deliveries/${dropped!.id}/resend`), 200);
  await waitUntil(() => receiver.received.length === 2);
  assert.equal(receiver.received[0]!.id, receiver.received[1]!.id);
});

test('after a rotation both secrets verify for a day, then only the new one', async () => {
  const { receiver, id, secret } = await endpoint({ events: ['participant_joined'] });
  const rotated = expectStatus(await shop.seller.post(`/webhooks/${id}/rotate`), 200);
  const fresh = String(rotated['secret']);
  assert.notEqual(fresh, secret);
  await campaignWith();
  await waitUntil(() => receiver.received.length === 1);
  verified(secret, receiver.received[0]!);
  verified(fresh, receiver.received[0]!);
  await queryRows(
    db,
    `update sambatan.webhook_endpoints set previous_secret_until = now()
    where endpoint_id = $1`,
    id,
  );
  await campaignWith();
  await waitUntil(() => receiver.received.length === 2);
  assert.throws(() => verified(secret, receiver.received[1]!));
  verified(fresh, receiver.received[1]!);
});

test('a redirect is not followed', async () => {
  const inside = await startReceiver();
  after(inside.close);
  const { receiver, id } = await endpoint({ events: ['participant_joined'] });
  receiver.answer(302, { location: inside.url });
  await campaignWith();
  await waitUntil(async () => (await deliveriesOf(id))[0]?.['last_result'] === 'HTTP 302');
  assert.equal(inside.received.length, 0);
});

test('the circuit breaker pauses a slow receiver, longer each time, until an answer is quick', () => {
  let now = 0;
  const receivers = new CircuitBreaker(() => now);
  const attempts = (tookMs: number) => {
    const ends = Array.from({ length: 10 }, () => receivers.begin('a'));
    assert.deepEqual(receivers.busy(), ['a'], 'ten at a time');
    now += tookMs;
    for (const end of ends) end();
  };
  for (const restMs of [10_000, 20_000, 40_000, 60_000, 60_000]) {
    attempts(10_000);
    now += restMs - 1;
    assert.deepEqual(receivers.busy(), ['a'], `${restMs} ms`);
    now += 1;
    assert.deepEqual(receivers.busy(), [], `${restMs} ms`);
  }
  attempts(50);
  assert.deepEqual(receivers.busy(), []);
  attempts(10_000);
  now += 10_000;
  assert.deepEqual(receivers.busy(), [], 'as at first');
});

const strict = { allowLoopback: false };
const loopback = { allowLoopback: true };

for (const address of [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::7f00:1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  'fc00::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'not an address',
]) {
  test(`nothing is sent to ${address}`, () => {
    assert.equal(isAllowedAddress(address, strict), false);
    const isLocal = address === '127.0.0.1' || address === '::1';
    assert.equal(isAllowedAddress(address, loopback), isLocal);
  });
}

test('webhooks may be sent to public addresses', () => {
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111']) {
    assert.ok(isAllowedAddress(address, strict), address);
  }
});

test('a webhook contains fixed reasons and texts of an event, and no user’s own words or id', () => {
  const userId = newId();
  const told = (metadata: AuditRow['metadata']) => {
    const { body } = webhookMessageOf({
      campaign_id: newId(),
      seq: 7n,
      occurred_at: new Date(),
      participation_id: null,
      event: 'campaign_cancelled',
      actor: `user:${userId}`,
      metadata,
    });
    assert.ok(!body.includes(userId), body);
    return (JSON.parse(body) as { data: { metadata: object } }).data.metadata;
  };
  assert.deepEqual(told({ reason: 'Bu Sari sakit', note: 'rumah biru', by: userId }), {});
  assert.deepEqual(told({ explanation: 'sudah dicek', reference: 'BCA 0042', title: 'x' }), {});
  const open = { reason: 'hold_lapsed', quantity: 2, paid: false, to: '2026-01-01T00:00:00Z' };
  assert.deepEqual(told({ ...open, fields: ['title'], deeper: { note: 'x' } }), open);
});

test('concurrent creations of webhooks respect the limit', async () => {
  const own = await openShop(service);
  const body = { brand_id: own.brandId, url: 'https://receiver.example/hook' };
  const made = await Promise.all(
    Array.from({ length: 30 }, () => own.seller.post('/webhooks', body)),
  );
  const taken = made.filter(({ status }) => status === 201);
  assert.equal(taken.length, 20);
  for (const one of made.filter(({ status }) => status !== 201)) {
    expectProblem(one, 409, 'webhook_limit_reached');
  }
});

test('an endpoint must be https, on the public internet, without credentials', async () => {
  for (const url of [
    'http://receiver.example/',
    'https://user:secret@receiver.example/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::1]/',
    'https://localhost/',
    'https://intranet/',
    'ftp://receiver.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'not a url',
    'https://receiver.example/\r\nX-Other: 1',
    'https://receiver.example/a b',
    'https://receiver.\u202eexample/',
    '\thttps://receiver.example/',
  ]) {
    assert.equal(isAllowedUrl(url, strict), false, url);
  }
  assert.ok(isAllowedUrl('https://receiver.example:8443/hook?x=1', strict));
  const body = { brand_id: shop.brandId, url: 'https://10.0.0.1/' };
  assert.equal((await shop.seller.post('/webhooks', body)).status, 422);
});

/** Starts a server on this machine that the service must not contact. Counts its connections. */
async function forbidden(): Promise<{ port: number; asked: () => number }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end();
  });
  openings.push(server);
  server.on('connection', () => asked++);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}

const message = { id: 'msg_test', body: '{}' };

test('a host name that resolves to this machine is refused at connection time', async () => {
  const { port, asked } = await forbidden();
  const resolve = ((_host: string, _options: object, done: (...given: unknown[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }])) as never;
  const sender = new WebhookSender(strict, checkedLookup(strict, resolve));
  const result = await sender.send(`https://receiver.example:${port}/`, message, [newSecret()]);
  assert.equal(result.kind, 'not_allowed');
  for (const url of [`https://2130706433:${port}/`, `https://[::ffff:127.0.0.1]:${port}/`]) {
    assert.equal((await sender.send(url, message, [newSecret()])).kind, 'not_allowed', url);
  }
  sender.close();
  assert.equal(asked(), 0, 'not even a connection');
});

test('only the public addresses of a host name are connected to', async () => {
  const found = [
    { address: '10.0.0.1', family: 4 },
    { address: '93.184.215.14', family: 4 },
  ];
  const lookup = checkedLookup(strict, ((_h: string, _o: object, done: (...g: unknown[]) => void) =>
    done(null, found)) as never);
  const answer = (all: boolean) =>
    new Promise<unknown>((resolve) =>
      lookup('x.example', { all }, (error, address) => resolve(error ?? address)),
    );
  assert.deepEqual(await answer(true), [found[1]]);
  assert.equal(await answer(false), '93.184.215.14');
  found.pop();
  assert.ok((await answer(false)) instanceof AddressNotAllowed);
});

test('an endless or very long response does not block the sender', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200);
    const more = () => response.write('x'.repeat(8_192)) || undefined;
    const timer = setInterval(more, 1);
    response.on('close', () => clearInterval(timer));
  });
  openings.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const sender = new WebhookSender(loopback);
  const result = await sender.send(`http://127.0.0.1:${port}/`, message, [newSecret()]);
  assert.deepEqual(result, { kind: 'answered', status: 200 });
  sender.close();
});
