import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startEmbedded } from '../../src/database/embedded/start.ts';
import { findViolations } from '../../src/database/invariants.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { Client } from '../support/clients/client.ts';
import { recordingLog } from '../support/server/log.ts';
import {
  queryRows,
  createTestCampaign,
  createBrandAndProduct,
} from '../support/builders/market.ts';
import { addressOf, startNetworkProxy, proxiedUrl } from '../support/fakes/network-proxy.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';
import { smallDisks } from '../support/database/small-disks.ts';
import { faults as plainFaults, type Scene } from './faults.ts';
import { diskFaults, createOnSmallDisks, serverLogOf, settingsForSmallDisks } from './full-disk.ts';
import { examine, type Findings, type Found } from './history.ts';
import { Load } from './load.ts';

const serviceKey = 'service-key-of-at-least-32-characters';

/** All faults, by their names. */
export const faults = { ...plainFaults, ...diskFaults };

export interface ChaosOptions {
  /** The number of buyers who join at the same time. */
  readonly lanes: number;
  /** Returns true when the run has lasted long enough. */
  readonly isEnough: (so: { readonly acknowledged: number; readonly faults: number }) => boolean;
  /** The number of joins that must be acknowledged between two faults. */
  readonly calm: number;
  readonly seed: number;
  readonly longMs: number;
  readonly say: (line: string) => void;
  /**
   * The names of the faults to inject; default: all. Faults that fill a disk are included only if
   * this process has small disks.
   */
  readonly only?: readonly string[];
}

export interface ChaosReport {
  readonly acknowledged: number;
  readonly refused: number;
  /**
   * The number of joins that were sent again with the same key because their outcome was unknown.
   */
  readonly settled: number;
  readonly faults: Readonly<Record<string, number>>;
  /** The longest time, in milliseconds, from the end of a fault to the next acknowledged join. */
  readonly longestSilenceMs: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly findings: Findings;
  readonly violations: readonly string[];
}

type Ends = Pick<TestContext, 'after'>;

/**
 * Runs a service with a new database. Buyers join at the same time while faults are injected one
 * after the other. Afterwards the answers that the buyers received are compared with the stored
 * rows.
 */
export async function chaos(t: Ends, options: ChaosOptions): Promise<ChaosReport> {
  const { lanes, isEnough, calm, say, only = possible() } = options;
  const scene = await openScene(t, options.longMs);
  const { load } = scene;
  const happened: Record<string, number> = {};
  let longestSilenceMs = 0;
  let count = 0;
  load.start(lanes);
  try {
    await waitForJoins(load, calm);
    for (const name of endlessly(only, options.seed)) {
      await faults[name]!(scene);
      const healedAt = performance.now();
      happened[name] = (happened[name] ?? 0) + 1;
      count++;
      await waitUntil(() => load.lastOkAt > healedAt, { withinMs: 90_000 });
      const silence = Math.round(load.lastOkAt - healedAt);
      longestSilenceMs = Math.max(longestSilenceMs, silence);
      say(`${name}: ${silence} ms until the next join; ${load.acknowledged} acknowledged`);
      await waitForJoins(load, calm);
      if (isEnough({ acknowledged: load.acknowledged, faults: count })) break;
    }
  } finally {
    await load.stop();
  }
  const settled = await load.settle(lanes);
  const stored = await participationsIn(scene);
  const { history } = load;
  return {
    acknowledged: history.filter(({ outcome }) => outcome === 'ok').length,
    refused: history.filter(({ outcome }) => outcome === 'fail').length,
    settled,
    faults: happened,
    longestSilenceMs,
    answers: Object.fromEntries(load.answers),
    findings: examine(history, stored),
    violations: (await findViolations(scene.server.url)).map(({ name }) => name),
  };
}

const possible = () => Object.keys(smallDisks() === undefined ? plainFaults : faults);

/**
 * Fails if a row was lost, duplicated or invented, and also if too few joins or faults happened to
 * prove anything.
 */
export function expectConsistent(
  report: ChaosReport,
  least: { acknowledged: number; faults: number },
) {
  const { findings, acknowledged, violations, answers } = report;
  const count = Object.values(report.faults).reduce((sum, times) => sum + times, 0);
  assert.ok(count >= Math.max(1, least.faults), `${count} faults`);
  assert.ok(acknowledged >= Math.max(100, least.acknowledged), `${acknowledged} acknowledged`);
  for (const [what, some] of Object.entries(findings)) {
    assert.deepEqual(some.slice(0, 5), [], `${some.length} ${what}`);
  }
  assert.deepEqual(violations, []);
  const surprises = Object.keys(answers).filter((answer) =>
    /^(500|4(?!09))|without Retry-After/.test(answer),
  );
  assert.deepEqual(surprises, []);
}

/** Writes a report as a few lines of text. */
export function formatReport(report: ChaosReport): string[] {
  const { findings, faults: happened, answers } = report;
  const counts = (some: Readonly<Record<string, number>>) =>
    Object.entries(some).map(([what, times]) => `${what} ${times}`);
  return [
    `${report.acknowledged} acknowledged, ${report.refused} refused, ` +
      `${report.settled} unknown and settled by the same key`,
    `faults: ${counts(happened).join(', ')}`,
    `answers: ${counts(answers).join(', ')}`,
    `longest time from a fault's end to the next join: ${report.longestSilenceMs} ms`,
    Object.entries(findings)
      .map(([what, { length }]) => `${length} ${what}`)
      .join(', '),
  ];
}

async function openScene(t: Ends, longMs: number): Promise<Scene> {
  const place = mkdtempSync(join(tmpdir(), 'sambatan-chaos-'));
  t.after(() => rmSync(place, { recursive: true, force: true }));
  const disks = smallDisks();
  const dataDir = join(place, 'database');
  const log = recordingLog();
  if (disks !== undefined) await createOnSmallDisks(dataDir, disks);
  const server = await startEmbedded({ dataDir, log, ...(disks && settingsForSmallDisks) });
  t.after(() => server.stop());
  const back = await startNetworkProxy(addressOf(server.url));
  t.after(() => back.close());
  const serve = () =>
    startServiceProcess(t, {
      command: serveCommand,
      cwd: '/',
      dataDir: join(place, 'service'),
      variables: {
        DATABASE_URL: proxiedUrl(back, server.url),
        SAMBATAN_SERVICE_KEY: serviceKey,
        LOG_LEVEL: 'error',
      },
    });
  let service = await serve();
  const front = await startNetworkProxy(portOf(service.url));
  t.after(() => front.close());
  const db = openDatabase({ url: server.url, log: recordingLog(), maxConnections: 2 });
  t.after(() => db.close());
  const market = await createBrandAndProduct(db);
  const campaigns: string[] = [];
  for (let n = 0; n < 8; n++) {
    // The last campaign is small and soon full, so it refuses joins. Refused joins must not be
    // stored.
    const totalSlots = n === 7 ? 50 : 1_000_000;
    campaigns.push(await createTestCampaign(db, market, { totalSlots, minimumSlots: 1 }));
  }
  const killService = async () => {
    service.process.kill('SIGKILL');
    await service.ended;
    service = await serve();
    front.target = portOf(service.url);
  };
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  t.after(() => agent.destroy());
  const url = `http://127.0.0.1:${front.port}`;
  const load = new Load(new Client({ url, agent, secrets: new Set() }, serviceKey), campaigns);
  const serverLog = () => serverLogOf(dataDir);
  return { back, front, server, db, campaigns, load, disks, serverLog, killService, longMs };
}

const portOf = (url: string) => ({ host: '127.0.0.1', port: Number(new URL(url).port) });

/** Waits until this many more joins are acknowledged. */
async function waitForJoins(load: Load, joins: number): Promise<void> {
  const enough = load.acknowledged + joins;
  await waitUntil(() => load.acknowledged >= enough, { withinMs: 90_000 });
}

/** Every name once in a random order, then every name again in another order, without end. */
function* endlessly(names: readonly string[], seed: number): Generator<string> {
  let state = seed >>> 0 || 1;
  const chance = () => {
    // The linear congruential generator of Numerical Recipes. It is good enough to shuffle names,
    // but not to generate secrets.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (;;) {
    yield* names
      .map((name) => ({ name, place: chance() }))
      .sort((a, b) => a.place - b.place)
      .map(({ name }) => name);
  }
}

async function participationsIn({ db }: Scene): Promise<Found[]> {
  return await queryRows<Found>(
    db,
    `select user_id as "userId", campaign_id as "campaignId",
      participation_id as "participationId" from sambatan.participants`,
  );
}
