import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findGrowth, soak, formatSample, type Sample } from '../soak/soak.ts';

test('a service releases all resources after a short use', async (t) => {
  const samples = await soak(t, {
    seconds: 9,
    parts: 3,
    lanes: 8,
    say: (line) => t.diagnostic(line),
  });
  const [, before, after] = samples as [Sample, Sample, Sample];
  assert.ok(after.requests > before.requests + 100, formatSample(after));
  assert.equal(after.listeners, before.listeners);
  assert.ok(Math.abs(after.sockets - before.sockets) <= 10, formatSample(after));
  assert.ok(Math.abs(after.timers - before.timers) <= 10, formatSample(after));
});

const sample = (part: number, what: Partial<Sample> = {}): Sample => ({
  requests: part * 10_000,
  heapMegabytes: 60 + (part % 3),
  externalMegabytes: 8,
  residentMegabytes: 200,
  sockets: 24 - (part % 2),
  timers: 12 + (part % 2),
  resources: 60,
  listeners: 9,
  connections: 23,
  ...what,
});
const samples = (what: (part: number) => Partial<Sample>) =>
  Array.from({ length: 10 }, (_, part) => sample(part, what(part)));

test('control: continuous growth is found; a one-time rise and fluctuation are not', () => {
  assert.deepEqual(findGrowth(samples(() => ({}))), []);
  assert.deepEqual(
    findGrowth(samples((part) => ({ heapMegabytes: part < 3 ? 40 : 70 + (part % 4) }))),
    [],
  );
  const leaks: [keyof Sample, number][] = [
    ['heapMegabytes', 1.5],
    ['externalMegabytes', 2],
    ['sockets', 2],
    ['timers', 2],
    ['listeners', 0.2],
    ['connections', 1.5],
  ];
  for (const [what, step] of leaks) {
    const wrong = findGrowth(samples((part) => ({ [what]: 50 + part * step })));
    assert.equal(wrong.length, 1, what);
    assert.match(wrong[0]!, new RegExp(`^${what} grew`));
  }
});
