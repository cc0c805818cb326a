import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import { insertDelivery, insertEndpoint } from '../support/builders/deliveries.ts';
import { codesOf } from '../support/clients/contract.ts';
import { bodies, exampleRequest } from '../support/page-states/examples.ts';
import { triggerGatewayRefusals } from '../support/inputs/gateway-refusals.ts';
import { day, createLatePayments, type Slot } from '../support/builders/kept-money.ts';
import { triggerMoneyRefusals } from '../support/inputs/money-refusals.ts';
import { assertNoSecretLogged, startHttpService } from '../support/server/http-service.ts';
import { queryRows, fillWaitingList, letTimePass } from '../support/builders/market.ts';
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
import { homeAddress } from '../support/clients/sign-in.ts';

const service = await startHttpService({ environment: { SAMBATAN_JOIN_RATE_LIMIT: '3' } });
after(service.close);
const { contract, visitor } = service;
const base = '/api/sambatan';

/** The routes that the service must have, whatever the code registers. */
const promised = [
  'POST /brands',
  'POST /products',
  'PATCH /products/{id}',
  'PUT /products/{id}/picture',
  'DELETE /products/{id}/picture',
  'GET /brands',
  'PATCH /brands/{id}',
  'GET /brands/{id}/members',
  'PATCH /brands/{id}/members/{user_id}',
  'DELETE /brands/{id}/members/{user_id}',
  'GET /brands/{id}/invitations',
  'POST /brands/{id}/invitations',
  'DELETE /brands/{id}/invitations/{invitation_id}',
  'POST /invitations/accept',
  'GET /products',
  'POST /campaigns',
  'GET /campaigns',
  'GET /campaigns/{id}',
  'PATCH /campaigns/{id}',
  'POST /campaigns/{id}/publish',
  'POST /campaigns/{id}/extend',
  'POST /campaigns/{id}/cancel',
  'POST /campaigns/{id}/decision',
  'POST /campaigns/{id}/join',
  'GET /campaigns/{id}/participants',
  'GET /campaigns/{id}/logs',
  'GET /campaigns/{id}/progress',
  'GET /campaigns/{id}/log/checkpoint',
  'GET /campaigns/{id}/log/checkpoint/{size}',
  'GET /campaigns/{id}/log/inclusion',
  'GET /campaigns/{id}/log/consistency',
  'GET /campaigns/{id}/log/tile/{level}/{a}',
  'GET /campaigns/{id}/events',
  'POST /campaigns/{id}/waiting',
  'GET /campaigns/{id}/waiting',
  'GET /campaigns/{id}/waiting/mine',
  'GET /waiting/{id}',
  'POST /waiting/{id}/accept',
  'POST /waiting/{id}/decline',
  'POST /waiting/{id}/withdraw',
  'POST /refunds/{id}/wait',
  'POST /participations/{id}/cancel',
  'POST /participations/{id}/confirm',
  'GET /participations/{id}',
  'GET /notifications',
  'GET /notifications/unread',
  'POST /notifications/read',
  'POST /notifications/{id}/read',
  'GET /notifications/settings',
  'PUT /notifications/settings/{topic}',
  'PUT /campaigns/{id}/reminder',
  'DELETE /campaigns/{id}/reminder',
  'POST /unsubscribe/{token}',
  'GET /webhooks',
  'POST /webhooks',
  'GET /webhooks/{id}',
  'PATCH /webhooks/{id}',
  'DELETE /webhooks/{id}',
  'POST /webhooks/{id}/rotate',
  'GET /webhooks/{id}/deliveries',
  'GET /deliveries',
  'POST /deliveries/{id}/resend',
  'GET /dashboard/summary',
  'POST /lifecycle/run',
  'GET /scheduler/status',
  'POST /scheduler/trigger',
  'GET /health',
];

let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

test('the document lists exactly the existing routes', () => {
  const described = contract.operations.map(({ route }) => route);
  for (const one of promised) {
    const [method, path] = one.split(' ');
    assert.ok(described.includes(`${method} ${base}${path}`), one);
  }
  const live = service.routes
    .filter((route) => !route.startsWith('HEAD ') && route.includes(`${base}/`))
    .map((route) => route.replaceAll(/:(\w+)/g, '{$1}'));
  assert.deepEqual(described.toSorted(), live.toSorted());
});

test('the document is valid OpenAPI 3.1', () => {
  const { document } = contract;
  assert.equal(document.openapi, '3.1.0');
  assert.ok(document.info.title && document.info.version);
  for (const { route, template, method, operation } of contract.operations) {
    assert.ok(operation.summary && operation.tags?.length === 1, `${route} explains itself`);
    const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path');
    const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(inPath.map(({ name }) => name).toSorted(), names.toSorted(), route);
    assert.ok(
      inPath.every(({ required }) => required === true),
      route,
    );
    for (const parameter of operation.parameters ?? []) {
      assert.match(parameter.in, /^(path|query|header)$/, route);
      assert.equal(typeof parameter.schema, 'object', route);
    }
    if (method === 'GET') assert.equal(operation.requestBody, undefined, route);
    const good = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
    // A long operation may also answer 202 and report its progress later.
    const done = good.filter((status) => status !== '202' || good.length === 1);
    assert.equal(done.length, 1, `${route} has one good answer`);
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      assert.match(status, /^[2-5]\d\d$/, route);
      assert.equal(typeof description, 'string', `${route} ${status}`);
      const types = Object.keys(content ?? {}).length;
      const isEmpty = status === '204' || status === '304';
      assert.equal(types === 0, isEmpty, `${route} ${status}`);
      if (!status.startsWith('2') && !isEmpty)
        assert.ok(codesOf(description).length > 0, `${route} ${status}`);
    }
  }
  // The document must not contain keywords of OpenAPI 3.0 that do not exist in OpenAPI 3.1.
  assert.doesNotMatch(JSON.stringify(document), /"nullable":|"\$ref":|"exclusiveMinimum":true/);
});

const described = () => contract.operations.filter(({ route }) => !route.endsWith('/health'));

test('an invalid token is 401 on every route, also on public ones', async () => {
  const stranger = service.withToken('not.a.token');
  for (const { route } of described()) {
    expectProblem(await stranger.send(exampleRequest(route)), 401, 'unauthenticated');
  }
});

test('every route with an id answers 404 for a missing one', async () => {
  const codes: Record<string, string> = {
    campaigns: 'campaign_not_found',
    participations: 'participation_not_found',
    products: 'product_not_found',
    waiting: 'waiting_entry_not_found',
    me: 'address_not_found',
    operators: 'account_not_found',
    brands: 'brand_not_found',
    'receiving-accounts': 'receiving_account_not_found',
    'statement-lines': 'statement_line_not_found',
    statements: 'statement_import_not_found',
    refunds: 'movement_not_found',
    claims: 'movement_not_found',
    payouts: 'movement_not_found',
    disputes: 'dispute_not_found',
    notifications: 'notification_not_found',
    webhooks: 'webhook_not_found',
    deliveries: 'delivery_not_found',
  };
  const someone = await service.user();
  const routes = described().filter(({ template }) => template.includes('{id}'));
  assert.ok(routes.length > 12);
  for (const { route, template } of routes) {
    const noun = template.split('/')[3] ?? '';
    const caller = noun === 'me' ? someone : service.service;
    expectProblem(await caller.send(exampleRequest(route)), 404, codes[noun] ?? noun);
  }
  for (const [path, body, code] of [
    ['/products', bodies['POST /products']!(), 'brand_not_found'],
    ['/campaigns', bodies['POST /campaigns']!(), 'product_not_found'],
    ['/webhooks', bodies['POST /webhooks']!(), 'brand_not_found'],
  ] as const) {
    expectProblem(await service.service.post(path, body), 404, code);
  }
});

test('every body is checked for form, type and size before anything else', async () => {
  // A body is validated even if the route expects none. Unsubscribing is left out, because mail
  // programs send a form.
  const written = described().filter(
    ({ route, method, operation }) =>
      method !== 'GET' &&
      !route.includes('/unsubscribe/') &&
      (operation.requestBody === undefined || takesJson(operation)),
  );
  assert.ok(written.length >= 20);
  const someone = await service.user();
  for (const { route, operation } of written) {
    const example = exampleRequest(route);
    const send = (body: string, type = 'application/json') =>
      someone.send({ ...example, body, headers: { 'content-type': type } });
    expectProblem(await send('{"name":'), 400, 'malformed_request');
    expectProblem(
      await send('name=x', 'application/x-www-form-urlencoded'),
      415,
      'unsupported_media_type',
    );
    expectProblem(
      await send('{}', 'application/json; charset=utf-16'),
      415,
      'unsupported_media_type',
    );
    expectProblem(await send(`"${'x'.repeat(70_000)}"`), 413, 'payload_too_large');
    if (operation.requestBody === undefined) continue;
    expectProblem(await send('[]'), 422, 'validation_failed');
    expectProblem(await send('{"surprise":1}'), 422, 'validation_failed');
  }
});

test('no state-changing route accepts a compressed request', async () => {
  const written = described().filter(({ method }) => method !== 'GET');
  assert.ok(written.length >= 40);
  for (const { route } of written) {
    const example = exampleRequest(route);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'br' };
    const answer = await service.service.send({ ...example, body: '{}', headers });
    expectProblem(answer, 415, 'content_encoding_not_supported');
  }
});

test('the unsubscribe route accepts the forms of mail programs, and refuses large or malformed ones', async () => {
  const send = (body: string, type: string) =>
    service.visitor.send({
      method: 'POST',
      path: '/unsubscribe/a.b.c',
      body,
      headers: { 'content-type': type },
    });
  expectProblem(await send('<x/>', 'text/xml'), 415, 'unsupported_media_type');
  const large = `List-Unsubscribe=${'x'.repeat(70_000)}`;
  expectProblem(await send(large, 'application/x-www-form-urlencoded'), 413, 'payload_too_large');
});

test('every id and query is validated before the database is queried', async () => {
  for (const { route, operation } of described()) {
    const example = exampleRequest(route);
    if (/[\da-f-]{36}/.test(example.path)) {
      const path = example.path.replace(/[\da-f-]{36}/, 'not-an-id');
      expectProblem(await service.service.send({ ...example, path }), 422, 'validation_failed');
    }
    if (operation.parameters?.some((one) => one.in === 'query')) {
      const path = `${example.path}${example.path.includes('?') ? '&' : '?'}limit=0&surprise=1`;
      const wrong = await service.service.send({ ...example, path });
      const { errors } = expectProblem(wrong, 422, 'validation_failed');
      assert.deepEqual(errors.map(({ field }) => field).toSorted(), ['limit', 'surprise']);
    }
  }
});

/** A campaign with one participation, in the given state. */
async function campaignIn(state: keyof typeof states): Promise<{ id: string; joined: string }> {
  const deadlineMs = state === 'late' ? 400 : hourMs;
  const { id } = await shop.campaign({ deadline: fromNow(deadlineMs), total_slots: 2 });
  const buyer = await service.user();
  const joined = await join(buyer, id);
  await states[state](id);
  return { id, joined: joined.id };
}

const states = {
  active: async () => undefined,
  cancelled: async (id: string) =>
    expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'batal' }), 200),
  /** The campaign is being closed: the decision is made, but not everybody is refunded yet. */
  closing: (id: string) =>
    queryRows(service.db, `select sambatan.cancel_campaign($1, 'batal', 'service')`, id),
  /** The deadline has passed, but the campaign is not closed yet. */
  late: (id: string) =>
    queryRows(
      service.db,
      `select pg_sleep(greatest(0, extract(epoch from deadline - clock_timestamp())) + 0.01)
      from sambatan.campaigns where campaign_id = $1`,
      id,
    ),
};

/** Corrections of a participation that must be refused. */
function changeCases(): Case[] {
  const change = (id: string, body: object, by = service.service) =>
    by.send({ method: 'PATCH', path: `/participations/${id}`, body });
  const inOne = async (state: keyof typeof states, body: object = { quantity: 1 }) =>
    change((await campaignIn(state)).joined, body);
  const pair = async (wish: object = {}) => {
    const { id } = await shop.campaign({ total_slots: 4, ...wish });
    return { id, part: (await join(await service.user(), id, { quantity: 2 })).id };
  };
  const note = { note: 'titip di satpam' };
  return [
    [
      'a correction by the seller',
      403,
      'forbidden',
      async () => change((await campaignIn('active')).joined, note, shop.seller),
    ],
    [
      "a correction of somebody else's",
      404,
      'participation_not_found',
      async () => change((await campaignIn('active')).joined, note, await outsider()),
    ],
    [
      'a correction of what is refunded',
      409,
      'participation_transition_not_allowed',
      () => inOne('cancelled', note),
    ],
    [
      'more slots by a correction',
      422,
      'more_slots_by_joining',
      () => inOne('active', { quantity: 2 }),
    ],
    [
      'fewer slots than the least',
      422,
      'quantity_out_of_bounds',
      async () => change((await pair({ min_slots_per_user: 2 })).part, { quantity: 1 }),
    ],
    [
      'fewer slots while it is closed',
      409,
      'campaign_closing',
      async () => {
        const { id, part } = await pair();
        await states.closing(id);
        return change(part, { quantity: 1 });
      },
    ],
    [
      'fewer slots too late',
      409,
      'deadline_passed',
      async () => {
        const { id, part } = await pair({ deadline: fromNow(400) });
        await states.late(id);
        return change(part, { quantity: 1 });
      },
    ],
    [
      'fewer slots of what has succeeded',
      409,
      'campaign_not_active',
      async () => {
        const { id, part } = await pair({ total_slots: 2 });
        await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', id);
        return change(part, { quantity: 1 });
      },
    ],
    [
      'fewer slots while the proof is being checked',
      409,
      'payment_not_open',
      async () => {
        const { part } = await pair({ payment_timing: 'upfront' });
        await queryRows(
          service.db,
          `insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
            cause, actor, created_at)
          select campaign_id, 'payment', 'proof_submitted', participation_id, 250000,
            'payment:' || participation_id, 'service', now()
          from sambatan.participants where participation_id = $1`,
          part,
        );
        return change(part, { quantity: 1 });
      },
    ],
  ];
}

type Case = [name: string, status: number, code: string, ask: () => Promise<ClientResponse>];

const draft = async (deadline = fromNow(hourMs)) =>
  (await shop.campaign({ publish: false, deadline })).id;
const lateDraft = async () => {
  const id = await draft(fromNow(300));
  await states.late(id);
  return id;
};
const extend = (id: string, deadline: string, by = shop.seller) =>
  by.post(`/campaigns/${id}/extend`, { deadline, reason: 'masih ramai' });
/** Cancels a campaign. If that is refused, the preview must be refused with the same code. */
const cancel = async (id: string, by = shop.seller) => {
  const previewed = await by.post(`/campaigns/${id}/cancel/preview`);
  const answer = await by.post(`/campaigns/${id}/cancel`, { reason: 'bahan habis' });
  assert.equal(previewed.body.code, answer.body.code);
  return answer;
};
const joinAs = async (id: string, wish: object = {}, headers = {}, by?: Client) =>
  (by ?? (await service.user())).post(`/campaigns/${id}/join`, joinBody(wish), headers);
const outsider = () => service.user();
const waitAs = async (id: string, wish: object = {}, headers = {}, by?: Client) =>
  (by ?? (await service.user())).post(`/campaigns/${id}/waiting`, joinBody(wish), headers);

/** A campaign of two slots in the given state. One slot is offered to a waiting buyer. */
async function offerIn(state: keyof typeof states | 'expired'): Promise<[Client, string]> {
  const terms = { deadline: fromNow(state === 'late' ? 1_500 : hourMs), max_slots_per_user: 1 };
  const { id } = await shop.campaign({ total_slots: 2, ...terms });
  const [leaver, stayer, waiter] = await Promise.all([outsider(), outsider(), outsider()]);
  const [{ id: taken }] = [await join(leaver, id), await join(stayer, id)];
  const { id: entry } = expectStatus(await waitAs(id, {}, {}, waiter), 201);
  expectStatus(await leaver.post(`/participations/${taken}/cancel`), 200);
  if (state === 'expired') {
    await queryRows(
      service.db,
      `update sambatan.waiting_entries set offer_expires_at = now() where entry_id = $1`,
      entry,
    );
  } else {
    await states[state](id);
  }
  return [waiter, entry];
}

/** A full campaign of two buyers with one slot each. Each buyer may have at most two slots. */
async function fullWith(buyer?: Client): Promise<string> {
  const { id } = await shop.campaign({ total_slots: 2, max_slots_per_user: 2 });
  await join(buyer ?? (await outsider()), id);
  await join(await outsider(), id);
  return id;
}

function waitingCases(): Case[] {
  const path = async (state: Parameters<typeof offerIn>[0], verb: string) => {
    const [waiter, entry] = await offerIn(state);
    return await waiter.post(`/waiting/${entry}/${verb}`);
  };
  return [
    [
      'waiting for somebody else',
      403,
      'forbidden',
      async () => waitAs(await fullWith(), { user_id: newId() }),
    ],
    [
      'waiting for what is over',
      409,
      'campaign_not_active',
      async () => waitAs((await campaignIn('cancelled')).id),
    ],
    [
      'waiting for what is being closed',
      409,
      'campaign_closing',
      async () => waitAs((await campaignIn('closing')).id),
    ],
    ['waiting too late', 409, 'deadline_passed', async () => waitAs((await campaignIn('late')).id)],
    [
      'waiting for what can be joined',
      409,
      'slots_available',
      async () => waitAs((await campaignIn('active')).id),
    ],
    [
      'waiting twice',
      409,
      'already_waiting',
      async () => {
        const [id, buyer] = [await fullWith(), await outsider()];
        await waitAs(id, {}, {}, buyer);
        return waitAs(id, {}, {}, buyer);
      },
    ],
    [
      'waiting for more than a buyer may have',
      422,
      'quantity_out_of_bounds',
      async () => {
        const buyer = await outsider();
        return waitAs(await fullWith(buyer), { quantity: 2 }, {}, buyer);
      },
    ],
    [
      'waiting behind as many as may',
      409,
      'waiting_list_full',
      async () => {
        const id = await fullWith();
        await fillWaitingList(service.db, id);
        return waitAs(id);
      },
    ],
    [
      'a key for another wish',
      422,
      'idempotency_key_reused',
      async () => {
        const [id, buyer, key] = [await fullWith(), await outsider(), newId()];
        await waitAs(id, {}, { 'idempotency-key': key }, buyer);
        return waitAs(id, {}, { 'idempotency-key': key }, buyer);
      },
    ],
    [
      'who waits for other people',
      403,
      'forbidden',
      async () => (await outsider()).get(`/campaigns/${await fullWith()}/waiting`),
    ],
    [
      'a place in a list where I have none',
      404,
      'waiting_entry_not_found',
      async () => (await outsider()).get(`/campaigns/${await fullWith()}/waiting/mine`),
    ],
    [
      "somebody else's place in a list of mine",
      403,
      'forbidden',
      async () =>
        (await outsider()).get(`/campaigns/${await fullWith()}/waiting/mine?user_id=${newId()}`),
    ],
    [
      "a place in the seller's list",
      403,
      'forbidden',
      async () => shop.seller.get(`/waiting/${(await offerIn('active'))[1]}`),
    ],
    ['taking an offer that is over', 409, 'offer_expired', () => path('expired', 'accept')],
    [
      'taking an offer of more than a buyer may have by now',
      422,
      'quantity_out_of_bounds',
      async () => {
        const { id } = await shop.campaign({ total_slots: 3, max_slots_per_user: 1 });
        const leavers = await Promise.all([outsider(), outsider(), outsider()]);
        const taken = [];
        for (const leaver of leavers) taken.push((await join(leaver, id)).id);
        const waiter = await outsider();
        const { id: entry } = expectStatus(await waitAs(id, {}, {}, waiter), 201);
        for (const [index, leaver] of leavers.entries()) {
          await leaver.post(`/participations/${taken[index]}/cancel`);
        }
        await join(waiter, id);
        return waiter.post(`/waiting/${entry}/accept`);
      },
    ],
    ...(['accept', 'decline', 'withdraw'] as const).flatMap((verb): Case[] => [
      [
        `${verb} of an offer by its seller`,
        403,
        'forbidden',
        async () => shop.seller.post(`/waiting/${(await offerIn('active'))[1]}/${verb}`),
      ],
      [
        `${verb} of what was closed`,
        409,
        'waiting_transition_not_allowed',
        () => path('cancelled', verb),
      ],
      [`${verb} of what is being closed`, 409, 'campaign_closing', () => path('closing', verb)],
      [`${verb} of an offer too late`, 409, 'deadline_passed', () => path('late', verb)],
    ]),
  ];
}

/**
 * A completed campaign of two buyers, of whom only one has paid. Returns the campaign and the
 * participation of that buyer.
 */
async function belowMinimum(): Promise<[campaign: string, paid: string]> {
  const { id } = await shop.campaign({ total_slots: 2 });
  const buyer = await outsider();
  const [paid] = [(await join(buyer, id)).id, (await join(await outsider(), id)).id];
  const run = async () => expectStatus(await service.service.post('/lifecycle/run'), 200);
  await run();
  await queryRows(
    service.db,
    `select sambatan.receive_money($1, $2, 125000, 'service', null, 'line:below')`,
    id,
    paid,
  );
  await letTimePass(service.db, id, 7 * 86_400);
  await run();
  return [id, paid];
}
const decide = (by: Client, id: string) =>
  by.post(`/campaigns/${id}/decision`, { decision: 'cancel' });

/** Sends a request while the clock of this process is one hour ahead of the database's clock. */
async function ahead<T>(send: () => Promise<T>): Promise<T> {
  mock.timers.enable({ apis: ['Date'], now: Date.now() + hourMs });
  try {
    return await send();
  } finally {
    mock.timers.reset();
  }
}

const decisionCases: Case[] = [
  [
    'a decision about another brand',
    403,
    'forbidden',
    async () => decide(await outsider(), (await shop.campaign()).id),
  ],
  [
    'a decision about nothing',
    409,
    'no_decision_open',
    async () => decide(shop.seller, (await shop.campaign()).id),
  ],
  [
    'a decision before the seller had time',
    409,
    'decision_is_sellers',
    async () => decide(await service.operator(), (await belowMinimum())[0]),
  ],
  [
    'calling off what was received',
    409,
    'goods_received_already',
    async () => {
      const [id, paid] = await belowMinimum();
      expectStatus(await service.service.post(`/participations/${paid}/fulfil`), 200);
      return decide(shop.seller, id);
    },
  ],
  [
    'calling off what was shipped',
    409,
    'goods_shipped_already',
    async () => {
      const [id] = await belowMinimum();
      expectStatus(await shop.seller.post(`/campaigns/${id}/ship`), 200);
      return decide(shop.seller, id);
    },
  ],
  [
    'calling off what is being paid out',
    409,
    'payout_settled_already',
    async () => {
      const [id] = await belowMinimum();
      await queryRows(
        service.db,
        `update sambatan.transactions set status = 'pending', provider = 'bank',
          provider_reference = 'on its way' where campaign_id = $1 and kind = 'payout'`,
        id,
      );
      return decide(shop.seller, id);
    },
  ],
  [
    'releasing a payout before it is decided',
    409,
    'payout_unsettled',
    async () => {
      const [id] = await belowMinimum();
      const [row] = await queryRows<{ id: string }>(
        service.db,
        `select transaction_id as id from sambatan.transactions
        where campaign_id = $1 and kind = 'payout'`,
        id,
      );
      return service.service.post(`/payouts/${row!.id}/release`);
    },
  ],
  [
    'taking an offer that is paid for',
    409,
    'offer_is_paid',
    async () => {
      const { id } = await shop.campaign({ total_slots: 1 });
      await join(await outsider(), id);
      const waiter = await outsider();
      const { id: entry } = expectStatus(await waitAs(id, {}, {}, waiter), 201);
      expectStatus(await service.service.post('/lifecycle/run'), 200);
      await letTimePass(service.db, id, 7 * 86_400);
      expectStatus(await service.service.post('/lifecycle/run'), 200);
      return waiter.post(`/waiting/${entry}/accept`);
    },
  ],
  ...['/lifecycle/run', '/scheduler/trigger'].map((path): Case => [
    `${path} while the clocks differ`,
    503,
    'clock_skewed',
    async () => ahead(() => service.service.post(path)),
  ]),
];

/** The refusals of each request, in the order of the routes. */
const cases: Case[] = [
  ...decisionCases,
  [
    'a brand for somebody else',
    403,
    'forbidden',
    async () => (await outsider()).post('/brands', { name: 'Bukan saya', owner_id: newId() }),
  ],
  [
    'a product of another brand',
    403,
    'forbidden',
    async () =>
      (await outsider()).post('/products', {
        brand_id: shop.brandId,
        name: 'Senja',
        base_price: 1,
      }),
  ],
  [
    "another brand's product",
    403,
    'forbidden',
    async () => (await outsider()).patch(`/products/${shop.productId}`, { name: 'Senja lain' }),
  ],
  [
    'a campaign of another brand',
    403,
    'forbidden',
    async () => (await outsider()).post('/campaigns', campaignBody(shop.productId)),
  ],
  [
    'a product that is not enabled',
    409,
    'product_not_enabled',
    async () => {
      const { seller, brandId } = shop;
      const made = await seller.post('/products', {
        brand_id: brandId,
        name: 'Fajar',
        base_price: 9,
      });
      return seller.post('/campaigns', campaignBody(made.body.id));
    },
  ],
  [
    'a deadline that has passed',
    422,
    'deadline_not_in_future',
    () =>
      shop.seller.post('/campaigns', campaignBody(shop.productId, { deadline: fromNow(-1_000) })),
  ],
  [
    'drafts of a brand that is not mine',
    403,
    'forbidden',
    async () => (await outsider()).get(`/campaigns?status=inactive&brand_id=${shop.brandId}`),
  ],
  [
    "somebody else's campaign to edit",
    403,
    'forbidden',
    async () =>
      (await outsider()).patch(`/campaigns/${(await campaignIn('active')).id}`, {
        title: 'Milikku',
      }),
  ],
  [
    'an edit after the end',
    409,
    'transition_not_allowed',
    async () =>
      shop.seller.patch(`/campaigns/${(await campaignIn('cancelled')).id}`, { title: 'Lagi' }),
  ],
  [
    'other terms once it is open',
    409,
    'campaign_already_open',
    async () =>
      shop.seller.patch(`/campaigns/${(await campaignIn('active')).id}`, { total_slots: 3 }),
  ],
  [
    "a draft's deadline in the past",
    422,
    'deadline_not_in_future',
    async () => shop.seller.patch(`/campaigns/${await draft()}`, { deadline: fromNow(-1_000) }),
  ],
  [
    "somebody else's campaign to publish",
    403,
    'forbidden',
    async () => (await service.operator()).post(`/campaigns/${await draft()}/publish`),
  ],
  [
    'publishing twice',
    409,
    'transition_not_allowed',
    async () => shop.seller.post(`/campaigns/${(await campaignIn('active')).id}/publish`),
  ],
  [
    'publishing too late',
    409,
    'deadline_passed',
    async () => shop.seller.post(`/campaigns/${await lateDraft()}/publish`),
  ],
  [
    "somebody else's deadline",
    403,
    'forbidden',
    async () => extend((await campaignIn('active')).id, fromNow(2 * hourMs), await outsider()),
  ],
  [
    'an earlier deadline',
    422,
    'deadline_not_later',
    async () => extend((await campaignIn('active')).id, fromNow(60_000)),
  ],
  [
    'extending a draft',
    409,
    'transition_not_allowed',
    async () => extend(await draft(), fromNow(2 * hourMs)),
  ],
  [
    'extending too late',
    409,
    'deadline_passed',
    async () => extend((await campaignIn('late')).id, fromNow(2 * hourMs)),
  ],
  [
    'extending what is being closed',
    409,
    'campaign_closing',
    async () => extend((await campaignIn('closing')).id, fromNow(2 * hourMs)),
  ],
  [
    "calling off somebody else's campaign",
    403,
    'forbidden',
    async () => cancel((await campaignIn('active')).id, await outsider()),
  ],
  [
    'calling off twice',
    409,
    'transition_not_allowed',
    async () => cancel((await campaignIn('cancelled')).id),
  ],
  [
    'calling off what is being closed',
    409,
    'campaign_closing',
    async () => cancel((await campaignIn('closing')).id),
  ],
  [
    'joining for somebody else',
    403,
    'forbidden',
    async () => joinAs((await campaignIn('active')).id, { user_id: newId() }),
  ],
  [
    'joining what is over',
    409,
    'campaign_not_active',
    async () => joinAs((await campaignIn('cancelled')).id),
  ],
  [
    'joining what is being closed',
    409,
    'campaign_closing',
    async () => joinAs((await campaignIn('closing')).id),
  ],
  ['joining too late', 409, 'deadline_passed', async () => joinAs((await campaignIn('late')).id)],
  [
    'more slots than there are',
    409,
    'slots_unavailable',
    async () => {
      const answer = await joinAs((await campaignIn('active')).id, { quantity: 2 });
      assert.deepEqual(answer.body.params, { remaining: 1 });
      return answer;
    },
  ],
  [
    'more slots than a buyer may have',
    422,
    'quantity_out_of_bounds',
    async () => joinAs((await shop.campaign({ max_slots_per_user: 2 })).id, { quantity: 3 }),
  ],
  [
    'a key for something else',
    422,
    'idempotency_key_reused',
    async () => {
      const [{ id }, buyer, key] = [await shop.campaign(), await service.user(), newId()];
      await joinAs(id, {}, { 'idempotency-key': key }, buyer);
      return joinAs(id, {}, { 'idempotency-key': key }, buyer);
    },
  ],
  [
    'a fourth join within the minute',
    429,
    'rate_limited',
    async () => {
      const [{ id }, buyer] = [await shop.campaign(), await service.user()];
      for (let i = 0; i < 3; i++) await joinAs(id, {}, {}, buyer);
      return joinAs(id, {}, {}, buyer);
    },
  ],
  [
    "other people's participants",
    403,
    'forbidden',
    async () =>
      (await outsider()).get(`/campaigns/${(await campaignIn('active')).id}/participants`),
  ],
  [
    "other people's log",
    403,
    'forbidden',
    async () => (await outsider()).get(`/campaigns/${(await campaignIn('active')).id}/logs`),
  ],
  [
    "somebody else's participation",
    404,
    'participation_not_found',
    async () => (await outsider()).get(`/participations/${(await campaignIn('active')).joined}`),
  ],
  ...(['receipt', 'sum-proof'] as const).map((what): Case => [
    `the ${what} of another buyer, by the seller`,
    403,
    'forbidden',
    async () => shop.seller.get(`/participations/${(await campaignIn('active')).joined}/${what}`),
  ]),
  [
    'a receipt before the first checkpoint',
    503,
    'receipt_pending',
    async () =>
      service.service.get(`/participations/${(await campaignIn('active')).joined}/receipt`),
  ],
  [
    'a receipt whose salt was deleted',
    404,
    'receipt_not_available',
    async () => {
      const { id: campaignId } = await shop.campaign({ total_slots: 1 });
      const { id } = await joinAs(campaignId).then((made) => expectStatus(made, 201));
      await queryRows(
        service.db,
        'update sambatan.participants set salt = null where participation_id = $1',
        id,
      );
      return service.service.get(`/participations/${id}/receipt`);
    },
  ],
  [
    'the sums of a campaign without a payout',
    404,
    'sums_not_published',
    async () => service.visitor.get(`/campaigns/${(await campaignIn('active')).id}/log/sums`),
  ],
  [
    'a sum proof without sums',
    404,
    'sums_not_published',
    async () =>
      service.service.get(`/participations/${(await campaignIn('active')).joined}/sum-proof`),
  ],
  [
    'a sum proof of an order without a payment',
    404,
    'sum_proof_not_available',
    async () => {
      const { id: campaignId } = await shop.campaign({ total_slots: 1 });
      const { id } = await joinAs(campaignId).then((made) => expectStatus(made, 201));
      await queryRows(
        service.db,
        `insert into sambatan.log_sums (campaign_id, version, seq, root_hash, paid, receivable,
          payout, fee, refunds, kept, checkpoint)
        values ($1, 1, 1, sha256('root'), 0, 0, 0, 0, 0, 0, 'a signed note')`,
        campaignId,
      );
      return service.service.get(`/participations/${id}/sum-proof`);
    },
  ],
  ...(['cancel', 'confirm', 'fulfil'] as const).flatMap((verb): Case[] => [
    [
      `${verb} by the seller`,
      403,
      'forbidden',
      async () =>
        shop.seller.post(`/participations/${(await campaignIn('active')).joined}/${verb}`),
    ],
    [
      `${verb} of what is refunded`,
      409,
      'participation_transition_not_allowed',
      async () =>
        service.service.post(`/participations/${(await campaignIn('cancelled')).joined}/${verb}`),
    ],
    ...(verb === 'fulfil'
      ? ([
          [
            'fulfil of what is not paid',
            409,
            'participation_not_paid',
            async () => {
              const { id: campaignId } = await shop.campaign({ total_slots: 1 });
              const { id } = await joinAs(campaignId).then((made) => expectStatus(made, 201));
              expectStatus(await service.service.post('/lifecycle/run'), 200);
              return service.service.post(`/participations/${id}/fulfil`);
            },
          ],
        ] satisfies Case[])
      : ([
          [
            `${verb} while it is closed`,
            409,
            'campaign_closing',
            async () =>
              service.service.post(
                `/participations/${(await campaignIn('closing')).joined}/${verb}`,
              ),
          ],
          [
            `${verb} too late`,
            409,
            'deadline_passed',
            async () =>
              service.service.post(`/participations/${(await campaignIn('late')).joined}/${verb}`),
          ],
        ] satisfies Case[])),
  ]),
  ...waitingCases(),
  ...changeCases(),
  [
    "shipping of somebody else's",
    403,
    'forbidden',
    async () => (await outsider()).post(`/campaigns/${(await campaignIn('active')).id}/ship`),
  ],
  [
    'shipping before it has succeeded',
    409,
    'transition_not_allowed',
    async () => shop.seller.post(`/campaigns/${(await campaignIn('active')).id}/ship`),
  ],
  [
    "somebody else's participations",
    403,
    'forbidden',
    async () => (await outsider()).get(`/participations?user_id=${newId()}`),
  ],
  [
    "somebody else's brands",
    403,
    'forbidden',
    async () => (await outsider()).get(`/brands?user_id=${newId()}`),
  ],
  ...[
    'PATCH /brands/{id}',
    'GET /brands/{id}/members',
    'PATCH /brands/{id}/members/{user_id}',
    'DELETE /brands/{id}/members/{user_id}',
    'GET /brands/{id}/invitations',
    'POST /brands/{id}/invitations',
    'DELETE /brands/{id}/invitations/{invitation_id}',
  ].map((route): Case => [
    `${route} of somebody else's brand`,
    403,
    'forbidden',
    async () => (await outsider()).send(ofBrand(route, newId())),
  ]),
  ...['PATCH', 'DELETE'].flatMap((method): Case[] => [
    [
      `${method} of who is no member`,
      404,
      'member_not_found',
      async () => shop.seller.send(ofBrand(`${method} /brands/{id}/members/{user_id}`, newId())),
    ],
    [
      `${method} of the last owner`,
      409,
      'last_owner',
      async () =>
        shop.seller.send(ofBrand(`${method} /brands/{id}/members/{user_id}`, shop.seller.userId)),
    ],
  ]),
  [
    'an invitation that there is not',
    404,
    'invitation_not_found',
    async () =>
      shop.seller.send(ofBrand('DELETE /brands/{id}/invitations/{invitation_id}', newId())),
  ],
  [
    'an invitation that the service accepts',
    403,
    'forbidden',
    async () => service.service.post('/invitations/accept', { token: 'a'.repeat(43) }),
  ],
  [
    'an invitation of nobody',
    404,
    'invitation_not_found',
    async () => (await outsider()).post('/invitations/accept', { token: 'a'.repeat(43) }),
  ],
  [
    'an invitation for a member',
    409,
    'already_member',
    async () => {
      const token = 'b'.repeat(43);
      await queryRows(
        service.db,
        `insert into sambatan.brand_invitations
          (invitation_id, brand_id, email, role, token_hash, invited_by, expires_at)
        values ($1, $2, 'tamu@contoh.id', 'admin', sha256($3), 'service', now() + interval '1 day')`,
        newId(),
        shop.brandId,
        Buffer.from(token),
      );
      return shop.seller.post('/invitations/accept', { token });
    },
  ],
  [
    'more invitations than in a day',
    409,
    'too_many_invitations',
    async () => {
      const own = await openShop(service);
      await queryRows(
        service.db,
        `insert into sambatan.brand_invitations
          (invitation_id, brand_id, email, role, token_hash, invited_by, expires_at)
        select gen_random_uuid(), $1, n || '@contoh.id', 'admin', sha256($2 || n::text::bytea),
          'service', now() + interval '1 day' from generate_series(1, 20) n`,
        own.brandId,
        Buffer.from(newId()),
      );
      const body = { email: 'tamu@contoh.id', role: 'admin' };
      return own.seller.post(`/brands/${own.brandId}/invitations`, body);
    },
  ],
  [
    'an invitation whose mail nobody takes',
    503,
    'mail_unavailable',
    async () => {
      const apart = await startHttpService({
        environment: { SMTP_URL: 'smtp://127.0.0.1:1' },
        sharedWith: service,
      });
      try {
        const body = { email: 'tamu@contoh.id', role: 'admin' };
        const path = `/brands/${shop.brandId}/invitations`;
        const answer = await apart.service.post(path, body);
        for (const one of apart.contract.seen) contract.seen.add(one);
        return answer;
      } finally {
        await apart.close();
      }
    },
  ],
  ...(['PUT', 'DELETE'] as const).map((method): Case => [
    `${method} of a picture of somebody else's product`,
    403,
    'forbidden',
    async () => (await outsider()).send({ method, path: `/products/${shop.productId}/picture` }),
  ]),
  [
    'a picture that is no form',
    415,
    'unsupported_media_type',
    async () =>
      shop.seller.send({
        method: 'PUT',
        path: `/products/${shop.productId}/picture`,
        body: {},
      }),
  ],
  [
    'a picture with more text than a form has',
    413,
    'payload_too_large',
    async () => {
      const form = new FormData();
      form.set('words', 'x'.repeat(40_000));
      const packed = new Response(form);
      return shop.seller.send({
        method: 'PUT',
        path: `/products/${shop.productId}/picture`,
        body: Buffer.from(await packed.arrayBuffer()),
        headers: { 'content-type': packed.headers.get('content-type')! },
      });
    },
  ],
  [
    'a link that does not hold',
    404,
    'link_not_valid',
    () => visitor.post('/unsubscribe/no.such.link'),
  ],
  ['a link that is none', 422, 'validation_failed', () => visitor.post('/unsubscribe/a!b')],
  [
    "a brand's webhooks that is not there",
    404,
    'brand_not_found',
    () => service.service.get(`/webhooks?brand_id=${newId()}`),
  ],
  [
    'one webhook more than there may be',
    409,
    'webhook_limit_reached',
    async () => {
      const { brandId, seller } = await openShop(service);
      const body = { brand_id: brandId, url: 'https://receiver.example/hook' };
      for (let i = 0; i < 20; i++) expectStatus(await seller.post('/webhooks', body), 201);
      return seller.post('/webhooks', body);
    },
  ],
  [
    'an address that no webhook may be sent to',
    422,
    'validation_failed',
    () => service.service.post('/webhooks', { url: 'https://169.254.169.254/latest' }),
  ],
  [
    'sending again to a webhook that was removed',
    404,
    'webhook_not_found',
    async () => {
      const { id } = await insertEndpoint(service.db, shop.brandId);
      const delivery = await insertDelivery(service.db, (await shop.campaign()).id, id);
      await service.service.send({ method: 'DELETE', path: `/webhooks/${id}` });
      return service.service.post(`/deliveries/${delivery}/resend`);
    },
  ],
  [
    "somebody else's delivery",
    404,
    'delivery_not_found',
    async () => {
      const { id } = await insertEndpoint(service.db, shop.brandId);
      const delivery = await insertDelivery(service.db, (await shop.campaign()).id, id);
      return (await outsider()).post(`/deliveries/${delivery}/resend`);
    },
  ],
  [
    "somebody else's webhooks",
    403,
    'forbidden',
    async () => (await outsider()).get(`/webhooks?brand_id=${shop.brandId}`),
  ],
  [
    "a webhook for somebody else's brand",
    403,
    'forbidden',
    async () =>
      (await outsider()).post('/webhooks', {
        brand_id: shop.brandId,
        url: 'https://receiver.example/hook',
      }),
  ],
  ...(['GET', 'PATCH', 'DELETE', 'POST rotate', 'GET deliveries'] as const).map((what): Case => {
    const [method = '', verb] = what.split(' ');
    return [
      `${what} of somebody else's webhook`,
      404,
      'webhook_not_found',
      async () => {
        const { id } = await insertEndpoint(service.db, shop.brandId);
        const path = `/webhooks/${id}${verb === undefined ? '' : `/${verb}`}`;
        return (await outsider()).send({ method, path, ...(method === 'PATCH' && { body: {} }) });
      },
    ];
  }),
  ...[
    'GET /notifications',
    'GET /notifications/unread',
    'GET /notifications/settings',
    'POST /notifications/read',
    'POST /notifications/{id}/read',
    'PUT /notifications/settings/{topic}',
    'PUT /campaigns/{id}/reminder',
    'DELETE /campaigns/{id}/reminder',
  ].map((route): Case => [
    `${route} for somebody else`,
    403,
    'forbidden',
    async () => {
      const example = exampleRequest(route.replace(' ', ` ${base}`));
      const other = newId();
      const campaigns = route.includes('/campaigns/');
      const path = campaigns
        ? example.path.replace(/[\da-f-]{36}/, (await shop.campaign()).id)
        : example.path;
      return (await outsider()).send(
        example.method === 'GET'
          ? { method: 'GET', path: `${path}?user_id=${other}` }
          : { ...example, path, body: { user_id: other } },
      );
    },
  ]),
  ...[
    'GET /deliveries',
    'GET /dashboard/summary',
    'POST /lifecycle/run',
    'GET /scheduler/status',
    'POST /scheduler/trigger',
  ].map((route): Case => {
    const [method = '', path = ''] = route.split(' ');
    return [
      `${route} for a buyer`,
      403,
      'forbidden',
      async () => (await outsider()).send({ method, path }),
    ];
  }),
];

/** A request about the shop's brand. The second id in the path is that of a person or thing. */
function ofBrand(route: string, other: string) {
  const { method, path, ...rest } = exampleRequest(
    `${route.split(' ')[0]} ${base}${route.split(' ')[1]}`,
  );
  const parts = path.split('/');
  parts[2] = shop.brandId;
  if (parts.length > 4) parts[4] = other;
  return { method, path: parts.join('/'), ...rest };
}

for (const [name, status, code, send] of cases) {
  test(`refused as ${code}: ${name}`, async () => {
    expectProblem(await send(), status, code);
  });
}

test('errors use the requested language, Indonesian by default', async () => {
  const path = `/campaigns/${newId()}`;
  const titleIn = async (language?: string) => {
    const headers = language === undefined ? {} : { 'accept-language': language };
    const answer = await visitor.get(path, headers);
    assert.match(answer.headers.vary ?? '', /accept-language/i);
    return answer.body['title'];
  };
  const [indonesian, english] = ['Sambatan tidak ditemukan', 'Campaign not found'];
  assert.equal(await titleIn(), indonesian);
  assert.equal(await titleIn('en'), english);
  assert.equal(await titleIn('en-GB,en;q=0.9,id;q=0.1'), english);
  assert.equal(await titleIn('fr, id;q=0.5, en;q=0.4'), indonesian);
  assert.equal(await titleIn('fr'), indonesian);
  const wrong = await visitor.get('/campaigns?limit=0', { 'accept-language': 'en' });
  assert.deepEqual(wrong.body.errors, [{ field: 'limit', message: 'Must be at least 1.' }]);
});

test('an unknown path is 404 and a wrong method 405, both as problem documents', async () => {
  expectProblem(await visitor.get('/nothing'), 404, 'not_found');
  const answer = await visitor.send({ method: 'DELETE', path: `/campaigns/${newId()}` });
  expectProblem(answer, 405, 'method_not_allowed');
  assert.equal(answer.headers['allow'], 'GET, HEAD, PATCH');
});

test('an event stream does not accept HEAD, which would never end', async () => {
  const { id } = await shop.campaign();
  const answer = await visitor.send({ method: 'HEAD', path: `/campaigns/${id}/events` });
  assert.equal(answer.status, 405);
});

/**
 * Codes that other tests trigger. Their causes are, for example, a database outage, overload, a
 * quarantine, idempotency keys, and unique codes that are all in use.
 */
const elsewhere =
  /^(internal_error|request_timeout|rate_limited|mail_budget_spent|verified_email_required|unique_codes_exhausted|overloaded|database_unavailable|identity_unavailable|campaign_busy|second_factor_required|account_required|reauthentication_required|outcome_unknown|installation_held|idempotency_key_reused)$/;

test('the service has no account, users cannot grant operators, and some accounts must stay', async () => {
  for (const { route } of described()) {
    if (!/\/(me|operators)(\/|$)/.test(route)) continue;
    const caller = route.includes('/operators') ? await service.user() : service.service;
    expectProblem(await caller.send(exampleRequest(route)), 403, 'forbidden');
  }
  const unknown = { email: 'siapa@example.org' };
  expectProblem(await service.service.post('/operators', unknown), 404, 'account_not_found');
  const owner = await openShop(service);
  const campaign = await owner.campaign();
  const buyer = await service.user();
  await join(buyer, campaign.id);
  const leave = { method: 'DELETE', path: '/me' };
  expectProblem(await buyer.send(leave), 409, 'account_has_participations');
  expectProblem(await owner.seller.send(leave), 409, 'account_has_campaigns');
  await queryRows(
    service.db,
    `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')`,
    owner.brandId,
    buyer.userId,
  );
  expectProblem(await owner.seller.send(leave), 409, 'account_owns_brand');
  for (let n = 0; n < 10; n++) expectStatus(await buyer.post('/me/addresses', homeAddress), 201);
  expectProblem(await buyer.post('/me/addresses', homeAddress), 409, 'too_many_addresses');
});

test('refusals of online payments', async () => {
  for (const one of await triggerGatewayRefusals(service, shop)) contract.seen.add(one);
});

test('refusals of money operations', async (t) => {
  await triggerMoneyRefusals(service, shop, (name, run) => t.test(name, run));
});

test('refusals of money kept for slots', async () => {
  const buyers = [{ paidOn: day(-1) }, { paidOn: day(-1) }, {}];
  const { late, refunds } = await createLatePayments(service, shop, buyers);
  const wait = (by: Client, index: number) => by.post(`/refunds/${refunds[index]!.id}/wait`);
  const [first, second, third] = late as [Slot, Slot, Slot];
  expectProblem(await wait(await service.operator(), 0), 403, 'forbidden');
  const seen = await shop.seller.get(`/participations/${first.id}/refunds`);
  expectProblem(seen, 403, 'forbidden');
  expectProblem(await wait(third.buyer, 2), 409, 'refund_has_no_choice');
  expectStatus(await wait(first.buyer, 0), 201);
  const staff = service.service;
  const ref = { ids: [refunds[0]!.id], reference: 'TRF 1' };
  expectProblem(await staff.post('/refunds/settle', ref), 409, 'refund_is_kept');
  const failed = await staff.post(`/refunds/${refunds[0]!.id}/fail`, { reason: 'salah nomor' });
  expectProblem(failed, 409, 'refund_is_kept');
  const sent = { ...ref, ids: [refunds[1]!.id] };
  expectStatus(await staff.post('/refunds/settle', sent), 200);
  expectProblem(await wait(second.buyer, 1), 409, 'refund_sent_already');

  const bounded = await createLatePayments(service, shop, [{ paidOn: day(-1) }], {
    max_slots_per_user: 1,
  });
  const [{ buyer } = assert.fail()] = bounded.late;
  const [other = assert.fail()] = bounded.others;
  expectStatus(await other.buyer.post(`/participations/${other.id}/cancel`), 200);
  await join(buyer, bounded.id);
  const asked = () => buyer.post(`/refunds/${bounded.refunds[0]!.id}/wait`);
  expectProblem(await asked(), 422, 'quantity_out_of_bounds');
  const reason = { reason: 'bahan habis' };
  expectStatus(await shop.seller.post(`/campaigns/${bounded.id}/cancel`, reason), 200);
  expectProblem(await asked(), 409, 'waiting_list_closed');
});

test('the public log of a campaign has no part that is not published yet', async () => {
  const { id } = await shop.campaign();
  // Sums are published after a payout, and have an error of their own.
  const routes = described().filter(
    ({ template }) => template.includes('/log/') && !template.endsWith('/log/sums'),
  );
  assert.ok(routes.length >= 8);
  for (const { route } of routes) {
    const { path } = exampleRequest(route);
    const answer = await visitor.get(path.replace(/[\da-f-]{36}/, id));
    const isSum = route.includes('/sums');
    expectProblem(answer, 404, isSum ? 'sums_not_published' : 'log_part_not_found');
  }
});

test('every declared refusal of a route was triggered here', () => {
  const missing = described().flatMap(({ route, operation }) =>
    Object.values(operation.responses)
      .flatMap(({ description }) => codesOf(description))
      .filter((code) => !elsewhere.test(code) && !contract.seen.has(`${route} ${code}`))
      .filter((code) => !(code === 'malformed_request' && !takesJson(operation)))
      .filter((code) => !(code === 'validation_failed' && !takesInput(operation)))
      .map((code) => `${route}: ${code}`),
  );
  assert.deepEqual(missing, []);
});

function takesJson(operation: (typeof contract.operations)[number]['operation']): boolean {
  return operation.requestBody?.content['application/json'] !== undefined;
}

function takesInput(operation: (typeof contract.operations)[number]['operation']): boolean {
  const parameters = (operation.parameters ?? []).filter((one) => one.in !== 'header');
  return operation.requestBody !== undefined || parameters.length > 0;
}

test('control: undeclared answers and a secret in the log are detected', async () => {
  const path = `${base}/health`;
  const { status, headers, text } = await visitor.get('/health');
  const answer = { method: 'GET', path, status, headers, text };
  const health = JSON.parse(text) as object;
  const wrong = (what: object) => assert.throws(() => contract.check({ ...answer, ...what }));
  contract.check(answer);
  wrong({ status: 201 });
  wrong({ headers: { 'content-type': 'text/html' } });
  wrong({ text: JSON.stringify({ ...health, status: 'fine' }) });
  wrong({ text: JSON.stringify({ ...health, surprise: 1 }) });
  wrong({ text: '{}' });
  const problem = { ...headers, 'content-type': 'application/problem+json' };
  wrong({ status: 404, headers: problem, text: '{"code":"not_found"}' });
  const leak = 'Jalan "Melati" 5, Yogyakarta';
  assert.throws(() => assertNoSecretLogged([JSON.stringify({ err: leak })], new Set([leak])));
  assertNoSecretLogged(service.logged, service.secrets);
});

test('a half-closed campaign is completed by a run, which reports it', async () => {
  const run = expectStatus(await service.service.post('/lifecycle/run'), 200);
  const events = (run['transitions'] as { event: string }[]).map(({ event }) => event);
  assert.ok(events.includes('campaign_cancelled') && events.includes('campaign_failed'));
});
