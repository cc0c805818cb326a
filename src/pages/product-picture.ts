import type { Picture } from '../catalogue/picture.ts';
import { attribute, html, type Html } from '../web/html.ts';

/**
 * A product's picture, or a placeholder with its first letter. `sizes` as in HTML: the displayed
 * width. Only pictures that are visible at once are loaded `eager`.
 */
export function pictureTag(
  picture: Picture | null,
  {
    alt,
    sizes,
    eager = false,
  }: { readonly alt: string; readonly sizes: string; readonly eager?: boolean },
): Html {
  if (picture === null) {
    const [letter = ''] = alt.trim();
    return html`<div class="picture no-picture" aria-hidden="true">
      <span>${letter.toUpperCase()}</span>
    </div>`;
  }
  const loading = eager ? attribute('fetchpriority', 'high') : attribute('loading', 'lazy');
  return html`<img
    class="picture"
    src="${picture.src}"
    srcset="${picture.srcset}"
    sizes="${sizes}"
    width="${picture.width}"
    height="${picture.height}"
    alt="${alt}"
    ${loading}
  />`;
}
