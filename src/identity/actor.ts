/** Who is behind a request. `address` is the IP address after trusted proxies. */
export type Actor =
  | {
      readonly kind: 'visitor';
      readonly address: string;
      /** They have a token of an anonymous user, which is no account here. */
      readonly isAnonymousUser?: true;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly address: string;
      /** From `app_metadata`, which users cannot edit. */
      readonly roles: readonly string[];
      /** Whether a second factor was shown; not told of those of whom nobody asks it. */
      readonly secondFactor?: boolean;
      /** Of a token that says it: when that was, in seconds since 1970. */
      readonly provenAt?: number | undefined;
      /** They proved who they are too long ago for what is sensitive. */
      readonly proofIsOld?: boolean;
      /** An e-mail address that a token or a session says is theirs. */
      readonly email?: string;
      /** An operator in all but the second factor that operators need here. */
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
      /** An e-mail address that a token or a session says is theirs. */
      readonly email?: string;
    }
  | { readonly kind: 'service'; readonly address: string };

export type SignedIn = Exclude<Actor, { kind: 'visitor' }>;
export type Visitor = Extract<Actor, { kind: 'visitor' }>;

/** An operator as they count where operators need a second factor: without one, as a user. */
export function withFactorNeeded<A extends Actor>(actor: A, isNeeded: boolean): A | UserActor {
  if (!isNeeded || actor.kind !== 'operator' || actor.secondFactor === true) return actor;
  return { ...actor, kind: 'user', lacksFactor: true };
}

type UserActor = Extract<Actor, { kind: 'user' }>;

/** How the audit log names what happens by itself. */
export const systemActor = 'system';

/** How the audit log names this caller: `user:<uuid>`, `operator:<uuid>` or `service`. */
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
