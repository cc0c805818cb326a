import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { newId } from '../../src/identity/ids.ts';
import { formatFieldMoment } from '../../src/i18n/format.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows } from '../support/builders/market.ts';
import {
  expectStatus,
  fromNow,
  hourMs,
  join,
  openShop,
  type Shop,
} from '../support/builders/shop.ts';
import { SiteForms, unzip, type SiteResponse } from '../support/clients/site.ts';

const service = await startHttpService();
after(service.close);

let shop: Shop;
let seller: SiteForms;
before(async () => {
  shop = await openShop(service);
  seller = new SiteForms(service.url, shop.seller);
});

const formsOf = (client: Client) => new SiteForms(service.url, client);

function found(got: SiteResponse, status = 200): string {
  assert.equal(got.status, status, got.text.slice(0, 2_000));
  return got.text;
}

function leadsTo(got: SiteResponse, pattern: RegExp): string {
  assert.equal(got.status, 303, got.text.slice(0, 3_000));
  assert.match(got.location, pattern);
  return got.location;
}

const terms = (wish: Record<string, string> = {}) => ({
  product_id: shop.productId,
  title: 'Senja batch dua',
  description: 'Dibuat pelan-pelan.',
  total_slots: '1.000',
  minimum_slots: '',
  price_per_slot: '125.000',
  min_slots_per_user: '',
  max_slots_per_user: '3',
  deadline: formatFieldMoment(new Date(Date.now() + 48 * hourMs)),
  opens_at: '',
  payment_timing: 'on_completion',
  hold_hours: '24',
  ...wish,
});

suite('the seller’s complete workflow, by forms only', () => {
  const owner = () => seller;

  test('brand, product, draft, preview, opening, extension, cancellation', async () => {
    const person = formsOf(await service.user());
    assert.match(found(await person.get('/toko')), /Belum ada brand/);
    const brand = /\/toko\/([\da-f-]{36})/.exec(
      leadsTo(await person.post('/toko/baru', { name: 'Rumah Kenanga' }), /kabar=brand-dibuat/),
    )![1]!;
    assert.match(found(await person.get(`/toko/${brand}/sambatan/baru`)), /Belum ada produk/);
    const product = { name: 'Kenanga 30 ml', base_price: '150.000', weight_grams: '120' };
    leadsTo(
      await person.upload(`/toko/${brand}/produk/baru`, { ...product, sambatan_enabled: 'on' }),
      /kabar=produk-dibuat/,
    );
    const form = found(await person.get(`/toko/${brand}/sambatan/baru`));
    assert.match(form, /value="\d{4}-\d\d-\d\dT21:00"/, 'two weeks, until nine in the evening');
    const product_id = /<option value="([\da-f-]{36})"/.exec(form)![1]!;

    const filled = terms({ product_id, aksi: 'pratinjau' });
    const preview = found(await person.post(`/toko/${brand}/sambatan/baru`, filled));
    assert.match(preview, /Begini tampilannya untuk pembeli/);
    assert.match(preview, /Rp125\.000/);
    const draft = leadsTo(
      await person.post(`/toko/${brand}/sambatan/baru`, { ...filled, aksi: 'draf' }),
      /kabar=draf/,
    ).split('?')[0]!;
    assert.match(found(await person.get(`/toko/${brand}?tampil=draf`)), /Senja batch dua/);
    assert.match(found(await person.get(draft)), /Buka sekarang/);

    const changed = { ...filled, title: 'Senja batch tiga', aksi: 'simpan' };
    leadsTo(await person.post(`${draft}/ubah`, changed), /kabar=tersimpan/);
    leadsTo(await person.post(`${draft}/terbit`), /kabar=terbit/);
    assert.match(found(await person.get(`/toko/${brand}`)), /Senja batch tiga/);

    const later = formatFieldMoment(new Date(Date.now() + 96 * hourMs));
    const reason = 'Botolnya datang terlambat';
    leadsTo(await person.post(`${draft}/perpanjang`, { deadline: later, reason }), /diperpanjang/);
    const asking = found(await person.get(`${draft}/batal`));
    const seen = /name="seen" value="([^"]+)"/.exec(asking)![1]!;
    const wrong = await person.post(`${draft}/batal`, { reason, seen, title: 'Senja' });
    assert.match(found(wrong, 422), /Belum sama dengan judulnya/);
    leadsTo(
      await person.post(`${draft}/batal`, { reason, seen, title: ' senja  batch tiga' }),
      /dibatalkan/,
    );
    assert.match(found(await person.get(`/toko/${brand}?tampil=selesai`)), /Dibatalkan/);
  });

  test('errors appear next to their fields, and the input stays', async () => {
    const path = `/toko/${shop.brandId}/sambatan/baru`;
    const wrong: [Record<string, string>, string][] = [
      [{ title: '' }, 'title'],
      [{ total_slots: 'banyak' }, 'total_slots'],
      [{ minimum_slots: '1.001' }, 'minimum_slots'],
      [{ deadline: '2020-01-01T10:00' }, 'deadline'],
      [{ deadline: 'besok' }, 'deadline'],
      [{ price_per_slot: '-5' }, 'price_per_slot'],
      [{ hold_hours: '100000' }, 'hold_hours'],
      [{ max_slots_per_user: '1001' }, 'max_slots_per_user'],
    ];
    for (const [change, field] of wrong) {
      for (const aksi of ['pratinjau', 'draf', 'terbit']) {
        const got = await owner().post(path, terms({ ...change, aksi }));
        const page = found(got, 422);
        assert.match(page, new RegExp(`id="${field}-error"`), field);
        assert.match(page, /Dibuat pelan-pelan\./);
      }
    }
    const [{ campaigns }] = (await queryRows<{ campaigns: bigint }>(
      service.db,
      'select count(*) as campaigns from sambatan.campaigns where brand_id = $1',
      shop.brandId,
    )) as [{ campaigns: bigint }];
    assert.equal(campaigns, 0n, 'a preview and a refusal leave nothing behind');
  });

  test('a field of a form is refused in words for people, not for programs', async () => {
    const path = `/toko/${shop.brandId}/sambatan/baru`;
    const wrong: [Record<string, string>, RegExp][] = [
      [{ deadline: 'besok' }, /id="deadline-error">Isi tanggal dan jamnya/],
      [{ payment_timing: 'nanti' }, /id="payment_timing-error">Pilih salah satu pilihan yang ada/],
    ];
    for (const [change, sentence] of wrong) {
      const page = found(await owner().post(path, terms({ ...change, aksi: 'draf' })), 422);
      assert.match(page, sentence);
      assert.doesNotMatch(page, /RFC 3339|UUID|on_completion, upfront/);
    }
  });

  test('times are entered in Western Indonesian time', async () => {
    const path = `/toko/${shop.brandId}/sambatan/baru`;
    const deadline = '2031-03-04T21:00';
    const opens_at = '2031-03-01T08:30';
    const got = await owner().post(path, terms({ deadline, opens_at, aksi: 'terbit' }));
    const id = leadsTo(got, /kabar=dijadwalkan/)
      .split('?')[0]!
      .split('/')
      .at(-1)!;
    const campaign = expectStatus(await shop.seller.get(`/campaigns/${id}`), 200);
    assert.deepEqual(
      [campaign.status, campaign['deadline'], campaign['opens_at']],
      ['scheduled', '2031-03-04T14:00:00.000Z', '2031-03-01T01:30:00.000Z'],
    );
    assert.match(found(await owner().get(`/toko/sambatan/${id}/ubah`)), /2031-03-04T21:00/);
  });

  test('the opening time is changed by the form, with errors next to the field', async () => {
    const [deadline, opens_at] = ['2031-03-04T21:00', '2031-03-01T08:30'];
    const scheduled = await shop.campaign({
      publish: false,
      opens_at: `${opens_at}:00+07:00`,
      deadline: `${deadline}:00+07:00`,
    });
    const path = `/toko/sambatan/${scheduled.id}/ubah`;
    const edit = (wish: object) =>
      owner().post(path, terms({ deadline, opens_at, aksi: 'simpan', ...wish }));
    assert.match(found(await owner().get(path)), new RegExp(`value="${opens_at}"`));
    for (const wrong of ['2031-03-05T08:30', '', '2031-02-30T08:30']) {
      const page = found(await edit({ opens_at: wrong }), 422);
      assert.match(page, /<p class="error" id="opens_at-error">/, wrong);
      assert.match(page, /id="opens_at"\s+name="opens_at"[^>]* aria-invalid="true"/, wrong);
    }
    leadsTo(await edit({ opens_at: '2031-03-02T09:00' }), /kabar=tersimpan/);
    const moved = expectStatus(await shop.seller.get(`/campaigns/${scheduled.id}`), 200);
    assert.deepEqual([moved.status, moved['opens_at']], ['scheduled', '2031-03-02T02:00:00.000Z']);
  });

  test('a draft’s form has no opening time and says how to set one', async () => {
    const { id } = await shop.campaign({ publish: false });
    const forms = owner();
    for (const [language, words] of [
      ['', 'Draf harus kamu buka sendiri'],
      ['/en', 'Drafts don’t open automatically'],
    ]) {
      const form = found(await forms.get(`${language}/toko/sambatan/${id}/ubah`));
      assert.ok(form.includes(words!) && !form.includes('name="opens_at"'));
      const fresh = found(await forms.get(`${language}/toko/${shop.brandId}/sambatan/baru`));
      assert.ok(!fresh.includes(words!) && fresh.includes('name="opens_at"'));
    }
  });

  test('a cancellation whose numbers have changed meanwhile is shown again first', async () => {
    const { id } = await shop.campaign();
    const path = `/toko/sambatan/${id}/batal`;
    const seen = /name="seen" value="([^"]+)"/.exec(found(await owner().get(path)))![1]!;
    await join(await service.user(), id);
    const fields = { reason: 'bahan habis', title: 'Senja batch pertama', seen };
    assert.match(found(await owner().post(path, fields), 409), /Angkanya baru saja berubah/);
    assert.equal((await shop.seller.get(`/campaigns/${id}`)).body.status, 'active');
  });

  test('its page refuses as the cancellation would, before anything is typed', async () => {
    const { id } = await shop.campaign();
    const path = `/toko/sambatan/${id}/batal`;
    found(await owner().get(path));
    assert.equal((await shop.seller.get(`/campaigns/${id}`)).body.status, 'active');
    expectStatus(await shop.seller.post(`/campaigns/${id}/cancel`, { reason: 'habis' }), 200);
    found(await owner().get(path), 409);
  });

  test('it lists exactly who is refunded how much', async () => {
    const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 5 });
    const rich = await service.user();
    await queryRows(
      service.db,
      `insert into sambatan.profiles (user_id, display_name) values ($1, 'Ratri Ayu')`,
      rich.userId,
    );
    const paid = await join(rich, id, { quantity: 3 });
    await join(await service.user(), id);
    expectStatus(await service.service.post(`/participations/${paid.id}/confirm`), 200);
    const page = found(await owner().get(`/toko/sambatan/${id}/batal`));
    assert.match(page, /<strong>2<\/strong>\s*pesanan dibatalkan/);
    assert.match(page, /<strong>Rp375\.000<\/strong>/);
    assert.match(
      page,
      /Ratri Ayu<\/td>\s*<td class="number">3<\/td>\s*<td class="number">Rp375\.000/,
    );
  });
});

suite('a buyer who paid before the deadline was moved', () => {
  test('may cancel: the money is due back and the slots are free again', async () => {
    const { id } = await shop.campaign({ payment_timing: 'upfront', total_slots: 2 });
    const [early, late] = [await service.user(), await service.user()];
    const first = await join(early, id);
    expectStatus(await service.service.post(`/participations/${first.id}/confirm`), 200);
    const path = `/participations/${first.id}/cancel`;
    assert.equal((await early.post(path)).body.code, 'participation_transition_not_allowed');
    const to = { deadline: fromNow(3 * hourMs), reason: 'Botolnya terlambat' };
    const extended = expectStatus(await shop.seller.post(`/campaigns/${id}/extend`, to), 200);
    assert.equal(typeof extended['extended_at'], 'string');
    const second = await join(late, id);
    expectStatus(await service.service.post(`/participations/${second.id}/confirm`), 200);
    assert.equal((await shop.seller.get(`/campaigns/${id}`)).body.status, 'full');

    assert.equal(
      (await late.post(`/participations/${second.id}/cancel`)).body.code,
      'participation_transition_not_allowed',
      'who joined under the present deadline stays',
    );
    assert.equal(expectStatus(await early.post(path), 200).status, 'refunded');
    assert.equal((await early.post(path)).status, 409, 'once');
    const campaign = expectStatus(await shop.seller.get(`/campaigns/${id}`), 200);
    assert.deepEqual([campaign.status, campaign['slots_taken']], ['active', 1]);
    const money = await queryRows<{ kind: string; amount: bigint; status: string }>(
      service.db,
      `select kind, amount, status from sambatan.transactions
      where campaign_id = $1 and participation_id = $2 order by kind`,
      id,
      first.id,
    );
    assert.deepEqual(money, [
      { kind: 'payment', amount: 125_000n, status: 'settled' },
      { kind: 'refund', amount: 125_000n, status: 'due' },
    ]);
  });
});

const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1+1', '\r=1+1', '＝1+1', ' =HYPERLINK("x")'];

suite('exports', () => {
  let id: string;
  before(async () => {
    ({ id } = await shop.campaign({ total_slots: 100, title: '=Formula "judul"; ;' }));
    for (const formula of formulas) {
      const shipping_address = `${formula} Jalan Kenanga 12; "Bandung"\n40111`;
      await join(await service.user(), id, { shipping_address, note: `${formula} untuk kado` });
    }
  });

  test('CSV has semicolons, a byte order mark, and no executable cell', async () => {
    const got = await seller.get(`/toko/sambatan/${id}/peserta.csv`);
    assert.match(got.headers.get('content-type')!, /^text\/csv/);
    assert.match(got.headers.get('content-disposition')!, /filename="sambatan-formula-judul\.csv"/);
    assert.equal(got.headers.get('cache-control'), 'private, no-store');
    assert.deepEqual([...got.bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
    const rows: string[][] = parse(got.bytes, {
      delimiter: ';',
      bom: true,
      relaxColumnCount: false,
    });
    assert.equal(rows.length, formulas.length + 1);
    for (const cell of rows.flat()) assert.doesNotMatch(cell, /^[\s]*[=+\-@＝＋－＠]/);
    assert.ok(rows.some((row) => row[3]?.includes('Jalan Kenanga 12; "Bandung"\n40111')));
  });

  test('a spreadsheet stores user input as text, without formulas', async () => {
    const got = await seller.get(`/en/toko/sambatan/${id}/peserta.xlsx`);
    assert.match(got.headers.get('content-type')!, /spreadsheetml/);
    const files = unzip(got.bytes);
    const sheet = files.get('xl/worksheets/sheet1.xml')!;
    assert.ok(sheet.includes('<sheetData'), [...files.keys()].join());
    assert.doesNotMatch(sheet, /<f[ >]/);
    const texts = [...files.values()].join('\n');
    assert.match(texts, /&apos;=1\+1 Jalan Kenanga|'=1\+1 Jalan Kenanga/);
  });

  test('more than ten thousand rows are complete, in pages', async () => {
    const large = await shop.campaign({ total_slots: 30_000 });
    await queryRows(
      service.db,
      `with p as (insert into sambatan.participants (campaign_id, participation_id, user_id,
          quantity, joined_at, updated_at, shipping_address, joined_seq)
        select $1, gen_random_uuid(), gen_random_uuid(), 1, now(), now(), 'Jalan Melati ' || n, n
        from generate_series(1, 20001) n)
      select 1 as done`,
      large.id,
    );
    const csv = await seller.get(`/toko/sambatan/${large.id}/peserta.csv`);
    assert.equal(csv.text.trimEnd().split('\r\n').length, 20_002);
    const sheet = await seller.get(`/toko/sambatan/${large.id}/peserta.xlsx`);
    assert.match(found(sheet, 409), /paling banyak 20\.000 baris/);
    await queryRows(
      service.db,
      'delete from sambatan.participants where campaign_id = $1',
      large.id,
    );
  });

  test('the list has pages of fifty and a status filter', async () => {
    const large = await shop.campaign({ total_slots: 100 });
    const buyers = await Promise.all(Array.from({ length: 55 }, () => service.user()));
    await Promise.all(buyers.map((buyer) => join(buyer, large.id)));
    const path = `/toko/sambatan/${large.id}/peserta`;
    const first = found(await seller.get(`${path}?status=reserved`));
    assert.equal(first.match(/<th scope="row">/g)?.length, 50);
    const next = /rel="next" href="([^"]+)"/.exec(first)![1]!.replaceAll('&amp;', '&');
    assert.equal(found(await seller.get(next)).match(/<th scope="row">/g)?.length, 5);
    assert.match(found(await seller.get(`${path}?status=refunded`)), /Tidak ada yang cocok/);
  });
});

suite('what strangers and contributors may do', () => {
  test('a contributor edits drafts, and neither publishes nor sees addresses', async () => {
    const helper = await service.user();
    await queryRows(
      service.db,
      `insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, 'contributor')`,
      shop.brandId,
      helper.userId,
    );
    const forms = formsOf(helper);
    const path = `/toko/${shop.brandId}/sambatan/baru`;
    const preview = found(await forms.post(path, terms({ aksi: 'pratinjau' })));
    assert.doesNotMatch(preview, /value="terbit"/);
    const draft = leadsTo(await forms.post(path, terms({ aksi: 'draf' })), /draf/).split('?')[0]!;
    found(await forms.post(path, terms({ aksi: 'terbit' })), 403);
    const opens_at = formatFieldMoment(new Date(Date.now() + hourMs));
    found(await forms.post(path, terms({ aksi: 'draf', opens_at })), 403);
    found(await forms.post(`${draft}/terbit`), 403);
    leadsTo(
      await forms.post(`${draft}/ubah`, terms({ aksi: 'simpan', title: 'Lain' })),
      /tersimpan/,
    );
    const { id } = await shop.campaign();
    for (const [page, status] of [
      ['', 200],
      ['/ubah', 403],
      ['/perpanjang', 403],
      ['/batal', 403],
      ['/kurang', 403],
      ['/peserta', 403],
      ['/kemas', 403],
      ['/peserta.csv', 403],
      ['/peserta.xlsx', 403],
    ] as const) {
      found(await forms.get(`/toko/sambatan/${id}${page}`), status);
    }
    found(await forms.post(`/toko/${shop.brandId}/anggota/undang`, invited()), 403);
    assert.doesNotMatch(found(await forms.get(`/toko/${shop.brandId}/anggota`)), /undang"/);
  });

  test('strangers see nothing of a shop, and visitors are sent to sign-in', async () => {
    const { id } = await shop.campaign({ publish: false });
    const stranger = formsOf(await service.user());
    const visitor = formsOf(service.visitor);
    const pages = {
      [`/toko/${shop.brandId}`]: 403,
      [`/toko/${shop.brandId}/produk`]: 403,
      [`/toko/${shop.brandId}/produk/baru`]: 403,
      [`/toko/${shop.brandId}/anggota`]: 403,
      [`/toko/${shop.brandId}/sambatan/baru`]: 403,
      [`/toko/produk/${shop.productId}`]: 403,
      [`/toko/sambatan/${id}`]: 404,
      [`/toko/sambatan/${id}/peserta`]: 404,
      [`/toko/sambatan/${id}/batal`]: 404,
      [`/toko/${newId()}`]: 404,
      ['/toko/bukan-id']: 404,
      ['/toko/undangan/tidak-ada']: 404,
    };
    for (const [path, status] of Object.entries(pages)) {
      found(await stranger.get(path), status);
      if (path === '/toko/bukan-id') continue;
      const { status: seen, location } = await visitor.get(path);
      assert.deepEqual([seen, location], [303, `/masuk?back=${encodeURIComponent(path)}`], path);
    }
  });
});

const invited = (wish: Record<string, string> = {}) => ({
  email: `tamu-${newId().slice(-8)}@contoh.id`,
  role: 'contributor',
  language: 'id',
  ...wish,
});

suite('a shortfall can be declared', () => {
  /**
   * A campaign that is sold out, with orders of 1, 3 and 2 slots in this order. All except the last
   * are paid.
   */
  async function soldOut() {
    const { id } = await shop.campaign({ total_slots: 6, price_per_slot: 100_000 });
    const buyers = new Map<string, { id: string; client: Client }>();
    for (const [name, quantity] of Object.entries({ Ayu: 1, Budi: 3, Citra: 2 })) {
      const client = await service.user();
      await queryRows(
        service.db,
        'insert into sambatan.profiles (user_id, display_name) values ($1, $2)',
        client.userId,
        name,
      );
      buyers.set(name, { id: (await join(client, id, { quantity })).id, client });
    }
    await queryRows(service.db, 'select sambatan.settle_campaign($1, true, 1000)', id);
    for (const name of ['Ayu', 'Budi']) {
      const path = `/participations/${buyers.get(name)!.id}/payment/verify`;
      expectStatus(await service.service.post(path, {}), 200);
    }
    return { id, buyers, path: `/toko/sambatan/${id}/kurang` };
  }

  const rowsOf = (page: string) =>
    [...page.matchAll(/<tr>\s*<td>(.*?)<\/td>(.*?)<\/tr>/gs)].map(([, name, rest]) => [
      name,
      ...[...rest!.matchAll(/<td class="number">(.*?)<\/td>/gs)].map(([, cell]) => cell),
    ]);
  const seenIn = (page: string) => /name="seen" value="([^"]+)"/.exec(page)![1]!;
  const said = (slots: string, page: string) => ({
    slots,
    seen: seenIn(page),
    reason: 'pecah di jalan',
    title: 'Senja batch pertama',
  });

  test('the preview shows the exact effect for each buyer, to the rupiah', async () => {
    const { id, buyers, path } = await soldOut();
    const page = found(await seller.get(`${path}?slots=2`));
    assert.deepEqual(rowsOf(page), [
      ['Citra', '0 dari 2', 'belum bayar'],
      ['Budi', '1 dari 3', 'Rp200.000'],
      ['Ayu', '1 dari 1', 'Rp0'],
    ]);
    assert.match(page, /<strong>1<\/strong>\s*pembeli menerima semua/);
    assert.match(page, /<strong>2<\/strong>\s*pembeli menerima lebih sedikit/);
    assert.match(page, /<strong>Rp200\.000<\/strong>\s*total pengembalian dana/);
    assert.match(page, /<strong>Rp194\.000<\/strong>\s*bagianmu/);
    const books = async () =>
      expectStatus(await shop.seller.get(`/campaigns/${id}/books`), 200) as unknown as Record<
        string,
        number
      >;
    assert.equal((await books())['refunds_due'], 0, 'looking changes nothing');

    const wrong = await seller.post(path, { ...said('2', page), title: 'Senja' });
    assert.match(found(wrong, 422), /Belum sama dengan judulnya/);
    leadsTo(await seller.post(path, said('2', page)), /kabar=dikurangi/);
    const then = await books();
    assert.deepEqual(
      [then['refunds_due'], then['gross'], then['payouts_due']],
      [200_000, 200_000, 194_000],
    );
    const kept = await queryRows<{ participation_id: string; keeps: number; status: string }>(
      service.db,
      `select participation_id, quantity - undelivered_slots as keeps, status::text
      from sambatan.participants where campaign_id = $1`,
      id,
    );
    assert.deepEqual(
      new Map(kept.map((one) => [one.participation_id, [one.keeps, one.status]])),
      new Map([
        [buyers.get('Ayu')!.id, [1, 'confirmed']],
        [buyers.get('Budi')!.id, [1, 'confirmed']],
        [buyers.get('Citra')!.id, [0, 'refunded']],
      ]),
    );
    assert.match(
      found(await seller.get(`/en${path}`)),
      /You currently owe buyers\s*<strong>2 slots/,
    );
  });

  test('numbers that have changed meanwhile are shown again first', async () => {
    const { id, buyers, path } = await soldOut();
    const page = found(await seller.get(`${path}?slots=2`));
    const late = buyers.get('Citra')!.id;
    expectStatus(await service.service.post(`/participations/${late}/payment/verify`, {}), 200);
    const again = found(await seller.post(path, said('2', page)), 409);
    assert.match(again, /Angkanya baru saja berubah/);
    assert.match(again, /<strong>Rp400\.\d{3}<\/strong>\s*total pengembalian dana/);
    const [{ short }] = (await queryRows<{ short: bigint }>(
      service.db,
      'select sum(undelivered_slots) as short from sambatan.participants where campaign_id = $1',
      id,
    )) as [{ short: bigint }];
    assert.equal(short, 0n);
  });

  test('the preview refuses what the declaration would refuse', async () => {
    const { id, path } = await soldOut();
    await queryRows(
      service.db,
      `update sambatan.transactions set status = 'pending', provider = 'bank',
        provider_reference = gen_random_uuid()::text
      where campaign_id = $1 and kind = 'payout'`,
      id,
    );
    const page = found(await seller.get(`${path}?slots=2`), 409);
    assert.match(page, /Dana Sambatan ini sudah dicairkan/);
    assert.ok(!page.includes('name="seen"'), 'there is nothing to confirm');
  });

  test('the number must be between the received and the remaining slots', async () => {
    const { buyers, path } = await soldOut();
    const { id, client } = buyers.get('Citra')!;
    expectStatus(await service.service.post(`/participations/${id}/payment/verify`, {}), 200);
    expectStatus(await client.post(`/participations/${id}/fulfil`), 200);
    for (const slots of ['1', '6', '7']) {
      const page = found(await seller.get(`${path}?slots=${slots}`), 422);
      assert.match(page, /id="slots-error">Slot yang bisa dipenuhi harus 2 sampai 5/);
      assert.match(found(await seller.post(path, { slots }), 422), /id="slots-error"/);
    }
    found(await seller.get(`${path}?slots=dua`), 422);
    found(await seller.post(path, {}), 422);
    // A buyer who has received the goods keeps them, even if other buyers joined earlier.
    assert.deepEqual(
      rowsOf(found(await seller.get(`${path}?slots=3`))).map(([name, keeps]) => [name, keeps]),
      [
        ['Budi', '0 dari 3'],
        ['Ayu', '1 dari 1'],
        ['Citra', '2 dari 2'],
      ],
    );
  });
});

suite('injected HTML and scripts', () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>' \${7*7} {{7*7}}`;

  test('are escaped on every page', async () => {
    const person = await service.user();
    const forms = formsOf(person);
    const name = hostile.slice(0, 80);
    const brand = expectStatus(await person.post('/brands', { name }), 201);
    const product = expectStatus(
      await person.post('/products', {
        brand_id: brand.id,
        name: hostile,
        description: hostile,
        base_price: 999_999_999,
        sambatan_enabled: true,
      }),
      201,
    );
    const made = expectStatus(
      await person.post('/campaigns', {
        product_id: product.id,
        title: hostile,
        description: hostile,
        total_slots: 10,
        price_per_slot: 999_999_999,
        deadline: fromNow(hourMs),
        publish: true,
        payment_timing: 'upfront',
      }),
      201,
    );
    const draft = expectStatus(
      await person.post('/campaigns', {
        product_id: product.id,
        title: hostile,
        total_slots: 10,
        price_per_slot: 1,
        deadline: fromNow(hourMs),
      }),
      201,
    );
    const buyer = await service.user();
    await queryRows(
      service.db,
      'insert into sambatan.profiles (user_id, display_name, email) values ($1, $2, $3), ($4, $2, $3)',
      buyer.userId,
      name,
      `"<script>alert(1)</script>"@contoh.id`,
      person.userId,
    );
    const mine = await join(buyer, made.id, { shipping_address: hostile, note: hostile });
    expectStatus(await service.service.post(`/participations/${mine.id}/confirm`), 200);
    const campaign = `/toko/sambatan/${made.id}`;
    for (const prefix of ['', '/en']) {
      for (const path of [
        '/toko',
        `/toko/${brand.id}`,
        `/toko/${brand.id}?tampil=draf`,
        `/toko/${brand.id}/produk`,
        `/toko/produk/${product.id}`,
        `/toko/${brand.id}/anggota`,
        `/toko/${brand.id}/sambatan/baru`,
        `/toko/sambatan/${draft.id}`,
        campaign,
        ...['ubah', 'perpanjang', 'batal', 'peserta', 'kemas'].map((part) => `${campaign}/${part}`),
      ]) {
        const page = found(await forms.get(prefix + path));
        assert.doesNotMatch(page, /<script>alert|<img src=x|onerror=alert\(1\)>/, path);
        assert.ok(page.includes('&lt;script&gt;'), path);
      }
    }
    const typed = { aksi: 'pratinjau', product_id: product.id, title: hostile };
    const preview = await forms.post(`/toko/${brand.id}/sambatan/baru`, terms(typed));
    assert.doesNotMatch(found(preview), /<script>alert|<img src=x/);
    const again = await forms.post(`/toko/${brand.id}/sambatan/baru`, { [hostile]: hostile });
    assert.doesNotMatch(found(again, 422), /<script>alert|<img src=x/);
  });
});
