// `npm run bench`: measures, prints one table, and writes it to bench/results.
import type { Bench, Measurement } from './bench.ts';
import { readEnvironment, type Environment } from './environment.ts';
import type { Outcome } from './rows.ts';
import { Generator } from './load/generator.ts';
import { closing } from './measurements/closing.ts';
import { deadlines } from './measurements/deadlines.ts';
import { joinCost } from './measurements/join-cost.ts';
import { joins } from './measurements/joins.ts';
import { logDelay } from './measurements/log-delay.ts';
import { reads } from './measurements/reads.ts';
import { sellOut } from './measurements/sell-out.ts';
import { startUp } from './measurements/start.ts';
import { watchers } from './measurements/watchers.ts';
import { readOptions, type Options } from './options.ts';
import { publish } from './publish.ts';
import { profiles } from './profile.ts';
import { markdown, type Report } from './report.ts';
import { waitForPublicLog } from './support/checks.ts';
import { startCluster, type Cluster } from './support/database.ts';
import { QuietRounds } from './support/quiet-rounds.ts';
import { createMarket, fullMarket, seed } from './support/seed.ts';
import { startServer, stopServers } from './support/server.ts';
import { countingSettings } from './statements.ts';

const measurements: readonly Measurement[] = [
  joins,
  joinCost,
  reads,
  deadlines,
  closing,
  watchers,
  startUp,
  logDelay,
  sellOut,
];

const wanted = readOptions(
  process.argv.slice(2),
  measurements.map(({ name }) => name),
);
if ('print' in wanted) {
  (wanted.exitCode === 0 ? process.stdout : process.stderr).write(wanted.print);
  process.exitCode = wanted.exitCode;
} else {
  process.exitCode = await runAll(wanted);
}

async function runAll(options: Options): Promise<number> {
  const { only, quick, rounds } = options;
  const cluster = await startCluster(options.profile ? countingSettings : undefined);
  const generator = new Generator();
  const stop = async (): Promise<void> => {
    await generator.stop();
    await stopServers();
    await cluster.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(130)));
  }
  try {
    const quiet = new QuietRounds([process.pid, cluster.postmaster], !quick, progress);
    const bench: Bench = {
      cluster,
      generator,
      quick,
      rounds,
      market: markets(cluster),
      createDatabase: databases(cluster, quick),
      round: (name, round) => quiet.run(name, round),
      progress,
    };
    if (options.profile) {
      process.stdout.write(await profiles(bench));
      return 0;
    }
    const chosen = measurements.filter(({ name }) => only.length === 0 || only.includes(name));
    const report = await measure(bench, chosen, quiet);
    process.stdout.write(`\n${markdown(report)}`);
    if (only.length === 0 && !quick) publish(report);
    return report.failures.length === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}

async function measure(
  bench: Bench,
  chosen: readonly Measurement[],
  quiet: QuietRounds,
): Promise<Report> {
  const known = await readEnvironment(bench.cluster, bench);
  const outcomes: Outcome[] = [];
  for (const measurement of chosen) {
    const begin = performance.now();
    outcomes.push(await measurement.run(bench));
    const seconds = Math.round((performance.now() - begin) / 1_000);
    progress(`${measurement.title}: done in ${seconds} s`);
  }
  return {
    environment: { ...known, ...disturbances(quiet) },
    figures: outcomes.flatMap(({ figures }) => figures),
    rows: outcomes.flatMap(({ rows }) => rows),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

function disturbances({ repeated, otherCores }: QuietRounds): Environment {
  const most = Math.max(0, ...otherCores).toFixed(2);
  return {
    'other programs': `at most ${most} cores in the rounds that count; ${repeated} rounds were repeated because of them`,
  };
}

/** Creates databases with 500,000 participations as copies of one that is made on first use. */
function databases(cluster: Cluster, quick: boolean): Bench['createDatabase'] {
  const template = 'bench_full';
  let made: Promise<void> | undefined;
  const make = async (): Promise<void> => {
    progress('making the database with 500,000 participations');
    const url = await createMarket(cluster, template);
    await seed(
      cluster,
      url,
      quick ? { ...fullMarket, campaigns: 5, participants: 100 } : fullMarket,
    );
    // A service publishes all events now, so that it does not have to during a measurement.
    const server = await startServer({ way: 'ours', databaseUrl: url });
    await waitForPublicLog(cluster, url);
    await server.stop();
  };
  return async (name, content) => {
    if (content === 'empty') return await cluster.createDatabase(name);
    await (made ??= make());
    return await cluster.createDatabase(name, template);
  };
}

/** Creates the database for a number of campaigns on first use, and returns it again afterwards. */
function markets(cluster: Cluster): Bench['market'] {
  const made = new Map<number, Promise<string>>();
  const make = async (campaigns: number): Promise<string> => {
    const url = await createMarket(cluster, `bench_market_${campaigns}`);
    await seed(cluster, url, { campaigns }, (done) => {
      progress(`making campaigns: ${done} of ${campaigns}`);
    });
    return url;
  };
  return (campaigns) => {
    const market = made.get(campaigns) ?? make(campaigns);
    made.set(campaigns, market);
    return market;
  };
}

function progress(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
