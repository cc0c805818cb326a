import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const service = await startHttpService();
after(service.close);
const { db } = service;
const operator = await service.operator();
const shop = await openShop(service);

interface Bought {
  readonly buyer: Client;
  readonly campaign: string;
  readonly id: string;
}

/** A buyer who has paid in a completed campaign, so that the payout is due. */
async function bought(): Promise<Bought> {
  const one = await unpaid();
  expectStatus(await operator.post(`/participations/${one.id}/payment/verify`, {}), 200);
  return one;
}
/** A buyer of a completed campaign who has not paid yet. */
async function unpaid(): Promise<Bought> {
  const { id: campaign } = await shop.campaign({ total_slots: 1, minimum_slots: 1 });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  return { buyer, campaign, id };
}
const disputes = ({ buyer, id }: Bought, reason: string) =>
  buyer.post(`/participations/${id}/dispute`, { reason });
/** A buyer opens a dispute, and an operator upholds or dismisses it. */
async function decided(one: Bought, reason: string, resolution: 'upheld' | 'dismissed') {
  const { id } = expectStatus(await disputes(one, reason), 201);
  const words = { resolution, explanation: 'Sudah kami cek berdua' };
  expectStatus(await operator.post(`/disputes/${id}/resolve`, words), 200);
}
const finals = async ({ campaign }: Bought) =>
  (
    await queryRows<{ final: boolean }>(
      db,
      `select (metadata ->> 'is_final')::boolean as final from sambatan.audit_events
      where campaign_id = $1 and event = 'dispute_resolved' order by seq`,
      campaign,
    )
  ).map(({ final }) => final);
const pageOf = async ({ buyer, id }: Bought) =>
  (await new SiteForms(service.url, buyer).get(`/ikutan/${id}`)).text;
const form = /Ada masalah dengan pesananmu|Laporkan sekali lagi/;

test('a dismissed dispute may be appealed once, with new information', async () => {
  const one = await bought();
  await decided(one, 'Botolnya retak', 'dismissed');
  assert.match(await pageOf(one), form);
  assert.match(await pageOf(one), /sekali lagi dalam 7 hari/);
  for (const same of ['Botolnya retak', ' botolnya  RETAK!! ']) {
    expectProblem(await disputes(one, same), 422, 'dispute_says_nothing_new');
  }
  await decided(one, 'Isinya juga setengah, ini fotonya', 'dismissed');
  expectProblem(await disputes(one, 'Dan tutupnya hilang'), 409, 'dispute_decided');
  assert.doesNotMatch(await pageOf(one), form);
  assert.deepEqual(await finals(one), [false, true]);
});

test('a dispute dismissed over a week ago, or upheld, is final', async () => {
  const late = await bought();
  await decided(late, 'Botolnya retak', 'dismissed');
  await queryRows(
    db,
    `update sambatan.disputes set opened_at = opened_at - interval '7 days',
      resolved_at = resolved_at - interval '7 days' where campaign_id = $1`,
    late.campaign,
  );
  expectProblem(await disputes(late, 'Isinya juga setengah'), 409, 'dispute_decided');
  assert.doesNotMatch(await pageOf(late), form);
  const right = await bought();
  expectStatus(await operator.post(`/participations/${right.id}/fulfil`), 200);
  await decided(right, 'Botolnya retak', 'upheld');
  expectProblem(
    await disputes(right, 'Isinya juga setengah'),
    409,
    'participation_transition_not_allowed',
  );
  assert.deepEqual(await finals(right), [true]);
});

test('only a paid participation can be disputed, so that no payout is blocked without cause', async () => {
  const one = await unpaid();
  assert.doesNotMatch(await pageOf(one), form);
  expectProblem(await disputes(one, 'Botolnya retak'), 409, 'dispute_not_paid');
  expectStatus(await operator.post(`/participations/${one.id}/payment/verify`, {}), 200);
  assert.match(await pageOf(one), form);
  expectStatus(await disputes(one, 'Botolnya retak'), 201);
});

test('an upheld dispute about received goods refunds the full amount including the unique code', async () => {
  const one = await unpaid();
  // The payment gets its unique code when the buyer views it for the first time.
  await createReceivingAccount(db);
  const due = expectStatus(await one.buyer.get(`/participations/${one.id}/payment`), 200);
  expectStatus(await operator.post(`/participations/${one.id}/payment/verify`, {}), 200);
  expectStatus(await operator.post(`/participations/${one.id}/fulfil`), 200);
  await decided(one, 'Botolnya pecah semua', 'upheld');

  const { status, fulfilled_at: receivedAt } = expectStatus(
    await one.buyer.get(`/participations/${one.id}`),
    200,
  );
  assert.equal(status, 'refunded');
  assert.notEqual(receivedAt, null);
  const [event] = await queryRows<{ metadata: object }>(
    db,
    `select metadata from sambatan.audit_events
    where campaign_id = $1 and event = 'participant_refunded'`,
    one.campaign,
  );
  assert.deepEqual(pickReason(event?.metadata), { quantity: 1, reason: 'dispute' });
  const [counters] = await queryRows(
    db,
    `select filled_slots, confirmed_slots, participant_count from sambatan.campaigns
    where campaign_id = $1`,
    one.campaign,
  );
  assert.deepEqual(counters, { filled_slots: 0, confirmed_slots: 0, participant_count: 0 });
  const { items } = expectStatus(await one.buyer.get(`/participations/${one.id}/refunds`), 200);
  assert.deepEqual(
    items.map((refund) => refund['amount']),
    [due['total']],
  );
  const books = expectStatus(await operator.get(`/campaigns/${one.campaign}/books`), 200);
  assert.deepEqual([books['gross'], books['codes_kept'], books['payouts_due']], [0, 0, 0]);
  assert.match(await pageOf(one), /laporan masalahmu disetujui/);
  assert.doesNotMatch(await pageOf(one), form);
  expectProblem(
    await disputes(one, 'Dan tutupnya hilang'),
    409,
    'participation_transition_not_allowed',
  );
});

test('a batch with refunded received goods cannot be cancelled any more', async () => {
  const { id: campaign } = await shop.campaign({
    total_slots: 3,
    minimum_slots: 3,
    payment_timing: 'on_completion',
  });
  const buyers = [await service.user(), await service.user()];
  const [first = '', second = ''] = [
    (await join(buyers[0]!, campaign)).id,
    (await join(buyers[1]!, campaign, { quantity: 2 })).id,
  ];
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  expectStatus(await operator.post(`/participations/${first}/payment/verify`, {}), 200);
  expectStatus(await operator.post(`/participations/${first}/fulfil`), 200);
  await decided({ buyer: buyers[0]!, campaign, id: first }, 'Botolnya pecah', 'upheld');
  expectStatus(
    await operator.post(`/participations/${second}/payment/write-off`, { reason: 'Tidak bayar' }),
    200,
  );
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  const [row] = await queryRows(
    db,
    'select decision_opened_at from sambatan.campaigns where campaign_id = $1',
    campaign,
  );
  assert.deepEqual(row, { decision_opened_at: null });
});

const pickReason = (metadata: object = {}) => {
  const { quantity, reason } = metadata as { quantity?: number; reason?: string };
  return { quantity, reason };
};
