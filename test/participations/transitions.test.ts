import {
  participationStatuses,
  type ParticipationStatus,
} from '../../src/database/status-words.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Tx } from '../../src/database/transaction.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import { verifyPayment } from '../../src/ledger/payments/operations.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import {
  cancelParticipation,
  confirmParticipation,
  fulfilParticipation,
} from '../../src/participations/operations.ts';
import type { Participation } from '../../src/participations/participation.ts';
import { participationAfter } from '../../src/participations/status.ts';
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
  outcomes,
  pastDeadline,
  service,
  campaignState,
  tally,
  user,
  joinRequest,
  type CampaignInput,
} from '../support/builders/market.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

type Verb = (tx: Tx, participationId: string) => Promise<Participation>;
const cancel: Verb = (tx, id) => cancelParticipation(tx, operator(), id, null);
const confirm: Verb = (tx, id) => confirmParticipation(tx, operator(), id, 'BCA 0812');
const fulfil: Verb = (tx, id) => fulfilParticipation(tx, operator(), id);
const apply = (verb: Verb, id: string) => runInTransaction(db, (tx) => verb(tx, id));

const settle = (campaignId: string, completeFull = false) =>
  queryRows(db, 'select sambatan.settle_campaign($1, $2, 1000)', campaignId, completeFull);

/** Creates a participation and brings it to a status by its transitions. */
const reached = {
  reserved: async () => await joinedIn({}),
  confirmed: async () => {
    const made = await joinedIn({});
    await apply(confirm, made.id);
    return made;
  },
  cancelled: async () => {
    const made = await joinedIn({});
    await apply(cancel, made.id);
    return made;
  },
  refunded: async () => {
    const made = await joinedIn({});
    await letTimePass(db, made.campaignId, pastDeadline);
    await settle(made.campaignId);
    return made;
  },
  fulfilled: async () => {
    const made = await paidFor();
    await apply(fulfil, made.id);
    return made;
  },
} as const satisfies Record<ParticipationStatus, () => Promise<Made>>;

interface Made {
  readonly campaignId: string;
  readonly id: string;
}

async function joinedIn(campaign: CampaignInput, quantity = 2): Promise<Made> {
  const campaignId = await createTestCampaign(db, market, campaign);
  const [id] = await joinSuccessfully(db, joinRequest(campaignId, { quantity }));
  return { campaignId, id: id! };
}

/** A confirmed participation in a completed campaign. */
async function completed(): Promise<Made> {
  const made = await joinedIn({ totalSlots: 2 });
  await settle(made.campaignId, true);
  return made;
}

/** A confirmed participation in a completed campaign, with a verified payment. */
async function paidFor(): Promise<Made> {
  const made = await completed();
  const seen = { amount: null, reference: null };
  await runInTransaction(db, (tx) => verifyPayment(tx, operator(), made.id, seen));
  return made;
}

async function participationOf(id: string) {
  const [row] = await queryRows<{
    status: string;
    confirmed_at: Date | null;
    cancel_reason: string;
  }>(db, 'select * from sambatan.participants where participation_id = $1', id);
  return row!;
}

/** All data that a refused operation must not change. */
async function everythingOf({ campaignId }: Made): Promise<unknown> {
  const tables = ['campaigns', 'participants', 'transactions', 'audit_logs'];
  return await Promise.all(
    tables.map((table) =>
      queryRows(
        db,
        `select to_jsonb(t) from sambatan.${table} t where campaign_id = $1`,
        campaignId,
      ),
    ),
  );
}

const verbs = {
  participant_cancelled: cancel,
  participant_confirmed: confirm,
  participant_fulfilled: fulfil,
} as const;

for (const status of participationStatuses) {
  for (const [event, verb] of Object.entries(verbs) as [keyof typeof verbs, Verb][]) {
    const to = participationAfter(status, event);
    const title = to === undefined ? 'is refused and changes nothing' : `makes it ${to}`;
    test(`${event} of a ${status} participation ${title}`, async () => {
      const made =
        status !== 'confirmed' || event === 'participant_confirmed'
          ? await reached[status]()
          : event === 'participant_fulfilled'
            ? await paidFor()
            : await completed();
      const before = await everythingOf(made);
      if (to !== undefined) {
        // A confirmed participation can only be cancelled because it was not paid. Its buyer cannot
        // cancel it.
        if (status === 'confirmed' && event === 'participant_cancelled') {
          await assert.rejects(apply(verb, made.id), {
            code: 'participation_transition_not_allowed',
          });
          await letTimePass(db, made.campaignId, 7 * 86_400);
          await settle(made.campaignId);
          assert.equal((await participationOf(made.id)).cancel_reason, 'unpaid');
        } else {
          assert.equal((await apply(verb, made.id)).status, to);
        }
        const moves = (await eventsOf(db, made.campaignId)).filter((one) =>
          one.startsWith('participant_'),
        );
        assert.equal(moves.at(-1), event);
        return;
      }
      const error = await apply(verb, made.id).catch((refusal: unknown) => refusal);
      assert.ok(error instanceof DomainError, String(error));
      assert.equal(error.code, 'participation_transition_not_allowed');
      assert.deepEqual(error.params, { from: status, event });
      assert.deepEqual(await everythingOf(made), before);
    });
  }
}

test('goods of a campaign that is not completed cannot be received', async () => {
  const { id } = await reached.confirmed();
  assert.deepEqual(await outcomes([apply(fulfil, id)]), ['participation_transition_not_allowed']);
});

test('operations on an unknown participation answer not found', async () => {
  for (const verb of Object.values(verbs)) {
    assert.deepEqual(await outcomes([apply(verb, newId())]), ['participation_not_found']);
  }
});

test('a cancellation frees its slots in the same transaction', async () => {
  const { campaignId, id } = await joinedIn({ totalSlots: 5 }, 3);
  await db.transaction(async (tx) => {
    await cancel(tx, id);
    const { filled_slots, participant_count } = await campaignState(tx, campaignId);
    assert.deepEqual([filled_slots, participant_count], [0, 0]);
    assert.equal((await campaignState(db, campaignId)).filled_slots, 3, 'seen before the commit');
  });
  assert.deepEqual(
    (await joinBatch(db, [joinRequest(campaignId, { quantity: 5 })])).map(outcomeOf),
    ['joined'],
  );
});

test('a full campaign reopens when a slot is freed, and fills again', async () => {
  const { campaignId, id } = await joinedIn({ totalSlots: 3 }, 3);
  assert.equal((await campaignState(db, campaignId)).status, 'locked');
  assert.deepEqual((await joinBatch(db, [joinRequest(campaignId)])).map(outcomeOf), [
    'slots_unavailable',
  ]);
  await apply(cancel, id);
  assert.equal((await campaignState(db, campaignId)).status, 'active');
  await joinSuccessfully(db, joinRequest(campaignId, { quantity: 3 }));
  assert.equal((await campaignState(db, campaignId)).status, 'locked');
  assert.deepEqual(await eventsOf(db, campaignId), [
    'campaign_created',
    'participant_joined',
    'campaign_full',
    'participant_cancelled',
    'campaign_reopened',
    'participant_joined',
    'campaign_full',
  ]);
});

test('a cancellation in a campaign that was not full does not reopen it', async () => {
  const { campaignId, id } = await joinedIn({ totalSlots: 5 });
  await apply(cancel, id);
  const events = await eventsOf(db, campaignId);
  assert.ok(!events.includes('campaign_reopened'), events.join());
});

test('after the deadline cancellations and confirmations are refused; the closing decides', async () => {
  const { campaignId, id } = await joinedIn({ totalSlots: 2 });
  await letTimePass(db, campaignId, pastDeadline);
  assert.deepEqual(await outcomes([apply(cancel, id)]), ['deadline_passed']);
  assert.deepEqual(await outcomes([apply(confirm, id)]), ['deadline_passed']);
  assert.equal((await campaignState(db, campaignId)).filled_slots, 2);
});

test('a closing campaign accepts no joins, cancellations or confirmations', async () => {
  const { campaignId, id } = await joinedIn({});
  await queryRows(db, "select sambatan.cancel_campaign($1, 'bahan habis', 'service')", campaignId);
  assert.deepEqual(await outcomes([apply(cancel, id)]), ['campaign_closing']);
  assert.deepEqual(await outcomes([apply(confirm, id)]), ['campaign_closing']);
  assert.deepEqual((await joinBatch(db, [joinRequest(campaignId)])).map(outcomeOf), [
    'campaign_closing',
  ]);
  await settle(campaignId);
});

test('a confirmation records the payment as settled, once, and ends the hold', async () => {
  const { campaignId, id } = await joinedIn({ paymentTiming: 'upfront', pricePerSlot: 99_999n }, 3);
  await apply(confirm, id);
  const money = await queryRows(
    db,
    `select kind, status, amount, cause, reference, settled_at is not null as settled
    from sambatan.transactions where campaign_id = $1`,
    campaignId,
  );
  assert.deepEqual(money, [
    {
      kind: 'payment',
      status: 'settled',
      amount: 299_997n,
      cause: `payment:${id}`,
      reference: 'BCA 0812',
      settled: true,
    },
  ]);
  assert.equal((await campaignState(db, campaignId)).confirmed_slots, 3);
  await letTimePass(db, campaignId, 3_000);
  await settle(campaignId);
  assert.equal((await participationOf(id)).status, 'confirmed');
});

test('an upfront campaign is due when the first of its holds lapses', async () => {
  const { campaignId, id } = await joinedIn({ paymentTiming: 'upfront', holdSeconds: 600 });
  const [row] = await queryRows<{ due: boolean; lasts: number }>(
    db,
    `select c.next_run_at = p.hold_expires_at as due,
      extract(epoch from p.hold_expires_at - p.joined_at)::int as lasts
    from sambatan.campaigns c join sambatan.participants p using (campaign_id)
    where p.participation_id = $1`,
    id,
  );
  assert.deepEqual(row, { due: true, lasts: 600 });
  await letTimePass(db, campaignId, 601);
  await settle(campaignId);
  const lapsed = await participationOf(id);
  assert.deepEqual([lapsed.status, lapsed.cancel_reason], ['cancelled', 'hold_lapsed']);
  assert.equal((await campaignState(db, campaignId)).filled_slots, 0);
});

const races = {
  'two cancellations': [cancel, cancel],
  'two confirmations': [confirm, confirm],
  'a cancellation and a confirmation': [cancel, confirm],
  'a confirmation and a cancellation': [confirm, cancel],
} as const;

for (const [what, [one, other]] of Object.entries(races)) {
  test(`${what} concurrently: one wins, the other is refused`, async () => {
    for (let round = 0; round < 8; round++) {
      const { campaignId, id } = await joinedIn({ totalSlots: 2 });
      const codes = await outcomes([apply(one, id), apply(other, id)]);
      assert.deepEqual(tally(codes), { joined: 1, participation_transition_not_allowed: 1 });
      const { status } = await participationOf(id);
      const { filled_slots, confirmed_slots } = await campaignState(db, campaignId);
      const isCancelled = status === 'cancelled';
      assert.deepEqual([filled_slots, confirmed_slots], isCancelled ? [0, 0] : [2, 2]);
    }
  });
}

test('thirty concurrent cancellations of one participation free its slots once', async () => {
  const { campaignId, id } = await joinedIn({ totalSlots: 4 });
  await joinSuccessfully(db, joinRequest(campaignId, { quantity: 2 }));
  const codes = await outcomes(Array.from({ length: 30 }, () => apply(cancel, id)));
  assert.deepEqual(tally(codes), { joined: 1, participation_transition_not_allowed: 29 });
  assert.equal((await campaignState(db, campaignId)).filled_slots, 2);
});

test('concurrent joins and cancellations never oversell and never lose a slot', async () => {
  const campaignId = await createTestCampaign(db, market, { totalSlots: 20 });
  const first = await joinSuccessfully(
    db,
    ...Array.from({ length: 20 }, () => joinRequest(campaignId)),
  );
  const [codes, answers] = await Promise.all([
    outcomes(first.slice(0, 10).map((id) => apply(cancel, id))),
    Promise.all(
      Array.from({ length: 40 }, () =>
        runInTransaction(db, (tx) => joinBatch(tx, [joinRequest(campaignId)])).then((given) =>
          outcomeOf(given[0]!),
        ),
      ),
    ),
  ]);
  assert.deepEqual(tally(codes), { joined: 10 });
  const taken = tally(answers)['joined'] ?? 0;
  const { status, filled_slots } = await campaignState(db, campaignId);
  assert.equal(filled_slots, 10 + taken);
  assert.equal(status, filled_slots === 20 ? 'locked' : 'active');
});

test('the cancellation reason tells who cancelled: the buyer, the service or an operator', async () => {
  const campaignId = await createTestCampaign(db, market, { totalSlots: 9 });
  const userId = newId();
  const staff = operator();
  const cases = [
    [user(userId), 'buyer', `user:${userId}`],
    [service, 'buyer', 'service'],
    [staff, 'operator', `operator:${staff.kind === 'operator' ? staff.userId : ''}`],
  ] as const;
  for (const [actor, reason, label] of cases) {
    const [id] = await joinSuccessfully(db, joinRequest(campaignId, { userId }));
    await runInTransaction(db, (tx) => cancelParticipation(tx, actor, id!, 'berubah pikiran'));
    assert.equal((await participationOf(id!)).cancel_reason, reason);
    const [entry] = await queryRows<{ actor: string; metadata: object }>(
      db,
      `select actor, metadata from sambatan.audit_events
      where campaign_id = $1 order by seq desc limit 1`,
      campaignId,
    );
    assert.equal(entry!.actor, label);
    assert.deepEqual(entry!.metadata, {
      quantity: 1,
      reason,
      note: 'berubah pikiran',
      slots_taken: 0,
      total_slots: 9,
    });
  }
});

test("another buyer's participation cannot be cancelled, confirmed or received", async () => {
  const { campaignId, id } = await joinedIn({});
  const stranger = user(newId());
  for (const verb of [cancelParticipation, confirmParticipation]) {
    const refused = await outcomes([runInTransaction(db, (tx) => verb(tx, stranger, id, null))]);
    assert.deepEqual(refused, ['participation_not_found']);
  }
  const received = runInTransaction(db, (tx) => fulfilParticipation(tx, stranger, id));
  assert.deepEqual(await outcomes([received]), ['participation_not_found']);
  assert.equal((await campaignState(db, campaignId)).filled_slots, 2);
});

test('the database refuses a transition that the table does not have', async () => {
  const { id } = await reached.cancelled();
  await assert.rejects(
    queryRows(
      db,
      `update sambatan.participants set status = 'confirmed', confirmed_at = now(),
        cancelled_at = null where participation_id = $1`,
      id,
    ),
    /a participation may not go from cancelled to confirmed/,
  );
});
