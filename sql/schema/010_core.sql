-- The tables of Sambatan, in a schema of their own: a marketplace's database already has its
-- `products` and `brands`. Rules that must hold whoever writes are said here once more as checks,
-- keys and triggers; the functions that write are in the migrations after this one.
--
-- Every table that belongs to a campaign leads its primary key and its foreign keys with
-- campaign_id, so that the schema can be distributed by campaign without a rewrite.

create type sambatan.campaign_status as enum
  ('draft', 'scheduled', 'active', 'locked', 'verifying', 'fulfilled', 'expired', 'cancelled');
create type sambatan.participant_status as enum
  ('pending_payment', 'confirmed', 'cancelled', 'refunded', 'fulfilled');
create type sambatan.payment_timing as enum ('on_completion', 'upfront');
create type sambatan.transaction_kind as enum ('payment', 'refund', 'payout', 'adjustment');
-- pending: with a provider whose answer is not known yet; void: owed no more.
create type sambatan.transaction_status as enum
  ('due', 'proof_submitted', 'settled', 'rejected', 'pending', 'void');
create type sambatan.brand_role as enum ('owner', 'admin', 'contributor');

-- ---------------------------------------------------------------- the catalogue

create table sambatan.profiles (
  user_id uuid primary key,
  display_name text not null check (char_length(display_name) between 1 and 80),
  locale text not null default 'id' check (locale in ('id', 'en')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table sambatan.brands (
  brand_id uuid primary key,
  name text not null check (char_length(name) between 2 and 80),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table sambatan.brand_members (
  brand_id uuid not null references sambatan.brands,
  user_id uuid not null,
  role sambatan.brand_role not null,
  created_at timestamptz not null default now(),
  primary key (brand_id, user_id)
);
create index brand_members_by_user on sambatan.brand_members (user_id);

create table sambatan.products (
  product_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  name text not null check (char_length(name) between 2 and 120),
  description text not null default '' check (char_length(description) <= 5000),
  -- Whole rupiah.
  base_price bigint not null check (base_price between 1 and 1000000000),
  sambatan_enabled boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (brand_id, product_id)
);

-- ---------------------------------------------------------------- campaigns

create table sambatan.campaigns (
  campaign_id uuid primary key,
  brand_id uuid not null,
  product_id uuid not null,
  status sambatan.campaign_status not null,
  payment_timing sambatan.payment_timing not null default 'on_completion',
  total_slots integer not null check (total_slots between 1 and 1000000),
  minimum_slots integer not null,
  min_slots_per_user integer,
  max_slots_per_user integer,
  -- The counters of the hot row. participant_count counts what filled_slots counts: reserved,
  -- confirmed and fulfilled participations.
  filled_slots integer not null default 0,
  confirmed_slots integer not null default 0,
  participant_count integer not null default 0,
  -- Whole percent, rounded down: the sort key of "progress". A stored column that only changes
  -- with the percent keeps most updates of the counters off the indexes (heap-only tuples).
  progress_floor smallint not null
    generated always as ((filled_slots::bigint * 100 / total_slots)::smallint) stored,
  -- Whole rupiah. 10^9 × 10^6 slots stays below 2^53: exact in JSON as well.
  price_per_slot bigint not null check (price_per_slot between 1 and 1000000000),
  platform_fee_basis_points integer not null default 300
    check (platform_fee_basis_points between 0 and 10000),
  hold_seconds integer not null default 86400 check (hold_seconds between 60 and 2592000),
  -- After the deadline of a campaign that is paid up front, how long a payment that was made in time
  -- may take to be seen; also how long after pay_by an order waits before it counts as unpaid.
  verification_seconds integer not null default 172800
    check (verification_seconds between 0 and 2592000),
  -- What falls due when the campaign completes is to be paid within the term and the grace.
  payment_term_seconds integer not null default 259200
    check (payment_term_seconds between 60 and 2592000),
  payment_grace_seconds integer not null default 86400
    check (payment_grace_seconds between 0 and 2592000),
  -- How long only the seller may decide whether a batch goes on below its minimum.
  decision_seconds integer not null default 259200
    check (decision_seconds between 0 and 2592000),
  deadline timestamptz not null,
  opens_at timestamptz,
  -- When the lifecycle has to look at this campaign next: its opening, a hold that may lapse, its
  -- deadline, the end of the verification hours, the end of an order that was not paid after success,
  -- or at once while it is being closed. Never later than the true time; an early look finds nothing
  -- to do and sets it anew. Null when nothing is left to look at.
  due_at timestamptz,
  -- Closing a large campaign takes several short transactions. From the decision to the last of
  -- them these say what it is being closed as; it takes no joins and no cancellations meanwhile.
  closing_as sambatan.campaign_status,
  closing_actor text,
  closing_reason text,
  -- What was taken when it was closed: for a failed or cancelled campaign when that was decided,
  -- before its refunds; for a completed one what was confirmed in the end.
  slots_at_close integer,
  -- The head of this campaign's audit chain.
  audit_seq bigint not null default 0,
  audit_hash bytea not null default decode(repeat('00', 32), 'hex'),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  opened_at timestamptz,
  filled_at timestamptz,
  verifying_at timestamptz,
  -- Since when somebody has to decide whether the batch goes on although fewer slots were paid than
  -- the minimum, and when it was decided to go on.
  decision_opened_at timestamptz,
  decided_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  title text not null check (char_length(title) between 3 and 120),
  description text not null default '' check (char_length(description) <= 5000),
  search tsvector not null generated always as (sambatan.search_words(title)) stored,

  foreign key (brand_id, product_id) references sambatan.products (brand_id, product_id),
  constraint campaigns_minimum_slots check (minimum_slots between 1 and total_slots),
  constraint campaigns_slots_per_user check (
    coalesce(min_slots_per_user, 1) between 1 and total_slots
    and coalesce(max_slots_per_user, total_slots) between coalesce(min_slots_per_user, 1)
      and total_slots),
  constraint campaigns_filled_slots check (filled_slots between 0 and total_slots),
  constraint campaigns_confirmed_slots check (confirmed_slots between 0 and filled_slots),
  constraint campaigns_participant_count check (participant_count between 0 and filled_slots),
  constraint campaigns_opens_before_deadline check (opens_at < deadline),
  constraint campaigns_scheduled_has_opening check (status <> 'scheduled' or opens_at is not null),
  constraint campaigns_full_is_full check (
    status not in ('active', 'locked') or closing_as is not null
    or (status = 'locked') = (filled_slots = total_slots)),
  constraint campaigns_due_while_alive check (status = 'fulfilled'
    or (status in ('scheduled', 'active', 'locked', 'verifying')) = (due_at is not null)),
  constraint campaigns_closing check (
    (closing_as is null or (closing_as in ('fulfilled', 'expired', 'cancelled')
      and status in ('active', 'locked', 'verifying'))
      or (closing_as = 'cancelled' and status = 'fulfilled'))
    and (closing_as is null) = (closing_actor is null)),
  constraint campaigns_verifying check (
    status <> 'verifying' or (verifying_at is not null and payment_timing = 'upfront')),
  constraint campaigns_decision check (decided_at is null or decision_opened_at is not null),
  -- A completed campaign may still be called off, below its minimum.
  constraint campaigns_completed_at check (
    (status = 'fulfilled') <= (completed_at is not null)
    and (completed_at is not null) <= (status in ('fulfilled', 'cancelled'))),
  constraint campaigns_failed_at check ((status = 'expired') = (failed_at is not null)),
  constraint campaigns_cancelled_at check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint campaigns_opened_at check (
    status not in ('active', 'locked', 'verifying', 'fulfilled', 'expired')
    or opened_at is not null)
) with (fillfactor = 70);

-- One index per sort order, each led by status: a list of several statuses is a merge of one
-- ordered scan per status, which stays as fast at a million campaigns as at a thousand.
create index campaigns_by_status_deadline on sambatan.campaigns (status, deadline, campaign_id);
create index campaigns_by_status_progress
  on sambatan.campaigns (status, progress_floor, campaign_id);
create index campaigns_by_status on sambatan.campaigns (status, campaign_id);
create index campaigns_by_brand on sambatan.campaigns (brand_id, campaign_id);
create index campaigns_by_search on sambatan.campaigns using gin (search);
create index campaigns_by_open_deadline on sambatan.campaigns (status, deadline)
  where status in ('active', 'locked');
create index campaigns_by_due on sambatan.campaigns (due_at) where due_at is not null;
-- The dashboard counts what is over without reading it.
create index campaigns_over on sambatan.campaigns (status) include (slots_at_close)
  where status in ('fulfilled', 'expired', 'cancelled');
create index campaigns_full on sambatan.campaigns (campaign_id) where status = 'locked';
create index campaigns_verifying on sambatan.campaigns (campaign_id) where status = 'verifying';
create index campaigns_to_decide on sambatan.campaigns (decision_opened_at, campaign_id)
  where status = 'fulfilled' and decision_opened_at is not null and decided_at is null;

-- ---------------------------------------------------------------- participations

create table sambatan.participants (
  campaign_id uuid not null references sambatan.campaigns,
  participation_id uuid not null,
  user_id uuid not null,
  quantity integer not null check (quantity between 1 and 1000000),
  status sambatan.participant_status not null default 'pending_payment',
  joined_at timestamptz not null,
  updated_at timestamptz not null,
  hold_expires_at timestamptz,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  refunded_at timestamptz,
  fulfilled_at timestamptz,
  cancel_reason text check (cancel_reason in ('buyer', 'hold_lapsed', 'operator', 'unpaid')),
  shipping_address text not null check (char_length(shipping_address) between 10 and 240),
  note text check (char_length(note) <= 160),
  primary key (campaign_id, participation_id),
  constraint participants_status_times check (case status
    when 'pending_payment' then
      num_nonnulls(confirmed_at, cancelled_at, refunded_at, fulfilled_at) = 0
    when 'confirmed' then
      confirmed_at is not null and num_nonnulls(cancelled_at, refunded_at, fulfilled_at) = 0
    when 'cancelled' then cancelled_at is not null and cancel_reason is not null
    when 'refunded' then refunded_at is not null
    when 'fulfilled' then fulfilled_at is not null and confirmed_at is not null
  end)
);
create index participants_by_id on sambatan.participants (participation_id);
create index participants_by_user on sambatan.participants (user_id, status, campaign_id);
create index participants_by_status
  on sambatan.participants (campaign_id, status, participation_id);
create index participants_by_hold on sambatan.participants (campaign_id, hold_expires_at)
  where status = 'pending_payment' and hold_expires_at is not null;

-- What a key was first used for and what was answered, refusals included.
create table sambatan.idempotency_keys (
  campaign_id uuid not null references sambatan.campaigns,
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

-- Attempts to join, counted per caller from the first one in a minute. Unlogged: losing the counts
-- in a crash costs nobody anything, and they are no part of the write-ahead log.
create unlogged table sambatan.join_attempts (
  caller text primary key,
  window_started_at timestamptz not null,
  attempts integer not null
) with (fillfactor = 70);
create index join_attempts_by_window on sambatan.join_attempts (window_started_at);

-- ---------------------------------------------------------------- money

create table sambatan.transactions (
  campaign_id uuid not null references sambatan.campaigns,
  transaction_id uuid not null default gen_random_uuid(),
  kind sambatan.transaction_kind not null,
  status sambatan.transaction_status not null default 'due',
  participation_id uuid,
  -- Whole rupiah; only an adjustment may be negative.
  amount bigint not null,
  -- What made it: a movement has one cause and a cause makes one movement.
  cause text not null check (char_length(cause) between 1 and 120),
  actor text not null,
  reference text check (char_length(reference) <= 200),
  created_at timestamptz not null,
  settled_at timestamptz,
  primary key (campaign_id, transaction_id),
  unique (campaign_id, cause),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint transactions_amount check (amount > 0 or (kind = 'adjustment' and amount <> 0)),
  constraint transactions_settled_at check ((status = 'settled') = (settled_at is not null)),
  constraint transactions_of_participation check (
    (kind in ('payment', 'refund')) <= (participation_id is not null))
);
create index transactions_by_kind on sambatan.transactions (campaign_id, kind, status);
create index transactions_open on sambatan.transactions (kind, status, created_at)
  where status in ('due', 'proof_submitted');

-- ---------------------------------------------------------------- the audit log

create table sambatan.audit_logs (
  -- No foreign key: it would be checked again for every row of a join, and every row is written by
  -- a function that holds the campaign's own. A campaign is never deleted.
  campaign_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  participation_id uuid,
  event text not null check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'deadline_extended', 'participant_joined', 'participant_confirmed',
    'participant_cancelled', 'participant_refunded', 'participant_fulfilled')),
  actor text not null check (actor ~ '^(system|service|(user|operator):[0-9a-f-]{36})$'),
  metadata jsonb not null,
  hash bytea not null,
  primary key (campaign_id, seq),
  constraint audit_logs_participation check (
    starts_with(event, 'participant_') = (participation_id is not null))
);
create index audit_logs_by_campaign_time on sambatan.audit_logs (campaign_id, occurred_at);
-- What happened to the campaign itself: few rows among those of its participations.
create index audit_logs_of_campaign on sambatan.audit_logs (campaign_id, seq)
  where participation_id is null;
create index audit_logs_by_time on sambatan.audit_logs (occurred_at);

-- Who runs the lifecycle, and what its last run did.
create table sambatan.workers (
  worker_id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  last_run_at timestamptz,
  last_run_transitions integer
);

-- ---------------------------------------------------------------- rules that watch every writer

create function sambatan.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'SB001',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;

create trigger audit_logs_append_only before update or delete on sambatan.audit_logs
  for each row execute function sambatan.refuse_change();
create trigger audit_logs_no_truncate before truncate on sambatan.audit_logs
  for each statement execute function sambatan.refuse_change();

create function sambatan.check_campaign_transition() returns trigger language plpgsql as $$
begin
  if not (case old.status
    when 'draft' then new.status in ('active', 'cancelled')
    when 'scheduled' then new.status in ('active', 'cancelled')
    when 'active' then new.status in ('locked', 'verifying', 'fulfilled', 'expired', 'cancelled')
    when 'locked' then new.status in ('active', 'verifying', 'fulfilled', 'expired', 'cancelled')
    when 'verifying' then new.status in ('fulfilled', 'expired', 'cancelled')
    when 'fulfilled' then new.status = 'cancelled'
    else false
  end) then
    raise exception using errcode = 'SB001',
      message = format('a campaign may not go from %s to %s', old.status, new.status);
  end if;
  return new;
end
$$;

create trigger campaigns_transition before update of status on sambatan.campaigns
  for each row when (old.status is distinct from new.status)
  execute function sambatan.check_campaign_transition();

create function sambatan.check_participant_transition() returns trigger language plpgsql as $$
begin
  if not (case old.status
    when 'pending_payment' then new.status in ('confirmed', 'cancelled', 'refunded')
    when 'confirmed' then new.status in ('cancelled', 'refunded', 'fulfilled')
    else false
  end) then
    raise exception using errcode = 'SB001',
      message = format('a participation may not go from %s to %s', old.status, new.status);
  end if;
  return new;
end
$$;

create trigger participants_transition before update of status on sambatan.participants
  for each row when (old.status is distinct from new.status)
  execute function sambatan.check_participant_transition();

create trigger campaigns_no_delete before delete on sambatan.campaigns
  for each row execute function sambatan.refuse_change();
create trigger transactions_no_truncate before truncate on sambatan.transactions
  for each statement execute function sambatan.refuse_change();
create trigger transactions_no_delete before delete on sambatan.transactions
  for each row execute function sambatan.refuse_change();

-- ---------------------------------------------------------------- nobody but the service

-- A Supabase project lets browsers reach its schemas: deny is the default, by row-level security
-- without a policy and by taking the privileges away.
alter table sambatan.profiles enable row level security;
alter table sambatan.brands enable row level security;
alter table sambatan.brand_members enable row level security;
alter table sambatan.products enable row level security;
alter table sambatan.campaigns enable row level security;
alter table sambatan.participants enable row level security;
alter table sambatan.idempotency_keys enable row level security;
alter table sambatan.join_attempts enable row level security;
alter table sambatan.transactions enable row level security;
alter table sambatan.audit_logs enable row level security;
alter table sambatan.workers enable row level security;

revoke all on schema sambatan from public;
revoke all on all tables in schema sambatan from public;
alter default privileges in schema sambatan revoke execute on functions from public;
alter default privileges in schema sambatan revoke all on tables from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on schema sambatan from %I', browser_role);
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;
