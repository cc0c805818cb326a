import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join as joinPath } from 'node:path';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import {
  authenticatorFor,
  recoveryCodesOfPage,
  keyOfPage,
} from '../support/clients/authenticator.ts';
import { Client, type Body } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { createPeople } from '../support/builders/people.ts';
import { startReceiver, type Receiver } from '../support/fakes/receiver.ts';
import { expectStatus, openShop, type Shop } from '../support/builders/shop.ts';
import { homeAddress } from '../support/clients/sign-in.ts';
import { unzip } from '../support/clients/site.ts';
import { openStream } from '../support/clients/stream.ts';
import { waitUntil } from '../support/server/until.ts';

/**
 * Every field that describes a person contains a unique word. Then every caller reads everything
 * that can be read. A caller who finds the word of another person must be allowed to read it.
 */
const service = await startHttpService({
  messages: true,
  environment: { SAMBATAN_WEBHOOKS_TO_LOOPBACK: 'true' },
});
after(service.close);

const viewers = [
  'visitor',
  'ani',
  'budi',
  'wati',
  'seller',
  'rival',
  'operator',
  'service',
] as const;
type Viewer = (typeof viewers)[number];
const staff: readonly Viewer[] = ['operator', 'service'];

interface Canary {
  readonly word: string;
  readonly owner: Viewer;
  readonly field: string;
  /** Who may read the word in addition to its owner and staff. */
  readonly for: readonly Viewer[];
  /**
   * `owner`: staff may not read the word either. `nobody`: the word was shown once, and nobody may
   * read it again.
   */
  readonly only?: 'owner' | 'nobody';
}
const canaries: Canary[] = [];

/** A word of letters only, so that it stays the same in any text, case and encoding. */
function canary(owner: Viewer, field: string, readers: readonly Viewer[] = []): string {
  const letters = Array.from({ length: 12 }, () => String.fromCodePoint(97 + randomInt(26)));
  const word = `kenari${letters.join('')}`;
  canaries.push({ word, owner, field, for: readers });
  return word;
}

/** A unique number for fields that only accept digits. */
function number(owner: Viewer, field: string, start: string): string {
  const word = `${start}${randomInt(10 ** 8, 10 ** 9)}`;
  canaries.push({ word, owner, field, for: [] });
  return word;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
after(() => agent.destroy());
const connection = { url: service.url, agent, secrets: new Set<string>() };
const clients = {} as Record<Viewer, Client>;
const ids: Record<string, string[]> = {};
const keep = (kind: string, { id }: Body) => (ids[kind] ??= []).push(id);
const mails = {} as Record<string, Viewer>;
const receivers = {} as Record<'seller' | 'rival' | 'operator', Receiver>;
after(() => Promise.all(Object.values(receivers).map(({ close }) => close())));

before(async () => {
  const shop = await openShop(service);
  const rival = await openShop(service);
  const made: Record<Viewer, Client> = {
    visitor: service.visitor,
    ani: await service.user(),
    budi: await service.user(),
    wati: await service.user(),
    seller: shop.seller,
    rival: rival.seller,
    operator: await service.operator(),
    service: service.service,
  };
  for (const viewer of viewers) {
    const { token, userId } = made[viewer];
    clients[viewer] = new Client(connection, token, userId);
  }
  for (const owner of ['ani', 'budi', 'wati', 'seller', 'rival'] as const) await introduce(owner);
  await guard();
  await listen('seller', { brand_id: shop.brandId });
  await listen('rival', { brand_id: rival.brandId });
  await listen('operator', {});
  ids['brands'] = [shop.brandId, rival.brandId];
  ids['products'] = [shop.productId, rival.productId];
  await live(shop, 'ani', 'seller');
  await live(rival, 'budi', 'rival');
  await saltsOfOrders();
  await service.app.logWriter.drain();
});

/** The salts of the public log are in the exports of their buyers only. */
async function saltsOfOrders(): Promise<void> {
  const rows = await queryRows<{ user_id: string; salt: string }>(
    service.db,
    `select user_id, encode(salt, 'hex') as salt from sambatan.participants
    union all
    select user_id, encode(salt, 'hex') from sambatan.waiting_entries`,
  );
  for (const { user_id: userId, salt: word } of rows) {
    const owner = viewers.find((viewer) => clients[viewer].userId === userId);
    assert.ok(owner !== undefined);
    canaries.push({ word, owner, field: 'salt', for: [], only: 'owner' });
  }
}

/**
 * Lets one user begin to set up an authenticator app, and gives another user recovery codes. Both
 * are secrets that give access to an account.
 */
async function guard(): Promise<void> {
  const at = '//akun/keamanan';
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const post = (client: Client, path: string, body = '') =>
    client.send({ method: 'POST', path: at + path, body, headers: form });
  const begin = async (owner: 'ani' | 'budi') => {
    await post(clients[owner], '/mulai');
    return keyOfPage((await clients[owner].get(`${at}/aplikasi`)).text);
  };
  const field = 'key of an app';
  canaries.push({
    word: (await begin('ani')).toLowerCase(),
    owner: 'ani',
    field,
    for: [],
    only: 'owner',
  });
  const key = await begin('budi');
  const code = authenticatorFor(service, key).next();
  const shown = recoveryCodesOfPage((await post(clients.budi, '/aplikasi', `code=${code}`)).text);
  assert.equal(shown.length, 10);
  for (const word of [key.toLowerCase(), ...shown]) {
    canaries.push({ word, owner: 'budi', field: 'second factor', for: [], only: 'nobody' });
  }
}

/**
 * Creates a webhook endpoint of another system that receives all events of one brand, or of all
 * brands.
 */
async function listen(who: keyof typeof receivers, of: { brand_id?: string }): Promise<void> {
  const receiver = await startReceiver();
  receivers[who] = receiver;
  expectStatus(await clients[who].post('/webhooks', { ...of, url: receiver.url }), 201);
}

/** Enters the name, the postal address and the bank account of a person. */
async function introduce(owner: 'ani' | 'budi' | 'wati' | 'seller' | 'rival'): Promise<void> {
  const client = clients[owner];
  const email = `${canary(owner, 'e-mail', sellerOf(owner))}@example.org`;
  mails[email] = owner;
  await createPeople(service.db, { userId: client.userId, email });
  const name = { display_name: `Sari ${canary(owner, 'name', sellerOf(owner))}` };
  expectStatus(await client.patch('/me', name), 200);
  const address = {
    ...homeAddress,
    label: canary(owner, 'label'),
    recipient: canary(owner, 'recipient'),
    phone: number(owner, 'phone', '081'),
    street: canary(owner, 'street'),
  };
  keep('addresses', expectStatus(await client.post('/me/addresses', address), 201));
  const account = {
    bank: 'BCA',
    number: number(owner, 'account number', '7'),
    holder: `Sari ${canary(owner, 'account holder')}`,
  };
  const put = { method: 'PUT', path: '/refund-account', body: account };
  expectStatus(await client.send(put), 200);
}

/**
 * The seller of a buyer's campaign may read name and postal address, because the seller sends the
 * parcels.
 */
const sellerOf = (owner: Viewer): readonly Viewer[] => {
  if (owner === 'ani') return ['seller'];
  return owner === 'budi' ? ['rival'] : [];
};

/** One buyer orders, another buyer cancels, and a third buyer waits. */
async function live(shop: Shop, owner: 'ani' | 'budi', seller: 'seller' | 'rival'): Promise<void> {
  const client = clients[owner];
  const full = await shop.campaign({ total_slots: 2, max_slots_per_user: 2 });
  const open = await shop.campaign({ total_slots: 9, payment_timing: 'upfront' });
  keep('campaigns', full);
  keep('campaigns', open);
  const wish = (who: Viewer, quantity: number, readers: readonly Viewer[]) => ({
    quantity,
    shipping_address: `Jalan ${canary(who, 'shipping address', readers)} 12, Bandung`,
    note: `Titip ${canary(who, 'note', readers)}`,
  });
  const take = async (id: string, quantity: number) => {
    const body = wish(owner, quantity, [seller]);
    const made = expectStatus(await client.post(`/campaigns/${id}/join`, body), 201);
    keep('participations', made);
    return made;
  };
  await take(full.id, 2);
  const left = await take(open.id, 1);
  await take(open.id, 1);
  const reason = { reason: `Maaf ${canary(owner, 'words of leaving', [seller])}` };
  expectStatus(await client.post(`/participations/${left.id}/cancel`, reason), 200);
  const wait = wish('wati', 1, []);
  keep(
    'waiting',
    expectStatus(await clients.wati.post(`/campaigns/${full.id}/waiting`, wait), 201),
  );
}

/** All URLs of a route: in both languages, and with the id of each thing of its kind. */
function pathsOf(route: string): string[] {
  const [, pattern = ''] = route.split(' ');
  const kind = kinds.find(([shape]) => shape.test(pattern))?.[1];
  const some = (kind === undefined ? Object.values(ids).flatMap(([one]) => one) : ids[kind]) ?? [];
  if (!pattern.includes(':')) return [pattern, `${pattern}?limit=100`];
  const paths = some.map((id) => pattern.replace(/:\w+/, id!));
  return paths.flatMap(pathsOfLog).map((path) => path.replaceAll(/:\w+/g, newId()));
}

/** The public log has paths with numbers; each campaign here has at least four records. */
function pathsOfLog(path: string): string[] {
  if (path.endsWith('/log/tile/:level/:a/:b')) {
    return ['0', 'entries'].map((level) => path.replace(':level/:a/:b', `${level}/000.p/4`));
  }
  if (path.endsWith('/log/inclusion')) return [`${path}?index=2&size=4`];
  if (path.endsWith('/log/consistency')) return [`${path}?from=2&to=4`];
  return [path.replace('/log/checkpoint/:size', '/log/checkpoint/4')];
}
const kinds: readonly (readonly [RegExp, string])[] = [
  [/\/(addresses|alamat)\/:/, 'addresses'],
  [/\/(products|produk)\/:/, 'products'],
  [/\/(participations|ikutan)\/:/, 'participations'],
  [/\/waiting\/:/, 'waiting'],
  [/\/toko\/sambatan\/:|\/sambatan\/:|\/campaigns\/:/, 'campaigns'],
  [/\/(brands|toko)\/:/, 'brands'],
];

/**
 * Paths that are not read. The mailbox for developers contains the e-mails of everybody; their
 * content is checked below.
 */
const notCrawled = /\/outbox\/|^\S+ \/(api\/docs|assets|gambar)|\*/;

interface Sight {
  readonly viewer: Viewer;
  readonly where: string;
  readonly canary: Canary;
}

const sightsIn = (viewer: Viewer, where: string, text: string): Sight[] =>
  canaries
    .filter(({ word }) => text.toLowerCase().includes(word))
    .map((found) => ({ viewer, where, canary: found }));

async function read(viewer: Viewer, path: string): Promise<string> {
  const client = clients[viewer];
  if (path.endsWith('/events')) {
    const bearer = client.token;
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const watcher = await openStream(service.url, path.split('/').at(-2)!, headers);
    if (watcher.status === 200) await watcher.heard(({ event }) => event === 'progress');
    watcher.end();
    return watcher.text();
  }
  if (!path.endsWith('.xlsx')) return (await client.get(`/${path}`)).text;
  const { token } = client;
  const answer = await fetch(service.url + path, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    redirect: 'manual',
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.status === 200 ? [...unzip(bytes).values()].join('\n') : bytes.toString();
}

const mayRead = ({ viewer, canary: { owner, for: readers, only } }: Sight) => {
  if (only !== undefined) return only === 'owner' && viewer === owner;
  return viewer === owner || staff.includes(viewer) || readers.includes(viewer);
};

const told = ({ viewer, where, canary: { owner, field } }: Sight) =>
  `${viewer} reads ${owner}'s ${field} at ${where}`;

test('no route shows private data of another user', async (t) => {
  const routes = service.routes.filter((one) => one.startsWith('GET ') && !notCrawled.test(one));
  const asked = routes.flatMap((route) =>
    pathsOf(route).flatMap((path) => viewers.map((viewer) => ({ viewer, path, route }))),
  );
  const sights: Sight[] = [];
  const line = asked.values();
  const crawl = async () => {
    for (const { viewer, path, route } of line) {
      sights.push(...sightsIn(viewer, route, await read(viewer, path)));
    }
  };
  await Promise.all(Array.from({ length: 12 }, crawl));
  t.diagnostic(`${asked.length} answers of ${routes.length} routes, ${sights.length} words found`);
  const wrong = sights.filter((sight) => !mayRead(sight)).map(told);
  assert.deepEqual([...new Set(wrong)], []);
  // The test only proves something if each word was found by those who may read it.
  const found = new Set(sights.map((sight) => sight.canary.word));
  const unseen = canaries.filter(({ word, only }) => only !== 'nobody' && !found.has(word));
  assert.deepEqual(
    unseen.map(({ owner, field }) => `${owner}'s ${field}`),
    [],
  );
});

test('an e-mail contains data of its recipient only', async (t) => {
  const outbox = service.app.mailer.outbox!;
  const list = () => {
    try {
      return readdirSync(outbox).filter((name) => /^\d.*\.json$/.test(name));
    } catch {
      return [];
    }
  };
  // Each of the three buyers must be notified that the campaign was cancelled.
  for (const [index, id] of ids['campaigns']!.entries()) {
    const seller = clients[index < 2 ? 'seller' : 'rival'];
    const reason = { reason: 'bahan habis' };
    expectStatus(await seller.post(`/campaigns/${id}/cancel`, reason), 200);
  }
  await waitUntil(async () => {
    const [row] = await queryRows<{ left: number }>(
      service.db,
      `select count(*)::integer as left from sambatan.deliveries
      where channel = 'email' and status = 'pending'`,
    );
    return list().length >= 4 && row!.left === 0;
  });
  const addressees: string[] = [];
  for (const name of list()) {
    const { to } = JSON.parse(readFileSync(joinPath(outbox, name), 'utf8')) as { to: string };
    const viewer = mails[to];
    assert.ok(viewer !== undefined, `a mail to ${to}`);
    const whole = readFileSync(joinPath(outbox, name.replace(/json$/, 'eml')), 'utf8');
    const text = readFileSync(joinPath(outbox, name), 'utf8') + whole.replaceAll('=\n', '');
    const wrong = sightsIn(viewer, 'a mail', text).filter((sight) => !mayRead(sight));
    assert.deepEqual(wrong.map(told), []);
    addressees.push(to);
  }
  t.diagnostic(`${addressees.length} mails to ${new Set(addressees).size} people`);
});

test('logs and metrics contain no personal data', async () => {
  const { text } = await clients.visitor.get('//metrics');
  assert.match(text, /sambatan_/);
  const everything = [...service.logged, text].join('');
  assert.ok(service.logged.length > 100, 'hardly anything was logged');
  assert.deepEqual(sightsIn('visitor', 'the log', everything).map(told), []);
});

test('data sent to other systems contains no personal data', async (t) => {
  const rows = await queryRows<{ all: string }>(
    service.db,
    `select metadata::text as all from sambatan.audit_events where event <> 'participant_cancelled'`,
  );
  assert.ok(rows.length > 10);
  const text = rows.map((row) => row.all).join('\n');
  assert.deepEqual(sightsIn('visitor', 'an event', text).map(told), []);
  // Whether a receiver has got the last event of this many campaigns, which is their cancellation.
  const hasHeard = (count: number, { received }: Receiver) =>
    received.filter(({ body }) => body.includes('"campaign_cancelled"')).length >= count;
  await waitUntil(() => {
    const { seller, rival, operator } = receivers;
    return hasHeard(2, seller) && hasHeard(2, rival) && hasHeard(4, operator);
  });
  for (const [who, { received }] of Object.entries(receivers)) {
    const types = new Set(received.map(({ body }) => (JSON.parse(body) as { type: string }).type));
    // The events about joins with an address and cancellations with a reason must be among those
    // received, because they could contain the words.
    for (const event of ['participant_joined', 'participant_cancelled', 'campaign_cancelled']) {
      assert.ok(types.has(event), `${who} was told of ${[...types].join(', ')}`);
    }
    const sent = received.map(({ body, headers }) => body + JSON.stringify(headers)).join('\n');
    assert.deepEqual(sightsIn('visitor', `a webhook of ${who}`, sent).map(told), []);
    t.diagnostic(`${received.length} webhooks to ${who}`);
  }
});
