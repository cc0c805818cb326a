import type { Bench } from '../bench.ts';
import { spreadOf, medianUsage, type Figure, type Spread, ratioOf } from '../rows.ts';
import { enter, type Contestant, type JoinSample, type Variant } from './contestants.ts';

const run = { warmSeconds: 0.7, seconds: 2.5 };
const quickRun = { warmSeconds: 0.1, seconds: 0.4 };
/** Long enough for V8 to optimize the code. */
const warmUp = { connections: 100, warmSeconds: 0, seconds: 4 };

/** A part of a measurement: a load, and the variants that get it. */
export interface Stage {
  readonly name: string;
  readonly connections: number;
  /** Number of campaigns that the joins are spread over. */
  readonly campaigns: number;
  readonly variants: readonly Variant[];
}

/** The samples of every stage and variant, one for each round. */
export class Samples {
  readonly #samples = new Map<string, JoinSample[]>();

  add(stage: Stage, variant: Variant, sample: JoinSample): void {
    const key = `${stage.name} ${variant.name}`;
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), sample]);
  }

  of(stage: Stage, variant: Variant): readonly JoinSample[] {
    return this.#samples.get(`${stage.name} ${variant.name}`)!;
  }

  /** The ratio of a value of two variants in each round, and the spread of these ratios. */
  ratio(
    value: (sample: JoinSample) => number,
    over: readonly [Stage, Variant],
    under: readonly [Stage, Variant],
    valueUnder = value,
  ): Spread {
    return ratioOf(this.of(...over).map(value), this.of(...under).map(valueUnder));
  }
}

/**
 * Runs every stage with all variants in each round. Each round starts with another variant, so that
 * slow changes of the machine (heat, larger files) affect all variants equally.
 */
export async function runVariants(
  bench: Bench,
  stages: readonly Stage[],
): Promise<{ samples: Samples; failures: string[]; disqualified: ReadonlySet<string> }> {
  const samples = new Samples();
  const contestants: Contestant[] = [];
  for (const variant of new Set(stages.flatMap((stage) => stage.variants))) {
    bench.progress(`joins: starting ${variant.name}`);
    contestants.push(await enter(bench, variant, `bench_joins_${contestants.length}`));
  }
  const { connections, ...extent } = warmUp;
  for (const contestant of contestants) {
    const seconds = bench.quick ? 0.3 : warmUp.seconds;
    await contestant.join({ campaigns: 1, connections, extent: { ...extent, seconds } });
  }
  for (let round = 0; round < bench.rounds; round++) {
    for (const stage of stages) {
      const name = `joins: round ${round + 1} of ${bench.rounds}, ${stage.name}`;
      const found = await bench.round(name, () => runStage(bench, stage, contestants, round));
      for (const [contestant, sample] of found) samples.add(stage, contestant.variant, sample);
    }
  }
  for (const contestant of contestants) {
    bench.progress(`joins: checking what ${contestant.variant.name} has stored`);
    await contestant.leave();
  }
  const wrong = contestants.filter(({ failures }) => failures.length > 0);
  return {
    samples,
    failures: wrong.flatMap(({ failures }) => failures),
    disqualified: new Set(wrong.map(({ variant }) => variant.name)),
  };
}

async function runStage(
  bench: Bench,
  { name, connections, campaigns, variants }: Stage,
  contestants: readonly Contestant[],
  round: number,
): Promise<Map<Contestant, JoinSample>> {
  const turn = contestants.filter(({ variant }) => variants.includes(variant));
  turn.push(...turn.splice(0, round % turn.length));
  const found = new Map<Contestant, JoinSample>();
  for (const contestant of turn) {
    bench.progress(`joins: round ${round + 1}, ${name}, ${contestant.variant.name}`);
    const extent = bench.quick ? quickRun : run;
    found.set(contestant, await contestant.join({ campaigns, connections, extent }));
  }
  return found;
}

/** The figures of all stages: rate, p99, memory, and the CPU cores that each process used. */
export function figuresOf(
  stages: readonly Stage[],
  samples: Samples,
  disqualified: ReadonlySet<string>,
): Figure[] {
  return stages.flatMap((stage) =>
    stage.variants.map((variant) => {
      const rounds = samples.of(stage, variant);
      const refused = rounds.reduce((sum, { statuses }) => sum + (statuses['503'] ?? 0), 0);
      const memory = rounds.flatMap(({ memoryBytes }) => memoryBytes ?? []);
      const notes = [
        ...(memory.length === 0 ? [] : [`${(spreadOf(memory).median / 1e6).toFixed(0)} MB`]),
        ...(refused === 0 ? [] : [`${refused} answers 503`]),
      ];
      return {
        measurement: `joins: ${stage.name}`,
        variant: variant.name,
        unit: 'joins/s',
        value: disqualified.has(variant.name)
          ? undefined
          : spreadOf(rounds.map(({ rate }) => rate)),
        p99: spreadOf(rounds.map(({ latency }) => latency.p99)),
        usage: medianUsage(rounds.map(({ usage }) => usage)),
        note: notes.join(', '),
      };
    }),
  );
}
