import { sizeLimits } from '../../config/size-limits.ts';
import { DomainError } from '../../errors/errors.ts';
import { drawn, NotDrawn } from '../../uploads/decode-image.ts';

/** The most bytes that a proof of payment may have as it is sent. */
export const proofLimitBytes = sizeLimits.pictureBytes.max;
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
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
    throw new DomainError('proof_not_accepted', { reason: 'empty' });
  }
  if (bytes.subarray(0, 5).toString('latin1') === '%PDF-') {
    return { contentType: 'application/pdf', content: bytes };
  }
  try {
    const content = await drawn(bytes, (pixels) =>
      pixels
        .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer(),
    );
    return { contentType: 'image/webp', content };
  } catch (error) {
    if (!(error instanceof NotDrawn)) throw error;
    const reason = isHeic(bytes) ? 'heic' : 'unreadable';
    throw new DomainError('proof_not_accepted', { reason });
  }
}

/** What iPhones make of photos (ISO 23008-12): a brand of HEVC pictures behind `ftyp`. */
function isHeic(bytes: Buffer): boolean {
  return /^ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)$/.test(bytes.subarray(4, 12).toString('latin1'));
}
