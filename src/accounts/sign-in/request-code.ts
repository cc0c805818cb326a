import type { Language } from '../../i18n/language.ts';
import { wording } from '../../i18n/messages.ts';
import { randomBytes, randomInt } from 'node:crypto';
import { invalidField } from '../../errors/errors.ts';
import type { Tx } from '../../database/transaction.ts';
import { newId } from '../../identity/ids.ts';
import { sendOrRefuse } from '../../mail/mailer.ts';
import { runInTransaction } from '../../operation/run.ts';
import { forgetOldAccess } from '../access-queries.ts';
import { recordByEmail } from '../access.ts';
import * as factors from '../mfa/queries.ts';
import { keyedHash } from '../keyed-hash.ts';
import { signInEmail } from './mail.ts';
import {
  standingOf,
  takeMailOfAddress,
  type Counted,
  type Origin,
  type Standing,
} from './origins.ts';
import * as sql from '../session-queries.ts';
import { tokenHash } from '../sessions.ts';
import type { SignInDeps } from './sign-in.ts';

/** Lifetime of a code and its link, in minutes. */
export const codeMinutes = 30;
/**
 * If no further e-mail may be sent, an earlier code is used instead. It must be valid for at least
 * this many more minutes.
 */
const usableMinutes = 2;
/** Each code request deletes the expired access-log rows of at most this many people. */
const cleanupBatchSize = 50;

export interface CodeInput {
  readonly email: string;
  readonly language: Language;
  readonly origin: Origin;
  /** The `User-Agent` header. */
  readonly device: string;
  /**
   * Builds the link in the e-mail from the link's secret. Undefined if the public address of the
   * site is not configured; the e-mail then has no link. The Host header of the request is not
   * used, because a stranger could set it so that the link leads to another site.
   */
  readonly link: ((secret: string) => string) | undefined;
}

/**
 * Starts a sign-in for an e-mail address, with or without an account. Mails a code and a link.
 * Returns the id of the sign-in, which is needed to enter the code. When the e-mail address has
 * reached its limit, no e-mail is sent, and an earlier code is accepted for the returned id.
 * Refuses: validation_failed, rate_limited, mail_budget_spent, mail_unavailable.
 */
export async function requestCode(parts: SignInDeps, input: CodeInput): Promise<string> {
  const { db, secret, limiter, budget } = parts;
  const email = normalEmail(input.email);
  const signInId = newId();
  const code = newCode();
  const link = randomBytes(32).toString('base64url');
  const standing = await standingOf(db, secret, email, input.origin);
  if (standing !== 'browser') await countNetwork(parts, input.origin.network);
  const counted = await runInTransaction(db, async (tx) => {
    await deleteExpired(tx);
    const decided = await decideMail(tx, parts, standing, { email, ...input.origin });
    await tx.rows(
      sql.insertSignIn,
      signInId,
      email,
      keyedHash(secret, `${signInId} ${code}`),
      keyedHash(secret, link),
      codeMinutes,
      tokenHash(input.origin.browserId),
      decided.counted !== undefined,
    );
    if (decided.counted === undefined) return undefined;
    await recordByEmail(tx, email, 'code_requested', input.device);
    await budget.spend(tx, decided.isKnown ? 'known' : 'stranger');
    return decided.counted;
  });
  if (counted === undefined) return signInId;
  const mail = signInEmail({ code, link: input.link?.(link), language: input.language });
  try {
    await sendOrRefuse(parts.mailer, { to: email, ...mail });
  } catch (error) {
    await runInTransaction(db, async (tx) => {
      for (const [name, subject] of counted) await limiter.giveBack(tx, name, subject);
      await tx.rows(sql.unmailSignIn, signInId);
      await budget.giveBack(tx);
    });
    throw error;
  }
  return signInId;
}

/**
 * Decides whether to send an e-mail, and counts it. The result has no `counted` when no e-mail may
 * be sent and an earlier code is still valid. Throws `rate_limited` when no earlier code is valid.
 */
async function decideMail(
  tx: Tx,
  { limiter }: SignInDeps,
  standing: Standing,
  origin: Origin & { readonly email: string },
): Promise<{ counted?: readonly Counted[]; isKnown: boolean }> {
  const { email } = origin;
  const isKnown = standing !== 'stranger';
  const counted = await takeMailOfAddress(tx, limiter, standing, origin);
  if (counted !== undefined) return { counted, isKnown };
  const { has_code: hasCode } = await tx.one(sql.hasMailedCode, email, usableMinutes);
  if (hasCode) return { isKnown };
  throw standing === 'browser'
    ? await limiter.refusal(tx, 'codesOfAddressFromKnownBrowser', `${email} ${origin.browserId}`)
    : await limiter.refusal(tx, 'codesOfAddressFromNetwork', `${email} ${origin.network}`);
}

/**
 * Counts a code request of a network; throws `rate_limited` when the network has reached its limit.
 */
async function countNetwork({ db, limiter }: SignInDeps, network: string): Promise<void> {
  await limiter.spend(db, 'codesOfNetwork', network);
  await limiter.spend(db, 'codesOfNetworkDay', network);
}

/** Deletes a limited number of expired rows. */
async function deleteExpired(tx: Tx): Promise<void> {
  await tx.rows(sql.tidySignIns);
  await tx.rows(factors.tidyHalfSignIns);
  await tx.rows(forgetOldAccess, cleanupBatchSize);
}

/** Returns a new six-digit code. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

function normalEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (email.length <= 254 && /^[^\s@<>"(),:;\\[\]]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(email)) {
    return email;
  }
  throw invalidField('email', wording('errors.field.emailAddress'));
}
