import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { ChangeNotifier } from '../../src/audit/change-notifier.ts';
import { leafHash, rootOf } from '../../src/public-log/merkle.ts';
import { findCheckpoint } from '../../src/public-log/stored-log.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinRequest,
  joinSuccessfully,
  queryRows,
} from '../support/builders/market.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import { waitUntil } from '../support/server/until.ts';

const program = join(import.meta.dirname, '../support/server/log-writer-process.ts');

function startWriter(t: TestContext, url: string) {
  const child = spawn(process.execPath, [program, url], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  return { kill };
}

test('when a writer is killed, another process continues the same trees', async (t) => {
  const { db, url, close } = await testDatabase();
  after(close);
  const market = await createBrandAndProduct(db);
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await createTestCampaign(db, market, { totalSlots: 9_000 }));
  const changes = new ChangeNotifier(db, recordingLog());
  const over = new AbortController();
  let joined = 0;
  const crowd = (async () => {
    while (!over.signal.aborted) {
      for (const id of ids) {
        await joinSuccessfully(db, ...Array.from({ length: 20 }, () => joinRequest(id)));
        changes.notifyChanged(id);
      }
      joined += 20;
    }
  })();
  const signed = async () => (await findCheckpoint(db, ids[0]!))?.size ?? 0;
  let writer = startWriter(t, url);
  for (let kills = 0; kills < 4; kills++) {
    const before = await signed();
    await waitUntil(async () => (await signed()) > before, { withinMs: 30_000 });
    await writer.kill();
    writer = startWriter(t, url);
  }
  over.abort();
  await crowd;
  await changes.stop();
  for (const id of ids) {
    const all = joined + 1;
    await waitUntil(async () => (await findCheckpoint(db, id))?.size === all, {
      withinMs: 30_000,
    });
    const records = await queryRows<{ record: Buffer }>(
      db,
      `select sambatan.public_record(seq, occurred_at, event, slots, slots_taken, total_slots,
        price_per_slot, commitment) as record
      from sambatan.audit_logs where campaign_id = $1 order by seq`,
      id,
    );
    const { root } = (await findCheckpoint(db, id))!;
    assert.deepEqual(root, rootOf(records.map(({ record }) => leafHash(record))));
  }
  await writer.kill();
});
