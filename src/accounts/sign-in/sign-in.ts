import { hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Database } from '../../database/pool.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError, type Language } from '../../errors/errors.ts';
import { newId } from '../../identity/ids.ts';
import type { Claims } from '../../identity/tokens.ts';
import { limits, type LimitName } from '../../config/limits.ts';
import type { Mailer } from '../../mail/mailer.ts';
import { retryRead, runInTransaction } from '../../operation/run.ts';
import type { MailBudget, RateLimiter } from '../../overload/rate-limiter.ts';
import { recordAccess, recordByEmail, type AccessMethod } from '../access.ts';
import { plainCode } from '../mfa/codes.ts';
import * as factors from '../mfa/queries.ts';
import { keyed } from '../keyed-hash.ts';
import { rememberOrigin, standingOf, wrongCodeLimit, type Origin } from './origins.ts';
import * as sql from '../session-queries.ts';
import { hasFactor, takeFactorCode, type MfaDeps } from '../mfa/second-factor.ts';
import {
  endSession,
  newToken,
  sessionHours,
  startSession,
  storedDevice,
  tokenHash,
  tokenSessionHours,
} from '../sessions.ts';

/** How long somebody who came half in may take for the second factor; its tries are as many. */
export const halfSignInMinutes = 15;
export const codeAttempts = limits.wrongCodesOfSignIn.max;
/** A try is compared with so many codes of the mailbox: three of a million are good at a time. */
const comparedCodes = 3;

/** What signing in needs of the application. */
export interface SignInDeps extends MfaDeps {
  readonly db: Database;
  readonly mailer: Mailer;
  /** Keys the hashes of codes: six digits alone would be found from their hash in a second. */
  readonly secret: Buffer;
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
}

/** The key that signs sign-in codes, derived from the secret key. */
export function codeSecret(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan sign-in codes', 32));
}

/** The browser that signs in. */
export interface Browser {
  readonly language: Language;
  readonly origin: Origin;
  readonly device: string;
  /** The token of the session that it has already. */
  readonly before: string | undefined;
}

/** Somebody has signed in, or half of it. */
export interface SignInResult {
  /** The session's token; where the second factor is awaited, one that is good for that alone. */
  readonly token: string;
  /** How long the browser keeps it. */
  readonly hours: number;
  readonly awaitsFactor: boolean;
  /** For the first time: they have the name that their address suggests. */
  readonly isNew: boolean;
}

/**
 * Signs in with the code of a mail: of the one that belongs to this sign-in, or of another that was
 * sent to the same address and is still good. Each try is counted before it is looked at, so that
 * many at once are no more than many in turn. Refuses: sign_in_code_wrong, sign_in_ended,
 * rate_limited.
 */
export async function signInWithCode(
  parts: SignInDeps,
  given: { readonly signInId: string; readonly code: string },
  browser: Browser,
): Promise<SignInResult> {
  const { db, secret, limiter } = parts;
  const { network } = browser.origin;
  const code = plainCode(given.code);
  const ofNetwork = await retryRead(() => limiter.take(db, 'wrongCodesOfNetwork', network));
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
      timingSafeEqual(expected, keyed(secret, `${id} ${code}`)),
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
  // Thrown only now: thrown inside, the attempt would be rolled back with it.
  if (outcome instanceof DomainError) throw outcome;
  await giveBackOf(parts, network, ofNetwork ? ['wrongCodesOfNetwork'] : []);
  return outcome;
}

/** A code was used: its network gets back what was counted for it. */
async function giveBackOf(
  { db, limiter }: SignInDeps,
  network: string,
  more: readonly LimitName[] = [],
): Promise<void> {
  const names = ['codesOfNetwork', 'codesOfNetworkDay', ...more] as const;
  await retryRead(async () => {
    for (const name of names) await limiter.giveBack(db, name, network);
  });
}

/** What the page of a link says before it signs in. */
export interface ShownLink {
  /** The address, as far as its owner recognises it. */
  readonly maskedEmail: string;
  /** Whether this is the browser that asked for the mail. */
  readonly isSameBrowser: boolean;
}

/** Whose account a link opens. Refuses: sign_in_ended. */
export async function viewLink(
  { db, secret }: SignInDeps,
  link: string,
  browserId: string | undefined,
): Promise<ShownLink> {
  const found = await retryRead(() => db.maybe(sql.findLink, keyed(secret, link)));
  if (found === undefined) throw new DomainError('sign_in_ended', {});
  const { email, browser_hash: expected } = found;
  const isSameBrowser =
    browserId !== undefined && expected !== null && tokenHash(browserId).equals(expected);
  return { maskedEmail: maskedEmail(email), isSameBrowser };
}

/** Signs in with the link of a mail, which works once. Refuses: sign_in_ended. */
export async function signInWithLink(
  parts: SignInDeps,
  link: string,
  browser: Browser,
): Promise<SignInResult> {
  const entered = await runInTransaction(parts.db, async (tx) => {
    const found = await tx.maybe(sql.useLink, keyed(parts.secret, link));
    if (found === undefined) throw new DomainError('sign_in_ended', {});
    return await enter(tx, parts, found.email, 'link', browser);
  });
  await giveBackOf(parts, browser.origin.network);
  return entered;
}

/** An address that its owner recognises and nobody else can write to: `s•••h@example.org`. */
export function maskedEmail(email: string): string {
  const at = email.lastIndexOf('@');
  const name = email.slice(0, at);
  const last = name.length > 3 ? name.slice(-1) : '';
  return `${name.slice(0, 1)}•••${last}${email.slice(at)}`;
}

/** Gives whoever holds a valid access token of the project's identity service a session. */
export async function signInWithToken(
  parts: SignInDeps,
  claims: Claims,
  browser: Browser,
): Promise<SignInResult> {
  return await runInTransaction(parts.db, async (tx) => {
    await tx.one(sql.startProfile, claims.userId, noName, browser.language, null);
    // A token that does not say when its user proved themselves proves nothing recent.
    const provenAt = claims.provenAt ?? 0;
    const shown = { ...claims, provenAt, hours: tokenSessionHours, method: 'token' } as const;
    return { ...(await letIn(tx, shown, browser)), isNew: false };
  });
}

async function enter(
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
  const shown = { ...claims, hours: sessionHours, method };
  return { ...(await letIn(tx, shown, browser)), isNew: is_new };
}

/** What somebody has shown of who they are. */
interface Shown extends Claims {
  readonly hours: number;
  readonly method: AccessMethod;
}

/** Starts a session; where the account has a second factor that was not shown, half of one. */
async function letIn(tx: Tx, shown: Shown, browser: Browser): Promise<Omit<SignInResult, 'isNew'>> {
  const { userId, roles, secondFactor, hours, method } = shown;
  const provenAt = shown.provenAt === undefined ? undefined : new Date(shown.provenAt * 1_000);
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

/** Whether somebody came half in with this token, and may still show the rest. */
export async function awaitsFactor(db: Queryable, token: string | undefined): Promise<boolean> {
  if (token === undefined) return false;
  return (await db.maybe(factors.findHalfSignIn, tokenHash(token))) !== undefined;
}

/**
 * The second half of signing in: a code of the app, or a recovery code. Each try is counted before
 * it is looked at, of this half and of the account. Refuses: second_factor_wrong, sign_in_ended,
 * rate_limited.
 */
export async function signInWithFactor(
  parts: SignInDeps,
  { token, code }: { readonly token: string; readonly code: string },
): Promise<SignInResult> {
  const hashed = tokenHash(token);
  const half = await retryRead(() => parts.db.maybe(factors.findHalfSignIn, hashed));
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
  // Thrown only now: thrown inside, the attempt would be rolled back with it.
  if (outcome instanceof DomainError) throw outcome;
  return outcome;
}

/** Counts a try of an account's second factor, whoever makes it. Refuses: rate_limited. */
export async function countFactorTry({ db, limiter }: SignInDeps, userId: string): Promise<void> {
  await runInTransaction(db, async (tx) => {
    await limiter.spend(tx, 'factorTries', userId);
    await limiter.spend(tx, 'factorTriesDay', userId);
  });
}

/** What somebody is called whose address suggests no name. */
export const noName = 'Pembeli';

/** A first name to be called by, until the person says another: `siti.aminah@…` is Siti Aminah. */
export function nameFrom(email: string): string {
  const [local = ''] = email.split(/[@+]/);
  const words = local.split(/[^\p{L}]+/u).filter((word) => word !== '');
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(' ');
  return name === '' ? noName : name.slice(0, 80);
}
