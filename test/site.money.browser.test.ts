import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testBrowser } from './rig/browser.ts';
import { httpService } from './rig/http-service.ts';
import { photo } from './rig/pictures.ts';
import { expectStatus, join, openShop } from './rig/shop.ts';
import { openTill } from './rig/till.ts';

const service = await httpService();
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
    await openTill(service.db, size === 'phone' ? '5270099001' : '5270099002');
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
    await page.getByLabel('Berkas CSV').setInputFiles({
      name: 'mutasi.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(csv),
    });
    await press('Lihat pratinjau');
    await page.getByText('Yang akan terjadi').waitFor();
    await looker.check();
    await looker.screenshot(`operator-preview-${size}`);
    await press('Terapkan');
    await page.getByText('Mutasi diterapkan.').waitFor();
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
    await page.getByRole('link', { name: 'pengembalian' }).click();
    await looker.check();
    await looker.screenshot(`operator-refunds-${size}`);
    await page.getByRole('checkbox').first().check();
    await page.getByLabel('Referensi transfer').fill('BULK 1');
    await press('Catat yang dipilih');
    await page.getByText('Pengembalian dicatat selesai.').waitFor();
    await looker.check();
    const { items } = expectStatus(await operator.get('/refunds'), 200);
    assert.deepEqual(items, []);
    const named = expectStatus(await operator.post('/operators', { user_id: buyer.userId }), 201);
    await looker.go('/operator/orang');
    await looker.check();
    await looker.screenshot(`operator-people-${size}`);
    await page.locator('summary').first().click();
    await looker.check();
    await press('Cabut sebagai operator');
    await page.getByText('Operator dicabut.').waitFor();
    const left = expectStatus(await operator.get('/operators'), 200).items;
    assert.ok(left.every((one) => one['user_id'] !== named['user_id']));
    await looker.close();
  });
}
