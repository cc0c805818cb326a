-- What this database is: the real one, or one that was restored from a backup and must not send
-- messages or move money before somebody has said that it is the real one.

-- One row. Backups leave it out, so that whatever was restored, by whichever tool, is held from its
-- first moment: a database without this row is held too.
create table sambatan.installation (
  is_the_one boolean primary key default true check (is_the_one),
  installation_id uuid not null default gen_random_uuid(),
  created_at timestamptz not null default now(),
  held_since timestamptz,
  held_reason text check (char_length(held_reason) between 1 and 400),
  released_at timestamptz,
  constraint installation_held check ((held_since is null) = (held_reason is null))
);

-- Backups that were begun, and those that were finished and verified. A backup has its own row in
-- it, still unfinished: a restore learns from that which migrations the backup knew.
create table sambatan.backups (
  backup_id uuid primary key,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- Of the file.
  bytes bigint check (bytes > 0),
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  -- [{version, name, sha256}]
  migrations jsonb not null,
  constraint backups_finished check (
    (finished_at is null) = (bytes is null) and (finished_at is null) = (sha256 is null))
);
create index backups_by_time on sambatan.backups (finished_at);

-- When each query of sql/invariants ran last on the whole database, and how many rows it gave.
create table sambatan.invariant_checks (
  name text primary key,
  started_at timestamptz,
  checked_at timestamptz,
  violations bigint
);

alter table sambatan.installation enable row level security;
alter table sambatan.backups enable row level security;
alter table sambatan.invariant_checks enable row level security;
revoke all on sambatan.installation, sambatan.backups, sambatan.invariant_checks from public;

create or replace function sambatan.is_held() returns boolean
language sql stable as $$
  select not exists (select from sambatan.installation where held_since is null)
$$;
revoke all on function sambatan.is_held() from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
      execute format('revoke all on all functions in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;

insert into sambatan.installation default values;
