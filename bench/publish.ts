import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figures.ts';
import { goalTable, list, markdown, type Report } from './report.ts';

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
    ...goalTable(report.goals),
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
  const joins = find('joins on one campaign, 200 connections', 'Sambatan');
  const naive = find('joins on one campaign, 200 connections', 'five statements per join');
  const last = find('flash sale, 200 connections', 'delay of the last update, p99');
  const lag = figures.find(
    ({ measurement, variant }) =>
      measurement.startsWith('deadline lag') && variant === 'Sambatan, p99',
  );
  const sentences: (string | undefined)[] = [
    joins?.value &&
      `a batch of 5,000 slots sells out in ${(5_000 / joins.value.median).toFixed(1)} s` +
        (naive?.value
          ? ` (${(5_000 / naive.value.median).toFixed(0)} s with five statements per join)`
          : ''),
    joins?.p99 &&
      `99 of 100 buyers who order at the same moment get their answer within ${Math.ceil(joins.p99.median)} ms`,
    last?.value &&
      `99 of 100 watchers see the last slot taken within ${Math.ceil(last.value.median)} ms`,
    lag?.value &&
      `99 of 100 campaigns are closed within ${Math.ceil(lag.value.median)} ms of their deadline`,
  ];
  return sentences.flatMap((sentence) => sentence ?? []);
}
