import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { newSecret, signatureOf } from '../../src/notifications/webhooks/webhooks.ts';

type IsGenuine = (
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  secret: string,
  now?: number,
) => boolean;

const guide = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const [, example] = /^```js\n(.*?)^```$/ms.exec(guide) ?? [];
const shown = (await import(`data:text/javascript,${encodeURIComponent(example ?? '')}`)) as {
  readonly isGenuine: IsGenuine;
};

const secret = newSecret();
const sent = { id: 'msg_1', body: JSON.stringify({ type: 'campaign_full', note: 'Rp1.000 – é' }) };
const body = Buffer.from(sent.body);
const now = Date.parse('2026-11-24T02:12:05Z');

function headersAt(seconds: number, secrets = [secret]): Record<string, string> {
  return {
    'webhook-id': sent.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatureOf(sent, seconds, secrets),
  };
}

test('the verification code of docs/webhooks.md accepts our signatures with both secrets during a rotation', () => {
  assert.ok(shown.isGenuine(headersAt(now / 1_000), body, secret, now));
  const both = headersAt(now / 1_000, [newSecret(), secret]);
  assert.ok(shown.isGenuine(both, body, secret, now));
});

test('it rejects every other signature', () => {
  const headers = headersAt(now / 1_000);
  const refused: Readonly<Record<string, boolean>> = {
    'another body': shown.isGenuine(headers, Buffer.from(`${sent.body} `), secret, now),
    'another id': shown.isGenuine({ ...headers, 'webhook-id': 'msg_2' }, body, secret, now),
    'another secret': shown.isGenuine(headers, body, newSecret(), now),
    'an old copy': shown.isGenuine(headersAt(now / 1_000 - 301), body, secret, now),
    'a time to come': shown.isGenuine(headersAt(now / 1_000 + 301), body, secret, now),
    'no time': shown.isGenuine({ ...headers, 'webhook-timestamp': 'x' }, body, secret, now),
    'no signature': shown.isGenuine({ ...headers, 'webhook-signature': '' }, body, secret, now),
    'no headers': shown.isGenuine({}, body, secret, now),
  };
  for (const [what, isTaken] of Object.entries(refused)) assert.equal(isTaken, false, what);
});
