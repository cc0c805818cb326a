import { languages } from '../../src/i18n/messages.ts';
import type { Language } from '../../src/i18n/language.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { pathIn } from '../../src/web/visit.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { prepareOutage, type Outage } from '../support/server/outage.ts';
import { signIn, SiteClient } from '../support/clients/sign-in.ts';
import { pageRoutes } from '../support/clients/site.ts';

let outage: Outage;
const service = await startHttpService({
  proxiedDatabase: async (url) => {
    outage = await prepareOutage(url);
    return outage.url;
  },
});
after(async () => {
  await service.close();
  await outage.close();
});

const title: Record<string, string> = {
  id: 'Layanan sedang terganggu',
  en: 'We’re having technical problems',
};
const again: Record<string, string> = { id: 'Coba lagi', en: 'Try again' };

let person: SiteClient;
before(async () => {
  person = await signIn(service, 'sari@example.org');
});

/**
 * Asserts that a response is the page about an outage, in the design of the site and with a link.
 */
function assertPage(
  answer: Awaited<ReturnType<SiteClient['get']>>,
  language: Language,
  route: string,
) {
  const { status, headers, text } = answer;
  const what = `${route} (${language}): ${status} ${text.slice(0, 300)}`;
  assert.equal(status, 503, what);
  assert.match(headers['content-type'] ?? '', /^text\/html/, what);
  assert.match(String(headers['retry-after']), /^\d+$/, what);
  assert.match(String(headers['content-security-policy']), /default-src 'none'/, what);
  assert.ok(text.includes(`<html lang="${language}"`), what);
  assert.ok(/<link rel="stylesheet" href="\/assets\/site-/.test(text), what);
  assert.ok(text.includes('class="empty error-page"'), what);
  assert.ok(text.includes(`<h1>${title[language]!}</h1>`), what);
  assert.ok(text.includes(`href="${pathIn(language, '/')}"`), what);
}

const pathOf = (route: string, language: Language) =>
  pathIn(language, route.split(' ')[1]!.replaceAll(/:\w+/g, newId()));

const atOnce = 50;

for (const away of ['refused', 'silent'] as const) {
  test(`every page of a signed-in user shows the database outage (${away})`, async () => {
    const asked = languages().flatMap((language) =>
      pageRoutes(service.routes).map((route) => ({ route, language })),
    );
    assert.ok(asked.length > 150);
    await outage.begin(away);
    try {
      const began = performance.now();
      // More requests at the same time would get the page about overload.
      for (let begun = 0; begun < asked.length; begun += atOnce)
        await Promise.all(
          asked.slice(begun, begun + atOnce).map(async ({ route, language }) => {
            const path = pathOf(route, language);
            const answer = await (route.startsWith('GET ') ? person.get(path) : person.post(path));
            assertPage(answer, language, route);
            if (route.startsWith('GET ')) assert.ok(answer.text.includes(again[language]!), route);
          }),
        );
      const took = performance.now() - began;
      assert.ok(took < 60_000, `the last of them took ${Math.round(took)} ms`);
    } finally {
      await outage.end();
    }
  });
}

/** The pages that a visitor can see without the database. */
const without = new Set(['GET /masuk', 'GET /masuk/kode', 'POST /tema']);

test('visitors see the outage on exactly the pages that need the database', async () => {
  const visitor = new SiteClient(service);
  const looked = ['GET /', 'GET /sambatan/:id', 'GET /sambatan/:id/poster', 'POST /masuk/kode'];
  await outage.begin('refused');
  try {
    for (const language of languages()) {
      for (const route of looked) {
        const path = pathOf(route, language);
        const sent = { id: newId(), code: '123456' };
        const answer = await (route.startsWith('GET ')
          ? visitor.get(path)
          : visitor.post(path, sent));
        assertPage(answer, language, route);
      }
      for (const route of without) {
        const path = pathOf(route, language);
        const answer = await (route.startsWith('GET ')
          ? visitor.get(`${path}?id=x&t=x`)
          : visitor.post(path));
        assert.ok(answer.status < 400, `${route}: ${answer.status}`);
      }
    }
  } finally {
    await outage.end();
  }
});

test('a form that failed during an outage leads back to its own page', async () => {
  await outage.begin('refused');
  try {
    for (const [referer, leads] of [
      [`${service.url}/akun?simpan=1`, '/akun?simpan=1'],
      ['https://elsewhere.example/akun', '/akun'],
      [`${service.url}//elsewhere.example`, '/akun'],
      ['', '/akun'],
    ] as const) {
      const from = new SiteClient(service, { referer });
      for (const [name, value] of person.cookies) from.cookies.set(name, value);
      const { text } = await from.post('/akun', { display_name: 'Sari' });
      const link = /<a class="button quiet" href="([^"]*)"\s*>Coba lagi/.exec(text)?.[1];
      assert.equal(link, leads, referer);
    }
  } finally {
    await outage.end();
  }
});
