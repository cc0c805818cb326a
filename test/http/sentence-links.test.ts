import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);
const shop = await openShop(service);

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, { redirect: 'manual', headers });
const signs = ['.', ')', ',', ').', '!', '?', '%20', '…', '”', '%E2%80%A6', ';', '*', '%0A'];

test('a link followed by punctuation leads to the page', async () => {
  const { id } = await shop.campaign({});
  for (const page of [`/sambatan/${id}`, `/en/sambatan/${id}`, `/sambatan/${id}/poster`]) {
    for (const sign of signs) {
      // A question mark at the end of a URL is an empty query, which changes nothing.
      const answer = await get(page + sign);
      if (sign === '?') continue;
      assert.equal(answer.status, 302, page + sign);
      assert.equal(answer.headers.get('location'), page, page + sign);
    }
  }
  const kept = await get(`/sambatan/${id}.?dari=wa`);
  assert.equal(kept.headers.get('location'), `/sambatan/${id}?dari=wa`);
});

test('a URL with an invalid id shows a not-found page', async () => {
  for (const path of ['/sambatan/abc', '/en/sambatan/abc', `/sambatan/${newId()}`]) {
    const answer = await get(path);
    assert.equal(answer.status, 404, path);
    assert.match(await answer.text(), path.startsWith('/en') ? /not/ : /tidak/);
  }
  // The API refuses the parameter by its name, because developers read the answer.
  assert.equal((await get('/api/sambatan/campaigns/abc')).status, 422);
});

test('a redirect to a URL with any characters is sent, encoded', async () => {
  const targets = {
    '/😀': '/%F0%9F%98%80',
    '/ikutan?q=caf\u0065\u0301': '/ikutan?q=cafe%CC%81',
    '/%F0%9F%98%80': '/%F0%9F%98%80',
  };
  for (const [back, location] of Object.entries(targets)) {
    const answer = await fetch(`${service.url}/tema`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ theme: 'dark', back }),
    });
    assert.equal(answer.status, 303, back);
    assert.equal(answer.headers.get('location'), location);
  }
});

test('an overlong host name is refused', async () => {
  const { id } = await shop.campaign({});
  const { hostname, port } = new URL(service.url);
  for (const [length, status] of [
    [253, 200],
    [300, 400],
    [2_800, 400],
  ] as const) {
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /sambatan/${id}/qr.svg HTTP/1.1\r\nHost: ${'a'.repeat(length)}\r\nConnection: close\r\n\r\n`,
    );
    let heard = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
    await once(socket, 'close');
    assert.match(heard, new RegExp(`^HTTP/1.1 ${status} `), `${length}`);
  }
});
