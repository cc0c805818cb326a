-- Sign-in of the stand-alone service, and what people keep with us. Codes, links and sessions are
-- stored as hashes only: whoever reads these tables can sign in as nobody.
create schema sambatan_auth;

-- An e-mail address that was proved to be somebody's, by a code or a link that was sent there.
create table sambatan_auth.accounts (
  user_id uuid primary key,
  email text not null unique check (email = lower(email) and char_length(email) between 3 and 254),
  verified_at timestamptz not null default now()
);

create table sambatan_auth.sign_ins (
  sign_in_id uuid primary key,
  email text not null check (email = lower(email)),
  code_hash bytea not null,
  link_hash bytea not null unique,
  attempts integer not null default 0 check (attempts >= 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index sign_ins_by_email on sambatan_auth.sign_ins (email);
create index sign_ins_by_end on sambatan_auth.sign_ins (expires_at);

create table sambatan_auth.sessions (
  session_id uuid primary key,
  token_hash bytea not null unique,
  user_id uuid not null,
  -- From the app_metadata of the token that it was made from; empty for those by e-mail.
  roles text[] not null default '{}',
  device text not null default '' check (char_length(device) <= 200),
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_by_user on sambatan_auth.sessions (user_id);
create index sessions_by_end on sambatan_auth.sessions (expires_at);

-- Counts by the hash of an address or an e-mail; losing them in a crash costs nobody anything.
create unlogged table sambatan_auth.attempts (
  key text primary key,
  attempts integer not null,
  ends_at timestamptz not null
);
create index attempts_by_end on sambatan_auth.attempts (ends_at);

create table sambatan_auth.operators (
  user_id uuid primary key,
  named_by text not null,
  named_at timestamptz not null default now()
);

create table sambatan_auth.operator_changes (
  change_id uuid primary key,
  user_id uuid not null,
  change text not null check (change in ('named', 'dismissed')),
  actor text not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index operator_changes_by_user on sambatan_auth.operator_changes (user_id, change_id);
create trigger operator_changes_append_only before update or delete on sambatan_auth.operator_changes
  for each row execute function sambatan.refuse_change();
create trigger operator_changes_no_truncate before truncate on sambatan_auth.operator_changes
  for each statement execute function sambatan.refuse_change();

create table sambatan.addresses (
  user_id uuid not null,
  address_id uuid not null,
  label text not null check (char_length(label) between 1 and 40),
  recipient text not null check (char_length(recipient) between 2 and 60),
  phone text not null check (phone ~ '^\+?[0-9]{8,15}$'),
  street text not null check (char_length(street) between 5 and 120),
  province text not null check (char_length(province) between 2 and 40),
  city text not null check (char_length(city) between 2 and 40),
  district text not null check (char_length(district) between 2 and 40),
  postal_code text not null check (postal_code ~ '^[0-9]{5}$'),
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, address_id)
);
create unique index addresses_one_default on sambatan.addresses (user_id) where is_default;

alter table sambatan_auth.accounts enable row level security;
alter table sambatan_auth.sign_ins enable row level security;
alter table sambatan_auth.sessions enable row level security;
alter table sambatan_auth.attempts enable row level security;
alter table sambatan_auth.operators enable row level security;
alter table sambatan_auth.operator_changes enable row level security;
alter table sambatan.addresses enable row level security;

revoke all on schema sambatan_auth from public;
revoke all on all tables in schema sambatan_auth from public;
revoke all on sambatan.addresses from public;
alter default privileges in schema sambatan_auth revoke all on tables from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on schema sambatan_auth from %I', browser_role);
      execute format('revoke all on all tables in schema sambatan_auth from %I', browser_role);
      execute format('revoke all on sambatan.addresses from %I', browser_role);
    end if;
  end loop;
end
$$;
