import { DomainError } from '../errors.ts';

/** The most bytes that a proof of payment may have as it is sent. */
export const proofLimitBytes = 5 * 1024 * 1024;
/** More pixels than any phone's camera makes; a small file can claim many more. */
const mostPixels = 60_000_000;
/** What is legible on a receipt, in pixels of the longer side. */
const longestSide = 1_600;

/** What is kept of a proof. */
export interface Proof {
  readonly contentType: 'image/webp' | 'application/pdf';
  readonly content: Buffer;
}

/**
 * A proof of payment as it is kept. A picture (JPEG, PNG, WebP) is drawn anew as WebP: smaller,
 * the right way up, and without anything else that was in the file, such as where it was taken. A
 * PDF is kept as it is. What it is says its content, never its name. A request without a body has
 * no bytes. Refuses: proof_not_accepted.
 */
export async function readProof(bytes: unknown): Promise<Proof> {
  if (!Buffer.isBuffer(bytes)) throw new DomainError('proof_not_accepted', {});
  if (bytes.subarray(0, 5).toString('latin1') === '%PDF-') {
    return { contentType: 'application/pdf', content: bytes };
  }
  // Loaded with the first picture: a service that never sees one starts without it.
  const { default: sharp } = await import('sharp');
  try {
    const picture = sharp(bytes, { limitInputPixels: mostPixels, failOn: 'error' });
    const { format } = await picture.metadata();
    if (format === 'jpeg' || format === 'png' || format === 'webp') {
      const content = await picture
        .autoOrient()
        .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer();
      return { contentType: 'image/webp', content };
    }
  } catch {
    // It is no picture that can be drawn: the buyer is told below.
  }
  throw new DomainError('proof_not_accepted', {});
}
