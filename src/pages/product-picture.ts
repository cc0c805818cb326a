import type { Picture } from '../catalogue/picture.ts';
import { attribute, html, type Html } from '../web/html.ts';

/**
 * Returns the picture of a product, or a placeholder with its first letter. `sizes` is the
 * displayed width, as in the HTML attribute. Use `eager` only for pictures that are visible without
 * scrolling.
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
