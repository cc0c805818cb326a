import { isReached, type Figure, type Row, type Outcome, type Spread } from './rows.ts';
import type { Usage } from './load/job.ts';
import type { Environment } from './environment.ts';

/** All results of one run of the benchmark. */
export interface Report extends Outcome {
  readonly environment: Environment;
}

/** The tables as Markdown that is also readable in a terminal. */
export function markdown({ environment, figures, rows, failures }: Report): string {
  const parts = [
    '# Results of the benchmark',
    '',
    ...list(environment),
    '',
    ...(rows.length === 0 ? [] : [...rowTable(rows), '']),
    '## Every variant',
    '',
    'Results are medians over the rounds, with minimum and maximum. The last columns show the CPU',
    'cores that the service, PostgreSQL and the load generator used; 1.00 is one core all the time.',
    '',
    ...table(
      [
        'measurement',
        'variant',
        'median',
        'min – max',
        'p99 ms',
        'service cores',
        'PostgreSQL cores',
        'generator cores',
        'note',
      ],
      figures.map(figureCells),
    ),
    '',
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

const contents = { empty: 'empty', full: '500,000 participations' } as const;

/** The table of what is measured, with the goal and the result of each row. */
export function rowTable(rows: readonly Row[]): string[] {
  const heads = ['what', 'database', 'goal', 'measured', 'min – max', 'result'];
  return table(heads, rows.map(rowCells));
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
  return [usage?.server, usage?.postgres, usage?.generator].map(cell);
}

function rowCells(row: Row): string[] {
  const { what, content, value, goal, unit } = row;
  const bound = goal && ('min' in goal ? `≥ ${goal.min}` : `≤ ${goal.max}`);
  const withUnit = (text: string) => (unit === undefined ? text : `${text} ${unit}`);
  return [
    what,
    content === undefined ? '' : contents[content],
    bound === undefined ? '' : withUnit(bound),
    withUnit(number(value.median)),
    range(value),
    { true: 'reached', false: '**missed**', undefined: '' }[String(isReached(row))] ?? '',
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
