import type { Bench } from '../bench.ts';
import { spreadOf, medianUsage, type Figure } from '../figures.ts';
import { VariantServer, type Variant, type VariantResult } from './variant-server.ts';

/** The results of every round, by number of connections and variant. */
export type Samples = Map<string, VariantResult[]>;
const key = (connections: number, entry: Variant) => `${connections} ${entry.name}`;

const run = { warmSeconds: 1, seconds: 3 };
const quickRun = { warmSeconds: 0.1, seconds: 0.5 };

/** A stage of a measurement: a number of connections and its variants. */
export interface Stage {
  readonly connections: number;
  readonly entries: readonly Variant[];
}

/**
 * Runs every stage with all variants in each round. Each round starts with another variant, so that
 * slow changes of the machine (heat, larger files) affect all variants equally.
 */
export async function runVariants(
  bench: Bench,
  name: string,
  campaigns: number,
  stages: readonly Stage[],
): Promise<{ samples: Samples; failures: string[]; disqualified: Set<string> }> {
  const samples: Samples = new Map();
  const taking = new Set(stages.flatMap((stage) => stage.entries));
  const contestants: VariantServer[] = [];
  for (const entry of taking) {
    const database = `bench_${name}_${contestants.length}`.replaceAll('-', '_');
    contestants.push(await VariantServer.enter(bench, entry, database));
  }
  for (const contestant of contestants) await contestant.warmUp(campaigns);
  for (let round = 0; round < bench.rounds; round++) {
    for (const { connections, entries: some } of stages) {
      const turn = contestants.filter(({ entry }) => some.includes(entry));
      turn.push(...turn.splice(0, round % turn.length));
      for (const contestant of turn) {
        const { entry } = contestant;
        bench.progress(
          `${name}: round ${round + 1} of ${bench.rounds}, ${connections} connections, ${entry.name}`,
        );
        const extent = bench.quick ? quickRun : run;
        const answered = await contestant.join(campaigns, { connections, extent });
        const id = key(connections, entry);
        samples.set(id, [...(samples.get(id) ?? []), answered]);
      }
    }
  }
  for (const contestant of contestants) {
    bench.progress(`${name}: checking what ${contestant.entry.name} has stored`);
    await contestant.leave();
  }
  const failures = contestants.flatMap((contestant) => contestant.failures);
  const wrong = contestants.filter((contestant) => contestant.failures.length > 0);
  return { samples, failures, disqualified: new Set(wrong.map(({ entry }) => entry.name)) };
}

export function figuresOf(
  title: (connections: number) => string,
  stages: readonly Stage[],
  { samples, disqualified }: { samples: Samples; disqualified: Set<string> },
): Figure[] {
  return stages.flatMap(({ connections, entries: some }) =>
    some.map((entry) => {
      const rounds = samples.get(key(connections, entry))!;
      const told = rounds.flatMap(({ toldAfter }) => toldAfter ?? []);
      return {
        measurement: title(connections),
        variant: entry.name,
        unit: 'joins/s',
        value: disqualified.has(entry.name) ? undefined : spreadOf(rounds.map(({ rate }) => rate)),
        p99: spreadOf(rounds.map(({ latency }) => latency.p99)),
        usage: medianUsage(rounds.map(({ usage }) => usage)),
        ...(told.length > 0 && {
          note: `notifications written ${spreadOf(told).median.toFixed(1)} s after the load`,
        }),
      };
    }),
  );
}

/** The rates, or the p99 latencies, of all rounds. */
export const rates = (samples: Samples, connections: number, entry: Variant) =>
  samples.get(key(connections, entry))!.map(({ rate }) => rate);
export const p99s = (samples: Samples, connections: number, entry: Variant) =>
  samples.get(key(connections, entry))!.map(({ latency }) => latency.p99);
