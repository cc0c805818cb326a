import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { testBrowser, type WindowOptions } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { photo } from '../support/builders/pictures.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
const browser = await testBrowser();
const files = mkdtempSync(pathOf(tmpdir(), 'sambatan-photos-'));
after(async () => {
  try {
    await browser.close();
  } finally {
    rmSync(files, { recursive: true, force: true });
    await service.close();
  }
});

const picture = pathOf(files, 'botol.jpg');
const wrongPicture = pathOf(files, 'botol.svg.jpg');
before(async () => {
  writeFileSync(picture, await photo());
  writeFileSync(wrongPicture, '<svg xmlns="http://www.w3.org/2000/svg"/>');
});

const look = (wish: Omit<WindowOptions, 'url'>) => browser.open({ url: service.url, ...wish });

for (const script of [true, false]) {
  suite(script ? 'with the script' : 'without the script', () => {
    test('a seller creates a brand, a product and a campaign, opens, extends and cancels it', async () => {
      const seller = await service.user();
      const looker = await look({ token: seller.token, script });
      const { page } = looker;
      const press = async (name: string | RegExp) => {
        await page.getByRole('button', { name }).first().click();
      };
      await looker.go('/toko');
      await looker.check();
      await page.getByRole('link', { name: 'Buat brand' }).click();
      await page.getByLabel('Nama brand').fill('Rumah Kenanga');
      await press('Buat brand');
      await page.getByText('Brand-mu sudah dibuat.').waitFor();

      await page.getByRole('link', { name: 'Produk', exact: true }).click();
      await page.getByRole('link', { name: 'Tambah produk' }).first().click();
      await page.getByLabel('Nama produk').fill('Kenanga 30 ml');
      await page.getByLabel('Harga biasa (Rp)').fill('150.000');
      await page.getByLabel(/^Foto/).setInputFiles(wrongPicture);
      await press('Simpan');
      await page.getByText('Pilih foto JPEG, PNG, atau WebP.').waitFor();
      await looker.check();
      assert.equal(await page.getByLabel('Nama produk').inputValue(), 'Kenanga 30 ml');
      await page.getByLabel(/^Foto/).setInputFiles(picture);
      await press('Simpan');
      await page.getByText('Produk ditambahkan.').waitFor();
      await looker.check();
      assert.ok(await page.locator('img.picture').first().isVisible());

      await page.getByRole('link', { name: 'Sambatan', exact: true }).last().click();
      await page.getByRole('link', { name: 'Sambatan baru' }).first().click();
      await page.getByLabel('Judul').fill('Kenanga batch satu');
      await page.getByLabel('Total slot').fill('20');
      await press('Lihat pratinjau');
      await page.getByText('Begini tampilannya untuk pembeli').waitFor();
      await looker.check();
      await press('Ubah lagi');
      assert.equal(await page.getByLabel('Judul').inputValue(), 'Kenanga batch satu');
      await press('Lihat pratinjau');
      await press('Simpan sebagai draf');
      await page.getByText('Draf tersimpan.').waitFor();
      await looker.check();
      await press('Buka sekarang');
      await page.getByText('Sambatan sudah dibuka.').waitFor();

      await page.getByRole('link', { name: 'Perpanjang' }).click();
      await page.getByLabel('Batas waktu baru').fill('2031-05-06T21:00');
      await page.getByLabel('Alasan').fill('Botolnya datang terlambat');
      await press('Perpanjang');
      await page.getByText('Batas waktu diperpanjang').waitFor();
      assert.ok(await page.getByText('2031 pukul 21.00 WIB').isVisible());

      const path = new URL(page.url()).pathname;
      await join(await service.user(), path.split('/').at(-1)!, { quantity: 2 });
      await page.getByRole('link', { name: 'Pembeli & alamat' }).click();
      await looker.check();
      const downloading = page.waitForEvent('download');
      await page.getByRole('link', { name: 'CSV' }).click();
      assert.equal((await downloading).suggestedFilename(), 'sambatan-kenanga-batch-satu.csv');
      await looker.go(path);
      await page.getByRole('link', { name: 'Batalkan Sambatan' }).click();
      await page.getByText('pesanan dibatalkan dan pembelinya diberi tahu').waitFor();
      await page.getByLabel('Alasan').fill('Bahan tidak lolos uji');
      await page.getByLabel('Ketik judul Sambatan').fill('kenanga');
      await press('Batalkan Sambatan ini');
      await page.getByText('Belum sama dengan judulnya.').waitFor();
      await looker.check();
      await page.getByLabel('Ketik judul Sambatan').fill('Kenanga batch satu');
      await press('Batalkan Sambatan ini');
      await page.getByText('Sambatan dibatalkan.').waitFor();
      await looker.check();
      await looker.close();
    });
  });
}

for (const script of [true, false]) {
  test(`a seller declares a shortfall (script: ${script})`, async () => {
    const shop = await openShop(service);
    const { id } = await shop.campaign({ total_slots: 3, payment_timing: 'upfront' });
    const participations: string[] = [];
    for (let i = 0; i < 3; i++) {
      const joined = await join(await service.user(), id);
      expectStatus(await service.service.post(`/participations/${joined.id}/confirm`), 200);
      participations.push(joined.id);
    }
    await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);
    const looker = await look({ token: shop.seller.token, script });
    const { page } = looker;
    const press = (name: string) => page.getByRole('button', { name }).click();
    await looker.go(`/toko/sambatan/${id}`);
    await page.getByRole('link', { name: 'Laporkan kekurangan' }).click();
    await looker.check();
    await page.getByLabel('Slot yang bisa dikirim').fill('2');
    await press('Lihat dampaknya');
    await page.getByRole('row', { name: '0 dari 1' }).getByText('Rp125.000').waitFor();
    await looker.check();
    await page.getByLabel('Alasan').fill('Satu pecah waktu dikemas');
    await page.getByLabel('Ketik judul Sambatan').fill('Senja batch pertama');
    await press('Kirim 2 slot saja');
    await page.getByText('Kekurangan dicatat.').waitFor();
    await looker.check();
    await looker.close();
    const last = await service.service.get(`/participations/${participations[2]}`);
    assert.equal(expectStatus(last, 200).status, 'refunded');
  });
}

for (const script of [true, false]) {
  test(`an owner sets the payout account and creates a webhook (script: ${script})`, async () => {
    const { seller, brandId } = await openShop(service);
    const looker = await look({ token: seller.token, script });
    const { page } = looker;
    const press = (name: string) => page.getByRole('button', { name }).click();
    await looker.go(`/toko/${brandId}`);
    await page.getByRole('link', { name: 'Rekening', exact: true }).click();
    await page.getByLabel('Bank atau dompet digital').fill('Mandiri');
    await page.getByLabel('Nomor rekening').fill('137 0099 002');
    await page.getByLabel('Nama pemilik rekening').fill('Sri Rahayu');
    await press('Simpan rekening');
    await page.getByText('Perubahan tersimpan.').waitFor();
    await looker.check();

    await page.getByRole('link', { name: 'Webhook' }).click();
    await page.getByLabel('URL (https://)').fill('https://gudang.contoh.id/sambatan');
    await page.getByText('Pilih peristiwa').click();
    await page.getByLabel('participant_joined').check();
    await looker.check();
    await press('Tambah webhook');
    await page.getByText('Simpan kunci rahasianya sekarang').waitFor();
    assert.match(await page.locator('.secret code').innerText(), /^whsec_/);
    await looker.check();
    await page.getByRole('link', { name: 'https://gudang.contoh.id' }).click();
    await page.getByText('Nonaktifkan atau hapus').click();
    await press('Nonaktifkan');
    await page.getByText('Webhook dinonaktifkan.').waitFor();
    await looker.check();
    await page.getByText('Nonaktifkan atau hapus').click();
    await press('Hapus webhook');
    await page.getByText('Webhook dihapus.').waitFor();
    await looker.close();
  });
}
