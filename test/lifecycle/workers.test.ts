import { updateCampaign } from '../support/database/campaign-update.ts';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import pg from 'pg';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import { settleDue, type Settlement } from '../../src/lifecycle/due.ts';
import { newId } from '../../src/identity/ids.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  joinSuccessfully,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';
import { waitUntil } from '../support/server/until.ts';

const { url, db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

/** Creates many campaigns whose deadline has passed. In half of them enough slots are taken. */
async function overdue(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId);
  await queryRows(
    db,
    `with details as (
      insert into sambatan.campaign_details (campaign_id, brand_id, product_id, title, status,
        total_slots, minimum_slots, price_per_slot, deadline, created_at, opened_at)
      select id, $2, $3, 'Senja batch ' || n, 'active', 10, 1, 150000, now() + interval '1 hour',
        now(), now()
      from unnest($1::uuid[]) with ordinality as u (id, n))
    insert into sambatan.campaign_states (campaign_id, status, total_slots, next_run_at, updated_at)
    select id, 'active', 10, now() + interval '1 hour', now() from unnest($1::uuid[]) id`,
    ids,
    market.brandId,
    market.productId,
  );
  await queryRows(
    db,
    `select sambatan.record_event(id, 'campaign_created', 'service', now(), null,
      '{"published": true}') from unnest($1::uuid[]) as u (id)`,
    ids,
  );
  const taken = ids
    .filter((_id, index) => index % 2 === 0)
    .map((id) => joinRequest(id, { quantity: 2 }));
  for (let i = 0; i < taken.length; i += 500)
    await joinSuccessfully(db, ...taken.slice(i, i + 500));
  await queryRows(
    db,
    updateCampaign(
      "deadline = now() - interval '1 minute', next_run_at = now() - interval '1 minute'",
      'campaign_id = any ($1)',
    ),
    ids,
  );
  return ids;
}

interface Closing {
  readonly campaign_id: string;
  readonly event: string;
  readonly occurred_at: Date;
  readonly taken: number;
}

/** The rows of the audit log that record the end of the given campaigns. */
const closingsOf = (ids: readonly string[]) =>
  queryRows<Closing>(
    db,
    `select campaign_id, event, occurred_at, (metadata ->> 'slots_taken')::integer as taken
    from sambatan.audit_logs
    where campaign_id = any ($1) and event in ('campaign_completed', 'campaign_failed')`,
    ids,
  );

const isOpen = (ids: readonly string[]) =>
  queryRows(
    db,
    `select campaign_id from sambatan.campaigns
    where campaign_id = any ($1) and status in ('active', 'locked')`,
    ids,
  );

/** The pool of another process. Its connections can be recognised by its name. */
function worker(t: TestContext, name: string): { pool: Database; run: () => Promise<Settlement> } {
  const named = new URL(url);
  named.searchParams.set('application_name', name);
  const log = recordingLog();
  const pool = openDatabase({ url: named.toString(), log });
  t.after(() => pool.close());
  const parts = { db: pool, log, paysOnline: false };
  return { pool, run: () => settleDue(parts, { completeFull: true }) };
}

const key = ({ campaign_id, event, occurred_at, taken }: Closing) =>
  `${campaign_id} ${event} ${occurred_at.getTime()} ${taken}`;

for (const [workers, campaigns] of [
  [2, 400],
  [5, 2_000],
] as const) {
  test(`${workers} workers close ${campaigns} due campaigns concurrently, each exactly once`, async (t) => {
    const ids = await overdue(campaigns);
    const all = Array.from({ length: workers }, (_, n) => worker(t, `worker ${n}`));
    const runs = await Promise.all(all.map(({ run }) => run()));
    const made = runs.flatMap(({ transitions, failure }) => {
      assert.equal(failure, undefined);
      return transitions.map((one) =>
        key({
          campaign_id: one.campaignId,
          event: one.event,
          occurred_at: one.at,
          taken: one.slotsTaken,
        }),
      );
    });
    const stored = await closingsOf(ids);
    assert.equal(stored.length, campaigns);
    assert.deepEqual(made.toSorted(), stored.map(key).toSorted(), 'told as stored');
    assert.deepEqual(await isOpen(ids), []);
    const completed = stored.filter(({ event }) => event === 'campaign_completed').length;
    assert.equal(completed, campaigns / 2);
  });
}

test('connections lost during a run do no harm: each campaign ends once', async (t) => {
  const ids = await overdue(1_000);
  const [cut, other] = [worker(t, 'cut'), worker(t, 'other')];
  const running = Promise.all([cut.run(), other.run()]);
  let cuts = 0;
  for (let ended = false; !ended && cuts < 5;) {
    const killed = await queryRows(
      db,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'cut' and state = 'active'`,
    );
    if (killed.length > 0) cuts++;
    ended = await Promise.race([
      running.then(() => true),
      new Promise<false>((r) => void setTimeout(r, 20, false)),
    ]);
  }
  assert.ok(cuts > 0, 'no connection was cut');
  await running;
  assert.equal((await other.run()).failure, undefined);
  assert.deepEqual(await isOpen(ids), []);
  const stored = await closingsOf(ids);
  assert.equal(stored.length, 1_000);
  assert.equal(new Set(stored.map(({ campaign_id }) => campaign_id)).size, 1_000);
});

test('the work of a killed worker is taken over by another one', async (t) => {
  const ids = await overdue(100);
  const [last] = await joinSuccessfully(db, joinRequest(await createTestCampaign(db, market)));
  const stuck = (
    await queryRows<{ id: string }>(
      db,
      'select campaign_id as id from sambatan.participants where participation_id = $1',
      last,
    )
  )[0]!.id;
  await queryRows(
    db,
    updateCampaign(
      "deadline = now() - interval '1 minute', next_run_at = now() - interval '1 day'",
    ),
    stuck,
  );
  // The campaign cannot be closed while this transaction locks one of its participations.
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  t.after(() => holder.end());
  await holder.query('begin');
  await holder.query('select from sambatan.participants where participation_id = $1 for update', [
    last,
  ]);
  const killed = spawn(
    process.execPath,
    [join(import.meta.dirname, '../../src/main.ts'), 'worker'],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: url,
        SAMBATAN_SERVICE_KEY: 'a-key-for-tests-of-32-characters!',
        LOG_LEVEL: 'silent',
      },
    },
  );
  const exited = new Promise((resolve) => killed.once('exit', resolve));
  t.after(() => killed.kill('SIGKILL'));
  await waitUntil(async () => {
    const waiting = await queryRows(
      db,
      `select pid from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like '%settle_campaigns%'`,
    );
    return waiting.length > 0;
  });
  killed.kill('SIGKILL');
  await exited;
  await holder.query('rollback');
  const survivor = worker(t, 'survivor');
  // The server notices that the client is gone only when it writes to the client again.
  await waitUntil(async () => {
    assert.equal((await survivor.run()).failure, undefined);
    return (await isOpen([...ids, stuck])).length === 0;
  });
  const stored = await closingsOf([...ids, stuck]);
  assert.equal(stored.length, 101);
});
