import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { testBrowser, type WindowOptions } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { parsePage } from '../support/clients/page.ts';
import { expectStatus, fromNow, hourMs, join, openShop } from '../support/builders/shop.ts';
import { lastMail, signIn, type SiteClient } from '../support/clients/sign-in.ts';
import { createPageStates } from '../support/page-states/views.ts';

/*
 * Address bar, history, focus and typed text in a browser that runs the script. Tests refused
 * forms, live updates, slow answers, ended sessions, and every form of every page.
 */

const [service, browser] = await Promise.all([
  startHttpService({ scheduler: true, invariants: false }),
  testBrowser(),
]);
const shop = await openShop(service);
after(async () => {
  await browser.close();
  await service.close();
});

const address = 'Sri Rahayu, Jalan Melati 5, Yogyakarta 55281, 081234567890';
const fillIn = (page: Page) => page.getByRole('textbox', { name: 'Alamat pengiriman' });

async function person(wish: Partial<WindowOptions> = {}) {
  const client = await service.user();
  const looker = await browser.open({ url: service.url, token: client.token, ...wish });
  return { client, looker, page: looker.page };
}

/** Opens a browser window for a user who is signed in. */
async function window(who: SiteClient, wish: Partial<WindowOptions> = {}) {
  const looker = await browser.open({ url: service.url, ...wish });
  await looker.page.context().addCookies(who.browserCookies(service.url));
  return looker;
}

const pathOf = (page: Page) => new URL(page.url()).pathname;
/**
 * Marks the document. The mark disappears when a page is loaded, but not when its content is
 * swapped.
 */
const mark = (page: Page) => page.evaluate('window.stayed = true');
const hasStayed = (page: Page) => page.evaluate('window.stayed === true');

test('after a refused join the URL is the page’s, and live updates still change the page', async () => {
  const campaign = await shop.campaign({ total_slots: 3, deadline: fromNow(hourMs) });
  const path = `/sambatan/${campaign.id}`;
  const { looker, page } = await person();
  await looker.go(path);
  await mark(page);
  await page.evaluate("document.querySelector('form.join').noValidate = true");
  await fillIn(page).fill('pendek');
  await page.getByRole('button', { name: 'Pesan sekarang' }).tap();
  await page.locator('#shipping_address-error').waitFor();
  assert.equal(pathOf(page), path);
  await join(await service.user(), campaign.id, { quantity: 3 });
  await page.getByRole('heading', { name: 'Semua slot terisi' }).waitFor();
  assert.equal(await fillIn(page).inputValue(), 'pendek');
  await page.getByRole('status').getByText('Isianmu masih ada').waitFor();
  assert.ok(await hasStayed(page));
  await looker.check();
  const reloaded = await page.reload();
  assert.equal(reloaded!.status(), 200);
  await page.getByRole('link', { name: 'English' }).tap();
  await page.waitForURL(`**/en${path}`);
  await page.goBack();
  await page.waitForURL(`**${path}`);
  await page.getByRole('button', { name: 'Masuk antrean' }).waitFor();
  await looker.close();
});

test('a live update keeps the focused field, its text and its selection', async () => {
  const campaign = await shop.campaign({ total_slots: 2, deadline: fromNow(hourMs) });
  const { looker, page } = await person({ size: 'laptop' });
  await looker.go(`/sambatan/${campaign.id}`);
  await fillIn(page).fill(address);
  await page.evaluate("document.querySelector('#shipping_address').setSelectionRange(4, 10)");
  await join(await service.user(), campaign.id, { quantity: 2 });
  await page.getByRole('heading', { name: 'Semua slot terisi' }).waitFor();
  const at = await page.evaluate(
    '[document.activeElement.id, document.activeElement.value, document.activeElement.selectionStart]',
  );
  assert.deepEqual(at, ['shipping_address', address, 4]);
  // If the form is sent anyway, it is refused with a message, and the typed text stays.
  await page.getByRole('button', { name: 'Pesan sekarang' }).click();
  await page.getByRole('alert').waitFor();
  assert.equal(await fillIn(page).inputValue(), address);
  assert.equal(pathOf(page), `/sambatan/${campaign.id}`);
  await looker.close();
});

test('an order page follows live updates; an open dispute form stays open', async () => {
  const campaign = await shop.campaign({ total_slots: 2, payment_timing: 'upfront' });
  const { looker, page, client } = await person();
  const pay = async (id: string) =>
    expectStatus(await service.service.post(`/participations/${id}/payment/verify`, {}), 200);
  const joined = await join(client, campaign.id);
  expectStatus(await client.get(`/participations/${joined.id}/payment`), 200);
  await pay(joined.id);
  await looker.go(`/ikutan/${joined.id}`);
  const other = await service.user();
  const last = await join(other, campaign.id);
  expectStatus(await other.get(`/participations/${last.id}/payment`), 200);
  await pay(last.id);
  await (await service.operator()).post('/scheduler/trigger');
  await page.getByText('Sambatan berhasil!').first().waitFor();
  await page.getByText('Ada masalah dengan pesananmu?').tap();
  const words = page.locator('textarea[name=reason]');
  await words.fill('Botolnya retak di bagian leher');
  // A changed status makes the page load its live parts again, as after an event.
  await page.evaluate("document.querySelector('[data-status]').dataset.status = 'active'");
  await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
  await page.getByText('Sambatan berhasil!').first().waitFor();
  assert.equal(await words.inputValue(), 'Botolnya retak di bagian leher');
  await looker.check();
  await looker.close();
});

test('the skip link moves the focus to the content and keeps typed input', async () => {
  const campaign = await shop.campaign({});
  const { looker, page } = await person({ size: 'laptop' });
  await looker.go(`/sambatan/${campaign.id}`);
  await mark(page);
  await fillIn(page).fill(address);
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**#main');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.goBack();
  assert.equal(await fillIn(page).inputValue(), address);
  assert.ok(await hasStayed(page));
  await looker.close();
});

test('the theme and language switches keep the current page; a theme change keeps typed input', async () => {
  const { looker, page, client } = await person();
  const campaign = await shop.campaign({});
  const joined = await join(client, campaign.id);
  await looker.go(`/ikutan/${joined.id}/batal`);
  await mark(page);
  await page.getByRole('button', { name: 'Ya, batalkan' }).tap();
  await page.getByText('Pesananmu dibatalkan.').waitFor();
  assert.equal(pathOf(page), `/ikutan/${joined.id}`);
  await page.getByRole('button', { name: 'Gelap' }).tap();
  await page.locator('html[data-theme=dark]').waitFor();
  assert.equal(pathOf(page), `/ikutan/${joined.id}`);
  assert.ok(await hasStayed(page));
  await looker.go(`/sambatan/${campaign.id}`);
  await fillIn(page).fill(address);
  await page.getByRole('button', { name: 'Terang' }).tap();
  await page.locator('html[data-theme=light]').waitFor();
  assert.equal(await fillIn(page).inputValue(), address);
  await looker.close();
});

test('a form is sent once however often it is tapped, and shows that it is being sent', async () => {
  const campaign = await shop.campaign({});
  const { looker, page } = await person();
  await looker.go(`/sambatan/${campaign.id}`);
  await fillIn(page).fill(address);
  let sent = 0;
  const { promise: waiting, resolve: answer } = Promise.withResolvers<void>();
  await page.route('**/ikut', async (route) => {
    sent++;
    await waiting;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Pesan sekarang' }).tap();
  await page.getByRole('button', { name: 'Mengirim …' }).tap();
  assert.equal(await page.locator('form.join').getAttribute('aria-busy'), 'true');
  answer();
  await page.getByText('Pesananmu berhasil!').waitFor();
  assert.equal(sent, 1);
  await looker.close();
});

test('without a connection the form stays unchanged and a notice appears', async () => {
  const campaign = await shop.campaign({});
  const { looker, page } = await person();
  await looker.go(`/sambatan/${campaign.id}`);
  await fillIn(page).fill(address);
  await page.route('**/ikut', (route) => route.abort());
  await page.getByRole('button', { name: 'Pesan sekarang' }).tap();
  await page.getByRole('alert').getByText('Koneksi terputus.').waitFor();
  await page.getByRole('button', { name: 'Pesan sekarang' }).waitFor();
  assert.equal(await fillIn(page).inputValue(), address);
  await looker.close();
});

for (const script of [true, false]) {
  test(`a session that ends during typing restores the order form after sign-in (script: ${script})`, async () => {
    const { id } = await shop.campaign({});
    const email = `sesi.${script}@example.org`;
    const buyer = await signIn(service, email);
    const looker = await window(buyer, { script });
    const { page } = looker;
    await looker.go(`/sambatan/${id}`);
    await fillIn(page).fill(address);
    const end = 'delete from sambatan_auth.sessions where user_id = $1';
    await queryRows(service.db, end, buyer.userId);
    await page.getByRole('button', { name: 'Pesan sekarang' }).tap();
    await page.getByText('Sesimu sudah berakhir.').waitFor();
    await looker.check();
    await page.locator('#email').fill(email);
    await page.getByRole('button', { name: 'Kirim kode' }).tap();
    await page.locator('#code').waitFor();
    await page.locator('#code').fill((await lastMail(service, email)).code);
    await page.locator('main button.button').first().tap();
    await page.getByText('Isianmu masih ada dan belum terkirim.').waitFor();
    assert.equal(pathOf(page), `/sambatan/${id}`);
    assert.equal(await fillIn(page).inputValue(), address);
    await looker.check();
    await page.getByRole('button', { name: 'Pesan sekarang' }).tap();
    await page.getByText('Pesananmu berhasil!').waitFor();
    await looker.close();
  });
}

test('every refused form keeps the URL of its page', async () => {
  const views = Object.entries(await createPageStates(service));
  const tried = new Set<string>();
  const wrong: string[] = [];
  for (const [route, states] of views) {
    for (const { path, who, status = 200 } of Object.values(states)) {
      if (status !== 200 || who === undefined) continue;
      const shapes = parsePage((await who.get(path)).text)
        .forms.filter(({ method }) => method === 'post')
        .map(({ action = '' }) => `${route} ${action.replaceAll(/[0-9a-f-]{36}/g, ':id')}`);
      if (shapes.every((one) => tried.has(one))) continue;
      const looker = await window(who);
      wrong.push(...(await refuseForms(looker.page, path, shapes, tried)));
      looker.faults.length = 0;
      await looker.close();
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(tried.size > 40, `only ${tried.size} forms were tried`);
});

/** A script that submits one form of the page with an extra field that the service refuses. */
const sendBroken = (index: number) => `(() => {
  const form = document.querySelectorAll('main form[method=post]')[${index}];
  form.noValidate = true;
  form.insertAdjacentHTML('beforeend', '<input type="hidden" name="tidak_dikenal" value="1">');
  form.requestSubmit(form.querySelector('button:not([type=button])'));
})()`;

/** Submits each form of a page that was not tried before, with an invalid field. */
async function refuseForms(
  page: Page,
  path: string,
  shapes: readonly string[],
  tried: Set<string>,
) {
  const wrong: string[] = [];
  for (const [index, shape] of shapes.entries()) {
    if (tried.has(shape)) continue;
    tried.add(shape);
    await page.goto(service.url + path);
    // An earlier form may have succeeded. This form may then be gone, or its user signed out.
    const forms = await page.locator('main form[method=post]').count();
    if (forms <= index || !page.url().endsWith(path)) continue;
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.request().method() === 'POST'),
      page.evaluate(sendBroken(index)),
    ]);
    await page.locator('form[data-sending]').waitFor({ state: 'detached' });
    if (answer.status() < 400) continue;
    const at = new URL(page.url()).pathname + new URL(page.url()).search;
    if (at !== path) wrong.push(`${shape}: ${answer.status()} at ${at}`);
  }
  return wrong;
}
