/** One cookie that the site sets. The table in docs/security.md has one row for each of them. */
export interface Cookie {
  /**
   * The name without prefix. Over https the prefix `__Host-` is added, unless the cookie is public.
   */
  readonly name: string;
  readonly holds: string;
  readonly lasts: string;
  /** True if scripts of the page may read the cookie, and if http and https use the same cookie. */
  readonly isPublic?: boolean;
}

/** All cookies that the service sets. A test compares them with the table in docs/security.md. */
export const cookies = {
  session: {
    name: 'sambatan',
    holds:
      'the session token, 256 random bits; during a sign-in with two factors, the token of the MFA challenge',
    lasts: 'as long as the session; deleted at sign-out',
  },
  browser: {
    name: 'sambatan-browser',
    holds:
      'a random id, by which accounts recognise a browser that signed in to them ([limits](#limits))',
    lasts: 'a year',
  },
  form: {
    name: 'sambatan-formulir',
    holds:
      'the input of a form that was sent while signed out, encrypted with AES-256-GCM; no codes, no files',
    lasts: 'half an hour; deleted when the form is sent',
  },
  account: {
    name: 'sambatan-akun',
    holds:
      'a keyed hash of the last account in this browser, so that no other account sees a saved form',
    lasts: 'a year',
  },
  waitingPlace: {
    name: 'sambatan-antre',
    holds:
      'the time at which the visitor was first rejected during overload, and a random number, signed',
    lasts: 'two minutes after the last rejection',
  },
  theme: { name: 'theme', holds: '`light` or `dark`', lasts: 'a year', isPublic: true },
} as const satisfies Readonly<Record<string, Cookie>>;

/**
 * Returns the name of a cookie for http or https. Browsers accept the prefix `__Host-` only over
 * https. They then accept the cookie only from this host, for all its paths.
 */
export function cookieName({ name }: Cookie, isSecure: boolean): string {
  return isSecure ? `__Host-${name}` : name;
}
