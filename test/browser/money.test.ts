import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testBrowser } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import type { Client } from '../support/clients/client.ts';
import { queryRows } from '../support/builders/market.ts';
import { photo } from '../support/builders/pictures.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const service = await startHttpService();
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});

const long = 'Parfum Edisi Ulang Tahun Kesepuluh Melati-Kenanga-Cempaka-Sedapmalam Nusantara';
const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);

for (const [size, script] of [
  ['phone', false],
  ['laptop', true],
] as const) {
  test(`an operator imports a statement and settles a refund (${size}, script: ${script})`, async () => {
    const operator = await service.operator();
    const shop = await openShop(service);
    await createReceivingAccount(service.db, size === 'phone' ? '5270099001' : '5270099002');
    const campaign = await shop.campaign({
      title: long,
      payment_timing: 'upfront',
      hold_seconds: 3_600,
    });
    const buyer = await service.user();
    const { id } = await join(buyer, campaign.id);
    const other = await join(buyer, campaign.id);
    const payment = expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
    const proof = {
      method: 'POST',
      path: `/participations/${other.id}/proof`,
      body: await photo(),
      headers: { 'content-type': 'image/jpeg' },
    };
    expectStatus(await buyer.send(proof), 200);
    const looker = await browser.open({ url: service.url, size, script, token: operator.token });
    const { page } = looker;
    const press = async (name: string) => page.getByRole('button', { name }).first().click();

    await looker.go('/operator/pembayaran');
    await looker.check();
    await looker.screenshot(`operator-payments-${size}`);
    await looker.go('/operator/pembayaran/rekening');
    await looker.check();
    await looker.screenshot(`operator-accounts-${size}`);

    await page.getByRole('link', { name: 'Mutasi bank' }).click();
    const { bank, number, holder } = payment['account'] as Record<string, string>;
    await page.getByLabel('Rekening', { exact: true }).selectOption({
      label: `${bank} ${number} (${holder})`,
    });
    const csv = `date,description,amount\n${today},TRSF Melati,${payment['total']}\n${today},Lain,77`;
    await page.getByLabel('Berkas mutasi').setInputFiles({
      name: 'mutasi.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(csv),
    });
    await press('Lihat pratinjau');
    await page.getByText('Pratinjau impor').waitFor();
    await looker.check();
    await looker.screenshot(`operator-preview-${size}`);
    await press('Impor');
    await page.getByText('Mutasi sudah diimpor').waitFor();
    await looker.check();
    await looker.screenshot(`operator-statement-${size}`);
    const paid = expectStatus(await operator.get(`/participations/${id}`), 200);
    assert.equal(paid.status, 'confirmed');

    const account = { bank: 'BNI', number: '0099887766', holder: 'Sri Rahayu' };
    expectStatus(await buyer.send({ method: 'PUT', path: '/refund-account', body: account }), 200);
    expectStatus(await operator.post(`/campaigns/${campaign.id}/cancel`, { reason: 'Uji' }), 200);
    await looker.go('/operator');
    await looker.check();
    await looker.screenshot(`operator-overview-${size}`);
    await page.getByRole('link', { name: 'pengembalian dana' }).click();
    await looker.check();
    await looker.screenshot(`operator-refunds-${size}`);
    await page.getByRole('checkbox').first().check();
    await page.getByLabel('Referensi transfer').fill('BULK 1');
    await press('Tandai yang dipilih');
    await page.getByText('Pengembalian dana dicatat selesai.').waitFor();
    await looker.check();
    const { items } = expectStatus(await operator.get('/refunds'), 200);
    assert.deepEqual(items, []);
    const named = expectStatus(await operator.post('/operators', { user_id: buyer.userId }), 201);
    await looker.go('/operator/orang');
    await looker.check();
    await looker.screenshot(`operator-people-${size}`);
    await page.locator('summary').first().click();
    await looker.check();
    await press('Cabut akses operator');
    await page.getByText('Akses operator dicabut.').waitFor();
    const left = expectStatus(await operator.get('/operators'), 200).items;
    assert.ok(left.every((one) => one['user_id'] !== named['user_id']));
    await looker.close();
  });
}

for (const script of [false, true]) {
  test(`a buyer opens a dispute, an operator resolves it, the seller is paid out (script: ${script})`, async () => {
    const operator = await service.operator();
    const shop = await openShop(service);
    await createReceivingAccount(service.db, script ? '5270099003' : '5270099004');
    const account = { bank: 'Mandiri', number: '1370099002', holder: 'Ratri Ayu' };
    const where = { method: 'PUT', path: `/brands/${shop.brandId}/payout-account`, body: account };
    expectStatus(await shop.seller.send(where), 200);
    const title = `Kenanga ${script ? 'tiga' : 'empat'}`;
    const campaign = await shop.campaign({ title, total_slots: 1, payment_timing: 'upfront' });
    const buyer = await service.user();
    const { id } = await join(buyer, campaign.id);
    expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
    expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
    await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', campaign.id);
    const open = ({ token }: Client) => browser.open({ url: service.url, script, token });

    const mine = await open(buyer);
    await mine.go(`/ikutan/${id}`);
    await mine.page.getByText('Ada masalah dengan pesananmu?').click();
    await mine.page.getByLabel('Ceritakan masalahnya').fill('Tutupnya retak sedikit');
    await mine.page.getByRole('button', { name: 'Laporkan masalah' }).click();
    await mine.page.getByText('Laporanmu sedang kami periksa.').waitFor();
    await mine.check();

    const desk = await open(operator);
    const { page } = desk;
    const entry = () => page.locator('article').filter({ hasText: title });
    await desk.go('/operator/uang/pencairan');
    await entry().getByText('Ditahan: ada keluhan').waitFor();
    await desk.check();
    await entry().getByRole('link', { name: 'Putuskan keluhannya dulu' }).click();
    await desk.check();
    await entry().getByText('Tolak keluhan: tanpa pengembalian dana').click();
    await entry().getByLabel('Penjelasan (dibaca pembeli)').last().fill('Penjual kirim tutup baru');
    await entry().getByRole('button', { name: 'Tolak keluhan' }).click();
    await page.getByText('Keluhan diputuskan.').waitFor();
    await mine.go(`/ikutan/${id}`);
    await mine.page.getByText('Penjual kirim tutup baru').waitFor();
    await mine.page.getByRole('button', { name: 'Barang sudah kuterima' }).click();
    await mine.page.getByText('Barang diterima').first().waitFor();
    await mine.close();

    await desk.go('/operator/uang/pencairan');
    await entry().getByText('Siap dicairkan').waitFor();
    await entry().getByText('1370099002').waitFor();
    await entry().getByText('Sudah ditransfer').click();
    await entry().getByLabel('Referensi transfer').fill('TRF 77');
    await desk.check();
    await entry().getByRole('button', { name: 'Catat pencairan' }).click();
    await page.getByText('Pencairan dicatat selesai.').waitFor();
    await desk.check();
    await desk.close();

    const seller = await open(shop.seller);
    await seller.go(`/toko/sambatan/${campaign.id}/uang`);
    await seller.page.getByText('Cocok sampai rupiah terakhir.').waitFor();
    const paid = seller.page.locator('li').filter({ hasText: 'TRF 77' });
    await paid.getByText('Sudah dicairkan').waitFor();
    await paid.getByText('Rp121.250').waitFor();
    await seller.check();
    await seller.close();
  });
}
