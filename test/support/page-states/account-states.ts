import type { Page } from 'playwright-core';
import { setUpSecondFactor } from '../clients/authenticator.ts';
import { queryRows } from '../builders/market.ts';
import { expectStatus } from '../builders/shop.ts';
import {
  requestCode,
  openMfaChallenge,
  homeAddress,
  lastMail,
  SiteClient,
} from '../clients/sign-in.ts';
import {
  type PageStates,
  long,
  type Person,
  type StateBuilderDeps,
  withoutHelp,
  answered,
} from './page-state.ts';
import { longAddress } from './buyer-states.ts';

export async function accountViews(
  { service, person }: StateBuilderDeps,
  buyer: Person,
): Promise<PageStates> {
  const personWith = async (addresses: number) => {
    const one = await person(`punya.${addresses}.alamat`);
    for (let n = 0; n < addresses; n++) {
      const address = { ...homeAddress, ...(n === 1 ? longAddress : { label: `Rumah ${n + 1}` }) };
      expectStatus(await one.api.post('/me/addresses', address), 201);
    }
    return one;
  };
  const nobody = await personWith(0);
  const one = await personWith(1);
  const ten = await personWith(10);
  const saved = expectStatus(await ten.api.get('/me/addresses'), 200).items[1]!;
  const guarded = await person('punya.dua.faktor');
  await setUpSecondFactor(service, guarded);
  const proving = {
    mailed: await person('lama.tidak.masuk'),
    guarded: await person('lama.tidak.masuk.dua.faktor'),
  };
  await setUpSecondFactor(service, proving.guarded);
  const whose = Object.values(proving).map(({ userId }) => userId);
  const age = "update sambatan_auth.sessions set reauthenticated_at = now() - interval '1 h'";
  await queryRows(service.db, `${age} where user_id = any ($1)`, whose);
  const leave = async (page: Page) => {
    const word = page.url().includes('/en/') ? 'delete' : 'hapus';
    await page.fill('main [name=word]', word);
    await answered(page, page.locator('main form[action$="/akun/hapus"] button'));
  };
  const beginning = await person('sedang.memasang.faktor');
  await beginning.post('/akun/keamanan/mulai');
  const halfIn = await openMfaChallenge(service, 'punya.dua.faktor@contoh.id');
  await requestCode(new SiteClient(service), 'lewat.tautan@contoh.id');
  const { link } = await lastMail(service, 'lewat.tautan@contoh.id');
  const account = {
    bank: 'Bank Pembangunan Daerah Istimewa',
    number: '0099887766',
    holder: long.slice(0, 60),
  };
  expectStatus(await ten.api.send({ method: 'PUT', path: '/refund-account', body: account }), 200);
  // Creates the buyer's notifications about all changes of their slots.
  await service.app.notifications.plan();
  const press = (name: RegExp) => async (page: Page) => {
    await withoutHelp(page);
    await answered(page, page.locator('main').getByRole('button', { name }));
  };
  return {
    'GET /masuk': {
      'sign-in': { path: '/masuk' },
      'sign-in-mistake': {
        path: '/masuk',
        act: press(/^(Kirim kode|Send code)$/),
      },
    },
    'GET /masuk/kode': {
      code: { path: '/masuk/kode?id=x' },
      'code-wrong': { path: '/masuk/kode?id=x', act: press(/^(Masuk|Sign in)$/) },
    },
    'GET /masuk/tautan': {
      link: { path: link },
      'link-ended': { path: '/masuk/tautan?t=x', status: 410 },
    },
    'GET /masuk/aplikasi': {
      'app-code': { path: '/masuk/aplikasi', who: halfIn },
      'app-code-lost': {
        path: '/masuk/aplikasi',
        who: halfIn,
        act: async (page) => await page.locator('main summary').click(),
      },
    },
    'GET /akun/keamanan': {
      'security-off': { path: '/akun/keamanan', who: one },
      'security-on': {
        path: '/akun/keamanan',
        who: guarded,
        act: async (page) => await page.locator('main summary').click(),
      },
      'recovery-codes': {
        path: '/akun/keamanan',
        who: guarded,
        act: press(/^(Buat kode cadangan baru|Create new backup codes)$/),
      },
    },
    'GET /akun/keamanan/aplikasi': {
      app: { path: '/akun/keamanan/aplikasi', who: beginning },
      'app-mistake': {
        path: '/akun/keamanan/aplikasi',
        who: beginning,
        act: async (page) => {
          await page.fill('main [name=code]', '12345');
          await answered(page, page.locator('main form button.button:not(.quiet)'));
        },
      },
    },
    'GET /masuk/nama': { name: { path: '/masuk/nama', who: nobody } },
    'GET /outbox/:secret': {
      outbox: { path: service.app.outboxPath },
      'outbox-wrong': { path: '/outbox/x', status: 404 },
    },
    'GET /akun': {
      account: { path: '/akun', who: ten },
      'account-saved': { path: '/akun?simpan=1', who: ten },
      'account-mistake': {
        path: '/akun',
        who: ten,
        act: press(/^(Hapus akunku|Delete my account)$/),
      },
      // The page on which a user confirms their identity before a sensitive action, here deleting
      // the account.
      prove: { path: '/akun', who: proving.mailed, act: leave },
      'prove-app': { path: '/akun', who: proving.guarded, act: leave },
    },
    'GET /akun/alamat': {
      'addresses-none': { path: '/akun/alamat', who: nobody },
      'addresses-one': { path: '/akun/alamat', who: one },
      'addresses-ten': { path: '/akun/alamat', who: ten },
    },
    'GET /akun/alamat/baru': {
      'address-new': { path: '/akun/alamat/baru', who: nobody },
      'address-mistake': {
        path: '/akun/alamat/baru',
        who: nobody,
        act: press(/^(Simpan alamat|Save address)$/),
      },
    },
    'GET /akun/alamat/:id': { address: { path: `/akun/alamat/${saved.id}`, who: ten } },
    'GET /akun/rekening': {
      'refund-account-none': { path: '/akun/rekening', who: nobody },
      'refund-account': { path: '/akun/rekening', who: ten },
    },
    'GET /akun/pesan': {
      'inbox-none': { path: '/akun/pesan', who: nobody },
      inbox: { path: '/akun/pesan', who: buyer },
    },
    'GET /akun/pemberitahuan': { 'message-settings': { path: '/akun/pemberitahuan', who: ten } },
  };
}
