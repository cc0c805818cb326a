import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const staff = service.service;
const operator = await service.operator();
const shop = await openShop(service);
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
const till = expectStatus(await staff.post('/receiving-accounts', bank), 201).id;
const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);

interface Owing {
  readonly buyer: Client;
  readonly campaign: string;
  readonly id: string;
  readonly price: number;
  readonly total: number;
}

/** An order of a buyer, with the amount that the buyer must transfer. */
async function owing(price: number, buyer?: Client): Promise<Owing> {
  const { id: campaign } = await shop.campaign({
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    price_per_slot: price,
  });
  const who = buyer ?? (await service.user());
  const { id } = await join(who, campaign);
  const payment = expectStatus(await who.get(`/participations/${id}/payment`), 200);
  return { buyer: who, campaign, id, price, total: Number(payment['total']) };
}

/** Imports a statement with one transfer. Returns its line as the API shows it. */
async function transferred(amount: number, text: string): Promise<Body> {
  const answer = await operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: `date,description,amount\n${today},${text},${amount}`,
    headers: { 'content-type': 'text/csv' },
  });
  assert.equal(expectStatus(answer, 200)['added'], 1);
  const { items } = expectStatus(await operator.get('/statement-lines?limit=100'), 200);
  return items.find((line) => line['description'] === text)!;
}

const candidatesOf = (line: Body) =>
  line['candidates'] as unknown as {
    reason: string;
    parts: { participation_id: string; amount: number }[];
    lines: string[];
    difference: number;
  }[];
const divide = (line: Body, parts: object[]) =>
  operator.send({ method: 'PUT', path: `/statement-lines/${line.id}/parts`, body: { parts } });
const settle = (lines: readonly Body[], how: object = {}) =>
  operator.post('/statement-lines/settle', { ids: lines.map(({ id }) => id), ...how });
const assign = async (line: Body, id: string, how: object = {}) =>
  expectStatus(
    await operator.post(`/statement-lines/${line.id}/assign`, { participation_id: id, ...how }),
    200,
  );
const statusOf = async (id: string) =>
  expectStatus(await staff.get(`/participations/${id}`), 200).status;
const moneyOf = async (campaign: string) => {
  const { body } = await staff.get(`/campaigns/${campaign}/books`);
  return [body['held'], body['refunds_due']];
};

test('one transfer for two orders of a buyer is suggested, divided and pays both, without a refund', async () => {
  const one = await owing(195_000);
  const two = await owing(83_000, one.buyer);
  const line = await transferred(one.total + two.total, 'TRSF DUA PESANAN');
  const several = candidatesOf(line).find(({ reason }) => reason === 'several_orders')!;
  assert.equal(several.difference, 0);
  const wanted = new Map([
    [one.id, one.total],
    [two.id, two.total],
  ]);
  assert.deepEqual(
    new Map(several.parts.map((part) => [part.participation_id, part.amount])),
    wanted,
  );
  const divided = expectStatus(await divide(line, several.parts), 200);
  assert.equal(divided.status, 'allocated');
  assert.deepEqual([await statusOf(one.id), await statusOf(two.id)], ['reserved', 'reserved']);

  const undone = expectStatus(await divide(line, []), 200);
  assert.equal(undone.status, 'unmatched');
  expectProblem(await settle([line]), 409, 'statement_line_not_divided');
  expectStatus(await divide(line, several.parts), 200);
  const answers = await Promise.all([settle([line]), settle([line])]);
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409]);
  assert.deepEqual([await statusOf(one.id), await statusOf(two.id)], ['confirmed', 'confirmed']);
  assert.deepEqual(await moneyOf(one.campaign), [one.total, 0]);
  assert.deepEqual(await moneyOf(two.campaign), [two.total, 0]);
  const seen = expectStatus(await operator.get(`/statement-lines/${line.id}`), 200);
  assert.deepEqual(
    [seen.status, seen['outcome'], (seen['parts'] as unknown as object[]).length],
    ['matched', 'divided', 2],
  );
});

test('two transfers for one order are combined and pay it', async () => {
  const one = await owing(241_000);
  const first = await transferred(120_000, 'TRSF SETENGAH 1');
  const waiting = await assign(first, one.id);
  assert.deepEqual([waiting.status, waiting['outcome']], ['allocated', null]);
  assert.deepEqual(await moneyOf(one.campaign), [0, 0], 'nothing is sent back');
  const second = await transferred(one.total - 120_000, 'TRSF SETENGAH 2');
  const together = candidatesOf(second).find(({ reason }) => reason === 'together')!;
  assert.deepEqual(together.lines, [first.id]);
  assert.deepEqual([together.parts[0]!.participation_id, together.difference], [one.id, 0]);
  const paid = await assign(second, one.id);
  assert.deepEqual([paid.status, paid['outcome']], ['matched', 'settled']);
  assert.equal(await statusOf(one.id), 'confirmed');
  assert.deepEqual(await moneyOf(one.campaign), [one.total, 0]);
  const other = expectStatus(await operator.get(`/statement-lines/${first.id}`), 200);
  assert.deepEqual([other.status, other['outcome']], ['matched', 'settled']);
});

test('combined lines with too little, too much or nothing are reported before they are settled', async () => {
  const one = await owing(150_000);
  const [first, second] = [
    await transferred(70_000, 'TRSF BAGIAN A'),
    await transferred(70_001, 'TRSF BAGIAN B'),
  ];
  const whole = (amount: number) => [{ participation_id: one.id, amount }];
  expectStatus(await divide(first, whole(70_000)), 200);
  expectStatus(await divide(second, whole(70_001)), 200);
  const short = expectProblem(await settle([first, second]), 409, 'statement_lines_too_little');
  assert.equal((short as unknown as { params: { missing: number } }).params.missing, 9_999);
  expectProblem(await divide(first, whole(70_002)), 409, 'statement_parts_exceed_line');
  const third = await transferred(15_000, 'TRSF BAGIAN C');
  expectStatus(await divide(third, whole(9_999)), 200);
  expectStatus(await settle([first, second, third]), 200);
  assert.equal(await statusOf(one.id), 'confirmed');
  const over = 70_000 + 70_001 + 15_000 - one.total;
  assert.deepEqual(await moneyOf(one.campaign), [155_001, over > 0 ? over : 0]);
});

test('an insufficient amount is refunded only if a person decides so', async () => {
  const one = await owing(131_000);
  const line = await transferred(100_000, 'TRSF KURANG');
  const back = await assign(line, one.id, { refund: true });
  assert.equal(back['outcome'], 'credited');
  assert.deepEqual(await moneyOf(one.campaign), [100_000, 100_000]);
  assert.equal(await statusOf(one.id), 'reserved');
});

test('a sum without its code, a rupiah off or with one wrong digit lists its buyer as a candidate', async () => {
  const one = await owing(317_000);
  const reasons = async (amount: number, text: string) => {
    const line = await transferred(amount, text);
    assert.equal(line.status, 'unmatched');
    return {
      line,
      found: candidatesOf(line).find(({ parts }) => parts[0]!.participation_id === one.id)?.reason,
    };
  };
  const bare = await reasons(one.price, 'TRSF TANPA KODE');
  assert.equal(bare.found, 'missing_code');
  assert.equal((await reasons(one.total - 1, 'TRSF KURANG SERUPIAH')).found, 'near_sum');
  assert.equal((await reasons(one.total + 100_000, 'TRSF SALAH KETIK')).found, 'digit_typo');
  const paid = await assign(bare.line, one.id);
  assert.equal(paid['outcome'], 'settled');
  assert.deepEqual(await moneyOf(one.campaign), [one.price, 0]);
});

test('a buyer is found by the name in the description, even if the bank truncated it', async () => {
  const one = await owing(409_000);
  const own = { bank: 'BNI', number: '0900112233', holder: 'Ratnaningsih Wulandari' };
  expectStatus(await one.buyer.send({ method: 'PUT', path: '/refund-account', body: own }), 200);
  const line = await transferred(123_456, 'BI-FAST CR TRF RATNANINGSIH WULAN');
  const [likely] = candidatesOf(line);
  assert.deepEqual([likely!.reason, likely!.parts[0]!.participation_id], ['name', one.id]);
});

test('an operator divides a transfer on its page, without script, and undoes it', async () => {
  const one = await owing(77_000);
  const two = await owing(66_000, one.buyer);
  const line = await transferred(one.total + two.total + 500, 'TRSF LEBIH LIMA RATUS');
  const base = `/operator/pembayaran/mutasi/${line.id}`;
  const root = (path: string) => `/..${path}`.replace('/..', '');
  const page = async (path: string) => {
    const answer = await fetch(`${service.url}${root(path)}`, {
      headers: { authorization: `Bearer ${operator.token}` },
    });
    return { status: answer.status, text: await answer.text() };
  };
  const post = async (path: string, fields: Record<string, string>) =>
    fetch(`${service.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Bearer ${operator.token}` },
      body: new URLSearchParams(fields),
    });
  const opened = await page(`${base}?q=${one.id}`);
  assert.equal(opened.status, 200);
  assert.ok(opened.text.includes(`value="${one.id}"`), 'found by its id');
  const parts = {
    participation_1: one.id,
    amount_1: new Intl.NumberFormat('id-ID').format(one.total),
    participation_2: two.id,
    amount_2: String(two.total),
  };
  assert.equal((await post(`${base}/bagi`, parts)).status, 303);
  const divided = await page(base);
  assert.match(divided.text, /Sisa Rp500/);
  assert.equal((await post(`${base}/urungkan`, {})).status, 303);
  assert.ok(!(await page(base)).text.includes('Sisa Rp500'));
  assert.equal((await post(`${base}/bagi`, parts)).status, 303);
  assert.equal((await post(`${base}/catat`, { lines: line.id })).status, 303);
  assert.deepEqual([await statusOf(one.id), await statusOf(two.id)], ['confirmed', 'confirmed']);
  assert.deepEqual(await moneyOf(one.campaign), [one.total + 500, 500], 'the rest is owed back');
  assert.match((await page(`/en${base}`)).text, /Recorded/);
});
