import { updateCampaign } from '../support/database/campaign-update.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/database/pool.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createBatcher,
  keepTransactionOpen,
  lockCampaign,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  outcomeOf,
  outcomes,
  pastDeadline,
  campaignState,
  tally,
  waitForLockWait,
  joinRequest,
} from '../support/builders/market.ts';

const { db, url, close } = await testDatabase();
const service = openDatabase({ url, log: recordingLog() });
const joins = createBatcher(service);
after(async () => {
  await joins.close();
  await service.close();
  await close();
});
const market = await createBrandAndProduct(db);

/** The limit for "within about two seconds" on a machine that runs other tests too. */
const busyWithinMs = 8_000;

test('joins of a locked campaign are answered busy in time; others are not affected', async () => {
  const held = await createTestCampaign(db, market, { totalSlots: 100 });
  const free = await createTestCampaign(db, market, { totalSlots: 1_000_000 });
  const holder = await lockCampaign(db, held);
  const began = performance.now();
  const stuck = Promise.all(
    Array.from({ length: 40 }, async () => {
      const [outcome] = await outcomes([joins.join(joinRequest(held))]);
      return { outcome, ms: performance.now() - began };
    }),
  );
  let served = 0;
  const wait = { isOver: false };
  void stuck.then(() => (wait.isOver = true));
  while (!wait.isOver) {
    await joins.join(joinRequest(free));
    served++;
  }
  for (const { outcome, ms } of await stuck) {
    assert.equal(outcome, 'campaign_busy');
    assert.ok(ms < busyWithinMs, `told after ${ms} ms`);
  }
  assert.ok(served >= 10, `only ${served} joins elsewhere meanwhile`);
  assert.equal((await campaignState(db, held)).filled_slots, 0);

  await holder.commit();
  const then = await outcomes(Array.from({ length: 40 }, () => joins.join(joinRequest(held))));
  assert.deepEqual(tally(then), { joined: 40 });
});

test('joins that arrive while others wait for the same row are answered with them', async () => {
  const held = await createTestCampaign(db, market);
  const holder = await lockCampaign(db, held);
  const first = outcomes([joins.join(joinRequest(held))]);
  await waitForLockWait(db);
  const began = performance.now();
  assert.deepEqual(await outcomes([joins.join(joinRequest(held))]), ['campaign_busy']);
  assert.ok(performance.now() - began < busyWithinMs);
  assert.deepEqual(await first, ['campaign_busy']);
  await holder.commit();
});

test('joins of a dozen locked campaigns are each answered in time', async () => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => createTestCampaign(db, market)));
  const holder = await keepTransactionOpen(db, (tx) =>
    queryRows(
      tx,
      'select from sambatan.campaigns where campaign_id = any ($1) for no key update',
      ids,
    ),
  );
  const began = performance.now();
  const told = await Promise.all(
    ids.map(async (id) => {
      const [outcome] = await outcomes([joins.join(joinRequest(id))]);
      return { outcome, ms: performance.now() - began };
    }),
  );
  await holder.commit();
  assert.deepEqual(tally(told.map(({ outcome }) => outcome!)), { campaign_busy: 12 });
  const slowest = Math.max(...told.map(({ ms }) => ms));
  assert.ok(slowest < busyWithinMs, `the last one was told after ${slowest} ms`);
});

test('when a row is unlocked in time, its waiting joins are applied in order of arrival', async () => {
  const held = await createTestCampaign(db, market, { totalSlots: 3 });
  const holder = await lockCampaign(db, held);
  const waiting = Array.from({ length: 5 }, () => joinRequest(held));
  const answers = outcomes(waiting.map((one) => joins.join(one)));
  await waitForLockWait(db);
  await holder.commit();
  assert.deepEqual(await answers, [
    'joined',
    'joined',
    'joined',
    'slots_unavailable',
    'slots_unavailable',
  ]);
});

test('a busy campaign leaves no trace of its joins: no attempt, no key, no row', async () => {
  const held = await createTestCampaign(db, market);
  const free = await createTestCampaign(db, market);
  const holder = await lockCampaign(db, held);
  const userId = joinRequest(held).userId;
  const batch = [
    ...[1, 2, 3].map(() => joinRequest(held, { userId, key: 'a' })),
    ...[1, 2, 3].map(() => joinRequest(free, { userId })),
  ];
  const answers = await joinBatch(service, batch, { wait: false, attemptLimit: 2 });
  await holder.commit();
  assert.deepEqual(answers.map(outcomeOf), [
    'campaign_busy',
    'campaign_busy',
    'campaign_busy',
    'joined',
    'joined',
    'rate_limited',
  ]);
  const attempts = await queryRows<{ attempts: number }>(
    db,
    'select attempts from sambatan.join_attempts where caller = $1',
    userId,
  );
  assert.deepEqual(attempts, [{ attempts: 3 }]);
  assert.deepEqual(
    await queryRows(db, 'select from sambatan.idempotency_keys where campaign_id = $1', held),
    [],
  );
});

test('a batch that finds a campaign busy never overwrites the commit of the lock holder', async () => {
  const held = await createTestCampaign(db, market, { totalSlots: 5 });
  const free = await createTestCampaign(db, market, { totalSlots: 5 });
  // Stops the batch after it has read one campaign and before it writes the other.
  const gate = 4_711;
  await queryRows(
    db,
    `create function sambatan.pass_gate() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_lock_shared(${gate});
      perform pg_advisory_unlock_shared(${gate});
      return null;
    end $$`,
  );
  await queryRows(
    db,
    `create trigger gate before update on sambatan.campaign_states
    for each statement execute function sambatan.pass_gate()`,
  );
  const holder = await keepTransactionOpen(db, (tx) =>
    joinBatch(tx, [joinRequest(held, { quantity: 2 })]),
  );
  const shut = await keepTransactionOpen(db, (tx) =>
    queryRows(tx, `select pg_advisory_xact_lock(${gate})`),
  );
  const batch = joinBatch(service, [joinRequest(held), joinRequest(free)], { wait: false });
  await waitForLockWait(db, 'advisory');
  await holder.commit();
  await shut.commit();
  assert.deepEqual((await batch).map(outcomeOf), ['campaign_busy', 'joined']);
  await queryRows(db, 'drop function sambatan.pass_gate cascade');

  const { filled_slots, participant_count, audit_seq } = await campaignState(db, held);
  assert.deepEqual([filled_slots, participant_count, audit_seq], [2, 1, 2n]);
  assert.equal((await campaignState(db, free)).filled_slots, 1);
});

test('a batch with only busy campaigns is answered at once without waiting', async () => {
  const held = await createTestCampaign(db, market);
  const holder = await lockCampaign(db, held);
  const answers = await joinBatch(service, [joinRequest(held), joinRequest(held)], {
    wait: false,
    attemptLimit: 10,
  });
  assert.deepEqual(answers.map(outcomeOf), ['campaign_busy', 'campaign_busy']);
  await holder.commit();
  assert.equal((await campaignState(db, held)).filled_slots, 0);
});

/** A campaign that ends while a join waits for the lock on its row. */
async function closesWhileWaiting(): Promise<{ id: string; pass: () => Promise<void> }> {
  const id = await createTestCampaign(db, market);
  const [row] = await queryRows<{ ms: number }>(
    db,
    `${updateCampaign(`deadline = clock_timestamp() + interval '400 milliseconds',
      next_run_at = clock_timestamp() + interval '400 milliseconds'`)} returning 500 as ms`,
    id,
  );
  return { id, pass: () => sleep(row!.ms) };
}

test('a join that waited for the row past the deadline is refused', async () => {
  const { id, pass } = await closesWhileWaiting();
  const holder = await lockCampaign(db, id);
  const answer = outcomes([joins.join(joinRequest(id))]);
  await waitForLockWait(db);
  await pass();
  await holder.commit();
  assert.deepEqual(await answer, ['deadline_passed']);
  assert.equal((await campaignState(db, id)).filled_slots, 0);
});

test('control: the naive update accepts the join that waited past the deadline', async () => {
  for (const clock of ['now()', 'clock_timestamp()']) {
    const { id, pass } = await closesWhileWaiting();
    const holder = await lockCampaign(db, id);
    const naive = queryRows(
      service,
      `update sambatan.campaign_states s set updated_at = updated_at
      from sambatan.campaign_details d
      where s.campaign_id = $1 and d.campaign_id = $1 and s.status = 'active'
        and ${clock} < d.deadline returning s.campaign_id`,
      id,
    );
    await waitForLockWait(db);
    await pass();
    await holder.commit();
    assert.equal((await naive).length, 1, `${clock} noticed; the test above proves nothing`);
  }
});

test('after the deadline nobody joins, to the microsecond', async () => {
  const id = await createTestCampaign(db, market);
  await joinSuccessfully(db, joinRequest(id));
  await letTimePass(db, id, pastDeadline);
  assert.deepEqual((await joinBatch(db, [joinRequest(id)])).map(outcomeOf), ['deadline_passed']);
});
