import { query } from '../../database/query.ts';

export interface FactorRow {
  readonly secret: Buffer;
  readonly confirmed_at: Date | null;
}

export const findFactor = query<[userId: string], FactorRow>(
  'find_factor',
  'select secret, confirmed_at from sambatan_auth.second_factors where user_id = $1',
);

/**
 * Query that locks a user's active second factor, so that no other request renews its recovery
 * codes or removes it. It returns no row when the user has no active second factor.
 */
export const lockFactor = query<[userId: string], { readonly user_id: string }>(
  'lock_factor',
  `select user_id from sambatan_auth.second_factors
  where user_id = $1 and confirmed_at is not null for update`,
);

/**
 * Query that stores a new secret for a second factor that is not yet active. It returns no row when
 * the user already has an active second factor.
 */
export const beginFactor = query<[userId: string, secret: Buffer], { readonly user_id: string }>(
  'begin_factor',
  `insert into sambatan_auth.second_factors as f (user_id, secret) values ($1, $2)
  on conflict (user_id) do update set secret = excluded.secret, created_at = now(), last_step = 0
    where f.confirmed_at is null
  returning user_id`,
);

/** Query that activates the second factor after the first correct code. */
export const confirmFactor = query<
  [userId: string, secret: Buffer, step: bigint],
  { readonly user_id: string }
>(
  'confirm_factor',
  `update sambatan_auth.second_factors set confirmed_at = now(), last_step = $3
  where user_id = $1 and secret = $2 and confirmed_at is null returning user_id`,
);

/**
 * Query that marks a time step as used, so that each code works only once. It returns no row when
 * this step or a later step was used before. It locks the row.
 */
export const takeStep = query<[userId: string, step: bigint], { readonly user_id: string }>(
  'take_step',
  `update sambatan_auth.second_factors set last_step = $2
  where user_id = $1 and confirmed_at is not null and last_step < $2 returning user_id`,
);

/** Query that deletes an active second factor. It returns no row when the user has none. */
export const deleteFactor = query<[userId: string], { readonly user_id: string }>(
  'delete_factor',
  `delete from sambatan_auth.second_factors
  where user_id = $1 and confirmed_at is not null returning user_id`,
);

export const deleteRecoveryCodes = query<[userId: string], never>(
  'delete_recovery_codes',
  'delete from sambatan_auth.recovery_codes where user_id = $1',
);

export const insertRecoveryCodes = query<[userId: string, hashes: readonly Buffer[]], never>(
  'insert_recovery_codes',
  `insert into sambatan_auth.recovery_codes (user_id, code_hash)
  select $1, hash from unnest($2::bytea[]) hash`,
);

/**
 * Query that marks a recovery code as used, so that it works only once. It returns no row when the
 * code is wrong or already used.
 */
export const useRecoveryCode = query<
  [userId: string, codeHash: Buffer],
  { readonly user_id: string }
>(
  'use_recovery_code',
  `update sambatan_auth.recovery_codes set used_at = now()
  where user_id = $1 and code_hash = $2 and used_at is null returning user_id`,
);

export const factorState = query<
  [userId: string],
  { readonly confirmed_at: Date | null; readonly codes_left: number }
>(
  'factor_state',
  `select (select confirmed_at from sambatan_auth.second_factors where user_id = $1),
    (select count(*)::integer from sambatan_auth.recovery_codes
      where user_id = $1 and used_at is null) as codes_left`,
);

export const insertHalfSignIn = query<
  [
    tokenHash: Buffer,
    userId: string,
    roles: readonly string[],
    device: string,
    hours: number,
    minutes: number,
  ],
  never
>(
  'insert_mfa_challenge',
  `insert into sambatan_auth.mfa_challenges (token_hash, user_id, roles, device, hours, expires_at)
  values ($1, $2, $3, $4, $5, now() + make_interval(mins => $6::integer))`,
);

export const findHalfSignIn = query<[tokenHash: Buffer], { readonly user_id: string }>(
  'find_mfa_challenge',
  `select user_id from sambatan_auth.mfa_challenges
  where token_hash = $1 and expires_at > clock_timestamp()`,
);

/**
 * Query that counts an attempt to enter the second factor of an unfinished sign-in. It returns no
 * row when the sign-in has expired or has no attempts left. It locks the row.
 */
export const spendHalfSignIn = query<
  [tokenHash: Buffer, most: number],
  {
    readonly user_id: string;
    readonly roles: string[];
    readonly device: string;
    readonly hours: number;
    readonly attempts: number;
  }
>(
  'consume_mfa_challenge',
  `update sambatan_auth.mfa_challenges set attempts = attempts + 1
  where token_hash = $1 and expires_at > clock_timestamp() and attempts < $2
  returning user_id, roles, device, hours, attempts`,
);

export const deleteHalfSignIn = query<[tokenHash: Buffer], never>(
  'delete_mfa_challenge',
  'delete from sambatan_auth.mfa_challenges where token_hash = $1',
);

export const deleteHalfSignIns = query<[userId: string], never>(
  'delete_mfa_challenges',
  'delete from sambatan_auth.mfa_challenges where user_id = $1',
);

/**
 * Query that deletes a limited number of expired sign-ins that were not finished with the second
 * factor.
 */
export const tidyHalfSignIns = query<[], never>(
  'delete_expired_mfa_challenges',
  `delete from sambatan_auth.mfa_challenges where token_hash in (
    select token_hash from sambatan_auth.mfa_challenges where expires_at < now() limit 100)`,
);

/**
 * Query that marks all sessions of a user as sessions without a second factor, because the user's
 * second factor was removed.
 */
export const unmarkSessions = query<[userId: string], never>(
  'unmark_sessions',
  `update sambatan_auth.sessions set second_factor = false
  where user_id = $1 and second_factor`,
);

/** Query that records that the second factor was used in this session. */
export const markSession = query<[userId: string, sessionId: string], never>(
  'mark_session',
  `update sambatan_auth.sessions set second_factor = true
  where user_id = $1 and session_id = $2`,
);
