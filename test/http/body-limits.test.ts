import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { formBytes, jsonBytesOf } from '../../src/http/body-limits.ts';
import { closed, text } from '../../src/http/schemas.ts';
import { sizeLimits } from '../../src/config/size-limits.ts';
import { exampleRequest } from '../support/page-states/examples.ts';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';
import { signIn, type SiteClient } from '../support/clients/sign-in.ts';

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'kepala@example.org' },
});
after(service.close);

let operator: SiteClient;
before(async () => {
  operator = await signIn(service, 'kepala@example.org');
});

const writes = service.routes.filter((route) => /^(POST|PUT|PATCH|DELETE) /.test(route));
const ofApi = writes.filter((route) => route.includes(' /api/'));
const forms = writes.filter((route) => !route.includes(' /api/'));

type Operation = Record<string, unknown> & { requestBody?: { content: Record<string, unknown> } };
const operationOf = (route: string): Operation => {
  const documented = route.replaceAll(/:(\w+)/g, '{$1}');
  const found = service.contract.operations.find((one) => one.route === documented);
  assert.ok(found, `${route} is not in the OpenAPI document`);
  return found.operation as unknown as Operation;
};

async function inject(route: string, payload: string | Buffer, type: string) {
  const { method, path } = exampleRequest(route.replaceAll(/:(\w+)/g, '{$1}'));
  return await service.server.inject({
    method: method as 'POST',
    url: `/api/sambatan${path}`,
    headers: { authorization: `Bearer ${serviceKey}`, 'content-type': type },
    payload,
  });
}

test('every API route accepts exactly as many bytes as its document states', async () => {
  assert.ok(ofApi.length > 70);
  for (const route of ofApi) {
    const operation = operationOf(route);
    const most = operation['x-max-body-bytes'] as number;
    assert.ok(Number.isInteger(most), route);
    const types = Object.keys(operation.requestBody?.content ?? {});
    const type = types.find((one) => one !== 'multipart/form-data') ?? 'application/json';
    const isJson = type === 'application/json';
    const filled = (bytes: number) => (isJson ? `{}${' '.repeat(bytes - 2)}` : 'x'.repeat(bytes));
    const above = await inject(route, filled(most + 1), type);
    assert.equal(above.statusCode, 413, `${route}: ${above.body.slice(0, 200)}`);
    const { detail, params } = above.json<{ detail: string; params: { maximum_bytes: number } }>();
    assert.equal(params.maximum_bytes, most, route);
    assert.ok(detail.includes(String(most)), detail);
    const at = await inject(route, filled(most), type);
    // An empty body would be refused as malformed, so a body of the maximum size is sent.
    assert.ok(![400, 413].includes(at.statusCode), `${route}: ${at.body.slice(0, 200)}`);
    if (isJson) assert.ok(most <= sizeLimits.jsonBytes.max, route);
  }
});

test('an example of every JSON route fits with each character escaped', async () => {
  for (const route of ofApi) {
    const { body } = exampleRequest(route.replaceAll(/:(\w+)/g, '{$1}'));
    if (typeof body !== 'object') continue;
    const escaped = JSON.stringify(body, null, 2).replaceAll(
      /[^\x20-\x7e\n]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const most = operationOf(route)['x-max-body-bytes'] as number;
    assert.ok(escaped.length <= most, `${route}: ${escaped.length} of ${most}`);
    const answer = await inject(route, escaped, 'application/json');
    assert.notEqual(answer.statusCode, 413, route);
  }
});

test('every form of the site is read up to its limit, and refused with a message above it', async () => {
  const sizes: ReadonlySet<number> = new Set(Object.values(formBytes));
  for (const route of forms) {
    const english = route.includes(' /en/');
    const path = route.split(' ')[1]!.replaceAll(/:\w+/g, () => crypto.randomUUID());
    const send = async (bytes: number) => await operator.post(path, { x: 'a'.repeat(bytes - 2) });
    const above = await send(sizeLimits.longFormBytes.max + 1);
    assert.equal(above.status, 413, route);
    const kilobytes = /(?:maksimal|the limit is) (\d+) KB/.exec(above.text)?.[1];
    const most = Number(kilobytes) * 1_024;
    assert.ok(sizes.has(most), `${route}: ${most}`);
    assert.match(above.text, english ? /What you’re sending is too large/ : /terlalu besar/, route);
    assert.equal((await send(most + 1)).status, 413, route);
    assert.ok(![400, 413].includes((await send(most)).status), route);
  }
});

test('a large body is refused where the route accepts only short text', () => {
  const most = (route: string) => operationOf(route)['x-max-body-bytes'];
  assert.equal(most('POST /api/sambatan/campaigns/:id/shortfall/preview'), 2_048);
  assert.equal(most('POST /api/sambatan/campaigns/:id/join'), 8_192);
  assert.equal(most('POST /api/sambatan/campaigns'), 65_536);
  assert.equal(most('POST /api/sambatan/participations/:id/proof'), sizeLimits.pictureBytes.max);
});

test('the longest text of escaped emoji fits into the limit of its schema', () => {
  const schema = closed({ note: text(1, 500) });
  const note = '\\ud83d\\ude00'.repeat(500);
  assert.ok(`{\n  "note": "${note}"\n}\n`.length <= jsonBytesOf(schema));
});
