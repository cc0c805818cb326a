import { createHmac, hkdfSync, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Database } from '../database/pool.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, type Language } from '../errors.ts';
import { newId } from '../identity/ids.ts';
import type { Claims } from '../identity/tokens.ts';
import { sendOrRefuse, type Mailer } from '../mailer.ts';
import { consult, operate } from '../operation.ts';
import { forgetOldAccess } from './access-queries.ts';
import { recordAccess, type AccessEvent, type AccessMethod } from './access.ts';
import { plainCode } from './factor-codes.ts';
import * as factors from './factor-queries.ts';
import { signInMail } from './mail.ts';
import { findAccountByEmail } from './queries.ts';
import * as sql from './session-queries.ts';
import { hasFactor, takeFactorCode, type FactorParts } from './second-factor.ts';
import {
  endSession,
  newToken,
  sessionHours,
  startSession,
  storedDevice,
  tokenHash,
  tokenSessionHours,
} from './sessions.ts';

/** How long a code and its link live, and how often a code may be tried. */
export const codeMinutes = 15;
export const codeAttempts = 5;
/** How long somebody who came half in may take for the second factor; its tries are as many. */
export const halfSignInMinutes = 15;

/** Codes that may be asked for, and codes that may be tried: [how many, in how many seconds]. */
export const limits = {
  // Of an e-mail address from one network: nobody can keep others from signing in by asking for them.
  emailQuarter: [5, 900],
  emailDay: [12, 86_400],
  // From all networks 60 codes of 5 attempts a day: one guess in 9 years finds one of six digits.
  emailDayInAll: [60, 86_400],
  networkQuarter: [30, 900],
  triesOfNetwork: [60, 900],
  // Three of a million codes are good at a time: one guess in 9 years finds one.
  factorQuarter: [20, 900],
  factorDay: [100, 86_400],
} as const satisfies Record<string, readonly [number, number]>;

/** With each code that is asked for, so many people's oldest rows go. */
const tidiedAtOnce = 50;

/** What signing in needs of the application. */
export interface SignInParts extends FactorParts {
  readonly db: Database;
  readonly mailer: Mailer;
  /** Keys the hashes of codes: six digits alone would be found from their hash in a second. */
  readonly secret: Buffer;
}

/** The key that signs sign-in codes, derived from the secret key. */
export function codeSecret(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan sign-in codes', 32));
}

export interface CodeWish {
  readonly email: string;
  readonly language: Language;
  /** Where the request comes from: an IPv4 address, or the network of an IPv6 one. */
  readonly network: string;
  /** What the browser calls itself. */
  readonly device: string;
  /**
   * The link in the mail, for its secret. Undefined where nobody configured the site's address: a
   * stranger's Host header could make the mail point to the stranger's own site.
   */
  readonly link: ((secret: string) => string) | undefined;
}

/**
 * Sends a code and a link to an e-mail address, whether or not anybody has an account with it, and
 * gives the id to hand in the code with. Refuses: validation_failed, rate_limited,
 * mail_unavailable.
 */
export async function requestCode(parts: SignInParts, wish: CodeWish): Promise<string> {
  const { db, secret } = parts;
  const email = normalEmail(wish.email);
  const signInId = newId();
  const code = newCode();
  const link = randomBytes(32).toString('base64url');
  await countCode(parts, email, wish.network);
  await operate(db, async (tx) => {
    await tx.rows(sql.tidySignIns);
    await tx.rows(factors.tidyHalfSignIns);
    await tx.rows(forgetOldAccess, tidiedAtOnce);
    const codeHash = keyed(secret, `${signInId} ${code}`);
    await tx.rows(sql.insertSignIn, signInId, email, codeHash, keyed(secret, link), codeMinutes);
    await recordOf(tx, email, 'code_requested', wish.device);
  });
  const mail = signInMail({ code, link: wish.link?.(link), language: wish.language });
  await sendOrRefuse(parts.mailer, { to: email, ...mail });
  return signInId;
}

/** Counts a code that is asked for, for its address, for where it is asked from, and for both. */
export async function countCode(parts: SignInParts, email: string, network: string): Promise<void> {
  await count(parts, `address ${network}`, limits.networkQuarter);
  await count(parts, `email ${email} from ${network}`, limits.emailQuarter);
  await count(parts, `email a day ${email} from ${network}`, limits.emailDay);
  await count(parts, `email a day ${email}`, limits.emailDayInAll);
}

/** A new code of six digits. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** The browser that signs in. */
export interface Browser {
  readonly language: Language;
  readonly network: string;
  readonly device: string;
  /** The token of the session that it has already. */
  readonly before: string | undefined;
}

/** Somebody has signed in, or half of it. */
export interface Entered {
  /** The session's token; where the second factor is awaited, one that is good for that alone. */
  readonly token: string;
  /** How long the browser keeps it. */
  readonly hours: number;
  readonly awaitsFactor: boolean;
  /** For the first time: they have the name that their address suggests. */
  readonly isNew: boolean;
}

/**
 * Signs in with the code of a mail. Each try is counted before it
 * is looked at, so that many at once are no more than many in turn. Refuses: sign_in_code_wrong,
 * sign_in_ended, rate_limited.
 */
export async function signInWithCode(
  parts: SignInParts,
  given: { readonly signInId: string; readonly code: string },
  browser: Browser,
): Promise<Entered> {
  await count(parts, `tries ${browser.network}`, limits.triesOfNetwork);
  const code = plainCode(given.code);
  const outcome = await operate(parts.db, async (tx) => {
    const found = await tx.maybe(sql.spendAttempt, given.signInId, codeAttempts);
    if (found === undefined) return new DomainError('sign_in_ended', {});
    const hashed = keyed(parts.secret, `${given.signInId} ${code}`);
    if (!timingSafeEqual(found.code_hash, hashed)) {
      const remaining = codeAttempts - found.attempts;
      const event = remaining > 0 ? 'code_failed' : 'codes_exhausted';
      await recordOf(tx, found.email, event, browser.device);
      return new DomainError('sign_in_code_wrong', { remaining });
    }
    await tx.rows(sql.useSignIn, given.signInId);
    return await enter(tx, found.email, 'code', browser);
  });
  // Thrown only now: thrown inside, the attempt would be rolled back with it.
  if (outcome instanceof DomainError) throw outcome;
  return outcome;
}

/** Signs in with the link of a mail, which works once. Refuses: sign_in_ended, rate_limited. */
export async function signInWithLink(
  parts: SignInParts,
  link: string,
  browser: Browser,
): Promise<Entered> {
  await count(parts, `tries ${browser.network}`, limits.triesOfNetwork);
  return await operate(parts.db, async (tx) => {
    const found = await tx.maybe(sql.useLink, keyed(parts.secret, link));
    if (found === undefined) throw new DomainError('sign_in_ended', {});
    return await enter(tx, found.email, 'link', browser);
  });
}

/** Gives whoever holds a valid access token of the project's identity service a session. */
export async function signInWithToken(
  parts: SignInParts,
  claims: Claims,
  browser: Browser,
): Promise<Entered> {
  return await operate(parts.db, async (tx) => {
    await tx.one(sql.startProfile, claims.userId, noName, browser.language, null);
    const shown = { ...claims, hours: tokenSessionHours, method: 'token' } as const;
    return { ...(await letIn(tx, shown, browser)), isNew: false };
  });
}

async function enter(
  tx: Tx,
  email: string,
  method: AccessMethod,
  browser: Browser,
): Promise<Entered> {
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
async function letIn(tx: Tx, shown: Shown, browser: Browser): Promise<Omit<Entered, 'isNew'>> {
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
  parts: SignInParts,
  { token, code }: { readonly token: string; readonly code: string },
  network: string,
): Promise<Entered> {
  await count(parts, `tries ${network}`, limits.triesOfNetwork);
  const hashed = tokenHash(token);
  const half = await consult(() => parts.db.maybe(factors.findHalfSignIn, hashed));
  if (half === undefined) throw new DomainError('sign_in_ended', {});
  await countFactorTry(parts, half.user_id);
  const outcome = await operate(parts.db, async (tx) => {
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
export async function countFactorTry(parts: SignInParts, userId: string): Promise<void> {
  await count(parts, `factor ${userId}`, limits.factorQuarter);
  await count(parts, `factor a day ${userId}`, limits.factorDay);
}

/** Whoever has no account yet has no access log: it begins with their first sign-in. */
async function recordOf(tx: Tx, email: string, event: AccessEvent, device: string): Promise<void> {
  const account = await tx.maybe(findAccountByEmail, email);
  if (account === undefined) return;
  await recordAccess(tx, { userId: account.user_id, event, method: 'code', device });
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

function normalEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (email.length <= 254 && /^[^\s@<>"(),:;\\[\]]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(email)) {
    return email;
  }
  throw invalidField('email', {
    id: 'Alamat e-mail ini belum benar. Contoh: nama@gmail.com',
    en: 'This is no e-mail address yet. For example: name@gmail.com',
  });
}

/** Counts something that may be done so many times in so many seconds. Refuses: rate_limited. */
export async function count(
  { db, secret }: SignInParts,
  what: string,
  [most, seconds]: readonly [number, number],
): Promise<void> {
  const key = keyed(secret, what).toString('base64url');
  const row = await operate(db, (tx) => tx.one(sql.countSignInAttempt, key, seconds));
  if (row.attempts <= most) return;
  throw new DomainError('rate_limited', { retry_after_seconds: Math.max(1, row.wait_seconds) });
}

/** A code's hash, which nobody finds a code from without the secret. */
export function keyed(secret: Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}
