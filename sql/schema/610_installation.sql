-- The installation: its identity, its backups, its workers and its self-checks.

-- One row: this is the real database. Backups omit it. So a database restored by any tool has no
-- row and is in quarantine: it sends no e-mails and webhooks and moves no money until somebody
-- declares it the real one.
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

-- Backups that were started, and those that were finished and verified. A backup contains its own
-- row, unfinished, which tells a restore the migrations that the backup knew.
create table sambatan.backups (
  backup_id uuid primary key,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  -- Size and hash of the file.
  bytes bigint check (bytes > 0),
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  -- [{version, name, sha256}]
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

-- The last run of each query of sql/invariants on the whole database, and the rows it returned.
create table sambatan.invariant_checks (
  name text primary key,
  started_at timestamptz,
  checked_at timestamptz,
  violations bigint
);
