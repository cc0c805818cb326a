import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Language } from '../../src/i18n/language.ts';
import type { Theme } from '../../src/web/visit.ts';
import { logKey, ReferenceLog, sha256 } from '../support/builders/reference-log.ts';
import { testBrowser } from '../support/browser/browser.ts';
import { queryRows } from '../support/builders/market.ts';
import { join, openShop } from '../support/builders/shop.ts';
import { startHttpService } from '../support/server/http-service.ts';

const [service, browser] = await Promise.all([
  startHttpService({ invariants: false }),
  testBrowser(),
]);
after(async () => {
  await browser.close();
  await service.close();
});

const open = (wish: Partial<{ language: Language; theme: Theme; script: boolean }> = {}) =>
  browser.open({ url: service.url, ...wish });

/** Answers the requests of a page for a log with the files of another log. */
async function serveLog(page: Page, files: Record<string, string | Buffer>): Promise<string[]> {
  const asked: string[] = [];
  const isLog = ({ pathname }: URL) => /^\/(api|\.well-known)\//.test(pathname);
  await page.route(isLog, async (route) => {
    const { pathname } = new URL(route.request().url());
    asked.push(pathname);
    assert.equal(route.request().headers()['cookie'], undefined);
    const path = pathname.replace(/^\/(\.well-known|api\/sambatan\/campaigns)\//, '');
    const file = files[path.replace('/log/', '/')];
    await route.fulfill({ status: file === undefined ? 404 : 200, body: file ?? '' });
  });
  return asked;
}

/** A log of a sold-out campaign of ten slots, and the index of the order of its last buyer. */
function soldOut(): { log: ReferenceLog; order: number } {
  const log = new ReferenceLog(logKey('log.example', sha256('key')));
  while (log.events.at(-1)!.taken < 9) log.join();
  return { log, order: log.join() };
}

test('a link with a receipt in its fragment checks the order, and the receipt is never sent', async () => {
  const { log, order } = soldOut();
  const looker = await open();
  const { page } = looker;
  const asked = await serveLog(page, log.files());
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.url() + JSON.stringify(request.headers())));
  const receipt = log.receipt(order);
  await looker.go(`/bukti#${receipt}`);
  await page.getByRole('heading', { name: 'Semuanya cocok' }).waitFor();
  await page.getByText('Pesananmu nomor 10 di Sambatan ini.').waitFor();
  await page.getByText('paling banyak terisi 10 dari 10 slot').waitFor();
  assert.deepEqual(asked.toSorted(), [
    '/.well-known/sambatan-log-key',
    `/api/sambatan/campaigns/${log.campaignId}/log/checkpoint`,
    `/api/sambatan/campaigns/${log.campaignId}/log/tile/entries/000.p/12`,
  ]);
  // Neither the receipt nor a long part of it has left the browser.
  for (let at = 0; at < receipt.length; at += 24) {
    const part = receipt.slice(at, at + 24);
    assert.ok(part.length < 24 || !sent.some((request) => request.includes(part)), part);
  }
  await page.getByRole('button', { name: 'Salin titik periksa' }).waitFor();
  await looker.check();
  await looker.screenshot('verify-good');
  await looker.close();
});

test('a changed history is told in plain words, in dark mode and in English', async () => {
  const { log, order } = soldOut();
  const receipt = log.receipt(order);
  log.events[4]!.price = 1n;
  const looker = await open({ language: 'en', theme: 'dark' });
  const { page } = looker;
  await serveLog(page, log.files());
  await looker.go('/bukti');
  await page.getByLabel('Receipt', { exact: true }).fill(receipt);
  await page.getByRole('button', { name: 'Check now' }).tap();
  await page.getByRole('heading', { name: 'Something doesn’t add up' }).waitFor();
  await page.getByText('its first 12 entries no longer match').waitFor();
  await looker.check();
  await looker.screenshot('verify-bad');
  await looker.close();
});

test('once the log is downloaded, receipts are checked again without internet', async () => {
  const { log, order } = soldOut();
  const looker = await open();
  const { page } = looker;
  await serveLog(page, log.files());
  await looker.go('/bukti');
  await page.getByLabel('Bukti pesanan', { exact: true }).fill(log.receipt(order));
  await page.getByRole('button', { name: 'Periksa sekarang' }).tap();
  await page.getByText('Pesananmu nomor 10').waitFor();
  await page.unrouteAll();
  await page.context().setOffline(true);
  await page.getByLabel('Bukti pesanan', { exact: true }).fill(log.receipt(3));
  await page.getByRole('button', { name: 'Periksa sekarang' }).tap();
  await page.getByText('Pesananmu nomor 2 ').waitFor();
  await page.getByText('Layanannya tidak bisa dihubungi').waitFor();
  await page.context().setOffline(false);
  await looker.close();
});

test('a buyer compares with the checkpoint of another one, and finds two histories', async () => {
  const [{ log, order }, other] = [soldOut(), soldOut()];
  other.log.events[4]!.price = 1n;
  const looker = await open();
  const { page } = looker;
  await serveLog(page, log.files());
  await looker.go('/bukti');
  const area = page.getByLabel('Bukti pesanan', { exact: true });
  const check = page.getByRole('button', { name: 'Periksa sekarang' });
  await area.fill(`${log.receipt(order)}\n${log.checkpoint(7).trim()}`);
  await check.tap();
  await page.getByRole('heading', { name: 'Semuanya cocok' }).waitFor();
  await area.fill(`${log.receipt(order)}\n\n${other.log.checkpoint(7).trim()}`);
  await check.tap();
  await page.getByText('7 catatan pertamanya tidak lagi sama').waitFor();
  await area.fill(`${log.receipt(order)}\n${other.log.checkpoint()}`);
  await check.tap();
  await page.getByText('Ada dua versi riwayat').waitFor();
  await looker.close();
});

test('the receipt of a real order fits the real log, until somebody changes it', async () => {
  const shop = await openShop(service);
  const { id: campaign } = await shop.campaign({ total_slots: 5 });
  const buyer = await service.user();
  await join(await service.user(), campaign, { quantity: 2 });
  const { id } = await join(buyer, campaign, { quantity: 1 });
  await service.app.logWriter.drain();
  const looker = await browser.open({ url: service.url, token: buyer.token });
  const { page } = looker;
  await looker.go(`/ikutan/${id}`);
  await page.getByRole('link', { name: 'Periksa bukti pesanan' }).tap();
  await page.getByRole('heading', { name: 'Semuanya cocok' }).waitFor();
  await page.getByText('Pesananmu nomor 2 di Sambatan ini.').waitFor();
  await page.getByText('paling banyak terisi 3 dari 5 slot').waitFor();
  await queryRows(
    service.db,
    `do $do$ begin set local session_replication_role = replica;
      update sambatan.audit_logs set slots = 1, slots_taken = slots_taken - 1
        where campaign_id = '${campaign}' and slots = 2; end $do$`,
  );
  await page.getByRole('button', { name: 'Periksa sekarang' }).tap();
  await page.getByRole('heading', { name: 'Ada yang tidak cocok' }).waitFor();
  await looker.close();
});

test('receipts are read from files, and what is no receipt is told', async () => {
  const { log, order } = soldOut();
  const looker = await open();
  const { page } = looker;
  await serveLog(page, log.files());
  await looker.go('/bukti');
  await page.getByRole('button', { name: 'Periksa sekarang' }).tap();
  await page.getByText('Ini bukan bukti pesanan yang lengkap').waitFor();
  await page
    .getByLabel('Atau pilih berkas')
    .setInputFiles([
      { name: 'bukti.txt', mimeType: 'text/plain', buffer: Buffer.from(log.receipt(order)) },
    ]);
  await page.getByRole('button', { name: 'Periksa sekarang' }).tap();
  await page.getByRole('heading', { name: 'Semuanya cocok' }).waitFor();
  await looker.close();
});

test('the language link keeps the receipt', async () => {
  const { log, order } = soldOut();
  const looker = await open();
  const { page } = looker;
  await serveLog(page, log.files());
  await looker.go(`/bukti#${log.receipt(order)}`);
  await page.getByRole('heading', { name: 'Semuanya cocok' }).waitFor();
  await page.getByRole('link', { name: 'English' }).tap();
  await page.getByRole('heading', { name: 'Everything checks out' }).waitFor();
  await looker.close();
});

test('without script the page says how to check elsewhere', async () => {
  const looker = await open({ script: false });
  const { page } = looker;
  await looker.go('/bukti');
  await page.locator('noscript .notice').waitFor();
  await page.getByText(`node tools/verify/verify.mjs ${service.url} bukti.txt`).waitFor();
  assert.ok(!(await page.getByRole('button', { name: 'Periksa sekarang' }).isVisible()));
  await looker.check();
  await looker.close();
});
