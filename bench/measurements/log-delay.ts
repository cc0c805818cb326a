import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Measurement } from '../bench.ts';
import { percentile, spreadOf, type Outcome } from '../rows.ts';
import { checkStored } from '../support/checks.ts';
import { openCampaigns } from '../support/open-campaigns.ts';
import { serviceKey, startServer, type Server } from '../support/server.ts';

/** So many connections that about 5,000 joins arrive per second. */
const connections = 100;
const extent = { warmSeconds: 2, seconds: 6 };
const quickExtent = { warmSeconds: 0.2, seconds: 1 };
const pollMs = 100;

/** A checkpoint of the public log, and when it was read. */
interface Poll {
  readonly at: number;
  readonly size: bigint;
}

/** Measures how far the checkpoints of the public log are behind while joins arrive. */
export const logDelay: Measurement = {
  name: 'log-delay',
  title: 'The delay of the public log',
  run: async (bench) => {
    const databaseUrl = await bench.cluster.createDatabase('bench_log_delay');
    const server = await startServer({ way: 'ours', databaseUrl });
    const failures: string[] = [];
    const [delays, rates]: [number[], number[]] = [[], []];
    for (let round = 0; round < bench.rounds; round++) {
      const name = `log delay: round ${round + 1} of ${bench.rounds}`;
      bench.progress(name);
      const found = await bench.round(name, () => delayOf(bench, server, failures));
      rates.push(found.rate);
      if (found.p99 !== undefined) delays.push(found.p99);
    }
    await server.stop();
    return { ...report(bench, delays, rates), failures };
  },
};

function report(
  { quick }: Bench,
  delays: readonly number[],
  rates: readonly number[],
): Pick<Outcome, 'figures' | 'rows'> {
  if (delays.length === 0) return { figures: [], rows: [] };
  const value = spreadOf(delays);
  const rate = Math.round(spreadOf(rates).median).toLocaleString('en');
  return {
    figures: [
      {
        measurement: `checkpoint of the public log, ${connections} connections`,
        variant: 'delay behind the newest join, p99',
        unit: 's',
        value,
        note: `at ${rate} joins/s`,
      },
    ],
    rows: quick
      ? []
      : [
          {
            what: `public log: delay of the checkpoint, p99, at ${rate} joins/s`,
            value,
            goal: { max: 1 },
            unit: 's',
          },
        ],
  };
}

/** The p99 of the delay in seconds; undefined if the service publishes no checkpoint. */
async function delayOf(
  { cluster, generator, quick }: Bench,
  { url, pid, databaseUrl }: Server,
  failures: string[],
): Promise<{ rate: number; p99: number | undefined }> {
  const campaignIds = await openCampaigns(url, 1);
  const ended = new AbortController();
  const path = `${url}/api/sambatan/campaigns/${campaignIds[0]}/log/checkpoint`;
  const polling = pollCheckpoints(path, ended.signal);
  const { rate, statuses, errors } = await generator.run({
    url,
    connections,
    mix: { kind: 'joins', campaignIds, serviceKey },
    extent: quick ? quickExtent : extent,
    expectedRate: 8_000,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  ended.abort();
  const polls = await polling;
  const joins = statuses['201'] ?? 0;
  failures.push(...(await checkStored(cluster, databaseUrl, campaignIds, { joins, errors })));
  if (polls.length === 0) return { rate, p99: undefined };
  // The oldest event that a checkpoint did not contain when it was read.
  const rows = await cluster.sql<{ seq: bigint; at: Date }>(
    databaseUrl,
    `select seq, occurred_at as at from sambatan.audit_logs
    where campaign_id = $1 and seq = any ($2)`,
    [campaignIds[0], polls.map(({ size }) => String(size + 1n))],
  );
  const times = new Map(rows.map(({ seq, at }) => [seq, at.getTime()]));
  const delays = polls.map(({ at, size }) => Math.max(0, at - (times.get(size + 1n) ?? at)));
  return { rate, p99: percentile(delays, 0.99) / 1_000 };
}

/** Reads the newest checkpoint again and again; ignores answers without one. */
async function pollCheckpoints(path: string, ended: AbortSignal): Promise<Poll[]> {
  const polls: Poll[] = [];
  while (!ended.aborted) {
    const at = Date.now();
    const response = await fetch(path);
    const size = /^\d+$/.exec((await response.text()).split('\n')[1] ?? '')?.[0];
    if (response.ok && size !== undefined) polls.push({ at, size: BigInt(size) });
    await sleep(pollMs);
  }
  return polls;
}
