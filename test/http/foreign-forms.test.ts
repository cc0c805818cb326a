import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);

/** Sends a harmless form with the given headers and no others. */
async function sent(headers: Readonly<Record<string, string>>): Promise<number> {
  const { status } = await fetch(`${service.url}/tema`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: 'theme=dark&back=/',
  });
  return status;
}

const own = service.url;
const taken: Readonly<Record<string, Record<string, string>>> = {
  'the browser says that it comes from here': { 'sec-fetch-site': 'same-origin' },
  'an older browser names this origin': { origin: own },
  'it brings credentials that no browser adds': {
    authorization: `Bearer ${service.service.token}`,
  },
};
const refused: Readonly<Record<string, Record<string, string>>> = {
  'it comes from another site': { 'sec-fetch-site': 'cross-site' },
  'it comes from another host of the same site': { 'sec-fetch-site': 'same-site' },
  'nobody says where it comes from': {},
  'it was typed or opened from outside': { 'sec-fetch-site': 'none' },
  'two things are said': { 'sec-fetch-site': 'cross-site', origin: own },
  'it names another origin': { origin: 'https://other.example' },
  'it names this host on another port': { origin: own.replace(/\d+$/, '1') },
  'it names this host with another scheme': { origin: own.replace('http:', 'https:') },
  'it comes from a sandbox': { origin: 'null' },
  'only the referrer says so': { referer: `${own}/` },
};

for (const [fact, headers] of Object.entries(taken)) {
  test(`a form is accepted when ${fact}`, async () => assert.equal(await sent(headers), 303));
}
for (const [fact, headers] of Object.entries(refused)) {
  test(`a form is refused when ${fact}`, async () => assert.equal(await sent(headers), 403));
}
