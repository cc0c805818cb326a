import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { percentile, ratioOf, spreadOf, type Outcome } from '../rows.ts';
import { checkInvariants, checkStored, waitForPublicLog } from '../support/checks.ts';
import { closeOneByOne } from '../support/naive-lifecycle.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import {
  activeCampaigns,
  createMarket,
  seed,
  setDeadlines,
  type CampaignBatch,
} from '../support/seed.ts';
import { serviceKey, startServer, type Server } from '../support/server.ts';

/** Polling interval for closed campaigns in milliseconds: a measured lag may be too long by it. */
const pollMs = 10;
/** Connections of the buyers of a hot campaign while other campaigns are closed. */
const connections = 200;

export const deadlines: Measurement = {
  name: 'deadlines',
  title: 'Deadlines: how late campaigns are closed',
  run: async (bench) => {
    const lag = await lagOfDeadlines(bench);
    const together = await dueAtOnce(bench);
    return {
      figures: [...together.figures, ...lag.figures],
      rows: [...together.rows, ...lag.rows],
      failures: [...together.failures, ...lag.failures],
    };
  },
};

/** How late campaigns are closed by an idle service, and by one with a hot campaign. */
async function lagOfDeadlines(bench: Bench): Promise<Outcome> {
  const campaigns = bench.quick ? 40 : 200;
  const seconds = bench.quick ? 2 : 10;
  const batch = {
    campaigns,
    participants: 10,
    successEvery: 2,
    spacingSeconds: seconds / campaigns,
  };
  const databaseUrl = await createMarket(bench.cluster, 'bench_deadlines');
  const server = await startServer({ way: 'ours', databaseUrl });
  const failures: string[] = [];
  const lags = { idle: [] as number[], busy: [] as number[] };
  for (let round = 0; round < bench.rounds; round++) {
    const name = `deadlines: round ${round + 1} of ${bench.rounds}, lag`;
    bench.progress(name);
    const found = await bench.round(name, async () => ({
      idle: await closeInTime(bench, server, await prepare(bench, server, batch), batch),
      busy: await whileJoining(bench, server, batch, seconds, failures),
    }));
    for (const kind of ['idle', 'busy'] as const) {
      lags[kind].push(percentile(found[kind], 0.99));
      if (found[kind].length < campaigns) failures.push(`campaigns stayed open (${kind})`);
    }
  }
  await server.stop();
  failures.push(...(await checkClosed(bench, databaseUrl)));
  const measurement = `deadline lag, ${campaigns} campaigns over ${seconds} s`;
  return {
    figures: [
      { measurement, variant: 'idle', unit: 'ms, p99', value: spreadOf(lags.idle) },
      {
        measurement,
        variant: `while a hot campaign takes joins, ${connections} connections`,
        unit: 'ms, p99',
        value: spreadOf(lags.busy),
      },
    ],
    rows: bench.quick
      ? []
      : [
          {
            what: 'deadline lag p99 while a hot campaign takes joins ÷ idle',
            value: ratioOf(lags.busy, lags.idle),
            goal: { max: 3 },
          },
        ],
    failures,
  };
}

interface Batch extends CampaignBatch {
  /** Seconds from one deadline to the next; default 0. */
  readonly spacingSeconds?: number;
}

/** Seconds until the first deadline, so that the service knows all deadlines before. */
const firstInSeconds = 3;

/** Inserts campaigns with a late deadline. Returns their ids when nothing is left to do for them. */
async function prepare(
  { cluster }: Bench,
  { databaseUrl }: Server,
  batch: Batch,
): Promise<string[]> {
  const before = new Set(await activeCampaigns(cluster, databaseUrl));
  await seed(cluster, databaseUrl, batch);
  await waitForPublicLog(cluster, databaseUrl);
  const all = await activeCampaigns(cluster, databaseUrl);
  return all.filter((id) => !before.has(id));
}

/** Lets a service close campaigns at their deadlines. Returns the lag of each in milliseconds. */
async function closeInTime(
  { cluster }: Bench,
  { databaseUrl }: Server,
  ids: readonly string[],
  { spacingSeconds = 0 }: Batch,
): Promise<number[]> {
  await setDeadlines(cluster, databaseUrl, ids, { firstInSeconds, spacingSeconds });
  return await watch(cluster, databaseUrl, ids);
}

async function whileJoining(
  bench: Bench,
  server: Server,
  batch: Batch,
  seconds: number,
  failures: string[],
): Promise<number[]> {
  const { cluster, generator } = bench;
  const { databaseUrl, url, pid } = server;
  const campaignIds = await openCampaigns(url, 1);
  const ids = await prepare(bench, server, batch);
  const closing = closeInTime(bench, server, ids, batch);
  // The joins begin before the first deadline and end after the last one.
  const { statuses, errors } = await generator.run({
    url,
    connections,
    mix: { kind: 'joins', campaignIds, serviceKey },
    extent: { warmSeconds: firstInSeconds - 1, seconds: seconds + 2 },
    expectedRate: 6_000,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  const lags = await closing;
  const joins = statuses['201'] ?? 0;
  failures.push(...(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors })));
  return lags;
}

/** Closes many campaigns that have the same deadline, together and one at a time. */
async function dueAtOnce(bench: Bench): Promise<Outcome> {
  const campaigns = bench.quick ? 200 : 10_000;
  const sample = bench.quick ? 20 : 500;
  const batch = { campaigns, participants: 2, successEvery: 2 };
  const [ours, separate]: [number[], number[]] = [[], []];
  const failures: string[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const name = `deadlines: round ${round + 1} of ${bench.rounds}, ${campaigns} at once`;
    bench.progress(name);
    const found = await bench.round(name, async () => ({
      ours: await closeAll(bench, batch, failures),
      separate: await closeSample(bench, { ...batch, campaigns: sample }),
    }));
    ours.push(found.ours);
    separate.push(found.separate * (campaigns / sample));
  }
  const measurement = `${campaigns.toLocaleString('en')} campaigns due in the same second`;
  return {
    figures: [
      {
        measurement,
        variant: 'Sambatan, until all are closed',
        unit: 'ms',
        value: failures.length > 0 ? undefined : spreadOf(ours),
        note: `${Math.round((1_000 * campaigns) / spreadOf(ours).median)} campaigns/s`,
      },
      {
        measurement,
        variant: 'one at a time, separate statements',
        unit: 'ms',
        value: spreadOf(separate),
        note: `${sample} measured, times ${campaigns / sample}`,
      },
    ],
    rows: bench.quick
      ? []
      : [
          {
            what: '10,000 campaigns due at once: speed ÷ one at a time with separate statements',
            value: ratioOf(separate, ours),
            goal: { min: 12 },
          },
        ],
    failures,
  };
}

/** The longest lag of campaigns with the same deadline, in milliseconds. */
async function closeAll(bench: Bench, batch: Batch, failures: string[]): Promise<number> {
  const name = 'bench_due';
  const databaseUrl = await createMarket(bench.cluster, name);
  const server = await startServer({ way: 'ours', databaseUrl });
  const lags = await closeInTime(bench, server, await prepare(bench, server, batch), batch);
  await server.stop();
  if (lags.length !== batch.campaigns)
    failures.push(`${lags.length} of ${batch.campaigns} campaigns were closed`);
  failures.push(...(await checkClosed(bench, databaseUrl)));
  await bench.cluster.dropDatabase(name);
  return Math.max(...lags);
}

async function checkClosed({ cluster }: Bench, databaseUrl: string): Promise<string[]> {
  const failures = await checkInvariants(databaseUrl, 'ours');
  const early = await cluster.sql(databaseUrl, closedEarly);
  if (early.length > 0)
    failures.push(`${early.length} campaigns were closed before their deadline`);
  return failures;
}

const closedEarly = `select campaign_id from sambatan.campaigns
  where coalesce(completed_at, failed_at) < deadline`;

const newlyClosed = `
  select campaign_id, extract(epoch from clock_timestamp() - deadline)::float8 * 1000 as lag
  from sambatan.campaigns
  where coalesce(completed_at, failed_at) > clock_timestamp() - interval '3 seconds'`;

async function watch(
  { connect }: Bench['cluster'],
  url: string,
  campaignIds: readonly string[],
): Promise<number[]> {
  const open = new Set(campaignIds);
  const lags: number[] = [];
  const reader = await connect(url);
  const giveUpAt = performance.now() + 180_000;
  while (open.size > 0 && performance.now() < giveUpAt) {
    const { rows } = await reader.query<{ campaign_id: string; lag: number }>(newlyClosed);
    for (const { campaign_id, lag } of rows) if (open.delete(campaign_id)) lags.push(lag);
    await sleep(pollMs);
  }
  await reader.end();
  return lags;
}

/** Milliseconds that the naive way needs to close campaigns that are already due. */
async function closeSample({ cluster }: Bench, batch: Batch): Promise<number> {
  const name = 'bench_due_naive';
  const url = await createMarket(cluster, name);
  await seed(cluster, url, { ...batch, deadlineInSeconds: -1 });
  const db = await cluster.connect(url);
  const { rows } = await db.query<{ campaign_id: string }>(
    'select campaign_id from sambatan.campaigns',
  );
  const ids = rows.map(({ campaign_id }) => campaign_id);
  await cluster.checkpoint();
  const begin = performance.now();
  await closeOneByOne(db, ids);
  const milliseconds = performance.now() - begin;
  await db.end();
  await cluster.dropDatabase(name);
  return milliseconds;
}
