import { type Wording, wording } from '../i18n/messages.ts';
import { createHash } from 'node:crypto';
import type { Sharp } from 'sharp';
import { invalidField, type DomainError } from '../errors/errors.ts';
import {
  decodeUntrustedImage,
  ImageDecodeError,
  type ImageFlaw,
  type ImageSize,
} from '../uploads/decode-image.ts';
import { pictureWidths, type PictureVariant } from './picture.ts';

/**
 * Maximum number of pixels of a picture by a seller. A proof of payment may have more, because
 * phones take larger photos.
 */
const maxPixels = 40_000_000;
/** Maximum ratio of the longer side to the shorter side. */
const maxRatio = 3;

/** A re-encoded picture in all its stored variants. */
export interface MadePicture {
  readonly digest: string;
  /** Width of the largest variant, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly variants: readonly { readonly variant: PictureVariant; readonly bytes: Buffer }[];
}

/**
 * Decodes a JPEG, PNG or WebP and encodes it again in the stored widths. So other content of the
 * file, such as places and times in its metadata, is not stored. `owner` is the product's id: two
 * products store the same picture twice, so that deleting one copy keeps the other. Refuses:
 * validation_failed of `picture`.
 */
export async function makePicture(owner: string, bytes: Buffer): Promise<MadePicture> {
  try {
    return await decodeUntrustedImage(bytes, (pixels) => variantsOf(owner, pixels), checkSize);
  } catch (error) {
    throw error instanceof ImageDecodeError ? pictureRefusal(wordings[error.flaw]) : error;
  }
}

function checkSize({ width, height }: ImageSize): void {
  if (width * height > maxPixels) throw new ImageDecodeError('too_large');
  if (Math.max(width / height, height / width) > maxRatio) throw pictureRefusal(tooLong);
}

async function variantsOf(owner: string, pixels: Sharp): Promise<MadePicture> {
  const { default: sharp } = await import('sharp');
  // Decode only once; all variants are made from these pixels.
  const { data, info } = await pixels
    .toColourspace('srgb')
    .resize({ width: pictureWidths.at(-1)!, withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const resized = () => sharp(data, { raw: { width, height, channels } });
  const small = resized().resize({ width: pictureWidths[0], withoutEnlargement: true });
  const [webp, smallWebp, jpeg] = await Promise.all([
    resized().webp({ quality: 78 }).toBuffer(),
    small.webp({ quality: 76 }).toBuffer(),
    resized().flatten({ background: '#ffffff' }).jpeg({ quality: 80, mozjpeg: true }).toBuffer(),
  ]);
  const digest = createHash('sha256').update(owner).update(webp).update(jpeg).digest('hex');
  return {
    digest: digest.slice(0, 32),
    width,
    height,
    variants: [
      { variant: '480.webp', bytes: smallWebp },
      { variant: '960.webp', bytes: webp },
      { variant: '960.jpg', bytes: jpeg },
    ],
  };
}

function pictureRefusal(message: Wording): DomainError {
  return invalidField('picture', message);
}

const wrongType: Wording = wording('errors.productPicture.wrongType');
const unreadable: Wording = wording('errors.productPicture.unreadable');
const tooManyPixels: Wording = wording('errors.productPicture.tooManyPixels');
export const heicPicture: Wording = wording('errors.picture.heic');
const wordings = {
  wrong_type: wrongType,
  heic: heicPicture,
  unreadable,
  too_large: tooManyPixels,
} as const satisfies Record<ImageFlaw, Wording>;
const tooLong: Wording = wording('errors.productPicture.tooLong');
