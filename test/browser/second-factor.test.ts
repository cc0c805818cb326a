import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { capturedEmails } from '../../src/mail/mailer.ts';
import {
  authenticatorFor,
  recoveryCodesOfPage,
  setUpSecondFactor,
  keyOfPage,
} from '../support/clients/authenticator.ts';
import { testBrowser, type BrowserWindow } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectStatus } from '../support/builders/shop.ts';
import { lastMail, signIn } from '../support/clients/sign-in.ts';

const service = await startHttpService();
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});

const main = ({ page }: BrowserWindow) => page.locator('main');
const press = async (looker: BrowserWindow, name: RegExp | string) =>
  await main(looker).getByRole('button', { name, exact: true }).click();

/** Requests a code by e-mail and enters it. */
async function enterByMail(looker: BrowserWindow, email: string): Promise<void> {
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
  test(`on a phone a user sets up an authenticator app, signs in with it and with a recovery code, ${how}`, async () => {
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
    const key = keyOfPage(await page.content());
    const link = await main(looker)
      .getByRole('link', { name: 'Buka di aplikasi' })
      .getAttribute('href');
    const given = new URL(link!).searchParams;
    assert.deepEqual([given.get('secret'), given.get('issuer')], [key, 'Sambatan']);
    const app = authenticatorFor(service, key);
    await page.fill('[name=code]', '000');
    await press(looker, 'Aktifkan');
    await main(looker).locator('.notice.bad').waitFor();
    await page.fill('[name=code]', app.next());
    await press(looker, 'Aktifkan');
    await main(looker).locator('.recovery-codes').waitFor();
    await looker.check();
    const [first = ''] = recoveryCodesOfPage(await page.content());
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

for (const way of ['app', 'mail'] as const) {
  test(`a seller on a phone re-authenticates by ${way} before changing the payout account`, async () => {
    await service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
    const email = `penjual.${way}@example.org`;
    const person = await signIn(service, email);
    const app = way === 'app' ? await setUpSecondFactor(service, person) : undefined;
    const api = await service.user(person.userId);
    const { id } = expectStatus(await api.post('/brands', { name: 'Kenanga' }), 201);
    const age = "update sambatan_auth.sessions set reauthenticated_at = now() - interval '16 min'";
    await queryRows(service.db, `${age} where user_id = $1`, person.userId);
    const looker = await browser.open({ url: service.url, size: 'phone', script: way === 'app' });
    const { page } = looker;
    await page.context().addCookies(person.browserCookies(service.url));
    await looker.go(`/toko/${id}/rekening`);
    await page.fill('[name=bank]', 'BCA');
    await page.fill('[name=number]', '5270099001');
    await page.fill('[name=holder]', 'Kenanga "Wangi" & Anak');
    await main(looker).locator('form button').first().click();
    await main(looker).getByRole('heading', { name: 'Verifikasi dulu' }).waitFor();
    await looker.check();
    await page.locator('[name=proof_code]').first().fill('000000');
    await main(looker).getByRole('button', { name: 'Lanjutkan' }).first().click();
    await main(looker).locator('.notice.bad').waitFor();
    const code = app?.next() ?? (await proofMailed(email));
    await page.locator('[name=proof_code]').first().fill(code);
    await main(looker).getByRole('button', { name: 'Lanjutkan' }).first().click();
    await page.waitForURL(`**/toko/${id}/rekening?**`);
    assert.equal(await page.inputValue('[name=holder]'), 'Kenanga "Wangi" & Anak');
    assert.equal(await page.inputValue('[name=number]'), '5270099001');
    await looker.close();
  });
}

/** The code in the last e-mail that was sent to a person. */
async function proofMailed(email: string): Promise<string> {
  const mails = await capturedEmails(service.app.mailer.outbox!, 1_000);
  return /\b\d{6}\b/.exec(mails.find(({ to }) => to === email)!.text)![0];
}
