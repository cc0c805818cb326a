import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, usualUsage, type Figure, type Goal } from '../figures.ts';
import type { Answered } from '../load/job.ts';
import { Contestant, type Entry } from '../rig/contestant.ts';

/** The four that every measurement of joins has. */
export const entries = {
  ours: { name: 'Sambatan', way: 'ours' },
  single: { name: 'one transaction per join', way: 'single' },
  naive: { name: 'five statements per join', way: 'naive' },
  floor: { name: 'floor: no database', way: 'floor' },
} as const satisfies Record<string, Entry>;

/** One more way for our own transactions, and what each safeguard costs. */
const more = {
  queued: { name: 'one transaction per join, one at a time', way: 'queued' },
  limited: { name: 'Sambatan, join limit on', way: 'ours', limit: 10 },
  keyed: { name: 'Sambatan, Idempotency-Key', way: 'ours', keys: true },
  tokens: { name: 'Sambatan, each buyer with a new token', way: 'ours', tokens: true },
  floorTokens: { name: 'floor, each buyer with a new token', way: 'floor', tokens: true },
} as const satisfies Record<string, Entry>;

const main = Object.values(entries);
const everybody = [...main, ...Object.values(more)];

/** Samples of each round, by connections and variant. */
type Samples = Map<string, Answered[]>;
const key = (connections: number, entry: Entry) => `${connections} ${entry.name}`;

const run = { warmSeconds: 1, seconds: 3 };
const quickRun = { warmSeconds: 0.1, seconds: 0.5 };

/** A stage of a measurement: so many connections, and who takes part. */
interface Stage {
  readonly connections: number;
  readonly entries: readonly Entry[];
}

/**
 * Runs every stage with every one of its variants in each round, each time beginning with another,
 * so that whatever drifts (heat, files that grow) falls on all alike.
 */
async function compete(
  bench: Bench,
  name: string,
  campaigns: number,
  stages: readonly Stage[],
): Promise<{ samples: Samples; failures: string[]; disqualified: Set<string> }> {
  const samples: Samples = new Map();
  const taking = new Set(stages.flatMap((stage) => stage.entries));
  const contestants: Contestant[] = [];
  for (const entry of taking) {
    const database = `bench_${name}_${contestants.length}`.replaceAll('-', '_');
    contestants.push(await Contestant.enter(bench, entry, database));
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

function figuresOf(
  title: (connections: number) => string,
  stages: readonly Stage[],
  { samples, disqualified }: { samples: Samples; disqualified: Set<string> },
): Figure[] {
  return stages.flatMap(({ connections, entries: some }) =>
    some.map((entry) => {
      const rounds = samples.get(key(connections, entry))!;
      return {
        measurement: title(connections),
        variant: entry.name,
        unit: 'joins/s',
        value: disqualified.has(entry.name) ? undefined : spreadOf(rounds.map(({ rate }) => rate)),
        p99: spreadOf(rounds.map(({ latency }) => latency.p99)),
        usage: usualUsage(rounds.map(({ usage }) => usage)),
      };
    }),
  );
}

/** Every round's rate, or its p99. */
const rates = (samples: Samples, connections: number, entry: Entry) =>
  samples.get(key(connections, entry))!.map(({ rate }) => rate);
const p99s = (samples: Samples, connections: number, entry: Entry) =>
  samples.get(key(connections, entry))!.map(({ latency }) => latency.p99);

const { ours, single, naive, floor } = entries;

export const hotJoins: Measurement = {
  name: 'joins-hot',
  title: 'Joins on one campaign',
  run: async (bench) => {
    const stages: Stage[] = bench.quick
      ? [{ connections: 50, entries: everybody }]
      : [
          { connections: 50, entries: main },
          { connections: 200, entries: everybody },
          { connections: 1_000, entries: main },
        ];
    const result = await compete(bench, 'joins-hot', 1, stages);
    const title = (connections: number) => `joins on one campaign, ${connections} connections`;
    const goals: Goal[] = bench.quick
      ? []
      : stages.flatMap(({ connections }) => {
          const rate = (entry: Entry) => rates(result.samples, connections, entry);
          const p99 = (entry: Entry) => p99s(result.samples, connections, entry);
          const measurement = title(connections);
          return [
            ...(connections === 200
              ? [
                  {
                    measurement,
                    what: 'of the floor',
                    value: ratioOf(rate(ours), rate(floor)),
                    toReach: { least: 0.8 },
                  },
                ]
              : []),
            {
              measurement,
              what: '× five statements',
              value: ratioOf(rate(ours), rate(naive)),
              toReach: { least: 20 },
            },
            {
              measurement,
              what: '× one transaction per join',
              value: ratioOf(rate(ours), rate(single)),
              toReach: { least: 5 },
            },
            {
              measurement,
              what: 'p99, of that of five statements',
              value: ratioOf(p99(ours), p99(naive)),
              toReach: { most: 0.2 },
            },
          ];
        });
    if (!bench.quick) goals.push(holdsUp(result.samples, stages, title));
    return { figures: figuresOf(title, stages, result), goals, failures: result.failures };
  },
};

/** Throughput with the most connections, of the best with fewer. */
function holdsUp(
  samples: Samples,
  stages: readonly Stage[],
  title: (connections: number) => string,
): Goal {
  const [crowd, ...fewer] = stages.map(({ connections }) => connections).sort((a, b) => b - a);
  const best = rates(samples, crowd!, ours).map((_, round) =>
    Math.max(...fewer.map((connections) => rates(samples, connections, ours)[round]!)),
  );
  return {
    measurement: title(crowd!),
    what: 'of the best with fewer connections',
    value: ratioOf(rates(samples, crowd!, ours), best),
    toReach: { least: 0.9 },
  };
}

export const manyCampaignJoins: Measurement = {
  name: 'joins-many',
  title: 'Joins over 1,000 campaigns',
  run: async (bench) => {
    const campaigns = bench.quick ? 50 : 1_000;
    const stages: Stage[] = [{ connections: bench.quick ? 50 : 200, entries: main }];
    const result = await compete(bench, 'joins-many', campaigns, stages);
    const title = (connections: number) =>
      `joins over ${campaigns} campaigns, ${connections} connections`;
    const { connections } = stages[0]!;
    const rate = (entry: Entry) => rates(result.samples, connections, entry);
    const goals: Goal[] = bench.quick
      ? []
      : [
          {
            measurement: title(connections),
            what: 'of the floor',
            value: ratioOf(rate(ours), rate(floor)),
            toReach: { least: 0.6 },
          },
          {
            measurement: title(connections),
            what: '× one transaction per join',
            value: ratioOf(rate(ours), rate(single)),
            toReach: { least: 1.5 },
          },
        ];
    return { figures: figuresOf(title, stages, result), goals, failures: result.failures };
  },
};
