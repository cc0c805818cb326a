import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import { newId } from '../../src/identity/ids.ts';
import type { BatcherOptions } from '../../src/participations/batcher.ts';
import { joinAll, type JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  createBatcher,
  keepTransactionOpen,
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
  outcomes,
  campaignState,
  tally,
  joinRequest,
} from '../support/builders/market.ts';

const { db, url, close } = await testDatabase();
const service = openDatabase({ url, log: recordingLog() });
after(async () => {
  await service.close();
  await close();
});
const market = await createBrandAndProduct(db);

/** A batcher that sends each batch only when the test tells it to. */
function stepped(options: Partial<BatcherOptions> = {}) {
  const batches: (readonly JoinRequest[])[] = [];
  const gates: (() => void)[] = [];
  let isOpen = false;
  const joins = createBatcher(service, {
    send: async (requests, how) => {
      batches.push(requests);
      if (!isOpen) await new Promise<void>((go) => gates.push(go));
      return await joinAll(service, requests, { ...how, attemptLimit: 0 });
    },
    ...options,
  });
  /** Sends the oldest batch that waits. With `open` it sends all batches, now and in the future. */
  const step = () => gates.shift()?.();
  const open = () => {
    isOpen = true;
    while (gates.length > 0) step();
  };
  return { joins, batches, gates, step, open };
}

const turn = () => new Promise(setImmediate);

test('a single join starts at once; joins that arrive meanwhile share the next batch', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const { joins, batches, open } = stepped({ concurrency: 1 });
  const answers = [joins.join(joinRequest(id))];
  await turn();
  await turn();
  assert.equal(batches.length, 1);
  for (let i = 0; i < 30; i++) answers.push(joins.join(joinRequest(id)));
  await turn();
  assert.equal(batches.length, 1);
  open();
  await Promise.all(answers);
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [1, 30],
  );
});

test('a campaign has at most one batch in progress, however many slots are free', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1_000 });
  let underWay = 0;
  const joins = createBatcher(service, {
    maxBatch: 10,
    concurrency: 5,
    send: async (requests, how) => {
      assert.equal(++underWay, 1);
      const answers = await joinAll(service, requests, { ...how, attemptLimit: 0 });
      underWay--;
      return answers;
    },
  });
  await Promise.all(Array.from({ length: 200 }, () => joins.join(joinRequest(id))));
  assert.equal((await campaignState(db, id)).participant_count, 200);
});

test('above the limit a join is refused before any write, and accepted later', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1_000 });
  const { joins, batches, open } = stepped({ maxQueued: 50, maxBatch: 20 });
  const answers = Array.from({ length: 80 }, () => joins.join(joinRequest(id)));
  const early = outcomes(answers.slice(50));
  assert.deepEqual(tally(await early), { overloaded: 30 });
  assert.equal(joins.depth, 50);
  open();
  assert.deepEqual(tally(await outcomes(answers.slice(0, 50))), { joined: 50 });
  assert.equal(batches.flat().length, 50);
  assert.equal((await campaignState(db, id)).participant_count, 50);
  assert.equal(joins.depth, 0);
  assert.equal((await joins.join(joinRequest(id))).replayed, false);
});

test('one campaign cannot take the whole queue', async () => {
  const [hot, other] = [
    await createTestCampaign(db, market, { totalSlots: 1_000 }),
    await createTestCampaign(db, market),
  ];
  const { joins, open } = stepped({ maxQueued: 100, maxQueuedPerCampaign: 30 });
  const flood = Array.from({ length: 100 }, () => joins.join(joinRequest(hot)));
  const lone = joins.join(joinRequest(other));
  const codes = outcomes(flood);
  open();
  assert.deepEqual(tally(await codes), { joined: 30, overloaded: 70 });
  assert.deepEqual(await outcomes([lone]), ['joined']);
});

test('refused joins of many campaigns leave no data in memory', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const { joins, batches, open } = stepped({ maxQueued: 1 });
  const first = joins.join(joinRequest(id));
  const strangers = Array.from({ length: 100 }, newId);
  await outcomes(strangers.map((stranger) => joins.join(joinRequest(stranger))));
  open();
  await first;
  assert.equal(joins.lines, 0);
  assert.equal(batches.length, 1);
});

test('thousands of queued joins of a hot campaign do not starve a join of another one', async () => {
  const hot = await createTestCampaign(db, market, { totalSlots: 10_000 });
  const lone = await createTestCampaign(db, market);
  for (const lanes of [1, 2]) {
    const { joins, batches, step, open } = stepped({ concurrency: lanes, maxBatch: 100 });
    const flood = Array.from({ length: 3_000 }, () => joins.join(joinRequest(hot)));
    await turn();
    const answer = joins.join(joinRequest(lone));
    await turn();
    step();
    while (batches.length < 2) await turn();
    const carrier = batches.findIndex((batch) => batch.some((one) => one.campaignId === lone));
    assert.equal(carrier, 1, 'the lone join leaves with the very next batch');
    open();
    assert.equal((await answer).replayed, false);
    assert.equal(tally(await outcomes(flood))['joined'], 3_000);
  }
});

test('campaigns with many waiting joins share each batch equally, in order of arrival', async () => {
  const ids = await Promise.all(
    [0, 1, 2, 3].map(() => createTestCampaign(db, market, { totalSlots: 1_000 })),
  );
  const { joins, batches, open } = stepped({ concurrency: 1, maxBatch: 40 });
  const requests = ids.flatMap((id) => Array.from({ length: 100 }, () => joinRequest(id)));
  const answers = requests.map((request) => joins.join(request));
  open();
  await Promise.all(answers);
  assert.deepEqual(
    tally(batches[0]!.map((request) => request.campaignId)),
    Object.fromEntries(ids.map((id) => [id, 10])),
  );
  for (const id of ids) {
    const sent = batches.flat().filter((request) => request.campaignId === id);
    assert.deepEqual(
      sent,
      requests.filter((request) => request.campaignId === id),
    );
  }
});

test('an exhausted pool answers overloaded to the whole batch at once', async (t) => {
  const narrow = openDatabase({ url, log: recordingLog(), maxConnections: 1 });
  t.after(() => narrow.close());
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const holder = await keepTransactionOpen(narrow, (tx) => queryRows(tx, 'select 1'));
  const joins = createBatcher(narrow);
  const began = performance.now();
  const codes = await outcomes(Array.from({ length: 20 }, () => joins.join(joinRequest(id))));
  assert.deepEqual(tally(codes), { overloaded: 20 });
  assert.ok(performance.now() - began < 6_000, 'the members were tried one by one');
  await holder.commit();
  assert.deepEqual(await outcomes([joins.join(joinRequest(id))]), ['joined']);
});

test('closing answers all queued joins and accepts no more', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const { joins, open } = stepped({ maxBatch: 7 });
  const answers = outcomes(Array.from({ length: 50 }, () => joins.join(joinRequest(id))));
  const closed = joins.close();
  assert.deepEqual(await outcomes([joins.join(joinRequest(id))]), ['overloaded']);
  open();
  await closed;
  assert.equal(joins.depth, 0);
  assert.deepEqual(tally(await answers), { joined: 50 });
});

test('a batch reports its size and each campaign that was joined once', async () => {
  const [one, full] = [
    await createTestCampaign(db, market),
    await createTestCampaign(db, market, { totalSlots: 1 }),
  ];
  const sizes: number[] = [];
  const changed: string[] = [];
  const joins = createBatcher(service, {
    onBatch: (size) => sizes.push(size),
    onJoined: (id) => changed.push(id),
  });
  const wishes = [
    joinRequest(one),
    joinRequest(one),
    joinRequest(full, { quantity: 2 }),
    joinRequest(newId()),
  ];
  await outcomes(wishes.map((request) => joins.join(request)));
  assert.deepEqual(sizes, [4]);
  assert.deepEqual(changed, [one]);
});
