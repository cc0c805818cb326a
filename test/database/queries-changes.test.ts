import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import { allQueries, query } from '../../src/database/query.ts';
import { preview, runInTransaction } from '../../src/operation/run.ts';
import { createCampaign, defaultPaymentRules } from '../../src/campaigns/operations.ts';
import { defaultTerms } from '../../src/campaigns/campaign.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import { queryRows, createBrandAndProduct, service } from '../support/builders/market.ts';
import { loadEveryQuery } from '../support/database/queries.ts';

/*
 * After the commit of a statement that changed a campaign, the clients that follow the campaign are
 * notified. Each statement declares which campaigns it changes. A statement that writes an event
 * must declare it.
 */

await loadEveryQuery();
const { url, close } = await testDatabase();
const changed: string[] = [];
const db: Database = openDatabase({
  url,
  log: recordingLog(),
  onChanged: (campaignId) => changed.push(campaignId),
});
after(async () => {
  await db.close();
  await close();
});
const market = await createBrandAndProduct(db);

/** Statements whose callers notify: through `noteChanged`, or through the join batcher. */
const notedByCallers = ['count_lines', 'join_campaigns', 'refund_by_provider', 'settle_campaigns'];

const functionsIn = (text: string) =>
  [...text.matchAll(/\bsambatan\.([a-z_]+)\s*\(/g)].map(([, name]) => name!);

test('a SQL statement that writes an event declares the campaigns that it changes', async () => {
  const functions = await queryRows<{ name: string; source: string }>(
    db,
    `select proname as name, prosrc as source from pg_proc
    where pronamespace = 'sambatan'::regnamespace`,
  );
  const writers = new Set(
    functions
      .filter(({ source }) => source.includes('insert into sambatan.audit_logs'))
      .map(({ name }) => name),
  );
  for (let size = 0; size < writers.size;) {
    size = writers.size;
    for (const { name, source } of functions) {
      if (functionsIn(source).some((called) => writers.has(called))) writers.add(name);
    }
  }
  const silent = allQueries().filter(
    ({ text, changes }) =>
      changes === undefined && functionsIn(text).some((called) => writers.has(called)),
  );
  assert.ok(writers.size > 20);
  assert.deepEqual(silent.map(({ name }) => name).toSorted(), notedByCallers);
});

const newCampaign = () => ({
  ...defaultTerms,
  productId: market.productId,
  title: 'Batch dengan kabar',
  totalSlots: 10,
  minimumSlots: 10,
  pricePerSlot: 100_000n,
  deadline: new Date(Date.now() + 86_400_000),
  publish: true,
  payments: defaultPaymentRules,
});

test('change notifications are sent after the acknowledged commit, not before', async () => {
  const { id } = await runInTransaction(db, async (tx) => {
    const made = await createCampaign(tx, service, newCampaign());
    assert.deepEqual(changed, []);
    return made;
  });
  assert.deepEqual(changed, [id]);
});

test('previews and failed transactions send no change notification', async () => {
  changed.length = 0;
  await preview(db, (tx) => createCampaign(tx, service, newCampaign()));
  const failing = runInTransaction(db, async (tx) => {
    await createCampaign(tx, service, newCampaign());
    throw new Error('on purpose');
  });
  await assert.rejects(failing, /on purpose/);
  assert.deepEqual(changed, []);
});

test('a SQL statement that calls a function with effects does not count as a read', async () => {
  const functions = await queryRows<{ name: string }>(
    db,
    `select distinct proname as name from pg_proc
    where pronamespace in ('sambatan'::regnamespace, 'sambatan_auth'::regnamespace)
      and provolatile = 'v'`,
  );
  const effects = new Set(functions.map(({ name }) => name));
  const reads = allQueries().filter(({ isRead }) => isRead);
  assert.ok(reads.length > 100 && effects.size > 50);
  const wrong = reads.filter(({ text }) => functionsIn(text).some((called) => effects.has(called)));
  assert.deepEqual(
    wrong.map(({ name }) => name),
    [],
  );
});

test('a failed read is retried; a write outside a transaction is not', async () => {
  await queryRows(db, 'create sequence sambatan.attempts_of_test');
  await queryRows(
    db,
    `create function sambatan.fail_first() returns integer language plpgsql as $$
    begin
      if nextval('sambatan.attempts_of_test') % 2 = 1 then
        raise exception 'on purpose' using errcode = '40001';
      end if;
      return 1;
    end
    $$`,
  );
  const text = 'select sambatan.fail_first() as found';
  const read = query<[], { readonly found: number }>('test_read_retry', text);
  const write = query<[], { readonly found: number }>('test_write_retry', text, { writes: true });
  assert.deepEqual(await db.one(read), { found: 1 });
  await assert.rejects(db.one(write), { code: '40001' });
});
