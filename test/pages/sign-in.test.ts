import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { limits } from '../../src/config/limits.ts';
import { capturedEmails } from '../../src/mail/mailer.ts';
import { token } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { requestCode, lastMail, signIn, SiteClient } from '../support/clients/sign-in.ts';

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'Boss@example.org, other@example.org' },
});
after(service.close);

let people = 0;
const somebody = () => `orang${++people}@example.org`;
/** A client in a separate network for each test, so that tests do not share limits. */
const browser = () => new SiteClient(service);
const clear = () =>
  service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
const isSignedIn = async (client: SiteClient) => {
  const { status, headers } = await client.get('/masuk?back=/akun');
  return status === 303 && headers.location === '/akun';
};
const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000');

test('a new user signs in with the code in the e-mail and returns to the previous page', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await requestCode(client, email, '/sambatan/abc?x=1');
  const waiting = await client.get(`/masuk/kode?id=${id}&back=/sambatan/abc`);
  assert.match(waiting.text, /tercetak di terminal/);
  const { code } = await lastMail(service, email);
  assert.match((await client.get(service.app.outboxPath)).text, new RegExp(code));
  const entered = await client.post('/masuk/kode', { id, code, back: '/sambatan/abc?x=1' });
  const naming = '/masuk/nama?back=%2Fsambatan%2Fabc%3Fx%3D1';
  assert.deepEqual([entered.status, entered.headers.location], [303, naming]);
  assert.ok(await isSignedIn(client));
});

test('a new user is asked once for a name and may skip it', async () => {
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
  const id = await requestCode(again, 'siti.baru@example.org');
  const { code } = await lastMail(service, 'siti.baru@example.org');
  assert.equal((await again.post('/masuk/kode', { id, code, back })).headers.location, back);
});

test('sign-in never redirects to another site', async () => {
  await clear();
  for (const back of ['https://evil.example', '//evil.example', '/\\evil.example', 'x']) {
    const email = somebody();
    const client = browser();
    const id = await requestCode(client, email, back);
    const { code } = await lastMail(service, email);
    const { headers } = await client.post('/masuk/kode', { id, code, back });
    assert.equal(headers.location, '/masuk/nama?back=%2F', back);
  }
});

test('a wrong code shows the remaining attempts; after five the right one is refused too', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await requestCode(client, email);
  const { code } = await lastMail(service, email);
  for (const left of [4, 3, 2, 1, 0]) {
    const { status, text } = await client.post('/masuk/kode', { id, code: wrongFor(code) });
    assert.equal(status, 422);
    assert.ok(
      left === 0 ? /terlalu sering/.test(text) : text.includes(`Sisa percobaanmu ${left} kali`),
    );
  }
  assert.equal((await client.post('/masuk/kode', { id, code })).status, 410);
  assert.ok(!(await isSignedIn(client)));
});

test('concurrent attempts count like sequential ones', async () => {
  await clear();
  const email = somebody();
  const id = await requestCode(browser(), email);
  const wrong = wrongFor((await lastMail(service, email)).code);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => browser().post('/masuk/kode', { id, code: wrong })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 422).length, 5);
  assert.equal(statuses.filter((status) => status === 410).length, 7);
});

test('a code ends after a quarter of an hour and after its use', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const id = await requestCode(client, email);
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
  const next = await requestCode(client, email);
  const fresh = (await lastMail(service, email)).code;
  assert.equal((await client.post('/masuk/kode', { id: next, code: fresh })).status, 303);
  assert.equal((await browser().post('/masuk/kode', { id: next, code: fresh })).status, 410);
});

test('a link signs in once, by its button and not by being opened', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  await requestCode(client, email, '/sambatan/abc');
  const { link } = await lastMail(service, email);
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
  assert.equal((await browser().get(link)).status, 410);
});

test('a link shows the account that it opens, and asks first in another browser', async () => {
  await clear();
  const asking = browser();
  await requestCode(asking, 'siti.aminah@example.org');
  const { link } = await lastMail(service, 'siti.aminah@example.org');
  const t = new URL(link, 'http://site').searchParams.get('t')!;
  const own = await asking.get(link);
  assert.match(own.text, /s•••h@example\.org/);
  assert.doesNotMatch(own.text, /siti\.aminah@|browser lain/);
  const other = browser();
  for (const shown of [await other.get(link), await other.post('/masuk/tautan', { t })]) {
    assert.match(shown.text, /Ya, masuk sebagai s•••h@example\.org/);
    assert.match(shown.text, /diminta dari browser lain/);
    assert.equal(shown.headers['cache-control'], 'no-store');
  }
  assert.ok(!(await isSignedIn(other)));
  assert.equal((await other.post('/masuk/tautan', { t, confirmed: '1' })).status, 303);
  assert.ok(await isSignedIn(other));
});

test('a known and an unknown address get the same answer', async () => {
  await clear();
  const known = somebody();
  await signIn(service, known);
  const answer = async (email: string) => {
    const { status, headers } = await browser().post('/masuk', { email });
    return [status, headers.location!.replace(/id=[^&]+/, '')];
  };
  assert.deepEqual(await answer(known), await answer(somebody()));
});

test('an address in any spelling is the same account', async () => {
  await clear();
  const email = somebody();
  const first = await signIn(service, email);
  const again = await signIn(service, email.toUpperCase());
  assert.equal(again.userId, first.userId);
});

test('an invalid e-mail address is refused next to its field, in the language of the page', async () => {
  for (const email of ['', 'siti', 'siti@', 'a b@c.d', 'x@y', `${'x'.repeat(260)}@y.id`]) {
    const { status, text } = await browser().post('/en/masuk', { email });
    assert.equal(status, 422, email);
    assert.match(text, /id="email-error"/);
  }
});

/** Requests a code for an e-mail address from a network. Returns the status. */
async function askFrom(email: string, network: string): Promise<number> {
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
}
const mailsTo = async (email: string) =>
  (await capturedEmails(service.app.mailer.outbox!, 10_000)).filter(({ to }) => to === email)
    .length;
const endCodes = (email: string) =>
  queryRows(
    service.db,
    'update sambatan_auth.sign_ins set expires_at = now() where email = $1',
    email,
  );

test('the older of two valid codes signs in too', async () => {
  await clear();
  const email = somebody();
  const client = browser();
  const first = await requestCode(client, email);
  const older = (await lastMail(service, email)).code;
  const second = await requestCode(client, email);
  const newer = (await lastMail(service, email)).code;
  assert.notEqual(first, second);
  assert.equal((await client.post('/masuk/kode', { id: second, code: older })).status, 303);
  // The older code was used, and the sign-in of the newer one has ended, so neither code is valid.
  const last = await requestCode(browser(), email);
  for (const code of [older, newer]) {
    assert.equal((await browser().post('/masuk/kode', { id: last, code })).status, 422);
  }
});

test('after five e-mails in a quarter of an hour an earlier code works, or the page says when to retry', async () => {
  await clear();
  const email = somebody();
  for (let n = 0; n < 5; n++) assert.equal(await askFrom(email, '203.0.113.7'), 303);
  assert.equal(await mailsTo(email), 5);
  const client = browser();
  const { code } = await lastMail(service, email);
  assert.equal(await askFrom(email, '203.0.113.7'), 303);
  assert.equal(await mailsTo(email), 5);
  const id = await requestCode(client, email);
  assert.equal((await client.post('/masuk/kode', { id, code })).status, 303);
  await endCodes(email);
  assert.equal(await askFrom(email, '203.0.113.7'), 429);
  assert.equal(await askFrom(somebody(), '203.0.113.7'), 303);
});

test('strangers from a thousand networks can neither flood a mailbox, lock out its owner, nor guess the code', async () => {
  await clear();
  const email = somebody();
  const owner = await signIn(service, email);
  const elsewhere = new Map(owner.cookies);
  const before = await mailsTo(email);
  const network = (n: number) => `198.${18 + (n >> 8)}.${n & 255}.7`;
  const ids: string[] = [];
  for (let n = 0; n < 1_000; n++) {
    const { headers } = await service.server.inject({
      method: 'POST',
      url: '/masuk',
      remoteAddress: network(n),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      payload: new URLSearchParams({ email }).toString(),
    });
    const id = new URL(headers.location as string, 'http://site').searchParams.get('id');
    assert.ok(id !== null);
    ids.push(id);
  }
  assert.ok((await mailsTo(email)) - before <= 7, String(await mailsTo(email)));
  const { code } = await lastMail(service, email);
  let looked = 0;
  for (let n = 0; n < 100; n++) {
    const { statusCode } = await service.server.inject({
      method: 'POST',
      url: '/masuk/kode',
      remoteAddress: network(n),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      payload: new URLSearchParams({ id: ids[n]!, code: wrongFor(code) }).toString(),
    });
    if (statusCode === 422) looked++;
    else assert.equal(statusCode, 429);
  }
  assert.equal(looked, limits.wrongCodesOfAddressFromStrangers.max);
  // Three codes are valid at the same time. Attackers may be in the same network as the owner.
  const { wrongCodesOfAddressFromStrangers: strangers } = limits;
  const aDay = strangers.max * (86_400 / strangers.seconds);
  const guesses = aDay + limits.wrongCodesOfAddressFromKnownNetworks.max;
  assert.ok((guesses * 3) / 1_000_000 <= 1e-3);
  // The owner can still sign in from the home network, and from a known browser anywhere.
  const fromHome = browser();
  const home = await requestCode(fromHome, email);
  const fresh = await lastMail(service, email);
  assert.equal((await fromHome.post('/masuk/kode', { id: home, code: fresh.code })).status, 303);
  const known = `sambatan-browser=${elsewhere.get('sambatan-browser')}`;
  const answer = async (url: string, fields: Record<string, string>) =>
    await service.server.inject({
      method: 'POST',
      url,
      remoteAddress: '192.0.2.99',
      headers: {
        cookie: known,
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      payload: new URLSearchParams(fields).toString(),
    });
  const asked = await answer('/masuk', { email });
  const id = new URL(asked.headers.location as string, 'http://site').searchParams.get('id')!;
  const mail = await lastMail(service, email);
  assert.notEqual(mail.code, fresh.code);
  assert.equal((await answer('/masuk/kode', { id, code: mail.code })).statusCode, 303);
});

test('when the e-mail budget is spent, strangers are told so and known users still sign in', async (t) => {
  const tight = await startHttpService({
    environment: { SAMBATAN_MAILS_PER_MINUTE: '2' },
    sharedWith: service,
  });
  t.after(tight.close);
  await clear();
  const email = somebody();
  const owner = await signIn(tight, email);
  // The budget is ten e-mails in five minutes. Eight of them may go to strangers.
  let taken = 1;
  for (; taken < 20; taken++) {
    const { status, headers } = await new SiteClient(tight).post('/masuk', { email: somebody() });
    if (status === 303) continue;
    assert.equal(status, 503);
    assert.ok(Number(headers['retry-after']) > 200);
    break;
  }
  assert.equal(taken, 8);
  const id = await requestCode(owner, email);
  const { code } = await lastMail(tight, email);
  assert.equal((await owner.post('/masuk/kode', { id, code })).status, 303);
  const metrics = await tight.app.metrics.registry.metrics();
  assert.match(metrics, /sambatan_mails_refused_total\{kind="stranger"\} 1/);
  await tight.app.monitor.look();
  const used = /sambatan_mail_budget_used_ratio\{window="five_minutes"\} (\S+)/;
  assert.equal(used.exec(await tight.app.metrics.registry.metrics())?.[1], '0.9');
  await clear();
});

test('the e-mail is in the language of the page, as text and HTML', async () => {
  await clear();
  const email = somebody();
  await browser().post('/en/masuk', { email });
  const english = await lastMail(service, email);
  assert.match(english.subject, /is your Sambatan sign-in code$/);
  assert.match(english.link, /^\/en\/masuk\/tautan\?/);
  await browser().post('/masuk', { email });
  assert.match((await lastMail(service, email)).subject, /kode masuk/);
});

test('signing in creates a new session and ends the browser’s previous one', async () => {
  await clear();
  const email = somebody();
  const client = await signIn(service, email);
  const before = new Map(client.cookies);
  const id = await requestCode(client, email);
  const { code } = await lastMail(service, email);
  await client.post('/masuk/kode', { id, code });
  assert.notDeepEqual(client.cookies, before);
  const old = browser();
  for (const [name, value] of before) old.cookies.set(name, value);
  assert.ok(!(await isSignedIn(old)));
  assert.ok(await isSignedIn(client));
});

test('signing out ends the session on the server, not only in the browser', async () => {
  await clear();
  const client = await signIn(service, somebody());
  const kept = new Map(client.cookies);
  const { status } = await client.post('/keluar');
  assert.equal(status, 303);
  assert.equal(client.cookies.get('sambatan'), undefined);
  const thief = browser();
  for (const [name, value] of kept) thief.cookies.set(name, value);
  assert.ok(!(await isSignedIn(thief)));
});

test('an ended or unknown session is a visitor', async () => {
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

test('a session is extended by use, up to a maximum age', async () => {
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

test('codes, links and sessions cannot be read from the database', async () => {
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
    const id = await requestCode(client, email);
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
    const other = await startHttpService({ environment });
    try {
      assert.match(await lineFor(other, headers), secure);
    } finally {
      await other.close();
    }
  }
});

test('a form of another site can neither sign in nor out', async () => {
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

test('a token of the project’s identity service starts a session for the same user', async () => {
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

test('operators are verified addresses of the configuration and users with the role', async () => {
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

test('if the mail server refuses, no code can be requested and no attempt is lost', async () => {
  const other = await startHttpService({ environment: { SMTP_URL: 'smtp://127.0.0.1:9' } });
  try {
    assert.equal((await new SiteClient(other).get(other.app.outboxPath)).status, 404);
    const email = somebody();
    for (let n = 0; n < 8; n++) {
      assert.equal((await new SiteClient(other).post('/masuk', { email })).status, 503);
    }
  } finally {
    await other.close();
  }
});
