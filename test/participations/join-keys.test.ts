import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Joined, JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createBatcher,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  operator,
  outcomeOf,
  outcomes,
  pastDeadline,
  campaignState,
  joinRequest,
} from '../support/builders/market.ts';
import { cancelParticipation } from '../../src/participations/operations.ts';

const { db, url, close } = await testDatabase();
/** A pool with a batcher. An idempotency key cannot tell it from a separate process. */
const start = () => {
  const pool = openDatabase({ url, log: recordingLog() });
  const joins = createBatcher(pool);
  const stop = async () => {
    await joins.close();
    await pool.close();
  };
  return { joins, stop };
};
const replicas = [start(), start()];
after(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await close();
});
const market = await createBrandAndProduct(db);
const join = (request: JoinRequest, replica = 0) => replicas[replica]!.joins.join(request);

/** The same request of the same buyer, but with a new id for its participation. */
const again = (request: JoinRequest, change: Partial<JoinRequest> = {}): JoinRequest => ({
  ...request,
  participationId: newId(),
  ...change,
});

const answerOf = ({ participationId, joinedAt }: Joined) => [participationId, joinedAt.getTime()];

test('64 concurrent requests with one key at two replicas make one participation', async () => {
  const id = await createTestCampaign(db, market);
  const first = joinRequest(id, { key: 'sekali', quantity: 2 });
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, index) => join(again(first), index % 2)),
  );
  for (const answer of answers) assert.deepEqual(answerOf(answer), answerOf(answers[0]!));
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1);
  assert.equal((await campaignState(db, id)).filled_slots, 2);
});

test('the same key returns the first answer later, after a restart and after the deadline', async () => {
  const id = await createTestCampaign(db, market);
  const first = joinRequest(id, { key: 'nanti' });
  const expected = { ...(await join(first)), replayed: true };
  assert.deepEqual(await join(again(first)), expected);
  const restarted = start();
  assert.deepEqual(await restarted.joins.join(again(first)), expected);
  await restarted.stop();
  await letTimePass(db, id, pastDeadline);
  assert.deepEqual(await join(again(first)), expected);
  assert.equal((await campaignState(db, id)).filled_slots, 1);
});

test('a key returns the first answer even if its participation was cancelled since', async () => {
  const id = await createTestCampaign(db, market);
  const first = joinRequest(id, { key: 'batal' });
  const { participationId } = await join(first);
  await db.transaction((tx) => cancelParticipation(tx, operator(), participationId, null));
  const replay = await join(again(first));
  assert.deepEqual([replay.participationId, replay.replayed], [participationId, true]);
  assert.equal((await campaignState(db, id)).filled_slots, 0);
});

const otherBodies: Record<string, Partial<JoinRequest>> = {
  quantity: { quantity: 2 },
  address: { shippingAddress: 'Jalan Kenanga 9, Surakarta' },
  note: { note: 'tolong dibungkus' },
};

for (const [what, change] of Object.entries(otherBodies)) {
  test(`a key used again with another ${what} is refused and changes nothing`, async () => {
    const id = await createTestCampaign(db, market);
    const first = joinRequest(id, { key: 'k' });
    await join(first);
    assert.deepEqual(await outcomes([join(again(first, change))]), ['idempotency_key_reused']);
    assert.equal((await join(again(first))).replayed, true);
    assert.equal((await campaignState(db, id)).filled_slots, 1);
  });
}

test('keys are separate per buyer and per campaign', async () => {
  const [one, two] = [await createTestCampaign(db, market), await createTestCampaign(db, market)];
  const first = joinRequest(one, { key: 'sama', quantity: 1 });
  const others = [
    joinRequest(one, { key: 'sama', quantity: 3 }),
    again(first, { campaignId: two, quantity: 2 }),
    again(first, { key: null }),
    again(first, { key: 'Sama' }),
  ];
  for (const request of [first, ...others]) assert.equal((await join(request)).replayed, false);
  assert.equal((await campaignState(db, one)).participant_count, 4);
});

test('a refusal is replayed with its numbers, even if slots are free again', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 5 });
  const taker = await join(joinRequest(id, { quantity: 4 }));
  const first = joinRequest(id, { key: 'penuh', quantity: 2 });
  const refusal = async (request: JoinRequest) => {
    const [answer] = await joinBatch(db, [request]);
    assert.ok(answer instanceof DomainError);
    return [answer.code, answer.params];
  };
  assert.deepEqual(await refusal(first), ['slots_unavailable', { remaining: 1 }]);
  await db.transaction((tx) => cancelParticipation(tx, operator(), taker.participationId, null));
  assert.deepEqual(await refusal(again(first)), ['slots_unavailable', { remaining: 1 }]);
  assert.equal((await join(again(first, { key: 'baru' }))).replayed, false);
});

test('the same key twice in one batch makes one participation, and a different body is refused', async () => {
  const id = await createTestCampaign(db, market);
  const first = joinRequest(id, { key: 'dua' });
  const answers = await joinBatch(db, [
    first,
    again(first),
    again(first, { quantity: 2 }),
    again(first),
  ]);
  assert.deepEqual(answers.map(outcomeOf), [
    'joined',
    'joined',
    'idempotency_key_reused',
    'joined',
  ]);
  const ids = answers.map((one) => (one instanceof DomainError ? null : one.participationId));
  assert.deepEqual(ids, [
    first.participationId,
    first.participationId,
    null,
    first.participationId,
  ]);
  assert.equal((await campaignState(db, id)).filled_slots, 1);
});

test('undecided results are not stored: after busy, limited or unknown the key is free', async () => {
  const id = await createTestCampaign(db, market);
  const first = joinRequest(id, { key: 'bebas' });
  const [limited] = (await joinBatch(db, [again(first, { key: null }), first], { attemptLimit: 1 }))
    .slice(1)
    .map(outcomeOf);
  assert.equal(limited, 'rate_limited');
  assert.equal((await join(again(first, { quantity: 2 }))).replayed, false);
  const unknown = joinRequest(newId(), { key: 'x' });
  assert.deepEqual((await joinBatch(db, [unknown])).map(outcomeOf), ['campaign_not_found']);
  const keys = await queryRows(
    db,
    'select key from sambatan.idempotency_keys where user_id = $1',
    first.userId,
  );
  assert.deepEqual(keys, [{ key: 'bebas' }]);
});
