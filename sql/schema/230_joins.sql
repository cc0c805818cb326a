-- Tables that a join needs in addition to the participation: idempotency keys and rate limits.

-- Idempotency keys of joins and of the waiting list. Each row has the hash of the request that
-- first used the key, and the outcome of that request, which may be a refusal.
create table sambatan.idempotency_keys (
  campaign_id uuid not null references sambatan.campaign_details,
  user_id uuid not null,
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null,
  outcome text not null,
  params jsonb,
  participation_id uuid,
  answered_at timestamptz not null,
  primary key (campaign_id, user_id, key),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint idempotency_keys_outcome check ((outcome = 'joined') = (participation_id is not null))
);
create unique index idempotency_keys_one_participation
  on sambatan.idempotency_keys (campaign_id, participation_id) where participation_id is not null;
create index idempotency_keys_by_time on sambatan.idempotency_keys (answered_at);

-- Joins that the service sent to the database twice because it did not get the answer to the first
-- SQL statement, and whose second SQL statement was refused. The first SQL statement may still run
-- later. It then finds its participation_id in this table and is refused too.
create table sambatan.refused_joins (
  campaign_id uuid not null references sambatan.campaign_details,
  participation_id uuid not null,
  outcome text not null,
  params jsonb,
  answered_at timestamptz not null,
  primary key (campaign_id, participation_id)
);
create index refused_joins_by_time on sambatan.refused_joins (answered_at);

-- The number of join attempts per caller. Attempts are counted in windows of one minute; a window
-- starts with the first attempt. The table is unlogged: the counts need no write-ahead log, and
-- losing them in a crash does no harm.
create unlogged table sambatan.join_attempts (
  caller text primary key,
  window_started_at timestamptz not null,
  attempts integer not null
) with (fillfactor = 70);
create index join_attempts_by_window on sambatan.join_attempts (window_started_at);
