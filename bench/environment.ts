import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from './support/database.ts';
import { cores } from './support/cpu-usage.ts';

/** Machine, versions and settings, which affect the results; by name. */
export type Environment = Readonly<Record<string, string>>;

export async function readEnvironment(
  cluster: Cluster,
  { rounds, quick }: { readonly rounds: number; readonly quick: boolean },
): Promise<Environment> {
  const settings = await cluster.settings();
  return {
    time: new Date().toISOString(),
    machine: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cores} cores, ${gibibytes(totalmem())} GiB, ${type()} ${release()}`,
    'load average before': loadavg()[0]!.toFixed(2),
    'duration of a commit': `${(await commitMilliseconds(cluster)).toFixed(2)} ms`,
    versions: `Node ${process.versions.node}, PostgreSQL ${settings['server_version']}, autocannon ${versionOf('autocannon')}, fastify ${versionOf('fastify')}, pg ${versionOf('pg')}`,
    PostgreSQL: Object.entries(settings)
      .filter(([name]) => name !== 'server_version')
      .map(([name, value]) => `${name}=${value}`)
      .join(', '),
    server:
      'LOG_LEVEL=info, log written to /dev/null, NODE_ENV=production, background jobs in the same process, no join rate limit',
    load: 'one process of autocannon over loopback, keep-alive, no pipelining, each join from another user',
    rounds: quick
      ? `${rounds}, quick: checks correctness only, the times mean nothing`
      : String(rounds),
  };
}

const commits = 300;

/** Measures the duration of a commit of one row, which is mostly the flush to the disk. */
async function commitMilliseconds({ sql, createDatabase, dropDatabase }: Cluster): Promise<number> {
  const url = await createDatabase('bench_commit');
  await sql(url, 'create table commits (n integer)');
  const begin = performance.now();
  await sql(
    url,
    `do $$ begin
      for n in 1..${commits} loop insert into commits values (n); commit; end loop;
    end $$`,
  );
  const milliseconds = (performance.now() - begin) / commits;
  await dropDatabase('bench_commit');
  return milliseconds;
}

const gibibytes = (bytes: number) => Math.round(bytes / 2 ** 30);

function versionOf(library: string): string {
  const file = join(import.meta.dirname, '../node_modules', library, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
