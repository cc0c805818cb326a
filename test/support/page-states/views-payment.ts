import { photo } from '../builders/pictures.ts';
import { letTimePass, pastDeadline } from '../builders/market.ts';
import { expectStatus, fromNow, hourMs, join } from '../builders/shop.ts';
import type { StateShop, StateBuilderDeps, PageStates } from './page-state.ts';

/**
 * Seconds after success when an order counts as unpaid: the payment term, the grace period, and the
 * time in which a bank statement may still show the payment.
 */
const paymentOverSeconds = (72 + 24 + 48) * 3_600;

/**
 * Creates the pages during verification and after success: orders to pay, offers of unpaid slots,
 * batches below their minimum, and batches to ship. The lifecycle of all campaigns is run, so call
 * this function before you create campaigns that must not change.
 */
export async function createPaymentStates(
  making: StateBuilderDeps,
  shop: StateShop,
): Promise<PageStates> {
  const { service, operator } = making;
  const run = async () => expectStatus(await service.service.post('/lifecycle/run'), 200);
  const verifying = await verifyingCampaign(making, shop);
  const buyer = await making.person('bayar.setelah.berhasil');
  const owed = await shop.plain({ title: 'Berhasil, belum dibayar', total_slots: 2 });
  const { id: order } = await join(buyer.api, owed, { quantity: 2 });
  const waiter = await making.person('ditawari.slot');
  const lapsed = await shop.plain({ title: 'Slot yang tidak dibayar', total_slots: 1 });
  await join(await service.user(), lapsed);
  const wish = { quantity: 1, shipping_address: 'Gang Penantian 9, Solo' };
  const entry = expectStatus(await waiter.api.post(`/campaigns/${lapsed}/waiting`, wish), 201);
  const fewer = await shop.plain({ title: 'Kurang dari minimal', total_slots: 2 });
  const payer = await service.user();
  const { id: paid } = await join(payer, fewer);
  await join(await service.user(), fewer);
  await run();
  expectStatus(await payer.get(`/participations/${paid}/payment`), 200);
  expectStatus(await operator.api.post(`/participations/${paid}/payment/verify`, {}), 200);
  await letTimePass(service.db, verifying.id, pastDeadline);
  for (const one of [lapsed, fewer]) await letTimePass(service.db, one, paymentOverSeconds);
  await run();
  const seen = (id: string, part = '') => ({
    path: `/toko/sambatan/${id}${part}`,
    who: shop.owner,
  });
  return {
    'GET /antrean/:id/bayar': {
      'offer-to-pay': { path: `/antrean/${entry.id}/bayar`, who: waiter },
    },
    'GET /ikutan/:id/ubah': {
      change: { path: `/ikutan/${await openOrder(shop, buyer.api)}/ubah`, who: buyer },
      'change-confirmed': { path: `/ikutan/${order}/ubah`, who: buyer },
    },
    'GET /toko/sambatan/:id/kirim': { ship: seen(owed, '/kirim') },
    'GET /ikutan/:id': {
      'confirmed-to-pay': { path: `/ikutan/${order}`, who: buyer },
      'order-verifying': { path: `/ikutan/${verifying.order}`, who: verifying.buyer },
    },
    'GET /ikutan': { 'mine-offered': { path: '/ikutan', who: waiter } },
    'GET /sambatan/:id': { 'campaign-verifying': { path: `/sambatan/${verifying.id}` } },
    'GET /toko/sambatan/:id': {
      'seller-verifying': seen(verifying.id),
      'decision-to-make': seen(fewer),
      'batch-to-ship': seen(owed),
    },
    'GET /operator/sambatan/:id': {
      'decision-open': { path: `/operator/sambatan/${fewer}`, who: operator },
    },
  };
}

/** Creates a campaign with one proof of payment that is not verified yet. */
async function verifyingCampaign(making: StateBuilderDeps, shop: StateShop) {
  const buyer = await making.person('menunggu.diperiksa');
  const id = await shop.plain({
    title: 'Pembayarannya diperiksa',
    payment_timing: 'upfront',
    total_slots: 1,
    deadline: fromNow(hourMs),
  });
  const { id: order } = await join(buyer.api, id);
  const proof = { method: 'POST', path: `/participations/${order}/proof`, body: await photo() };
  const headers = { 'content-type': 'image/jpeg' };
  expectStatus(await buyer.api.send({ ...proof, headers }), 200);
  return { id, order, buyer };
}

/** An order of three slots in a campaign that still accepts joins. */
async function openOrder(
  shop: StateShop,
  buyer: StateBuilderDeps['operator']['api'],
): Promise<string> {
  const id = await shop.plain({ title: 'Masih bisa diubah' });
  return (await join(buyer, id, { quantity: 3, note: 'Titip di satpam' })).id;
}

/** Combines the states of each page that several functions have created. */
export function mergePageStates(...parts: readonly PageStates[]): PageStates {
  const all: Record<string, PageStates[string]> = {};
  for (const part of parts) {
    for (const [route, states] of Object.entries(part)) all[route] = { ...all[route], ...states };
  }
  return all;
}
