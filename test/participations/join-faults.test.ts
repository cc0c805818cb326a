import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import { newId } from '../../src/identity/ids.ts';
import { joinAll, type JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createBatcher,
  lockCampaign,
  joinSuccessfully,
  joinBatch,
  createTestCampaign,
  createBrandAndProduct,
  outcomeOf,
  outcomes,
  campaignState,
  tally,
  joinRequest,
} from '../support/builders/market.ts';
import { startStatementProxy, type StatementFault } from '../support/fakes/statement-proxy.ts';

const { db, url, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

/**
 * A service process whose connection applies one of `fates` to each of its first batches. It
 * forwards all later batches unchanged.
 */
async function replica(t: TestContext, fates: StatementFault[]) {
  const cable = await startStatementProxy(url, 'join_campaigns', () => fates.shift() ?? 'pass');
  const pool = openDatabase({ url: cable.url, log: recordingLog() });
  const joins = createBatcher(pool);
  t.after(async () => {
    await joins.close();
    await pool.close();
    await cable.close();
  });
  return Object.assign(joins, { cable });
}

async function participationsOf(campaignId: string): Promise<string[]> {
  const rows = await queryRows<{ participation_id: string }>(
    db,
    'select participation_id from sambatan.participants where campaign_id = $1 order by 1',
    campaignId,
  );
  return rows.map((row) => row.participation_id);
}

const lost: StatementFault[] = ['lose request', 'lose answer', 'cut'];

for (const fate of lost) {
  test(`${fate}: the outcome of the batch is looked up, and no join is lost or duplicated`, async (t) => {
    const joins = await replica(t, [fate]);
    const id = await createTestCampaign(db, market, { totalSlots: 40 });
    const requests = Array.from({ length: 64 }, (_, index) =>
      joinRequest(id, { key: index % 2 === 0 ? 'k' : null }),
    );
    const answers = await Promise.allSettled(requests.map((request) => joins.join(request)));
    const taken = requests.filter((_, index) => answers[index]!.status === 'fulfilled');
    assert.equal(joins.cable.faults, 1);
    assert.equal(taken.length, 40);
    assert.deepEqual(
      await participationsOf(id),
      taken.map((request) => request.participationId).sort(),
    );
  });
}

test('a lost answer is outcome_unknown; the same key then finds the result', async (t) => {
  const joins = await replica(t, ['lose answer', 'lose answer', 'lose answer']);
  const id = await createTestCampaign(db, market);
  const request = joinRequest(id, { key: 'ragu' });
  assert.deepEqual(await outcomes([joins.join(request)]), ['outcome_unknown']);
  const again = await joins.join({ ...request, participationId: newId() });
  assert.deepEqual([again.participationId, again.replayed], [request.participationId, true]);
  assert.deepEqual(await participationsOf(id), [request.participationId]);
});

test('a request that never arrives is outcome_unknown too, and its key stays free', async (t) => {
  const joins = await replica(t, ['lose request', 'lose request', 'lose request']);
  const id = await createTestCampaign(db, market);
  const request = joinRequest(id, { key: 'ragu' });
  assert.deepEqual(await outcomes([joins.join(request)]), ['outcome_unknown']);
  assert.deepEqual(await participationsOf(id), []);
  assert.equal((await joins.join({ ...request, participationId: newId() })).replayed, false);
});

test('a batch of unknown outcome that then finds its campaign locked stays unknown, not busy', async (t) => {
  const cable = await startStatementProxy(url, 'join_campaigns', () => fates.shift() ?? 'pass');
  const fates: StatementFault[] = ['lose answer'];
  const pool = openDatabase({ url: cable.url, log: recordingLog() });
  const isLost = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const joins = createBatcher(pool, {
    send: async (requests, how) => {
      if (how.again) {
        isLost.resolve();
        await goOn.promise;
      }
      return await joinAll(pool, requests, { ...how, attemptLimit: 0 });
    },
  });
  t.after(async () => {
    await pool.close();
    await cable.close();
  });
  const id = await createTestCampaign(db, market);
  const request = joinRequest(id, { key: 'ragu' });
  const answer = outcomes([joins.join(request)]);
  await isLost.promise;
  const holder = await lockCampaign(db, id);
  goOn.resolve();
  assert.deepEqual(await answer, ['outcome_unknown']);
  await holder.commit();
  assert.equal((await joins.join({ ...request, participationId: newId() })).replayed, true);
});

test('a batch that arrives after its outcome was looked up changes nothing', async (t) => {
  const joins = await replica(t, ['delay']);
  const id = await createTestCampaign(db, market, { totalSlots: 10 });
  const requests = Array.from({ length: 5 }, () => joinRequest(id));
  await Promise.all(requests.map((request) => joins.join(request)));
  await joins.cable.deliverLate();
  assert.deepEqual(await participationsOf(id), requests.map((one) => one.participationId).sort());
  assert.equal((await campaignState(db, id)).filled_slots, 5);
});

/**
 * Joins a campaign of one slot that somebody else has already taken. The slot becomes free, and
 * then the delayed join arrives.
 */
async function lateJoin(joins: Awaited<ReturnType<typeof replica>>, key: string | null) {
  const id = await createTestCampaign(db, market, { totalSlots: 1 });
  const [first = ''] = await joinSuccessfully(db, joinRequest(id));
  assert.deepEqual(await outcomes([joins.join(joinRequest(id, { key }))]), ['slots_unavailable']);
  await queryRows(
    db,
    "select sambatan.release_participation($1, $2, 'buyer', 'service')",
    id,
    first,
  );
  await joins.cable.deliverLate();
  return await campaignState(db, id);
}

for (const key of [null, 'satu']) {
  test(`a join ${key ? 'with' : 'without'} a key that arrives after its refusal takes no slot`, async (t) => {
    const joins = await replica(t, ['delay']);
    assert.equal((await lateJoin(joins, key)).filled_slots, 0);
    assert.equal(joins.cable.faults, 1);
  });
}

test('a join that was rate-limited on retry takes no slot when its first copy arrives late', async (t) => {
  const cable = await startStatementProxy(url, 'join_campaigns', () => fates.shift() ?? 'pass');
  const fates: StatementFault[] = ['delay'];
  const pool = openDatabase({ url: cable.url, log: recordingLog() });
  const joins = createBatcher(pool, { attemptLimit: 1 });
  t.after(async () => {
    await joins.close();
    await pool.close();
    await cable.close();
  });
  const id = await createTestCampaign(db, market, { totalSlots: 3 });
  const userId = newId();
  await joinBatch(db, [joinRequest(id, { userId })], { attemptLimit: 1 });
  assert.deepEqual(await outcomes([joins.join(joinRequest(id, { userId }))]), ['rate_limited']);
  await queryRows(db, 'delete from sambatan.join_attempts');
  await cable.deliverLate();
  assert.equal((await campaignState(db, id)).filled_slots, 1);
});

test('control: without the record of refusals, a late join takes the slot', async (t) => {
  const joins = await replica(t, ['delay']);
  await queryRows(
    db,
    `create function forget() returns trigger language plpgsql as 'begin return null; end'`,
  );
  await queryRows(
    db,
    `create trigger forget before insert on sambatan.refused_joins
      for each row execute function forget()`,
  );
  t.after(() => queryRows(db, 'drop function if exists forget() cascade'));
  assert.equal((await lateJoin(joins, null)).filled_slots, 1);
});

test('joins on an unreliable network: each acknowledged one is stored once', async (t) => {
  const fates: StatementFault[] = [];
  const campaigns = await Promise.all(
    [30, 200, 1_000].map((totalSlots) => createTestCampaign(db, market, { totalSlots })),
  );
  const joins = await replica(t, fates);
  const acknowledged: JoinRequest[] = [];
  const unknown: JoinRequest[] = [];
  for (let round = 0; round < 30; round++) {
    fates.splice(0, fates.length, lost[round % lost.length]!);
    if (round % 4 === 0) fates.push('pass', 'lose answer');
    const requests = Array.from({ length: 64 }, (_, index) => joinRequest(campaigns[index % 3]!));
    const codes = await outcomes(requests.map((request) => joins.join(request)));
    acknowledged.push(...requests.filter((_, index) => codes[index] === 'joined'));
    unknown.push(...requests.filter((_, index) => codes[index] === 'outcome_unknown'));
    const counts = Object.keys(tally(codes));
    const known = ['joined', 'slots_unavailable', 'outcome_unknown'];
    assert.ok(
      counts.every((code) => known.includes(code)),
      counts.join(),
    );
  }
  assert.ok(joins.cable.faults >= 30 && acknowledged.length >= 100);
  const stored = new Set((await Promise.all(campaigns.map(participationsOf))).flat());
  const missing = acknowledged.filter((request) => !stored.has(request.participationId));
  assert.deepEqual(missing, []);
  const explained = new Set([...acknowledged, ...unknown].map((one) => one.participationId));
  assert.deepEqual(
    [...stored].filter((id) => !explained.has(id)),
    [],
  );
});

test('control: a client that resends a lost batch without a lookup duplicates it', async (t) => {
  const cable = await startStatementProxy(url, 'join_campaigns', () => fate);
  let fate: StatementFault = 'lose answer';
  const pool = openDatabase({ url: cable.url, log: recordingLog() });
  t.after(async () => {
    await pool.close();
    await cable.close();
  });
  const id = await createTestCampaign(db, market);
  const request = joinRequest(id);
  await assert.rejects(joinBatch(pool, [request]));
  fate = 'pass';
  await joinSuccessfully(pool, { ...request, participationId: newId() });
  assert.equal((await participationsOf(id)).length, 2);
});

test('one invalid request does not fail the others of its batch', async (t) => {
  const joins = await replica(t, []);
  const id = await createTestCampaign(db, market, { totalSlots: 50 });
  const [taken] = await joinSuccessfully(db, joinRequest(id));
  const poisons = {
    'an id that is taken': { participationId: taken! },
    'an address that is too short': { shippingAddress: 'Jl. 5' },
    'a note that is too long': { note: 'x'.repeat(161) },
    'a NUL character': { note: 'a\u0000b' },
    'an actor of no kind': { actor: 'somebody' },
    'half a surrogate pair': { note: '\ud800' },
    'no uuid': { userId: 'nobody' },
    'a quantity below one': { quantity: -3 },
    'a quantity beyond integers': { quantity: 3_000_000_000 },
  };
  for (const [what, poison] of Object.entries(poisons)) {
    const good = Array.from({ length: 3 }, () => joinRequest(id));
    const requests = [good[0]!, joinRequest(id, poison), good[1]!, good[2]!];
    const codes = await outcomes(requests.map((request) => joins.join(request)));
    assert.deepEqual([codes[0], codes[2], codes[3]], ['joined', 'joined', 'joined'], what);
    // PostgreSQL cannot store half of a surrogate pair. It is sent as U+FFFD, so this join
    // succeeds.
    if (what !== 'half a surrogate pair') assert.notEqual(codes[1], 'joined', what);
  }
  assert.equal((await campaignState(db, id)).participant_count, 1 + 3 * 9 + 1);
});

test('an invalid request is also isolated when the answer of its batch was lost', async (t) => {
  const joins = await replica(t, ['lose request', 'pass', 'lose answer']);
  const id = await createTestCampaign(db, market, { totalSlots: 50 });
  const good = [joinRequest(id), joinRequest(id), joinRequest(id)];
  const requests = [good[0]!, joinRequest(id, { note: 'x'.repeat(161) }), good[1]!, good[2]!];
  const codes = await outcomes(requests.map((request) => joins.join(request)));
  assert.deepEqual([codes[0], codes[2], codes[3]], ['joined', 'joined', 'joined']);
  assert.deepEqual(await participationsOf(id), good.map((one) => one.participationId).sort());
});

test('the same id cannot be stored twice in one batch', async () => {
  const id = await createTestCampaign(db, market);
  const request = joinRequest(id);
  await assert.rejects(joinBatch(db, [request, { ...request }]));
  assert.deepEqual((await joinBatch(db, [joinRequest(id)])).map(outcomeOf), ['joined']);
  assert.equal((await campaignState(db, id)).filled_slots, 1);
});
