import type { Cluster } from './support/database.ts';

/** Settings with which the embedded server loads pg_stat_statements, which measures statements. */
export const countingSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'all',
  'pg_stat_statements.track_utility': 'off',
  track_wal_io_timing: 'on',
} as const;

interface StatementRow {
  readonly calls: bigint;
  readonly total_ms: number;
  readonly rows: bigint;
  readonly wal_bytes: string;
  readonly toplevel: boolean;
  readonly text: string;
}

/** Resets the statistics of statements and of the write-ahead log. */
export async function countStatements({ sql }: Cluster, url: string): Promise<void> {
  await sql(url, 'create extension if not exists pg_stat_statements');
  await sql(url, 'select pg_stat_statements_reset()');
  await sql(url, "select pg_stat_reset_shared('io')");
}

/**
 * Returns a text table of PostgreSQL's work since `countStatements`: the statements that it
 * received, then those inside its functions. The cost of each is divided by `units`, the number of
 * joins or closed campaigns.
 */
export async function statements(
  { sql }: Cluster,
  url: string,
  units: number,
  unit: string,
): Promise<string> {
  const rows = await sql<StatementRow>(
    url,
    `select * from (
      select calls, total_exec_time as total_ms, rows, wal_bytes, toplevel,
        left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as text,
        rank() over (partition by toplevel order by total_exec_time desc) as place
      from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query not like '%pg_stat%') s
    where place <= 14
    order by toplevel desc, place`,
  );
  const [wal] = await sql<{ writes: number; flushes: number; milliseconds: number }>(
    url,
    `select sum(writes)::float8 as writes, sum(fsyncs)::float8 as flushes,
      sum(fsync_time)::float8 as milliseconds
    from pg_stat_io where object = 'wal'`,
  );
  const lines = rows.map(({ calls, total_ms, rows: count, wal_bytes, toplevel, text }) =>
    [
      (total_ms / Number(calls)).toFixed(3).padStart(9),
      ((total_ms * 1_000) / units).toFixed(1).padStart(9),
      String(calls).padStart(7),
      String(count).padStart(8),
      (Number(wal_bytes) / units).toFixed(0).padStart(8),
      toplevel ? 'called ' : '  inner',
      text,
    ].join('  '),
  );
  const { writes, flushes, milliseconds } = wal!;
  return `
PostgreSQL, ${units} × one ${unit}
ms a call     µs each    calls      rows  WAL B each
${lines.join('\n')}

WAL: ${writes} writes, ${flushes} flushes in ${milliseconds.toFixed(0)} ms, ${(units / flushes).toFixed(0)} × one ${unit} per flush
`;
}
