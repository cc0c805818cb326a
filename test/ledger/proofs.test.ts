import { languages, textOf } from '../../src/i18n/messages.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { maxProofPages, proofFlaws, type ProofFlaw } from '../../src/errors/wording/proof-flaws.ts';
import { proofLimitBytes } from '../../src/ledger/payments/proofs.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { pdfOf } from '../support/builders/pdf.ts';
import { photo, png } from '../support/builders/pictures.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const corpus = (name: string) => readFileSync(new URL(`../corpus/proofs/${name}`, import.meta.url));

const pdf = Buffer.from(pdfOf());
const jpeg = await photo({ width: 300, height: 200 });

/** Files that must be refused, each with the reason that its sender is told. */
const refused: readonly (readonly [what: string, flaw: ProofFlaw, bytes: Buffer])[] = [
  ['a PDF that asks for a password (AES)', 'pdf_locked', corpus('locked-aes256.pdf')],
  ['a PDF that asks for a password (RC4)', 'pdf_locked', corpus('locked-rc4.pdf')],
  ['a PDF of many pages', 'pdf_too_many_pages', Buffer.from(pdfOf(maxProofPages + 1))],
  ['a PDF that was cut off', 'unreadable', pdf.subarray(0, 300)],
  ['a PDF that is only its first line', 'unreadable', Buffer.from('%PDF-1.7\n')],
  ['a picture that was cut off', 'unreadable', jpeg.subarray(0, jpeg.length / 2)],
  ['a picture of 100 megapixels', 'picture_too_large', png(10_000, 10_000)],
  ['a photo of an iPhone', 'heic', corpus('iphone.heic')],
  ['a GIF, animated or not', 'wrong_type', await photo({ width: 8, height: 8, format: 'gif' })],
  ['an AVIF', 'wrong_type', await photo({ width: 16, height: 16, format: 'avif' })],
  ['a text', 'wrong_type', Buffer.from('Transfer berhasil Rp195.123')],
  ['a program', 'wrong_type', Buffer.from('MZ\x90\0\x03', 'latin1')],
];

const service = await startHttpService();
after(service.close);

let buyer: Client;
let order: string;
before(async () => {
  const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
  expectStatus(await service.service.post('/receiving-accounts', bank), 201);
  const shop = await openShop(service);
  const { id } = await shop.campaign({ payment_timing: 'upfront', hold_seconds: 3_600 });
  buyer = await service.user();
  order = (await join(buyer, id)).id;
});

const upload = (body: Buffer, type = 'image/jpeg') =>
  buyer.send({
    method: 'POST',
    path: `/participations/${order}/proof`,
    body,
    headers: { 'content-type': type },
  });

for (const [what, flaw, bytes] of refused) {
  test(`${what} is refused as a proof of payment with the reason`, async () => {
    for (const type of ['application/pdf', 'image/jpeg']) {
      const answer = await upload(bytes, type);
      expectProblem(answer, 422, 'proof_not_accepted');
      assert.deepEqual(answer.body['params'], { reason: flaw });
      assert.equal(answer.body['detail'], textOf('id', proofFlaws[flaw]));
    }
    const page = new SiteForms(service.url, buyer);
    for (const language of languages()) {
      const path = `${language === 'id' ? '' : '/en'}/ikutan/${order}/bukti`;
      // The content decides the type of the file, whatever its name is.
      const file = { bytes, name: 'bukti.jpg', type: 'image/jpeg' };
      const shown = await page.upload(path, {}, file);
      assert.equal(shown.status, 422);
      assert.ok(shown.text.includes(textOf(language, proofFlaws[flaw])), shown.text.slice(0, 200));
    }
    assert.equal(
      (await buyer.get(`/participations/${order}/proof`)).status,
      404,
      'nothing is kept',
    );
  });
}

test('a form without a file, or with an empty one, is refused with a request for a file', async () => {
  const page = new SiteForms(service.url, buyer);
  for (const file of [undefined, { bytes: Buffer.alloc(0) }]) {
    for (const language of languages()) {
      const path = `${language === 'id' ? '' : '/en'}/ikutan/${order}/bukti`;
      const shown = await page.upload(path, {}, file);
      assert.equal(shown.status, 422);
      assert.ok(shown.text.includes(textOf(language, proofFlaws.empty)));
    }
  }
  const empty = await upload(Buffer.alloc(0), 'application/pdf');
  expectProblem(empty, 422, 'proof_not_accepted');
  assert.deepEqual(empty.body['params'], { reason: 'empty' });
});

test('a file of more than 5 MB is refused with a message on the page, and with its limit by the API', async () => {
  const large = Buffer.concat([pdf, Buffer.alloc(proofLimitBytes)]);
  const answer = await upload(large, 'application/pdf');
  expectProblem(answer, 413, 'payload_too_large');
  assert.deepEqual(answer.body['params'], { maximum_bytes: proofLimitBytes });
  const page = new SiteForms(service.url, buyer);
  for (const language of languages()) {
    const path = `${language === 'id' ? '' : '/en'}/ikutan/${order}/bukti`;
    const shown = await page.upload(path, {}, { bytes: large, name: 'bukti.pdf' });
    assert.equal(shown.status, 422);
    assert.ok(
      shown.text.includes(textOf(language, proofFlaws.file_too_large)),
      shown.text.slice(0, 200),
    );
  }
});

test('a PDF that opens without a password is accepted, even if printing is forbidden', async () => {
  for (const bytes of [pdf, corpus('restricted.pdf'), Buffer.from(pdfOf(maxProofPages))]) {
    expectStatus(await upload(bytes, 'image/png'), 200);
    const kept = await new SiteForms(service.url, buyer).get(`/ikutan/${order}/bukti/berkas`);
    assert.equal(kept.headers.get('content-type'), 'application/pdf');
    assert.deepEqual(kept.bytes, bytes);
  }
});

test('an animated picture is stored as its first frame, a picture in any format as WebP', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff'].map((background) =>
      sharp({ create: { width: 40, height: 40, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const animated = await sharp(frames, { join: { animated: true } })
    .webp({ loop: 0, delay: 100 })
    .toBuffer();
  assert.equal((await sharp(animated).metadata()).pages, 2);
  const pictures = [
    animated,
    jpeg,
    await photo({ format: 'png' }),
    await photo({ format: 'webp' }),
  ];
  for (const bytes of pictures) {
    expectStatus(await upload(bytes, 'application/pdf'), 200);
    const kept = await new SiteForms(service.url, buyer).get(`/ikutan/${order}/bukti/berkas`);
    assert.equal(kept.headers.get('content-type'), 'image/webp');
    const { format, pages = 1 } = await sharp(kept.bytes).metadata();
    assert.deepEqual([format, pages], ['webp', 1]);
  }
});

test('the buyer sees a thumbnail of the sent picture, and nobody else does', async () => {
  expectStatus(await upload(await photo({ width: 1_600, height: 1_200 })), 200);
  const mine = new SiteForms(service.url, buyer);
  const { proof } = expectStatus(await buyer.get(`/participations/${order}/payment`), 200);
  assert.equal((proof as { content_type: string }).content_type, 'image/webp');
  for (const [prefix, words] of [
    ['', 'Bukti yang kamu kirim, buka ukuran penuh'],
    ['/en', 'Your proof, open in full size'],
  ] as const) {
    const { text } = await mine.get(`${prefix}/ikutan/${order}`);
    const path = `${prefix}/ikutan/${order}/bukti`;
    assert.ok(text.includes(`href="${path}/berkas"`));
    assert.match(text, new RegExp(`<img src="${path}/kecil" alt="${words}"`));
    assert.match(text, prefix === '' ? /Dikirim \d/ : /Sent on /);
  }
  const path = `/ikutan/${order}/bukti/kecil`;
  const small = await mine.get(path);
  assert.equal(small.status, 200);
  assert.equal(small.headers.get('content-type'), 'image/webp');
  assert.equal(small.headers.get('cache-control'), 'private, no-store');
  assert.equal(small.headers.get('x-content-type-options'), 'nosniff');
  const { width, height, exif } = await sharp(small.bytes).metadata();
  assert.deepEqual([width, height, exif], [320, 240, undefined]);
  assert.ok(
    small.bytes.length < (await mine.get(`/ikutan/${order}/bukti/berkas`)).bytes.length / 3,
  );

  const others = [await service.user(), await service.operator(), service.service];
  for (const other of others) {
    const { status } = await new SiteForms(service.url, other).get(path);
    assert.ok([303, 403, 404].includes(status), String(status));
  }
  assert.equal((await new SiteForms(service.url, service.visitor).get(path)).status, 303);
});

test('a PDF is shown to its buyer as a link with its size and time', async () => {
  expectStatus(await upload(pdf, 'application/pdf'), 200);
  const mine = new SiteForms(service.url, buyer);
  const { proof } = expectStatus(await buyer.get(`/participations/${order}/payment`), 200);
  const sent = proof as { content_type: string; bytes: number };
  assert.deepEqual([sent.content_type, sent.bytes], ['application/pdf', pdf.length]);
  const plain = async (path: string) => (await mine.get(path)).text.replaceAll(/\s+/g, ' ');
  const indonesian = await plain(`/ikutan/${order}`);
  assert.match(indonesian, /Unduh bukti terakhir \(PDF, 1 KB\)/);
  assert.match(indonesian, /Dikirim \d/);
  assert.match(await plain(`/en/ikutan/${order}`), /Download your last proof \(PDF, 1 KB\)/);
  assert.ok(!indonesian.includes('bukti/kecil'));
  assert.equal((await mine.get(`/ikutan/${order}/bukti/kecil`)).status, 404);
  const file = await mine.get(`/ikutan/${order}/bukti/berkas`);
  assert.match(file.headers.get('content-disposition') ?? '', /^attachment/);
});

test('a thumbnail stays on the page after the payment was verified', async () => {
  expectStatus(await upload(jpeg), 200);
  const verified = await service.service.post(`/participations/${order}/payment/verify`);
  expectStatus(verified, 200);
  const { text } = await new SiteForms(service.url, buyer).get(`/ikutan/${order}`);
  assert.match(text, /Lunas\./);
  assert.ok(text.includes(`/ikutan/${order}/bukti/kecil`));
});
