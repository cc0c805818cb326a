import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import helmet from '@fastify/helmet';
import Fastify from 'fastify';
import { stopServer } from '../../src/server/server.ts';
import { asService, startTestServer } from '../http/frame.ts';

const { server, logged } = await startTestServer();
after(() => server.close());

const base = '/api/sambatan';
const id = '0198c1a0-0000-7000-8000-000000000001';
const json = { 'content-type': 'application/json' };

interface Problem {
  code: string;
  detail: string;
  instance: string;
  status: number;
  errors?: { field: string; message: string }[];
}

async function post(body: string | Buffer | object, headers: Record<string, string> = {}) {
  return await server.inject({
    method: 'POST',
    url: `${base}/things`,
    headers: { ...asService, ...json, ...headers },
    payload: body,
  });
}

test('a response is limited to its schema, with exact rupiah and times in UTC', async () => {
  const answer = await server.inject(`${base}/things/${id}`);
  assert.equal(
    answer.body,
    `{"thing_id":"${id}","price":9007199254740993,"made_at":"2026-08-17T10:00:00.000Z","colour":null}`,
  );
});

test('an error is a problem document with the request id', async () => {
  const answer = await server.inject(`${base}/refused`);
  assert.equal(answer.statusCode, 409);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  assert.deepEqual(answer.json(), {
    type: 'urn:sambatan:problem:slots_unavailable',
    title: 'Slot tidak cukup',
    status: 409,
    detail: 'Tinggal 2 slot. Kurangi jumlahnya, lalu coba lagi.',
    instance: answer.headers['x-request-id'],
    code: 'slots_unavailable',
    params: { remaining: 2 },
  });
});

test('the response language is the one with the highest weight, Indonesian by default', async () => {
  const titleFor = async (language: string) => {
    const headers = { 'accept-language': language };
    const answer = await server.inject({ url: `${base}/refused`, headers });
    return answer.json<{ title: string }>().title;
  };
  const english = 'Not enough slots left';
  const indonesian = 'Slot tidak cukup';
  assert.equal(await titleFor('en'), english);
  assert.equal(await titleFor('en-GB,id;q=0.5'), english);
  assert.equal(await titleFor('id;q=0.3, en;q=0.8'), english);
  assert.equal(await titleFor('fr, en;q=0.1'), english);
  assert.equal(await titleFor('in-ID, en;q=0.9'), indonesian);
  assert.equal(await titleFor('fr'), indonesian);
  assert.equal(await titleFor('en;q=0'), indonesian);
  assert.equal(await titleFor(';;q=x,,*'), indonesian);
});

test('temporary errors have a Retry-After header', async () => {
  const answer = await server.inject(`${base}/busy`);
  assert.equal(answer.statusCode, 503);
  assert.equal(answer.headers['retry-after'], '1');
});

test('an interrupted read changed nothing; any other interruption has an unknown outcome', async () => {
  const outcomes = [];
  for (const method of ['GET', 'HEAD', 'POST'] as const) {
    const answer = await server.inject({ method, url: `${base}/cut-off`, headers: asService });
    outcomes.push([answer.statusCode, answer.body && answer.json<Problem>().code]);
  }
  const away = [503, 'database_unavailable'];
  assert.deepEqual(outcomes, [away, [503, ''], [503, 'outcome_unknown']]);
});

test('an unexpected error shows no details, and the log has its cause without row data', async () => {
  logged.length = 0;
  const answer = await server.inject(`${base}/broken`);
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /broke|Melati|stack/);
  const line = logged.find(({ msg }) => msg === 'request failed');
  assert.equal((line?.['err'] as { message: string } | undefined)?.message, 'broke');
  assert.doesNotMatch(JSON.stringify(logged), /Melati/);
});

test('each request is one log line with the route pattern and no user input', async () => {
  logged.length = 0;
  await server.inject({ url: `${base}/things?q=rahasia`, headers: asService });
  const lines = logged.filter(({ msg }) => msg === 'answered');
  assert.equal(lines.length, 1);
  const { method, route, status, caller, request_id } = lines[0] ?? {};
  assert.deepEqual(
    { method, route, status, caller },
    { method: 'GET', route: `${base}/things`, status: 200, caller: 'service' },
  );
  assert.match(String(request_id), /^[0-9a-f-]{36}$/);
  assert.doesNotMatch(JSON.stringify(logged), /rahasia|service-key/);
});

test('a well-formed request id of the caller is kept, any other replaced', async () => {
  const idFor = async (given: string) => {
    const answer = await server.inject({ url: '/livez', headers: { 'x-request-id': given } });
    return answer.headers['x-request-id'];
  };
  assert.equal(await idFor('abc-12345678'), 'abc-12345678');
  assert.notEqual(await idFor('a b\u00e9{}<script>'), 'a b\u00e9{}<script>');
});

test('a valid body is passed on unchanged', async () => {
  const body = { title: 'Batik', slots: 2, price: 25_000, deadline: '2030-01-01T00:00:00+07:00' };
  const answer = await post({ ...body, note: null, parts: [{ name: 'x' }] });
  assert.equal(answer.statusCode, 201, answer.body);
});

const wrongFields: [fact: string, body: object, field: string, message: RegExp][] = [
  ['missing', { slots: 1 }, 'title', /Wajib diisi/],
  ['unknown', { title: 'abc', slots: 1, status: 'active' }, 'status', /tidak dikenal/],
  ['too short', { title: 'ab', slots: 1 }, 'title', /Minimal 3 karakter/],
  ['too long', { title: 'x'.repeat(21), slots: 1 }, 'title', /Maksimal 20 karakter/],
  ['too small', { title: 'abc', slots: 0 }, 'slots', /Minimal 1\./],
  ['too large', { title: 'abc', slots: 6 }, 'slots', /Maksimal 5\./],
  ['a number as text', { title: 'abc', slots: '1' }, 'slots', /bilangan bulat/],
  ['a fraction', { title: 'abc', slots: 1.5 }, 'slots', /bilangan bulat/],
  ['null', { title: null, slots: 1 }, 'title', /teks/],
  [
    'beyond exact',
    { title: 'abc', slots: 1, price: 2 ** 53 },
    'price',
    /Maksimal 9007199254740991/,
  ],
  ['a date only', { title: 'abc', slots: 1, deadline: '2030-01-01' }, 'deadline', /RFC 3339/],
  ['no such day', { title: 'abc', slots: 1, deadline: '2030-02-30T00:00:00Z' }, 'deadline', /RFC/],
  [
    'a time without offset',
    { title: 'abc', slots: 1, deadline: '2030-01-01T00:00:00' },
    'deadline',
    /RFC/,
  ],
  [
    'too far away',
    { title: 'abc', slots: 1, deadline: '9999-12-31T23:59:59-12:00' },
    'deadline',
    /./,
  ],
  [
    'named zone',
    { title: 'abc', slots: 1, deadline: '2030-01-01T00:00:00Z[UTC]' },
    'deadline',
    /./,
  ],
  ['another word', { title: 'abc', slots: 1, colour: 'biru' }, 'colour', /merah, putih/],
  ['nullable, too long', { title: 'abc', slots: 1, note: 'x'.repeat(11) }, 'note', /Maksimal 10/],
  ['inside a list', { title: 'abc', slots: 1, parts: [{ name: '' }] }, 'parts.0.name', /kosong/],
  [
    'too many',
    { title: 'abc', slots: 1, parts: ['x', 'y', 'z'].map((name) => ({ name })) },
    'parts',
    /maksimal 2/,
  ],
  ['NUL', { title: 'ab\0c', slots: 1 }, 'title', /tidak bisa disimpan/],
  ['half a character', { title: 'abc\ud800', slots: 1 }, 'title', /tidak bisa disimpan/],
  [
    'NUL in a list',
    { title: 'abc', slots: 1, parts: [{ name: 'a\0' }] },
    'parts.0.name',
    /disimpan/,
  ],
  ['not an object', [], '', /objek JSON/],
];
for (const [fact, body, field, message] of wrongFields) {
  test(`a field that is ${fact} is the only reported one`, async () => {
    const answer = await post(JSON.stringify(body));
    const problem = answer.json<Problem>();
    assert.equal(problem.code, 'validation_failed', answer.body);
    assert.deepEqual(
      problem.errors?.map((error) => error.field),
      [field],
    );
    assert.match(problem.errors?.[0]?.message ?? '', message);
  });
}

test('all invalid fields are reported at once, in the caller’s language', async () => {
  const answer = await post({ title: 1, extra: 2, note: 3 }, { 'accept-language': 'en' });
  const errors = answer.json<Problem>().errors ?? [];
  const byField = Object.fromEntries(errors.map(({ field, message }) => [field, message]));
  assert.deepEqual(byField, {
    slots: 'This field is required.',
    title: 'Must be text.',
    extra: 'This field isn’t known here. Remove it.',
    note: 'Must be text.',
  });
});

const malformed: [
  fact: string,
  body: string | Buffer,
  headers: Record<string, string>,
  code: string,
][] = [
  ['is not JSON', '{"a":', {}, 'malformed_request'],
  ['is empty', '', {}, 'validation_failed'],
  ['is not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), {}, 'malformed_request'],
  ['poisons a prototype', '{"__proto__":{"x":1}}', {}, 'malformed_request'],
  ['poisons a constructor', '{"constructor":{"prototype":{}}}', {}, 'malformed_request'],
  [
    'says another charset',
    '{}',
    { 'content-type': 'application/json; charset=utf-16' },
    'unsupported_media_type',
  ],
  ['is text', '{}', { 'content-type': 'text/plain' }, 'unsupported_media_type'],
  [
    'is a form',
    'a=1',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'unsupported_media_type',
  ],
  ['is too large', `{"title":"${'x'.repeat(70_000)}"}`, {}, 'payload_too_large'],
];
for (const [fact, body, headers, code] of malformed) {
  test(`a body that ${fact} is ${code}`, async () => {
    const answer = await post(body, headers);
    assert.equal(answer.json<Problem>().code, code, answer.body);
  });
}

test('query fields are converted to their type, and invalid ones refused', async () => {
  const ask = async (query: string) => await server.inject(`${base}/things?${query}`);
  assert.deepEqual((await ask('limit=7')).json(), { limit: 7 });
  assert.deepEqual((await ask('')).json(), { limit: 20 });
  for (const query of [
    'limit=1e1',
    'limit=',
    'limit=0',
    'limit=101',
    'limit=1&limit=2',
    'x=1',
    'q=%00',
  ]) {
    const answer = await ask(query);
    assert.equal(answer.statusCode, 422, `${query}: ${answer.body}`);
  }
});

test('a missing path is 404, with a wrong method 405', async () => {
  const missing = await server.inject(`${base}/nothing`);
  assert.equal(missing.json<Problem>().code, 'not_found');
  const wrong = await server.inject({ method: 'DELETE', url: `${base}/things/${id}` });
  assert.equal(wrong.statusCode, 405);
  assert.equal(wrong.headers.allow, 'GET, HEAD');
  const noId = await server.inject(`${base}/things/1`);
  assert.equal(noId.statusCode, 422);
  const badUrl = await server.inject(`${base}/things/%zz`);
  assert.equal(badUrl.json<Problem>().code, 'malformed_request');
  const long = await server.inject(`${base}/things/${'x'.repeat(600)}`);
  assert.equal(long.json<Problem>().code, 'not_found');
  for (const path of ['/../../etc/passwd', '/api/docs/static/../../../package.json']) {
    assert.equal((await server.inject(path)).statusCode, 404, path);
  }
});

test('an invalid token is refused before the body is read', async () => {
  const answer = await post('{', { authorization: 'Bearer nonsense' });
  assert.equal(answer.statusCode, 401);
  assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
});

test('an anonymous state-changing request is refused before the body is read', async () => {
  const url = `${base}/things`;
  for (const payload of ['{', '{}', '{"title":"Batik","slots":2}']) {
    const answer = await server.inject({ method: 'POST', url, headers: json, payload });
    assert.equal(answer.statusCode, 401, payload);
    assert.equal(answer.json<Problem>().code, 'unauthenticated', payload);
  }
});

test('responses have a header against content sniffing', async () => {
  const { headers } = await server.inject(`${base}/things`);
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('these headers equal those of helmet, with a stricter policy', async () => {
  const judge = Fastify();
  await judge.register(helmet);
  judge.get('/', async () => 'judged');
  const { headers: helmets } = await judge.inject('/');
  const { headers } = await server.inject(`${base}/things`);
  const own = /^(content-(type|length)|date|connection)$/;
  for (const [name, value] of Object.entries(helmets)) {
    if (own.test(name)) continue;
    if (name !== 'content-security-policy') assert.equal(headers[name], value, name);
    else assert.ok(!/'self'|https:|data:/.test(String(headers[name])));
  }
  await judge.close();
});

test('requests are counted and timed by route, and none stays in progress', async () => {
  await server.inject(`${base}/things/${id}`);
  const { body } = await server.inject('/metrics');
  assert.match(
    body,
    /sambatan_http_request_duration_seconds_count\{method="GET",route="\/api\/sambatan\/things\/:thing_id",status="200"\} [1-9]/,
  );
  assert.match(body, /sambatan_http_requests_in_flight 0/);
  assert.match(body, /sambatan_database_connections\{state="idle"\} 2/);
  assert.match(body, /nodejs_eventloop_lag_seconds/);
});

test('invalid HTTP is answered with a problem document, and the connection is closed', async () => {
  const own = await startTestServer();
  await own.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = own.server.server.address() as AddressInfo;
  const say = async (text: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.end(text);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await once(socket, 'close');
    return heard;
  };
  assert.match(await say('NONSENSE\r\n\r\n'), /^HTTP\/1.1 400 .*"code":"malformed_request"/s);
  const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await say(large), /^HTTP\/1.1 431 .*"code":"headers_too_large"/s);
  await stopServer(own.server, 1_000);
});
