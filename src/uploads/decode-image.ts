import type { Sharp } from 'sharp';

/** More pixels are not decoded: a file of a few kilobytes can claim a billion of them. */
const mostPixels = 60_000_000;
/**
 * Nor pictures that take more bytes than this: one whose lines are interlaced is in memory as a
 * whole, and with 16 bits a channel each pixel is eight bytes.
 */
const mostDecodedBytes = 180_000_000;
const secondsAtMost = 15;

const formats: readonly string[] = ['jpeg', 'png', 'webp'];
/** Bytes of a channel, by how the decoder calls them; the rest have more. */
const depths: Readonly<Record<string, number>> = { uchar: 1, char: 1, ushort: 2, short: 2 };

/**
 * Why a file is not drawn: no picture that we take (HEIC is what iPhones make, and has words of its
 * own), one that is broken, or too large a one.
 */
export type ImageFlaw = 'wrong_type' | 'heic' | 'unreadable' | 'too_large';

export class ImageDecodeError extends Error {
  readonly flaw: ImageFlaw;

  constructor(flaw: ImageFlaw, cause?: unknown) {
    super(`the picture is not drawn: ${flaw}`, { cause });
    this.name = 'NotDrawn';
    this.flaw = flaw;
  }
}

/** The size in pixels, the right way up. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Draws a picture that a stranger sent anew: `fits` looks at its size and may throw, then `draw`
 * is given its pixels, the right way up, and whatever else was in the file is left behind. What
 * it is, its content says, never its name or declared type. One picture is drawn at a time in the
 * process, whatever it is for: each may need as much memory as its pixels do. Throws NotDrawn.
 */
export async function decodeUntrustedImage<T>(
  bytes: Buffer,
  draw: (pixels: Sharp) => Promise<T>,
  fits: (size: ImageSize) => void = () => undefined,
): Promise<T> {
  // Before anything is loaded that knows more kinds of files than we take.
  if (!hasKnownBeginning(bytes)) throw new ImageDecodeError(isHeic(bytes) ? 'heic' : 'wrong_type');
  return await alone(async () => {
    const { default: sharp } = await import('sharp');
    // In strips by one thread, and nothing kept: memory stays small.
    sharp.concurrency(1);
    sharp.cache(false);
    const plainly = { failOn: 'error', pages: 1, animated: false } as const;
    // Of the head alone, whatever it claims: too large is another thing than broken.
    const head = await sharp(bytes, { ...plainly, limitInputPixels: false })
      .metadata()
      .catch((error: unknown) => {
        throw new ImageDecodeError('unreadable', error);
      });
    if (!formats.includes(head.format)) throw new ImageDecodeError('wrong_type');
    const { width, height } = head.autoOrient;
    const decodedBytes = width * height * head.channels * (depths[head.depth] ?? 8);
    if (width * height > mostPixels || decodedBytes > mostDecodedBytes) {
      throw new ImageDecodeError('too_large');
    }
    fits({ width, height });
    try {
      const picture = sharp(bytes, { ...plainly, limitInputPixels: mostPixels });
      return await draw(picture.autoOrient().timeout({ seconds: secondsAtMost }));
    } catch (error) {
      throw new ImageDecodeError('unreadable', error);
    }
  });
}

/** What iPhones make of photos (ISO 23008-12): a brand of HEVC pictures behind `ftyp`. */
function isHeic(bytes: Buffer): boolean {
  const brand = bytes.subarray(4, 12).toString('latin1');
  return /^ftyp(?:hei[cxmsf]|hev[cxms]|mif[12]|msf1)$/.test(brand);
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

async function alone<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => undefined);
  return await mine;
}
