import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  commandsOf,
  kinds,
  moneyKinds,
  soldKinds,
  nearlySoldOut,
  nearlySoldOutUnpaid,
  starts,
  openWithTime,
  unpaidKinds,
} from './kinds.ts';
import type { World } from './real.ts';
import { runHistory, openWorld } from './world.ts';
import type { HttpService } from '../support/server/http-service.ts';
import * as replay from '../support/inputs/replay.ts';

const defaultRuns = 100;
const numRuns = Number(process.env['SAMBATAN_TEST_RUNS'] ?? defaultRuns);
/**
 * The number of histories that run at the same time, each in a world with a separate database. It
 * is the number of cores of a small machine.
 */
const worldsAtOnce = 2;

const services: HttpService[] = [];
after(async () => {
  for (const service of services.toReversed()) await service.close();
});
const worlds: World[] = [];
for (let n = 0; n < worldsAtOnce; n++) worlds.push(await openWorld(services));

const seen = new Map<string, number>();
const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

const onDone = { onDone: count, replay: replay.commands };
const histories = fc.oneof(
  fc.tuple(starts, commandsOf(kinds, onDone)),
  fc.tuple(starts.map(openWithTime), commandsOf(moneyKinds, onDone)),
  fc.tuple(starts.map(nearlySoldOut), commandsOf(soldKinds, onDone)),
  fc.tuple(starts.map(nearlySoldOutUnpaid), commandsOf(unpaidKinds, onDone)),
);
const historiesIn = (world: World, stop?: AbortSignal) =>
  fc.asyncProperty(histories, async ([start, steps]) => {
    if (stop?.aborted !== true) count(`ended ${await runHistory(world, start, steps)}`);
  });

test('random operations over HTTP have the same results as a simple model', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${replay.seed} for SAMBATAN_TEST_RUNS=${numRuns}`);
  const began = performance.now();
  await follows(numRuns, t.name);
  let portions = 0;
  try {
    if (numRuns < defaultRuns || replay.path !== undefined) return;
    await replay.untilSeen(rare, async (runs, nth) => {
      await follows(runs, t.name, numRuns + nth * worldsAtOnce);
      portions = nth + 1;
    });
  } finally {
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    const commands = [...seen].filter(([what]) => !what.startsWith('ended'));
    const total = commands.reduce((sum, [, times]) => sum + times, 0);
    t.diagnostic(
      `${numRuns} histories and ${portions} portions of 20, ${total} commands in ${seconds} s`,
    );
    const rows = [...seen].sort(([a], [b]) => a.localeCompare(b));
    t.diagnostic(rows.map(([what, times]) => `${what}: ${times}`).join(', '));
  }
});

/**
 * Runs this number of random histories, distributed over all worlds. The worlds use different
 * seeds, from seed + offset on.
 */
async function follows(runs: number, title: string, offset = 0): Promise<void> {
  const each = Math.ceil(runs / worldsAtOnce);
  const failed = new AbortController();
  const file = 'test/histories/histories.test.ts';
  const running = worlds
    .slice(0, replay.path === undefined ? worldsAtOnce : 1)
    .map(async (world, nth) => {
      const trial = { seed: replay.seed + offset + nth, numRuns: each, file, title };
      try {
        await replay.checkProperty(historiesIn(world, failed.signal), trial);
      } catch (error) {
        // Reports only the first failure. A failure in another world is found again in another run.
        if (!failed.signal.aborted) failed.abort(error);
      }
    });
  await Promise.all(running);
  failed.signal.throwIfAborted();
}

/** The expected outcomes that have not occurred often enough yet. */
function rare(): string[] {
  const times = (what: string) => seen.get(what) ?? 0;
  const isLong = numRuns >= 1_000;
  return [
    ...expectedOften.filter((what) => times(what) < (isLong ? 10 : 1)),
    ...(isLong ? expectedOnce.filter((what) => times(what) < 1) : []),
  ];
}

/** Statuses that must occur. Without them the histories would prove nothing. */
const expectedOften = [
  'join ok',
  'join slots_unavailable',
  'join deadline_passed',
  'join campaign_not_found',
  'join campaign_not_active',
  'join with key ok',
  'join with key idempotency_key_reused',
  'join twice at once ok',
  'wait ok',
  'cancel ok',
  'cancel forbidden',
  'cancel participation_not_found',
  'confirm ok',
  'create forbidden',
  'pay settled',
  'see settled',
  'see payment_not_due',
  'see payment_not_open',
  'transfer settled',
  'transfer credited',
  'transfer known',
  'transfer open',
  'transfer twice settled',
  'transfer twice credited',
  'assign credited',
  'set aside ok',
  'prove ok',
  'prove payment_not_open',
  'send refund ok',
  'fail refund ok',
  'release payout ok',
  'send payout ok',
  'dispute ok',
  'fulfil ok',
  'ship ok',
  'pass days ok',
  'decide ok',
  'publish ok',
  'resize campaign_already_open',
  'extend ok',
  'read forbidden',
  'ended active',
  'ended locked',
  'ended fulfilled',
  'ended expired',
  'ended cancelled',
];

/** Results that are rare because they need several steps; each must occur at least once. */
const expectedOnce = [
  'see known',
  'assign settled',
  'reject ok',
  'refund comes back ok',
  'resize ok',
  'extend deadline_not_later',
  'see credited',
  'accept ok',
  'pay forbidden',
  'see given',
  'write off ok',
  'deliver fewer ok',
  'resolve ok',
  'send payout payout_not_covered',
  'payout comes back ok',
  'imported ok',
  'decide no_decision_open',
];

/** Seeds with which a history once failed, each with the path to the smallest failing history. */
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, '../corpus/histories.json'), 'utf8'),
) as { seed: number; path?: string }[];

for (const { seed: failed, path } of corpus) {
  test(`the history of seed ${failed}, which once failed, passes`, async () => {
    const only = path === undefined ? { numRuns: 20 } : { path, numRuns: 1 };
    await fc.assert(historiesIn(worlds[0]!), { seed: failed, ...only });
  });
}
