import { createHash } from 'node:crypto';
import { newId } from '../../../src/identity/ids.ts';
import type { Client, RequestOptions } from '../clients/client.ts';
import { homeAddress } from '../clients/sign-in.ts';
import { insertDelivery, insertEndpoint, insertNotification } from '../builders/deliveries.ts';
import { day, createLatePayments } from '../builders/kept-money.ts';
import { queryRows, letTimePass } from '../builders/market.ts';
import { pdfOf } from '../builders/pdf.ts';
import { photo, pictureForm } from '../builders/pictures.ts';
import {
  campaignBody,
  expectStatus,
  fromNow,
  hourMs,
  join,
  joinBody,
  type Shop,
} from '../builders/shop.ts';
import type { startFakeMidtrans } from '../fakes/midtrans.ts';
import type { HttpService } from '../server/http-service.ts';

/** A request that changes something, and its caller. */
export interface Write extends Omit<RequestOptions, 'method' | 'path'> {
  readonly by: Client;
  /** The path, if it is not simply that of the route. */
  readonly path?: string;
}

type Writes = Readonly<Record<string, () => Promise<Write> | Write>>;

const why = { reason: 'alasan yang jelas' };
const ref = { reference: 'TRF 1' };
let accounts = 0;
const bank = () => ({ bank: 'BCA', number: `8800${++accounts}00`, holder: 'Sari Dewi' });

/**
 * Functions by route, `METHOD /path/:id`, for every route of the API that writes. Each function
 * creates the data that the request needs, and returns a request that succeeds. Call each function
 * at most once.
 */
export function writesOf(
  service: HttpService,
  shop: Shop,
  provider: Awaited<ReturnType<typeof startFakeMidtrans>>,
): Writes {
  return {
    ...accountWrites(service, shop),
    ...catalogueWrites(service, shop),
    ...campaignWrites(service, shop),
    ...participationWrites(service, shop),
    ...paymentWrites(service, shop, provider),
    ...ledgerWrites(service, shop),
    ...statementWrites(service, shop),
    ...messageWrites(service, shop),
  };
}

function accountWrites(service: HttpService, shop: Shop): Writes {
  const { seller } = shop;
  const address = async () => expectStatus(await seller.post('/me/addresses', homeAddress), 201).id;
  const userId = newId();
  return {
    'PATCH /me': () => ({ by: seller, body: { display_name: 'Sari' } }),
    'DELETE /me': async () => ({ by: await service.user() }),
    'POST /me/addresses': () => ({ by: seller, body: homeAddress }),
    'PATCH /me/addresses/:id': async () => ({
      by: seller,
      path: `/me/addresses/${await address()}`,
      body: { label: 'Kantor' },
    }),
    'DELETE /me/addresses/:id': async () => ({
      by: seller,
      path: `/me/addresses/${await address()}`,
    }),
    'POST /operators': () => ({ by: service.service, body: { user_id: userId } }),
    'DELETE /operators/:id': async () => {
      const gone = newId();
      expectStatus(await service.service.post('/operators', { user_id: gone }), 201);
      return { by: service.service, path: `/operators/${gone}` };
    },
  };
}

function catalogueWrites(service: HttpService, shop: Shop): Writes {
  const { seller, brandId, productId } = shop;
  const invite = async () => {
    const body = { email: `${newId()}@contoh.id`, role: 'admin' };
    return expectStatus(await seller.post(`/brands/${brandId}/invitations`, body), 201).id;
  };
  const member = async () => {
    const { userId } = await service.user();
    await queryRows(
      service.db,
      `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')`,
      brandId,
      userId,
    );
    return `/brands/${brandId}/members/${userId}`;
  };
  const picture = `/products/${productId}/picture`;
  return {
    'POST /brands': () => ({ by: seller, body: { name: 'Brand baru' } }),
    'PATCH /brands/:id': () => ({
      by: seller,
      path: `/brands/${brandId}`,
      body: { name: 'Melati Putih' },
    }),
    'PATCH /brands/:id/members/:user_id': async () => ({
      by: seller,
      path: await member(),
      body: { role: 'admin' },
    }),
    'DELETE /brands/:id/members/:user_id': async () => ({ by: seller, path: await member() }),
    'POST /brands/:id/invitations': () => ({
      by: seller,
      path: `/brands/${brandId}/invitations`,
      body: { email: `${newId()}@contoh.id`, role: 'admin' },
    }),
    'DELETE /brands/:id/invitations/:invitation_id': async () => ({
      by: seller,
      path: `/brands/${brandId}/invitations/${await invite()}`,
    }),
    'POST /invitations/accept': async () => {
      const token = newId().replaceAll('-', '').padEnd(43, 'a');
      await queryRows(
        service.db,
        'update sambatan.brand_invitations set token_hash = $2 where invitation_id = $1',
        await invite(),
        createHash('sha256').update(token).digest(),
      );
      return { by: await service.user(), body: { token } };
    },
    'POST /products': () => ({
      by: seller,
      body: { brand_id: brandId, name: 'Fajar', base_price: 9_000 },
    }),
    'PATCH /products/:id': () => ({
      by: seller,
      path: `/products/${productId}`,
      body: { name: 'Senja Merah' },
    }),
    'PUT /products/:id/picture': async () => ({
      by: seller,
      path: picture,
      ...(await pictureForm(await photo())),
    }),
    'DELETE /products/:id/picture': async () => {
      const form = await pictureForm(await photo());
      expectStatus(await seller.send({ method: 'PUT', path: picture, ...form }), 200);
      return { by: seller, path: picture };
    },
    'PUT /brands/:id/payout-account': () => ({
      by: seller,
      path: `/brands/${brandId}/payout-account`,
      body: bank(),
    }),
  };
}

function campaignWrites(service: HttpService, shop: Shop): Writes {
  const { seller, productId } = shop;
  const on = async (what: string, body?: object, terms: object = {}): Promise<Write> => {
    const { id } = await shop.campaign(terms);
    return { by: seller, path: `/campaigns/${id}${what}`, body };
  };
  const ended = async (what: string, body?: object): Promise<Write> => {
    const { id } = await completedCampaign(service, shop, 3);
    return { by: seller, path: `/campaigns/${id}${what}`, body };
  };
  return {
    'POST /campaigns': () => ({ by: seller, body: campaignBody(productId) }),
    'PATCH /campaigns/:id': () => on('', { title: 'Judul lain' }),
    'POST /campaigns/:id/publish': () => on('/publish', undefined, { publish: false }),
    'POST /campaigns/:id/extend': () =>
      on('/extend', { deadline: fromNow(2 * hourMs), reason: 'masih ramai' }),
    'POST /campaigns/:id/cancel': () => on('/cancel', why),
    'POST /campaigns/:id/cancel/preview': () => on('/cancel/preview'),
    'POST /campaigns/:id/ship': () => ended('/ship'),
    'POST /campaigns/:id/shortfall': () => ended('/shortfall', { slots: 1, ...why }),
    'POST /campaigns/:id/shortfall/preview': () => ended('/shortfall/preview', { slots: 1 }),
    'POST /campaigns/:id/decision': async () => {
      const { id, parts } = await completedCampaign(service, shop, 2);
      await queryRows(
        service.db,
        `select sambatan.receive_money($1, $2, 125000, 'service', null, 'line:below')`,
        id,
        parts[0],
      );
      await letTimePass(service.db, id, 7 * 86_400);
      expectStatus(await service.service.post('/lifecycle/run'), 200);
      return { by: seller, path: `/campaigns/${id}/decision`, body: { decision: 'cancel' } };
    },
    'POST /lifecycle/run': () => ({ by: service.service }),
    'POST /scheduler/trigger': () => ({ by: service.service }),
  };
}

/** Creates a completed campaign. One buyer has all of its slots and has not paid yet. */
async function completedCampaign(service: HttpService, shop: Shop, slots: number) {
  const { id } = await shop.campaign({ total_slots: slots });
  const buyer = await service.user();
  const parts: string[] = [];
  for (let n = 0; n < slots; n++) parts.push((await join(buyer, id)).id);
  await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 100)', id);
  return { id, buyer, parts };
}

function participationWrites(service: HttpService, shop: Shop): Writes {
  const reserved = async (what = '', body?: object, byStaff = false): Promise<Write> => {
    const buyer = await service.user();
    const { id: campaignId } = await shop.campaign();
    const { id } = await join(buyer, campaignId, { quantity: 2 });
    const by = byStaff ? service.service : buyer;
    return { by, path: `/participations/${id}${what}`, body };
  };
  /**
   * A buyer on a waiting list who was offered the slot of a buyer who cancelled, or still waits.
   */
  const waiting = async (what: string, isOffered = true): Promise<Write> => {
    const { id } = await shop.campaign({ total_slots: 1 });
    const [leaver, by] = [await service.user(), await service.user()];
    const { id: taken } = await join(leaver, id);
    const entry = expectStatus(await by.post(`/campaigns/${id}/waiting`, joinBody()), 201).id;
    if (isOffered) expectStatus(await leaver.post(`/participations/${taken}/cancel`), 200);
    return { by, path: `/waiting/${entry}/${what}` };
  };
  return {
    'POST /campaigns/:id/join': async () => ({
      by: await service.user(),
      path: `/campaigns/${(await shop.campaign()).id}/join`,
      body: joinBody(),
    }),
    'PATCH /participations/:id': () => reserved('', { quantity: 1 }),
    'POST /participations/:id/cancel': () => reserved('/cancel'),
    'POST /participations/:id/confirm': () => reserved('/confirm', undefined, true),
    'POST /participations/:id/fulfil': async () => {
      const { parts } = await completedCampaign(service, shop, 1);
      const path = `/participations/${parts[0]}`;
      expectStatus(await service.service.post(`${path}/payment/verify`), 200);
      return { by: service.service, path: `${path}/fulfil` };
    },
    'POST /campaigns/:id/waiting': async () => {
      const { id } = await shop.campaign({ total_slots: 1 });
      await join(await service.user(), id);
      return { by: await service.user(), path: `/campaigns/${id}/waiting`, body: joinBody() };
    },
    'POST /waiting/:id/accept': () => waiting('accept'),
    'POST /waiting/:id/decline': () => waiting('decline'),
    'POST /waiting/:id/withdraw': () => waiting('withdraw', false),
    'POST /refunds/:id/wait': async () => {
      const { late, refunds } = await createLatePayments(service, shop, [{ paidOn: day(-1) }]);
      return { by: late[0]!.buyer, path: `/refunds/${refunds[0]!.id}/wait` };
    },
  };
}

function paymentWrites(
  service: HttpService,
  shop: Shop,
  provider: Awaited<ReturnType<typeof startFakeMidtrans>>,
): Writes {
  const staff = service.service;
  const sold = async () => {
    const { buyer, parts } = await completedCampaign(service, shop, 2);
    return { buyer, path: `/participations/${parts[0]}` };
  };
  const proof = { body: Buffer.from(pdfOf()), headers: { 'content-type': 'application/pdf' } };
  const paid = async () => {
    const { buyer, path } = await sold();
    expectStatus(await staff.post(`${path}/payment/verify`), 200);
    return { buyer, path };
  };
  return {
    'POST /participations/:id/proof': async () => {
      const { buyer, path } = await sold();
      return { by: buyer, path: `${path}/proof`, ...proof };
    },
    'POST /participations/:id/payment/verify': async () => ({
      by: staff,
      path: `${(await sold()).path}/payment/verify`,
    }),
    'POST /participations/:id/payment/reject': async () => {
      const { buyer, path } = await sold();
      expectStatus(await buyer.send({ method: 'POST', path: `${path}/proof`, ...proof }), 200);
      return { by: staff, path: `${path}/payment/reject`, body: why };
    },
    'POST /participations/:id/payment/write-off': async () => ({
      by: staff,
      path: `${(await sold()).path}/payment/write-off`,
      body: why,
    }),
    'POST /participations/:id/pay-online': async () => {
      const { buyer, path } = await sold();
      return { by: buyer, path: `${path}/pay-online` };
    },
    'POST /gateway/midtrans/notifications': async () => {
      const { buyer, path } = await sold();
      expectStatus(await buyer.post(`${path}/pay-online`), 200);
      const [call] = await queryRows<{ reference: string }>(
        service.db,
        `select reference from sambatan.gateway_calls where status = 'open'
        order by created_at desc limit 1`,
      );
      provider.buyer(call!.reference, 'settlement');
      return { by: service.visitor, body: provider.notification(call!.reference) };
    },
    'POST /gateway/reconcile': () => ({ by: staff }),
    'POST /participations/:id/dispute': async () => {
      const { buyer, path } = await paid();
      return { by: buyer, path: `${path}/dispute`, body: why };
    },
    'POST /participations/:id/dispute/pictures': async () => {
      const { buyer, path } = await paid();
      expectStatus(await buyer.post(`${path}/dispute`, why), 201);
      const headers = { 'content-type': 'image/jpeg' };
      return { by: buyer, path: `${path}/dispute/pictures`, body: await photo(), headers };
    },
    'POST /disputes/:id/resolve': async () => {
      const { buyer, path } = await paid();
      const { id } = expectStatus(await buyer.post(`${path}/dispute`, why), 201);
      const body = { resolution: 'upheld', explanation: 'sudah dicek' };
      return { by: staff, path: `/disputes/${id}/resolve`, body };
    },
    'PUT /refund-account': async () => ({ by: await service.user(), body: bank() }),
  };
}

function ledgerWrites(service: HttpService, shop: Shop): Writes {
  const by = service.service;
  const entryOf = async (participation: string, which: string) => {
    const [made] = await queryRows<{ id: string }>(
      service.db,
      `select transaction_id as id from sambatan.transactions where ${which}
        and (participation_id = $1 or campaign_id = $1) order by created_at desc limit 1`,
      participation,
    );
    return made!.id;
  };
  /** Creates a refund that is due, because the buyer paid twice. */
  const refund = async () => {
    const { id, parts } = await completedCampaign(service, shop, 1);
    expectStatus(await by.post(`/participations/${parts[0]}/payment/verify`), 200);
    await queryRows(
      service.db,
      `select sambatan.receive_money($1, $2, 500, 'service', null, gen_random_uuid()::text)`,
      id,
      parts[0],
    );
    return { participation: parts[0]!, refund: await entryOf(parts[0]!, "kind = 'refund'") };
  };
  const settle = async (ids: string[]) =>
    expectStatus(await by.post('/refunds/settle', { ids, ...ref }), 200);
  /** Creates a refund that both an operator and the payment provider have sent. */
  const overpaid = async () => {
    const { participation, refund: made } = await refund();
    await settle([made]);
    const provided = `select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')`;
    await queryRows(service.db, provided, made, `SBT-R-${made}`);
    return `/claims/${await entryOf(participation, "purpose = 'overpaid_refund'")}`;
  };
  /**
   * Creates the payout of a campaign whose order is paid, and then takes the given steps with it.
   */
  const payout = async (...steps: readonly string[]) => {
    const { id, parts } = await completedCampaign(service, shop, 1);
    expectStatus(await by.post(`/participations/${parts[0]}/payment/verify`), 200);
    const path = `/payouts/${await entryOf(id, "kind = 'payout'")}`;
    for (const step of steps) expectStatus(await by.post(`${path}/${step}`, stepBody(step)), 200);
    return path;
  };
  const stepBody = (step: string) => (step === 'settle' ? ref : undefined);
  return {
    'POST /refunds/settle': async () => ({
      by,
      body: { ids: [(await refund()).refund], ...ref },
    }),
    'POST /refunds/:id/fail': async () => ({
      by,
      path: `/refunds/${(await refund()).refund}/fail`,
      body: why,
    }),
    'POST /refunds/:id/reverse': async () => {
      const made = (await refund()).refund;
      await settle([made]);
      return { by, path: `/refunds/${made}/reverse`, body: why };
    },
    'POST /claims/:id/settle': async () => ({ by, path: `${await overpaid()}/settle`, body: ref }),
    'POST /claims/:id/give-up': async () => ({
      by,
      path: `${await overpaid()}/give-up`,
      body: why,
    }),
    'POST /payouts/:id/release': async () => ({ by, path: `${await payout()}/release` }),
    'POST /payouts/:id/settle': async () => ({
      by,
      path: `${await payout('release')}/settle`,
      body: ref,
    }),
    'POST /payouts/:id/reverse': async () => ({
      by,
      path: `${await payout('release', 'settle')}/reverse`,
      body: why,
    }),
  };
}

function statementWrites(service: HttpService, shop: Shop): Writes {
  const by = service.service;
  let lines = 0;
  const file = () => ({
    body: `date,description,amount\n${day(0)},TRSF ${++lines},${7_000 + lines}\n`,
    headers: { 'content-type': 'text/csv' },
  });
  const account = async () => expectStatus(await by.post('/receiving-accounts', bank()), 201).id;
  const upload = async () => {
    const path = `/receiving-accounts/${await account()}/statements`;
    return expectStatus(await by.send({ method: 'POST', path, ...file() }), 201).id;
  };
  /** Creates a statement line that an operator must handle. */
  const line = async () => {
    expectStatus(await by.post(`/statements/${await upload()}/apply`, {}), 200);
    const [found] = await queryRows<{ id: string }>(
      service.db,
      'select line_id as id from sambatan.statement_lines where description = $1',
      `TRSF ${lines}`,
    );
    return found!.id;
  };
  const buyer = async () => (await completedCampaign(service, shop, 1)).parts[0]!;
  const divided = async () => {
    const [id, participation] = [await line(), await buyer()];
    const body = { parts: [{ participation_id: participation, amount: 100 }] };
    return { id, division: { by, path: `/statement-lines/${id}/parts`, body } };
  };
  return {
    'POST /receiving-accounts': () => ({ by, body: bank() }),
    'PATCH /receiving-accounts/:id': async () => ({
      by,
      path: `/receiving-accounts/${await account()}`,
      body: { holder: 'PT Sambatan' },
    }),
    'POST /receiving-accounts/:id/statement': async () => ({
      by,
      path: `/receiving-accounts/${await account()}/statement?apply=true`,
      ...file(),
    }),
    'POST /receiving-accounts/:id/statements': async () => ({
      by,
      path: `/receiving-accounts/${await account()}/statements`,
      ...file(),
    }),
    'DELETE /receiving-accounts/:id/statement-mapping': async () => ({
      by,
      path: `/receiving-accounts/${await account()}/statement-mapping`,
    }),
    'POST /statements/:id/preview': async () => ({
      by,
      path: `/statements/${await upload()}/preview`,
      body: {},
    }),
    'POST /statements/:id/apply': async () => ({
      by,
      path: `/statements/${await upload()}/apply`,
      body: {},
    }),
    'POST /statement-lines/:id/assign': async () => ({
      by,
      path: `/statement-lines/${await line()}/assign`,
      body: { participation_id: await buyer() },
    }),
    'PUT /statement-lines/:id/parts': async () => (await divided()).division,
    'POST /statement-lines/settle': async () => {
      const { id, division } = await divided();
      expectStatus(await by.send({ method: 'PUT', ...division }), 200);
      return { by, body: { ids: [id], refund: true } };
    },
    'POST /statement-lines/:id/ignore': async () => ({
      by,
      path: `/statement-lines/${await line()}/ignore`,
      body: why,
    }),
  };
}

function messageWrites(service: HttpService, shop: Shop): Writes {
  const { seller, brandId } = shop;
  const reader = service.user();
  const message = async () =>
    await insertNotification(service.db, (await shop.campaign()).id, (await reader).userId);
  const endpoint = async (what = '', body?: object) => ({
    by: seller,
    path: `/webhooks/${(await insertEndpoint(service.db, brandId)).id}${what}`,
    body,
  });
  const reminder = async () => ({
    by: await reader,
    path: `/campaigns/${(await shop.campaign({ deadline: fromNow(48 * hourMs) })).id}/reminder`,
  });
  return {
    'POST /notifications/read': async () => {
      await message();
      return { by: await reader };
    },
    'POST /notifications/:id/read': async () => ({
      by: await reader,
      path: `/notifications/${await message()}/read`,
    }),
    'PUT /notifications/settings/:topic': async () => ({
      by: await reader,
      path: '/notifications/settings/orders',
      body: { email: false },
    }),
    'PUT /campaigns/:id/reminder': reminder,
    'DELETE /campaigns/:id/reminder': async () => {
      const sent = await reminder();
      expectStatus(await sent.by.send({ method: 'PUT', path: sent.path }), 200);
      return sent;
    },
    'POST /unsubscribe/:token': () => ({
      by: service.visitor,
      path: `/unsubscribe/${service.app.unsubscribeTokens.tokenFor({ userId: newId(), topic: 'campaigns' })}`,
    }),
    'POST /webhooks': () => ({
      by: seller,
      body: { brand_id: brandId, url: 'https://receiver.example/hook' },
    }),
    'PATCH /webhooks/:id': () => endpoint('', { description: 'Toko' }),
    'DELETE /webhooks/:id': () => endpoint(),
    'POST /webhooks/:id/rotate': () => endpoint('/rotate'),
    'POST /deliveries/:id/resend': async () => {
      const { id } = await insertEndpoint(service.db, brandId);
      const delivery = await insertDelivery(service.db, (await shop.campaign()).id, id);
      return { by: seller, path: `/deliveries/${delivery}/resend` };
    },
  };
}
