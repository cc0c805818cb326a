import type { Bench } from './bench.ts';
import type { Answered } from './load/job.ts';
import { summarize } from './profile-summary.ts';
import { Inspector } from './rig/inspector.ts';
import { openCampaigns } from './rig/seller.ts';
import { freePort, serviceKey, startServer } from './rig/server.ts';

/** What the embedded server has to load to tell where its time goes. */
export const profileSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'all',
  'pg_stat_statements.track_utility': 'off',
  track_io_timing: 'on',
  track_wal_io_timing: 'on',
} as const;

const connections = 200;
const warmSeconds = 5;
const seconds = 8;
const sampleMicroseconds = 500;

/**
 * Runs the hot join against `sambatan serve` under the profiler of Node, with the statements counted
 * by PostgreSQL, and tells in a few tables where the time of both goes.
 */
export async function profileHotJoins({ cluster, generator, progress }: Bench): Promise<string> {
  const databaseUrl = await cluster.createDatabase('bench_profile');
  await cluster.sql(databaseUrl, 'create extension pg_stat_statements');
  const port = await freePort();
  const server = await startServer({
    way: 'ours',
    databaseUrl,
    nodeOptions: [`--inspect=127.0.0.1:${port}`],
  });
  try {
    const [campaign] = await openCampaigns(server.url, 1);
    const job = {
      url: server.url,
      connections,
      wish: { kind: 'joins', campaignIds: [campaign!], as: { serviceKey } },
      expectedRate: 12_000,
      processes: { server: server.pid, postgres: cluster.postmaster },
    } as const;
    progress('profile: warming up');
    await generator.run({ ...job, extent: { warmSeconds: 0, seconds: warmSeconds } });
    await cluster.sql(databaseUrl, 'select pg_stat_statements_reset()');
    await cluster.sql(databaseUrl, "select pg_stat_reset_shared('wal')");
    progress(`profile: ${connections} connections for ${seconds} s`);
    const inspector = await Inspector.connect(port);
    let answered: Answered | undefined;
    const profile = await inspector.profile(async () => {
      answered = await generator.run({ ...job, extent: { warmSeconds: 0, seconds } });
    }, sampleMicroseconds);
    inspector.close();
    const statements = await statementsOf(cluster.sql, databaseUrl, answered!);
    return [loadOf(answered!), summarize(profile), statements].join('\n');
  } finally {
    await server.stop();
  }
}

function loadOf({ rate, latency, usage }: Answered): string {
  const share = (cores: number | undefined) => cores?.toFixed(2) ?? '?';
  return `
${Math.round(rate)} joins/s with the profiler on, ${connections} connections
latency ms: p50 ${latency.p50.toFixed(1)}, p99 ${latency.p99.toFixed(1)}, longest ${latency.longest.toFixed(1)}
cores: server ${share(usage.server)}, PostgreSQL ${share(usage.postgres)}, load ${share(usage.generator)}, rest ${share(usage.others)}
`;
}

interface StatementRow {
  readonly calls: bigint;
  readonly total_ms: number;
  readonly rows: bigint;
  readonly wal_bytes: string;
  readonly toplevel: boolean;
  readonly text: string;
}

async function statementsOf(
  sql: Bench['cluster']['sql'],
  url: string,
  { statuses }: Answered,
): Promise<string> {
  const rows = await sql<StatementRow>(
    url,
    `select calls, total_exec_time as total_ms, rows, wal_bytes, toplevel,
      left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as text
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
    order by toplevel desc, total_exec_time desc limit 24`,
  );
  const [wal] = await sql<{ wal_write: bigint; wal_sync: bigint; wal_sync_time: number }>(
    url,
    'select wal_write, wal_sync, wal_sync_time from pg_stat_wal',
  );
  const joins = statuses['201'] ?? 0;
  const lines = rows.map(({ calls, total_ms, rows: count, wal_bytes, toplevel, text }) =>
    [
      (total_ms / Number(calls)).toFixed(3).padStart(9),
      ((total_ms * 1_000) / joins).toFixed(1).padStart(8),
      String(calls).padStart(7),
      String(count).padStart(8),
      (Number(wal_bytes) / joins).toFixed(0).padStart(8),
      toplevel ? 'called ' : '  inner',
      text,
    ].join('  '),
  );
  return `
PostgreSQL, ${joins} joins
 ms a call  µs/join    calls      rows  WAL B/join
${lines.join('\n')}

WAL: ${wal!.wal_write} writes, ${wal!.wal_sync} flushes in ${wal!.wal_sync_time.toFixed(0)} ms, ${(joins / Number(wal!.wal_sync)).toFixed(0)} joins a flush
`;
}
