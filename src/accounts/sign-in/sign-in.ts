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

/** Lifetime of an MFA challenge in minutes, and its maximum number of attempts. */
export const halfSignInMinutes = 15;
export const codeAttempts = limits.wrongCodesOfSignIn.max;
/**
 * Number of mailed codes that an attempt is compared with: three of a million are valid at a time.
 */
const comparedCodes = 3;

/** Dependencies of the sign-in. */
export interface SignInDeps extends MfaDeps {
  readonly db: Database;
  readonly mailer: Mailer;
  /** Keys the hashes of codes: six digits could be found from a plain hash within a second. */
  readonly secret: Buffer;
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
}

/** Derives the key for sign-in codes from the secret key. */
export function codeSecret(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan sign-in codes', 32));
}

/** The browser that signs in. */
export interface Browser {
  readonly language: Language;
  readonly origin: Origin;
  readonly device: string;
  /** The token of its current session. */
  readonly before: string | undefined;
}

/** A completed sign-in or an MFA challenge. */
export interface SignInResult {
  /** The session's token, or the token of the MFA challenge. */
  readonly token: string;
  /** Lifetime of the cookie in hours. */
  readonly hours: number;
  readonly awaitsFactor: boolean;
  /** First sign-in: the name is derived from the address. */
  readonly isNew: boolean;
}

/**
 * Signs in with a mailed code: the one of this sign-in, or another valid one of the same address.
 * Each attempt is counted before it is checked, so that parallel attempts count like sequential
 * ones. Refuses: sign_in_code_wrong, sign_in_ended, rate_limited.
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
  // Thrown after the transaction; inside it, the attempt would be rolled back.
  if (outcome instanceof DomainError) throw outcome;
  await refundNetwork(parts, network, ofNetwork ? ['wrongCodesOfNetwork'] : []);
  return outcome;
}

/** Takes back what was counted for the network of a used code. */
export async function refundNetwork(
  { db, limiter }: SignInDeps,
  network: string,
  more: readonly LimitName[] = [],
): Promise<void> {
  const names = ['codesOfNetwork', 'codesOfNetworkDay', ...more] as const;
  for (const name of names) await limiter.giveBack(db, name, network);
}

/** Starts a session for the bearer of a valid access token of the project's identity service. */
export async function signInWithToken(
  parts: SignInDeps,
  claims: Claims,
  browser: Browser,
): Promise<SignInResult> {
  return await runInTransaction(parts.db, async (tx) => {
    await tx.one(sql.startProfile, claims.userId, noName, browser.language, null);
    // A token without an authentication time does not count as recent.
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

/** The identity that a caller has proved. */
interface ProvedIdentity extends Claims {
  readonly hours: number;
  readonly method: AccessMethod;
}

/** Starts a session, or an MFA challenge when the account has a second factor that was not used. */
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

/** The name of a user whose address suggests none. */
export const noName = 'Pembeli';

/**
 * Derives a first name from an address until the person sets one: `siti.aminah@…` becomes Siti
 * Aminah.
 */
export function nameFrom(email: string): string {
  const [local = ''] = email.split(/[@+]/);
  const words = local.split(/[^\p{L}]+/u).filter((word) => word !== '');
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(' ');
  return name === '' ? noName : name.slice(0, 80);
}
