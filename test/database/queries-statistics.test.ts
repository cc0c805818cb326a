import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { openDatabase } from '../../src/database/pool.ts';
import { invariantNames, invariantQuery } from '../../src/database/invariants.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import { createTestCampaign, createBrandAndProduct } from '../support/builders/market.ts';

/*
 * The planner has no statistics about a campaign that fills within seconds. Nevertheless the cost
 * of reading the campaign must not increase with the square of the number of its participants.
 */

const { url, close } = await testDatabase({ invariants: false });
const db = openDatabase({ url, log: recordingLog() });
const client = new pg.Client({ connectionString: url });
await client.connect();
after(async () => {
  await client.end();
  await db.close();
  await close();
});
const orders = 3_000;

async function rows(text: string, ...parameters: unknown[]): Promise<Record<string, string>[]> {
  return (await client.query<Record<string, string>>(text, parameters)).rows;
}

/** Joins of this many buyers. Each of them has a payment that is due. */
async function fill(campaign: string, people: number): Promise<void> {
  await rows(
    `select count(*) from sambatan.join_campaigns(
      array_fill($1::uuid, array[$2::integer]),
      array(select gen_random_uuid() from generate_series(1, $2)),
      array(select gen_random_uuid() from generate_series(1, $2)), array_fill(1, array[$2]),
      array_fill('Jalan Melati 5'::text, array[$2]), null, null,
      array(select sambatan.new_salt() from generate_series(1, $2)), null, null,
      array_fill('service'::text, array[$2]), null, 0, true, false)`,
    campaign,
    people,
  );
  await rows(
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, pay_by)
    select campaign_id, 'payment', 'due', participation_id, 1000, 'payment:' || participation_id,
      'system', now(), now() + interval '30 minutes'
    from sambatan.participants where campaign_id = $1`,
    campaign,
  );
}

const market = await createBrandAndProduct(db);
// When the statistics are collected, only eight small campaigns exist.
for (let n = 0; n < 8; n++) await fill(await createTestCampaign(db, market, { totalSlots: 10 }), 3);
await rows('analyze');
const hot = await createTestCampaign(db, market, { totalSlots: orders, minimumSlots: 1 });
await fill(hot, orders);

/** The number of pages that a statement reads, from memory or from disk. */
async function pagesOf(statement: string): Promise<number> {
  const [answer] = await rows(`explain (analyze, buffers, format json) ${statement}`);
  const [{ Plan: plan }] = answer!['QUERY PLAN'] as unknown as [
    { readonly Plan: Readonly<Record<string, number>> },
  ];
  return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
}

/**
 * Looking each row up by its key reads about four pages. Reading all pairs of rows would be
 * millions.
 */
const maxPages = orders * 100;

test('the books of a campaign without statistics are read in one pass', async () => {
  const pages = await pagesOf(`select * from sambatan.campaign_books('${hot}')`);
  assert.ok(pages < maxPages, `${pages} pages`);
});

for (const name of invariantNames()) {
  test(`invariant ${name} is checked in one pass`, async () => {
    const pages = await pagesOf(invariantQuery(name));
    assert.ok(pages < maxPages, `${pages} pages`);
  });
}

test('no table has statistics of campaign_id', async () => {
  const found = await rows(
    `select attrelid::regclass::text as relation from pg_attribute a
      join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'sambatan'::regnamespace and c.relkind in ('r', 'p')
      and a.attname = 'campaign_id' and c.relname not in ('campaign_details', 'campaign_states')
      and a.attstattarget is distinct from 0`,
  );
  assert.deepEqual(found, []);
});
