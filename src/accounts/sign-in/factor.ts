import type { Queryable } from '../../database/query.ts';
import { DomainError } from '../../errors/errors.ts';
import { runInTransaction } from '../../operation/run.ts';
import { recordAccess } from '../access.ts';
import * as factors from '../mfa/queries.ts';
import { takeFactorCode } from '../mfa/second-factor.ts';
import { startSession, tokenHash } from '../sessions.ts';
import { codeAttempts, type SignInDeps, type SignInResult } from './sign-in.ts';

/**
 * Returns true when the token belongs to an unfinished sign-in for which the second factor is still
 * missing.
 */
export async function awaitsFactor(db: Queryable, token: string | undefined): Promise<boolean> {
  if (token === undefined) return false;
  return (await db.maybe(factors.findHalfSignIn, tokenHash(token))) !== undefined;
}

/**
 * Completes a sign-in with a code of the app or a recovery code. Each attempt is counted twice
 * before the code is checked: for this sign-in, and for the account. Refuses: second_factor_wrong,
 * sign_in_ended, rate_limited.
 */
export async function signInWithFactor(
  parts: SignInDeps,
  { token, code }: { readonly token: string; readonly code: string },
): Promise<SignInResult> {
  const hashed = tokenHash(token);
  const half = await parts.db.maybe(factors.findHalfSignIn, hashed);
  if (half === undefined) throw new DomainError('sign_in_ended', {});
  await countFactorTry(parts, half.user_id);
  const outcome = await runInTransaction(parts.db, async (tx) => {
    const found = await tx.maybe(factors.spendHalfSignIn, hashed, codeAttempts);
    if (found === undefined) return new DomainError('sign_in_ended', {});
    const { user_id: userId, roles, device, hours } = found;
    const method = await takeFactorCode(tx, parts, userId, code);
    if (method === undefined) {
      await recordAccess(tx, { userId, event: 'factor_failed', device });
      return new DomainError('second_factor_wrong', {});
    }
    await tx.rows(factors.deleteHalfSignIn, hashed);
    const session = { userId, roles, device, hours, secondFactor: true, before: undefined };
    const entered = { token: await startSession(tx, session), hours };
    await recordAccess(tx, { userId, event: 'signed_in', method, device });
    return { ...entered, awaitsFactor: false, isNew: false };
  });
  // Throw after the transaction: an error inside it would roll back the counted attempt.
  if (outcome instanceof DomainError) throw outcome;
  return outcome;
}

/** Counts an attempt to enter the second factor of an account. Refuses: rate_limited. */
export async function countFactorTry({ db, limiter }: SignInDeps, userId: string): Promise<void> {
  await runInTransaction(db, async (tx) => {
    await limiter.spend(tx, 'secondFactorAttempts', userId);
    await limiter.spend(tx, 'secondFactorAttemptsDay', userId);
  });
}
