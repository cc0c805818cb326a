import { findPicture } from '../../catalogue/queries.ts';
import { pictureVariants, type PictureVariant } from '../../catalogue/picture.ts';
import type { PageDeps } from '../../pages/deps.ts';
import { DomainError } from '../../errors/errors.ts';
import type { PagePlugin } from '../../http/page-response.ts';

const yearSeconds = 365 * 86_400;
const types = {
  '480.webp': 'image/webp',
  '960.webp': 'image/webp',
  '960.jpg': 'image/jpeg',
} as const satisfies Record<PictureVariant, string>;

/** Serves the images of products. The URL of an image contains a hash of its content. */
export function pictureFiles(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/gambar/:name', { schema: { hide: true } }, async (request, reply) => {
      const { name = '' } = request.params as { readonly name?: string };
      const variant = pictureVariants.find((one) => name.slice(33) === one);
      const digest = /^([0-9a-f]{32})-/.exec(name)?.[1];
      const found =
        digest !== undefined && variant !== undefined
          ? await app.db.maybe(findPicture, digest, variant)
          : undefined;
      if (found === undefined) throw new DomainError('picture_not_found', {});
      return (
        reply
          .header('cache-control', `public, max-age=${yearSeconds}, immutable`)
          // Other sites may show this image in the preview of a shared link.
          .header('cross-origin-resource-policy', 'cross-origin')
          .type(types[variant!])
          .send(found.bytes)
      );
    });
  };
}
