import fc from 'fast-check';
import type { Terms } from '../waiting/model.ts';
import { roles, type Beginning, type Role } from './model.ts';
import { isMoney } from './money-steps.ts';
import { Step, unit, type Plan } from './steps.ts';

/** The number of buyers in each world. */
export const users = 6;

export const some = fc.integer({ min: 1, max: 5 });
export const few = fc.integer({ min: 1, max: 3 });
export const whose = fc.nat(users - 1);
export const any = fc.nat(1_000);
export const none = fc.constant(0);
const seldom = fc.nat(9);
export const ways = fc.nat(7);
export const days = fc.constantFrom(1, 1, 2, 2, 8);

/**
 * A kind of command: its verb, its weight in the random choice, its two numbers, and its callers.
 */
export type Kind = readonly [
  Plan[0],
  number,
  fc.Arbitrary<number>,
  fc.Arbitrary<number>,
  readonly Role[],
];
export const anybody: readonly Role[] = roles;
/** Callers of whom most are allowed to run the command. */
const mostly = (...likely: Role[]): readonly Role[] => [
  ...Array.from({ length: 24 / likely.length }, () => likely).flat(),
  ...roles,
];

/** All actions of users. */
export const kinds: readonly Kind[] = [
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
  ['ship', 3, any, none, mostly('seller', 'operator')],
  ['pass days', 3, days, none, anybody],
  ['correct', 4, any, few, mostly('owner', 'service')],
  ['accept', 6, any, none, mostly('owner', 'service')],
  ['decline', 1, any, none, mostly('owner', 'service')],
  ['withdraw', 1, any, none, mostly('owner', 'operator')],
  ['create', 1, none, none, anybody],
  ['publish', 2, none, none, mostly('seller', 'service')],
  ['retitle', 1, any, any, mostly('seller', 'service')],
  ['resize', 1, any, none, mostly('seller', 'service')],
  ['extend', 1, some, none, mostly('seller', 'operator')],
  // Cancels the campaign, which ends a history occasionally.
  ['call off', 1, none, seldom, mostly('seller', 'operator')],
  ['pass', 6, some, none, anybody],
  ['run', 5, any, none, anybody],
  ['read', 3, any, none, anybody],
];

/** Weights for campaigns that are bought, paid for and completed, with few other events. */
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
  ship: 4,
  'pass days': 4,
  extend: 1,
  'call off': 2,
  decide: 4,
  pass: 7,
  run: 7,
};
/** All kinds of commands, with most of the weight on commands about money. */
export const moneyKinds = kinds.flatMap(([verb, weight, ...rest]): Kind[] => {
  const isMoreOf = ofMoney[verb] ?? (isMoney(verb) ? 2 * weight : 0);
  return isMoreOf > 0 ? [[verb, isMoreOf, ...rest]] : [];
});

/** Commands that sell out a batch soon, so that its money and goods are tested afterwards. */
export const soldKinds: readonly Kind[] = [
  ...kinds.filter(([verb]) => isMoney(verb) && verb !== 'set aside'),
  ...kinds.filter(([verb]) => ['fulfil', 'cancel', 'decide', 'accept'].includes(verb)),
  ['join', 6, whose, few, anybody],
  ['wait', 2, whose, few, anybody],
  ['see', 12, any, none, mostly('operator')],
  ['run', 12, any, none, anybody],
  ['pass', 6, some, none, anybody],
  ['ship', 5, any, none, mostly('seller', 'operator')],
  ['pass days', 6, days, none, anybody],
];

/** Commands with which batches succeed although few orders are paid. */
export const unpaidKinds: readonly Kind[] = [
  ['join', 8, whose, few, anybody],
  ['wait', 3, whose, few, anybody],
  ['see', 3, any, none, mostly('operator')],
  ['transfer', 2, any, ways, mostly('operator')],
  ['assign', 4, any, none, mostly('operator')],
  ['prove', 3, any, none, mostly('owner')],
  ['reject', 3, any, none, mostly('operator')],
  ['write off', 2, any, none, mostly('operator')],
  ['imported', 2, any, ways, ['service']],
  ['pass', 10, some, none, anybody],
  ['run', 10, any, none, anybody],
  ['decide', 8, any, none, mostly('seller', 'operator')],
  ['release payout', 2, any, none, mostly('operator')],
  ['send payout', 2, any, ways, mostly('operator')],
  ['fulfil', 1, any, none, mostly('owner')],
  ['ship', 1, any, none, mostly('seller')],
];

export interface DrawnCommands {
  readonly onDone: (what: string) => void;
  /** The commands to run, as the report of a failure lists them. */
  readonly replay?: string | undefined;
}

/** A random command, chosen by the weights of the kinds. */
export function planOf(of: readonly Kind[]): fc.Arbitrary<Plan> {
  return fc.oneof(
    ...of.map(([verb, weight, first, second, who]) => ({
      weight,
      arbitrary: fc.tuple(fc.constant(verb), first, second, fc.constantFrom(...who)),
    })),
  );
}

/**
 * Up to a hundred commands. About half of them refer to something that does not exist yet, and are
 * skipped.
 */
export function commandsOf(of: readonly Kind[], { onDone, replay }: DrawnCommands) {
  const steps = [planOf(of).map((plan) => new Step(plan, onDone))];
  const limits = { maxCommands: 100, size: 'max' } as const;
  // Makes all lengths equally likely. Otherwise the first histories would be short.
  return fc.noBias(
    fc.commands(steps, replay === undefined ? limits : { ...limits, replayPath: replay }),
  );
}

/** The initial state of a campaign. */
export interface Start {
  readonly terms: Terms;
  readonly beginning: Beginning;
  /** The time at which the campaign opens, in seconds of the model. */
  readonly opensAt: number;
}

export const starts: fc.Arbitrary<Start> = fc
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

/**
 * An open campaign with enough time for a hold to lapse and for its payment to arrive after that.
 */
export const openWithTime = ({ terms, ...start }: Start): Start => ({
  ...start,
  beginning: 'active',
  terms: { ...terms, deadline: terms.deadline + 10 * unit },
});

/** A campaign with so few slots that one or two buyers fill it. */
export const nearlySoldOut = ({ terms, ...start }: Start): Start => {
  const total = 1 + (terms.total % 3);
  return {
    ...start,
    beginning: 'active',
    terms: { ...terms, total, minimum: Math.ceil(total / 2), mostPerUser: total },
  };
};

/** The same as `nearlySoldOut`, but payments are due only after success. */
export const nearlySoldOutUnpaid = (start: Start): Start => {
  const { terms, ...rest } = nearlySoldOut(start);
  const total = terms.total + 1;
  const sizes = { total, minimum: total, mostPerUser: total, upfront: false };
  return { ...rest, terms: { ...terms, ...sizes } };
};
