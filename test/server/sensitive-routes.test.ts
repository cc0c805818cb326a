import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { publicWrites, routeKey, sensitiveRoutes } from '../../src/server/sensitive-routes.ts';
import { newId } from '../../src/identity/ids.ts';
import { token } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import { signIn, SiteClient } from '../support/clients/sign-in.ts';

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'kepala@example.org' },
});
after(service.close);

/**
 * Writes that require no recent authentication, by the reason. The English route of each is meant
 * too.
 */
const everyday: Readonly<Record<string, readonly string[]>> = {
  'it begins or ends being signed in, or is the proof itself': [
    'POST /masuk',
    'POST /masuk/kode',
    'POST /masuk/tautan',
    'POST /masuk/token',
    'POST /masuk/aplikasi',
    'POST /masuk/nama',
    'POST /keluar',
    'POST /akun/keamanan/bukti',
  ],
  'it only makes an account safer: browsers are signed out': [
    'POST /akun/sesi',
    'POST /akun/sesi/:id',
  ],
  'it can be taken back by whoever did it, and moves neither money nor rights': [
    'POST /tema',
    'POST /akun',
    'PATCH /api/sambatan/me',
    'POST /akun/pemberitahuan',
    'PUT /api/sambatan/notifications/settings/:topic',
    'POST /akun/pesan/:id/baca',
    'POST /akun/pesan/baca',
    'POST /api/sambatan/notifications/:id/read',
    'POST /api/sambatan/notifications/read',
    'POST /sambatan/:id/ingatkan',
    'POST /sambatan/:id/lupakan',
    'PUT /api/sambatan/campaigns/:id/reminder',
    'DELETE /api/sambatan/campaigns/:id/reminder',
    'POST /berhenti/:token',
    'POST /api/sambatan/unsubscribe/:token',
  ],
  'addresses are used for a parcel only when their owner chooses one': [
    'POST /akun/alamat/:id',
    'POST /akun/alamat/:id/hapus',
    'POST /akun/alamat/:id/utama',
    'POST /akun/alamat/baru',
    'POST /api/sambatan/me/addresses',
    'PATCH /api/sambatan/me/addresses/:id',
    'DELETE /api/sambatan/me/addresses/:id',
  ],
  'buyers buy, pay and complain, in a rush; what they pay is theirs to send': [
    'POST /sambatan/:id/ikut',
    'POST /sambatan/:id/antre',
    'POST /antrean/:id/ambil',
    'POST /antrean/:id/bayar',
    'POST /antrean/:id/bukti',
    'POST /ikutan/:id/ubah',
    'PATCH /api/sambatan/participations/:id',
    'POST /antrean/:id/keluar',
    'POST /antrean/:id/lewatkan',
    'POST /antrean/:id/simpan',
    'POST /ikutan/:id/batal',
    'POST /ikutan/:id/bayar',
    'POST /ikutan/:id/bukti',
    'POST /ikutan/:id/masalah',
    'POST /ikutan/:id/simpan',
    'POST /ikutan/:id/terima',
    'POST /api/sambatan/campaigns/:id/join',
    'POST /api/sambatan/campaigns/:id/waiting',
    'POST /api/sambatan/refunds/:id/wait',
    'POST /api/sambatan/waiting/:id/accept',
    'POST /api/sambatan/waiting/:id/decline',
    'POST /api/sambatan/waiting/:id/withdraw',
    'POST /api/sambatan/participations/:id/cancel',
    'POST /api/sambatan/participations/:id/dispute',
    'POST /api/sambatan/participations/:id/dispute/pictures',
    'POST /api/sambatan/participations/:id/fulfil',
    'POST /api/sambatan/participations/:id/pay-online',
    'POST /api/sambatan/participations/:id/proof',
  ],
  'sellers make and describe; money moves only after others have joined': [
    'POST /toko/baru',
    'POST /toko/:id/nama',
    'POST /toko/:id/produk/baru',
    'POST /toko/produk/:id',
    'POST /toko/produk/:id/gambar/hapus',
    'POST /toko/:id/sambatan/baru',
    'POST /toko/sambatan/:id/ubah',
    'POST /toko/sambatan/:id/terbit',
    'POST /toko/sambatan/:id/kirim',
    'POST /api/sambatan/campaigns/:id/ship',
    'POST /toko/sambatan/:id/perpanjang',
    'POST /operator/sambatan/:id/perpanjang',
    'POST /api/sambatan/brands',
    'PATCH /api/sambatan/brands/:id',
    'POST /api/sambatan/products',
    'PATCH /api/sambatan/products/:id',
    'PUT /api/sambatan/products/:id/picture',
    'DELETE /api/sambatan/products/:id/picture',
    'POST /api/sambatan/campaigns',
    'PATCH /api/sambatan/campaigns/:id',
    'POST /api/sambatan/campaigns/:id/publish',
    'POST /api/sambatan/campaigns/:id/extend',
  ],
  'the verb asks by what changes: owners and admins are sensitive, helpers are not': [
    'POST /toko/:id/anggota/:user',
    'POST /toko/:id/anggota/:user/keluar',
    'PATCH /api/sambatan/brands/:id/members/:user_id',
    'DELETE /api/sambatan/brands/:id/members/:user_id',
  ],
  'the token of the invitation is the right, and it was mailed; or a right is taken away': [
    'POST /toko/undangan/:token',
    'POST /api/sambatan/invitations/accept',
    'POST /toko/:id/undangan/:invitation/batal',
    'DELETE /api/sambatan/brands/:id/invitations/:invitation_id',
  ],
  'nothing is credited yet: a preview, or a line put aside that can be taken up again': [
    'POST /operator/pembayaran/mutasi',
    'POST /operator/pembayaran/mutasi/berkas/:id/kolom',
    'POST /api/sambatan/receiving-accounts/:id/statements',
    'POST /api/sambatan/statements/:id/preview',
    'DELETE /api/sambatan/receiving-accounts/:id/statement-mapping',
    'POST /api/sambatan/campaigns/:id/cancel/preview',
    'POST /api/sambatan/campaigns/:id/shortfall/preview',
    'POST /operator/pembayaran/mutasi/:id/sisihkan',
    'POST /api/sambatan/statement-lines/:id/ignore',
  ],
  'it does again, or now, what the service does by itself': [
    'POST /operator/jalankan',
    'POST /toko/webhook/:id/kiriman/:delivery',
    'POST /api/sambatan/deliveries/:id/resend',
    'POST /api/sambatan/lifecycle/run',
    'POST /api/sambatan/scheduler/trigger',
    'POST /api/sambatan/gateway/reconcile',
  ],
  'a machine sends it, and signs it': ['POST /api/sambatan/gateway/midtrans/notifications'],
  'it frees slots that are reserved and not paid': ['POST /operator/ikutan/:id/batalkan'],
};

const live = [
  ...new Set(
    service.routes
      .map((route) => route.split(' '))
      .filter(([method]) => !['HEAD', 'OPTIONS'].includes(method!))
      .map(([method, url]) => routeKey(method!, url!)),
  ),
];

test('every state-changing route requires recent authentication or is listed with a reason', () => {
  const listed = [...sensitiveRoutes, ...Object.values(everyday).flat()];
  const writes = live.filter((route) => !route.startsWith('GET '));
  assert.deepEqual(
    writes.filter((route) => !listed.includes(route)),
    [],
    'routes that are neither sensitive nor listed',
  );
  assert.deepEqual(
    listed.filter((route) => !live.includes(route)),
    [],
    'listed routes that are not there',
  );
  assert.equal(new Set(listed).size, listed.length, 'a route is listed twice');
});

const pathOf = (route: string) => route.split(' ')[1]!.replaceAll(/:\w+/g, () => newId());

test('with an old authentication every sensitive API route refuses before it reads the body', async () => {
  const old = { amr: [{ method: 'otp', timestamp: Math.floor(Date.now() / 1_000) - 3_600 }] };
  const claims = { ...old, app_metadata: { role: 'operator' } };
  const bearer = await token(newId(), { claims });
  for (const route of sensitiveRoutes.filter((one) => one.includes(' /api/'))) {
    const { statusCode, body } = await service.server.inject({
      method: route.split(' ')[0] as 'POST',
      url: pathOf(route),
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(route.startsWith('GET ') ? {} : { payload: '{"x":' }),
    });
    assert.equal(statusCode, 403, `${route}: ${body}`);
    assert.match(body, /"code":"reauthentication_required"/, route);
  }
});

test('with an old authentication every sensitive page asks to re-authenticate', async () => {
  const operator = await signIn(service, 'kepala@example.org');
  await queryRows(
    service.db,
    "update sambatan_auth.sessions set reauthenticated_at = now() - interval '1 hour' where user_id = $1",
    operator.userId,
  );
  for (const route of sensitiveRoutes.filter((one) => !one.includes(' /api/'))) {
    await queryRows(service.db, 'delete from sambatan_auth.attempts');
    for (const path of [pathOf(route), `/en${pathOf(route)}`]) {
      const answer = route.startsWith('GET ')
        ? await operator.get(path)
        : await operator.post(path);
      assert.equal(answer.status, 403, `${route}: ${answer.text.slice(0, 300)}`);
      assert.match(answer.text, /Verifikasi dulu|Confirm it’s you/, route);
    }
  }
});

test('an anonymous request is asked to sign in before its body is read', async () => {
  for (const route of live.filter((one) => /^(?!GET)\S+ \/api\/sambatan\//.test(one))) {
    if (publicWrites.includes(route)) continue;
    const { statusCode, body } = await service.server.inject({
      method: route.split(' ')[0] as 'POST',
      url: pathOf(route),
      headers: { 'content-type': 'application/json' },
      payload: '{"broken":',
    });
    assert.equal(statusCode, 401, `${route}: ${body}`);
  }
});

test('an anonymous user of the identity service can only read, unless a setting allows more', async (t) => {
  const bearer = await token(newId(), {
    claims: { is_anonymous: true, email: '', amr: undefined },
  });
  const anonymous = service.withToken(bearer);
  assert.equal((await anonymous.get('/campaigns')).status, 200);
  assert.equal((await anonymous.get('/me')).status, 401);
  for (const route of live.filter((one) => /^(?!GET)\S+ \/api\/sambatan\//.test(one))) {
    if (publicWrites.includes(route)) continue;
    const { statusCode, body } = await service.server.inject({
      method: route.split(' ')[0] as 'POST',
      url: pathOf(route),
      headers: { authorization: `Bearer ${bearer}` },
    });
    assert.equal(statusCode, 403, `${route}: ${body}`);
    assert.match(body, /"code":"account_required"/, route);
  }
  const site = new SiteClient(service);
  assert.equal((await site.post('/masuk/token', { access_token: bearer })).status, 403);
  const lenient = await startHttpService({
    environment: { SAMBATAN_ALLOW_ANONYMOUS_USERS: 'true' },
    sharedWith: service,
  });
  t.after(lenient.close);
  assert.equal((await lenient.withToken(bearer).get('/me')).status, 200);
});

test('a query or a form of more than 200 fields is refused for every caller', async () => {
  const fields = (count: number) => Array.from({ length: count }, (_, n) => `f${n}=1`).join('&');
  const send = async (method: 'GET' | 'POST', url: string, payload?: string) => {
    const { statusCode } = await service.server.inject({
      method,
      url,
      headers: {
        'sec-fetch-site': 'same-origin',
        ...(payload === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
    return statusCode;
  };
  assert.equal(await send('POST', '/tema', fields(200)), 303);
  for (const path of ['/tema', '/en/tema', '/masuk', '/masuk/kode']) {
    assert.equal(await send('POST', path, fields(201)), 422, path);
    assert.equal(await send('POST', path, '&'.repeat(3_000)), 422, path);
  }
  assert.equal(await send('GET', `/?${fields(200)}`), 200);
  assert.equal(await send('GET', `/?${fields(201)}`), 422);
  assert.equal(await send('GET', `/api/sambatan/campaigns?${fields(201)}`), 422);
});
