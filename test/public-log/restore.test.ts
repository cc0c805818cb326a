import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { backUp } from '../../src/backup/backup.ts';
import { openDatabase, type Database } from '../../src/database/pool.ts';
import { openCheckpoint, formatCheckpoint } from '../../src/public-log/checkpoint.ts';
import { findKeys } from '../../src/public-log/keys.ts';
import { findCheckpoint, findCheckpointOfSize } from '../../src/public-log/stored-log.ts';
import { findQuarantine, releaseQuarantine } from '../../src/quarantine/operations.ts';
import { createLogWriter } from '../support/builders/public-log.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinRequest,
  joinSuccessfully,
  queryRows,
} from '../support/builders/market.ts';
import { testDatabase } from '../support/database/database.ts';
import { runCommand } from '../support/server/command.ts';
import { recordingLog } from '../support/server/log.ts';
import { directory } from '../support/server/service.ts';

const serviceKey = 'service-key-of-at-least-32-characters';

async function newestOf(db: Database, campaignId: string) {
  const checkpoint = (await findCheckpoint(db, campaignId))!;
  openCheckpoint(formatCheckpoint(checkpoint), await findKeys(db));
  return checkpoint;
}

test('every checkpoint after a restore says how old the backup was', async () => {
  const original = await testDatabase();
  after(() => original.close());
  const { db, url } = original;
  const market = await createBrandAndProduct(db);
  const id = await createTestCampaign(db, market);
  const quiet = await createTestCampaign(db, market);
  await joinSuccessfully(db, joinRequest(id));
  await createLogWriter(db).writer.drain();
  const file = join(directory(), 'backup');
  await backUp({ url, db, file });
  const [backup] = await queryRows<{ at: Date }>(
    db,
    'select started_at as at from sambatan.backups',
  );
  // The backup lacks these two orders, whose checkpoint was signed.
  await joinSuccessfully(db, joinRequest(id), joinRequest(id));
  await createLogWriter(db).writer.drain();
  assert.equal((await newestOf(db, id)).size, 4);

  const other = await testDatabase({ empty: true });
  after(() => other.close());
  const restored = await runCommand(['restore', '--from', file], {
    DATABASE_URL: other.url,
    SAMBATAN_SERVICE_KEY: serviceKey,
  });
  assert.equal(restored.code, 0, restored.err);
  const copy = openDatabase({ url: other.url, log: recordingLog() });
  try {
    await createLogWriter(copy).writer.drain();
    const lines = [`restored ${backup!.at.toISOString().slice(0, 19)}Z`];
    for (const [campaignId, size] of [
      [id, 2],
      [quiet, 1],
    ] as const) {
      const newest = await newestOf(copy, campaignId);
      assert.deepEqual([newest.size, newest.lines], [size, lines]);
    }
    assert.equal(await findCheckpointOfSize(copy, id, 4), undefined);
    await joinSuccessfully(copy, joinRequest(id));
    const later = await createTestCampaign(copy, market);
    await createLogWriter(copy).writer.drain();
    const next = await newestOf(copy, id);
    assert.deepEqual([next.size, next.lines], [3, lines]);
    // A campaign that began after the restore lacks nothing.
    assert.deepEqual((await newestOf(copy, later)).lines, []);
    const verified = await runCommand(['audit', 'verify'], {
      DATABASE_URL: other.url,
      SAMBATAN_SERVICE_KEY: serviceKey,
    });
    assert.equal(verified.code, 0, verified.out);
  } finally {
    await copy.close();
  }
});

for (const [how, notice] of [
  ['a worker', (db: Database) => createLogWriter(db).writer.drain()],
  ['the release of its quarantine', (db: Database) => releaseQuarantine(db)],
] as const) {
  test(`a restore with other programs is noticed by ${how}`, async () => {
    const { db, close } = await testDatabase();
    after(close);
    const id = await createTestCampaign(db, await createBrandAndProduct(db));
    await createLogWriter(db).writer.drain();
    assert.deepEqual((await newestOf(db, id)).lines, []);
    // Every tool that restores a backup leaves this table empty.
    await queryRows(db, 'delete from sambatan.installation');
    await notice(db);
    if (how === 'a worker') assert.equal((await findQuarantine(db))?.reason, 'restored by hand');
    await createLogWriter(db).writer.drain();
    await createLogWriter(db).writer.drain();
    const { lines } = await newestOf(db, id);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^restored \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
}
