import { sizeLimits } from '../../config/size-limits.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import { maxProofPages, type ProofFlaw } from '../../errors/wording/proof-flaws.ts';
import {
  decodeUntrustedImage,
  ImageDecodeError,
  type ImageFlaw,
} from '../../uploads/decode-image.ts';
import { inspectPdf, isPdf } from '../../uploads/inspect-pdf.ts';

/** Maximum size of an uploaded proof of payment in bytes. */
export const proofLimitBytes = sizeLimits.pictureBytes.max;
/** Maximum number of pixels of a picture's longer side. It is enough to read a receipt. */
const longestSide = 1_600;

/**
 * Maximum width and height of a thumbnail in pixels. It is sharp on screens with two device pixels
 * per CSS pixel.
 */
const thumbnailSide = 320;

/** A proof of payment in its stored form. */
export interface Proof {
  readonly contentType: 'image/webp' | 'application/pdf';
  readonly content: Buffer;
}

/**
 * Converts an upload to a proof of payment for storage. A picture (JPEG, PNG, WebP) is re-encoded
 * as WebP. The result is smaller, upright, and without metadata such as the location; only the
 * first frame of an animation remains. A PDF is stored unchanged after a test that it can be
 * opened. The type is detected from the content, never from the file name. A request without a body
 * is refused as empty.
 */
export async function readProof(bytes: unknown): Promise<Proof> {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) throw proofRefusal('empty');
  if (isPdf(bytes)) {
    const finding = await inspectPdf(bytes);
    if (finding === 'locked') throw proofRefusal('pdf_locked');
    if (finding === 'unreadable' || finding.pages === 0) throw proofRefusal('unreadable');
    if (finding.pages > maxProofPages) throw proofRefusal('pdf_too_many_pages');
    return { contentType: 'application/pdf', content: bytes };
  }
  try {
    const content = await decodeUntrustedImage(bytes, (pixels) =>
      pixels
        .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer(),
    );
    return { contentType: 'image/webp', content };
  } catch (error) {
    if (!(error instanceof ImageDecodeError)) throw error;
    throw proofRefusal(flawOf[error.flaw]);
  }
}
readProof.refusals = refusals('proof_not_accepted');

/** Returns a thumbnail (WebP) of a proof that is a picture. */
export async function proofThumbnail(content: Buffer): Promise<Buffer> {
  return await decodeUntrustedImage(content, (pixels) =>
    pixels
      .resize(thumbnailSide, thumbnailSide, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 70 })
      .toBuffer(),
  );
}

const flawOf = {
  wrong_type: 'wrong_type',
  heic: 'heic',
  unreadable: 'unreadable',
  too_large: 'picture_too_large',
} as const satisfies Record<ImageFlaw, ProofFlaw>;

function proofRefusal(reason: ProofFlaw): DomainError {
  return new DomainError('proof_not_accepted', { reason });
}
