import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors.ts';
import { actorLabel, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { permit } from '../identity/policy.ts';
import * as sql from './queries.ts';

/** Operators who were named by others; those of the configuration are not among them. */
export async function listOperators(db: Queryable, actor: Actor): Promise<sql.OperatorRow[]> {
  permit(actor, 'operators.manage');
  return await db.rows(sql.listOperators);
}

/**
 * Makes whoever proved this e-mail address an operator of the site, from their next page on; gives
 * their id. Naming somebody again changes nothing. Refuses: account_not_found, forbidden.
 */
export async function nameOperator(tx: Tx, actor: Actor, email: string): Promise<string> {
  const caller = permit(actor, 'operators.manage');
  const account = await tx.maybe(sql.findAccountByEmail, email.trim().toLowerCase());
  if (account === undefined) throw new DomainError('account_not_found', {});
  const { user_id: userId } = account;
  const named = await tx.maybe(sql.insertOperator, userId, actorLabel(caller));
  if (named) await tx.rows(sql.recordOperatorChange, newId(), userId, 'named', actorLabel(caller));
  return userId;
}

/** Ends it, from their next page on. Refuses: account_not_found, forbidden. */
export async function dismissOperator(tx: Tx, actor: Actor, userId: string): Promise<void> {
  const caller = permit(actor, 'operators.manage');
  const dismissed = await tx.maybe(sql.deleteOperator, userId);
  if (dismissed === undefined) throw new DomainError('account_not_found', {});
  await tx.rows(sql.recordOperatorChange, newId(), userId, 'dismissed', actorLabel(caller));
}
