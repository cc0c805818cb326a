// Checks that the model finds errors: when a rule is removed from the database functions, a short
// history must fail. Each rule is removed in a separate database and restored afterwards.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  any,
  anybody,
  planOf,
  few,
  none,
  nearlySoldOut,
  some,
  starts,
  ways,
  whose,
  type Kind,
  type Start,
} from './kinds.ts';
import { Step, unit, type Plan } from './steps.ts';
import { runHistory, openWorld } from './world.ts';
import { asAdmin } from '../support/database/cluster.ts';
import type { HttpService } from '../support/server/http-service.ts';
import * as replay from '../support/inputs/replay.ts';

const numRuns = 400;
const mostCommands = 12;

const services: HttpService[] = [];
after(async () => {
  for (const service of services.toReversed()) await service.close();
});
const world = await openWorld(services, true);
const { databaseUrl } = world.replicas[0];

/** Joins and payments, mostly by callers who may do what they try. */
const arriving: readonly Kind[] = [
  ['join', 3, whose, few, anybody],
  ['look', 2, any, none, ['owner']],
  ['see', 4, any, ways, ['operator']],
  ['transfer', 4, any, ways, ['operator']],
  ['pass', 2, some, none, anybody],
  ['run', 1, any, none, anybody],
];
/** Commands after which one hold has lapsed and another buyer has taken its slot. */
const lapsed: readonly Plan[] = [
  ['join', 0, 1, 'other'],
  ['look', 0, 0, 'owner'],
  ['pass', 4, 0, 'other'],
  ['run', 0, 0, 'other'],
  ['join', 1, 1, 'other'],
];
const unpaid: readonly Kind[] = [
  ['join', 3, whose, few, anybody],
  ['see', 1, any, none, ['operator']],
  ['pass', 3, some, none, anybody],
  ['run', 4, any, none, anybody],
  ['release payout', 1, any, none, ['operator']],
];
const undecided: readonly Kind[] = [
  ['join', 4, whose, fc.constant(1), anybody],
  ['see', 1, any, none, ['operator']],
  ['pass', 3, fc.constant(4), none, anybody],
  ['run', 4, any, none, anybody],
  ['release payout', 3, any, none, ['operator']],
];
const goods: readonly Kind[] = [
  ['join', 2, whose, few, anybody],
  ['run', 4, any, none, anybody],
  ['see', 3, any, none, ['operator']],
  ['ship', 3, any, none, ['seller']],
];
const received: readonly Kind[] = [...goods, ['fulfil', 3, any, none, ['owner']]];
const disputed: readonly Kind[] = [
  ...goods,
  ['dispute', 3, any, ways, ['owner']],
  ['pass days', 3, fc.constant(2), none, anybody],
];

interface Story {
  readonly start: Start;
  readonly plans: readonly Plan[];
}

/** Campaigns with few slots that do not end before a command ends them. */
const stories = ({
  kinds,
  upfront,
  slots,
  before = [],
  needsAll = false,
}: Control): fc.Arbitrary<Story> =>
  fc.record({
    start: starts.map(nearlySoldOut).map((start) => {
      const total = slots ?? start.terms.total;
      const minimum = needsAll ? total : Math.ceil(total / 2);
      const sizes = { total, minimum, mostPerUser: total };
      return { ...start, terms: { ...start.terms, ...sizes, upfront, deadline: 60 * unit } };
    }),
    plans: fc
      .array(planOf(kinds), { minLength: 5, maxLength: 30, size: 'max' })
      .map((drawn) => [...before, ...drawn]),
  });

/** Runs a history. Returns how the service differs from the model; undefined: not at all. */
async function tell({ start, plans }: Story): Promise<unknown> {
  const steps = plans.map((plan) => new Step(plan, () => undefined));
  return await runHistory(world, start, steps).then(
    () => undefined,
    (error: unknown) => error ?? 'told',
  );
}

/** Leaves out every command without which the history still fails. */
async function shortest({ start, plans }: Story): Promise<readonly Plan[]> {
  let least = plans;
  for (let at = plans.length - 1; at >= 0; at--) {
    const without = least.toSpliced(at, 1);
    if ((await tell({ start, plans: without })) !== undefined) least = without;
  }
  return least;
}

interface Control {
  /** A file of sql/functions, and the text in it that is removed or replaced. */
  readonly file: string;
  readonly rule: string;
  readonly instead: string;
  readonly kinds: readonly Kind[];
  readonly upfront: boolean;
  /** The number of slots; default: a few. */
  readonly slots?: number;
  /** Commands at the start of every history. */
  readonly before?: readonly Plan[];
  /** The minimum equals the total, so one unpaid order is enough to make the campaign fail. */
  readonly needsAll?: boolean;
}

const controls: Readonly<Record<string, Control>> = {
  'what was seen by eye is counted again by its line': {
    file: '047_statement_lines.sql',
    rule: 'select count(*) > (',
    instead: 'select false and count(*) > (',
    kinds: arriving,
    upfront: true,
  },
  'late money leaves its payment open': {
    file: '045_receive_money.sql',
    rule: "and status in ('due', 'proof_submitted', 'rejected', 'pending')\n$$",
    instead: 'and false\n$$',
    kinds: arriving,
    upfront: true,
    slots: 1,
    before: lapsed,
  },
  'an order that nobody paid counts as paid after success': {
    file: '073_after_success.sql',
    rule: "|| p.participation_id and t.status = 'settled'\n  where",
    instead: '|| p.participation_id\n  where',
    kinds: unpaid,
    upfront: false,
  },
  'a payout does not wait for the decision about a batch below its minimum': {
    file: '083_payouts.sql',
    rule: 'or (c.decision_opened_at is not null and c.decided_at is null)',
    instead: '',
    kinds: undecided,
    upfront: false,
    slots: 2,
    needsAll: true,
  },
  'goods are received twice': {
    file: '042_fulfil_participation.sql',
    rule: "p.status <> 'confirmed'",
    instead: "p.status not in ('confirmed', 'fulfilled')",
    kinds: received,
    upfront: false,
    slots: 1,
  },
  'goods count as received without a word in spite of a dispute': {
    file: '074_ship_campaign.sql',
    rule: 'and d.resolved_at is null',
    instead: 'and false',
    kinds: disputed,
    upfront: false,
    slots: 1,
  },
};

for (const [what, control] of Object.entries(controls)) {
  test(`control: when ${what}, a short history detects it`, async (t) => {
    const { file, rule, instead } = control;
    const whole = readFileSync(join(import.meta.dirname, '../../sql/functions', file), 'utf8');
    assert.equal(whole.split(rule).length, 2, `${file} has to have the rule once`);
    const broken = whole.replace(rule, () => instead);
    await asAdmin(databaseUrl, broken);
    t.after(() => asAdmin(databaseUrl, whole));
    const property = fc.asyncProperty(stories(control), async (story) => {
      const told = await tell(story);
      if (told !== undefined) throw told;
    });
    const { seed } = replay;
    const found = await fc.check(property, { seed, numRuns, endOnFailure: true });
    const [story] = found.counterexample ?? [];
    assert.ok(story !== undefined, `SAMBATAN_TEST_SEED=${seed}: nobody noticed`);
    const plans = await shortest(story);
    const by = plans.map((plan) => plan.join(' ')).join(', ');
    t.diagnostic(`SAMBATAN_TEST_SEED=${seed}: history ${found.numRuns} tells, by ${by}`);
    assert.ok(plans.length <= mostCommands, `${plans.length} commands are not few`);
  });
}
