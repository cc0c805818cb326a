import type { FastifyReply } from 'fastify';
import type { Campaign } from '../../campaigns/campaign.ts';
import { viewCampaign } from '../../campaigns/operations.ts';
import { digestOf } from '../../catalogue/picture.ts';
import { findPicture } from '../../catalogue/queries.ts';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { closed, Id } from '../../http/schemas.ts';
import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import type { Actor } from '../../identity/actor.ts';
import { copyButton, exactMoment } from '../../web/components.ts';
import { formatRupiah, formatSlots } from '../../i18n/format.ts';
import { html, trusted, type Html } from '../../web/html.ts';
import { htmlMessage } from '../../web/html-message.ts';
import type { PageContext } from '../../web/visit.ts';
import { takenOf } from './card.ts';
import { productPicture } from './picture.ts';
import { formatOf, PreviewPictures, type PreviewFormat } from './share-picture.ts';
import { sentenceOf } from './state.ts';
import { qrCode } from '../../web/qr-code.ts';

const params = closed({ id: Id });
const previewTypes = { png: 'image/png', jpg: 'image/jpeg' } as const;

/** Registers the routes for sharing a campaign: preview picture, QR code and poster. */
export function sharePages(app: PageDeps): PagePlugin {
  const pictures = new PreviewPictures(async (digest) => {
    const found = await app.db.maybe(findPicture, digest, '960.jpg');
    return found?.bytes;
  });
  return async (server) => {
    const previewIn = (format: PreviewFormat) =>
      server.get(
        `/sambatan/:id/gambar.${format}`,
        { schema: { params } },
        async (request, reply) => {
          const campaign = await findPublished(app, request.visit.actor, request.params.id);
          const { bytes, tag } = await pictures.of(request.visit, campaign, format);
          reply.header('cache-control', 'public, max-age=300').header('etag', tag);
          // Other sites may show this picture in the preview of a shared link.
          reply.header('cross-origin-resource-policy', 'cross-origin');
          if (request.headers['if-none-match'] === tag) return reply.code(304).send();
          return reply.type(previewTypes[format]).send(bytes);
        },
      );
    // Both formats have a route for every campaign. A site may have stored the URL of one format
    // before the photograph was added or removed.
    previewIn('png');
    previewIn('jpg');

    server.get('/sambatan/:id/qr.svg', { schema: { params } }, async (request, reply) => {
      const campaign = await findPublished(app, request.visit.actor, request.params.id);
      const isShared = app.config.http.publicUrl !== undefined;
      return sendSvg(reply, await qrOf(addressOf(request.visit, campaign)), isShared);
    });

    server.get('/sambatan/:id/poster', { schema: { params } }, async (request, reply) => {
      const { visit } = request;
      const campaign = await findPublished(app, visit.actor, request.params.id);
      const code = trusted(await qrOf(addressOf(visit, campaign)));
      const title = `${visit.t('campaign.share.poster')}: ${campaign.title}`;
      return sendPage(request, reply, {
        title,
        section: 'home',
        main: poster(visit, campaign, code),
      });
    });
  };
}

/** Returns a public campaign. A draft cannot be shared, not even by its seller. */
async function findPublished(app: PageDeps, actor: Actor, id: string): Promise<Campaign> {
  const campaign = await viewCampaign(app.db, actor, id);
  if (campaign.status === 'inactive') throw new DomainError('campaign_not_found', {});
  return campaign;
}

/**
 * Sends the QR code of a URL. Proxies may cache it only if the origin in that URL is configured and
 * not taken from the request.
 */
function sendSvg(reply: FastifyReply, svg: string, isShared: boolean): FastifyReply {
  return reply
    .header('cache-control', isShared ? 'public, max-age=86400' : 'private, no-cache')
    .type('image/svg+xml; charset=utf-8')
    .send(svg);
}

async function qrOf(address: string): Promise<string> {
  return await qrCode(address);
}

/** Returns the URL of a campaign for sharing. */
function addressOf(visit: PageContext, campaign: Campaign): string {
  return visit.origin + visit.url(`/sambatan/${campaign.id}`);
}

/**
 * Returns the metadata from which messengers and social networks build the preview of a link (Open
 * Graph).
 */
export function previewTags(visit: PageContext, campaign: Campaign): Html {
  if (campaign.status === 'inactive') return html`<meta name="robots" content="noindex" />`;
  const address = addressOf(visit, campaign);
  // The URL of the picture changes together with the picture, because other services cache previews
  // for days.
  const photo = campaign.picture === null ? '' : `-${digestOf(campaign.picture).slice(0, 8)}`;
  const version = `${campaign.status}-${takenOf(campaign)}${photo}`;
  const format = formatOf(campaign);
  const picture = `${address}/gambar.${format}?v=${version}`;
  const sentence = sentenceOf(visit, campaign);
  return html`<meta name="description" content="${sentence}" />
    <link rel="canonical" href="${address}" />
    <meta property="og:type" content="product" />
    <meta property="og:site_name" content="Sambatan" />
    <meta property="og:locale" content="${visit.t('common.openGraphLocale')}" />
    <meta property="og:title" content="${campaign.title}" />
    <meta property="og:description" content="${sentence}" />
    <meta property="og:url" content="${address}" />
    <meta property="og:image" content="${picture}" />
    <meta property="og:image:type" content="${previewTypes[format]}" />
    <meta property="og:image:width" content="1200" />
    <meta property="og:image:height" content="630" />
    <meta property="og:image:alt" content="${`${campaign.title}. ${sentence}`}" />
    <meta name="twitter:card" content="summary_large_image" />
    ${structuredData(visit, campaign, { address, picture })}`;
}

/** Returns data about the campaign for search engines: a product with an offer (schema.org). */
function structuredData(
  visit: PageContext,
  campaign: Campaign,
  { address, picture }: { readonly address: string; readonly picture: string },
): Html {
  const availability = campaign.status === 'active' ? 'InStock' : 'SoldOut';
  const data = {
    '@context': 'https://schema.org',
    '@type': 'Product',
    name: campaign.title,
    description: campaign.description || sentenceOf(visit, campaign),
    image: picture,
    brand: { '@type': 'Brand', name: campaign.brand_name },
    offers: {
      '@type': 'Offer',
      url: address,
      price: String(campaign.price_per_slot),
      priceCurrency: 'IDR',
      priceValidUntil: campaign.deadline.toISOString(),
      availability: `https://schema.org/${availability}`,
    },
  };
  // The character "<" is escaped, so that text in the data cannot close the script tag.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return html`<script type="application/ld+json">
    ${trusted(json)}
  </script>`;
}

/** Returns the part of the page with the links to share a campaign. */
export function sharePart(visit: PageContext, campaign: Campaign): Html {
  const { t, url } = visit;
  const address = addressOf(visit, campaign);
  const text = `${campaign.title}\n${sentenceOf(visit, campaign)}\n${t('campaign.share.joinMe')} ${address}`;
  const path = url(`/sambatan/${campaign.id}`);
  return html`<section class="panel share" aria-labelledby="share">
    <h2 id="share">${t('campaign.share.tellYourFriends')}</h2>
    <div class="share-row">
      <div class="share-ways">
        <a
          class="button whatsapp"
          href="https://wa.me/?text=${encodeURIComponent(text)}"
          rel="noopener"
          >${t('campaign.share.sendByWhatsApp')}</a
        >
        ${copyButton(address, t('campaign.share.copyTheLink'))}
        <button class="button quiet" type="button" data-share="${address}" data-needs-script hidden>
          ${t('campaign.share.share')}
        </button>
        <a class="button quiet" href="${path}/poster">${t('campaign.share.posterToPrint')}</a>
      </div>
      <img
        class="qr"
        src="${path}/qr.svg"
        alt="${t('campaign.share.qRCodeOfThisPage')}"
        width="132"
        height="132"
        loading="lazy"
      />
    </div>
  </section>`;
}

function poster(visit: PageContext, campaign: Campaign, code: Html): Html {
  const { t, language, url } = visit;
  const address = addressOf(visit, campaign);
  return html`<div class="row no-print">
      <a href="${url(`/sambatan/${campaign.id}`)}">← ${t('common.back')}</a>
      <button class="button" type="button" data-print data-needs-script hidden>
        ${t('common.print')}
      </button>
    </div>
    <article class="poster">
      ${productPicture(campaign, { alt: campaign.product_name, sizes: '44rem', eager: true })}
      <div class="poster-words">
        <p class="maker">${campaign.brand_name}</p>
        <h1>${campaign.title}</h1>
        <p class="price big">
          ${formatRupiah(campaign.price_per_slot, language)} <span class="per">/ slot</span>
        </p>
        <p>
          ${htmlMessage(visit, 'campaign.share.posterLine', {
            slots: formatSlots(campaign.total_slots, language),
            at: exactMoment(visit, campaign.deadline),
          })}
        </p>
      </div>
      <div class="poster-code">
        <div class="qr" role="img" aria-label="${t('campaign.share.qRCode')}">${code}</div>
        <p><strong>${t('campaign.share.scanToJoin')}</strong><br />${address}</p>
      </div>
    </article>`;
}
