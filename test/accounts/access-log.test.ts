import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { forgetOldAccess, verifyAccess } from '../../src/accounts/access-queries.ts';
import { accessEvents } from '../../src/accounts/access.ts';
import { newId } from '../../src/identity/ids.ts';
import { token } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { requestCode, lastMail, signIn, SiteClient } from '../support/clients/sign-in.ts';

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'kepala@example.org' },
});
after(service.close);

const phone = { 'user-agent': 'Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36' };
const clear = () => queryRows(service.db, 'delete from sambatan_auth.attempts');
const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000');

/** A person's rows of the access log, in order, each as `event method browser`. */
async function logOf(userId: string): Promise<string[]> {
  const rows = await queryRows<{ event: string; method: string; browser: string }>(
    service.db,
    'select event, method, browser from sambatan_auth.access_log where user_id = $1 order by seq',
    userId,
  );
  return rows.map(({ event, method, browser }) =>
    [event, method, browser].filter((word) => word !== '').join(' '),
  );
}

const wholeFor = async (userId: string) =>
  assert.deepEqual(await service.db.rows(verifyAccess, [userId]), []);

test('the access log shows sign-ins, failed sign-ins and sign-outs with the browser’s name', async () => {
  await clear();
  const email = 'catatan@example.org';
  const { userId } = await signIn(service, email, phone);
  const client = new SiteClient(service, phone);
  const id = await requestCode(client, email);
  const { code, link } = await lastMail(service, email);
  for (let attempt = 0; attempt < 5; attempt++) {
    await client.post('/masuk/kode', { id, code: wrongFor(code) });
  }
  const t = new URL(link, 'http://site').searchParams.get('t')!;
  assert.equal((await client.post('/masuk/tautan', { t })).status, 303);
  await client.post('/keluar');
  const by = new SiteClient(service);
  await by.post('/masuk/token', { access_token: await token(userId) });
  const [session] = await queryRows<{ id: string }>(
    service.db,
    'select session_id as id from sambatan_auth.sessions where user_id = $1 order by created_at',
    userId,
  );
  await by.post(`/akun/sesi/${session!.id}`);
  // An attempt to end a session that does not exist, or that belongs to somebody else, does
  // nothing.
  await by.post(`/akun/sesi/${newId()}`);
  await by.post('/akun/sesi');
  const android = 'Chrome · Android';
  assert.deepEqual(await logOf(userId), [
    `signed_in code ${android}`,
    `code_requested code ${android}`,
    ...Array.from({ length: 4 }, () => `code_failed code ${android}`),
    `codes_exhausted code ${android}`,
    `signed_in link ${android}`,
    `signed_out ${android}`,
    'signed_in token',
    `session_ended ${android}`,
    'sessions_ended',
  ]);
  await wholeFor(userId);
});

test('an address without an account has no access log, however many codes are requested', async () => {
  await clear();
  const rows = () => queryRows(service.db, 'select user_id from sambatan_auth.access_log');
  const before = (await rows()).length;
  const client = new SiteClient(service);
  const id = await requestCode(client, 'belum.punya@example.org');
  const { code } = await lastMail(service, 'belum.punya@example.org');
  assert.equal((await client.post('/masuk/kode', { id, code: wrongFor(code) })).status, 422);
  assert.equal((await rows()).length, before);
});

test('the access log contains no e-mail address, IP address, name or code', async () => {
  await clear();
  const email = 'rahasia.sekali@example.org';
  const person = await signIn(service, email, { 'user-agent': 'Peramban Rahasia|1.0' });
  const [{ stored }] = (await queryRows<{ stored: string }>(
    service.db,
    `select string_agg(to_jsonb(l)::text, '') as stored from sambatan_auth.access_log l
    where user_id = $1`,
    person.userId,
  )) as [{ stored: string }];
  const { code } = await lastMail(service, email);
  for (const word of [email, 'Rahasia', '127.0.0.1', `"${code}"`]) {
    assert.ok(!stored.includes(word), word);
  }
});

test('after account deletion the access log stays, with the user id only and a valid chain', async () => {
  await clear();
  const person = await signIn(service, 'yang.pergi@example.org');
  const gone = await person.post('/akun/hapus', { word: 'hapus' });
  assert.equal(gone.status, 303, gone.text);
  assert.deepEqual(await logOf(person.userId), ['signed_in code', 'account_deleted']);
  await wholeFor(person.userId);
});

test('the account page lists recent activity in both languages', async () => {
  await clear();
  const person = await signIn(service, 'pemilik@example.org', phone);
  const other = new SiteClient(service, { 'user-agent': 'curl/8.14' });
  const id = await requestCode(other, 'pemilik@example.org');
  await other.post('/masuk/kode', { id, code: 'salah' });
  const { text } = await person.get('/akun');
  assert.match(
    text,
    /Masuk dengan kode dari e-mail<\/strong><br \/><span class="quiet">[^<]+ · Chrome · Android/,
  );
  assert.match(text, /Kode salah dimasukkan/);
  assert.match((await person.get('/en/akun')).text, /Signed in with a code from an e-mail/);
  const stranger = await signIn(service, 'orang.lain@example.org');
  assert.doesNotMatch((await stranger.get('/akun')).text, /Kode salah dimasukkan/);
});

test('operators see the last sign-in of operators, and of nobody else', async () => {
  await clear();
  const head = await signIn(service, 'kepala@example.org');
  const named = await signIn(service, 'ditunjuk@example.org');
  await head.post('/operator/orang', { email: 'ditunjuk@example.org' });
  assert.match((await head.get('/operator/orang')).text, /terakhir masuk/);
  const client = await service.operator();
  const { items } = (await client.get('/operators')).body as unknown as {
    items: { user_id: string; signed_in_at: string | null }[];
  };
  assert.deepEqual(
    items.map(({ user_id }) => user_id),
    [named.userId],
  );
  assert.ok(Math.abs(Date.parse(items[0]!.signed_in_at!) - Date.now()) < 60_000);
});

test('concurrent sign-in attempts produce one chain without gaps', async () => {
  await clear();
  const email = 'serempak@example.org';
  const { userId } = await signIn(service, email);
  const ids = await Promise.all(
    [1, 2, 3, 4].map(() => requestCode(new SiteClient(service), email)),
  );
  await Promise.all(
    ids.flatMap((id) =>
      [1, 2, 3, 4, 5].map(() => new SiteClient(service).post('/masuk/kode', { id, code: 'x' })),
    ),
  );
  const log = await logOf(userId);
  assert.equal(log.filter((row) => row.startsWith('code_failed')).length, 16);
  assert.equal(log.filter((row) => row.startsWith('codes_exhausted')).length, 4);
  await wholeFor(userId);
});

test('rows cannot be changed, nor deleted before their retention ends', async () => {
  await clear();
  const { userId } = await signIn(service, 'tetap@example.org');
  for (const statement of [
    "update sambatan_auth.access_log set event = 'signed_out' where user_id = $1",
    'delete from sambatan_auth.access_log where user_id = $1',
    'delete from sambatan_auth.access_heads where user_id = $1',
  ]) {
    await assert.rejects(queryRows(service.db, statement, userId), statement);
  }
  for (const table of ['access_log', 'access_heads']) {
    await assert.rejects(queryRows(service.db, `truncate sambatan_auth.${table}`), table);
  }
  assert.deepEqual(await logOf(userId), ['signed_in code']);
});

test('rows older than 400 days are deleted from the start; the rest is still a valid chain', async () => {
  const userId = newId();
  const record = (event: string) =>
    queryRows(service.db, "select sambatan.record_access($1, $2, '', '')", userId, event);
  for (const event of ['code_requested', 'signed_in', 'signed_out', 'signed_in']) {
    await record(event);
  }
  // Moves the first three rows into the past. This needs disabled triggers and new hashes.
  await service.db.transaction(async (tx) => {
    await queryRows(tx, 'alter table sambatan_auth.access_log disable trigger user');
    await queryRows(
      tx,
      `update sambatan_auth.access_log set occurred_at = now() - interval '401 days'
      where user_id = $1 and seq < 4`,
      userId,
    );
    const chain = await queryRows<{ seq: bigint }>(
      tx,
      'select seq from sambatan_auth.access_log where user_id = $1 order by seq',
      userId,
    );
    for (const { seq } of chain) {
      await queryRows(
        tx,
        `update sambatan_auth.access_log l set hash = sha256(coalesce((
            select hash from sambatan_auth.access_log where user_id = $1 and seq = $2 - 1),
            decode(repeat('00', 32), 'hex'))
          || sambatan.access_content(user_id, seq, occurred_at, event, method, browser))
        where user_id = $1 and seq = $2`,
        userId,
        seq,
      );
    }
    await queryRows(
      tx,
      `update sambatan_auth.access_heads set hash = (select hash from sambatan_auth.access_log
        where user_id = $1 and seq = 4) where user_id = $1`,
      userId,
    );
    await queryRows(tx, 'alter table sambatan_auth.access_log enable trigger user');
  });
  await wholeFor(userId);
  const { gone } = await service.db.one(forgetOldAccess, 50);
  assert.equal(gone, 3n);
  assert.deepEqual(await logOf(userId), ['signed_in']);
  await wholeFor(userId);
  await record('signed_out');
  await wholeFor(userId);
  assert.equal((await service.db.one(forgetOldAccess, 50)).gone, 0n);
});

test('the schema accepts exactly the events of the service', async () => {
  for (const event of [...accessEvents, 'something_else']) {
    const attempt = queryRows(
      service.db,
      "select sambatan.record_access($1, $2, '', '')",
      newId(),
      event,
    );
    if (event === 'something_else') await assert.rejects(attempt, /access_log_event_check/);
    else await attempt;
  }
});
