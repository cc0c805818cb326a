import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { serverKey, signNotification } from '../support/fakes/midtrans.ts';
import { expectProblem, expectStatus, openShop } from '../support/builders/shop.ts';
import { requestCode, lastMail, SiteClient } from '../support/clients/sign-in.ts';
import { SiteForms } from '../support/clients/site.ts';

const service = await startHttpService({ environment: { MIDTRANS_SERVER_KEY: serverKey } });
after(service.close);
const shop = await openShop(service);

test('invisible characters are removed from a pasted address', async () => {
  const user = await service.user();
  const address = {
    label: 'Rumah',
    recipient: '\u202dSari\u00a0Dewi\u202c',
    phone: '+62\u00a0812\u20113456\u20117890\u200b',
    street: 'Jalan Ken\u00adanga 12',
    district: 'Coblong',
    city: 'Bandung',
    province: 'Jawa Barat',
    postal_code: '\u2066４０１３２\u2069',
  };
  const kept = expectStatus(await user.post('/me/addresses', address), 201);
  assert.equal(kept['recipient'], 'Sari Dewi');
  assert.equal(kept['street'], 'Jalan Kenanga 12');
  assert.equal(kept['postal_code'], '40132');
  assert.match(String(kept['phone']), /^[+\d -]+$/);
  assert.doesNotMatch(JSON.stringify(kept), /[\u00ad\u200b\u2066\u2069\u202d\u202c\ufeff]/);
});

test('a name keeps letters and emoji that consist of several characters', async () => {
  const user = await service.user();
  const name = 'Sari 👩‍🌾 Dewi–Ayu';
  const kept = expectStatus(await user.patch('/me', { display_name: `\ufeff${name}` }), 200);
  assert.equal(kept['display_name'], name);
});

/** A text as other programs copy it: with invisible marks and a no-break space. */
const pasted = (text: string) => `\ufeff\u202a${text}\u202c\u200b\u00a0`;
const fullWidth = (text: string) =>
  text.replaceAll(/[!-~]/g, (one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0));

test('an e-mail address and a code work with any pasted characters', async () => {
  for (const write of [pasted, fullWidth, (text: string) => pasted(fullWidth(text))]) {
    const email = `sari-${newId().slice(-8)}@contoh.id`;
    const client = new SiteClient(service);
    const id = await requestCode(client, write(email.replace('-', '\u00ad-')));
    const { code } = await lastMail(service, email);
    const typed = `${code.slice(0, 3)}\u2009${code.slice(3)}`;
    const entered = await client.post('/masuk/kode', { id: pasted(id).trim(), code: write(typed) });
    assert.equal(entered.status, 303, entered.text);
  }
});

test('a bank account number is stored as digits, from forms and from the API', async () => {
  const written = [
    '5270\u00a0099\u2011001',
    '\u202d5270099001\u202c',
    '５２７０ー099001'.replace('ー', '－'),
  ];
  for (const number of written) {
    const user = await service.user();
    const fields = { bank: 'BCA', number, holder: pasted('Sari Dewi') };
    const answer = await new SiteForms(service.url, user).post('/akun/rekening', fields);
    assert.equal(answer.status, 303, answer.text);
    const kept = expectStatus(await user.get('/refund-account'), 200);
    assert.deepEqual([kept['number'], kept['holder']], ['5270099001', 'Sari Dewi']);
    const path = `/brands/${shop.brandId}/payout-account`;
    const owned = expectStatus(
      await shop.seller.send({ method: 'PUT', path, body: { ...fields, bank: pasted('BCA') } }),
      200,
    );
    assert.deepEqual([owned['bank'], owned['number']], ['BCA', '5270099001']);
  }
});

test('an invalid bank account number is refused with the reason', async () => {
  const user = await service.user();
  const fields = { bank: 'BCA', number: '52700ABC', holder: 'Sari' };
  const form = await new SiteForms(service.url, user).post('/en/akun/rekening', fields);
  assert.equal(form.status, 422);
  assert.match(form.text, /Enter 5 to 30 digits/);
  const refused = await user.send({
    method: 'PUT',
    path: '/refund-account',
    body: fields,
  });
  assert.match(refused.text, /5 sampai 30 angka/);
});

test('a form with files is cleaned like any other', async () => {
  const forms = new SiteForms(service.url, shop.seller);
  const name = `Kopi${newId().slice(-6)}`;
  const fields = {
    name: pasted(name),
    base_price: '１５０.０００',
    weight_grams: '４００',
    description: 'Wangi\u00ad 👩‍🌾',
  };
  const answer = await forms.upload(`/toko/${shop.brandId}/produk/baru`, fields);
  assert.equal(answer.status, 303, answer.text);
  const { items } = expectStatus(await shop.seller.get(`/products?brand_id=${shop.brandId}`), 200);
  const made = items.find((one) => one['name'] === name);
  assert.deepEqual([made?.['base_price'], made?.['description']], [150_000, 'Wangi 👩‍🌾']);
});

test('the telephone number in an order’s address is recognised', async () => {
  const { id } = await shop.campaign({});
  const buyer = await service.user();
  const forms = new SiteForms(service.url, buyer);
  const key = /name="key" value="([^"]+)"/.exec((await forms.get(`/sambatan/${id}`)).text)![1]!;
  const digits = newId().replaceAll(/\D/g, '').slice(-8).padStart(8, '7');
  const phone = `０８１２\u2013${digits.slice(0, 4)}\u2011${digits.slice(4)}`;
  const note = 'Titip ke \u200fשומר\u200f, ya 👩‍🌾 ½ kg – terima kasih';
  const shipping_address = `Sari,\u00a0Jalan Kenanga 12½, Bandung ４０１３２, ${phone}`;
  const answer = await forms.post(`/sambatan/${id}/ikut`, {
    key,
    quantity: '１',
    shipping_address,
    note,
  });
  assert.equal(answer.status, 303, answer.text);
  const order = answer.location.slice('/ikutan/'.length).replace('?baru', '');
  const kept = expectStatus(await buyer.get(`/participations/${order}`), 200);
  assert.equal(
    kept['shipping_address'],
    `Sari, Jalan Kenanga 12½, Bandung 40132, 0812-${digits.slice(0, 4)}-${digits.slice(4)}`,
  );
  assert.equal(kept['note'], note, 'a note keeps its emoji, its scripts and its dashes');
  const found = await (await service.operator()).get(`//operator/ikutan?q=0812${digits}`);
  assert.ok(found.text.includes(order));
});

test('searches and filters are cleaned like fields', async () => {
  const word = `Uji${newId().slice(-6)}`;
  await shop.campaign({ title: `${word}\u200b Me\u00adlati` });
  for (const typed of [pasted(`${word} melati`), `${word}\u00a0mel\u00adati`]) {
    const found = expectStatus(
      await service.visitor.get(`/campaigns?q=${encodeURIComponent(typed)}`),
      200,
    );
    assert.deepEqual(
      found.items.map((one) => one['title']),
      [`${word} Melati`],
    );
  }
});

test('direction marks are removed from a name, and an empty name is refused', async () => {
  const user = await service.user();
  const kept = expectStatus(await user.patch('/me', { display_name: 'Toko \u202egnudab' }), 200);
  assert.equal(kept['display_name'], 'Toko gnudab');
  expectProblem(
    await user.patch('/me', { display_name: '\u200b\u2066\u2069' }),
    422,
    'validation_failed',
  );
});

test('a provider notification is verified as it was signed', async () => {
  const told = {
    order_id: `SBT-${newId()}\u200b`,
    status_code: '200',
    gross_amount: '1\u00a0000.00',
    transaction_status: 'settlement',
    transaction_id: newId(),
  };
  const path = '/gateway/midtrans/notifications';
  const genuine = await service.visitor.post(path, signNotification(told));
  assert.notEqual(genuine.body.code, 'notification_not_genuine', genuine.text);
  const cleaned = { ...signNotification(told), gross_amount: '1 000.00' };
  expectProblem(await service.visitor.post(path, cleaned), 403, 'notification_not_genuine');
});

test('pasting variants under one idempotency key are the same request; other changes are refused', async () => {
  const { seller } = shop;
  const headers = { 'idempotency-key': newId() };
  const send = (name: string) => seller.post('/brands', { name }, headers);
  const first = expectStatus(await send('Toko Dewi'), 201);
  const again = expectStatus(await send(pasted('Toko\u00a0De\u00adwi').trim()), 201);
  assert.equal(again.id, first.id);
  expectProblem(await send('Toko Ayu'), 422, 'idempotency_key_reused');
});
