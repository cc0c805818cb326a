import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openNote } from '../../src/public-log/note.ts';
import { findKeys } from '../../src/public-log/keys.ts';
import { rootOfSumProof, sumLeafHash } from '../../src/public-log/sum-tree.ts';
import { parseSumCheckpoint, type SumProofDocument } from '../../src/public-log/verify-sums.ts';
import { queryRows } from '../support/builders/market.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);
const { db, app, visitor } = service;
const operator = await service.operator();
const shop = await openShop(service);
await createReceivingAccount(db);

interface Order {
  readonly buyer: Client;
  readonly id: string;
}

interface Sold {
  readonly campaign: string;
  readonly orders: readonly Order[];
}

/** A completed campaign whose orders, with these numbers of slots, are all paid. */
async function sold(...quantities: number[]): Promise<Sold> {
  const total = quantities.reduce((sum, quantity) => sum + quantity, 0);
  const { id: campaign } = await shop.campaign({ total_slots: total, minimum_slots: 1 });
  const orders: Order[] = [];
  for (const quantity of quantities) {
    const buyer = await service.user();
    const { id } = await join(buyer, campaign, { quantity });
    orders.push({ buyer, id });
  }
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  for (const { id } of orders) {
    expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
  }
  return { campaign, orders };
}

/** All buyers have received the goods, which releases the payout. */
async function received({ orders }: Sold): Promise<void> {
  for (const { id } of orders) {
    expectStatus(await operator.post(`/participations/${id}/fulfil`), 200);
  }
}

/** Handles all events, and publishes the sums that they changed. */
async function publish(): Promise<void> {
  await app.notifications.plan();
  await app.sums.publishDue();
}

/** The newest sum checkpoint of a campaign; its signature and its amounts are right. */
async function sumsOf({ campaign }: Sold) {
  const answer = await visitor.get(`/campaigns/${campaign}/log/sums`);
  assert.equal(answer.status, 200, answer.text);
  const sums = parseSumCheckpoint(openNote(answer.text, await findKeys(db)).text);
  assert.equal(sums.origin, `localhost/${campaign}/sums`);
  const { root, receivable, payout, fee, refunds, kept } = sums;
  assert.equal(root.sum + receivable, payout + fee + refunds + kept);
  const { version } = sums;
  return { version, paid: root.sum, receivable, payout, fee, refunds, kept, root };
}

/** The proof of an order; it leads to the newest sums. Returns the rupiah that are counted. */
async function provenAmount(sale: Sold, { buyer, id }: Order): Promise<number> {
  const proof = expectStatus(
    await buyer.get(`/participations/${id}/sum-proof`),
    200,
  ) as unknown as SumProofDocument;
  const sums = await sumsOf(sale);
  const hash = sumLeafHash(Buffer.from(proof.salt, 'base64'), id);
  const siblings = proof.siblings.map((one) => ({
    hash: Buffer.from(one.hash, 'base64'),
    sum: BigInt(one.sum),
  }));
  const leaf = { hash, sum: BigInt(proof.paid) };
  assert.deepEqual(rootOfSumProof(leaf, { index: proof.index, siblings }), sums.root);
  assert.equal(proof.checkpoint, (await visitor.get(`/campaigns/${sale.campaign}/log/sums`)).text);
  return proof.paid;
}

const price = 125_000n;

test('the sums are published when the payout is released, and count each buyer', async () => {
  const sale = await sold(2, 1, 3);
  await publish();
  const path = `/campaigns/${sale.campaign}/log/sums`;
  expectProblem(await visitor.get(path), 404, 'sums_not_published');
  const [first] = sale.orders;
  const proof = await first!.buyer.get(`/participations/${first!.id}/sum-proof`);
  expectProblem(proof, 404, 'sums_not_published');
  await received(sale);
  await publish();
  const sums = await sumsOf(sale);
  assert.equal(sums.version, 1);
  assert.equal(sums.payout + sums.fee, 6n * price);
  assert.deepEqual([sums.receivable, sums.refunds], [0n, 0n]);
  assert.equal(sums.paid, 6n * price + sums.kept);
  const counted = [];
  for (const order of sale.orders) counted.push(await provenAmount(sale, order));
  assert.equal(BigInt(counted.reduce((sum, paid) => sum + paid, 0)), sums.paid);
  const stranger = await service.user();
  expectProblem(
    await stranger.get(`/participations/${first!.id}/sum-proof`),
    404,
    'participation_not_found',
  );
});

test('events without money, and events that are handled again, publish nothing new', async () => {
  const sale = await sold(1, 1);
  await received(sale);
  await publish();
  await queryRows(
    db,
    `update sambatan.notification_cursors set seq = 0 where campaign_id = $1`,
    sale.campaign,
  );
  await publish();
  await publish();
  assert.equal((await sumsOf(sale)).version, 1);
});

test('two processes publish each version once', async () => {
  const other = await startHttpService({ sharedWith: service });
  try {
    const sales = [await sold(1), await sold(2), await sold(3)];
    for (const sale of sales) await received(sale);
    await app.notifications.plan();
    await Promise.all([app.sums.publishDue(), app.sums.publishDue()]);
    for (const sale of sales) assert.equal((await sumsOf(sale)).version, 1);
  } finally {
    await other.close();
  }
});

test('payout sent and returned, dispute, refund: the sums follow the money', async () => {
  const sale = await sold(1, 2);
  await received(sale);
  await publish();
  const before = await sumsOf(sale);
  const [payout] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'payout'`,
    sale.campaign,
  );
  const settled = await operator.post(`/payouts/${payout!.id}/settle`, { reference: 'CAIR 1' });
  expectStatus(settled, 200);
  await publish();
  assert.equal((await sumsOf(sale)).version, 1, 'the money is where it was');
  const back = { reason: 'Rekening sudah ditutup' };
  expectStatus(await operator.post(`/payouts/${payout!.id}/reverse`, back), 200);
  const [{ buyer, id }] = sale.orders as [Order, ...Order[]];
  const dispute = await buyer.post(`/participations/${id}/dispute`, { reason: 'Botolnya pecah' });
  const { id: disputeId } = expectStatus(dispute, 201);
  const upheld = { resolution: 'upheld', explanation: 'Fotonya jelas' };
  expectStatus(await operator.post(`/disputes/${disputeId}/resolve`, upheld), 200);
  await publish();
  const now = await sumsOf(sale);
  assert.equal(now.version, 2);
  assert.equal(now.paid, before.paid);
  assert.equal(now.payout + now.fee, 2n * price);
  assert.equal(now.refunds + now.kept, before.kept + price);
  const refunds = await buyer.get(`/participations/${id}/refunds`);
  const { items } = expectStatus(refunds, 200);
  const ids = items.map((refund) => refund.id);
  const sent = await operator.post('/refunds/settle', { ids, reference: 'KEMBALI 1' });
  expectStatus(sent, 200);
  await publish();
  assert.equal((await sumsOf(sale)).version, 2, 'due and sent refunds are one amount');
  for (const order of sale.orders) await provenAmount(sale, order);
});

test('an unpaid order whose payout was released early is receivable, and then paid', async () => {
  const sale = await sold(1, 1);
  const [first] = sale.orders as [Order, Order];
  const { id: campaign } = await shop.campaign({ total_slots: 2, minimum_slots: 1 });
  const orders = [];
  for (let n = 0; n < 2; n++) {
    const buyer = await service.user();
    orders.push({ buyer, id: (await join(buyer, campaign)).id as string });
  }
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  const verify = async ({ id }: Order) =>
    expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
  await verify(orders[0]!);
  const [payout] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'payout'`,
    campaign,
  );
  expectStatus(await operator.post(`/payouts/${payout!.id}/release`), 200);
  await publish();
  const early = { campaign, orders };
  const sums = await sumsOf(early);
  assert.deepEqual([sums.receivable, sums.payout + sums.fee], [price, 2n * price]);
  const unpaid = await orders[1]!.buyer.get(`/participations/${orders[1]!.id}/sum-proof`);
  expectProblem(unpaid, 404, 'sum_proof_not_available');
  await verify(orders[1]!);
  await publish();
  const paid = await sumsOf(early);
  assert.deepEqual([paid.version, paid.receivable], [2, 0n]);
  assert.equal(paid.payout + paid.fee, 2n * price);
  for (const order of orders) await provenAmount(early, order);
  assert.equal(await sumsFor(first), 'sums_not_published');
});

/** The code with which the sum proof of an order is refused. */
async function sumsFor({ buyer, id }: Order): Promise<unknown> {
  return (await buyer.get(`/participations/${id}/sum-proof`)).body.code;
}

test('a shortfall after the release moves money from the payout to refunds', async () => {
  const sale = await sold(2, 2);
  const [payout] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'payout'`,
    sale.campaign,
  );
  expectStatus(await operator.post(`/payouts/${payout!.id}/release`), 200);
  await publish();
  const before = await sumsOf(sale);
  const shortfall = { slots: 3, reason: 'Satu botol pecah' };
  expectStatus(await shop.seller.post(`/campaigns/${sale.campaign}/shortfall`, shortfall), 200);
  await publish();
  const now = await sumsOf(sale);
  assert.equal(now.version, 2);
  assert.equal(now.paid, before.paid);
  assert.equal(now.payout + now.fee, 3n * price);
  assert.equal(now.refunds, price);
});

test('deleting an account keeps the proofs of the other buyers valid', async () => {
  const sale = await sold(1, 2, 3);
  await received(sale);
  await publish();
  const before = await sumsOf(sale);
  const [gone, ...others] = sale.orders as [Order, ...Order[]];
  await queryRows(
    db,
    'update sambatan.participants set salt = null where participation_id = $1',
    gone.id,
  );
  assert.equal(await sumsFor(gone), 'sum_proof_not_available');
  for (const order of others) await provenAmount(sale, order);
  await queryRows(
    db,
    'insert into sambatan.log_sums_due (campaign_id, seq) values ($1, 1)',
    sale.campaign,
  );
  await app.sums.publishDue();
  assert.deepEqual(await sumsOf(sale), before);
});

test('the sums of a campaign whose account was deleted before still add up', async () => {
  const sale = await sold(1, 2);
  const [gone, other] = sale.orders as [Order, Order];
  await queryRows(
    db,
    'update sambatan.participants set salt = null where participation_id = $1',
    gone.id,
  );
  await received(sale);
  await publish();
  assert.equal((await sumsOf(sale)).payout + (await sumsOf(sale)).fee, 3n * price);
  assert.equal(await sumsFor(gone), 'sum_proof_not_available');
  await provenAmount(sale, other);
});

test('the invariants find sums that differ from the books', async () => {
  const sale = await sold(1, 1);
  await received(sale);
  await publish();
  const wrong = async () =>
    await queryRows<{ campaign_id: string; paid: bigint }>(
      db,
      'select * from sambatan.wrong_sums()',
    );
  assert.deepEqual(await wrong(), []);
  const change = (sign: '+' | '-') =>
    queryRows(
      db,
      `update sambatan.log_sums set paid = paid ${sign} 1, kept = kept ${sign} 1
      where campaign_id = $1`,
      sale.campaign,
    );
  await change('+');
  assert.deepEqual(
    (await wrong()).map(({ campaign_id: id }) => id),
    [sale.campaign],
  );
  await change('-');
});
