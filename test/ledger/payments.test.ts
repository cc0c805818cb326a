import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import type { StatementFormat } from '../../src/ledger/statement-files/parse.ts';
import { readByMapping } from '../../src/ledger/bank-statements/mapping.ts';
import { holdsAboutToLapse } from '../../src/ledger/payments/queries.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass, outcomes, waitForLockWait } from '../support/builders/market.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { pdfOf } from '../support/builders/pdf.ts';

const service = await startHttpService({ environment: { SAMBATAN_HOLD_GRACE: '10' } });
after(service.close);
const staff = service.service;
const operator = await service.operator();
const shop = await openShop(service);
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
const till = expectStatus(await staff.post('/receiving-accounts', bank), 201).id;

const upfront = (wish: object = {}) =>
  shop.campaign({ payment_timing: 'upfront', hold_seconds: 3_600, ...wish });
const paymentOf = async (by: Client, id: string) =>
  expectStatus(await by.get(`/participations/${id}/payment`), 200);
const statusOf = async (id: string) =>
  expectStatus(await staff.get(`/participations/${id}`), 200).status;
const upload = (by: Client, id: string, body: Buffer, type = 'image/jpeg') =>
  by.send({
    method: 'POST',
    path: `/participations/${id}/proof`,
    body,
    headers: { 'content-type': type },
  });
const verify = (id: string, body: object = {}) =>
  operator.post(`/participations/${id}/payment/verify`, body);
const settle = (id: string) =>
  queryRows(service.db, 'select sambatan.settle_campaign($1, false, 1000)', id);
const booksOf = async (id: string) =>
  expectStatus(await staff.get(`/campaigns/${id}/books`), 200) as unknown as Record<string, number>;
const photo = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#fff' } })
  .jpeg()
  .withExif({ IFD0: { Copyright: 'rahasia dapur' } })
  .toBuffer();
const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
const csv = (...lines: [description: string, amount: number][]) =>
  ['date,description,amount', ...lines.map(([text, amount]) => `${today},${text},${amount}`)].join(
    '\n',
  );
const fileOf = (text: string, format: StatementFormat) =>
  readByMapping(Buffer.from(text), { format }, today);
const statement = async (text: string, query = '?apply=true') =>
  expectStatus(
    await operator.send({
      method: 'POST',
      path: `/receiving-accounts/${till}/statement${query}`,
      body: text,
      headers: { 'content-type': 'text/csv' },
    }),
    200,
  );

test('concurrent views of a payment create one unique amount', async () => {
  const { id } = await upfront({ total_slots: 40 });
  const buyer = await service.user();
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push((await join(buyer, id)).id);
  const asked = await Promise.all([...ids, ...ids].map((one) => paymentOf(buyer, one)));
  const totals = new Map(asked.map((one) => [one['participation_id'], one['total']]));
  assert.equal(new Set(totals.values()).size, 8);
  for (const one of asked) {
    assert.equal(one['total'], totals.get(one['participation_id']));
    assert.equal(one['total'], Number(one['amount']) + Number(one['unique_code']));
  }
});

test('a proof is re-encoded, stops the hold, and is visible to its buyer and staff', async () => {
  const { id } = await upfront();
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const sent = expectStatus(await upload(buyer, held, photo), 200);
  assert.deepEqual([sent.status, sent['has_proof']], ['proof_submitted', true]);
  const shown = await operator.get(`/participations/${held}/proof`);
  assert.equal(shown.headers['content-type'], 'image/webp');
  assert.equal(shown.headers['x-content-type-options'], 'nosniff');
  assert.ok(!shown.text.includes('rahasia dapur'));
  expectProblem(await shop.seller.get(`/participations/${held}/proof`), 403, 'forbidden');
  const queue = expectStatus(await operator.get('/payments?limit=100'), 200);
  assert.ok(queue.items.some((one) => one['participation_id'] === held));
  await letTimePass(service.db, id, 3_500);
  await queryRows(
    service.db,
    `update sambatan.campaign_details set deadline = now() + interval '1 hour'
    where campaign_id = $1`,
    id,
  );
  await settle(id);
  assert.equal(await statusOf(held), 'reserved');
  const reason = { reason: 'Fotonya buram' };
  expectStatus(await operator.post(`/participations/${held}/payment/reject`, reason), 200);
  const back = await paymentOf(buyer, held);
  assert.deepEqual([back.status, back['reason']], ['rejected', 'Fotonya buram']);
  const pdf = Buffer.from(pdfOf());
  expectStatus(await upload(buyer, held, pdf, 'application/pdf'), 200);
  const { headers } = await buyer.get(`/participations/${held}/proof`);
  assert.match(String(headers['content-disposition']), /^attachment/);
  assert.equal(expectStatus(await verify(held), 200)['outcome'], 'settled');
  assert.equal(await statusOf(held), 'confirmed');
});

test('of two concurrent verifications one succeeds, and a verification and a lapse lose no money', async () => {
  const { id } = await upfront();
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  await paymentOf(buyer, held);
  const answers = await Promise.all([verify(held), verify(held), verify(held)]);
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409, 409]);

  for (let round = 0; round < 5; round++) {
    const { id: raced } = await upfront();
    const { id: hold } = await join(buyer, raced);
    const { total } = (await paymentOf(buyer, hold)) as unknown as { total: number };
    await queryRows(
      service.db,
      `update sambatan.participants set hold_expires_at = now() - interval '11 minutes'
      where campaign_id = $1`,
      raced,
    );
    const [verified] = await Promise.all([verify(hold), outcomes([settle(raced)])]);
    const { outcome } = expectStatus(verified!, 200) as unknown as { outcome: string };
    assert.ok(['settled', 'given'].includes(outcome), outcome);
    await settle(raced);
    assert.equal((await booksOf(raced))['held'], total);
  }
});

test('a hold has a grace period and lapses once; holds about to lapse are found', async () => {
  const { id } = await upfront();
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const nearer = (minutes: number) =>
    queryRows(
      service.db,
      `update sambatan.participants set hold_expires_at = now() + $2 * interval '1 minute'
      where participation_id = $1`,
      held,
      minutes,
    );
  await nearer(30);
  const until = new Date(Date.now() + 3_000_000);
  const due = await service.db.rows(holdsAboutToLapse, until, null, null, 100);
  assert.ok(due.some((one) => one.participation_id === held));
  await nearer(-9);
  await settle(id);
  assert.equal(await statusOf(held), 'reserved');
  await nearer(-11);
  await Promise.all([settle(id), settle(id), settle(id)]);
  await settle(id);
  assert.equal(await statusOf(held), 'cancelled');
  const { filled_slots: filled } = expectStatus(
    await staff.get(`/campaigns/${id}/progress`),
    200,
  ) as unknown as { filled_slots: number };
  assert.equal(filled, 0);
});

test('late money gets its slots back while they are free, and is refunded otherwise', async () => {
  const { id } = await upfront({ total_slots: 1, minimum_slots: 1 });
  const [late, quick] = [await service.user(), await service.user()];
  const { id: lapsed } = await join(late, id);
  const { total } = (await paymentOf(late, lapsed)) as unknown as { total: number };
  const lapse = async (participation: string) => {
    await queryRows(
      service.db,
      `update sambatan.participants set hold_expires_at = now() - interval '1 hour'
      where participation_id = $1`,
      participation,
    );
    await settle(id);
  };
  await lapse(lapsed);
  const given = expectStatus(await verify(lapsed), 200);
  assert.equal(given['outcome'], 'given');
  assert.notEqual(given['participation_id'], lapsed);
  assert.equal(await statusOf(String(given['participation_id'])), 'confirmed');
  expectProblem(await verify(lapsed), 409, 'payment_not_open');

  const { id: full } = await upfront({ total_slots: 1 });
  const { id: second } = await join(late, full);
  await paymentOf(late, second);
  await queryRows(
    service.db,
    `update sambatan.participants set hold_expires_at = now() - interval '1 hour'
    where participation_id = $1`,
    second,
  );
  await settle(full);
  await join(quick, full);
  assert.equal(expectStatus(await verify(second), 200)['outcome'], 'credited');
  const books = await booksOf(full);
  assert.equal(books['refunds_due'], books['credits']);
  assert.equal((await booksOf(id))['held'], total);
});

test('a statement settles matching payments once and leaves the rest to a person', async () => {
  const { id } = await upfront({ price_per_slot: 431_000 });
  const [a, b] = [await service.user(), await service.user()];
  const [{ id: first }, { id: second }] = [await join(a, id), await join(b, id)];
  const totals = [await paymentOf(a, first), await paymentOf(b, second)].map((one) =>
    Number(one['total']),
  );
  const file = csv(
    ['TRSF SARI', totals[0]!],
    ['TRSF BUDI', totals[1]!],
    ['TRSF ???', 12_345],
    ['BIAYA', -6_500],
  );
  const preview = await statement(file, '');
  assert.deepEqual(
    [preview['applied'], preview['matched'], preview['unmatched'], preview['skipped']],
    [false, 2, 1, 1],
  );
  assert.equal(await statusOf(first), 'reserved');
  const done = await statement(file);
  assert.deepEqual([done['added'], done['matched']], [3, 2]);
  assert.deepEqual([await statusOf(first), await statusOf(second)], ['confirmed', 'confirmed']);
  const books = await booksOf(id);
  const again = await statement(`${file}\n${today},TRSF SARI,${totals[0]}`);
  assert.deepEqual([again['added'], again['matched']], [1, 0], 'an overlapping file adds one line');
  assert.deepEqual(await booksOf(id), books);

  // The buyer paid twice. An operator allocates the second transfer, and its money is due back.
  const lines = expectStatus(await operator.get('/statement-lines?limit=100'), 200).items;
  const twice = lines.find((line) => line['amount'] === totals[0])!;
  const assign = { participation_id: first };
  const answers = await Promise.all(
    [1, 2].map(() => operator.post(`/statement-lines/${twice.id}/assign`, assign)),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409]);
  assert.equal((await booksOf(id))['refunds_due'], totals[0]);
});

test('thousands of unhandled transfers do not stop a later one from being matched', async () => {
  await queryRows(
    service.db,
    `insert into sambatan.statement_lines (line_id, account_id, fingerprint, booked_on, amount,
      description, imported_by, imported_at)
    select gen_random_uuid(), $1, sha256(('old ' || n)::bytea), current_date - 30, 7, 'ARISAN',
      'service', now()
    from generate_series(1, 6000) n`,
    till,
  );
  const { id } = await upfront({ price_per_slot: 219_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const total = Number((await paymentOf(buyer, held))['total']);
  const done = await statement(csv(['TRSF SARI', total]));
  assert.deepEqual([done['added'], done['matched']], [1, 1]);
  assert.ok(Number(done['unmatched']) >= 6_000);
  assert.equal(await statusOf(held), 'confirmed');
  await queryRows(service.db, "delete from sambatan.statement_lines where description = 'ARISAN'");
});

test('a manually verified payment is not counted again by a statement', async () => {
  const { id } = await upfront({ price_per_slot: 213_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const total = Number((await paymentOf(buyer, held))['total']);
  expectStatus(await verify(held), 200);
  const done = await statement(csv(['TRSF', total]));
  assert.equal(done['matched'], 1);
  assert.equal((await booksOf(id))['held'], total);
});

test('a manually verified partial transfer is not counted again, by its line or by a repetition', async () => {
  const { id } = await upfront({ price_per_slot: 101_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  await paymentOf(buyer, held);
  const part = 40_111;
  const said = await Promise.all([1, 2].map(() => verify(held, { amount: part })));
  const told = said.map((one) => String(expectStatus(one, 200)['outcome']));
  assert.deepEqual(told.toSorted(), ['credited', 'known']);
  assert.equal((await booksOf(id))['refunds_due'], part);

  await statement(csv(['TRSF SARI', part], ['TRSF SARI LAGI', part]));
  const lines = expectStatus(await operator.get('/statement-lines?limit=100'), 200).items;
  const came: unknown[] = [];
  for (const line of lines.filter((one) => one['amount'] === part)) {
    const assign = { participation_id: held, refund: true };
    const done = await operator.post(`/statement-lines/${line.id}/assign`, assign);
    came.push(expectStatus(done, 200)['outcome']);
  }
  assert.deepEqual(came, ['known', 'credited'], 'the second one is another transfer');
  assert.equal((await booksOf(id))['refunds_due'], 2 * part);

  const other = await verify(held, { amount: part, reference: 'TRF 3' });
  assert.equal(expectStatus(other, 200)['outcome'], 'credited');
  assert.equal((await booksOf(id))['refunds_due'], 3 * part);
});

test('an overpayment pays for the slots, and the rest is refunded', async () => {
  const { id } = await upfront({ price_per_slot: 107_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const total = Number((await paymentOf(buyer, held))['total']);
  const done = expectStatus(await verify(held, { amount: total + 5_000, reference: 'TRF 9' }), 200);
  assert.equal(done['outcome'], 'settled');
  assert.equal(await statusOf(held), 'confirmed');
  const books = await booksOf(id);
  assert.deepEqual([books['held'], books['refunds_due']], [total + 5_000, 5_000]);
});

test('a participation with an earlier partial payment can be confirmed', async () => {
  const { id } = await upfront({ price_per_slot: 105_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const total = Number((await paymentOf(buyer, held))['total']);
  expectStatus(await verify(held, { amount: 40_000 }), 200);
  expectStatus(await operator.post(`/participations/${held}/confirm`, {}), 200);
  assert.equal(await statusOf(held), 'confirmed');
  const books = await booksOf(id);
  assert.deepEqual([books['held'], books['refunds_due']], [total + 40_000, 40_000]);
});

test('a statement imported during a manual verification of the same transfer counts it once', async () => {
  const { id } = await upfront({ price_per_slot: 103_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const total = Number((await paymentOf(buyer, held))['total']);
  const imported = await service.db.transaction(async (tx) => {
    const seen = "select * from sambatan.verify_payment($1, $2, null, 'service', null)";
    await queryRows(tx, seen, id, held);
    const waiting = statement(csv(['TRSF', total]));
    await waitForLockWait(service.db);
    return { waiting };
  });
  assert.equal((await imported.waiting)['matched'], 1);
  const books = await booksOf(id);
  assert.deepEqual([books['held'], books['refunds_due']], [total, 0]);
});

test('the bulk-transfer file contains no formula, and its refunds are settled together', async () => {
  const { id } = await upfront({ price_per_slot: 99_000 });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  await paymentOf(buyer, held);
  const own = { bank: 'BNI', number: '0900112233', holder: '=HYPERLINK("http://x")' };
  expectStatus(await buyer.send({ method: 'PUT', path: '/refund-account', body: own }), 200);
  expectStatus(await verify(held), 200);
  expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'batal' }), 200);
  const { text, headers } = await operator.get('/refunds/export');
  assert.match(String(headers['content-type']), /^text\/csv/);
  assert.ok(text.startsWith('\uFEFFid;bank;number'), text.slice(0, 40));
  assert.ok(!/;"?=HYPER/.test(text));
  const refunds = expectStatus(await operator.get('/refunds?limit=100'), 200).items;
  const mine = refunds.find((one) => one['campaign_id'] === id)!;
  const body = { ids: [mine.id], reference: 'BULK 1' };
  expectStatus(await operator.post('/refunds/settle', body), 200);
  expectStatus(await operator.post('/refunds/settle', body), 200);
  const books = await booksOf(id);
  assert.deepEqual([books['held'], books['refunds_due']], [0, 0]);
});

test('after a shortfall the earliest buyers get their slots, and the payout covers what is delivered', async () => {
  const { id } = await upfront({ total_slots: 6, price_per_slot: 100_000 });
  const buyer = await service.user();
  const ids: string[] = [];
  for (const quantity of [2, 2, 2]) ids.push((await join(buyer, id, { quantity })).id);
  for (const one of ids) {
    await paymentOf(buyer, one);
    expectStatus(await verify(one), 200);
  }
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);
  const said = await shop.seller.post(`/campaigns/${id}/shortfall`, { slots: 3, reason: 'pecah' });
  const { refunds } = expectStatus(said, 200) as unknown as { refunds: number };
  const short = await queryRows<{ undelivered_slots: number; status: string }>(
    service.db,
    `select undelivered_slots, status::text from sambatan.participants where campaign_id = $1
    order by joined_at, participation_id`,
    id,
  );
  assert.deepEqual(
    short.map((one) => [one.undelivered_slots, one.status]),
    [
      [0, 'confirmed'],
      [1, 'confirmed'],
      [2, 'refunded'],
    ],
  );
  const books = await booksOf(id);
  assert.ok(refunds > 300_000 && refunds < 301_000, 'the last one gets the code back as well');
  assert.deepEqual([books['gross'], books['payouts_due'], books['fee']], [300_000, 291_000, 9_000]);
});

test('unpaid goods cannot be received, and a buyer who never pays does not block the payout', async () => {
  const { id } = await shop.campaign({ total_slots: 2, minimum_slots: 2, price_per_slot: 100_000 });
  const [pays, never] = [await service.user(), await service.user()];
  const [{ id: paid }, { id: unpaid }] = [await join(pays, id), await join(never, id)];
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);
  await paymentOf(pays, paid);
  expectStatus(await verify(paid), 200);
  for (const who of [never, operator, service.service]) {
    const said = await who.post(`/participations/${unpaid}/fulfil`);
    expectProblem(said, 409, 'participation_not_paid');
  }
  expectStatus(await pays.post(`/participations/${paid}/fulfil`), 200);
  const payouts = expectStatus(await operator.get('/payouts?limit=100'), 200).items;
  const payout = payouts.find((one) => one['campaign_id'] === id)!;
  const settled = () => operator.post(`/payouts/${payout.id}/settle`, { reference: 'CAIR 1' });
  expectProblem(await settled(), 409, 'payout_not_released');
  const why = { reason: 'Tidak membayar' };
  expectStatus(await operator.post(`/participations/${unpaid}/payment/write-off`, why), 200);
  const books = await booksOf(id);
  assert.deepEqual(
    [books['gross'], books['receivable'], books['payouts_due']],
    [100_000, 0, 97_000],
  );
  expectStatus(await settled(), 200);
  assert.equal(await statusOf(unpaid), 'cancelled');
});

test('exports of two banks are imported unchanged', async () => {
  const bca = await fileOf(
    [
      'No. rekening : 5270099001',
      'Nama : PT SAMBATAN BERSAMA',
      'Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo',
      '25/11/2026,"TRSF E-BANKING CR 2511/FTSCY SARI DEWI",0000,"125,037.00",CR,"1,125,037.00"',
      '25/11/2026,BIAYA ADM,0000,"15,000.00",DB,"1,110,037.00"',
      'Saldo Awal,1,000,000.00',
    ].join('\n'),
    'bca',
  );
  assert.deepEqual(
    bca.lines.map(({ day, amount }) => [day, amount]),
    [['2026-11-25', 125_037n]],
  );
  assert.equal(bca.skipped.length, 1);
  const mandiri = await fileOf(
    [
      'AccountNo;Date;Description;Debit;Credit',
      '137;25/11/26;TRANSFER DARI BUDI;0.00;150,412.00',
      '137;25/11/26;TRANSFER DARI BUDI;0.00;150,412.00',
      '137;25/11/26;BIAYA;6,500.00;0.00',
    ].join('\r\n'),
    'mandiri',
  );
  assert.deepEqual(
    mandiri.lines.map(({ day, amount }) => [day, amount]),
    [
      ['2026-11-25', 150_412n],
      ['2026-11-25', 150_412n],
    ],
  );
  await assert.rejects(fileOf('date,amount\n25-11-2026,x', 'generic'), {
    code: 'statement_not_readable',
  });
});
