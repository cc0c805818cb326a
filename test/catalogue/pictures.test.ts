import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { photo, pictureForm, png } from '../support/builders/pictures.ts';
import { expectProblem, expectStatus, openShop, type Shop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

interface Picture {
  readonly src: string;
  readonly srcset: string;
  readonly width: number;
  readonly height: number;
}

async function upload(bytes: Uint8Array, field?: string): Promise<ClientResponse> {
  const path = `/products/${shop.productId}/picture`;
  const sending = await pictureForm(bytes, field);
  return await shop.seller.send({ method: 'PUT', path, ...sending });
}

async function uploaded(bytes: Uint8Array): Promise<Picture> {
  return expectStatus(await upload(bytes), 200)['picture'] as Picture;
}

async function fetched(path: string) {
  const answer = await fetch(service.url + path);
  return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
}

const kept = async () => {
  const [row] = await queryRows<{ pictures: bigint; digest: string | null }>(
    service.db,
    `select (select count(*) from sambatan.pictures where product_id = $1) as pictures,
      picture_digest as digest from sambatan.products where product_id = $1`,
    shop.productId,
  );
  return row!;
};

for (const format of ['jpeg', 'png', 'webp'] as const) {
  test(`a ${format} is stored in our widths, without its metadata`, async () => {
    const picture = await uploaded(await photo({ format }));
    assert.deepEqual([picture.width, picture.height], [960, 720]);
    const paths = [picture.src, ...picture.srcset.split(', ').map((one) => one.split(' ')[0]!)];
    assert.equal(paths.length, 3);
    for (const path of paths) {
      assert.match(path, /^\/gambar\/[0-9a-f]{32}-(480\.webp|960\.webp|960\.jpg)$/);
      const { answer, bytes } = await fetched(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.match(answer.headers.get('content-security-policy')!, /default-src 'none'/);
      const { format: is, width, exif, icc, xmp } = await sharp(bytes).metadata();
      assert.equal(answer.headers.get('content-type'), `image/${is}`);
      assert.equal(width, path.includes('-480.') ? 480 : 960);
      assert.deepEqual([exif, icc, xmp], [undefined, undefined, undefined]);
      assert.ok(!bytes.includes('Kamera Rahasia'));
      assert.ok(bytes.length < 150_000, `${bytes.length} bytes`);
    }
  });
}

test('a picture keeps its orientation, and a small one is not enlarged', async () => {
  const lying = await sharp(await photo({ width: 400, height: 300 }))
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const picture = await uploaded(lying);
  assert.deepEqual([picture.width, picture.height], [300, 400]);
  assert.match(picture.srcset, /^\S+-960\.webp 300w$/);
});

test('campaigns have the picture of their product', async () => {
  const { src } = await uploaded(await photo());
  const campaign = await shop.campaign();
  assert.equal((campaign['picture'] as Picture).src, src);
});

test('a new picture replaces the old one, whose URL then answers 404', async () => {
  const earlier = await uploaded(await photo({ width: 800 }));
  const now = await uploaded(await photo({ width: 700 }));
  assert.notEqual(earlier.src, now.src);
  assert.equal((await fetched(earlier.src)).answer.status, 404);
  assert.deepEqual((await kept()).pictures, 3n);
  const path = `/products/${shop.productId}/picture`;
  const gone = expectStatus(await shop.seller.send({ method: 'DELETE', path }), 200);
  assert.equal(gone['picture'], null);
  assert.deepEqual(await kept(), { pictures: 0n, digest: null });
  assert.equal((await fetched(now.src)).answer.status, 404);
});

test('data after the end of a picture is removed', async () => {
  const script = '<script>alert(document.domain)</script>';
  const zip = Buffer.from('504b0304140000000000', 'hex');
  const polyglot = Buffer.concat([await photo(), Buffer.from(script), zip, Buffer.from(script)]);
  const picture = await uploaded(polyglot);
  for (const path of [picture.src, picture.srcset.split(' ')[0]!]) {
    const { answer, bytes } = await fetched(path);
    assert.match(answer.headers.get('content-type')!, /^image\//);
    assert.ok(!bytes.includes('<script>') && !bytes.includes(zip));
  }
});

test('the comment of a picture is removed', async () => {
  const [jpeg, words] = [await photo(), Buffer.from('*/=alert(1);<?php system("id"); ?>')];
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, words.length + 2]), words]);
  const { src } = await uploaded(Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]));
  assert.ok(!(await fetched(src)).bytes.includes('alert(1)'));
});

const corpus = (name: string) => readFileSync(new URL(`../corpus/proofs/${name}`, import.meta.url));
const svg = (inside: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inside}</svg>`);
const refused: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  'an SVG': () => svg('<script>alert(1)</script>'),
  'an SVG that reads a file': () => svg('<image href="file:///etc/passwd"/>'),
  'a page that says it is a picture': () => Buffer.from('<!doctype html><script>alert(1)</script>'),
  'a program': () => Buffer.from('7f454c46020101000000000000000000', 'hex'),
  'a PDF': () => Buffer.from('%PDF-1.7\n1 0 obj<</JS(app.alert(1))>>'),
  'a GIF': () => photo({ width: 20, height: 20, format: 'gif' }),
  'a TIFF': () => photo({ width: 20, height: 20, format: 'tiff' }),
  'a HEIC of an iPhone': () => corpus('iphone.heic'),
  'an AVIF': () => photo({ width: 20, height: 20, format: 'avif' }),
  'a WAV in the container of a WebP': () => Buffer.from('RIFF\x24\x00\x00\x00WAVEfmt ', 'latin1'),
  'the beginning of a JPEG with a page behind it': () =>
    Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.from('<script>alert(1)</script>')]),
  'the beginning of a PNG with an SVG behind it': () =>
    Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), svg('')]),
  'a PNG of 30,000 × 30,000 pixels': () => png(30_000, 30_000, 4_000),
  'a PNG that says two thousand million pixels and has none': () => png(2_000_000_000, 1, 0),
  'a PNG with less in it than it says': () => png(3_000, 3_000, 10),
  'half a JPEG': async () => {
    const whole = await photo();
    return whole.subarray(0, whole.length / 2);
  },
  'half a WebP': async () => {
    const whole = await photo({ format: 'webp' });
    return whole.subarray(0, whole.length / 2);
  },
  'a strip a hundred times as long as it is wide': () => photo({ width: 2_000, height: 20 }),
  'more than 5 MB': () => Buffer.concat([Buffer.from('ffd8ff', 'hex'), Buffer.alloc(5_300_000)]),
};

test('a HEIC photo of a product is refused with instructions', async () => {
  const problem = expectProblem(await upload(corpus('iphone.heic')), 422, 'validation_failed');
  assert.match(problem.errors[0]!.message, /HEIC.*Paling Kompatibel/);
});

for (const [name, make] of Object.entries(refused)) {
  test(`${name} is refused by its content and leaves nothing`, async () => {
    const bytes = await make();
    const earlier = await kept();
    const problem = expectProblem(await upload(bytes), 422, 'validation_failed');
    assert.deepEqual(
      problem.errors.map(({ field }) => field),
      ['picture'],
    );
    const forms = new SiteForms(service.url, shop.seller);
    const fields = { name: 'Senja', base_price: '150.000' };
    const page = await forms.upload(`/toko/produk/${shop.productId}`, fields, { bytes });
    assert.equal(page.status, 422);
    assert.match(page.text, /id="picture-error"/);
    assert.deepEqual(await kept(), earlier);
  });
}

test('a request without a picture, or not as a form, is refused with the reason', async () => {
  const path = `/products/${shop.productId}/picture`;
  expectProblem(await upload(await photo(), 'foto'), 422, 'validation_failed');
  expectProblem(await upload(Buffer.alloc(0)), 422, 'validation_failed');
  const asJson = await shop.seller.send({ method: 'PUT', path, body: { picture: 'x' } });
  expectProblem(asJson, 415, 'unsupported_media_type');
  const { body, headers } = await pictureForm(await photo());
  const cutOff = { method: 'PUT', path, body: body.subarray(0, 2_000), headers };
  expectProblem(await shop.seller.send(cutOff), 400, 'malformed_request');
  const many = new Response(
    (() => {
      const form = new FormData();
      for (let n = 0; n < 3; n++) form.append('picture', new Blob([new Uint8Array(9)]), `${n}.jpg`);
      return form;
    })(),
  );
  const several = await shop.seller.send({
    method: 'PUT',
    path,
    body: Buffer.from(await many.arrayBuffer()),
    headers: { 'content-type': many.headers.get('content-type')! },
  });
  assert.equal(several.status, 413);
});

test('a missing file is answered with 404', async () => {
  for (const name of [
    `${'0'.repeat(32)}-960.jpg`,
    `${'0'.repeat(32)}-960.png`,
    `${'0'.repeat(32)}-__proto__`,
    '..%2f..%2fetc%2fpasswd',
    newId(),
    '%00',
  ]) {
    const { status } = (await fetched(`/gambar/${name}`)).answer;
    assert.ok(status === 404 || status === 422, `${name}: ${status}`);
  }
});

test('the product form stores its fields and its picture together, or neither', async () => {
  const forms = new SiteForms(service.url, shop.seller);
  const path = `/toko/produk/${shop.productId}`;
  const bytes = await photo({ width: 640, height: 480 });
  const earlier = await kept();
  const half = await forms.upload(path, { name: 'S', base_price: '150000' }, { bytes });
  assert.equal(half.status, 422);
  assert.match(half.text, /id="name-error"/);
  assert.deepEqual(await kept(), earlier);
  const whole = { name: 'Senja Baru', base_price: '150.000', weight_grams: '95' };
  const saved = await forms.upload(path, { ...whole, sambatan_enabled: 'on' }, { bytes });
  assert.equal(saved.status, 303, saved.text);
  const page = await forms.get(path);
  assert.match(page.text, /srcset="\/gambar\/[0-9a-f]{32}-480\.webp 480w/);
  assert.match(page.text, /value="95"/);
  assert.equal((await forms.post(`${path}/gambar/hapus`)).status, 303);
  assert.equal((await kept()).pictures, 0n);
});
