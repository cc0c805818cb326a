import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { UploadRoom } from '../../src/uploads/upload-limit.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { photo, pictureForm } from '../support/builders/pictures.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';
import { waitUntil } from '../support/server/until.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);
const staff = service.service;
const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
expectStatus(await staff.post('/receiving-accounts', bank), 201);
const path = `/products/${shop.productId}/picture`;

/** An upload that sends one byte from time to time until the test ends it. */
function slowUpload(t: TestContext, by: Client): { socket: Socket; heard: () => string } {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.write(
    [
      `PUT /api/sambatan${path} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${by.token}`,
      'Content-Type: multipart/form-data; boundary=b',
      'Content-Length: 900000',
      '',
      '--b\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n',
    ].join('\r\n'),
  );
  const drip = setInterval(() => socket.writable && socket.write('x'), 100);
  t.after(() => {
    clearInterval(drip);
    socket.destroy();
  });
  return { socket, heard: () => heard };
}

const file = await pictureForm(await photo());
const upload = async (by: Client) => await by.send({ method: 'PUT', path, ...file });

test('forty slow uploads of twenty users do not block pictures and proofs, and are ended', async (t) => {
  const people = [];
  for (let n = 0; n < 20; n++) {
    const by = await service.user();
    await queryRows(
      service.db,
      "insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')",
      shop.brandId,
      by.userId,
    );
    people.push(by);
  }
  const slow = people.flatMap((by) => [slowUpload(t, by), slowUpload(t, by)]);
  // There are more uploads than may be processed at once. On a slow machine the first ones may have
  // ended already.
  await waitUntil(() => service.server.uploads.underWay > 12);
  expectStatus(await upload(shop.seller), 200);
  const buyer = await service.user();
  const campaign = await shop.campaign({ payment_timing: 'upfront', hold_seconds: 3_600 });
  const { id } = await join(buyer, campaign.id);
  const small = await photo({ width: 40, height: 20 });
  const sent = await new SiteForms(service.url, buyer).upload(
    `/ikutan/${id}/bukti`,
    {},
    { bytes: small },
  );
  assert.equal(sent.status, 303);
  await waitUntil(() => service.server.uploads.underWay === 0, { withinMs: 20_000 });
  // On a slow machine some uploads may be refused before a byte is read. None of them stays open.
  await waitUntil(() =>
    slow.every(({ heard, socket }) => socket.destroyed || /^HTTP\/1.1 (408|503) /.test(heard())),
  );
  assert.ok(slow.some(({ heard }) => heard().startsWith('HTTP/1.1 408 ')));
});

test('each user has at most two uploads in progress', async (t) => {
  const begun = [slowUpload(t, shop.seller), slowUpload(t, shop.seller)];
  await waitUntil(() => service.server.uploads.underWay === 2);
  const refused = expectProblem(await upload(shop.seller), 429, 'rate_limited');
  assert.ok(refused.params['retry_after_seconds']);
  begun[0]!.socket.destroy();
  await waitUntil(() => service.server.uploads.underWay === 1);
  expectStatus(await upload(shop.seller), 200);
});

test('an anonymous form with a file is refused before it is read', async () => {
  const form = await pictureForm(await photo());
  expectProblem(
    await service.visitor.send({ method: 'PUT', path, ...form }),
    401,
    'unauthenticated',
  );
  const page = await new SiteForms(service.url, service.visitor).upload('/toko/x/produk/baru', {});
  assert.ok([303, 403].includes(page.status), String(page.status));
});

test('when memory runs short the slowest upload is ended, never a complete one', () => {
  const room = new UploadRoom({ graceMs: 60_000, minBytesPerSecond: 1 }, 1_000);
  const [complete, slowest, fast] = [room.begin('a'), room.begin('b'), room.begin('c')];
  room.add(complete, 300);
  complete.isComplete = true;
  room.add(slowest, 100);
  room.add(fast, 500);
  room.add(fast, 150);
  assert.equal(slowest.failure?.code, 'overloaded');
  assert.deepEqual([complete.failure, fast.failure], [undefined, undefined]);
  assert.throws(() => room.add(fast, 100), { code: 'overloaded' });
  room.end(fast);
  room.add(room.begin('d'), 700);
  assert.throws(() => room.add(slowest, 1), { code: 'overloaded' });
});
