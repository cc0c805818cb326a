import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { startBalancer } from '../support/server/balancer.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
} from '../support/builders/market.ts';
import {
  serveCommand,
  startServiceProcess,
  type StartedService,
} from '../support/server/started.ts';
import { startTraffic, type Traffic } from '../support/server/traffic.ts';
import { waitUntil } from '../support/server/until.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const database = await testDatabase();
after(database.close);

/** Restarts two replicas behind a balancer, one after the other, while requests arrive. */
async function rollingRestart(
  t: TestContext,
  drainSeconds: number,
  lookEveryMs?: number,
): Promise<Traffic> {
  const campaignId = await createTestCampaign(
    database.db,
    await createBrandAndProduct(database.db),
    {
      totalSlots: 1_000_000,
    },
  );
  const balancer = await startBalancer(lookEveryMs);
  t.after(() => balancer.close());
  const variables = {
    DATABASE_URL: database.url,
    SAMBATAN_SERVICE_KEY: serviceKey,
    SAMBATAN_DRAIN_SECONDS: String(drainSeconds),
    LOG_LEVEL: 'error',
  };
  const startOne = async (): Promise<StartedService> => {
    const one = await startServiceProcess(t, { command: serveCommand, cwd: '/', variables });
    balancer.add(one.url);
    await waitUntil(() => balancer.isReady(one.url));
    return one;
  };
  const replicas = [await startOne(), await startOne()];
  const traffic = startTraffic(balancer.url, campaignId, serviceKey);
  t.after(() => traffic.stop());
  for (const replica of replicas) {
    const answered = traffic.answered.count;
    await waitUntil(() => traffic.answered.count > answered + 50);
    replica.process.kill('SIGTERM');
    assert.equal(await replica.ended, 0, replica.said());
    balancer.remove(replica.url);
    traffic.relax();
    await startOne();
    traffic.hurry();
  }
  const answered = traffic.answered.count;
  await waitUntil(() => traffic.answered.count > answered + 50);
  await traffic.stop();
  t.diagnostic(
    `${traffic.answered.count} answers, ${traffic.joined.length} joins, ` +
      `${traffic.failed.length} failures with ${drainSeconds} s of draining`,
  );
  return traffic;
}

test('two replicas are restarted one after the other without a failed request', async (t) => {
  const { joined, failed, answered } = await rollingRestart(t, 2);
  assert.deepEqual(failed, []);
  assert.ok(answered.count >= 150);
  const kept = await queryRows<{ participation_id: string }>(
    database.db,
    'select participation_id from sambatan.participants where participation_id = any ($1)',
    joined,
  );
  assert.equal(kept.length, joined.length);
});

test('control: without draining requests fail', async (t) => {
  // A balancer that checks rarely still sends requests to the stopped replica for a while.
  const { failed } = await rollingRestart(t, 0, 2_000);
  assert.ok(failed.length > 0);
});
