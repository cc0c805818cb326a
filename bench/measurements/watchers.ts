import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, medianUsage, type Goal } from '../figures.ts';
import type { LoadResult } from '../load/job.ts';
import { StreamClients, maxConnections } from '../support/stream-clients.ts';
import { checkInvariants, checkStored, waitForNotifications } from '../support/checks.ts';
import { residentBytes } from '../support/cpu-usage.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, type Server } from '../support/server.ts';

const connections = 200;
const run = { warmSeconds: 1, seconds: 4 };
const quickRun = { warmSeconds: 0.1, seconds: 0.7 };
const warmUp = { warmSeconds: 0, seconds: 5 };
const lookEveryMs = 50;
const megabyte = 1_000_000;

interface Crowd {
  readonly answered: LoadResult;
  /** Milliseconds from the last answer to a buyer until each watcher received the last update. */
  readonly lags: readonly number[];
  readonly updatesPerWatcher: number;
  readonly memoryBytes: number;
}

export const watchers: Measurement = {
  name: 'watchers',
  title: 'A flash sale with watchers',
  run: async (bench) => {
    const count = bench.quick ? 200 : Math.min(5_000, maxConnections());
    const databaseUrl = await bench.cluster.createDatabase('bench_watchers');
    const server = await startServer({ way: 'ours', databaseUrl });
    const audience = new StreamClients();
    const failures: string[] = [];
    const alone: Crowd[] = [];
    const watched: Crowd[] = [];
    if (!bench.quick) await crowd(bench, server, undefined, 0, failures, warmUp);
    for (let round = 0; round < bench.rounds; round++) {
      bench.progress(`watchers: round ${round + 1} of ${bench.rounds}, nobody watches`);
      alone.push(await crowd(bench, server, undefined, 0, failures));
      bench.progress(`watchers: round ${round + 1} of ${bench.rounds}, ${count} watch`);
      watched.push(await crowd(bench, server, audience, count, failures));
    }
    await audience.stop();
    await server.stop();
    failures.push(...(await checkInvariants(databaseUrl, 'ours')));
    const result = { count, alone, watched };
    const goals = bench.quick ? [] : goalsOf(result);
    return { figures: figuresOf(result, failures.length > 0), goals, failures };
  },
};

interface Result {
  readonly count: number;
  readonly alone: readonly Crowd[];
  readonly watched: readonly Crowd[];
}

const measurement = `flash sale, ${connections} connections`;
const rates = (crowds: readonly Crowd[]) => crowds.map(({ answered }) => answered.rate);
const p99s = (crowds: readonly Crowd[]) =>
  crowds.map(({ lags }) => [...lags].sort((a, b) => a - b)[Math.ceil(lags.length * 0.99) - 1] ?? 0);
const memories = (crowds: readonly Crowd[]) =>
  crowds.map(({ memoryBytes }) => memoryBytes / megabyte);

function figuresOf({ count, alone, watched }: Result, isWrong: boolean) {
  const several = [
    { variant: 'Sambatan, no watchers', crowds: alone },
    { variant: `Sambatan, ${count.toLocaleString('en')} watchers`, crowds: watched },
  ];
  const [updates] = watched.map(({ updatesPerWatcher }) => updatesPerWatcher.toFixed(0));
  return [
    ...several.map(({ variant, crowds }) => ({
      measurement,
      variant,
      unit: 'joins/s',
      value: isWrong ? undefined : spreadOf(rates(crowds)),
      p99: spreadOf(crowds.map(({ answered }) => answered.latency.p99)),
      usage: medianUsage(crowds.map(({ answered }) => answered.usage)),
      note: `memory of the server ${spreadOf(memories(crowds)).median.toFixed(0)} MB`,
    })),
    {
      measurement,
      variant: 'delay of the last update, p99',
      unit: 'ms',
      value: isWrong ? undefined : spreadOf(p99s(watched)),
      note: `${updates} updates each`,
    },
  ];
}

function goalsOf({ alone, watched }: Result): Goal[] {
  return [
    {
      measurement,
      what: 'delay of the last update, p99',
      value: spreadOf(p99s(watched)),
      target: { max: 500 },
      unit: 'ms',
    },
    {
      measurement,
      what: 'throughput with watchers ÷ without',
      value: ratioOf(rates(watched), rates(alone)),
      target: { min: 0.7 },
    },
    {
      measurement,
      what: 'memory of the server',
      value: spreadOf(memories(watched)),
      target: { max: 300 },
      unit: 'MB',
    },
  ];
}

async function crowd(
  { cluster, generator, quick }: Bench,
  { url, pid, databaseUrl }: Server,
  audience: StreamClients | undefined,
  count: number,
  failures: string[],
  extent = quick ? quickRun : run,
): Promise<Crowd> {
  const campaignIds = await openCampaigns(url, 1);
  await audience?.open(url, `/api/sambatan/campaigns/${campaignIds[0]}/events`, count);
  await cluster.checkpoint();
  let memoryBytes = 0;
  const look = setInterval(() => {
    memoryBytes = Math.max(memoryBytes, residentBytes(pid) ?? 0);
  }, lookEveryMs);
  const answered = await generator.run({
    url,
    connections,
    mix: { kind: 'joins', campaignIds, as: { serviceKey } },
    extent,
    expectedRate: 10_000,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  const { errors, lastAnswerAt, statuses } = answered;
  const [last] = await cluster.sql<{ seq: bigint }>(
    databaseUrl,
    'select audit_seq as seq from sambatan.campaigns where campaign_id = any ($1)',
    [campaignIds],
  );
  const { seenAt, updates } = (await audience?.seen(last!.seq)) ?? { seenAt: [], updates: 0 };
  clearInterval(look);
  await audience?.close();
  if (seenAt.length !== count) failures.push(`${seenAt.length} of ${count} saw the last update`);
  const joins = statuses['201'] ?? 0;
  failures.push(...(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors })));
  await waitForNotifications(cluster, databaseUrl, campaignIds);
  return {
    answered,
    lags: seenAt.map((at) => Math.max(0, at - lastAnswerAt)),
    updatesPerWatcher: count === 0 ? 0 : updates / count,
    memoryBytes,
  };
}
