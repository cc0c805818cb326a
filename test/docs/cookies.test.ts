import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { cookies, type Cookie } from '../../src/http/cookies.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { capturedEmails } from '../../src/mail/mailer.ts';

const service = await startHttpService();
after(service.close);

const file = new URL('../../docs/security.md', import.meta.url);
const head = '| cookie | content | lifetime | readable by scripts |\n| --- | --- | --- | --- |\n';

/** The positions in the document where the text between two markers begins and ends. */
function between(text: string, mark: string): [from: number, to: number] {
  const from = text.indexOf(`<!-- ${mark} -->\n`) + `<!-- ${mark} -->\n`.length;
  const to = text.indexOf(`<!-- /${mark} -->`);
  assert.ok(to >= from, mark);
  return [from, to];
}

test('docs/security.md lists exactly the cookies of the code', () => {
  const text = readFileSync(file, 'utf8');
  const rows = Object.values<Cookie>(cookies).map(
    ({ name, holds, lasts, isPublic = false }) =>
      `| \`${name}\` | ${holds} | ${lasts} | ${isPublic ? 'yes' : 'no'} |\n`,
  );
  const [from, to] = between(text, 'cookies');
  const now = `${text.slice(0, from)}\n${head}${rows.join('')}\n${text.slice(to)}`;
  if (process.argv.includes('--write')) writeFileSync(file, now);
  assert.equal(text, now, 'run: node_modules/.bin/node test/docs/cookies.test.ts --write');
});

/** A browser that records every Set-Cookie header by the name of its cookie. */
class Browser {
  readonly set = new Map<string, string>();
  readonly #jar = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  get cookie(): string {
    return [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async send(method: 'GET' | 'POST', path: string, fields: Record<string, string> = {}) {
    const answer = await service.server.inject({
      method,
      url: path,
      headers: {
        host: new URL(this.#origin).host,
        'x-forwarded-proto': new URL(this.#origin).protocol.slice(0, -1),
        'sec-fetch-site': 'same-origin',
        cookie: this.cookie,
        ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(method === 'POST' && { payload: new URLSearchParams(fields).toString() }),
    });
    this.receive([answer.headers['set-cookie'] ?? []].flat());
    return answer;
  }

  receive(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#jar.delete(name);
      else {
        this.#jar.set(name, value);
        this.set.set(name, line);
      }
    }
  }

  forget(name: string): void {
    this.#jar.delete(name);
  }
}

test('signing in, choosing a theme, an ended session and overload set exactly these cookies', async () => {
  const browser = new Browser('http://localhost');
  const email = 'kukis@contoh.id';
  await browser.send('GET', '/');
  assert.equal(browser.set.size, 0, 'somebody who only looks gets none');
  await browser.send('POST', '/tema', { theme: 'dark', back: '/' });
  const asked = await browser.send('POST', '/masuk', { email, back: '/akun' });
  const id = new URL(String(asked.headers['location']), 'http://localhost').searchParams.get('id')!;
  const [mail] = await capturedEmails(service.app.mailer.outbox!, 10);
  const code = /\b\d{6}\b/.exec(mail!.text)![0];
  assert.equal((await browser.send('POST', '/masuk/kode', { id, code })).statusCode, 303);
  for (const path of ['/akun', '/ikutan', '/toko', '/en/akun']) await browser.send('GET', path);
  browser.forget(cookies.session.name);
  await browser.send('POST', '/toko/baru', { name: 'Melati yang belum terkirim' });

  const limiter = service.app.concurrencyLimiter;
  const { limit } = limiter;
  for (let n = 0; n < limit; n++) limiter.enter();
  const rejected = await fetch(service.url, { headers: { 'user-agent': 'Mozilla/5.0' } });
  for (let n = 0; n < limit; n++) limiter.leave();
  browser.receive(rejected.headers.getSetCookie());

  const names = Object.values(cookies).map(({ name }) => name);
  assert.deepEqual([...browser.set.keys()].toSorted(), names.toSorted());
  for (const { name, isPublic = false } of Object.values<Cookie>(cookies)) {
    const line = browser.set.get(name)!;
    assert.match(line, /; Path=\/(;|$)/, line);
    assert.match(line, /; SameSite=Lax/, line);
    assert.match(line, /; Max-Age=\d+/, line);
    assert.equal(/; HttpOnly/.test(line), !isPublic, line);
  }
});

test('docs/security.md lists exactly the routes that accept a picture or a proof', () => {
  const text = readFileSync(file, 'utf8');
  const [from, to] = between(text, 'pictures');
  const documented = [...text.slice(from, to).matchAll(/^\| (\S.*?) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`(\/[^`]+)`/g)])
    .map(([, path = '']) => path);
  const isPicture =
    /\/(gambar(\.|\/:)|foto$|picture$|proof$|qr\.)|\/:id\/bukti(\/(berkas|kecil))?$/;
  const live = service.routes
    .map((route) => route.split(' ') as [string, string])
    .filter(([method, path]) => method === 'GET' && !path.startsWith('/en/'))
    .map(([, path]) => path)
    .filter((path) => isPicture.test(path));
  assert.deepEqual(documented.toSorted(), [...new Set(live)].toSorted());
});
