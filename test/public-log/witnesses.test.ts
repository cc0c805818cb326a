import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { Database } from '../../src/database/pool.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { openCheckpoint } from '../../src/public-log/checkpoint.ts';
import { findKeys } from '../../src/public-log/keys.ts';
import { WitnessSender } from '../../src/public-log/witnesses.ts';
import { createLogWriter } from '../support/builders/public-log.ts';
import {
  createBrandAndProduct,
  createTestCampaign,
  joinRequest,
  joinSuccessfully,
  queryRows,
} from '../support/builders/market.ts';
import { testDatabase } from '../support/database/database.ts';
import { noMetricSources } from '../support/fakes/metric-sources.ts';
import { startReceiver } from '../support/fakes/receiver.ts';
import { recordingLog } from '../support/server/log.ts';
import { directory } from '../support/server/service.ts';

async function openLog(t: TestContext) {
  const { db, close } = await testDatabase();
  after(close);
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const campaignId = await createTestCampaign(db, await createBrandAndProduct(db), {
    totalSlots: 500,
  });
  const sign = async () => {
    await joinSuccessfully(db, joinRequest(campaignId));
    await createLogWriter(db).writer.drain();
  };
  return { db, receiver, sign };
}

function createSender(
  db: Database,
  {
    urls = [],
    file,
    allowLoopback = true,
  }: { urls?: string[]; file?: string; allowLoopback?: boolean },
) {
  const log = recordingLog();
  const metrics = createMetrics(noMetricSources);
  const rules = { allowLoopback };
  const where = { witnessUrls: urls, witnessFile: file };
  return { sender: new WitnessSender({ db, log, metrics, rules, ...where }), log, metrics };
}

/** The sizes of the checkpoints in the body of a request; their signatures are verified. */
async function sizesIn(db: Database, body: string): Promise<number[]> {
  const keys = await findKeys(db);
  const notes = body.match(/(?:.+\n)+\n(?:— .+\n)+\n/g) ?? [];
  assert.equal(notes.join(''), body);
  return notes.map((note) => openCheckpoint(note.slice(0, -1), keys).size);
}

const retryNow = (db: Database) =>
  queryRows(db, 'update sambatan.log_witnesses set next_attempt_at = clock_timestamp()');

test('a witness gets every checkpoint in order, and none twice', async (t) => {
  const { db, receiver, sign } = await openLog(t);
  const { sender } = createSender(db, { urls: [receiver.url] });
  await sender.sendNew();
  assert.equal(receiver.received.length, 0);
  await sign();
  await sign();
  await sender.sendNew();
  await sender.sendNew();
  // Another process continues where this one has stopped.
  await sign();
  await createSender(db, { urls: [receiver.url] }).sender.sendNew();
  const bodies = receiver.received.map(({ body }) => body);
  assert.deepEqual(await Promise.all(bodies.map((body) => sizesIn(db, body))), [[2, 3], [4]]);
  assert.equal(receiver.received[0]!.headers['content-type'], 'text/plain; charset=utf-8');
});

test('a witness that fails gets the same checkpoints again, later', async (t) => {
  const { db, receiver, sign } = await openLog(t);
  const { sender, log, metrics } = createSender(db, { urls: [receiver.url] });
  await sender.sendNew();
  await sign();
  receiver.answer(500);
  await sender.sendNew();
  await sender.sendNew();
  assert.equal(receiver.received.length, 1, 'not before the next attempt is due');
  assert.ok(log.lines.some(({ level }) => level === 'warn'));
  assert.match(
    await metrics.registry.metrics(),
    /sambatan_log_witness_failures_total\{witness="127.0.0.1:\d+"\} 1/,
  );
  receiver.answer(204);
  await retryNow(db);
  await sender.sendNew();
  const [first, second] = receiver.received;
  assert.equal(first!.body, second!.body);
  await sender.sendNew();
  assert.equal(receiver.received.length, 2);
});

test('one witness that fails does not delay another, and a file keeps each checkpoint', async (t) => {
  const { db, receiver, sign } = await openLog(t);
  const file = join(directory(), 'witness');
  receiver.answer(500);
  const { sender } = createSender(db, { urls: [receiver.url], file });
  await sender.sendNew();
  await sign();
  await sender.sendNew();
  await sign();
  await sender.sendNew();
  const sizes = await sizesIn(db, readFileSync(file, 'utf8'));
  assert.deepEqual(sizes, [2, 3]);
});

test('no checkpoint is sent to a private address, or while the database is quarantined', async (t) => {
  const { db, receiver, sign } = await openLog(t);
  const strict = createSender(db, { urls: [receiver.url], allowLoopback: false });
  await strict.sender.sendNew();
  await sign();
  await strict.sender.sendNew();
  assert.match(JSON.stringify(strict.log.lines), /is not a public address/);
  await retryNow(db);
  await queryRows(
    db,
    "update sambatan.installation set quarantined_since = now(), quarantine_reason = 'restored'",
  );
  await createSender(db, { urls: [receiver.url] }).sender.sendNew();
  assert.equal(receiver.received.length, 0);
  await queryRows(
    db,
    'update sambatan.installation set quarantined_since = null, quarantine_reason = null',
  );
  await createSender(db, { urls: [receiver.url] }).sender.sendNew();
  assert.equal(receiver.received.length, 1);
});
