import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { newId } from '../../src/identity/ids.ts';
import { Client, token } from '../support/clients/client.ts';
import { insertEndpoint } from '../support/builders/deliveries.ts';
import {
  anyForm,
  encodedForm,
  escaped,
  formsOn,
  type formCallers,
  type FormPlan,
} from '../support/inputs/form-fuzz.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { expectStatus, join, joinBody, openShop } from '../support/builders/shop.ts';
import { homeAddress } from '../support/clients/sign-in.ts';
import { pageRoutes } from '../support/clients/site.ts';

const seed = Number(process.env['SAMBATAN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const wanted = Number(process.env['SAMBATAN_FUZZ_REQUESTS'] ?? 5_000) / 10;
const perCrowd = 100;
const atOnce = 16;

const service = await startHttpService({ environment: { SAMBATAN_JOIN_RATE_LIMIT: '1000' } });
after(service.close);
const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
after(() => agent.destroy());
const connection = { url: service.url, agent, secrets: new Set<string>() };
const callers = {} as Record<(typeof formCallers)[number], Client>;

/** An existing id for the first parameter of a path, by the beginning of the path. */
const things: Record<string, string> = {};
const known = new Map<string, Map<string, string>>();
const routes = pageRoutes(service.routes)
  .filter((route) => route.startsWith('POST '))
  .map((route) => route.slice('POST '.length));

before(async () => {
  const shop = await openShop(service);
  const rival = await openShop(service);
  const client = async (userId = newId(), claims = {}) =>
    new Client(connection, await token(userId, { claims }), userId);
  Object.assign(callers, {
    visitor: new Client(connection),
    buyer: await client(),
    seller: await client(shop.seller.userId),
    rival: await client(rival.seller.userId),
    operator: await client(newId(), { app_metadata: { role: 'operator' } }),
  });
  const { buyer, rival: other } = callers;
  const open = await shop.campaign({ total_slots: 900 });
  const full = await shop.campaign({ total_slots: 1 });
  await join(buyer, full.id);
  const waiting = await other.post(`/campaigns/${full.id}/waiting`, joinBody());
  const address = expectStatus(await buyer.post('/me/addresses', homeAddress), 201);
  Object.assign(things, {
    '/sambatan/': open.id,
    '/ikutan/': (await join(buyer, open.id)).id,
    '/antrean/': expectStatus(waiting, 201).id,
    '/toko/sambatan/': open.id,
    '/toko/produk/': shop.productId,
    '/toko/webhook/': (await insertEndpoint(service.db, shop.brandId)).id,
    '/toko/': shop.brandId,
    '/akun/alamat/': address.id,
    '/operator/sambatan/': open.id,
    '/operator/ikutan/': (await join(buyer, open.id)).id,
  });
  await learnForms();
});

/** Reads the forms on every page that a user can open. */
async function learnForms(): Promise<void> {
  for (const route of pageRoutes(service.routes)) {
    if (!route.startsWith('GET ')) continue;
    for (const client of Object.values(callers)) {
      const path = filled(route.slice('GET '.length), null);
      const { text } = await client.send({ method: 'GET', path: `/${path}` });
      for (const [action, fields] of formsOn(text)) {
        const target = routes.find((one) => filled(one, null) === action) ?? shapeOf(action);
        known.set(target, new Map([...(known.get(target) ?? []), ...fields]));
      }
    }
  }
}

/** The route of a path: its ids are replaced by parameters. */
function shapeOf(action: string): string {
  const matches = (route: string) =>
    new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`).test(action);
  return routes.find(matches) ?? action;
}

/** The path of a route. Its first parameter is `id`, or an existing id. */
function filled(route: string, id: string | null): string {
  const start = Object.keys(things)
    .toSorted((one, two) => two.length - one.length)
    .find((one) => route.startsWith(one));
  const first = id === null ? (things[start ?? ''] ?? unknownId) : escaped(id);
  let nth = 0;
  return route.replaceAll(/:\w+/g, () => (nth++ === 0 ? first : unknownId));
}
const unknownId = newId();

const counts = new Map<number, number>();

async function answerTo(plan: FormPlan): Promise<void> {
  const { body, type } = encodedForm(plan);
  const path = `${plan.language}${filled(plan.route, plan.id)}${plan.query}`;
  try {
    const { status, headers, text } = await callers[plan.caller].send({
      method: 'POST',
      path: `/${path}`,
      body,
      headers: { 'content-type': type, 'content-length': body.length, ...plan.headers },
    });
    counts.set(status, (counts.get(status) ?? 0) + 1);
    const isBusy = status === 503 && headers['retry-after'] !== undefined;
    assert.ok(status < 500 || isBusy, `${status} ${text.slice(0, 2_000)}`);
    const { location } = headers;
    if (location !== undefined) assert.match(location, /^\/(?![/\\])[\x21-\x7e]*$/, location);
    assert.doesNotMatch(text, /<script>alert|<img src=x|<svg onload/, 'markup of a field');
  } catch (error) {
    const sent = { ...plan, path, body: body.toString('latin1') };
    throw new Error(`${(error as Error).message}\n${JSON.stringify(sent).slice(0, 3_000)}`, {
      cause: error,
    });
  }
}

async function crowd(plans: FormPlan[]): Promise<void> {
  const line = plans.values();
  const lanes = Array.from({ length: atOnce }, async () => {
    for (const plan of line) await answerTo(plan);
  });
  const settled = await Promise.allSettled(lanes);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

test('random form input never causes an internal error', async (t) => {
  const numRuns = Math.ceil(wanted / perCrowd);
  t.diagnostic(`SAMBATAN_TEST_SEED=${seed}; ${routes.length} forms, ${known.size} seen on pages`);
  const plans = fc.array(anyForm(routes, known), { minLength: perCrowd, maxLength: perCrowd });
  const { failed, errorInstance } = await fc.check(fc.asyncProperty(plans, crowd), {
    seed,
    numRuns,
    endOnFailure: true,
  });
  t.diagnostic(
    [...counts]
      .toSorted()
      .map((one) => one.join(': '))
      .join(),
  );
  if (failed) throw errorInstance as Error;
  assert.ok(routes.length > 50, 'the forms of the live route table');
  assert.ok(known.size >= 30, `${known.size} forms were seen on pages`);
  assert.ok((counts.get(303) ?? 0) > 0 && (counts.get(422) ?? 0) > 0);
});
