import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../src/identity/ids.ts';
import { token } from './rig/client.ts';
import { httpService } from './rig/http-service.ts';
import { askForCode, lastMail, signIn, SiteClient } from './rig/sign-in.ts';

const service = await httpService({
  environment: { SAMBATAN_OPERATORS: 'Boss@example.org, other@example.org' },
});
after(service.close);

let people = 0;
const somebody = () => `orang${++people}@example.org`;
/** Each its own network, so that no test spends the tries of another. */
const browser = () => new SiteClient(service);
const clear = () =>
  service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
const isSignedIn = async (client: SiteClient) => {
  const { status, headers } = await client.get('/masuk?back=/outbox');
  return status === 303 && headers.location === '/outbox';
};
const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000');

test('a newcomer signs in with the code in the mail and comes back to where they were', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await askForCode(client, email, '/sambatan/abc?x=1');
  const waiting = await client.get(`/masuk/kode?id=${id}&back=/sambatan/abc`);
  assert.match(waiting.text, /href="\/outbox"/);
  const { code } = await lastMail(service, email);
  assert.match((await client.get('/outbox')).text, new RegExp(code));
  const entered = await client.post('/masuk/kode', { id, code, back: '/sambatan/abc?x=1' });
  const naming = '/masuk/nama?back=%2Fsambatan%2Fabc%3Fx%3D1';
  assert.deepEqual([entered.status, entered.headers.location], [303, naming]);
  assert.ok(await isSignedIn(client));
});

test('a newcomer says a name on the way back, may pass by, and is asked once', async () => {
  await clear();
  const client = await signIn(service, 'siti.baru@example.org');
  const page = '/masuk/nama?back=%2Fsambatan%2Fabc';
  const { text } = await client.get(page);
  assert.match(text, /value="Siti Baru"/);
  assert.match(text, /<a class="button quiet" href="\/sambatan\/abc"/);
  const back = '/sambatan/abc';
  const empty = await client.post('/masuk/nama', { display_name: ' ', back });
  assert.equal(empty.status, 422);
  assert.match(empty.text, /id="display_name-error"/);
  const said = await client.post('/masuk/nama', { display_name: 'Siti', back });
  assert.equal(said.headers.location, back);
  assert.match((await client.get('/akun')).text, /value="Siti"/);
  const nameless = await signIn(service, '12345@example.org');
  assert.doesNotMatch((await nameless.get(page)).text, /value="Pembeli"/);
  const again = browser();
  const id = await askForCode(again, 'siti.baru@example.org');
  const { code } = await lastMail(service, 'siti.baru@example.org');
  assert.equal((await again.post('/masuk/kode', { id, code, back })).headers.location, back);
});

test('nobody is sent to another site, whatever they were told to come back to', async () => {
  await clear();
  for (const back of ['https://evil.example', '//evil.example', '/\\evil.example', 'x']) {
    const email = somebody();
    const client = browser();
    const id = await askForCode(client, email, back);
    const { code } = await lastMail(service, email);
    const { headers } = await client.post('/masuk/kode', { id, code, back });
    assert.equal(headers.location, '/masuk/nama?back=%2F', back);
  }
});

test('a wrong code says how many tries are left; after five the right one is refused too', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await askForCode(client, email);
  const { code } = await lastMail(service, email);
  for (const left of [4, 3, 2, 1, 0]) {
    const { status, text } = await client.post('/masuk/kode', { id, code: wrongFor(code) });
    assert.equal(status, 422);
    assert.ok(left === 0 ? /terlalu sering/.test(text) : text.includes(`mencoba ${left} kali`));
  }
  assert.equal((await client.post('/masuk/kode', { id, code })).status, 410);
  assert.ok(!(await isSignedIn(client)));
});

test('many tries at once are no more than many in turn', async () => {
  await clear();
  const email = somebody();
  const id = await askForCode(browser(), email);
  const wrong = wrongFor((await lastMail(service, email)).code);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => browser().post('/masuk/kode', { id, code: wrong })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 422).length, 5);
  assert.equal(statuses.filter((status) => status === 410).length, 7);
});

test('a code ends after a quarter of an hour, and after it was used', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await askForCode(client, email);
  const { code, link } = await lastMail(service, email);
  await service.db.rows(
    {
      name: 'test_end_code',
      text: 'update sambatan_auth.sign_ins set expires_at = now() where sign_in_id = $1',
    },
    id,
  );
  assert.equal((await client.post('/masuk/kode', { id, code })).status, 410);
  const t = new URL(link, 'http://site').searchParams.get('t')!;
  assert.equal((await client.post('/masuk/tautan', { t })).status, 410);
  const next = await askForCode(client, email);
  const fresh = (await lastMail(service, email)).code;
  assert.equal((await client.post('/masuk/kode', { id: next, code: fresh })).status, 303);
  assert.equal((await browser().post('/masuk/kode', { id: next, code: fresh })).status, 410);
});

test('a link signs in once, by its button and not by being looked at', async () => {
  await clear();
  const email = somebody();
  await askForCode(browser(), email, '/sambatan/abc');
  const { link } = await lastMail(service, email);
  const client = browser();
  const page = await client.get(link);
  assert.match(page.text, /value="\/sambatan\/abc"/);
  assert.ok(!(await isSignedIn(client)));
  const t = new URL(link, 'http://site').searchParams.get('t')!;
  const back = '/sambatan/abc';
  const entered = await client.post('/masuk/tautan', { t, back });
  assert.equal(entered.headers.location, '/masuk/nama?back=%2Fsambatan%2Fabc');
  assert.ok(await isSignedIn(client));
  assert.equal((await browser().post('/masuk/tautan', { t })).status, 410);
  assert.equal((await browser().post('/masuk/tautan', { t: 'x' })).status, 410);
});

test('a known address and an unknown one get the same answer', async () => {
  await clear();
  const known = somebody();
  await signIn(service, known);
  const answer = async (email: string) => {
    const { status, headers } = await browser().post('/masuk', { email });
    return [status, headers.location!.replace(/id=[^&]+/, '')];
  };
  assert.deepEqual(await answer(known), await answer(somebody()));
});

test('the same address is the same account, however it is written', async () => {
  await clear();
  const email = somebody();
  const first = await signIn(service, email);
  const again = await signIn(service, email.toUpperCase());
  assert.equal(again.userId, first.userId);
});

test('what is no e-mail address is refused beside the field, in the language of the page', async () => {
  for (const email of ['', 'siti', 'siti@', 'a b@c.d', 'x@y', `${'x'.repeat(260)}@y.id`]) {
    const { status, text } = await browser().post('/en/masuk', { email });
    assert.equal(status, 422, email);
    assert.match(text, /id="email-error"/);
  }
});

test('the sixth code for one address within a quarter of an hour is refused, with when to come', async () => {
  await clear();
  const email = somebody();
  for (let n = 0; n < 5; n++) await askForCode(browser(), email);
  const { status, headers } = await browser().post('/masuk', { email });
  assert.equal(status, 429);
  assert.ok(Number(headers['retry-after']) > 800);
  await askForCode(browser(), somebody());
});

test('who asks for codes of somebody else’s address keeps nobody from signing in, and all together ask for sixty a day', async () => {
  await clear();
  const email = somebody();
  const ask = async (network: string) => {
    const { statusCode } = await service.server.inject({
      method: 'POST',
      url: '/masuk',
      remoteAddress: network,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      payload: new URLSearchParams({ email }).toString(),
    });
    return statusCode;
  };
  const stranger = [];
  for (let n = 0; n < 6; n++) stranger.push(await ask('203.0.113.7'));
  assert.deepEqual(stranger, [303, 303, 303, 303, 303, 429]);
  assert.equal(await ask('203.0.113.8'), 303);
  for (let n = 6; n < 60; n++) assert.equal(await ask(`198.51.100.${n}`), 303);
  assert.equal(await ask('198.51.100.60'), 429);
  await clear();
});

test('one network asks for thirty codes within a quarter of an hour, for whomever', async () => {
  await clear();
  for (let n = 0; n < 30; n++) await askForCode(browser(), somebody());
  assert.equal((await browser().post('/masuk', { email: somebody() })).status, 429);
  await clear();
});

test('the mail is in the language of the page, as text and as HTML', async () => {
  await clear();
  const email = somebody();
  await browser().post('/en/masuk', { email });
  const english = await lastMail(service, email);
  assert.match(english.subject, /is your Sambatan code$/);
  assert.match(english.link, /^\/en\/masuk\/tautan\?/);
  await browser().post('/masuk', { email });
  assert.match((await lastMail(service, email)).subject, /kode masuk/);
});

test('signing in gives a new session and ends the one that the browser came with', async () => {
  await clear();
  const email = somebody();
  const client = await signIn(service, email);
  const before = new Map(client.cookies);
  const id = await askForCode(client, email);
  const { code } = await lastMail(service, email);
  await client.post('/masuk/kode', { id, code });
  assert.notDeepEqual(client.cookies, before);
  const old = browser();
  for (const [name, value] of before) old.cookies.set(name, value);
  assert.ok(!(await isSignedIn(old)));
  assert.ok(await isSignedIn(client));
});

test('signing out ends the session on the server, not in the browser alone', async () => {
  await clear();
  const client = await signIn(service, somebody());
  const kept = new Map(client.cookies);
  const { status } = await client.post('/keluar');
  assert.equal(status, 303);
  assert.equal(client.cookies.size, 0);
  const thief = browser();
  for (const [name, value] of kept) thief.cookies.set(name, value);
  assert.ok(!(await isSignedIn(thief)));
});

test('a session that has ended, or that never was, is a visitor', async () => {
  await clear();
  const client = await signIn(service, somebody());
  await service.db.rows(
    {
      name: 'test_end_session',
      text: 'update sambatan_auth.sessions set expires_at = now() where user_id = $1',
    },
    client.userId,
  );
  assert.ok(!(await isSignedIn(client)));
  for (const value of ['x', 'A'.repeat(43), '%00', 'é'.repeat(43)]) {
    client.cookies.set('sambatan', encodeURIComponent(value));
    assert.ok(!(await isSignedIn(client)), value);
  }
});

test('a session lives on while it is used, but not for ever', async () => {
  await clear();
  const client = await signIn(service, somebody());
  const used = async (days: number) => {
    await service.db.rows(
      {
        name: 'test_age_session',
        text: `update sambatan_auth.sessions set created_at = now() - make_interval(days => $2),
            seen_at = now() - interval '2 hours', expires_at = now() + interval '3 days'
          where user_id = $1`,
      },
      client.userId,
      days,
    );
    assert.ok(await isSignedIn(client));
    const [left] = await service.db.rows<readonly unknown[], { days: number }>(
      {
        name: 'test_session_left',
        text: `select round(extract(epoch from expires_at - now()) / 86400)::integer as days
          from sambatan_auth.sessions where user_id = $1`,
      },
      client.userId,
    );
    return left?.days;
  };
  assert.equal(await used(20), 30);
  assert.equal(await used(170), 10);
});

test('neither codes nor links nor sessions can be read from the database', async () => {
  await clear();
  const email = somebody();
  const client = await signIn(service, email);
  const { code, link } = await lastMail(service, email);
  const secrets = [client.cookies.get('sambatan')!, link.split('t=')[1]!.split('&')[0]!];
  const rows = await service.db.rows({
    name: 'test_stored',
    text: `select to_jsonb(s)::text as stored from sambatan_auth.sign_ins s
      union all select to_jsonb(s)::text from sambatan_auth.sessions s`,
  });
  const stored = JSON.stringify(rows);
  for (const secret of secrets) {
    assert.ok(!stored.includes(secret));
    assert.ok(!stored.includes(Buffer.from(secret, 'base64url').toString('hex')));
  }
  assert.doesNotMatch(stored, new RegExp(`"${code}\\\\?"`));
});

test('over http the cookie is HttpOnly and SameSite=Lax; behind https also Secure and __Host-', async () => {
  await clear();
  const lineFor = async (on: typeof service, headers: Record<string, string> = {}) => {
    const client = new SiteClient(on, headers);
    const email = somebody();
    const id = await askForCode(client, email);
    const { code } = await lastMail(on, email);
    const { headers: got } = await client.post('/masuk/kode', { id, code });
    return got['set-cookie']!.join('\n');
  };
  assert.match(
    await lineFor(service),
    /^sambatan=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  const secure =
    /^__Host-sambatan=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/;
  for (const [environment, headers] of [
    [{ SAMBATAN_PUBLIC_URL: 'https://sambatan.example' }, {}],
    [{ SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' }, { 'x-forwarded-proto': 'https' }],
  ] as const) {
    const other = await httpService({ environment });
    try {
      assert.match(await lineFor(other, headers), secure);
    } finally {
      await other.close();
    }
  }
});

test('a form of another site neither signs in nor out', async () => {
  await clear();
  const email = somebody();
  const client = await signIn(service, email);
  const foreign = new SiteClient(service, { 'sec-fetch-site': 'cross-site' });
  for (const [name, value] of client.cookies) foreign.cookies.set(name, value);
  for (const path of ['/keluar', '/masuk', '/masuk/kode', '/masuk/tautan', '/masuk/token']) {
    assert.equal((await foreign.post(path, { email })).status, 403, path);
  }
  assert.ok(await isSignedIn(client));
});

test('who holds a token of the project’s identity service gets a session for the same user', async () => {
  const userId = newId();
  const client = browser();
  const given = await client.post('/masuk/token', {
    access_token: await token(userId),
    back: '/akun',
  });
  assert.deepEqual([given.status, given.headers.location], [303, '/akun']);
  assert.match(given.headers['set-cookie']!.join(), /Max-Age=43200/);
  assert.ok(await isSignedIn(client));
  const [session] = await service.db.rows<[string], { roles: string[] }>(
    { name: 'test_session', text: 'select roles from sambatan_auth.sessions where user_id = $1' },
    userId,
  );
  assert.deepEqual(session, { roles: [] });
});

test('no other token does', async () => {
  const userId = newId();
  const bad = {
    'another issuer': await token(userId, { issuer: 'https://elsewhere.example' }),
    'another audience': await token(userId, { audience: 'anon' }),
    'another key': await token(userId, { secret: 'another secret of at least 32 bytes!' }),
    ended: await token(userId, { expiresIn: -60 }),
    'no algorithm': `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
    'the service key': 'service-key-of-at-least-32-characters',
    nothing: '',
  };
  for (const [name, access_token] of Object.entries(bad)) {
    const client = browser();
    const { status, headers } = await client.post('/masuk/token', { access_token });
    assert.deepEqual([status, headers['set-cookie']], [303, undefined], name);
    assert.match(headers.location!, /^\/masuk\?/, name);
  }
});

test('an operator is who is named by configuration and proved the address, or has the role', async () => {
  await clear();
  const sees = async (client: SiteClient) => (await client.get('/operator')).status;
  assert.equal(await sees(await signIn(service, somebody())), 403);
  assert.equal(await sees(await signIn(service, 'boss@example.org')), 200);
  const withToken = async (claims: Record<string, unknown>) => {
    const client = browser();
    await client.post('/masuk/token', { access_token: await token(newId(), { claims }) });
    return await sees(client);
  };
  assert.equal(await withToken({ app_metadata: { role: 'operator' } }), 200);
  assert.equal(await withToken({ user_metadata: { role: 'operator' } }), 403);
  assert.equal(await withToken({ email: 'other@example.org', email_verified: true }), 403);
  const client = await signIn(service, somebody());
  await service.db.rows(
    {
      name: 'test_email',
      text: "update sambatan.profiles set email = 'other@example.org' where user_id = $1",
    },
    client.userId,
  );
  assert.equal(await sees(client), 403);
});

test('mails are shown to who sits at the machine, and to nobody else', async () => {
  assert.equal((await browser().get('/outbox')).status, 200);
  const relayed = new SiteClient(service, { 'x-forwarded-for': '203.0.113.9' });
  assert.equal((await relayed.get('/outbox')).status, 404);
  const other = await httpService({ environment: { SMTP_URL: 'smtp://127.0.0.1:9' } });
  try {
    assert.equal((await new SiteClient(other).get('/outbox')).status, 404);
    const { status } = await new SiteClient(other).post('/masuk', { email: somebody() });
    assert.equal(status, 503);
  } finally {
    await other.close();
  }
});
