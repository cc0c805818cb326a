import { DomainError } from '../../src/errors/errors.ts';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);

/**
 * Encodings of a body. Some decode to the input; others only declare an encoding that they do not
 * have.
 */
const codings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: (body) => gzipSync(body),
  'x-gzip': (body) => gzipSync(body),
  GZip: (body) => gzipSync(body),
  deflate: (body) => deflateSync(body),
  br: (body) => brotliCompressSync(body),
  zstd: (body) => zstdCompressSync(body),
  'identity, br': (body) => brotliCompressSync(body),
  'gzip, gzip': (body) => gzipSync(gzipSync(body)),
  unknown: (body) => body,
  'br, ': () => Buffer.from('no brotli'),
};

interface Target {
  readonly what: string;
  readonly path: string;
  readonly method?: string;
  readonly type: string;
  readonly body: string;
}

const multipart =
  '--x\r\ncontent-disposition: form-data; name="picture"; filename="a.png"\r\n' +
  'content-type: image/png\r\n\r\nbytes\r\n--x--\r\n';
const targets: readonly Target[] = [
  {
    what: 'a JSON route',
    path: '/api/sambatan/brands',
    type: 'application/json',
    body: '{"name":"Melati"}',
  },
  {
    what: 'a form that anybody may send',
    path: '/tema',
    type: 'application/x-www-form-urlencoded',
    body: 'theme=dark&back=%2F',
  },
  {
    what: 'a form of the English site',
    path: '/en/masuk',
    type: 'application/x-www-form-urlencoded',
    body: 'email=melati%40contoh.id',
  },
  {
    what: 'an upload by API',
    path: `/api/sambatan/products/${shop.productId}/picture`,
    method: 'PUT',
    type: 'multipart/form-data; boundary=x',
    body: multipart,
  },
  {
    what: 'an upload by form',
    path: `/toko/produk/${shop.productId}`,
    type: 'multipart/form-data; boundary=x',
    body: multipart,
  },
  {
    what: 'a proof of payment',
    path: `/api/sambatan/participations/${newId()}/proof`,
    type: 'application/pdf',
    body: '%PDF-1.7',
  },
];

const send = (
  { path, method = 'POST', type, body }: Target,
  coding: string,
  encode: (body: Buffer) => Buffer,
) =>
  fetch(`${service.url}${path}`, {
    method,
    redirect: 'manual',
    body: new Uint8Array(encode(Buffer.from(body))),
    headers: {
      'content-type': type,
      'content-encoding': coding,
      authorization: `Bearer ${shop.seller.token}`,
      'sec-fetch-site': 'same-origin',
    },
  });

for (const target of targets) {
  test(`${target.what} refuses a compressed request with the reason`, async () => {
    for (const [coding, encode] of Object.entries(codings)) {
      const answer = await send(target, coding, encode);
      const said = await answer.text();
      assert.equal(answer.status, 415, `${coding}: ${said}`);
      assert.equal(answer.headers.get('accept-encoding'), 'identity');
      const isJson = target.path.startsWith('/api/');
      const language = target.path.startsWith('/en/') ? 'en' : 'id';
      const refusal = new DomainError('content_encoding_not_supported', {});
      const { detail } = isJson ? refusal.apiText(language) : refusal.text(language);
      assert.ok(said.includes(detail), said);
      assert.equal(said.includes('"code":"content_encoding_not_supported"'), isJson);
    }
  });

  test(`${target.what} accepts a request with the identity encoding`, async () => {
    const answer = await send(target, 'Identity', (body) => body);
    assert.notEqual(answer.status, 415, await answer.text());
  });
}
