import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { startHttpService } from '../support/server/http-service.ts';
import { openShop } from '../support/builders/shop.ts';

const service = await startHttpService({
  environment: { SAMBATAN_PUBLIC_URL: 'https://sambatan.example' },
});
after(service.close);
const shop = await openShop(service);
const get = (path: string) => fetch(`${service.url}${path}`);

test('files that browsers and search engines request at fixed URLs exist', async () => {
  const { id } = await shop.campaign({ title: 'Senja </script><script>' });
  const robots = await (await get('/robots.txt')).text();
  assert.match(robots, /Disallow: \/akun\n/);
  assert.match(robots, /Sitemap: https:\/\/sambatan\.example\/sitemap\.xml/);
  const sitemap = await (await get('/sitemap.xml')).text();
  assert.ok(sitemap.includes(`<loc>https://sambatan.example/sambatan/${id}</loc>`));
  assert.ok(sitemap.includes(`<loc>https://sambatan.example/en/sambatan/${id}</loc>`));
  const security = await (await get('/.well-known/security.txt')).text();
  assert.match(security, /^Contact: mailto:\S+@\S+$/m);
  assert.ok(Date.parse(/^Expires: (.+)$/m.exec(security)?.[1] ?? '') > Date.now());
  const manifest = (await (await get('/manifest.webmanifest')).json()) as {
    icons: { src: string; sizes: string }[];
  };
  for (const { src, sizes } of manifest.icons) {
    const { width, height } = await sharp(
      Buffer.from(await (await get(src)).arrayBuffer()),
    ).metadata();
    assert.equal(`${width}x${height}`, sizes);
  }
  const icon = Buffer.from(await (await get('/favicon.ico')).arrayBuffer());
  assert.deepEqual([...icon.subarray(0, 6)], [0, 0, 1, 0, 1, 0]);
  assert.equal((await sharp(icon.subarray(22)).metadata()).width, 32);
});

test('a campaign has structured data for search engines, which titles cannot break', async () => {
  const { id } = await shop.campaign({ title: 'Malam </script><script>alert(1)' });
  const page = await (await get(`/sambatan/${id}`)).text();
  const [, json = ''] = /<script type="application\/ld\+json">([^]*?)<\/script>/.exec(page) ?? [];
  const data = JSON.parse(json) as { name: string; offers: { priceCurrency: string; url: string } };
  assert.equal(data.name, 'Malam </script><script>alert(1)');
  assert.equal(data.offers.priceCurrency, 'IDR');
  assert.equal(data.offers.url, `https://sambatan.example/sambatan/${id}`);
  assert.match(page, /hreflang="x-default" href="https:\/\/sambatan\.example\/sambatan\//);
  assert.doesNotMatch(page, /name="robots"/);
  const preview = /property="og:image" content="https:\/\/sambatan\.example([^"]+)"/.exec(
    page,
  )?.[1];
  const picture = await get(preview!.replaceAll('&amp;', '&'));
  assert.equal(picture.headers.get('cross-origin-resource-policy'), 'cross-origin');
});

test('the home page is indexed and shareable; filtered lists and private pages are not', async () => {
  await shop.campaign({});
  const home = await (await get('/')).text();
  assert.match(home, /property="og:title" content="Sambatan"/);
  assert.doesNotMatch(home, /name="robots"/);
  for (const path of ['/?q=senja', '/?status=done', '/masuk', '/en/masuk']) {
    assert.match(await (await get(path)).text(), /name="robots" content="noindex"/, path);
  }
});
