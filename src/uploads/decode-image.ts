import type { Sharp } from 'sharp';
import { SerialQueue } from '../jobs/serial-queue.ts';

/**
 * Maximum number of pixels. Larger images are not decoded, because a file of a few kilobytes can
 * contain a billion pixels.
 */
const maxPixels = 60_000_000;
/**
 * Maximum size in bytes after decoding. All pixels of an interlaced image are in memory at the same
 * time. With 16 bits per channel, each pixel needs eight bytes.
 */
const maxDecodedBytes = 180_000_000;
const secondsAtMost = 15;

/** Decodes one image at a time, because each image may need as much memory as all its pixels. */
const decoding = new SerialQueue();

const formats: readonly string[] = ['jpeg', 'png', 'webp'];
/**
 * Number of bytes per channel for each data type of the decoder. All other data types need more
 * bytes.
 */
const depths: Readonly<Record<string, number>> = { uchar: 1, char: 1, ushort: 2, short: 2 };

/**
 * Why an image is rejected: its type is not supported, it cannot be decoded, or it is too large.
 * The HEIC format of iPhones is a separate reason, because it has a separate error message.
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

/** Size in pixels, after rotating the image as its metadata requires. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes an untrusted image. First calls `fits` with the size; `fits` may throw to reject the
 * image. Then calls `draw` with the rotated pixels, without any metadata. The type of the image is
 * determined from its content, never from the name or the declared type of the file. The process
 * decodes one image at a time, because each may need as much memory as all its pixels. Throws
 * ImageDecodeError.
 */
export async function decodeUntrustedImage<T>(
  bytes: Buffer,
  draw: (pixels: Sharp) => Promise<T>,
  fits: (size: ImageSize) => void = () => undefined,
): Promise<T> {
  // Check the first bytes before the decoder reads them, because the decoder accepts more file
  // types than are allowed here.
  if (!hasKnownBeginning(bytes)) throw new ImageDecodeError(isHeic(bytes) ? 'heic' : 'wrong_type');
  return await decoding.run(async () => {
    const { default: sharp } = await import('sharp');
    // With one thread and no cache, decoding uses less memory.
    sharp.concurrency(1);
    sharp.cache(false);
    const plainly = { failOn: 'error', pages: 1, animated: false } as const;
    // Read only the header, without a size limit, so that an image that is too large gets a
    // different error than a broken image.
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

/**
 * Returns true for a photo in the HEIC format, the format of iPhones. Such a file has `ftyp`
 * followed by a brand for HEVC images (ISO 23008-12).
 */
function isHeic(bytes: Buffer): boolean {
  const brand = bytes.subarray(4, 12).toString('latin1');
  return /^ftyp(?:hei[cxmsf]|hev[cxms]|mif[12]|msf1)$/.test(brand);
}

/** Returns true when the first bytes are those of a JPEG, a PNG, or a WebP. */
function hasKnownBeginning(bytes: Buffer): boolean {
  const hex = bytes.subarray(0, 12).toString('hex');
  return (
    hex.startsWith('ffd8ff') ||
    hex.startsWith('89504e470d0a1a0a') ||
    /^52494646.{8}57454250$/.test(hex)
  );
}
