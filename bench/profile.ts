import type { Bench } from './bench.ts';
import type { LoadResult } from './load/job.ts';
import { summarize } from './profile-summary.ts';
import { Inspector } from './support/inspector.ts';
import { openCampaigns } from './support/open-campaigns.ts';
import { countStatements, statements } from './statements.ts';
import { startApplication } from './support/lifecycle.ts';
import { createMarket, seed } from './support/seed.ts';
import { serviceKey, startServer } from './support/server.ts';
import { freePort } from '../test/support/server/free-port.ts';

const connections = 200;
const warmSeconds = 5;
const seconds = 8;
const sampleMicroseconds = 500;
const dueCampaigns = 5_000;

/** Shows where the time of joins and of closings is spent, as text tables. */
export async function profiles(bench: Bench): Promise<string> {
  return [
    await profileJoins(bench, 1),
    await profileJoins(bench, 1_000),
    await profileClosing(bench),
  ].join('\n');
}

/**
 * Runs joins on many campaigns against `sambatan serve` under Node's profiler, with PostgreSQL's
 * statement statistics, and prints where both spend their time.
 */
async function profileJoins(
  { cluster, generator, progress }: Bench,
  campaigns: number,
): Promise<string> {
  const databaseUrl = await cluster.createDatabase(`bench_profile_${campaigns}`);
  const port = await freePort();
  const server = await startServer({
    way: 'ours',
    databaseUrl,
    nodeOptions: [`--inspect=127.0.0.1:${port}`],
  });
  try {
    const campaignIds = await openCampaigns(server.url, campaigns);
    const job = {
      url: server.url,
      connections,
      mix: { kind: 'joins', campaignIds, serviceKey },
      expectedRate: 12_000,
      processes: { server: server.pid, postgres: cluster.postmaster },
    } as const;
    progress('profile: warming up');
    await generator.run({ ...job, extent: { warmSeconds: 0, seconds: warmSeconds } });
    await countStatements(cluster, databaseUrl);
    progress(`profile: ${campaigns} campaigns, ${connections} connections, ${seconds} s`);
    const inspector = await Inspector.connect(port);
    let answered: LoadResult | undefined;
    const cpu = await inspector.profile(async () => {
      answered = await generator.run({ ...job, extent: { warmSeconds: 0, seconds } });
    }, sampleMicroseconds);
    inspector.close();
    const joins = answered!.statuses['201'] ?? 0;
    const asked = await statements(cluster, databaseUrl, joins, 'join');
    const title = `Joins on ${campaigns} campaigns`;
    return [title, loadOf(answered!), summarize(cpu), asked].join('\n');
  } finally {
    await server.stop();
  }
}

function loadOf({ rate, latency, usage }: LoadResult): string {
  const share = (cores: number | undefined) => cores?.toFixed(2) ?? '?';
  const each = (cores: number | undefined) =>
    cores === undefined ? '?' : `${((cores * 1e6) / rate).toFixed(1)} µs`;
  return `
${Math.round(rate)} joins/s with the profiler on, ${connections} connections
CPU time per join: service ${each(usage.server)}, PostgreSQL ${each(usage.postgres)}
cores: service ${share(usage.server)}, PostgreSQL ${share(usage.postgres)}, load generator ${share(usage.generator)}
latency in ms: p50 ${latency.p50.toFixed(1)}, p99 ${latency.p99.toFixed(1)}, maximum ${latency.max.toFixed(1)}
`;
}

/** Closes many campaigns that are due at the same time, and prints the cost of each statement. */
async function profileClosing({ cluster, progress }: Bench): Promise<string> {
  progress(`profile: ${dueCampaigns} campaigns are due`);
  const databaseUrl = await createMarket(cluster, 'bench_profile_closing');
  const crop = { participants: 2, successEvery: 2, deadlineInSeconds: -1 };
  await seed(cluster, databaseUrl, { ...crop, campaigns: dueCampaigns });
  await countStatements(cluster, databaseUrl);
  const app = startApplication(databaseUrl);
  const begin = performance.now();
  await app.scheduler.sweep();
  const milliseconds = performance.now() - begin;
  await app.close();
  const asked = await statements(cluster, databaseUrl, dueCampaigns, 'due campaign');
  return `${dueCampaigns} due campaigns closed in ${milliseconds.toFixed(0)} ms\n${asked}`;
}
