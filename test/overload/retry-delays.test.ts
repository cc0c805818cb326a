import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { RetryDelays } from '../../src/overload/retry-delays.ts';

const retryAfterSeconds = 60;
const isProxy = (address: string) => address === '192.0.2.1';

/** A connection from an address. Only its address and its event `close` matter here. */
function connection(remoteAddress: string): Socket {
  return Object.assign(new EventEmitter(), { remoteAddress }) as unknown as Socket;
}

test('a client that asks before Retry-After is answered later and later', () => {
  const delays = new RetryDelays({ isProxy });
  const client = connection('198.51.100.1');
  const ask = (now: number) => delays.delayMs(client, 1, now);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(ask), [0, 25, 250, 1_000, 2_000, 2_000]);
  assert.equal(ask(3_005), 0, 'it has waited for one second after its last answer');
  assert.equal(ask(3_006), 25);
});

test('a client that obeys Retry-After is always answered at once', () => {
  const delays = new RetryDelays({ isProxy });
  const client = connection('198.51.100.1');
  for (let second = 1; second < 100; second++) {
    assert.equal(delays.delayMs(client, 1, second * 1_000), 0);
  }
});

test('a client cannot avoid the delay by opening a new connection for each request', () => {
  const delays = new RetryDelays({ isProxy });
  const expected = [0, 25, 250, 1_000, 2_000, 2_000];
  const received = expected.map((_, number) => {
    // IPv6 addresses of one /64 belong to one client.
    const one = connection(`2001:db8::${number + 1}`);
    const delay = delays.delayMs(one, retryAfterSeconds, performance.now());
    one.emit('close');
    return delay;
  });
  assert.deepEqual(received, expected);
  assert.equal(
    delays.delayMs(connection('198.51.100.2'), 1, performance.now()),
    0,
    'another network',
  );
});

test('two thousand people behind one address do not delay each other', () => {
  const delays = new RetryDelays({ isProxy });
  const people = Array.from({ length: 2_000 }, () => connection('198.51.100.1'));
  const ask = (person: Socket) => delays.delayMs(person, retryAfterSeconds, performance.now());
  assert.ok(people.every((person) => ask(person) === 0));
  const [impatient] = people;
  assert.deepEqual([ask(impatient!), ask(impatient!)], [25, 250]);
  assert.equal(ask(connection('198.51.100.1')), 0);
});

test('connections of a trusted proxy, which serve many clients, get the shortest delay', () => {
  const delays = new RetryDelays({ isProxy });
  const shared = connection('192.0.2.1');
  for (let n = 0; n < 10; n++) assert.equal(delays.delayMs(shared, 1, n), 25);
});

test('the memory for closed connections is bounded', () => {
  const delays = new RetryDelays({ isProxy });
  for (let n = 0; n < 12_000; n++) {
    const one = connection(`10.0.${n >> 8}.${n & 255}`);
    delays.delayMs(one, retryAfterSeconds, performance.now());
    one.emit('close');
  }
  assert.ok(delays.remembered <= 10_000);
  const newest = connection('10.0.46.223');
  assert.equal(delays.delayMs(newest, 1, performance.now()), 25, 'the newest are remembered');
});
