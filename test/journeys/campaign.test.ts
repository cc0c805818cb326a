import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { verifyAudit } from '../../src/audit/queries.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import {
  expectProblem,
  expectStatus,
  readAllPages,
  fromNow,
  hourMs,
  join,
  joinBody,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';
import { openStream } from '../support/clients/stream.ts';

const service = await startHttpService({ scheduler: true });
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

/** The event and the actor of each row in the audit log, with the oldest first. */
async function history(id: string): Promise<string[]> {
  const entries = await readAllPages(shop.seller, `/campaigns/${id}/logs`, 50);
  return entries.toReversed().map(({ event, actor }) => `${String(event)} by ${String(actor)}`);
}

async function see(path: string, by: Client = service.visitor): Promise<Body> {
  return expectStatus(await by.get(path), 200);
}

/** Waits until the live stream of a campaign sends this event. */
async function untilHeard(id: string, event: string): Promise<void> {
  const watcher = await openStream(service.url, id, { 'last-event-id': '1' });
  await watcher.heard((one) => one.data['event'] === event);
  watcher.end();
}

async function movements(id: string): Promise<string[]> {
  const rows = await queryRows<{ said: string }>(
    service.db,
    `select kind || ' ' || status || ' ' || amount as said from sambatan.transactions
    where campaign_id = $1 order by kind, amount`,
    id,
  );
  return rows.map(({ said }) => said);
}

test('a campaign is created, joined, filled, completed and audited', async () => {
  const { seller } = shop;
  const draft = await shop.campaign({ publish: false, total_slots: 5, price_per_slot: 125_000 });
  assert.equal(draft.status, 'inactive');
  assert.equal(draft['minimum_slots'], 5);
  const open = expectStatus(await seller.post(`/campaigns/${draft.id}/publish`), 200);
  assert.equal(open.status, 'active');

  const buyers = await Promise.all([service.user(), service.user(), service.user()]);
  const joined: Body[] = [];
  for (const [index, buyer] of buyers.entries()) {
    const wish = { quantity: index === 0 ? 3 : 1, note: 'Tolong bungkus kado' };
    const made = await join(buyer, draft.id, wish);
    assert.equal(made['user_id'], buyer.userId);
    assert.deepEqual(
      [made.status, made['quantity'], made['note']],
      ['reserved', wish.quantity, wish.note],
    );
    assert.deepEqual((await see(`/participations/${made.id}`, buyer)).id, made.id);
    joined.push(made);
  }
  const full = await see(`/campaigns/${draft.id}`);
  assert.deepEqual(
    [full.status, full['slots_taken'], full['slots_remaining'], full['progress_percent']],
    ['full', 5, 0, 100],
  );
  const late = await (await service.user()).post(`/campaigns/${draft.id}/join`, joinBody());
  assert.deepEqual(expectProblem(late, 409, 'slots_unavailable').params, { remaining: 0 });

  const run = expectStatus(await service.service.post('/lifecycle/run'), 200);
  const transition = (run['transitions'] as Body[]).find((one) => one['campaign_id'] === draft.id);
  assert.equal(transition?.['event'], 'campaign_completed');
  const log = await see(`/campaigns/${draft.id}/logs`, seller);
  const stored = log.items.find(({ event }) => event === 'campaign_completed');
  assert.equal(transition?.['timestamp'], stored?.['timestamp'], 'the run tells what is stored');

  const done = await see(`/campaigns/${draft.id}`);
  assert.deepEqual([done.status, done['slots_taken']], ['completed', 5]);
  const who = buyers.map(({ userId }) => `participant_joined by user:${userId}`);
  assert.deepEqual(await history(draft.id), [
    `campaign_created by user:${seller.userId}`,
    `campaign_opened by user:${seller.userId}`,
    ...who,
    'campaign_full by system',
    ...joined.map(() => 'participant_confirmed by system'),
    'campaign_completed by system',
  ]);
  assert.deepEqual(await service.db.rows(verifyAudit, draft.id), []);
  assert.deepEqual(await movements(draft.id), [
    'payment due 125000',
    'payment due 125000',
    'payment due 375000',
    'payout due 606250',
  ]);
  const early = await buyers[0]!.post(`/participations/${joined[0]!.id}/fulfil`);
  expectProblem(early, 409, 'participation_not_paid');
  const verified = await service.service.post(
    `/participations/${joined[0]!.id}/payment/verify`,
    {},
  );
  expectStatus(verified, 200);
  const received = await buyers[0]!.post(`/participations/${joined[0]!.id}/fulfil`);
  assert.equal(expectStatus(received, 200).status, 'fulfilled');
});

test('a campaign fails at its deadline automatically and makes refunds', async () => {
  const { id, deadline } = await shop.campaign({
    deadline: fromNow(1_200),
    payment_timing: 'upfront',
  });
  const buyers = await Promise.all(Array.from({ length: 4 }, () => service.user()));
  const joined = await Promise.all(buyers.map((buyer) => join(buyer, id, { quantity: 2 })));
  for (const { id: paid } of joined.slice(0, 2)) {
    const reference = { reference: 'BCA 20271231' };
    const operator = await service.operator();
    const confirmed = await operator.post(`/participations/${paid}/confirm`, reference);
    assert.equal(expectStatus(confirmed, 200).status, 'confirmed');
  }
  await untilHeard(id, 'campaign_failed');
  const failed = await see(`/campaigns/${id}`);
  assert.deepEqual(
    [failed.status, failed['slots_taken'], failed['slots_at_close'], failed['is_closing']],
    ['failed', 0, 8, false],
  );
  const lag = Date.parse(String(failed['failed_at'])) - Date.parse(String(deadline));
  assert.ok(lag >= 0 && lag < 1_000, `${lag} ms after its deadline`);
  for (const [index, buyer] of buyers.entries()) {
    assert.equal((await see(`/participations/${joined[index]!.id}`, buyer)).status, 'refunded');
  }
  assert.deepEqual(await movements(id), [
    'payment settled 250000',
    'payment settled 250000',
    'refund due 250000',
    'refund due 250000',
  ]);
  const tale = await history(id);
  assert.equal(tale.at(-1), 'campaign_failed by system');
  assert.equal(tale.filter((line) => line === 'participant_refunded by system').length, 4);
  assert.deepEqual(await service.db.rows(verifyAudit, id), []);
});

test('a campaign that reached its minimum completes at its deadline', async () => {
  const { id } = await shop.campaign({ deadline: fromNow(700), minimum_slots: 2 });
  const { id: joined } = await join(await service.user(), id, { quantity: 3 });
  await untilHeard(id, 'campaign_completed');
  assert.equal((await see(`/participations/${joined}`, shop.seller)).status, 'confirmed');
});

test('a scheduled campaign opens automatically', async () => {
  const { id, status } = await shop.campaign({ opens_at: fromNow(600), publish: false });
  assert.equal(status, 'scheduled');
  const early = await (await service.user()).post(`/campaigns/${id}/join`, joinBody());
  const { params } = expectProblem(early, 409, 'campaign_not_active');
  assert.deepEqual(params, { status: 'scheduled' });
  await untilHeard(id, 'campaign_opened');
  await join(await service.user(), id);
});

test('a draft is visible to its seller only; publishing makes it public and fixes its terms', async () => {
  const { seller } = shop;
  const { id } = await shop.campaign({ publish: false, description: 'Catatan dapur' });
  expectProblem(await service.visitor.get(`/campaigns/${id}`), 404, 'campaign_not_found');
  const terms = {
    title: 'Judul yang baru',
    total_slots: 20,
    minimum_slots: 5,
    price_per_slot: 99_000,
    max_slots_per_user: 3,
    deadline: fromNow(2 * hourMs),
  };
  const edited = expectStatus(await seller.patch(`/campaigns/${id}`, terms), 200);
  for (const [name, value] of Object.entries(terms)) assert.equal(edited[name], value, name);
  expectStatus(await seller.post(`/campaigns/${id}/publish`), 200);
  assert.equal((await see(`/campaigns/${id}`))['title'], terms.title);
  expectProblem(
    await seller.patch(`/campaigns/${id}`, { price_per_slot: 1 }),
    409,
    'campaign_already_open',
  );
  const words = { title: 'Judul terakhir', description: '' };
  assert.equal(
    expectStatus(await seller.patch(`/campaigns/${id}`, words), 200)['title'],
    words.title,
  );
  const unchanged = expectStatus(await seller.patch(`/campaigns/${id}`, words), 200);
  const edits = (await history(id)).filter((line) => line.startsWith('campaign_edited'));
  assert.equal(edits.length, 2, 'what changes nothing is not an edit');
  assert.equal(unchanged['price_per_slot'], 99_000);
});

test('an extended deadline replaces the old one', async () => {
  const { id } = await shop.campaign({ deadline: fromNow(900) });
  const deadline = fromNow(hourMs);
  const operator = await service.operator();
  const longer = await operator.post(`/campaigns/${id}/extend`, {
    deadline,
    reason: 'masih ramai',
  });
  assert.equal(expectStatus(longer, 200)['deadline'], deadline);
  const other = await shop.campaign({ deadline: fromNow(1_000) });
  await untilHeard(other.id, 'campaign_failed');
  await join(await service.user(), id);
  assert.ok((await history(id)).includes(`deadline_extended by operator:${operator.userId}`));
});

test('cancelling a campaign refunds each participant once', async () => {
  const { id } = await shop.campaign({ payment_timing: 'upfront' });
  const [paid, unpaid, left] = await Promise.all([service.user(), service.user(), service.user()]);
  const joined = {
    paid: await join(paid!, id),
    unpaid: await join(unpaid!, id),
    left: await join(left!, id),
  };
  expectStatus(await service.service.post(`/participations/${joined.paid.id}/confirm`, {}), 200);
  expectStatus(
    await left!.post(`/participations/${joined.left.id}/cancel`, { reason: 'berubah pikiran' }),
    200,
  );
  const cancelled = await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'bahan habis' });
  assert.equal(expectStatus(cancelled, 200).status, 'cancelled');
  const statuses = await readAllPages(shop.seller, `/campaigns/${id}/participants`, 10);
  assert.deepEqual(statuses.map(({ status }) => status).toSorted(), [
    'cancelled',
    'refunded',
    'refunded',
  ]);
  assert.deepEqual(await movements(id), ['payment settled 125000', 'refund due 125000']);
});

test('a cancellation in a full campaign frees slots for another buyer', async () => {
  const { id } = await shop.campaign({ total_slots: 2 });
  const [first, second, third] = await Promise.all([
    service.user(),
    service.user(),
    service.user(),
  ]);
  await join(first!, id);
  const leaving = await join(second!, id);
  assert.equal((await see(`/campaigns/${id}`)).status, 'full');
  const left = expectStatus(await second!.post(`/participations/${leaving.id}/cancel`), 200);
  assert.deepEqual([left.status, left['cancel_reason']], ['cancelled', 'buyer']);
  assert.equal((await see(`/campaigns/${id}`)).status, 'active');
  expectProblem(
    await second!.post(`/participations/${leaving.id}/cancel`),
    409,
    'participation_transition_not_allowed',
  );
  await join(third!, id);
  const events = (await history(id)).map((line) => line.split(' ')[0]);
  assert.deepEqual(events.slice(-4), [
    'participant_cancelled',
    'campaign_reopened',
    'participant_joined',
    'campaign_full',
  ]);
});

test('the same idempotency key gives the same answer and one participation', async () => {
  const { id } = await shop.campaign();
  const buyer = await service.user();
  const body = joinBody({ note: 'Titip di satpam ya' });
  const headers = { 'idempotency-key': newId() };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => buyer.post(`/campaigns/${id}/join`, body, headers)),
  );
  const [first] = answers;
  for (const answer of answers) assert.deepEqual([answer.status, answer.text], [201, first!.text]);
  assert.equal((await see(`/campaigns/${id}`))['slots_taken'], 1);
});

test('with more buyers than slots exactly all slots are sold', async () => {
  const { id } = await shop.campaign({ total_slots: 7 });
  const buyers = await Promise.all(Array.from({ length: 30 }, () => service.user()));
  const answers = await Promise.all(
    buyers.map((buyer) => buyer.post(`/campaigns/${id}/join`, joinBody())),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 7);
  assert.equal(answers.filter(({ body }) => body.code === 'slots_unavailable').length, 23);
  const progress = await see(`/campaigns/${id}/progress`);
  assert.deepEqual(
    [
      progress.status,
      progress['filled_slots'],
      progress['total_contribution'],
      progress['progress'],
    ],
    ['full', 7, 875_000, 100],
  );
});

test('the dashboard, the scheduler and health report the events', async () => {
  const summary = await see('/dashboard/summary', service.service);
  const listed = await readAllPages(service.visitor, '/campaigns', 50);
  const count = (status: string) => listed.filter((one) => one.status === status).length;
  assert.equal(summary['total_campaigns'], listed.length);
  for (const status of ['active', 'full', 'completed', 'failed']) {
    assert.equal(summary[`${status}_campaigns`], count(status), status);
  }
  const status = await see('/scheduler/status', service.service);
  assert.deepEqual(
    [status['is_running'], status['interval_minutes'], status['failure']],
    [true, 5, null],
  );
  assert.ok(Date.parse(String(status['next_run_time'])) > Date.now());
  assert.ok(status['last_run'] !== null);
  const health = await see('/health');
  assert.deepEqual(
    [health.status, health['scheduler_running'], health['database_connected'], health['next_run']],
    ['healthy', true, true, status['next_run_time']],
  );
  const { text } = await service.visitor.get('//metrics');
  assert.match(
    text,
    /sambatan_campaign_transitions_total\{transition_type="campaign_failed"\} [1-9]/,
  );
  assert.match(text, /sambatan_joins_total\{outcome="slots_unavailable"\} \d\d/);
});
