import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import fc from 'fast-check';
import { settleDue, settleUntilDone, type Transition } from '../../src/lifecycle/due.ts';
import { cancelCampaign, extendCampaign } from '../../src/lifecycle/operations.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  eventsOf,
  joinSuccessfully,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  operator,
  outcomeOf,
  pastDeadline,
  service,
  campaignState,
  joinRequest,
  type CampaignInput,
} from '../support/builders/market.ts';

const { db, log, close } = await testDatabase();
after(async () => {
  // Whatever the tests of this file do, the timestamps in a log must never decrease.
  const back = await queryRows(
    db,
    `select campaign_id, seq from (
      select *, lag(occurred_at) over (partition by campaign_id order by seq) as before
      from sambatan.audit_logs) a where occurred_at < before`,
  );
  await close();
  assert.deepEqual(back, []);
});
const market = await createBrandAndProduct(db);

/**
 * Runs what the scheduler runs when a timer fires (`timer`), or in its periodic sweep (`sweep`).
 */
async function run(kind: 'timer' | 'sweep'): Promise<readonly Transition[]> {
  const parts = { db, log, paysOnline: false };
  const { transitions, failure } = await settleDue(parts, { completeFull: kind === 'sweep' });
  assert.equal(failure, undefined);
  return transitions;
}

const eventsIn = (transitions: readonly Transition[], id: string) =>
  transitions.filter(({ campaignId }) => campaignId === id).map(({ event }) => event);

const campaign = (terms: CampaignInput = {}) => createTestCampaign(db, market, terms);

interface Money {
  readonly kind: string;
  readonly status: string;
  readonly amount: bigint;
}

const moneyOf = (id: string) =>
  queryRows<Money>(
    db,
    `select kind, status, amount from sambatan.transactions where campaign_id = $1
    order by kind, amount`,
    id,
  );

const statusesIn = async (id: string) =>
  (
    await queryRows<{ status: string }>(
      db,
      `select status from sambatan.participants where campaign_id = $1 order by status`,
      id,
    )
  ).map(({ status }) => status);

const confirm = (id: string, participation: string) =>
  queryRows(
    db,
    `select sambatan.confirm_participation($1, $2, 'service', 'BCA 0001')`,
    id,
    participation,
  );

suite('opening', () => {
  test('a scheduled campaign opens at its time, not before', async () => {
    const id = await campaign({ opensAt: new Date(Date.now() + 1_800_000) });
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
    await letTimePass(db, id, 1_801);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_opened']);
    assert.equal((await campaignState(db, id)).status, 'active');
    assert.deepEqual(await eventsOf(db, id), ['campaign_created', 'campaign_opened']);
  });

  test('a campaign whose opening and deadline both passed during an outage opens and fails in one run', async () => {
    const id = await campaign({ opensAt: new Date(Date.now() + 1_800_000) });
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_opened', 'campaign_failed']);
    assert.equal((await campaignState(db, id)).status, 'expired');
  });
});

suite('at the deadline', () => {
  test('enough slots complete it: participants are confirmed, payments and the payout become due', async () => {
    const id = await campaign({ totalSlots: 10, minimumSlots: 5, pricePerSlot: 150_000n });
    await joinSuccessfully(db, joinRequest(id, { quantity: 4 }), joinRequest(id, { quantity: 2 }));
    await letTimePass(db, id, pastDeadline);
    const [made] = (await run('timer')).filter(({ campaignId }) => campaignId === id);
    assert.deepEqual(
      [made?.event, made?.slotsTaken, made?.totalSlots],
      ['campaign_completed', 6, 10],
    );
    assert.deepEqual(await statusesIn(id), ['confirmed', 'confirmed']);
    assert.deepEqual(await moneyOf(id), [
      { kind: 'payment', status: 'due', amount: 300_000n },
      { kind: 'payment', status: 'due', amount: 600_000n },
      { kind: 'payout', status: 'due', amount: 900_000n - 27_000n },
    ]);
  });

  test('exactly the minimum completes it, one slot less does not', async () => {
    const [enough, short] = [
      await campaign({ minimumSlots: 3 }),
      await campaign({ minimumSlots: 3 }),
    ];
    await joinSuccessfully(
      db,
      joinRequest(enough, { quantity: 3 }),
      joinRequest(short, { quantity: 2 }),
    );
    for (const id of [enough, short]) await letTimePass(db, id, pastDeadline);
    const transitions = await run('timer');
    assert.deepEqual(eventsIn(transitions, enough), ['campaign_completed']);
    assert.deepEqual(eventsIn(transitions, short), ['campaign_failed']);
  });

  test('too few slots fail it, and only buyers who paid get refunds', async () => {
    const id = await campaign({ totalSlots: 10 });
    const [paid] = await joinSuccessfully(
      db,
      joinRequest(id, { quantity: 2 }),
      joinRequest(id, { quantity: 3 }),
    );
    await confirm(id, paid!);
    await letTimePass(db, id, pastDeadline);
    const [made] = (await run('timer')).filter(({ campaignId }) => campaignId === id);
    assert.deepEqual([made?.event, made?.slotsTaken], ['campaign_failed', 5]);
    assert.deepEqual(await statusesIn(id), ['refunded', 'refunded']);
    assert.deepEqual(await moneyOf(id), [
      { kind: 'payment', status: 'settled', amount: 250_000n },
      { kind: 'refund', status: 'due', amount: 250_000n },
    ]);
    const { filled_slots, confirmed_slots, participant_count } = await campaignState(db, id);
    assert.deepEqual([filled_slots, confirmed_slots, participant_count], [0, 0, 0]);
  });

  test('a campaign without participants fails without money', async () => {
    const id = await campaign();
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_failed']);
    assert.deepEqual(await moneyOf(id), []);
  });

  test('a deadline that passed half a year ago is found too', async () => {
    const id = await campaign();
    await letTimePass(db, id, 183 * 86_400);
    assert.deepEqual(eventsIn(await run('sweep'), id), ['campaign_failed']);
  });

  test('it is closed once, and not before its time', async () => {
    const id = await campaign();
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_failed']);
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
  });

  test('a deadline can only be moved to a later time', async () => {
    const id = await createTestCampaign(db, market);
    const [before] = await queryRows<{ deadline: Date }>(
      db,
      'select deadline from sambatan.campaigns where campaign_id = $1',
      id,
    );
    const at = before!.deadline.getTime();
    const moved = (ms: number) => {
      const change = { deadline: new Date(at + ms), reason: 'menunggu gajian' };
      return runInTransaction(db, (tx) => extendCampaign(tx, service, id, change));
    };
    await assert.rejects(moved(0), { code: 'deadline_not_later' });
    await assert.rejects(moved(-1_000), { code: 'deadline_not_later' });
    await moved(1_000);
  });

  test('after an extension the old deadline closes nothing', async () => {
    const id = await campaign();
    const deadline = new Date(Date.now() + 7_200_000);
    const reason = 'bahan baku terlambat';
    await runInTransaction(db, (tx) => extendCampaign(tx, service, id, { deadline, reason }));
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), []);
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_failed']);
  });
});

suite('a full campaign', () => {
  test('is completed by the next sweep, not by the timer of another campaign', async () => {
    const [full, other] = [await campaign({ totalSlots: 2 }), await campaign()];
    await joinSuccessfully(db, joinRequest(full, { quantity: 2 }));
    await letTimePass(db, other, pastDeadline);
    const timer = await run('timer');
    assert.deepEqual(eventsIn(timer, other), ['campaign_failed']);
    assert.deepEqual(eventsIn(timer, full), []);
    assert.equal((await campaignState(db, full)).status, 'locked');
    assert.deepEqual(eventsIn(await run('sweep'), full), ['campaign_completed']);
  });

  test('is completed at its deadline by its own timer', async () => {
    const id = await campaign({ totalSlots: 2 });
    await joinSuccessfully(db, joinRequest(id, { quantity: 2 }));
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_completed']);
  });

  test('accepts cancellations until then, and joins again afterwards', async () => {
    const id = await campaign({ totalSlots: 2 });
    const [participation] = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }));
    await queryRows(
      db,
      `select sambatan.release_participation($1, $2, 'buyer', 'service')`,
      id,
      participation,
    );
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
    assert.equal((await campaignState(db, id)).status, 'active');
    await joinSuccessfully(db, joinRequest(id));
  });
});

suite('paying upfront', () => {
  const upfront = { paymentTiming: 'upfront', holdSeconds: 600, totalSlots: 4 } as const;

  test('only confirmed slots count at the deadline', async () => {
    const id = await campaign({ ...upfront, minimumSlots: 2, holdSeconds: 86_400 });
    const [paid] = await joinSuccessfully(db, joinRequest(id), joinRequest(id, { quantity: 3 }));
    await confirm(id, paid!);
    await letTimePass(db, id, pastDeadline);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_failed']);
    assert.deepEqual(await statusesIn(id), ['refunded', 'refunded']);
  });

  test('a completed campaign counts paid slots; unpaid holds are released as lapsed', async () => {
    const id = await campaign({ ...upfront, minimumSlots: 2, holdSeconds: 86_400 });
    const [paid] = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id));
    await confirm(id, paid!);
    await letTimePass(db, id, pastDeadline);
    const [made] = (await run('timer')).filter(({ campaignId }) => campaignId === id);
    assert.equal(made?.event, 'campaign_completed');
    assert.equal(made.slotsTaken, 2, 'what the event says is what the campaign says');
    assert.equal((await campaignState(db, id)).filled_slots, 2);
    const reasons = await queryRows(
      db,
      `select status, cancel_reason from sambatan.participants where campaign_id = $1
      order by status`,
      id,
    );
    assert.deepEqual(reasons, [
      { status: 'confirmed', cancel_reason: null },
      { status: 'cancelled', cancel_reason: 'hold_lapsed' },
    ]);
    assert.deepEqual(await moneyOf(id), [
      { kind: 'payment', status: 'settled', amount: 250_000n },
      { kind: 'payout', status: 'due', amount: 242_500n },
    ]);
  });

  test('a hold lapses once, frees its slots and reopens a full campaign', async () => {
    const id = await campaign(upfront);
    const [paid] = await joinSuccessfully(
      db,
      joinRequest(id),
      joinRequest(id, { quantity: 2 }),
      joinRequest(id),
    );
    await confirm(id, paid!);
    await letTimePass(db, id, 601);
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_reopened']);
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
    assert.deepEqual(await statusesIn(id), ['confirmed', 'cancelled', 'cancelled']);
    const { status, filled_slots, confirmed_slots } = await campaignState(db, id);
    assert.deepEqual([status, filled_slots, confirmed_slots], ['active', 1, 1]);
    assert.deepEqual((await eventsOf(db, id)).slice(-3), [
      'participant_cancelled',
      'participant_cancelled',
      'campaign_reopened',
    ]);
    assert.equal(
      outcomeOf((await joinBatch(db, [joinRequest(id, { quantity: 3 })]))[0]!),
      'joined',
    );
  });

  test('a hold lapses at its time without a sweep, and not before', async () => {
    const id = await campaign(upfront);
    await joinSuccessfully(db, joinRequest(id));
    const due = async () =>
      (
        await queryRows<{ seconds: string }>(
          db,
          `select extract(epoch from next_run_at - p.hold_expires_at) as seconds
          from sambatan.campaigns c join sambatan.participants p using (campaign_id)
          where campaign_id = $1`,
          id,
        )
      )[0]!.seconds;
    assert.equal(Number(await due()), 0);
    await letTimePass(db, id, 300);
    await run('sweep');
    assert.deepEqual(await statusesIn(id), ['pending_payment']);
    assert.equal(Number(await due()), 0);
  });

  test('five thousand holds that lapse together are released in short transactions', async () => {
    const id = await campaign({ ...upfront, totalSlots: 12_000 });
    for (let i = 0; i < 5; i++) {
      await joinSuccessfully(db, ...Array.from({ length: 1_000 }, () => joinRequest(id)));
    }
    await letTimePass(db, id, 601);
    await run('timer');
    const [most] = await queryRows<{ n: bigint; cancelled: bigint }>(
      db,
      `select max(n) as n, sum(n)::bigint as cancelled from (
        select count(*) as n from sambatan.audit_logs
        where campaign_id = $1 and event = 'participant_cancelled' group by xmin) t`,
      id,
    );
    assert.equal(most!.cancelled, 5_000n);
    assert.ok(most!.n <= 2_000n, `${most!.n} in one transaction`);
    assert.equal((await campaignState(db, id)).filled_slots, 0);
  });

  test('a full campaign is completed by the next sweep once every slot is paid', async () => {
    const id = await campaign(upfront);
    const all = await joinSuccessfully(db, joinRequest(id, { quantity: 3 }), joinRequest(id));
    await confirm(id, all[0]!);
    assert.deepEqual(eventsIn(await run('sweep'), id), []);
    await confirm(id, all[1]!);
    assert.deepEqual(eventsIn(await run('timer'), id), []);
    assert.deepEqual(eventsIn(await run('sweep'), id), ['campaign_completed']);
  });
});

suite('cancelling it', () => {
  const callOff = async (id: string) => {
    const parts = { db, log, paysOnline: false };
    await runInTransaction(db, (tx) => cancelCampaign(tx, operator(), id, 'pabrik tutup'));
    return (await settleUntilDone(parts, id)).transitions;
  };

  const makers: Record<string, () => Promise<string>> = {
    inactive: () => campaign({ publish: false }),
    scheduled: () => campaign({ opensAt: new Date(Date.now() + 60_000) }),
    active: async () => {
      const id = await campaign();
      const [paid] = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id));
      await confirm(id, paid!);
      return id;
    },
    full: async () => {
      const id = await campaign({ totalSlots: 3 });
      const [paid] = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id));
      await confirm(id, paid!);
      return id;
    },
  };
  for (const [status, make] of Object.entries(makers)) {
    test(`a campaign with status ${status} ends at once, with the refunds that are due`, async () => {
      const id = await make();
      await callOff(id);
      assert.equal((await campaignState(db, id)).status, 'cancelled');
      const isOpen = status === 'active' || status === 'full';
      assert.deepEqual(await statusesIn(id), isOpen ? ['refunded', 'refunded'] : []);
      const refunds = (await moneyOf(id)).filter(({ kind }) => kind === 'refund');
      assert.deepEqual(
        refunds,
        isOpen ? [{ kind: 'refund', status: 'due', amount: 250_000n }] : [],
      );
      const [last] = await queryRows<{ event: string; metadata: Record<string, unknown> }>(
        db,
        `select event, metadata from sambatan.audit_events where campaign_id = $1
        order by seq desc limit 1`,
        id,
      );
      assert.equal(last!.event, 'campaign_cancelled');
      assert.equal(last!.metadata['reason'], 'pabrik tutup');
      assert.equal(last!.metadata['slots_taken'], isOpen ? 3 : 0);
    });
  }

  test('it accepts no join once the cancellation is committed', async () => {
    const id = await campaign();
    await runInTransaction(db, (tx) => cancelCampaign(tx, operator(), id, 'pabrik tutup'));
    assert.equal(outcomeOf((await joinBatch(db, [joinRequest(id)]))[0]!), 'campaign_closing');
    assert.deepEqual(eventsIn(await run('timer'), id), ['campaign_cancelled']);
    assert.equal(outcomeOf((await joinBatch(db, [joinRequest(id)]))[0]!), 'campaign_not_active');
  });
});

suite('the platform’s fee', () => {
  const halfEven = (amount: bigint, basisPoints: bigint) => {
    const [whole, rest] = [(amount * basisPoints) / 10_000n, (amount * basisPoints) % 10_000n];
    const up = rest * 2n > 10_000n || (rest * 2n === 10_000n && whole % 2n === 1n);
    return up ? whole + 1n : whole;
  };
  const feesOf = async (amounts: bigint[], points: number[]) =>
    (
      await queryRows<{ fee: bigint }>(
        db,
        `select sambatan.platform_fee(amount, points) as fee
        from unnest($1::bigint[], $2::integer[]) with ordinality as u (amount, points, n)
        order by n`,
        amounts,
        points,
      )
    ).map(({ fee }) => fee);

  test('is rounded half-even to whole rupiah', async () => {
    assert.deepEqual(
      await feesOf([50n, 150n, 250n, 49n, 51n, 900_000n], [100, 100, 100, 100, 100, 300]),
      [0n, 2n, 2n, 0n, 1n, 27_000n],
    );
  });

  test('is exact for every possible value of a campaign', async () => {
    const amount = fc.oneof(
      fc.bigInt({ min: 0n, max: 1_000_000_000_000_000n }),
      fc.bigInt({ min: 0n, max: 20_000n }),
      // Amounts for which the fee can end with one half, because there the rounding matters.
      fc.bigInt({ min: 0n, max: 100_000_000_000n }).map((n) => n * 10_000n + 5_000n),
    );
    const points = fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.constantFrom(1, 300, 10_000));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(amount, points), { minLength: 200 }), async (pairs) => {
        const fees = await feesOf(
          pairs.map(([rupiah]) => rupiah),
          pairs.map(([, part]) => part),
        );
        const exact = pairs.map(([rupiah, part]) => halfEven(rupiah, BigInt(part)));
        assert.deepEqual(fees, exact);
      }),
      { numRuns: 50 },
    );
  });
});
