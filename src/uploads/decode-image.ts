import type { Sharp } from 'sharp';
import { SerialQueue } from '../jobs/serial-queue.ts';

/** Larger images are not decoded: a file of a few kilobytes can claim a billion pixels. */
const maxPixels = 60_000_000;
/**
 * Maximum decoded size in bytes: an interlaced image is in memory as a whole, and with 16 bits per
 * channel each pixel has eight bytes.
 */
const maxDecodedBytes = 180_000_000;
const secondsAtMost = 15;

/** One image at a time: each may need as much memory as its pixels. */
const decoding = new SerialQueue();

const formats: readonly string[] = ['jpeg', 'png', 'webp'];
/** Bytes per channel, by the decoder's name of the type; other types have more. */
const depths: Readonly<Record<string, number>> = { uchar: 1, char: 1, ushort: 2, short: 2 };

/**
 * Why an image is rejected: not a supported type (HEIC, from iPhones, has its own message),
 * broken, or too large.
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

/** The size in pixels after rotation. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes an untrusted image: `fits` checks its size and may throw; then `draw` gets its rotated
 * pixels, without any metadata. The type comes from the content, never from the name or the
 * declared type. The process decodes one image at a time, because each may need as much memory as
 * its pixels. Throws ImageDecodeError.
 */
export async function decodeUntrustedImage<T>(
  bytes: Buffer,
  draw: (pixels: Sharp) => Promise<T>,
  fits: (size: ImageSize) => void = () => undefined,
): Promise<T> {
  // Check this before the decoder, which supports more file types than are allowed here.
  if (!hasKnownBeginning(bytes)) throw new ImageDecodeError(isHeic(bytes) ? 'heic' : 'wrong_type');
  return await decoding.run(async () => {
    const { default: sharp } = await import('sharp');
    // Sequential strips, one thread, no cache: memory use stays small.
    sharp.concurrency(1);
    sharp.cache(false);
    const plainly = { failOn: 'error', pages: 1, animated: false } as const;
    // Reads only the header, without a size limit, to distinguish too large from broken.
    const head = await sharp(bytes, { ...plainly, limitInputPixels: false })
      .metadata()
      .catch((error: unknown) => {
        throw new ImageDecodeError('unreadable', error);
      });
    if (!formats.includes(head.format)) throw new ImageDecodeError('wrong_type');
    const { width, height } = head.autoOrient;
    const decodedBytes = width * height * head.channels * (depths[head.depth] ?? 8);
    if (width * height > maxPixels || decodedBytes > maxDecodedBytes) {
      throw new ImageDecodeError('too_large');
    }
    fits({ width, height });
    try {
      const picture = sharp(bytes, { ...plainly, limitInputPixels: maxPixels });
      return await draw(picture.autoOrient().timeout({ seconds: secondsAtMost }));
    } catch (error) {
      throw new ImageDecodeError('unreadable', error);
    }
  });
}

/** HEIC photos of iPhones (ISO 23008-12): a brand of HEVC images after `ftyp`. */
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
