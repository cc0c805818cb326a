import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './rows.ts';
import { rowTable, list, markdown, type Report } from './report.ts';

const results = join(import.meta.dirname, 'results');
const page = join(import.meta.dirname, '../docs/performance.md');
const begin = '<!-- written by npm run bench: begin -->';
const end = '<!-- written by npm run bench: end -->';

/**
 * Writes a complete run to bench/results/latest.md and to its part of docs/performance.md. The raw
 * data goes to latest.json next to it, which git ignores.
 */
export function publish(report: Report): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'latest.md'), markdown(report));
  writeFileSync(join(results, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  const text = readFileSync(page, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${page} has lost its marks`);
  const part = [
    ...list(report.environment),
    '',
    ...rowTable(report.rows),
    '',
    'For a seller:',
    '',
    ...explainResults(report.figures).map((sentence) => `- ${sentence}`),
  ];
  writeFileSync(page, `${before}${begin}\n${part.join('\n')}\n${end}${after}`);
}

/** Explains some results in sentences; a missing result has none. */
export function explainResults(figures: readonly Figure[]): string[] {
  const find = (measurement: string, variant: string) =>
    figures.find((figure) => figure.measurement === measurement && figure.variant === variant);
  const hot = 'joins: one campaign, 200 connections';
  const joins = find(hot, 'Sambatan, 500,000 participations');
  const naive = find(hot, 'five statements, 500,000 participations');
  const last = figures.find(
    ({ measurement, variant }) =>
      measurement.endsWith('5,000 watchers') && variant === 'last update, p99',
  );
  const lag = figures.find(
    ({ measurement, variant }) => measurement.startsWith('deadline lag') && variant !== 'idle',
  );
  const seconds = (rate: number) => (5_000 / rate).toFixed(1);
  const sentences: (string | undefined)[] = [
    joins?.value &&
      `with 500,000 earlier orders in the database, a batch of 5,000 slots sells out in ${seconds(joins.value.median)} s` +
        (naive?.value ? ` (${seconds(naive.value.median)} s with five statements per join)` : ''),
    joins?.p99 &&
      `if 200 buyers always wait for an answer, 99 of 100 get it within ${Math.ceil(joins.p99.median)} ms`,
    last?.value &&
      `99 of 100 of the 5,000 people who watch the page see the last slot taken within ${Math.ceil(last.value.median)} ms`,
    lag?.value &&
      `99 of 100 campaigns are closed within ${Math.ceil(lag.value.median)} ms of their deadline, also while another campaign sells out`,
  ];
  return sentences.flatMap((sentence) => sentence ?? []);
}
