import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientResponse, Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass, pastDeadline } from '../support/builders/market.ts';
import { photo } from '../support/builders/pictures.ts';
import { expectStatus, join, openShop, type Shop } from '../support/builders/shop.ts';
import { SiteForms, unzip } from '../support/clients/site.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const service = await startHttpService();
after(service.close);

let operator: Client;
let shop: Shop;
let till: string;
before(async () => {
  operator = await service.operator();
  shop = await openShop(service);
  till = await createReceivingAccount(service.db);
});

const page = async (path: string): Promise<string> => {
  const answer = await operator.get(`/${path}`);
  assert.equal(answer.status, 200, answer.text.slice(0, 400));
  return answer.text;
};

const sent = async (path: string, fields: Record<string, string> | [string, string][]) =>
  operator.send({
    method: 'POST',
    path: `/${path}`,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

const uploaded = async (path: string, fields: Record<string, string>, csv?: string) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (csv !== undefined) form.set('statement', new Blob([csv], { type: 'text/csv' }), 'mutasi.csv');
  const request = new Request('http://form', { method: 'POST', body: form });
  return await operator.send({
    method: 'POST',
    path: `/${path}`,
    body: Buffer.from(await request.arrayBuffer()),
    headers: { 'content-type': request.headers.get('content-type')! },
  });
};

const leadsTo = (answer: ClientResponse, path: RegExp) => {
  assert.equal(answer.status, 303, answer.text.slice(0, 2_000));
  assert.match(answer.headers.location ?? '', path);
};

interface Owing {
  readonly buyer: Client;
  readonly id: string;
  readonly campaignId: string;
  readonly total: number;
}

/** A buyer of an upfront campaign, with the amount that the buyer must transfer. */
async function owing(wish: object = {}): Promise<Owing> {
  const campaign = await shop.campaign({
    title: 'Senja <b>mahal</b>',
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    ...wish,
  });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign.id);
  const payment = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  return { buyer, id, campaignId: campaign.id, total: Number(payment['total']) };
}

const proven = async () => {
  const one = await owing();
  const answer = await one.buyer.send({
    method: 'POST',
    path: `/participations/${one.id}/proof`,
    body: await photo(),
    headers: { 'content-type': 'image/jpeg' },
  });
  expectStatus(answer, 200);
  return one;
};

const statusOf = async (id: string) =>
  expectStatus(await operator.get(`/participations/${id}`), 200).status;
const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
const csv = (...lines: readonly [text: string, amount: number][]) =>
  ['date,description,amount', ...lines.map(([text, sum]) => `${today},${text},${sum}`)].join('\n');

test('a proof is shown next to the expected amount, and settles the payment or is rejected with a reason', async () => {
  const [good, bad] = [await proven(), await proven()];
  const list = await page('/operator/pembayaran');
  assert.match(list, /Senja &lt;b&gt;mahal&lt;\/b&gt;/);
  assert.ok(list.includes(`/operator/pembayaran/${good.id}/bukti`));
  const proof = await operator.get(`//operator/pembayaran/${good.id}/bukti`);
  assert.deepEqual([proof.status, proof.headers['content-type']], [200, 'image/webp']);
  assert.equal(proof.headers['cache-control'], 'private, no-store');
  leadsTo(await sent(`/operator/pembayaran/${good.id}/terima`, { reference: 'TRF 9' }), /diterima/);
  assert.equal(await statusOf(good.id), 'confirmed');
  const twice = await sent(`/operator/pembayaran/${good.id}/terima`, {});
  assert.equal(twice.status, 409);
  assert.match(twice.text, /class="notice bad"/);
  assert.equal((await sent(`/operator/pembayaran/${bad.id}/tolak`, { reason: 'x' })).status, 422);
  leadsTo(await sent(`/operator/pembayaran/${bad.id}/tolak`, { reason: 'Buram <i>' }), /ditolak/);
  assert.match(await page('/operator/pembayaran?status=rejected'), /Buram &lt;i&gt;/);
  assert.match(await page('/en/operator/pembayaran?kabar=ditolak'), /Proof rejected/);
});

const statements = '/operator/pembayaran/mutasi';

/** Uploads a bank statement by the form. Returns the path of the page about it. */
async function upload(text: string): Promise<string> {
  const answer = await uploaded(statements, { account: till }, text);
  leadsTo(answer, /mutasi\/berkas\/[0-9a-f-]{36}$/);
  return answer.headers.location!;
}

/** Uploads and imports a bank statement. Returns the page with the result. */
async function imported(text: string): Promise<string> {
  const path = await upload(text);
  leadsTo(await sent(`${path}/terapkan`, {}), /mutasi\/berkas\//);
  return await page(path);
}

test('a statement is previewed without changes, then imported, and a second import changes nothing', async () => {
  const paid = await owing();
  const text = csv(['TRSF "<script>"', paid.total], ['Salah alamat', 4_321]);
  const path = await upload(text);
  const preview = await page(path);
  assert.match(preview, /TRSF &quot;&lt;script&gt;&quot;/);
  assert.ok(preview.includes(`/operator/ikutan?q=${paid.id}`));
  assert.match(preview, /“1500123” dibaca sebagai Rp1\.500\.123/);
  assert.equal(await statusOf(paid.id), 'reserved');
  leadsTo(await sent(`${path}/terapkan`, {}), /mutasi\/berkas\//);
  assert.equal(await statusOf(paid.id), 'confirmed');
  assert.match(await page(path), /<strong>2<\/strong> transfer baru/);
  leadsTo(await sent(`${path}/terapkan`, {}), /mutasi\/berkas\//);
  const again = await imported(text);
  assert.match(again, /<strong>0<\/strong> transfer baru/);
  assert.match(again, /<strong>2<\/strong> sudah pernah diimpor/);
  assert.match(await page(`/en${path}`), /Bank statement imported/);
});

test('a missing file and a file that is too large are refused with a message', async () => {
  for (const answer of [
    await uploaded(statements, { account: till }),
    await uploaded(statements, { account: till }, '%PDF-1.7'),
    await uploaded(statements, { account: 'x' }, csv(['a', 1])),
    await uploaded(statements, { account: till }, 'x'.repeat(8 * 1024 * 1024 + 1)),
  ]) {
    assert.ok([400, 413, 422].includes(answer.status), `${answer.status}`);
    assert.match(answer.text, /class="notice bad"/);
  }
});

test('the columns of an unknown bank’s file are mapped once and stored for its account', async () => {
  const paid = await owing({ price_per_slot: 195_000 });
  const amount = new Intl.NumberFormat('id-ID').format(paid.total);
  const file = (rows: string[]) =>
    ['Bank Sejahtera Desa', 'Waktu;Isi;Arah;Nilainya;Sisa', ...rows].join('\n');
  const [year, month, day] = today.split('-');
  const date = `${day}/${month}/${year}`;
  const path = await upload(
    file([
      `${date};SETOR SARI;MASUK;${amount},00;1.000.000,00`,
      `${date};ADM;KELUAR;1.500,00;998.500,00`,
    ]),
  );
  const unknown = await page(path);
  assert.match(unknown, /class="notice bad"/);
  assert.match(unknown, /SETOR SARI/, 'the first rows are shown');
  const fields = { format: 'columns', header_row: '2', numbers: 'auto', dates: 'DMY' };
  const columns = { date: '0', description: '1', mark: '2', amount: '3', balance: '4' };
  const missing = await sent(`${path}/kolom`, { ...fields, date: '0' });
  assert.equal(missing.status, 422);
  leadsTo(await sent(`${path}/kolom`, { ...fields, ...columns }), /berkas/);
  const marks = await page(path);
  assert.match(marks, /MASUK/, 'marks that mean nothing to us are refused with their cell');
  const split = file([
    `${date};SETOR SARI;${amount},00;;1.000.000,00`,
    `${date};ADM;;1.500,00;998.500,00`,
  ]);
  const second = await upload(split.replace('Arah;Nilainya', 'Masuknya;Keluarnya'));
  const roles = { date: '0', description: '1', credit: '2', debit: '3', balance: '4' };
  leadsTo(await sent(`${second}/kolom`, { ...fields, ...roles }), /berkas/);
  const preview = await page(second);
  assert.match(preview, /“1\.500\.123,00” dibaca sebagai Rp1\.500\.123/);
  assert.match(preview, /“05\/11\/2026” dibaca sebagai 5 November 2026/);
  assert.match(preview, /transfer keluar/, 'what is skipped is listed with its reason');
  leadsTo(await sent(`${second}/terapkan`, { keep_mapping: 'on' }), /berkas/);
  assert.equal(await statusOf(paid.id), 'confirmed');
  const next = await page(await upload(split.replace('Arah;Nilainya', 'Masuknya;Keluarnya')));
  assert.match(next, /Pratinjau impor/, 'the next file needs no mapping');
  await queryRows(service.db, 'delete from sambatan.statement_mappings');
});

test('a transfer that fits no payment is allocated by a person or marked as unrelated', async () => {
  const [one, two] = [await owing({ price_per_slot: 31_000 }), await owing()];
  await imported(csv(['Untuk Senja', one.total - 1], ['Bunga bank', 17]));
  const lines = (await queryRows(
    service.db,
    "select line_id, amount from sambatan.statement_lines where status = 'unmatched'",
  )) as { line_id: string; amount: bigint }[];
  const line = (amount: number) => lines.find((row) => Number(row.amount) === amount)!.line_id;
  const base = '/operator/pembayaran/mutasi';
  const wrong = await sent(`${base}/${line(17)}/tujuan`, { participation_id: 'bukan id' });
  assert.equal(wrong.status, 422);
  leadsTo(
    await sent(`${base}/${line(one.total - 1)}/tujuan`, { participation_id: one.id }),
    /dipasangkan/,
  );
  leadsTo(await sent(`${base}/${line(17)}/sisihkan`, { reason: 'Bunga bank' }), /disisihkan/);
  const handled = await sent(`${base}/${line(17)}/tujuan`, { participation_id: two.id });
  assert.equal(handled.status, 409);
});

test('a transfer that fits several payments is allocated to one by its button', async () => {
  // Two payments of the same amount without a unique code, as if all codes of the account were in
  // use.
  const both = [await owing({ price_per_slot: 47_000 }), await owing({ price_per_slot: 47_000 })];
  await queryRows(
    service.db,
    'update sambatan.transactions set unique_code = 0 where participation_id = any ($1)',
    both.map(({ id }) => id),
  );
  const base = statements;
  const file = await upload(csv(['TRSF dari siapa', 47_000]));
  assert.match(await page(file), /Ada beberapa yang cocok/);
  leadsTo(await sent(`${file}/terapkan`, {}), /berkas/);
  assert.deepEqual(await Promise.all(both.map(({ id }) => statusOf(id))), ['reserved', 'reserved']);

  const waits = await page(base);
  const buttons = [
    ...waits.matchAll(
      /action="([^"]*\/tujuan)"\s*>\s*<input type="hidden" name="participation_id" value="([^"]+)"/g,
    ),
  ].filter(([, , id]) => both.some((one) => one.id === id));
  assert.equal(buttons.length, 2, 'a button for each that it may be for');
  const [, path = '', chosen = ''] = buttons.find(([, , id]) => id === both[1]!.id)!;
  leadsTo(await sent(path, { participation_id: chosen }), /dipasangkan/);
  assert.deepEqual(await Promise.all(both.map(({ id }) => statusOf(id))), [
    'reserved',
    'confirmed',
  ]);
  const again = await sent(path, { participation_id: both[0]!.id });
  assert.equal(again.status, 409, 'it pays for one of them only');
  assert.ok(!(await page(base)).includes('TRSF dari siapa'));
});

test('receiving accounts are added and corrected, and one is the default', async () => {
  const base = '/operator/pembayaran/rekening';
  const given = { bank: 'Mandiri', number: '137-00-9900-2', holder: 'PT <b>Sambatan</b>' };
  leadsTo(await sent(base, given), /tersimpan/);
  const twice = await sent(base, given);
  assert.equal(twice.status, 409);
  assert.match(twice.text, /value="137-00-9900-2"/, 'what was typed stays');
  assert.match(await page(base), /PT &lt;b&gt;Sambatan/);
  const { items } = expectStatus(await operator.get('/receiving-accounts'), 200);
  const made = items.find((one: Body) => one['bank'] === 'Mandiri')!;
  leadsTo(await sent(`${base}/${made.id}/utama`, {}), /tersimpan/);
  const off = await sent(`${base}/${made.id}`, { holder: 'PT Sambatan' });
  assert.equal(off.status, 409, 'the default one cannot be switched off');
  leadsTo(await sent(`${base}/${till}/utama`, {}), /tersimpan/);
  leadsTo(await sent(`${base}/${made.id}`, { holder: 'PT Sambatan' }), /tersimpan/);
  assert.match(await page(base), /Nonaktif/);
});

const verified = async (wish?: object) => {
  const one = await owing(wish);
  expectStatus(await operator.post(`/participations/${one.id}/payment/verify`, {}), 200);
  return one;
};
const movement = async (kind: string, status: string, campaignId: string): Promise<string> => {
  const rows = (await queryRows(
    service.db,
    `select transaction_id from sambatan.transactions
    where kind = $1::sambatan.transaction_kind and status = $2::sambatan.transaction_status
      and campaign_id = $3`,
    kind,
    status,
    campaignId,
  )) as { transaction_id: string }[];
  assert.equal(rows.length, 1, `${kind} ${status}`);
  return rows[0]!.transaction_id;
};

test('refunds are downloaded, marked as failed, settled together, and reversed', async () => {
  const both = [await verified(), await verified()];
  const account = { bank: 'BNI <b>', number: '0099887766', holder: '=HYPERLINK("x")' };
  for (const { buyer, campaignId } of both) {
    expectStatus(await buyer.send({ method: 'PUT', path: '/refund-account', body: account }), 200);
    expectStatus(await operator.post(`/campaigns/${campaignId}/cancel`, { reason: 'Habis' }), 200);
  }
  const base = '/operator/uang';
  assert.match(await page(base), /BNI &lt;b&gt;/);
  const file = await operator.get(`/${base}/pengembalian.csv`);
  assert.equal(file.headers['content-type'], 'text/csv; charset=utf-8');
  assert.match(file.text, /'=HYPERLINK/);
  const [one = '', two = ''] = await Promise.all(
    both.map(({ campaignId }) => movement('refund', 'due', campaignId)),
  );
  leadsTo(await sent(`${base}/${one}/gagal`, { reason: 'Rekening tutup' }), /gagal/);
  assert.match(await page(base), /gagal 1×/);
  const none = await sent(`${base}/lunas`, { reference: 'BULK 7' });
  assert.equal(none.status, 422);
  assert.match(none.text, /Pilih dulu pengembalian/);
  const chosen: [string, string][] = [
    ['id', one],
    ['id', two],
    ['reference', 'BULK 7'],
  ];
  leadsTo(await sent(`${base}/lunas`, chosen), /lunas/);
  leadsTo(await sent(`${base}/lunas`, chosen), /lunas/);
  assert.match(await page(base), /BULK 7/);
  leadsTo(await sent(`${base}/${one}/balik`, { reason: 'Ditolak bank' }), /dibalik/);
  assert.notEqual(await movement('refund', 'due', both[0]!.campaignId), one);
});

test('a payout is blocked by a dispute, then released, settled and possibly reversed', async () => {
  const { buyer, id, campaignId } = await verified({ total_slots: 5, minimum_slots: 1 });
  await letTimePass(service.db, campaignId, pastDeadline);
  leadsTo(await sent('/operator/jalankan', {}), /jalan=/);
  const payout = await movement('payout', 'due', campaignId);
  const base = '/operator/uang/pencairan';
  const complaint = { reason: 'Botolnya <pecah>' };
  const dispute = expectStatus(await buyer.post(`/participations/${id}/dispute`, complaint), 201);
  assert.match(await page(base), /Ditahan: ada keluhan/);
  assert.equal((await sent(`${base}/${payout}/lepas`, {})).status, 409);
  assert.match(await page('/operator/uang/keluhan'), /Botolnya &lt;pecah&gt;/);
  const path = `/operator/uang/keluhan/${dispute.id}/selesai`;
  assert.equal((await sent(path, { resolution: 'maybe', explanation: 'ya' })).status, 422);
  leadsTo(await sent(path, { resolution: 'dismissed', explanation: 'Botol diganti' }), /selesai/);
  leadsTo(await sent(`${base}/${payout}/lepas`, {}), /dilepas/);
  leadsTo(await sent(`${base}/${payout}/cair`, { reference: 'TRF 77' }), /cair/);
  assert.match(await page(base), /TRF 77/);
  leadsTo(await sent(`${base}/${payout}/balik`, { reason: 'Rekening salah' }), /dibalik/);
  assert.notEqual(await movement('payout', 'due', campaignId), payout);
});

test('an appealed dispute is in the work queue with its first decision', async () => {
  const { buyer, id, campaignId } = await verified({ total_slots: 5, minimum_slots: 1 });
  await letTimePass(service.db, campaignId, pastDeadline);
  leadsTo(await sent('/operator/jalankan', {}), /jalan=/);
  const desk = '/operator/uang/keluhan';
  const mine = async () => (await new SiteForms(service.url, buyer).get(`/ikutan/${id}`)).text;
  const open = async (reason: string) =>
    expectStatus(await buyer.post(`/participations/${id}/dispute`, { reason }), 201).id;
  const dismiss = async (dispute: string, explanation: string) =>
    leadsTo(
      await sent(`${desk}/${dispute}/selesai`, { resolution: 'dismissed', explanation }),
      /selesai/,
    );
  const first = await open('Isinya <setengah>');
  assert.doesNotMatch(await page(desk), /Keluhan pertama/);
  await dismiss(first, 'Fotonya <utuh>');
  assert.match(await mine(), /sekali lagi dalam 7 hari[^]*Laporkan sekali lagi/);
  const second = await open('Ini videonya');
  const shown = await page(desk);
  assert.match(
    shown,
    /Ini videonya[^]*Keluhan pertama[^]*Isinya &lt;setengah&gt;[^]*Fotonya &lt;utuh&gt;[^]*final/,
  );
  await dismiss(second, 'Videonya dari botol lain');
  const decided = await mine();
  assert.match(decided, /Keputusan ini final/);
  assert.doesNotMatch(decided, /Laporkan sekali lagi/);
});

/**
 * The amounts on both sides of the seller's statement, as the page shows them, and the difference.
 */
async function statementOf(campaignId: string, language: '' | '/en' = '') {
  const seller = new SiteForms(service.url, shop.seller);
  const { status, text } = await seller.get(`${language}/toko/sambatan/${campaignId}/uang`);
  assert.equal(status, 200, text.slice(0, 2_000));
  const sides = [...text.matchAll(/<table>.*?<\/table>/gs)].map(([table]) => {
    const amounts = [...table.matchAll(/class="number">(?:<strong>)?Rp\s?([\d.,]+)/g)];
    return amounts.map(([, amount = '']) => Number(amount.replaceAll(/[.,]/g, '')));
  });
  return { text, sides };
}

test('a seller’s statement has every rupiah on both sides, from payment to payout and reversal', async () => {
  const { buyer, id, campaignId, total } = await verified({ total_slots: 5, minimum_slots: 1 });
  const overview = await new SiteForms(service.url, shop.seller).get(
    `/toko/sambatan/${campaignId}`,
  );
  assert.ok(overview.text.includes(`/toko/sambatan/${campaignId}/uang"`), 'there is a way to it');
  const code = total - 125_000;
  const balanced = async (
    [paid, codes, returned]: readonly number[],
    [share, fee, due, back, kept, payoutsBack]: readonly number[],
  ) => {
    const sum = paid! + codes! + returned!;
    for (const language of ['', '/en'] as const) {
      const { text, sides } = await statementOf(campaignId, language);
      assert.deepEqual(sides, [
        [paid, codes, 0, returned, 0, sum],
        [share, fee, due, back, kept, payoutsBack, sum],
      ]);
      assert.match(text, /Cocok sampai rupiah terakhir|It balances to the last rupiah/);
    }
  };
  await balanced([125_000, code, 0], [125_000, 0, 0, 0, code, 0]);
  await letTimePass(service.db, campaignId, pastDeadline);
  leadsTo(await sent('/operator/jalankan', {}), /jalan=/);
  await balanced([125_000, code, 0], [121_250, 3_750, 0, 0, code, 0]);
  assert.match((await statementOf(campaignId)).text, /Menunggu barang diterima/);

  const dispute = expectStatus(
    await buyer.post(`/participations/${id}/dispute`, { reason: 'Botolnya pecah' }),
    201,
  );
  assert.match((await statementOf(campaignId, '/en')).text, /On hold: open dispute/);
  const end = { resolution: 'dismissed', explanation: 'Botol diganti' };
  leadsTo(await sent(`/operator/uang/keluhan/${dispute.id}/selesai`, end), /selesai/);
  const payouts = '/operator/uang/pencairan';
  const payout = await movement('payout', 'due', campaignId);
  leadsTo(await sent(`${payouts}/${payout}/lepas`, {}), /dilepas/);
  assert.match((await statementOf(campaignId, '/en')).text, /Ready to pay out/);
  leadsTo(await sent(`${payouts}/${payout}/cair`, { reference: 'TRF <9>' }), /cair/);
  assert.match((await statementOf(campaignId)).text, /TRF &lt;9&gt;/);
  leadsTo(await sent(`${payouts}/${payout}/balik`, { reason: 'Rekening salah' }), /dibalik/);
  await balanced([125_000, code, 121_250], [121_250, 3_750, 0, 0, code, 121_250]);
});

test('a cancelled campaign lists its money under refunds, including unique codes', async () => {
  const { campaignId, total } = await verified();
  expectStatus(await operator.post(`/campaigns/${campaignId}/cancel`, { reason: 'Habis' }), 200);
  const { sides } = await statementOf(campaignId);
  assert.deepEqual(sides[1], [0, 0, total, 0, 0, 0, total]);
  const refund = await movement('refund', 'due', campaignId);
  const settled = await sent('/operator/uang/lunas', { id: refund, reference: 'BULK 1' });
  leadsTo(settled, /lunas/);
  assert.deepEqual((await statementOf(campaignId)).sides[1], [0, 0, 0, total, 0, 0, total]);
});

test('the bulk-transfer file contains every due refund, also beyond a thousand', async () => {
  const { buyer, campaignId } = await verified();
  const account = { bank: 'BNI', number: '0011223344', holder: 'Melati' };
  expectStatus(await buyer.send({ method: 'PUT', path: '/refund-account', body: account }), 200);
  expectStatus(await operator.post(`/campaigns/${campaignId}/cancel`, { reason: 'Habis' }), 200);
  // Copies of one refund. They are made void again before the books are checked.
  const cause = 'copy:';
  await queryRows(
    service.db,
    `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at)
    select campaign_id, kind, status, participation_id, amount, $2 || n, actor,
      created_at + (n / 3) * interval '1 microsecond'
    from sambatan.transactions cross join generate_series(1, 1100) n
    where campaign_id = $1 and kind = 'refund'`,
    campaignId,
    cause,
  );
  const due = await queryRows<{ id: string }>(
    service.db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'refund' and status = 'due' order by 1`,
    campaignId,
  );
  const files = [
    await operator.get('//operator/uang/pengembalian.csv'),
    await operator.get('/refunds/export'),
  ];
  await queryRows(
    service.db,
    `update sambatan.transactions set status = 'void'
    where campaign_id = $1 and cause like $2 || '%'`,
    campaignId,
    cause,
  );
  assert.equal(due.length, 1_101);
  for (const { status, text } of files) {
    assert.equal(status, 200);
    const ids = text.split('\r\n').map((line) => line.split(';')[0] ?? '');
    const known = new Set(due.map(({ id }) => id));
    assert.deepEqual(ids.filter((id) => known.has(id)).sort(), [...known]);
  }
});

test('a buyer sees one amount to pay, including the unique code', async () => {
  const { buyer, id, total } = await owing();
  const { text } = await new SiteForms(service.url, buyer).get(`/ikutan/${id}`);
  const sum = /<dt>Total<\/dt>\s*<dd><strong>Rp\s?([\d.]+)<\/strong>/.exec(text)?.[1];
  assert.equal(Number(sum?.replaceAll('.', '')), total);
  assert.match(text, /termasuk kode unik/);
});

test('a duplicate refund stays in the work queue until it is returned or written off', async () => {
  const here = '/operator/uang/dobel';
  const claims = [];
  for (let n = 0; n < 2; n++) {
    const { id, campaignId, total } = await owing();
    const db = service.db;
    await queryRows(
      db,
      "select sambatan.receive_money($1, $2, $3, 'service', null, gen_random_uuid()::text)",
      campaignId,
      id,
      total,
    );
    const why = { reason: 'bahan habis' };
    expectStatus(await operator.post(`/campaigns/${campaignId}/cancel`, why), 200);
    const [refund] = await queryRows<{ id: string }>(
      db,
      `select transaction_id as id from sambatan.transactions
      where campaign_id = $1 and kind = 'refund'`,
      campaignId,
    );
    const sentByHand = { ids: [refund!.id], reference: `TRF ${n}` };
    expectStatus(await operator.post('/refunds/settle', sentByHand), 200);
    const provided = `select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')`;
    await queryRows(db, provided, refund!.id, `SBT-R-${refund!.id}`);
    const { items } = expectStatus(await operator.get('/claims?limit=100'), 200);
    claims.push(items.find((claim) => claim['participation_id'] === id)!.id);
    assert.match(await page(here), new RegExp(id));
  }
  const [first = '', second = ''] = claims;
  assert.match(await page('/operator'), /<strong>2<\/strong>\s*<a href="\/operator\/uang\/dobel"/);
  assert.equal((await sent(`${here}/${first}/kembali`, { reference: '' })).status, 422);
  leadsTo(await sent(`${here}/${first}/kembali`, { reference: 'TRF 77' }), /pulih/);
  leadsTo(await sent(`${here}/${second}/relakan`, { reason: 'Tidak dijawab' }), /relakan/);
  const twice = await sent(`${here}/${second}/relakan`, { reason: 'Tidak dijawab' });
  assert.equal(twice.status, 409);
  assert.match(await page(here), /Tidak ada pengembalian ganda/);
});

test('the overview counts open work, with the age of the oldest item and links', async () => {
  const { id } = await proven();
  await queryRows(
    service.db,
    `update sambatan.payment_proofs set uploaded_at = now() - interval '30 hours'
    where participation_id = $1`,
    id,
  );
  const overview = await page('/operator');
  assert.match(
    overview,
    /<strong>[1-9]\d*<\/strong>\s*<a href="\/operator\/pembayaran"[^]*?terlama 1 hari yang lalu[^]*?Terlambat/,
  );
  assert.match(overview, /<a href="\/operator\/uang\/keluhan"/);
  const proofs = await page('/operator/pembayaran');
  assert.match(proofs, /Selesaikan sebelum<\/dt>\s*<dd>[^<]*<span class="badge bad">Terlambat/);
});

test('overdue payments of live orders are listed, longest overdue first', async () => {
  const { id: campaignId } = await shop.campaign({ total_slots: 2, title: 'Yang telat bayar' });
  const buyer = await service.user();
  const { id } = await join(buyer, campaignId, { quantity: 2 });
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', campaignId);
  expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  const there = '/operator/pembayaran?status=overdue';
  assert.doesNotMatch(await page(there), /Yang telat bayar/);
  await queryRows(
    service.db,
    `update sambatan.transactions set pay_by = now() - interval '3 days'
    where participation_id = $1`,
    id,
  );
  assert.match(await page(there), /Yang telat bayar[^]*Batas bayar<\/dt>[^]*3 hari yang lalu/);
  const { items } = expectStatus(await operator.get('/payments?status=overdue'), 200);
  assert.deepEqual(
    items.map((one) => one['participation_id']),
    [id],
  );
});

test('the bulk-transfer file keeps every digit of a bank account, and names buyers without one', async () => {
  const both = [await verified(), await verified()];
  const [gave, gaveNot] = both as [(typeof both)[0], (typeof both)[0]];
  const account = { bank: 'BNI', number: '0012345678901234567', holder: 'Sri' };
  const put = { method: 'PUT', path: '/refund-account', body: account } as const;
  expectStatus(await gave.buyer.send(put), 200);
  for (const { campaignId } of both) {
    expectStatus(await operator.post(`/campaigns/${campaignId}/cancel`, { reason: 'Habis' }), 200);
  }
  const [known, unknown] = await Promise.all(
    both.map(({ campaignId }) => movement('refund', 'due', campaignId)),
  );
  assert.ok(gaveNot.campaignId);
  const { text } = await operator.get('/refunds/export');
  const lines = text.trimEnd().split('\r\n');
  const line = (id: string | undefined) => lines.find((one) => one.startsWith(id!))!;
  assert.match(line(known), /;"\t0012345678901234567";Sri;\d+;SAMBATAN \w{8};$/);
  assert.match(line(unknown), /;;;;\d+;SAMBATAN \w{8};account$/);
  assert.ok(
    lines.indexOf(line(known)) < lines.indexOf(line(unknown)),
    'what is missing comes last',
  );
  const desk = new SiteForms(service.url, operator);
  for (const path of [
    '/api/sambatan/refunds/export?format=xlsx',
    '/operator/uang/pengembalian.xlsx',
  ]) {
    const sheet = await desk.get(path);
    assert.equal(sheet.status, 200);
    const files = unzip(sheet.bytes);
    assert.match(files.get('xl/sharedStrings.xml')!, />0012345678901234567</);
    assert.match(files.get('xl/sharedStrings.xml')!, />account</);
  }
});
