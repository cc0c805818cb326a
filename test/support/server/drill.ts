import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startEmbedded } from '../../../src/database/embedded/start.ts';
import { openDatabase } from '../../../src/database/pool.ts';
import { newId } from '../../../src/identity/ids.ts';
import type { Client } from '../clients/client.ts';
import { runCommand, type CommandResult } from './command.ts';
import { recordingLog } from './log.ts';
import {
  queryRows,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  pastDeadline,
} from '../builders/market.ts';
import { expectStatus, joinBody } from '../builders/shop.ts';
import { serveCommand, startServiceProcess } from './started.ts';
import { waitUntil } from './until.ts';

const serviceKey = 'service-key-of-at-least-32-characters';

export interface DrillOptions {
  /** The number of joins that must be acknowledged before the backup begins, and again after it. */
  readonly joins: number;
  readonly say: (line: string) => void;
}

/** The acknowledged joins, each with its participation and the time of the answer. */
type Joined = { readonly participationId: string; readonly at: number }[];

/**
 * A complete disaster recovery. A service under load is backed up. Its database is restored into a
 * new cluster and checked. A service runs on it, first in quarantine and then released. Throws at
 * the first deviation.
 */
export async function drill(
  t: Pick<TestContext, 'after'>,
  { joins, say }: DrillOptions,
): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'sambatan-drill-'));
  t.after(() => rmSync(place, { recursive: true, force: true }));
  const file = join(place, 'backup');
  const old = await startEmbedded({ dataDir: join(place, 'old'), log: recordingLog() });
  t.after(() => old.stop());
  const service = await serveOn(t, old.url);
  const db = openDatabase({ url: old.url, log: recordingLog(), maxConnections: 2 });
  t.after(() => db.close());
  const market = await createBrandAndProduct(db);
  const open = () => createTestCampaign(db, market, { totalSlots: 100_000, minimumSlots: 1 });
  const campaigns = await Promise.all([open(), open(), open(), open()]);
  const upfront = await createTestCampaign(db, market, { paymentTiming: 'upfront' });
  const toPay = expectStatus(
    await service.post(`/campaigns/${upfront}/join`, joinBody({ user_id: newId() })),
    201,
  ).id;

  const load = joining(service, campaigns);
  await waitUntil(() => load.joined.length >= joins, { withinMs: 120_000 });
  // A deadline passes, and the campaign is ended, while the backup is taken.
  await letTimePass(db, campaigns[0]!, pastDeadline);
  const begunAt = performance.now();
  const before = load.joined.length;
  expectDone(await runCommand(['backup', '--to', file], on(old.url)));
  const seconds = ((performance.now() - begunAt) / 1_000).toFixed(1);
  say(`backup of ${statSync(file).size} bytes in ${seconds} s, under load`);
  await waitUntil(() => load.joined.length >= before + joins, { withinMs: 120_000 });
  await load.stop();
  say(`${load.joined.length} joins were acknowledged, ${before} of them before the backup began`);

  const fresh = await startEmbedded({ dataDir: join(place, 'fresh'), log: recordingLog() });
  t.after(() => fresh.stop());
  const restoredAt = performance.now();
  expectDone(await runCommand(['restore', '--from', file], on(fresh.url)));
  say(
    `restored into a fresh cluster in ${((performance.now() - restoredAt) / 1_000).toFixed(1)} s`,
  );
  await expectSound(fresh.url, say);

  const ids = await participationsIn(fresh.url);
  const all = await participationsIn(old.url);
  const acknowledged = load.joined.filter(({ at }) => at < begunAt);
  const lost = acknowledged.filter(({ participationId }) => !ids.has(participationId));
  assert.equal(lost.length, 0, 'a join that was acknowledged before the backup is in it');
  assert.ok(
    [...ids].every((id) => all.has(id)),
    'nothing is in it that never was',
  );
  say(`${ids.size} participations are in the restored database, ${lost.length} lost`);

  const held = await serveOn(t, fresh.url);
  assert.equal((await held.get('/health')).body['held'], true);
  assert.equal(
    (await held.post(`/participations/${toPay}/confirm`)).body.code,
    'installation_held',
  );
  say('the service starts on it; money is held');
  expectDone(await runCommand(['release-hold', '--yes'], on(fresh.url)));
  assert.equal((await held.get('/health')).body['held'], false);
  expectStatus(await held.post(`/participations/${toPay}/confirm`), 200);
  const again = joinBody({ user_id: newId() });
  expectStatus(await held.post(`/campaigns/${campaigns[1]}/join`, again), 201);
  await expectSound(fresh.url, say);
  say('released: money moves and buyers join');
}

/** The variables of a command. PATH has no directory, so no tool of PostgreSQL can be found. */
const on = (url: string) => ({
  DATABASE_URL: url,
  SAMBATAN_SERVICE_KEY: serviceKey,
  PATH: '/nowhere',
});

async function serveOn(t: Pick<TestContext, 'after'>, url: string): Promise<Client> {
  const variables = { ...on(url), LOG_LEVEL: 'error' };
  const started = await startServiceProcess(t, { command: serveCommand, cwd: '/', variables });
  return started.client(serviceKey);
}

/** Eight concurrent buyers who join the campaigns in turn until they are stopped. */
function joining(service: Client, campaigns: readonly string[]) {
  const joined: Joined = [];
  const over = new AbortController();
  const going = Array.from({ length: 8 }, async (_, buyer) => {
    for (let turn = buyer; !over.signal.aborted; turn++) {
      const campaignId = campaigns[turn % campaigns.length]!;
      const body = joinBody({ user_id: newId() });
      const answer = await service.post(`/campaigns/${campaignId}/join`, body);
      // One of the campaigns reaches its deadline during the backup and then refuses joins.
      if (answer.status !== 201) assert.equal(answer.status, 409, answer.text);
      else joined.push({ participationId: answer.body.id, at: performance.now() });
    }
  });
  // A failure is reported by `stop`, which awaits the same promise.
  const ended = Promise.all(going);
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    over.abort();
    await ended;
  };
  return { joined, stop };
}

function expectDone({ code, out, err }: CommandResult): string {
  assert.equal(code, 0, `${out}${err}`);
  return out;
}

async function expectSound(url: string, say: DrillOptions['say']): Promise<void> {
  say(expectDone(await runCommand(['invariants'], on(url))).trim());
  say(expectDone(await runCommand(['audit', 'verify'], on(url))).trim());
}

async function participationsIn(url: string): Promise<Set<string>> {
  const db = openDatabase({ url, log: recordingLog(), maxConnections: 1 });
  try {
    const rows = await queryRows<{ participation_id: string }>(
      db,
      'select participation_id from sambatan.participants',
    );
    return new Set(rows.map(({ participation_id }) => participation_id));
  } finally {
    await db.close();
  }
}
