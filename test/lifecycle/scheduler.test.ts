import assert from 'node:assert/strict';
import { after, suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ChangeNotifier } from '../../src/audit/change-notifier.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { Scheduler, type SchedulerOptions } from '../../src/lifecycle/scheduler.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { noMetricSources } from '../support/fakes/metric-sources.ts';
import { asAdmin, inDatabase } from '../support/database/cluster.ts';
import { testDatabase, type TestDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  eventsOf,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
  campaignState,
  joinRequest,
  type CampaignInput,
  type BrandAndProduct,
} from '../support/builders/market.ts';
import { waitUntil } from '../support/server/until.ts';

// While this database is open, the server keeps running from the first test to the last.
const { close: leave } = await testDatabase();
after(leave);

interface Ground extends TestDatabase {
  readonly market: BrandAndProduct;
  /**
   * Registers what must be closed before the database is dropped. It is closed in reverse order.
   */
  readonly ending: (end: () => Promise<unknown>) => void;
}

/** Creates a separate database for a test, so that due campaigns of other tests have no effect. */
async function ground(t: TestContext): Promise<Ground> {
  const own = await testDatabase();
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const end of ends.toReversed()) await end();
    await own.close();
  });
  return {
    ...own,
    market: await createBrandAndProduct(own.db),
    ending: (end) => void ends.push(end),
  };
}

/** The parts of one process: a pool, a change notifier and a scheduler that is not started yet. */
function processOn({ url, ending }: Ground, options: Partial<SchedulerOptions> = {}) {
  const log = recordingLog();
  const db = openDatabase({ url, log });
  const changeNotifier = new ChangeNotifier(db, log);
  const metrics = createMetrics(noMetricSources);
  const scheduler = new Scheduler({
    db,
    changeNotifier,
    log,
    metrics,
    intervalMinutes: 5,
    paysOnline: false,
    ...options,
  });
  const close = async (): Promise<void> => {
    await scheduler.stop();
    await changeNotifier.stop();
    await db.close();
  };
  ending(close);
  const gauge = async () => (await metrics.schedulerRunning.get()).values[0]?.value;
  const failures = async () => ({
    starts: (await metrics.schedulerStartFailures.get()).values[0]?.value,
    looks: (await metrics.schedulerFailedLooks.get()).values[0]?.value,
  });
  return { db, changeNotifier, scheduler, log, gauge, failures, close };
}

const inMs = (ms: number): CampaignInput => ({ deadline: new Date(Date.now() + ms) });

const isClosed = async (db: TestDatabase['db'], id: string) =>
  ['expired', 'fulfilled', 'cancelled'].includes((await campaignState(db, id)).status);

/** Milliseconds from the deadline of a campaign until it was closed. */
async function lagOf(db: TestDatabase['db'], id: string): Promise<number> {
  const [row] = await queryRows<{ ms: string }>(
    db,
    `select 1000 * extract(epoch from coalesce(failed_at, completed_at) - deadline) as ms
    from sambatan.campaigns where campaign_id = $1`,
    id,
  );
  return Number(row!.ms);
}

/**
 * Much longer than the scheduler usually needs, and much shorter than the five seconds after which
 * it would notice by polling.
 */
const promptMs = 3_500;

/** Locks the row of a campaign or participation until the test releases it. */
async function hold({ url, ending }: Ground, statement: string, id: string) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query(statement, [id]);
  const release = async () => void (await client.query('rollback'));
  ending(() => client.end());
  return release;
}

const campaignRow = 'select from sambatan.campaigns where campaign_id = $1 for no key update';
const participationRow = 'select from sambatan.participants where campaign_id = $1 for update';

suite('its timer', () => {
  test('is set by a campaign created in this process', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler, changeNotifier } = processOn(on);
    await scheduler.start();
    await sleep(300);
    const id = await createTestCampaign(db, market, inMs(600));
    changeNotifier.notifyChanged(id);
    await waitUntil(() => isClosed(db, id));
    const lag = await lagOf(db, id);
    assert.ok(lag >= 0 && lag < promptMs, `${lag} ms after its deadline`);
  });

  test('is set by a campaign created in another process', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler, changeNotifier } = processOn(on);
    const other = processOn(on);
    await changeNotifier.start();
    await scheduler.start();
    await sleep(300);
    const id = await createTestCampaign(db, market, inMs(600));
    other.changeNotifier.notifyChanged(id);
    await waitUntil(() => isClosed(db, id));
    assert.ok((await lagOf(db, id)) < promptMs);
  });

  test('finds due campaigns without a change notification', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler } = processOn(on);
    await scheduler.start();
    const id = await createTestCampaign(db, market, inMs(200));
    await waitUntil(() => isClosed(db, id));
    assert.ok((await lagOf(db, id)) < 7_000);
  });

  test('is not delayed by a campaign whose row is locked for long', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const stuck = await createTestCampaign(db, market);
    await letTimePass(db, stuck, pastDeadline);
    const release = await hold(on, campaignRow, stuck);
    const { scheduler, changeNotifier } = processOn(on);
    await scheduler.start();
    // After this time the scheduler tries the locked campaign only rarely.
    await sleep(2_000);
    const id = await createTestCampaign(db, market, inMs(500));
    changeNotifier.notifyChanged(id);
    await waitUntil(() => isClosed(db, id));
    const lag = await lagOf(db, id);
    assert.ok(lag < 1_000, `${lag} ms after its deadline`);
    assert.equal((await campaignState(db, stuck)).status, 'active');
    await release();
    await waitUntil(() => isClosed(db, stuck));
  });

  test('backs off from a campaign that cannot be settled, and still settles others', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const [broken, other] = [
      await createTestCampaign(db, market),
      await createTestCampaign(db, market),
    ];
    await queryRows(
      db,
      `create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'broken on purpose'; end $$`,
    );
    await queryRows(
      db,
      `create trigger broken before update on sambatan.campaign_states for each row
      when (old.campaign_id = '${broken}' and new.status = 'expired') execute function refuse()`,
    );
    for (const id of [broken, other]) await letTimePass(db, id, pastDeadline);
    const { scheduler, log } = processOn(on);
    await scheduler.start();
    await waitUntil(() => isClosed(db, other));
    await sleep(3_000);
    const complaints = log.lines.filter(
      ({ text }) => text === 'a campaign failed to settle; the next run retries',
    );
    assert.ok(complaints.length >= 2 && complaints.length <= 8, `${complaints.length} times`);
    assert.equal(scheduler.status().isRunning, true);
    await queryRows(db, 'drop trigger broken on sambatan.campaign_states');
    await waitUntil(() => isClosed(db, broken));
  });
});

suite('the sweep', () => {
  test('runs at its interval, completes full campaigns and finds overdue ones', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler } = processOn(on, { intervalMinutes: 1 / 60 });
    await scheduler.start();
    await waitUntil(() => scheduler.status().lastRun !== null);
    const full = await createTestCampaign(db, market, { totalSlots: 1 });
    await joinSuccessfully(db, joinRequest(full));
    const late = await createTestCampaign(db, market);
    await letTimePass(db, late, 90 * 86_400);
    await waitUntil(async () => (await isClosed(db, full)) && (await isClosed(db, late)));
    assert.deepEqual(await eventsOf(db, full), [
      'campaign_created',
      'participant_joined',
      'campaign_full',
      'participant_confirmed',
      'campaign_completed',
    ]);
    const { nextRunTime, intervalMinutes } = scheduler.status();
    assert.equal(intervalMinutes, 1 / 60);
    assert.ok(nextRunTime !== null && nextRunTime.getTime() - Date.now() < 1_500);
  });

  test('works on demand without a started scheduler, and returns what is stored', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler } = processOn(on);
    const id = await createTestCampaign(db, market, { totalSlots: 2 });
    await joinSuccessfully(db, joinRequest(id, { quantity: 2 }));
    const { transitions } = await scheduler.sweep();
    const [stored] = await queryRows<{ occurred_at: Date; seq: bigint }>(
      db,
      `select occurred_at from sambatan.audit_logs
      where campaign_id = $1 and event = 'campaign_completed'`,
      id,
    );
    assert.deepEqual(
      transitions.map(({ campaignId, event, at, slotsTaken, totalSlots }) => ({
        campaignId,
        event,
        at,
        slotsTaken,
        totalSlots,
      })),
      [
        {
          campaignId: id,
          event: 'campaign_completed',
          at: stored!.occurred_at,
          slotsTaken: 2,
          totalSlots: 2,
        },
      ],
    );
    assert.equal(scheduler.status().isRunning, false);
    assert.deepEqual(scheduler.status().lastRun?.transitions, transitions);
  });

  test('on demand, concurrently and beside the timer, makes each transition once', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) ids.push(await createTestCampaign(db, market));
    for (const id of ids) await letTimePass(db, id, pastDeadline);
    const [one, other] = [processOn(on), processOn(on)];
    await other.scheduler.start();
    const runs = await Promise.all(
      Array.from({ length: 8 }, (_, n) => [one, other][n % 2]!.scheduler.sweep()),
    );
    await waitUntil(async () =>
      (await Promise.all(ids.map((id) => isClosed(db, id)))).every(Boolean),
    );
    const told = runs.flatMap(({ transitions }) => transitions.map((made) => made.campaignId));
    assert.equal(new Set(told).size, told.length);
    for (const id of ids) {
      assert.deepEqual(await eventsOf(db, id), ['campaign_created', 'campaign_failed']);
    }
  });
});

suite('starting and stopping', () => {
  const connectable = (url: string, is: boolean) => {
    const name = new URL(url).pathname.slice(1);
    return asAdmin(
      inDatabase(url, 'postgres'),
      `alter database ${name} with allow_connections ${is}`,
    );
  };

  test('a database outage is reported, retried, and recovered from', async (t) => {
    const on = await ground(t);
    const { db, url, market } = on;
    const id = await createTestCampaign(db, market);
    await letTimePass(db, id, pastDeadline);
    const { scheduler, log, gauge, failures } = processOn(on);
    await connectable(url, false);
    try {
      await scheduler.start();
      const status = scheduler.status();
      assert.equal(status.isRunning, false);
      assert.equal(status.nextRunTime, null);
      assert.match(status.failure ?? '', /not currently accepting connections/);
      assert.equal(await gauge(), 0);
      const errors = () => log.lines.filter(({ level }) => level === 'error');
      assert.match(errors()[0]!.text, /THE SCHEDULER DOES NOT RUN/);
      await assert.rejects(scheduler.sweep(), /not currently accepting connections/);
      await waitUntil(() => errors().length >= 2);
      assert.deepEqual(await failures(), { starts: errors().length, looks: 0 });
    } finally {
      await connectable(url, true);
    }
    await waitUntil(() => scheduler.status().isRunning);
    await waitUntil(() => isClosed(db, id));
    assert.equal(await gauge(), 1);
    assert.equal(scheduler.status().failure, null);
  });

  test('a failed run is counted separately from a failed start', async (t) => {
    // The clock is wrong until this many errors were counted.
    let expected = 0;
    const offsetMs = () => (errors() < expected ? 2 * 3_600_000 : 0);
    const { scheduler, log, failures } = processOn(await ground(t), {
      clock: () => new Date(Date.now() + offsetMs()),
    });
    const errors = () => log.lines.filter(({ level }) => level === 'error').length;
    await scheduler.start();
    for (expected of [1, 2]) {
      scheduler.wake();
      await waitUntil(() => errors() === expected);
      await waitUntil(() => scheduler.status().isRunning);
    }
    assert.deepEqual(await failures(), { starts: 0, looks: 2 });
  });

  test('a restored database connection triggers a run at once', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler, changeNotifier } = processOn(on);
    await changeNotifier.start();
    await scheduler.start();
    await waitUntil(() => scheduler.status().lastRun !== null);
    const id = await createTestCampaign(db, market);
    await letTimePass(db, id, pastDeadline);
    await queryRows(
      db,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
    );
    const lostAt = performance.now();
    await waitUntil(() => isClosed(db, id));
    assert.ok(performance.now() - lostAt < promptMs);
  });

  test('a start does not wait until all due campaigns are settled', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const id = await createTestCampaign(db, market);
    await joinSuccessfully(db, joinRequest(id));
    await letTimePass(db, id, pastDeadline);
    const release = await hold(on, participationRow, id);
    const { scheduler } = processOn(on);
    await scheduler.start();
    assert.equal(scheduler.status().isRunning, true);
    assert.equal((await campaignState(db, id)).status, 'active');
    await release();
    await waitUntil(() => isClosed(db, id));
  });

  test('stopping waits for the running transaction, and then nothing more is done', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const id = await createTestCampaign(db, market);
    await joinSuccessfully(db, joinRequest(id));
    await letTimePass(db, id, pastDeadline);
    const release = await hold(on, participationRow, id);
    const { scheduler, log, close, gauge } = processOn(on);
    await scheduler.start();
    await waitUntil(
      async () =>
        (
          await queryRows(
            db,
            `select pid from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock'`,
          )
        ).length > 0,
    );
    let isStopped = false;
    const stopping = scheduler.stop().then(() => (isStopped = true));
    await sleep(100);
    assert.equal(isStopped, false);
    await release();
    await stopping;
    assert.equal((await campaignState(db, id)).status, 'expired');
    assert.equal(scheduler.status().isRunning, false);
    assert.equal(await gauge(), 0);
    await close();
    assert.deepEqual(await queryRows(db, 'select worker_id from sambatan.workers'), []);
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
  });

  test('stopping at any time leaves no error in the log and no worker in the list', async (t) => {
    const on = await ground(t);
    const { db } = on;
    for (let ms = 0; ms < 40; ms += 4) {
      const { scheduler, log, close } = processOn(on);
      await scheduler.start();
      await sleep(ms);
      await close();
      assert.deepEqual(
        log.lines.filter(({ level }) => level === 'error' || level === 'warn'),
        [],
      );
    }
    assert.deepEqual(await queryRows(db, 'select worker_id from sambatan.workers'), []);
  });

  test('a stopped scheduler can be started again', async (t) => {
    const on = await ground(t);
    const { db, market } = on;
    const { scheduler } = processOn(on);
    await scheduler.start();
    await scheduler.stop();
    const id = await createTestCampaign(db, market);
    await letTimePass(db, id, pastDeadline);
    await scheduler.start();
    await waitUntil(() => isClosed(db, id));
  });

  test('a second start changes nothing', async (t) => {
    const on = await ground(t);
    const { db } = on;
    const { scheduler } = processOn(on);
    await scheduler.start();
    await scheduler.start();
    assert.equal((await queryRows(db, 'select worker_id from sambatan.workers')).length, 1);
  });
});

test('a system clock set back by an hour delays no sweep and does not change reported times', async (t) => {
  const { scheduler } = processOn(await ground(t), { intervalMinutes: 1 / 60 });
  await scheduler.start();
  await waitUntil(() => scheduler.status().lastRun !== null);
  const before = scheduler.status().lastRun;
  const began = performance.now();
  const { now } = Date;
  t.mock.method(Date, 'now', () => now() - 3_600_000);
  const isSwept = () => scheduler.status().lastRun !== before;
  await waitUntil(() => isSwept() || performance.now() - began > 8_000);
  assert.ok(isSwept());
  const { nextRunTime } = scheduler.status();
  assert.ok(nextRunTime !== null && nextRunTime.getTime() - Date.now() < 1_500);
});

test('while the clocks of database and process differ nothing is closed, and the status says so', async (t) => {
  const own = await ground(t);
  const id = await createTestCampaign(own.db, own.market, inMs(50));
  await letTimePass(own.db, id, 60);
  let offsetMs = -2 * 3_600_000;
  const clock = () => new Date(Date.now() + offsetMs);
  const { scheduler, log, gauge } = processOn(own, { clock });
  await scheduler.start();
  assert.equal(scheduler.status().isRunning, false);
  assert.equal(await gauge(), 0);
  assert.match(String(scheduler.status().failure), /clock_skewed/);
  assert.match(JSON.stringify(log.lines), /THE SCHEDULER DOES NOT RUN/);
  await assert.rejects(scheduler.sweep(), { code: 'clock_skewed' });
  assert.equal((await campaignState(own.db, id)).status, 'active');
  // The clock is right again. The scheduler tries again within half a minute.
  offsetMs = 20_000;
  await scheduler.sweep();
  assert.equal((await campaignState(own.db, id)).status, 'expired');
});
