import { timingSafeEqual } from 'node:crypto';
import { DomainError } from '../errors/errors.ts';
import type { Actor } from './actor.ts';
import { KeySetUnavailable, tokenVerifier } from './tokens.ts';
import type { Claims, TokenRules } from './tokens.ts';

/**
 * Returns the caller of a request, from its `Authorization` header and its IP address. Without the
 * header, the caller is a visitor. Returns the caller at once if no token has to be verified for the
 * first time; otherwise a promise. The promise rejects with `unauthenticated` for an invalid header,
 * and with `identity_unavailable` when the keys for checking users' tokens cannot be fetched. With
 * `asBuyer`, the function does not look up in the database whether the user is an operator. A
 * request to buy does not need this information, because operators may buy too.
 */
export type Authenticator = (
  authorization: string | undefined,
  address: string,
  asBuyer?: boolean,
) => Actor | Promise<Actor>;

export interface IdentityRules extends TokenRules {
  readonly serviceKey: string;
  /** Number of minutes for which an authentication counts as recent. */
  readonly reauthMinutes: number;
  /** Accept users whom Supabase created without an e-mail address or password (anonymous users). */
  readonly allowAnonymousUsers: boolean;
}

const operatorRole = 'operator';

/** Creates the authenticator. `now` returns the time in milliseconds since 1970. */
export function authenticator(rules: IdentityRules, now: () => number = Date.now): Authenticator {
  const isServiceKey = secretComparison(rules.serviceKey);
  const verify = tokenVerifier(rules, now);

  const identify = (claims: Claims | undefined, address: string): Actor => {
    if (!claims) throw new DomainError('unauthenticated', {});
    if (claims.isAnonymous && !rules.allowAnonymousUsers) {
      return { kind: 'visitor', address, isAnonymousUser: true };
    }
    const kind = claims.roles.includes(operatorRole) ? 'operator' : 'user';
    const { userId, roles, secondFactor, provenAt, email } = claims;
    const oldest = now() / 1_000 - rules.reauthMinutes * 60;
    // When the token does not contain the time of authentication, the authentication counts as too
    // old.
    const proofIsOld = provenAt === undefined || provenAt < oldest;
    const proved = {
      secondFactor,
      provenAt,
      proofIsOld,
      ...(email === undefined ? {} : { email }),
    };
    return { kind, userId, roles, ...proved, address };
  };
  const identifyNew = async (
    pending: Promise<Claims | undefined>,
    address: string,
  ): Promise<Actor> => {
    const claims = await pending.catch((error: unknown) => {
      if (error instanceof KeySetUnavailable) throw unavailable(error);
      throw error;
    });
    return identify(claims, address);
  };

  return (authorization, address) => {
    if (authorization === undefined) return { kind: 'visitor', address };
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    if (token === undefined) return Promise.reject(new DomainError('unauthenticated', {}));
    if (isServiceKey(token)) return { kind: 'service', address };
    const claims = verify(token);
    if (claims === undefined) return Promise.reject(new DomainError('unauthenticated', {}));
    return claims instanceof Promise ? identifyNew(claims, address) : identify(claims, address);
  };
}

function unavailable(cause: KeySetUnavailable): DomainError {
  const error = new DomainError('identity_unavailable', {});
  error.cause = cause;
  return error;
}

/**
 * Returns a function that compares a token with the secret. For all tokens of the same length, the
 * comparison takes the same time. The length of the secret is not secret.
 */
function secretComparison(secret: string): (given: string) => boolean {
  const expected = Buffer.from(secret);
  return (given) =>
    given.length === expected.length && timingSafeEqual(Buffer.from(given, 'latin1'), expected);
}
