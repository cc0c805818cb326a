import { languages } from '../../i18n/messages.ts';
import { pathIn } from '../../web/visit.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { campaignOf } from '../../campaigns/campaign.ts';
import { listVisible } from '../../campaigns/lists.ts';
import type { PageDeps } from '../../pages/deps.ts';
import { originOf } from '../../http/csrf.ts';
import type { PagePlugin } from '../../http/page-response.ts';

const hourSeconds = 3_600;
/**
 * Maximum number of campaigns in the sitemap, newest first. Search engines find the others through
 * links.
 */
const maxCampaigns = 1_000;
const privatePaths = ['/akun', '/ikutan', '/masuk', '/operator', '/outbox', '/toko', '/api/'];
const icon = () => readFileSync(join(import.meta.dirname, '../../web/assets/icon.svg'), 'utf8');
const iconOf = async (size: number): Promise<Buffer> => {
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(icon(), { fitTo: { mode: 'width', value: size } }).render().asPng();
};

const visitor = { kind: 'visitor', address: '' } as const;

/** Serves the files that browsers and search engines request at fixed URLs. */
export function siteFiles(app: PageDeps): PagePlugin {
  const { publicUrl } = app.config.http;
  // The icons are rendered at the first request and then kept in memory.
  const drawn = new Map<number, Promise<Buffer>>();
  const png = (size: number): Promise<Buffer> => {
    const bytes = drawn.get(size) ?? iconOf(size);
    drawn.set(size, bytes);
    return bytes;
  };
  return async (server) => {
    server.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    server.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', `public, max-age=${hourSeconds}`);
      done();
    });
    server.get('/favicon.ico', async (_request, reply) =>
      reply.type('image/x-icon').send(ico(await png(32))),
    );
    server.get('/apple-touch-icon.png', async (_request, reply) =>
      reply.type('image/png').send(await png(180)),
    );
    server.get('/icon-512.png', async (_request, reply) =>
      reply.type('image/png').send(await png(512)),
    );
    server.get('/manifest.webmanifest', (_request, reply) =>
      reply.type('application/manifest+json; charset=utf-8').send(JSON.stringify(manifest)),
    );
    server.get('/robots.txt', (request, reply) => {
      const rules = privatePaths.flatMap((path) =>
        path === '/api/' ? [path] : languages().map((language) => pathIn(language, path)),
      );
      const lines = ['User-agent: *', ...rules.map((path) => `Disallow: ${path}`)];
      const map = `Sitemap: ${originOf(request, publicUrl)}/sitemap.xml`;
      return sendText(reply, publicUrl, [...lines, '', map]);
    });
    server.get('/.well-known/security.txt', (request, reply) => {
      const address = /<([^>]+)>/.exec(app.config.mail.from)?.[1] ?? app.config.mail.from;
      const expires = new Date(Date.now() + 180 * 24 * hourSeconds * 1_000);
      const origin = originOf(request, publicUrl);
      return sendText(reply, publicUrl, [
        `Contact: mailto:${address}`,
        `Expires: ${expires.toISOString()}`,
        'Preferred-Languages: id, en',
        `Canonical: ${origin}/.well-known/security.txt`,
      ]);
    });
    server.get('/sitemap.xml', async (request, reply) => {
      const rows = await listVisible(app.db, visitor, {
        status: undefined,
        among: ['active', 'scheduled', 'full', 'completed'],
        brandId: undefined,
        words: undefined,
        sort: 'newest',
        after: undefined,
        limit: maxCampaigns,
      });
      const origin = originOf(request, publicUrl);
      const pages = ['/', ...rows.map((row) => `/sambatan/${campaignOf(row).id}`)];
      if (publicUrl === undefined) reply.header('cache-control', 'private, no-cache');
      return reply.type('application/xml; charset=utf-8').send(sitemap(origin, pages));
    });
  };
}

/**
 * Sends a text file that contains the site's origin. Proxies may cache it only if the origin is
 * configured. Otherwise the origin comes from the client's Host header, which can be forged.
 */
function sendText(
  reply: Pick<FastifyReply, 'header' | 'type' | 'send'>,
  publicUrl: string | undefined,
  lines: readonly string[],
) {
  if (publicUrl === undefined) reply.header('cache-control', 'private, no-cache');
  return reply.type('text/plain; charset=utf-8').send(`${lines.join('\n')}\n`);
}

const manifest = {
  name: 'Sambatan',
  short_name: 'Sambatan',
  description: 'Beli bareng langsung dari pembuatnya.',
  lang: 'id',
  start_url: '/',
  display: 'standalone',
  background_color: '#fdf3f7',
  theme_color: '#fdf3f7',
  icons: [
    { src: '/apple-touch-icon.png', sizes: '180x180', type: 'image/png' },
    { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
  ],
};

/** Returns a sitemap that lists each page in every language (sitemaps.org 0.9). */
function sitemap(origin: string, paths: readonly string[]): string {
  const urls = paths.flatMap((path) => languages().map((language) => pathIn(language, path)));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
    ...urls.map((path) => `<url><loc>${origin}${path}</loc></url>`),
    '</urlset>',
    '',
  ].join('\n');
}

/** Returns an icon file in the ICO format that contains one PNG image of 32 × 32 pixels. */
function ico(png: Buffer): Buffer {
  const head = Buffer.alloc(22);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(1, 4);
  head.writeUInt8(32, 6);
  head.writeUInt8(32, 7);
  head.writeUInt16LE(1, 10);
  head.writeUInt16LE(32, 12);
  head.writeUInt32LE(png.length, 14);
  head.writeUInt32LE(22, 18);
  return Buffer.concat([head, png]);
}
