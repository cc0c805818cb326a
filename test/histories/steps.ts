import assert from 'node:assert/strict';
import type fc from 'fast-check';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import { letTimePass } from '../support/builders/market.ts';
import { campaignBody } from '../support/builders/shop.ts';
import { refusalOf, type HistoryModel, type Role } from './model.ts';
import {
  compareBooks,
  compareLedgerEntries,
  runMoneyCommand,
  isMoney,
  isPossible,
  moneyVerbs,
} from './money-steps.ts';
import { pick, clientOf, itemsOf, outcomeOf, type Pair, type Real } from './real.ts';

/** The number of seconds in one unit of time of the histories. */
export const unit = 1_800;

export const verbs = [
  'create',
  'join',
  'join with key',
  'join twice at once',
  'wait',
  'cancel',
  'confirm',
  'fulfil',
  'ship',
  'pass days',
  'correct',
  'accept',
  'decline',
  'withdraw',
  'publish',
  'retitle',
  'resize',
  'extend',
  'call off',
  'decide',
  'pass',
  'run',
  'read',
  ...moneyVerbs,
] as const;
export type Verb = (typeof verbs)[number];
export type Plan = readonly [verb: Verb, first: number, second: number, role: Role];

/** The values of the API for values of the database with another name. */
const spoken: Readonly<Record<string, string>> = {
  draft: 'inactive',
  locked: 'full',
  fulfilled: 'completed',
  expired: 'failed',
};

/**
 * One command of a history. It is applied to the model and to the service, and the results are
 * compared.
 */
export class Step implements fc.AsyncCommand<HistoryModel, Real> {
  readonly #plan: Plan;
  readonly #onDone: (what: string) => void;

  constructor(plan: Plan, onDone: (what: string) => void) {
    this.#plan = plan;
    this.#onDone = onDone;
  }

  check(model: Readonly<HistoryModel>): boolean {
    const [verb, number, how, role] = this.#plan;
    if (isMoney(verb)) return isPossible(model, { verb, number, how, role });
    if (verb === 'decide') return number % 8 === 0 || model.decision?.isTaken === false;
    if (verb === 'ship') return number % 8 === 0 || model.end === 'fulfilled';
    if (verb === 'pass days') return model.shippedAt !== null && model.daysPassed + number < 10;
    if (verb === 'fulfil' && number % 4 > 0 && model.end !== 'fulfilled') return false;
    if (['cancel', 'confirm', 'fulfil', 'correct'].includes(verb)) return model.parts.length > 0;
    return !['accept', 'decline', 'withdraw'].includes(verb) || model.entries.length > 0;
  }

  async run(model: HistoryModel, real: Real): Promise<void> {
    const [verb] = this.#plan;
    if (verb === 'run') await compareMoment(model, real);
    real.isCompared &&= verb.startsWith('pass');
    const [expected, got] = await this.#do(model, real);
    assert.equal(got, expected, this.toString());
    this.#onDone(`${verb} ${got.split(' ', 1)[0]}`);
    if (verb === 'run') await compareMoment(model, real);
  }

  toString(): string {
    return `[${this.#plan.map((part) => JSON.stringify(part)).join(', ')}]`;
  }

  async #do(model: HistoryModel, real: Real): Promise<Pair> {
    const [verb, first, second, role] = this.#plan;
    if (isMoney(verb))
      return await runMoneyCommand(model, real, { verb, number: first, how: second, role });
    const path = `/campaigns/${real.campaignId}`;
    const { callers } = real.world;
    // The seller acts as the owner, because commands about the campaign itself have no other owner.
    const caller = callers[role === 'owner' ? 'seller' : role];
    const as: Role = role === 'owner' ? 'seller' : role;
    switch (verb) {
      case 'join':
        return await join(model, real, first, second);
      case 'join with key':
        return await joinWithKey(model, real, first, second);
      case 'join twice at once':
        return await joinTwice(model, real, first, second);
      case 'wait': {
        const expected = model.wait(first, second);
        const answer = await real.world.buyers[first]!.post(`${path}/waiting`, wish(second));
        if (answer.status === 201) real.entries.push(answer.body.id);
        return [expected, outcomeOf(answer)];
      }
      case 'cancel':
      case 'confirm':
      case 'fulfil':
        return await changePart(model, real, verb, first, role);
      case 'correct':
        return await correct(model, real, [first, second], role);
      case 'accept':
      case 'decline':
      case 'withdraw':
        return await changeEntry(model, real, verb, first, role);
      case 'create': {
        const body = campaignBody(real.world.shop.productId, { publish: false });
        const answer = await caller.post('/campaigns', body);
        return [refusalOf(as, ['seller', 'service'], 'forbidden') ?? 'ok', outcomeOf(answer)];
      }
      case 'publish':
        return [model.publish(as), outcomeOf(await caller.post(`${path}/publish`))];
      case 'retitle': {
        const title = `Senja batch ${first} ${second}`;
        return [model.retitle(as, title), outcomeOf(await caller.patch(path, { title }))];
      }
      case 'resize':
        return await resize(model, caller, as, { path, total: 1 + (first % 8) });
      case 'extend':
        return await extend(model, real, caller, as, first - 1);
      case 'call off': {
        if (second > 0) return ['ok', 'ok'];
        const expected = model.cancelCampaign(as);
        const body = { reason: 'bahan habis' };
        return [expected, outcomeOf(await caller.post(`${path}/cancel`, body))];
      }
      case 'decide': {
        const expected = model.decideAs(as, first % 2 === 1);
        const body = { decision: first % 2 === 1 ? 'continue' : 'cancel', note: 'sudah dibahas' };
        return [expected, outcomeOf(await caller.post(`${path}/decision`, body))];
      }
      case 'ship':
        return [model.ship(as), outcomeOf(await caller.post(`${path}/ship`))];
      case 'pass':
        return await pass(model, real, first * unit);
      case 'pass days':
        model.daysPassed += first;
        return await pass(model, real, first * 86_400);
      case 'run':
        return await run(model, real, first % 4 === 1);
      case 'read':
        return await read(model, real, first, role);
    }
  }
}

async function pass(model: HistoryModel, real: Real, seconds: number): Promise<Pair> {
  model.now += seconds;
  await letTimePass(real.world.replicas[0].db, real.campaignId, seconds);
  return ['ok', 'ok'];
}

/**
 * One lifecycle run, or two schedulers at the same time, each of which skips rows that the other
 * one has locked.
 */
async function run(model: HistoryModel, real: Real, isByTwo: boolean): Promise<Pair> {
  const look = async (nth: 0 | 1) =>
    outcomeOf(await real.world.replicas[nth].service.post('/lifecycle/run'));
  const outcomes: string[] = isByTwo ? await Promise.all([look(0), look(1)]) : [];
  // What becomes due when a campaign succeeds is handled in the next run.
  outcomes.push(await look(0));
  for (let looks = isByTwo ? 2 : 1; looks > 0; looks--) model.sweep();
  return ['ok', outcomes.find((outcome) => outcome !== 'ok') ?? 'ok'];
}

const wish = (quantity: number) => ({
  quantity,
  shipping_address: 'Jalan Kenanga 12, Coblong, Bandung',
});

async function join(model: HistoryModel, real: Real, user: number, quantity: number) {
  const expected = model.join(user, quantity);
  const path = `/campaigns/${real.campaignId}/join`;
  const answer = await real.world.buyers[user]!.post(path, wish(quantity));
  if (answer.status === 201) real.parts.push(answer.body.id);
  return [expected, outcomeOf(answer)] satisfies Pair;
}

/**
 * Joins with one of only a few keys, so that keys are repeated: with the same body or another one.
 */
async function joinWithKey(model: HistoryModel, real: Real, user: number, quantity: number) {
  const key = `kunci-${user % 2}`;
  const expected = model.joinWithKey(user, quantity, key);
  const answer = await sendWithKey(real, user, quantity, key);
  noteJoined(real, expected.part, answer);
  return [expected.outcome, outcomeOf(answer)] satisfies Pair;
}

/**
 * Sends the same request to both replicas at the same time. It must have one effect and one answer.
 */
async function joinTwice(model: HistoryModel, real: Real, user: number, quantity: number) {
  const key = `kembar-${user % 2}`;
  const expected = model.joinWithKey(user, quantity, key);
  const answers = await Promise.all([
    sendWithKey(real, user, quantity, key),
    sendWithKey(real, user, quantity, key, 1),
  ]);
  assert.equal(outcomeOf(answers[0]), outcomeOf(answers[1]));
  if (answers[0].status === 201) assert.equal(answers[0].text, answers[1].text);
  noteJoined(real, expected.part, answers[0]);
  return [expected.outcome, outcomeOf(answers[0])] satisfies Pair;
}

async function sendWithKey(real: Real, user: number, quantity: number, key: string, replica = 0) {
  const path = `/campaigns/${real.campaignId}/join`;
  const buyer = real.world.buyers[user]!;
  const { replicas } = real.world;
  const client = replica === 0 ? buyer : replicas[1].withToken(buyer.token!);
  return await client.post(path, wish(quantity), { 'idempotency-key': key });
}

function noteJoined(real: Real, part: number | undefined, answer: ClientResponse): void {
  if (part === undefined || answer.status !== 201) return;
  if (part === real.parts.length) real.parts.push(answer.body.id);
  assert.equal(answer.body.id, real.parts[part]);
  const before = real.answers.get(answer.body.id) ?? answer.text;
  assert.equal(answer.text, before, 'the same key has the same answer');
  real.answers.set(answer.body.id, answer.text);
}

async function changePart(
  model: HistoryModel,
  real: Real,
  verb: 'cancel' | 'confirm' | 'fulfil',
  number: number,
  role: Role,
): Promise<Pair> {
  const likely = verb === 'fulfil' ? 'confirmed' : 'reserved';
  const [index, part] = pick(model.parts, number, ({ status }) => status === likely);
  const own: readonly Role[] = verb === 'confirm' ? [] : ['owner'];
  const refused = refusalOf(role, [...own, 'operator', 'service']);
  const change = {
    cancel: () => model.cancel(part),
    confirm: () => model.confirm(part),
    fulfil: () => model.receive(part),
  };
  const expected = refused ?? change[verb]();
  const caller = clientOf(real, role, part.user);
  const answer = await caller.post(`/participations/${real.parts[index]}/${verb}`);
  return [expected, outcomeOf(answer)];
}

/** Corrects the postal address and the number of slots: fewer, the same number, or too many. */
async function correct(
  model: HistoryModel,
  real: Real,
  [number, quantity]: readonly [number, number],
  role: Role,
): Promise<Pair> {
  const [index, part] = pick(model.parts, number, ({ status }) => status === 'reserved');
  const expected =
    refusalOf(role, ['owner', 'operator', 'service']) ?? model.reduce(part, Math.max(1, quantity));
  const answer = await clientOf(real, role, part.user).send({
    method: 'PATCH',
    path: `/participations/${real.parts[index]}`,
    body: {
      quantity: Math.max(1, quantity),
      shipping_address: `Jalan Melati ${number}, Coblong, Bandung`,
    },
  });
  if (answer.status === 200) assert.equal(answer.body['quantity'], part.quantity);
  return [expected, outcomeOf(answer)];
}

async function changeEntry(
  model: HistoryModel,
  real: Real,
  verb: 'accept' | 'decline' | 'withdraw',
  number: number,
  role: Role,
): Promise<Pair> {
  const likely = verb === 'withdraw' ? ['waiting', 'offered'] : ['offered'];
  const [index, entry] = pick(model.entries, number, ({ status }) => likely.includes(status));
  const staff: readonly Role[] = verb === 'withdraw' ? ['operator'] : [];
  const refused = refusalOf(role, ['owner', 'service', ...staff], 'waiting_entry_not_found');
  const change = {
    accept: () => model.accept(entry),
    decline: () => model.leave(entry, 'declined'),
    withdraw: () => model.leave(entry, 'withdrawn'),
  };
  const expected = refused ?? change[verb]();
  const caller = clientOf(real, role, entry.user);
  const answer = await caller.post(`/waiting/${real.entries[index]}/${verb}`);
  const part = answer.body['participation_id'];
  if (verb === 'accept' && answer.status === 200 && !real.parts.includes(String(part))) {
    real.parts.push(String(part));
  }
  return [expected, outcomeOf(answer)];
}

async function resize(
  model: HistoryModel,
  caller: Client,
  role: Role,
  { path, total }: { path: string; total: number },
): Promise<Pair> {
  const minimum = Math.ceil(total / 2);
  const expected = model.resize(role, { total, minimum, mostPerUser: total });
  const answer = await caller.patch(path, {
    total_slots: total,
    minimum_slots: minimum,
    max_slots_per_user: total,
  });
  return [expected, outcomeOf(answer)];
}

async function extend(
  model: HistoryModel,
  real: Real,
  caller: Client,
  role: Role,
  units: number,
): Promise<Pair> {
  const path = `/campaigns/${real.campaignId}`;
  const { body } = await real.world.callers.service.get(path);
  const before = new Date(String(body['deadline'])).getTime();
  const deadline = new Date(before + units * unit * 1_000).toISOString();
  const expected = model.prolong(role, units * unit);
  return [
    expected,
    outcomeOf(await caller.post(`${path}/extend`, { deadline, reason: 'masih ramai' })),
  ];
}

async function read(model: HistoryModel, real: Real, number: number, role: Role): Promise<Pair> {
  const path = `/campaigns/${real.campaignId}`;
  const part = model.parts[number % (model.parts.length || 1)];
  if (number % 3 === 0 && part !== undefined) {
    const id = real.parts[model.parts.indexOf(part)];
    const answer = await clientOf(real, role, part.user).get(`/participations/${id}`);
    return [refusalOf(role, ['owner', 'seller', 'operator', 'service']) ?? 'ok', outcomeOf(answer)];
  }
  const caller = clientOf(real, role, 0);
  if (number % 4 === 3) {
    const expected = model.readBooks(role);
    return [expected, outcomeOf(await caller.get(`${path}/books`))];
  }
  if (number % 3 === 1) {
    const expected = model.readParticipants(role);
    return [expected, outcomeOf(await caller.get(`${path}/participants?limit=100`))];
  }
  const answer = await caller.get(path);
  if (answer.status === 200) assert.equal(answer.body['slots_taken'], takenIn(model));
  return [model.read(role), outcomeOf(answer)];
}

const takenIn = (model: HistoryModel) =>
  model.end === null || model.end === 'fulfilled' ? model.taken : 0;

/**
 * Checks that the campaign in the model equals that in the service, before and after a lifecycle
 * run.
 */
async function compareMoment(model: HistoryModel, real: Real): Promise<void> {
  if (real.isCompared) return;
  await Promise.all([compareCampaign(model, real), compareBooks(model, real)]);
  real.isCompared = true;
}

/** Checks that the API shows the campaign of the model to callers who may see everything. */
async function compareCampaign(model: HistoryModel, real: Real): Promise<void> {
  const { body } = await real.world.callers.service.get(`/campaigns/${real.campaignId}`);
  const { total } = model.terms;
  const taken = takenIn(model);
  assert.deepEqual(
    {
      status: body.status,
      taken: body['slots_taken'],
      remaining: body['slots_remaining'],
      waiting: body['waiting_count'],
      title: body['title'],
      closing: body['is_closing'],
      shipped: body['shipped_at'] !== null,
      toDecide: body['decision_until'] !== null,
    },
    {
      status: spoken[model.status] ?? model.status,
      taken,
      remaining: total - taken - (['expired', 'cancelled'].includes(model.end!) ? 0 : model.kept),
      waiting: model.open,
      title: model.title,
      closing: false,
      shipped: model.shippedAt !== null,
      toDecide: model.decision?.isTaken === false,
    },
  );
}

/** Checks that every participation and waiting-list entry equals that of the model. */
export async function compareEverything(model: HistoryModel, real: Real): Promise<void> {
  const { service } = real.world.callers;
  const path = `/campaigns/${real.campaignId}`;
  const parts = await itemsOf(service, `${path}/participants`);
  assert.deepEqual(
    real.parts.map((id) => parts.get(id)),
    model.parts.map(({ status }) => status),
  );
  assert.equal(parts.size, model.parts.length, 'there is a participation that nobody made');
  const entries = await itemsOf(service, `${path}/waiting`);
  assert.deepEqual(
    real.entries.map((id) => entries.get(id)),
    model.entries.map(({ status }) => status),
  );
  await compareMoment(model, real);
  await compareLedgerEntries(model, real);
}
