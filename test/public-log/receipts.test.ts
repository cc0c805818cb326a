import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, test } from 'node:test';
import { serviceSource } from '../../src/public-log/log-source.ts';
import { decodeReceipt, indexOf, publicRecordOf } from '../../src/public-log/receipt.ts';
import { leafHash } from '../../src/public-log/merkle.ts';
import { verifyReceipts } from '../../src/public-log/verify-receipts.ts';
import { joinRequest, joinSuccessfully, queryRows } from '../support/builders/market.ts';
import { createReceivingAccount } from '../support/builders/receiving-account.ts';
import { expectProblem, expectStatus, join, joinBody, openShop } from '../support/builders/shop.ts';
import type { Client } from '../support/clients/client.ts';
import { renderEmail } from '../../src/notifications/email.ts';
import { receiptForEmail } from '../../src/notifications/email-receipt.ts';
import { signIn } from '../support/clients/sign-in.ts';
import { SiteForms } from '../support/clients/site.ts';
import { runCommand } from '../support/server/command.ts';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);
const { db, app } = service;
const shop = await openShop(service);
await createReceivingAccount(db);
const folder = mkdtempSync(joinPath(tmpdir(), 'sambatan-receipts-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const receiptOf = async (buyer: Client, id: string): Promise<string> => {
  const answer = await buyer.get(`/participations/${id}/receipt`);
  assert.equal(answer.status, 200, answer.text);
  assert.match(String(answer.headers['content-type']), /^text\/plain/);
  return answer.text.trim();
};

const verify = async (...receipts: string[]) =>
  await verifyReceipts({
    source: serviceSource(service.url),
    receipts: receipts.map(decodeReceipt),
  });

test('a join names its record, and the receipt proves it once a checkpoint covers it', async () => {
  const { id: campaign } = await shop.campaign();
  const buyer = await service.user();
  const order = await join(buyer, campaign, { quantity: 3 });
  const pending = await buyer.get(`/participations/${order.id}/receipt`);
  expectProblem(pending, 503, 'receipt_pending');
  assert.equal(pending.headers['retry-after'], '1');
  await app.logWriter.drain();
  const text = await receiptOf(buyer, order.id);
  const receipt = decodeReceipt(text);
  const { log } = order as unknown as { log: { index: number; leaf_hash: string; salt: string } };
  assert.equal(indexOf(receipt), log.index);
  assert.equal(receipt.salt.toString('base64'), log.salt);
  assert.equal(leafHash(publicRecordOf(receipt)).toString('base64'), log.leaf_hash);
  const { facts, problems } = await verify(text);
  assert.deepEqual(problems, []);
  assert.match(facts[0]!, /number 1 of the campaign/);
  assert.match(facts.join('\n'), /at most 3 of 10 were taken/);
});

test('a join that is repeated with its key gets the same record', async () => {
  const { id: campaign } = await shop.campaign();
  const buyer = await service.user();
  const send = () =>
    buyer.post(`/campaigns/${campaign}/join`, body, { 'idempotency-key': 'the-same' });
  const body = joinBody();
  const [first, second] = [await send(), await send()];
  assert.deepEqual(second.body, expectStatus(first, 201));
  assert.ok((first.body as unknown as { log: { salt: string } }).log.salt.length === 44);
});

test('only the buyer, and the service for the buyer, get the receipt', async () => {
  const { id: campaign } = await shop.campaign();
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  await app.logWriter.drain();
  const path = `/participations/${id}/receipt`;
  assert.equal(await receiptOf(service.service, id), await receiptOf(buyer, id));
  expectProblem(await shop.seller.get(path), 403, 'forbidden');
  expectProblem(await (await service.operator()).get(path), 403, 'forbidden');
  expectProblem(await (await service.user()).get(path), 404, 'participation_not_found');
  expectProblem(await service.visitor.get(path), 401, 'unauthenticated');
});

test('an old receipt stays valid while the campaign goes on, is paid, and ends', async () => {
  const { id: campaign } = await shop.campaign({ total_slots: 3, minimum_slots: 1 });
  const [ani, budi] = [await service.user(), await service.user()];
  const { id: first } = await join(ani, campaign);
  await app.logWriter.drain();
  const old = await receiptOf(ani, first);
  const { id: second } = await join(budi, campaign, { quantity: 2 });
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 100)', campaign);
  const operator = await service.operator();
  for (const id of [first, second]) {
    expectStatus(await operator.post(`/participations/${id}/payment/verify`, {}), 200);
    expectStatus(await operator.post(`/participations/${id}/fulfil`), 200);
  }
  await app.notifications.plan();
  await app.sums.publishDue();
  await app.logWriter.drain();
  const { facts, problems } = await verify(old, await receiptOf(budi, second));
  assert.deepEqual(problems, []);
  assert.match(facts[2]!, /number 2 of the campaign/);
  assert.match(facts.at(-1)!, /the money adds up/);
});

test('the receipt of a large campaign has at most 1 KB', async () => {
  const { id: campaign } = await shop.campaign({ total_slots: 5_000 });
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  for (let n = 0; n < 4; n++) {
    const requests = Array.from({ length: 500 }, () => joinRequest(campaign));
    await joinSuccessfully(db, ...requests);
  }
  await app.logWriter.drain();
  const text = await receiptOf(buyer, id);
  assert.equal(decodeReceipt(text).hashes.length, 11);
  assert.ok(text.length <= 1_024, `${text.length} characters`);
  // Each doubling of the log adds one hash: 43 characters. The log has 2,003 records now.
  assert.ok(text.length + 5 * 43 <= 1_024, `${text.length} characters`);
});

test('deleting an account deletes its receipts, and keeps those of other buyers valid', async () => {
  const { id: campaign } = await shop.campaign();
  const [gone, stays] = [await service.user(), await service.user()];
  const { id } = await join(gone, campaign);
  const { id: other } = await join(stays, campaign);
  await app.logWriter.drain();
  const old = await receiptOf(stays, other);
  expectStatus(await gone.post(`/participations/${id}/cancel`), 200);
  const deleted = await gone.send({ method: 'DELETE', path: '/me' });
  assert.equal(deleted.status, 204, deleted.text);
  await app.logWriter.drain();
  const answer = await service.service.get(`/participations/${id}/receipt`);
  expectProblem(answer, 404, 'receipt_not_available');
  assert.deepEqual((await verify(old, await receiptOf(stays, other))).problems, []);
});

test('the commands verify a receipt against the service and against an exported folder', async () => {
  const { id: campaign } = await shop.campaign();
  const buyer = await service.user();
  const { id } = await join(buyer, campaign, { quantity: 2 });
  await app.logWriter.drain();
  const file = joinPath(folder, 'receipt.txt');
  writeFileSync(file, `${service.url}/bukti#${await receiptOf(buyer, id)}\n`);
  const log = (...args: string[]) => runCommand(['log', ...args]);
  const online = await log('verify', '--receipt', file, '--url', service.url);
  assert.equal(online.code, 0, online.out + online.err);
  assert.match(online.out, /^OK: your order is number 1 of the campaign/m);
  const copy = joinPath(folder, 'copy');
  const to = ['--campaign', campaign, '--to', copy, '--url', service.url];
  const exported = await log('export', ...to);
  assert.equal(exported.code, 0, exported.err);
  const offline = await log('verify', '--receipt', file, '--from', copy);
  assert.deepEqual([offline.code, offline.out], [0, online.out]);
});

test('the page of an order shows the receipt as link, file and QR code, in both languages', async () => {
  const { id: campaign } = await shop.campaign();
  const buyer = await service.user();
  const { id } = await join(buyer, campaign);
  const site = new SiteForms(service.url, buyer);
  assert.match((await site.get(`/ikutan/${id}`)).text, /Bukti pesanannya sedang kami siapkan/);
  await app.logWriter.drain();
  const receipt = await receiptOf(buyer, id);
  for (const [prefix, title] of [
    ['', 'Bukti pesanan'],
    ['/en', 'Order receipt'],
  ] as const) {
    const { text } = await site.get(`${prefix}/ikutan/${id}`);
    assert.ok(text.includes(`href="${prefix}/bukti#${receipt}"`), title);
    assert.ok(text.includes(`<h2 id="receipt">${title}</h2>`), title);
    const file = await site.get(`${prefix}/ikutan/${id}/bukti-pesanan.txt`);
    assert.equal(file.text, `${receipt}\n`);
    const code = await site.get(`${prefix}/ikutan/${id}/bukti-pesanan.svg`);
    assert.match(code.text, /^<svg /);
  }
  const stranger = new SiteForms(service.url, await service.user());
  assert.equal((await stranger.get(`/ikutan/${id}/bukti-pesanan.txt`)).status, 404);
});

test('the e-mail that confirms an order contains its receipt, in the language of the buyer', async () => {
  const { id: campaign } = await shop.campaign();
  const client = await signIn(service, 'rini.resi@example.org');
  const buyer = await service.user(client.userId);
  const { id } = await join(buyer, campaign);
  await app.logWriter.drain();
  const receipt = await receiptOf(buyer, id);
  await app.notifications.plan();
  const [{ delivery_id: delivery } = { delivery_id: '' }] = await queryRows<{
    delivery_id: string;
  }>(db, 'select delivery_id from sambatan.deliveries where campaign_id = $1', campaign);
  const email = {
    id: delivery,
    campaignId: campaign,
    userId: client.userId,
    kind: 'joined',
    topic: 'orders',
    params: { campaign: 'Senja', brand: 'Melati', quantity: 1 },
    to: 'rini.resi@example.org',
    timeZone: '',
  };
  const order = await receiptForEmail(db, email);
  assert.deepEqual(order, { participationId: id, receipt });
  const links = { siteUrl: 'https://sambatan.example', tokens: app.unsubscribeTokens };
  for (const [language, path, words] of [
    ['id', '/bukti', 'Ini bukti pesananmu'],
    ['en', '/en/bukti', 'This is your order receipt'],
  ] as const) {
    const { text, html } = renderEmail({ ...email, language }, links, order);
    for (const body of [text, html!]) {
      assert.ok(body.includes(`https://sambatan.example${path}#${receipt}`), language);
      assert.ok(body.includes(words), language);
    }
    assert.ok(text.split('\n').includes(receipt));
  }
});

test('without a worker for the public log, the e-mail names the page of the order', async () => {
  const { id: campaign } = await shop.campaign();
  const client = await signIn(service, 'sari.resi@example.org');
  const { id } = await join(await service.user(client.userId), campaign);
  await queryRows(db, `update sambatan.log_writer set passed_at = passed_at - interval '1 minute'`);
  await app.notifications.plan();
  const [{ delivery_id: delivery } = { delivery_id: '' }] = await queryRows<{
    delivery_id: string;
  }>(db, 'select delivery_id from sambatan.deliveries where campaign_id = $1', campaign);
  const order = await receiptForEmail(db, { kind: 'joined', campaignId: campaign, id: delivery });
  assert.deepEqual(order, { participationId: id, receipt: undefined });
});
