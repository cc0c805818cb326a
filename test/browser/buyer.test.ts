import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testBrowser } from '../support/browser/browser.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { startFakeMidtrans, serverKey } from '../support/fakes/midtrans.ts';
import { photo } from '../support/builders/pictures.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';

const provider = await startFakeMidtrans();
const service = await startHttpService({
  environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
});
service.secrets.add(serverKey);
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
    await provider.close();
  }
});

const shop = await openShop(service);
await createReceivingAccount(service.db);
const bottle = await photo();
const upfront = (wish: object = {}) =>
  shop.campaign({
    title: 'Kenanga batch dua',
    payment_timing: 'upfront',
    hold_seconds: 3_600,
    ...wish,
  });
const address = 'Sri Rahayu, Jalan Melati 5, Yogyakarta 55281, 081234567890';

for (const [size, script] of [
  ['phone', false],
  ['laptop', true],
] as const) {
  const open = (client: Client) =>
    browser.open({ url: service.url, size, script, token: client.token });
  const how = `${size}, script: ${script}`;

  test(`a buyer joins, pays by transfer, sends the proof and is confirmed (${how})`, async () => {
    const { id } = await upfront();
    const [buyer, operator] = [await service.user(), await service.operator()];
    const looker = await open(buyer);
    const { page } = looker;
    await looker.go(`/sambatan/${id}`);
    await page.getByLabel('Alamat pengiriman').fill(address);
    await page.getByRole('button', { name: 'Pesan sekarang' }).click();
    await page.getByText('Pesananmu berhasil!').waitFor();
    const mine = page.url().replace(/\?.*/, '');
    const participation = mine.split('/').at(-1)!;
    const payment = expectStatus(await buyer.get(`/participations/${participation}/payment`), 200);
    const total = Number(payment['total']).toLocaleString('id-ID');
    await page.getByText(`Rp${total}`).first().waitFor();
    await page.getByText('5270099001').waitFor();
    await page.getByText('Bayar sebelum').first().waitFor();
    await looker.check();
    await looker.screenshot(`journey-to-pay-${size}`);

    await page.getByLabel('Sudah transfer? Kirim buktinya').setInputFiles({
      name: 'bukti.jpg',
      mimeType: 'image/jpeg',
      buffer: bottle,
    });
    await page.getByRole('button', { name: 'Kirim bukti transfer', exact: true }).click();
    await page.getByText('Bukti transfer terkirim.').waitFor();
    await looker.check();

    const desk = await open(operator);
    await desk.go('/operator/pembayaran');
    const proof = desk.page
      .locator('article, section')
      .filter({ hasText: `Rp${total}` })
      .last();
    await proof.getByText('Dana sudah masuk').click();
    await proof.getByRole('button', { name: 'Konfirmasi pembayaran' }).click();
    await desk.page.getByText('Pembayaran diterima.').waitFor();
    await desk.close();

    await looker.go(new URL(mine).pathname);
    await page.getByText('Lunas.').waitFor();
    await page.getByText('Dikonfirmasi').first().waitFor();
    await looker.check();
    await looker.screenshot(`journey-paid-${size}`);
    await looker.close();
  });

  test(`a buyer waits for a full campaign, accepts an offer and pays (${how})`, async () => {
    const { id } = await upfront({ total_slots: 1 });
    const [leaver, buyer] = [await service.user(), await service.user()];
    const left = await join(leaver, id);
    const looker = await open(buyer);
    const { page } = looker;
    await looker.go(`/sambatan/${id}`);
    await page.getByLabel('Alamat pengiriman').fill(address);
    await page.getByRole('button', { name: 'Masuk antrean' }).click();
    await page.getByText('Kamu di antrean ke-1').waitFor();
    await looker.check();

    expectStatus(await leaver.post(`/participations/${left.id}/cancel`), 200);
    await looker.go('/ikutan');
    await page.getByText('1 slot kami simpan untukmu!').waitFor();
    await looker.check();
    await looker.screenshot(`journey-offer-${size}`);
    await page.getByRole('button', { name: 'Ambil slotnya' }).click();
    await page.getByText('Pesananmu berhasil!').waitFor();
    await page.getByText('Transfer persis').waitFor();
    await looker.check();
    const participation = new URL(page.url()).pathname.split('/').at(-1)!;
    expectStatus(await buyer.get(`/participations/${participation}/payment`), 200);
    const verify = `/participations/${participation}/payment/verify`;
    expectStatus(await service.service.post(verify, {}), 200);
    await looker.go(`/ikutan/${participation}`);
    await page.getByText('Lunas.').waitFor();
    await looker.close();
  });

  test(`a buyer pays online, and the page shows the received payment (${how})`, async () => {
    const { id } = await upfront();
    const buyer = await service.user();
    const joined = await join(buyer, id);
    const looker = await open(buyer);
    const { page } = looker;
    await looker.go(`/ikutan/${joined.id}`);
    await page.getByRole('button', { name: 'Bayar online' }).click();
    const link = page.getByRole('link', { name: 'Lanjutkan pembayaran' });
    await link.waitFor();
    assert.match(
      (await link.getAttribute('href'))!,
      /^https:\/\/app\.sandbox\.midtrans\.com\/snap\//,
    );
    await page.getByText('Menunggu pembayaran online.').waitFor();
    await page.getByLabel('Sudah transfer? Kirim buktinya').waitFor();
    await looker.check();
    await looker.screenshot(`journey-online-${size}`);

    const [call] = await queryRows<{ reference: string }>(
      service.db,
      'select reference from sambatan.gateway_calls where participation_id = $1',
      joined.id,
    );
    provider.buyer(call!.reference, 'settlement');
    const told = provider.notification(call!.reference);
    expectStatus(await service.visitor.post('/gateway/midtrans/notifications', told), 200);
    await looker.go(`/ikutan/${joined.id}`);
    await page.getByText('Lunas.').waitFor();
    assert.equal(await page.getByText('Bayar online').count(), 0);
    await looker.check();
    await looker.close();
  });
}
