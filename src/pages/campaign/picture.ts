import { pictureOf, type Picture, type PictureColumns } from '../../catalogue/picture.ts';
import { html, type Html } from '../../web/html.ts';
import { pictureTag } from '../product-picture.ts';

/** The data that is needed to show the picture of a product. */
export interface Pictured extends Partial<PictureColumns> {
  readonly product_id: string;
  /**
   * The photograph of the product. If it is undefined, the columns of the database row identify the
   * photograph.
   */
  readonly picture?: Picture | null | undefined;
}

/**
 * Returns the picture of a campaign's product. A product without a photograph gets a drawing, which
 * is derived from its id.
 */
export function productPicture(campaign: Pictured, how: Parameters<typeof pictureTag>[1]): Html {
  const picture = campaign.picture ?? pictureIn(campaign);
  return picture === null ? drawnBottle(campaign.product_id) : pictureTag(picture, how);
}

function pictureIn({
  picture_digest = null,
  picture_width = null,
  picture_height = null,
}: Pictured): Picture | null {
  return pictureOf({ picture_digest, picture_width, picture_height });
}

/**
 * Returns numbers that make the drawing of each product look different. They are derived from the
 * id of the product.
 */
export function lookOf(productId: string): { hue: number; second: number; shape: number } {
  let mixed = 2_166_136_261;
  for (const character of productId) {
    mixed = Math.imul(mixed ^ character.charCodeAt(0), 16_777_619) >>> 0;
  }
  const hues = [332, 292, 262, 226, 196, 168, 28, 8];
  const hue = hues[mixed % hues.length]!;
  return { hue, second: (hue + 40 + ((mixed >>> 8) % 50)) % 360, shape: (mixed >>> 16) % 3 };
}

/** The outlines of the bottles (body, neck and cap) for a drawing of 400 × 300. */
export const bottles = [
  'M150 138q0-18 18-18h64q18 0 18 18v92q0 18-18 18h-64q-18 0-18-18z',
  'M200 118c42 0 64 30 64 66s-24 66-64 66-64-30-64-66 22-66 64-66z',
  'M168 112h64q10 0 12 12l12 108q2 18-16 18h-80q-18 0-16-18l12-108q2-12 12-12z',
] as const;

function drawnBottle(productId: string): Html {
  const { hue, second, shape } = lookOf(productId);
  const id = `g${hue}-${second}`;
  return html`<svg
    class="picture"
    viewBox="0 0 400 300"
    preserveAspectRatio="xMidYMid slice"
    aria-hidden="true"
  >
    <defs>
      <linearGradient id="${id}" x1="0" y1="0" x2="1" y2="1">
        <stop stop-color="hsl(${hue} 72% 88%)"></stop>
        <stop offset="1" stop-color="hsl(${second} 62% 74%)"></stop>
      </linearGradient>
      <linearGradient id="${id}b" x1="0" y1="0" x2="0" y2="1">
        <stop stop-color="#fff" stop-opacity=".9"></stop>
        <stop offset="1" stop-color="hsl(${hue} 60% 58%)" stop-opacity=".75"></stop>
      </linearGradient>
    </defs>
    <rect width="400" height="300" fill="url(#${id})"></rect>
    <circle cx="318" cy="64" r="92" fill="#fff" opacity=".22"></circle>
    <circle cx="62" cy="262" r="118" fill="hsl(${second} 70% 66%)" opacity=".28"></circle>
    <ellipse cx="200" cy="256" rx="92" ry="11" fill="hsl(${hue} 45% 30%)" opacity=".2"></ellipse>
    <rect x="184" y="92" width="32" height="30" rx="4" fill="hsl(${hue} 30% 92%)"></rect>
    <rect x="172" y="58" width="56" height="42" rx="8" fill="hsl(${hue} 38% 26%)"></rect>
    <rect x="178" y="62" width="10" height="34" rx="5" fill="#fff" opacity=".25"></rect>
    <path
      d="${bottles[shape]}"
      fill="url(#${id}b)"
      stroke="#fff"
      stroke-opacity=".85"
      stroke-width="3"
    ></path>
    <path
      d="M162 150v72"
      stroke="#fff"
      stroke-opacity=".75"
      stroke-width="7"
      stroke-linecap="round"
    ></path>
    <rect x="174" y="172" width="52" height="40" rx="4" fill="#fff" opacity=".82"></rect>
    <path
      d="M184 186h32M190 198h20"
      stroke="hsl(${hue} 40% 40%)"
      stroke-width="3"
      stroke-linecap="round"
    ></path>
  </svg>`;
}
