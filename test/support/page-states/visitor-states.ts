import { newId } from '../../../src/identity/ids.ts';
import { letTimePass, pastDeadline } from '../builders/market.ts';
import { expectStatus, fromNow, hourMs, join } from '../builders/shop.ts';
import {
  type PageStates,
  hostile,
  day,
  type StateBuilderDeps,
  type StateShop,
  settle,
  withoutHelp,
  answered,
} from './page-state.ts';

export async function visitorViews(
  { service, person }: StateBuilderDeps,
  shop: StateShop,
): Promise<PageStates> {
  const buyer = await person('siti');
  const newcomer = await person('baru');
  const waiter = await person('menunggu');
  const active = await shop.campaign({
    title: hostile.slice(0, 118),
    description: hostile,
    payment_timing: 'on_completion',
  });
  for (let n = 1; n <= 8; n++) await join(await service.user(), active, { quantity: n });
  await join(buyer.api, active, { note: hostile.slice(0, 150) });
  const untouched = await shop.plain({ title: 'Belum ada yang ikut', total_slots: 1 });
  const scheduled = await shop.plain({ opens_at: fromNow(hourMs), deadline: fromNow(2 * day) });
  const upfront = await shop.plain({ payment_timing: 'upfront', minimum_slots: 2 });
  const bounded = await shop.plain({ max_slots_per_user: 1 });
  await join(buyer.api, bounded);
  const full = await shop.plain({ title: 'Sudah penuh semua', total_slots: 1 });
  await join(await service.user(), full);
  const wish = { quantity: 1, shipping_address: 'Gang Penantian 9, Solo' };
  expectStatus(await waiter.api.post(`/campaigns/${full}/waiting`, wish), 201);
  const offered = await shop.plain({ title: 'Slot ditawarkan', total_slots: 1 });
  const leaver = await service.user();
  const left = await join(leaver, offered);
  expectStatus(await waiter.api.post(`/campaigns/${offered}/waiting`, wish), 201);
  expectStatus(await leaver.post(`/participations/${left.id}/cancel`), 200);
  const completed = await shop.plain({ title: 'Sudah berhasil', total_slots: 2 });
  await join(await service.user(), completed, { quantity: 2 });
  const failed = await shop.plain({ title: 'Tidak terpenuhi', deadline: fromNow(hourMs) });
  await join(await service.user(), failed);
  await letTimePass(service.db, failed, pastDeadline);
  await settle(service, completed);
  await settle(service, failed);
  const cancelled = await shop.plain({ title: 'Yang dibatalkan' });
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await shop.owner.api.post(`/campaigns/${cancelled}/cancel`, reason), 200);
  const at = (id: string) => `/sambatan/${id}`;
  return {
    'GET /': {
      home: { path: '/?sort=newest' },
      'home-member': { path: '/', who: buyer },
      'home-soon': { path: '/?status=soon' },
      'home-over': { path: '/?status=done' },
      'home-nothing': { path: '/?q=zzzzz' },
      missing: { path: '/tidak-ada', status: 404 },
    },
    'GET /bukti': { verify: { path: '/bukti' } },
    'GET /sambatan/:id': {
      active: { path: at(active) },
      'active-joining': { path: at(active), who: newcomer },
      'active-joined': { path: at(active), who: buyer },
      'active-mistake': {
        path: at(active),
        who: newcomer,
        act: async (page) => {
          await withoutHelp(page);
          await page.locator('#shipping_address').fill('pendek');
          await answered(page, page.locator('form.join button.button').last());
        },
      },
      untouched: { path: at(untouched) },
      scheduled: { path: at(scheduled) },
      upfront: { path: at(upfront), who: newcomer },
      'bound-reached': { path: at(bounded), who: buyer },
      full: { path: at(full), who: newcomer },
      'full-waiting': { path: at(full), who: waiter },
      'slot-offered': { path: at(offered), who: waiter },
      completed: { path: at(completed) },
      failed: { path: at(failed) },
      cancelled: { path: at(cancelled) },
      'campaign-missing': { path: at(newId()), status: 404 },
    },
    'GET /sambatan/:id/poster': {
      poster: { path: `${at(active)}/poster` },
      'poster-bare': { path: `${at(upfront)}/poster` },
    },
    'GET /berhenti/:token': {
      unsubscribe: {
        path: `/berhenti/${service.app.unsubscribeTokens.tokenFor({ userId: buyer.userId, topic: 'reminders' })}`,
      },
      'unsubscribe-ended': { path: '/berhenti/x', status: 404 },
    },
  };
}
