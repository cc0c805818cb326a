import type { Language } from '../../src/i18n/language.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Theme } from '../../src/web/visit.ts';
import { testBrowser, type ViewportName } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { letTimePass } from '../support/builders/market.ts';
import { fromNow, hourMs, join, openShop } from '../support/builders/shop.ts';

const [service, browser] = await Promise.all([
  startHttpService({ scheduler: true }),
  testBrowser(),
]);
const shop = await openShop(service);
after(async () => {
  await browser.close();
  await service.close();
});

const address = 'Jalan Kenanga 7, Bandung 40115';

/** A browser window in which a user is signed in. */
async function person(
  wish: Partial<{ size: ViewportName; language: Language; theme: Theme; script: boolean }> = {},
) {
  const client = await service.user();
  const looker = await browser.open({ url: service.url, token: client.token, ...wish });
  return { client, looker, page: looker.page };
}

const join1 = { name: /Pesan sekarang|Join now/ };

test('a buyer joins on a phone, watches another one fill the campaign, and sees it succeed', async () => {
  const campaign = await shop.campaign({ total_slots: 5, deadline: fromNow(hourMs) });
  const { looker, page } = await person();
  await looker.go('/');
  await page.getByRole('link', { name: 'Senja batch pertama' }).first().waitFor();
  await looker.go(`/sambatan/${campaign.id}`);
  await page.getByRole('button', { name: 'Tambah satu slot' }).tap();
  assert.equal(await page.locator('[data-total]').textContent(), 'Rp250.000');
  await page.getByLabel('Alamat pengiriman').fill(address);
  await page.getByRole('button', join1).tap();
  await page.getByText('Pesananmu berhasil!').waitFor();
  await looker.check();
  await looker.go(`/sambatan/${campaign.id}`);
  await page.getByText('2 dari 5 slot terisi').waitFor();
  await looker.check();
  await page.evaluate('window.stayed = true');
  await join(await service.user(), campaign.id, { quantity: 1 });
  await page.getByText('3 dari 5 slot terisi').waitFor();
  await join(await service.user(), campaign.id, { quantity: 2 });
  await page.getByRole('heading', { name: 'Semua slot terisi' }).waitFor();
  await (await service.operator()).post('/scheduler/trigger');
  await page.getByRole('heading', { name: 'Berhasil!' }).waitFor();
  assert.equal(await page.evaluate('window.stayed'), true, 'the page was never loaded again');
  await looker.check();
  await page.getByRole('link', { name: /Pesananmu/ }).tap();
  await page.getByText('Sambatan berhasil!').waitFor();
  await looker.check();
  await looker.close();
});

test('a new participant appears on an open page without layout shift or announcement', async () => {
  // The deadline is hours away. A countdown that becomes shorter would move the layout.
  const campaign = await shop.campaign({ total_slots: 40, deadline: fromNow(5.5 * hourMs) });
  const { looker, page } = await person({ language: 'en' });
  await looker.go(`/sambatan/${campaign.id}`);
  const list = page.locator('[data-contributions]');
  assert.ok(!(await list.isVisible()), 'nobody has joined');
  await page.locator('#quantity').focus();
  await page.evaluate(`
    window.moved = 0;
    new PerformanceObserver((seen) => {
      for (const entry of seen.getEntries()) moved += entry.value;
    }).observe({ type: 'layout-shift' });
    window.spoken = [];
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const element = target.nodeType === 1 ? target : target.parentElement;
        if (element?.closest('[aria-live],[role=status],[role=alert],[role=log],output')) {
          spoken.push(element.outerHTML);
        }
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  `);
  const buyer = await service.user();
  await buyer.patch('/me', { display_name: 'siti rahma' });
  await join(buyer, campaign.id, { quantity: 3 });
  await list.getByText('S••• · 3 slots').waitFor();
  for (let n = 0; n < 8; n++) await join(await service.user(), campaign.id, { quantity: 1 });
  await page.getByText('11 of 40 slots taken').waitFor();
  await page.waitForFunction("document.querySelectorAll('[data-contributions] li').length === 6");
  assert.match(
    (await list.locator('li').first().textContent())!,
    /••• · 1 slot\s*\d+ seconds? ago/,
  );
  assert.deepEqual(await page.evaluate('[spoken, document.activeElement.id]'), [[], 'quantity']);
  // A number that gets one more digit must not move the text next to it.
  const moved = await page.evaluate<number>('moved');
  assert.ok(moved < 0.001, `layout shift ${moved}`);
  await looker.check();
  await looker.close();
});

test('without script a user can search, join and cancel', async () => {
  const campaign = await shop.campaign({ title: 'Tanpa Naskah' });
  const { looker, page } = await person({ script: false, language: 'en' });
  await looker.go('/');
  await page.getByRole('searchbox').fill('Naskah');
  await page.getByRole('button', { name: 'Search' }).tap();
  await page.getByRole('link', { name: 'Tanpa Naskah' }).tap();
  await page.waitForURL(`**/sambatan/${campaign.id}`);
  await looker.check();
  await page.getByLabel('How many slots?').fill('2');
  await page.getByLabel('Delivery address').fill(address);
  await page.getByRole('button', join1).tap();
  await page.getByText('You’re in!').waitFor();
  await page.getByRole('link', { name: 'Cancel order' }).tap();
  await page.waitForURL('**/batal');
  await looker.check();
  await page.getByRole('button', { name: 'Yes, cancel order' }).tap();
  await page.getByText('You cancelled your order, so your slots were released.').waitFor();
  await looker.check();
  await looker.close();
});

test('a join is possible with the keyboard alone', async () => {
  const campaign = await shop.campaign({});
  const { looker, page } = await person({ size: 'laptop', language: 'en' });
  await looker.go(`/sambatan/${campaign.id}`);
  const reach = async (what: string) => {
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(what)})`)) return;
    }
    assert.fail(`${what} is not reached by Tab`);
  };
  await reach('#quantity');
  await page.keyboard.press('ArrowUp');
  await reach('#shipping_address');
  await page.keyboard.type(address);
  await reach('form.join button.button');
  await page.keyboard.press('Enter');
  await page.getByText('You’re in!').waitFor();
  await page.getByText('2 slots × Rp125,000').waitFor();
  await looker.close();
});

test('a shared link leads to an order in two taps if an address is saved', async () => {
  const { looker, page, client } = await person();
  await join(client, (await shop.campaign({})).id, { shipping_address: address });
  const campaign = await shop.campaign({});
  await looker.go(`/sambatan/${campaign.id}`);
  await page.getByRole('button', join1).tap();
  await page.getByText('Pesananmu berhasil!').waitFor();
  await looker.close();
});

test('a buyer who watches a campaign fail sees the refund', async () => {
  const campaign = await shop.campaign({});
  const { looker, page, client } = await person({ language: 'en' });
  const joined = await join(client, campaign.id, {});
  await looker.go(`/ikutan/${joined.id}`);
  await page.getByText('you don’t owe anything yet').waitFor();
  await letTimePass(service.db, campaign.id, 7_200);
  service.app.changeNotifier.notifyChanged(campaign.id);
  await page.getByText('Your order was closed. Anything you paid is refunded in full.').waitFor();
  await looker.check();
  await looker.go(`/sambatan/${campaign.id}`);
  await page.getByRole('heading', { name: 'Not filled this time' }).waitFor();
  // Everybody is refunded, so no slot is taken any more. The page still shows how many were taken
  // at the end.
  await page.getByText('1 of 10 slots taken').waitFor();
  assert.equal(await page.locator('[data-events]').count(), 0, 'there is nothing left to follow');
  await looker.check();
  await looker.close();
});

test('errors of a join are announced next to their fields without a page load', async () => {
  const campaign = await shop.campaign({});
  const { looker, page } = await person();
  await looker.go(`/sambatan/${campaign.id}`);
  await page.evaluate("document.querySelector('form.join').noValidate = true");
  await page.getByLabel('Alamat pengiriman').fill('pendek');
  await page.getByRole('button', join1).tap();
  await page.locator('#shipping_address-error').waitFor();
  assert.equal(await page.evaluate('document.activeElement.id'), 'shipping_address');
  await looker.check();
  await looker.close();
});
