import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join as pathOf } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { Body, Client } from '../support/clients/client.ts';
import { directory } from '../support/server/service.ts';
import { campaignBody, readAllPages, expectStatus, joinBody } from '../support/builders/shop.ts';
import {
  copyProject,
  isAlive,
  startServiceProcess,
  type Relative,
  type StartedService,
} from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';

const isNode = ({ command }: Relative) => command.includes('src/main.ts');
const isWatchdog = ({ command }: Relative) => command.startsWith('/bin/sh\0-c\0read');
const isPostmaster = ({ command }: Relative) => /bin\/postgres\0-D/.test(command);

/** The processes that are killed at the same time as npm and the service. */
const kills: Readonly<Record<string, (one: Relative) => boolean>> = {
  'npm and the service': () => false,
  'the watchdog too, so that the database is orphaned': isWatchdog,
  'the database too, so that its lock is stale': (one) => isWatchdog(one) || isPostmaster(one),
};

async function npmStart(t: TestContext, cwd: string): Promise<StartedService> {
  const started = await startServiceProcess(t, { command: ['npm', 'start'], cwd });
  t.diagnostic(`ready after ${started.readyAfterMs} ms`);
  return started;
}

async function openCampaign(service: Client): Promise<Body> {
  const brand = expectStatus(
    await service.post('/brands', { name: 'Melati Wangi', owner_id: newId() }),
    201,
  );
  const body = { brand_id: brand.id, name: 'Senja', base_price: 1_000, sambatan_enabled: true };
  const product = expectStatus(await service.post('/products', body), 201);
  const wish = campaignBody(product.id, { total_slots: 100_000 });
  return expectStatus(await service.post('/campaigns', wish), 201);
}

/** Sends joins without a pause until the service is gone. Returns the acknowledged joins. */
function joining(service: Client, id: string): { acknowledged: string[]; over: Promise<void> } {
  const acknowledged: string[] = [];
  const buyer = async (): Promise<void> => {
    for (;;) {
      const answer = await service.post(`/campaigns/${id}/join`, joinBody({ user_id: newId() }));
      if (answer.status === 201) acknowledged.push(answer.body.id);
    }
  };
  const over = Promise.allSettled(Array.from({ length: 16 }, buyer)).then(() => undefined);
  return { acknowledged, over };
}

async function nobodyLeft(family: readonly Relative[]): Promise<void> {
  const living = () => family.filter(({ pid }) => isAlive(pid));
  await waitUntil(() => living().length === 0).catch(() => {
    assert.deepEqual(living(), [], 'processes were left');
  });
}

test('npm start in a fresh clone becomes ready and recovers from every kind of kill', async (t) => {
  const root = copyProject(directory());
  assert.ok(existsSync(pathOf(root, 'node_modules/.sambatan-setup')), 'run npm test first');
  const everybody: Relative[] = [];
  let started = await npmStart(t, root);
  const key = /service key +(\S+)/.exec(started.said())?.[1] ?? '';
  const { id } = await openCampaign(started.client(key));
  const acknowledged: string[] = [];

  for (const [what, alsoKilled] of Object.entries(kills)) {
    t.diagnostic(`killed: ${what}`);
    const family = started.family();
    everybody.push(...family);
    assert.ok(family.some(isNode) && family.some(isWatchdog) && family.some(isPostmaster));
    const crowd = joining(started.client(key), id);
    await waitUntil(() => crowd.acknowledged.length >= 100);
    const [npm] = family;
    for (const one of family) {
      if (one === npm || isNode(one) || alsoKilled(one)) process.kill(one.pid, 'SIGKILL');
    }
    await Promise.all([crowd.over, started.ended]);
    acknowledged.push(...crowd.acknowledged);

    started = await npmStart(t, root);
    const service = started.client(key);
    const found = await readAllPages(service, `/campaigns/${id}/participants`, 100);
    const there = new Set(found.map((one) => one.id));
    const lost = acknowledged.filter((one) => !there.has(one));
    assert.deepEqual(lost, [], `${lost.length} of ${acknowledged.length} joins were lost`);
    const { body } = await service.get(`/campaigns/${id}`);
    assert.equal(body['slots_taken'], there.size);
  }

  everybody.push(...started.family());
  started.process.kill('SIGTERM');
  await started.ended;
  await nobodyLeft(everybody);

  // Ctrl-C in a terminal sends the signal to all processes of the group.
  const last = await npmStart(t, root);
  const family = last.family();
  process.kill(-last.process.pid!, 'SIGINT');
  await last.ended;
  await nobodyLeft(family);
  assert.ok(acknowledged.length >= 300);
});
