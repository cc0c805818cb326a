import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { appWith, codesOn, keyOn } from './rig/authenticator.ts';
import { testBrowser, type Looker } from './rig/browser.ts';
import { httpService } from './rig/http-service.ts';
import { lastMail } from './rig/sign-in.ts';

const service = await httpService();
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});

const main = ({ page }: Looker) => page.locator('main');
const press = async (looker: Looker, name: RegExp | string) =>
  await main(looker).getByRole('button', { name, exact: true }).click();

/** Asks for a code and gives it. */
async function enterByMail(looker: Looker, email: string): Promise<void> {
  const { page } = looker;
  await looker.go('/masuk?back=%2Fakun');
  await page.fill('[name=email]', email);
  await press(looker, 'Kirim kode');
  await page.waitForURL('**/masuk/kode**');
  await page.fill('[name=code]', (await lastMail(service, email)).code);
  await press(looker, 'Masuk');
}

for (const script of [true, false]) {
  const how = script ? 'with the script' : 'without the script';
  test(`on a phone somebody sets an app up, signs in with it, and with a recovery code, ${how}`, async () => {
    await service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
    const email = `ponsel.${script}@example.org`;
    const looker = await browser.open({ url: service.url, size: 'phone', script });
    const { page } = looker;
    await enterByMail(looker, email);
    await page.waitForURL('**/masuk/nama**');
    await looker.go('/akun');
    await main(looker).getByRole('link', { name: 'Atur keamanan' }).click();
    await page.waitForURL('**/akun/keamanan');
    await press(looker, 'Aktifkan');
    await page.waitForURL('**/akun/keamanan/aplikasi');
    await looker.check();
    const key = keyOn(await page.content());
    const link = await main(looker)
      .getByRole('link', { name: 'Buka di aplikasi' })
      .getAttribute('href');
    const given = new URL(link!).searchParams;
    assert.deepEqual([given.get('secret'), given.get('issuer')], [key, 'Sambatan']);
    const app = appWith(service, key);
    await page.fill('[name=code]', '000');
    await press(looker, 'Aktifkan');
    await main(looker).locator('.notice.bad').waitFor();
    await page.fill('[name=code]', app.next());
    await press(looker, 'Aktifkan');
    await main(looker).locator('.recovery-codes').waitFor();
    await looker.check();
    const [first = ''] = codesOn(await page.content());
    await main(looker).getByRole('link', { name: 'Sudah kusimpan' }).click();
    await page.waitForURL('**/akun/keamanan');
    for (const way of ['app', 'recovery code']) {
      await looker.go('/akun');
      await press(looker, 'Keluar');
      await page.waitForURL(`${service.url}/`);
      await enterByMail(looker, email);
      await page.waitForURL('**/masuk/aplikasi**');
      await looker.check();
      if (way === 'app') {
        await page.fill('[name=code]', app.next());
        await main(looker).getByRole('button', { name: 'Masuk', exact: true }).first().click();
      } else {
        await main(looker).locator('summary').click();
        await page.fill('[name=recovery_code]', first);
        await main(looker).getByRole('button', { name: 'Masuk', exact: true }).last().click();
      }
      await page.waitForURL('**/akun');
    }
    assert.match((await main(looker).textContent())!, /Masuk dengan kode cadangan/);
    await looker.close();
  });
}
