import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Language } from '../src/errors.ts';
import { pathIn } from '../src/web/visit.ts';
import { testBrowser, type Looker, type Look, type Looking } from './rig/browser.ts';
import { httpService } from './rig/http-service.ts';
import { expectStatus } from './rig/shop.ts';
import { homeAddress, lastMail, signIn, type SiteClient } from './rig/sign-in.ts';

const service = await httpService();
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
const open = async (looking: Omit<Looking, 'url'> = {}): Promise<Looker> =>
  await browser.open({ url: service.url, ...looking });
/** The browser's session is that of somebody who is signed in already. */
const adopt = async ({ page }: Looker, person: SiteClient) =>
  await page.context().addCookies(person.browserCookies(service.url));
const at = ({ page }: Looker) => new URL(page.url()).pathname;
const main = (looker: Looker) => looker.page.locator('main');

/** Asks for a code, as a visitor who came from somewhere. */
async function ask(looker: Looker, email: string, back: string): Promise<void> {
  await looker.go(`/masuk?back=${encodeURIComponent(back)}`);
  await looker.page.fill('[name=email]', email);
  await main(looker)
    .getByRole('button', { name: /^(Kirim kode|Send the code)$/ })
    .click();
  await looker.page.waitForURL('**/masuk/kode**');
}

for (const script of [true, false]) {
  const how = script ? 'with the script' : 'without the script';
  test(`a newcomer signs in by a code, saves an address, and leaves for good, ${how}`, async () => {
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

test('the link in the mail signs in with one more tap, and signing out ends it', async () => {
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

const long = {
  label: 'Rumah Ibu di kampung dekat pasar lama ya',
  recipient: 'Raden Ayu Siti Nurhaliza Kusumaningtyas binti Wirosableng',
  street: 'Jalan Panglima Besar Jenderal Sudirman Kavling 52-53 RT 001/012',
  district: 'Kecamatan Hinai Kiri',
};

/** Whoever has so many addresses, the second of which is a long one. */
async function personWith(addresses: number): Promise<SiteClient> {
  const person = await signIn(service, `punya.${addresses}.alamat@example.org`);
  const api = await service.user(person.userId);
  for (let n = 0; n < addresses; n++) {
    const address = { ...homeAddress, ...(n === 1 ? long : { label: `Rumah ${n + 1}` }) };
    expectStatus(await api.post('/me/addresses', address), 201);
  }
  return person;
}

await clear();
const nobody = await personWith(0);
const one = await personWith(1);
const ten = await personWith(10);
interface View {
  readonly path: string;
  /** A visitor unless told. */
  readonly who?: SiteClient;
  /** Pressed with nothing filled in: the page with its errors. */
  readonly button?: RegExp;
}
const views: Readonly<Record<string, View>> = {
  masuk: { path: '/masuk' },
  kode: { path: '/masuk/kode?id=x' },
  'kode-salah': { path: '/masuk/kode?id=x', button: /^(Masuk|Sign in)$/ },
  tautan: { path: '/masuk/tautan?t=x' },
  'tautan-habis': { path: '/masuk/tautan?t=x', button: /^(Masuk ke|Sign in to) Sambatan$/ },
  nama: { path: '/masuk/nama', who: nobody },
  outbox: { path: '/outbox' },
  akun: { path: '/akun', who: ten },
  'akun-tersimpan': { path: '/akun?simpan=1', who: ten },
  'akun-salah': { path: '/akun', who: ten, button: /^(Hapus akunku|Delete my account)$/ },
  'alamat-kosong': { path: '/akun/alamat', who: nobody },
  'alamat-satu': { path: '/akun/alamat', who: one },
  'alamat-sepuluh': { path: '/akun/alamat', who: ten },
  'alamat-baru': { path: '/akun/alamat/baru', who: nobody },
  'alamat-salah': {
    path: '/akun/alamat/baru',
    who: nobody,
    button: /^(Simpan alamat|Save the address)$/,
  },
};

/** Looks at every page and state in every look, as axe does, and keeps a picture of it. */
async function lookAtAll(language: Language, looks: readonly Look[]): Promise<void> {
  await clear();
  const windows = new Map<SiteClient | undefined, Looker>();
  for (const [name, { path, who, button }] of Object.entries(views)) {
    const looker = windows.get(who) ?? (await open({ language }));
    if (who && !windows.has(who)) await adopt(looker, who);
    windows.set(who, looker);
    await looker.go(path);
    if (button !== undefined) {
      // The page that answers, not the browser's own word for an empty field.
      await looker.page.evaluate('for (const form of document.forms) form.noValidate = true');
      const answered = looker.page.waitForResponse(
        (answer) => answer.request().method() === 'POST',
      );
      await Promise.all([answered, main(looker).getByRole('button', { name: button }).click()]);
      await looker.page.waitForLoadState();
    }
    await looker.checkIn(looks);
    await looker.screenshot(`account-${name}-${language}`);
  }
  for (const looker of windows.values()) await looker.close();
}

test('every account page can be used by everybody and fits every window', async () => {
  await lookAtAll('id', [
    ['phone', 'light'],
    ['phone', 'dark'],
    ['tablet', 'light'],
    ['laptop', 'light'],
  ]);
});

test('every account page is as good in English', async () => {
  await lookAtAll('en', [
    ['phone', 'light'],
    ['phone', 'dark'],
  ]);
});

test('each page says in its language who it is for', async () => {
  const looker = await open({ language: 'en' });
  await adopt(looker, one);
  await looker.go('/akun');
  assert.equal(at(looker), pathIn('en', '/akun'));
  assert.equal(await looker.page.locator('h1').textContent(), 'My account');
  await looker.close();
});
