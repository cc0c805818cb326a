-- A second factor: codes of an app (RFC 6238), and codes for when the app is lost.
create table sambatan_auth.second_factors (
  user_id uuid primary key,
  -- Sealed with a key that is not in the database.
  secret bytea not null,
  created_at timestamptz not null default now(),
  -- Null while it is being set up: it asks for nothing yet.
  confirmed_at timestamptz,
  -- The last step of time whose code was taken: no step is taken twice, and none before it.
  last_step bigint not null default 0
);

create table sambatan_auth.recovery_codes (
  user_id uuid not null,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);

-- Somebody who has shown the first factor and not the second. Not among the sessions, so that
-- nothing that looks for a session finds it.
create table sambatan_auth.half_sign_ins (
  token_hash bytea primary key,
  user_id uuid not null,
  roles text[] not null default '{}',
  device text not null default '' check (char_length(device) <= 200),
  -- Of the session that it may become.
  hours integer not null check (hours > 0),
  attempts integer not null default 0 check (attempts >= 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index half_sign_ins_by_user on sambatan_auth.half_sign_ins (user_id);
create index half_sign_ins_by_end on sambatan_auth.half_sign_ins (expires_at);

alter table sambatan_auth.sessions add column second_factor boolean not null default false;

alter table sambatan_auth.second_factors enable row level security;
alter table sambatan_auth.recovery_codes enable row level security;
alter table sambatan_auth.half_sign_ins enable row level security;
revoke all on sambatan_auth.second_factors, sambatan_auth.recovery_codes,
  sambatan_auth.half_sign_ins from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan_auth.second_factors, sambatan_auth.recovery_codes,
        sambatan_auth.half_sign_ins from %I', browser_role);
    end if;
  end loop;
end
$$;
