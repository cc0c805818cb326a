import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { limits, type Limit } from '../../src/config/limits.ts';
import { sizeLimits } from '../../src/config/size-limits.ts';

const file = new URL('../../docs/security.md', import.meta.url);
const marks = ['<!-- limits -->\n', '<!-- /limits -->'] as const;
const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

function span(seconds: number, per: string): string {
  if (per === 'request') return 'in one request';
  if (seconds === 0) return 'at the same time';
  const [unit, length] = units.find(([, of]) => seconds % of === 0)!;
  const count = seconds / length;
  if (count > 1) return `in ${count} ${unit}s`;
  return unit === 'hour' ? 'in an hour' : `in a ${unit}`;
}

function table(): string {
  const rows = Object.entries<Limit>({ ...limits, ...sizeLimits }).map(([name, limit]) => {
    const { bounds, per, max, seconds, setting, answer, sharedAddress } = limit;
    const much = `${max.toLocaleString('en')} ${span(seconds, per)}`;
    const by = setting === undefined ? '' : ` (${setting})`;
    return `| \`${name}\` | ${bounds} | ${per} | ${much}${by} | ${answer} | ${sharedAddress} |\n`;
  });
  const head =
    '| limit | counted action | counted per | maximum | answer above it | many users behind one IP address |\n';
  return `\n${head}| --- | --- | --- | --- | --- | --- |\n${rows.join('')}\n`;
}

test('docs/security.md lists every limit of the code', () => {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = marks.map((mark) => text.indexOf(mark));
  const from = begin! + marks[0].length;
  assert.ok(begin! >= 0 && end! >= from);
  const now = `${text.slice(0, from)}${table()}${text.slice(end)}`;
  if (process.argv.includes('--write')) writeFileSync(file, now);
  assert.equal(text, now, 'run: node_modules/.bin/node test/docs/limits.test.ts --write');
});
