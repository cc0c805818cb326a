import { knownLanguage } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { hash, randomBytes } from 'node:crypto';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { withFactorNeeded, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { recordAccess } from './access.ts';
import { ownerOf } from './owner.ts';
import * as sql from './session-queries.ts';
import { westernIndonesia } from '../i18n/format.ts';

/**
 * A session that started with a code or link in an e-mail ends when the user has not visited the
 * site for this many hours.
 */
export const sessionHours = 30 * 24;
/** Maximum age of a session in hours, even when it is used all the time (OWASP ASVS 5, V7.3.2). */
export const longestSessionHours = 180 * 24;
/**
 * Lifetime in hours of a session that started with a token of another service. It is short because
 * the session keeps the roles of the token: if that service revokes a role, the session still has
 * the role until it ends.
 */
export const tokenSessionHours = 12;

/** The data of a session's owner that every request of the session needs. */
export interface SessionOwner {
  readonly sessionId: string;
  readonly actor: Extract<Actor, { kind: 'user' | 'operator' }>;
  readonly displayName: string;
  readonly email: string | null;
  readonly language: Language;
  readonly timeZone: string;
}

/** Returns the owner of a session token; undefined when the session has ended or never existed. */
export type SessionFinder = (token: string, address: string) => Promise<SessionOwner | undefined>;

/** Rules for recognising operators and recent authentication. */
export interface SessionRules {
  /** Verified e-mail addresses of the operators in the configuration. */
  readonly operators: readonly string[];
  /** If true, an operator whose session has no second factor has only the rights of a user. */
  readonly operatorsNeedFactor: boolean;
  /** Number of minutes for which an authentication counts as recent. */
  readonly reauthMinutes: number;
}

/**
 * Creates the function that finds the owner of a session. It runs one indexed query per page
 * instead of caching, so that signing out, and granting or revoking the operator role, take effect
 * at once.
 */
export function sessionFinder(
  db: Queryable,
  { operators, operatorsNeedFactor, reauthMinutes }: SessionRules,
): SessionFinder {
  const configured = new Set(operators);
  return async (token, address) => {
    if (!/^[\w-]{43}$/.test(token)) return undefined;
    const found = await db.maybe(sql.findSession, tokenHash(token), reauthMinutes);
    if (found === undefined) return undefined;
    if (found.stale) {
      await db.rows(sql.touchSession, found.session_id, sessionHours, longestSessionHours);
    }
    const isOperator =
      found.is_named_operator ||
      found.roles.includes('operator') ||
      (found.email !== null && configured.has(found.email));
    const kind = isOperator ? ('operator' as const) : ('user' as const);
    return {
      sessionId: found.session_id,
      actor: withFactorNeeded(
        {
          kind,
          userId: found.user_id,
          roles: found.roles,
          secondFactor: found.second_factor,
          proofIsOld: found.proof_is_old,
          ...(found.email === null ? {} : { email: found.email }),
          address,
        },
        operatorsNeedFactor,
      ),
      displayName: found.display_name ?? '',
      email: found.email,
      language: knownLanguage(found.locale),
      timeZone: found.time_zone ?? westernIndonesia,
    };
  };
}

export interface NewSession {
  readonly userId: string;
  readonly roles: readonly string[];
  /** The `User-Agent` header. */
  readonly device: string;
  readonly hours: number;
  /** True when the user signed in with a second factor. */
  readonly secondFactor: boolean;
  /** The time of the last authentication; undefined means now. */
  readonly provenAt?: Date | undefined;
  /**
   * The browser's previous session token. The previous session is ended and the new session gets a
   * new token. Otherwise somebody who already knows the previous token could use the new session
   * (session fixation).
   */
  readonly before: string | undefined;
}

/**
 * Starts a session and returns its token. Only the cookie contains the token; the database has its
 * hash.
 */
export async function startSession(tx: Tx, input: NewSession): Promise<string> {
  if (input.before !== undefined) await endSession(tx, input.before);
  const token = newToken();
  const device = storedDevice(input.device);
  await tx.rows(
    sql.insertSession,
    newId(),
    tokenHash(token),
    input.userId,
    input.roles,
    device,
    input.hours,
    input.secondFactor,
    input.provenAt ?? null,
  );
  return token;
}

/** Ends the session with this token; does nothing when the session has ended already. */
export async function endSession(tx: Tx, token: string): Promise<void> {
  const ended = await tx.maybe(sql.deleteSessionByToken, tokenHash(token));
  if (ended === undefined) return;
  const { user_id: userId, device } = ended;
  await recordAccess(tx, { userId, event: 'signed_out', device });
}

/**
 * Ends the caller's session with this id; without an id, ends all sessions of the caller. Refuses:
 * unauthenticated, forbidden.
 */
export async function endOwnSessions(tx: Tx, actor: Actor, sessionId?: string): Promise<void> {
  const userId = ownerOf(actor);
  if (sessionId === undefined) {
    await tx.rows(sql.deleteSessions, userId);
    await recordAccess(tx, { userId, event: 'sessions_ended' });
    return;
  }
  const ended = await tx.maybe(sql.deleteSession, userId, sessionId);
  // Record the browser of the session that was ended, not the browser of the current session.
  if (ended) await recordAccess(tx, { userId, event: 'session_ended', device: ended.device });
}

/**
 * Returns the caller's own sessions; the session that was used last is first. Refuses:
 * unauthenticated, forbidden.
 */
export async function ownSessions(db: Queryable, actor: Actor): Promise<sql.SessionRow[]> {
  return await db.rows(sql.listSessions, ownerOf(actor));
}

/** Returns a new random token. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns the part of a `User-Agent` header that is stored. */
export function storedDevice(device: string): string {
  return device.toWellFormed().replaceAll('\0', '').slice(0, 200);
}

/**
 * Returns the hash of a token. A hash without a key is safe, because a token has 256 random bits.
 */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
