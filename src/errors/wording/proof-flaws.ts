import { type Wording, wording } from '../../i18n/messages.ts';

/** Maximum number of pages of a PDF proof of payment. */
export const maxProofPages = 20;

/** The reasons why a proof of payment is rejected, as texts for the buyer. */
export const proofFlaws = {
  empty: wording('errors.proofFlaws.empty'),
  heic: wording('errors.proofFlaws.heic'),
  wrong_type: wording('errors.proofFlaws.wrong_type'),
  unreadable: wording('errors.proofFlaws.unreadable'),
  pdf_locked: wording('errors.proofFlaws.pdf_locked'),
  pdf_too_many_pages: wording('errors.proofFlaws.pdf_too_many_pages', { maxProofPages }),
  picture_too_large: wording('errors.proofFlaws.picture_too_large'),
  file_too_large: wording('errors.proofFlaws.file_too_large'),
} as const satisfies Readonly<Record<string, Wording>>;

/** A reason in the error `proof_not_accepted`. */
export type ProofFlaw = keyof typeof proofFlaws;
