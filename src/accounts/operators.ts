import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField } from '../errors/errors.ts';
import { actorLabel, withFactorNeeded, type Actor } from '../identity/actor.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth, authorize } from '../identity/policy.ts';
import { retryRead } from '../operation/run.ts';
import * as sql from './queries.ts';

/** Operators who were named by others; those of the configuration are not among them. */
export async function listOperators(db: Queryable, actor: Actor): Promise<sql.OperatorRow[]> {
  authorize(actor, 'operators.manage');
  return await db.rows(sql.listOperators);
}

/** Who is to be an operator: whoever proved an e-mail address here, or a user of the tokens. */
export interface Candidate {
  readonly email?: string | undefined;
  readonly userId?: string | undefined;
}

/**
 * Makes somebody an operator: on the site from their next page on, with a token within a few
 * seconds; gives their id. Naming somebody again changes nothing. Refuses: validation_failed
 * (either an address or an id), account_not_found, forbidden, reauthentication_required.
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

/**
 * Ends it, as soon as naming begins it. Refuses: account_not_found, forbidden,
 * reauthentication_required.
 */
export async function revokeOperator(tx: Tx, actor: Actor, userId: string): Promise<void> {
  const caller = authorize(actor, 'operators.manage');
  requireRecentAuth(actor);
  const dismissed = await tx.maybe(sql.deleteOperator, userId);
  if (dismissed === undefined) throw new DomainError('account_not_found', {});
  await tx.rows(sql.recordOperatorChange, newId(), userId, 'revoked', actorLabel(caller));
}

async function userToName(tx: Tx, { email, userId }: Candidate): Promise<string> {
  if (userId !== undefined && email === undefined) return userId;
  if (email === undefined || userId !== undefined) {
    throw invalidField('email', {
      id: 'Isi email atau user_id, salah satu saja.',
      en: 'Give either email or user_id.',
    });
  }
  const account = await tx.maybe(sql.findAccountByEmail, email.trim().toLowerCase());
  if (account === undefined) throw new DomainError('account_not_found', {});
  return account.user_id;
}

/** Whom a process takes for an operator is at most this old. */
const rememberedMs = 5_000;

/** How operators are told from others. */
export interface OperatorRules {
  /** Whether an operator who has shown no second factor counts as a user. */
  readonly needFactor: boolean;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now?: () => number;
}

/**
 * The same check of callers, by which users who were named are operators too. They are few: a
 * process reads them all at once, and again when somebody asks and what it knows has grown old, so
 * that a request costs no query of its own and a join none at all.
 */
export function withOperatorRole(
  authenticate: Authenticator,
  db: Queryable,
  { needFactor, now = () => performance.now() }: OperatorRules,
): Authenticator {
  let known: Promise<ReadonlySet<string>> | undefined;
  let oldAt = 0;
  const read = async (): Promise<ReadonlySet<string>> => {
    const rows = await retryRead(() => db.rows(sql.namedOperators));
    return new Set(rows.map(({ user_id }) => user_id));
  };
  const recognised = async (actor: Actor): Promise<Actor> => {
    if (actor.kind !== 'user') return actor;
    if (known === undefined || now() >= oldAt) {
      oldAt = now() + rememberedMs;
      known = read();
      // What could not be read is asked for again by the next one.
      known.catch(() => (known = undefined));
    }
    return (await known).has(actor.userId) ? { ...actor, kind: 'operator' } : actor;
  };
  return async (authorization, address, asBuyer = false) => {
    const actor = await authenticate(authorization, address);
    return withFactorNeeded(asBuyer ? actor : await recognised(actor), needFactor);
  };
}
