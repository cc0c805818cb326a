import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, medianUsage, type Goal } from '../figures.ts';
import type { LoadResult } from '../load/job.ts';
import { startServer, type Server, type Way } from '../support/server.ts';

const connections = 100;
const oneOf = 1_000;
const run = { warmSeconds: 1, seconds: 3 };
const quickRun = { warmSeconds: 0.1, seconds: 0.5 };
const warmUpSeconds = 4;

interface Reader {
  readonly name: string;
  readonly way: Way;
  readonly campaigns: number;
  readonly server: Server;
  readonly one: readonly string[];
  readonly list: readonly string[];
}

/**
 * The kinds of reads. `one`: a campaign, of a thousand that are read one after the other. `list`:
 * the first page of the list of campaigns, in each order.
 */
const kinds = ['one', 'list'] as const;
type Kind = (typeof kinds)[number];
const names = { one: 'GET /campaigns/{id}', list: 'GET /campaigns' } as const;

export const reads: Measurement = {
  name: 'reads',
  title: 'Reading campaigns',
  run: async (bench) => {
    const [few, many] = bench.quick ? [100, 1_000] : [1_000, 1_000_000];
    const readers = [
      await enter(bench, 'Sambatan', 'ours', few!),
      await enter(bench, 'Sambatan', 'ours', many!),
      await enter(bench, 'floor: no database', 'floor', many!),
    ];
    const failures: string[] = [];
    const samples = new Map<string, LoadResult[]>();
    const key = (reader: Reader, kind: Kind) => `${kind} ${readers.indexOf(reader)}`;
    const seconds = bench.quick ? 0.3 : warmUpSeconds;
    for (const reader of readers) {
      for (const kind of kinds) await load(bench, reader, kind, { warmSeconds: 0, seconds });
    }
    for (let round = 0; round < bench.rounds; round++) {
      for (const kind of kinds) {
        const turn = [...readers];
        turn.push(...turn.splice(0, round % turn.length));
        for (const reader of turn) {
          bench.progress(`reads: round ${round + 1} of ${bench.rounds}, ${names[kind]}`);
          const answered = await load(bench, reader, kind, bench.quick ? quickRun : run);
          const strange = Object.keys(answered.statuses).filter((status) => status !== '200');
          if (strange.length > 0 || answered.errors > 0) {
            failures.push(`${names[kind]}: ${strange.join(', ')}, ${answered.errors} unanswered`);
          }
          const id = key(reader, kind);
          samples.set(id, [...(samples.get(id) ?? []), answered]);
        }
      }
    }
    for (const { server } of readers) await server.stop();
    const of = (reader: Reader, kind: Kind) => samples.get(key(reader, kind))!;
    const figures = kinds.flatMap((kind) =>
      readers.map((reader) => ({
        measurement: `${names[kind]}, ${connections} connections`,
        variant: `${reader.name}, ${reader.campaigns.toLocaleString('en')} campaigns`,
        unit: 'answers/s',
        value: spreadOf(of(reader, kind).map(({ rate }) => rate)),
        p99: spreadOf(of(reader, kind).map(({ latency }) => latency.p99)),
        usage: medianUsage(of(reader, kind).map(({ usage }) => usage)),
      })),
    );
    return { figures, goals: bench.quick ? [] : goalsOf(readers, of), failures };
  },
};

async function enter(bench: Bench, name: string, way: Way, campaigns: number): Promise<Reader> {
  const databaseUrl = await bench.market(campaigns);
  const server = await startServer({ way, databaseUrl });
  const rows = await bench.cluster.sql<{ campaign_id: string }>(
    databaseUrl,
    'select campaign_id from sambatan.campaigns order by random() limit $1',
    [oneOf],
  );
  const root = '/api/sambatan/campaigns';
  const one = rows.map(({ campaign_id }) => `${root}/${campaign_id}`);
  const list = ['newest', 'deadline', 'progress'].map((sort) => `${root}?sort=${sort}`);
  // Read every path once before the measurement, so that the caches of all variants are filled.
  for (const path of [...one, ...list]) await (await fetch(server.url + path)).arrayBuffer();
  return { name, way, campaigns, server, one, list };
}

async function load(
  { cluster, generator }: Bench,
  reader: Reader,
  kind: Kind,
  extent: { readonly warmSeconds: number; readonly seconds: number },
): Promise<LoadResult> {
  return await generator.run({
    url: reader.server.url,
    connections,
    mix: { kind: 'reads', paths: reader[kind] },
    extent,
    // The generator repeats the paths, so a higher real rate does no harm.
    expectedRate: 5_000,
    processes: { server: reader.server.pid, postgres: cluster.postmaster },
  });
}

function goalsOf(
  [few, many, floor]: readonly Reader[],
  of: (reader: Reader, kind: Kind) => readonly LoadResult[],
): Goal[] {
  const rates = (reader: Reader | undefined, kind: Kind) =>
    of(reader!, kind).map(({ rate }) => rate);
  const ratio = (kind: Kind, over: Reader | undefined, under: Reader | undefined) =>
    ratioOf(rates(over, kind), rates(under, kind));
  const least = { min: 0.6 };
  return [
    {
      measurement: `${names.one}, 1,000 campaigns`,
      what: 'throughput ÷ floor',
      value: ratio('one', few, floor),
      target: least,
    },
    {
      measurement: `${names.one}, 1,000,000 campaigns`,
      what: 'throughput ÷ floor',
      value: ratio('one', many, floor),
      target: least,
    },
    {
      measurement: `${names.list}, 1,000,000 campaigns`,
      what: 'time per answer ÷ with 1,000 campaigns',
      value: ratio('list', few, many),
      target: { max: 1.5 },
    },
  ];
}
