import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Database } from '../../src/database/pool.ts';
import { StatementImporter } from '../../src/ledger/bank-statements/importer.ts';
import { invariantCount } from '../../src/database/invariants.ts';
import type { Body } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { recordingLog } from '../support/server/log.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus, openShop } from '../support/builders/shop.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService();
after(service.close);
const { db } = service;
const staff = service.service;
const operator = await service.operator();
const shop = await openShop(service);
const day = (ago: number) =>
  new Date(Date.now() + 7 * 3_600_000 - ago * 86_400_000).toISOString().slice(0, 10);
let tills = 0;
const openTill = async () => {
  const bank = { bank: `Bank ${++tills}`, number: `52700990${tills}`, holder: 'PT Sambatan' };
  return expectStatus(await staff.post('/receiving-accounts', bank), 201).id;
};
const send = async (till: string, body: string, path = 'statement?apply=true') =>
  operator.send({
    method: 'POST',
    path: `/receiving-accounts/${till}/${path}`,
    body,
    headers: { 'content-type': 'text/csv' },
    // On a busy machine, reading a large file takes longer than other requests.
    timeoutMs: 300_000,
  });
const addedBy = async (till: string, body: string) =>
  expectStatus(await send(till, body), 200)['added'];
const generic = (...rows: string[]) => ['date,description,amount', ...rows].join('\n');
const throughOf = async (till: string) =>
  (
    await queryRows<{ through: string | null }>(
      db,
      `select statement_through::text as through from sambatan.receiving_accounts
      where account_id = $1`,
      till,
    )
  )[0]!.through;

suite('equal transfers of the same day', () => {
  const header = 'Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo';
  const row = (amount: string, balance: string, text = 'TRSF SARI') =>
    `${day(1).split('-').toReversed().join('/')},${text},0000,"${amount}",CR,"${balance}"`;

  test('are distinguished by the running balance, also in a second file of the day', async () => {
    const till = await openTill();
    const first = [header, row('195,000.00', '1,195,000.00')].join('\n');
    assert.equal(await addedBy(till, first), 1);
    assert.equal(await addedBy(till, first), 0, 'the same file again');
    const second = [header, row('195,000.00', '1,390,000.00')].join('\n');
    assert.equal(await addedBy(till, second), 1, 'another transfer');
    const both = [
      header,
      row('195,000.00', '1,195,000.00'),
      row('195,000.00', '1,390,000.00'),
      row('195,000.00', '1,585,000.00'),
    ].join('\n');
    assert.equal(await addedBy(till, both), 1, 'one more in an overlapping file');
  });

  test('are counted by their number in overlapping files if the bank states no balance', async () => {
    const till = await openTill();
    const sari = `${day(1)},TRSF SARI,195000`;
    assert.equal(await addedBy(till, generic(sari, `${day(1)},TRSF BUDI,80000`)), 2);
    const later = generic(sari, `${day(1)},TRSF BUDI,80000`, sari);
    assert.equal(await addedBy(till, later), 1);
    assert.equal(await addedBy(till, later), 0);
    const overlapping = generic(`${day(1)},TRSF BUDI,80000`, sari, `${day(0)},TRSF TONO,70000`);
    assert.equal(await addedBy(till, overlapping), 1);
  });

  test('wait for a person if nothing proves that they are the same', async () => {
    const till = await openTill();
    const sari = `${day(1)},TRSF SARI,195000`;
    assert.equal(await addedBy(till, generic(sari, `${day(1)},TRSF BUDI,80000`)), 2);
    // A file with only a part of the day: without BUDI, and with nothing before SARI.
    const part = generic(sari, `${day(1)},TRSF TONO,70000`);
    const preview = expectStatus(await send(till, part, 'statement'), 200);
    const outcomes = (preview['lines'] as unknown as Body[]).map((line) => line['outcome']);
    assert.deepEqual(outcomes, ['doubtful', 'unmatched']);
    assert.equal(await addedBy(till, part), 2);
    const { items } = expectStatus(await operator.get('/statement-lines?limit=100'), 200);
    const doubtful = items.filter(
      (line) => line['account_id'] === till && line['duplicate_of'] !== null,
    );
    assert.deepEqual(
      doubtful.map((line) => line['description']),
      ['TRSF SARI'],
    );
  });

  test('from another export with other columns and wording are not counted as new money', async () => {
    const till = await openTill();
    assert.equal(await addedBy(till, generic(`${day(1)},TRSF SARI,195000`)), 1);
    const other = [header, row('195,000.00', '1,195,000.00', 'TRSF E-BANKING CR SARI DEWI')];
    const preview = expectStatus(await send(till, other.join('\n'), 'statement'), 200);
    const [line] = preview['lines'] as unknown as Body[];
    assert.equal(line!['outcome'], 'doubtful');
  });
});

test('the day of complete import moves with the covered days, and never back', async () => {
  const till = await openTill();
  assert.equal(await throughOf(till), null);
  await addedBy(till, generic(`${day(9)},A,1000`, `${day(6)},B,2000`));
  assert.equal(await throughOf(till), day(7), 'the last line’s day may be cut off');
  await addedBy(till, generic(`${day(8)},C,3000`));
  assert.equal(await throughOf(till), day(7));
  await addedBy(till, generic(`${day(3)},D,4000`, `${day(2)},E,5000`));
  assert.equal(await throughOf(till), day(7), 'days between are missing');
  const upload = async () =>
    expectStatus(await send(till, generic(`${day(1)},F,6000`), 'statements'), 201).id;
  const early = await operator.post(`/statements/${await upload()}/apply`, { through: day(0) });
  expectProblem(early, 422, 'validation_failed');
  const said = await operator.post(`/statements/${await upload()}/apply`, { through: day(1) });
  expectStatus(said, 200);
  assert.equal(await throughOf(till), day(1), 'an operator says so');
});

test('the columns of any table can be mapped by the API, and the account stores the mapping', async () => {
  const till = await openTill();
  const file = (text: string) =>
    ['Rekening koran', 'Kapan\tApa\tMasuk\tKeluar', `05/11/2026\t${text}\t1.500.123,00\t-`].join(
      '\n',
    );
  const { id } = expectStatus(await send(till, file('SARI'), 'statements'), 201);
  const rows = expectStatus(await operator.get(`/statements/${id}/rows`), 200);
  assert.deepEqual((rows['rows'] as unknown as { cells: string[] }[])[1]!.cells, [
    'Kapan',
    'Apa',
    'Masuk',
    'Keluar',
  ]);
  const columns = {
    columns: { date: ['Kapan'], description: ['Apa'], credit: ['Masuk'], debit: ['Keluar'] },
    header_row: 2,
    dates: 'DMY',
  };
  const preview = expectStatus(await operator.post(`/statements/${id}/preview`, { columns }), 200);
  assert.deepEqual(
    (preview['lines'] as unknown as Body[]).map((line) => [line['booked_on'], line['amount']]),
    [['2026-11-05', 1_500_123]],
  );
  const done = await operator.post(`/statements/${id}/apply`, { columns, keep_mapping: true });
  assert.deepEqual([expectStatus(done, 200)['state'], done.body['added']], ['done', 1]);
  assert.equal(await addedBy(till, file('BUDI')), 1, 'the next file needs no mapping');
  expectStatus(
    await operator.send({
      method: 'DELETE',
      path: `/receiving-accounts/${till}/statement-mapping`,
    }),
    204,
  );
  expectProblem(await send(till, file('TONO')), 422, 'statement_not_readable');
});

/** Inserts open payments of one price directly, because creating each of them would be slow. */
async function owedBy(till: string, orders: number, price: number) {
  const { id: campaign } = await shop.campaign({
    payment_timing: 'upfront',
    hold_seconds: 36_000,
    total_slots: orders,
    price_per_slot: price,
  });
  const portion = 1_000;
  for (let begun = 0; begun < orders; begun += portion) {
    await queryRows(
      db,
      `select count(*) from sambatan.join_campaigns(
      array_fill($1::uuid, array[$2::integer]),
      array(select gen_random_uuid() from generate_series(1, $2)),
      array(select gen_random_uuid() from generate_series(1, $2)), array_fill(1, array[$2]),
      array_fill('Jalan Melati 5'::text, array[$2]), null, null,
      array(select sambatan.new_salt() from generate_series(1, $2)), null, null,
      array_fill('service'::text, array[$2]), null, 0, true, false)`,
      campaign,
      Math.min(portion, orders - begun),
    );
  }
  await queryRows(
    db,
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, account_id, unique_code, pay_by)
    select campaign_id, 'payment', 'due', participation_id, $2::bigint,
      'payment:' || participation_id, 'system', now(), $3, row_number() over (),
      now() + interval '30 minutes'
    from sambatan.participants where campaign_id = $1`,
    campaign,
    price,
    till,
  );
  return campaign;
}

const importer = (database: Database = db) =>
  new StatementImporter({ db: database, log: recordingLog() });

/** A database that fails after a number of calls, as if the process had been killed there. */
function mortal(transactions: number): Database {
  let left = transactions;
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        if (left-- <= 0) throw new Error('killed');
        return (value as (...all: unknown[]) => unknown).apply(target, given);
      };
    },
  });
}

test('an import killed repeatedly between batches has its effect exactly once', async () => {
  const till = await openTill();
  const [orders, lines, price] = [300, 2_500, 120_000];
  const campaign = await owedBy(till, orders, price);
  const rows = Array.from({ length: lines }, (_, n) =>
    n < orders ? `${day(0)},TRSF ${n},${price + n + 1}` : `${day(0)},LAIN ${n},${n}`,
  );
  const { id } = expectStatus(await send(till, generic(...rows), 'statements'), 201);
  // Sets the state that the operation sets, without a worker that processes the import.
  await queryRows(
    db,
    `update sambatan.statement_imports set state = 'storing', started_at = now(),
      started_by = 'service', total_lines = $2 where import_id = $1`,
    id,
    lines,
  );
  let killed = 0;
  for (let seed = 1; ; seed = (seed * 7) % 11) {
    await importer(mortal(seed + 2))
      .run()
      .catch(() => undefined);
    const { state } = expectStatus(await operator.get(`/statements/${id}`), 200) as Body & {
      state: string;
    };
    if (state === 'done') break;
    killed++;
    assert.ok(killed < 200, 'it gets on each time');
    // The lease of the killed worker must expire before another worker continues.
    await queryRows(
      db,
      'update sambatan.statement_imports set lease_until = now() where import_id = $1',
      id,
    );
  }
  assert.ok(killed >= 3, `killed ${killed} times`);
  const done = expectStatus(await operator.get(`/statements/${id}`), 200);
  assert.deepEqual(
    [done['total_lines'], done['stored_lines'], done['added'], done['matched']],
    [lines, lines, lines, orders],
  );
  const [sums] = await queryRows<{ lines: number; content: Buffer | null }>(
    db,
    `select (select count(*)::integer from sambatan.statement_lines where import_id = $1) as lines,
      content from sambatan.statement_imports where import_id = $1`,
    id,
  );
  assert.deepEqual(sums, { lines, content: null }, 'the file is gone');
  const books = expectStatus(await staff.get(`/campaigns/${campaign}/books`), 200);
  const codes = (orders * (orders + 1)) / 2;
  assert.deepEqual(
    [books['paid'], books['unique_codes'], books['refunds_due']],
    [orders * price, codes, 0],
  );
});

test('two workers on one import store and count each line once', async () => {
  const till = await openTill();
  const campaign = await owedBy(till, 120, 90_000);
  const rows = Array.from({ length: 1_500 }, (_, n) =>
    n < 120 ? `${day(0)},TRSF ${n},${90_000 + n + 1}` : `${day(0)},LAIN ${n},${n}`,
  );
  const { id } = expectStatus(await send(till, generic(...rows), 'statements'), 201);
  await queryRows(
    db,
    `update sambatan.statement_imports set state = 'storing', started_at = now(),
      started_by = 'service', total_lines = 1500 where import_id = $1`,
    id,
  );
  const running = [importer(), importer()].map((one) => one.run());
  // The lease of a slow worker expires, so that another worker continues in the middle of the
  // import.
  await waitUntil(async () => {
    await queryRows(
      db,
      'update sambatan.statement_imports set lease_until = now() where import_id = $1',
      id,
    );
    const { body } = await operator.get(`/statements/${id}`);
    return (
      body['state'] === 'done' ||
      (await importer()
        .run()
        .catch(() => 0)) > 0
    );
  });
  await Promise.all(running.map((one) => one.catch(() => 0)));
  const done = expectStatus(await operator.get(`/statements/${id}`), 200);
  assert.deepEqual([done['state'], done['added'], done['matched']], ['done', 1_500, 120]);
  const books = expectStatus(await staff.get(`/campaigns/${campaign}/books`), 200);
  assert.equal(books['paid'], 120 * 90_000);
});

test('a file of 20,000 lines is imported and 5,000 payments are matched with visible progress', async () => {
  const till = await openTill();
  const [orders, lines, price] = [5_000, 20_000, 101_000];
  const campaign = await owedBy(till, orders, price);
  const rows = Array.from({ length: lines }, (_, n) =>
    n < orders
      ? `${day(0)},TRSF E-BANKING CR PEMBELI NOMOR ${n} DENGAN NAMA YANG PANJANG,${price + n + 1}`
      : `${day(0)},SETORAN LAIN NOMOR ${n} DARI ORANG YANG BUKAN PEMBELI,${n}`,
  );
  const answer = await send(till, generic(...rows));
  assert.ok([200, 202].includes(answer.status), answer.text.slice(0, 300));
  const id = String(answer.status === 202 ? answer.body.id : answer.body['import_id']);
  const page = await fetch(`${service.url}/operator/pembayaran/mutasi/berkas/${id}`, {
    headers: { authorization: `Bearer ${operator.token}` },
  });
  const isDone = async () => (await operator.get(`/statements/${id}`)).body['state'] === 'done';
  // The import may end between this answer and the request for the page.
  if (answer.status === 202 && !(await isDone())) {
    assert.equal(page.headers.get('refresh'), '3', 'the page loads itself again');
    assert.match(await page.text(), /Impor sedang diproses/);
  }
  // The duration does not matter in this test (a benchmark measures it): a busy machine takes
  // minutes.
  await waitUntil(isDone, { everyMs: 1_000, withinMs: 1_200_000 });
  const done = expectStatus(await operator.get(`/statements/${id}`), 200);
  assert.deepEqual([done['added'], done['matched']], [lines, orders]);
  const books = expectStatus(await staff.get(`/campaigns/${campaign}/books`), 200);
  assert.equal(books['paid'], orders * price);
  assert.ok(invariantCount() > 0);
});
