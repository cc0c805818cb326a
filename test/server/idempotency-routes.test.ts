import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { queryRows } from '../support/builders/market.ts';
import { openShop, type Shop } from '../support/builders/shop.ts';
import { startFakeMidtrans, serverKey } from '../support/fakes/midtrans.ts';
import { writesOf, type Write } from '../support/inputs/writes.ts';
import { startHttpService } from '../support/server/http-service.ts';

/*
 * Sends every write of the API twice with the same Idempotency-Key. The second request must get the
 * answer of the first one and must change nothing. The exceptions are listed here with their
 * reasons.
 */

const provider = await startFakeMidtrans();
const service = await startHttpService({
  environment: { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: provider.url },
});
after(async () => {
  await service.close();
  await provider.close();
});

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

const base = '/api/sambatan';
const routes = service.routes
  .filter((route) => !/^(GET|HEAD) /.test(route) && route.includes(` ${base}/`))
  .map((route) => route.replace(base, ''));

/** Routes that accept no idempotency key (docs/api.md), because a repeated request does no harm. */
const withoutKey: Readonly<Record<string, string>> = {
  'PUT /products/:id/picture': 'the same picture is stored again',
  'POST /campaigns/:id/cancel/preview': 'a preview changes nothing',
  'POST /campaigns/:id/shortfall/preview': 'a preview changes nothing',
  'POST /statements/:id/preview': 'a preview changes nothing',
  'POST /lifecycle/run': 'there is nothing left to do',
  'POST /scheduler/trigger': 'there is nothing left to do',
  'POST /gateway/reconcile': 'what the provider has told is applied once',
  'POST /unsubscribe/:token': 'a mail program sends no key, and the person is unsubscribed already',
  'POST /gateway/midtrans/notifications': 'each order has a key of its own at the provider',
};

/**
 * Routes that answer a repeated key with the current state of what the first request created, not
 * with a stored answer.
 */
const answersPresentState = new Set(['POST /campaigns/:id/waiting']);

/** Matches the fields with the time of the answer, which differ between the two answers. */
const times = /"(?:executed_at|updated_at)":"[^"]+"/g;

test('every route that is not a read is in this test', () => {
  const known = Object.keys(writesOf(service, shop, provider));
  assert.deepEqual(known.toSorted(), routes.toSorted());
  const documented = service.contract.operations
    .filter(({ method }) => method !== 'GET')
    .filter(({ operation }) => !operation.parameters?.some((one) => one.name === 'idempotency-key'))
    .map(({ route }) => route.replace(base, '').replaceAll(/\{(\w+)\}/g, ':$1'));
  assert.deepEqual(documented.toSorted(), Object.keys(withoutKey).toSorted());
});

for (const route of routes) {
  test(`${route} twice with one key has one effect and one answer`, async () => {
    const write = writesOf(service, shop, provider)[route];
    assert.ok(write, 'a new route needs a request in test/support/inputs/writes.ts');
    const made = await write();
    const key = newId();
    const first = await send(route, made, key);
    assert.ok(first.status < 300, first.text);
    const state = await contentOfTables();
    const second = await send(route, made, key);
    assert.equal(second.status, first.status, second.text);
    const isKeyed = withoutKey[route] === undefined;
    const plain = (text: string) => (isKeyed ? text : text.replaceAll(times, ''));
    assert.equal(plain(second.text), plain(first.text));
    const replayed = second.headers['idempotency-replayed'] === 'true';
    assert.equal(replayed, isKeyed && !answersPresentState.has(route), 'the header of a replay');
    assert.equal(first.headers['idempotency-replayed'], undefined);
    assert.deepEqual(await contentOfTables(), state);
  });
}

async function send(route: string, { by, path, body, headers }: Write, key: string) {
  const [method = '', pattern = ''] = route.split(' ');
  return await by.send({
    method,
    path: path ?? pattern,
    body,
    headers: { ...headers, 'idempotency-key': key },
  });
}

/** A checksum of each table except the idempotency keys. It ignores when a row was last changed. */
async function contentOfTables(): Promise<Readonly<Record<string, string>>> {
  tables ??= (
    await queryRows<{ name: string }>(
      service.db,
      `select schemaname || '.' || tablename as name from pg_tables
      where schemaname in ('sambatan', 'sambatan_auth') and tablename <> 'request_keys'`,
    )
  ).map(({ name }) => name);
  const sums = tables.map(
    (name) => `select '${name}' as name,
      (select md5(coalesce(string_agg(row, e'\\n' order by row), ''))
        from (select (to_jsonb(t) - 'updated_at')::text as row from ${name} t) r) as sum`,
  );
  const rows = await queryRows<{ name: string; sum: string }>(service.db, sums.join(' union all '));
  return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]));
}
let tables: readonly string[] | undefined;
