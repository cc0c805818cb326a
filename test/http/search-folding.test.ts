import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { foldText } from '../../src/database/text-search.ts';
import { newId } from '../../src/identity/ids.ts';
import type { Body } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { expectStatus, join, openShop } from '../support/builders/shop.ts';

const service = await startHttpService();
after(() => service.close());
const shop = await openShop(service);

/** Different spellings of the same title. A search for each spelling must find all of them. */
const families = [
  ['Café Crème', 'Cafe\u0301 Cre\u0300me', 'cafe creme', 'CAFÉ CRÈME', 'ＣＡＦＥ ｃｒｅｍｅ'],
  ['Straße Øl', 'strasse ol', 'STRASSE ØL', 'stra\u1e9ee o\u0308l'],
  ['Łódź Đakovo', 'lodz dakovo', 'ŁÓDŹ ĐAKOVO'],
  ['İstanbul ışık', 'istanbul isik', 'ISTANBUL IŞIK'],
  ['Œuvre Ærø', 'oeuvre aero', 'ŒUVRE ÆRØ'],
  ['Οδυσσεύς', 'ΟΔΥΣΣΕΎΣ', 'οδυσσευς'],
  ['がぎ カフェ', 'か\u3099き\u3099 カフェ', 'がぎ ｶﾌｪ'],
  ['30ml/50ml', '50ml', '50ML 30ml'],
];

const cards = (text: string) =>
  [...text.matchAll(/<h3><a href="[^"]*">([^<]*)</g)].map(([, one = '']) => one);

test('a campaign is found however its title and the search write accents', async () => {
  for (const family of families) {
    const word = `Uji${newId().slice(-6)}`;
    const [written = '', ...others] = family;
    // '50ml' is only a part of the title '30ml/50ml'. A campaign with that part as its title would
    // not be found by the whole title, so only the whole title is used.
    const titles = (written.includes('/') ? [written] : family).map((one) => `${word} ${one}`);
    for (const title of titles) await shop.campaign({ title });
    for (const typed of [written, ...others]) {
      const q = encodeURIComponent(`${typed} ${word.toLowerCase()}`);
      const api = expectStatus(await service.visitor.get(`/campaigns?q=${q}`), 200);
      assert.deepEqual(
        api.items.map((one: Body) => String(one['title'])).toSorted(),
        titles.toSorted(),
        typed,
      );
      const ofBrand = `/campaigns?q=${q}&brand_id=${shop.brandId}`;
      assert.equal(
        expectStatus(await service.visitor.get(ofBrand), 200).items.length,
        titles.length,
      );
      const page = await service.visitor.get(`//?q=${q}`);
      assert.deepEqual(cards(page.text).toSorted(), titles.toSorted(), typed);
    }
  }
});

test('people are found however their names and the search write accents', async () => {
  const operator = await service.operator();
  const campaign = await shop.campaign({ total_slots: 60 });
  const orders: string[] = [];
  const names = ['René Łukasz', 'Rene\u0301 Lukasz', 'RENE ŁUKASZ'];
  for (const name of names) {
    const buyer = await service.user();
    expectStatus(await buyer.patch('/me', { display_name: name }), 200);
    orders.push((await join(buyer, campaign.id)).id);
  }
  for (const typed of ['rené łuk', 'rene\u0301 luk', 'RENE LUKASZ']) {
    const q = encodeURIComponent(typed);
    const { text: found } = await operator.get(`//operator/ikutan?q=${q}`);
    for (const id of orders) assert.ok(found.includes(id), `${typed} → ${id}`);
    const roster = `/campaigns/${campaign.id}/participants?q=${q}`;
    assert.equal(expectStatus(await shop.seller.get(roster), 200).items.length, 3, typed);
  }
});

test('service and database fold every letter the same way', async () => {
  const letters: string[] = [];
  for (const [from, to] of [
    [0x20, 0x24f],
    [0x370, 0x52f],
    [0x1e00, 0x1fff],
    [0x3040, 0x30ff],
    [0xac00, 0xac80],
    [0xfb00, 0xfb06],
    [0xff01, 0xffdc],
  ] as const) {
    for (let point = from; point <= to; point++) {
      const one = String.fromCodePoint(point);
      if (/\p{L}|\p{N}|\p{M}/u.test(one)) letters.push(one);
    }
  }
  const rows = await service.db.rows(
    {
      name: 'folded',
      text: `select l.letter, sambatan.search_fold(l.letter) as folded
      from unnest($1::text[]) as l (letter)`,
    },
    letters,
  );
  for (const { letter, folded } of rows as { letter: string; folded: string }[]) {
    assert.equal(foldText(letter), folded, `U+${letter.codePointAt(0)!.toString(16)}`);
  }
});
