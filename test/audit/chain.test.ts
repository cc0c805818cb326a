import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { verifyAudit } from '../../src/audit/queries.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  eventsOf,
  joinSuccessfully,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  joinRequest,
} from '../support/builders/market.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

/**
 * A campaign with 15 rows in its audit log. It was filled, reopened, filled again and completed.
 */
async function history(): Promise<string> {
  const id = await createTestCampaign(db, market, { totalSlots: 4 });
  const [first] = await joinSuccessfully(db, ...[1, 2, 3, 4].map(() => joinRequest(id)));
  await queryRows(
    db,
    "select sambatan.release_participation($1, $2, 'buyer', 'service')",
    id,
    first,
  );
  await joinSuccessfully(db, joinRequest(id));
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', id);
  return id;
}

const isUndone = new Error('the test is over');

/** Makes a change while the triggers are disabled, and rolls it back. */
async function undone(verb: (tx: Tx) => Promise<void>): Promise<void> {
  const attempt = db.transaction(async (tx) => {
    await queryRows(tx, 'alter table sambatan.audit_logs disable trigger user');
    await queryRows(tx, 'alter table sambatan.campaigns disable trigger user');
    await verb(tx);
    throw isUndone;
  });
  await assert.rejects(attempt, isUndone);
}

test('the chains of valid campaigns verify from the first row to the head', async () => {
  const id = await history();
  assert.deepEqual(await db.rows(verifyAudit, id), []);
  assert.deepEqual(await db.rows(verifyAudit, null), []);
  assert.equal((await eventsOf(db, id)).length, 15);
});

test('anybody can recompute the hash of a row from its content and the previous row', async () => {
  const id = await history();
  const rows = await queryRows<{ ok: boolean }>(
    db,
    `select hash = sha256(lag(hash, 1, decode(repeat('00', 32), 'hex')) over (order by seq)
      || uuid_send(campaign_id) || int8send(seq) || timestamptz_send(occurred_at)
      || uuid_send(coalesce(participation_id, '00000000-0000-0000-0000-000000000000'))
      || convert_to(event || '|' || actor || '|' || metadata::text, 'UTF8')) as ok
    from sambatan.audit_logs where campaign_id = $1 order by seq`,
    id,
  );
  assert.ok(rows.length > 10 && rows.every(({ ok }) => ok));
});

const logs = 'sambatan.audit_logs';
const content = 'content does not match its hash';
const missing = 'row missing before it';

/**
 * Changes of row 5 of 15 that somebody with all privileges could make, and what the verification
 * must report.
 */
const tamperings: Record<string, [statement: string, seq: bigint, problem: string]> = {
  'another event': [
    `update ${logs} set event = 'participant_confirmed' where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'another actor': [
    `update ${logs} set actor = 'system' where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'another time, by a microsecond': [
    `update ${logs} set occurred_at = occurred_at + interval '1 microsecond'
    where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'another participation': [
    `update ${logs} set participation_id = gen_random_uuid() where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'another quantity in the metadata': [
    `update ${logs} set metadata = jsonb_set(metadata, '{quantity}', '2')
    where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'another hash': [
    `update ${logs} set hash = sha256(hash) where campaign_id = $1 and seq = 5`,
    5n,
    content,
  ],
  'a row changed and hashed anew, as if it had always been so': [
    `update ${logs} a set actor = 'system', hash = sha256(b.hash || sambatan.audit_content(
      a.campaign_id, a.seq, a.occurred_at, a.participation_id, a.event, 'system', a.metadata))
    from ${logs} b where a.campaign_id = $1 and a.seq = 5 and b.campaign_id = $1 and b.seq = 4`,
    6n,
    content,
  ],
  'a row taken out': [`delete from ${logs} where campaign_id = $1 and seq = 5`, 6n, missing],
  'the first row taken out': [
    `delete from ${logs} where campaign_id = $1 and seq = 1`,
    2n,
    missing,
  ],
  'a row taken out and the gap closed': [
    `with d as (delete from ${logs} where campaign_id = $1 and seq >= 5 returning *)
    insert into ${logs} select campaign_id, seq - 1, occurred_at, participation_id, event, actor,
      metadata, hash from d where seq > 5`,
    5n,
    content,
  ],
  'two rows that changed places': [
    `with d as (delete from ${logs} where campaign_id = $1 and seq in (5, 6) returning *)
    insert into ${logs} select campaign_id, 11 - seq, occurred_at, participation_id, event, actor,
      metadata, hash from d`,
    5n,
    content,
  ],
  'the tail removed': [
    `delete from ${logs} where campaign_id = $1 and seq > 12`,
    13n,
    'row missing, and all after it',
  ],
  'every row removed': [
    `delete from ${logs} where campaign_id = $1`,
    1n,
    'row missing, and all after it',
  ],
  'every row removed and the head set to nothing': [
    `with d as (delete from ${logs} where campaign_id = $1)
    update sambatan.campaign_states set audit_seq = 0, audit_hash = decode(repeat('00', 32), 'hex')
    where campaign_id = $1`,
    1n,
    'row missing, and all after it',
  ],
  'a row appended beside the head': [
    `insert into ${logs} select campaign_id, 16, occurred_at, participation_id, event, actor,
      metadata, sha256(hash || sambatan.audit_content(campaign_id, 16, occurred_at,
        participation_id, event, actor, metadata))
    from ${logs} where campaign_id = $1 and seq = 15`,
    16n,
    'row beyond the head of the chain',
  ],
  'the head changed': [
    `update sambatan.campaign_details set audit_hash = sha256(audit_hash) where campaign_id = $1`,
    15n,
    'the last row is not the head of the chain',
  ],
  'the head set back, so that the last rows seem never written': [
    `update sambatan.campaign_states c set audit_seq = 12, audit_hash = a.hash
    from ${logs} a where c.campaign_id = $1 and a.campaign_id = $1 and a.seq = 12`,
    13n,
    'row beyond the head of the chain',
  ],
  'a row of another campaign': [
    `update ${logs} a set metadata = b.metadata, occurred_at = b.occurred_at, hash = b.hash
    from ${logs} b where a.campaign_id = $1 and a.seq = 5 and b.campaign_id <> $1 and b.seq = 5`,
    5n,
    content,
  ],
};

for (const [what, [statement, seq, problem]] of Object.entries(tamperings)) {
  test(`${what}: the verification names row ${seq} of that campaign alone`, async () => {
    const other = await history();
    const id = await history();
    await undone(async (tx) => {
      // While two rows are swapped, both have the same number for a moment, which this constraint
      // forbids.
      await queryRows(tx, `alter table ${logs} drop constraint audit_logs_pkey`);
      await queryRows(tx, statement, id);
      assert.deepEqual(await tx.rows(verifyAudit, id), [{ campaign_id: id, seq, problem }]);
      assert.deepEqual(await tx.rows(verifyAudit, other), []);
      assert.equal((await tx.rows(verifyAudit, null)).length, 1);
    });
    assert.deepEqual(await db.rows(verifyAudit, id), []);
  });
}

const changes = {
  update: `update ${logs} set actor = 'system'`,
  'update of nothing but itself': `update ${logs} set hash = hash`,
  delete: `delete from ${logs}`,
  truncate: `truncate ${logs}`,
  'truncate of all': 'truncate sambatan.campaigns cascade',
  'insert that overwrites': `insert into ${logs} select * from ${logs}
    on conflict (campaign_id, seq) do update set actor = 'system'`,
};

for (const [what, statement] of Object.entries(changes)) {
  test(`the audit log is append-only: ${what} is refused`, async () => {
    await history();
    await assert.rejects(queryRows(db, statement), /is append-only/);
  });
}

test('every event of a campaign records taken and total slots', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 3, minimumSlots: 1 });
  const ids = await joinSuccessfully(db, joinRequest(id, { quantity: 2 }), joinRequest(id));
  await queryRows(
    db,
    "select sambatan.release_participation($1, $2, 'buyer', 'service')",
    id,
    ids[1],
  );
  await letTimePass(db, id, 3_700);
  await queryRows(db, 'select sambatan.settle_campaign($1, false, 100)', id);
  const rows = await queryRows<{ event: string; taken: number; total: number }>(
    db,
    `select event, (metadata -> 'slots_taken')::int as taken,
      (metadata -> 'total_slots')::int as total
    from sambatan.audit_logs where campaign_id = $1 order by seq`,
    id,
  );
  assert.ok(rows.every(({ total }) => total === 3));
  assert.deepEqual(
    rows.map(({ event, taken }) => [event, taken]),
    [
      ['campaign_created', 0],
      ['participant_joined', 2],
      ['participant_joined', 3],
      ['campaign_full', 3],
      ['participant_cancelled', 2],
      ['campaign_reopened', 2],
      ['participant_confirmed', 2],
      ['campaign_completed', 2],
    ],
  );
});

test('a refused request writes no audit row', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1 });
  await joinSuccessfully(db, joinRequest(id));
  const before = await eventsOf(db, id);
  await assert.rejects(joinSuccessfully(db, joinRequest(id)));
  const missingOne = queryRows(
    db,
    "select sambatan.release_participation($1, gen_random_uuid(), 'buyer', 'service')",
    id,
  );
  await assert.rejects(missingOne, /participation_not_found/);
  assert.deepEqual(await eventsOf(db, id), before);
});
