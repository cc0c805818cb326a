import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ratioOf, spreadOf } from '../../bench/rows.ts';
import { checkInvariants, checkStored } from '../../bench/support/checks.ts';
import { startCluster, type Cluster } from '../../bench/support/database.ts';
import { createMarket, seed } from '../../bench/support/seed.ts';

const refused = /not measured: fsync is not on/;

describe('benchmark checks of its variants', () => {
  let cluster: Cluster;
  let url: string;
  let campaignIds: string[];

  before(async () => {
    cluster = await startCluster();
    url = await createMarket(cluster, 'bench_checks');
    await seed(cluster, url, { campaigns: 2, participants: 3 });
    const rows = await cluster.sql<{ campaign_id: string }>(
      url,
      'select campaign_id from sambatan.campaigns',
    );
    campaignIds = rows.map(({ campaign_id }) => campaign_id);
  });
  after(() => cluster.stop());

  const check = (joins: number, errors = 0) =>
    checkStored(cluster, url, campaignIds, { joins, errors });

  test('seeded campaigns satisfy every invariant', async () => {
    assert.deepEqual(await checkInvariants(url, 'ours'), []);
  });

  test('the number of stored joins must equal the acknowledged ones', async () => {
    assert.deepEqual(await check(6), []);
    assert.match((await check(7)).join(), /7 acknowledged joins as participations expected, 6/);
    assert.match((await check(5)).join(), /5 acknowledged joins as participations expected, 6/);
  });

  test('a request without an answer is reported', async () => {
    assert.deepEqual(await check(6, 1), ['1 requests had no answer']);
  });

  test('a counted slot without a participation is found', async () => {
    await cluster.sql(
      url,
      `update sambatan.campaign_states set filled_slots = filled_slots + 1, participant_count = 4
      where campaign_id = $1`,
      [campaignIds[0]],
    );
    assert.match((await check(6)).join(), /6 slots counted by the campaigns expected, 7 found/);
    assert.match((await checkInvariants(url, 'naive')).join(), /01_counters/);
  });
});

test('the benchmark refuses a server that may lose acknowledged commits', async () => {
  await assert.rejects(startCluster({ fsync: 'off' }), refused);
});

test('ratios compare runs of the same round', () => {
  assert.deepEqual(ratioOf([10, 30, 20], [10, 10, 10]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spreadOf([4, 1]), { median: 2.5, min: 1, max: 4 });
});
