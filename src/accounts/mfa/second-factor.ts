import { knownLanguage } from '../../i18n/messages.ts';
import type { Language } from '../../i18n/language.ts';
import { databaseNow } from '../../database/clock.ts';
import type { Queryable } from '../../database/query.ts';
import type { Tx } from '../../database/transaction.ts';
import { DomainError } from '../../errors/errors.ts';
import type { Actor } from '../../identity/actor.ts';
import { requireRecentAuth } from '../../identity/policy.ts';
import { recordAccess, type AccessMethod } from '../access.ts';
import {
  newFactorSecret,
  newRecoveryCodes,
  plainCode,
  recoveryCodeHash,
  seal,
  shownSecret,
  stepOf,
  unseal,
  type ShownSecret,
} from './codes.ts';
import * as sql from './queries.ts';
import { ownerOf } from '../owner.ts';
import { findAccountByEmail, findProfile } from '../queries.ts';
import { deleteSessions } from '../session-queries.ts';

/** Dependencies of the operations on the second factor. */
export interface MfaDeps {
  /** The key that encrypts the secrets in the database. */
  readonly factorKey: Buffer;
  /**
   * Returns the time at which codes must be valid, in milliseconds since 1970. It is the time of
   * the database's clock.
   */
  readonly now: (db: Queryable) => Promise<number>;
}

/** Returns the database's clock in milliseconds since 1970. */
export async function databaseTime(db: Queryable): Promise<number> {
  return (await db.one(databaseNow)).now.getTime();
}

/** The state of the caller's second factor. */
export interface FactorState {
  /** When the second factor became active; undefined when none is active. */
  readonly since: Date | undefined;
  readonly codesLeft: number;
}

/** Returns the state of the caller's second factor. Refuses: unauthenticated, forbidden. */
export async function ownFactor(db: Queryable, actor: Actor): Promise<FactorState> {
  const { confirmed_at, codes_left } = await db.one(sql.factorState, ownerOf(actor));
  return { since: confirmed_at ?? undefined, codesLeft: codes_left };
}

/** Returns true when a user signs in with a second factor. */
export async function hasFactor(db: Queryable, userId: string): Promise<boolean> {
  const factor = await db.maybe(sql.findFactor, userId);
  return factor !== undefined && factor.confirmed_at !== null;
}

/**
 * Starts the set-up of a second factor: stores a new secret. Refuses: second_factor_present,
 * unauthenticated, forbidden, reauthentication_required.
 */
export async function beginFactor(tx: Tx, parts: MfaDeps, actor: Actor): Promise<void> {
  const userId = ownerOf(actor);
  requireRecentAuth(actor);
  const sealed = seal(parts.factorKey, userId, newFactorSecret());
  const begun = await tx.maybe(sql.beginFactor, userId, sealed);
  if (begun === undefined) throw new DomainError('second_factor_present', {});
}

/**
 * Returns the secret during the set-up, only to its owner and only until the second factor is
 * active. Refuses: second_factor_present, second_factor_not_begun, unauthenticated, forbidden,
 * reauthentication_required.
 */
export async function factorToSetUp(
  db: Queryable,
  parts: MfaDeps,
  actor: Actor,
  label: string,
): Promise<ShownSecret> {
  const userId = ownerOf(actor);
  const { secret } = await begunFactor(db, parts, userId);
  requireRecentAuth(actor);
  return shownSecret(secret, label);
}

/**
 * Activates the second factor when the first code of the app is correct. The current session then
 * counts as a session with a second factor. Returns the recovery codes, which are shown only once.
 * Refuses: second_factor_wrong, second_factor_present, second_factor_not_begun, unauthenticated,
 * forbidden, reauthentication_required.
 */
export async function confirmFactor(
  tx: Tx,
  parts: MfaDeps,
  actor: Actor,
  given: { readonly code: string; readonly sessionId: string | undefined; readonly device: string },
): Promise<readonly string[]> {
  const userId = ownerOf(actor);
  const { secret, stored } = await begunFactor(tx, parts, userId);
  // Check the recent authentication again. Otherwise somebody who takes over the session could
  // finish a set-up that the owner started.
  requireRecentAuth(actor);
  const step = stepOf(secret, plainCode(given.code), await parts.now(tx));
  if (step === undefined) throw new DomainError('second_factor_wrong', {});
  const confirmed = await tx.maybe(sql.confirmFactor, userId, stored, step);
  if (confirmed === undefined) throw new DomainError('second_factor_present', {});
  if (given.sessionId !== undefined) await tx.rows(sql.markSession, userId, given.sessionId);
  const codes = await replaceRecoveryCodes(tx, userId);
  await recordAccess(tx, { userId, event: 'factor_added', device: given.device });
  return codes;
}

/**
 * Deletes the second factor and its recovery codes. Refuses: second_factor_not_begun, forbidden,
 * reauthentication_required.
 */
export async function removeFactor(tx: Tx, actor: Actor, device: string): Promise<void> {
  const userId = ownerOf(actor);
  requireRecentAuth(actor);
  if (!(await endFactor(tx, userId))) throw new DomainError('second_factor_not_begun', {});
  await tx.rows(sql.unmarkSessions, userId);
  await recordAccess(tx, { userId, event: 'factor_removed', device });
}

/**
 * The data of a user with a verified e-mail address that the administrator of the installation
 * sees.
 */
export interface FactorOwner {
  readonly userId: string;
  readonly hasFactor: boolean;
  readonly language: Language;
}

/** Returns the user with this address; undefined when nobody has signed in with it. */
export async function factorOfAddress(
  db: Queryable,
  email: string,
): Promise<FactorOwner | undefined> {
  const account = await db.maybe(findAccountByEmail, email);
  if (account === undefined) return undefined;
  const { user_id: userId } = account;
  const { locale } = await db.one(findProfile, userId);
  return { userId, hasFactor: await hasFactor(db, userId), language: knownLanguage(locale) };
}

/**
 * Removes the second factor of a user who lost both the phone and the recovery codes. Only the
 * administrator of the installation calls this function. It also ends the user's sessions, because
 * another person may have the phone. Returns false when there was no second factor.
 */
export async function removeLostFactor(tx: Tx, userId: string): Promise<boolean> {
  if (!(await endFactor(tx, userId))) return false;
  await tx.rows(deleteSessions, userId);
  await recordAccess(tx, { userId, event: 'factor_removed' });
  await recordAccess(tx, { userId, event: 'sessions_ended' });
  return true;
}

/**
 * Replaces the recovery codes; the old ones stop working. Refuses: second_factor_not_begun,
 * unauthenticated, forbidden, reauthentication_required.
 */
export async function renewRecoveryCodes(
  tx: Tx,
  actor: Actor,
  device: string,
): Promise<readonly string[]> {
  const userId = ownerOf(actor);
  requireRecentAuth(actor);
  const locked = await tx.maybe(sql.lockFactor, userId);
  if (locked === undefined) throw new DomainError('second_factor_not_begun', {});
  const codes = await replaceRecoveryCodes(tx, userId);
  await recordAccess(tx, { userId, event: 'recovery_codes_made', device });
  return codes;
}

/**
 * Marks a code of the user's app, or a recovery code, as used. Returns which of the two kinds the
 * code is; undefined for a wrong code or a code that was used before. The caller must count the
 * attempt before it calls this function.
 */
export async function takeFactorCode(
  tx: Tx,
  parts: MfaDeps,
  userId: string,
  given: string,
): Promise<Extract<AccessMethod, 'factor' | 'recovery_code'> | undefined> {
  const code = plainCode(given);
  const factor = await tx.maybe(sql.findFactor, userId);
  if (factor === undefined || factor.confirmed_at === null) return undefined;
  const secret = unseal(parts.factorKey, userId, factor.secret);
  const step = secret && stepOf(secret, code, await parts.now(tx));
  if (step !== undefined) {
    return (await tx.maybe(sql.takeStep, userId, step)) && 'factor';
  }
  const used = await tx.maybe(sql.useRecoveryCode, userId, recoveryCodeHash(userId, code));
  return used && 'recovery_code';
}

/** Deletes all data of an active second factor; returns false when there is none. */
async function endFactor(tx: Tx, userId: string): Promise<boolean> {
  // This function locks rows in the same order as signInWithFactor, which locks the unfinished
  // sign-in first.
  await tx.rows(sql.deleteHalfSignIns, userId);
  if ((await tx.maybe(sql.deleteFactor, userId)) === undefined) return false;
  await tx.rows(sql.deleteRecoveryCodes, userId);
  return true;
}

async function begunFactor(
  db: Queryable,
  parts: MfaDeps,
  userId: string,
): Promise<{ readonly secret: Buffer; readonly stored: Buffer }> {
  const factor = await db.maybe(sql.findFactor, userId);
  if (factor?.confirmed_at) throw new DomainError('second_factor_present', {});
  const secret = factor && unseal(parts.factorKey, userId, factor.secret);
  if (secret === undefined) throw new DomainError('second_factor_not_begun', {});
  return { secret, stored: factor!.secret };
}

async function replaceRecoveryCodes(tx: Tx, userId: string): Promise<readonly string[]> {
  const codes = newRecoveryCodes();
  await tx.rows(sql.deleteRecoveryCodes, userId);
  const hashes = codes.map((code) => recoveryCodeHash(userId, code));
  await tx.rows(sql.insertRecoveryCodes, userId, hashes);
  return codes;
}
