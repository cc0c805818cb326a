import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testBrowser } from '../support/browser/browser.ts';
import { startHttpService } from '../support/server/http-service.ts';
import {
  combinationsOf,
  allCombinations,
  nameOf,
  type Combination,
} from '../support/browser/combinations.ts';
import { prepareOutage, type Outage } from '../support/server/outage.ts';
import type { SiteClient } from '../support/clients/sign-in.ts';
import { pageRoutes } from '../support/clients/site.ts';
import { createPageStates } from '../support/page-states/views.ts';
import type { PageState, PageStates } from '../support/page-states/page-state.ts';

/*
 * Every page as users see it: axe finds no problem, nothing is wider than the window, and no policy
 * is violated. Screenshots are stored in `test-artifacts/`. Without SAMBATAN_ALL_COMBINATIONS=all
 * each page is checked in two combinations of language, size and theme, and all pages together
 * cover every combination. `npm run pages:check` checks every page in every combination and stores
 * screenshots of whole pages.
 */
const isWhole = process.env['SAMBATAN_ALL_COMBINATIONS'] === 'all';

// The invariants are not checked, because ten thousand participants are inserted directly.
const service = await startHttpService({ invariants: false });
const browser = await testBrowser();
after(async () => {
  try {
    await browser.close();
  } finally {
    await service.close();
  }
});

let views: PageStates;
before(async () => {
  views = await createPageStates(service);
});

/** Routes that answer with a file, so that there is no page to check. */
const files = [
  'GET /akun/data',
  'GET /antrean/:id/bukti/berkas',
  'GET /antrean/:id/bukti/kecil',
  'GET /ikutan/:id/bukti-hitungan.json',
  'GET /ikutan/:id/bukti-pesanan.svg',
  'GET /ikutan/:id/bukti-pesanan.txt',
  'GET /ikutan/:id/bukti/berkas',
  'GET /ikutan/:id/bukti/kecil',
  'GET /keluhan/:id/foto',
  'GET /operator/pembayaran/:id/bukti',
  'GET /operator/uang/pengembalian.csv',
  'GET /operator/uang/pengembalian.xlsx',
  'GET /sambatan/:id/gambar.jpg',
  'GET /sambatan/:id/gambar.png',
  'GET /sambatan/:id/qr.svg',
  'GET /toko/sambatan/:id/peserta.csv',
  'GET /toko/sambatan/:id/peserta.xlsx',
];

test('every page of the route table is checked', () => {
  const pages = pageRoutes(service.routes).filter((route) => route.startsWith('GET '));
  const missing = pages.filter((one) => !Object.hasOwn(views, one) && !files.includes(one));
  assert.deepEqual(
    missing,
    [],
    'add what is to be seen of each of these to test/support/page-states/views.ts',
  );
  const gone = [...Object.keys(views), ...files].filter((one) => !pages.includes(one));
  assert.deepEqual(gone, [], 'these are no pages any more');
  const names = Object.values(views).flatMap((states) => Object.keys(states));
  assert.equal(new Set(names).size, names.length, 'each state has a name of its own');
});

test('a short run covers every viewport, and every page in both languages and themes', () => {
  const looks = Array.from({ length: 8 }, (_none, number) => combinationsOf(number));
  const names = new Set(looks.flat().map(nameOf));
  assert.deepEqual([...names].toSorted(), allCombinations.map(nameOf).toSorted());
  for (const [one, other] of looks) {
    assert.notEqual(one!.language, other!.language);
    assert.notEqual(one!.theme, other!.theme);
  }
});

for (const look of allCombinations) {
  test(`every page is accessible and fits: ${nameOf(look)}`, async () => {
    const seen = Object.values(views).flatMap((states) => Object.entries(states));
    const chosen = seen.filter(
      (_view, number) =>
        isWhole || combinationsOf(number).some((one) => nameOf(one) === nameOf(look)),
    );
    const whose = Map.groupBy(chosen, ([, { who }]) => who);
    const wrong: unknown[] = [];
    for (const [who, theirs] of whose) wrong.push(...(await lookAt(look, who, theirs)));
    if (wrong.length > 0) throw new AggregateError(wrong, wrong.map(String).join('\n'));
  });
}

test('the error page during a database outage is accessible and fits', async () => {
  let outage: Outage | undefined;
  const away = await startHttpService({
    proxiedDatabase: async (url) => {
      outage = await prepareOutage(url);
      return outage.url;
    },
  });
  try {
    await outage!.begin('refused');
    for (const look of isWhole ? allCombinations : combinationsOf(0)) {
      const looker = await browser.open({ url: away.url, ...look });
      assert.equal((await looker.go('/')).status(), 503);
      await looker.check();
      await looker.screenshot(`unavailable-${nameOf(look)}`);
      await looker.close();
    }
  } finally {
    await outage!.end();
    await away.close();
    await outage!.close();
  }
});

/** Checks all pages that one person opens. Returns the problems. */
async function lookAt(
  look: Combination,
  who: SiteClient | undefined,
  theirs: readonly (readonly [name: string, view: PageState])[],
): Promise<unknown[]> {
  const looker = await browser.open({ url: service.url, ...look });
  if (who !== undefined) {
    await looker.page.context().addCookies(who.browserCookies(service.url));
  }
  const wrong: unknown[] = [];
  for (const [name, { path, status = 200, act }] of theirs) {
    try {
      const answer = await looker.go(path);
      if (answer.status() !== status) {
        const shown = await looker.page.locator('main').innerText();
        const logged = service.logged.slice(-5).join('\n');
        assert.fail(`${path}: ${answer.status()} instead of ${status}: ${shown}\n${logged}`);
      }
      await act?.(looker.page);
      await looker.check();
    } catch (error) {
      wrong.push(error);
      looker.faults.length = 0;
    }
    await looker.screenshot(`${name}-${nameOf(look)}`);
  }
  await looker.close();
  return wrong;
}
