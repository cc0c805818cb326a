// Many phones can connect while the process is busy. No other process can use the same address.
// After a stop no listener is open.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Fastify, { type FastifyInstance } from 'fastify';
import { listen } from '../../src/overload/listen.ts';
import { stopServer } from '../../src/server/server.ts';

const host = '127.0.0.1';
const onLinux = process.platform === 'linux' ? false : 'the kernel spreads connections on Linux';

const portOf = (server: FastifyInstance) => (server.server.address() as AddressInfo).port;

/** Opens connections from another thread while the event loop of this thread is blocked. */
function connectWhileBusy(port: number, connections: number): Worker {
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const crowd = new Worker(
    `const { workerData: { port, connections, connected } } = require('node:worker_threads');
    const { connect } = require('node:net');
    for (let i = 0; i < connections; i++) {
      connect(port, '127.0.0.1', () => {
        Atomics.add(connected, 0, 1);
        Atomics.notify(connected, 0);
      }).on('error', () => undefined);
    }`,
    { eval: true, workerData: { port, connections, connected } },
  );
  for (let seen = 0; seen < connections; seen = Atomics.load(connected, 0)) {
    assert.notEqual(Atomics.wait(connected, 0, seen, 30_000), 'timed-out', `${seen} got in`);
  }
  return crowd;
}

/** The largest number of connections that the server accepts in one iteration of its event loop. */
async function mostInOneTurn(server: FastifyInstance, connections: number): Promise<number> {
  let taken = 0;
  let most = 0;
  server.server.on('connection', () => taken++);
  const crowd = connectWhileBusy(portOf(server), connections);
  const soFar = () => taken;
  while (soFar() < connections) {
    const before = taken;
    await turn();
    most = Math.max(most, taken - before);
  }
  await crowd.terminate();
  return most;
}

test(
  'several new connections are accepted per event-loop turn, so that a busy process stays reachable',
  {
    skip: onLinux,
  },
  async () => {
    const wide = Fastify();
    await listen(wide, { host, port: 0 });
    assert.ok((await mostInOneTurn(wide, 200)) >= 20);
    await stopServer(wide, 1_000);

    // For comparison: a server with a single listening socket.
    const narrow = Fastify();
    await narrow.listen({ host, port: 0 });
    assert.ok((await mostInOneTurn(narrow, 200)) < 20);
    await stopServer(narrow, 1_000);
  },
);

test('an occupied address is refused, even when the same process uses it', async () => {
  const ours = Fastify();
  await listen(ours, { host, port: 0 });
  const second = Fastify();
  await assert.rejects(listen(second, { host, port: portOf(ours) }), { code: 'EADDRINUSE' });
  await second.close();
  await stopServer(ours, 1_000);

  const stranger = createServer().listen(0, host);
  await once(stranger, 'listening');
  const { port } = stranger.address() as AddressInfo;
  const third = Fastify();
  await assert.rejects(listen(third, { host, port }), { code: 'EADDRINUSE' });
  await third.close();
  stranger.close();
  await once(stranger, 'close');
});

test('a stop answers the requests of all listeners, and then accepts no connection', async () => {
  const server = Fastify();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const count = 40;
  let waiting = 0;
  server.get('/', () => {
    if (++waiting === count) asked.resolve();
    return answer.promise;
  });
  await listen(server, { host, port: 0 });
  const port = portOf(server);
  const url = `http://${host}:${port}/`;
  const answers = Array.from({ length: count }, async () => {
    const got = await fetch(url, { headers: { connection: 'close' } });
    return got.text();
  });
  await asked.promise;
  const stopped = stopServer(server, 10_000);
  await turn();
  answer.resolve('here');
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['here']));
  await stopped;
  await assert.rejects(fetch(url), (error: Error) => {
    assert.equal((error.cause as { code?: string }).code, 'ECONNREFUSED');
    return true;
  });
});
