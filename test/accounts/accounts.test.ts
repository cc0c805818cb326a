import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { addressLine } from '../../src/accounts/account.ts';
import { withOperatorRole } from '../../src/accounts/operators.ts';
import { nameFrom } from '../../src/accounts/sign-in/sign-in.ts';
import { authenticator } from '../../src/identity/authenticate.ts';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { expectProblem, expectStatus, join, openShop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';
import { homeAddress, signIn } from '../support/clients/sign-in.ts';
import { pdfOf } from '../support/builders/pdf.ts';

const service = await startHttpService();
after(service.close);

test('a saved address produces a valid shipping address for a join', async () => {
  const buyer = await service.user();
  const saved = expectStatus(await buyer.post('/me/addresses', homeAddress), 201);
  assert.equal(
    saved['line'],
    'Sari Contoh (081234567890), Jalan Kenanga 12, Coblong, Bandung, Jawa Barat 40132',
  );
  const { id } = await (await openShop(service)).campaign();
  const joined = await join(buyer, id, { shipping_address: saved['line'] });
  assert.equal(joined['shipping_address'], saved['line']);
});

test('the longest saved address still fits into a shipping address', async () => {
  const buyer = await service.user();
  const long = { ...homeAddress, recipient: 'r'.repeat(60), street: 's'.repeat(94) };
  const saved = expectStatus(
    await buyer.post('/me/addresses', { ...long, city: 'c'.repeat(40) }),
    201,
  );
  assert.equal(String(saved['line']).length, 240);
  const longer = { ...long, city: 'c'.repeat(40), street: 's'.repeat(95) };
  const { errors } = expectProblem(
    await buyer.post('/me/addresses', longer),
    422,
    'validation_failed',
  );
  assert.equal(errors[0]!.field, 'street');
});

test('an undeliverable address is refused with a field error', async () => {
  const buyer = await service.user();
  const bad: readonly (readonly [keyof typeof homeAddress, string])[] = [
    ['phone', '12345'],
    ['phone', '0812-abc-7890'],
    ['phone', '+62812'],
    ['postal_code', '4013'],
    ['postal_code', '4013a'],
    ['recipient', ' x '],
    ['street', 'Jl 1'],
    ['label', 'x'.repeat(41)],
  ];
  for (const [field, value] of bad) {
    const answer = await buyer.post('/me/addresses', { ...homeAddress, [field]: value });
    const { errors } = expectProblem(answer, 422, 'validation_failed');
    assert.equal(errors[0]!.field, field, value);
  }
  for (const phone of ['0812 3456 7890', '+62 812-3456-7890', '628123456789', '+65 8123 4567']) {
    expectStatus(await buyer.post('/me/addresses', { ...homeAddress, phone }), 201);
  }
});

test('the default address is the first one, then the chosen one, then the newest remaining one', async () => {
  const buyer = await service.user();
  const ids: string[] = [];
  for (const label of ['satu', 'dua', 'tiga']) {
    const saved = await buyer.post('/me/addresses', { ...homeAddress, label });
    ids.push(expectStatus(saved, 201).id);
  }
  const defaults = async () =>
    expectStatus(await buyer.get('/me/addresses'), 200)
      .items.filter((item) => item['is_default'])
      .map(({ id }) => id);
  assert.deepEqual(await defaults(), [ids[0]]);
  expectStatus(await buyer.patch(`/me/addresses/${ids[1]}`, { is_default: true }), 200);
  assert.deepEqual(await defaults(), [ids[1]]);
  expectStatus(await buyer.patch(`/me/addresses/${ids[1]}`, { is_default: false }), 200);
  assert.deepEqual(await defaults(), [ids[1]]);
  const gone = await buyer.send({ method: 'DELETE', path: `/me/addresses/${ids[1]}` });
  assert.equal(gone.status, 204);
  assert.deepEqual(await defaults(), [ids[2]]);
});

test('an eleventh address is refused, also when many are saved concurrently', async () => {
  const buyer = await service.user();
  const answers = await Promise.all(
    Array.from({ length: 14 }, () => buyer.post('/me/addresses', homeAddress)),
  );
  const taken = answers.filter(({ status }) => status === 201);
  assert.equal(taken.length, 10);
  const refused = answers.find(({ status }) => status !== 201)!;
  expectProblem(refused, 409, 'too_many_addresses');
});

test('a user cannot see the address of another user', async () => {
  const saved = await (await service.user()).post('/me/addresses', homeAddress);
  const { id } = expectStatus(saved, 201);
  const other = await service.user();
  const path = `/me/addresses/${id}`;
  expectProblem(await other.patch(path, { label: 'x' }), 404, 'address_not_found');
  expectProblem(await other.send({ method: 'DELETE', path }), 404, 'address_not_found');
});

test('a profile stores name, language and time zone, and refuses an unknown time zone', async () => {
  const user = await service.user();
  const me = expectStatus(await user.get('/me'), 200);
  assert.deepEqual([me['display_name'], me['time_zone']], [null, 'Asia/Jakarta']);
  const change = { display_name: '  Sari   Dewi ', language: 'en', time_zone: 'Asia/Makassar' };
  const changed = expectStatus(await user.patch('/me', change), 200);
  assert.equal(changed['display_name'], 'Sari Dewi');
  assert.deepEqual(expectStatus(await user.get('/me'), 200), changed);
  for (const time_zone of ['Mars/Base', '+07:00', 'x', "Asia/Jakarta'"]) {
    expectProblem(await user.patch('/me', { time_zone }), 422, 'validation_failed');
  }
  for (const unseen of [' ', '\u200b\u2060', '\u2068\u2069', '\u3164']) {
    expectProblem(await user.patch('/me', { display_name: unseen }), 422, 'validation_failed');
  }
  // The format in which a phone copies a name from its contacts: between two invisible marks.
  const copied = await user.patch('/me', { display_name: '\u2068Sari Dewi\u2069' });
  assert.equal(expectStatus(copied, 200)['display_name'], 'Sari Dewi');
  expectProblem(await user.patch('/me', { email: 'x@y.id' }), 422, 'validation_failed');
});

test('an export contains all data of the user and none of other users', async () => {
  const shop = await openShop(service);
  const { id } = await shop.campaign();
  const buyer = await service.user();
  await buyer.patch('/me', { display_name: 'Sari' });
  await buyer.post('/me/addresses', homeAddress);
  const mine = await join(buyer, id);
  const others = await join(await service.user(), id, { note: 'Rahasia orang lain sekali' });
  const { text, body } = await buyer.get('/me/export');
  assert.ok(text.includes(mine.id) && text.includes('Jalan Kenanga 12'));
  assert.ok(!text.includes(others.id) && !text.includes('Rahasia orang lain'));
  assert.deepEqual(Object.keys(body).toSorted(), [
    'access_log',
    'account',
    'addresses',
    'answers_to_keys',
    'brands',
    'dispute_pictures',
    'disputes',
    'divided_transfers',
    'exported_at',
    'half_sign_ins',
    'invitations',
    'message_settings',
    'notifications',
    'participations',
    'payment_proofs',
    'payments',
    'profile',
    'refund_account',
    'reminders',
    'second_factor',
    'sessions',
    'transfers',
    'user_id',
    'waiting',
  ]);
  const sellers = await shop.seller.get('/me/export');
  assert.ok(sellers.text.includes(shop.brandId));
});

test('an account cannot be deleted while it has live participations or running campaigns', async () => {
  const shop = await openShop(service);
  const { id } = await shop.campaign();
  const buyer = await service.user();
  await join(buyer, id);
  expectProblem(await buyer.send(deletion), 409, 'account_has_participations');
  const { params } = expectProblem(await shop.seller.send(deletion), 409, 'account_has_campaigns');
  assert.equal(params['count'], 1);
});

const deletion = { method: 'DELETE', path: '/me' };

test('an account cannot be deleted while a proof of payment waits, even after its campaign has ended', async () => {
  const bank = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
  expectStatus(await service.service.post('/receiving-accounts', bank), 201);
  const shop = await openShop(service);
  const { id } = await shop.campaign({ payment_timing: 'upfront' });
  const buyer = await service.user();
  const { id: held } = await join(buyer, id);
  const proof = await buyer.send({
    method: 'POST',
    path: `/participations/${held}/proof`,
    body: Buffer.from(pdfOf()),
    headers: { 'content-type': 'application/pdf' },
  });
  expectStatus(proof, 200);
  expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'Bahan habis' }), 200);
  expectProblem(await buyer.send(deletion), 409, 'account_has_participations');
  const why = { reason: 'Tidak ada transfer' };
  const staff = service.service;
  expectStatus(await staff.post(`/participations/${held}/payment/reject`, why), 200);
  assert.equal((await buyer.send(deletion)).status, 204);
});

async function memberOf(brandId: string, role: 'owner' | 'admin') {
  const client = await service.user();
  await queryRows(
    service.db,
    `insert into sambatan.brand_members (brand_id, user_id, role)
    values ($1, $2, $3::sambatan.brand_role)`,
    brandId,
    client.userId,
    role,
  );
  return client;
}

test('the last owner of a brand with other members must transfer it before deleting the account', async () => {
  const { brandId, seller } = await openShop(service);
  const admin = await memberOf(brandId, 'admin');
  const { params } = expectProblem(await seller.send(deletion), 409, 'account_owns_brand');
  assert.equal(params['brand_id'], brandId);
  const path = `/brands/${brandId}/members/${admin.userId}`;
  expectStatus(await seller.patch(path, { role: 'owner' }), 200);
  assert.equal((await seller.send(deletion)).status, 204);
  expectStatus(await admin.get(`/brands/${brandId}/members`), 200);
});

test('the page tells the last owner in both languages what to do first', async () => {
  const { brandId, seller } = await openShop(service);
  await memberOf(brandId, 'admin');
  const forms = new SiteForms(service.url, seller);
  for (const [path, word, title, shop] of [
    ['/akun/hapus', 'HAPUS', 'Serahkan dulu brand-mu', '/toko'],
    ['/en/akun/hapus', 'DELETE', 'Hand your brand over first', '/en/toko'],
  ] as const) {
    const page = await forms.post(path, { word });
    assert.equal(page.status, 409);
    const notice = /<div class="notice bad"[^]*?<\/div>/.exec(page.text)![0];
    assert.ok(notice.includes(title) && notice.includes(`href="${shop}"`), notice);
  }
});

test('an owner may delete their account while another owner keeps the campaigns and the payout account', async () => {
  const shop = await openShop(service);
  await shop.campaign();
  const account = { bank: 'BCA', number: '1234567890', holder: 'Toko Melati' };
  const accountPath = `/brands/${shop.brandId}/payout-account`;
  expectStatus(await shop.seller.send({ method: 'PUT', path: accountPath, body: account }), 200);
  const other = await memberOf(shop.brandId, 'owner');
  assert.equal((await shop.seller.send(deletion)).status, 204);
  assert.equal(expectStatus(await other.get(accountPath), 200)['holder'], account.holder);
  expectProblem(await other.send(deletion), 409, 'account_has_campaigns');
});

test('the only member of a brand cannot leave before the payout is settled', async () => {
  const shop = await openShop(service);
  const { id } = await shop.campaign({ total_slots: 1 });
  const buyer = await service.user();
  await join(buyer, id);
  await (await service.operator()).post('/scheduler/trigger');
  assert.equal((await service.visitor.get(`/campaigns/${id}`)).body['status'], 'completed');
  const { params } = expectProblem(await shop.seller.send(deletion), 409, 'account_has_campaigns');
  assert.equal(params['count'], 1);
});

test('if two owners delete their accounts concurrently, one stays for the remaining members', async () => {
  for (let round = 0; round < 8; round++) {
    const { brandId, seller } = await openShop(service);
    await memberOf(brandId, 'admin');
    const second = await memberOf(brandId, 'owner');
    const answers = await Promise.all([seller, second].map((one) => one.send(deletion)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [204, 409]);
  }
});

test('nobody can be invited to a brand without members', async () => {
  const { brandId, seller } = await openShop(service);
  const invited = { email: 'diundang.dulu@example.org', role: 'admin' };
  expectStatus(await seller.post(`/brands/${brandId}/invitations`, invited), 201);
  assert.equal((await seller.send(deletion)).status, 204);
  const [left] = await queryRows<{ open: number }>(
    service.db,
    `select count(*)::integer as open from sambatan.brand_invitations
    where brand_id = $1 and cancelled_at is null`,
    brandId,
  );
  assert.equal(left?.open, 0);
});

test('account deletion withdraws waiting-list entries and erases their addresses', async () => {
  const { id } = await (await openShop(service)).campaign({ total_slots: 1 });
  await join(await service.user(), id);
  const person = await signIn(service, 'antre.dulu@example.org');
  const buyer = await service.user(person.userId);
  const wish = { quantity: 1, shipping_address: 'Gang Penantian 9, Solo', note: 'Catatanku' };
  const entry = expectStatus(await buyer.post(`/campaigns/${id}/waiting`, wish), 201);
  const { text } = await buyer.get('/me/export');
  assert.ok(text.includes(entry.id) && text.includes('Gang Penantian 9'));
  assert.equal((await buyer.send(deletion)).status, 204);
  const left = await service.db.rows<[string], { found: string }>(
    {
      name: 'test_left_waiting',
      text: `select to_jsonb(w)::text as found from sambatan.waiting_entries w
        where user_id = $1`,
    },
    person.userId,
  );
  assert.equal(left.length, 1);
  assert.doesNotMatch(left[0]!.found, /Penantian|Catatanku/);
  assert.match(left[0]!.found, /"status": "withdrawn"/);
});

test('account deletion erases personal data; books and audit log stay', async () => {
  const shop = await openShop(service);
  const { id } = await shop.campaign();
  const person = await signIn(service, 'pamit.sekali@example.org');
  const buyer = await service.user(person.userId);
  await buyer.post('/me/addresses', homeAddress);
  const shipping_address = 'Gang Kenangan Terakhir 9, Solo';
  const wish = { shipping_address, note: 'Catatan pribadiku' };
  const { id: participationId } = await join(buyer, id, wish);
  expectStatus(await buyer.post(`/participations/${participationId}/cancel`), 200);
  const wrong = await person.post('/akun/hapus', { word: 'ya' });
  assert.equal(wrong.status, 422);
  const gone = await person.post('/akun/hapus', { word: 'hapus' });
  assert.deepEqual([gone.status, gone.headers.location], [303, '/']);
  assert.equal((await person.get('/akun')).status, 303);
  const left = await service.db.rows<[string], { found: string }>(
    {
      name: 'test_left',
      text: `select to_jsonb(p)::text as found from sambatan.participants p where user_id = $1
        union all select to_jsonb(p)::text from sambatan.profiles p where user_id = $1
        union all select to_jsonb(a)::text from sambatan.addresses a where user_id = $1
        union all select to_jsonb(s)::text from sambatan_auth.sessions s where user_id = $1
        union all select to_jsonb(s)::text from sambatan_auth.sign_ins s
          where email = 'pamit.sekali@example.org'
        union all select to_jsonb(a)::text from sambatan_auth.accounts a where user_id = $1`,
    },
    person.userId,
  );
  assert.equal(left.length, 1);
  assert.doesNotMatch(left[0]!.found, /Kenangan|Catatan|pamit/);
  const again = await signIn(service, 'pamit.sekali@example.org');
  assert.notEqual(again.userId, person.userId);
});

test('an operator grants the role to another user, effective from the next page until revoked', async () => {
  const operator = await service.operator();
  const person = await signIn(service, 'calon@example.org');
  const sees = async () => (await person.get('/operator')).status;
  assert.equal(await sees(), 403);
  expectProblem(
    await operator.post('/operators', { email: 'nobody@example.org' }),
    404,
    'account_not_found',
  );
  const { body } = await operator.post('/operators', { email: ' Calon@example.org ' });
  assert.equal(body['user_id'], person.userId);
  expectStatus(await operator.post('/operators', { email: 'calon@example.org' }), 201);
  assert.equal(await sees(), 200);
  const listed = expectStatus(await operator.get('/operators'), 200).items;
  assert.deepEqual(
    listed.map((one) => [one['email'], one['named_by']]),
    [['calon@example.org', `operator:${operator.userId}`]],
  );
  const dismissal = { method: 'DELETE', path: `/operators/${person.userId}` };
  assert.equal((await operator.send(dismissal)).status, 204);
  assert.equal(await sees(), 403);
  const trail = await service.db.rows({
    name: 'test_trail',
    text: 'select change, actor from sambatan_auth.operator_changes order by change_id',
  });
  assert.deepEqual(trail, [
    { change: 'granted', actor: `operator:${operator.userId}` },
    { change: 'revoked', actor: `operator:${operator.userId}` },
  ]);
  await assert.rejects(
    service.db.rows({ name: 'test_tamper', text: 'delete from sambatan_auth.operator_changes' }),
    /append-only/,
  );
});

test('a granted operator is also one with a token; a join needs no role lookup', async () => {
  const operator = await service.operator();
  const user = await service.user();
  const { userId } = user;
  let clock = 0;
  let asked = 0;
  const db = {
    rows: async (...given: Parameters<typeof service.db.rows>) => {
      asked++;
      return await service.db.rows(...given);
    },
  } as typeof service.db;
  const rules = { ...service.app.config.identity, serviceKey };
  const check = withOperatorRole(authenticator(rules), db, { needFactor: false, now: () => clock });
  const kind = async (asBuyer?: boolean) =>
    (await check(`Bearer ${user.token}`, '127.0.0.1', asBuyer)).kind;
  assert.equal(await kind(true), 'user');
  assert.equal(asked, 0);
  assert.deepEqual(await Promise.all([kind(), kind(), kind()]), ['user', 'user', 'user']);
  assert.equal(asked, 1);
  expectStatus(await operator.post('/operators', { user_id: userId }), 201);
  clock = 4_999;
  assert.equal(await kind(), 'user');
  clock = 5_000;
  assert.equal(await kind(), 'operator');
  assert.equal(await kind(true), 'user');
  assert.equal(asked, 2);
  const both = await operator.post('/operators', { user_id: userId, email: 'x@y.id' });
  expectProblem(both, 422, 'validation_failed');
  expectProblem(await operator.post('/operators', {}), 422, 'validation_failed');
  const dismissal = { method: 'DELETE', path: `/operators/${userId}` };
  assert.equal((await operator.send(dismissal)).status, 204);
  clock = 10_000;
  assert.equal(await kind(), 'user');
});

test('browsers of a Supabase project have no direct access to the tables', async () => {
  const open = await service.db.rows({
    name: 'test_open',
    text: `select c.oid::regclass::text as name from pg_class c
      where c.relkind = 'r' and (c.relnamespace = 'sambatan_auth'::regnamespace
        or c.oid = 'sambatan.addresses'::regclass)
        and (not c.relrowsecurity or exists (select from aclexplode(c.relacl) a
          where a.grantee <> c.relowner))`,
  });
  assert.deepEqual(open, []);
});

test('the site shows the profile, its language, the addresses and the way back', async () => {
  const person = await signIn(service, 'halaman.akun@example.org');
  assert.match((await person.get('/akun')).text, /value="Halaman Akun"/);
  const fields = { display_name: 'Sari <b>', language: 'en', time_zone: 'Asia/Jayapura' };
  const saved = await person.post('/akun', fields);
  assert.equal(saved.headers.location, '/en/akun?simpan=1');
  assert.match((await person.get('/en/akun')).text, /value="Sari &lt;b&gt;"/);
  const wrong = await person.post('/akun/alamat/baru', { ...homeAddress, phone: '1' });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /id="phone-error"/);
  assert.match(wrong.text, /value="Jalan Kenanga 12"/);
  const back = `/sambatan/${newId()}`;
  const added = await person.post('/akun/alamat/baru', { ...homeAddress, back });
  assert.equal(added.headers.location, back);
  const { text } = await person.get('/akun/alamat');
  assert.match(text, /Sari Contoh/);
  const id = /\/akun\/alamat\/([0-9a-f-]{36})"/.exec(text)![1];
  await person.post(`/akun/alamat/${id}`, { ...homeAddress, label: 'Kos' });
  assert.match((await person.get('/akun/alamat')).text, /Kos/);
  await person.post(`/akun/alamat/${id}/hapus`);
  assert.match((await person.get('/akun/alamat')).text, /Belum ada alamat/);
  const data = await person.get('/akun/data');
  assert.match(data.headers['content-disposition'] ?? '', /^attachment/);
  assert.equal(JSON.parse(data.text).account.email, 'halaman.akun@example.org');
});

test('sessions are listed and can be ended individually or all at once', async () => {
  const email = 'perangkat@example.org';
  const phone = await signIn(service, email, { 'user-agent': 'Android Chrome/150' });
  const laptop = await signIn(service, email, { 'user-agent': 'Linux Firefox/150' });
  const { text } = await laptop.get('/akun');
  assert.ok(text.includes('Chrome · Android') && text.includes('Firefox · Linux'));
  assert.match(text, /Firefox · Linux<\/strong\s*>\s*<[^>]*>perangkat ini</);
  assert.equal(text.split('perangkat ini<').length, 2);
  const ids = [...text.matchAll(/\/akun\/sesi\/([0-9a-f-]{36})/g)].map(([, id]) => id!);
  const stranger = await signIn(service, 'asing@example.org');
  for (const id of ids) await stranger.post(`/akun/sesi/${id}`);
  assert.equal((await phone.get('/akun')).status, 200);
  await laptop.post('/akun/sesi');
  assert.equal((await phone.get('/akun')).status, 303);
  assert.equal((await laptop.get('/akun')).status, 303);
});

test('a new user gets a name derived from the address that does not reveal it', () => {
  assert.equal(nameFrom('siti.aminah+x@example.org'), 'Siti Aminah');
  assert.equal(nameFrom('12345@example.org'), 'Pembeli');
  assert.equal(addressLine({ ...homeAddress, postalCode: '1' }).includes('undefined'), false);
});
