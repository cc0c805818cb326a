import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import type { LimitName } from '../../config/limits.ts';
import type { RateLimiter } from '../../overload/rate-limiter.ts';
import { keyedHash } from '../keyed-hash.ts';
import * as sql from '../session-queries.ts';

/**
 * After a sign-in, the browser and the network count as known to the account for this many days.
 */
const knownDays = 180;

/** Where a request comes from. */
export interface Origin {
  /** The random id in the browser's cookie. */
  readonly browserId: string;
  /** The network: an IPv4 address, or the /64 prefix of an IPv6 address. */
  readonly network: string;
}

/**
 * How an account knows the origin of a request: the browser is known, only the network is known, or
 * neither (a stranger). Each of the three levels has separate rate limits.
 */
export type Standing = 'browser' | 'network' | 'stranger';

/**
 * Returns whether the browser or the network of a request is known to the account with this e-mail
 * address.
 */
export async function standingOf(
  db: Queryable,
  secret: Buffer,
  email: string,
  origin: Origin,
): Promise<Standing> {
  const keys = keysOf(secret, email, origin);
  const known = await db.rows(sql.findKnownOrigins, Object.values(keys));
  const has = (wanted: string) => known.some(({ key }) => key === wanted);
  return has(keys.browser) ? 'browser' : has(keys.network) ? 'network' : 'stranger';
}

/**
 * Stores the browser and network of a successful sign-in, so that they count as known to this
 * account.
 */
export async function rememberOrigin(
  tx: Tx,
  secret: Buffer,
  email: string,
  origin: Origin,
): Promise<void> {
  await tx.rows(sql.rememberOrigins, Object.values(keysOf(secret, email, origin)), knownDays);
}

function keysOf(secret: Buffer, email: string, { browserId, network }: Origin) {
  return {
    browser: keyedHash(secret, `known browser ${email} ${browserId}`).toString('base64url'),
    network: keyedHash(secret, `known network ${email} ${network}`).toString('base64url'),
  };
}

/** The name of a limit, and the subject whose count was increased. */
export type Counted = readonly [name: LimitName, subject: string];

/**
 * Counts an e-mail with a code and returns the increased counts. Returns undefined when no further
 * e-mail may be sent to the address now. Unknown browsers and networks may request a few e-mails a
 * day without a pause, and after that one e-mail per 25 minutes. A code is valid for 30 minutes. So
 * the owner of the mailbox always has a valid code, even if many strangers request codes.
 */
export async function takeMailOfAddress(
  tx: Tx,
  limiter: RateLimiter,
  standing: Standing,
  { email, browserId, network }: Origin & { readonly email: string },
): Promise<readonly Counted[] | undefined> {
  const all = async (counted: readonly Counted[]): Promise<readonly Counted[] | undefined> => {
    for (const [name, subject] of counted) {
      if (!(await limiter.take(tx, name, subject))) return undefined;
    }
    return counted;
  };
  if (standing === 'browser') {
    const subject = `${email} ${browserId}`;
    return await all([
      ['codesOfAddressFromKnownBrowser', subject],
      ['codesOfAddressFromKnownBrowserDay', subject],
    ]);
  }
  const fromNetwork = await all([
    ['codesOfAddressFromNetwork', `${email} ${network}`],
    ['codesOfAddressFromNetworkDay', `${email} ${network}`],
  ]);
  if (fromNetwork === undefined) return undefined;
  const ofAddress =
    standing === 'network'
      ? await all([['codesOfAddressFromKnownNetworks', email]])
      : ((await all([['codesOfAddressFromStrangers', email]])) ??
        (await all([['codesOfAddressFromStrangersPaced', email]])));
  return ofAddress && [...fromNetwork, ...ofAddress];
}

/** Returns the limit that counts a wrong code, and its subject. */
export function wrongCodeLimit(
  standing: Standing,
  { email, browserId }: Origin & { readonly email: string },
): Counted {
  switch (standing) {
    case 'browser':
      return ['wrongCodesOfAddressFromKnownBrowser', `${email} ${browserId}`];
    case 'network':
      return ['wrongCodesOfAddressFromKnownNetworks', email];
    case 'stranger':
      return ['wrongCodesOfAddressFromStrangers', email];
    default:
      return standing satisfies never;
  }
}
