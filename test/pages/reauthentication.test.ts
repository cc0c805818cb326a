import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { capturedEmails } from '../../src/mail/mailer.ts';
import { newId } from '../../src/identity/ids.ts';
import {
  authenticatorFor,
  setUpSecondFactor,
  keyOfPage,
  type Authenticator,
} from '../support/clients/authenticator.ts';
import { token, type ClientResponse } from '../support/clients/client.ts';
import { insertEndpoint } from '../support/builders/deliveries.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus } from '../support/builders/shop.ts';
import { signIn, SiteClient, type SignedInClient } from '../support/clients/sign-in.ts';

const service = await startHttpService({
  environment: {
    SAMBATAN_OPERATORS: 'kepala@example.org',
    SAMBATAN_WEBHOOKS_TO_LOOPBACK: 'true',
  },
});
after(service.close);

const account = { bank: 'BCA', number: '1234567890', holder: 'Ratri Kusuma' };
const clear = () => queryRows(service.db, 'delete from sambatan_auth.attempts');

/** Moves the last authentication of a user some minutes into the past. */
const letProofAge = (userId: string, minutes = 16) =>
  queryRows(
    service.db,
    `update sambatan_auth.sessions set reauthenticated_at = now() - make_interval(mins => $2)
    where user_id = $1`,
    userId,
    minutes,
  );

interface Owner {
  readonly person: SignedInClient;
  readonly email: string;
  readonly brandId: string;
}
let people = 0;
async function ownerOfBrand(): Promise<Owner> {
  await clear();
  const email = `pemilik.${++people}@example.org`;
  const person = await signIn(service, email);
  const api = await service.user(person.userId);
  const brandId = expectStatus(await api.post('/brands', { name: 'Melati' }), 201).id;
  return { person, email, brandId };
}

/** The names and values of the hidden fields on the page for re-authentication. */
function fieldsOn(page: string): Record<string, string> {
  const form = page.slice(page.indexOf('<main'));
  return Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
      .map(([, name, value]) => [name!, value!])
      .filter(([name]) => name !== 'proof_again' && name !== 'back'),
  );
}

const isAsked = (answer: ClientResponse) => {
  assert.equal(answer.status, 403, answer.text.slice(0, 300));
  assert.match(answer.text, /Verifikasi dulu/);
};

let operator: SignedInClient;
let things: { brandId: string; webhookId: string; owner: Owner };
before(async () => {
  await clear();
  operator = await signIn(service, 'kepala@example.org');
  const owner = await ownerOfBrand();
  const webhook = await insertEndpoint(service.db, owner.brandId);
  things = { owner, brandId: owner.brandId, webhookId: webhook.id };
});

test('a recent sign-in needs no re-authentication; later an e-mailed code is asked for, and the form continues', async () => {
  const { person, email, brandId } = await ownerOfBrand();
  const path = `/toko/${brandId}/rekening`;
  await letProofAge(person.userId, 14);
  assert.equal((await person.post(path, account)).status, 303);
  await letProofAge(person.userId);
  const changed = { ...account, holder: 'Ratri <b>"Baru"</b>', number: '99887766550' };
  const asked = await person.post(path, changed);
  isAsked(asked);
  assert.match(asked.text, new RegExp(`action="${path}"`));
  const stored = async () =>
    (
      await queryRows<{ number: string }>(
        service.db,
        'select number from sambatan.payout_accounts where brand_id = $1',
        brandId,
      )
    )[0]!.number;
  assert.equal(await stored(), account.number);
  const fields = fieldsOn(asked.text);
  assert.equal(fields['number'], changed.number);
  assert.equal(fields['holder'], 'Ratri &lt;b&gt;&quot;Baru&quot;&lt;/b&gt;');
  const { code } = await mailedProof(email);
  const earlier = person.cookies.get('sambatan');
  const sent = { ...changed, proof_id: fields['proof_id']!, proof_code: code };
  const done = await person.post(path, sent);
  assert.equal(done.status, 303, done.text.slice(0, 500));
  assert.equal(await stored(), changed.number);
  // The session has a new token, so the old token is not valid any more.
  assert.notEqual(person.cookies.get('sambatan'), earlier);
  const stale = new SiteClient(service);
  stale.cookies.set('sambatan', earlier!);
  assert.equal((await stale.get('/akun')).status, 303);
  assert.equal((await person.post(path, account)).status, 303);
  // The code is used up, so it signs nobody in.
  await letProofAge(person.userId);
  isAskedWith(await person.post(path, sent), 410);
  const stranger = new SiteClient(service);
  assert.equal((await stranger.post('/masuk/kode', { id: sent.proof_id, code })).status, 410);
});

const isAskedWith = (answer: ClientResponse, status: number) => {
  assert.equal(answer.status, status, answer.text.slice(0, 300));
  assert.match(answer.text, /Verifikasi dulu/);
};

/** The code in the last e-mail to a person. That e-mail has no link. */
async function mailedProof(email: string): Promise<{ code: string }> {
  const mails = await capturedEmails(service.app.mailer.outbox!, 1_000);
  const { text } = mails.find(({ to }) => to === email)!;
  assert.doesNotMatch(text, /https?:/);
  return { code: /\b\d{6}\b/.exec(text)![0] };
}

test('a wrong code keeps the input; five of them end the code; a new one can be requested', async () => {
  const { person, email, brandId } = await ownerOfBrand();
  const path = `/toko/${brandId}/rekening`;
  await letProofAge(person.userId);
  const { proof_id: id = '' } = fieldsOn((await person.post(path, account)).text);
  const { code } = await mailedProof(email);
  const wrong = code === '000000' ? '000001' : '000000';
  const tried = await Promise.all(
    Array.from({ length: 7 }, () =>
      person.post(path, { ...account, proof_id: id, proof_code: wrong }),
    ),
  );
  const statuses = tried.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [410, 410, 422, 422, 422, 422, 422]);
  for (const { text } of tried) assert.equal(fieldsOn(text)['number'], account.number);
  const late = await person.post(path, { ...account, proof_id: id, proof_code: code });
  isAskedWith(late, 410);
  const again = await person.post(path, { ...account, proof_again: '1' });
  isAsked(again);
  const { proof_id: next = '' } = fieldsOn(again.text);
  assert.notEqual(next, id);
  const fresh = await mailedProof(email);
  const sent = { ...account, proof_id: next, proof_code: fresh.code };
  assert.equal((await person.post(path, sent)).status, 303);
});

test('a re-authentication code is valid only for its session', async () => {
  const one = await ownerOfBrand();
  const other = await ownerOfBrand();
  await letProofAge(one.person.userId);
  await letProofAge(other.person.userId);
  const path = (brandId: string) => `/toko/${brandId}/rekening`;
  const { proof_id: id = '' } = fieldsOn((await one.person.post(path(one.brandId), account)).text);
  const { code } = await mailedProof(one.email);
  const foreign = { ...account, proof_id: id, proof_code: code };
  isAskedWith(await other.person.post(path(other.brandId), foreign), 410);
  assert.equal((await one.person.post(path(one.brandId), foreign)).status, 303);
});

test('a user with a second factor re-authenticates with it, and an e-mailed code is not enough', async () => {
  const { person, email, brandId } = await ownerOfBrand();
  const app: Authenticator = await setUpSecondFactor(service, person);
  const path = `/toko/${brandId}/rekening`;
  await letProofAge(person.userId);
  const asked = await person.post(path, account);
  isAsked(asked);
  assert.equal(fieldsOn(asked.text)['proof_id'], undefined);
  const used = app.around(0);
  isAskedWith(await person.post(path, { ...account, proof_code: used }), 422);
  assert.equal((await person.post(path, { ...account, proof_code: app.next() })).status, 303);
  await letProofAge(person.userId);
  const recovery = { ...account, proof_recovery_code: app.recoveryCodes[0]! };
  assert.equal((await person.post(path, recovery)).status, 303);
  await letProofAge(person.userId);
  isAskedWith(await person.post(path, recovery), 422);
  // Turning the second factor off is sensitive too. E-mail alone is not enough for it, because
  // anybody who can read the mailbox could then do it.
  const ending = await person.post('/akun/keamanan/matikan');
  isAsked(ending);
  const mails = await capturedEmails(service.app.mailer.outbox!, 1_000);
  const proofs = mails.filter(({ to, subject }) => to === email && /kode verifikasi/.test(subject));
  assert.equal(proofs.length, 0);
  assert.equal(
    (await person.post('/akun/keamanan/matikan', { proof_code: app.next() })).status,
    303,
  );
});

test('sensitive actions require re-authentication, and an operator’s daily work does not', async () => {
  await clear();
  const { person } = things.owner;
  await letProofAge(operator.userId);
  await letProofAge(person.userId);
  await queryRows(
    service.db,
    `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'admin'),
      ($1, $3, 'contributor')`,
    things.brandId,
    newId(),
    newId(),
  );
  const members = await queryRows<{ user_id: string; role: string }>(
    service.db,
    'select user_id, role from sambatan.brand_members where brand_id = $1',
    things.brandId,
  );
  const idOf = (role: string) => members.find((one) => one.role === role)!.user_id;
  const member = (role: string) => `/toko/${things.brandId}/anggota/${idOf(role)}`;
  const sensitive: [SiteClient, string, Record<string, string>][] = [
    [operator, '/operator/orang', { email: 'x@example.org' }],
    [operator, `/operator/orang/${newId()}/cabut`, {}],
    [operator, '/operator/uang/lunas', { id: newId(), reference: 'TRF 1' }],
    [operator, `/operator/uang/pencairan/${newId()}/lepas`, {}],
    [operator, `/operator/uang/pencairan/${newId()}/cair`, { reference: 'TRF 1' }],
    [operator, '/operator/pembayaran/rekening', account],
    [person, member('admin'), { role: 'contributor' }],
    [person, member('contributor'), { role: 'admin' }],
    [person, `${member('admin')}/keluar`, {}],
    [
      person,
      `/toko/${things.brandId}/anggota/undang`,
      { email: 'a@example.org', role: 'admin', language: 'id' },
    ],
    [person, `/toko/${things.brandId}/webhook`, { url: 'https://toko.example/x' }],
    [person, `/toko/webhook/${things.webhookId}/rahasia`, {}],
    [person, '/akun/keamanan/mulai', {}],
    [person, '/akun/keamanan/kode-cadangan', {}],
    [person, '/akun/keamanan/matikan', {}],
    [person, '/akun/hapus', { word: 'hapus' }],
  ];
  for (const [who, path, fields] of sensitive) {
    await clear();
    const answer = await who.post(path, fields);
    assert.equal(answer.status, 403, `${path}: ${answer.text.slice(0, 200)}`);
    assert.match(answer.text, /Verifikasi dulu/, path);
  }
  const everyday: [SiteClient, string, Record<string, string>, number][] = [
    [operator, `/operator/pembayaran/mutasi/${newId()}/sisihkan`, { reason: 'Biaya bank' }, 404],
    [person, `${member('contributor')}/keluar`, {}, 303],
    [person, `/toko/${things.brandId}/nama`, { name: 'Melati Baru' }, 303],
    [person, '/akun', { display_name: 'Ratri', language: 'id', time_zone: 'Asia/Jakarta' }, 303],
  ];
  for (const [who, path, fields, status] of everyday) {
    assert.equal((await who.post(path, fields)).status, status, path);
  }
});

test('the refund file is requested again by the form of the page that asked to re-authenticate', async () => {
  await clear();
  await letProofAge(operator.userId);
  const path = '/operator/uang/pengembalian.csv';
  const asked = await operator.get(path);
  isAsked(asked);
  assert.match(asked.text, new RegExp(`action="${path}"`));
  const fields = fieldsOn(asked.text);
  const { code } = await mailedProof('kepala@example.org');
  const file = await operator.post(path, { proof_id: fields['proof_id']!, proof_code: code });
  assert.equal(file.status, 200, file.text);
  assert.match(file.headers['content-type']!, /^text\/csv/);
  assert.equal((await operator.get(path)).status, 200);
});

test('repeated fields are passed on completely', async () => {
  await clear();
  await letProofAge(operator.userId);
  const [one, two] = [newId(), newId()];
  const { body, statusCode } = await service.server.inject({
    method: 'POST',
    url: '/operator/uang/lunas',
    headers: {
      cookie: `sambatan=${operator.cookies.get('sambatan')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
    },
    payload: `id=${one}&id=${two}&reference=TRF+1`,
  });
  assert.equal(statusCode, 403);
  for (const id of [one, two]) {
    assert.ok(body.includes(`<input type="hidden" name="id" value="${id}" />`));
  }
});

test('a token’s authentication time decides; a missing or future one is not recent; the service key is exempt', async () => {
  const minutesAgo = (minutes: number) => Math.floor(Date.now() / 1_000) - minutes * 60;
  const amr = (...ages: number[]) => ({
    amr: ages.map((age) => ({ method: 'otp', timestamp: minutesAgo(age) })),
  });
  const owner = await ownerOfBrand();
  const path = `/brands/${owner.brandId}/payout-account`;
  const as = async (claims: object) =>
    service.withToken(await token(owner.person.userId, { claims: { ...claims } }));
  const put = async (claims: object) =>
    await (await as(claims)).send({ method: 'PUT', path, body: account });
  const silent = { amr: undefined };
  for (const old of [
    amr(16),
    amr(90, 16),
    amr(-10),
    amr(1, -10),
    { ...silent, auth_time: minutesAgo(16) },
    { ...silent, auth_time: minutesAgo(-10) },
    { amr: ['otp'] },
    silent,
  ]) {
    expectProblem(await put(old), 403, 'reauthentication_required');
    // Reading data is not a sensitive action.
    assert.equal((await (await as(old)).get('/me')).status, 200);
  }
  for (const fresh of [amr(1), amr(90, 1), { ...silent, auth_time: minutesAgo(1) }]) {
    expectStatus(await put(fresh), 200);
  }
  expectProblem(
    await (await as(amr(16))).send({ method: 'DELETE', path: '/me' }),
    403,
    'reauthentication_required',
  );
  expectStatus(await service.service.send({ method: 'PUT', path, body: account }), 200);
  // The age of a session that was created from such a token counts from the time of authentication
  // in the token.
  const by = new SiteClient(service);
  for (const old of [amr(16), amr(-10), silent]) {
    const access_token = await token(owner.person.userId, { claims: { ...old } });
    await by.post('/masuk/token', { access_token });
    isAsked(await by.post(`/toko/${owner.brandId}/rekening`, account));
  }
});

test('a user of another service without an address here is sent back to that service', async () => {
  const userId = newId();
  const by = new SiteClient(service);
  await by.post('/masuk/token', { access_token: await token(userId) });
  await letProofAge(userId);
  const asked = await by.post('/akun/hapus', { word: 'hapus' });
  isAsked(asked);
  assert.match(asked.text, /lewat layanan tempat akunmu dibuat/);
});

test('an operator with an unused second factor is asked for it in place', async (t) => {
  const strict = await startHttpService({
    environment: {
      SAMBATAN_OPERATORS: 'kepala@example.org',
      SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: 'true',
    },
  });
  t.after(strict.close);
  const [one, other] = [
    await signIn(strict, 'kepala@example.org'),
    await signIn(strict, 'kepala@example.org'),
  ];
  await one.post('/akun/keamanan/mulai');
  const app = authenticatorFor(strict, keyOfPage((await one.get('/akun/keamanan/aplikasi')).text));
  await one.post('/akun/keamanan/aplikasi', { code: app.next() });
  assert.equal((await other.get('/operator')).status, 403);
  const asked = await other.post('/akun/keamanan/bukti');
  assert.match(asked.text, /Verifikasi dulu/);
  const shown = await other.post('/akun/keamanan/bukti', { proof_code: app.next() });
  assert.deepEqual([shown.status, shown.headers.location], [303, '/operator']);
  assert.equal((await other.get('/operator')).status, 200);
});
