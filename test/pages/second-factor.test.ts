import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { recoveryCodeHash, seal, unseal } from '../../src/accounts/mfa/codes.ts';
import { newId } from '../../src/identity/ids.ts';
import {
  authenticatorFor,
  recoveryCodesOfPage,
  setUpSecondFactor,
  keyOfPage,
  type Authenticator,
} from '../support/clients/authenticator.ts';
import { token } from '../support/clients/client.ts';
import { runCommand } from '../support/server/command.ts';
import { startHttpService, serviceKey, type HttpService } from '../support/server/http-service.ts';
import { openMailbox } from '../support/fakes/mailbox.ts';
import { queryRows, waitForLockWait } from '../support/builders/market.ts';
import { expectProblem, expectStatus } from '../support/builders/shop.ts';
import {
  requestCode,
  openMfaChallenge,
  lastMail,
  signIn,
  SiteClient,
  type SignedInClient,
} from '../support/clients/sign-in.ts';

const service = await startHttpService();
after(service.close);

let people = 0;
const somebody = () => `dua.faktor.${++people}@example.org`;
const clear = (on = service) => queryRows(on.db, 'delete from sambatan_auth.attempts');
const isSignedIn = async (client: SiteClient) => (await client.get('/akun')).status === 200;
const wrong = 'zzzz-zzzz-zzzz-zzzz';

/** A user who has a second factor, with the authenticator app on the phone. */
async function guarded(
  on: HttpService = service,
  email = somebody(),
): Promise<{ email: string; person: SignedInClient; app: Authenticator }> {
  await clear(on);
  const person = await signIn(on, email);
  return { email, person, app: await setUpSecondFactor(on, person) };
}

/** Opens an MFA challenge: the code from the e-mail was right, and the second factor is missing. */
const half = async (email: string, on: HttpService = service) => await openMfaChallenge(on, email);

const give = async (client: SiteClient, code: string) =>
  await client.post('/masuk/aplikasi', { code, back: '/akun' });

async function logOf(userId: string): Promise<string[]> {
  const rows = await queryRows<{ word: string }>(
    service.db,
    `select trim(event || ' ' || method) as word from sambatan_auth.access_log
    where user_id = $1 order by seq`,
    userId,
  );
  return rows.map(({ word }) => word);
}

test('a user who sets up an app needs its codes from then on, and returns to the previous page', async () => {
  const { email, person, app } = await guarded();
  assert.equal(app.recoveryCodes.length, 10);
  assert.equal(new Set(app.recoveryCodes).size, 10);
  assert.ok(await isSignedIn(person));
  const client = await half(email);
  assert.ok(!(await isSignedIn(client)));
  const { status, headers } = await give(client, app.next());
  assert.deepEqual([status, headers.location], [303, '/akun']);
  assert.match(headers['set-cookie']!.join(), /Max-Age=2592000/);
  assert.ok(await isSignedIn(client));
  assert.deepEqual(await logOf(person.userId), [
    'signed_in code',
    'factor_added',
    'code_requested code',
    'signed_in factor',
  ]);
  const { subject } = await lastMail(service, email).catch(() => ({ subject: '' }));
  assert.notEqual(subject, '');
});

test('the key and recovery codes are shown once, not cached, and stored encrypted or hashed', async () => {
  await clear();
  const person = await signIn(service, somebody());
  assert.equal((await person.get('/akun/keamanan/aplikasi')).headers.location, '/akun/keamanan');
  await person.post('/akun/keamanan/mulai');
  const page = await person.get('/akun/keamanan/aplikasi');
  assert.equal(page.headers['cache-control'], 'no-store');
  const key = keyOfPage(page.text);
  assert.match(page.text, new RegExp(`href="otpauth://totp/[^"]+secret=${key}`));
  assert.match(page.text, /<svg [^>]*viewBox/);
  assert.doesNotMatch(page.text, / style=/);
  const app = authenticatorFor(service, key);
  const shown = await person.post('/akun/keamanan/aplikasi', { code: app.next() });
  assert.equal(shown.headers['cache-control'], 'no-store');
  const codes = recoveryCodesOfPage(shown.text);
  assert.equal(codes.length, 10);
  for (const path of ['/akun/keamanan', '/akun/keamanan/aplikasi', '/akun/data', '/akun']) {
    const { text } = await person.get(path);
    for (const secret of [key, ...codes]) assert.ok(!text.includes(secret), path);
  }
  const rows = await queryRows<{ stored: string }>(
    service.db,
    `select to_jsonb(f)::text as stored from sambatan_auth.second_factors f where user_id = $1
    union all select to_jsonb(c)::text from sambatan_auth.recovery_codes c where user_id = $1`,
    person.userId,
  );
  assert.equal(rows.length, 11);
  const stored = JSON.stringify(rows);
  for (const secret of codes) {
    assert.ok(!stored.includes(secret));
    assert.ok(!stored.includes(Buffer.from(secret).toString('hex')));
  }
  const [{ secret }] = (await queryRows<{ secret: Buffer }>(
    service.db,
    'select secret from sambatan_auth.second_factors where user_id = $1',
    person.userId,
  )) as [{ secret: Buffer }];
  const opened = unseal(service.app.signIn.factorKey, person.userId, secret)!;
  assert.equal(opened.length, 20);
  assert.ok(!secret.includes(opened));
  assert.equal(unseal(service.app.signIn.factorKey, newId(), secret), undefined);
  assert.equal(unseal(Buffer.alloc(32, 1), person.userId, secret), undefined);
});

test('a wrong first code leaves the account as it was', async () => {
  await clear();
  const email = somebody();
  const person = await signIn(service, email);
  await person.post('/akun/keamanan/mulai');
  for (const [code, status] of [
    ['000000', 422],
    ['bukan', 422],
    ['', 422],
  ] as const) {
    assert.equal((await person.post('/akun/keamanan/aplikasi', { code })).status, status);
  }
  const again = await signIn(service, email);
  assert.ok(await isSignedIn(again));
});

test('an unfinished set-up cannot be finished without recent authentication', async () => {
  await clear();
  const person = await signIn(service, somebody());
  await person.post('/akun/keamanan/mulai');
  const app = authenticatorFor(
    service,
    keyOfPage((await person.get('/akun/keamanan/aplikasi')).text),
  );
  await queryRows(
    service.db,
    `update sambatan_auth.sessions set reauthenticated_at = now() - interval '16 minutes' where user_id = $1`,
    person.userId,
  );
  const page = await person.get('/akun/keamanan/aplikasi');
  assert.deepEqual([page.status, page.headers.location], [303, '/akun/keamanan']);
  const asked = await person.post('/akun/keamanan/aplikasi', { code: app.next() });
  assert.equal(asked.status, 403);
  assert.match(asked.text, /Verifikasi dulu/);
  assert.deepEqual(
    await queryRows(
      service.db,
      'select from sambatan_auth.second_factors where user_id = $1 and confirmed_at is not null',
      person.userId,
    ),
    [],
  );
});

test('if recovery codes are replaced concurrently, only the last codes are valid', async () => {
  const { person, app } = await guarded();
  const pages = await Promise.all(
    Array.from({ length: 4 }, () => person.post('/akun/keamanan/kode-cadangan')),
  );
  const made = pages.map(({ text }) => recoveryCodesOfPage(text));
  assert.deepEqual(
    made.map(({ length }) => length),
    [10, 10, 10, 10],
  );
  const stored = await queryRows<{ code_hash: Buffer }>(
    service.db,
    'select code_hash from sambatan_auth.recovery_codes where user_id = $1',
    person.userId,
  );
  const hashes = stored.map(({ code_hash }) => code_hash.toString('hex')).toSorted();
  const sets = [...made, app.recoveryCodes].map((codes) =>
    codes.map((code) => recoveryCodeHash(person.userId, code).toString('hex')).toSorted(),
  );
  assert.equal(sets.filter((set) => set.join() === hashes.join()).length, 1);
});

test('removing a factor does not deadlock with a sign-in', async () => {
  const { email, person } = await guarded();
  await half(email);
  let ending: Promise<{ status: number }> | undefined;
  await service.db.transaction(async (tx) => {
    // A sign-in locks the rows in this order: first the challenge, then the factor.
    await queryRows(
      tx,
      'update sambatan_auth.mfa_challenges set attempts = attempts + 1 where user_id = $1',
      person.userId,
    );
    ending = person.post('/akun/keamanan/matikan');
    await waitForLockWait(service.db, 'transactionid');
    await queryRows(
      tx,
      'update sambatan_auth.second_factors set last_step = last_step where user_id = $1',
      person.userId,
    );
  });
  assert.equal((await ending!).status, 303);
});

test('a code works once and invalidates earlier ones; one time step of difference is accepted', async () => {
  const { email, app } = await guarded();
  app.next();
  app.next();
  const [before, now, later] = [app.around(-1), app.around(0), app.around(1)];
  assert.equal((await give(await half(email), before)).status, 303);
  assert.equal((await give(await half(email), before)).status, 422);
  assert.equal((await give(await half(email), later)).status, 303);
  for (const code of [later, now, app.around(-2), app.around(2)]) {
    await clear();
    assert.equal((await give(await half(email), code)).status, 422, code);
  }
});

test('of two concurrent uses of a code one succeeds, for app and recovery codes', async () => {
  const { email, app } = await guarded();
  for (const code of [app.next(), app.recoveryCodes[0]!]) {
    await clear();
    const clients = [await half(email), await half(email)];
    const answers = await Promise.all(clients.map((client) => give(client, code)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [303, 422], code);
  }
});

test('a recovery code signs in once in any notation, and the page shows how many remain', async () => {
  const { email, person, app } = await guarded();
  const [first = ''] = app.recoveryCodes;
  const client = await half(email);
  const typed = ` ${first.toUpperCase().replaceAll('-', ' ')}`;
  const { status } = await client.post('/masuk/aplikasi', { recovery_code: typed, back: '/akun' });
  assert.equal(status, 303);
  assert.match((await client.get('/akun/keamanan')).text, /Tersisa 9 dari 10/);
  assert.equal((await give(await half(email), first)).status, 422);
  const made = await person.post('/akun/keamanan/kode-cadangan');
  const renewed = recoveryCodesOfPage(made.text);
  assert.equal(renewed.length, 10);
  assert.equal((await give(await half(email), app.recoveryCodes[1]!)).status, 422);
  assert.equal((await give(await half(email), renewed[1]!)).status, 303);
  const log = await logOf(person.userId);
  assert.ok(log.includes('signed_in recovery_code') && log.includes('recovery_codes_made'));
});

test('attempts are counted before they are checked: five per sign-in, twenty per account', async () => {
  const { email, person, app } = await guarded();
  const client = await half(email);
  const tries = Array.from({ length: 12 }, () => give(client, wrong));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 422).length, 5);
  assert.equal(statuses.filter((status) => status === 410).length, 7);
  assert.equal((await give(client, app.next())).status, 410);
  // The limit is twenty attempts, and thirteen are counted already. A second sign-in of the same
  // user makes the remaining seven.
  const other = await half(email);
  const more = await Promise.all(Array.from({ length: 9 }, () => give(other, wrong)));
  const limited = more.filter(({ status }) => status === 429);
  assert.equal(limited.length, 2);
  assert.ok(Number(limited[0]!.headers['retry-after']) > 0);
  assert.equal((await give(await half(email), app.next())).status, 429);
  const failed = (await logOf(person.userId)).filter((word) => word === 'factor_failed');
  assert.equal(failed.length, 10);
});

test('an open MFA challenge gives no more access than a visitor has, at any page or form', async () => {
  const { email } = await guarded();
  const client = await half(email);
  const cookie = client.cookies.get('sambatan')!;
  assert.match(cookie, /^[\w-]{43}$/);
  const visitor = new SiteClient(service);
  const routes = service.routes.filter((route) =>
    /^(GET|POST) \/(?!api|assets|en|livez|readyz|metrics|masuk|keluar)/.test(route),
  );
  assert.ok(routes.length > 80);
  for (const route of routes) {
    const [method, path] = route.split(' ') as [string, string];
    const at = path.replaceAll(/:\w+/g, () => newId());
    const asked = (who: SiteClient) => (method === 'GET' ? who.get(at) : who.post(at));
    const [mine, theirs] = [await asked(client), await asked(visitor)];
    assert.deepEqual(
      [mine.status, mine.headers.location?.replace(/[0-9a-f-]{36}/g, 'id')],
      [theirs.status, theirs.headers.location?.replace(/[0-9a-f-]{36}/g, 'id')],
      route,
    );
  }
  const api = service.withToken(cookie);
  expectProblem(await api.get('/me'), 401, 'unauthenticated');
  // The challenge has not become a session, and it is refused after it has expired.
  const [row] = await queryRows<{ sessions: number }>(
    service.db,
    `select count(*)::integer as sessions from sambatan_auth.sessions s
    join sambatan_auth.accounts a using (user_id) where a.email = $1`,
    email,
  );
  assert.equal(row!.sessions, 1);
  await queryRows(service.db, 'update sambatan_auth.mfa_challenges set expires_at = now()');
  assert.equal((await give(client, wrong)).status, 410);
  assert.match((await client.get('/masuk/aplikasi')).headers.location!, /^\/masuk\?/);
});

test('the browser’s old session ends at the first factor of a new sign-in', async () => {
  const { email, person } = await guarded();
  const before = person.cookies.get('sambatan')!;
  const id = await requestCode(person, email);
  const { code } = await lastMail(service, email);
  await person.post('/masuk/kode', { id, code });
  assert.ok(!(await isSignedIn(person)));
  person.cookies.set('sambatan', before);
  assert.ok(!(await isSignedIn(person)));
});

test('an e-mail link and a token need the second factor too, unless the token proves one', async () => {
  const { email, person, app } = await guarded();
  const client = new SiteClient(service);
  await requestCode(client, email);
  const { link } = await lastMail(service, email);
  const t = new URL(link, 'http://site').searchParams.get('t')!;
  const linked = await client.post('/masuk/tautan', { t });
  assert.match(linked.headers.location!, /^\/masuk\/aplikasi\?/);
  assert.equal((await give(client, app.next())).status, 303);
  for (const [aal, location] of [
    ['aal1', '/masuk/aplikasi?back=%2Fakun'],
    ['aal2', '/akun'],
  ] as const) {
    const by = new SiteClient(service);
    const access_token = await token(person.userId, { claims: { aal } });
    const entered = await by.post('/masuk/token', { access_token, back: '/akun' });
    assert.equal(entered.headers.location, location);
    if (aal === 'aal1') {
      const rest = await give(by, app.next());
      assert.match(rest.headers['set-cookie']!.join(), /Max-Age=43200/);
    }
    assert.ok(await isSignedIn(by));
  }
});

test('after the factor is removed an e-mailed code suffices, and MFA challenges end', async () => {
  const { email, person, app } = await guarded();
  const waiting = await half(email);
  assert.equal((await person.post('/akun/keamanan/mulai')).status, 409);
  assert.equal((await person.post('/akun/keamanan/matikan')).status, 303);
  assert.equal((await give(waiting, app.next())).status, 410);
  assert.ok(await isSignedIn(await signIn(service, email)));
  assert.match(await lastMailSubject(email), /dimatikan|kode masuk/);
  const again = await setUpSecondFactor(service, person);
  assert.notEqual(again.key, app.key);
  assert.equal((await give(await half(email), app.next())).status, 422);
});

async function lastMailSubject(email: string): Promise<string> {
  const { subject } = await lastMail(service, email);
  return subject;
}

test('with another service key app codes stop working, and recovery codes do not', async () => {
  const { email, person, app } = await guarded();
  const { factorKey } = service.app.signIn;
  const [{ secret }] = (await queryRows<{ secret: Buffer }>(
    service.db,
    'select secret from sambatan_auth.second_factors where user_id = $1',
    person.userId,
  )) as [{ secret: Buffer }];
  const opened = unseal(factorKey, person.userId, secret)!;
  await queryRows(
    service.db,
    'update sambatan_auth.second_factors set secret = $2 where user_id = $1',
    person.userId,
    seal(Buffer.alloc(32, 7), person.userId, opened),
  );
  assert.equal((await give(await half(email), app.next())).status, 422);
  assert.equal((await give(await half(email), app.recoveryCodes[0]!)).status, 303);
});

test('if operators must have a second factor, one without it is a user and is told so', async (t) => {
  const strict = await startHttpService({
    environment: {
      SAMBATAN_OPERATORS: 'kepala@example.org',
      SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: 'true',
    },
  });
  t.after(strict.close);
  const head = await signIn(strict, 'kepala@example.org');
  const refused = await head.get('/operator');
  assert.equal(refused.status, 403);
  const [wayOn] = /<a class="button[^>]*>/.exec(refused.text)!;
  assert.match(wayOn, /href="\/akun\/keamanan"/);
  assert.equal((await head.post('/operator/orang', { email: 'x@example.org' })).status, 403);
  assert.doesNotMatch((await head.get('/')).text, /href="\/operator"/);
  assert.match((await head.get('/akun/keamanan')).text, /Kamu operator/);
  const app = await setUpSecondFactor(strict, head);
  assert.equal((await head.get('/operator')).status, 200);
  const client = await half('kepala@example.org', strict);
  assert.equal((await give(client, app.next())).status, 303);
  assert.equal((await client.get('/operator')).status, 200);
  // Without a second factor, no session of the user counts as an operator's session.
  assert.equal((await head.post('/akun/keamanan/matikan')).status, 303);
  assert.deepEqual(
    [(await head.get('/operator')).status, (await client.get('/operator')).status],
    [403, 403],
  );
  const buyer = await signIn(strict, 'pembeli@example.org');
  assert.equal((await buyer.get('/operator')).status, 403);
  assert.doesNotMatch((await buyer.get('/operator')).text, /href="\/akun\/keamanan"/);
});

test('the token claim aal tells whether a second factor was used', async (t) => {
  const strict = await startHttpService({
    environment: { SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: 'true' },
  });
  t.after(strict.close);
  const role = { app_metadata: { role: 'operator' } };
  const named = newId();
  expectStatus(await strict.service.post('/operators', { user_id: named }), 201);
  const as = async (userId: string, claims: object) =>
    strict.withToken(await token(userId, { claims: { ...claims } }));
  for (const claims of [
    role,
    { ...role, aal: 'aal1' },
    { ...role, user_metadata: { aal: 'aal2' } },
  ]) {
    const client = await as(newId(), claims);
    expectProblem(await client.get('/operators'), 403, 'second_factor_required');
    expectStatus(await client.get('/me'), 200);
  }
  expectProblem(await (await as(named, {})).get('/operators'), 403, 'second_factor_required');
  expectStatus(await (await as(newId(), { ...role, aal: 'aal2' })).get('/operators'), 200);
  expectStatus(await (await as(named, { aal: 'aal2' })).get('/operators'), 200);
  expectProblem(await (await as(newId(), { aal: 'aal2' })).get('/operators'), 403, 'forbidden');
  expectProblem(await (await as(newId(), {})).get('/operators'), 403, 'forbidden');
  expectStatus(await strict.service.get('/operators'), 200);
});

test('the administrator restores access for a user without phone and recovery codes', async () => {
  const mailbox = await openMailbox();
  after(mailbox.close);
  const { email, person, app } = await guarded();
  const elsewhere = await half(email);
  assert.equal((await give(elsewhere, app.next())).status, 303);
  const underWay = await half(email);
  const remove = async (whose: readonly string[], typed = '') =>
    await runCommand(
      ['second-factor', 'remove', ...whose],
      {
        DATABASE_URL: service.databaseUrl,
        SAMBATAN_SERVICE_KEY: serviceKey,
        SMTP_URL: mailbox.url,
      },
      typed,
    );
  for (const answer of ['', 'no\n', '\n']) {
    const unsure = await remove([email], answer);
    assert.equal(unsure.code, 1, unsure.err);
    assert.match(unsure.out, new RegExp(`${email}.*nothing was changed`));
  }
  assert.ok(await isSignedIn(person));
  assert.equal(mailbox.arrived.length, 0);

  const before = (await logOf(person.userId)).length;
  const removed = await remove([` ${email.toUpperCase()}`], 'yes\n');
  assert.equal(removed.code, 0, removed.err);
  assert.match(removed.out, /signed out everywhere/);
  for (const client of [person, elsewhere]) assert.ok(!(await isSignedIn(client)));
  assert.notEqual((await give(underWay, app.recoveryCodes[0]!)).status, 303);
  assert.deepEqual((await logOf(person.userId)).slice(before), [
    'factor_removed',
    'sessions_ended',
  ]);
  const mails = mailbox.arrived.map(({ to }) => to);
  assert.deepEqual(mails, [email]);
  assert.match(
    (await mailbox.arrived[0]!.parsed()).text!,
    /HP dan kode cadanganmu dilaporkan hilang/,
  );
  await clear();
  const again = await signIn(service, email);
  assert.ok(await isSignedIn(again), 'a code of the mail is enough');
  assert.match((await again.get('/akun/keamanan')).text, />nonaktif</);

  const none = await remove([email, '--yes']);
  assert.deepEqual([none.code, none.out], [1, `${email} has no second factor\n`]);
  const nobody = await remove(['tidak.ada@example.org', '--yes']);
  assert.equal(nobody.code, 3);
  assert.match(nobody.err, /nobody has signed in as tidak\.ada@example\.org/);

  await setUpSecondFactor(service, again);
  mailbox.refuse(550, () => true);
  const untold = await remove([email, '--yes']);
  assert.equal(untold.code, 1);
  assert.match(untold.err, new RegExp(`${email} could not be told by mail`));
  assert.match(untold.out, /^removed/);
  assert.ok(!(await isSignedIn(again)));
});

test('a new service key keeps second factors usable while the secret key stays the same', async (t) => {
  const { email, app } = await guarded();
  const newKey = 'another-service-key-of-32-characters';
  const keys = { serviceKey: newKey, secretKey: serviceKey };
  const rotated = await startHttpService({ sharedWith: service, keys });
  t.after(rotated.close);
  const shareClock = (on: HttpService) =>
    Object.assign(on.app.signIn, { now: service.app.signIn.now });
  shareClock(rotated);
  const client = await half(email, rotated);
  const given = await give(client, app.next());
  assert.equal(given.status, 303, given.text);
  assert.ok(await isSignedIn(client));

  // Without the old secret key the stored secrets cannot be decrypted.
  const lost = await startHttpService({ sharedWith: service, keys: { serviceKey: newKey } });
  t.after(lost.close);
  shareClock(lost);
  const other = await half(email, lost);
  assert.equal((await give(other, app.next())).status, 422);
});
