import { type Wording, wording } from '../../i18n/messages.ts';
import { authorizeOnBuyer } from '../payments/authorize.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../../errors/errors.ts';
import { heicPicture } from '../../catalogue/make-picture.ts';
import type { Actor } from '../../identity/actor.ts';
import {
  decodeUntrustedImage,
  ImageDecodeError,
  type ImageFlaw,
} from '../../uploads/decode-image.ts';
import * as sql from './queries.ts';

/** Maximum number of pictures of one dispute. */
export const maxDisputePictures = 3;
/** Name of the form field for the pictures. Validation errors contain this name. */
export const disputePictureField = 'pictures';
/** Maximum number of pixels of a picture's longer side. It is enough to see a crack in a bottle. */
const longestSide = 1_600;

export const disputePictureTooLarge: Wording = wording('errors.disputePicture.tooLarge');
const notAPicture: Wording = wording('errors.disputePicture.wrongType');
const damaged: Wording = wording('errors.disputePicture.unreadable');
const tooManyPixels: Wording = wording('errors.disputePicture.tooManyPixels');
const flawWords = {
  wrong_type: notAPicture,
  heic: heicPicture,
  unreadable: damaged,
  too_large: tooManyPixels,
} as const satisfies Record<ImageFlaw, Wording>;
const tooMany: Wording = wording('errors.disputePicture.tooMany');

/**
 * Re-encodes the pictures of a dispute as WebP, without metadata such as the location. Refuses:
 * validation_failed.
 */
export async function readDisputePictures(files: readonly Buffer[]): Promise<Buffer[]> {
  if (files.length > maxDisputePictures) throw invalidField(disputePictureField, tooMany);
  const pictures: Buffer[] = [];
  // Decode one picture at a time, because a decoded picture needs much memory.
  for (const file of files) pictures.push(await readOne(file));
  return pictures;
}

async function readOne(file: Buffer): Promise<Buffer> {
  try {
    return await decodeUntrustedImage(file, (pixels) =>
      pixels
        .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer(),
    );
  } catch (error) {
    if (error instanceof ImageDecodeError)
      throw invalidField(disputePictureField, flawWords[error.flaw]);
    throw error;
  }
}

/** Adds pictures to the open dispute of a participation. */
export async function addDisputePictures(
  tx: Tx,
  actor: Actor,
  participationId: string,
  pictures: readonly Buffer[],
): Promise<{ readonly dispute_id: string; readonly pictures: number }> {
  const { buyer } = await authorizeOnBuyer(tx, actor, 'dispute.open', participationId);
  const open = await tx.maybe(sql.lockOpenDispute, buyer.campaign_id, participationId);
  if (open === undefined) throw new DomainError('dispute_not_found', {});
  let count = 0;
  for (const picture of pictures) {
    const added = await tx.maybe(
      sql.addDisputePicture,
      buyer.campaign_id,
      open.dispute_id,
      picture,
    );
    if (added === undefined) throw invalidField(disputePictureField, tooMany);
    count = added.number;
  }
  return { dispute_id: open.dispute_id, pictures: count };
}
addDisputePictures.refusals = refusals(authorizeOnBuyer, 'dispute_not_found');

/** Returns a picture of a dispute (WebP) for its buyer, the brand's managers and operators. */
export async function viewDisputePicture(
  db: Queryable,
  actor: Actor,
  disputeId: string,
  number: number,
): Promise<Buffer> {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const dispute = await db.maybe(sql.findDispute, disputeId);
  if (dispute === undefined) throw new DomainError('dispute_not_found', {});
  try {
    await authorizeOnBuyer(db, actor, 'dispute.pictures', dispute.participation_id);
  } catch (error) {
    const isHidden = error instanceof DomainError && error.code === 'participation_not_found';
    throw isHidden ? new DomainError('dispute_not_found', {}) : error;
  }
  const found = await db.maybe(sql.findDisputePicture, dispute.campaign_id, disputeId, number);
  if (found === undefined) throw new DomainError('dispute_not_found', {});
  return found.content;
}
viewDisputePicture.refusals = refusals('dispute_not_found');
