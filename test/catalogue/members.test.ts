import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join as pathOf } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { simpleParser, type ParsedMail } from 'mailparser';
import { newId } from '../../src/identity/ids.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, keepTransactionOpen, waitForLockWait } from '../support/builders/market.ts';
import { expectProblem, expectStatus, openShop, type Shop } from '../support/builders/shop.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

async function mailsTo(address: string): Promise<ParsedMail[]> {
  const outbox = service.app.mailer.outbox!;
  const mails = await Promise.all(
    readdirSync(outbox)
      .filter((name) => name.endsWith('.eml'))
      .toSorted()
      .map((name) => simpleParser(readFileSync(pathOf(outbox, name)))),
  );
  const wanted = address.toLowerCase();
  return mails.filter(({ to }) => [to].flat().some((one) => one?.text.toLowerCase() === wanted));
}

const linkIn = (mail: ParsedMail) => /https?:\/\/\S+/.exec(mail.text ?? '')![0];
const tokenIn = (mail: ParsedMail) => linkIn(mail).split('/').at(-1)!;
const someAddress = () => `tamu-${newId().slice(-10)}@contoh.id`;

async function invite(email: string, wish: object = {}, by: Client = shop.seller) {
  const body = { email, role: 'admin', ...wish };
  const answer = await by.post(`/brands/${shop.brandId}/invitations`, body);
  expectStatus(answer, 201);
  const token = tokenIn((await mailsTo(email)).at(-1)!);
  service.secrets.add(token);
  return token;
}

const accept = (client: Client, token: string) => client.post('/invitations/accept', { token });

async function memberWith(role: 'owner' | 'admin' | 'contributor', brandId = shop.brandId) {
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

async function rolesOf(brandId = shop.brandId): Promise<Map<string, string>> {
  const answer = await service.service.get(`/brands/${brandId}/members`);
  const items = expectStatus(answer, 200).items;
  return new Map(items.map((one) => [String(one['user_id']), String(one['role'])]));
}

suite('an invitation', () => {
  test('makes one holder of its link a member', async () => {
    const token = await invite(someAddress(), { role: 'contributor' });
    const [first, second] = [await service.user(), await service.user()];
    assert.equal(expectStatus(await accept(first, token), 200)['role'], 'contributor');
    expectProblem(await accept(second, token), 404, 'invitation_not_found');
    expectProblem(await accept(first, token), 404, 'invitation_not_found');
    assert.equal((await rolesOf()).get(first.userId), 'contributor');
    assert.equal((await rolesOf()).has(second.userId), false);
  });

  test('accepted concurrently makes one user a member', async () => {
    const token = await invite(someAddress());
    const people = await Promise.all(Array.from({ length: 12 }, () => service.user()));
    const answers = await Promise.all(people.map((one) => accept(one, token)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [
      200,
      ...Array.from({ length: 11 }, () => 404),
    ]);
  });

  test('is written in the recipient’s language, else in the chosen one', async () => {
    const [known, english, unknown] = [someAddress(), someAddress(), someAddress()];
    await queryRows(
      service.db,
      `insert into sambatan.profiles (user_id, display_name, locale, email)
      values ($1, 'Known', 'en', upper($2))`,
      newId(),
      known,
    );
    await invite(known);
    await invite(english, { language: 'en' });
    await invite(unknown);
    const [[a], [b], [c]] = [await mailsTo(known), await mailsTo(english), await mailsTo(unknown)];
    assert.match(a!.subject!, /^You’re invited/);
    assert.match(linkIn(a!), /^http:\/\/127\.0\.0\.1:\d+\/en\/toko\/undangan\/[\w-]{43}$/);
    assert.match(b!.subject!, /^You’re invited/);
    assert.equal(c!.subject, 'Kamu diundang mengelola brand di Sambatan');
    assert.match(linkIn(c!), /:\d+\/toko\/undangan\/[\w-]{43}$/);
  });

  test('to the same address replaces the earlier one', async () => {
    const email = someAddress();
    const earlier = await invite(email);
    const now = await invite(email.toUpperCase());
    expectProblem(await accept(await service.user(), earlier), 404, 'invitation_not_found');
    expectStatus(await accept(await service.user(), now), 200);
  });

  test('ends when it expires or is revoked', async () => {
    const [late, back] = [await invite(someAddress()), someAddress()];
    await queryRows(
      service.db,
      `update sambatan.brand_invitations set expires_at = now() - interval '1 second'
      where token_hash = sha256($1)`,
      Buffer.from(late),
    );
    expectProblem(await accept(await service.user(), late), 404, 'invitation_not_found');
    const token = await invite(back);
    const path = `/brands/${shop.brandId}/invitations`;
    const { items } = expectStatus(await shop.seller.get(path), 200);
    const { id } = items.find((one) => one['email'] === back)!;
    assert.equal((await shop.seller.send({ method: 'DELETE', path: `${path}/${id}` })).status, 200);
    expectProblem(await accept(await service.user(), token), 404, 'invitation_not_found');
  });

  test('has a token that only the e-mail contains; the stored hash cannot be used', async () => {
    const token = await invite(someAddress());
    const rows = await queryRows<{ all: string }>(
      service.db,
      'select string_agg(i::text, $1) as all from sambatan.brand_invitations i',
      '',
    );
    assert.ok(!rows[0]!.all.includes(token));
  });

  test('is not used up by an existing member', async () => {
    const token = await invite(someAddress());
    expectProblem(await accept(shop.seller, token), 409, 'already_member');
    expectStatus(await accept(await service.user(), token), 200);
  });

  test('needs a valid address, and their number per day is limited', async () => {
    const own = await openShop(service);
    const path = `/brands/${own.brandId}/invitations`;
    for (const email of [
      'a@b',
      'tamu contoh.id',
      'a@b.id\r\nBcc: x@y.id',
      '<x@y.id>',
      'a@b.id,c@d.id',
    ]) {
      const answer = await own.seller.post(path, { email, role: 'admin' });
      expectProblem(answer, 422, 'validation_failed');
    }
    expectProblem(
      await own.seller.post(path, { email: someAddress(), role: 'owner' }),
      422,
      'validation_failed',
    );
    for (let n = 0; n < 20; n++) {
      expectStatus(await own.seller.post(path, { email: someAddress(), role: 'admin' }), 201);
    }
    const more = await own.seller.post(path, { email: someAddress(), role: 'admin' });
    expectProblem(more, 409, 'too_many_invitations');
  });
});

test('an invitation ends if its e-mail is rejected', async () => {
  const apart = await startHttpService({
    environment: { SMTP_URL: 'smtp://127.0.0.1:1' },
    sharedWith: service,
  });
  try {
    const { userId, token } = shop.seller;
    assert.ok(userId && token);
    const path = `/brands/${shop.brandId}/invitations`;
    const email = someAddress();
    const answer = await apart.withToken(token).post(path, { email, role: 'admin' });
    expectProblem(answer, 503, 'mail_unavailable');
    const { items } = expectStatus(await shop.seller.get(path), 200);
    assert.ok(!items.some((one) => one['email'] === email));
  } finally {
    await apart.close();
  }
});

suite('roles', () => {
  const member = (client: Client) => `/brands/${shop.brandId}/members/${client.userId}`;
  const remove = (by: Client, of: Client) => by.send({ method: 'DELETE', path: member(of) });

  test('an admin manages everybody except owners, and cannot appoint owners', async () => {
    const [admin, helper] = [await memberWith('admin'), await memberWith('contributor')];
    assert.equal((await admin.patch(member(helper), { role: 'admin' })).status, 200);
    expectProblem(await admin.patch(member(helper), { role: 'owner' }), 403, 'forbidden');
    expectProblem(await admin.patch(member(shop.seller), { role: 'admin' }), 403, 'forbidden');
    expectProblem(await remove(admin, shop.seller), 403, 'forbidden');
    assert.equal((await remove(admin, helper)).status, 200);
    expectProblem(await remove(admin, helper), 404, 'member_not_found');
    assert.equal((await remove(admin, admin)).status, 200, 'whoever wants to may leave');
  });

  test('a contributor changes no roles, and may leave', async () => {
    const [helper, other] = [await memberWith('contributor'), await memberWith('contributor')];
    expectProblem(await helper.patch(member(helper), { role: 'admin' }), 403, 'forbidden');
    expectProblem(await remove(helper, other), 403, 'forbidden');
    assert.equal((await remove(helper, helper)).status, 200);
  });

  test('the last owner can neither leave nor be removed', async () => {
    const own = await openShop(service);
    const path = `/brands/${own.brandId}/members/${own.seller.userId}`;
    for (const by of [own.seller, service.service]) {
      expectProblem(await by.send({ method: 'DELETE', path }), 409, 'last_owner');
      expectProblem(await by.patch(path, { role: 'admin' }), 409, 'last_owner');
    }
    const second = await memberWith('owner', own.brandId);
    assert.equal((await second.send({ method: 'DELETE', path })).status, 200);
  });

  test('if two owners leave concurrently, one stays', async () => {
    for (let round = 0; round < 8; round++) {
      const own = await openShop(service);
      const second = await memberWith('owner', own.brandId);
      const leave = (client: Client) =>
        client.send({
          method: 'DELETE',
          path: `/brands/${own.brandId}/members/${client.userId}`,
        });
      const answers = await Promise.all([leave(own.seller), leave(second)]);
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409]);
      assert.equal((await rolesOf(own.brandId)).size, 1);
    }
  });
});

test('by forms: invite, accept, change a role, leave', async () => {
  const owner = new SiteForms(service.url, shop.seller);
  const page = `/toko/${shop.brandId}/anggota`;
  const email = someAddress();
  const fields = { email, role: 'contributor', language: 'en' };
  assert.equal((await owner.post(`${page}/undang`, fields)).status, 303);
  assert.ok((await owner.get(page)).text.includes(email));
  const wrong = await owner.post(`${page}/undang`, { ...fields, email: 'bukan alamat' });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /id="email-error"/);

  const path = new URL(linkIn((await mailsTo(email))[0]!)).pathname;
  service.secrets.add(path.split('/').at(-1)!);
  const guest = await service.user();
  const forms = new SiteForms(service.url, guest);
  const visitor = new SiteForms(service.url, service.visitor);
  const asked = await visitor.get(path);
  assert.equal(asked.location, `/en/masuk?back=${encodeURIComponent(path.slice(3))}`);
  assert.match((await forms.get(path)).text, /Join Melati Wangi\?/);
  assert.match((await forms.post(path)).location, /^\/en\/toko\/[\da-f-]{36}\?kabar=bergabung$/);
  assert.equal((await forms.get(path)).status, 404);

  const of = `${page}/${guest.userId}`;
  assert.equal((await owner.post(of, { role: 'admin' })).status, 303);
  assert.equal((await rolesOf()).get(guest.userId), 'admin');
  const last = await owner.post(`${page}/${shop.seller.userId}`, { role: 'admin' });
  assert.equal(last.status, 409);
  assert.match(last.text, /setidaknya satu pemilik/);
  assert.equal((await forms.post(`${of}/keluar`)).location, '/toko?kabar=keluar');
  assert.equal((await rolesOf()).has(guest.userId), false);
});

test('authorized members rename a brand, and the brand is listed for its members', async () => {
  const contributor = await memberWith('contributor');
  const path = `/brands/${shop.brandId}`;
  expectProblem(await contributor.patch(path, { name: 'Lain' }), 403, 'forbidden');
  assert.equal(
    expectStatus(await shop.seller.patch(path, { name: 'Melati Baru' }), 200)['name'],
    'Melati Baru',
  );
  const mine = expectStatus(await contributor.get('/brands'), 200).items;
  assert.deepEqual(
    mine.map((one) => [one.id, one['name'], one['role']]),
    [[shop.brandId, 'Melati Baru', 'contributor']],
  );
  const named = `/brands?user_id=${contributor.userId}`;
  assert.equal(expectStatus(await service.service.get(named), 200).items.length, 1);
});

test('an edit of a draft by a contributor during its publication does not change published terms', async (t) => {
  const helper = await memberWith('contributor');
  const { id } = await shop.campaign({ publish: false, title: 'Senja yang tenang' });
  const edit = (title: string) => helper.patch(`/campaigns/${id}`, { title });
  expectStatus(await edit('Senja yang lembut'), 200);
  const publishing = await keepTransactionOpen(service.db, (tx) =>
    queryRows(tx, "select sambatan.open_campaign($1, 'service')", id),
  );
  t.after(() => publishing.commit());
  const late = edit('Senja yang lain');
  await waitForLockWait(service.db);
  await publishing.commit();
  expectProblem(await late, 403, 'forbidden');
  const { body } = await service.visitor.get(`/campaigns/${id}`);
  assert.deepEqual([body.status, body['title']], ['active', 'Senja yang lembut']);
});
