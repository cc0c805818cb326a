import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { newId } from '../../src/identity/ids.ts';
import type { Client } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { pictureForm } from '../support/builders/pictures.ts';
import { homeAddress } from '../support/clients/sign-in.ts';
import { expectStatus, fromNow, hourMs, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService({ environment: { SAMBATAN_JOIN_RATE_LIMIT: '100' } });
const shop = await openShop(service);
after(() => service.close());
const visitor = service.visitor;

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)> 🎁 ${'n'.repeat(30)}`;
const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img';

/** Sends a form with the headers of a browser. */
async function send(client: Client, path: string, fields: Record<string, string>) {
  return await client.send({
    method: 'POST',
    path: `/${path}`,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}

const cards = (text: string) =>
  [...text.matchAll(/<h3><a href="[^"]*">([^<]*)</g)].map(([, one]) => one);
const keyIn = (text: string) => /name="key" value="([^"]+)"/.exec(text)?.[1] ?? '';
const address = 'Jalan Kenanga 7, Bandung 40115';

test('the home page shows running campaigns, earliest deadline first, without drafts', async () => {
  const word = `Aroma${newId().slice(-6)}`;
  await shop.campaign({ title: `${word} kedua`, deadline: fromNow(9 * hourMs) });
  await shop.campaign({ title: `${word} pertama`, deadline: fromNow(5 * hourMs) });
  await shop.campaign({ title: `${word} draf`, publish: false });
  await shop.campaign({
    title: `${word} nanti`,
    opens_at: fromNow(hourMs),
    deadline: fromNow(9 * hourMs),
  });
  const found = await visitor.get(`//?q=${word}`);
  assert.deepEqual(cards(found.text), [`${word} pertama`, `${word} kedua`]);
  const soon = await visitor.get(`//en?q=${word}&status=soon`);
  assert.deepEqual(cards(soon.text), [`${word} nanti`]);
  const newest = await visitor.get(`//?q=${word}&sort=newest`);
  assert.deepEqual(cards(newest.text), [`${word} pertama`, `${word} kedua`]);
});

test('the home page is paged by links, and shows each campaign once', async () => {
  const word = `Seri${newId().slice(-6)}`;
  const made = [];
  for (let at = 0; at < 27; at++) made.push(await shop.campaign({ title: `${word} ${at}` }));
  const seen: (string | undefined)[] = [];
  let next: string | undefined = `/?q=${word}`;
  let pages = 0;
  while (next !== undefined) {
    const page = await visitor.get(`/${next}`);
    seen.push(...cards(page.text));
    next = /rel="next" href="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&');
    pages++;
  }
  assert.equal(pages, 2);
  assert.deepEqual(seen.toSorted(), made.map(({ title }) => String(title)).toSorted());
});

test('a search without results says so, and an unknown cursor is refused with a message', async () => {
  const none = await visitor.get('//?q=zzzzz');
  assert.match(none.text, /“zzzzz” tidak ditemukan/);
  const wrong = await visitor.get('//en?cursor=bogus');
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /<html lang="en"/);
});

test('the latest contributions show one letter of a name, never an id or an address', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  await service.app.db.rows({
    name: 'a_profile',
    text: `insert into sambatan.profiles (user_id, display_name) values ('${buyer.userId}', 'siti rahma')`,
  });
  const joined = await join(buyer, campaign.id, { quantity: 2 });
  const page = await visitor.get(`//en/sambatan/${campaign.id}`);
  assert.match(page.text, /<strong>S•••<\/strong> · 2 slots/);
  for (const secret of [buyer.userId, joined.id, 'rahma', String(joined['shipping_address'])]) {
    assert.ok(!page.text.toLowerCase().includes(secret.toLowerCase()), secret);
  }
});

test('a form sent twice joins once and gets the same answer', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const page = await buyer.get(`//sambatan/${campaign.id}`);
  const fields = { key: keyIn(page.text), quantity: '2', shipping_address: address, note: '' };
  const path = `/sambatan/${campaign.id}/ikut`;
  const answers = await Promise.all([send(buyer, path, fields), send(buyer, path, fields)]);
  for (const { status } of answers) assert.equal(status, 303);
  assert.equal(answers[0]!.headers.location, answers[1]!.headers.location);
  const again = await send(buyer, path, fields);
  assert.equal(again.headers.location, answers[0]!.headers.location);
  const progress = await visitor.get(`/campaigns/${campaign.id}/progress`);
  assert.equal(progress.body['filled_slots'], 2);
});

test('form errors appear next to their fields, and the input stays', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const page = await buyer.get(`//sambatan/${campaign.id}`);
  const key = keyIn(page.text);
  const path = `/sambatan/${campaign.id}/ikut`;
  const short = await send(buyer, path, {
    key,
    quantity: 'banyak',
    shipping_address: 'x',
    note: 'Kado',
  });
  assert.equal(short.status, 422);
  assert.match(short.text, /id="quantity-error"/);
  assert.match(short.text, /id="shipping_address-error"/);
  assert.match(short.text, /value="Kado"/);
  assert.equal(keyIn(short.text), key, 'nothing was sent under the key');
  const many = await send(buyer, path, { key, quantity: '11', shipping_address: address });
  assert.equal(many.status, 409);
  assert.match(many.text, /Tinggal 10 slot/);
  assert.notEqual(keyIn(many.text), key, 'the key stands for the refused one');
  const other = await send(buyer, path, { key, quantity: '1', shipping_address: address });
  assert.equal(other.status, 422);
  const good = await send(buyer, path, {
    key: keyIn(other.text),
    quantity: '1',
    shipping_address: address,
  });
  assert.equal(good.status, 303);
});

test('the form remembers the last address, so that a join takes one tap', async () => {
  const buyer = await service.user();
  await join(buyer, (await shop.campaign({})).id, { shipping_address: address });
  const page = await buyer.get(`//sambatan/${(await shop.campaign({})).id}`);
  assert.match(page.text, new RegExp(`\n${address}</textarea>`));
});

test('a saved address is chosen by one tap; another user’s address is refused', async () => {
  const [buyer, other] = [await service.user(), await service.user()];
  const saved = expectStatus(await buyer.post('/me/addresses', homeAddress), 201);
  const campaign = await shop.campaign({});
  const page = await buyer.get(`//sambatan/${campaign.id}`);
  assert.match(page.text, new RegExp(`value="${saved.id}"\\s+checked`));
  const path = `/sambatan/${campaign.id}/ikut`;
  const fields = {
    key: keyIn(page.text),
    quantity: '1',
    address_id: saved.id,
    shipping_address: '',
  };
  const stolen = await send(other, path, { ...fields, key: newId() });
  assert.equal(stolen.status, 404);
  const joined = await send(buyer, path, fields);
  assert.equal(joined.status, 303);
  const own = await buyer.get(`/${joined.headers.location}`);
  assert.ok(own.text.includes(homeAddress.street));
  const none = await send(buyer, path, { ...fields, key: newId(), address_id: 'other', more: '1' });
  assert.match(none.text, /id="shipping_address-error"/);
});

test('a visitor who joins is sent to sign-in', async () => {
  const campaign = await shop.campaign({});
  const page = await visitor.get(`//sambatan/${campaign.id}`);
  assert.match(page.text, /\/masuk\?back=%2Fsambatan%2F/);
  assert.equal((await visitor.get('//ikutan')).status, 303);
  const id = newId();
  const { headers } = await visitor.get(`//ikutan/${id}`);
  assert.equal(headers.location, `/masuk?back=${encodeURIComponent(`/ikutan/${id}`)}`);
});

test('a form of another site cannot join', async () => {
  const campaign = await shop.campaign({});
  const answer = await visitor.send({
    method: 'POST',
    path: `//sambatan/${campaign.id}/ikut`,
    body: 'quantity=1',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'cross-site',
    },
  });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /<h1>/);
});

test('only its owner sees a participation', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const joined = await join(buyer, campaign.id, { quantity: 2 });
  expectStatus(await buyer.get(`//ikutan/${joined.id}`), 200);
  for (const stranger of [await service.user(), shop.seller]) {
    for (const path of ['', '/batal']) {
      const answer = await stranger.get(`//ikutan/${joined.id}${path}`);
      assert.equal(answer.status, 404);
      assert.ok(!answer.text.includes(String(joined['shipping_address'])));
    }
    assert.equal((await send(stranger, `/ikutan/${joined.id}/batal`, {})).status, 404);
  }
  const list = await (await service.user()).get('//ikutan');
  assert.match(list.text, /Belum ada pesanan/);
});

test('a cancellation asks for confirmation, frees the slots once, and appears in the history', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const joined = await join(buyer, campaign.id, { quantity: 2 });
  const asked = await buyer.get(`//en/ikutan/${joined.id}/batal`);
  assert.match(asked.text, /Cancel this order\?/);
  const left = await send(buyer, `/en/ikutan/${joined.id}/batal`, { reason: 'Salah pilih' });
  assert.deepEqual([left.status, left.headers.location], [303, `/en/ikutan/${joined.id}?batal`]);
  const page = await buyer.get(`/${left.headers.location}`);
  assert.match(
    page.text,
    /Your order is cancelled\.[\s\S]*2 slots are now free for other buyers\./,
  );
  assert.match(
    page.text,
    /You cancelled your order, so your slots were released\.[\s\S]*You ordered 2 slots\./,
  );
  const again = await send(buyer, `/en/ikutan/${joined.id}/batal`, {});
  assert.equal(again.status, 409);
});

test('a failed campaign shows its buyers that they are refunded', async () => {
  const campaign = await shop.campaign({});
  const buyer = await service.user();
  const joined = await join(buyer, campaign.id, {});
  await shop.seller.post(`/campaigns/${campaign.id}/cancel`, { reason: 'Bahan tidak datang' });
  const page = await buyer.get(`//ikutan/${joined.id}`);
  assert.match(page.text, /Dana yang sudah kamu bayar dikembalikan penuh\./);
  assert.match(page.text, /Sambatan dibatalkan: “Bahan tidak datang”/);
  const own = await buyer.get('//ikutan?status=done');
  assert.match(own.text, /Dana dikembalikan/);
});

test('a buyer’s orders are paged', async () => {
  const buyer = await service.user();
  const campaign = await shop.campaign({ total_slots: 100 });
  for (let at = 0; at < 21; at++) await join(buyer, campaign.id, {});
  const first = await buyer.get('//ikutan');
  const next = /rel="next" href="([^"]+)"/.exec(first.text)![1]!.replaceAll('&amp;', '&');
  const second = await buyer.get(`/${next}`);
  const links = (text: string) => new Set(text.match(/\/ikutan\/[0-9a-f-]{36}/g)).size;
  assert.deepEqual([links(first.text), links(second.text)], [20, 1]);
});

test('user input is escaped on every page', async () => {
  const campaign = await shop.campaign({ title: hostile, description: hostile });
  const buyer = await service.user();
  const joined = await join(buyer, campaign.id, { note: hostile, shipping_address: hostile });
  const pages = [
    '/?sort=newest',
    `/sambatan/${campaign.id}`,
    `/sambatan/${campaign.id}/poster`,
    '/ikutan',
  ];
  for (const path of [...pages, `/ikutan/${joined.id}`, `/ikutan/${joined.id}/batal`]) {
    const { text } = await buyer.get(`/${path}`);
    assert.ok(text.includes(escaped), path);
    assert.ok(!/<script>alert|<img src=x/.test(text), path);
  }
  const search = await visitor.get(`//?q=${encodeURIComponent(hostile)}`);
  assert.ok(!/<script>alert|<img src=x/.test(search.text));
});

test('a shared link has a preview image: 1200 by 630, below 300 KB, in both languages', async () => {
  for (const title of [
    'Senja',
    hostile,
    `${'Panjang sekali '.repeat(7)}`,
    '🎁🎁🎁 ﷽ 漢字 \u05de\u05ea abc',
  ]) {
    const campaign = await shop.campaign({ title });
    for (const prefix of ['', '/en']) {
      const page = await visitor.get(`/${prefix}/sambatan/${campaign.id}`);
      const picture = /og:image" content="([^"]+)"/.exec(page.text)![1]!.replaceAll('&amp;', '&');
      const answer = await fetch(picture);
      const bytes = Buffer.from(await answer.arrayBuffer());
      assert.equal(answer.headers.get('content-type'), 'image/png');
      assert.equal(bytes.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
      assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [1_200, 630]);
      assert.ok(bytes.length < 300_000, `${bytes.length} bytes`);
    }
  }
});

test('the preview image changes with its content and is stable otherwise', async () => {
  const campaign = await shop.campaign({});
  const tag = async () => {
    const answer = await visitor.get(`//sambatan/${campaign.id}/gambar.png`);
    return String(answer.headers.etag);
  };
  const before = await tag();
  assert.equal(await tag(), before);
  const known = await visitor.get(`//sambatan/${campaign.id}/gambar.png`, {
    'if-none-match': before,
  });
  assert.equal(known.status, 304);
  await join(await service.user(), campaign.id, { quantity: 3 });
  assert.notEqual(await tag(), before);
});

test('with a photograph the preview shows it next to the text, rendered once for everybody', async () => {
  const product = expectStatus(
    await shop.seller.post('/products', {
      brand_id: shop.brandId,
      name: 'Berfoto',
      base_price: 99_000,
      sambatan_enabled: true,
    }),
    201,
  ).id;
  const put = async (colour: string) => {
    const flat = { create: { width: 900, height: 700, channels: 3 as const, background: colour } };
    const form = await pictureForm(await sharp(flat).jpeg().toBuffer());
    const path = `/products/${product}/picture`;
    expectStatus(await shop.seller.send({ method: 'PUT', path, ...form }), 200);
  };
  await put('#2060c0');
  const { id } = await shop.campaign({ product_id: product, title: 'Yang berfoto' });
  const page = await visitor.get(`//sambatan/${id}`);
  const link = /og:image" content="([^"]+)"/.exec(page.text)![1]!.replaceAll('&amp;', '&');
  assert.match(link, /\/gambar\.jpg\?v=/);
  assert.match(page.text, /og:image:type" content="image\/jpeg"/);
  const get = async (url = link) => {
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    return { headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const [first, second] = await Promise.all([get(), get()]);
  assert.equal(first.headers.get('content-type'), 'image/jpeg');
  assert.equal(first.headers.get('etag'), second.headers.get('etag'));
  assert.ok(first.bytes.equals(second.bytes));
  assert.ok(first.bytes.length < 300_000, `${first.bytes.length} bytes`);
  const pixels = await sharp(first.bytes).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([pixels.info.width, pixels.info.height], [1_200, 630]);
  const at = (x: number, y: number) => [
    ...pixels.data.subarray((y * 1_200 + x) * 3).subarray(0, 3),
  ];
  const isNear = ([r = 0, g = 0, b = 0]: number[], [R = 0, G = 0, B = 0]: number[]) =>
    Math.abs(r - R) + Math.abs(g - G) + Math.abs(b - B) < 30;
  for (const [x, y] of [
    [830, 10],
    [1_010, 315],
    [1_190, 620],
  ] as const) {
    assert.ok(isNear(at(x, y), [0x20, 0x60, 0xc0]), `${x},${y}: ${String(at(x, y))}`);
  }
  // Behind the text the picture is as light as it is without a photograph.
  for (const [x, y] of [
    [20, 20],
    [800, 300],
    [400, 600],
  ] as const) {
    assert.ok(Math.min(...at(x, y)) > 220, `${x},${y}: ${String(at(x, y))}`);
  }
  const known = String(first.headers.get('etag'));
  const unchanged = await fetch(link, { headers: { 'if-none-match': known } });
  assert.equal(unchanged.status, 304);
  const asPng = await get(link.replace('gambar.jpg', 'gambar.png'));
  assert.equal(asPng.headers.get('content-type'), 'image/png');
  await put('#c02020');
  assert.notEqual((await get()).headers.get('etag'), known);
  const poster = await visitor.get(`//sambatan/${id}/poster`);
  assert.match(poster.text, /<article class="poster">\s*<img\s+class="picture"\s+src="\/gambar\//);
});

test('a draft has no page and no preview for others', async () => {
  const draft = await shop.campaign({ publish: false });
  for (const path of ['', '/gambar.png', '/gambar.jpg', '/qr.svg', '/poster']) {
    assert.equal((await visitor.get(`//sambatan/${draft.id}${path}`)).status, 404, path);
  }
  const own = await shop.seller.get(`//sambatan/${draft.id}`);
  assert.equal(own.status, 200);
  assert.ok(!own.text.includes('og:image') && !own.text.includes('wa.me'));
  assert.equal((await shop.seller.get(`//sambatan/${draft.id}/gambar.png`)).status, 404);
});

test('a missing campaign shows a page that says what to do next', async () => {
  for (const path of [`/sambatan/${newId()}`, '/sambatan/bukan-id', '/tidak-ada']) {
    const answer = await visitor.get(`/${path}`);
    assert.ok([404, 422].includes(answer.status), path);
    assert.match(answer.text, /Lihat Sambatan yang berlangsung/);
  }
});

test('too many joins in a minute are refused on the page, with the time to retry', async () => {
  const campaign = await shop.campaign({ total_slots: 500 });
  const buyer = await service.user();
  let answer = await send(buyer, `/sambatan/${campaign.id}/ikut`, {});
  for (let at = 0; at < 101 && answer.status !== 429; at++) {
    const fields = { key: newId(), quantity: '1', shipping_address: address, more: '1' };
    answer = await send(buyer, `/sambatan/${campaign.id}/ikut`, fields);
  }
  assert.equal(answer.status, 429);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.match(answer.text, /role="alert"/);
});
