-- Written by scripts/baseline.js from sql/schema. Edit the sources there, not this file.

create schema if not exists sambatan;

-- Text as searches compare it: lower case, without accents, one form for composed, decomposed and
-- full-width characters; letters that do not decompose become the Latin letters that people type
-- for them. src/database/text-search.ts does the same with what is searched for. Most text is ASCII,
-- which skips the normalization: it would cost five times as much as the rest.
create function sambatan.search_fold(p_text text) returns text
language sql immutable parallel safe as $$
  select case when octet_length(p_text) = char_length(p_text) then lower(p_text)
    else replace(replace(replace(replace(
      lower(translate(
        normalize(regexp_replace(normalize(p_text, nfkd),
          U&'[\0300-\036F\1AB0-\1AFF\1DC0-\1DFF\20D0-\20FF\FE20-\FE2F]', '', 'g'), nfkc),
        'ØøĐđÐðŁłĦħıςẞÆŒÞ', 'ooddddllhhiσßæœþ')),
      'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th') end
$$;

-- The words of a text for full-text search. Signs between letters separate words: the parser would
-- otherwise keep `30ml/50ml` or `wangi.id` as one.
create function sambatan.search_words(p_text text) returns tsvector
language sql immutable parallel safe
-- Not a body in quotes: pg_dump has to see that search_fold comes first.
return to_tsvector('pg_catalog.simple', translate(sambatan.search_fold(p_text), '@.+-_/''’', '        '));

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

-- Where a person can be reached, and in whose time they read a deadline.
alter table sambatan.profiles
  add column email text check (char_length(email) between 3 and 254 and email like '%_@_%'),
  add column time_zone text not null default 'Asia/Jakarta'
    check (char_length(time_zone) between 1 and 64);

-- The audit log tells of the waiting list, of money and of disputes as well.
alter table sambatan.audit_logs
  drop constraint audit_logs_event_check,
  add constraint audit_logs_event_check check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'campaign_verifying', 'campaign_below_minimum', 'campaign_continued',
    'campaign_shortfall', 'deadline_extended', 'participant_joined', 'participant_confirmed',
    'participant_cancelled', 'participant_refunded', 'participant_fulfilled', 'waiting_joined',
    'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
    'waiting_withdrawn', 'waiting_closed', 'payment_proof_submitted', 'payment_settled',
    'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
    'payout_released', 'payout_settled', 'payout_reversed', 'dispute_opened',
    'dispute_resolved')),
  -- What is about a participation names it.
  drop constraint audit_logs_participation,
  add constraint audit_logs_participation check (
    event ~ '^(participant|payment|refund|dispute)_' = (participation_id is not null));

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

-- Products have a weight and a picture, and brands invite their members.
alter table sambatan.products
  add column weight_grams integer check (weight_grams between 1 and 1000000),
  add column picture_digest text check (picture_digest ~ '^[0-9a-f]{32}$'),
  -- Pixels of the largest variant.
  add column picture_width integer check (picture_width between 1 and 960),
  add column picture_height integer check (picture_height between 1 and 2880),
  add constraint products_picture check (
    num_nonnulls(picture_digest, picture_width, picture_height) in (0, 3));

-- In the database, so that every replica serves what was uploaded to another, and a backup has it.
create table sambatan.pictures (
  digest text not null check (digest ~ '^[0-9a-f]{32}$'),
  variant text not null check (variant in ('480.webp', '960.webp', '960.jpg')),
  product_id uuid not null references sambatan.products,
  bytes bytea not null check (octet_length(bytes) between 1 and 5242880),
  created_at timestamptz not null default now(),
  primary key (digest, variant)
);
-- They are compressed already.
alter table sambatan.pictures alter column bytes set storage external;
create index pictures_by_product on sambatan.pictures (product_id);

create table sambatan.brand_invitations (
  invitation_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  email text not null check (char_length(email) between 3 and 254 and email like '%_@_%'),
  role sambatan.brand_role not null check (role <> 'owner'),
  -- SHA-256 of the token in the link; the token itself is in the mail only.
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  invited_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  cancelled_at timestamptz,
  accepted_at timestamptz,
  accepted_by uuid,
  constraint brand_invitations_end check (
    (accepted_at is null) = (accepted_by is null)
    and num_nonnulls(accepted_at, cancelled_at) <= 1)
);
create unique index brand_invitations_open on sambatan.brand_invitations (brand_id, lower(email))
  where accepted_at is null and cancelled_at is null;
create index brand_invitations_by_brand on sambatan.brand_invitations (brand_id, created_at);
create index brand_invitations_by_expiry on sambatan.brand_invitations (expires_at);

-- Whom an invitation is written to may be known, and so their language.
create index profiles_by_email on sambatan.profiles (lower(email)) where email is not null;

-- When the deadline was last moved: who joined before that may leave without loss.
alter table sambatan.campaigns add column extended_at timestamptz;

alter table sambatan.pictures enable row level security;
alter table sambatan.brand_invitations enable row level security;
revoke all on sambatan.pictures, sambatan.brand_invitations from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.pictures, sambatan.brand_invitations from %I',
        browser_role);
    end if;
  end loop;
end
$$;

-- What operators look things up by: what happened to campaigns over the whole market (few rows
-- among those of participations), and people by their address.
create index audit_logs_of_campaigns_by_time on sambatan.audit_logs (occurred_at, campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_event
  on sambatan.audit_logs (event, occurred_at, campaign_id, seq) where participation_id is null;
create index if not exists profiles_by_email on sambatan.profiles (lower(email));

-- Money that moves: where it is paid to, what proves it, what a bank says of it, and what becomes of
-- it on its way back to buyers and on to sellers.

-- ---------------------------------------------------------------- accounts

-- Where the platform receives transfers. One is the default.
create table sambatan.receiving_accounts (
  account_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  is_default boolean not null default false,
  is_active boolean not null default true,
  -- The last day (Asia/Jakarta) of which a statement of this account has been imported whole.
  statement_through date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (bank, number),
  constraint receiving_accounts_default_is_active check (is_active or not is_default)
);
create unique index receiving_accounts_one_default on sambatan.receiving_accounts (is_default)
  where is_default;

-- Where a buyer wants money back, and a brand its payouts: personal data.
create table sambatan.refund_accounts (
  user_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  updated_at timestamptz not null default now()
);
create table sambatan.payout_accounts (
  brand_id uuid primary key references sambatan.brands,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  updated_at timestamptz not null default now()
);

-- ---------------------------------------------------------------- campaigns and participations

-- How long after its end a hold is still left alone.
alter table sambatan.campaigns add column hold_grace_seconds integer not null default 0
  check (hold_grace_seconds between 0 and 604800);
-- Of the slots that were bought, those that the seller cannot deliver, or that were taken back.
alter table sambatan.participants add column short_slots integer not null default 0,
  add constraint participants_short_slots check (short_slots between 0 and quantity);
-- Reminders look for holds that are about to lapse, whatever their campaign.
create index participants_holds on sambatan.participants (hold_expires_at, participation_id)
  where status = 'pending_payment' and hold_expires_at is not null;

-- ---------------------------------------------------------------- movements

alter table sambatan.transactions
  -- Of a payment: the account that it is to be paid to, by when, and the few rupiah that make its
  -- amount one of a kind there. What is to be transferred is amount + unique_code.
  add column account_id uuid references sambatan.receiving_accounts,
  add column unique_code integer not null default 0 check (unique_code between 0 and 99999),
  add column pay_by timestamptz,
  -- Of a settled payment: what came above the amount and is kept with it, at most the unique code.
  add column surcharge bigint not null default 0 check (surcharge between 0 and 99999),
  -- When the buyer paid, not when somebody saw it: the moment, or the day in Asia/Jakarta where a
  -- bank or a person tells no more. It decides whether the payment was made in time.
  add column paid_at timestamptz,
  add column paid_on date,
  -- When a person last looked at the proof and did not accept it.
  add column rejected_at timestamptz,
  -- What was left of the hold when its proof stopped the clock.
  add column hold_left interval,
  -- Why a payment was rejected, a movement failed the last time, or is owed no more.
  add column reason text check (char_length(reason) between 1 and 500),
  add column attempts integer not null default 0 check (attempts >= 0),
  -- What arrived: the same receipt is never counted twice.
  add column receipt text check (char_length(receipt) between 1 and 120),
  -- The provider that carries it, and the provider's own name for it; stays when it is settled.
  add column provider text check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  add column provider_reference text check (char_length(provider_reference) between 1 and 200),
  -- Of an adjustment: what it is for, and the movement that it takes back.
  add column purpose text check (purpose in ('unique_code', 'credit', 'reversal')),
  add column reverses uuid,
  -- Of a payout: since when it may be paid out.
  add column released_at timestamptz,
  add constraint transactions_purpose check ((kind = 'adjustment') = (purpose is not null)),
  add constraint transactions_provider check ((provider is null) = (provider_reference is null)),
  add constraint transactions_reverses check ((purpose = 'reversal') = (reverses is not null)),
  add foreign key (campaign_id, reverses) references sambatan.transactions;

create index transactions_by_id on sambatan.transactions (transaction_id);
create index transactions_of_participation on sambatan.transactions (campaign_id, participation_id)
  where participation_id is not null;
create unique index transactions_by_receipt on sambatan.transactions (campaign_id, receipt)
  where receipt is not null;
create unique index transactions_by_provider
  on sambatan.transactions (provider, provider_reference) where provider is not null;
create unique index transactions_reversed_once on sambatan.transactions (campaign_id, reverses)
  where reverses is not null;
-- No two open payments to one account are of the same amount, where they have codes.
create unique index transactions_one_of_a_kind
  on sambatan.transactions (account_id, (amount + unique_code))
  where kind = 'payment' and unique_code > 0
    and status in ('due', 'proof_submitted', 'rejected', 'pending');
create index transactions_by_expected
  on sambatan.transactions (account_id, (amount + unique_code), created_at)
  where kind = 'payment' and account_id is not null;
-- The queues of operators, in order of age.
drop index sambatan.transactions_open;
create index transactions_open
  on sambatan.transactions (kind, status, created_at, transaction_id)
  where status in ('due', 'proof_submitted', 'rejected', 'pending');

create function sambatan.check_transaction_transition() returns trigger language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
      is distinct from (new.status, new.amount, new.surcharge))
    or (old.status = 'pending' and new.status = 'proof_submitted')
  then
    raise exception using errcode = 'SB001',
      message = format('a movement that is %s may not be changed like that', old.status);
  end if;
  return new;
end
$$;
create trigger transactions_transition before update on sambatan.transactions
  for each row execute function sambatan.check_transaction_transition();

-- What a buyer sent to show that they paid: one file, the last one. In the database, so that every
-- process can show it.
create table sambatan.payment_proofs (
  campaign_id uuid not null,
  participation_id uuid not null,
  content_type text not null check (content_type in ('image/webp', 'application/pdf')),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_by text not null,
  uploaded_at timestamptz not null,
  primary key (campaign_id, participation_id),
  foreign key (campaign_id, participation_id) references sambatan.participants
);
-- Pictures are compressed already.
alter table sambatan.payment_proofs alter column content set storage external;

-- ---------------------------------------------------------------- what the bank says

-- 'allocated': a person has said what it pays for, and nothing of it is counted yet.
create type sambatan.statement_line_status as enum
  ('unmatched', 'ambiguous', 'allocated', 'matched', 'ignored');

-- One transfer that a bank's statement shows. The fingerprint is over what the bank says of it (day,
-- amount, description, reference, balance) and which of several equal ones it is.
create table sambatan.statement_lines (
  line_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  booked_on date not null,
  -- The moment, where the bank names it.
  booked_at timestamptz,
  amount bigint not null check (amount > 0),
  description text not null check (char_length(description) <= 500),
  reference text check (char_length(reference) between 1 and 200),
  -- The balance of the account after it, in sen.
  balance_sen bigint,
  status sambatan.statement_line_status not null default 'unmatched',
  campaign_id uuid,
  participation_id uuid,
  -- What came of it: settled, given, credited, known; divided, where its parts say so; or a person's
  -- reason to leave it alone.
  outcome text check (char_length(outcome) between 1 and 500),
  imported_by text not null,
  imported_at timestamptz not null,
  handled_by text,
  handled_at timestamptz,
  unique (account_id, fingerprint),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint statement_lines_handled check (
    (status in ('matched', 'ignored')) = (handled_at is not null)
    and (participation_id is null or status = 'matched'))
);
create index statement_lines_open on sambatan.statement_lines (booked_on, line_id)
  where status in ('unmatched', 'ambiguous', 'allocated');
create index statement_lines_open_by_amount
  on sambatan.statement_lines (account_id, amount)
  where status in ('unmatched', 'ambiguous', 'allocated');
create index statement_lines_of_account on sambatan.statement_lines (account_id, booked_on);
create index statement_lines_of_participation
  on sambatan.statement_lines (campaign_id, participation_id, amount)
  where participation_id is not null;

-- ---------------------------------------------------------------- disputes

create table sambatan.disputes (
  campaign_id uuid not null,
  dispute_id uuid not null,
  participation_id uuid not null,
  reason text not null check (char_length(reason) between 3 and 500),
  opened_by text not null,
  opened_at timestamptz not null,
  resolution text check (resolution in ('upheld', 'dismissed')),
  explanation text check (char_length(explanation) between 3 and 500),
  resolved_by text,
  resolved_at timestamptz,
  primary key (campaign_id, dispute_id),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint disputes_resolved check (
    num_nonnulls(resolution, explanation, resolved_by, resolved_at) in (0, 4))
);
create index disputes_by_id on sambatan.disputes (dispute_id);
create unique index disputes_open on sambatan.disputes (campaign_id, participation_id)
  where resolved_at is null;
create index disputes_queue on sambatan.disputes (opened_at, dispute_id)
  where resolved_at is null;

alter table sambatan.receiving_accounts enable row level security;
alter table sambatan.refund_accounts enable row level security;
alter table sambatan.payout_accounts enable row level security;
alter table sambatan.payment_proofs enable row level security;
alter table sambatan.statement_lines enable row level security;
alter table sambatan.disputes enable row level security;
revoke all on sambatan.receiving_accounts, sambatan.refund_accounts, sambatan.payout_accounts,
  sambatan.payment_proofs, sambatan.statement_lines, sambatan.disputes from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;

-- The waiting list of a campaign: who would like slots when some come free, for how many, in order
-- of arrival. What may happen to an entry, and when slots are offered to whom, is in the functions
-- of the migration after this one; docs/decisions has why.

create type sambatan.waiting_status as enum
  ('waiting', 'offered', 'accepted', 'declined', 'lapsed', 'withdrawn', 'closed');

alter table sambatan.campaigns
  -- Entries that wait or have an offer. Zero, as of nearly every campaign, says that there is
  -- nothing to look for.
  add column waiting_entries integer not null default 0,
  -- Slots that nobody has taken and that are not for strangers: those under offers, and while
  -- anybody waits without one, all of them.
  add column kept_slots integer not null default 0,
  add column offer_seconds integer not null default 7200
    check (offer_seconds between 60 and 604800),
  add constraint campaigns_waiting_entries check (waiting_entries >= 0),
  add constraint campaigns_kept_slots check (
    kept_slots >= 0 and filled_slots + kept_slots <= total_slots
    and (waiting_entries > 0 or kept_slots = 0));

create table sambatan.waiting_entries (
  campaign_id uuid not null references sambatan.campaigns,
  entry_id uuid not null,
  user_id uuid not null,
  -- The place in the line: that of its waiting_joined in the campaign's audit log.
  position bigint not null check (position > 0),
  quantity integer not null check (quantity between 1 and 1000000),
  status sambatan.waiting_status not null default 'waiting',
  -- Offers made to entries behind this one while it waited.
  overtaken integer not null default 0 check (overtaken >= 0),
  -- Free slots stand idle for this entry, which nobody may overtake any more, until then at most.
  keep_until timestamptz,
  -- A campaign that closes before then closes the offer with it.
  offer_expires_at timestamptz,
  participation_id uuid,
  shipping_address text not null check (char_length(shipping_address) between 10 and 240),
  note text check (char_length(note) <= 160),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  offered_at timestamptz,
  accepted_at timestamptz,
  declined_at timestamptz,
  lapsed_at timestamptz,
  withdrawn_at timestamptz,
  closed_at timestamptz,
  primary key (campaign_id, entry_id),
  unique (campaign_id, position),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint waiting_entries_status_times check (
    (status = 'accepted') = (accepted_at is not null)
    and (status = 'declined') = (declined_at is not null)
    and (status = 'lapsed') = (lapsed_at is not null)
    and (status = 'withdrawn') = (withdrawn_at is not null)
    and (status = 'closed') = (closed_at is not null)
    and (status = 'waiting') <= (offered_at is null)
    and (status in ('offered', 'accepted', 'declined')) <= (offered_at is not null)
    and (offered_at is null) = (offer_expires_at is null)),
  constraint waiting_entries_keep_until check (keep_until is null or status = 'waiting'),
  constraint waiting_entries_accepted check (
    (status = 'accepted') = (participation_id is not null))
);
create unique index waiting_entries_one_open on sambatan.waiting_entries (campaign_id, user_id)
  where status in ('waiting', 'offered');
create index waiting_entries_by_status
  on sambatan.waiting_entries (campaign_id, status, position);
create index waiting_entries_kept_for on sambatan.waiting_entries (campaign_id)
  where keep_until is not null;
create index waiting_entries_by_id on sambatan.waiting_entries (entry_id);
create index waiting_entries_by_user
  on sambatan.waiting_entries (user_id, campaign_id, position desc);

create function sambatan.check_waiting_transition() returns trigger language plpgsql as $$
begin
  if not (case old.status
    when 'waiting' then new.status in ('offered', 'lapsed', 'withdrawn', 'closed')
    when 'offered' then new.status in ('accepted', 'declined', 'lapsed', 'withdrawn', 'closed')
    else false
  end) then
    raise exception using errcode = 'SB001',
      message = format('a waiting entry may not go from %s to %s', old.status, new.status);
  end if;
  return new;
end
$$;

create trigger waiting_entries_transition before update of status on sambatan.waiting_entries
  for each row when (old.status is distinct from new.status)
  execute function sambatan.check_waiting_transition();

alter table sambatan.waiting_entries enable row level security;
revoke all on table sambatan.waiting_entries from public;

-- Messages: in-app notifications, e-mail and webhooks, all derived from the audit log. None of
-- these tables has a foreign key to campaigns: checking it would lock the hot row of a flash crowd.

-- How far each campaign's log has been turned into messages. A row of its own, so that the
-- campaign's is not written.
create table sambatan.notification_cursors (
  campaign_id uuid primary key,
  seq bigint not null check (seq >= 0),
  moved_at timestamptz not null default now()
);
-- What happened before there were messages is told to nobody.
insert into sambatan.notification_cursors (campaign_id, seq)
  select campaign_id, audit_seq from sambatan.campaigns where audit_seq > 0;

-- One message to one person about one event. Words are made when it is shown or sent, in the
-- language and the time zone that the person has then.
create table sambatan.notifications (
  campaign_id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  -- What it is about: a place in the log, a reminder, a digest. A person is told of it once.
  event_key text not null check (char_length(event_key) between 1 and 120),
  kind text not null check (char_length(kind) between 1 and 40),
  topic text not null check (char_length(topic) between 1 and 40),
  params jsonb not null,
  -- False: by e-mail only, because the person wants it so.
  in_app boolean not null,
  created_at timestamptz not null default now(),
  read_at timestamptz,
  primary key (campaign_id, notification_id),
  unique (campaign_id, user_id, event_key)
);
create index notifications_inbox on sambatan.notifications (user_id, notification_id)
  where in_app;
create index notifications_unread on sambatan.notifications (user_id, notification_id)
  where in_app and read_at is null;
create index notifications_by_time on sambatan.notifications (created_at);

-- What is on its way out. An e-mail's delivery has its notification's id, a webhook's has the
-- event's place in the log: each is there once.
create table sambatan.deliveries (
  campaign_id uuid not null,
  delivery_id uuid not null,
  channel text not null check (channel in ('email', 'webhook')),
  endpoint_id uuid,
  seq bigint,
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'failed', 'dropped')),
  attempts integer not null default 0 check (attempts >= 0),
  -- While an attempt is under way: when its lease ends and another worker may take it over.
  next_attempt_at timestamptz,
  lease_id uuid,
  last_attempt_at timestamptz,
  last_result text check (char_length(last_result) <= 300),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (campaign_id, delivery_id),
  unique (campaign_id, endpoint_id, seq),
  constraint deliveries_of_webhooks check (
    (channel = 'webhook') = (endpoint_id is not null and seq is not null)),
  constraint deliveries_pending check ((status = 'pending') = (next_attempt_at is not null)),
  constraint deliveries_finished check ((status = 'pending') = (finished_at is null))
);
create index deliveries_due_email on sambatan.deliveries (next_attempt_at)
  where status = 'pending' and channel = 'email';
create index deliveries_due_webhook on sambatan.deliveries (endpoint_id, next_attempt_at)
  where status = 'pending' and channel = 'webhook';
-- A hash: one in order would be taken for lists, which have to go by their status.
create index deliveries_by_id on sambatan.deliveries using hash (delivery_id);
create index deliveries_by_endpoint on sambatan.deliveries (endpoint_id, delivery_id)
  where channel = 'webhook';
create index deliveries_by_status on sambatan.deliveries (status, delivery_id);
create index deliveries_finished on sambatan.deliveries (finished_at)
  where finished_at is not null;

-- Where integrators want to be told; brand_id null: of every brand, for the service's own backends.
create table sambatan.webhook_endpoints (
  endpoint_id uuid primary key,
  brand_id uuid references sambatan.brands,
  url text not null check (char_length(url) between 10 and 500),
  description text not null default '' check (char_length(description) <= 200),
  -- Empty: every event.
  events text[] not null default '{}',
  secret text not null,
  -- Signed with as well until then, so that a receiver can change over without a gap.
  previous_secret text,
  previous_secret_until timestamptz,
  status text not null default 'enabled' check (status in ('enabled', 'disabled', 'removed')),
  status_reason text check (char_length(status_reason) <= 300),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_endpoints_previous check (
    (previous_secret is null) = (previous_secret_until is null))
);
create index webhook_endpoints_by_brand on sambatan.webhook_endpoints (brand_id, endpoint_id)
  where status <> 'removed';

-- What a person wants to hear of, where it differs from the default of the topic.
create table sambatan.message_settings (
  user_id uuid not null,
  topic text not null check (char_length(topic) between 1 and 40),
  email boolean not null,
  in_app boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, topic)
);

-- What sellers are told together: one message for a campaign and window, however many joined.
create table sambatan.seller_digests (
  campaign_id uuid primary key,
  from_seq bigint not null,
  due_at timestamptz not null,
  joined integer not null,
  joined_slots bigint not null,
  confirmed integer not null,
  confirmed_slots bigint not null,
  cancelled integer not null,
  cancelled_slots bigint not null
);
create index seller_digests_by_due on sambatan.seller_digests (due_at);

-- One event that everybody who takes part is told of, in steps; participations up to `after` have
-- been told.
create table sambatan.notification_fanouts (
  campaign_id uuid not null,
  seq bigint not null,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (campaign_id, seq)
);

-- Somebody asked to be reminded of a deadline, their hold is about to lapse, or what fell due when a
-- campaign completed is not paid.
create table sambatan.reminders (
  campaign_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in
    ('deadline_day', 'deadline_hour', 'hold', 'payment_half', 'payment_last',
    'receipt')),
  -- The participation of a hold or a payment, the campaign of a deadline.
  subject_id uuid not null,
  due_at timestamptz not null,
  done_at timestamptz,
  primary key (campaign_id, user_id, kind, subject_id)
);
create index reminders_by_due on sambatan.reminders (due_at) where done_at is null;
create index reminders_done on sambatan.reminders (done_at) where done_at is not null;

alter table sambatan.notification_cursors enable row level security;
alter table sambatan.notifications enable row level security;
alter table sambatan.deliveries enable row level security;
alter table sambatan.webhook_endpoints enable row level security;
alter table sambatan.message_settings enable row level security;
alter table sambatan.seller_digests enable row level security;
alter table sambatan.notification_fanouts enable row level security;
alter table sambatan.reminders enable row level security;
revoke all on all tables in schema sambatan from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on all tables in schema sambatan from %I', browser_role);
    end if;
  end loop;
end
$$;

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

-- What a payment gateway was asked for: one row per order or refund, under the name of ours that the
-- provider knows it by, written before the provider is called. `unknown` until it is known what came
-- of the call; an `open` order waits for its buyer; `made` and `not_made` are final. A row outlives
-- the payment that it was for: money that comes after a hold lapsed is still looked for and counted.
create table sambatan.gateway_calls (
  campaign_id uuid not null,
  reference text not null check (reference ~ '^[A-Za-z0-9-]{8,50}$'),
  transaction_id uuid not null,
  participation_id uuid not null,
  kind sambatan.transaction_kind not null check (kind in ('payment', 'refund')),
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  -- The order at the provider: of a payment its own reference, of a refund that of the payment.
  order_reference text not null check (order_reference ~ '^[A-Za-z0-9-]{8,50}$'),
  amount bigint not null check (amount > 0),
  status text not null default 'unknown' check (status in ('unknown', 'open', 'made', 'not_made')),
  redirect_url text check (char_length(redirect_url) between 1 and 2000),
  attempts integer not null default 0 check (attempts >= 0),
  -- When it is asked after next; null when there is nothing more to ask.
  next_check_at timestamptz,
  -- An order can be paid until then; its payment is to be paid by then, too.
  payable_until timestamptz,
  -- After it an order that nobody began to pay cannot be paid any more.
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (campaign_id, reference),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint gateway_calls_closed check ((next_check_at is null) = (status in ('made', 'not_made')))
);
create unique index gateway_calls_by_reference on sambatan.gateway_calls (reference);
create index gateway_calls_of_movement on sambatan.gateway_calls (campaign_id, transaction_id);
create index gateway_calls_due on sambatan.gateway_calls (next_check_at)
  where next_check_at is not null;

alter table sambatan.gateway_calls enable row level security;
revoke all on sambatan.gateway_calls from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.gateway_calls from %I', browser_role);
    end if;
  end loop;
end
$$;

-- Whoever takes their data along or leaves has all of it in it, also the invitations that were
-- written to them and the messages that they wanted by e-mail only.
create index brand_invitations_by_email on sambatan.brand_invitations (lower(email));
create index notifications_by_mail_only on sambatan.notifications (user_id) where not in_app;
create index reminders_by_user on sambatan.reminders (user_id);

-- Refunds and payouts that were made, the newest first: those that came back are looked for there.
create index transactions_made on sambatan.transactions (kind, settled_at desc, transaction_id)
  where status = 'settled' and kind in ('refund', 'payout');

-- What settling campaigns writes beside their rows, before it is stored: participations that change
-- their status, movements of money that fall due, entries of the audit log.
create type sambatan.participation_move as (
  campaign_id uuid,
  participation_id uuid,
  status sambatan.participant_status,
  moved_at timestamptz
);
create type sambatan.due_movement as (
  campaign_id uuid,
  kind sambatan.transaction_kind,
  participation_id uuid,
  amount bigint,
  cause text,
  actor text,
  created_at timestamptz,
  pay_by timestamptz
);
create type sambatan.effects as (
  moves sambatan.participation_move[],
  dues sambatan.due_movement[],
  entries sambatan.audit_logs[]
);

-- Nobody looks for a row of the log by its time alone: what happened to campaigns has an index of
-- its own, and the rest is asked for by campaign. Every join paid for it.
drop index if exists sambatan.audit_logs_by_time;

-- A refund that reached its buyer twice is booked twice, beside a claim for what is to come back.
alter table sambatan.transactions
  drop constraint transactions_purpose_check,
  add constraint transactions_purpose_check
    check (purpose in ('unique_code', 'credit', 'reversal', 'claim'));
alter table sambatan.audit_logs
  drop constraint audit_logs_event_check,
  add constraint audit_logs_event_check check (event in (
    'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full',
    'campaign_reopened', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
    'campaign_verifying', 'campaign_below_minimum', 'campaign_continued',
    'campaign_shortfall', 'campaign_shipped', 'deadline_extended', 'participant_joined', 'participant_confirmed',
    'participant_cancelled', 'participant_refunded', 'participant_fulfilled',
    'participant_changed', 'waiting_joined',
    'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
    'waiting_withdrawn', 'waiting_closed', 'payment_proof_submitted', 'payment_settled',
    'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
    'refund_doubled', 'refund_recovered', 'refund_lost', 'payout_released', 'payout_settled',
    'payout_reversed', 'dispute_opened', 'dispute_resolved'));

-- What was given up may come back after all.
create or replace function sambatan.check_transaction_transition() returns trigger
language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
        is distinct from (new.status, new.amount, new.surcharge)
      and (old.purpose, old.status::text, new.status::text, new.amount)
        is distinct from ('claim', 'void', 'settled', old.amount))
    or (old.status = 'pending' and new.status = 'proof_submitted')
  then
    raise exception using errcode = 'SB001',
      message = format('a movement that is %s may not be changed like that', old.status);
  end if;
  return new;
end
$$;

-- A notification tells of an order; its refunds are looked for by it.
create index gateway_calls_refunds_of_order
  on sambatan.gateway_calls (campaign_id, order_reference) where kind = 'refund';

-- Who came in, and what was tried: one chain for each account, as campaigns have theirs. Nothing of
-- a person but the id; no address of a network.
create table sambatan_auth.access_heads (
  user_id uuid primary key,
  seq bigint not null check (seq >= kept_after),
  hash bytea not null,
  -- Rows up to this one went with time; the hash that the first of those that stay builds on.
  kept_after bigint not null default 0 check (kept_after >= 0),
  kept_hash bytea not null default decode(repeat('00', 32), 'hex')
);

create table sambatan_auth.access_log (
  user_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  event text not null check (event in (
    'code_requested', 'code_failed', 'codes_exhausted', 'signed_in', 'signed_out', 'session_ended',
    'sessions_ended', 'factor_added', 'factor_removed', 'factor_failed', 'recovery_codes_made',
    'proved_again', 'account_deleted')),
  -- By what; empty where there is nothing to say.
  method text not null check (method in ('', 'code', 'link', 'token', 'factor', 'recovery_code')),
  -- Such as "Chrome · Android": no browser says more of itself here.
  browser text not null check (char_length(browser) <= 60 and position('|' in browser) = 0),
  hash bytea not null,
  primary key (user_id, seq)
);
create index access_log_by_age on sambatan_auth.access_log (occurred_at);

-- A row may go when it is 400 days old, and never before.
create function sambatan_auth.refuse_young_access() returns trigger language plpgsql as $$
begin
  if old.occurred_at > now() - interval '400 days' then
    raise exception using errcode = 'integrity_constraint_violation',
      message = 'a row of the access log stays for 400 days';
  end if;
  return old;
end
$$;
create trigger access_log_append_only before update on sambatan_auth.access_log
  for each row execute function sambatan.refuse_change();
create trigger access_log_keeps before delete on sambatan_auth.access_log
  for each row execute function sambatan_auth.refuse_young_access();
create trigger access_log_no_truncate before truncate on sambatan_auth.access_log
  for each statement execute function sambatan.refuse_change();
create trigger access_heads_no_delete before delete on sambatan_auth.access_heads
  for each row execute function sambatan.refuse_change();
create trigger access_heads_no_truncate before truncate on sambatan_auth.access_heads
  for each statement execute function sambatan.refuse_change();

alter table sambatan_auth.access_heads enable row level security;
alter table sambatan_auth.access_log enable row level security;
revoke all on sambatan_auth.access_heads, sambatan_auth.access_log from public;
revoke all on function sambatan_auth.refuse_young_access() from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan_auth.access_heads, sambatan_auth.access_log from %I',
        browser_role);
      execute format('revoke all on function sambatan_auth.refuse_young_access() from %I',
        browser_role);
    end if;
  end loop;
end
$$;

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

-- When whoever holds a session last proved who they are; what is sensitive wants that lately.
alter table sambatan_auth.sessions add column proven_at timestamptz not null default now();
-- A code that was sent to prove oneself again belongs to its session, and signs nobody in.
alter table sambatan_auth.sign_ins add column session_id uuid;

-- How people are found by what somebody remembers of them: a name, an e-mail address, a telephone
-- number. Accents, capitals and the way in which a number is written make no difference.

-- A telephone number without the signs that people put between its digits.
create function sambatan.bare_number(p_text text) returns text
language sql immutable parallel safe as $$
  select translate(p_text, ' -.()+/', '')
$$;

-- The first Indonesian mobile number in a text, from the 8 behind 0 or 62 on; null without one.
-- What follows it may be taken for more digits: it is compared by how it begins. Every join pays for
-- this, so an address that cannot have a number in it meets no regular expression.
create function sambatan.phone_in(p_text text) returns text
language sql immutable parallel safe as $$
  select case when strpos(p_text, '08') > 0 or strpos(p_text, '62') > 0 then
    substring(translate(p_text, ' -.()+/', '') from '(?:62|0)(8[1-9][0-9]{6,10})') end
$$;

-- Words of names and e-mail addresses, found by how they begin.
create index profiles_by_words on sambatan.profiles using gin (
  sambatan.search_words(display_name || ' ' || coalesce(email, '')));
create index addresses_by_phone on sambatan.addresses ((sambatan.phone_in(phone)) collate "C");
create index participants_by_phone
  on sambatan.participants ((sambatan.phone_in(shipping_address)) collate "C")
  where sambatan.phone_in(shipping_address) is not null;

-- Browsers and networks from which somebody has signed in to an account before, as keyed hashes of
-- both: requests from them have limits of their own, which strangers cannot exhaust.
create table sambatan_auth.known_origins (
  key text primary key,
  ends_at timestamptz not null
);
create index known_origins_by_end on sambatan_auth.known_origins (ends_at);

-- The browser that asked for a code, as a hash; the link of the mail signs in there without a
-- question.
alter table sambatan_auth.sign_ins add column browser_hash bytea;
-- Whether a mail with the code went out: an address that was mailed lately gets no further one.
alter table sambatan_auth.sign_ins add column is_mailed boolean not null default true;

alter table sambatan_auth.known_origins enable row level security;
revoke all on sambatan_auth.known_origins from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan_auth.known_origins from %I', browser_role);
    end if;
  end loop;
end
$$;

-- An offer that is made after a campaign has succeeded is paid before it is a participation. Its id as
-- an order, which its payment, proof and refunds have, is that of the participation that it becomes.
alter table sambatan.waiting_entries
  add column order_id uuid,
  add constraint waiting_entries_order check (
    order_id is null or status <> 'waiting'),
  add constraint waiting_entries_order_is_participation check (
    order_id is null or participation_id is null or order_id = participation_id);
create index waiting_entries_by_order on sambatan.waiting_entries (order_id)
  where order_id is not null;
create unique index waiting_entries_one_order on sambatan.waiting_entries (campaign_id, order_id)
  where order_id is not null;

-- So money may belong to an order that is no participation yet, or never becomes one. An invariant
-- looks that each has one or the other.
alter table sambatan.transactions drop constraint transactions_campaign_id_participation_id_fkey;
alter table sambatan.payment_proofs
  drop constraint payment_proofs_campaign_id_participation_id_fkey;
alter table sambatan.statement_lines
  drop constraint statement_lines_campaign_id_participation_id_fkey;
alter table sambatan.gateway_calls
  drop constraint gateway_calls_campaign_id_participation_id_fkey;

-- Whatever money can be about: participations, and offers after success that are none yet.
create view sambatan.orders as
  select campaign_id, participation_id, user_id, quantity, false as is_offer
  from sambatan.participants
  union all
  select campaign_id, order_id, user_id, quantity, true
  from sambatan.waiting_entries
  where order_id is not null and participation_id is null;
revoke all on sambatan.orders from public;
-- A view reads with its owner's rights: row-level security would not keep browsers out.
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.orders from %I', browser_role);
    end if;
  end loop;
end
$$;

-- Joins that were sent twice because their answer was lost, and were refused the second time. The
-- first sending may still be on its way: it is known by its participation's id and refused as well.
create table sambatan.refused_joins (
  campaign_id uuid not null references sambatan.campaigns,
  participation_id uuid not null,
  outcome text not null,
  params jsonb,
  answered_at timestamptz not null,
  primary key (campaign_id, participation_id)
);
create index refused_joins_by_time on sambatan.refused_joins (answered_at);

alter table sambatan.refused_joins enable row level security;
revoke all on table sambatan.refused_joins from public;

do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.refused_joins from %I', browser_role);
    end if;
  end loop;
end
$$;

-- Payments by when they are to be made, for those who look for overdue ones.
create index transactions_by_pay_by on sambatan.transactions (pay_by, transaction_id)
  where kind = 'payment' and status in ('due', 'rejected') and pay_by is not null;

-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change, so that a request sent again finds either both or neither. Joins and waiting lists have
-- keys of their own (idempotency_keys), which belong to their campaign.
create table sambatan.request_keys (
  -- How the audit log names the caller.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- What the change gave (v8.serialize): what an answer is made of that was never stored.
  result bytea,
  -- The answer as it was sent; null until then.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);

alter table sambatan.request_keys enable row level security;
revoke all on table sambatan.request_keys from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.request_keys from %I', browser_role);
    end if;
  end loop;
end
$$;

-- What a buyer shows of what is wrong: up to three pictures of a dispute, drawn anew as WebP. In the
-- database, so that every process can show them; they go with the account of their buyer.
create table sambatan.dispute_pictures (
  campaign_id uuid not null,
  dispute_id uuid not null,
  number smallint not null check (number between 1 and 3),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_at timestamptz not null default clock_timestamp(),
  primary key (campaign_id, dispute_id, number),
  foreign key (campaign_id, dispute_id) references sambatan.disputes
);
-- Pictures are compressed already.
alter table sambatan.dispute_pictures alter column content set storage external;

alter table sambatan.dispute_pictures enable row level security;
revoke all on table sambatan.dispute_pictures from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.dispute_pictures from %I', browser_role);
    end if;
  end loop;
end
$$;

-- How statements of receiving accounts get in: the files, the mapping of their columns, and what each
-- line was divided into.

-- How the columns of an account's statements are read, as an operator has said once.
create table sambatan.statement_mappings (
  account_id uuid primary key references sambatan.receiving_accounts,
  mapping jsonb not null,
  saved_by text not null,
  saved_at timestamptz not null
);

-- One file. 'uploaded': kept, waiting for somebody to say that it is imported. Then a worker stores
-- its lines in batches ('storing') and matches them with payments ('matching'), until it is 'done'.
-- Imports of one account run one after the other, in the order in which they were started. The file
-- is deleted when nothing is left to do with it.
create table sambatan.statement_imports (
  import_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  state text not null check (state in ('uploaded', 'storing', 'matching', 'done', 'refused')),
  file_name text not null check (char_length(file_name) <= 200),
  file_hash bytea not null check (octet_length(file_hash) = 32),
  content bytea check (octet_length(content) between 1 and 16777216),
  -- 'auto', the name of a bank's format, or columns as an operator mapped them.
  mapping jsonb not null,
  -- The last day of which the file has every line, as an operator said.
  said_through date,
  created_by text not null,
  created_at timestamptz not null,
  started_by text,
  started_at timestamptz,
  finished_at timestamptz,
  -- Lines of the file; of these looked at, found to be new, and of the new ones perhaps known already.
  total_lines integer not null default 0 check (total_lines >= 0),
  stored_lines integer not null default 0 check (stored_lines between 0 and total_lines),
  added_lines integer not null default 0 check (added_lines between 0 and stored_lines),
  doubtful_lines integer not null default 0 check (doubtful_lines between 0 and added_lines),
  -- Rows of the file that are no incoming transfer, with the reason, row and amount of each.
  skipped_lines integer not null default 0 check (skipped_lines >= 0),
  skipped jsonb not null default '[]',
  -- Open lines of the account that fitted a payment when matching began, and those that were matched.
  to_match integer not null default 0 check (to_match >= 0),
  matched_lines integer not null default 0 check (matched_lines >= 0),
  -- Why it was refused: what the service's table of errors says of it.
  error jsonb,
  -- Who works on it, and until when nobody else does.
  lease_token uuid,
  lease_until timestamptz,
  constraint statement_imports_started check (
    (state = 'uploaded') = (started_at is null) or state = 'refused'),
  constraint statement_imports_finished check (
    (state in ('done', 'refused')) = (finished_at is not null)
    and (state in ('done', 'refused')) = (content is null)
    and (state = 'refused') = (error is not null))
);
create index statement_imports_running
  on sambatan.statement_imports (account_id, started_at, import_id)
  where state in ('storing', 'matching');
create index statement_imports_by_time on sambatan.statement_imports (created_at, import_id);
create index statement_imports_waiting on sambatan.statement_imports (created_at)
  where state = 'uploaded';
alter table sambatan.statement_imports alter column content set storage external;

alter table sambatan.statement_lines
  -- The import that brought it, and its place in the file.
  add column import_id uuid references sambatan.statement_imports,
  add column position integer check (position >= 0),
  -- Another line of this account that may be the same transfer: no payment is matched with it before
  -- a person has looked.
  add column duplicate_of uuid references sambatan.statement_lines;
create index statement_lines_of_import on sambatan.statement_lines (import_id, position)
  where import_id is not null;

-- What a line is for: one part for each participation. A person's division adds up to the line at most
-- while it is 'allocated', and exactly once it is counted. Lines that pay for one participation
-- together share a receipt. The participation may still be an offer that becomes one by being paid.
create table sambatan.statement_line_parts (
  line_id uuid not null references sambatan.statement_lines,
  part integer not null check (part between 1 and 50),
  campaign_id uuid not null,
  participation_id uuid not null,
  amount bigint not null check (amount > 0),
  said_by text not null,
  said_at timestamptz not null,
  -- What came of it, once it is counted: settled, given, credited or known.
  outcome text check (outcome in ('settled', 'given', 'credited', 'known')),
  receipt text check (char_length(receipt) between 1 and 120),
  primary key (line_id, part),
  constraint statement_line_parts_counted check ((outcome is null) = (receipt is null))
);
create index statement_line_parts_of_participation
  on sambatan.statement_line_parts (campaign_id, participation_id);

alter table sambatan.statement_mappings enable row level security;
alter table sambatan.statement_imports enable row level security;
alter table sambatan.statement_line_parts enable row level security;
revoke all on sambatan.statement_mappings, sambatan.statement_imports,
  sambatan.statement_line_parts from public;
do $$
declare
  browser_role text;
begin
  foreach browser_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_roles where rolname = browser_role) then
      execute format('revoke all on sambatan.statement_mappings, sambatan.statement_imports,
        sambatan.statement_line_parts from %I', browser_role);
    end if;
  end loop;
end
$$;

-- Until parcels are tracked one by one, the seller marks the whole batch as shipped. Whoever says
-- nothing until received_after is taken to have received the goods.
alter table sambatan.campaigns
  add column shipped_at timestamptz,
  add column received_after timestamptz,
  -- When orders have to be looked at next that nobody has spoken about; null: never.
  add column receipts_due_at timestamptz,
  add constraint campaigns_shipped check (
    (shipped_at is null) = (received_after is null) and received_after >= shipped_at
    and (shipped_at is null or completed_at is not null or status = 'cancelled'));
create index campaigns_by_receipts on sambatan.campaigns (receipts_due_at)
  where receipts_due_at is not null;
