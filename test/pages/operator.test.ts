import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientResponse, Body, Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { queryRows, letTimePass, pastDeadline } from '../support/builders/market.ts';
import { expectStatus, join, openShop, type Shop } from '../support/builders/shop.ts';
import { signIn } from '../support/clients/sign-in.ts';

const service = await startHttpService();
after(service.close);

let operator: Client;
let shop: Shop;
before(async () => {
  operator = await service.operator();
  shop = await openShop(service);
});

const page = async (path: string, by: Client = operator): Promise<string> => {
  const answer = await by.get(`/${path}`);
  assert.equal(answer.status, 200, answer.text.slice(0, 400));
  assert.match(answer.headers['content-type'] ?? '', /^text\/html/);
  return answer.text;
};

const sent = async (path: string, fields: Record<string, string>, by: Client = operator) =>
  by.send({
    method: 'POST',
    path: `/${path}`,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

const goesTo = (answer: ClientResponse, path: string) =>
  assert.deepEqual([answer.status, answer.headers.location], [303, path], answer.text);

const status = async (campaign: Body) =>
  expectStatus(await operator.get(`/campaigns/${campaign.id}`), 200).status;

test('operators see overdue work and can run the scheduler', async () => {
  const campaign = await shop.campaign({ title: 'Senja yang <b>terlambat</b>' });
  await join(await service.user(), campaign.id);
  await letTimePass(service.db, campaign.id, pastDeadline);
  const late = await page('/operator');
  assert.match(late, /Senja yang &lt;b&gt;terlambat&lt;\/b&gt;/);
  assert.match(late, /Tidak berjalan/);
  goesTo(await sent('/operator/jalankan', {}), '/operator?jalan=1');
  assert.equal(await status(campaign), 'failed');
  assert.doesNotMatch(await page('/operator'), /terlambat&lt;/);
  assert.match(await page('/en/operator?jalan=1'), /Status changes: 1\./);
});

test('a campaign is found by the beginning of a word, its status and its id', async () => {
  const campaign = await shop.campaign({ title: 'Kenanga langka' });
  const found = async (query: string) =>
    (await page(`/operator/sambatan?${query}`)).includes('Kenanga langka');
  assert.ok(await found('q=kenan'));
  assert.ok(await found(`q=${campaign.id}`));
  assert.ok(await found('q=langka&status=active'));
  assert.ok(!(await found('q=langka&status=failed')));
  assert.ok(!(await found('q=melur')));
  assert.match(await page(`/operator/sambatan/${campaign.id}`), /Kenanga langka/);
});

test('a list of campaigns continues on the next page', async () => {
  for (let n = 0; n < 32; n++) await shop.campaign({ title: `Berhalaman ${n}` });
  const first = await page('/operator/sambatan?q=berhalaman');
  const [, next = ''] = /rel="next" href="([^"]+)"|href="([^"]+)"[^>]*rel="next"/
    .exec(first)!
    .filter(Boolean);
  const second = await page(next.replaceAll('&amp;', '&'));
  const titles = (text: string) => new Set(text.match(/Berhalaman \d+/g));
  assert.equal(titles(first).size, 30);
  assert.equal(titles(first).union(titles(second)).size, 32);
});

test('an override needs a reason, and a cancellation needs the typed title', async () => {
  const campaign = await shop.campaign({ title: 'Melur' });
  await join(await service.user(), campaign.id, { quantity: 2 });
  const path = `/operator/sambatan/${campaign.id}`;

  const noReason = await sent(`${path}/perpanjang`, { deadline: '2031-01-01T20:00', reason: '' });
  assert.equal(noReason.status, 422);
  assert.match(noReason.text, /Wajib diisi/);
  assert.match(noReason.text, /value="2031-01-01T20:00"/, 'what was typed stays');
  const earlier = await sent(`${path}/perpanjang`, {
    deadline: '2026-01-01T20:00',
    reason: 'salah',
  });
  assert.equal(earlier.status, 422);
  goesTo(await sent(`${path}/perpanjang`, { deadline: '2031-01-01T20:00', reason: 'Libur' }), path);
  const { deadline } = expectStatus(await operator.get(`/campaigns/${campaign.id}`), 200);
  assert.equal(deadline, '2031-01-01T13:00:00.000Z', 'the form speaks Western Indonesian time');

  const wrong = await sent(`${path}/batalkan`, { title: 'melur', reason: 'Bahan habis' });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /Belum sama dengan judulnya/);
  assert.equal(await status(campaign), 'active');
  goesTo(await sent(`${path}/batalkan`, { title: 'Melur', reason: 'Bahan habis' }), path);
  assert.equal(await status(campaign), 'cancelled');
  const log = await page(`/operator/log?sambatan=${campaign.id}`);
  assert.match(log, /campaign_cancelled/);
  assert.match(log, /Bahan habis/);
});

test('a participation is found by its id, buyer and address, and can be settled', async () => {
  const campaign = await shop.campaign();
  const buyer = await service.user();
  await queryRows(
    service.db,
    "insert into sambatan.profiles (user_id, display_name, email) values ($1, 'Sri', 'Sri@Example.org')",
    buyer.userId,
  );
  const one = await join(buyer, campaign.id, { note: 'Tolong <script>alert(1)</script>' });
  const two = await join(buyer, campaign.id);
  for (const q of [one.id, buyer.userId, 'sri@example.org']) {
    const text = await page(`/operator/ikutan?q=${encodeURIComponent(q)}`);
    assert.ok(text.includes(one.id), q);
    assert.match(text, /&lt;script&gt;alert\(1\)/);
    assert.equal(text.includes(two.id), q !== one.id);
  }
  assert.match(await page('/operator/ikutan?q=siapa'), /Tidak ditemukan/);

  goesTo(
    await sent(`/operator/ikutan/${one.id}/konfirmasi`, { reference: 'TRF 1' }),
    `/operator/ikutan?q=${one.id}`,
  );
  const again = await sent(`/operator/ikutan/${one.id}/konfirmasi`, {});
  assert.equal(again.status, 409);
  assert.match(again.text, /class="notice bad"/);
  assert.equal((await sent(`/operator/ikutan/${two.id}/batalkan`, { reason: 'x' })).status, 422);
  goesTo(
    await sent(`/operator/ikutan/${two.id}/batalkan`, { reason: 'Permintaan pembeli' }),
    `/operator/ikutan?q=${two.id}`,
  );
  const read = async (id: string) =>
    expectStatus(await operator.get(`/participations/${id}`), 200).status;
  assert.deepEqual([await read(one.id), await read(two.id)], ['confirmed', 'cancelled']);
});

test('the audit log is filtered by campaign, event, actor and participation, page by page', async () => {
  const campaign = await shop.campaign({ total_slots: 100 });
  const buyer = await service.user();
  const one = await join(buyer, campaign.id);
  for (let n = 0; n < 60; n++) await join(await service.user(), campaign.id);
  const base = `/operator/log?sambatan=${campaign.id}`;
  const rows = (text: string) => text.match(/data-label="Peristiwa"/g)?.length;
  const first = await page(base);
  assert.equal(rows(first), 50);
  const next = /href="([^"]*cursor[^"]*)"/.exec(first)![1]!.replaceAll('&amp;', '&');
  assert.equal(rows(await page(next)), 12);
  assert.equal(rows(await page(`${base}&peristiwa=campaign_created`)), 1);
  assert.equal(rows(await page(`${base}&pelaku=user:${buyer.userId}`)), 1);
  assert.equal(rows(await page(`${base}&ikutan=${one.id}`)), 1);
  assert.match(await page(`${base}&pelaku=user:${shop.seller.userId}&ikutan=${one.id}`), /empty/);
  const market = await page('/operator/log?peristiwa=campaign_created');
  const events = [...market.matchAll(/data-label="Peristiwa"><span>\s*([^<]*?)\s*</g)];
  assert.deepEqual([...new Set(events.map(([, words]) => words))], ['Sambatan dibuat']);
  assert.ok(market.includes(campaign.id));
});

test('the state of a campaign’s audit log is shown, with its broken row', async () => {
  const campaign = await shop.campaign();
  const path = `/operator/log?sambatan=${campaign.id}&periksa=ya`;
  assert.match(await page(path), /Log audit utuh/);
  const buyer = await service.user();
  await join(buyer, campaign.id);
  const change = (metadata: object | null) =>
    queryRows(
      service.db,
      `with off as (select set_config('session_replication_role', 'replica', true))
      update sambatan.audit_logs set metadata = $2::jsonb
      from off where campaign_id = $1 and event = 'participant_joined'`,
      campaign.id,
      metadata,
    );
  await change({ quantity: 7 });
  assert.match(await page(path), /Log audit telah diubah/);
  await change(null);
  assert.match(await page(path), /Log audit utuh/);
});

test('an operator grants the role by e-mail address, and revokes it', async () => {
  const person = await signIn(service, 'sari.baru@example.org');
  const opens = async () => (await person.get('/operator')).status;
  const named = (text: string) => text.includes('sari.baru@example.org');
  assert.equal(await opens(), 403);
  assert.ok(!named(await page('/operator/orang')));
  const nobody = await sent('/operator/orang', { email: 'belum.masuk@example.org' });
  assert.equal(nobody.status, 404);
  assert.match(nobody.text, /value="belum\.masuk@example\.org"/, 'what was typed stays');
  const wrong = await sent('/operator/orang', { email: '' });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /id="email-error"/);
  const refused = await sent('/operator/orang', { email: 'sari.baru@example.org' }, shop.seller);
  assert.equal(refused.status, 403);
  goesTo(
    await sent('/operator/orang', { email: 'Sari.Baru@example.org' }),
    '/operator/orang?kabar=ditunjuk',
  );
  assert.equal(await opens(), 200);
  assert.ok(named(await page('/operator/orang?kabar=ditunjuk')));
  assert.match(await page('/en/operator/orang'), /Added by operators/);
  const away = `/operator/orang/${person.userId}/cabut`;
  assert.equal((await sent(away, {}, shop.seller)).status, 403);
  goesTo(await sent(away, {}), '/operator/orang?kabar=dicabut');
  assert.equal(await opens(), 403);
  assert.equal((await sent(away, {})).status, 404);
});

test('only staff reaches these pages', async () => {
  const campaign = await shop.campaign();
  const paths = [
    '/operator',
    '/operator/sambatan',
    `/operator/sambatan/${campaign.id}`,
    '/operator/ikutan',
    '/operator/log',
    '/operator/orang',
  ];
  for (const path of paths) {
    assert.equal((await shop.seller.get(`/${path}`)).status, 403, path);
    assert.equal((await service.visitor.get(`/${path}`)).headers.location?.slice(0, 6), '/masuk');
  }
  const refused = await sent(
    `/operator/sambatan/${campaign.id}/batalkan`,
    { title: 'Senja batch pertama', reason: 'iseng' },
    shop.seller,
  );
  assert.equal(refused.status, 403);
  assert.equal(await status(campaign), 'active');
});
