import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testBrowser } from '../support/browser/browser.ts';
import { queryRows } from '../support/builders/market.ts';
import { openShop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService({ timeouts: { retryDelaysMs: [0] } });
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});
const shop = await openShop(service);
const address = 'Sri Rahayu, Jalan Melati 5 & 6 “belakang”, Yogyakarta 55281, 081234567890';

/** Rejects every request except probes, until the result is called. */
function fill(): () => void {
  const limiter = service.app.concurrencyLimiter;
  let many = 0;
  for (; many < 2_000; many++) limiter.enter();
  return () => {
    for (; many > 0; many--) limiter.leave();
  };
}

/** The name of a usual browser. The browser of the tests says that it is a robot. */
const headers = {
  'user-agent': 'Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36',
};
const orderedAddresses = async (campaignId: string) => {
  const rows = await queryRows<{ shipping_address: string }>(
    service.db,
    'select shipping_address from sambatan.participants where campaign_id = $1',
    campaignId,
  );
  return rows.map((row) => row.shipping_address);
};

for (const [size, script, language, theme] of [
  ['phone', true, 'id', 'light'],
  ['phone', false, 'en', 'dark'],
  ['laptop', true, 'en', 'dark'],
] as const) {
  const how = `${size}, script: ${script}, ${language}, ${theme}`;
  const isEnglish = language === 'en';

  test(`a rejected visitor waits, and then sees the page (${how})`, async (t) => {
    const { id } = await shop.campaign({ title: 'Kenanga batch dua' });
    const looker = await browser.open({ url: service.url, size, script, language, theme });
    const { page } = looker;
    await page.setExtraHTTPHeaders(headers);
    const release = fill();
    t.after(release);
    assert.equal((await looker.go(`/sambatan/${id}`)).status(), 503);
    const words = isEnglish ? 'It’s very busy right now' : 'Sedang ramai sekali';
    await page.getByRole('heading', { name: words }).waitFor();
    assert.equal(await page.getByRole('timer').isVisible(), script);
    const [first] = await page.context().cookies();
    assert.equal(first?.name, 'sambatan-antre');
    await looker.screenshot(`waiting-room-page-${size}-${language}-${theme}`);
    await looker.check();
    // The page asks again while the service is still busy, and keeps its place.
    await waitUntil(async () => {
      const [now] = await page.context().cookies();
      return now?.value !== first.value && now?.value.split('.')[0] === first.value.split('.')[0];
    });
    release();
    await page.getByRole('heading', { name: 'Kenanga batch dua' }).waitFor();
    await looker.close();
  });

  test(`an order that was rejected is kept, and placed once (${how})`, async (t) => {
    const { id } = await shop.campaign({ title: 'Kenanga batch dua' });
    const { token } = await service.user();
    const looker = await browser.open({ url: service.url, size, script, language, theme, token });
    const { page } = looker;
    await page.setExtraHTTPHeaders({ ...headers, authorization: `Bearer ${token}` });
    await looker.go(`/sambatan/${id}`);
    const field = page.getByLabel(isEnglish ? 'Delivery address' : 'Alamat pengiriman');
    await field.fill(address);
    const release = fill();
    t.after(release);
    await page.getByRole('button', { name: isEnglish ? 'Join now' : 'Pesan sekarang' }).click();
    if (script) {
      const unsent = isEnglish ? /hasn’t been sent yet/ : /Isianmu belum terkirim/;
      await page.getByText(unsent).waitFor();
      assert.equal(await field.inputValue(), address);
      await looker.screenshot(`waiting-room-form-${size}-${language}-${theme}`);
      await looker.check();
      // The form is sent again by itself while the service is still busy.
      await page.waitForResponse((answer) => answer.request().method() === 'POST');
      release();
    } else {
      await page.getByText(/saved on this page/).waitFor();
      await looker.screenshot(`waiting-room-form-${size}-${language}-${theme}`);
      await looker.check();
      release();
      await page.getByRole('button', { name: 'Send again' }).click();
    }
    await page.getByText(isEnglish ? 'You’re in!' : 'Pesananmu berhasil!').waitFor();
    assert.deepEqual(await orderedAddresses(id), [address]);
    await looker.close();
  });
}

test('a search that was rejected is repeated, and the page stays until then', async (t) => {
  await shop.campaign({ title: 'Melati batch tiga' });
  const looker = await browser.open({ url: service.url });
  const { page } = looker;
  await page.setExtraHTTPHeaders(headers);
  await looker.go('/');
  const release = fill();
  t.after(release);
  await page.locator('input[name="q"]').fill('tiga');
  await page.locator('input[name="q"]').press('Enter');
  await page.getByText(/Halaman yang kamu buka akan kami coba lagi/).waitFor();
  await looker.check();
  release();
  await page.waitForURL(/[?&]q=tiga/);
  await page.getByText('Melati batch tiga').first().waitFor();
  await looker.close();
});

test('the waiting page of a form sends it again by itself', async (t) => {
  const { id } = await shop.campaign({ title: 'Mawar batch empat' });
  const { token } = await service.user();
  const looker = await browser.open({ url: service.url, token });
  const { page } = looker;
  await page.setExtraHTTPHeaders({ ...headers, authorization: `Bearer ${token}` });
  await looker.go(`/sambatan/${id}`);
  await page.getByLabel('Alamat pengiriman').fill(address);
  const release = fill();
  t.after(release);
  // As if the script of the site had not been loaded yet.
  await page.evaluate(`document.querySelector('form[action$="/ikut"]').submit()`);
  const sent = page.waitForRequest(
    (request) => request.method() === 'POST' && request.url().endsWith('/ikut'),
  );
  await page.getByText(/tersimpan di halaman ini/).waitFor();
  await page.getByRole('timer').waitFor();
  await sent;
  await looker.check();
  release();
  await page.getByText('Pesananmu berhasil!').waitFor();
  assert.deepEqual(await orderedAddresses(id), [address]);
  await looker.close();
});
