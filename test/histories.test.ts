import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { HistoryModel, roles, type Beginning, type Role } from './histories/model.ts';
import {
  compareEverything,
  Step,
  unit,
  type Plan,
  type Real,
  type World,
} from './histories/steps.ts';
import { httpService, type HttpService } from './rig/http-service.ts';
import { ask } from './rig/market.ts';
import { openTill } from './rig/till.ts';
import { campaignBody, expectStatus, fromNow, openShop } from './rig/shop.ts';
import type { Terms } from './waiting/model.ts';

const seed = Number(process.env['SAMBATAN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env['SAMBATAN_TEST_RUNS'] ?? 1_000);
const users = 6;
/** A run of the lifecycle is everybody's: histories that go on at once have worlds of their own. */
const worldsAtOnce = 4;

const services: HttpService[] = [];
after(async () => {
  for (const service of services.toReversed()) await service.close();
});

async function openWorld(): Promise<World> {
  const first = await httpService();
  const second = await httpService({ beside: first });
  services.push(first, second);
  const shop = await openShop(first);
  const rival = await openShop(first);
  const buyers = await Promise.all(Array.from({ length: users }, () => first.user()));
  return {
    replicas: [first, second],
    shop,
    till: await openTill(first.db),
    buyers,
    callers: {
      visitor: first.visitor,
      other: await first.user(),
      seller: shop.seller,
      rival: rival.seller,
      operator: await first.operator(),
      service: first.service,
    },
  };
}

const worlds: World[] = [];
for (let n = 0; n < worldsAtOnce; n++) worlds.push(await openWorld());

const seen = new Map<string, number>();
const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);

const some = fc.integer({ min: 1, max: 5 });
const few = fc.integer({ min: 1, max: 3 });
const whose = fc.nat(users - 1);
const any = fc.nat(1_000);
const none = fc.constant(0);
const seldom = fc.nat(9);

type Kind = readonly [Plan[0], number, fc.Arbitrary<number>, fc.Arbitrary<number>, readonly Role[]];
const anybody: readonly Role[] = roles;
/** Whoever may, most of the time. */
const mostly = (...likely: Role[]): readonly Role[] => [...likely, ...likely, ...likely, ...roles];

const kinds: readonly Kind[] = [
  ['join', 8, whose, few, anybody],
  ['join with key', 4, whose, few, anybody],
  ['join twice at once', 1, whose, few, anybody],
  ['wait', 4, whose, few, anybody],
  ['cancel', 5, any, none, mostly('owner', 'operator', 'service')],
  ['confirm', 4, any, none, mostly('operator', 'service')],
  ['pay', 4, any, fc.nat(1), mostly('operator', 'service')],
  ['fulfil', 2, any, none, mostly('owner', 'service')],
  ['accept', 3, any, none, mostly('owner', 'service')],
  ['decline', 1, any, none, mostly('owner', 'service')],
  ['withdraw', 1, any, none, mostly('owner', 'operator')],
  ['publish', 2, none, none, mostly('seller', 'service')],
  ['retitle', 1, any, any, mostly('seller', 'service')],
  ['resize', 1, any, none, mostly('seller', 'service')],
  ['extend', 1, some, none, mostly('seller', 'operator')],
  // Once and again a history ends by it.
  ['call off', 1, none, seldom, mostly('seller', 'operator')],
  ['pass', 4, some, none, anybody],
  ['run', 3, any, none, anybody],
  ['read', 3, any, none, anybody],
];

const plans = fc.oneof(
  ...kinds.map(([verb, weight, first, second, who]) => ({
    weight,
    arbitrary: fc.tuple(fc.constant(verb), first, second, fc.constantFrom(...who)),
  })),
);

interface Start {
  readonly terms: Terms;
  readonly beginning: Beginning;
  /** Seconds. */
  readonly opensAt: number;
}

const starts: fc.Arbitrary<Start> = fc
  .record({
    total: fc.integer({ min: 1, max: 8 }),
    mostPerUser: fc.integer({ min: 2, max: 8 }),
    upfront: fc.boolean(),
    deadline: fc.integer({ min: 4, max: 40 }),
    beginning: fc.constantFrom<Beginning>('active', 'active', 'active', 'draft', 'scheduled'),
    opens: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ total, mostPerUser, upfront, deadline, beginning, opens }) => ({
    beginning,
    opensAt: opens * unit,
    terms: {
      total,
      minimum: Math.ceil(total / 2),
      mostPerUser: Math.min(mostPerUser, total),
      upfront,
      deadline: deadline * unit,
      hold: 3 * unit,
      offer: 4 * unit,
    },
  }));

const directory = join(import.meta.dirname, '../sql/invariants');
/** Those of campaigns; chains are verified when the databases are closed. */
const invariants = readdirSync(directory)
  .filter((file) => !/audit_chain|access_log/.test(file))
  .map((file) => readFileSync(join(directory, file), 'utf8').trim().replace(/;$/, ''));

async function follow(
  world: World,
  { terms, beginning, opensAt }: Start,
  steps: Iterable<fc.AsyncCommand<HistoryModel, Real>>,
): Promise<void> {
  const { shop } = world;
  const model = new HistoryModel(terms, beginning, opensAt);
  model.title = 'Senja batch pertama';
  const body = campaignBody(shop.productId, {
    title: model.title,
    total_slots: terms.total,
    minimum_slots: terms.minimum,
    max_slots_per_user: terms.mostPerUser,
    payment_timing: terms.upfront ? 'upfront' : 'on_completion',
    hold_seconds: terms.hold,
    deadline: fromNow(terms.deadline * 1_000),
    publish: beginning === 'active',
    ...(beginning === 'scheduled' ? { opens_at: fromNow(opensAt * 1_000) } : {}),
  });
  const { id: campaignId } = expectStatus(await shop.seller.post('/campaigns', body), 201);
  const real: Real = { world, campaignId, parts: [], entries: [], answers: new Map() };
  await fc.asyncModelRun(() => ({ model, real }), steps);
  await compareEverything(model, real);
  count(`ended ${model.status}`);
  const { db } = world.replicas[0];
  for (const text of invariants) {
    const broken = await ask(db, `select * from (${text}) i where campaign_id = $1`, campaignId);
    assert.deepEqual(broken, []);
  }
  // What stays open would be gone through by every later run of the lifecycle.
  const ended = model.end !== null;
  const last = await shop.seller.post(`/campaigns/${campaignId}/cancel`, { reason: 'selesai uji' });
  assert.equal(last.status, ended ? 409 : 200, last.text);
}

const historiesIn = (world: World) =>
  fc.asyncProperty(
    starts,
    fc.commands([plans.map((plan) => new Step(plan, count))], { maxCommands: 60, size: 'max' }),
    (start, steps) => follow(world, start, steps),
  );

test('whatever is done to campaigns over HTTP, a simple model does the same', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed} for SAMBATAN_TEST_RUNS=${numRuns}`);
  const began = performance.now();
  const each = Math.ceil(numRuns / worldsAtOnce);
  const runs = worlds.map((world, nth) =>
    fc.assert(historiesIn(world), { seed: seed + nth, numRuns: each }),
  );
  const failed = (await Promise.allSettled(runs)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const commands = [...seen].filter(([what]) => !what.startsWith('ended'));
  const total = commands.reduce((sum, [, times]) => sum + times, 0);
  t.diagnostic(`${each * worldsAtOnce} histories, ${total} commands in ${seconds} s`);
  const rows = [...seen].sort(([a], [b]) => a.localeCompare(b));
  t.diagnostic(rows.map(([what, times]) => `${what}: ${times}`).join(', '));
  if (numRuns < 200) return;
  const enough = numRuns < 1_000 ? 1 : 10;
  for (const what of expectedOften) assert.ok((seen.get(what) ?? 0) >= enough, `few ${what}`);
});

/** What histories are about: without these they would show nothing. */
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
  'pay ok',
  'pay forbidden',
  'fulfil ok',
  'accept ok',
  'publish ok',
  'resize ok',
  'resize campaign_already_open',
  'extend ok',
  'extend deadline_not_later',
  'read forbidden',
  'ended active',
  'ended locked',
  'ended fulfilled',
  'ended expired',
  'ended cancelled',
];

/** Seeds that once failed, each with the path to its smallest history. */
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, 'corpus/histories.json'), 'utf8'),
) as { seed: number; path?: string }[];

for (const { seed: failed, path } of corpus) {
  test(`the history of seed ${failed} that once failed holds`, async () => {
    const only = path === undefined ? { numRuns: 20 } : { path, numRuns: 1 };
    await fc.assert(historiesIn(worlds[0]!), { seed: failed, ...only });
  });
}
