import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import { settleDue } from '../../src/lifecycle/due.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { cancelParticipation } from '../../src/participations/operations.ts';
import { acceptOffer } from '../../src/waiting/operations.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createBatcher,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  outcomeOf,
  service,
  campaignState,
  tally,
  user,
  joinWaitingList,
  joinRequest,
} from '../support/builders/market.ts';

const { url, db, close } = await testDatabase();
const others = [1, 2].map(() => openDatabase({ url, maxConnections: 10, log: recordingLog() }));
after(async () => {
  await Promise.all(others.map((other) => other.close()));
  await close();
});
const market = await createBrandAndProduct(db);
const replicas = [db, ...others];
const replica = (n: number) => replicas[n % replicas.length]!;
const dayAhead = () => new Date(Date.now() + 86_400_000);
const racers = 64;

/** 'ok', or the code of the refusal. Repeats the change while the service is overloaded. */
async function patiently(change: () => Promise<unknown>): Promise<string> {
  for (;;) {
    try {
      await change();
      return 'ok';
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (!['campaign_busy', 'overloaded'].includes(error.code)) return error.code;
    }
  }
}

interface Offer {
  readonly entry_id: string;
  readonly user_id: string;
  readonly quantity: number;
}
const offersOf = (id: string) =>
  queryRows<Offer>(
    db,
    `select entry_id, user_id, quantity from sambatan.waiting_entries
    where campaign_id = $1 and status = 'offered'`,
    id,
  );

for (const capacity of [1, 2, 7, 50]) {
  test(`${racers} concurrent joins for ${capacity} freed slots: every slot goes to the waiting list`, async () => {
    const id = await createTestCampaign(db, market, { totalSlots: capacity, deadline: dayAhead() });
    const parts = await joinSuccessfully(
      db,
      ...Array.from({ length: capacity }, () => joinRequest(id)),
    );
    // The entries together want more slots than there are. Their sizes are all sizes that fit.
    const waiters = Array.from({ length: racers }, (_, n) => 1 + (n % Math.min(3, capacity)));
    await Promise.all(waiters.map((n, at) => patiently(() => joinWaitingList(replica(at), id, n))));
    const batchers = replicas.map((one) => createBatcher(one));
    const answers = await Promise.all([
      ...parts.map((part, n) =>
        patiently(() =>
          runInTransaction(replica(n), (tx) => cancelParticipation(tx, service, part, null)),
        ).then((code) => `cancel ${code}`),
      ),
      ...Array.from({ length: racers }, (_, n) =>
        patiently(() => batchers[n % batchers.length]!.join(joinRequest(id))).then(
          (code) => `join ${code}`,
        ),
      ),
      ...Array.from({ length: racers }, (_, n) =>
        patiently(() => joinWaitingList(replica(n), id)).then((code) => `wait ${code}`),
      ),
    ]);
    assert.deepEqual(tally(answers), {
      'cancel ok': capacity,
      'join slots_unavailable': racers,
      'wait ok': racers,
    });

    // Every buyer accepts the offer twice at the same time, until there are no offers left.
    for (let round = 0; round < racers; round++) {
      const offers = await offersOf(id);
      const slots = offers.reduce((sum, { quantity }) => sum + quantity, 0);
      const { filled_slots: filled } = await campaignState(db, id);
      assert.ok(filled + slots <= capacity, 'more is offered than there is');
      if (offers.length === 0) break;
      const taken = await Promise.all(
        [...offers, ...offers].map((offer, n) =>
          patiently(() =>
            runInTransaction(replica(n), (tx) =>
              acceptOffer(tx, user(offer.user_id), offer.entry_id),
            ),
          ),
        ),
      );
      assert.deepEqual(tally(taken), { ok: 2 * offers.length });
    }
    const { status, filled_slots: filled, participant_count: count } = await campaignState(db, id);
    const accepted = await queryRows<{ slots: bigint; entries: bigint }>(
      db,
      `select sum(quantity) as slots, count(*) as entries from sambatan.waiting_entries
      where campaign_id = $1 and status = 'accepted'`,
      id,
    );
    assert.deepEqual(accepted, [{ slots: BigInt(filled), entries: BigInt(count) }]);
    // If slots remain, they are kept for an entry that was already overtaken as often as is
    // allowed.
    if (status === 'locked') return;
    const [blocked] = await queryRows<{ quantity: number; overtaken: number }>(
      db,
      `select quantity, overtaken from sambatan.waiting_entries
      where campaign_id = $1 and keep_until is not null`,
      id,
    );
    assert.equal(blocked?.overtaken, 3);
    assert.ok(blocked.quantity > capacity - filled);
  });
}

test('control: without reservations strangers would take offered slots', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 2, deadline: dayAhead() });
  const [part] = await joinSuccessfully(db, joinRequest(id), joinRequest(id));
  await joinWaitingList(db, id);
  await runInTransaction(db, (tx) => cancelParticipation(tx, service, part!, null));
  const undone = new Error('the test is over');
  const attempt = db.transaction(async (tx) => {
    const kept = await joinBatch(tx, [joinRequest(id)]);
    await queryRows(
      tx,
      'update sambatan.campaign_states set reserved_slots = 0 where campaign_id = $1',
      id,
    );
    const unkept = await joinBatch(tx, [joinRequest(id)]);
    assert.deepEqual([...kept, ...unkept].map(outcomeOf), ['slots_unavailable', 'joined']);
    throw undone;
  });
  await assert.rejects(attempt, undone);
});

test('the same request sent 64 times concurrently is one entry', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1, deadline: dayAhead() });
  await joinSuccessfully(db, joinRequest(id));
  const what = { userId: newId(), key: newId() };
  const ids = new Set<string>();
  const codes = await Promise.all(
    Array.from({ length: racers }, (_, n) =>
      patiently(async () => ids.add((await joinWaitingList(replica(n), id, 1, what)).id)),
    ),
  );
  assert.deepEqual([tally(codes), ids.size], [{ ok: racers }, 1]);
});

function worker(t: TestContext): () => Promise<void> {
  const log = recordingLog();
  const pool: Database = openDatabase({ url, maxConnections: 5, log });
  t.after(() => pool.close());
  return async () => {
    const parts = { db: pool, log, paysOnline: false };
    const { failure } = await settleDue(parts, { completeFull: true });
    assert.equal(failure, undefined);
  };
}

test('two workers let the offers of many campaigns lapse, each once, and offer the slots to the next', async (t) => {
  const campaigns = 40;
  const ids = await Promise.all(
    Array.from({ length: campaigns }, () =>
      createTestCampaign(db, market, { totalSlots: 3, deadline: dayAhead() }),
    ),
  );
  for (const id of ids) {
    const [part] = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id));
    for (const quantity of [1, 1, 2, 1]) await joinWaitingList(db, id, quantity);
    await runInTransaction(db, (tx) => cancelParticipation(tx, service, part!, null));
    await letTimePass(db, id, 7_200);
  }
  const [one, two] = [worker(t), worker(t)];
  const told = (event: string) =>
    queryRows<{ entries: bigint; events: bigint }>(
      db,
      `select count(*) as events, count(distinct metadata ->> 'entry_id') as entries
      from sambatan.audit_logs where event = $1 and campaign_id = any ($2)`,
      event,
      ids,
    );
  await Promise.all([one(), two(), one(), two()]);
  assert.deepEqual(await told('waiting_lapsed'), [{ events: 80n, entries: 80n }]);
  assert.deepEqual(await told('waiting_offered'), [{ events: 120n, entries: 120n }]);
  for (const id of ids) await letTimePass(db, id, 90_000);
  await Promise.all([one(), two()]);
  assert.deepEqual(await told('waiting_closed'), [{ events: 80n, entries: 80n }]);
  const open = await queryRows(
    db,
    `select from sambatan.campaigns where campaign_id = any ($1) and waiting_entries > 0`,
    ids,
  );
  assert.deepEqual(open, []);
});
