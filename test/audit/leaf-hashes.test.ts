import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { verifyAudit } from '../../src/audit/queries.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { updateCampaign } from '../support/database/campaign-update.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  eventsOf,
  joinSuccessfully,
  joinWaitingList,
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
    // While two rows are swapped, both have the same number for a moment.
    await queryRows(tx, 'alter table sambatan.audit_logs drop constraint audit_logs_pkey');
    await verb(tx);
    throw isUndone;
  });
  await assert.rejects(attempt, isUndone);
}

test('the logs of valid campaigns verify from the first row to the last', async () => {
  const id = await history();
  assert.deepEqual(await db.rows(verifyAudit, id), []);
  assert.deepEqual(await db.rows(verifyAudit, null), []);
  assert.equal((await eventsOf(db, id)).length, 15);
});

test('the hashes of a row follow from its content and the salt of its order', async () => {
  const id = await history();
  const rows = await queryRows<{ is_committed: boolean; is_hashed: boolean }>(
    db,
    `select commitment = sha256(coalesce(p.salt, c.log_salt)
        || uuid_send(coalesce(a.participation_id, '00000000-0000-0000-0000-000000000000'))
        || timestamptz_send(a.occurred_at)
        || case actor_kind when 'system' then '\\x01'::bytea else '\\x02' end
        || uuid_send('00000000-0000-0000-0000-000000000000')
        || convert_to(event || '|' || coalesce(metadata::text, ''), 'UTF8')) as is_committed,
      leaf_hash = sha256('\\x0001'::bytea || int8send(seq)
        || int4send(floor(extract(epoch from occurred_at) / 60)::integer)
        || case event when 'campaign_created' then '\\x01'::bytea
          when 'campaign_full' then '\\x04' when 'campaign_reopened' then '\\x05'
          when 'campaign_completed' then '\\x07' when 'participant_joined' then '\\x20'
          when 'participant_cancelled' then '\\x21' else '\\x22' end
        || int4send(slots) || int4send(slots_taken) || int4send(a.total_slots)
        || int8send(a.price_per_slot) || commitment) as is_hashed
    from sambatan.audit_logs a
    join sambatan.campaigns c using (campaign_id)
    left join sambatan.participants p using (campaign_id, participation_id)
    where campaign_id = $1 and actor_id is null`,
    id,
  );
  assert.ok(rows.length > 7 && rows.every((row) => row.is_committed && row.is_hashed));
});

const logs = 'sambatan.audit_logs';
const content = 'content does not match its hash';
const missing = 'row missing before it';
const slots = 'slots do not follow';
const beyond = 'row beyond the end of the log';
const noOrder = 'its order or waiting-list entry is missing';
const allMissing = 'row missing, and all after it';

/** A change of row 5, the join that takes the last slot. */
const row5 = (set: string) => `update ${logs} set ${set} where campaign_id = $1 and seq = 5`;

/** The leaf hash of a changed row, for which no salt is needed. */
const leafHash = (changed: Readonly<Record<string, string>>) =>
  `sambatan.leaf_hash(sambatan.public_record(${[
    'seq',
    'occurred_at',
    'event',
    'slots',
    'slots_taken',
    'total_slots',
    'price_per_slot',
    'commitment',
  ]
    .map((column) => changed[column] ?? column)
    .join(', ')}))`;

/** Inserts rows that were taken out of the log, with other numbers. */
const insertedAs = (
  seq: string,
  rows: string,
  hash = 'leaf_hash',
) => `insert into ${logs} (campaign_id, seq,
      occurred_at, participation_id, actor_id, price_per_slot, event, actor_kind, slots,
      slots_taken, total_slots, commitment, leaf_hash, metadata)
    select campaign_id, ${seq}, occurred_at, participation_id, actor_id, price_per_slot, event,
      actor_kind, slots, slots_taken, total_slots, commitment, ${hash}, metadata from ${rows}`;

/** Takes rows out and inserts them again with other numbers. */
const renumbered = (which: string, seq: string, kept = 'true', hash = 'leaf_hash') =>
  `with d as (delete from ${logs} where campaign_id = $1 and ${which} returning *)
    ${insertedAs(seq, `d where ${kept}`, hash)}`;

/**
 * Changes that somebody with all privileges could make to the 15 rows of a log, and what the
 * verification must report.
 */
const tamperings: Record<string, [statement: string, seq: bigint, problem: string]> = {
  'another event': [row5(`event = 'participant_confirmed'`), 5n, content],
  'another actor': [row5(`actor_kind = 'system', actor_id = null`), 5n, content],
  'another user as actor': [row5(`actor_kind = 'user', actor_id = gen_random_uuid()`), 5n, content],
  'another time, by a microsecond': [
    row5(`occurred_at = occurred_at + interval '1 microsecond'`),
    5n,
    content,
  ],
  'an earlier time than the row before': [
    row5(`occurred_at = occurred_at - interval '1 hour'`),
    5n,
    'earlier than the row before it',
  ],
  'another participation': [row5('participation_id = gen_random_uuid()'), 5n, noOrder],
  'another quantity in the metadata': [row5(`metadata = '{"quantity": 2}'`), 5n, content],
  'another price': [row5('price_per_slot = price_per_slot + 1'), 5n, content],
  'another total': [row5('total_slots = total_slots + 1'), 5n, content],
  'more slots than the row takes': [row5('slots = 2'), 5n, slots],
  'more slots than the row takes, hashed anew': [
    row5(`slots = 2, leaf_hash = ${leafHash({ slots: '2' })}`),
    5n,
    slots,
  ],
  'fewer taken slots, hashed anew': [
    row5(`slots_taken = 3, slots = 0, leaf_hash = ${leafHash({ slots: '0', slots_taken: '3' })}`),
    6n,
    slots,
  ],
  'another hash': [row5('leaf_hash = sha256(leaf_hash)'), 5n, content],
  'another commitment': [row5('commitment = sha256(commitment)'), 5n, content],
  'another commitment, hashed anew': [
    row5(`commitment = sha256(''), leaf_hash = ${leafHash({ commitment: `sha256('')` })}`),
    5n,
    content,
  ],
  'another salt of the order': [
    `update sambatan.participants p set salt = sambatan.new_salt() from ${logs} a
    where a.campaign_id = $1 and a.seq = 5 and p.campaign_id = $1
      and p.participation_id = a.participation_id`,
    5n,
    content,
  ],
  'another salt of the campaign': [
    'update sambatan.campaign_details set log_salt = sambatan.new_salt() where campaign_id = $1',
    1n,
    content,
  ],
  'a row taken out': [`delete from ${logs} where campaign_id = $1 and seq = 5`, 6n, missing],
  'the first row taken out': [
    `delete from ${logs} where campaign_id = $1 and seq = 1`,
    2n,
    missing,
  ],
  'a row taken out and the gap closed': [renumbered('seq >= 5', 'seq - 1', 'seq > 5'), 5n, slots],
  'a row without slots taken out and the gap closed': [
    renumbered('seq >= 12', 'seq - 1', 'seq > 12'),
    12n,
    content,
  ],
  'a row without slots taken out, the gap closed and all hashed anew': [
    renumbered('seq >= 12', 'seq - 1', 'seq > 12', leafHash({ seq: 'seq - 1' })),
    15n,
    allMissing,
  ],
  'two rows that changed places': [renumbered('seq in (5, 6)', '11 - seq'), 5n, slots],
  'two rows without slots that changed places': [
    renumbered('seq in (11, 12)', '23 - seq'),
    11n,
    content,
  ],
  'the last rows removed': [
    `delete from ${logs} where campaign_id = $1 and seq > 12`,
    13n,
    allMissing,
  ],
  'every row removed': [`delete from ${logs} where campaign_id = $1`, 1n, allMissing],
  'every row removed and the number of rows set to nothing': [
    `with d as (delete from ${logs} where campaign_id = $1)
    ${updateCampaign('audit_seq = 0')}`,
    1n,
    allMissing,
  ],
  'a row appended': [
    insertedAs('16', `${logs} where campaign_id = $1 and seq = 15`, leafHash({ seq: '16' })),
    16n,
    beyond,
  ],
  'the number of rows set back, so that the last rows seem never written': [
    updateCampaign('audit_seq = 12'),
    13n,
    beyond,
  ],
  'a row of another campaign': [
    `update ${logs} a set metadata = b.metadata, commitment = b.commitment,
      leaf_hash = b.leaf_hash
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
      await queryRows(tx, statement, id);
      assert.deepEqual(await tx.rows(verifyAudit, id), [{ campaign_id: id, seq, problem }]);
      assert.deepEqual(await tx.rows(verifyAudit, other), []);
      assert.equal((await tx.rows(verifyAudit, null)).length, 1);
    });
    assert.deepEqual(await db.rows(verifyAudit, id), []);
  });
}

test('an event of the waiting list is verified with the salt of its entry', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1 });
  await joinSuccessfully(db, joinRequest(id));
  const entry = await joinWaitingList(db, id);
  assert.deepEqual(await db.rows(verifyAudit, id), []);
  await undone(async (tx) => {
    await queryRows(
      tx,
      'update sambatan.waiting_entries set salt = sambatan.new_salt() where entry_id = $1',
      entry.id,
    );
    const found = await tx.rows(verifyAudit, id);
    assert.deepEqual(found, [{ campaign_id: id, seq: 4n, problem: content }]);
  });
});

test('after the deletion of a salt the hash of the public record is still verified', async () => {
  const id = await history();
  await undone(async (tx) => {
    await queryRows(tx, 'update sambatan.participants set salt = null where campaign_id = $1', id);
    assert.deepEqual(await tx.rows(verifyAudit, id), []);
    await queryRows(tx, row5('price_per_slot = price_per_slot + 1'), id);
    const found = await tx.rows(verifyAudit, id);
    assert.deepEqual(found, [{ campaign_id: id, seq: 5n, problem: content }]);
  });
});

const changes = {
  update: `update ${logs} set actor_kind = 'system'`,
  'update of nothing but itself': `update ${logs} set leaf_hash = leaf_hash`,
  delete: `delete from ${logs}`,
  truncate: `truncate ${logs}`,
  'insert that overwrites': `insert into ${logs} select * from ${logs}
    on conflict (campaign_id, seq) do update set actor_kind = 'system'`,
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
    from sambatan.audit_events where campaign_id = $1 order by seq`,
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
