import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Writable } from 'node:stream';
import { readConfig } from '../../src/config/config.ts';
import { createApp } from '../../src/app/app.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { createLog } from '../../src/server/logging.ts';
import { newId } from '../../src/identity/ids.ts';
import type { JoinRequest } from '../../src/participations/join.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
  outcomes,
  campaignState,
  tally,
  joinRequest,
} from '../support/builders/market.ts';

const { db, url, close } = await testDatabase();
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });

function app(environment: Record<string, string>) {
  return createApp({
    config: readConfig(environment),
    log: createLog('silent', nowhere).log,
    databaseUrl: url,
    serviceKey: 'service-key-of-at-least-32-characters',
  });
}

const apps = [app({}), app({})];
const unlimited = app({ SAMBATAN_JOIN_RATE_LIMIT: '0' });
after(async () => {
  await Promise.all([...apps, unlimited].map((one) => one.close()));
  await close();
});
const market = await createBrandAndProduct(db);
const join = (request: JoinRequest, at = 0) => apps[at]!.joins.join(request);

async function attemptsOf(caller: string): Promise<number | undefined> {
  const rows = await queryRows<{ attempts: number }>(
    db,
    'select attempts from sambatan.join_attempts where caller = $1',
    caller,
  );
  return rows[0]?.attempts;
}

test('the eleventh attempt within a minute is refused with a Retry-After time', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const userId = newId();
  for (let attempt = 1; attempt <= 10; attempt++) await join(joinRequest(id, { userId }));
  const refused = await join(joinRequest(id, { userId })).catch((error: unknown) => error);
  assert.ok(refused instanceof DomainError);
  assert.equal(refused.code, 'rate_limited');
  const { retry_after_seconds: seconds } = refused.params as { retry_after_seconds: number };
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `${seconds} seconds`);
  assert.deepEqual(
    await outcomes([join(joinRequest(id))]),
    ['joined'],
    'another buyer is another caller',
  );
  assert.equal((await campaignState(db, id)).participant_count, 11);
});

test('replicas share the limit through the database, also for concurrent joins', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const userId = newId();
  const codes = await outcomes(
    Array.from({ length: 40 }, (_, index) => join(joinRequest(id, { userId }), index % 2)),
  );
  assert.deepEqual(tally(codes), { joined: 10, rate_limited: 30 });
  assert.equal(await attemptsOf(userId), 40);
});

test('attempts at several campaigns, refused ones and replays are counted as well', async () => {
  const [one, two] = [
    await createTestCampaign(db, market, { totalSlots: 4 }),
    await createTestCampaign(db, market),
  ];
  const userId = newId();
  const codes = await outcomes([
    join(joinRequest(one, { userId, key: 'a' })),
    ...[1, 2, 3].map(() => join(joinRequest(one, { userId, key: 'a' }))),
    ...[1, 2, 3].map(() => join(joinRequest(two, { userId }))),
  ]);
  assert.deepEqual(tally(codes), { joined: 7 });
  const more = await outcomes(
    [1, 2, 3, 4].map(() => join(joinRequest(one, { userId, quantity: 5 }))),
  );
  assert.deepEqual(tally(more), { slots_unavailable: 3, rate_limited: 1 });
});

test('a minute after the first attempt the count restarts', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const userId = newId();
  const eleven = () =>
    outcomes(Array.from({ length: 11 }, () => join(joinRequest(id, { userId }))));
  assert.deepEqual(tally(await eleven()), { joined: 10, rate_limited: 1 });
  const shift = (seconds: number) =>
    queryRows(
      db,
      `update sambatan.join_attempts
      set window_started_at = window_started_at - $2 * interval '1 second' where caller = $1`,
      userId,
      seconds,
    );
  await shift(30);
  assert.deepEqual(await outcomes([join(joinRequest(id, { userId }))]), ['rate_limited']);
  await shift(31);
  assert.deepEqual(tally(await eleven()), { joined: 10, rate_limited: 1 });
});

test('a limit of 0 disables limiting and counting', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const userId = newId();
  const codes = await outcomes(
    Array.from({ length: 50 }, () => unlimited.joins.join(joinRequest(id, { userId }))),
  );
  assert.deepEqual(tally(codes), { joined: 50 });
  assert.equal(await attemptsOf(userId), undefined);
});

test('a limited buyer does not affect others in the batch', async () => {
  const id = await createTestCampaign(db, market, { totalSlots: 100 });
  const greedy = newId();
  const requests = [
    ...Array.from({ length: 15 }, () => joinRequest(id, { userId: greedy })),
    ...Array.from({ length: 15 }, () => joinRequest(id)),
  ];
  const codes = await outcomes(requests.map((request) => join(request)));
  assert.deepEqual(tally(codes), { joined: 25, rate_limited: 5 });
});
