-- The second factor: codes of an authenticator app (RFC 6238), and recovery codes for users who
-- have lost the app.

create table sambatan_auth.second_factors (
  user_id uuid primary key,
  -- Encrypted with a key that is not in the database.
  secret bytea not null,
  created_at timestamptz not null default now(),
  -- Null during set-up: sign-in does not ask for the second factor yet.
  confirmed_at timestamptz,
  -- The time step of the last accepted code. That step and earlier ones are not accepted again.
  last_step bigint not null default 0
);

create table sambatan_auth.recovery_codes (
  user_id uuid not null,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);

-- Sign-ins that have passed the first factor but not the second. They are not sessions, so no query
-- for sessions can find them.
create table sambatan_auth.mfa_challenges (
  token_hash bytea primary key,
  user_id uuid not null,
  roles text[] not null default '{}',
  device text not null default '' check (char_length(device) <= 200),
  -- How long the session lasts if the sign-in succeeds.
  hours integer not null check (hours > 0),
  attempts integer not null default 0 check (attempts >= 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index mfa_challenges_by_user on sambatan_auth.mfa_challenges (user_id);
create index mfa_challenges_by_end on sambatan_auth.mfa_challenges (expires_at);
