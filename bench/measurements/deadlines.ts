import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, type Outcome } from '../figures.ts';
import { checkInvariants } from '../support/checks.ts';
import { closeOneByOne } from '../support/naive-lifecycle.ts';
import { createMarket, seed, type CampaignBatch } from '../support/seed.ts';
import { startServer } from '../support/server.ts';

/** Polling interval for closed campaigns in milliseconds: a measured lag may be too long by it. */
const lookEveryMs = 10;
const sweepMinutes = 5;

/** How late the campaigns of one run were closed, as another connection could read it. */
interface Closing {
  /** Milliseconds from each deadline until the closed campaign was visible. */
  readonly lags: readonly number[];
  /** The maximum lag. */
  readonly lastMs: number;
}

export const deadlines: Measurement = {
  name: 'deadlines',
  title: 'Deadlines: how late campaigns are closed',
  run: async (bench) => {
    const spread = await overAMinute(bench);
    const together = await inOneSecond(bench);
    return {
      figures: [...spread.figures, ...together.figures],
      goals: [...spread.goals, ...together.goals],
      failures: [...spread.failures, ...together.failures],
    };
  },
};

async function overAMinute(bench: Bench): Promise<Outcome> {
  const campaigns = bench.quick ? 60 : 1_000;
  const seconds = bench.quick ? 3 : 60;
  bench.progress(`deadlines: ${campaigns} campaigns over ${seconds} s`);
  const crop = {
    campaigns,
    participants: 10,
    successEvery: 2,
    spacingSeconds: seconds / campaigns,
  };
  const { closing, failures } = await close(bench, 'bench_deadlines', crop);
  const p99 = percentile(closing.lags, 0.99);
  const measurement = `deadline lag, ${campaigns} campaigns over ${seconds} s`;
  const sweepMs = sweepMinutes * 60_000;
  return {
    figures: [
      {
        measurement,
        variant: 'Sambatan, p99',
        unit: 'ms',
        value: failures.length > 0 ? undefined : spreadOf([p99]),
        note: `median ${percentile(closing.lags, 0.5).toFixed(0)} ms, longest ${closing.lastMs.toFixed(0)} ms`,
      },
      {
        measurement,
        variant: `sweep every ${sweepMinutes} minutes, p99 (computed)`,
        unit: 'ms',
        value: spreadOf([0.99 * sweepMs]),
        note: 'deadlines spread evenly between sweeps',
      },
    ],
    goals: bench.quick
      ? []
      : [
          {
            measurement,
            what: 'lag, p99',
            value: spreadOf([p99]),
            target: { max: 250 },
            unit: 'ms',
          },
        ],
    failures,
  };
}

async function inOneSecond(bench: Bench): Promise<Outcome> {
  const campaigns = bench.quick ? 200 : 10_000;
  const sample = bench.quick ? 20 : 500;
  const crop = { campaigns, participants: 2, successEvery: 2 };
  const ours: Closing[] = [];
  const naiveMs: number[] = [];
  const failures: string[] = [];
  for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
    bench.progress(`deadlines: round ${round + 1}, ${campaigns} campaigns in one second`);
    const name = `bench_due_${round}`;
    const { closing, failures: wrong } = await close(bench, name, crop);
    ours.push(closing);
    failures.push(...wrong);
    naiveMs.push((await closeSample(bench, { ...crop, campaigns: sample })) * (campaigns / sample));
  }
  const measurement = `${campaigns} campaigns due in the same second`;
  const oursMs = ours.map(({ lastMs }) => lastMs);
  return {
    figures: [
      {
        measurement,
        variant: 'Sambatan, until all are closed',
        unit: 'ms',
        value: failures.length > 0 ? undefined : spreadOf(oursMs),
        note: `${Math.round((1_000 * campaigns) / spreadOf(oursMs).median)} campaigns/s`,
      },
      {
        measurement,
        variant: 'one at a time, separate statements',
        unit: 'ms',
        value: spreadOf(naiveMs),
        note: `${sample} measured, times ${campaigns / sample}`,
      },
    ],
    goals: bench.quick
      ? []
      : [
          {
            measurement,
            what: 'speed ÷ one at a time',
            value: ratioOf(naiveMs, oursMs),
            target: { min: 5 },
          },
        ],
    failures,
  };
}

/** Lets a running service close many campaigns at their deadlines, and measures the lags. */
async function close(
  { cluster }: Bench,
  name: string,
  crop: CampaignBatch,
): Promise<{ closing: Closing; failures: string[] }> {
  const databaseUrl = await createMarket(cluster, name);
  const server = await startServer({ way: 'ours', databaseUrl });
  // Campaigns inserted by SQL send no change notification: the scheduler polls every five seconds.
  const seedSeconds = crop.campaigns > 2_000 ? 15 : 8;
  await seed(cluster, databaseUrl, { ...crop, deadlineInSeconds: seedSeconds });
  const closing = await watch(cluster, databaseUrl, crop.campaigns);
  await server.stop();
  const failures = await checkInvariants(databaseUrl, 'ours');
  if (closing.lags.length !== crop.campaigns) {
    failures.push(`${closing.lags.length} of ${crop.campaigns} campaigns were closed`);
  }
  const early = await cluster.sql(databaseUrl, closedEarly);
  if (early.length > 0)
    failures.push(`${early.length} campaigns were closed before their deadline`);
  await cluster.dropDatabase(name);
  return { closing, failures };
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
  campaigns: number,
): Promise<Closing> {
  const lags = new Map<string, number>();
  const reader = await connect(url);
  const giveUpAt = performance.now() + 180_000;
  while (lags.size < campaigns && performance.now() < giveUpAt) {
    const { rows } = await reader.query<{ campaign_id: string; lag: number }>(newlyClosed);
    for (const { campaign_id, lag } of rows) if (!lags.has(campaign_id)) lags.set(campaign_id, lag);
    await sleep(lookEveryMs);
  }
  await reader.end();
  const all = [...lags.values()];
  return { lags: all, lastMs: Math.max(...all) };
}

/** Milliseconds that the naive way needs to close campaigns that are already due. */
async function closeSample({ cluster }: Bench, crop: CampaignBatch): Promise<number> {
  const name = 'bench_due_naive';
  const url = await createMarket(cluster, name);
  await seed(cluster, url, { ...crop, deadlineInSeconds: -1 });
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

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}
