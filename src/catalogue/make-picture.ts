import { createHash } from 'node:crypto';
import { invalidField, type DomainError, type Wording } from '../errors.ts';
import { pictureWidths, type PictureVariant } from './picture.ts';

/** The most bytes of a picture that is uploaded. */
export const pictureLimitBytes = 5 * 1_024 * 1_024;

/** More pixels are not decoded: a file of a few kilobytes can claim a billion of them. */
const mostPixels = 40_000_000;
/** A picture may be this many times as long as it is wide, or as wide as it is long. */
const longestRatio = 3;
const secondsAtMost = 15;

/** A picture made anew from its pixels, in every variant that is kept. */
export interface MadePicture {
  readonly digest: string;
  /** Pixels of the largest variant. */
  readonly width: number;
  readonly height: number;
  readonly variants: readonly { readonly variant: PictureVariant; readonly bytes: Buffer }[];
}

/**
 * Decodes a JPEG, PNG or WebP and encodes it anew in our widths: what else is in the file (places
 * and times in its metadata, another file behind its end) is not in what we keep. What it is, its
 * content says, never its name or declared type. `owner` is the product: the same picture of two
 * products is kept twice, so that each goes with its own. Refuses: validation_failed of `picture`.
 */
export async function makePicture(owner: string, bytes: Buffer): Promise<MadePicture> {
  if (!hasKnownBeginning(bytes)) throw refused(wrongType);
  return await alone(() => decoded(owner, bytes));
}

async function decoded(owner: string, bytes: Buffer): Promise<MadePicture> {
  const { default: sharp } = await import('sharp');
  // The pixels of one picture at a time, and those in strips: memory stays small.
  sharp.concurrency(1);
  sharp.cache(false);
  const open = () =>
    sharp(bytes, { limitInputPixels: mostPixels, failOn: 'error', pages: 1, animated: false });
  const head = await open()
    .metadata()
    .catch(() => undefined);
  if (head === undefined) throw refused(unreadable);
  if (!['jpeg', 'png', 'webp'].includes(head.format)) throw refused(wrongType);
  const { width, height } = head.autoOrient;
  if (width * height > mostPixels) throw refused(tooManyPixels);
  if (Math.max(width / height, height / width) > longestRatio) throw refused(tooLong);

  const largest = pictureWidths.at(-1)!;
  try {
    // Decoded once; the variants are made of what came out.
    const { data, info } = await open()
      .autoOrient()
      .toColourspace('srgb')
      .resize({ width: largest, withoutEnlargement: true })
      .timeout({ seconds: secondsAtMost })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    const pixels = () => sharp(data, { raw });
    const small = pixels().resize({ width: pictureWidths[0], withoutEnlargement: true });
    const [webp, smallWebp, jpeg] = await Promise.all([
      pixels().webp({ quality: 78 }).toBuffer(),
      small.webp({ quality: 76 }).toBuffer(),
      pixels().flatten({ background: '#ffffff' }).jpeg({ quality: 80, mozjpeg: true }).toBuffer(),
    ]);
    const digest = createHash('sha256').update(owner).update(webp).update(jpeg).digest('hex');
    return {
      digest: digest.slice(0, 32),
      width: info.width,
      height: info.height,
      variants: [
        { variant: '480.webp', bytes: smallWebp },
        { variant: '960.webp', bytes: webp },
        { variant: '960.jpg', bytes: jpeg },
      ],
    };
  } catch {
    throw refused(unreadable);
  }
}

/** JPEG, PNG, or WebP in its container. */
function hasKnownBeginning(bytes: Buffer): boolean {
  const hex = bytes.subarray(0, 12).toString('hex');
  return (
    hex.startsWith('ffd8ff') ||
    hex.startsWith('89504e470d0a1a0a') ||
    /^52494646.{8}57454250$/.test(hex)
  );
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other: each may need as much memory as its pixels do. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => undefined);
  return await mine;
}

function refused(message: Wording): DomainError {
  return invalidField('picture', message);
}

const wrongType: Wording = {
  id: 'Pilih foto JPEG, PNG, atau WebP.',
  en: 'Choose a JPEG, PNG or WebP picture.',
};
const unreadable: Wording = {
  id: 'Foto ini tidak bisa dibaca. Coba simpan ulang di HP-mu, atau pilih foto lain.',
  en: 'This picture could not be read. Save it again on your phone, or choose another one.',
};
const tooManyPixels: Wording = {
  id: 'Foto ini terlalu besar ukurannya. Perkecil dulu, maksimal 40 megapiksel.',
  en: 'This picture has too many pixels. Make it smaller; at most 40 megapixels are taken.',
};
const tooLong: Wording = {
  id: 'Foto ini terlalu memanjang. Potong dulu, paling panjang tiga kali lebarnya.',
  en: 'This picture is too long. Crop it to at most three times its width or height.',
};
/** What a form says of a file that was cut off for its size. */
export const pictureTooLarge: Wording = {
  id: 'Foto maksimal 5 MB. Perkecil dulu, ya.',
  en: 'A picture may have 5 MB at most. Please make it smaller.',
};
