import { hash, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../errors/errors.ts';
import type { Actor } from './actor.ts';
import { KeySetUnavailable, tokenVerifier } from './tokens.ts';
import type { TokenRules } from './tokens.ts';

/**
 * Tells who sends a request from its `Authorization` header and its address. No header: a visitor.
 * Throws `unauthenticated` for a header that does not hold, `identity_unavailable` when the keys
 * of users' tokens cannot be fetched now. `asBuyer`: the caller is wanted as the buyer that every
 * operator is too, so that no database has to be asked who is one.
 */
export type Authenticator = (
  authorization: string | undefined,
  address: string,
  asBuyer?: boolean,
) => Promise<Actor>;

export interface IdentityRules extends TokenRules {
  readonly serviceKey: string;
  /** For so long a proof of identity is good for what is sensitive. */
  readonly reauthMinutes: number;
  /** Whether users without any address or password (Supabase's anonymous ones) are users here. */
  readonly allowAnonymousUsers: boolean;
}

const operatorRole = 'operator';

/** Builds the one check of callers. `now` gives milliseconds since the epoch. */
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
    // A token that does not say when proves nothing recent.
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

/** Compares in a time that tells nothing of the secret: both sides are hashed first. */
function secretComparison(secret: string): (given: string) => boolean {
  const expected = sha256(secret);
  return (given) => timingSafeEqual(sha256(given), expected);
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
