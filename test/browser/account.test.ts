import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { pathIn } from '../../src/web/visit.ts';
import { testBrowser, type BrowserWindow, type WindowOptions } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { homeAddress, lastMail, signIn, type SiteClient } from '../support/clients/sign-in.ts';

const service = await startHttpService();
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});

const clear = () =>
  service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
const open = async (looking: Omit<WindowOptions, 'url'> = {}): Promise<BrowserWindow> =>
  await browser.open({ url: service.url, ...looking });
/** Gives the browser the cookies of a user who is already signed in. */
const adopt = async ({ page }: BrowserWindow, person: SiteClient) =>
  await page.context().addCookies(person.browserCookies(service.url));
const at = ({ page }: BrowserWindow) => new URL(page.url()).pathname;
const main = (looker: BrowserWindow) => looker.page.locator('main');

/** Requests a code as a visitor whom another page has sent to the sign-in page. */
async function ask(looker: BrowserWindow, email: string, back: string): Promise<void> {
  await looker.go(`/masuk?back=${encodeURIComponent(back)}`);
  await looker.page.fill('[name=email]', email);
  await main(looker)
    .getByRole('button', { name: /^(Kirim kode|Send code)$/ })
    .click();
  await looker.page.waitForURL('**/masuk/kode**');
}

for (const script of [true, false]) {
  const how = script ? 'with the script' : 'without the script';
  test(`a new user signs in by a code, saves an address and deletes the account, ${how}`, async () => {
    await clear();
    const email = `siti.baru.${script}@example.org`;
    const looker = await open({ script });
    const { page } = looker;
    await ask(looker, email, '/akun/alamat/baru');
    await page.fill('[name=code]', '0');
    await main(looker).getByRole('button', { name: 'Masuk', exact: true }).click();
    await main(looker).locator('.notice.bad, .error').first().waitFor();
    await looker.check();
    await page.fill('[name=code]', (await lastMail(service, email)).code);
    await main(looker).getByRole('button', { name: 'Masuk', exact: true }).click();
    await page.waitForURL('**/masuk/nama**');
    await looker.check();
    await page.fill('[name=display_name]', 'Siti');
    await main(looker).getByRole('button', { name: 'Lanjut' }).click();
    await page.waitForURL('**/akun/alamat/baru');
    for (const [name, value] of Object.entries(homeAddress))
      await page.fill(`[name=${name}]`, value);
    await main(looker).getByRole('button', { name: 'Simpan alamat' }).click();
    await page.waitForURL('**/akun/alamat');
    assert.match((await main(looker).textContent())!, /Jalan Kenanga 12/);
    await looker.go('/akun');
    await page.fill('[name=word]', 'hapus');
    await main(looker).getByRole('button', { name: 'Hapus akunku' }).click();
    await page.waitForURL(`${service.url}/`);
    await looker.go('/akun');
    assert.equal(at(looker), '/masuk');
    await looker.close();
  });
}

test('the link in the e-mail signs in with one more tap, and signing out ends the session', async () => {
  await clear();
  const email = 'lewat.tautan@example.org';
  const looker = await open();
  await ask(looker, email, '/akun');
  await looker.go((await lastMail(service, email)).link);
  await looker.check();
  await main(looker).getByRole('button', { name: 'Masuk ke Sambatan' }).click();
  await looker.page.waitForURL('**/masuk/nama**');
  await main(looker).getByRole('link', { name: 'Nanti saja' }).click();
  await looker.page.waitForURL('**/akun');
  await main(looker).getByRole('button', { name: 'Keluar', exact: true }).click();
  await looker.page.waitForURL(`${service.url}/`);
  await looker.go('/akun');
  assert.equal(at(looker), '/masuk');
  await looker.close();
});

test('each page names the signed-in user in its language', async () => {
  const looker = await open({ language: 'en' });
  await adopt(looker, await signIn(service, 'berbahasa.inggris@example.org'));
  await looker.go('/akun');
  assert.equal(at(looker), pathIn('en', '/akun'));
  assert.equal(await looker.page.locator('h1').textContent(), 'My account');
  await looker.close();
});
