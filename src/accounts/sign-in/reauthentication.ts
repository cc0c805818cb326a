import type { Language } from '../../i18n/language.ts';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import { newId } from '../../identity/ids.ts';
import { sendOrRefuse } from '../../mail/mailer.ts';
import { runInTransaction } from '../../operation/run.ts';
import { recordAccess, type AccessMethod } from '../access.ts';
import { plainCode } from '../mfa/codes.ts';
import { reauthenticationEmail } from './mail.ts';
import { hasFactor, takeFactorCode } from '../mfa/second-factor.ts';
import * as sql from '../session-queries.ts';
import { newToken, tokenHash } from '../sessions.ts';
import { keyedHash } from '../keyed-hash.ts';
import { codeMinutes, newCode } from './request-code.ts';
import { codeAttempts, type SignInDeps } from './sign-in.ts';
import { countFactorTry } from './factor.ts';

/** A signed-in user, with the session and the browser of the request. */
export interface Holder {
  readonly userId: string;
  readonly sessionId: string;
  /** The verified e-mail address; null when the user signed in with a token of another service. */
  readonly email: string | null;
  readonly language: Language;
  readonly device: string;
}

/**
 * Returns how a user can re-authenticate on this site: with the second factor or with a mailed
 * code. Undefined when neither is possible.
 */
export async function reauthenticationMethod(
  db: Queryable,
  { userId, email }: Pick<Holder, 'userId' | 'email'>,
): Promise<'factor' | 'code' | undefined> {
  if (await hasFactor(db, userId)) return 'factor';
  return email === null ? undefined : 'code';
}

/**
 * Mails a re-authentication code to a signed-in user and returns the code's id. The code is valid
 * only for this session. The rate limit counts only re-authentication e-mails to this account, so
 * other people cannot use up the limit. Refuses: rate_limited, mail_budget_spent, mail_unavailable.
 */
export async function sendReauthenticationCode(
  parts: SignInDeps,
  holder: Holder & { readonly email: string },
): Promise<string> {
  const { userId, sessionId, email, device } = holder;
  const proofId = newId();
  const code = newCode();
  await runInTransaction(parts.db, async (tx) => {
    await parts.limiter.spend(tx, 'reauthenticationsOfAccount', userId);
    await parts.limiter.spend(tx, 'reauthenticationsOfAccountDay', userId);
    const hashed = keyedHash(parts.secret, `${proofId} ${code}`);
    await tx.rows(
      sql.insertReauthenticationCode,
      proofId,
      email,
      hashed,
      randomBytes(32),
      codeMinutes,
      sessionId,
    );
    await recordAccess(tx, { userId, event: 'code_requested', method: 'code', device });
    await parts.budget.spend(tx, 'proof');
  });
  await sendOrRefuse(parts.mailer, { to: email, ...reauthenticationEmail(code, holder.language) });
  return proofId;
}

/** The session after a re-authentication. */
export interface Reauthenticated {
  /** The session's new token. */
  readonly token: string;
  readonly hours: number;
  readonly byFactor: boolean;
}

/**
 * Re-authenticates the owner of a session. A user with a second factor needs a code of the app or a
 * recovery code; any other user needs the mailed code. Each attempt is counted before the code is
 * checked. Refuses: second_factor_wrong, sign_in_code_wrong, sign_in_ended, rate_limited.
 */
export async function reauthenticate(
  parts: SignInDeps,
  holder: Holder,
  given: { readonly proofId: string; readonly code: string },
): Promise<Reauthenticated> {
  return (await hasFactor(parts.db, holder.userId))
    ? await proveByFactor(parts, holder, given.code)
    : await proveByCode(parts, holder, given);
}

async function proveByFactor(
  parts: SignInDeps,
  holder: Holder,
  code: string,
): Promise<Reauthenticated> {
  const { userId, device } = holder;
  await countFactorTry(parts, userId);
  const outcome = await runInTransaction(parts.db, async (tx) => {
    const method = await takeFactorCode(tx, parts, userId, code);
    if (method !== undefined) return await recordReauthentication(tx, holder, method);
    await recordAccess(tx, { userId, event: 'factor_failed', device });
    return undefined;
  });
  // Throw after the transaction: an error inside it would roll back the recorded attempt.
  if (outcome === undefined) throw new DomainError('second_factor_wrong', {});
  return outcome;
}

async function proveByCode(
  parts: SignInDeps,
  holder: Holder,
  given: { readonly proofId: string; readonly code: string },
): Promise<Reauthenticated> {
  const { userId, sessionId, device } = holder;
  const proofId = given.proofId.toLowerCase();
  const code = plainCode(given.code);
  const outcome = await runInTransaction(parts.db, async (tx) => {
    const found = await tx.maybe(sql.spendReauthenticationCode, proofId, codeAttempts, sessionId);
    if (found === undefined) return new DomainError('sign_in_ended', {});
    if (timingSafeEqual(found.code_hash, keyedHash(parts.secret, `${proofId} ${code}`))) {
      await tx.rows(sql.useSignIn, proofId);
      return await recordReauthentication(tx, holder, 'code');
    }
    const remaining = codeAttempts - found.attempts;
    const event = remaining > 0 ? 'code_failed' : 'codes_exhausted';
    await recordAccess(tx, { userId, event, method: 'code', device });
    return new DomainError('sign_in_code_wrong', { remaining });
  });
  if (outcome instanceof DomainError) throw outcome;
  return outcome;
}

async function recordReauthentication(
  tx: Tx,
  { userId, sessionId, device }: Holder,
  method: AccessMethod,
): Promise<Reauthenticated> {
  const byFactor = method !== 'code';
  const token = newToken();
  const session = await tx.maybe(
    sql.markSessionReauthenticated,
    userId,
    sessionId,
    tokenHash(token),
    byFactor,
  );
  // The session has ended in the meantime.
  if (session === undefined) throw new DomainError('unauthenticated', {});
  await recordAccess(tx, { userId, event: 'proved_again', method, device });
  return { token, hours: session.hours, byFactor };
}
