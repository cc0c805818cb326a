import { wording } from '../i18n/messages.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { actorLabel, withFactorNeeded, type Actor } from '../identity/actor.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth, authorize } from '../identity/policy.ts';
import * as sql from './queries.ts';

/** Returns the operators that were granted by others; those of the configuration are not listed. */
export async function listOperators(db: Queryable, actor: Actor): Promise<sql.OperatorRow[]> {
  authorize(actor, 'operators.manage');
  return await db.rows(sql.listOperators);
}
listOperators.refusals = refusals(authorize);

/** The future operator: a user with a verified e-mail address here, or a user of the tokens. */
export interface Candidate {
  readonly email?: string | undefined;
  readonly userId?: string | undefined;
}

/**
 * Grants the operator role and returns the user's id. It applies on the site from the next page on,
 * with a token within a few seconds. Idempotent.
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

/** Revokes the operator role; it takes effect as fast as granting. */
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

/** Maximum age of the cached operator list. */
const cacheMs = 5_000;

/** How operators are recognised. */
export interface OperatorRules {
  /** True: an operator without a second factor counts as a user. */
  readonly needFactor: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/**
 * Wraps an authenticator so that granted users are operators too. The list is short: a process
 * caches all of it and reads it again when it is too old, so a request costs no query of its own
 * and a join none at all.
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
  const recognised = async (actor: Actor): Promise<Actor> => {
    if (actor.kind !== 'user') return actor;
    if (known === undefined || now() >= oldAt) {
      oldAt = now() + cacheMs;
      known = read();
      // After a failed read the next caller reads again.
      known.catch(() => (known = undefined));
    }
    return (await known).has(actor.userId) ? { ...actor, kind: 'operator' } : actor;
  };
  return async (authorization, address, asBuyer = false) => {
    const actor = await authenticate(authorization, address);
    return withFactorNeeded(asBuyer ? actor : await recognised(actor), needFactor);
  };
}
