import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass } from '../support/builders/market.ts';
import {
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  openShop,
} from '../support/builders/shop.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const service = await startHttpService();
after(service.close);
const { db } = service;
const operator = await service.operator();
const colleague = await service.operator();
const shop = await openShop(service);
const till = await createReceivingAccount(db);
const price = 125_000;
const terms = {
  payment_timing: 'upfront',
  hold_seconds: 3_600,
  deadline: fromNow(10 * hourMs),
} as const;
const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);

interface Bought {
  readonly buyer: Client;
  readonly campaign: string;
  readonly id: string;
  /** The amount of a transfer: the price plus the unique code that the buyer saw. */
  readonly total: number;
}

async function bought(wish: object = {}): Promise<Bought> {
  const { id: campaign } = await shop.campaign({ ...terms, ...wish });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  return { buyer, campaign, id, total: await totalOf(buyer, id) };
}
const totalOf = async (buyer: Client, id: string) =>
  Number(expectStatus(await buyer.get(`/participations/${id}/payment`), 200)['total']);
const lapse = async (campaign: string) => {
  await letTimePass(db, campaign, 3_601);
  await queryRows(db, 'select sambatan.settle_campaign($1, false, 1000)', campaign);
};
/** An operator verifies an amount. Returns the outcome. */
const see = async (id: string, body: object = {}) =>
  expectStatus(await operator.post(`/participations/${id}/payment/verify`, body), 200)['outcome'];
let lines = 0;
/**
 * Imports a statement with one transfer, which may match no payment. Returns the id of its line.
 */
async function shown(amount: number): Promise<string> {
  const description = `TRSF ${++lines}`;
  const applied = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: `date,description,amount\n${today},${description},${amount}`,
    headers: { 'content-type': 'text/csv' },
  });
  expectStatus(applied, 200);
  const found = 'select line_id from sambatan.statement_lines where description = $1';
  return (await queryRows<{ line_id: string }>(db, found, description))[0]!.line_id;
}
const outcomeOf = async (line: string) =>
  (
    await queryRows<{ outcome: string | null }>(
      db,
      'select outcome from sambatan.statement_lines where line_id = $1',
      line,
    )
  )[0]!.outcome;
/** An operator allocates a transfer to a participation. Returns the outcome. */
const assign = async (line: string, id: string, how: object = {}) =>
  expectStatus(
    await colleague.post(`/statement-lines/${line}/assign`, { participation_id: id, ...how }),
    200,
  );
/** The money that the campaign holds, and the refunds that are due. */
const standing = async (campaign: string) => {
  const { body } = await operator.get(`/campaigns/${campaign}/books`);
  return [body['held'], body['refunds_due']];
};

test('a manually verified sum for a lapsed hold counts once, also when its line is allocated to it', async () => {
  const one = await bought({ total_slots: 1, minimum_slots: 1 });
  await lapse(one.campaign);
  await join(await service.user(), one.campaign);
  assert.equal(await see(one.id), 'credited');
  const line = await shown(one.total);
  if ((await outcomeOf(line)) === null) await assign(line, one.id);
  assert.equal(await outcomeOf(line), 'known');
  assert.deepEqual(await standing(one.campaign), [one.total, one.total]);
});

test('a manually verified sum for slots that were given back is recognised when its line is allocated to the lapsed hold', async () => {
  const one = await bought();
  // An amount that matches no payment, so an operator must allocate its line.
  const sum = one.total + 1_000;
  await lapse(one.campaign);
  assert.equal(await see(one.id, { amount: sum }), 'given');
  const line = await assign(await shown(sum), one.id);
  assert.equal(line['outcome'], 'known');
  assert.notEqual(line['participation_id'], one.id, 'it stands with what it paid for');
  assert.deepEqual(await standing(one.campaign), [sum, sum - one.total]);
  const second = await assign(await shown(sum), one.id);
  assert.equal(second['outcome'], 'credited', 'a second transfer is another one');
  assert.deepEqual(await standing(one.campaign), [2 * sum, 2 * sum - one.total]);
});

test('a manually verified sum for a new participation is recognised when its line fits the lapsed one', async () => {
  const one = await bought({ total_slots: 2, minimum_slots: 1, max_slots_per_user: 2 });
  await lapse(one.campaign);
  const { id: second } = await join(one.buyer, one.campaign);
  await join(await service.user(), one.campaign);
  await totalOf(one.buyer, second);
  // The buyer transfers the amount of the lapsed order. An operator counts it for the current
  // slots.
  assert.equal(await see(second, { amount: one.total }), 'settled');
  const before = await standing(one.campaign);
  assert.equal(before[0], one.total);
  const line = await shown(one.total);
  if ((await outcomeOf(line)) === null) await assign(line, one.id);
  assert.equal(await outcomeOf(line), 'known');
  assert.deepEqual(await standing(one.campaign), before);
});

test('a line pays the unpaid one of two participations, even if the other was manually verified', async () => {
  const one = await bought({ max_slots_per_user: 4 });
  const { id: second } = await join(one.buyer, one.campaign);
  await totalOf(one.buyer, second);
  const sum = price + 5_000;
  assert.equal(await see(one.id, { amount: sum }), 'settled');
  assert.equal((await assign(await shown(sum), second))['outcome'], 'settled');
  assert.equal((await assign(await shown(sum), second))['outcome'], 'known');
});

test('a partial transfer from a statement is not counted again by a manual verification', async () => {
  const one = await bought();
  const line = await assign(await shown(40_000), one.id, { refund: true });
  assert.equal(line['outcome'], 'credited');
  assert.equal(await see(one.id, { amount: 40_000 }), 'known');
  assert.equal(await see(one.id, { amount: 40_000, reference: `trsf ${lines}` }), 'known');
  assert.deepEqual(await standing(one.campaign), [40_000, 40_000]);
  assert.equal(await see(one.id, { amount: 40_000, reference: 'BCA 0043' }), 'credited');
  assert.deepEqual(
    await standing(one.campaign),
    [80_000, 80_000],
    'another reference, another sum',
  );
  assert.equal(await see(one.id), 'settled', 'what is another sum pays');
});

test('a second transfer for a lapsed hold that was never verified takes no additional slots', async () => {
  const { id: campaign } = await shop.campaign(terms);
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  await lapse(campaign);
  assert.equal((await assign(await shown(price), id))['outcome'], 'given');
  assert.equal((await assign(await shown(price), id))['outcome'], 'credited');
  assert.deepEqual(await standing(campaign), [2 * price, price]);
  const told = await queryRows<{ reason: string }>(
    db,
    `select metadata ->> 'reason' as reason from sambatan.audit_events
    where campaign_id = $1 and event = 'payment_late'`,
    campaign,
  );
  assert.deepEqual(told, [{ reason: 'already_paid' }]);
  const visit = await operator.post(`/participations/${id}/payment/verify`);
  expectProblem(visit, 409, 'payment_not_open');
});

test('of many equal transfers in one file the first one pays, as the preview shows', async () => {
  const one = await bought();
  const texts = Array.from({ length: 30 }, (_, n) => `TRSF SAMA ${n}`);
  const rows = texts.map((text) => `${today},${text},${one.total}`);
  const applied = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: ['date,description,amount', ...rows].join('\n'),
    headers: { 'content-type': 'text/csv' },
  });
  assert.deepEqual([applied.body['added'], applied.body['matched']], [30, 1], applied.text);
  const paid = await queryRows<{ description: string }>(
    db,
    `select description from sambatan.statement_lines
    where participation_id = $1 and outcome = 'settled'`,
    one.id,
  );
  assert.deepEqual(paid, [{ description: texts[0] }]);
});
