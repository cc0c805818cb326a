import { randomBytes, randomInt } from 'node:crypto';
import { invalidField, type Language } from '../../errors/errors.ts';
import type { Tx } from '../../database/transaction.ts';
import { newId } from '../../identity/ids.ts';
import { sendOrRefuse } from '../../mail/mailer.ts';
import { retryRead, runInTransaction } from '../../operation/run.ts';
import { forgetOldAccess } from '../access-queries.ts';
import { recordByEmail } from '../access.ts';
import * as factors from '../mfa/queries.ts';
import { keyed } from '../keyed-hash.ts';
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

/** How long a code and its link live. */
export const codeMinutes = 30;
/** A code that was mailed before is pointed to while it is good for at least this long. */
const usableMinutes = 2;
/** With each code that is asked for, so many people's oldest rows go. */
const tidiedAtOnce = 50;

export interface CodeInput {
  readonly email: string;
  readonly language: Language;
  readonly origin: Origin;
  /** What the browser calls itself. */
  readonly device: string;
  /**
   * The link in the mail, for its secret. Undefined where nobody configured the site's address: a
   * stranger's Host header could make the mail point to the stranger's own site.
   */
  readonly link: ((secret: string) => string) | undefined;
}

/**
 * Begins a sign-in for an e-mail address, whether or not anybody has an account with it, and gives
 * the id to hand in the code with. Mails a code and a link, unless the address has had as many mails
 * as it may: then a code that was mailed before works with this id. Refuses: validation_failed,
 * rate_limited, mail_budget_spent, mail_unavailable.
 */
export async function requestCode(parts: SignInDeps, input: CodeInput): Promise<string> {
  const { db, secret, limiter, budget } = parts;
  const email = normalEmail(input.email);
  const signInId = newId();
  const code = newCode();
  const link = randomBytes(32).toString('base64url');
  const standing = await retryRead(() => standingOf(db, secret, email, input.origin));
  if (standing !== 'browser') await countNetwork(parts, input.origin.network);
  const counted = await runInTransaction(db, async (tx) => {
    await tidy(tx);
    const decided = await decideMail(tx, parts, standing, { email, ...input.origin });
    await tx.rows(
      sql.insertSignIn,
      signInId,
      email,
      keyed(secret, `${signInId} ${code}`),
      keyed(secret, link),
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
 * Counts the mail that is to go out. Without `counted` none does, because a mailed code is still
 * good; throws `rate_limited` when there is no such code either.
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

/** Counts a code that a network asks for. Throws `rate_limited`. */
async function countNetwork({ db, limiter }: SignInDeps, network: string): Promise<void> {
  await retryRead(async () => {
    await limiter.spend(db, 'codesOfNetwork', network);
    await limiter.spend(db, 'codesOfNetworkDay', network);
  });
}

/** Deletes expired rows in small batches. */
async function tidy(tx: Tx): Promise<void> {
  await tx.rows(sql.tidySignIns);
  await tx.rows(factors.tidyHalfSignIns);
  await tx.rows(forgetOldAccess, tidiedAtOnce);
}

/** A new code of six digits. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
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
