import { hash, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../errors/errors.ts';
import type { Actor } from './actor.ts';
import { KeySetUnavailable, tokenVerifier } from './tokens.ts';
import type { TokenRules } from './tokens.ts';

/**
 * Returns the caller of a request, from its `Authorization` header and its IP address. Without the
 * header, the caller is a visitor. Throws `unauthenticated` for an invalid header, and
 * `identity_unavailable` when the keys for checking users' tokens cannot be fetched. With
 * `asBuyer`, the function does not look up in the database whether the user is an operator. A
 * request to buy does not need this information, because operators may buy too.
 */
export type Authenticator = (
  authorization: string | undefined,
  address: string,
  asBuyer?: boolean,
) => Promise<Actor>;

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

  return async (authorization, address) => {
    if (authorization === undefined) return { kind: 'visitor', address };
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    if (token === undefined) throw new DomainError('unauthenticated', {});
    if (isServiceKey(token)) return { kind: 'service', address };
    const claims = await verify(token).catch((error: unknown) => {
      if (error instanceof KeySetUnavailable) throw unavailable(error);
      throw error;
    });
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
}

function unavailable(cause: KeySetUnavailable): DomainError {
  const error = new DomainError('identity_unavailable', {});
  error.cause = cause;
  return error;
}

/**
 * Returns a function that compares a text with the secret. It hashes both first, so that the
 * comparison takes the same time for every text.
 */
function secretComparison(secret: string): (given: string) => boolean {
  const expected = sha256(secret);
  return (given) => timingSafeEqual(sha256(given), expected);
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
