import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { invariantCount } from '../../src/database/invariants.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { noMetricSources } from '../support/fakes/metric-sources.ts';
import { newId } from '../../src/identity/ids.ts';
import { workQueues } from '../../src/ledger/work-queues/ages.ts';
import { Monitor } from '../../src/monitor/monitor.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';

/** A database that a test corrupts, with monitors that check it. */
async function watched(invariantHours = 24) {
  const database = await testDatabase({ invariants: false });
  after(() => database.close());
  const { url, db } = database;
  const campaignId = await createTestCampaign(db, await createBrandAndProduct(db));
  await joinSuccessfully(db, joinRequest(campaignId), joinRequest(campaignId));
  const one = () => {
    const metrics = createMetrics(noMetricSources);
    const log = recordingLog();
    const budget = { max: { five_minutes: 100, day: 1_000 } };
    const watch = new Monitor({ db, url, log, metrics, budget, invariantHours });
    const value = async (name: string, label = '') =>
      Number(
        new RegExp(`^${name}${label === '' ? '' : `\\{[^}]*"${label}"[^}]*\\}`} (\\S+)$`, 'm').exec(
          await metrics.registry.metrics(),
        )?.[1],
      );
    return { watch, value, log };
  };
  return { db, url, campaignId, one };
}

test('overdue campaigns are counted, with the age of the oldest', async () => {
  const { db, one } = await watched(0);
  const { watch, value } = one();
  await watch.look();
  assert.equal(await value('sambatan_overdue_campaigns'), 0);
  assert.equal(await value('sambatan_overdue_campaigns_oldest_seconds'), 0);
  await queryRows(
    db,
    "update sambatan.campaign_details set deadline = now() - interval '90 seconds'",
  );
  await watch.look();
  assert.equal(await value('sambatan_overdue_campaigns'), 1);
  const seconds = await value('sambatan_overdue_campaigns_oldest_seconds');
  assert.ok(seconds >= 90 && seconds < 900, String(seconds));
  assert.ok(
    Date.now() / 1_000 - (await value('sambatan_monitor_last_run_timestamp_seconds')) < 300,
  );
});

test('unsettled refunds are counted, with the age of the oldest', async () => {
  const { db, one, campaignId } = await watched(0);
  await queryRows(
    db,
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at)
    select campaign_id, 'refund', case n when 3 then 'settled' else 'due' end::sambatan.transaction_status,
      participation_id, 1000, 'test ' || n, 'system', now() - n * interval '1 day',
      case n when 3 then now() end
    from generate_series(1, 3) n, (select * from sambatan.participants where campaign_id = $1 limit 1) p`,
    campaignId,
  );
  const { watch, value } = one();
  await watch.look();
  assert.equal(await value('sambatan_refunds_due'), 2);
  const seconds = await value('sambatan_refunds_oldest_due_seconds');
  assert.ok(seconds >= 172_800 && seconds < 173_800, String(seconds));
});

test('open overpaid refunds are counted and summed, with the age of the oldest', async () => {
  const { db, one, campaignId } = await watched(0);
  const { watch, value } = one();
  const figures = async () => {
    await watch.look();
    return await Promise.all(
      ['open', 'open_rupiah', 'oldest_open_seconds'].map((name) =>
        value(`sambatan_overpaid_refunds_${name}`),
      ),
    );
  };
  assert.deepEqual(await figures(), [0, 0, 0]);
  await queryRows(
    db,
    `insert into sambatan.transactions (campaign_id, kind, purpose, status, participation_id, amount,
      cause, actor, created_at, settled_at)
    select campaign_id, 'adjustment', 'overpaid_refund',
      case n when 3 then 'settled' when 4 then 'void' else 'due' end::sambatan.transaction_status,
      participation_id, 1000 * n, 'test ' || n, 'system', now() - n * interval '1 day',
      case n when 3 then now() end
    from generate_series(1, 4) n, (select * from sambatan.participants where campaign_id = $1 limit 1) p`,
    campaignId,
  );
  const [open, rupiah, seconds] = await figures();
  assert.deepEqual([open, rupiah], [2, 3000]);
  assert.ok(seconds! >= 172_800 && seconds! < 173_800, String(seconds));
});

test('short codes that run out are counted per account, with one warning', async () => {
  const { db, one, campaignId } = await watched(0);
  const { watch, value, log } = one();
  const [till, other] = [newId(), newId()];
  await queryRows(
    db,
    `insert into sambatan.receiving_accounts (account_id, bank, number, holder) values
      ($1, 'BCA', '5270099001', 'PT Sambatan'), ($2, 'Mandiri', '1370099002', 'PT Sambatan')`,
    till,
    other,
  );
  const take = (from: number, to: number, price: number) =>
    queryRows(
      db,
      `insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
        created_at, account_id, unique_code)
      select $1, 'payment', (select participation_id from sambatan.participants
        where campaign_id = $1 limit 1), $5::bigint, 'code ' || $5 || ' ' || g, 'system', now(), $2, g
      from generate_series($3::integer, $4::integer) g`,
      campaignId,
      till,
      from,
      to,
      price,
    );
  const warnings = () => log.lines.filter((line) => JSON.stringify(line).includes('unique codes'));
  await take(1, 700, 95_000);
  await take(1, 700, 195_000);
  await watch.look();
  assert.equal(await value('sambatan_unique_codes_free', 'BCA 9001'), 299);
  assert.equal(await value('sambatan_unique_codes_free', 'Mandiri 9002'), 999);
  assert.equal(warnings().length, 0);
  await take(701, 850, 95_000);
  await watch.look();
  await watch.look();
  assert.equal(await value('sambatan_unique_codes_free', 'BCA 9001'), 149);
  assert.equal(warnings().length, 1);
});

test('work for operators is counted per queue, with the waiting time of the oldest item', async () => {
  const { db, one, campaignId } = await watched(0);
  const { watch, value } = one();
  const figures = async () => {
    await watch.look();
    return await Promise.all(
      workQueues.map(async (queue) => [
        queue,
        await value('sambatan_work_queue_items', queue),
        Math.floor((await value('sambatan_work_queue_oldest_seconds', queue)) / 3_600),
      ]),
    );
  };
  assert.deepEqual(
    await figures(),
    workQueues.map((queue) => [queue, 0, 0]),
  );
  const [first, second] = await queryRows<{ id: string }>(
    db,
    'select participation_id as id from sambatan.participants where campaign_id = $1',
    campaignId,
  );
  await queryRows(
    db,
    `update sambatan.participants set status = 'confirmed', confirmed_at = now()
    where campaign_id = $1`,
    campaignId,
  );
  const movement = async (columns: string, values: string) =>
    await queryRows(
      db,
      `insert into sambatan.transactions (campaign_id, cause, actor, ${columns})
      values ($1, gen_random_uuid()::text, 'system', ${values})`,
      campaignId,
    );
  const paying = 'kind, status, participation_id, amount, created_at, pay_by';
  const ago = (hours: number) => `now() - interval '${hours} hours'`;
  await movement(paying, `'payment', 'proof_submitted', '${first!.id}', 5, ${ago(9)}, ${ago(1)}`);
  await queryRows(
    db,
    `insert into sambatan.payment_proofs (campaign_id, participation_id, content_type, content,
      uploaded_by, uploaded_at)
    values ($1, $2, 'application/pdf', 'x', 'service', ${ago(4)})`,
    campaignId,
    first!.id,
  );
  await movement(paying, `'payment', 'due', '${second!.id}', 5, ${ago(90)}, ${ago(6)}`);
  await movement(
    'kind, status, amount, created_at, released_at',
    `'payout', 'due', 5, ${ago(99)}, ${ago(7)}`,
  );
  await movement('kind, status, amount, created_at', `'payout', 'due', 5, ${ago(99)}`);
  const account = newId();
  await queryRows(
    db,
    `with a as (insert into sambatan.receiving_accounts (account_id, bank, number, holder)
      values ($1, 'BCA', '5270099001', 'PT Sambatan') returning account_id)
    insert into sambatan.statement_lines (line_id, account_id, fingerprint, booked_on, amount,
      description, imported_by, imported_at)
    select gen_random_uuid(), account_id, sha256('x'), current_date, 5, 'TRF', 'service', ${ago(8)}
    from a`,
    account,
  );
  const waiting = new Map((await figures()).map(([queue, ...figure]) => [queue, figure]));
  assert.deepEqual(waiting.get('proofs'), [1, 4]);
  assert.deepEqual(waiting.get('overdue_payments'), [1, 6]);
  assert.deepEqual(waiting.get('payouts'), [1, 7]);
  assert.deepEqual(waiting.get('statement_lines'), [1, 8]);
  await queryRows(
    db,
    `insert into sambatan.disputes (campaign_id, dispute_id, participation_id, reason, opened_by,
      opened_at) values ($1, gen_random_uuid(), $2, 'Pecah', 'service', ${ago(3)})`,
    campaignId,
    first!.id,
  );
  const disputed = new Map((await figures()).map(([queue, ...figure]) => [queue, figure]));
  assert.deepEqual(disputed.get('disputes'), [1, 3]);
  assert.deepEqual(disputed.get('payouts'), [0, 0], 'a disputed payout waits for the decision');
});

test('the last finished backup counts, one that only started does not', async () => {
  const { db, one } = await watched(0);
  const { watch, value } = one();
  await queryRows(
    db,
    `insert into sambatan.backups (backup_id, migrations) values (gen_random_uuid(), '[]')`,
  );
  await watch.look();
  assert.equal(await value('sambatan_last_backup_timestamp_seconds'), 0);
  const [installed] = await queryRows<{ at: number }>(
    db,
    'select extract(epoch from created_at)::float8 as at from sambatan.installation',
  );
  assert.equal(await value('sambatan_installed_timestamp_seconds'), installed?.at);
  await queryRows(
    db,
    `update sambatan.backups set finished_at = '2026-08-17 00:00:00Z', bytes = 1,
      sha256 = repeat('0', 64)`,
  );
  await watch.look();
  assert.equal(
    await value('sambatan_last_backup_timestamp_seconds'),
    Date.parse('2026-08-17T00:00:00Z') / 1_000,
  );
});

test('a quarantined database is reported', async () => {
  const { db, one } = await watched(0);
  const { watch, value } = one();
  await watch.look();
  assert.equal(await value('sambatan_quarantined'), 0);
  await queryRows(db, 'delete from sambatan.installation');
  await watch.look();
  assert.equal(await value('sambatan_quarantined'), 1);
});

test('events without a checkpoint, and campaigns with a contradiction, are reported', async () => {
  const { db, one } = await watched(0);
  const { watch, value } = one();
  const set = (change: string) => queryRows(db, `update sambatan.log_writer set ${change}`);
  await set('passed_at = now(), oldest_pending_at = null, broken_campaigns = 0');
  await watch.look();
  assert.equal(await value('sambatan_log_checkpoint_lag_seconds'), 0);
  assert.equal(await value('sambatan_log_broken_campaigns'), 0);
  await set("oldest_pending_at = now() - interval '2 minutes', broken_campaigns = 3");
  await watch.look();
  assert.equal(Math.floor((await value('sambatan_log_checkpoint_lag_seconds')) / 60), 2);
  assert.equal(await value('sambatan_log_broken_campaigns'), 3);
  // While no worker records a pass, nobody knows of later events.
  await set("passed_at = now() - interval '5 minutes', oldest_pending_at = null");
  await watch.look();
  assert.equal(Math.floor((await value('sambatan_log_checkpoint_lag_seconds')) / 60), 5);
});

test('each invariant is checked once for all workers, and all report the result', async () => {
  const { db, url, one } = await watched();
  const [first, second] = [one(), one()];
  await queryRows(db, 'update sambatan.campaign_states set filled_slots = filled_slots + 1');
  for (let look = 0; look < invariantCount(); look++) {
    await Promise.all([first.watch.look(), second.watch.look()]);
  }
  await first.watch.look();
  await second.watch.look();
  for (const { value } of [first, second]) {
    assert.equal(await value('sambatan_invariant_violations', '01_counters'), 1);
    assert.equal(await value('sambatan_invariant_violations', '05_books_balance'), 0);
    assert.ok(
      (await value('sambatan_invariant_checked_timestamp_seconds', '05_books_balance')) > 0,
    );
  }
  const [checks] = await queryRows<{ n: number; checked: number }>(
    db,
    `select count(*)::integer as n, count(checked_at)::integer as checked
    from sambatan.invariant_checks`,
  );
  assert.deepEqual(checks, { n: invariantCount(), checked: invariantCount() });
  // The corruption is repaired, and a day passes.
  await asAdmin(
    url,
    `update sambatan.campaign_states set filled_slots = filled_slots - 1;
    update sambatan.invariant_checks set checked_at = checked_at - interval '25 hours',
      started_at = started_at - interval '25 hours' where name = '01_counters'`,
  );
  await first.watch.look();
  await second.watch.look();
  assert.equal(await second.value('sambatan_invariant_violations', '01_counters'), 0);
});

test('a long check is cancelled when the worker stops, and does not count as done', async () => {
  const { db, url, one } = await watched();
  const { watch } = one();
  const locked = db.transaction(async (tx) => {
    await queryRows(tx, 'lock table sambatan.campaigns in access exclusive mode');
    watch.start();
    const waits = `select from pg_stat_activity where datname = current_database()
      and application_name = 'sambatan invariants' and wait_event_type = 'Lock'`;
    const signal = AbortSignal.timeout(10_000);
    // Each look needs another transaction, because pg_stat_activity does not change within one.
    while ((await queryRows(db, waits)).length === 0) signal.throwIfAborted();
    await watch.stop();
  });
  await locked;
  const { rows } = await asAdmin(
    url,
    'select from sambatan.invariant_checks where checked_at is not null',
  );
  assert.equal(rows.length, 0);
});
