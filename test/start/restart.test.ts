import assert from 'node:assert/strict';
import { join as pathOf } from 'node:path';
import { test } from 'node:test';
import { runningEmbedded } from '../../src/database/embedded/start.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Body, Client } from '../support/clients/client.ts';
import { assertNoSecretLogged } from '../support/server/http-service.ts';
import { recordingLog } from '../support/server/log.ts';
import { lockCampaign } from '../support/builders/market.ts';
import { directory } from '../support/server/service.ts';
import { campaignBody, expectStatus, join, joinBody } from '../support/builders/shop.ts';
import {
  isAlive,
  serveCommand,
  startServiceProcess,
  type StartedService,
} from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';

/** A campaign with a hundred slots, created through the service. */
async function openCampaign(service: Client): Promise<Body> {
  const brand = expectStatus(
    await service.post('/brands', { name: 'Melati Wangi', owner_id: newId() }),
    201,
  );
  const body = { brand_id: brand.id, name: 'Senja', base_price: 1_000, sambatan_enabled: true };
  const product = expectStatus(await service.post('/products', body), 201);
  const wish = campaignBody(product.id, { total_slots: 100 });
  return expectStatus(await service.post('/campaigns', wish), 201);
}

function keyIn(said: string): string {
  const key = /service key +(\S+)/.exec(said)?.[1];
  assert.ok(key, said);
  return key;
}

async function endsClean(started: StartedService, signal: NodeJS.Signals): Promise<void> {
  const family = started.family();
  assert.ok(family.length >= 3, 'there is a database below it');
  started.process.kill(signal);
  assert.equal(await started.ended, 0, started.said());
  await waitUntil(() => family.every(({ pid }) => !isAlive(pid)));
}

test('a restart keeps all data, and the second start does not show the key again', async (t) => {
  const dataDir = pathOf(directory(), 'data');
  const wish = { command: serveCommand, cwd: '/', dataDir };
  const first = await startServiceProcess(t, wish);
  const key = keyIn(first.said());
  const service = first.client(key);
  const { id } = await openCampaign(service);
  const buyers = Array.from({ length: 3 }, () => newId());
  const secrets = new Set<string>([key]);
  for (const user_id of buyers) {
    const wanted = { user_id, note: 'Titip di satpam ya' };
    const made = await join(service, id, wanted);
    secrets.add(String(made['shipping_address'])).add(wanted.note);
  }
  expectStatus(await service.post('/lifecycle/run'), 200);
  const paths = [
    `/campaigns/${id}`,
    '/campaigns',
    '/products',
    `/campaigns/${id}/participants`,
    `/campaigns/${id}/logs`,
    `/campaigns/${id}/progress`,
    '/dashboard/summary',
  ];
  const answersOf = async (by: Client) =>
    Promise.all(paths.map(async (path) => (await by.get(path)).text));
  const before = await answersOf(service);
  await endsClean(first, 'SIGTERM');

  const second = await startServiceProcess(t, wish);
  t.diagnostic(`first start ${first.readyAfterMs} ms, second start ${second.readyAfterMs} ms`);
  assert.doesNotMatch(second.said(), /service key/);
  assert.deepEqual(await answersOf(second.client(key)), before);
  await endsClean(second, 'SIGINT');
  const shownOnce = first.said().replace(key, '');
  assertNoSecretLogged([shownOnce, second.said()], secrets);
});

test('joins in flight at shutdown are answered and stored', async (t) => {
  const dataDir = pathOf(directory(), 'data');
  const wish = { command: serveCommand, cwd: '/', dataDir };
  const started = await startServiceProcess(t, wish);
  const key = keyIn(started.said());
  const service = started.client(key);
  const { id } = await openCampaign(service);

  const db = openDatabase({ url: runningEmbedded(dataDir)!, log: recordingLog() });
  const held = await lockCampaign(db, id);
  const answers = Array.from({ length: 40 }, () =>
    service.post(`/campaigns/${id}/join`, joinBody({ user_id: newId() })),
  );
  await waitUntil(async () => /join_queue_depth 40/.test((await service.get('//metrics')).text));
  started.process.kill('SIGTERM');
  await waitUntil(async () =>
    service.get('//livez').then(
      () => false,
      () => true,
    ),
  );
  await held.commit();
  const joined = (await Promise.all(answers)).map((answer) => expectStatus(answer, 201).id);
  await db.close();
  assert.equal(await started.ended, 0);

  const again = await startServiceProcess(t, wish);
  const { items } = expectStatus(
    await again.client(key).get(`/campaigns/${id}/participants?limit=100`),
    200,
  );
  assert.deepEqual(items.map((one) => one.id).toSorted(), joined.toSorted());
  await endsClean(again, 'SIGTERM');
});
