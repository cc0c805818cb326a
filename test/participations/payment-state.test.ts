import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { newId } from '../../src/identity/ids.ts';
import type { PaymentState } from '../../src/ledger/payments/payment-state.ts';
import type { Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass, pastDeadline } from '../support/builders/market.ts';
import {
  expectProblem,
  expectStatus,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';
import { SiteForms, unzip } from '../support/clients/site.ts';
import { pdfOf } from '../support/builders/pdf.ts';

const service = await startHttpService({ environment: { SAMBATAN_JOIN_RATE_LIMIT: '1000' } });
after(service.close);
const { db } = service;

let shop: Shop;
let seller: SiteForms;
let operator: Client;
before(async () => {
  shop = await openShop(service);
  seller = new SiteForms(service.url, shop.seller);
  operator = await service.operator();
  const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan' };
  expectStatus(await operator.post('/receiving-accounts', bank), 201);
});

const settle = (id: string) => queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', id);
const verify = async (id: string) =>
  expectStatus(await service.service.post(`/participations/${id}/payment/verify`, {}), 200);
const read = async (id: string, by: Client = operator): Promise<Body> =>
  expectStatus(await by.get(`/participations/${id}`), 200);
const stateOf = async (id: string) => (await read(id))['payment_state'] as PaymentState;
const pdf = Buffer.from(pdfOf());
const prove = async (buyer: Client, id: string) =>
  expectStatus(
    await buyer.send({
      method: 'POST',
      path: `/participations/${id}/proof`,
      body: pdf,
      headers: { 'content-type': 'application/pdf' },
    }),
    200,
  );
const named = (buyer: Client, name: string, email: string | null = null) =>
  queryRows(
    db,
    'insert into sambatan.profiles (user_id, display_name, email) values ($1, $2, $3)',
    buyer.userId,
    name,
    email,
  );

async function page(path: string, forms: SiteForms = seller): Promise<string> {
  const got = await forms.get(path);
  assert.equal(got.status, 200, got.text.slice(0, 2_000));
  return got.text;
}

async function csv(path: string): Promise<Record<string, string>[]> {
  const { bytes } = await seller.get(path);
  return parse(bytes, { delimiter: ';', bom: true, columns: true });
}

/** A completed campaign of three buyers with three slots each. The given buyers have paid. */
async function soldOut(...paying: string[]) {
  const { id } = await shop.campaign({ total_slots: 9, price_per_slot: 100_000 });
  const orders = new Map<string, { id: string; buyer: Client }>();
  for (const name of ['Ayu', 'Budi', 'Citra']) {
    const buyer = await service.user();
    await named(buyer, name);
    orders.set(name, { id: (await join(buyer, id, { quantity: 3 })).id, buyer });
  }
  await settle(id);
  for (const name of paying) await verify(orders.get(name)!.id);
  return { id, orders, order: (name: string) => orders.get(name)!, path: `/toko/sambatan/${id}` };
}

suite('the payment state of a participation', () => {
  test('follows an order from success to payment, including lateness', async () => {
    const { id: campaign } = await shop.campaign({ total_slots: 2 });
    const buyer = await service.user();
    const { id } = await join(buyer, campaign, { quantity: 2 });
    assert.equal(await stateOf(id), 'not_due');
    await settle(campaign);
    assert.equal(await stateOf(id), 'due');
    const { total } = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
    const due = await read(id, buyer);
    assert.deepEqual([due['amount_due'], due['paid_amount']], [total, 0]);
    assert.ok(due['pay_by']);
    await queryRows(
      db,
      `update sambatan.transactions set pay_by = now() - interval '1 minute'
      where participation_id = $1`,
      id,
    );
    assert.equal(await stateOf(id), 'overdue');
    await prove(buyer, id);
    assert.equal(await stateOf(id), 'proof_submitted');
    const why = { reason: 'Tidak terbaca' };
    expectStatus(await operator.post(`/participations/${id}/payment/reject`, why), 200);
    assert.equal(await stateOf(id), 'overdue');
    await verify(id);
    const paid = await read(id);
    assert.deepEqual(
      [paid['payment_state'], paid['amount_due'], paid['pay_by'], paid['paid_amount']],
      ['paid', 0, null, total],
    );
  });

  test('of an upfront order is due from the join on, and void once the hold lapsed', async () => {
    const terms = { payment_timing: 'upfront', hold_seconds: 3_600, total_slots: 5 };
    const { id: campaign } = await shop.campaign(terms);
    const { id } = await join(await service.user(), campaign);
    const due = await read(id);
    assert.deepEqual([due['payment_state'], due['amount_due']], ['due', 125_000]);
    assert.equal(due['pay_by'], due['hold_expires_at']);
    await queryRows(
      db,
      `update sambatan.participants set hold_expires_at = now() - interval '1 hour'
      where participation_id = $1`,
      id,
    );
    assert.equal(await stateOf(id), 'overdue');
    await queryRows(
      db,
      'update sambatan.campaign_states set next_run_at = now() where campaign_id = $1',
      campaign,
    );
    await settle(campaign);
    assert.deepEqual([(await read(id)).status, await stateOf(id)], ['cancelled', 'void']);
  });

  test('is refund_due until the refund is sent, with its amount', async () => {
    const terms = { payment_timing: 'upfront', total_slots: 5 };
    const { id: campaign } = await shop.campaign(terms);
    const buyer = await service.user();
    const { id } = await join(buyer, campaign);
    expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
    await verify(id);
    await letTimePass(db, campaign, pastDeadline);
    await settle(campaign);
    const failed = await read(id);
    assert.deepEqual(
      [failed.status, failed['payment_state'], failed['refund_due_amount'], failed['paid_amount']],
      ['refunded', 'refund_due', failed['paid_amount'], failed['paid_amount']],
    );
    assert.ok((failed['paid_amount'] as number) > 125_000, 'with its unique code');
    const [refund] = await queryRows<{ id: string }>(
      db,
      `select transaction_id as id from sambatan.transactions
      where participation_id = $1 and kind = 'refund'`,
      id,
    );
    const sent = { ids: [refund!.id], reference: 'TRF 1' };
    expectStatus(await operator.post('/refunds/settle', sent), 200);
    const back = await read(id);
    assert.deepEqual(
      [back['payment_state'], back['refund_due_amount'], back['refunded_amount']],
      ['refunded', 0, failed['paid_amount']],
    );
  });

  test('filters the participant list and its downloads', async () => {
    const { id, order, path } = await soldOut('Ayu');
    const listed = async (query: string) => {
      const answer = await shop.seller.get(`/campaigns/${id}/participants?${query}`);
      return expectStatus(answer, 200).items.map((one) => one.id);
    };
    assert.deepEqual(await listed('payment_state=paid'), [order('Ayu').id]);
    assert.equal((await listed('payment_state=due')).length, 2);
    assert.deepEqual(await listed('payment_state=overdue'), []);
    const wrong = await shop.seller.get(`/campaigns/${id}/participants?payment_state=lunas`);
    expectProblem(wrong, 422, 'validation_failed');

    const shown = await page(`${path}/peserta?payment=paid`);
    assert.match(shown, /<strong>1 peserta<\/strong>/);
    assert.match(shown, /Dibayar\s*Rp300\.000/);
    assert.match(shown, /Menunggu pembayaran \(2\)/);
    assert.doesNotMatch(shown, /Budi|Citra/);
    const rows = await csv(`${path}/peserta.csv?payment=due`);
    assert.deepEqual(
      rows.map((row) => [row['Pembayaran'], row['Sudah dibayar (Rp)'], row['Belum dibayar (Rp)']]),
      [
        ['Menunggu pembayaran', '0', '300000'],
        ['Menunggu pembayaran', '0', '300000'],
      ],
    );
  });
});

suite('the quantity to pack', () => {
  test('is the delivered quantity after a shortfall, on every list of sellers and buyers', async () => {
    const { id, order, path } = await soldOut('Ayu', 'Budi', 'Citra');
    const few = { slots: 8, reason: 'Satu pecah' };
    expectStatus(await shop.seller.post(`/campaigns/${id}/shortfall`, few), 200);
    const { items } = expectStatus(await shop.seller.get(`/campaigns/${id}/participants`), 200);
    const delivered = (name: string) =>
      items.find((one) => one.id === order(name).id)!['delivered_quantity'];
    assert.deepEqual(['Ayu', 'Budi', 'Citra'].map(delivered), [3, 3, 2]);
    assert.ok(items.every((one) => one['quantity'] === 3 && one['payment_state'] === 'paid'));

    const labels = await page(`${path}/kemas`);
    const slots = [...labels.matchAll(/<strong>(\d+) ×<\/strong>/g)].map(([, count]) => count);
    assert.deepEqual(slots.toSorted(), ['2', '3', '3']);
    assert.match(labels, /Dipesan 3; dana untuk sisanya dikembalikan/);
    const rows = await csv(`${path}/peserta.csv`);
    const citra = rows.find((row) => row['Nama'] === 'Citra')!;
    assert.deepEqual(
      [citra['Slot dipesan'], citra['Slot yang dikirim'], citra['Total (Rp)']],
      ['3', '2', '200000'],
    );
    assert.deepEqual(citra['Belum dikembalikan (Rp)'], '100000');
    const own = await page(
      `/ikutan/${order('Citra').id}`,
      new SiteForms(service.url, order('Citra').buyer),
    );
    assert.match(
      own,
      /Yang dikirim<\/dt>\s*<dd>\s*<strong>2<\/strong> dari 3 slot; sisanya tidak bisa dipenuhi/,
    );
    assert.match(await page(`${path}/peserta`), /2\s*<span class="unit">slot<\/span>.*dari 3/s);

    expectStatus(
      await shop.seller.post(`/campaigns/${id}/shortfall`, { slots: 6, reason: 'Pecah lagi' }),
      200,
    );
    const later = await page(`${path}/kemas`);
    assert.doesNotMatch(later, /Citra/, 'who gets nothing has no parcel');
  });

  test('excludes unpaid orders, which cannot be received either', async () => {
    const { order, path } = await soldOut('Ayu');
    await prove(order('Budi').buyer, order('Budi').id);
    const labels = await page(`${path}/kemas`);
    assert.match(labels, /Ayu/);
    assert.doesNotMatch(labels, /Budi|Citra/);
    assert.match(labels, /Pesanan yang belum lunas tidak ada di daftar ini/);
    assert.match(labels, /1 menunggu pembayaran/);
    assert.match(labels, /1 menunggu pengecekan bukti transfer/);
    for (const name of ['Budi', 'Citra']) {
      const { id, buyer } = order(name);
      expectProblem(
        await buyer.post(`/participations/${id}/fulfil`),
        409,
        'participation_not_paid',
      );
      const forms = new SiteForms(service.url, buyer);
      assert.doesNotMatch(await page(`/ikutan/${id}`, forms), /Barang sudah kuterima/);
      const said = await forms.post(`/ikutan/${id}/terima`);
      assert.equal(said.status, 409);
      assert.match(said.text, /Pesanan ini belum lunas/);
    }
    await verify(order('Citra').id);
    assert.match(await page(`${path}/kemas`), /Citra/);
  });
});

suite('a long list of participants', () => {
  let path: string;
  let last: string;
  before(async () => {
    const { id } = await shop.campaign({ total_slots: 1_000, title: 'Senja untuk ramai' });
    path = `/toko/sambatan/${id}/peserta`;
    const buyers = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const buyer = await service.user();
        await named(buyer, n === 7 ? 'Renée Kartika' : `Pembeli ${n}`, `buyer${n}@example.org`);
        return buyer;
      }),
    );
    for (const [n, buyer] of buyers.entries()) {
      const made = await join(buyer, id, {
        quantity: n === 60 ? 9 : 1,
        shipping_address: `Jalan Kenanga ${n}, Bandung 40111. HP +62 812-3456-7${String(n).padStart(3, '0')}`,
      });
      last = made.id;
    }
  });
  const names = (text: string) =>
    [...text.matchAll(/<th scope="row">\s*([^<]+?)\s*<br/g)].map(([, name]) => name);

  test('shows the total and links to any page', async () => {
    const first = await page(path);
    assert.match(first, /<strong>120 peserta<\/strong>/);
    assert.match(first, /dari 3/);
    assert.equal(names(first).length, 50);
    const third = await page(`${path}?page=3`);
    assert.equal(names(third).length, 20);
    assert.match(third, /rel="prev" href="[^"]*page=2"/);
    const seen = new Set([
      ...names(first),
      ...names(await page(`${path}?page=2`)),
      ...names(third),
    ]);
    assert.equal(seen.size, 120);
    assert.equal(names(await page(`${path}?page=9999`)).length, 50);
    assert.equal(names(await page(`${path}?page=-1`)).length, 50);
  });

  test('is searched by name, address, e-mail, telephone and the last characters of an order id', async () => {
    for (const [words, expected] of [
      ['renee', ['Renée Kartika']],
      ['KARTIKA renée', ['Renée Kartika']],
      ['buyer60@', ['Pembeli 60']],
      ['kenanga 61, bandung', ['Pembeli 61']],
      ['0812 3456 7062', ['Pembeli 62']],
      ['62812-3456-7063', ['Pembeli 63']],
      [last.slice(-8), ['Pembeli 119']],
      ['100%', []],
      ['tidak-ada', []],
    ] as const) {
      const text = await page(`${path}?q=${encodeURIComponent(words)}`);
      assert.deepEqual(names(text), expected, words);
    }
    const [{ id } = { id: '' }] = await queryRows<{ id: string }>(
      db,
      "select campaign_id as id from sambatan.campaigns where title = 'Senja untuk ramai'",
    );
    const answer = await shop.seller.get(`/campaigns/${id}/participants?q=ren%C3%A9e`);
    assert.equal(expectStatus(answer, 200).items.length, 1);
  });

  test('is sorted by name, slots, and latest join', async () => {
    assert.equal(names(await page(`${path}?sort=slots`))[0], 'Pembeli 60');
    assert.equal(names(await page(`${path}?sort=newest`))[0], 'Pembeli 119');
    assert.equal(names(await page(`${path}?sort=name&page=3`)).at(-1), 'Renée Kartika');
    assert.match(await page(`${path}?sort=name`), /rel="next" href="[^"]*sort=name&amp;page=2"/);
  });

  test('is downloaded with its filters', async () => {
    const rows = await csv(`${path}.csv?q=renee`);
    assert.deepEqual(
      rows.map((row) => row['Nama']),
      ['Renée Kartika'],
    );
  });
});

suite('a spreadsheet of participants', () => {
  test('has typed dates and numbers', async () => {
    const { order, path } = await soldOut('Ayu');
    const files = unzip((await seller.get(`${path}/peserta.xlsx?q=Ayu`)).bytes);
    const sheet = files.get('xl/worksheets/sheet1.xml')!;
    const [, row = ''] = [...sheet.matchAll(/<row [^>]*>(.*?)<\/row>/gs)].map(
      ([, cells]) => cells!,
    );
    const [{ joined_at: joined } = { joined_at: new Date() }] = await queryRows<{
      joined_at: Date;
    }>(
      db,
      'select joined_at from sambatan.participants where participation_id = $1',
      order('Ayu').id,
    );
    const serial = (joined.getTime() + 7 * 3_600_000) / 86_400_000 + 25_569;
    const values = [...row.matchAll(/<c r="([A-Z]+)\d+"[^>]*?(?:\/>|><v>(.*?)<\/v>)/g)];
    const cells = new Map(values.map(([, column = '', value = '']) => [column, value]));
    assert.ok(Math.abs(Number(cells.get('Q')) - serial) < 1e-6, 'the time in Western Indonesia');
    assert.equal(cells.get('K'), '300000');
    assert.match(files.get('xl/styles.xml')!, /yyyy-mm-dd hh:mm/);
  });

  test('is created in a worker thread without blocking requests', async () => {
    const { path } = await soldOut();
    let threads = 0;
    const count = () => threads++;
    process.on('worker', count);
    try {
      const got = await seller.get(`${path}/peserta.xlsx`);
      assert.equal(got.status, 200);
    } finally {
      process.off('worker', count);
    }
    assert.equal(threads, 1);
  });
});

test('operators find people and their orders by name, telephone and e-mail address', async () => {
  const { id } = await shop.campaign();
  const buyer = await service.user();
  await named(buyer, 'Dewi Ambarwati', 'dewi.ambar@example.org');
  const shipping_address = 'Dewi, Gang Mawar No 08, Solo 57126, 0857 1122 3344';
  const order = await join(buyer, id, { shipping_address });
  const namesake = await service.user();
  await named(namesake, 'Dewi Ambarsari');
  const desk = new SiteForms(service.url, operator);
  const search = (words: string) => page(`/operator/ikutan?q=${encodeURIComponent(words)}`, desk);
  for (const words of [
    'ambarwati',
    'dewi ambarw',
    'Dewi.Ambar@Example.org',
    '085711223344',
    '+62 857-1122',
  ]) {
    const text = await search(words);
    assert.ok(text.includes(order.id), words);
    assert.match(text, /Dewi Ambarwati/);
  }
  const both = await search('dewi ambar');
  assert.match(both, /Dewi Ambarwati/);
  assert.match(both, /Dewi Ambarsari/);
  assert.match(await search(newId()), /Tidak ditemukan/);
  assert.match(await search('!!!'), /Tidak ditemukan/);
});

suite('a buyer’s list of orders', () => {
  test('shows the sum to transfer with its code and due time, or that nothing is due', async () => {
    const buyer = await service.user();
    const terms = { payment_timing: 'upfront', hold_seconds: 3_600, price_per_slot: 195_000 };
    const { id: campaign } = await shop.campaign({ ...terms, title: 'Bayar di muka' });
    const due = await join(buyer, campaign, { quantity: 2 });
    const { id: later } = await shop.campaign({ title: 'Bayar nanti' });
    await join(buyer, later);
    const { id: checked } = await shop.campaign({ ...terms, title: 'Sudah kirim bukti' });
    await prove(buyer, (await join(buyer, checked)).id);

    const { items } = expectStatus(await buyer.get('/participations'), 200);
    assert.deepEqual(
      items.map((one) => [one['campaign_title'], one['payment_state']]),
      [
        ['Sudah kirim bukti', 'proof_submitted'],
        ['Bayar nanti', 'not_due'],
        ['Bayar di muka', 'due'],
      ],
    );
    const { total, pay_by: by } = expectStatus(
      await buyer.get(`/participations/${due.id}/payment`),
      200,
    );
    assert.equal(items[2]!['amount_due'], total, 'the list gives the code as the order does');
    assert.ok((total as number) > 390_000);
    assert.equal(items[2]!['pay_by'], by);
    const owing = expectStatus(await buyer.get('/participations?payment_state=due'), 200).items;
    assert.deepEqual(
      owing.map(({ id }) => id),
      [due.id],
    );
    const asService = await service.service.get(`/participations?user_id=${buyer.userId}`);
    assert.equal(expectStatus(asService, 200).items.length, 3);

    const text = await page('/ikutan', new SiteForms(service.url, buyer));
    const shown = `Rp${(total as number).toLocaleString('id-ID')}`;
    assert.match(text, new RegExp(`Bayar <strong>${shown}</strong> sebelum`));
    assert.match(text, /data-countdown/);
    assert.match(text, /Buktimu sedang kami cek\. Kamu tidak perlu bayar lagi/);
    assert.match(text, /Kamu baru bayar Rp125\.000 kalau Sambatan ini berhasil/);
    const only = await page('/ikutan?status=unpaid', new SiteForms(service.url, buyer));
    assert.match(only, /Bayar di muka/);
    assert.doesNotMatch(only, /Bayar nanti|Sudah kirim bukti/);
  });

  test('shows the price while no transfer is possible', async () => {
    const buyer = await service.user();
    const { id: campaign } = await shop.campaign({ payment_timing: 'upfront' });
    await join(buyer, campaign);
    await queryRows(
      db,
      'update sambatan.receiving_accounts set is_active = false, is_default = false',
    );
    try {
      const { items } = expectStatus(await buyer.get('/participations'), 200);
      assert.deepEqual([items[0]!['payment_state'], items[0]!['amount_due']], ['due', 125_000]);
    } finally {
      await queryRows(db, 'update sambatan.receiving_accounts set is_active = true');
    }
  });
});
