import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { Client } from '../support/clients/client.ts';
import { insertEndpoint } from '../support/builders/deliveries.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { campaignBody, expectStatus, join } from '../support/builders/shop.ts';
import {
  homeAddress,
  signIn,
  SiteClient,
  type SignedInClient,
} from '../support/clients/sign-in.ts';
import { pageRoutes } from '../support/clients/site.ts';

/**
 * Who may open and do what on the site. Every page of the live route table has a row. The row
 * contains the expected status for each of `people`, in this order, and how to request the page. A
 * 303 to `/masuk` means that a visitor must sign in first.
 */
const people = ['visitor', 'buyer', 'other', 'seller', 'rival', 'operator'] as const;
type PersonName = (typeof people)[number];

/** The data of the buyer and the seller. Each row uses what its path or form needs. */
interface Things {
  readonly campaignId: string;
  readonly participationId: string;
  readonly brandId: string;
  readonly productId: string;
  readonly webhookId: string;
  /** A waiting-list entry of a user who is not one of `people`. */
  readonly entryId: string;
  /** A postal address that the buyer has saved. */
  readonly addressId: string;
}

interface Row {
  readonly expects: string;
  /** Returns the value of `:id` in the path; default: an id that does not exist. */
  readonly id?: (things: Things) => string;
  readonly query?: string;
  readonly fields?: Record<string, string>;
  /** The people who may see the buyer's private data on the page. */
  readonly private?: readonly PersonName[];
}

const everybody = '200 200 200 200 200 200';
const signedIn = '303 200 200 200 200 200';
const sentOn = '303 303 303 303 303 303';
const operators = '303 403 403 403 403 200';
const own = '303 200 404 404 404 404';
const mapped = { format: 'auto', numbers: 'auto', dates: 'auto' };
const absent = '303 403 403 403 403 404';
const refused = '303 422 422 422 422 422';

const sellers = '303 403 403 200 403 403';
const sellersAndStaff = '303 403 403 200 403 200';
/** What must be hidden from strangers is answered with “not found”. */
const webhookOf = '303 404 404 200 404 200';
/** Members get the form again, with its errors. */
const shownAgain = '303 403 403 422 403 422';

const brand = ({ brandId }: Things) => brandId;
const campaign = ({ campaignId }: Things) => campaignId;
const webhook = ({ webhookId }: Things) => webhookId;
const participants: Row = {
  expects: sellersAndStaff,
  id: campaign,
  private: ['seller', 'operator'],
};

const rows: Readonly<Record<string, Row>> = {
  'GET /': { expects: everybody },
  'GET /bukti': { expects: everybody },
  'POST /tema': { expects: sentOn },
  'GET /masuk': { expects: '200 303 303 303 303 303' },
  'POST /masuk': { expects: '422 422 422 422 422 422' },
  'GET /masuk/kode': { expects: everybody, query: '?id=x' },
  'POST /masuk/kode': { expects: '422 422 422 422 422 422' },
  'GET /masuk/tautan': { expects: '410 410 410 410 410 410', query: '?t=x' },
  'POST /masuk/tautan': { expects: '410 410 410 410 410 410', fields: { t: 'x' } },
  'GET /masuk/aplikasi': { expects: sentOn },
  'POST /masuk/aplikasi': { expects: '410 410 410 410 410 410', fields: { code: '000000' } },
  'GET /berhenti/:token': { expects: '404 404 404 404 404 404' },
  'POST /berhenti/:token': { expects: '404 404 404 404 404 404' },
  'GET /masuk/nama': { expects: signedIn, private: ['buyer'] },
  'POST /masuk/nama': { expects: refused },
  'POST /masuk/token': { expects: '303 401 401 401 401 401' },
  'POST /keluar': { expects: sentOn },
  'GET /outbox/:secret': { expects: '404 404 404 404 404 404' },
  'GET /akun': { expects: signedIn, private: ['buyer'] },
  'POST /akun': { expects: refused, private: ['buyer'] },
  'POST /akun/sesi': { expects: sentOn },
  'POST /akun/sesi/:id': { expects: sentOn },
  'GET /akun/data': { expects: signedIn, private: ['buyer'] },
  'POST /akun/hapus': { expects: refused, private: ['buyer'] },
  'GET /akun/keamanan': { expects: signedIn },
  'POST /akun/keamanan/mulai': { expects: sentOn },
  // Every user has just begun to set up a second factor.
  'GET /akun/keamanan/aplikasi': { expects: signedIn },
  'POST /akun/keamanan/aplikasi': { expects: refused, fields: { code: 'salah' } },
  'POST /akun/keamanan/kode-cadangan': { expects: '303 409 409 409 409 409' },
  'POST /akun/keamanan/bukti': { expects: sentOn },
  'POST /akun/keamanan/matikan': { expects: '303 409 409 409 409 409' },
  'GET /akun/alamat': { expects: signedIn, private: ['buyer'] },
  'GET /akun/alamat/baru': { expects: signedIn },
  'POST /akun/alamat/baru': { expects: '422 422 422 422 422 422' },
  'GET /akun/alamat/:id': { expects: own, id: (own_) => own_.addressId, private: ['buyer'] },
  'POST /akun/alamat/:id': {
    expects: '303 422 404 404 404 404',
    id: (own_) => own_.addressId,
    private: ['buyer'],
  },
  'POST /akun/alamat/:id/utama': {
    expects: '303 303 404 404 404 404',
    id: (own_) => own_.addressId,
  },
  'POST /akun/alamat/:id/hapus': { expects: '303 404 404 404 404 404' },
  'GET /akun/rekening': { expects: signedIn, private: ['buyer'] },
  'POST /akun/rekening': { expects: refused },
  'GET /akun/pesan': { expects: signedIn },
  'POST /akun/pesan/baca': { expects: sentOn },
  'POST /akun/pesan/:id/baca': { expects: '303 404 404 404 404 404' },
  'GET /akun/pemberitahuan': { expects: signedIn },
  'POST /akun/pemberitahuan': { expects: sentOn },
  'POST /sambatan/:id/ingatkan': { expects: sentOn, id: campaign },
  'POST /sambatan/:id/lupakan': { expects: sentOn, id: campaign },
  'GET /sambatan/:id': {
    expects: everybody,
    id: ({ campaignId }) => campaignId,
    private: ['buyer'],
  },
  'POST /sambatan/:id/ikut': {
    expects: '303 422 422 422 422 422',
    id: ({ campaignId }) => campaignId,
    private: ['buyer'],
  },
  'POST /sambatan/:id/antre': {
    expects: '303 422 422 422 422 422',
    id: ({ campaignId }) => campaignId,
    private: ['buyer'],
  },
  'POST /antrean/:id/ambil': {
    expects: '303 404 404 403 404 403',
    id: ({ entryId }) => entryId,
  },
  'POST /antrean/:id/lewatkan': {
    expects: '303 404 404 403 404 403',
    id: ({ entryId }) => entryId,
  },
  'POST /antrean/:id/keluar': {
    expects: '303 404 404 403 404 303',
    id: ({ entryId }) => entryId,
  },
  'POST /antrean/:id/simpan': {
    expects: '303 404 404 403 404 404',
    id: ({ entryId }) => entryId,
  },
  'GET /antrean/:id/bayar': { expects: '303 404 404 403 404 404', id: ({ entryId }) => entryId },
  'POST /antrean/:id/bayar': { expects: '303 404 404 403 404 404', id: ({ entryId }) => entryId },
  'GET /antrean/:id/bukti/kecil': {
    expects: '303 404 404 403 404 404',
    id: ({ entryId }) => entryId,
  },
  'GET /antrean/:id/bukti/berkas': {
    expects: '303 404 404 403 404 404',
    id: ({ entryId }) => entryId,
  },
  'POST /antrean/:id/bukti': { expects: '303 404 404 403 404 404', id: ({ entryId }) => entryId },
  'GET /sambatan/:id/gambar.png': { expects: everybody, id: ({ campaignId }) => campaignId },
  'GET /sambatan/:id/gambar.jpg': { expects: everybody, id: ({ campaignId }) => campaignId },
  'GET /sambatan/:id/qr.svg': { expects: everybody, id: ({ campaignId }) => campaignId },
  'GET /sambatan/:id/poster': { expects: everybody, id: ({ campaignId }) => campaignId },
  'GET /ikutan': { expects: signedIn },
  'GET /ikutan/:id': {
    expects: own,
    id: ({ participationId }) => participationId,
    private: ['buyer'],
  },
  // There is no checkpoint and no sum checkpoint here.
  'GET /ikutan/:id/bukti-pesanan.txt': {
    expects: '303 503 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'GET /ikutan/:id/bukti-pesanan.svg': {
    expects: '303 503 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'GET /ikutan/:id/bukti-hitungan.json': {
    expects: '303 404 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'GET /ikutan/:id/batal': { expects: own, id: ({ participationId }) => participationId },
  'GET /ikutan/:id/ubah': { expects: own, id: ({ participationId }) => participationId },
  'POST /ikutan/:id/ubah': {
    expects: '303 303 404 404 404 404',
    id: ({ participationId }) => participationId,
    fields: { shipping_address: 'Jalan Kenanga 12, Coblong, Bandung' },
  },
  'POST /ikutan/:id/batal': {
    expects: '303 303 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'GET /ikutan/:id/bukti/kecil': {
    expects: '303 404 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'GET /ikutan/:id/bukti/berkas': {
    expects: '303 404 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'POST /ikutan/:id/bukti': {
    expects: '303 415 404 404 404 404',
    id: ({ participationId }) => participationId,
    private: ['buyer'],
  },
  // No payment provider is configured. Only users with permission are told so.
  'POST /ikutan/:id/bayar': {
    expects: '303 409 404 404 404 404',
    id: ({ participationId }) => participationId,
    private: ['buyer'],
  },
  'POST /ikutan/:id/simpan': {
    expects: '303 422 404 404 404 404',
    id: ({ participationId }) => participationId,
  },
  'POST /ikutan/:id/terima': {
    expects: '303 409 404 404 404 404',
    id: ({ participationId }) => participationId,
    private: ['buyer'],
  },
  'POST /ikutan/:id/masalah': {
    expects: '303 422 404 404 404 404',
    id: ({ participationId }) => participationId,
    private: ['buyer'],
  },
  'GET /keluhan/:id/foto': { expects: '303 404 404 404 404 404' },
  'GET /toko': { expects: signedIn },
  'GET /toko/baru': { expects: signedIn },
  'POST /toko/baru': { expects: refused },
  'GET /toko/undangan/:token': { expects: '303 404 404 404 404 404' },
  'POST /toko/undangan/:token': { expects: '303 404 404 404 404 404' },
  'GET /toko/:id': { expects: sellersAndStaff, id: brand },
  'GET /toko/:id/anggota': { expects: sellersAndStaff, id: brand },
  'POST /toko/:id/nama': { expects: shownAgain, id: brand },
  'POST /toko/:id/anggota/undang': { expects: shownAgain, id: brand },
  'POST /toko/:id/anggota/:user': { expects: shownAgain, id: brand },
  'POST /toko/:id/anggota/:user/keluar': { expects: '303 403 403 404 403 403', id: brand },
  'POST /toko/:id/undangan/:invitation/batal': { expects: '303 403 403 404 403 403', id: brand },
  'GET /toko/:id/rekening': { expects: sellersAndStaff, id: brand },
  'POST /toko/:id/rekening': { expects: '303 403 403 422 403 403', id: brand },
  'GET /toko/:id/webhook': { expects: sellersAndStaff, id: brand },
  'POST /toko/:id/webhook': { expects: shownAgain, id: brand },
  'GET /toko/webhook/:id': { expects: webhookOf, id: webhook },
  'POST /toko/webhook/:id/ubah': { expects: '303 404 404 422 404 422', id: webhook },
  'POST /toko/webhook/:id/rahasia': { expects: webhookOf, id: webhook },
  'POST /toko/webhook/:id/nyala': { expects: '303 404 404 303 404 303', id: webhook },
  'POST /toko/webhook/:id/mati': { expects: '303 404 404 303 404 303', id: webhook },
  'POST /toko/webhook/:id/hapus': { expects: '303 404 404 404 404 404' },
  'POST /toko/webhook/:id/kiriman/:delivery': { expects: '303 404 404 404 404 404', id: webhook },
  'GET /toko/:id/produk': { expects: sellers, id: brand },
  'GET /toko/:id/produk/baru': { expects: sellers, id: brand },
  'POST /toko/:id/produk/baru': { expects: '303 403 403 415 403 403', id: brand },
  'GET /toko/produk/:id': { expects: sellers, id: ({ productId }) => productId },
  'POST /toko/produk/:id': {
    expects: '303 403 403 415 403 403',
    id: ({ productId }) => productId,
  },
  'POST /toko/produk/:id/gambar/hapus': {
    expects: '303 403 403 303 403 403',
    id: ({ productId }) => productId,
  },
  'GET /toko/:id/sambatan/baru': { expects: sellers, id: brand },
  'POST /toko/:id/sambatan/baru': { expects: '303 403 403 422 403 403', id: brand },
  'GET /toko/sambatan/:id': { expects: sellersAndStaff, id: campaign },
  'GET /toko/sambatan/:id/ubah': { expects: sellers, id: campaign },
  'POST /toko/sambatan/:id/ubah': { expects: '303 403 403 422 403 403', id: campaign },
  'POST /toko/sambatan/:id/terbit': { expects: '303 403 403 409 403 403', id: campaign },
  'GET /toko/sambatan/:id/perpanjang': { expects: sellersAndStaff, id: campaign },
  'POST /toko/sambatan/:id/perpanjang': { expects: shownAgain, id: campaign },
  'GET /toko/sambatan/:id/batal': { expects: sellersAndStaff, id: campaign },
  'POST /toko/sambatan/:id/batal': { expects: shownAgain, id: campaign },
  // The campaign needs no decision.
  'POST /toko/sambatan/:id/putusan': {
    expects: '303 403 403 409 403 409',
    id: campaign,
    fields: { decision: 'continue' },
  },
  // No slots are to be delivered yet, so no shortfall can be declared.
  'GET /toko/sambatan/:id/kurang': { expects: '303 403 403 409 403 409', id: campaign },
  'POST /toko/sambatan/:id/kurang': { expects: '303 403 403 409 403 409', id: campaign },
  'GET /toko/sambatan/:id/kirim': { expects: '303 403 403 409 403 409', id: campaign },
  'POST /toko/sambatan/:id/kirim': { expects: '303 403 403 409 403 409', id: campaign },
  'GET /toko/sambatan/:id/peserta': participants,
  'GET /toko/sambatan/:id/kemas': participants,
  'GET /toko/sambatan/:id/uang': { expects: sellersAndStaff, id: campaign },
  'GET /toko/sambatan/:id/peserta.csv': participants,
  'GET /toko/sambatan/:id/peserta.xlsx': participants,
  'GET /operator': { expects: operators },
  'POST /operator/jalankan': { expects: '303 403 403 403 403 303' },
  'GET /operator/sambatan': { expects: operators },
  'GET /operator/sambatan/:id': { expects: operators, id: ({ campaignId }) => campaignId },
  'GET /operator/ikutan': { expects: operators },
  'POST /operator/sambatan/:id/perpanjang': { expects: absent },
  'POST /operator/sambatan/:id/batalkan': { expects: absent },
  'POST /operator/sambatan/:id/putusan': { expects: absent, fields: { decision: 'continue' } },
  'GET /operator/pembayaran': { expects: operators, private: ['operator'] },
  'GET /operator/pembayaran/:id/bukti': { expects: absent },
  'POST /operator/pembayaran/:id/terima': { expects: absent },
  'POST /operator/pembayaran/:id/tolak': { expects: absent, fields: { reason: 'alasan uji' } },
  'GET /operator/pembayaran/mutasi': { expects: operators, private: ['operator'] },
  'POST /operator/pembayaran/mutasi': { expects: '303 403 403 403 403 415' },
  'GET /operator/pembayaran/mutasi/berkas/:id': { expects: absent },
  'POST /operator/pembayaran/mutasi/berkas/:id/kolom': { expects: absent, fields: mapped },
  'POST /operator/pembayaran/mutasi/berkas/:id/terapkan': { expects: absent },
  'GET /operator/pembayaran/mutasi/:id': { expects: absent },
  'POST /operator/pembayaran/mutasi/:id/bagi': { expects: absent },
  'POST /operator/pembayaran/mutasi/:id/gabung': {
    expects: absent,
    fields: { participation_id: newId(), lines: newId() },
  },
  'POST /operator/pembayaran/mutasi/:id/catat': { expects: absent, fields: { lines: newId() } },
  'POST /operator/pembayaran/mutasi/:id/urungkan': { expects: absent },
  'POST /operator/pembayaran/mutasi/:id/tujuan': {
    expects: absent,
    fields: { participation_id: newId() },
  },
  'POST /operator/pembayaran/mutasi/:id/sisihkan': {
    expects: absent,
    fields: { reason: 'alasan uji' },
  },
  'GET /operator/pembayaran/rekening': { expects: operators },
  'POST /operator/pembayaran/rekening': { expects: '303 403 403 403 403 422' },
  'POST /operator/pembayaran/rekening/:id': { expects: absent, fields: { holder: 'PT Uji' } },
  'POST /operator/pembayaran/rekening/:id/utama': { expects: absent },
  'GET /operator/uang': { expects: operators, private: ['operator'] },
  'GET /operator/uang/pengembalian.csv': { expects: operators, private: ['operator'] },
  'POST /operator/uang/pengembalian.csv': { expects: operators, private: ['operator'] },
  'GET /operator/uang/pengembalian.xlsx': { expects: operators, private: ['operator'] },
  'POST /operator/uang/pengembalian.xlsx': { expects: operators, private: ['operator'] },
  'POST /operator/uang/lunas': { expects: '303 403 403 403 403 422' },
  'POST /operator/uang/:id/gagal': { expects: absent, fields: { reason: 'alasan uji' } },
  'POST /operator/uang/:id/balik': { expects: absent, fields: { reason: 'alasan uji' } },
  'GET /operator/uang/pencairan': { expects: operators },
  'POST /operator/uang/pencairan/:id/lepas': { expects: absent },
  'POST /operator/uang/pencairan/:id/cair': { expects: absent, fields: { reference: 'TRF 1' } },
  'POST /operator/uang/pencairan/:id/balik': { expects: absent, fields: { reason: 'alasan uji' } },
  'GET /operator/uang/dobel': { expects: operators },
  'POST /operator/uang/dobel/:id/kembali': { expects: absent, fields: { reference: 'TRF 1' } },
  'POST /operator/uang/dobel/:id/relakan': { expects: absent, fields: { reason: 'alasan uji' } },
  'GET /operator/uang/keluhan': { expects: operators, private: ['operator'] },
  'POST /operator/uang/keluhan/:id/selesai': {
    expects: absent,
    fields: { resolution: 'dismissed', explanation: 'alasan uji' },
  },
  'GET /operator/log': { expects: operators },
  'GET /operator/orang': { expects: operators },
  'POST /operator/orang': { expects: '303 403 403 403 403 422' },
  'POST /operator/orang/:id/cabut': { expects: absent },
  'POST /operator/ikutan/:id/konfirmasi': { expects: absent },
  'POST /operator/ikutan/:id/batalkan': { expects: absent, fields: { reason: 'alasan uji' } },
};

const service = await startHttpService({
  environment: { SAMBATAN_OPERATORS: 'operator@example.org' },
});
after(service.close);

const pages = pageRoutes(service.routes);

const canaries = ['Sari Rahasia', 'Gang Tersembunyi', '081299887766', 'buyer@example.org'];
const clients = {} as Record<PersonName, SiteClient>;
let things: Things;
before(async () => {
  const buyer = await signIn(service, 'buyer@example.org');
  const seller = await signIn(service, 'seller@example.org');
  Object.assign(clients, {
    visitor: new SiteClient(service),
    buyer,
    other: await signIn(service, 'other@example.org'),
    seller,
    rival: await signIn(service, 'rival@example.org'),
    operator: await signIn(service, 'operator@example.org'),
  });
  things = await make(buyer, seller);
});

test('every page of the site has a row here', () => {
  const missing = pages.filter((route) => !Object.hasOwn(rows, route));
  assert.deepEqual(missing, [], 'add a row for each of these to `rows` in this file');
  const gone = Object.keys(rows).filter((route) => !pages.includes(route));
  assert.deepEqual(gone, [], 'these rows name no page any more');
});

test('every page exists in English too', () => {
  const english = new Set(service.routes.filter((route) => / \/en(\/|$)/.test(route)));
  const missing = pages.filter((route) => {
    const [method = '', path = ''] = route.split(' ');
    return (
      !english.has(`${method} /en${path}`) && !english.has(`${method} /en${path}`.slice(0, -1))
    );
  });
  assert.deepEqual(missing, []);
});

/** Creates the data by calling the API as the users of the table. */
async function make(buyer: SignedInClient, seller: SignedInClient): Promise<Things> {
  const shop = await service.user(seller.userId);
  const buying = await service.user(buyer.userId);
  const melati = expectStatus(await shop.post('/brands', { name: 'Melati' }), 201);
  const wish = { brand_id: melati.id, name: 'Senja', base_price: 9_000, sambatan_enabled: true };
  const product = expectStatus(await shop.post('/products', wish), 201);
  const made = await shop.post('/campaigns', campaignBody(product.id));
  const senja = expectStatus(made, 201);
  const participation = await join(buying, senja.id);
  const full = await shop.post('/campaigns', campaignBody(product.id, { total_slots: 1 }));
  const fullId = expectStatus(full, 201).id;
  await join(buying, fullId);
  const wait = { quantity: 1, shipping_address: `${canaries[0]}, ${canaries[1]}` };
  const waits = await (await service.user()).post(`/campaigns/${fullId}/waiting`, wait);
  await buying.patch('/me', { display_name: canaries[0] });
  const saved = await buying.post('/me/addresses', {
    ...homeAddress,
    recipient: canaries[0],
    street: `${canaries[1]} 7`,
    phone: canaries[2],
  });
  return {
    campaignId: senja.id,
    participationId: participation.id,
    entryId: expectStatus(waits, 201).id,
    brandId: melati.id,
    productId: product.id,
    webhookId: (await insertEndpoint(service.db, melati.id)).id,
    addressId: expectStatus(saved, 201).id,
  };
}

for (const route of pages.filter((one) => Object.hasOwn(rows, one))) {
  test(`authorization of ${route}`, async () => {
    const { expects, id, query = '', fields, private: mayRead = [] } = rows[route]!;
    const [method = '', pattern = ''] = route.split(' ');
    const path =
      pattern.replace(/:\w+/, id?.(things) ?? newId()).replaceAll(/:\w+/g, () => newId()) + query;
    const statuses: string[] = [];
    for (const name of people) {
      // Each request uses new cookies, so that a route that signs out does not affect the next one.
      const client = await asNew(name, route);
      const answer = method === 'GET' ? await client.get(path) : await client.post(path, fields);
      statuses.push(String(answer.status));
      if (mayRead.includes(name)) continue;
      const leaked = canaries.filter((canary) => answer.text.includes(canary));
      assert.deepEqual(leaked, [], `${name} reads of the buyer at ${route}`);
    }
    assert.equal(statuses.join(' '), expects, people.join(' '));
  });
}

/** A client for the route. Routes that end sessions get an extra session. */
async function asNew(name: PersonName, route: string): Promise<SiteClient> {
  if (name === 'visitor' || !/^POST \/(keluar|akun\/sesi)/.test(route)) return clients[name];
  await service.db.rows({ name: 'test_clear', text: 'delete from sambatan_auth.attempts' });
  return await signIn(service, `${route.replaceAll(/\W/g, '')}.${name}@example.org`);
}

test('a site session is not accepted by the API', async () => {
  const buyer = clients.buyer;
  const answer = await buyer.get('/api/sambatan/me');
  assert.equal(answer.status, 401);
  assert.ok(service.visitor instanceof Client);
});
