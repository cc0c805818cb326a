import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { parsePage, type PageForm } from '../support/clients/page.ts';
import { expectStatus, openShop } from '../support/builders/shop.ts';
import {
  requestCode,
  lastMail,
  signIn,
  SiteClient,
  type SignedInClient,
} from '../support/clients/sign-in.ts';

/*
 * A session that ends while its user fills in a form. The page tells the user why signing in is
 * necessary. After that, the user finds the same form with the typed text and can submit it.
 */

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'petugas@example.org' },
});
after(service.close);
const shop = await openShop(service);
const address = 'Sri Rahayu, Jalan Melati 5 RT 02, Yogyakarta 55281, 081234567890';

async function endSessions({ userId }: SignedInClient): Promise<void> {
  await queryRows(service.db, 'delete from sambatan_auth.sessions where user_id = $1', userId);
}

/**
 * Signs in again with the same browser, starting at the sign-in page `from`. Returns the path to
 * which the sign-in leads.
 */
async function signInAgain(client: SiteClient, email: string, from: string): Promise<string> {
  const { forms } = parsePage((await client.get(from)).text);
  const back = forms.find(({ action }) => action?.endsWith('/masuk'))!.fields['back']!;
  await queryRows(service.db, 'delete from sambatan_auth.attempts');
  const id = await requestCode(client, email, back);
  const { code } = await lastMail(service, email);
  const entered = await client.post('/masuk/kode', { id, code, back });
  assert.equal(entered.status, 303, entered.text);
  return entered.headers.location!;
}

function formTo(text: string, action: string): PageForm {
  const form = parsePage(text).forms.find((one) => one.action === action);
  assert.ok(form !== undefined, `there is no form to ${action}`);
  return form;
}

test('a join typed while signed out is restored after sign-in, and not sent', async () => {
  const { id } = await shop.campaign({});
  const buyer = await signIn(service, 'sri@example.org');
  const path = `/sambatan/${id}`;
  const form = formTo((await buyer.get(path)).text, `${path}/ikut`);
  await endSessions(buyer);
  const typed = {
    ...form.fields,
    quantity: '3',
    shipping_address: address,
    note: 'Tolong hati-hati',
  };
  const sent = await buyer.post(`${path}/ikut`, typed);
  assert.equal(sent.status, 303);
  const signInPath = sent.headers.location!;
  assert.equal(signInPath, `/masuk?back=${encodeURIComponent(path)}&alasan=sesi`);
  const asked = parsePage((await buyer.get(signInPath)).text);
  assert.match(asked.notices[0]!, /Sesimu sudah berakhir\. Isianmu sudah kami simpan/);

  const back = await signInAgain(buyer, 'sri@example.org', signInPath);
  assert.equal(back, path);
  const { text } = await buyer.get(back);
  const again = formTo(text, `${path}/ikut`);
  assert.deepEqual(
    [again.fields['quantity'], again.fields['shipping_address'], again.fields['note']],
    ['3', address, 'Tolong hati-hati'],
  );
  assert.notEqual(again.fields['key'], form.fields['key'], 'the form has a key of its own');
  assert.ok(parsePage(text).notices.some((one) => /belum terkirim/.test(one)));
  const { participant_count: people } = expectStatus(
    await service.visitor.get(`/campaigns/${id}`),
    200,
  );
  assert.equal(people, 0, 'nothing was sent by itself');

  // The typed text is still there after a reload. It disappears when the form is sent.
  assert.equal(formTo((await buyer.get(path)).text, `${path}/ikut`).fields['quantity'], '3');
  const joined = await buyer.post(`${path}/ikut`, again.fields as Record<string, string>);
  assert.match(joined.headers.location!, /^\/ikutan\/[\w-]+\?baru$/);
  const fresh = formTo((await buyer.get(path)).text, `${path}/ikut`);
  assert.equal(fresh.fields['note'], '');
});

test('saved input is not shown to another user of the same browser', async () => {
  const { id } = await shop.campaign({});
  const path = `/en/sambatan/${id}`;
  const first = await signIn(service, 'pertama@example.org');
  await first.get(path);
  await endSessions(first);
  const sent = await first.post(`${path}/ikut`, { quantity: '2', shipping_address: address });
  assert.match(sent.headers.location!, /^\/en\/masuk\?back=/);
  const asked = parsePage((await first.get(sent.headers.location!)).text);
  assert.match(asked.notices[0]!, /Your session has ended\./);
  await signIn(service, 'kedua@example.org');
  const back = await signInAgain(first, 'kedua@example.org', sent.headers.location!);
  const { text } = await first.get(back.replace(/^\/en\/masuk\/nama.*/, path));
  assert.ok(!text.includes('Jalan Melati 5'));
});

test('a visitor who never signed in is told so, and finds the input again too', async () => {
  const { id } = await shop.campaign({});
  const path = `/sambatan/${id}`;
  await signIn(service, 'baru.masuk@example.org');
  const client = new SiteClient(service);
  const sent = await client.post(`${path}/ikut`, { quantity: '1', shipping_address: address });
  assert.equal(sent.headers.location, `/masuk?back=${encodeURIComponent(path)}&alasan=formulir`);
  const asked = parsePage((await client.get(sent.headers.location)).text);
  assert.match(asked.notices[0]!, /Masuk dulu, ya\. Isianmu sudah kami simpan/);
  await signInAgain(client, 'baru.masuk@example.org', sent.headers.location);
  const form = formTo((await client.get(path)).text, `${path}/ikut`);
  assert.equal(form.fields['shipping_address'], address);
});

test('long text, selections, checkboxes and collapsed parts are restored too', async () => {
  const seller = await signIn(service, 'penjual@example.org');
  const api = await service.user(seller.userId);
  const brand = expectStatus(await api.post('/brands', { name: 'Kebun Wangi' }), 201);
  const product = { brand_id: brand.id, name: 'Pagi', base_price: 90_000, sambatan_enabled: true };
  expectStatus(await api.post('/products', product), 201);
  const path = `/toko/${brand.id}/sambatan/baru`;
  const form = formTo((await seller.get(path)).text, path);
  // A story with half of the maximum length, in characters that do not compress well.
  const story = Array.from({ length: 250 }, (_, n) => `Kalimat ke-${n} ✿`).join('\n');
  await endSessions(seller);
  const typed = {
    ...form.fields,
    title: 'Batch pagi',
    description: story,
    payment_timing: 'upfront',
  };
  const sent = await seller.post(path, typed);
  const back = await signInAgain(seller, 'penjual@example.org', sent.headers.location!);
  assert.equal(back, path);
  const again = formTo((await seller.get(back)).text, path);
  assert.deepEqual(again.fields, { ...form.fields, ...typed });
});

test('codes, tokens and files are never saved, and a forged cookie shows nothing', async () => {
  const { id } = await shop.campaign({});
  const path = `/sambatan/${id}`;
  const client = new SiteClient(service);
  const secret = { code: '123456', access_token: 'rahasia', proof_code: '654321' };
  await client.post(`${path}/ikut`, secret);
  await client.post('/akun/keamanan/aplikasi', { code: '123456', note: 'x' });
  assert.equal(client.cookies.get('sambatan-formulir'), undefined);
  const buyer = await signIn(service, 'hati.hati@example.org');
  for (const forged of ['x', Buffer.alloc(200, 7).toString('base64url')]) {
    buyer.cookies.set('sambatan-formulir', forged);
    const { status, text } = await buyer.get(path);
    assert.equal(status, 200);
    assert.equal(formTo(text, `${path}/ikut`).fields['shipping_address'], '');
  }
});
