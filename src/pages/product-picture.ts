import type { Picture } from '../catalogue/picture.ts';
import { attribute, html, type Html } from '../web/html.ts';

/**
 * A product's picture, or a surface with its first letter where there is none. `sizes` as in HTML:
 * how wide it is shown. Only what is seen at once is loaded `eager`.
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
