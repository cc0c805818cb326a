import { query } from '../database/query.ts';

export const insertSignIn = query<
  [
    signInId: string,
    email: string,
    codeHash: Buffer,
    linkHash: Buffer,
    minutes: number,
    browserHash: Buffer,
    isMailed: boolean,
  ],
  never
>(
  'insert_sign_in',
  `insert into sambatan_auth.sign_ins
    (sign_in_id, email, code_hash, link_hash, expires_at, browser_hash, is_mailed)
  values ($1, $2, $3, $4, now() + make_interval(mins => $5::integer), $6, $7)`,
);

/** Query that records that the e-mail of a sign-in could not be sent, so nobody knows its code. */
export const unmailSignIn = query<[signInId: string], never>(
  'unmail_sign_in',
  'update sambatan_auth.sign_ins set is_mailed = false where sign_in_id = $1',
);

/** Query for the newest valid codes that were mailed to an e-mail address. */
export const findMailedCodes = query<
  [email: string, most: number],
  { readonly sign_in_id: string; readonly code_hash: Buffer }
>(
  'find_mailed_codes',
  `select sign_in_id, code_hash from sambatan_auth.sign_ins
  where email = $1 and session_id is null and is_mailed and used_at is null
    and expires_at > clock_timestamp()
  order by created_at desc limit $2`,
);

/**
 * Query that returns whether a code mailed to this e-mail address is valid for at least this many
 * more minutes.
 */
export const hasMailedCode = query<
  [email: string, minutes: number],
  { readonly has_code: boolean }
>(
  'has_mailed_code',
  `select exists (select from sambatan_auth.sign_ins
    where email = $1 and session_id is null and is_mailed and used_at is null
      and expires_at > now() + make_interval(mins => $2::integer)) as has_code`,
);

/**
 * Query like insertSignIn, for the re-authentication of a signed-in user. The e-mail has no link.
 */
export const insertReauthenticationCode = query<
  [
    signInId: string,
    email: string,
    codeHash: Buffer,
    noLink: Buffer,
    minutes: number,
    sessionId: string,
  ],
  never
>(
  'insert_proof',
  `insert into sambatan_auth.sign_ins
    (sign_in_id, email, code_hash, link_hash, expires_at, session_id)
  values ($1, $2, $3, $4, now() + make_interval(mins => $5::integer), $6)`,
);

/** Query like spendAttempt, for the code with which a session is re-authenticated. */
export const spendReauthenticationCode = query<
  [signInId: string, most: number, sessionId: string],
  { readonly code_hash: Buffer; readonly attempts: number }
>(
  'spend_proof',
  `update sambatan_auth.sign_ins set attempts = attempts + 1
  where sign_in_id = $1 and session_id = $3 and used_at is null
    and expires_at > clock_timestamp() and attempts < $2
  returning code_hash, attempts`,
);

/**
 * Query that records the re-authentication of a session and replaces the session's token. It
 * returns for how many more hours the session is valid.
 */
export const markSessionReauthenticated = query<
  [userId: string, sessionId: string, tokenHash: Buffer, byFactor: boolean],
  { readonly hours: number }
>(
  'reauthenticate_session',
  `update sambatan_auth.sessions
  set reauthenticated_at = now(), token_hash = $3, second_factor = second_factor or $4
  where user_id = $1 and session_id = $2 and expires_at > now()
  returning greatest(1, extract(epoch from expires_at - now()) / 3600)::integer as hours`,
);

/**
 * Query that counts an attempt to enter the code of a sign-in. It returns no row when the code has
 * expired or has no attempts left. It locks the row.
 */
export const spendAttempt = query<
  [signInId: string, most: number],
  { readonly email: string; readonly attempts: number }
>(
  'spend_attempt',
  `update sambatan_auth.sign_ins set attempts = attempts + 1
  where sign_in_id = $1 and session_id is null and used_at is null
    and expires_at > clock_timestamp() and attempts < $2
  returning email, attempts`,
);

export const useSignIn = query<[signInId: string], never>(
  'use_sign_in',
  `update sambatan_auth.sign_ins set used_at = now()
  where sign_in_id = $1 and used_at is null`,
);

/** Query that stores keyed hashes of an account's browsers and networks for this many days. */
export const rememberOrigins = query<[keys: readonly string[], days: number], never>(
  'remember_origins',
  `insert into sambatan_auth.known_origins as o (key, ends_at)
  select key, now() + make_interval(days => $2::integer) from unnest($1::text[]) as key
  order by key
  on conflict (key) do update set ends_at = excluded.ends_at`,
);

/**
 * Query that returns which of these browsers and networks were used to sign in to the account
 * before.
 */
export const findKnownOrigins = query<[keys: readonly string[]], { readonly key: string }>(
  'find_known_origins',
  `select key from sambatan_auth.known_origins where key = any ($1::text[]) and ends_at > now()`,
);

/** Query for the sign-in of a valid link. The link stays valid. */
export const findLink = query<
  [linkHash: Buffer],
  { readonly email: string; readonly browser_hash: Buffer | null }
>(
  'find_link',
  `select email, browser_hash from sambatan_auth.sign_ins
  where link_hash = $1 and session_id is null and used_at is null
    and expires_at > clock_timestamp()`,
);

/**
 * Query that marks a link as used, so that it works only once. It returns no row when the link was
 * used before or has expired.
 */
export const useLink = query<[linkHash: Buffer], { readonly email: string }>(
  'use_link',
  `update sambatan_auth.sign_ins set used_at = now()
  where link_hash = $1 and session_id is null and used_at is null and expires_at > clock_timestamp()
  returning email`,
);

export const upsertAccount = query<[userId: string, email: string], { readonly user_id: string }>(
  'upsert_account',
  `insert into sambatan_auth.accounts as a (user_id, email) values ($1, $2)
  on conflict (email) do update set verified_at = now()
  returning a.user_id`,
);

/**
 * Query that creates a profile with the data of the first sign-in. It does not change an existing
 * profile.
 */
export const startProfile = query<
  [userId: string, displayName: string, locale: string, email: string | null],
  { readonly is_new: boolean }
>(
  'start_profile',
  `insert into sambatan.profiles as p (user_id, display_name, locale, email)
  values ($1, $2, $3, $4)
  on conflict (user_id) do update set email = coalesce(excluded.email, p.email)
  returning p.xmax = 0 as is_new`,
);

export const insertSession = query<
  [
    sessionId: string,
    tokenHash: Buffer,
    userId: string,
    roles: readonly string[],
    device: string,
    hours: number,
    secondFactor: boolean,
    provenAt: Date | null,
  ],
  never
>(
  'insert_session',
  `insert into sambatan_auth.sessions
    (session_id, token_hash, user_id, roles, device, expires_at, second_factor, reauthenticated_at)
  values ($1, $2, $3, $4, $5, now() + make_interval(hours => $6::integer), $7,
    least(coalesce($8, now()), now()))`,
);

export interface FoundSession {
  readonly session_id: string;
  readonly user_id: string;
  readonly roles: string[];
  readonly second_factor: boolean;
  readonly proof_is_old: boolean;
  readonly stale: boolean;
  readonly display_name: string | null;
  readonly locale: string | null;
  readonly time_zone: string | null;
  readonly email: string | null;
  readonly is_named_operator: boolean;
}

/** Query for the owner of a session. It runs once for every page that a signed-in user requests. */
export const findSession = query<[tokenHash: Buffer, reauthMinutes: number], FoundSession>(
  'find_session',
  `select s.session_id, s.user_id, s.roles, s.second_factor,
    s.reauthenticated_at < now() - make_interval(mins => $2::integer) as proof_is_old,
    s.seen_at < now() - interval '1 hour' as stale,
    p.display_name, p.locale, p.time_zone, a.email, o.user_id is not null as is_named_operator
  from sambatan_auth.sessions s
  left join sambatan.profiles p on p.user_id = s.user_id
  left join sambatan_auth.accounts a on a.user_id = s.user_id
  left join sambatan_auth.operators o on o.user_id = s.user_id
  where s.token_hash = $1 and s.expires_at > now()`,
);

/**
 * Query that extends a session because the user visited a page. It extends only sessions that
 * started with an e-mail, and only up to a maximum age. The end of a session that started with a
 * token does not change.
 */
export const touchSession = query<[sessionId: string, hours: number, maxHours: number], never>(
  'touch_session',
  `update sambatan_auth.sessions set seen_at = now(), expires_at =
    case when expires_at > created_at + interval '1 day'
      then least(now() + make_interval(hours => $2::integer),
        created_at + make_interval(hours => $3::integer))
      else expires_at end
  where session_id = $1`,
);

export interface EndedSession {
  readonly user_id: string;
  readonly device: string;
}

export const deleteSessionByToken = query<[tokenHash: Buffer], EndedSession>(
  'delete_session_by_token',
  'delete from sambatan_auth.sessions where token_hash = $1 returning user_id, device',
);

export const deleteSession = query<[userId: string, sessionId: string], EndedSession>(
  'delete_session',
  `delete from sambatan_auth.sessions where user_id = $1 and session_id = $2
  returning user_id, device`,
);

export const deleteSessions = query<[userId: string], never>(
  'delete_sessions',
  'delete from sambatan_auth.sessions where user_id = $1',
);

export interface SessionRow {
  readonly session_id: string;
  readonly device: string;
  readonly created_at: Date;
  readonly seen_at: Date;
}

export const listSessions = query<[userId: string], SessionRow>(
  'list_sessions',
  `select session_id, device, created_at, seen_at from sambatan_auth.sessions
  where user_id = $1 and expires_at > now() order by seen_at desc limit 100`,
);

/**
 * Query that deletes a limited number of expired rows. It runs whenever somebody requests a code.
 */
export const tidySignIns = query<[], never>(
  'delete_expired_sign_ins',
  `with old_sign_ins as (delete from sambatan_auth.sign_ins where sign_in_id in (
      select sign_in_id from sambatan_auth.sign_ins
      where expires_at < now() - interval '1 day' limit 100)),
    old_attempts as (delete from sambatan_auth.attempts where key in (
      select key from sambatan_auth.attempts where ends_at < now() limit 100
      for update skip locked)),
    old_origins as (delete from sambatan_auth.known_origins where key in (
      select key from sambatan_auth.known_origins where ends_at < now() limit 100
      for update skip locked))
  delete from sambatan_auth.sessions where session_id in (
    select session_id from sambatan_auth.sessions where expires_at < now() limit 100)`,
);
