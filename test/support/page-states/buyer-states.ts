import { photo } from '../builders/pictures.ts';
import { expectStatus, join } from '../builders/shop.ts';
import {
  type PageStates,
  hostile,
  type Person,
  type StateBuilderDeps,
  type StateShop,
  settle,
  withoutHelp,
  answered,
} from './page-state.ts';

export async function buyerViews(
  { service, person, operator }: StateBuilderDeps,
  shop: StateShop,
  buyer: Person,
): Promise<PageStates> {
  const nobody = await person('belum');
  const { api } = buyer;
  const joined = async (campaignId: string, wish: object = {}) =>
    (await join(api, campaignId, wish)).id;
  const paying = (wish: object = {}) =>
    shop.plain({ payment_timing: 'upfront', total_slots: 4, ...wish });
  const prove = async (id: string) => {
    const headers = { 'content-type': 'image/jpeg' };
    const path = `/participations/${id}/proof`;
    expectStatus(await api.send({ method: 'POST', path, body: await photo(), headers }), 200);
  };
  const verify = async (id: string) => {
    expectStatus(await api.get(`/participations/${id}/payment`), 200);
    expectStatus(await operator.api.post(`/participations/${id}/payment/verify`, {}), 200);
  };
  const reserved = await joined(
    await shop.campaign({ title: hostile.slice(0, 118), payment_timing: 'on_completion' }),
    { note: hostile.slice(0, 150), quantity: 9_999 },
  );
  const unpaid = await joined(await paying());
  const proven = await joined(await paying());
  await prove(proven);
  const rejected = await joined(await paying());
  await prove(rejected);
  const because = { reason: 'Fotonya buram, angka transfernya tidak terbaca sama sekali' };
  expectStatus(await operator.api.post(`/participations/${rejected}/payment/reject`, because), 200);
  const paid = await joined(await paying());
  await verify(paid);
  const succeed = async (quantity: number) => {
    const campaign = await paying({ total_slots: quantity });
    const id = await joined(campaign, { quantity });
    await verify(id);
    await settle(service, campaign);
    return { campaign, id };
  };
  const confirmed = await succeed(2);
  const received = await succeed(1);
  expectStatus(await api.post(`/participations/${received.id}/fulfil`), 200);
  const disputed = await succeed(3);
  const wrong = { reason: 'Botolnya pecah dan isinya tumpah semua di dalam kardus' };
  expectStatus(await api.post(`/participations/${disputed.id}/dispute`, wrong), 201);
  const dispute = async (id: string, why: string) =>
    expectStatus(await api.post(`/participations/${id}/dispute`, { reason: why }), 201).id;
  const dismiss = async (id: string) => {
    const end = { resolution: 'dismissed', explanation: 'Pada fotonya botolnya masih utuh' };
    expectStatus(await operator.api.post(`/disputes/${id}/resolve`, end), 200);
  };
  const [dismissed, anew, final] = [await succeed(1), await succeed(1), await succeed(1)];
  for (const { id } of [dismissed, anew, final]) {
    await dismiss(await dispute(id, 'Isinya tinggal setengah'));
  }
  await dispute(anew.id, 'Ini videonya waktu paketnya kubuka');
  await dismiss(await dispute(final.id, 'Ini videonya waktu paketnya kubuka'));
  const gone = await joined(await shop.plain());
  expectStatus(await api.post(`/participations/${gone}/cancel`), 200);
  const calledOff = await paying();
  const refunded = await joined(calledOff);
  await verify(refunded);
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await operator.api.post(`/campaigns/${calledOff}/cancel`, reason), 200);
  await service.app.logWriter.drain();
  const newest = await joined(await shop.plain());
  const at = (id: string) => `/ikutan/${id}`;
  return {
    'GET /ikutan': {
      mine: { path: '/ikutan', who: buyer },
      'mine-over': { path: '/ikutan?status=done', who: buyer },
      'mine-nothing': { path: '/ikutan', who: nobody },
    },
    'GET /ikutan/:id': {
      'joined-now': { path: `${at(reserved)}?baru`, who: buyer },
      unpaid: { path: at(unpaid), who: buyer },
      proven: { path: at(proven), who: buyer },
      'proof-rejected': { path: at(rejected), who: buyer },
      'proof-missing': {
        path: at(unpaid),
        who: buyer,
        act: async (page) => {
          await withoutHelp(page);
          await answered(page, page.locator('form[action$="/bukti"] button'));
        },
      },
      paid: { path: at(paid), who: buyer },
      confirmed: { path: at(confirmed.id), who: buyer },
      received: { path: at(received.id), who: buyer },
      disputed: { path: at(disputed.id), who: buyer },
      'dispute-dismissed': {
        path: at(dismissed.id),
        who: buyer,
        act: async (page) => await page.locator('main details.trouble summary').click(),
      },
      'dispute-final': { path: at(final.id), who: buyer },
      left: { path: at(gone), who: buyer },
      'receipt-pending': { path: at(newest), who: buyer },
      'receipt-code': {
        path: at(confirmed.id),
        who: buyer,
        act: async (page) => {
          await page.locator('section[aria-labelledby=receipt] summary').click();
          await page.locator('img.receipt-qr').scrollIntoViewIfNeeded();
        },
      },
      refunded: { path: at(refunded), who: buyer },
    },
    'GET /ikutan/:id/batal': { leave: { path: `${at(reserved)}/batal`, who: buyer } },
  };
}

export const longAddress = {
  label: 'Rumah Ibu di kampung dekat pasar lama ya',
  recipient: 'Raden Ayu Siti Nurhaliza Kusumaningtyas binti Wirosableng',
  street: 'Jalan Panglima Besar Jenderal Sudirman Kavling 52-53 RT 001/012',
  district: 'Kecamatan Hinai Kiri',
};
