import { DomainError } from '../../errors/errors.ts';
import { runInTransaction } from '../../operation/run.ts';
import { keyedHash } from '../keyed-hash.ts';
import * as sql from '../session-queries.ts';
import { tokenHash } from '../sessions.ts';
import {
  type SignInDeps,
  type Browser,
  type SignInResult,
  refundNetwork,
  enter,
} from './sign-in.ts';

/** The data that is shown on the page of a sign-in link, before the user signs in. */
export interface ShownLink {
  /** The masked e-mail address, which only its owner recognises. */
  readonly maskedEmail: string;
  /** True when this browser requested the e-mail. */
  readonly isSameBrowser: boolean;
}

/** Returns the data of a link's page without using the link. Refuses: sign_in_ended. */
export async function viewLink(
  { db, secret }: SignInDeps,
  link: string,
  browserId: string | undefined,
): Promise<ShownLink> {
  const found = await db.maybe(sql.findLink, keyedHash(secret, link));
  if (found === undefined) throw new DomainError('sign_in_ended', {});
  const { email, browser_hash: expected } = found;
  const isSameBrowser =
    browserId !== undefined && expected !== null && tokenHash(browserId).equals(expected);
  return { maskedEmail: maskedEmail(email), isSameBrowser };
}

/** Signs in with the link in an e-mail. A link works only once. Refuses: sign_in_ended. */
export async function signInWithLink(
  parts: SignInDeps,
  link: string,
  browser: Browser,
): Promise<SignInResult> {
  const entered = await runInTransaction(parts.db, async (tx) => {
    const found = await tx.maybe(sql.useLink, keyedHash(parts.secret, link));
    if (found === undefined) throw new DomainError('sign_in_ended', {});
    return await enter(tx, parts, found.email, 'link', browser);
  });
  await refundNetwork(parts, browser.origin.network);
  return entered;
}

/**
 * Returns an e-mail address in which most letters before the @ are masked: `s•••h@example.org`. The
 * owner recognises the address, but another person cannot use it.
 */
export function maskedEmail(email: string): string {
  const at = email.lastIndexOf('@');
  const name = email.slice(0, at);
  const last = name.length > 3 ? name.slice(-1) : '';
  return `${name.slice(0, 1)}•••${last}${email.slice(at)}`;
}
