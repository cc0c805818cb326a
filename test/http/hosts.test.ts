import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService, type HttpService } from '../support/server/http-service.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import { openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(service.close);

/** Sends a request line and headers without changing them. Returns the whole response. */
async function say(
  { url }: Pick<HttpService, 'url'>,
  first: string,
  headers: readonly string[],
  body = '',
): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${[first, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
  let heard = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
  await once(socket, 'close');
  return heard;
}
const get = (path: string, ...headers: string[]) => say(service, `GET ${path} HTTP/1.1`, headers);

test('a request with two hosts, or an invalid one, is refused', async () => {
  for (const path of ['/masuk', '/api/sambatan/campaigns', '/livez']) {
    assert.match(await get(path, 'Host: a.example', 'Host: b.example'), /^HTTP\/1.1 400 /, path);
    assert.match(await get(path, 'Host: a.example', 'hOsT: a.example'), /^HTTP\/1.1 400 /, path);
    for (const host of ['a"><script>', 'a.example/x', 'u@a.example', 'a b', 'a:x', '[::1', 'a,b']) {
      assert.match(await get(path, `Host: ${host}`), /^HTTP\/1.1 400 /, `${path} ${host}`);
    }
    for (const host of ['a.example', 'A.example:8443', '10.0.0.7:8000', '[::1]:8000', 'web_1']) {
      assert.match(await get(path, `Host: ${host}`), /^HTTP\/1.1 200 /, `${path} ${host}`);
    }
  }
});

test('no page links to the host of a forged Host header', async () => {
  const asked = [
    '/en//other.example/x',
    '//other.example/x',
    '/en/\\other.example',
    'http://other.example/masuk',
  ];
  for (const path of asked) {
    const page = await get(path, 'Host: a.example');
    const links = [...page.matchAll(/(?:href|action|value|content)="([^"]*)"/g)].map(
      (one) => one[1]!,
    );
    assert.ok(links.length > 5, page);
    const leaving = links.filter((link) => /^(?:[/\\]{2}|https?:\/\/(?!a\.example\/))/.test(link));
    assert.deepEqual(leaving, [], path);
  }
});

test('captured e-mails are readable only with the secret URL', async () => {
  const { port } = new URL(service.url);
  const { outboxPath } = service.app;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `rebound.example:${port}`];
  for (const host of hosts) {
    for (const path of ['/outbox', '/outbox/', '/outbox/x', '/en/outbox', `${outboxPath}x`]) {
      assert.match(await get(path, `Host: ${host}`), /^HTTP\/1.1 404 /, `${host} ${path}`);
    }
    const shown = await get(outboxPath, `Host: ${host}`, 'X-Forwarded-For: 203.0.113.9');
    assert.match(shown, /^HTTP\/1.1 200 /, host);
    assert.match(shown, /^cache-control: no-store\r$/im);
  }
  for (const path of ['/masuk', '/masuk/kode?id=x']) {
    assert.ok(!(await get(path, `Host: 127.0.0.1:${port}`)).includes(outboxPath), path);
  }
});

test('host and protocol headers are validated and only accepted from trusted proxies', async (t) => {
  const proxied = await startHttpService({
    environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' },
    sharedWith: service,
  });
  t.after(proxied.close);
  const by = (on: HttpService, ...headers: string[]) =>
    say(on, 'GET /masuk HTTP/1.1', ['Host: a.example', ...headers]);
  for (const header of [
    'X-Forwarded-Proto: javascript',
    'X-Forwarded-Proto: ftp',
    'X-Forwarded-Proto: https://x',
    'X-Forwarded-Host: b.example/x',
    'X-Forwarded-Host: b.example">',
    `X-Forwarded-Host: ${'b'.repeat(2_800)}`,
  ]) {
    assert.match(await by(proxied, header), /^HTTP\/1.1 400 /, header);
    const direct = await by(service, header);
    assert.match(direct, /^HTTP\/1.1 200 /, header);
    assert.match(direct, /hreflang="en" href="http:\/\/a\.example\//);
  }
  const told = await by(proxied, 'X-Forwarded-Proto: https', 'X-Forwarded-Host: b.example');
  assert.match(told, /hreflang="en" href="https:\/\/b\.example\//);
});

test('shared caches may store pages with the origin only if it is configured', async (t) => {
  const shop = await openShop(service);
  const { id: campaign } = await shop.campaign();
  const configured = await startHttpService({
    environment: { SAMBATAN_PUBLIC_URL: 'https://sambatan.example' },
    sharedWith: service,
  });
  t.after(configured.close);
  const cacheOf = async (on: HttpService, host: string) => {
    const answer = await say(on, `GET /sambatan/${campaign}/qr.svg HTTP/1.1`, [`Host: ${host}`]);
    assert.match(answer, /^HTTP\/1.1 200 /, answer.slice(0, 300));
    return /^cache-control: (.*)\r$/im.exec(answer)![1];
  };
  assert.equal(await cacheOf(service, 'evil.example'), 'private, no-cache');
  assert.equal(await cacheOf(configured, 'evil.example'), 'public, max-age=86400');
});

test('a forwarding header from an untrusted peer is reported once in the log and in health', async (t) => {
  const own = await startHttpService({ sharedWith: service });
  t.after(own.close);
  const health = async () => (await own.visitor.get('/health')).body['unnamed_proxy'];
  const warnings = () => own.logged.join('').match(/SAMBATAN_TRUSTED_PROXIES=127\.0\.0\.1/g) ?? [];
  assert.equal(await health(), false);
  for (const header of ['Forwarded: for=203.0.113.9', 'X-Forwarded-For: 203.0.113.9']) {
    await say(own, 'GET /masuk HTTP/1.1', ['Host: a.example', header]);
  }
  assert.equal(await health(), true);
  assert.equal(warnings().length, 1);
  const named = await startHttpService({
    environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.0/8' },
    sharedWith: service,
  });
  t.after(named.close);
  await say(named, 'GET /masuk HTTP/1.1', ['Host: a.example', 'X-Forwarded-For: 203.0.113.9']);
  assert.equal((await named.visitor.get('/health')).body['unnamed_proxy'], false);
});

test('an invitation link uses the configured site, not the sender’s Host header', async () => {
  const mailbox = await openMailbox();
  const apart = await startHttpService({
    environment: { SMTP_URL: mailbox.url },
    sharedWith: service,
  });
  try {
    const shop = await openShop(service);
    const sent = async (first: string, type: string, body: string) => {
      const before = mailbox.arrived.length;
      const headers = [
        'Host: phishing.example',
        'Sec-Fetch-Site: same-origin',
        `Authorization: Bearer ${shop.seller.token}`,
        `Content-Type: ${type}`,
        `Content-Length: ${body.length}`,
      ];
      const answer = await say(apart, first, headers, body);
      assert.match(answer, /^HTTP\/1.1 (?:201|303) /, answer);
      return (await mailbox.arrived[before]!.parsed()).text ?? '';
    };
    const email = () => `tamu-${newId().slice(-10)}@contoh.id`;
    const mails = [
      await sent(
        `POST /api/sambatan/brands/${shop.brandId}/invitations HTTP/1.1`,
        'application/json',
        JSON.stringify({ email: email(), role: 'admin' }),
      ),
      await sent(
        `POST /toko/${shop.brandId}/anggota/undang HTTP/1.1`,
        'application/x-www-form-urlencoded',
        new URLSearchParams({ email: email(), role: 'admin', language: 'id' }).toString(),
      ),
    ];
    for (const mail of mails) {
      const links = mail.match(/https?:\/\/\S+/g) ?? [];
      assert.equal(links.length, 1, mail);
      assert.ok(links[0]!.startsWith(`${apart.app.siteUrl}/toko/undangan/`), mail);
    }
  } finally {
    await apart.close();
    await mailbox.close();
  }
});

test('a malformed URL gets an error page for browsers and a problem document for programs', async () => {
  const page = await get('/en/sambatan/%ff', 'Host: a.example');
  assert.match(page, /^HTTP\/1.1 400 /);
  assert.match(page, /^content-type: text\/html/im);
  assert.match(page, /<html lang="en"/);
  const problem = await get('/api/sambatan/campaigns/%ff', 'Host: a.example');
  assert.match(problem, /^HTTP\/1.1 400 .*"code":"malformed_request"/s);
  for (const heard of [page, problem]) {
    assert.match(heard, /^x-content-type-options: nosniff\r$/im);
    assert.match(heard, /^content-security-policy: default-src 'none'/im);
    assert.match(heard, /^x-request-id: /im);
  }
});

test('a route that accepts the method but has no content answers 404', async () => {
  for (const path of ['/api/docs/static/nothing.js', '/api/docs/static/..%2f..%2fpackage.json']) {
    const heard = await get(path, 'Host: a.example');
    assert.match(heard, /^HTTP\/1.1 404 /, path);
    assert.doesNotMatch(heard, /^allow:/im);
  }
});
