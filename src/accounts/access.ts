import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import type { Actor } from '../identity/actor.ts';
import * as sql from './access-queries.ts';
import { browserName } from './browser-name.ts';
import { ownerOf } from './owner.ts';
import { findAccountByEmail } from './queries.ts';

/** What the access log tells of; the schema's check says them once more. */
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

/** By what somebody came in, or tried to. */
export const accessMethods = ['code', 'link', 'token', 'factor', 'recovery_code'] as const;
export type AccessMethod = (typeof accessMethods)[number];

/** Something that the access log tells of. */
export interface Access {
  readonly userId: string;
  readonly event: AccessEvent;
  readonly method?: AccessMethod;
  /** What the browser calls itself; a plain word of it is kept. */
  readonly device?: string | undefined;
}

/**
 * Writes a row of somebody's access log, in the transaction of what it tells. It holds the head of
 * their chain until that ends: the last thing a verb does.
 */
export async function recordAccess(tx: Tx, access: Access): Promise<void> {
  const { userId, event, method = '', device = '' } = access;
  await tx.rows(sql.recordAccess, userId, event, method, browserName(device) ?? '');
}

/** As an export and the account's pages show it, the newest first. */
export async function recentAccess(
  db: Queryable,
  actor: Actor,
  most: number,
): Promise<sql.AccessRow[]> {
  return await db.rows(sql.recentAccess, ownerOf(actor), most);
}

/** Whoever has no account yet has no access log: it begins with their first sign-in. */
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
