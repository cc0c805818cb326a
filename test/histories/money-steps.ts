import assert from 'node:assert/strict';
import { queryRows } from '../support/builders/market.ts';
import type { Part } from '../waiting/model.ts';
import { refusalOf, type HistoryModel, type Role } from './model.ts';
import type { Line, LedgerEntry, Received } from './money.ts';
import { pick, clientOf, outcomeOf, type Pair, type Real } from './real.ts';
import { pdfOf } from '../support/builders/pdf.ts';

/** The verbs of the commands about money. */
export const moneyVerbs = [
  'look',
  'pay',
  'see',
  'transfer',
  'transfer twice',
  'assign',
  'imported',
  'set aside',
  'prove',
  'reject',
  'write off',
  'send refund',
  'fail refund',
  'refund comes back',
  'release payout',
  'send payout',
  'payout comes back',
  'deliver fewer',
  'dispute',
  'resolve',
] as const;
export type MoneyVerb = (typeof moneyVerbs)[number];

export interface MoneyPlan {
  readonly verb: MoneyVerb;
  /** The number that selects the participation, line or ledger entry of the command. */
  readonly number: number;
  /**
   * A number from 0 to 7 that selects a variant. See amountOf for the amount. From 4 on the payment
   * has a reference, or the line is left to a later command.
   */
  readonly how: number;
  readonly role: Role;
}

export const isMoney = (verb: string): verb is MoneyVerb =>
  (moneyVerbs as readonly string[]).includes(verb);

/**
 * Whether there is anything to which the command applies. Usually the command must also be able to
 * succeed, because otherwise most results in a history would be refusals.
 */
export function isPossible(model: Readonly<HistoryModel>, { verb, number, how }: MoneyPlan) {
  if (verb === 'pay') return model.payable.length > 0;
  if (verb.includes('refund')) return model.refunds.length > 0;
  if (verb.includes('payout')) return model.payouts.length > 0;
  if (verb === 'set aside') return model.lines.length > 0;
  if (verb === 'resolve') return model.disputes.length > 0;
  if (verb === 'imported') return model.status === 'verifying' || number % 4 === 0;
  if (model.parts.length === 0) return false;
  if (verb === 'assign') return model.lines.length > 0;
  if (number % 8 === 0 && how % 4 === 0) return true;
  const isOver = model.end === 'fulfilled';
  const some = (isSo: (status: string | undefined) => boolean) =>
    model.orders.some((part) => isSo(model.purse(part).payment?.status));
  if (['dispute', 'write off', 'deliver fewer'].includes(verb)) return isOver;
  if (verb === 'reject') return some((status) => status === 'proof_submitted');
  if (['see', 'prove'].includes(verb)) {
    return model.orders.some((part) => isOwed(model, part));
  }
  return true;
}

/** Whether an order still needs money, or money for it may still be reported as received. */
function isOwed(model: Pick<HistoryModel, 'purse' | 'terms' | 'end'>, part: Part): boolean {
  const { payment } = model.purse(part);
  const falls = model.terms.upfront || model.end === 'fulfilled';
  if (payment === null) return falls && part.status === 'reserved';
  return !['settled', 'void'].includes(payment.status);
}

const staff: readonly Role[] = ['operator', 'service'];
const ownersAndStaff: readonly Role[] = ['owner', ...staff];
/** What belongs to no participation belongs to staff, so other callers get 403, not 404. */
const ofStaff = (role: Role) => refusalOf(role, staff, 'forbidden');
const reference = 'BCA 0042';
const why = { reason: 'alasan yang jelas' };

/** Runs one command about money, on the model and on the service. */
export async function runMoneyCommand(
  model: HistoryModel,
  real: Real,
  plan: MoneyPlan,
): Promise<Pair> {
  const { verb, number, how, role } = plan;
  switch (verb) {
    case 'look': {
      const isNew = (one: Part) => isOwed(model, one) && !model.purse(one).payment?.isLooked;
      const [, part] = pick(model.orders, number, isNew);
      const refused = refusalOf(role, ownersAndStaff);
      if (refused === undefined) return await viewPayment(model, real, part, role);
      return [refused, outcomeOf(await onPart(real, model, part, role).get('payment'))];
    }
    case 'pay':
      return await pay(model, real, plan);
    case 'see': {
      const part = payer(model, number);
      // Most buyers view their payment before their money arrives.
      if (number % 3 > 0) {
        const [expected, got] = await viewPayment(model, real, part, 'owner');
        assert.equal(got, expected);
      }
      const first = await verifyPayment(model, real, plan, part);
      // An amount that is too small is reported twice.
      return how === 5 && first[1].startsWith('credited')
        ? await verifyPayment(model, real, plan, part)
        : first;
    }
    case 'transfer':
    case 'transfer twice':
      return await transfer(model, real, plan, payer(model, number));
    case 'assign':
      return await assign(model, real, plan);
    case 'imported': {
      const through = model.calendar.today(how % 3);
      if (model.through === null || model.through < through) model.through = through;
      const body = { statement_through: through };
      const answer = await real.world.callers.service.patch(
        `/receiving-accounts/${real.receivingAccount}`,
        body,
      );
      return ['ok', outcomeOf(answer)];
    }
    case 'set aside': {
      const [, line] = pick(model.lines, number, () => true);
      const refused = ofStaff(role);
      if (refused === undefined) model.setAside(line);
      const path = `/statement-lines/${await lineId(real, line)}/ignore`;
      return [refused ?? 'ok', outcomeOf(await clientOf(real, role, 0).post(path, why))];
    }
    case 'prove':
    case 'reject':
    case 'write off':
      return await changePayment(model, real, plan);
    case 'deliver fewer': {
      // The seller acts as the owner, because commands about the campaign itself have no other
      // owner.
      const as = role === 'owner' ? 'seller' : role;
      const body = { slots: how, ...why };
      const path = `/campaigns/${real.campaignId}/shortfall`;
      const answer = await clientOf(real, as, 0).post(path, body);
      return [model.deliverFewer(as, how), outcomeOf(answer)];
    }
    case 'dispute': {
      const bought = ({ status }: Part) => ['confirmed', 'fulfilled'].includes(status);
      const [, part] = pick(model.parts, number, bought);
      const words = how < 3 ? 'Botolnya retak' : `Keluhan ke-${++real.texts}`;
      const refused = refusalOf(role, ['owner', 'service']);
      const expected = refused ?? model.dispute(part, words);
      const answer = await onPart(real, model, part, role).post('dispute', { reason: words });
      if (answer.status === 201) real.disputes.set(model.disputes.at(-1)!, answer.body.id);
      return [expected, outcomeOf(answer)];
    }
    case 'resolve': {
      const [, one] = pick(model.disputes, number, ({ end }) => end === null);
      const resolution = how % 2 === 0 ? 'upheld' : 'dismissed';
      const expected = ofStaff(role) ?? model.resolve(one, resolution);
      const body = { resolution, explanation: 'sudah dicek' };
      const path = `/disputes/${real.disputes.get(one)}/resolve`;
      return [expected, outcomeOf(await clientOf(real, role, 0).post(path, body))];
    }
    default:
      return await move(model, real, plan);
  }
}

/** The buyer whose money arrives: usually a buyer who owes money, even if the hold has lapsed. */
const payer = (model: HistoryModel, number: number): Part =>
  pick(model.orders, number, (part) => isOwed(model, part))[1];

/** The id of an order in the service. After success, an offer contains the id of its order. */
async function idOf(real: Real, model: HistoryModel, part: Part): Promise<string> {
  const id = real.parts[model.parts.indexOf(part)];
  if (id !== undefined) return id;
  const entry = real.entries[model.entries.findIndex(({ order }) => order === part)];
  const find = 'select order_id as id from sambatan.waiting_entries where entry_id = $1';
  return (await queryRows<{ id: string }>(real.world.replicas[0].db, find, entry))[0]!.id;
}

/** Sends requests about one participation. */
function onPart(real: Real, model: HistoryModel, part: Part, role: Role) {
  const client = clientOf(real, role, part.user);
  const pathOf = async (what: string) => `/participations/${await idOf(real, model, part)}/${what}`;
  return {
    get: async (what: string) => await client.get(await pathOf(what)),
    post: async (what: string, body?: object) => await client.post(await pathOf(what), body),
    upload: async (what: string) =>
      await client.send({
        method: 'POST',
        path: await pathOf(what),
        body: pdfOf(),
        headers: { 'content-type': 'application/pdf' },
      }),
  };
}

/** Views the payment. A new unique code can be any code that no other open payment has. */
async function viewPayment(model: HistoryModel, real: Real, part: Part, role: Role): Promise<Pair> {
  const wasLooked = model.purse(part).payment?.isLooked === true;
  const expected = model.look(part);
  const answer = await onPart(real, model, part, role).get('payment');
  const { payment } = model.purse(part);
  if (expected === 'ok' && answer.status === 200 && payment !== null) {
    assert.deepEqual([answer.body.status, answer.body['amount']], [payment.status, payment.amount]);
    const code = Number(answer.body['unique_code']);
    if (payment.isLooked && !wasLooked) {
      assert.ok(code >= 1 && code <= 99_999, `a code of ${code}`);
      payment.code = code;
    }
    if (payment.status !== 'settled') {
      assert.deepEqual([code, answer.body['total']], [payment.code, payment.amount + code]);
    }
  }
  return [expected, outcomeOf(answer)];
}

/**
 * An amount, selected by a number: the exact amount, too little, the price without the code, or too
 * much.
 */
function amountOf(model: HistoryModel, part: Part, how: number): number {
  const owed = model.owed(part);
  const code = model.purse(part).payment?.code ?? 0;
  return [owed + code, owed - 2_000, owed, owed + code + 7_000][how % 4]!;
}

/**
 * Reports the exact amount for a buyer who can pay now. It is reported twice and must count once.
 */
async function pay(model: HistoryModel, real: Real, plan: MoneyPlan): Promise<Pair> {
  const part = model.payable[plan.number % model.payable.length]!;
  const exact = { ...plan, how: 0 };
  await viewPayment(model, real, part, 'owner');
  if (refusalOf(plan.role, staff) !== undefined)
    return await verifyPayment(model, real, exact, part);
  if (plan.how % 2 === 0) {
    const first = await verifyPayment(model, real, exact, part);
    const again = await verifyPayment(model, real, exact, part);
    assert.deepEqual(again, ['payment_not_open', 'payment_not_open']);
    return first;
  }
  const first = await transfer(model, real, exact, part);
  const again = await importLines(real, plan.role, real.lastImport);
  assert.equal(again.body['added'], 0, again.text);
  model.import([]);
  assert.equal(part.status, 'confirmed');
  return first;
}

/** An operator verifies a payment. */
async function verifyPayment(
  model: HistoryModel,
  real: Real,
  { number, how, role }: MoneyPlan,
  part: Part,
): Promise<Pair> {
  const refused = refusalOf(role, staff);
  // Sometimes the operator knows the day of the transfer.
  const paidOn = number % 5 === 4 ? model.calendar.today(number % 2) : null;
  const isExact = how % 4 === 0;
  const amount = isExact ? null : amountOf(model, part, how);
  const under = how >= 4 ? reference : null;
  const expected = refused ?? model.see(part, amount, { reference: under, paidOn });
  const answer = await onPart(real, model, part, role).post('payment/verify', {
    ...(amount === null ? {} : { amount }),
    ...(under === null ? {} : { reference: under }),
    ...(paidOn === null ? {} : { paid_on: paidOn }),
  });
  if (typeof expected === 'string') return [expected, outcomeOf(answer)];
  await findParticipations(real);
  return [
    await told(model, real, expected),
    `${answer.body['outcome']} ${answer.body['participation_id']}`,
  ];
}

/** The outcome of a payment, in the form in which the service reports it. */
const told = async (model: HistoryModel, real: Real, received: Received | undefined) =>
  received === undefined ? 'open' : `${received.outcome} ${await idOf(real, model, received.part)}`;

/**
 * A transfer arrives and the bank statement shows it. If it matches no order, an operator allocates
 * it to one.
 */
async function transfer(
  model: HistoryModel,
  real: Real,
  { verb, number, how, role }: MoneyPlan,
  part: Part,
): Promise<Pair> {
  await viewPayment(model, real, part, 'owner');
  const refused = ofStaff(role);
  const amount = amountOf(model, part, how);
  const isTwice = verb === 'transfer twice';
  const lines: Line[] = Array.from({ length: isTwice ? 2 : 1 }, () => {
    const name = `TRSF ${++real.texts}`;
    const text = real.texts % 2 === 1 && !isTwice ? `${name} ${reference}` : name;
    return { text, amount, paid: paymentTime(model, number), status: 'unmatched' };
  });
  const answer = await importLines(real, role, lines);
  real.lastImport = lines;
  if (refused !== undefined) return [refused, outcomeOf(answer)];
  const matched = model.import(lines);
  await findParticipations(real);
  const open = (status: Line['status']) =>
    model.lines.filter((line) => line.status === status).length;
  assert.deepEqual(
    [answer.body['added'], answer.body['matched']],
    [lines.length, matched.length],
    answer.text,
  );
  assert.deepEqual(
    [answer.body['unmatched'], answer.body['ambiguous']],
    [open('unmatched'), open('ambiguous')],
  );
  // A line that matches no order may be left to a later command.
  for (const line of how >= 4 ? [] : lines.filter((one) => model.lines.includes(one))) {
    const [expected, got] = await assignLine(model, real, line, part, role);
    assert.equal(got, expected, `a line of ${amount}`);
  }
  const rows = await handledLines(real);
  const said = lines.map(({ text }) => told(model, real, model.handled.get(text)));
  return [(await Promise.all(said)).join(', '), lines.map(({ text }) => rows.get(text)).join(', ')];
}

/** The outcome of each statement line of this history's account, by the text of the line. */
async function handledLines(real: Real): Promise<Map<string, string>> {
  const rows = await queryRows<{ text: string; outcome: string | null; part: string | null }>(
    real.world.replicas[0].db,
    `select description as text, outcome, participation_id as part
    from sambatan.statement_lines where account_id = $1 and status <> 'ignored'`,
    real.receivingAccount,
  );
  return new Map(
    rows.map(({ text, outcome, part }) => [text, outcome === null ? 'open' : `${outcome} ${part}`]),
  );
}

async function importLines(real: Real, role: Role, lines: readonly Line[]) {
  const rows = lines.map(({ text, amount, paid }) => `${dateCell(paid)},${text},${amount}`);
  return await clientOf(real, role, 0).send({
    method: 'POST',
    path: `/receiving-accounts/${real.receivingAccount}/statement?apply=true`,
    body: ['date,description,amount', ...rows].join('\n'),
    headers: { 'content-type': 'text/csv' },
  });
}

/**
 * The time of a transfer, selected by a number: today, yesterday, or a time within the last hours
 * at which no hold and no deadline ends.
 */
function paymentTime({ calendar }: HistoryModel, number: number): Date | string {
  if (number % 3 === 0) return calendar.today(number % 5 === 0 ? 1 : 0);
  const halfHoursAgo = 0.5 + (number % 7);
  return new Date(Math.floor(Date.now() / 1_000 - halfHoursAgo * 1_800) * 1_000);
}

/** The date, as the bank writes it in a cell. */
const dateCell = (paid: Date | string) =>
  typeof paid === 'string'
    ? paid
    : `${new Date(paid.getTime() + 7 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} WIB`;

async function lineId(real: Real, { text }: Line): Promise<string> {
  const find = `select line_id as id from sambatan.statement_lines
    where account_id = $1 and description = $2`;
  return (
    await queryRows<{ id: string }>(real.world.replicas[0].db, find, real.receivingAccount, text)
  )[0]!.id;
}

async function assign(
  model: HistoryModel,
  real: Real,
  { number, how, role }: MoneyPlan,
): Promise<Pair> {
  const [, line] = pick(model.lines, number, () => true);
  const part = payer(model, number + how);
  const refused = ofStaff(role);
  if (refused === undefined) return await assignLine(model, real, line, part, role);
  const path = `/statement-lines/${await lineId(real, line)}/assign`;
  const body = { participation_id: await idOf(real, model, part) };
  return [refused, outcomeOf(await clientOf(real, role, 0).post(path, body))];
}

async function assignLine(
  model: HistoryModel,
  real: Real,
  line: Line,
  part: Part,
  role: Role,
): Promise<Pair> {
  const body = { participation_id: await idOf(real, model, part), refund: true };
  const path = `/statement-lines/${await lineId(real, line)}/assign`;
  const expected = model.assign(line, part);
  const { status, body: row, text } = await clientOf(real, role, 0).post(path, body);
  assert.equal(status, 200, text);
  await findParticipations(real);
  const got = `${String(row['outcome'])} ${String(row['participation_id'])}`;
  return [await told(model, real, expected), got];
}

/**
 * Finds new participations. When slots are given back, they form a participation whose id no answer
 * has contained.
 */
async function findParticipations(real: Real): Promise<void> {
  const rows = await queryRows<{ id: string }>(
    real.world.replicas[0].db,
    `select participation_id as id from sambatan.audit_logs
    where campaign_id = $1 and event = 'participant_joined' order by seq`,
    real.campaignId,
  );
  real.parts.push(...rows.slice(real.parts.length).map(({ id }) => id));
}

async function changePayment(
  model: HistoryModel,
  real: Real,
  { verb, number, role }: MoneyPlan,
): Promise<Pair> {
  const isProven = (one: Part) => model.purse(one).payment?.status === 'proof_submitted';
  const isLikely = verb === 'reject' ? isProven : (one: Part) => isOwed(model, one);
  const among = verb === 'write off' ? model.parts : model.orders;
  const [, part] = pick(among, number, isLikely);
  const on = onPart(real, model, part, role);
  if (verb === 'prove') {
    const refused = refusalOf(role, ['owner', 'service']);
    if (refused !== undefined) return [refused, outcomeOf(await on.upload('proof'))];
    // Views the payment first. Otherwise the proof would create a payment with an unknown code.
    const seen = await viewPayment(model, real, part, 'owner');
    const answer = await on.upload('proof');
    return [seen[0] === 'ok' ? model.prove(part) : seen[0], outcomeOf(answer)];
  }
  const refused = refusalOf(role, staff);
  const path = verb === 'reject' ? 'payment/reject' : 'payment/write-off';
  const expected = refused ?? (verb === 'reject' ? model.reject(part) : model.writeOff(part));
  return [expected, outcomeOf(await on.post(path, why))];
}

/** Marks a refund or payout as sent, failed or returned. */
async function move(
  model: HistoryModel,
  real: Real,
  { verb, number, how, role }: MoneyPlan,
): Promise<Pair> {
  await findLedgerEntries(model, real);
  const kind = verb.includes('refund') ? 'refunds' : 'payouts';
  const likely = verb.endsWith('comes back') ? 'settled' : 'due';
  const [, one] = pick(model[kind], number, ({ status }) => status === likely);
  const id = real.ledgerEntries.get(one)!;
  const refused = ofStaff(role);
  const client = clientOf(real, role, 0);
  // Some repeated commands have another reference.
  const under = `TRF ${how < 6 ? 1 : 2}`;
  switch (verb) {
    case 'send refund': {
      const expected = refused ?? model.sendRefund(one, under);
      const body = { ids: [id], reference: under };
      return [expected, outcomeOf(await client.post('/refunds/settle', body))];
    }
    case 'fail refund':
      return [
        refused ?? model.failRefund(one),
        outcomeOf(await client.post(`/refunds/${id}/fail`, why)),
      ];
    case 'release payout':
      return [
        refused ?? model.releasePayout(one),
        outcomeOf(await client.post(`/payouts/${id}/release`)),
      ];
    case 'send payout': {
      const expected = refused ?? model.sendPayout(one, under);
      return [
        expected,
        outcomeOf(await client.post(`/payouts/${id}/settle`, { reference: under })),
      ];
    }
    default:
      return [
        refused ?? model.comeBack(model[kind], one),
        outcomeOf(await client.post(`/${kind}/${id}/reverse`, why)),
      ];
  }
}

type Ids = ReadonlyMap<Part, string>;

const idsOf = async (model: HistoryModel, real: Real): Promise<Ids> =>
  new Map(
    await Promise.all(
      model.orders.map(async (part) => [part, await idOf(real, model, part)] as const),
    ),
  );

interface Row {
  readonly id: string;
  readonly kind: 'refund' | 'payout';
  readonly part: string | null;
  readonly amount: bigint;
  readonly status: string;
  readonly attempts: number;
  readonly is_released: boolean;
}

const movementsOf = async ({ world, campaignId }: Real) =>
  await queryRows<Row>(
    world.replicas[0].db,
    `select transaction_id as id, kind::text, participation_id as part, amount, status::text,
      attempts, released_at is not null as is_released
    from sambatan.transactions where campaign_id = $1 and kind in ('refund', 'payout')
    order by created_at, transaction_id`,
    campaignId,
  );

/** Finds the ids of the refunds and payouts that have become due since the last call. */
async function findLedgerEntries(model: HistoryModel, real: Real): Promise<void> {
  const known = new Set(real.ledgerEntries.values());
  const rows = (await movementsOf(real)).filter(({ id }) => !known.has(id));
  const ids = await idsOf(model, real);
  for (const [kind, list] of [
    ['refund', model.refunds],
    ['payout', model.payouts],
  ] as const) {
    for (const one of list.filter((movement) => !real.ledgerEntries.has(movement))) {
      const found = rows.findIndex((row) => row.kind === kind && isSame(row, one, ids));
      assert.ok(found >= 0, `there is no ${kind} of ${one.amount}`);
      real.ledgerEntries.set(one, rows.splice(found, 1)[0]!.id);
    }
  }
  assert.deepEqual(rows, [], 'refunds and payouts that nobody asked for');
}

const isSame = (row: Row, one: LedgerEntry, ids: Ids) =>
  row.part === (one.part === null ? null : ids.get(one.part)) &&
  Number(row.amount) === one.amount &&
  row.status === one.status &&
  row.attempts === one.attempts &&
  row.is_released === one.isReleased;

/** Checks that the books of the service equal those of the model, to the rupiah. */
export async function compareBooks(model: HistoryModel, real: Real): Promise<void> {
  const { body } = await real.world.callers.service.get(`/campaigns/${real.campaignId}/books`);
  const books = model.books();
  assert.deepEqual(body, books);
  const { paid, unique_codes: codes, credits } = books;
  assert.equal(model.arrived, paid + codes + credits, 'what came is for something');
}

/** Checks that the payments, refunds and payouts of the service equal those of the model. */
export async function compareLedgerEntries(model: HistoryModel, real: Real): Promise<void> {
  await findLedgerEntries(model, real);
  const rows = new Map((await movementsOf(real)).map((row) => [row.id, row]));
  const ids = await idsOf(model, real);
  for (const [one, id] of real.ledgerEntries) {
    const row = rows.get(id);
    assert.ok(row !== undefined && isSame(row, one, ids), `${row?.kind} of ${one.amount}`);
  }
  const payments = await queryRows<{ part: string; status: string; amount: bigint; kept: bigint }>(
    real.world.replicas[0].db,
    `select participation_id as part, status::text, amount, surcharge as kept
    from sambatan.transactions where campaign_id = $1 and kind = 'payment'`,
    real.campaignId,
  );
  const byPart = new Map(payments.map((row) => [row.part, row]));
  assert.deepEqual(
    model.orders.map((part) => {
      const row = byPart.get(ids.get(part)!);
      return row && [row.status, Number(row.amount), Number(row.kept)];
    }),
    model.orders.map((part) => {
      const { payment } = model.purse(part);
      return payment === null ? undefined : [payment.status, payment.amount, payment.kept];
    }),
  );
  const handled = await Promise.all(
    [...model.handled].map(async ([text, one]) => [text, await told(model, real, one)] as const),
  );
  const open = model.lines.map(({ text }) => [text, 'open'] as const);
  assert.deepEqual(await handledLines(real), new Map([...handled, ...open]));
}
