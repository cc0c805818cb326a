import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { exportJWK, SignJWT } from 'jose';
import { newId } from '../../src/identity/ids.ts';
import { issuer, jwtSecret, token, type Client } from '../support/clients/client.ts';
import {
  insertDelivery,
  insertEndpoint,
  insertNotification,
} from '../support/builders/deliveries.ts';
import { unsignedNotification } from '../support/inputs/gateway-refusals.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { photo, pictureForm } from '../support/builders/pictures.ts';
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
import { openStream } from '../support/clients/stream.ts';
import { pdfOf } from '../support/builders/pdf.ts';

const disputePicture = await photo();
const service = await startHttpService();
after(service.close);
const base = '/api/sambatan';

/**
 * The buyer has joined the campaign. The seller is a member of the campaign's brand, the rival of
 * another brand.
 */
const callers = ['visitor', 'buyer', 'other', 'seller', 'rival', 'operator', 'service'] as const;
type CallerName = (typeof callers)[number];

/**
 * What is requested: something in an open campaign, in a draft or in a completed campaign, or
 * something that does not exist.
 */
type Target = 'open' | 'draft' | 'completed' | 'absent';
type Row = { readonly [T in Target]?: string };

const everybody = '200 200 200 200 200 200 200';
const nobody = '404 404 404 404 404 404 404';
/** A visitor who wants to write must sign in before anything is looked up. */
const nothing = '401 404 404 404 404 404 404';
const staff = '401 403 403 403 403 200 200';
const ownOnly = '401 200 200 200 200 200 403';
const sellerAndStaff = '401 403 403 200 403 200 200';
/**
 * What is hidden from a stranger is not found (404). A caller who may see it, but not do this, gets
 * 403.
 */
const ownerAndStaff = '401 200 404 403 404 200 200';
const staffOfHidden = '401 403 404 403 404 200 200';
const sellerOfHidden = '401 404 404 200 404 200 200';
const strangeToAll = '401 404 404 404 404 404 404';
const hiddenDraft = '404 404 404 200 404 200 200';
const hiddenFromUsers = '401 404 404 200 404 200 200';

/** The expected status for each caller, in the order of `callers`. Every live route has a row. */
const matrix: Readonly<Record<string, Row>> = {
  'GET /health': { open: everybody },
  'GET /me': { open: ownOnly },
  'PATCH /me': { open: ownOnly },
  // An account with participations that have not ended cannot be deleted.
  'DELETE /me': { open: '401 409 204 409 409 204 403' },
  'GET /me/export': { open: ownOnly },
  'GET /me/addresses': { open: ownOnly },
  'POST /me/addresses': { open: '401 201 201 201 201 201 403' },
  'PATCH /me/addresses/:id': { open: '401 404 404 404 404 404 403' },
  'DELETE /me/addresses/:id': { open: '401 404 404 404 404 404 403' },
  'GET /operators': { open: staff },
  'POST /operators': { open: '401 403 403 403 403 404 404' },
  'DELETE /operators/:id': { open: '401 403 403 403 403 404 404' },
  'POST /brands': { open: '401 201 201 201 201 201 201' },
  'GET /brands/:id': { open: '401 200 200 200 200 200 200', absent: '401 404 404 404 404 404 404' },
  'GET /products/:id': {
    open: '401 200 200 200 200 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /brands/:id/payouts': { open: '401 403 403 200 403 200 200', absent: nobody },
  'GET /brands': { open: '401 200 200 200 200 200 422' },
  'PATCH /brands/:id': { open: '401 403 403 200 403 403 200', absent: nothing },
  'GET /brands/:id/members': { open: sellerAndStaff, absent: nobody },
  'PATCH /brands/:id/members/:user_id': {
    open: '401 403 403 200 403 403 200',
    absent: nothing,
  },
  'DELETE /brands/:id/members/:user_id': {
    open: '401 403 403 200 403 403 200',
    absent: nothing,
  },
  'GET /brands/:id/invitations': { open: '401 403 403 200 403 403 200', absent: nobody },
  'POST /brands/:id/invitations': { open: '401 403 403 201 403 403 201', absent: nothing },
  'DELETE /brands/:id/invitations/:invitation_id': {
    open: '401 403 403 404 403 403 404',
    absent: nothing,
  },
  'POST /invitations/accept': { open: '401 404 404 404 404 404 403' },
  'PUT /products/:id/picture': { open: '401 403 403 200 403 403 200', absent: nothing },
  'DELETE /products/:id/picture': { open: '401 403 403 200 403 403 200', absent: nothing },
  'GET /products': { open: '401 200 200 200 200 200 200' },
  'POST /products': { open: '401 403 403 201 403 403 201', absent: nothing },
  'PATCH /products/:id': { open: '401 403 403 200 403 403 200', absent: nothing },
  'POST /campaigns': { open: '401 403 403 201 403 403 201', absent: nothing },
  'GET /campaigns': { open: everybody, draft: sellerAndStaff },
  'GET /campaigns/:id': { open: everybody, draft: hiddenDraft, absent: nobody },
  'PATCH /campaigns/:id': {
    open: '401 403 403 200 403 403 200',
    draft: '401 404 404 200 404 403 200',
    absent: nothing,
  },
  'POST /campaigns/:id/publish': {
    open: '401 403 403 409 403 403 409',
    draft: '401 404 404 200 404 403 200',
    absent: nothing,
  },
  'POST /campaigns/:id/extend': {
    open: sellerAndStaff,
    draft: '401 404 404 409 404 409 409',
    absent: nothing,
  },
  'POST /campaigns/:id/cancel': { open: sellerAndStaff, draft: hiddenFromUsers, absent: nothing },
  'POST /campaigns/:id/cancel/preview': {
    open: sellerAndStaff,
    draft: hiddenFromUsers,
    absent: nothing,
  },
  'POST /campaigns/:id/decision': {
    open: '401 403 403 409 403 409 409',
    draft: '401 404 404 409 404 409 409',
    absent: nothing,
  },
  'POST /campaigns/:id/ship': {
    completed: sellerAndStaff,
    draft: '401 404 404 409 404 409 409',
    absent: nothing,
  },
  'POST /campaigns/:id/join': {
    open: '401 201 201 201 201 201 201',
    draft: '401 404 404 404 404 404 404',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /campaigns/:id/participants': { open: sellerAndStaff, draft: hiddenDraft, absent: nobody },
  'GET /campaigns/:id/logs': { open: sellerAndStaff, draft: hiddenDraft, absent: nobody },
  'GET /campaigns/:id/progress': { open: everybody, draft: hiddenDraft, absent: nobody },
  // Answers of the public log are cached for everybody, so a draft has none, even for its seller.
  ...Object.fromEntries(
    ['checkpoint', 'checkpoint/:size', 'tile/:level/:a/:b', 'inclusion', 'consistency'].map(
      (path) => [
        `GET /campaigns/:id/log/${path}`,
        { open: everybody, completed: everybody, draft: nobody, absent: nobody },
      ],
    ),
  ),
  // Only logs with at least 256 records have such tiles.
  'GET /campaigns/:id/log/tile/:level/:a': { open: nobody, draft: nobody, absent: nobody },
  'GET /campaigns/:id/log/tile/:level/:a/:b/:c': { open: nobody, draft: nobody, absent: nobody },
  'GET /campaigns/:id/log/tile/:level/:a/:b/:c/:d': { open: nobody, absent: nobody },
  'GET /campaigns/:id/events': { open: everybody, draft: hiddenDraft, absent: nobody },
  'PATCH /participations/:id': {
    open: '401 200 404 403 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /participations': { open: '401 200 200 200 200 200 422' },
  'GET /participations/:id': {
    open: '401 200 404 200 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  // Nothing is published here: neither a checkpoint nor sums.
  'GET /participations/:id/receipt': {
    open: '401 503 404 403 404 403 503',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /participations/:id/sum-proof': {
    open: '401 404 404 403 404 403 404',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /campaigns/:id/log/sums': { open: nobody, draft: nobody, absent: nobody },
  'POST /participations/:id/cancel': {
    open: '401 200 404 403 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'POST /participations/:id/confirm': {
    open: staffOfHidden,
    absent: '401 404 404 404 404 404 404',
  },
  'POST /participations/:id/fulfil': {
    open: '401 409 404 403 404 409 409',
    completed: '401 200 404 403 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'POST /campaigns/:id/waiting': {
    open: '401 201 201 201 201 201 201',
    draft: '401 404 404 404 404 404 404',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /campaigns/:id/waiting': { open: sellerAndStaff, draft: hiddenDraft, absent: nobody },
  'GET /campaigns/:id/waiting/mine': {
    open: '401 200 404 404 404 404 200',
    draft: '401 404 404 404 404 404 404',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /waiting/:id': {
    open: '401 200 404 403 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'POST /waiting/:id/accept': {
    open: '401 200 404 403 404 403 200',
    absent: '401 404 404 404 404 404 404',
  },
  'POST /waiting/:id/decline': {
    open: '401 200 404 403 404 403 200',
    absent: '401 404 404 404 404 404 404',
  },
  'POST /waiting/:id/withdraw': {
    open: '401 200 404 403 404 200 200',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /receiving-accounts': { open: staff },
  'POST /receiving-accounts': { open: '401 403 403 403 403 201 201' },
  'PATCH /receiving-accounts/:id': { open: staff, absent: '401 403 403 403 403 404 404' },
  'POST /receiving-accounts/:id/statement': {
    open: staff,
    absent: '401 403 403 403 403 404 404',
  },
  'POST /receiving-accounts/:id/statements': {
    open: '401 403 403 403 403 201 201',
    absent: '401 403 403 403 403 404 404',
  },
  'DELETE /receiving-accounts/:id/statement-mapping': {
    open: '401 403 403 403 403 204 204',
    absent: '401 403 403 403 403 404 404',
  },
  'GET /statements': { open: staff },
  'GET /statements/:id': { absent: '401 403 403 403 403 404 404' },
  'GET /statements/:id/rows': { absent: '401 403 403 403 403 404 404' },
  'POST /statements/:id/preview': { absent: '401 403 403 403 403 404 404' },
  'POST /statements/:id/apply': { absent: '401 403 403 403 403 404 404' },
  // Callers whose account was deleted by `DELETE /me` above have no refund account. All others have
  // entered one before.
  'GET /refund-account': { open: '401 200 200 200 200 200 422' },
  'PUT /refund-account': { open: '401 200 200 200 200 200 422' },
  'GET /brands/:id/payout-account': {
    open: '401 403 403 200 403 200 200',
    absent: nobody,
  },
  'PUT /brands/:id/payout-account': {
    open: '401 403 403 200 403 403 200',
    absent: nothing,
  },
  'GET /participations/:id/payment': { completed: ownerAndStaff, absent: strangeToAll },
  'POST /participations/:id/proof': {
    completed: '401 200 404 403 404 403 200',
    absent: strangeToAll,
  },
  'GET /participations/:id/proof': { completed: ownerAndStaff, absent: strangeToAll },
  'POST /participations/:id/payment/verify': { completed: staffOfHidden, absent: strangeToAll },
  'POST /participations/:id/payment/reject': { completed: staffOfHidden, absent: strangeToAll },
  'POST /participations/:id/payment/write-off': { completed: staffOfHidden, absent: strangeToAll },
  'GET /payments': { open: staff },
  'GET /statement-lines': { open: staff },
  'GET /statement-lines/:id': { absent: '401 403 403 403 403 404 404' },
  'PUT /statement-lines/:id/parts': { absent: '401 403 403 403 403 404 404' },
  'POST /statement-lines/settle': { absent: '401 403 403 403 403 404 404' },
  'POST /statement-lines/:id/assign': { absent: '401 403 403 403 403 404 404' },
  'POST /statement-lines/:id/ignore': { absent: '401 403 403 403 403 404 404' },
  'GET /refunds': { open: staff },
  'GET /refunds/export': { open: staff },
  'GET /participations/:id/refunds': {
    open: ownerAndStaff,
    absent: nothing,
  },
  'POST /refunds/:id/wait': { absent: nothing },
  'POST /refunds/settle': { open: '401 403 403 403 403 404 404' },
  'POST /refunds/:id/fail': { absent: '401 403 403 403 403 404 404' },
  'POST /refunds/:id/reverse': { absent: '401 403 403 403 403 404 404' },
  'GET /claims': { open: staff },
  'POST /claims/:id/settle': { absent: '401 403 403 403 403 404 404' },
  'POST /claims/:id/give-up': { absent: '401 403 403 403 403 404 404' },
  'GET /payouts': { open: staff },
  'POST /payouts/:id/release': { absent: '401 403 403 403 403 404 404' },
  'POST /payouts/:id/settle': { absent: '401 403 403 403 403 404 404' },
  'POST /payouts/:id/reverse': { absent: '401 403 403 403 403 404 404' },
  'GET /campaigns/:id/books': { open: sellerAndStaff, draft: hiddenDraft, absent: nobody },
  'POST /campaigns/:id/shortfall': {
    completed: sellerAndStaff,
    draft: '401 404 404 409 404 409 409',
    absent: nothing,
  },
  'POST /campaigns/:id/shortfall/preview': {
    completed: sellerAndStaff,
    draft: '401 404 404 409 404 409 409',
    absent: nothing,
  },
  'POST /participations/:id/dispute': {
    open: '401 409 404 403 404 403 409',
    completed: '401 201 404 403 404 403 201',
    absent: strangeToAll,
  },
  // The participation has no open dispute to which a picture could be added.
  'POST /participations/:id/dispute/pictures': {
    open: '401 404 404 403 404 403 404',
    completed: '401 404 404 403 404 403 404',
    absent: strangeToAll,
  },
  'GET /disputes/:id/picture': {
    open: '401 404 404 404 404 404 404',
    absent: '401 404 404 404 404 404 404',
  },
  'GET /disputes': { open: staff },
  'POST /disputes/:id/resolve': { absent: '401 403 403 403 403 404 404' },
  // The service itself is not a user, so it must name the user whose notifications it wants.
  'GET /notifications': { open: '401 200 200 200 200 200 422' },
  'GET /notifications/unread': { open: '401 200 200 200 200 200 422' },
  'GET /notifications/settings': { open: '401 200 200 200 200 200 422' },
  'PUT /notifications/settings/:topic': { open: '401 200 200 200 200 200 200' },
  'POST /notifications/read': { open: '401 200 200 200 200 200 200' },
  'POST /notifications/:id/read': {
    open: '401 200 404 404 404 404 404',
    absent: '401 404 404 404 404 404 404',
  },
  'PUT /campaigns/:id/reminder': {
    open: '401 200 200 200 200 200 200',
    draft: hiddenFromUsers,
    absent: nothing,
  },
  'DELETE /campaigns/:id/reminder': {
    open: '401 200 200 200 200 200 200',
    draft: hiddenFromUsers,
    absent: nothing,
  },
  'POST /unsubscribe/:token': { open: everybody, absent: nobody },
  'POST /webhooks': { open: '401 403 403 201 403 201 201', absent: nothing },
  'GET /webhooks': { open: staff, draft: sellerAndStaff },
  'GET /webhooks/:id': { open: sellerOfHidden, absent: strangeToAll },
  'PATCH /webhooks/:id': { open: sellerOfHidden, absent: strangeToAll },
  'DELETE /webhooks/:id': { open: sellerOfHidden, absent: strangeToAll },
  'POST /webhooks/:id/rotate': { open: sellerOfHidden, absent: strangeToAll },
  'GET /webhooks/:id/deliveries': { open: sellerOfHidden, absent: strangeToAll },
  'GET /deliveries': { open: staff },
  'POST /deliveries/:id/resend': { open: sellerOfHidden, absent: strangeToAll },
  'GET /dashboard/summary': { open: staff },
  // No payment provider is configured, and only callers with permission are told so.
  'POST /participations/:id/pay-online': {
    completed: '401 409 404 403 404 403 409',
    absent: strangeToAll,
  },
  'POST /gateway/midtrans/notifications': { open: '409 409 409 409 409 409 409' },
  'POST /gateway/reconcile': { open: '401 403 403 403 403 409 409' },
  'POST /lifecycle/run': { open: staff },
  'GET /scheduler/status': { open: staff },
  'POST /scheduler/trigger': { open: staff },
};

/** Routes outside the API that have no personal data. */
const besides = /^(GET|HEAD) \/(livez|readyz|metrics|api\/docs(\/.*)?)$/;

let shop: Shop;
let rival: Shop;
let receivingAccount: string;
let accounts = 0;
const people = {} as Record<CallerName, Client>;
before(async () => {
  shop = await openShop(service);
  rival = await openShop(service);
  // The only owner of a brand with a running campaign cannot leave it, so this request changes
  // nothing.
  await rival.campaign();
  Object.assign(people, {
    visitor: service.visitor,
    buyer: await service.user(),
    other: await service.user(),
    seller: shop.seller,
    rival: rival.seller,
    operator: await service.operator(),
    service: service.service,
  });
  const account = { bank: 'BCA', number: '5270099001', holder: 'PT Sambatan Bersama' };
  const made = expectStatus(await service.service.post('/receiving-accounts', account), 201);
  receivingAccount = made.id;
  await service.service.send({
    method: 'PUT',
    path: `/brands/${shop.brandId}/payout-account`,
    body: account,
  });
  for (const name of ['buyer', 'other', 'seller', 'rival', 'operator'] as const) {
    await people[name].send({ method: 'PUT', path: '/refund-account', body: account });
  }
});

test('every live route of the API has a row in the matrix', () => {
  const ofTheApi = service.routes.filter((route) => route.split(' ')[1]!.startsWith('/api'));
  const unknown = ofTheApi.filter((route) => {
    const [method = '', path = ''] = route.split(' ');
    const row = `${method === 'HEAD' ? 'GET' : method} ${path.slice(base.length)}`;
    return !besides.test(route) && !Object.hasOwn(matrix, row);
  });
  assert.deepEqual(unknown, []);
  const dead = Object.keys(matrix).filter(
    (row) => !service.routes.includes(row.replace(' ', ` ${base}`)),
  );
  assert.deepEqual(dead, []);
});

/** Data that is created for one request, so that requests do not affect each other. */
interface Things {
  readonly campaignId: string;
  readonly participationId: string;
  readonly entryId: string;
  readonly productId: string;
  readonly brandId: string;
  readonly address: string;
  /** The user id of a contributor in the brand. */
  readonly memberId: string;
  /** The id of a notification to the buyer. */
  readonly messageId: string;
  /** The id of a webhook endpoint of the brand. */
  readonly webhookId: string;
  readonly deliveryId: string;
  readonly token: string;
}

async function thingsFor(target: Target, route: string): Promise<Things> {
  const { productId, brandId } = shop;
  const absent = {
    campaignId: newId(),
    participationId: newId(),
    entryId: newId(),
    address: newId(),
    memberId: newId(),
    messageId: newId(),
    webhookId: newId(),
    deliveryId: newId(),
    token: 'no.such.token',
  };
  if (target === 'absent') return { ...absent, productId: newId(), brandId: newId() };
  const { id: campaignId } = await shop.campaign({ publish: target !== 'draft', total_slots: 2 });
  // The log of the new campaign has a checkpoint with one record.
  if (route.includes('/log/')) await service.app.logWriter.drain();
  const things = { ...absent, productId, brandId, campaignId };
  await queryRows(
    service.db,
    `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')`,
    brandId,
    things.memberId,
  );
  if (target === 'draft') return things;
  const address = `Gang Rahasia ${newId()}`;
  const wish = { shipping_address: address, quantity: target === 'completed' ? 2 : 1 };
  const { id: participationId } = await join(people.buyer, campaignId, wish);
  if (target === 'completed') {
    expectStatus(await service.service.post('/lifecycle/run'), 200);
  }
  if (target === 'completed' && /fulfil$|dispute$/.test(route)) {
    // The order must be paid, because nobody can confirm the receipt of an unpaid order or dispute
    // it.
    const path = `/participations/${participationId}/payment/verify`;
    expectStatus(await service.service.post(path, {}), 200);
  }
  if (route.includes('/log/')) await service.app.logWriter.drain();
  if (route.includes('/waiting')) {
    return { ...things, ...(await waitingFor(campaignId, route)) };
  }
  const { db } = service;
  // A brand may have at most twenty endpoints, so the earlier ones are removed.
  await queryRows(
    db,
    `update sambatan.webhook_endpoints set status = 'removed' where brand_id = $1`,
    brandId,
  );
  const webhookId = (await insertEndpoint(db, brandId)).id;
  return {
    ...things,
    participationId,
    address,
    messageId: await insertNotification(db, campaignId, people.buyer.userId),
    webhookId,
    deliveryId: await insertDelivery(db, campaignId, webhookId),
    token: service.app.unsubscribeTokens.tokenFor({ userId: newId(), topic: 'campaigns' }),
  };
}

/**
 * Lets another buyer take the last slot, so that the buyer must wait. If the route is about an
 * offer, the other buyer then cancels and the buyer is offered the slot.
 */
async function waitingFor(campaignId: string, route: string): Promise<Partial<Things>> {
  const leaver = await service.user();
  const { id: taken } = await join(leaver, campaignId);
  if (route === 'POST /campaigns/:id/waiting') return {};
  const address = `Gang Rahasia ${newId()}`;
  const body = { quantity: 1, shipping_address: address };
  const entry = await people.buyer.post(`/campaigns/${campaignId}/waiting`, body);
  const { id: entryId } = expectStatus(entry, 201);
  if (/accept|decline/.test(route)) {
    expectStatus(await leaver.post(`/participations/${taken}/cancel`), 200);
  }
  return { entryId, address };
}

const reasons = [
  'participations/:id/payment/reject',
  'participations/:id/payment/write-off',
  'participations/:id/dispute',
  'refunds/:id/fail',
  'refunds/:id/reverse',
  'claims/:id/give-up',
  'payouts/:id/reverse',
  'statement-lines/:id/ignore',
].map((route) => [`POST /${route}`, () => ({ reason: 'alasan yang jelas' })] as const);
const aBank = () => ({ bank: 'BCA', number: `88${++accounts}00000`, holder: 'Sari Dewi' });
const pdf = Buffer.from(pdfOf());

/** The files that some routes accept instead of JSON. */
const files: Readonly<Record<string, [type: string, content: string | Buffer]>> = {
  'POST /participations/:id/proof': ['application/pdf', pdf],
  'POST /participations/:id/dispute/pictures': ['image/jpeg', disputePicture],
  'POST /receiving-accounts/:id/statement': ['text/csv', 'date,description,amount\n'],
  'POST /receiving-accounts/:id/statements': ['text/csv', 'date,description,amount\n'],
};

/** The routes whose participation must have a submitted proof of payment. */
const needsProof = new Set([
  'GET /participations/:id/proof',
  'POST /participations/:id/payment/reject',
]);
/** The path of a route, with the ids of the things that were created for the request. */
function pathTo(pattern: string, things: Things, target: Target): string {
  const [, noun = ''] = pattern.split('/');
  const absent = target === 'absent' ? newId() : undefined;
  const ids: Readonly<Record<string, string>> = {
    campaigns: things.campaignId,
    products: things.productId,
    brands: things.brandId,
    participations: things.participationId,
    waiting: things.entryId,
    notifications: things.messageId,
    webhooks: things.webhookId,
    deliveries: things.deliveryId,
    'receiving-accounts': absent ?? receivingAccount,
    me: things.participationId,
    operators: things.participationId,
  };
  return pattern
    .replace(':id', ids[noun] ?? newId())
    .replace(':user_id', things.memberId)
    .replace(':invitation_id', newId())
    .replace(':topic', 'orders')
    .replace(':token', things.token)
    .replace(':size', '1')
    .replace(':level/:a/:b/:c/:d', '0/x001/x000/000.p/1')
    .replace(':level/:a/:b/:c', '0/x001/000.p/1')
    .replace(':level/:a/:b', '0/000.p/1')
    .replace(':level/:a', '1/000')
    .replace(/inclusion$/, 'inclusion?index=0&size=1')
    .replace(/consistency$/, 'consistency?from=1&to=1');
}

/** The service must name the user for whom it acts. */
const onBehalf = (_things: Things, caller: CallerName) =>
  caller === 'service' ? { user_id: newId() } : {};

const bodies: Readonly<Record<string, (things: Things, caller: CallerName) => object>> = {
  'PATCH /me': () => ({ display_name: 'Sari' }),
  'POST /me/addresses': () => homeAddress,
  'PATCH /me/addresses/:id': () => ({ label: 'Kantor' }),
  'POST /operators': () => ({ email: 'siapa@example.org' }),
  ...Object.fromEntries(reasons),
  'POST /receiving-accounts': aBank,
  'PATCH /receiving-accounts/:id': () => ({ holder: 'PT Sambatan' }),
  'PUT /refund-account': aBank,
  'PUT /brands/:id/payout-account': aBank,
  'POST /statement-lines/:id/assign': () => ({ participation_id: newId() }),
  'PUT /statement-lines/:id/parts': () => ({ parts: [] }),
  'POST /statement-lines/settle': () => ({ ids: [newId()] }),
  'POST /statements/:id/preview': () => ({}),
  'POST /statements/:id/apply': () => ({}),
  'POST /refunds/settle': () => ({ ids: [newId()], reference: 'TRF 1' }),
  'POST /gateway/midtrans/notifications': () => unsignedNotification,
  'POST /claims/:id/settle': () => ({ reference: 'TRF 1' }),
  'POST /payouts/:id/settle': () => ({ reference: 'TRF 1' }),
  'POST /campaigns/:id/shortfall': () => ({ slots: 1, reason: 'pecah satu' }),
  'POST /campaigns/:id/shortfall/preview': () => ({ slots: 1 }),
  'POST /disputes/:id/resolve': () => ({ resolution: 'dismissed', explanation: 'sudah dicek' }),
  'POST /brands': (_things, caller) => ({
    name: 'Brand baru',
    ...(caller === 'service' ? { owner_id: newId() } : {}),
  }),
  'PATCH /brands/:id': () => ({ name: 'Melati Wangi' }),
  'PATCH /brands/:id/members/:user_id': () => ({ role: 'admin' }),
  'POST /brands/:id/invitations': () => ({ email: `${newId()}@contoh.id`, role: 'admin' }),
  'POST /invitations/accept': () => ({ token: 'a'.repeat(43) }),
  'POST /products': ({ brandId }) => ({ brand_id: brandId, name: 'Fajar', base_price: 9_000 }),
  'PATCH /products/:id': () => ({ name: 'Senja Merah' }),
  'POST /campaigns': ({ productId }) => campaignBody(productId),
  'PATCH /participations/:id': () => ({ note: 'titip di satpam' }),
  'PATCH /campaigns/:id': () => ({ title: 'Judul lain' }),
  'POST /campaigns/:id/extend': () => ({ deadline: fromNow(2 * hourMs), reason: 'masih ramai' }),
  'POST /campaigns/:id/cancel': () => ({ reason: 'bahan habis' }),
  'POST /campaigns/:id/decision': () => ({ decision: 'continue' }),
  'PUT /notifications/settings/:topic': onBehalf,
  'POST /notifications/read': onBehalf,
  'POST /notifications/:id/read': onBehalf,
  'PUT /campaigns/:id/reminder': onBehalf,
  'DELETE /campaigns/:id/reminder': onBehalf,
  'POST /webhooks': ({ brandId }) => ({ brand_id: brandId, url: 'https://receiver.example/hook' }),
  'PATCH /webhooks/:id': () => ({ description: 'Toko' }),
  'POST /campaigns/:id/join': (_things, caller) =>
    joinBody(caller === 'service' ? { user_id: newId() } : {}),
  'POST /campaigns/:id/waiting': (_things, caller) =>
    joinBody(caller === 'service' ? { user_id: newId() } : {}),
};

async function statusFor(route: string, caller: CallerName, target: Target): Promise<string> {
  const things = await thingsFor(target, route);
  const [method = '', pattern = ''] = route.split(' ');
  if (target === 'completed' && needsProof.has(route)) {
    const { participationId } = things;
    const headers = { 'content-type': 'application/pdf' };
    const path = `/participations/${participationId}/proof`;
    expectStatus(await people.buyer.send({ method: 'POST', path, body: pdf, headers }), 200);
  }
  if (route === 'GET /refund-account' && people[caller].userId !== '') {
    expectStatus(await people[caller].send({ method: 'PUT', path: pattern, body: aBank() }), 200);
  }
  const asked = (target === 'draft' ? drafts[route]?.() : undefined) ?? asOf(route, caller);
  const path = pathTo(pattern, things, target) + asked;
  const client = people[caller];
  if (pattern.endsWith('/events')) {
    const headers = client.token === undefined ? {} : { authorization: `Bearer ${client.token}` };
    const watcher = await openStream(service.url, things.campaignId, headers);
    if (watcher.status === 200) await watcher.heard(({ event }) => event === 'progress');
    assert.ok(!watcher.text().includes(things.address));
    watcher.end();
    return String(watcher.status);
  }
  const file = files[route];
  if (file !== undefined) {
    const [type, content] = file;
    const headers = { 'content-type': type };
    return String((await client.send({ method, path, body: content, headers })).status);
  }
  const body = bodies[route]?.(things, caller);
  const sending =
    route === 'PUT /products/:id/picture'
      ? await pictureForm(await photo())
      : body === undefined
        ? {}
        : { body };
  const answer = await client.send({ method, path, ...sending });
  if (answer.text.includes(things.address)) {
    assert.ok(mayReadAddresses(route, caller), `${caller} reads an address at ${route}`);
  }
  return String(answer.status);
}

/** The service must name the user for whom it asks. */
const asOf = (route: string, caller: CallerName) =>
  route.endsWith('/mine') && caller === 'service' ? `?user_id=${people.buyer.userId}` : '';

/** The query parameters that a list needs if it is not public. */
const drafts: Readonly<Record<string, () => string>> = {
  'GET /campaigns': () => `?status=inactive&brand_id=${shop.brandId}`,
  'GET /webhooks': () => `?brand_id=${shop.brandId}`,
};

/**
 * Whether the caller may read postal addresses in the answer of a route. They are visible to their
 * owner, the campaign's seller, operators and the service.
 */
function mayReadAddresses(route: string, caller: CallerName): boolean {
  if (/^(POST \/participations|(GET|PATCH) \/participations\/:id$)/.test(route)) {
    return ['buyer', 'seller', 'operator', 'service'].includes(caller);
  }
  if (/ \/waiting\/|\/mine$/.test(route)) return ['buyer', 'operator', 'service'].includes(caller);
  if (route === 'GET /me/export' || route === 'GET /participations') return caller === 'buyer';
  if (route !== 'GET /campaigns/:id/participants') return false;
  return ['seller', 'operator', 'service'].includes(caller);
}

for (const [route, row] of Object.entries(matrix)) {
  test(`authorization of ${route}`, async () => {
    for (const [target, expected] of Object.entries(row)) {
      const statuses: string[] = [];
      for (const caller of callers) {
        statuses.push(await statusFor(route, caller, target as Target));
      }
      assert.equal(statuses.join(' '), expected, `${target}: ${callers.join(' ')}`);
    }
  });
}

test('a stranger gets the same answer for existing and missing things', async () => {
  const hidden = /^\w+ \/(?:participations|waiting|webhooks|deliveries)\/:id/;
  const routes = Object.keys(matrix).filter((one) => hidden.test(one));
  assert.ok(routes.length >= 20);
  for (const route of routes) {
    const there = matrix[route]!.open === undefined ? 'completed' : 'open';
    const [method = '', pattern = ''] = route.split(' ');
    const told: Record<string, unknown[]> = { other: [], rival: [] };
    for (const target of [there, 'absent'] as const) {
      const things = await thingsFor(target, route);
      for (const caller of ['other', 'rival'] as const) {
        const [type, content] = files[route] ?? [];
        const body = content ?? bodies[route]?.(things, caller);
        const { status, text } = await people[caller].send({
          method,
          path: pathTo(pattern, things, target),
          ...(body === undefined ? {} : { body }),
          ...(type === undefined ? {} : { headers: { 'content-type': type } }),
        });
        told[caller]!.push([status, text.replace(/"instance":"[^"]+"/, '')]);
      }
    }
    for (const [caller, [ofOne, ofNone]] of Object.entries(told)) {
      assert.deepEqual(ofOne, ofNone, `${caller} ${route}`);
      assert.equal((ofOne as [number])[0], 404, `${caller} ${route}`);
    }
  }
});

test('HEAD is allowed to whoever may GET', async () => {
  for (const route of service.routes.filter((one) => one.startsWith(`HEAD ${base}/`))) {
    const pattern = route.slice(`HEAD ${base}`.length);
    const row = matrix[`GET ${pattern}`];
    const target = (['open', 'completed', 'absent'] as const).find((one) => row?.[one])!;
    const expected = row?.[target]?.split(' ') ?? [];
    const things = await thingsFor(target, `GET ${pattern}`);
    if (needsProof.has(`GET ${pattern}`)) {
      const headers = { 'content-type': 'application/pdf' };
      const path = `/participations/${things.participationId}/proof`;
      expectStatus(await people.buyer.send({ method: 'POST', path, body: pdf, headers }), 200);
    }
    for (const [index, caller] of callers.entries()) {
      const path = pathTo(pattern, things, target) + asOf(route, caller);
      const { status, text } = await people[caller].send({ method: 'HEAD', path });
      assert.equal(`${status}${text}`, expected[index], `${caller} ${route}`);
    }
  }
});

test('owners and admins of a brand are its seller, contributors are not, and nobody in another brand', async () => {
  const admin = await service.user();
  const contributor = await service.user();
  for (const [{ userId }, role] of [
    [admin, 'admin'],
    [contributor, 'contributor'],
  ] as const) {
    await service.db.rows(
      {
        name: `test_member_${role}`,
        text: `insert into sambatan.brand_members (brand_id, user_id, role)
          values ($1, $2, '${role}')`,
      },
      shop.brandId,
      userId,
    );
  }
  const { campaignId } = await thingsFor('open', '');
  const elsewhere = (await rival.campaign()).id;
  expectStatus(await admin.get(`/campaigns/${campaignId}/participants`), 200);
  const hidden = await contributor.get(`/campaigns/${campaignId}/participants`);
  expectProblem(hidden, 403, 'forbidden');
  for (const member of [admin, contributor]) {
    expectProblem(await member.get(`/campaigns/${elsewhere}/participants`), 403, 'forbidden');
  }
});

test('lists of published campaigns contain no drafts for anybody', async () => {
  const draft = await shop.campaign({ publish: false, title: 'Rahasia dapur kami' });
  for (const caller of callers) {
    for (const query of [`?brand_id=${shop.brandId}&limit=100`, '?q=rahasia', '?sort=deadline']) {
      const { text } = await people[caller].get(`/campaigns${query}`);
      assert.ok(!text.includes(draft.id) && !text.includes('Rahasia dapur'), `${caller} ${query}`);
    }
  }
});

test('a buyer joins only for themselves, and the service for the user that it names', async () => {
  const { id } = await shop.campaign();
  const someone = newId();
  const path = `/campaigns/${id}/join`;
  expectProblem(await people.other.post(path, joinBody({ user_id: someone })), 403, 'forbidden');
  const own = joinBody({ user_id: people.other.userId.toUpperCase() });
  assert.equal(
    expectStatus(await people.other.post(path, own), 201)['user_id'],
    people.other.userId,
  );
  expectProblem(await service.service.post(path, joinBody()), 422, 'validation_failed');
  const named = await service.service.post(path, joinBody({ user_id: someone }));
  assert.equal(expectStatus(named, 201)['user_id'], someone);
});

/** An access token with any header and signature. */
function forged(header: object, payload: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

const mine = `${base}/campaigns`.slice(base.length);
const someone = newId();
const soon = () => Math.floor(Date.now() / 1_000);
const claims = () => ({ sub: someone, iss: issuer, aud: 'authenticated', exp: soon() + 600 });

const badTokens: Readonly<Record<string, () => Promise<string> | string>> = {
  'no algorithm': () => forged({ alg: 'none' }, claims()),
  'no algorithm, in capitals': () => forged({ alg: 'NONE', typ: 'JWT' }, claims()),
  'another algorithm of the same secret': async () =>
    new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS512' })
      .sign(new TextEncoder().encode(jwtSecret.repeat(2))),
  'an algorithm of a key set that there is not': async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    return new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
  },
  'another issuer': () => token(someone, { issuer: 'https://elsewhere.example' }),
  'another audience': () => token(someone, { audience: 'anon' }),
  'another key': () => token(someone, { secret: 'another secret of at least 32 bytes!' }),
  'an end that has passed': () => token(someone, { expiresIn: -60 }),
  'a beginning that has not come': () => token(someone, { claims: { nbf: soon() + 600 } }),
  'no end': async () =>
    new SignJWT({ sub: someone })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer)
      .setAudience('authenticated')
      .sign(new TextEncoder().encode(jwtSecret)),
  'a subject that is no id': () => token('admin'),
  'a subject with more behind it': () => token(`${someone}' or '1'='1`),
  'a payload that was changed': async () => {
    const [head, , signature] = (await token(someone)).split('.');
    const payload = Buffer.from(
      JSON.stringify({ ...claims(), app_metadata: { role: 'operator' } }),
    ).toString('base64url');
    return `${head}.${payload}.${signature}`;
  },
  'a critical extension that nobody knows': () =>
    forged({ alg: 'HS256', crit: ['x'], x: 1 }, claims(), 'AAAA'),
  'a key of its own in the header': () =>
    forged({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, claims(), 'AAAA'),
  'far too much text': () => `${'a'.repeat(9_000)}.b.c`,
  'the service key with one letter more': () => 'service-key-of-at-least-32-charactersx',
};

for (const [name, make] of Object.entries(badTokens)) {
  test(`a token with ${name} is refused`, async () => {
    const answer = await service.withToken(await make()).get(mine);
    expectProblem(answer, 401, 'unauthenticated');
  });
}

test('app_metadata decides who is an operator, and nothing that users can edit', async () => {
  const asking = async (made: object) =>
    (
      await service
        .withToken(await token(newId(), { claims: made as Record<string, unknown> }))
        .get('/scheduler/status')
    ).status;
  assert.equal(await asking({ user_metadata: { role: 'operator', roles: ['operator'] } }), 403);
  assert.equal(await asking({ role: 'operator', roles: ['operator'] }), 403);
  assert.equal(await asking({ role: 'service_role' }), 403);
  assert.equal(await asking({ app_metadata: { role: 'Operator' } }), 403);
  assert.equal(await asking({ app_metadata: 'operator' }), 403);
  assert.equal(await asking({ app_metadata: { role: 'operator' } }), 200);
  assert.equal(await asking({ app_metadata: { roles: ['support', 'operator'] } }), 200);
});

test('the authorization header is parsed by the standard', async () => {
  const good = people.operator.token ?? '';
  const asking = async (authorization: string) =>
    (await service.visitor.get('/scheduler/status', { authorization })).status;
  assert.equal(await asking(`Bearer ${good}`), 200);
  assert.equal(await asking(`bearer ${good}`), 200);
  for (const wrong of ['', good, `Basic ${good}`, `Bearer ${good} ${good}`, `Bearer ${good},`]) {
    assert.equal(await asking(wrong), 401, wrong.slice(0, 12));
  }
});

test('a public key of the key set cannot be used as an HMAC secret', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((done) => keys.listen(0, '127.0.0.1', done));
  t.after(() => keys.close());
  const url = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks.json`;
  const own = await startHttpService({ environment: { SAMBATAN_JWKS_URL: url } });
  t.after(own.close);
  const signed = (alg: string, key: Parameters<SignJWT['sign']>[0]) =>
    new SignJWT(claims()).setProtectedHeader({ alg, kid: 'one' }).sign(key);
  const good = await own.withToken(await signed('RS256', privateKey)).get(mine);
  assert.equal(good.status, 200);
  for (const secret of [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'pkcs1', format: 'pem' }),
    JSON.stringify(jwk),
  ]) {
    const confused = await signed('HS256', new TextEncoder().encode(String(secret)));
    expectProblem(await own.withToken(confused).get(mine), 401, 'unauthenticated');
  }
  const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
  expectProblem(
    await own.withToken(await signed('RS256', strangersKey)).get(mine),
    401,
    'unauthenticated',
  );
});

test('while the key set cannot be fetched no caller is asked to sign in again', async (t) => {
  const own = await startHttpService({ environment: { SAMBATAN_JWKS_URL: 'http://127.0.0.1:1/' } });
  t.after(own.close);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const signed = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
  const answer = await own.withToken(signed).get(mine);
  expectProblem(answer, 503, 'identity_unavailable');
  assert.equal((await own.withToken(await token(someone)).get(mine)).status, 200);
});
