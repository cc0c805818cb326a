import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import { newId } from '../../src/identity/ids.ts';
import type { JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createBatcher,
  eventsOf,
  createTestCampaign,
  createBrandAndProduct,
  campaignState,
  tally,
  joinRequest,
} from '../support/builders/market.ts';

const { db, url, close } = await testDatabase();
const others = [1, 2].map(() => openDatabase({ url, log: recordingLog() }));
const replicas = others.map((pool) => createBatcher(pool));
after(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await Promise.all(others.map((pool) => pool.close()));
  await close();
});
const market = await createBrandAndProduct(db);

const racers = 64;
const capacities = [1, 2, 7, 50];
const quantities = { 'one slot each': [1], 'one to three slots': [1, 2, 3, 1], big: [5, 1, 30, 2] };

/**
 * Sends all joins at the same time, alternating between the replicas. Returns the requests that
 * succeeded, and all outcomes.
 */
async function race(requests: readonly JoinRequest[]) {
  const settled = await Promise.allSettled(
    requests.map((request, index) => replicas[index % replicas.length]!.join(request)),
  );
  const taken = requests.filter((_, index) => settled[index]!.status === 'fulfilled');
  const codes = settled.map((one) => (one.status === 'rejected' ? one.reason.code : 'joined'));
  return { taken, codes: codes as string[] };
}

for (const capacity of capacities) {
  for (const [mix, sizes] of Object.entries(quantities)) {
    test(`${racers} concurrent joins for ${capacity} slots, ${mix}: all are sold, none twice`, async () => {
      const id = await createTestCampaign(db, market, { totalSlots: capacity });
      const requests = Array.from({ length: racers }, (_, index) =>
        joinRequest(id, { quantity: sizes[index % sizes.length]! }),
      );
      const { taken, codes } = await race(requests);
      const counts = tally(codes);
      assert.deepEqual(Object.keys(counts).sort(), ['joined', 'slots_unavailable']);
      const slots = taken.reduce((sum, { quantity }) => sum + quantity, 0);
      // Some slots may remain if every refused request wanted more slots than the number that
      // remained.
      const refused = requests.filter((request) => !taken.includes(request));
      const smallest = Math.min(...refused.map(({ quantity }) => quantity));
      assert.ok(slots <= capacity, 'more was acknowledged than there is');
      assert.ok(capacity - slots < smallest, 'somebody was refused who would have fitted');
      if (mix !== 'big') assert.equal(slots, capacity);
      const isFull = slots === capacity;

      const stored = await queryRows<{ participation_id: string; quantity: number }>(
        db,
        'select participation_id, quantity from sambatan.participants where campaign_id = $1',
        id,
      );
      const ids = (rows: string[]) => rows.sort();
      assert.deepEqual(
        ids(stored.map((row) => row.participation_id)),
        ids(taken.map((request) => request.participationId)),
      );
      const { status, filled_slots, participant_count } = await campaignState(db, id);
      assert.deepEqual(
        [status, filled_slots, participant_count],
        [isFull ? 'locked' : 'active', slots, taken.length],
      );
      const events = await eventsOf(db, id);
      assert.deepEqual(tally(events), {
        campaign_created: 1,
        participant_joined: taken.length,
        ...(isFull ? { campaign_full: 1 } : {}),
      });
    });
  }
}

test('a large order that is refused for lack of slots does not block a small one behind it', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 3 });
  const answers = await Promise.allSettled(
    [2, 2, 1, 1].map((quantity) => replicas[0]!.join(joinRequest(id, { quantity }))),
  );
  assert.deepEqual(
    answers.map((one) => one.status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  );
});

test('many campaigns with the same concurrent buyers are each exactly full', async () => {
  const ids = await Promise.all(
    capacities.map((totalSlots) => createTestCampaign(db, market, { totalSlots })),
  );
  const buyers = Array.from({ length: racers }, newId);
  const { codes } = await race(
    buyers.flatMap((userId) => ids.map((id) => joinRequest(id, { userId }))),
  );
  assert.equal(tally(codes)['joined'], 60);
  for (const id of ids) assert.equal((await campaignState(db, id)).status, 'locked');
});

test('concurrent joins of one buyer never exceed the maximum per buyer', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 50, maxSlotsPerUser: 4 });
  const userId = newId();
  const { codes } = await race(
    Array.from({ length: racers }, () => joinRequest(id, { userId, quantity: 3 })),
  );
  assert.deepEqual(tally(codes), { joined: 1, quantity_out_of_bounds: racers - 1 });
});

/**
 * A simple stock table. A join reads the stock and then writes it, without a lock unless `join`
 * adds it.
 */
async function naiveRace(pool: Database, join: string): Promise<number> {
  const shelf = newId();
  await queryRows(db, 'create table if not exists shelves (id uuid primary key, free integer)');
  await queryRows(db, 'insert into shelves values ($1, 7)', shelf);
  const attempts = Array.from({ length: racers }, () =>
    pool.transaction(async (tx) => {
      const [row] = await queryRows<{ free: number }>(
        tx,
        `select free from shelves where id = $1 ${join}`,
        shelf,
      );
      if (row!.free < 1) return false;
      await queryRows(tx, 'update shelves set free = $2 where id = $1', shelf, row!.free - 1);
      return true;
    }),
  );
  return (await Promise.all(attempts)).filter(Boolean).length;
}

test('control: a join that reads before it locks oversells in the same race', async () => {
  // Two joins must both read before one of them writes. On a busy machine that does not always
  // happen.
  let races = 0;
  while ((await naiveRace(others[0]!, '')) <= 7) {
    assert.ok(++races < 20, 'the race is too tame to catch anything');
  }
  assert.equal(await naiveRace(others[0]!, 'for update'), 7);
});
