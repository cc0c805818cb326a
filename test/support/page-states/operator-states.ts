import { nextCursor } from '../../../src/http/cursor.ts';
import { newId } from '../../../src/identity/ids.ts';
import { queryRows, letTimePass, pastDeadline } from '../builders/market.ts';
import { expectStatus, fromNow, hourMs, join } from '../builders/shop.ts';
import { type PageStates, long, type StateBuilderDeps, type StateShop } from './page-state.ts';

export async function operatorViews(
  making: StateBuilderDeps,
  shop: StateShop,
): Promise<PageStates> {
  const { service, operator, till } = making;
  const late = await shop.plain({ title: 'Yang terlambat', deadline: fromNow(hourMs) });
  await join(await service.user(), late);
  await letTimePass(service.db, late, pastDeadline);
  const today = new Date(Date.now() + 7 * hourMs).toISOString().slice(0, 10);
  const csv = [
    'date,description,amount',
    `${today},TRSF E-BANKING CR ${long},95001`,
    `${today},SETORAN TUNAI,999999999`,
  ].join('\n');
  const statement = {
    method: 'POST',
    path: `/receiving-accounts/${till}/statement?apply=true`,
    body: Buffer.from(csv),
    headers: { 'content-type': 'text/csv' },
  };
  const applied = expectStatus(await operator.api.send(statement), 200);
  const uploaded = async (text: string) => {
    const path = `/receiving-accounts/${till}/statements?file_name=${encodeURIComponent(long)}.csv`;
    return expectStatus(
      await operator.api.send({ ...statement, path, body: Buffer.from(text) }),
      201,
    ).id;
  };
  const known = await uploaded(`${csv}\n${today},BARU,12345\n${today},BIAYA ADM,-6500`);
  const unknown = await uploaded(`Kapan;Isi;Nilai\n05/11/2026;TRSF ${long};1.500.123,00`);
  const { items: lines } = expectStatus(await operator.api.get('/statement-lines'), 200);
  const open = await shop.plain({ title: 'Dilihat petugas' });
  const { id } = await join(await service.user(), open);
  await refundedTwice(making, shop);
  const named = await making.person('petugas.kedua');
  expectStatus(await operator.api.post('/operators', { user_id: named.userId }), 201);
  const at = (path: string) => ({ path, who: operator });
  const here = '/operator';
  const cursorBehindAll = nextCursor([1, 2], 1, () => [Date.now() * 1000 + 1e12, newId()]);
  return {
    'GET /operator': { overview: at(here) },
    'GET /operator/sambatan': {
      'campaigns-found': at(`${here}/sambatan`),
      'campaigns-none': at(`${here}/sambatan?q=zzzzz`),
    },
    'GET /operator/sambatan/:id': {
      'campaign-overrides': at(`${here}/sambatan/${open}`),
      'campaign-late': at(`${here}/sambatan/${late}`),
    },
    'GET /operator/ikutan': {
      'participation-search': at(`${here}/ikutan`),
      'participation-found': at(`${here}/ikutan?q=${id}`),
    },
    'GET /operator/pembayaran': {
      proofs: at(`${here}/pembayaran`),
      'proofs-rejected': at(`${here}/pembayaran?status=rejected`),
    },
    'GET /operator/pembayaran/mutasi': {
      statements: at(`${here}/pembayaran/mutasi`),
    },
    'GET /operator/pembayaran/mutasi/berkas/:id': {
      'statement-preview': at(`${here}/pembayaran/mutasi/berkas/${known}`),
      'statement-columns': at(`${here}/pembayaran/mutasi/berkas/${unknown}`),
      'statement-imported': at(`${here}/pembayaran/mutasi/berkas/${String(applied['import_id'])}`),
    },
    'GET /operator/pembayaran/mutasi/:id': {
      'statement-line': {
        ...at(`${here}/pembayaran/mutasi/${lines[0]!.id}?q=a`),
        act: async (page) => {
          for (const summary of await page.locator('main summary').all()) await summary.click();
        },
      },
    },
    'GET /operator/pembayaran/rekening': { tills: at(`${here}/pembayaran/rekening`) },
    'GET /operator/uang': { refunds: at(`${here}/uang`) },
    'GET /operator/uang/pencairan': { payouts: at(`${here}/uang/pencairan`) },
    'GET /operator/uang/dobel': {
      'doubled-none': { ...at(`${here}/uang/dobel?cursor=${cursorBehindAll}`) },
      doubled: {
        ...at(`${here}/uang/dobel`),
        act: async (page) => {
          for (const summary of await page.locator('main summary').all()) await summary.click();
        },
      },
    },
    'GET /operator/uang/keluhan': { disputes: at(`${here}/uang/keluhan`) },
    'GET /operator/log': {
      log: at(`${here}/log`),
      'log-of-campaign': at(`${here}/log?campaign=${open}`),
    },
    'GET /operator/orang': { operators: at(`${here}/orang`) },
  };
}

/** A refund that an operator and the payment provider both sent: an overpaid refund is open. */
async function refundedTwice(
  { service, operator }: StateBuilderDeps,
  shop: StateShop,
): Promise<void> {
  const { db } = service;
  const campaign = await shop.plain({ title: 'Uangnya kembali dua kali' });
  const { id } = await join(await service.user(), campaign);
  const paid = `select sambatan.receive_money($1, $2, 95000, 'service', null, 'mutasi 1')`;
  await queryRows(db, paid, campaign, id);
  const reason = { reason: 'Bahan tidak datang' };
  expectStatus(await operator.api.post(`/campaigns/${campaign}/cancel`, reason), 200);
  const [refund] = await queryRows<{ id: string }>(
    db,
    `select transaction_id as id from sambatan.transactions
    where campaign_id = $1 and kind = 'refund'`,
    campaign,
  );
  const sent = { ids: [refund!.id], reference: 'TRF 881' };
  expectStatus(await operator.api.post('/refunds/settle', sent), 200);
  const byProvider = `select sambatan.refund_by_provider($1, 'midtrans', $2, 'system')`;
  await queryRows(db, byProvider, refund!.id, `SBT-R-${refund!.id}`);
}
