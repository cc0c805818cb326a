import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventConsumer, type LoadSignal } from '../../src/audit/event-consumer.ts';
import { ChangeNotifier } from '../../src/audit/change-notifier.ts';
import { testDatabase } from '../support/database/database.ts';
import { recordingLog } from '../support/server/log.ts';
import { createTestCampaign, createBrandAndProduct } from '../support/builders/market.ts';
import { waitUntil } from '../support/server/until.ts';

const { db, close } = await testDatabase();
after(close);
const log = recordingLog();
const market = await createBrandAndProduct(db);

/** A consumer of the events of all campaigns except some. Records the campaigns it has handled. */
function startFeed(
  t: TestContext,
  crowd: LoadSignal,
  unspeakable: readonly string[] = [],
): Set<string> {
  const told = new Set<string>();
  const feeding = async (_tx: unknown, campaignId: string): Promise<void> => {
    if (unspeakable.includes(campaignId)) throw new Error('no words for it');
    told.add(campaignId);
  };
  const feed = new EventConsumer({
    db,
    changeNotifier: new ChangeNotifier(db, log),
    log,
    handle: feeding,
    load: crowd,
  });
  t.after(() => feed.stop());
  feed.start();
  return told;
}

test('events of a load peak are handled after the peak', async (t) => {
  const id = await createTestCampaign(db, market);
  let isThere = true;
  const told = startFeed(t, { isOverloaded: () => isThere, maxDelayMs: 600_000 });
  await sleep(700);
  assert.equal(told.size, 0);
  isThere = false;
  await waitUntil(() => told.has(id));
});

test('back-pressure has a maximum delay during a lasting load', async (t) => {
  const id = await createTestCampaign(db, market);
  const told = startFeed(t, { isOverloaded: () => true, maxDelayMs: 300 });
  await waitUntil(() => told.has(id));
});

test('a campaign whose events cannot be handled does not delay other campaigns', async (t) => {
  const unspeakable = [];
  for (let i = 0; i < 4; i++) unspeakable.push(await createTestCampaign(db, market));
  const good = await createTestCampaign(db, market);
  const told = startFeed(t, { isOverloaded: () => false, maxDelayMs: 0 }, unspeakable);
  await waitUntil(() => told.has(good), { withinMs: 10_000 });
  await waitUntil(() => log.lines.some(({ level }) => level === 'warn'));
});

test('failed events are retried soon, before the next poll', async (t) => {
  const unspeakable = [await createTestCampaign(db, market)];
  const [id] = unspeakable;
  const warned = log.lines.length;
  const told = startFeed(t, { isOverloaded: () => false, maxDelayMs: 0 }, unspeakable);
  await waitUntil(() => log.lines.slice(warned).some(({ level }) => level === 'warn'));
  unspeakable.pop();
  // The regular poll comes only every thirty seconds, so the event must be retried before it.
  await waitUntil(() => told.has(id!), { withinMs: 15_000 });
});
