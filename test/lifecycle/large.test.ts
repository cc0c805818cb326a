import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { settleDue } from '../../src/lifecycle/due.ts';
import { settleCampaigns } from '../../src/lifecycle/queries.ts';
import { databaseError } from '../../src/database/errors.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  outcomeOf,
  pastDeadline,
  campaignState,
  joinRequest,
} from '../support/builders/market.ts';

const { db, log, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

const parts = { db, log, paysOnline: false };
const atOnce = 2_000;

/** Lets this many buyers join with one slot each. Returns the ids of their participations. */
async function crowd(campaignId: string, buyers: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < buyers) {
    const some = Math.min(1_000, buyers - ids.length);
    ids.push(
      ...(await joinSuccessfully(
        db,
        ...Array.from({ length: some }, () => joinRequest(campaignId)),
      )),
    );
  }
  return ids;
}

/** The largest number of audit rows with this event that one transaction wrote. */
async function mostAtOnce(event: string): Promise<bigint> {
  const [row] = await queryRows<{ most: bigint }>(
    db,
    `select max(n) as most from (
      select count(*) as n from sambatan.audit_logs where event = $1 group by xmin) t`,
    event,
  );
  return row!.most;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => {
      const failure = databaseError(error);
      return failure.kind === 'refusal' ? failure.code : String(error);
    },
  );

test('12,000 participations are refunded exactly in short steps, across a killed worker', async (t) => {
  const buyers = 12_000;
  const id = await createTestCampaign(db, market, { totalSlots: 20_000, pricePerSlot: 99_000n });
  const participations = await crowd(id, buyers);
  const paid = participations.slice(0, 1_500);
  await Promise.all(
    Array.from({ length: 4 }, async (_, lane) => {
      for (let i = lane; i < paid.length; i += 4) {
        await queryRows(
          db,
          `select sambatan.confirm_participation($1, $2, 'service')`,
          id,
          paid[i],
        );
      }
    }),
  );
  await letTimePass(db, id, pastDeadline);

  // Simulates a worker that dies after its second step.
  for (let step = 1; step <= 2; step++) {
    const [done] = await db.rows(settleCampaigns, [id], false, atOnce, new Date(), false);
    assert.deepEqual(done, { campaign_id: id, transitions: [], settled: atOnce, more: true });
  }
  assert.equal(outcomeOf((await joinBatch(db, [joinRequest(id)]))[0]!), 'campaign_closing');
  const [left] = await queryRows<{ id: string }>(
    db,
    `select participation_id as id from sambatan.participants
    where campaign_id = $1 and status = 'pending_payment' limit 1`,
    id,
  );
  for (const statement of [
    `select sambatan.release_participation($1, $2, 'buyer', 'service')`,
    `select sambatan.confirm_participation($1, $2, 'service')`,
  ]) {
    assert.equal(await codeOf(queryRows(db, statement, id, left!.id)), 'campaign_closing');
  }
  assert.equal(
    await codeOf(queryRows(db, `select sambatan.cancel_campaign($1, 'habis', 'service')`, id)),
    'campaign_closing',
  );

  const startedAt = performance.now();
  const { transitions, failure } = await settleDue(parts, { completeFull: false });
  t.diagnostic(`the other 8,000 took ${Math.round(performance.now() - startedAt)} ms`);
  assert.equal(failure, undefined);
  assert.deepEqual(
    transitions.map(({ event, slotsTaken }) => [event, slotsTaken]),
    [['campaign_failed', buyers]],
  );
  assert.equal((await campaignState(db, id)).status, 'expired');
  assert.ok((await mostAtOnce('participant_refunded')) <= BigInt(atOnce));
  const [sums] = await queryRows(
    db,
    `select (select count(*) from sambatan.participants
        where campaign_id = $1 and status = 'refunded') as refunded,
      count(*) filter (where kind = 'refund' and status = 'due') as refunds,
      count(distinct participation_id) filter (where kind = 'refund') as people,
      sum(amount) filter (where kind = 'refund')::bigint as amount,
      count(*) filter (where kind = 'payout') as payouts
    from sambatan.transactions where campaign_id = $1`,
    id,
  );
  assert.deepEqual(sums, {
    refunded: 12_000n,
    refunds: 1_500n,
    people: 1_500n,
    amount: 1_500n * 99_000n,
    payouts: 0n,
  });
});

test('completing a campaign of thousands creates every payment and the single payout', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 4_000, pricePerSlot: 150_000n });
  await crowd(id, 4_000);
  const { transitions } = await settleDue(parts, { completeFull: true });
  assert.deepEqual(
    transitions.map(({ event, slotsTaken }) => [event, slotsTaken]),
    [['campaign_completed', 4_000]],
  );
  assert.ok((await mostAtOnce('participant_confirmed')) <= BigInt(atOnce));
  const money = await queryRows(
    db,
    `select kind, count(*) as n, sum(amount)::bigint as amount from sambatan.transactions
    where campaign_id = $1 group by kind order by kind`,
    id,
  );
  assert.deepEqual(money, [
    { kind: 'payment', n: 4_000n, amount: 600_000_000n },
    { kind: 'payout', n: 1n, amount: 582_000_000n },
  ]);
});

test('many due campaigns share one limit per transaction', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) ids.push(await createTestCampaign(db, market, { totalSlots: 500 }));
  for (const id of ids) {
    await crowd(id, 300);
    await letTimePass(db, id, pastDeadline);
  }
  const { transitions } = await settleDue(parts, { completeFull: false });
  assert.equal(transitions.length, 12);
  const most = await mostAtOnce('participant_refunded');
  assert.ok(most <= BigInt(atOnce), `${most} in one transaction`);
});

test('a campaign that becomes due during the closing of a large one does not wait for its end', async () => {
  const [large, other] = [
    await createTestCampaign(db, market, { totalSlots: 20_000 }),
    await createTestCampaign(db, market),
  ];
  await crowd(large, 8_000);
  await letTimePass(db, large, pastDeadline);
  let isTold = false;
  const { transitions } = await settleDue(
    {
      ...parts,
      // The other campaign becomes due after the first step of the large campaign.
      db: {
        ...db,
        noteChanged: () => {
          if (isTold) return;
          isTold = true;
          void letTimePass(db, other, pastDeadline);
        },
      },
    },
    { completeFull: false },
  );
  assert.deepEqual(
    transitions.map(({ campaignId }) => campaignId),
    [other, large],
  );
});

test('a stopped run ends after the current step, and the next run continues', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 20_000 });
  await crowd(id, 6_000);
  await letTimePass(db, id, pastDeadline);
  const stopping = new AbortController();
  const stopped = await settleDue(
    { ...parts, db: { ...db, noteChanged: () => stopping.abort() } },
    { completeFull: false, stop: stopping.signal },
  );
  assert.deepEqual(stopped, { transitions: [], failure: undefined });
  assert.equal((await campaignState(db, id)).filled_slots, 4_000);
  const { transitions } = await settleDue(parts, { completeFull: false });
  assert.equal(transitions.length, 1);
});
