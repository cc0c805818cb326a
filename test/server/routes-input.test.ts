import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { namePattern } from '../../src/http/schemas.ts';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse, Body, Client } from '../support/clients/client.ts';
import { insertEndpoint, insertNotification } from '../support/builders/deliveries.ts';
import { unsignedNotification } from '../support/inputs/gateway-refusals.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { homeAddress } from '../support/clients/sign-in.ts';
import { queryRows } from '../support/builders/market.ts';
import { serverKey } from '../support/fakes/midtrans.ts';
import { moneyBodies } from '../support/inputs/money-refusals.ts';
import {
  campaignBody,
  expectProblem,
  expectStatus,
  fromNow,
  hourMs,
  join,
  joinBody,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';

const service = await startHttpService({ environment: { MIDTRANS_SERVER_KEY: serverKey } });
after(service.close);
const base = '/api/sambatan';

let shop: Shop;
let campaign: Body;
let draft: Body;
let participation: Body;
let full: Body;
let buyer: Client;
let messageId: string;
let webhookId: string;
before(async () => {
  shop = await openShop(service);
  campaign = await shop.campaign({ total_slots: 1_000_000 });
  draft = await shop.campaign({ publish: false });
  buyer = await service.user();
  participation = await join(buyer, campaign.id);
  full = await shop.campaign({ total_slots: 1 });
  await join(buyer, full.id);
  messageId = await insertNotification(service.db, campaign.id, buyer.userId);
  webhookId = (await insertEndpoint(service.db, shop.brandId)).id;
});

/** A valid request for every route with a body. Each test changes one thing in it. */
const good: Readonly<Record<string, () => { by: Client; id: string; body: object }>> = {
  'POST /brands': () => ({ by: shop.seller, id: '', body: { name: 'Melati' } }),
  'PATCH /brands/{id}': () => ({ by: shop.seller, id: shop.brandId, body: { name: 'Melati' } }),
  'PATCH /brands/{id}/members/{user_id}': () => ({
    by: shop.seller,
    id: shop.brandId,
    body: { role: 'admin' },
  }),
  'POST /brands/{id}/invitations': () => ({
    by: shop.seller,
    id: shop.brandId,
    body: { email: 'tamu@contoh.id', role: 'admin', language: 'id' },
  }),
  'POST /invitations/accept': () => ({ by: buyer, id: '', body: { token: 'a'.repeat(43) } }),
  'POST /products': () => ({
    by: shop.seller,
    id: '',
    body: { brand_id: shop.brandId, name: 'Senja', base_price: 1_000 },
  }),
  'PATCH /products/{id}': () => ({ by: shop.seller, id: shop.productId, body: { name: 'Senja' } }),
  'POST /campaigns': () => ({ by: shop.seller, id: '', body: campaignBody(shop.productId) }),
  'PATCH /campaigns/{id}': () => ({ by: shop.seller, id: draft.id, body: { title: 'Senja' } }),
  'POST /campaigns/{id}/extend': () => ({
    by: shop.seller,
    id: campaign.id,
    body: { deadline: fromNow(2 * hourMs), reason: 'masih ramai' },
  }),
  'POST /campaigns/{id}/cancel': () => ({
    by: shop.seller,
    id: campaign.id,
    body: { reason: 'bahan habis' },
  }),
  'POST /campaigns/{id}/decision': () => ({
    by: shop.seller,
    id: campaign.id,
    body: { decision: 'continue' },
  }),
  'POST /campaigns/{id}/join': () => ({
    by: service.service,
    id: campaign.id,
    body: joinBody({ user_id: newId() }),
  }),
  'POST /campaigns/{id}/waiting': () => ({
    by: service.service,
    id: full.id,
    body: joinBody({ user_id: newId() }),
  }),
  'PUT /notifications/settings/{topic}': () => ({ by: buyer, id: '', body: { email: true } }),
  'POST /notifications/read': () => ({ by: buyer, id: '', body: {} }),
  'POST /notifications/{id}/read': () => ({ by: buyer, id: messageId, body: {} }),
  'PUT /campaigns/{id}/reminder': () => ({ by: buyer, id: campaign.id, body: {} }),
  'DELETE /campaigns/{id}/reminder': () => ({ by: buyer, id: campaign.id, body: {} }),
  'POST /webhooks': () => ({
    by: shop.seller,
    id: '',
    body: { brand_id: shop.brandId, url: 'https://receiver.example/hook' },
  }),
  'PATCH /webhooks/{id}': () => ({ by: shop.seller, id: webhookId, body: { description: 'x' } }),
  'PATCH /me': () => ({ by: buyer, id: '', body: { display_name: 'Sari' } }),
  'POST /me/addresses': () => ({ by: buyer, id: '', body: homeAddress }),
  'PATCH /me/addresses/{id}': () => ({ by: buyer, id: newId(), body: { label: 'Kantor' } }),
  'POST /operators': () => ({
    by: service.service,
    id: '',
    body: { email: 'siapa@contoh.id' },
  }),
  'PATCH /participations/{id}': () => ({
    by: buyer,
    id: participation.id,
    body: { shipping_address: 'Jalan Kenanga 12, Coblong, Bandung' },
  }),
  'POST /participations/{id}/cancel': () => ({ by: buyer, id: participation.id, body: {} }),
  'POST /participations/{id}/confirm': () => ({
    by: service.service,
    id: participation.id,
    body: {},
  }),
  'POST /gateway/midtrans/notifications': () => ({
    by: service.visitor,
    id: '',
    body: unsignedNotification,
  }),
  ...Object.fromEntries(
    Object.entries(moneyBodies).map(([route, body]) => [
      route,
      () => ({ by: service.service, id: newId(), body: body() }),
    ]),
  ),
};

function send(route: string, body: unknown): Promise<ClientResponse> {
  const [method = '', template = ''] = route.split(' ');
  const { by, id } = good[route]!();
  return by.send({
    method,
    path: template.replace('{id}', id).replace('{user_id}', newId()).replace('{topic}', 'orders'),
    body,
  });
}

test('every route with a JSON body is tested here', () => {
  const withBody = service.contract.operations
    .filter(({ operation }) => operation.requestBody?.content['application/json'] !== undefined)
    .map(({ route }) => route.replace(base, ''));
  assert.deepEqual(withBody.toSorted(), Object.keys(good).toSorted());
});

/** A payment provider may send any field, also new ones. Only the signature decides. */
const isSigned = (route: string) => route.includes('/gateway/');

/** All stored data as one line of text, without the attempts to join. */
async function stored(): Promise<string> {
  const tables = [
    'brands',
    'brand_members',
    'products',
    'campaigns',
    'participants',
    'transactions',
    'audit_logs',
    'idempotency_keys',
    'waiting_entries',
    'notifications',
    'message_settings',
    'reminders',
    'webhook_endpoints',
  ];
  const each = tables.map(
    (name) => `(select count(*) || md5(string_agg(t::text, '' order by t::text))
      from sambatan.${name} t)`,
  );
  const [row] = await queryRows<{ all: string }>(
    service.db,
    `select concat_ws(',', ${each.join()}) as all`,
  );
  return row!.all;
}

/** Runs requests of which none may change the stored data. */
async function leavesNothing(tries: () => Promise<void>): Promise<void> {
  const untouched = await stored();
  await tries();
  assert.equal(await stored(), untouched, 'something was written');
}

interface Schema {
  readonly pattern?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const badIds = [
  '',
  'x',
  '1',
  '../../etc/passwd',
  "' or '1'='1",
  `${newId()} `,
  `{${newId()}}`,
  `urn:uuid:${newId()}`,
  newId().replaceAll('-', ''),
  `${newId()}\n`,
  'constructor',
];
const badTimes = [
  '',
  'tomorrow',
  '2027',
  '2027-01-01',
  '2027-01-01T00:00:00',
  '2027-01-01 00:00:00Z',
  '2027-13-01T00:00:00Z',
  '2027-02-30T00:00:00Z',
  '2027-01-01T25:00:00Z',
  // A leap second is valid by the standard, but most programs do not support it.
  '2027-06-30T23:59:60Z',
  '2027-07-01T06:59:60.5+07:00',
  '99999-01-01T00:00:00Z',
  '+099999-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '2027-01-01T00:00:00+99:99',
  '2027-01-01T00:00:00[Asia/Jakarta]',
  'NaN',
  'infinity',
  'now()',
  '2027-01-01T00:00:00Z\n',
  '١٠٢٧-01-01T00:00:00Z',
];

/** Names that a reader would take for another name, for two lines, or for nothing. */
const unfitNames = [
  'Toko Senja\r\nBcc: orang@example.test',
  'Toko\u2028Senja',
  '\u200b\u200b\u200b\u200b',
  '\u3164\u3164\u3164\u3164',
  ' \ufeff\u00ad\u2060 ',
];

/** Values that the schema of a field does not allow. */
function badValues(schema: Schema): unknown[] {
  const nullable = schema.anyOf?.some(({ type }) => type === 'null') ?? false;
  const { type, format, ...rest } = schema.anyOf?.find((one) => one.type !== 'null') ?? schema;
  const wrong: unknown[] = [{}, [], [[]], { $gt: '' }, ...(nullable ? [] : [null])];
  if (type === 'array') return [{}, [[]], [null], ['__proto__'], [1], 1, 'x', true, null];
  if (type === 'integer') {
    wrong.push('1', '', 'NaN', '1e3', true, 1.5, -1, -0.5, 1e308, (rest.maximum ?? 1e15) + 1);
    if (rest.minimum !== 0) wrong.push(0);
    return wrong;
  }
  if (type === 'boolean') return [...wrong, 'true', 'false', 0, 1, ''];
  wrong.push(1, 0, true, false, `Teks\0${'x'.repeat(20)}`, `\ud800${'x'.repeat(20)}`);
  wrong.push(`${'x'.repeat(20)}\udfff`);
  wrong.push(...['\u0007', '\u001b[31m', '\u007f', '\u009b'].map((one) => `Teks lain ${one} lagi`));
  if (format === 'uuid') return [...wrong, ...badIds];
  if (format === 'date-time') return [...wrong, ...badTimes];
  if (rest.enum)
    return [...wrong, '', rest.enum[0]!.toUpperCase(), `${rest.enum[0]} `, '__proto__'];
  const { minLength = 0, maxLength = 0 } = rest;
  wrong.push('x'.repeat(maxLength + 1), '😀'.repeat(maxLength + 1));
  // The database counts each code point of a combined character. Zero-width joiners are removed
  // before a name is stored, so four characters of this emoji remain.
  wrong.push('👨‍👩‍👧‍👦'.repeat(Math.floor(maxLength / 4) + 1));
  if (rest.pattern === namePattern) wrong.push(...unfitNames);
  if (minLength > 0) wrong.push('', 'x'.repeat(minLength - 1), ' '.repeat(minLength + 2));
  return wrong;
}

for (const route of Object.keys(good)) {
  test(`${route} refuses invalid values of each field`, async () => {
    const { operation } = service.contract.operations.find(
      (one) => one.route === route.replace(' ', ` ${base}`),
    )!;
    const { properties = {} } = operation.requestBody!.content['application/json']!
      .schema as Schema;
    await leavesNothing(async () => {
      for (const [name, schema] of Object.entries(properties)) {
        for (const value of badValues(schema)) {
          const answer = await send(route, { ...good[route]!().body, [name]: value });
          if (isSigned(route) && typeof value === 'string' && answer.status !== 422) {
            expectProblem(answer, 403, 'notification_not_genuine');
            continue;
          }
          const what = `${name}: ${JSON.stringify(value).slice(0, 60)} → ${answer.text}`;
          assert.ok(answer.status === 422, what);
          const fields = (answer.body.errors ?? []).map(({ field }) => field.split('.')[0]);
          assert.deepEqual([...new Set(fields)], [name], what);
        }
      }
    });
  });

  test(`${route} refuses unknown fields and invalid bodies`, async () => {
    const { body } = good[route]!();
    const json = JSON.stringify(body);
    const open = json.slice(0, -1) + (json === '{}' ? '' : ',');
    await leavesNothing(async () => {
      for (const [name, value] of Object.entries(injected)) {
        if (name in body) continue;
        const answer = await send(route, { ...body, [name]: value });
        if (isSigned(route)) expectProblem(answer, 403, 'notification_not_genuine');
        else expectProblem(answer, 422, 'validation_failed');
      }
      for (const raw of [
        ...malformed,
        `${open}"__proto__":{"status":"active"}}`,
        `${open}"constructor":{"prototype":{"admin":true}}}`,
        `${open}"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
        `${open}"x":${'['.repeat(700)}${']'.repeat(700)}}`,
        `${open}"x":1e400}`,
        `${open}"x":NaN}`,
        `${json}${json}`,
        `${json}/* comment */`,
        Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
        Buffer.from(json, 'utf16le'),
        Buffer.concat([Buffer.from([0xc0, 0x80]), Buffer.from(json)]),
      ]) {
        const answer = await send(route, raw);
        const isRefused = isSigned(route) && answer.body.code === 'notification_not_genuine';
        const fits = [400, 413, 422].includes(answer.status) || isRefused;
        assert.ok(fits, `${String(raw).slice(0, 80)} → ${answer.status} ${answer.text}`);
      }
    });
  });
}

/** Fields that an attacker would try to set. */
const injected: Readonly<Record<string, unknown>> = {
  id: newId(),
  status: 'active',
  filled_slots: 0,
  slots_taken: 0,
  actor: 'service',
  participation_id: newId(),
  created_at: '2027-01-01T00:00:00Z',
  platform_fee_basis_points: 0,
  'quantity ': 1,
  toString: 1,
};

const malformed = [
  '{',
  '"',
  '[]',
  '[{}]',
  '""',
  '1',
  'true',
  'nul',
  "{'a':1}",
  '{a:1}',
  '{"a":01}',
  '{"a":1,}',
  '\u0000',
  '{"a":"\t"}',
  '{"a":"\\x"}',
  '{"a":"\\u12"}',
  '<xml/>',
  '{"a":1}}',
];

test('a HEIC photo is refused with instructions, and image/jpg counts as JPEG', async () => {
  const path = `/participations/${participation.id}/proof`;
  const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1').toString('latin1');
  const upload = (type: string, body: string) =>
    buyer.send({ method: 'POST', path, body, headers: { 'content-type': type } });
  for (const type of ['image/heic', 'image/jpeg', 'image/jpg']) {
    const answer = await upload(type, heic);
    expectProblem(answer, 422, 'proof_not_accepted');
    assert.deepEqual(answer.body['params'], { reason: 'heic' });
    assert.match(String(answer.body['detail']), /HEIC/);
  }
  const text = await upload('image/jpg', 'no picture');
  assert.deepEqual(text.body['params'], { reason: 'wrong_type' });
});

test('a proof of payment without a file is refused as unreadable', async () => {
  const path = `/participations/${participation.id}/proof`;
  await leavesNothing(async () => {
    expectProblem(await buyer.post(path), 422, 'proof_not_accepted');
    expectProblem(await buyer.post(path, {}), 415, 'unsupported_media_type');
  });
});

test('the last of duplicate JSON keys counts, and is validated', async () => {
  await leavesNothing(async () => {
    const raw = '{"name":"Melati","name":5}';
    expectProblem(await send('POST /brands', raw), 422, 'validation_failed');
  });
});

test('inconsistent terms are refused with the field to change', async () => {
  const terms: [object, string][] = [
    [{ minimum_slots: 11 }, 'minimum_slots'],
    [{ min_slots_per_user: 11 }, 'min_slots_per_user'],
    [{ max_slots_per_user: 11 }, 'max_slots_per_user'],
    [{ min_slots_per_user: 3, max_slots_per_user: 2 }, 'max_slots_per_user'],
    [{ opens_at: fromNow(hourMs), deadline: fromNow(hourMs / 2) }, 'opens_at'],
    [{ title: '   x   ' }, 'title'],
  ];
  await leavesNothing(async () => {
    for (const [wish, field] of terms) {
      const created = await shop.seller.post('/campaigns', campaignBody(shop.productId, wish));
      const { errors } = expectProblem(created, 422, 'validation_failed');
      assert.deepEqual(
        errors.map((one) => one.field),
        [field],
      );
      if (field === 'opens_at') continue;
      const edited = await shop.seller.patch(`/campaigns/${draft.id}`, wish);
      expectProblem(edited, 422, 'validation_failed');
    }
  });
});

const badPaths = [
  '..',
  '%2e%2e',
  '..%2f..%2fetc%2fpasswd',
  '..%5c..%5c',
  '%00',
  '%',
  '%zz',
  '%ff',
  '%ed%a0%80',
  '0',
  '-1',
  'NaN',
  'null',
  'undefined',
  'constructor',
  '*',
  "'",
  '%27%20or%201=1--',
  ';drop',
  '%0d%0aset-cookie:x=1',
  '%F0%9F%98%80',
  'x'.repeat(600),
  'a/b',
  `${newId()}.json`,
  `${newId()}%00`,
  `%7B${newId()}%7D`,
];

test('an invalid id in a path is refused on every route', async () => {
  await leavesNothing(async () => {
    for (const { template, method } of service.contract.operations) {
      if (!template.includes('{id}')) continue;
      for (const bad of badPaths) {
        const path = template.slice(base.length).replace('{id}', bad);
        const answer = await service.service.send({ method, path });
        const { status, text, headers } = answer;
        assert.ok([400, 404, 405, 422].includes(status), `${method} ${path} → ${status} ${text}`);
        assert.equal(headers['set-cookie'], undefined);
      }
    }
  });
});

test('the query parameters of lists are validated too', async () => {
  const other = newId();
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const cursors = [
    '%',
    'x',
    '=',
    cursorOf(null),
    cursorOf([]),
    cursorOf([null]),
    cursorOf({ 0: other }),
    cursorOf(['x']),
    cursorOf([other, other, other]),
    cursorOf([1e300]),
    cursorOf([['x']]),
    cursorOf([`${other}'--`]),
    cursorOf(['99999-01-01T00:00:00Z', other]),
    'x'.repeat(501),
  ];
  const limits = [
    '',
    '0',
    '-1',
    '101',
    '1.5',
    '1e1',
    'NaN',
    'abc',
    '+1',
    '0x10',
    '%201',
    '1&limit=2',
    '99999999999999999999',
    '%00',
  ];
  const everywhere = [
    ...limits.map((limit) => `limit=${limit}`),
    ...cursors.map((cursor) => `cursor=${cursor}`),
    'surprise=1',
    '__proto__=1',
    'limit[]=1',
    'offset=0',
  ];
  const ids = badIds.map((id) => `brand_id=${encodeURIComponent(id)}`);
  const lists: Record<string, string[]> = {
    '/products': ids,
    '/campaigns': [
      ...ids,
      'status=draft',
      'status=',
      'status=active&status=full',
      'sort=',
      'sort=price',
      'sort=__proto__',
      'q=',
      'q=%00',
      `q=${'x'.repeat(101)}`,
      'q=a&q=b',
      `sort=deadline&cursor=${cursorOf([other])}`,
      `sort=progress&cursor=${cursorOf(['x', other])}`,
      `sort=progress&cursor=${cursorOf([1.5, other])}`,
    ],
    [`/campaigns/${campaign.id}/participants`]: ['status=pending_payment', 'status='],
    [`/campaigns/${campaign.id}/logs`]: [`cursor=${cursorOf([-1.5])}`],
  };
  for (const [path, own] of Object.entries(lists)) {
    for (const query of [...everywhere, ...own]) {
      const answer = await service.service.get(`${path}?${query}`);
      assert.equal(answer.status, 422, `${path}?${query} → ${answer.status} ${answer.text}`);
    }
  }
});

test('a cursor with numbers out of range finds nothing or is refused', async () => {
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const path of [
    `/campaigns?sort=progress&cursor=${cursorOf([2 ** 40, newId()])}`,
    `/campaigns?sort=progress&cursor=${cursorOf([-(2 ** 40), newId()])}`,
    `/campaigns?sort=deadline&cursor=${cursorOf(['-271821-04-20T00:00:00.000Z', newId()])}`,
    `/campaigns?sort=deadline&cursor=${cursorOf(['+275760-09-13T00:00:00.000Z', newId()])}`,
    `/campaigns/${campaign.id}/logs?cursor=${cursorOf([-(2 ** 53) + 1])}`,
    `/campaigns/${campaign.id}/logs?cursor=${cursorOf([2 ** 53 - 1])}`,
  ]) {
    const { status, text } = await service.service.get(path);
    assert.ok(status === 200 || status === 422, `${path} → ${status} ${text}`);
  }
});

test('a search with any characters is answered', async () => {
  const letters: string[] = [];
  for (let point = 0x21; point < 0x30000; point += point < 0x3000 ? 1 : 97) {
    const letter = String.fromCodePoint(point);
    if (/[\p{L}\p{N}\p{S}\p{P}]/u.test(letter)) letters.push(letter);
  }
  assert.ok(letters.length > 5_000);
  for (let start = 0; start < letters.length; start += 48) {
    for (const between of start % 192 === 0 ? ['', ' '] : [' ']) {
      const q = letters
        .slice(start, start + 48)
        .join(between)
        .slice(0, 98);
      const answer = await service.visitor.get(
        `/campaigns?limit=1&q=${encodeURIComponent(q.toWellFormed())}`,
      );
      assert.equal(answer.status, 200, `${q} → ${answer.text}`);
    }
  }
  for (const q of ["a' & b", 'a:*b', '!a', 'a <-> b', '\\', "''", '(', ':*', 'a & ', '%', '_']) {
    expectStatus(await service.visitor.get(`/campaigns?q=${encodeURIComponent(q)}`), 200);
  }
});

test('malformed headers do no harm', async () => {
  const path = `/campaigns/${campaign.id}/join`;
  const joinWith = (headers: Record<string, string>) =>
    service.service.post(path, joinBody({ user_id: newId() }), headers);
  await leavesNothing(async () => {
    for (const key of ['', 'x'.repeat(256), 'with space', 'tab\tbed', 'é', '"\u00ff"']) {
      const answer = await joinWith({ 'idempotency-key': key });
      expectProblem(answer, 422, 'validation_failed');
    }
    for (const type of ['text/plain', 'application/jsonx', 'multipart/form-data', ';', 'json']) {
      const answer = await joinWith({ 'content-type': type });
      expectProblem(answer, 415, 'unsupported_media_type');
    }
  });
  for (const language of ['', ';;;', 'q=1', 'en;q=abc', '*', 'x'.repeat(9_000), ',,,,en']) {
    const answer = await service.visitor.get(`/campaigns/${newId()}`, {
      'accept-language': language,
    });
    expectProblem(answer, 404, 'campaign_not_found');
  }
  const echoed = await service.visitor.get('/health', { 'x-request-id': 'a"b\\c<script>' });
  assert.match(String(echoed.headers['x-request-id']), /^[\w-]{36}$/);
});

test('an id in capitals is the same id everywhere', async () => {
  const own = await shop.campaign();
  const { id: joined } = await join(await service.user(), own.id);
  const shout = own.id.toUpperCase();
  assert.equal(expectStatus(await service.visitor.get(`/campaigns/${shout}`), 200).id, own.id);
  expectStatus(await shop.seller.patch(`/campaigns/${shout}`, { title: 'Judul lain' }), 200);
  const { id: second } = await join(await service.user(), shout);
  for (const one of [joined, second]) {
    expectStatus(await service.service.post(`/participations/${one.toUpperCase()}/confirm`), 200);
  }
  const cancelled = await shop.seller.post(`/campaigns/${shout}/cancel`, { reason: 'bahan habis' });
  assert.equal(expectStatus(cancelled, 200).status, 'cancelled');
  const products = await shop.seller.get(`/products?brand_id=${shop.brandId.toUpperCase()}`);
  assert.equal(products.body.items.length > 0, true);
  // The id in the path is that of the member who leaves. A contributor cannot remove other members.
  const helper = await service.user();
  await queryRows(
    service.db,
    `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')`,
    shop.brandId,
    helper.userId,
  );
  const path = `/brands/${shop.brandId.toUpperCase()}/members/${helper.userId.toUpperCase()}`;
  const gone = await helper.send({ method: 'DELETE', path });
  assert.equal(gone.status, 200, gone.text);
});
