import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openCheckpoint, formatCheckpoint } from '../../src/public-log/checkpoint.ts';
import { findKeys } from '../../src/public-log/keys.ts';
import {
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../src/public-log/merkle.ts';
import { consistencyProof, inclusionProof } from '../../src/public-log/proofs.ts';
import {
  findCheckpoint,
  findCheckpointOfSize,
  tileReader,
} from '../../src/public-log/stored-log.ts';
import { createLogWriter, testLogName } from '../support/builders/public-log.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinRequest,
  joinSuccessfully,
  queryRows,
} from '../support/builders/market.ts';
import { testDatabase } from '../support/database/database.ts';
import { waitUntil } from '../support/server/until.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

/** The public records of a campaign, as the specification describes them. */
async function recordsOf(campaignId: string): Promise<Buffer[]> {
  const rows = await queryRows<{ record: Buffer }>(
    db,
    `select sambatan.public_record(seq, occurred_at, event, slots, slots_taken, total_slots,
      price_per_slot, commitment) as record
    from sambatan.audit_logs where campaign_id = $1 order by seq`,
    campaignId,
  );
  return rows.map(({ record }) => record);
}

async function joins(campaignId: string, count: number): Promise<void> {
  const requests = Array.from({ length: count }, () => joinRequest(campaignId));
  await joinSuccessfully(db, ...requests);
}

test('every event of a campaign is in the tree of its newest signed checkpoint', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 1_000 });
  const { writer } = createLogWriter(db);
  const sizes: number[] = [];
  for (const count of [1, 254, 3, 300]) {
    await joins(id, count);
    await writer.drain();
    sizes.push((await findCheckpoint(db, id))!.size);
  }
  const records = await recordsOf(id);
  assert.ok(records.every(({ length }) => length === 66));
  const leaves = records.map(leafHash);
  const checkpoint = (await findCheckpoint(db, id))!;
  assert.equal(checkpoint.size, records.length);
  assert.deepEqual(checkpoint.root, rootOf(leaves));
  const keys = await findKeys(db);
  assert.deepEqual(openCheckpoint(formatCheckpoint(checkpoint), keys).root, checkpoint.root);
  assert.equal(checkpoint.origin, `${testLogName}/${id}`);

  const read = tileReader(db, id);
  for (const index of [0, 1, 255, 256, 300, 511, 512, checkpoint.size - 1]) {
    const proof = await inclusionProof(index, checkpoint.size, read);
    assert.ok(
      verifyInclusion(index, checkpoint.size, leaves[index]!, proof, checkpoint.root),
      `the proof of leaf ${index}`,
    );
  }
  for (const size of sizes) {
    const from = (await findCheckpointOfSize(db, id, size))!;
    assert.deepEqual(from.root, rootOf(leaves.slice(0, size)));
    const proof = await consistencyProof(size, checkpoint.size, read);
    assert.ok(verifyConsistency({ from, to: checkpoint }, proof));
  }
});

test('a writer that finds nothing new signs nothing', async () => {
  const id = await createTestCampaign(db, market);
  await createLogWriter(db).writer.drain();
  const count = 'select count(*)::integer as n from sambatan.log_checkpoints';
  const before = await queryRows(db, count);
  await createLogWriter(db).writer.drain();
  assert.deepEqual(await queryRows(db, count), before);
  assert.ok(await findCheckpoint(db, id));
});

test('two writers that work at the same time build each tree once', async () => {
  const ids = [];
  for (let n = 0; n < 20; n++) ids.push(await createTestCampaign(db, market, { totalSlots: 500 }));
  const writers = [createLogWriter(db), createLogWriter(db)];
  for (const { writer, changeNotifier } of writers) {
    await changeNotifier.start();
    writer.start();
  }
  try {
    for (let round = 0; round < 10; round++) {
      for (const id of ids) {
        await joins(id, 10);
        for (const { changeNotifier } of writers) changeNotifier.notifyChanged(id);
      }
    }
    for (const id of ids) {
      await waitUntil(async () => (await findCheckpoint(db, id))?.size === 101, {
        withinMs: 20_000,
      });
      const { root } = (await findCheckpoint(db, id))!;
      assert.deepEqual(root, rootOf((await recordsOf(id)).map(leafHash)));
    }
    for (const { writer, log } of writers) {
      assert.equal(writer.failure, null);
      assert.deepEqual(
        log.lines.filter(({ level }) => level === 'error'),
        [],
      );
    }
  } finally {
    for (const { writer, changeNotifier } of writers) {
      await writer.stop();
      await changeNotifier.stop();
    }
  }
  const numbers = await queryRows<{ gaps: number }>(
    db,
    `select count(*)::integer as gaps from (
      select number - lag(number) over (order by number) as step from sambatan.log_checkpoints) s
    where step <> 1`,
  );
  assert.deepEqual(numbers, [{ gaps: 0 }], 'checkpoints are numbered without gaps');
});

/** A statement that runs without triggers, which only the owner of the database can do. */
const pastTheTriggers = (statement: string) =>
  `do $do$ begin set local session_replication_role = replica; ${statement}; end $do$`;

test('a campaign whose log was damaged does not stop the others', async () => {
  const damaged = await testDatabase({ invariants: false });
  after(() => damaged.close());
  const goods = await createBrandAndProduct(damaged.db);
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push(await createTestCampaign(damaged.db, goods));
  const [gap, shortened, good] = ids as [string, string, string];
  const { writer, log, metrics } = createLogWriter(damaged.db);
  await writer.drain();
  for (const id of ids) await joinSuccessfully(damaged.db, joinRequest(id), joinRequest(id));
  await queryRows(
    damaged.db,
    pastTheTriggers(`delete from sambatan.audit_logs where campaign_id = '${gap}' and seq = 3`),
  );
  await queryRows(
    damaged.db,
    pastTheTriggers(
      `update sambatan.campaign_states set audit_seq = 0 where campaign_id = '${shortened}'`,
    ),
  );
  await writer.drain();
  assert.equal((await findCheckpoint(damaged.db, good))?.size, 3);
  assert.equal((await findCheckpoint(damaged.db, gap))?.size, 1);
  assert.equal((await findCheckpoint(damaged.db, shortened))?.size, 1);
  const reasons = log.lines
    .filter(({ level }) => level === 'error')
    .map(({ fields }) => fields as { campaign: string; reason: string });
  assert.deepEqual(
    new Map(reasons.map(({ campaign, reason }) => [campaign, reason])),
    new Map([
      [gap, '1 of 2 records after 1 are there'],
      [shortened, 'the log has 0 records, but 1 were signed'],
    ]),
  );
  assert.match(await metrics.registry.metrics(), /sambatan_log_checkpoints_total 4/);
  assert.deepEqual(
    await queryRows(damaged.db, 'select broken_campaigns as n from sambatan.log_writer'),
    [{ n: 2 }],
  );
});

/** Copies the rows of one campaign for many other campaigns. */
const copyCampaign = (table: string) => `
  execute (select format(
    'insert into sambatan.${table} (campaign_id, %1$s)
    select i.id, %2$s from sambatan.${table} t, ids i where t.campaign_id = %3$L',
    string_agg(quote_ident(attname), ', '), string_agg('t.' || quote_ident(attname), ', '),
    original)
  from pg_attribute where attrelid = 'sambatan.${table}'::regclass and attnum > 0
    and not attisdropped and attgenerated = '' and attname <> 'campaign_id')`;

test('ten thousand changed campaigns all get their checkpoints', async () => {
  const many = await testDatabase({ invariants: false });
  after(() => many.close());
  const id = await createTestCampaign(many.db, await createBrandAndProduct(many.db));
  await queryRows(
    many.db,
    `do $do$ declare original uuid := '${id}'; begin
      set local session_replication_role = replica;
      create temporary table ids on commit drop as
        select gen_random_uuid() as id from generate_series(1, 9999);
      ${['campaign_details', 'campaign_states', 'audit_logs'].map(copyCampaign).join(';')};
    end $do$`,
  );
  const { writer, metrics } = createLogWriter(many.db);
  await writer.drain();
  assert.match(await metrics.registry.metrics(), /sambatan_log_checkpoints_total 10000/);
  assert.deepEqual(
    await queryRows(
      many.db,
      `select count(*)::integer as trees, count(*) filter (where size = 1)::integer as whole
      from sambatan.log_trees`,
    ),
    [{ trees: 10_000, whole: 10_000 }],
  );
});
