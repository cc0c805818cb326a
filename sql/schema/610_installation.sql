-- Data about this installation: its identity, its backups, its workers and its self-checks.

-- The only row of this table marks this database as the production database. Backups do not contain
-- the row. So a database that was restored with any tool has no row and is in quarantine: it sends
-- no e-mails and webhooks and moves no money until somebody declares it the production database.
create table sambatan.installation (
  is_the_one boolean primary key default true check (is_the_one),
  installation_id uuid not null default gen_random_uuid(),
  created_at timestamptz not null default now(),
  quarantined_since timestamptz,
  quarantine_reason text check (char_length(quarantine_reason) between 1 and 400),
  released_at timestamptz,
  constraint installation_held check ((quarantined_since is null) = (quarantine_reason is null))
);
insert into sambatan.installation default values;

-- One row for each backup that was started. finished_at is set when the backup is finished and
-- verified. The file of a backup contains the row of that backup, still without finished_at. A
-- restore reads from this row which migrations the backup contains.
create table sambatan.backups (
  backup_id uuid primary key,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- Size and hash of the backup file.
  bytes bigint check (bytes > 0),
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  -- An array of {version, name, sha256}.
  migrations jsonb not null,
  constraint backups_finished check (
    (finished_at is null) = (bytes is null) and (finished_at is null) = (sha256 is null))
);
create index backups_by_time on sambatan.backups (finished_at);

-- Processes that run the lifecycle, and the result of their last run.
create table sambatan.workers (
  worker_id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  last_run_at timestamptz,
  last_run_transitions integer
);

-- The last run of each query of sql/invariants on the whole database, and the number of rows that
-- it returned.
create table sambatan.invariant_checks (
  name text primary key,
  started_at timestamptz,
  checked_at timestamptz,
  violations bigint
);
