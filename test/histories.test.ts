import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Calendar } from './histories/calendar.ts';
import { HistoryModel, roles, type Beginning, type Role } from './histories/model.ts';
import { price } from './histories/money.ts';
import { isMoney } from './histories/money-steps.ts';
import type { Real, World } from './histories/real.ts';
import { compareEverything, Step, unit, type Plan } from './histories/steps.ts';
import { expectInvariants } from './rig/campaign-invariants.ts';
import { httpService, type HttpService } from './rig/http-service.ts';
import { ask } from './rig/market.ts';
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

/** What happens after success has to happen within a history: hours are as few as they may be. */
const environment = {
  SAMBATAN_PAYMENT_TERM: '1',
  SAMBATAN_PAYMENT_GRACE: '1',
  SAMBATAN_VERIFICATION_HOURS: '2',
  SAMBATAN_DECISION_HOURS: '1',
};
const decisionSeconds = 3_600;

async function openWorld(): Promise<World> {
  const first = await httpService({ environment });
  const second = await httpService({ environment, beside: first });
  services.push(first, second);
  const shop = await openShop(first);
  const rival = await openShop(first);
  const buyers = await Promise.all(Array.from({ length: users }, () => first.user()));
  return {
    replicas: [first, second],
    shop,
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
const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

const some = fc.integer({ min: 1, max: 5 });
const few = fc.integer({ min: 1, max: 3 });
const whose = fc.nat(users - 1);
const any = fc.nat(1_000);
const none = fc.constant(0);
const seldom = fc.nat(9);
const ways = fc.nat(7);

type Kind = readonly [Plan[0], number, fc.Arbitrary<number>, fc.Arbitrary<number>, readonly Role[]];
const anybody: readonly Role[] = roles;
/** Whoever may, most of the time. */
const mostly = (...likely: Role[]): readonly Role[] => [
  ...Array.from({ length: 24 / likely.length }, () => likely).flat(),
  ...roles,
];

const kinds: readonly Kind[] = [
  ['join', 8, whose, few, anybody],
  ['join with key', 4, whose, few, anybody],
  ['join twice at once', 1, whose, few, anybody],
  ['wait', 6, whose, few, anybody],
  ['cancel', 5, any, none, mostly('owner', 'operator', 'service')],
  ['confirm', 4, any, none, mostly('operator', 'service')],
  ['look', 4, any, none, mostly('owner')],
  ['pay', 4, any, ways, mostly('operator', 'service')],
  ['see', 4, any, ways, mostly('operator', 'service')],
  ['transfer', 4, any, ways, mostly('operator', 'service')],
  ['transfer twice', 2, any, ways, mostly('operator')],
  ['assign', 2, any, ways, mostly('operator')],
  ['imported', 2, any, ways, ['service']],
  ['decide', 2, any, none, mostly('seller', 'operator')],
  ['set aside', 1, any, none, mostly('operator')],
  ['prove', 3, any, none, mostly('owner', 'service')],
  ['reject', 2, any, none, mostly('operator', 'service')],
  ['write off', 1, any, none, mostly('operator')],
  ['send refund', 2, any, ways, mostly('operator', 'service')],
  ['fail refund', 1, any, none, mostly('operator')],
  ['refund comes back', 1, any, none, mostly('operator')],
  ['release payout', 2, any, none, mostly('operator')],
  ['send payout', 3, any, ways, mostly('operator')],
  ['payout comes back', 1, any, none, mostly('operator')],
  ['deliver fewer', 2, any, ways, mostly('seller', 'operator')],
  ['dispute', 2, any, ways, mostly('owner', 'service')],
  ['resolve', 2, any, ways, mostly('operator')],
  ['fulfil', 3, any, none, mostly('owner', 'service')],
  ['correct', 4, any, few, mostly('owner', 'service')],
  ['accept', 6, any, none, mostly('owner', 'service')],
  ['decline', 1, any, none, mostly('owner', 'service')],
  ['withdraw', 1, any, none, mostly('owner', 'operator')],
  ['create', 1, none, none, anybody],
  ['publish', 2, none, none, mostly('seller', 'service')],
  ['retitle', 1, any, any, mostly('seller', 'service')],
  ['resize', 1, any, none, mostly('seller', 'service')],
  ['extend', 1, some, none, mostly('seller', 'operator')],
  // Once and again a history ends by it.
  ['call off', 1, none, seldom, mostly('seller', 'operator')],
  ['pass', 6, some, none, anybody],
  ['run', 5, any, none, anybody],
  ['read', 3, any, none, anybody],
];

/** Campaigns that are bought, paid for and brought to an end: little else happens to them. */
const ofMoney: Readonly<Partial<Record<Plan[0], number>>> = {
  join: 8,
  wait: 3,
  accept: 5,
  correct: 3,
  look: 8,
  cancel: 2,
  confirm: 2,
  pay: 3,
  see: 6,
  transfer: 6,
  'transfer twice': 2,
  assign: 3,
  prove: 4,
  reject: 4,
  fulfil: 5,
  extend: 1,
  'call off': 2,
  decide: 4,
  pass: 7,
  run: 7,
};
const moneyKinds = kinds.flatMap(([verb, weight, ...rest]): Kind[] => {
  const isMoreOf = ofMoney[verb] ?? (isMoney(verb) ? 2 * weight : 0);
  return isMoreOf > 0 ? [[verb, isMoreOf, ...rest]] : [];
});

const commandsOf = (of: readonly Kind[], onDone: (what: string) => void) => {
  const plans = fc.oneof(
    ...of.map(([verb, weight, first, second, who]) => ({
      weight,
      arbitrary: fc.tuple(fc.constant(verb), first, second, fc.constantFrom(...who)),
    })),
  );
  const steps = [plans.map((plan) => new Step(plan, onDone))];
  // Of every length alike: the first ones drawn would be short. About half of what is drawn is about
  // nothing that is there yet, and left out.
  return fc.noBias(fc.commands(steps, { maxCommands: 100, size: 'max' }));
};

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
    deadline: fc.integer({ min: 4, max: 30 }),
    beginning: fc.constantFrom<Beginning>(
      'active',
      'active',
      'active',
      'active',
      'draft',
      'scheduled',
    ),
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
      payment: 4 * unit,
      verification: 4 * unit,
    },
  }));

/** Open, and with time for a hold to lapse and its money to come. */
const unhurried = ({ terms, ...start }: Start): Start => ({
  ...start,
  beginning: 'active',
  terms: { ...terms, deadline: terms.deadline + 10 * unit },
});

let tills = 0;
/** An account of this history alone: what was paid to others is none of its business. */
async function openTill({ callers }: World): Promise<string> {
  const number = String(5_270_000_000 + ++tills);
  const account = { bank: 'BCA', number, holder: 'PT Sambatan Bersama', is_default: true };
  return expectStatus(await callers.service.post('/receiving-accounts', account), 201).id;
}

async function follow(
  world: World,
  { terms, beginning, opensAt }: Start,
  steps: Iterable<fc.AsyncCommand<HistoryModel, Real>>,
): Promise<void> {
  const { shop } = world;
  const began = Date.now();
  const calendar = new Calendar(began);
  const decision = decisionSeconds;
  const model = new HistoryModel(terms, { beginning, opensAt, calendar, decision });
  model.title = 'Senja batch pertama';
  const body = campaignBody(shop.productId, {
    title: model.title,
    price_per_slot: price,
    total_slots: terms.total,
    minimum_slots: terms.minimum,
    max_slots_per_user: terms.mostPerUser,
    payment_timing: terms.upfront ? 'upfront' : 'on_completion',
    hold_seconds: terms.hold,
    deadline: new Date(began + terms.deadline * 1_000).toISOString(),
    publish: beginning === 'active',
    ...(beginning === 'scheduled' ? { opens_at: fromNow(opensAt * 1_000) } : {}),
  });
  const till = await openTill(world);
  const { id: campaignId } = expectStatus(await shop.seller.post('/campaigns', body), 201);
  const real: Real = {
    world,
    campaignId,
    till,
    parts: [],
    entries: [],
    movements: new Map(),
    disputes: new Map(),
    answers: new Map(),
    texts: 0,
    lastImport: [],
  };
  await fc.asyncModelRun(() => ({ model, real }), steps);
  await compareEverything(model, real);
  count(`ended ${model.status}`);
  const { db } = world.replicas[0];
  await expectInvariants(db, campaignId);
  // What stays open would be gone through by every later run of the lifecycle.
  const ended = model.end !== null;
  const last = await shop.seller.post(`/campaigns/${campaignId}/cancel`, { reason: 'selesai uji' });
  assert.equal(last.status, ended ? 409 : 200, last.text);
}

const historiesIn = (world: World) =>
  fc.asyncProperty(
    fc.oneof(
      fc.tuple(starts, commandsOf(kinds, count)),
      fc.tuple(starts.map(unhurried), commandsOf(moneyKinds, count)),
    ),
    ([start, steps]) => follow(world, start, steps),
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
  const times = (what: string) => seen.get(what) ?? 0;
  const rare = [
    ...expectedOften.filter((what) => times(what) < enough),
    ...(numRuns < 1_000 ? [] : expectedOnce.filter((what) => times(what) < 1)),
  ];
  assert.deepEqual(rare, [], 'what histories are about has to happen in them');
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
  'create forbidden',
  'pay settled',
  'see settled',
  'see credited',
  'see known',
  'see payment_not_due',
  'see payment_not_open',
  'transfer settled',
  'transfer credited',
  'transfer known',
  'transfer open',
  'transfer twice settled',
  'transfer twice credited',
  'assign settled',
  'assign credited',
  'set aside ok',
  'prove ok',
  'prove payment_not_open',
  'reject ok',
  'send refund ok',
  'fail refund ok',
  'refund comes back ok',
  'release payout ok',
  'send payout ok',
  'dispute ok',
  'fulfil ok',
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

/** What takes several steps to come to. */
const expectedOnce = [
  'accept ok',
  'pay forbidden',
  'see given',
  'write off ok',
  'deliver fewer ok',
  'resolve ok',
  'send payout payout_not_covered',
  'payout comes back ok',
  'imported ok',
  'decide ok',
  'decide no_decision_open',
];

/** Guards of money that are taken away in a database of their own, each by what takes its place. */
const withoutGuard: Readonly<Record<string, string>> = {
  'what was seen by eye is counted again by its line': `create or replace function
    sambatan.was_seen(p_campaign_id uuid, p_participation_id uuid, p_amount bigint)
    returns boolean language sql stable as 'select false'`,
  'late money leaves its payment open': `create or replace function
    sambatan.void_payment(p_campaign_id uuid, p_participation_id uuid, p_reason text)
    returns void language sql as 'select'`,
};
/** What shows it soonest, by whoever may. */
const telling: readonly Kind[] = [
  ['join', 3, whose, few, anybody],
  ['see', 4, any, ways, ['operator']],
  ['transfer', 4, any, ways, ['operator']],
  ['pass', 2, some, none, anybody],
  ['run', 1, any, none, anybody],
];

for (const [what, instead] of Object.entries(withoutGuard)) {
  test(`when ${what}, a short history tells`, async (t) => {
    const broken = await openWorld();
    await ask(broken.replicas[0].db, instead);
    const found = await fc.check(
      fc.asyncProperty(
        starts,
        commandsOf(telling, () => undefined),
        (start, steps) => follow(broken, start, steps),
      ),
      { seed, numRuns: 400, interruptAfterTimeLimit: 60_000 },
    );
    assert.ok(found.failed && found.counterexample !== null, 'nobody noticed');
    const [, steps] = found.counterexample;
    t.diagnostic(`after ${found.numRuns} histories, by ${String(steps)}`);
    const done = String(steps).split('], [').length;
    assert.ok(done <= 12, `a history of ${done} commands is not a short one`);
  });
}

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
