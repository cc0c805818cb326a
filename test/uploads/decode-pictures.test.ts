import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sharp } from 'sharp';
import { makePicture } from '../../src/catalogue/make-picture.ts';
import { newId } from '../../src/identity/ids.ts';
import { readProof } from '../../src/ledger/payments/proofs.ts';
import {
  decodeUntrustedImage,
  ImageDecodeError,
  type ImageFlaw,
} from '../../src/uploads/decode-image.ts';
import { deepPixels, photo, png } from '../support/builders/pictures.ts';

const inWebp = (pixels: Sharp) => pixels.resize(10).webp().toBuffer();
const flawOf = (flaw: ImageFlaw) => (error: unknown) =>
  error instanceof ImageDecodeError && error.flaw === flaw;

test('a picture is limited by its decoded size in memory, not only by its pixels', async () => {
  // Each picture has 36 megapixels. With three bytes per pixel it is accepted; with eight bytes it
  // would need 288 MB.
  assert.ok((await decodeUntrustedImage(png(6_000, 6_000), inWebp)).length > 0);
  await assert.rejects(
    decodeUntrustedImage(png(6_000, 6_000, 10, deepPixels), inWebp),
    flawOf('too_large'),
  );
  await assert.rejects(decodeUntrustedImage(png(9_000, 9_000, 10), inWebp), flawOf('too_large'));
});

test('proofs and product pictures are decoded one at a time, however many are sent concurrently', async () => {
  const bytes = await photo();
  let [now, most, left] = [0, 0, 0];
  const watched = () =>
    decodeUntrustedImage(bytes, async (pixels) => {
      most = Math.max(most, ++now);
      const small = await inWebp(pixels);
      now--;
      return small;
    });
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  await Promise.all([
    watched().then(note('first')),
    readProof(bytes).then(note('proof')),
    watched().then(note('second')),
    makePicture(newId(), bytes).then(note('product')),
    watched().then(note('third')),
  ]);
  left = now;
  assert.deepEqual([most, left], [1, 0]);
  assert.deepEqual(order, ['first', 'proof', 'second', 'product', 'third']);
});

test('a broken picture does not block others', async () => {
  const bytes = await photo();
  const [broken, whole] = await Promise.allSettled([
    decodeUntrustedImage(bytes.subarray(0, bytes.length / 2), inWebp),
    decodeUntrustedImage(bytes, inWebp),
  ]);
  assert.equal(broken.status, 'rejected');
  assert.equal(whole.status, 'fulfilled');
});
