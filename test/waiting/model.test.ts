import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../src/errors/errors.ts';
import { newId } from '../../src/identity/ids.ts';
import { runInTransaction } from '../../src/operation/run.ts';
import { cancelParticipation, confirmParticipation } from '../../src/participations/operations.ts';
import { cancelCampaign, extendCampaign } from '../../src/lifecycle/operations.ts';
import { acceptOffer, declineOffer, withdrawEntry } from '../../src/waiting/operations.ts';
import type { Tx } from '../../src/database/transaction.ts';
import { expectInvariants } from '../support/database/campaign-invariants.ts';
import { testDatabase } from '../support/database/database.ts';
import {
  queryRows,
  joinBatch,
  letTimePass,
  createTestCampaign,
  createBrandAndProduct,
  service,
  campaignState,
  user,
  joinWaitingList,
  joinRequest,
} from '../support/builders/market.ts';
import * as replay from '../support/inputs/replay.ts';
import { Model, type Terms } from './model.ts';

const file = 'test/waiting/model.test.ts';

const { db, close } = await testDatabase();
after(close);
const market = await createBrandAndProduct(db);

/** The ids in the database, in the order of the numbers in the model. */
interface Real {
  readonly campaignId: string;
  readonly users: readonly string[];
  readonly parts: string[];
  readonly entries: string[];
}

const half = 1_800;
const users = 16;

const some = fc.integer({ min: 1, max: 5 });
const few = fc.integer({ min: 1, max: 3 });
const whose = fc.nat(users - 1);
const any = fc.nat();
const none = fc.constant(0);
const ofKind = (
  weight: number,
  name: string,
  first: fc.Arbitrary<number>,
  second: fc.Arbitrary<number>,
) => ({ weight, arbitrary: fc.tuple(fc.constant(name), first, second) });

const step = fc.oneof(
  ofKind(3, 'join', whose, few),
  ofKind(9, 'wait', whose, few),
  ofKind(9, 'cancel', any, none),
  ofKind(2, 'confirm', any, none),
  ofKind(5, 'accept', any, none),
  ofKind(2, 'decline', any, none),
  ofKind(2, 'withdraw', any, none),
  // Time passes. In some cases a lifecycle run follows.
  ofKind(4, 'pass', some, fc.nat(3)),
  ofKind(1, 'extend', some, none),
  // The commands below end most histories, so they are rare.
  ofKind(1, 'sweep', fc.nat(7), none),
  ofKind(1, 'call off', fc.nat(15), none),
);
type Plan = readonly [verb: string, first: number, second: number];

const termsPlan: fc.Arbitrary<Terms> = fc
  .record({
    total: fc.integer({ min: 2, max: 9 }),
    mostPerUser: fc.integer({ min: 3, max: 9 }),
    upfront: fc.boolean(),
    deadline: fc.integer({ min: 6, max: 40 }),
  })
  .map(({ total, mostPerUser, upfront, deadline }) => ({
    total,
    minimum: Math.ceil(total / 2),
    mostPerUser: Math.min(mostPerUser, total),
    upfront,
    deadline: deadline * half,
    hold: 3 * half,
    offer: 4 * half,
    payment: 6 * half,
    verification: 2 * half,
  }));

const seen = new Map<string, number>();
const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);

const inTx = (verb: (tx: Tx) => Promise<unknown>) => runInTransaction(db, verb);

/** 'ok', or the code of the refusal. */
async function outcomeOf(change: Promise<unknown>): Promise<string> {
  try {
    await change;
    return 'ok';
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

const settle = (id: string, completeFull: boolean) =>
  queryRows(db, 'select sambatan.settle_campaign($1, $2, 1000)', id, completeFull);

/**
 * Picks an element of a list by a number that does not depend on the length of the list. In three
 * of four cases it picks an element to which something can still happen, if there is one.
 */
function picked<T extends { readonly status: string }>(
  list: readonly T[],
  number: number,
  likely: readonly string[],
): [index: number, element: T] {
  const lively = list.filter(({ status }) => number % 4 > 0 && likely.includes(status));
  const among = lively.length > 0 ? lively : list;
  const element = among[Math.floor(number / 4) % among.length]!;
  return [list.indexOf(element), element];
}

class Step implements fc.AsyncCommand<Model, Real> {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  check(model: Readonly<Model>): boolean {
    const [verb] = this.#plan;
    if (['cancel', 'confirm'].includes(verb)) return model.parts.length > 0;
    return !['accept', 'decline', 'withdraw'].includes(verb) || model.entries.length > 0;
  }

  async run(model: Model, real: Real): Promise<void> {
    const [expected, got] = await this.#do(model, real);
    assert.equal(got, expected, this.toString());
    count(`${this.#plan[0]} ${got}`);
    await compare(model, real);
  }

  toString(): string {
    return this.#plan.join(' ');
  }

  /** Runs the command on the model and on the service, and returns both results. */
  async #do(model: Model, real: Real): Promise<[expected: string, got: string]> {
    const [verb, first, second] = this.#plan;
    const { campaignId: id } = real;
    switch (verb) {
      case 'join': {
        const request = joinRequest(id, { userId: real.users[first]!, quantity: second });
        const expected = model.join(first, second);
        const [answer] = await joinBatch(db, [request]);
        if (!(answer instanceof DomainError)) real.parts.push(answer!.participationId);
        return [expected, answer instanceof DomainError ? answer.code : 'ok'];
      }
      case 'wait': {
        const expected = model.wait(first, second);
        const userId = real.users[first]!;
        const waiting = joinWaitingList(db, id, second, { userId });
        const got = await outcomeOf(waiting.then((entry) => real.entries.push(entry.id)));
        return [expected, got];
      }
      case 'cancel':
      case 'confirm': {
        const [index, part] = picked(model.parts, first, ['reserved']);
        const expected = verb === 'cancel' ? model.cancel(part) : model.confirm(part);
        const change = verb === 'cancel' ? cancelParticipation : confirmParticipation;
        return [
          expected,
          await outcomeOf(inTx((tx) => change(tx, service, real.parts[index]!, null))),
        ];
      }
      case 'accept': {
        const [index, entry] = picked(model.entries, first, ['offered']);
        const expected = model.accept(entry);
        const buyer = user(real.users[entry.user]!);
        const got = await outcomeOf(
          inTx(async (tx) => {
            const { participation_id: part } = await acceptOffer(tx, buyer, real.entries[index]!);
            if (!real.parts.includes(part!)) real.parts.push(part!);
          }),
        );
        return [expected, got];
      }
      case 'decline':
      case 'withdraw': {
        const likely = verb === 'decline' ? ['offered'] : ['waiting', 'offered'];
        const [index, entry] = picked(model.entries, first, likely);
        const expected = model.leave(entry, verb === 'decline' ? 'declined' : 'withdrawn');
        const buyer = user(real.users[entry.user]!);
        const change = verb === 'decline' ? declineOffer : withdrawEntry;
        return [expected, await outcomeOf(inTx((tx) => change(tx, buyer, real.entries[index]!)))];
      }
      case 'pass':
        model.now += first * half;
        await letTimePass(db, id, first * half);
        if (second > 0) {
          model.settle(false);
          await settle(id, false);
        }
        return ['ok', 'ok'];
      case 'sweep':
        if (first > 0) return ['ok', 'ok'];
        model.settle(true);
        await settle(id, true);
        return ['ok', 'ok'];
      case 'extend': {
        const before = await queryRows<{ deadline: Date }>(
          db,
          'select deadline from sambatan.campaigns where campaign_id = $1',
          id,
        );
        const deadline = new Date(before[0]!.deadline.getTime() + first * half * 1_000);
        const expected = model.extend(first * half);
        const change = { deadline, reason: 'masih ramai' };
        return [expected, await outcomeOf(inTx((tx) => extendCampaign(tx, service, id, change)))];
      }
      case 'call off': {
        if (first > 0) return ['ok', 'ok'];
        const expected = model.callOff();
        const got = await outcomeOf(inTx((tx) => cancelCampaign(tx, service, id, 'bahan habis')));
        if (got === 'ok') await settle(id, false);
        return [expected, got];
      }
      default:
        throw new Error(verb);
    }
  }
}

/**
 * Checks that the database equals the model, including how often each waiting-list entry was
 * overtaken.
 */
async function compare(model: Model, real: Real): Promise<void> {
  const id = real.campaignId;
  const { status, filled_slots: filled } = await campaignState(db, id);
  const [list] = await queryRows<{ kept: number; open: number; is_late: boolean }>(
    db,
    `select reserved_slots as kept, waiting_entries as open,
      -- What is overdue is looked at by the next run, which is due at once.
      d.look_by is not null
        and coalesce(next_run_at > greatest(d.look_by, now()), true) as is_late
    from sambatan.campaigns c cross join lateral (
      select least(case when c.status in ('active', 'locked') then c.deadline end,
        sambatan.waiting_next_run_at(c, now())) as look_by) d
    where campaign_id = $1`,
    id,
  );
  const entries = await queryRows<{ status: string }>(
    db,
    `select status, overtaken, keep_until is not null as is_kept_for
    from sambatan.waiting_entries where campaign_id = $1 order by position`,
    id,
  );
  const parts = await queryRows<{ id: string; status: string }>(
    db,
    `select participation_id as id, status from sambatan.participants where campaign_id = $1`,
    id,
  );
  const statusOf = new Map(parts.map((part) => [part.id, part.status]));
  assert.deepEqual(
    { status, filled, ...list, entries, parts: real.parts.map((part) => statusOf.get(part)) },
    {
      status: model.status,
      filled: model.end === null || model.end === 'fulfilled' ? model.taken : 0,
      kept: model.end === null || model.end === 'fulfilled' ? model.kept : 0,
      open: model.open,
      is_late: false,
      entries: model.entries.map((entry) => ({
        status: entry.status,
        overtaken: entry.overtaken,
        is_kept_for: entry.keepUntil !== null,
      })),
      parts: model.parts.map(({ status: part }) =>
        part === 'reserved' ? 'pending_payment' : part,
      ),
    },
  );
}

async function follow(
  terms: Terms,
  waiters: readonly number[],
  steps: Iterable<fc.AsyncCommand<Model, Real>>,
  succeeds = false,
): Promise<void> {
  const campaignId = await createTestCampaign(db, market, {
    totalSlots: terms.total,
    minimumSlots: terms.minimum,
    maxSlotsPerUser: terms.mostPerUser,
    paymentTiming: terms.upfront ? 'upfront' : 'on_completion',
    holdSeconds: terms.hold,
    deadline: new Date(Date.now() + terms.deadline * 1_000),
  });
  await queryRows(
    db,
    `update sambatan.campaign_details set payment_term_seconds = $2, payment_grace_seconds = 0,
      verification_seconds = $3 where campaign_id = $1`,
    campaignId,
    terms.payment,
    terms.verification,
  );
  const model = new Model(terms);
  const ids = Array.from({ length: users + terms.total }, newId);
  const real: Real = { campaignId, users: ids, parts: [], entries: [] };
  // Fills the campaign, because a waiting list only starts when a campaign is full.
  for (let other = users; model.taken < terms.total; other++) {
    const quantity = Math.min(1 + (other % 2), terms.total - model.taken);
    await new Step(['join', other, quantity]).run(model, real);
  }
  for (const [waiter, quantity] of waiters.entries()) {
    await new Step(['wait', waiter, quantity]).run(model, real);
  }
  if (succeeds) await new Step(['sweep', 0, 0]).run(model, real);
  await fc.asyncModelRun(() => ({ model, real }), steps);
  if (succeeds) await runOut(model, real);
  for (const { status, overtaken, order } of model.entries) {
    count(`ended ${status}`);
    if (order !== null) count(`offer after success ${status}`);
    count(`overtaken ${overtaken}`);
  }
  await expectInvariants(db, campaignId);
}

/** Lets time pass without further commands: everything that is open must then end by itself. */
async function runOut(model: Model, real: Real): Promise<void> {
  for (let looks = 0; looks < 3; looks++) {
    await new Step(['pass', 5, 1]).run(model, real);
    await new Step(['sweep', 0, 0]).run(model, real);
  }
}

const numRuns = Number(process.env['SAMBATAN_TEST_RUNS'] ?? 60);

const waiters = fc.array(some, { maxLength: 8, size: 'max' });
const limits = { maxCommands: 60, size: 'max' } as const;
const steps = fc.commands(
  [step.map((plan) => new Step(plan))],
  replay.commands === undefined ? limits : { ...limits, replayPath: replay.commands },
);
const histories = fc.asyncProperty(termsPlan, waiters, steps, async (terms, crowd, done) =>
  follow(terms, crowd, done),
);

test('a waiting list behaves like a simple model', async (t) => {
  t.diagnostic(`SAMBATAN_TEST_SEED=${replay.seed} for SAMBATAN_TEST_RUNS=${numRuns}`);
  seen.clear();
  await replay.checkProperty(histories, { numRuns, file, title: t.name });
  if (numRuns >= 60 && replay.path === undefined) {
    const needed = ['accepted', 'declined', 'lapsed', 'withdrawn', 'closed'];
    const missing = () => [
      ...needed.map((what) => `ended ${what}`).filter((what) => (seen.get(what) ?? 0) < 10),
      ...['accept offer_expired', 'wait slots_available', 'overtaken 3'].filter(
        (what) => !seen.has(what),
      ),
    ];
    await replay.untilSeen(missing, (more, nth) => {
      const seed = replay.seed + 1 + nth;
      return replay.checkProperty(histories, { seed, numRuns: more, file, title: t.name });
    });
  }
  const rows = [...seen].sort(([a], [b]) => a.localeCompare(b));
  t.diagnostic(rows.map(([what, times]) => `${what}: ${times}`).join(', '));
});

test('a list after success offers the slots of unpaid orders, like a simple model', async (t) => {
  const runs = Math.ceil(numRuns / 2);
  t.diagnostic(`SAMBATAN_TEST_SEED=${replay.seed} for SAMBATAN_TEST_RUNS=${numRuns}`);
  seen.clear();
  const property = fc.asyncProperty(
    termsPlan.map((terms) => ({ ...terms, upfront: false })),
    waiters,
    fc.noBias(steps),
    async (terms, crowd, done) => follow(terms, crowd, done, true),
  );
  await replay.checkProperty(property, { numRuns: runs, file, title: t.name });
  if (runs >= 30 && replay.path === undefined) {
    // Outcomes that must occur: offers that end in each possible way, and an offer that a buyer
    // tries to accept without paying.
    const needed = [
      ...['lapsed', 'declined', 'withdrawn'].map((what) => `offer after success ${what}`),
      'accept offer_is_paid',
    ];
    const missing = () => needed.filter((what) => !seen.has(what));
    await replay.untilSeen(missing, (more, nth) => {
      const seed = replay.seed + 1 + nth;
      return replay.checkProperty(property, { seed, numRuns: more, file, title: t.name });
    });
  }
  const rows = [...seen].sort(([a], [b]) => a.localeCompare(b));
  t.diagnostic(rows.map(([what, times]) => `${what}: ${times}`).join(', '));
});

/** Seeds with which a history once failed, each with the path to the smallest failing history. */
const corpus = JSON.parse(
  readFileSync(join(import.meta.dirname, '../corpus/waiting.model.json'), 'utf8'),
) as { seed: number; path?: string }[];

for (const { seed: failed, path } of corpus) {
  test(`the history of seed ${failed}, which once failed, passes`, async () => {
    const only = path === undefined ? { numRuns: 20 } : { path, numRuns: 1 };
    await fc.assert(histories, { seed: failed, ...only });
  });
}
