import { hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Campaign } from '../../campaigns/campaign.ts';
import { digestOf, type Picture } from '../../catalogue/picture.ts';
import { DomainError } from '../../errors/errors.ts';
import { formatPercent, formatRupiah } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { takenOf } from './card.ts';
import { bottles, lookOf } from './picture.ts';

/** The file formats of a preview picture. A drawing is smallest as PNG, a photograph as JPEG. */
export type PreviewFormat = 'png' | 'jpg';

/** Returns the better file format for the preview picture of a campaign. */
export function formatOf({ picture }: Pick<Campaign, 'picture'>): PreviewFormat {
  return picture === null ? 'png' : 'jpg';
}

interface Drawn {
  readonly bytes: Buffer;
  /** The entity tag for the header ETag. It changes when the picture changes. */
  readonly tag: string;
}

/**
 * Maximum number of pictures in the cache, and of renderings that may wait. A picture needs about
 * 60 KB, and its rendering takes 150 ms of one processor core.
 */
const limits = { kept: 200, waiting: 20 };

/**
 * Renders the preview pictures of campaigns and caches them. The cache key is computed from the
 * content of a picture. So a picture is rendered once for all requests, and again only when its
 * content changes.
 */
export class PreviewPictures {
  readonly #kept = new Map<string, Promise<Drawn>>();
  readonly #photoOf: PhotoOf;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(photoOf: PhotoOf) {
    this.#photoOf = photoOf;
  }

  /** Returns the preview picture of a campaign. Throws `overloaded` if too many renderings wait. */
  async of(visit: PageContext, campaign: Campaign, format: PreviewFormat): Promise<Drawn> {
    const svg = previewSvg(visit, campaign).toString();
    const key = hash('sha256', `${format} ${svg}`, 'base64url');
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return await known;
    }
    if (this.#waiting >= limits.waiting) throw new DomainError('overloaded', {});
    return await this.#draw(key, () => this.#render(svg, campaign, format));
  }

  async #draw(key: string, render: () => Promise<Buffer>): Promise<Drawn> {
    // Only one picture is rendered at a time, so that renderings leave processor time for requests.
    this.#waiting++;
    const drawn = this.#last.then(render);
    this.#last = drawn.catch(() => undefined).finally(() => this.#waiting--);
    const picture = drawn.then((bytes) => ({ bytes, tag: `"${key.slice(0, 22)}"` }));
    this.#kept.set(key, picture);
    if (this.#kept.size > limits.kept) this.#kept.delete(this.#kept.keys().next().value!);
    try {
      return await picture;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }

  async #render(svg: string, { picture }: Campaign, format: PreviewFormat): Promise<Buffer> {
    if (picture === null) return await renderPicture(svg, format);
    const photo = await this.#photoOf(digestOf(picture));
    // The photograph was replaced in the meantime. The next request uses the new one.
    if (photo === undefined) throw new DomainError('picture_not_found', {});
    const bytes = `data:image/jpeg;base64,${photo.toString('base64')}`;
    return await renderPicture(svg.replace(placeOfPhoto(picture), bytes), format);
  }
}

/** Returns the photograph with this digest as JPEG; undefined if it no longer exists. */
type PhotoOf = (digest: string) => Promise<Buffer | undefined>;

/**
 * Returns a placeholder for the photograph in the SVG. With it, the cache key depends on the digest
 * and not on all bytes of the photograph.
 */
function placeOfPhoto(picture: Picture): string {
  return `photo:${digestOf(picture)}`;
}

async function renderPicture(svg: string, format: PreviewFormat): Promise<Buffer> {
  // The library is imported only when it is needed: it takes megabytes of memory, and most
  // processes never use it.
  const { renderAsync } = await import('@resvg/resvg-js');
  const drawn = await renderAsync(svg, {
    font: { fontFiles: [...fonts], loadSystemFonts: false, defaultFontFamily: family },
  });
  if (format === 'png') return drawn.asPng();
  const { default: sharp } = await import('sharp');
  const { width, height } = drawn;
  return await sharp(drawn.pixels, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .jpeg({ quality: 84, mozjpeg: true })
    .toBuffer();
}

const family = 'Plus Jakarta Sans';
const fontHome = dirname(
  createRequire(import.meta.url).resolve('@expo-google-fonts/plus-jakarta-sans/package.json'),
);
const fonts = ['500Medium', '700Bold', '800ExtraBold'].map((weight) =>
  join(fontHome, weight, `PlusJakartaSans_${weight}.ttf`),
);

/** Returns the preview picture as SVG, with 1200 × 630 pixels. */
export function previewSvg(visit: PageContext, campaign: Campaign): Html {
  const { t, language } = visit;
  const { hue, second, shape } = lookOf(campaign.product_id);
  const taken = takenOf(campaign);
  const total = campaign.total_slots;
  const filled = Math.round((680 * Math.min(taken, total)) / total);
  const lines = wrapText(drawableText(campaign.title), 23, 3);
  const size = lines.length > 2 ? 50 : 58;
  const top = 226 - (lines.length - 1) * 14;
  const priceAt = top + lines.length * (size + 10) + 40;
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 1200 630"
    width="1200"
    height="630"
    font-family="${family}"
  >
    ${gradients(hue, second)}
    <rect width="1200" height="630" fill="url(#g)" />
    ${campaign.picture === null ? bottle(hue, shape) : photograph(campaign.picture)} ${logo}
    <text x="124" y="98" font-size="34" font-weight="800" fill="#2a1822">Sambatan</text>
    ${lines.map(
      (line, at) =>
        html`<text
          x="76"
          y="${top + at * (size + 10)}"
          font-size="${size}"
          font-weight="800"
          fill="#2a1822"
          >${line}</text
        >`,
    )}
    <text x="76" y="${priceAt}" font-size="46" font-weight="700" fill="#a3195b">
      ${formatRupiah(campaign.price_per_slot, language)} / slot
    </text>
    <text x="76" y="${priceAt + 44}" font-size="27" font-weight="500" fill="#6a5562">
      ${wrapText(drawableText(campaign.brand_name), 42, 1)}
    </text>
    <rect x="76" y="508" width="680" height="26" rx="13" fill="#fbdcea" />
    <rect
      x="76"
      y="508"
      width="${taken > 0 ? Math.max(26, filled) : 0}"
      height="26"
      rx="13"
      fill="#a3195b"
    />
    <text x="76" y="576" font-size="29" font-weight="700" fill="#2a1822">
      ${formatPercent(taken, total, language)}
    </text>
    <text x="756" y="576" text-anchor="end" font-size="27" font-weight="500" fill="#6a5562">
      ${t('campaign.sharePicture.ofTaken', { taken, total })}
    </text>
  </svg>`;
}

/**
 * Returns the colour gradients of the picture: for the background, for the panel behind a drawing,
 * and for the drawing.
 */
function gradients(hue: number, second: number): Html {
  return html`<defs>
    <linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
      <stop stop-color="#fff5f9" />
      <stop offset="1" stop-color="#eee6ff" />
    </linearGradient>
    <linearGradient id="p" x1="0" y1="0" x2="1" y2="1">
      <stop stop-color="hsl(${hue}, 72%, 86%)" />
      <stop offset="1" stop-color="hsl(${second}, 62%, 70%)" />
    </linearGradient>
    <linearGradient id="b" x1="0" y1="0" x2="0" y2="1">
      <stop stop-color="#fff" stop-opacity=".92" />
      <stop offset="1" stop-color="hsl(${hue}, 60%, 58%)" stop-opacity=".78" />
    </linearGradient>
  </defs>`;
}

const logo = html`<g transform="translate(72 62) scale(1.5)">
  <path fill="#a3195b" d="M16 3c5 6.200 9 10.600 9 16a9 9 0 0 1-18 0c0-5.400 4-9.800 9-16Z" />
  <g fill="#fff">
    <circle cx="12.600" cy="19.500" r="2.300" />
    <circle cx="19.400" cy="19.500" r="2.300" />
    <circle cx="16" cy="14" r="2.300" />
  </g>
</g>`;

/**
 * Returns the drawing of a product without a photograph. It fills the right third of the picture.
 */
function bottle(hue: number, shape: number): Html {
  return html`<rect x="820" width="380" height="630" fill="url(#p)" />
    <circle cx="1130" cy="110" r="170" fill="#fff" opacity=".22" />
    <g transform="translate(710 130) scale(1.5)">
      <ellipse cx="200" cy="256" rx="92" ry="11" fill="hsl(${hue}, 45%, 30%)" opacity=".2" />
      <rect x="184" y="92" width="32" height="30" rx="4" fill="hsl(${hue}, 30%, 92%)" />
      <rect x="172" y="58" width="56" height="42" rx="8" fill="hsl(${hue}, 38%, 26%)" />
      <path d="${bottles[shape]}" fill="url(#b)" stroke="#fff" stroke-width="3" />
      <path
        d="M162 150v72"
        stroke="#fff"
        stroke-opacity=".75"
        stroke-width="7"
        stroke-linecap="round"
      />
    </g>`;
}

/**
 * Returns the photograph of the product. It is cropped to fill the right third of the picture, and
 * no text covers it.
 */
function photograph(picture: Picture): Html {
  return html`<svg x="820" width="380" height="630" overflow="hidden">
    <image
      width="380"
      height="630"
      preserveAspectRatio="xMidYMid slice"
      href="${placeOfPhoto(picture)}"
    />
  </svg>`;
}

/** Removes emoji and invisible characters, because the font has no glyphs for them. */
function drawableText(text: string): string {
  return text
    .replaceAll(
      /[\p{Extended_Pictographic}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Emoji_Modifier}\u{fe0f}]/gu,
      ' ',
    )
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/**
 * Wraps text to lines of at most `width` characters. If there are more than `most` lines, the last
 * one ends with an ellipsis.
 */
function wrapText(text: string, width: number, most: number): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text
    .split(' ')
    .flatMap((word) => word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []);
  for (const word of words) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  if (lines.length <= most) return lines;
  const last = lines[most - 1]!.slice(0, width - 2).trimEnd();
  return [...lines.slice(0, most - 1), `${last}…`];
}
