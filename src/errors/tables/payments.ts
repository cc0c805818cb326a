import { wording } from '../../i18n/messages.ts';
import { define, fixed, type ErrorTable } from './definition.ts';
import { proofFlaws, type ProofFlaw } from '../wording/proof-flaws.ts';

/** Errors about payments by bank transfer, proofs of payment and bank accounts. */
export const paymentsErrors = {
  payment_account_missing: fixed(
    409,
    wording('errors.payment_account_missing.title'),
    wording('errors.payment_account_missing.detail'),
  ),
  unique_codes_exhausted: fixed(
    409,
    wording('errors.unique_codes_exhausted.title'),
    wording('errors.unique_codes_exhausted.detail'),
  ),
  payment_not_due: fixed(
    409,
    wording('errors.payment_not_due.title'),
    wording('errors.payment_not_due.detail'),
  ),
  payment_not_open: define<{ readonly status: string }>(
    409,
    wording('errors.payment_not_open.title'),
    ({ status }) => wording('errors.payment_not_open.detail', { status }),
  ),
  proof_not_found: fixed(
    404,
    wording('errors.proof_not_found.title'),
    wording('errors.proof_not_found.detail'),
  ),
  proof_not_accepted: define<{ readonly reason: ProofFlaw }>(
    422,
    wording('errors.proof_not_accepted.title'),
    ({ reason }) => proofFlaws[reason],
  ),
  bank_account_not_found: fixed(
    404,
    wording('errors.bank_account_not_found.title'),
    wording('errors.bank_account_not_found.detail'),
  ),
  receiving_account_not_found: fixed(
    404,
    wording('errors.receiving_account_not_found.title'),
    wording('errors.receiving_account_not_found.detail'),
  ),
  receiving_account_missing: fixed(
    409,
    wording('errors.receiving_account_missing.title'),
    wording('errors.receiving_account_missing.detail'),
  ),
  receiving_account_exists: fixed(
    409,
    wording('errors.receiving_account_exists.title'),
    wording('errors.receiving_account_exists.detail'),
  ),
  receiving_account_is_default: fixed(
    409,
    wording('errors.receiving_account_is_default.title'),
    wording('errors.receiving_account_is_default.detail'),
  ),
} as const satisfies ErrorTable;
