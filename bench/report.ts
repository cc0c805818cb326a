import { isReached, type Figure, type Goal, type Outcome, type Spread } from './figures.ts';
import type { Usage } from './load/job.ts';
import type { Circumstances } from './environment.ts';

/** All results of one run of the benchmark. */
export interface Report extends Outcome {
  readonly circumstances: Circumstances;
}

/** The tables as Markdown that is also readable in a terminal. */
export function markdown({ circumstances, figures, goals, failures }: Report): string {
  const parts = [
    '# Benchmark',
    ...list(circumstances),
    '',
    'Figures are medians over the rounds, with the least and the most; processor time is in cores',
    '(1.00 is one core all the time) of the server, PostgreSQL, the load generator and the rest.',
    '',
    ...table(
      [
        'measurement',
        'variant',
        'median',
        'least – most',
        'p99 ms',
        'server',
        'PG',
        'load',
        'rest',
        '',
      ],
      figures.map(figureCells),
    ),
    '',
    ...(goals.length === 0 ? [] : [...goalTable(goals), '']),
    ...(failures.length === 0
      ? ['Nothing was lost or oversold, and the invariants hold after every variant.']
      : ['WRONG:', '', ...failures.map((sentence) => `- ${sentence}`)]),
    '',
  ];
  return parts.join('\n');
}

/** The conditions, one per line. */
export function list(circumstances: Circumstances): string[] {
  return Object.entries(circumstances).map(([name, value]) => `- ${name}: ${value}`);
}

export function goalTable(goals: readonly Goal[]): string[] {
  const heads = ['measurement', 'ratio', 'to reach', 'median', 'least – most', ''];
  return table(heads, goals.map(goalCells));
}

function figureCells({ measurement, variant, unit, value, p99, usage, note }: Figure): string[] {
  return [
    measurement,
    variant,
    value === undefined ? 'no figure' : `${number(value.median)} ${unit}`,
    value === undefined ? '' : range(value),
    p99 === undefined ? '' : number(p99.median),
    ...usageCells(usage),
    note ?? '',
  ];
}

function usageCells(usage: Usage | undefined): string[] {
  const cell = (cores: number | undefined) => (cores === undefined ? '' : cores.toFixed(2));
  return [usage?.server, usage?.postgres, usage?.generator, usage?.others].map(cell);
}

function goalCells(goal: Goal): string[] {
  const { measurement, what, value, toReach, unit } = goal;
  const bound = toReach && ('least' in toReach ? `≥ ${toReach.least}` : `≤ ${toReach.most}`);
  return [
    measurement,
    what,
    [bound, unit].filter((part) => part !== undefined).join(' '),
    number(value.median),
    range(value),
    { true: 'reached', false: 'missed', undefined: 'a bound' }[String(isReached(goal))] ?? '',
  ];
}

const range = ({ least, most }: Spread) => `${number(least)} – ${number(most)}`;

/** Three significant digits. */
function number(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [
    line(heads),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.map(line),
  ];
}
