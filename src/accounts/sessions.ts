import { hash, randomBytes } from 'node:crypto';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import type { Language } from '../errors/errors.ts';
import { withFactorNeeded, type Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { recordAccess } from './access.ts';
import { profileLanguage } from './account.ts';
import { ownerOf } from './owner.ts';
import * as sql from './session-queries.ts';

/** Sessions by e-mail end after this long without a visit. */
export const sessionHours = 30 * 24;
/** And after this long however often they are used (OWASP ASVS 5, V7.3.2). */
export const longestSessionHours = 180 * 24;
/** Sessions from another service's token end soon, so that roles it takes back do not last. */
export const tokenSessionHours = 12;

/** Who is signed in, as a session says. */
export interface SessionOwner {
  readonly sessionId: string;
  readonly actor: Extract<Actor, { kind: 'user' | 'operator' }>;
  readonly displayName: string;
  readonly email: string | null;
  readonly language: Language;
  readonly timeZone: string;
}

/** Finds who a session's token belongs to; undefined when it has ended or never was. */
export type SessionFinder = (token: string, address: string) => Promise<SessionOwner | undefined>;

/** How operators are told from others. */
export interface SessionRules {
  /** Verified e-mail addresses. */
  readonly operators: readonly string[];
  /** Whether an operator whose session has no second factor counts as a user. */
  readonly operatorsNeedFactor: boolean;
  /** For so long a proof of identity is good for what is sensitive. */
  readonly reauthMinutes: number;
}

/**
 * Builds the one check of sessions: one indexed query for each page, so that signing out and
 * naming or dismissing an operator count at once.
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
      language: profileLanguage(found.locale),
      timeZone: found.time_zone ?? 'Asia/Jakarta',
    };
  };
}

export interface NewSession {
  readonly userId: string;
  readonly roles: readonly string[];
  /** What the browser calls itself. */
  readonly device: string;
  readonly hours: number;
  /** Whether a second factor was shown. */
  readonly secondFactor: boolean;
  /** When they proved who they are; undefined: just now. */
  readonly provenAt?: Date | undefined;
  /** The token that the browser came with: its session ends, nobody keeps a known one. */
  readonly before: string | undefined;
}

/** Starts a session and gives its token, which is stored nowhere else than in the cookie. */
export async function startSession(tx: Tx, wish: NewSession): Promise<string> {
  if (wish.before !== undefined) await endSession(tx, wish.before);
  const token = newToken();
  const device = storedDevice(wish.device);
  await tx.rows(
    sql.insertSession,
    newId(),
    tokenHash(token),
    wish.userId,
    wish.roles,
    device,
    wish.hours,
    wish.secondFactor,
    wish.provenAt ?? null,
  );
  return token;
}

/** Ends the session of a token; one that has ended already is nothing to speak of. */
export async function endSession(tx: Tx, token: string): Promise<void> {
  const ended = await tx.maybe(sql.deleteSessionByToken, tokenHash(token));
  if (ended === undefined) return;
  const { user_id: userId, device } = ended;
  await recordAccess(tx, { userId, event: 'signed_out', device });
}

/** Ends one of the caller's own sessions, or all of them. Refuses: unauthenticated, forbidden. */
export async function endOwnSessions(tx: Tx, actor: Actor, sessionId?: string): Promise<void> {
  const userId = ownerOf(actor);
  if (sessionId === undefined) {
    await tx.rows(sql.deleteSessions, userId);
    await recordAccess(tx, { userId, event: 'sessions_ended' });
    return;
  }
  const ended = await tx.maybe(sql.deleteSession, userId, sessionId);
  // Named is the browser whose session it was.
  if (ended) await recordAccess(tx, { userId, event: 'session_ended', device: ended.device });
}

/** The caller's own sessions, the last used first. Refuses: unauthenticated, forbidden. */
export async function ownSessions(db: Queryable, actor: Actor): Promise<sql.SessionRow[]> {
  return await db.rows(sql.listSessions, ownerOf(actor));
}

/** A new token of a browser. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What a browser calls itself, as far as it is stored. */
export function storedDevice(device: string): string {
  return device.toWellFormed().replaceAll('\0', '').slice(0, 200);
}

/** Tokens are 256 random bits: a plain hash cannot be turned back. */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
