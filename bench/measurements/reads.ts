import type { Bench, Measurement } from '../bench.ts';
import { perCpuSecond, type LoadResult } from '../load/job.ts';
import { ratioOf, spreadOf, medianUsage, type Row } from '../rows.ts';
import { startServer, type Server, type Way } from '../support/server.ts';

const connections = 100;
const run = { warmSeconds: 0.7, seconds: 2.5 };
const quickRun = { warmSeconds: 0.1, seconds: 0.5 };
const warmUpSeconds = 4;

/** A server that answers reads, and the number of campaigns in its database. */
interface Reader {
  readonly way: Way;
  readonly campaigns: number;
  readonly server: Server;
  readonly samples: Record<Kind, LoadResult[]>;
}

/** The first page of the list of campaigns, in each order; and the home page of a visitor. */
const kinds = {
  list: ['newest', 'deadline', 'progress'].map((sort) => `/api/sambatan/campaigns?sort=${sort}`),
  home: ['/'],
} as const;
type Kind = keyof typeof kinds;
const names = { list: 'GET /campaigns', home: 'the home page' } as const;

/** Measures lists of campaigns, compared with the same routes whose rows are in memory. */
export const reads: Measurement = {
  name: 'reads',
  title: 'Reading campaigns',
  run: async (bench) => {
    const [few, many] = bench.quick ? [100, 1_000] : [1_000, 1_000_000];
    const readers = [
      await enter(bench, 'ours', few!),
      await enter(bench, 'ours', many!),
      await enter(bench, 'floor', few!),
    ];
    const failures: string[] = [];
    const seconds = bench.quick ? 0.3 : warmUpSeconds;
    for (const { server } of readers)
      for (const kind of ['list', 'home'] as const)
        await load(bench, server, kind, { warmSeconds: 0, seconds });
    for (let round = 0; round < bench.rounds; round++) {
      for (const kind of ['list', 'home'] as const) {
        const name = `reads: round ${round + 1} of ${bench.rounds}, ${names[kind]}`;
        bench.progress(name);
        const turn = [...readers];
        turn.push(...turn.splice(0, round % turn.length));
        const found = await bench.round(name, async () => {
          const all: [Reader, LoadResult][] = [];
          for (const reader of turn)
            all.push([
              reader,
              await load(bench, reader.server, kind, bench.quick ? quickRun : run),
            ]);
          return all;
        });
        for (const [reader, answered] of found) {
          reader.samples[kind].push(answered);
          const wrong = Object.keys(answered.statuses).filter(
            (status) => status !== '200' && status !== '503',
          );
          if (wrong.length > 0 || answered.errors > 0)
            failures.push(`${names[kind]}: ${wrong.join(', ')}, ${answered.errors} unanswered`);
        }
      }
    }
    for (const { server } of readers) await server.stop();
    const figures = (['list', 'home'] as const).flatMap((kind) =>
      readers.map(({ way, campaigns, samples }) => ({
        measurement: `${names[kind]}, ${connections} connections`,
        variant: `${way === 'ours' ? 'Sambatan' : 'without a database'}, ${campaigns.toLocaleString('en')} campaigns`,
        unit: 'answers/s',
        value: spreadOf(samples[kind].map(({ rate }) => rate)),
        p99: spreadOf(samples[kind].map(({ latency }) => latency.p99)),
        usage: medianUsage(samples[kind].map(({ usage }) => usage)),
      })),
    );
    return { figures, rows: bench.quick ? [] : rowsOf(readers), failures };
  },
};

async function enter(bench: Bench, way: Way, campaigns: number): Promise<Reader> {
  const databaseUrl = await bench.market(campaigns);
  // The public log of so many seeded campaigns would be built during the measurement.
  const server = await startServer({ way, databaseUrl, withWorker: false });
  // Read every path once before the measurement, so that the memory of the floor is filled.
  for (const path of Object.values(kinds).flat())
    await (await fetch(server.url + path)).arrayBuffer();
  return { way, campaigns, server, samples: { list: [], home: [] } };
}

async function load(
  { cluster, generator }: Bench,
  server: Server,
  kind: Kind,
  extent: { readonly warmSeconds: number; readonly seconds: number },
): Promise<LoadResult> {
  return await generator.run({
    url: server.url,
    connections,
    mix: { kind: 'reads', paths: kinds[kind] },
    extent,
    // The generator repeats the paths, so a higher real rate does no harm.
    expectedRate: 5_000,
    processes: { server: server.pid, postgres: cluster.postmaster },
  });
}

function rowsOf([few, many, floor]: readonly Reader[]): Row[] {
  const values = (reader: Reader | undefined, kind: Kind) =>
    reader!.samples[kind].map(perCpuSecond);
  return (['list', 'home'] as const).flatMap((kind) =>
    [few, many].map((reader) => ({
      what: `${names[kind]}, ${reader!.campaigns.toLocaleString('en')} campaigns: answers per CPU-second ÷ the route without a database`,
      value: ratioOf(values(reader, kind), values(floor, kind)),
      goal: { min: 0.5 },
    })),
  );
}
