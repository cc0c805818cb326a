import type { Content, Measurement } from '../bench.ts';
import { perCpuSecond, serviceMicroseconds } from '../load/job.ts';
import { spreadOf, type Row } from '../rows.ts';
import type { JoinSample, Variant } from '../support/contestants.ts';
import { runVariants, figuresOf, type Samples, type Stage } from '../support/run-variants.ts';

/** The variants that run on one database. */
const on = (content: Content) => {
  const where = content === 'empty' ? '' : ', 500,000 participations';
  return {
    ours: { name: `Sambatan${where}`, way: 'ours', content },
    single: { name: `one transaction per join${where}`, way: 'single', content },
    naive: { name: `five statements${where}`, way: 'naive', content },
    atomic: { name: `five statements in one transaction${where}`, way: 'atomic', content },
  } as const satisfies Record<string, Variant>;
};
const variants = { empty: on('empty'), full: on('full') };
type VariantName = keyof typeof variants.empty;
const floor: Variant = { name: 'floor: no database', way: 'floor', content: 'empty' };
const fixed: Variant = { name: 'node:http, fixed answer', way: 'bare', answer: 'fixed' };
const json: Variant = { name: 'node:http, JSON', way: 'bare', answer: 'json' };
/** The service without the job that builds trees and signs checkpoints of the public log. */
const withoutLogWriter: Variant = {
  name: 'Sambatan without the log writer',
  way: 'withoutLogWriter',
  content: 'empty',
};

const both = (...names: readonly VariantName[]): Variant[] =>
  names.flatMap((name) => [variants.empty[name], variants.full[name]]);

const lone: Stage = {
  name: 'one campaign, 1 connection',
  connections: 1,
  campaigns: 1,
  variants: both('ours', 'single'),
};
const hot: Stage = {
  name: 'one campaign, 200 connections',
  connections: 200,
  campaigns: 1,
  variants: [fixed, json, ...both('ours', 'naive', 'atomic'), floor, withoutLogWriter],
};
const crowd: Stage = {
  name: 'one campaign, 1,000 connections',
  connections: 1_000,
  campaigns: 1,
  variants: [fixed, ...both('ours')],
};
const many: Stage = {
  name: '1,000 campaigns, 200 connections',
  connections: 200,
  campaigns: 1_000,
  variants: both('ours'),
};
const stages: readonly Stage[] = [lone, hot, crowd, many];

/** The same variants with small loads, for a check of correctness. */
const quickStages: readonly Stage[] = [
  {
    ...hot,
    name: 'one campaign, 50 connections',
    connections: 50,
    variants: [...Object.values(variants.empty), variants.full.ours, withoutLogWriter],
  },
  {
    ...many,
    name: '20 campaigns, 50 connections',
    connections: 50,
    campaigns: 20,
    variants: [variants.empty.ours],
  },
];

/** Measures joins over HTTP, on an empty database and on one with 500,000 participations. */
export const joins: Measurement = {
  name: 'joins',
  title: 'Joins over HTTP',
  run: async (bench) => {
    const chosen = bench.quick ? quickStages : stages;
    const { samples, failures, disqualified } = await runVariants(bench, chosen);
    return {
      figures: figuresOf(chosen, samples, disqualified),
      rows: bench.quick ? [] : rowsOf(samples),
      failures,
    };
  },
};

const rate = (sample: JoinSample) => sample.rate;
const p99 = ({ latency }: JoinSample) => latency.p99;
const serviceCpu = (sample: JoinSample) => serviceMicroseconds(sample);

function rowsOf(samples: Samples): Row[] {
  const contents = ['empty', 'full'] as const;
  const rows = contents.flatMap((content) => rowsOn(samples, content));
  const { empty, full } = variants;
  const memory = samples.of(crowd, empty.ours).map(({ memoryBytes }) => (memoryBytes ?? 0) / 1e6);
  return [
    ...rows.toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what)),
    {
      what: 'hot joins/s, 500,000 participations ÷ empty',
      value: samples.ratio(rate, [hot, full.ours], [hot, empty.ours]),
      goal: { min: 0.9 },
    },
    {
      what: 'p99 of hot joins, empty ÷ 500,000 participations',
      value: samples.ratio(p99, [hot, empty.ours], [hot, full.ours]),
      goal: { min: 0.9 },
    },
    {
      what: 'joins/s, 200 connections ÷ the route without a database (the floor)',
      value: samples.ratio(rate, [hot, empty.ours], [hot, floor]),
    },
    {
      what: 'memory of the service in a crowd of 1,000 connections',
      value: spreadOf(memory),
      goal: { max: 280 },
      unit: 'MB',
    },
    {
      what: 'share of joins per CPU-second that the writer of the public log costs',
      value: costOf(samples.ratio(perCpuSecond, [hot, empty.ours], [hot, withoutLogWriter])),
      goal: { max: 5 },
      unit: '%',
    },
  ];
}

/** Turns a ratio into what is missing to 1, in percent. */
function costOf({ median, min, max }: { median: number; min: number; max: number }) {
  const missing = (ratio: number) => 100 * (1 - ratio);
  return { median: missing(median), min: missing(max), max: missing(min) };
}

const names = {
  hot: 'joins per CPU-second, one campaign, 200 connections ÷ fixed answer of node:http',
  crowd: 'joins per CPU-second, one campaign, 1,000 connections ÷ fixed answer of node:http',
  many: 'joins per CPU-second, 1,000 campaigns, 200 connections ÷ fixed answer of node:http',
  atomic: 'joins per CPU-second, 200 connections ÷ five statements in one transaction',
  node: 'CPU of the service per join ÷ CPU of a node:http JSON POST',
  lone: 'a lone join: joins/s ÷ one transaction per join',
  p99: 'p99 at 200 connections ÷ five statements',
  naive: 'joins/s, 200 connections ÷ five statements',
} as const;
const order: readonly string[] = Object.values(names);

function rowsOn(samples: Samples, content: Content): Row[] {
  const { ours, single, naive, atomic } = variants[content];
  const row = (what: string, value: Row['value'], goal?: Row['goal']): Row => ({
    what,
    content,
    value,
    ...(goal !== undefined && { goal }),
  });
  return [
    row(names.hot, samples.ratio(perCpuSecond, [hot, ours], [hot, fixed]), { min: 0.22 }),
    row(names.crowd, samples.ratio(perCpuSecond, [crowd, ours], [crowd, fixed]), { min: 0.27 }),
    row(names.many, samples.ratio(perCpuSecond, [many, ours], [hot, fixed]), { min: 0.14 }),
    row(names.atomic, samples.ratio(perCpuSecond, [hot, ours], [hot, atomic]), { min: 30 }),
    row(names.node, samples.ratio(serviceCpu, [hot, ours], [hot, json]), { max: 1.6 }),
    row(names.lone, samples.ratio(rate, [lone, ours], [lone, single]), { min: 0.95 }),
    row(names.p99, samples.ratio(p99, [hot, ours], [hot, naive]), { max: 0.1 }),
    row(names.naive, samples.ratio(rate, [hot, ours], [hot, naive])),
  ];
}
