import { isReached, type Figure, type Goal, type Outcome, type Spread } from './figures.ts';
import type { Usage } from './load/job.ts';
import type { Environment } from './environment.ts';

/** All results of one run of the benchmark. */
export interface Report extends Outcome {
  readonly environment: Environment;
}

/** The tables as Markdown that is also readable in a terminal. */
export function markdown({ environment, figures, goals, failures }: Report): string {
  const parts = [
    '# Results of the benchmark',
    '',
    ...list(environment),
    '',
    'Results are medians over the rounds, with minimum and maximum. The last columns show the CPU',
    'cores that the server, PostgreSQL, the load generator and all other programs used; 1.00 is one',
    'core all the time.',
    '',
    ...table(
      [
        'measurement',
        'variant',
        'median',
        'min – max',
        'p99 ms',
        'server cores',
        'PostgreSQL cores',
        'load generator cores',
        'other cores',
        'note',
      ],
      figures.map(figureCells),
    ),
    '',
    ...(goals.length === 0 ? [] : [...goalTable(goals), '']),
    ...(failures.length === 0
      ? ['No join was lost, no campaign was oversold, and no variant violated an invariant.']
      : ['WRONG:', '', ...failures.map((sentence) => `- ${sentence}`)]),
    '',
  ];
  return parts.join('\n');
}

/** The machine, versions and settings of a run, one per line. */
export function list(environment: Environment): string[] {
  return Object.entries(environment).map(([name, value]) => `- ${name}: ${value}`);
}

export function goalTable(goals: readonly Goal[]): string[] {
  const heads = ['measurement', 'ratio', 'target', 'median', 'min – max', 'result'];
  return table(heads, goals.map(goalCells));
}

function figureCells({ measurement, variant, unit, value, p99, usage, note }: Figure): string[] {
  return [
    measurement,
    variant,
    value === undefined ? 'no result' : `${number(value.median)} ${unit}`,
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
  const { measurement, what, value, target, unit } = goal;
  const bound = target && ('min' in target ? `≥ ${target.min}` : `≤ ${target.max}`);
  return [
    measurement,
    what,
    [bound, unit].filter((part) => part !== undefined).join(' '),
    number(value.median),
    range(value),
    { true: 'reached', false: 'missed', undefined: 'no target' }[String(isReached(goal))] ?? '',
  ];
}

const range = ({ min, max }: Spread) => `${number(min)} – ${number(max)}`;

/** Formats a number with three significant digits. */
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
