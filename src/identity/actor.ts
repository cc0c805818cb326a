/**
 * The caller of a request. `address` is the IP address of the caller, not of a trusted proxy
 * through which the request came.
 */
export type Actor =
  | {
      readonly kind: 'visitor';
      readonly address: string;
      /** True when the request has the token of an anonymous user, who has no account here. */
      readonly isAnonymousUser?: true;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly address: string;
      /** The roles in the token's `app_metadata`, which users cannot edit. */
      readonly roles: readonly string[];
      /** True when the user signed in with a second factor; not set when the user needs none. */
      readonly secondFactor?: boolean;
      /**
       * When the user last authenticated, in seconds since 1970; undefined when the token does not
       * contain it.
       */
      readonly provenAt?: number | undefined;
      /** True when the last authentication is too old for sensitive actions. */
      readonly proofIsOld?: boolean;
      /** The e-mail address from the token or the session. */
      readonly email?: string;
      /** True for an operator who still has to use the required second factor. */
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
      /** The e-mail address from the token or the session. */
      readonly email?: string;
    }
  | { readonly kind: 'service'; readonly address: string };

export type SignedIn = Exclude<Actor, { kind: 'visitor' }>;
export type Visitor = Extract<Actor, { kind: 'visitor' }>;

/**
 * Returns an operator with only the rights of a user if operators need a second factor and this
 * operator has not used one. Returns every other caller unchanged.
 */
export function withFactorNeeded<A extends Actor>(actor: A, isNeeded: boolean): A | UserActor {
  if (!isNeeded || actor.kind !== 'operator' || actor.secondFactor === true) return actor;
  return { ...actor, kind: 'user', lacksFactor: true };
}

type UserActor = Extract<Actor, { kind: 'user' }>;

/** The actor of automatic events, as the audit log names it. */
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
