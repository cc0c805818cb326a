import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** Returns thumbnails of the pictures of a dispute. Each is a link to the full picture. */
export function disputePictures(
  { t, url }: PageContext,
  { dispute_id: id, pictures }: { readonly dispute_id: string; readonly pictures: number },
): Html | undefined {
  if (pictures === 0) return undefined;
  const one = (number: number) => {
    const path = url(`/keluhan/${id}/foto?nomor=${number}`);
    const words = t('order.disputePicturesPart.photoOfTheReport', { number });
    return html`<li>
      <a href="${path}" data-plain><img src="${path}" alt="${words}" loading="lazy" /></a>
    </li>`;
  };
  return html`<ul class="shown-pictures">
    ${Array.from({ length: pictures }, (_none, index) => one(index + 1))}
  </ul>`;
}
