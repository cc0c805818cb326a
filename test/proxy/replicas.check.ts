import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { after, test, type TestContext } from 'node:test';
import {
  createBrandAndProduct,
  createTestCampaign,
  queryRows,
} from '../support/builders/market.ts';
import { joinBody, openShop } from '../support/builders/shop.ts';
import { testDatabase } from '../support/database/database.ts';
import { newId } from '../../src/identity/ids.ts';
import { freePort } from '../support/server/free-port.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { startProxy, type Proxy } from '../support/server/haproxy.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';
import { startTraffic } from '../support/server/traffic.ts';
import { waitUntil } from '../support/server/until.ts';

const serviceKey = 'service-key-of-at-least-32-characters';

/** The ports of the services that have received a request with this word in its path. */
const ports = new Map<string, Set<number>>();
subscribe('http.server.request.start', (message) => {
  const { url = '', socket } = (message as { request: IncomingMessage }).request;
  const key = url.split('?')[0]!;
  if (!ports.has(key)) ports.set(key, new Set());
  ports.get(key)!.add(socket.localPort!);
});

test('all joins of one campaign reach one replica; reads and other campaigns reach both', async (t) => {
  const first = await startHttpService();
  const second = await startHttpService({ sharedWith: first });
  t.after(async () => {
    await second.close();
    await first.close();
  });
  const proxy = await startProxy(t, { replicas: [first.url, second.url] });
  const shop = await openShop(first);
  const used = new Set<number>();
  for (let n = 0; n < 12; n++) {
    const { id } = await shop.campaign({ total_slots: 20 });
    const path = `/api/sambatan/campaigns/${id}/join`;
    const joins = Array.from({ length: 10 }, async () => {
      const answer = await fetch(proxy.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(joinBody({ user_id: newId() })),
      });
      assert.equal(answer.status, 201, await answer.text());
    });
    await Promise.all(joins);
    const reached = [...ports.get(path)!];
    assert.equal(reached.length, 1);
    used.add(reached[0]!);
    // The form on the site has another path with the same campaign.
    await fetch(`${proxy.url}/en/sambatan/${id}/ikut`, { method: 'POST', redirect: 'manual' });
    assert.deepEqual([...ports.get(`/en/sambatan/${id}/ikut`)!], reached);
    for (let read = 0; read < 4; read++) {
      await (await fetch(`${proxy.url}/api/sambatan/campaigns/${id}`)).text();
    }
    assert.equal(ports.get(`/api/sambatan/campaigns/${id}`)!.size, 2);
  }
  assert.equal(used.size, 2);
});

/** Whether the health checks have once found that this replica came up or went down. */
const turned = (proxy: Proxy, replica: string, to: 'UP' | 'DOWN') =>
  proxy.said().includes(`Server writes/${replica} is ${to}`);

test('two replicas are restarted one after the other without a failed request', async (t: TestContext) => {
  const database = await testDatabase();
  after(database.close);
  const campaignId = await createTestCampaign(
    database.db,
    await createBrandAndProduct(database.db),
    { totalSlots: 1_000_000 },
  );
  const replicaPorts = [await freePort(), await freePort()];
  const startOne = (port: number) =>
    startServiceProcess(t, {
      command: serveCommand,
      cwd: '/',
      variables: {
        PORT: String(port),
        DATABASE_URL: database.url,
        SAMBATAN_SERVICE_KEY: serviceKey,
        SAMBATAN_TRUSTED_PROXIES: '127.0.0.1',
        SAMBATAN_DRAIN_SECONDS: '5',
        LOG_LEVEL: 'error',
      },
    });
  const replicas = [await startOne(replicaPorts[0]!), await startOne(replicaPorts[1]!)];
  const proxy = await startProxy(t, { replicas: replicas.map(({ url }) => url) });
  const traffic = startTraffic(proxy.url, campaignId, serviceKey);
  t.after(() => traffic.stop());
  const answerMore = async () => {
    const before = traffic.answered.count;
    await waitUntil(() => traffic.answered.count > before + 50);
  };
  for (const [n, replica] of replicas.entries()) {
    await answerMore();
    replica.process.kill('SIGTERM');
    assert.equal(await replica.ended, 0, replica.said());
    assert.ok(turned(proxy, `replica${n + 1}`, 'DOWN'));
    traffic.relax();
    await startOne(replicaPorts[n]!);
    await waitUntil(() => turned(proxy, `replica${n + 1}`, 'UP'));
    traffic.hurry();
  }
  await answerMore();
  await traffic.stop();
  assert.deepEqual(traffic.failed, []);
  const stored = await queryRows<{ participation_id: string }>(
    database.db,
    'select participation_id from sambatan.participants where participation_id = any ($1)',
    traffic.joined,
  );
  assert.equal(stored.length, traffic.joined.length);
  t.diagnostic(`${traffic.answered.count} answers, ${traffic.joined.length} joins`);
});
