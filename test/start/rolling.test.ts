import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../src/identity/ids.ts';
import { startBalancer } from '../support/server/balancer.ts';
import { Client } from '../support/clients/client.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
} from '../support/builders/market.ts';
import { joinBody } from '../support/builders/shop.ts';
import {
  serveCommand,
  startServiceProcess,
  type StartedService,
} from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const database = await testDatabase();
after(database.close);

interface Traffic {
  /** The participations of the joins that were acknowledged. */
  readonly joined: string[];
  readonly answered: { count: number };
  readonly failed: string[];
  /**
   * Adds pauses between requests until `hurry` is called, so that a starting replica gets enough
   * CPU time.
   */
  relax(): void;
  hurry(): void;
  stop(): Promise<void>;
}

const pauseMs = 50;

/**
 * Buyers and visitors who send one request after the other, on open connections and on new ones.
 */
function trafficTo(url: string, campaignId: string): Traffic {
  const traffic = { joined: [] as string[], answered: { count: 0 }, failed: [] as string[] };
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })];
  const over = new AbortController();
  let isRelaxed = false;
  const going = agents.flatMap((agent) => {
    const client = new Client({ url, agent, secrets: new Set() }, serviceKey);
    const join = async () => {
      const answer = await client.post(
        `/campaigns/${campaignId}/join`,
        joinBody({ user_id: newId() }),
      );
      if (answer.status === 201) traffic.joined.push(answer.body.id);
      return answer;
    };
    const look = () => client.get(`/campaigns/${campaignId}`);
    return [join, look, look].map(async (request) => {
      while (!over.signal.aborted) {
        try {
          const { status, text } = await request();
          if (status >= 400) traffic.failed.push(`${status} ${text}`);
          traffic.answered.count++;
        } catch (error) {
          traffic.failed.push(String(error));
        }
        if (isRelaxed) await sleep(pauseMs);
      }
    });
  });
  const stop = async (): Promise<void> => {
    over.abort();
    await Promise.all(going);
    for (const agent of agents) agent.destroy();
  };
  const relax = () => void (isRelaxed = true);
  const hurry = () => void (isRelaxed = false);
  return { ...traffic, relax, hurry, stop };
}

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
  const traffic = trafficTo(balancer.url, campaignId);
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
