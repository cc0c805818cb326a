import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { perCpuSecond, type LoadResult } from '../load/job.ts';
import { percentile, ratioOf, spreadOf, medianUsage, type Figure, type Row } from '../rows.ts';
import { StreamClients, maxConnections } from '../support/stream-clients.ts';
import { checkInvariants, checkStored, waitForNotifications } from '../support/checks.ts';
import { residentBytes, secondsOf } from '../support/cpu-usage.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, type Server } from '../support/server.ts';

const connections = 200;
const warmUp = { warmSeconds: 0, seconds: 3 };
const alone = { warmSeconds: 0.5, seconds: 2.5 };
const watched = { warmSeconds: 0.5, seconds: 6 };
const quickRun = { warmSeconds: 0.1, seconds: 0.7 };
/** Single joins, each of which causes one update, far enough apart for one update each. */
const singleJoins = 4;
const singleJoinEveryMs = 2_500;

/** The results of one round with a number of watchers. */
interface Watching {
  /** Event streams that the service accepted. */
  readonly open: number;
  readonly unwatched: LoadResult;
  readonly watched: LoadResult;
  /** Milliseconds from the last answer to a buyer until each watcher received the last update. */
  readonly lags: readonly number[];
  /** Seconds between two updates of a watcher while joins are busy. */
  readonly secondsPerUpdate: number;
  /** Memory of the service per watcher, in bytes. */
  readonly bytesEach: number;
  /** CPU time of the service per watcher and update, in microseconds. */
  readonly microseconds: number;
}

/** Measures a hot campaign with many open event streams. */
export const watchers: Measurement = {
  name: 'watchers',
  title: 'A campaign with watchers',
  run: async (bench) => {
    const counts = bench.quick ? [200] : [5_000, 20_000];
    const failures: string[] = [];
    const rounds = new Map<number, Watching[]>(counts.map((count) => [count, []]));
    for (let round = 0; round < bench.rounds; round++) {
      for (const count of counts) {
        const name = `watchers: round ${round + 1} of ${bench.rounds}, ${count}`;
        bench.progress(name);
        const found = await bench.round(name, () => watch(bench, count, failures));
        rounds.get(count)!.push(found);
      }
    }
    return {
      figures: counts.flatMap((count) => figuresOf(rounds.get(count)!)),
      rows: bench.quick ? [] : counts.flatMap((count) => rowsOf(count, rounds.get(count)!)),
      failures,
    };
  },
};

/** One round with a new service, because the memory of an older one does not shrink. */
async function watch(bench: Bench, wanted: number, failures: string[]): Promise<Watching> {
  const { cluster, quick } = bench;
  const database = 'bench_watchers';
  const databaseUrl = await cluster.createDatabase(database);
  const server = await startServer({ way: 'ours', databaseUrl });
  const audience = new StreamClients();
  try {
    const load = (id: string, extent: typeof alone) =>
      join(bench, server, id, quick ? quickRun : extent, failures);
    await load(await openOne(server), warmUp);
    const unwatched = await load(await openOne(server), alone);

    const id = await openOne(server);
    const before = residentBytes(server.pid) ?? 0;
    const path = `/api/sambatan/campaigns/${id}/events`;
    const count = await audience.open(server.url, path, Math.min(wanted, maxConnections()));
    await sleep(quick ? 0 : 1_000);
    const bytesEach = ((residentBytes(server.pid) ?? 0) - before) / count;
    const updatesBefore = await audience.updates();
    const begin = performance.now();
    const busy = await load(id, watched);
    const seconds = (performance.now() - begin) / 1_000;
    const updates = ((await audience.updates()) - updatesBefore) / count;
    const lags = await lagsOfLast(bench, server, audience, id, busy.lastAnswerAt);
    if (lags.length !== count) failures.push(`${lags.length} of ${count} saw the last update`);
    const microseconds = await costOfUpdates(bench, server, audience, id, count);
    return {
      open: count,
      unwatched,
      watched: busy,
      lags,
      secondsPerUpdate: seconds / Math.max(1, updates),
      bytesEach,
      microseconds,
    };
  } finally {
    await audience.stop();
    await server.stop();
    failures.push(...(await checkInvariants(databaseUrl, 'ours')));
    await cluster.dropDatabase(database);
  }
}

async function openOne({ url }: Server): Promise<string> {
  const [id] = await openCampaigns(url, 1);
  return id!;
}

async function join(
  { cluster, generator }: Bench,
  { url, pid, databaseUrl }: Server,
  campaignId: string,
  extent: typeof alone,
  failures: string[],
): Promise<LoadResult> {
  await cluster.checkpoint();
  const campaignIds = [campaignId];
  const answered = await generator.run({
    url,
    connections,
    mix: { kind: 'joins', campaignIds, serviceKey },
    extent,
    expectedRate: 10_000,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  const { errors, statuses } = answered;
  const joins = statuses['201'] ?? 0;
  failures.push(...(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors })));
  return answered;
}

async function lagsOfLast(
  { cluster }: Bench,
  { databaseUrl }: Server,
  audience: StreamClients,
  campaignId: string,
  lastAnswerAt: number,
): Promise<number[]> {
  const seenAt = await audience.seen(await lastSeq(cluster, databaseUrl, campaignId));
  await waitForNotifications(cluster, databaseUrl, [campaignId]);
  return seenAt.map((at) => Math.max(0, at - lastAnswerAt));
}

async function lastSeq({ sql }: Bench['cluster'], url: string, id: string): Promise<bigint> {
  const [last] = await sql<{ seq: bigint }>(
    url,
    'select max(seq) as seq from sambatan.audit_logs where campaign_id = $1',
    [id],
  );
  return last!.seq;
}

/**
 * CPU time of the service per watcher and update: single joins, minus the same number of single
 * joins of a campaign that nobody watches.
 */
async function costOfUpdates(
  bench: Bench,
  server: Server,
  audience: StreamClients,
  watchedId: string,
  count: number,
): Promise<number> {
  const other = await openOne(server);
  const cpuOf = async (id: string): Promise<number> => {
    const before = secondsOf(server.pid) ?? 0;
    for (let turn = 0; turn < (bench.quick ? 1 : singleJoins); turn++) {
      await bench.generator.run({
        url: server.url,
        connections: 1,
        mix: { kind: 'joins', campaignIds: [id], serviceKey },
        extent: { total: 1 },
        expectedRate: 1,
        processes: { server: server.pid, postgres: undefined },
      });
      await sleep(bench.quick ? 300 : singleJoinEveryMs);
    }
    return (secondsOf(server.pid) ?? 0) - before;
  };
  const idle = await cpuOf(other);
  const before = await audience.updates();
  const busy = await cpuOf(watchedId);
  const updates = (await audience.updates()) - before;
  return (Math.max(0, busy - idle) * 1e6) / Math.max(count, updates);
}

function figuresOf(rounds: readonly Watching[]): Figure[] {
  const open = rounds[0]?.open.toLocaleString('en');
  const measurement = `one campaign, ${connections} connections, ${open} watchers`;
  const loads = (part: 'watched' | 'unwatched'): Figure => {
    const all = rounds.map((round) => round[part]);
    return {
      measurement,
      variant: part === 'watched' ? 'joins, watched' : 'joins, nobody watches',
      unit: 'joins/s',
      value: spreadOf(all.map(({ rate }) => rate)),
      p99: spreadOf(all.map(({ latency }) => latency.p99)),
      usage: medianUsage(all.map(({ usage }) => usage)),
    };
  };
  const lag = spreadOf(rounds.map(({ lags }) => percentile(lags, 0.99)));
  return [
    loads('unwatched'),
    loads('watched'),
    { measurement, variant: 'last update, p99', unit: 'ms', value: lag },
  ];
}

function rowsOf(wanted: number, rounds: readonly Watching[]): Row[] {
  const open = Math.min(...rounds.map((round) => round.open));
  const accepted = open < wanted ? ` (${open.toLocaleString('en')} accepted)` : '';
  const title = `${wanted.toLocaleString('en')} watchers${accepted}`;
  const of = (value: (round: Watching) => number) => spreadOf(rounds.map(value));
  return [
    {
      what: `${title}: CPU of the service per watcher and update`,
      value: of(({ microseconds }) => microseconds),
      goal: { max: 12 },
      unit: 'µs',
    },
    {
      what: `${title}: time between updates while joins are busy`,
      value: of(({ secondsPerUpdate }) => secondsPerUpdate),
      goal: { min: 2 },
      unit: 's',
    },
    {
      what: `${title}: last update, p99`,
      value: of(({ lags }) => percentile(lags, 0.99) / 1_000),
      goal: { max: 1 },
      unit: 's',
    },
    {
      what: `${title}: memory of the service each`,
      value: of(({ bytesEach }) => bytesEach / 1_000),
      goal: { max: 12 },
      unit: 'KB',
    },
    {
      what: `${title}: joins per CPU-second ÷ unwatched`,
      value: ratioOf(
        rounds.map((round) => perCpuSecond(round.watched)),
        rounds.map((round) => perCpuSecond(round.unwatched)),
      ),
      goal: { min: 0.85 },
    },
  ];
}
