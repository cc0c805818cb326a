/** The caller of a request. `address` is the IP address after trusted proxies. */
export type Actor =
  | {
      readonly kind: 'visitor';
      readonly address: string;
      /** The token of an anonymous user, which has no account here. */
      readonly isAnonymousUser?: true;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly address: string;
      /** From `app_metadata`, which users cannot edit. */
      readonly roles: readonly string[];
      /** True after a second factor; unset for users who do not need one. */
      readonly secondFactor?: boolean;
      /** When the token's user last authenticated, in seconds since 1970, if the token says so. */
      readonly provenAt?: number | undefined;
      /** The last authentication is too old for sensitive actions. */
      readonly proofIsOld?: boolean;
      /** An e-mail address from the token or the session. */
      readonly email?: string;
      /** An operator who has not passed the required second factor. */
      readonly lacksFactor?: true;
    }
  | {
      readonly kind: 'operator';
      readonly userId: string;
      readonly address: string;
      readonly roles: readonly string[];
      readonly secondFactor?: boolean;
      readonly provenAt?: number | undefined;
      readonly proofIsOld?: boolean;
      /** An e-mail address from the token or the session. */
      readonly email?: string;
    }
  | { readonly kind: 'service'; readonly address: string };

export type SignedIn = Exclude<Actor, { kind: 'visitor' }>;
export type Visitor = Extract<Actor, { kind: 'visitor' }>;

/** Where operators need a second factor, returns an operator without one as a plain user. */
export function withFactorNeeded<A extends Actor>(actor: A, isNeeded: boolean): A | UserActor {
  if (!isNeeded || actor.kind !== 'operator' || actor.secondFactor === true) return actor;
  return { ...actor, kind: 'user', lacksFactor: true };
}

type UserActor = Extract<Actor, { kind: 'user' }>;

/** The actor of automatic events in the audit log. */
export const systemActor = 'system';

/** Returns the caller's name in the audit log: `user:<uuid>`, `operator:<uuid>` or `service`. */
export function actorLabel(actor: SignedIn): string {
  switch (actor.kind) {
    case 'user':
      return `user:${actor.userId}`;
    case 'operator':
      return `operator:${actor.userId}`;
    case 'service':
      return 'service';
    default:
      return actor satisfies never;
  }
}
