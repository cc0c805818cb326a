import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import { extendCampaign, cancelCampaign } from '../../src/lifecycle/operations.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { cancelParticipation } from '../../src/participations/operations.ts';
import {
  acceptOffer,
  declineOffer,
  viewWaitingEntry,
  withdrawEntry,
} from '../../src/waiting/operations.ts';
import type { WaitingEntry } from '../../src/waiting/waiting.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  eventsOf,
  fillWaitingList,
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
  user,
  joinWaitingList,
  joinRequest,
  type CampaignInput,
} from '../support/builders/market.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

const twoHours = 7_200;
const dayAhead = () => new Date(Date.now() + 86_400_000);

/**
 * A full campaign whose participations have one slot each, one day before its deadline. Also
 * returns the participations.
 */
async function fullCampaign(
  totalSlots: number,
  terms: CampaignInput = {},
): Promise<{ id: string; parts: string[] }> {
  const id = await createTestCampaign(db, market, { totalSlots, deadline: dayAhead(), ...terms });
  const parts = await joinSuccessfully(
    db,
    ...Array.from({ length: totalSlots }, () => joinRequest(id)),
  );
  return { id, parts };
}

const leave = (part: string) =>
  runInTransaction(db, (tx) => cancelParticipation(tx, service, part, null));
const settle = (id: string, limit = 1_000) =>
  queryRows<{ settled: number; more: boolean }>(
    db,
    'select settled, more from sambatan.settle_campaign($1, false, $2)',
    id,
    limit,
  );
const seenBy = ({ user_id: buyer, id }: WaitingEntry) => viewWaitingEntry(db, user(buyer), id);
const accept = ({ user_id: buyer, id }: WaitingEntry) =>
  runInTransaction(db, (tx) => acceptOffer(tx, user(buyer), id));
const decline = ({ user_id: buyer, id }: WaitingEntry) =>
  runInTransaction(db, (tx) => declineOffer(tx, user(buyer), id));
const withdraw = ({ user_id: buyer, id }: WaitingEntry) =>
  runInTransaction(db, (tx) => withdrawEntry(tx, user(buyer), id));
const statuses = async (...entries: WaitingEntry[]) =>
  (await Promise.all(entries.map(seenBy))).map(({ status }) => status).join(' ');
const refused =
  (code: string, params: object = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof DomainError, String(error));
    assert.deepEqual([error.code, { ...(error.params as object) }], [code, params]);
    return true;
  };
const remaining = async (id: string) =>
  (
    await queryRows<{ available_slots: number }>(
      db,
      'select available_slots from sambatan.campaign_progress($1)',
      id,
    )
  )[0]!.available_slots;

test('a freed slot is offered to the first entry in the same transaction', async () => {
  const { id, parts } = await fullCampaign(2);
  const first = await joinWaitingList(db, id);
  const second = await joinWaitingList(db, id);
  assert.deepEqual([first.position, second.position, second.slots_ahead], [1, 2, 1]);
  await leave(parts[0]!);
  assert.equal(await statuses(first, second), 'offered waiting');
  assert.equal((await seenBy(second)).position, 1);
  assert.deepEqual((await eventsOf(db, id)).slice(-5), [
    'waiting_joined',
    'waiting_joined',
    'participant_cancelled',
    'campaign_reopened',
    'waiting_offered',
  ]);
});

test('an offered slot is reserved: the campaign is open, but strangers cannot join it', async () => {
  const { id, parts } = await fullCampaign(3);
  const waiter = await joinWaitingList(db, id);
  await leave(parts[0]!);
  await leave(parts[1]!);
  assert.equal((await campaignState(db, id)).status, 'active');
  assert.equal(await remaining(id), 1, 'what is free beside the offer');
  const [two, one, another] = await joinBatch(db, [
    joinRequest(id, { quantity: 2 }),
    joinRequest(id),
    joinRequest(id),
  ]);
  assert.deepEqual([two!, one!, another!].map(outcomeOf), [
    'slots_unavailable',
    'joined',
    'slots_unavailable',
  ]);
  assert.equal((await campaignState(db, id)).status, 'active', 'the offered slot is not taken yet');
  const accepted = await accept(waiter);
  assert.equal(accepted.status, 'accepted');
  assert.equal((await campaignState(db, id)).status, 'locked');
});

test('a direct join never overtakes the waiting list', async () => {
  const { id, parts } = await fullCampaign(4);
  const waiter = await joinWaitingList(db, id, 3);
  await leave(parts[0]!);
  await leave(parts[1]!);
  assert.equal(await remaining(id), 0);
  const [answer] = await joinBatch(db, [joinRequest(id)]);
  assert.equal(outcomeOf(answer!), 'slots_unavailable');
  await withdraw(waiter);
  assert.equal(await remaining(id), 2, 'nobody waits any more');
  await joinSuccessfully(db, joinRequest(id, { quantity: 2 }));
});

test('an accepted offer creates a participation like a join, once', async () => {
  const { id, parts } = await fullCampaign(2, { paymentTiming: 'upfront', holdSeconds: 3_600 });
  const waiter = await joinWaitingList(db, id, 1, { note: 'warna merah' });
  await leave(parts[0]!);
  const once = await accept(waiter);
  const twice = await accept(waiter);
  assert.equal(twice.participation_id, once.participation_id);
  const made = await queryRows(
    db,
    `select user_id, quantity, status, note, shipping_address,
      hold_expires_at = joined_at + interval '1 hour' as is_quarantined
    from sambatan.participants where participation_id = $1`,
    once.participation_id,
  );
  assert.deepEqual(made, [
    {
      user_id: waiter.user_id,
      quantity: 1,
      status: 'pending_payment',
      note: 'warna merah',
      shipping_address: waiter.shipping_address,
      is_quarantined: true,
    },
  ]);
  assert.deepEqual((await eventsOf(db, id)).slice(-3), [
    'waiting_accepted',
    'participant_joined',
    'campaign_full',
  ]);
  assert.equal(await statuses(waiter), 'accepted');
});

test('the bounds per buyer apply to the waiting list as to joins', async () => {
  const id = await createTestCampaign(db, market, {
    totalSlots: 6,
    minSlotsPerUser: 2,
    maxSlotsPerUser: 4,
    deadline: dayAhead(),
  });
  const userId = newId();
  const [first] = await joinSuccessfully(
    db,
    joinRequest(id, { userId, quantity: 2 }),
    joinRequest(id, { quantity: 4 }),
  );
  const bounds = { minimum: 2, maximum: 4 };
  await assert.rejects(
    joinWaitingList(db, id, 3, { userId }),
    refused('quantity_out_of_bounds', { ...bounds, held: 2 }),
  );
  await assert.rejects(
    joinWaitingList(db, id, 1),
    refused('quantity_out_of_bounds', { ...bounds, held: 0 }),
  );
  const waiter = await joinWaitingList(db, id, 2, { userId });
  await leave(first!);
  assert.equal(await statuses(waiter), 'offered');
  await accept(waiter);
});

test('waiting is refused if slots are free, for a second entry, and after the end', async () => {
  const { id, parts } = await fullCampaign(2);
  await leave(parts[0]!);
  await assert.rejects(joinWaitingList(db, id, 2), refused('slots_available', { remaining: 1 }));
  await joinSuccessfully(db, joinRequest(id));
  const { user_id: userId } = await joinWaitingList(db, id);
  await assert.rejects(joinWaitingList(db, id, 1, { userId }), refused('already_waiting'));
  await letTimePass(db, id, 90_000);
  await assert.rejects(joinWaitingList(db, id), refused('deadline_passed'));
  await settle(id);
  await assert.rejects(
    joinWaitingList(db, id),
    refused('campaign_not_active', { status: 'completed' }),
  );
  await assert.rejects(joinWaitingList(db, newId()), refused('campaign_not_found'));
});

test('a larger entry is overtaken three times; then free slots are reserved for it', async () => {
  const { id, parts } = await fullCampaign(9);
  const big = await joinWaitingList(db, id, 3);
  const small = await Promise.all(Array.from({ length: 4 }, () => joinWaitingList(db, id)));
  small.sort((a, b) => a.position! - b.position!);
  for (const part of parts.slice(0, 4)) await leave(part);
  assert.equal(await statuses(big, ...small), 'waiting offered offered offered waiting');
  assert.equal((await seenBy(big)).overtaken, 3);
  await leave(parts[4]!);
  assert.equal(await statuses(big), 'waiting', 'two of three are there');
  await leave(parts[5]!);
  assert.equal(await statuses(big, small[3]!), 'offered waiting');
});

test('slots stay reserved for an entry as long as an offer lasts, and then move on', async () => {
  const { id, parts } = await fullCampaign(9);
  const big = await joinWaitingList(db, id, 5);
  const small = [];
  for (let i = 0; i < 5; i++) small.push(await joinWaitingList(db, id));
  for (const part of parts.slice(0, 3)) await leave(part);
  for (const entry of small.slice(0, 3)) await accept(entry);
  await leave(parts[3]!);
  assert.equal(await statuses(big, ...small.slice(3)), 'waiting waiting waiting');
  await letTimePass(db, id, twoHours);
  await settle(id);
  assert.equal(await statuses(big, ...small.slice(3)), 'lapsed offered waiting');
  const [told] = await queryRows(
    db,
    `select metadata ->> 'reason' as reason from sambatan.audit_events
    where campaign_id = $1 and event = 'waiting_lapsed'`,
    id,
  );
  assert.deepEqual(told, { reason: 'slots' });
});

test('an unanswered offer lapses, and a declined one moves on at once', async () => {
  const { id, parts } = await fullCampaign(2);
  const [first, second, third] = [
    await joinWaitingList(db, id),
    await joinWaitingList(db, id),
    await joinWaitingList(db, id),
  ];
  await leave(parts[0]!);
  await letTimePass(db, id, twoHours);
  await assert.rejects(accept(first), refused('offer_expired'));
  const [due] = await queryRows(
    db,
    'select next_run_at <= clock_timestamp() as is_due from sambatan.campaigns where campaign_id = $1',
    id,
  );
  assert.deepEqual(due, { is_due: true });
  await settle(id);
  assert.equal(await statuses(first, second, third), 'lapsed offered waiting');
  await decline(second);
  assert.equal(await statuses(second, third), 'declined offered');
  await assert.rejects(
    accept(second),
    refused('waiting_transition_not_allowed', { from: 'declined', event: 'waiting_accepted' }),
  );
  await withdraw(third);
  assert.equal(await remaining(id), 1, 'nobody is left to be offered it');
});

test('a lapsed hold gives its slots to the waiting list in the same transaction', async () => {
  const { id } = await fullCampaign(3, { paymentTiming: 'upfront', holdSeconds: 60 });
  const pair = await joinWaitingList(db, id, 2);
  const one = await joinWaitingList(db, id);
  await letTimePass(db, id, 61);
  const [done] = await settle(id);
  assert.deepEqual(done, { settled: 3, more: false });
  assert.equal(await statuses(pair, one), 'offered offered');
  assert.equal(await remaining(id), 0);
});

test('an offer ends with the campaign, and regains its full time after an extension', async () => {
  const { id, parts } = await fullCampaign(2, { deadline: new Date(Date.now() + 3_600_000) });
  const waiter = await joinWaitingList(db, id);
  await leave(parts[0]!);
  const short = (await seenBy(waiter)).offer_expires_at!;
  const deadline = dayAhead();
  await runInTransaction(db, (tx) =>
    extendCampaign(tx, service, id, { deadline, reason: 'ramai' }),
  );
  const long = (await seenBy(waiter)).offer_expires_at!;
  assert.ok(long.getTime() - short.getTime() > 3_500_000, `${short} ${long}`);
  await letTimePass(db, id, twoHours);
  const rows = await queryRows(
    db,
    'select next_run_at <= clock_timestamp() as is_due from sambatan.campaigns where campaign_id = $1',
    id,
  );
  assert.deepEqual(rows, [{ is_due: true }]);
  await settle(id);
  assert.equal(await statuses(waiter), 'lapsed');
});

test('a hold that ends between the old deadline and the new one lapses in time', async () => {
  const id = await createTestCampaign(db, market, { paymentTiming: 'upfront', holdSeconds: 7_200 });
  await joinSuccessfully(db, joinRequest(id));
  const deadline = dayAhead();
  await runInTransaction(db, (tx) =>
    extendCampaign(tx, service, id, { deadline, reason: 'ramai' }),
  );
  await letTimePass(db, id, 7_201);
  const due = await queryRows(
    db,
    'select next_run_at <= clock_timestamp() as is_due from sambatan.campaigns where campaign_id = $1',
    id,
  );
  assert.deepEqual(due, [{ is_due: true }]);
  await settle(id);
  assert.equal((await campaignState(db, id)).filled_slots, 0);
});

for (const [how, event] of [
  ['failed', 'campaign_failed'],
  ['cancelled', 'campaign_cancelled'],
] as const) {
  test(`all waiting entries end when a campaign is ${how}, in short steps`, async () => {
    const minimumSlots = how === 'failed' ? 4 : 1;
    const { id, parts } = await fullCampaign(4, { minimumSlots });
    const entries = [];
    for (let i = 0; i < 5; i++) entries.push(await joinWaitingList(db, id));
    await leave(parts[0]!);
    if (how === 'cancelled') {
      await runInTransaction(db, (tx) => cancelCampaign(tx, operator(), id, 'bahan habis'));
    } else {
      await letTimePass(db, id, 90_000);
    }
    const steps = [];
    for (;;) {
      const [step] = await settle(id, 2);
      steps.push(step!.settled);
      if (!step!.more) break;
    }
    assert.ok(
      steps.every((settled) => settled <= 2),
      String(steps),
    );
    assert.equal(await statuses(...entries), 'closed closed closed closed closed');
    const events = await eventsOf(db, id);
    assert.equal(events.filter((one) => one === 'waiting_closed').length, 5);
    assert.equal(events.at(-1), event);
    await assert.rejects(
      accept(entries[0]!),
      refused('waiting_transition_not_allowed', { from: 'closed', event: 'waiting_accepted' }),
    );
  });
}

test('a full campaign is completed by a lifecycle run despite its waiting list', async () => {
  const { id } = await fullCampaign(2);
  const waiter = await joinWaitingList(db, id);
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', id);
  assert.equal((await campaignState(db, id)).status, 'fulfilled');
  // If an order stays unpaid, its slot will be offered to the waiting buyer.
  assert.equal(await statuses(waiter), 'waiting');
});

test('the list ends once everything is paid and no slot can come free', async () => {
  await createReceivingAccount(db);
  const { id, parts } = await fullCampaign(1);
  const waiter = await joinWaitingList(db, id);
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', id);
  await queryRows(
    db,
    `select sambatan.receive_money($1, $2, 125000, 'service', null, 'line:1')`,
    id,
    parts[0],
  );
  await settle(id);
  assert.equal(await statuses(waiter), 'closed');
});

test('the same key makes one entry, also after an offer; a different request with it is refused', async () => {
  const { id, parts } = await fullCampaign(2);
  const userId = newId();
  const what = { userId, key: 'a key' };
  const [first, second] = await Promise.all([
    joinWaitingList(db, id, 1, what),
    joinWaitingList(db, id, 1, what),
  ]);
  assert.equal(first.id, second.id);
  await leave(parts[0]!);
  const third = await joinWaitingList(db, id, 1, what);
  assert.deepEqual([third.id, third.status], [first.id, 'offered']);
  await assert.rejects(joinWaitingList(db, id, 2, what), refused('idempotency_key_reused'));
  const [join] = await joinBatch(db, [joinRequest(id, { userId, key: 'a key' })]);
  assert.equal(outcomeOf(join!), 'idempotency_key_reused');
});

test('a list has at most a thousand entries; the next one is refused', async () => {
  const { id } = await fullCampaign(1);
  await fillWaitingList(db, id);
  await assert.rejects(joinWaitingList(db, id), refused('waiting_list_full', { maximum: 1_000 }));
  await letTimePass(db, id, 90_000);
  await settle(id);
});

test('the log contains entry ids, and never an address', async () => {
  const { id, parts } = await fullCampaign(1);
  const entry = await joinWaitingList(db, id);
  await leave(parts[0]!);
  await accept(entry);
  const rows = await queryRows<{ metadata: Record<string, unknown> }>(
    db,
    `select metadata from sambatan.audit_events
    where campaign_id = $1 and starts_with(event::text, 'waiting_')`,
    id,
  );
  assert.equal(rows.length, 3);
  for (const { metadata } of rows) {
    assert.equal(metadata['entry_id'], entry.id);
    assert.ok(!JSON.stringify(metadata).includes('Jalan'));
  }
});

test('an offer ends at the deadline', async () => {
  const { id, parts } = await fullCampaign(2, { deadline: new Date(Date.now() + 3_600_000) });
  const waiter = await joinWaitingList(db, id);
  await leave(parts[0]!);
  await letTimePass(db, id, pastDeadline);
  for (const verb of [accept, decline, withdraw]) {
    await assert.rejects(verb(waiter), refused('deadline_passed'));
  }
  await settle(id);
  assert.equal(await statuses(waiter), 'closed');
});
