import type { Measurement } from '../bench.ts';
import { ratioOf, type Goal } from '../figures.ts';
import {
  runVariants,
  figuresOf,
  p99s,
  rates,
  type Samples,
  type Stage,
} from '../support/run-variants.ts';
import type { Variant } from '../support/variant-server.ts';

/** The four variants of every measurement of joins. */
export const variants = {
  ours: { name: 'Sambatan', way: 'ours' },
  single: { name: 'one transaction per join', way: 'single' },
  naive: { name: 'five statements per join', way: 'naive' },
  floor: { name: 'floor: no database', way: 'floor' },
} as const satisfies Record<string, Variant>;

/** The five statements in one transaction: a crash loses as little as with Sambatan. */
const atomic: Variant = { name: 'five statements in one transaction', way: 'atomic' };

/** A variant with a queue for each campaign, and variants that show the cost of one safeguard. */
const more = {
  queued: { name: 'one transaction per join, one at a time', way: 'queued' },
  limited: { name: 'Sambatan, join limit on', way: 'ours', limit: 10 },
  keyed: { name: 'Sambatan, Idempotency-Key', way: 'ours', keys: true },
  tokens: { name: 'Sambatan, each buyer with a new token', way: 'ours', tokens: true },
  floorTokens: { name: 'floor, each buyer with a new token', way: 'floor', tokens: true },
} as const satisfies Record<string, Variant>;

const main = Object.values(variants);
const everybody = [...main, atomic, ...Object.values(more)];

const { ours, single, naive, floor } = variants;

export const hotJoins: Measurement = {
  name: 'joins-hot',
  title: 'Joins on one campaign',
  run: async (bench) => {
    const stages: Stage[] = bench.quick
      ? [{ connections: 50, entries: everybody }]
      : [
          { connections: 1, entries: [ours, single] },
          { connections: 50, entries: main },
          { connections: 200, entries: everybody },
          { connections: 1_000, entries: main },
        ];
    const result = await runVariants(bench, 'joins-hot', 1, stages);
    const title = (connections: number) => `joins on one campaign, ${connections} connections`;
    const goals = bench.quick ? [] : stages.flatMap(goalsOf(result.samples, title));
    if (!bench.quick) goals.push(keepsThroughput(result.samples, stages, title));
    return { figures: figuresOf(title, stages, result), goals, failures: result.failures };
  },
};

type Title = (connections: number) => string;

/** Returns a function that creates the goals of a stage. */
function goalsOf(samples: Samples, title: Title): (stage: Stage) => Goal[] {
  return ({ connections }) => {
    const measurement = title(connections);
    const rate = (over: Variant, under: Variant) =>
      ratioOf(rates(samples, connections, over), rates(samples, connections, under));
    const ofSingle = {
      measurement,
      what: 'throughput ÷ one transaction per join',
      value: rate(ours, single),
    };
    if (connections === 1) return [{ ...ofSingle, target: { min: 0.9 } }];
    const p99 = ratioOf(p99s(samples, connections, ours), p99s(samples, connections, naive));
    const ofFloor = { measurement, what: 'throughput ÷ floor', value: rate(ours, floor) };
    return [
      ...(connections === 200 ? [{ ...ofFloor, target: { min: 0.8 } }] : []),
      {
        measurement,
        what: 'throughput ÷ five statements',
        value: rate(ours, naive),
        target: { min: 20 },
      },
      ...(connections === 200
        ? [
            {
              measurement,
              what: 'throughput ÷ five statements in one transaction',
              value: rate(ours, atomic),
            },
          ]
        : []),
      // No HTTP service on this machine can be faster than the floor, so no target can be higher.
      { measurement, what: 'throughput of the floor ÷ five statements', value: rate(floor, naive) },
      { ...ofSingle, target: { min: 5 } },
      {
        measurement,
        what: 'p99 ÷ p99 of five statements',
        value: p99,
        target: { max: 0.2 },
      },
    ];
  };
}

/**
 * The throughput with the most connections, divided by the best throughput with fewer connections.
 */
function keepsThroughput(samples: Samples, stages: readonly Stage[], title: Title): Goal {
  const [crowd, ...fewer] = stages.map(({ connections }) => connections).sort((a, b) => b - a);
  const best = rates(samples, crowd!, ours).map((_, round) =>
    Math.max(...fewer.map((connections) => rates(samples, connections, ours)[round]!)),
  );
  return {
    measurement: title(crowd!),
    what: 'throughput ÷ best with fewer connections',
    value: ratioOf(rates(samples, crowd!, ours), best),
    target: { min: 0.9 },
  };
}

export const manyCampaignJoins: Measurement = {
  name: 'joins-many',
  title: 'Joins over 1,000 campaigns',
  run: async (bench) => {
    const campaigns = bench.quick ? 50 : 1_000;
    const stages: Stage[] = [{ connections: bench.quick ? 50 : 200, entries: main }];
    const result = await runVariants(bench, 'joins-many', campaigns, stages);
    const title = (connections: number) =>
      `joins over ${campaigns} campaigns, ${connections} connections`;
    const { connections } = stages[0]!;
    const rate = (entry: Variant) => rates(result.samples, connections, entry);
    const goals: Goal[] = bench.quick
      ? []
      : [
          {
            measurement: title(connections),
            what: 'throughput ÷ floor',
            value: ratioOf(rate(ours), rate(floor)),
            target: { min: 0.6 },
          },
          {
            measurement: title(connections),
            what: 'throughput ÷ one transaction per join',
            value: ratioOf(rate(ours), rate(single)),
            target: { min: 1.5 },
          },
        ];
    return { figures: figuresOf(title, stages, result), goals, failures: result.failures };
  },
};
