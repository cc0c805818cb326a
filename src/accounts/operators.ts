import { wording } from '../i18n/messages.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { actorLabel, withFactorNeeded, type Actor } from '../identity/actor.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth, authorize } from '../identity/policy.ts';
import * as sql from './queries.ts';

/**
 * Returns the operators who got the role from another operator or from the service. The list does
 * not contain operators who are named in the configuration.
 */
export async function listOperators(db: Queryable, actor: Actor): Promise<sql.OperatorRow[]> {
  authorize(actor, 'operators.manage');
  return await db.rows(sql.listOperators);
}
listOperators.refusals = refusals(authorize);

/**
 * The user who will become an operator, named by a verified e-mail address or by the id in their
 * tokens.
 */
export interface Candidate {
  readonly email?: string | undefined;
  readonly userId?: string | undefined;
}

/**
 * Grants the operator role and returns the user's id. On the site, the user has the role from the
 * next page on. For API requests with a token, the role takes effect within a few seconds.
 * Idempotent.
 */
export async function grantOperator(tx: Tx, actor: Actor, candidate: Candidate): Promise<string> {
  const caller = authorize(actor, 'operators.manage');
  requireRecentAuth(actor);
  const userId = await userToName(tx, candidate);
  const named = await tx.maybe(sql.insertOperator, userId, actorLabel(caller));
  if (named)
    await tx.rows(sql.recordOperatorChange, newId(), userId, 'granted', actorLabel(caller));
  return userId;
}
grantOperator.refusals = refusals(authorize, requireRecentAuth, userToName);

/** Revokes the operator role. The change takes effect as fast as in grantOperator. */
export async function revokeOperator(tx: Tx, actor: Actor, userId: string): Promise<void> {
  const caller = authorize(actor, 'operators.manage');
  requireRecentAuth(actor);
  const dismissed = await tx.maybe(sql.deleteOperator, userId);
  if (dismissed === undefined) throw new DomainError('account_not_found', {});
  await tx.rows(sql.recordOperatorChange, newId(), userId, 'revoked', actorLabel(caller));
}
revokeOperator.refusals = refusals(authorize, requireRecentAuth, 'account_not_found');

async function userToName(tx: Tx, { email, userId }: Candidate): Promise<string> {
  if (userId !== undefined && email === undefined) return userId;
  if (email === undefined || userId !== undefined) {
    throw invalidField('email', wording('errors.field.emailOrUserId'));
  }
  const account = await tx.maybe(sql.findAccountByEmail, email.trim().toLowerCase());
  if (account === undefined) throw new DomainError('account_not_found', {});
  return account.user_id;
}
userToName.refusals = refusals('account_not_found');

/** Maximum age of the cached operator list in milliseconds. */
const cacheMs = 5_000;

/** Rules for recognising operators by their tokens. */
export interface OperatorRules {
  /**
   * If true, an operator who did not sign in with a second factor has only the rights of a user.
   */
  readonly needFactor: boolean;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/**
 * Wraps an authenticator so that users with the granted role become operators. Each process caches
 * the whole list of operators, which is short, and reads it again when the cache is too old. So
 * most requests need no query for the operator role, and joins never need one.
 */
export function withOperatorRole(
  authenticate: Authenticator,
  db: Queryable,
  { needFactor, now = () => performance.now() }: OperatorRules,
): Authenticator {
  let known: Promise<ReadonlySet<string>> | undefined;
  let oldAt = 0;
  const read = async (): Promise<ReadonlySet<string>> => {
    const rows = await db.rows(sql.namedOperators);
    return new Set(rows.map(({ user_id }) => user_id));
  };
  const recognised = async (actor: Extract<Actor, { kind: 'user' }>): Promise<Actor> => {
    if (known === undefined || now() >= oldAt) {
      oldAt = now() + cacheMs;
      known = read();
      // When reading fails, the next request reads the list again.
      known.catch(() => (known = undefined));
    }
    return (await known).has(actor.userId) ? { ...actor, kind: 'operator' } : actor;
  };
  const completed = (actor: Actor, asBuyer: boolean): Actor | Promise<Actor> =>
    asBuyer || actor.kind !== 'user'
      ? withFactorNeeded(actor, needFactor)
      : recognised(actor).then((found) => withFactorNeeded(found, needFactor));
  return (authorization, address, asBuyer = false) => {
    const actor = authenticate(authorization, address);
    if (!(actor instanceof Promise)) return completed(actor, asBuyer);
    return actor.then((verified) => completed(verified, asBuyer));
  };
}
