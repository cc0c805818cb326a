import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../environment.ts';
import { list } from '../report.ts';
import type { LoadResult } from './job.ts';

/** The loads, from the most realistic to the most artificial. */
export const loadNames = ['people', 'beside', 'joins'] as const;
export type LoadName = (typeof loadNames)[number];

/** The result of a load, with the CPU cores that the service and PostgreSQL used meanwhile. */
export interface Measured extends LoadResult {
  readonly usedCores: number;
}

/** The results of one load. */
export interface Result {
  readonly name: LoadName;
  readonly times: number;
  /** Duration of the overload, with the time in which the clients open their connections. */
  readonly seconds: number;
  /** The capacity: each connection sends its next request after its previous response. */
  readonly alone: Measured;
  readonly during: Measured;
  /** The visitors' pages of the scenario `beside`. */
  readonly others: Measured | undefined;
  readonly after: Measured;
  readonly seen: {
    readonly unwell: number;
    readonly memory: number;
    readonly longestHealthMs: number;
  };
  /** Joins that were answered `outcome_unknown`. */
  readonly unknown: number;
  /** Errors: lost or wrong data. */
  readonly failures: readonly string[];
}

const results = join(import.meta.dirname, '../results');
const page = join(import.meta.dirname, '../../docs/performance.md');
const begin = '<!-- written by npm run overload: begin -->';
const end = '<!-- written by npm run overload: end -->';

const titles: Readonly<Record<LoadName, (times: number) => string>> = {
  people: (times) =>
    `signed-in users (pages, join forms and progress, one third each), ${times} times the capacity`,
  beside: (times) =>
    `joins at their capacity, beside visitors' pages at ${times} times the capacity for pages`,
  joins: (times) => `joins with the API alone, ${times} times the capacity`,
};

/** The share of the capacity that successful answers must reach. */
const goodputTargets: Readonly<Record<LoadName, number>> = {
  people: 0.85,
  beside: 0.95,
  joins: 0.85,
};

/** The results as a table in Markdown. */
export function table(about: Environment, all: readonly Result[]): string {
  const parts = [...list(about), ''];
  for (const result of all) {
    parts.push(`**${titles[result.name](result.times)}**`, '');
    parts.push('| value | target | measured | result |', '| --- | --- | --- | --- |');
    for (const [what, target, measured, reached] of rowsOf(result)) {
      const word = reached === undefined ? '' : reached ? 'reached' : 'missed';
      parts.push(`| ${what} | ${target} | ${measured} | ${word} |`);
    }
    parts.push('', ...result.failures.map((failure) => `- WRONG: ${failure}`));
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

type Row = readonly [what: string, target: string, measured: string, reached?: boolean];

function rowsOf(result: Result): Row[] {
  const { name, alone, during, others, after, seen, seconds, unknown, failures } = result;
  const goodput = during.goodput / alone.goodput;
  const perCpu = (during.goodput / during.usedCores) * (alone.usedCores / alone.goodput);
  const target = goodputTargets[name];
  const mass = others ?? during;
  const due = mass.sent + mass.unsent;
  const recovered = recoverySeconds(after);
  const megabytes = Math.round(seen.memory / 1e6);
  const first = Math.round(mass.firstShed.p99);
  const isRight = failures.length === 0;
  return [
    ['capacity: successful answers without overload', '', perSecond(alone.goodput)],
    ['requests due and sent', '', `${perSecond(due / seconds)}, ${perSecond(mass.sent / seconds)}`],
    ['successful answers ÷ capacity', `≥ ${percent(target)}`, percent(goodput), goodput >= target],
    ['the same, per CPU-second of service and PostgreSQL', '', percent(perCpu)],
    ...(others ? [['pages answered meanwhile', '', perSecond(others.goodput)] as const] : []),
    ['time until a successful answer, p50 and p99', '', both(during.good)],
    ['time until a first rejection, p99', '≤ 250 ms', `${first} ms`, first <= 250],
    ['time until any rejection, p50 and p99', '', both(mass.shed)],
    ['time until a health answer, maximum', '', `${Math.round(seen.longestHealthMs)} ms`],
    ['memory of the service, maximum', '≤ 300 MB', `${megabytes} MB`, megabytes <= 300],
    ['time to recover after the overload', '≤ 3 s', `${recovered.toFixed(1)} s`, recovered <= 3],
    ['joins with an unknown outcome', '', String(unknown)],
    [
      'acknowledged = stored, nothing stored was reported as not stored, no invariant violated',
      'yes',
      isRight ? 'yes' : 'no',
      isRight,
    ],
    ['CPU cores used by the load generator', '', mass.ownCores.toFixed(2)],
  ];
}

const perSecond = (count: number) => `${Math.round(count)}/s`;
const percent = (share: number) => `${Math.round(share * 100)} %`;
const both = ({ p50, p99 }: { readonly p50: number; readonly p99: number }) =>
  `${Math.round(p50)} ms, ${Math.round(p99)} ms`;

/** Seconds from the end of the overload until no request is refused or waits half a second. */
function recoverySeconds({ course }: LoadResult): number {
  const isWell = (slice: LoadResult['course'][number] | null | undefined) =>
    !slice || (slice.sheds === 0 && slice.longest < 500);
  let last = -1;
  for (const [index, slice] of course.entries()) if (!isWell(slice)) last = index;
  return (last + 1) / 10;
}

/**
 * Writes the results to bench/results/overload.md and to their part of docs/performance.md. The raw
 * data goes to overload.json next to it, which git ignores.
 */
export function publish(about: Environment, all: readonly Result[]): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'overload.md'), `# Results under overload\n\n${table(about, all)}`);
  const brief = (one: Measured | undefined) =>
    one && { ...one, course: undefined, rejectedIds: undefined };
  const short = all.map(({ alone, during, others, after, ...rest }) => ({
    ...rest,
    alone: brief(alone),
    during: brief(during),
    others: brief(others),
    after: brief(after),
  }));
  writeFileSync(
    join(results, 'overload.json'),
    `${JSON.stringify({ about, results: short }, null, 2)}\n`,
  );
  const text = readFileSync(page, 'utf8');
  const [before, rest] = text.split(begin);
  const behind = rest?.split(end)[1];
  if (before === undefined || behind === undefined) throw new Error(`${page} has lost its marks`);
  writeFileSync(page, `${before}${begin}\n${table(about, all)}\n${end}${behind}`);
}
