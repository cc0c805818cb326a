import type { Language } from '../../i18n/language.ts';
import { hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Database } from '../../database/pool.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import { newId } from '../../identity/ids.ts';
import type { Claims } from '../../identity/tokens.ts';
import { limits, type LimitName } from '../../config/limits.ts';
import type { Mailer } from '../../mail/mailer.ts';
import { runInTransaction } from '../../operation/run.ts';
import type { MailBudget, RateLimiter } from '../../overload/rate-limiter.ts';
import { recordAccess, recordByEmail, type AccessMethod } from '../access.ts';
import { plainCode } from '../mfa/codes.ts';
import * as factors from '../mfa/queries.ts';
import { keyedHash } from '../keyed-hash.ts';
import { rememberOrigin, standingOf, wrongCodeLimit, type Origin } from './origins.ts';
import * as sql from '../session-queries.ts';
import { hasFactor, type MfaDeps } from '../mfa/second-factor.ts';
import {
  endSession,
  newToken,
  sessionHours,
  startSession,
  storedDevice,
  tokenHash,
  tokenSessionHours,
} from '../sessions.ts';

/** Minutes in which the second factor must be entered after the code or link. */
export const halfSignInMinutes = 15;
export const codeAttempts = limits.wrongCodesOfSignIn.max;
/**
 * A typed code is compared with this number of the newest codes that were mailed to the address. So
 * the probability that a guess is correct is three in a million.
 */
const comparedCodes = 3;

/** Dependencies of the sign-in. */
export interface SignInDeps extends MfaDeps {
  readonly db: Database;
  readonly mailer: Mailer;
  /**
   * The key for hashing codes. Without a key, somebody who has read a stored hash could find its
   * six-digit code within a second by trying all codes.
   */
  readonly secret: Buffer;
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
}

/** Derives the key for sign-in codes from the secret key. */
export function codeSecret(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan sign-in codes', 32));
}

/** The browser that signs in, with its request's data. */
export interface Browser {
  readonly language: Language;
  readonly origin: Origin;
  readonly device: string;
  /** The token of the browser's current session, if any. */
  readonly before: string | undefined;
}

/**
 * The result of a sign-in: a session, or an unfinished sign-in for which the second factor is
 * missing.
 */
export interface SignInResult {
  /**
   * The token to put in the cookie. It is a session token, or, if the second factor is still
   * missing, the token of the unfinished sign-in.
   */
  readonly token: string;
  /** Lifetime of the cookie in hours. */
  readonly hours: number;
  readonly awaitsFactor: boolean;
  /** True at the first sign-in, when the shown name was derived from the address. */
  readonly isNew: boolean;
}

/**
 * Signs in with a mailed code: the code of this sign-in, or another valid code of the same address.
 * Each attempt is counted before the code is checked, so that attempts sent at the same time cannot
 * exceed the limit. Refuses: sign_in_code_wrong, sign_in_ended, rate_limited.
 */
export async function signInWithCode(
  parts: SignInDeps,
  given: { readonly signInId: string; readonly code: string },
  browser: Browser,
): Promise<SignInResult> {
  const { db, secret, limiter } = parts;
  const { network } = browser.origin;
  const code = plainCode(given.code);
  const ofNetwork = await limiter.take(db, 'wrongCodesOfNetwork', network);
  const outcome = await runInTransaction(parts.db, async (tx) => {
    const found = await tx.maybe(sql.spendAttempt, given.signInId, codeAttempts);
    if (found === undefined) return new DomainError('sign_in_ended', {});
    const { email, attempts } = found;
    const standing = await standingOf(tx, secret, email, browser.origin);
    if (!ofNetwork && standing !== 'browser') {
      throw await limiter.refusal(tx, 'wrongCodesOfNetwork', network);
    }
    const [name, subject] = wrongCodeLimit(standing, { email, ...browser.origin });
    await limiter.spend(tx, name, subject);
    const mailed = await tx.rows(sql.findMailedCodes, email, comparedCodes);
    const matching = mailed.filter(({ sign_in_id: id, code_hash: expected }) =>
      timingSafeEqual(expected, keyedHash(secret, `${id} ${code}`)),
    );
    if (matching.length === 0) {
      const remaining = codeAttempts - attempts;
      const event = remaining > 0 ? 'code_failed' : 'codes_exhausted';
      await recordByEmail(tx, email, event, browser.device);
      return new DomainError('sign_in_code_wrong', { remaining });
    }
    await limiter.giveBack(tx, name, subject);
    for (const { sign_in_id: id } of matching) await tx.rows(sql.useSignIn, id);
    await tx.rows(sql.useSignIn, given.signInId);
    return await enter(tx, parts, email, 'code', browser);
  });
  // Throw after the transaction: an error inside it would roll back the counted attempt.
  if (outcome instanceof DomainError) throw outcome;
  await refundNetwork(parts, network, ofNetwork ? ['wrongCodesOfNetwork'] : []);
  return outcome;
}

/** Subtracts a successful sign-in from the counts of the network. */
export async function refundNetwork(
  { db, limiter }: SignInDeps,
  network: string,
  more: readonly LimitName[] = [],
): Promise<void> {
  const names = ['codesOfNetwork', 'codesOfNetworkDay', ...more] as const;
  for (const name of names) await limiter.giveBack(db, name, network);
}

/** Starts a session for the bearer of a valid access token of the identity service. */
export async function signInWithToken(
  parts: SignInDeps,
  claims: Claims,
  browser: Browser,
): Promise<SignInResult> {
  return await runInTransaction(parts.db, async (tx) => {
    await tx.one(sql.startProfile, claims.userId, noName, browser.language, null);
    // When the token does not contain the time of authentication, the authentication does not count
    // as recent.
    const provenAt = claims.provenAt ?? 0;
    const identity = { ...claims, provenAt, hours: tokenSessionHours, method: 'token' } as const;
    return { ...(await openSession(tx, identity, browser)), isNew: false };
  });
}

export async function enter(
  tx: Tx,
  { secret }: SignInDeps,
  email: string,
  method: AccessMethod,
  browser: Browser,
): Promise<SignInResult> {
  await rememberOrigin(tx, secret, email, browser.origin);
  const { user_id: userId } = await tx.one(sql.upsertAccount, newId(), email);
  const name = nameFrom(email);
  const { is_new } = await tx.one(sql.startProfile, userId, name, browser.language, email);
  const claims = { userId, roles: [], secondFactor: false, provenAt: undefined };
  const identity = { ...claims, hours: sessionHours, method };
  return { ...(await openSession(tx, identity, browser)), isNew: is_new };
}

/** The identity that the caller has proved, and how. */
interface ProvedIdentity extends Claims {
  readonly hours: number;
  readonly method: AccessMethod;
}

/**
 * Starts a session. If the account has a second factor that was not used in this sign-in, starts an
 * unfinished sign-in instead, which needs the second factor.
 */
async function openSession(
  tx: Tx,
  identity: ProvedIdentity,
  browser: Browser,
): Promise<Omit<SignInResult, 'isNew'>> {
  const { userId, roles, secondFactor, hours, method } = identity;
  const provenAt =
    identity.provenAt === undefined ? undefined : new Date(identity.provenAt * 1_000);
  const { device, before } = browser;
  if (!secondFactor && (await hasFactor(tx, userId))) {
    if (before !== undefined) await endSession(tx, before);
    const token = newToken();
    await tx.rows(
      factors.insertHalfSignIn,
      tokenHash(token),
      userId,
      roles,
      storedDevice(device),
      hours,
      halfSignInMinutes,
    );
    return { token, hours: halfSignInMinutes / 60, awaitsFactor: true };
  }
  const session = { userId, roles, device, before, hours, secondFactor, provenAt };
  const token = await startSession(tx, session);
  await recordAccess(tx, { userId, event: 'signed_in', method, device });
  return { token, hours, awaitsFactor: false };
}

/** The name of a new user if no name can be derived from the e-mail address. */
export const noName = 'Pembeli';

/**
 * Derives a name from an e-mail address, to use until the person sets one: `siti.aminah@…` becomes
 * Siti Aminah.
 */
export function nameFrom(email: string): string {
  const [local = ''] = email.split(/[@+]/);
  const words = local.split(/[^\p{L}]+/u).filter((word) => word !== '');
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(' ');
  return name === '' ? noName : name.slice(0, 80);
}
