import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, after, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { DomainError } from '../../src/errors/errors.ts';
import { actorLabel } from '../../src/identity/actor.ts';
import { authenticator } from '../../src/identity/authenticate.ts';
import type { Authenticator } from '../../src/identity/authenticate.ts';

const serviceKey = 'service-key-of-at-least-32-characters';
const jwtSecret = 'a-secret-of-at-least-thirty-two-bytes!';
const jwtIssuer = 'https://project.supabase.co/auth/v1';
const address = '192.0.2.1';
const sub = '0198c1a0-0000-7000-8000-00000000000a';
const secretBytes = new TextEncoder().encode(jwtSecret);

let keySetAway = false;
let keySetRequests = 0;
const ec = await generateKeyPair('ES256');
const rsa = await generateKeyPair('RS256');
const ed = await generateKeyPair('EdDSA');
const foreign = await generateKeyPair('ES256');
const keySet = createServer((_request, response) => {
  keySetRequests++;
  if (keySetAway) return void response.socket?.destroy();
  void published().then((keys) => response.end(JSON.stringify({ keys })));
});

async function published() {
  const named = [
    { pair: ec, kid: 'ec', alg: 'ES256' },
    { pair: rsa, kid: 'rsa', alg: 'RS256' },
    { pair: ed, kid: 'ed', alg: 'EdDSA' },
  ];
  return await Promise.all(
    named.map(async ({ pair, kid, alg }) => ({ ...(await exportJWK(pair.publicKey)), kid, alg })),
  );
}

let jwksUrl = '';
before(async () => {
  keySet.listen(0, '127.0.0.1');
  await once(keySet, 'listening');
  jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/jwks.json`;
});
after(() => {
  keySet.close();
});

const rules = {
  serviceKey,
  jwtSecret,
  jwtIssuer,
  jwtAudience: 'authenticated',
  reauthMinutes: 15,
  allowAnonymousUsers: false,
};
const bySecret = () => authenticator({ ...rules, jwksUrl: undefined });
const byKeySet = () => authenticator({ ...rules, jwtSecret: undefined, jwksUrl });

interface Change {
  alg?: string;
  kid?: string;
  issuer?: string;
  audience?: string;
  subject?: string | undefined;
  expiresIn?: string | undefined;
  claims?: object;
}

function claims(change: Change = {}): SignJWT {
  const { alg = 'HS256', issuer = jwtIssuer, audience = 'authenticated' } = change;
  const token = new SignJWT({ ...change.claims })
    .setProtectedHeader({ alg, ...(change.kid ? { kid: change.kid } : {}) })
    .setIssuedAt()
    .setIssuer(issuer)
    .setAudience(audience);
  if (!('subject' in change)) token.setSubject(sub);
  else if (change.subject !== undefined) token.setSubject(change.subject);
  if (!('expiresIn' in change)) token.setExpirationTime('1h');
  else if (change.expiresIn !== undefined) token.setExpirationTime(change.expiresIn);
  return token;
}

const signed = (change: Change = {}) => claims(change).sign(secretBytes);

async function codeOf(authenticate: Authenticator, token: string): Promise<string> {
  try {
    return (await authenticate(`Bearer ${token}`, address)).kind;
  } catch (error) {
    assert.ok(error instanceof DomainError, String(error));
    return error.code;
  }
}

test('without a token the caller is a visitor', async () => {
  assert.deepEqual(await bySecret()(undefined, address), { kind: 'visitor', address });
});

test('the service key makes the caller the service', async () => {
  const actor = await bySecret()(`bearer ${serviceKey}`, address);
  assert.deepEqual(actor, { kind: 'service', address });
  assert.ok(actor.kind === 'service');
  assert.equal(actorLabel(actor), 'service');
});

test('a valid token makes the caller its user', async () => {
  const actor = await bySecret()(`Bearer ${await signed()}`, address);
  assert.deepEqual(actor, {
    kind: 'user',
    userId: sub,
    roles: [],
    secondFactor: false,
    provenAt: undefined,
    proofIsOld: true,
    address,
  });
  assert.ok(actor.kind === 'user');
  assert.equal(actorLabel(actor), `user:${sub}`);
});

test('app_metadata makes an operator, data that users can edit does not', async () => {
  const authenticate = bySecret();
  const kindWith = async (metadata: object) =>
    await codeOf(authenticate, await signed({ claims: metadata }));
  assert.equal(await kindWith({ app_metadata: { role: 'operator' } }), 'operator');
  assert.equal(await kindWith({ app_metadata: { roles: ['x', 'operator'] } }), 'operator');
  assert.equal(await kindWith({ user_metadata: { role: 'operator' } }), 'user');
  assert.equal(await kindWith({ role: 'operator', roles: ['operator'] }), 'user');
  assert.equal(await kindWith({ app_metadata: { roles: 'operator' } }), 'user');
  assert.equal(await kindWith({ app_metadata: { roles: [['operator']] } }), 'user');
});

const refused: [fact: string, change: Change][] = [
  ['of another issuer', { issuer: 'https://evil.example' }],
  ['for another audience', { audience: 'anon' }],
  ['that has expired', { expiresIn: '-1m' }],
  ['that never expires', { expiresIn: undefined }],
  ['without a subject', { subject: undefined }],
  ['whose subject is no uuid', { subject: 'admin' }],
  ['that is not valid yet', { claims: { nbf: Math.floor(Date.now() / 1_000) + 60 } }],
];
for (const [fact, change] of refused) {
  test(`a token ${fact} is refused`, async () => {
    assert.equal(await codeOf(bySecret(), await signed(change)), 'unauthenticated');
  });
}

test('a token with another signature, algorithm or none is refused', async () => {
  const authenticate = bySecret();
  const other = new TextEncoder().encode('another-secret-of-thirty-two-bytes!!');
  const unsigned = new UnsecuredJWT({})
    .setSubject(sub)
    .setIssuer(jwtIssuer)
    .setAudience('authenticated')
    .setExpirationTime('1h')
    .encode();
  const good = await signed();
  const long = new TextEncoder().encode(jwtSecret.repeat(2));
  const tokens = [
    await claims().sign(other),
    unsigned,
    await claims({ alg: 'HS512' }).sign(long),
    `${good.slice(0, -4)}AAAA`,
    `${good}x`,
    'x',
    'a.b.c',
    'x'.repeat(10_000),
  ];
  for (const token of tokens) assert.equal(await codeOf(authenticate, token), 'unauthenticated');
});

test('an authorization header other than bearer is refused', async () => {
  for (const header of ['', 'Bearer', 'Basic dXNlcjpwYXNz', `${serviceKey}`, 'Bearer a b']) {
    await assert.rejects(async () => bySecret()(header, address), { code: 'unauthenticated' });
  }
});

test('a verified token is cached until it expires, and not longer', async () => {
  let now = Date.now();
  const authenticate = authenticator({ ...rules, jwksUrl: undefined }, () => now);
  const token = await signed({ expiresIn: '2m' });
  assert.equal(await codeOf(authenticate, token), 'user');
  now += 119_000;
  assert.equal(await codeOf(authenticate, token), 'user');
  now += 10_000;
  assert.equal(await codeOf(authenticate, token), 'unauthenticated');
});

test('a key set verifies ES256, RS256 and EdDSA, and is fetched once', async () => {
  const authenticate = byKeySet();
  keySetRequests = 0;
  for (const [alg, kid, pair] of [
    ['ES256', 'ec', ec],
    ['RS256', 'rsa', rsa],
    ['EdDSA', 'ed', ed],
  ] as const) {
    const token = await claims({ alg, kid }).sign(pair.privateKey);
    assert.equal(await codeOf(authenticate, token), 'user', alg);
  }
  assert.equal(keySetRequests, 1);
});

test('a key set does not accept foreign keys, unknown ids or HS256', async () => {
  const authenticate = byKeySet();
  const publicKey = new TextEncoder().encode(JSON.stringify(await exportJWK(ec.publicKey)));
  const tokens = [
    await claims({ alg: 'ES256', kid: 'ec' }).sign(foreign.privateKey),
    await claims({ alg: 'ES256', kid: 'none' }).sign(ec.privateKey),
    await claims({ alg: 'HS256', kid: 'ec' }).sign(publicKey),
    await signed(),
  ];
  for (const token of tokens) assert.equal(await codeOf(authenticate, token), 'unauthenticated');
});

test('while the key set is unreachable the answer is a temporary error, not 401', async () => {
  const authenticate = byKeySet();
  const token = await claims({ alg: 'ES256', kid: 'ec' }).sign(ec.privateKey);
  keySetAway = true;
  assert.equal(await codeOf(authenticate, token), 'identity_unavailable');
  assert.equal(await codeOf(authenticate, serviceKey), 'service');
  keySetAway = false;
  assert.equal(await codeOf(authenticate, token), 'user');
});

test('a secret and a key set work together, each for its own algorithms', async () => {
  const authenticate = authenticator({ ...rules, jwksUrl });
  assert.equal(await codeOf(authenticate, await signed()), 'user');
  const token = await claims({ alg: 'ES256', kid: 'ec' }).sign(ec.privateKey);
  assert.equal(await codeOf(authenticate, token), 'user');
});

test('without a secret and a key set no token is valid', async () => {
  const authenticate = authenticator({ ...rules, jwtSecret: undefined, jwksUrl: undefined });
  assert.equal(await codeOf(authenticate, await signed()), 'unauthenticated');
});
