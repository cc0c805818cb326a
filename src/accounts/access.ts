import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import type { Actor } from '../identity/actor.ts';
import * as sql from './access-queries.ts';
import { browserName } from './browser-name.ts';
import { ownerOf } from './owner.ts';
import { findAccountByEmail } from './queries.ts';

/** Events of the access log. A check in the database schema repeats this list. */
export const accessEvents = [
  'code_requested',
  'code_failed',
  'codes_exhausted',
  'signed_in',
  'signed_out',
  'session_ended',
  'sessions_ended',
  'factor_added',
  'factor_removed',
  'factor_failed',
  'recovery_codes_made',
  'proved_again',
  'account_deleted',
] as const;
export type AccessEvent = (typeof accessEvents)[number];

/** The methods that a sign-in attempt can use. */
export const accessMethods = ['code', 'link', 'token', 'factor', 'recovery_code'] as const;
export type AccessMethod = (typeof accessMethods)[number];

/** An event of the access log. */
export interface Access {
  readonly userId: string;
  readonly event: AccessEvent;
  readonly method?: AccessMethod;
  /** The `User-Agent` header; only the short name of the browser is stored. */
  readonly device?: string | undefined;
}

/**
 * Appends a row to a person's access log, in the same transaction as the event itself. This locks
 * the person's log until the commit, so call the function as the last step of the transaction.
 */
export async function recordAccess(tx: Tx, access: Access): Promise<void> {
  const { userId, event, method = '', device = '' } = access;
  await tx.rows(sql.recordAccess, userId, event, method, browserName(device) ?? '');
}

/** Returns the newest entries of the caller's access log, newest first. */
export async function recentAccess(
  db: Queryable,
  actor: Actor,
  most: number,
): Promise<sql.AccessRow[]> {
  return await db.rows(sql.recentAccess, ownerOf(actor), most);
}

/**
 * Records an event of the account with this e-mail address. Records nothing if there is no account,
 * because a person's log begins with the first sign-in.
 */
export async function recordByEmail(
  tx: Tx,
  email: string,
  event: AccessEvent,
  device: string,
): Promise<void> {
  const account = await tx.maybe(findAccountByEmail, email);
  if (account === undefined) return;
  await recordAccess(tx, { userId: account.user_id, event, method: 'code', device });
}
