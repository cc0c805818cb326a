import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { asAdmin } from '../support/database/cluster.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const staff = service.service;
const operator = await service.operator();
const shop = await openShop(service);
const account = async (bank: string, number: string) =>
  expectStatus(
    await staff.post('/receiving-accounts', { bank, number, holder: 'PT Sambatan Bersama' }),
    201,
  ).id;
const till = await account('BCA', '5270099001');

interface Asked {
  readonly id: string;
  readonly code: number;
  readonly total: number;
  readonly bank: string;
}

const paymentOf = async (by: Client, id: string): Promise<Asked> => {
  const body = expectStatus(await by.get(`/participations/${id}/payment`), 200);
  const { bank } = body['account'] as { bank: string };
  return { id, code: Number(body['unique_code']), total: Number(body['total']), bank };
};

/**
 * This many buyers join one campaign, so that all orders have the same price. All of them view
 * their payment.
 */
async function crowd(buyers: number, price: number): Promise<Asked[]> {
  const { id } = await shop.campaign({
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    total_slots: buyers,
    price_per_slot: price,
  });
  const asked: Asked[] = [];
  for (let begun = 0; begun < buyers; begun += 50) {
    const some = Array.from({ length: Math.min(50, buyers - begun) }, async () => {
      const buyer = await service.user();
      return await paymentOf(buyer, (await join(buyer, id)).id);
    });
    asked.push(...(await Promise.all(some)));
  }
  return asked;
}

const counted = (asked: readonly Asked[], is: (one: Asked) => boolean) => asked.filter(is).length;

test('1,100 buyers of one price get distinct amounts, with longer codes only when needed', async () => {
  const asked = await crowd(1_100, 195_000);
  assert.equal(new Set(asked.map(({ total }) => total)).size, 1_100);
  assert.ok(asked.every(({ code, total }) => code > 0 && total === 195_000 + code));
  assert.equal(
    counted(asked, ({ code }) => code <= 999),
    999,
  );
  assert.ok(asked.every(({ code }) => code <= 1_999));

  // A transfer with a long code is matched by its amount like any other transfer.
  const long = asked.find(({ code }) => code > 999)!;
  const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
  const answer = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: `date,description,amount\n${today},TRSF,${long.total}`,
    headers: { 'content-type': 'text/csv' },
  });
  assert.equal(expectStatus(answer, 200)['matched'], 1);
  const { status } = expectStatus(await staff.get(`/participations/${long.id}`), 200);
  assert.equal(status, 'confirmed');
});

test('when no unique code is left no payment is created', async () => {
  const { id } = await shop.campaign({
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    price_per_slot: 777_000,
  });
  const [first, second] = [await service.user(), await service.user()];
  const { id: looked } = await join(first, id);
  await paymentOf(first, looked);
  // This connection has no time limit for a statement, which a slow machine could exceed.
  await asAdmin(
    service.databaseUrl,
    `insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
      created_at, account_id, unique_code)
    select '${id}', 'payment', '${looked}', 777000, 'code ' || a.bank || g, 'system', now(),
      a.account_id, g
    from generate_series(1, 99999) g, sambatan.receiving_accounts a
    on conflict do nothing`,
  );
  const { id: late } = await join(second, id);
  const answer = await second.get(`/participations/${late}/payment`);
  expectProblem(answer, 409, 'unique_codes_exhausted');
  await asAdmin(
    service.databaseUrl,
    "update sambatan.transactions set status = 'void' where cause like 'code %'",
  );
});

test('a second receiving account provides short codes before codes get longer', async () => {
  await account('Mandiri', '1370099002');
  const asked = await crowd(1_010, 85_000);
  assert.ok(asked.every(({ code }) => code >= 1 && code <= 999));
  assert.equal(
    counted(asked, ({ bank }) => bank === 'BCA'),
    999,
  );
  assert.equal(new Set(asked.map(({ bank, total }) => `${bank} ${total}`)).size, 1_010);
});
