-- Written by scripts/baseline.js from sql/schema. Edit the sources there, not this file.

-- The two schemas, the enums, and the trigger function of append-only tables.
--
-- `sambatan` holds the market. It is a separate schema because the database of a marketplace
-- already has tables such as `products` and `brands`. `sambatan_auth` holds the sign-in of the
-- stand-alone service.
--
-- Every table that belongs to a campaign starts its primary key and its foreign keys with
-- campaign_id, so that the schema can be distributed by campaign without a rewrite.
--
-- Rules that must hold for every write are checks, keys and triggers in the file of their table. No
-- browser role may access these schemas: sql/access.sql enables row-level security on every table
-- and revokes every privilege.

create schema if not exists sambatan;
create schema sambatan_auth;

create type sambatan.brand_role as enum ('owner', 'admin', 'contributor');
create type sambatan.campaign_status as enum
  ('draft', 'scheduled', 'active', 'locked', 'verifying', 'fulfilled', 'expired', 'cancelled');
create type sambatan.payment_timing as enum ('on_completion', 'upfront');
create type sambatan.participant_status as enum
  ('pending_payment', 'confirmed', 'cancelled', 'refunded', 'fulfilled');
create type sambatan.waiting_status as enum
  ('waiting', 'offered', 'accepted', 'declined', 'lapsed', 'withdrawn', 'closed');
create type sambatan.transaction_kind as enum ('payment', 'refund', 'payout', 'adjustment');
-- pending: sent to a provider, result unknown. void: no longer owed.
create type sambatan.transaction_status as enum
  ('due', 'proof_submitted', 'settled', 'rejected', 'pending', 'void');
-- allocated: a person has chosen what the line pays for, but its money is not counted yet.
create type sambatan.statement_line_status as enum
  ('unmatched', 'ambiguous', 'allocated', 'matched', 'ignored');

-- The events of the audit log. docs/events.md describes them. Events of one group are next to each
-- other, so that a range of this order finds them: participant_joined to participant_changed are
-- the events that may change the taken slots, participant_joined to dispute_resolved are about one
-- participation, and waiting_joined to waiting_closed are about one waiting-list entry.
create type sambatan.audit_event as enum (
  'campaign_created', 'campaign_edited', 'campaign_opened', 'campaign_full', 'campaign_reopened',
  'campaign_verifying', 'campaign_completed', 'campaign_failed', 'campaign_cancelled',
  'deadline_extended', 'campaign_below_minimum', 'campaign_continued', 'campaign_shortfall',
  'campaign_shipped', 'payout_released', 'payout_settled', 'payout_reversed',
  'participant_joined', 'participant_confirmed', 'participant_cancelled', 'participant_refunded',
  'participant_fulfilled', 'participant_changed', 'payment_proof_submitted', 'payment_settled',
  'payment_rejected', 'payment_late', 'refund_settled', 'refund_failed', 'refund_reversed',
  'refund_doubled', 'refund_recovered', 'refund_lost', 'dispute_opened', 'dispute_resolved',
  'waiting_joined', 'waiting_offered', 'waiting_accepted', 'waiting_declined', 'waiting_lapsed',
  'waiting_withdrawn', 'waiting_closed');
create type sambatan.actor_kind as enum ('system', 'service', 'user', 'operator');

-- Returns 32 random bytes (244 bits of entropy) for the commitments of the public log.
create function sambatan.new_salt() returns bytea language sql volatile parallel safe as $$
  select uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
$$;

create function sambatan.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'SB001',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;

-- Text functions that generated columns and indexes of later files use.

-- Normalizes text for search: lower case, no accents, and one form for composed, decomposed and
-- full-width characters. Letters that Unicode does not decompose (such as ø) become the Latin
-- letters that people type instead (o). src/database/text-search.ts applies the same rules to the
-- search term. Most text is ASCII and skips the normalization, which takes five times as long as
-- the rest of the function.
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

-- Splits a text into words for full-text search. Punctuation between letters separates words:
-- without this, the parser of PostgreSQL keeps `30ml/50ml` or `wangi.id` as one word.
create function sambatan.search_words(p_text text) returns tsvector
language sql immutable parallel safe
-- The body is parsed SQL, not a string, so that pg_dump knows that it must create search_fold
-- first.
return to_tsvector('pg_catalog.simple', translate(sambatan.search_fold(p_text), '@.+-_/''’', '        '));

-- Removes the spaces and punctuation that people put between the digits of a telephone number.
create function sambatan.bare_number(p_text text) returns text
language sql immutable parallel safe as $$
  select translate(p_text, ' -.()+/', '')
$$;

-- Returns the first Indonesian mobile number in a text, without the leading 0 or 62. Returns null
-- if the text contains no number. If more digits follow the number in the text, the result may
-- contain them too. Therefore compare only the beginning of the result. Text that
-- cannot contain a number skips the regular expression.
create function sambatan.phone_in(p_text text) returns text
language sql immutable parallel safe as $$
  select case when strpos(p_text, '08') > 0 or strpos(p_text, '62') > 0 then
    substring(translate(p_text, ' -.()+/', '') from '(?:62|0)(8[1-9][0-9]{6,10})') end
$$;

-- Brands, their members, and invitations to become a member.

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

create table sambatan.brand_invitations (
  invitation_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  email text not null check (char_length(email) between 3 and 254 and email like '%_@_%'),
  role sambatan.brand_role not null check (role <> 'owner'),
  -- SHA-256 of the token in the link. Only the e-mail contains the token itself.
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
-- Used by the export and the deletion of a person's data, which include invitations sent to that
-- person.
create index brand_invitations_by_email on sambatan.brand_invitations (lower(email));

-- Products and their pictures.

create table sambatan.products (
  product_id uuid primary key,
  brand_id uuid not null references sambatan.brands,
  name text not null check (char_length(name) between 2 and 120),
  description text not null default '' check (char_length(description) <= 5000),
  -- The price in whole rupiah.
  base_price bigint not null check (base_price between 1 and 1000000000),
  weight_grams integer check (weight_grams between 1 and 1000000),
  sambatan_enabled boolean not null default false,
  picture_digest text check (picture_digest ~ '^[0-9a-f]{32}$'),
  -- The size in pixels of the largest variant.
  picture_width integer check (picture_width between 1 and 960),
  picture_height integer check (picture_height between 1 and 2880),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (brand_id, product_id),
  constraint products_picture check (
    num_nonnulls(picture_digest, picture_width, picture_height) in (0, 3))
);

-- Pictures are in the database so that every replica serves them and every backup contains them.
create table sambatan.pictures (
  digest text not null check (digest ~ '^[0-9a-f]{32}$'),
  variant text not null check (variant in ('480.webp', '960.webp', '960.jpg')),
  product_id uuid not null references sambatan.products,
  bytes bytea not null check (octet_length(bytes) between 1 and 5242880),
  created_at timestamptz not null default now(),
  primary key (digest, variant)
);
-- PostgreSQL does not compress this column, because the picture formats are compressed already.
-- (PostgreSQL 15 does not accept `storage` in `create table`.)
alter table sambatan.pictures alter column bytes set storage external;
create index pictures_by_product on sambatan.pictures (product_id);

-- Profiles of users, and their saved addresses.

create table sambatan.profiles (
  user_id uuid primary key,
  display_name text not null check (char_length(display_name) between 1 and 80),
  email text check (char_length(email) between 3 and 254 and email like '%_@_%'),
  locale text not null default 'id' check (locale ~ '^[a-z]{2,3}(-[A-Z]{2})?$'),
  -- Deadlines are shown in this time zone.
  time_zone text not null default 'Asia/Jakarta' check (char_length(time_zone) between 1 and 64),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- This index has two uses. An invitation e-mail is written in the language of the invited person,
-- if that person has a profile already. And operators find people by e-mail address.
create index profiles_by_email on sambatan.profiles (lower(email)) where email is not null;
-- Operators find people by the beginnings of words in a name or an e-mail address.
create index profiles_by_words on sambatan.profiles using gin (
  sambatan.search_words(display_name || ' ' || coalesce(email, '')));

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
create index addresses_by_phone on sambatan.addresses ((sambatan.phone_in(phone)) collate "C");

-- Campaigns. A campaign has one row in each of two tables. campaign_details has its terms and the
-- times of its life; it changes seldom and has many checks and indexes. campaign_states has what
-- changes while the campaign runs; every join updates it, so it is narrow and has few checks and
-- indexes. The view campaigns shows both together.
--
-- Whatever changes the slots or the money of a campaign first locks its row of campaign_states. A
-- transaction that locks both rows locks this one first; the view does so too.

create table sambatan.campaign_details (
  campaign_id uuid primary key,
  brand_id uuid not null,
  product_id uuid not null,
  status sambatan.campaign_status not null,
  payment_timing sambatan.payment_timing not null default 'on_completion',
  total_slots integer not null check (total_slots between 1 and 1000000),
  minimum_slots integer not null,
  min_slots_per_user integer,
  max_slots_per_user integer,
  -- The price in whole rupiah. The largest total, 10^9 rupiah × 10^6 slots, is below 2^53, so it is
  -- exact in JSON too.
  price_per_slot bigint not null check (price_per_slot between 1 and 1000000000),
  platform_fee_basis_points integer not null default 300
    check (platform_fee_basis_points between 0 and 10000),
  hold_seconds integer not null default 86400 check (hold_seconds between 60 and 2592000),
  -- A hold lapses this many seconds after its end, not at its end.
  hold_grace_seconds integer not null default 0
    check (hold_grace_seconds between 0 and 604800),
  -- How long an offer to the waiting list stays open.
  offer_seconds integer not null default 7200 check (offer_seconds between 60 and 604800),
  -- For an upfront campaign: how long after its deadline the service waits for payments that were
  -- made in time but that it does not know yet. For a completed campaign: how long after pay_by an
  -- order waits before it counts as unpaid.
  verification_seconds integer not null default 172800
    check (verification_seconds between 0 and 2592000),
  -- A payment that becomes due when the campaign completes must arrive within the payment term plus
  -- the grace period.
  payment_term_seconds integer not null default 259200
    check (payment_term_seconds between 60 and 2592000),
  payment_grace_seconds integer not null default 86400
    check (payment_grace_seconds between 0 and 2592000),
  -- If fewer slots were paid than the minimum, only the seller may decide during this time whether
  -- the campaign continues.
  decision_seconds integer not null default 259200
    check (decision_seconds between 0 and 2592000),
  deadline timestamptz not null,
  opens_at timestamptz,
  -- The time of the next check for orders that count as received because the buyer has reported
  -- nothing about the goods. Null: no check is needed.
  receipts_due_at timestamptz,
  -- The number of slots that were taken at the end. For a failed or cancelled campaign: at the time
  -- of the decision, before refunds. For a completed campaign: the slots that were confirmed in the
  -- end.
  slots_at_close integer,
  -- The salt for the commitments of events about the campaign itself (docs/public-log.md).
  log_salt bytea not null default sambatan.new_salt(),
  created_at timestamptz not null,
  opened_at timestamptz,
  -- When the deadline was last extended. Buyers who joined before that time may cancel and get all
  -- their money back.
  extended_at timestamptz,
  filled_at timestamptz,
  verifying_at timestamptz,
  -- If fewer slots were paid than the minimum: when the decision whether to continue was opened,
  -- and when it was made.
  decision_opened_at timestamptz,
  decided_at timestamptz,
  completed_at timestamptz,
  -- The seller marks the whole batch as shipped; parcels are not tracked one by one. If a buyer
  -- reports nothing until received_after, the order counts as received.
  shipped_at timestamptz,
  received_after timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  title text not null check (char_length(title) between 3 and 120),
  description text not null default '' check (char_length(description) <= 5000),
  search tsvector not null generated always as (sambatan.search_words(title)) stored,

  foreign key (brand_id, product_id) references sambatan.products (brand_id, product_id),
  constraint campaign_details_minimum_slots check (minimum_slots between 1 and total_slots),
  constraint campaign_details_slots_per_user check (
    coalesce(min_slots_per_user, 1) between 1 and total_slots
    and coalesce(max_slots_per_user, total_slots) between coalesce(min_slots_per_user, 1)
      and total_slots),
  constraint campaign_details_opens_before_deadline check (opens_at < deadline),
  constraint campaign_details_scheduled_has_opening check (
    status <> 'scheduled' or opens_at is not null),
  constraint campaign_details_verifying check (
    status <> 'verifying' or (verifying_at is not null and payment_timing = 'upfront')),
  constraint campaign_details_decision check (decided_at is null or decision_opened_at is not null),
  -- A completed campaign can still be cancelled if fewer slots were paid than its minimum.
  constraint campaign_details_completed_at check (
    (status = 'fulfilled') <= (completed_at is not null)
    and (completed_at is not null) <= (status in ('fulfilled', 'cancelled'))),
  constraint campaign_details_shipped check (
    (shipped_at is null) = (received_after is null) and received_after >= shipped_at
    and (shipped_at is null or completed_at is not null or status = 'cancelled')),
  constraint campaign_details_failed_at check ((status = 'expired') = (failed_at is not null)),
  constraint campaign_details_cancelled_at check (
    (status = 'cancelled') = (cancelled_at is not null)),
  constraint campaign_details_opened_at check (
    status not in ('active', 'locked', 'verifying', 'fulfilled', 'expired')
    or opened_at is not null)
) with (fillfactor = 70);

-- Each sort order has an index that starts with status. A list of campaigns with several statuses
-- merges one ordered scan per status. So it is as fast with a million campaigns as with a thousand.
create index campaign_details_by_status_deadline
  on sambatan.campaign_details (status, deadline, campaign_id);
create index campaign_details_by_status on sambatan.campaign_details (status, campaign_id);
create index campaign_details_by_brand on sambatan.campaign_details (brand_id, campaign_id);
create index campaign_details_by_search on sambatan.campaign_details using gin (search);
create index campaign_details_by_open_deadline on sambatan.campaign_details (status, deadline)
  where status in ('active', 'locked');
create index campaign_details_by_receipts on sambatan.campaign_details (receipts_due_at)
  where receipts_due_at is not null;
-- The dashboard reads only this index to count closed campaigns.
create index campaign_details_over on sambatan.campaign_details (status) include (slots_at_close)
  where status in ('fulfilled', 'expired', 'cancelled');
create index campaign_details_full on sambatan.campaign_details (campaign_id)
  where status = 'locked';
create index campaign_details_verifying on sambatan.campaign_details (campaign_id)
  where status = 'verifying';
create index campaign_details_to_decide on sambatan.campaign_details (decision_opened_at, campaign_id)
  where status = 'fulfilled' and decision_opened_at is not null and decided_at is null;

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
create trigger campaign_details_transition before update of status on sambatan.campaign_details
  for each row when (old.status is distinct from new.status)
  execute function sambatan.check_campaign_transition();
create trigger campaign_details_no_delete before delete on sambatan.campaign_details
  for each row execute function sambatan.refuse_change();

create table sambatan.campaign_states (
  campaign_id uuid primary key references sambatan.campaign_details,
  -- Copies of the columns of campaign_details, so that the checks below can read them.
  status sambatan.campaign_status not null,
  total_slots integer not null,
  -- Counters. filled_slots and participant_count include reserved, confirmed and fulfilled
  -- participations; confirmed_slots leaves out the reserved ones.
  filled_slots integer not null default 0,
  confirmed_slots integer not null default 0,
  participant_count integer not null default 0,
  -- The number of waiting-list entries that wait or have an offer. It is zero for nearly every
  -- campaign; in this case no query for entries is needed.
  waiting_entries integer not null default 0,
  -- The number of free slots that only buyers on the waiting list may take. These are the slots of
  -- open offers. While an entry waits without an offer, these are all free slots.
  reserved_slots integer not null default 0,
  -- The percentage of taken slots, rounded down to a whole number. The sort order "progress" uses
  -- it. Its value changes only when the whole percentage changes. So most updates of the counters
  -- change no index, and PostgreSQL can use heap-only tuples.
  progress_floor smallint not null
    generated always as ((filled_slots::bigint * 100 / total_slots)::smallint) stored,
  -- The number of the campaign's events in the audit log, and the taken slots after the last one.
  audit_seq bigint not null default 0,
  logged_slots integer not null default 0,
  updated_at timestamptz not null,
  -- When the lifecycle must run next for this campaign: at its opening, when the next hold may
  -- lapse, at its deadline, at the end of the verification period, when the time for an unpaid
  -- order after success is over, or at once while the campaign is being closed. The stored time may
  -- be too early, but never too late. If a run is too early, it finds nothing to do and sets the
  -- correct time. Null: nothing is left to do.
  next_run_at timestamptz,
  -- Closing a large campaign takes several short transactions. From the decision until the last
  -- transaction, the three closing columns contain the outcome. During this time the campaign
  -- accepts no joins or cancellations.
  closing_outcome sambatan.campaign_status,
  closing_actor text,
  closing_reason text,
  -- While the campaign is being closed: the last participation that has been settled. The steps
  -- settle the participations in order of their ids.
  closed_until uuid,

  -- PostgreSQL prepares each check once per SQL statement, which takes as long as writing a row.
  -- Therefore a join should meet few of them.
  constraint campaign_states_slots check (
    filled_slots between 0 and total_slots and confirmed_slots between 0 and filled_slots
    and participant_count between 0 and filled_slots
    and waiting_entries >= 0 and reserved_slots >= 0
    and filled_slots + reserved_slots <= total_slots
    and (waiting_entries > 0 or reserved_slots = 0)),
  constraint campaign_states_lifecycle check (
    (status not in ('active', 'locked') or closing_outcome is not null
      or (status = 'locked') = (filled_slots = total_slots))
    and (status = 'fulfilled'
      or (status in ('scheduled', 'active', 'locked', 'verifying')) = (next_run_at is not null))
    and (closing_outcome is null or (closing_outcome in ('fulfilled', 'expired', 'cancelled')
        and status in ('active', 'locked', 'verifying'))
      or (closing_outcome = 'cancelled' and status = 'fulfilled'))
    and (closing_outcome is null) = (closing_actor is null))
) with (fillfactor = 50);

create index campaign_states_by_progress
  on sambatan.campaign_states (status, progress_floor, campaign_id);
create index campaign_states_by_due on sambatan.campaign_states (next_run_at)
  where next_run_at is not null;

-- The table with which the lock of a campaign begins comes first.
create view sambatan.campaigns as
  select d.campaign_id, d.brand_id, d.product_id, d.status, d.payment_timing, d.total_slots,
    d.minimum_slots, d.min_slots_per_user, d.max_slots_per_user, d.price_per_slot,
    d.platform_fee_basis_points, d.hold_seconds, d.hold_grace_seconds, d.offer_seconds,
    d.verification_seconds, d.payment_term_seconds, d.payment_grace_seconds, d.decision_seconds,
    d.deadline, d.opens_at, d.receipts_due_at, d.slots_at_close, d.log_salt, d.created_at,
    d.opened_at, d.extended_at, d.filled_at, d.verifying_at, d.decision_opened_at, d.decided_at,
    d.completed_at, d.shipped_at, d.received_after, d.failed_at, d.cancelled_at, d.title,
    d.description, d.search,
    s.filled_slots, s.confirmed_slots, s.participant_count, s.waiting_entries, s.reserved_slots,
    s.progress_floor, s.audit_seq, s.logged_slots, s.updated_at, s.next_run_at,
    s.closing_outcome, s.closing_actor, s.closing_reason, s.closed_until
  from sambatan.campaign_states s
  join sambatan.campaign_details d on d.campaign_id = s.campaign_id;

-- Participations: the slots that a buyer has taken in a campaign.

create table sambatan.participants (
  -- There is no foreign key, because PostgreSQL would check it for every row of a join. The functions
  -- that write to this table have locked the campaign's row, and a campaign is never deleted.
  campaign_id uuid not null,
  participation_id uuid not null,
  user_id uuid not null,
  quantity integer not null,
  -- The number of ordered slots that the seller cannot deliver, or that were revoked.
  undelivered_slots integer not null default 0,
  status sambatan.participant_status not null default 'pending_payment',
  joined_at timestamptz not null,
  updated_at timestamptz not null,
  hold_expires_at timestamptz,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  refunded_at timestamptz,
  fulfilled_at timestamptz,
  cancel_reason text,
  shipping_address text not null,
  note text,
  -- The mobile number in the address, as sambatan.phone_in returns it. The service computes the
  -- number of a join itself, because the SQL function takes as long as the rest of the row.
  phone text,
  -- The salt for the commitments of the order's events in the public log (docs/public-log.md).
  -- Deleted with the account.
  salt bytea default sambatan.new_salt(),
  -- The seq of the order's participant_joined event in the audit log.
  joined_seq bigint not null,
  primary key (campaign_id, participation_id),
  -- One check for several columns, because PostgreSQL prepares each check once per SQL statement.
  constraint participants_values check (quantity between 1 and 1000000
    and undelivered_slots between 0 and quantity and joined_seq > 0
    and char_length(shipping_address) between 10 and 240
    and (note is null or char_length(note) <= 160)
    and (cancel_reason is null
      or cancel_reason in ('buyer', 'hold_lapsed', 'operator', 'unpaid'))),
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
-- A buyer has few open orders and, over the years, many past ones. With one index for both, nearly
-- every join would write into another page of a large index, because ids of users are random. The
-- condition any_status of src/participations/queries.ts lets a query use both indexes.
create index participants_open_by_user on sambatan.participants (user_id, campaign_id)
  where status in ('pending_payment', 'confirmed');
create index participants_past_by_user on sambatan.participants (user_id, campaign_id)
  where status in ('cancelled', 'refunded', 'fulfilled');
-- A new participation is reserved, so a join does not change this index.
create index participants_by_status
  on sambatan.participants (campaign_id, status, participation_id)
  where status <> 'pending_payment';
create index participants_by_hold on sambatan.participants (campaign_id, hold_expires_at)
  where status = 'pending_payment' and hold_expires_at is not null;
-- Reminders use this index to find holds that lapse soon, in all campaigns.
create index participants_holds on sambatan.participants (hold_expires_at, participation_id)
  where status = 'pending_payment' and hold_expires_at is not null;
-- Operators find people by a telephone number in an address.
create index participants_by_phone on sambatan.participants (phone collate "C")
  where phone is not null;

create function sambatan.check_participant_transition() returns trigger language plpgsql as $$
begin
  if not (case old.status
    when 'pending_payment' then new.status in ('confirmed', 'cancelled', 'refunded')
    when 'confirmed' then new.status in ('cancelled', 'refunded', 'fulfilled')
    when 'fulfilled' then new.status = 'refunded'
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

-- The waiting list of a campaign: buyers who want slots when some become free. The functions in
-- sql/functions decide which entry gets an offer; docs/decisions explains the rules.

create table sambatan.waiting_entries (
  campaign_id uuid not null references sambatan.campaign_details,
  entry_id uuid not null,
  user_id uuid not null,
  -- The position in the queue: the seq of the entry's waiting_joined event in the audit log.
  position bigint not null check (position > 0),
  quantity integer not null check (quantity between 1 and 1000000),
  status sambatan.waiting_status not null default 'waiting',
  -- The number of offers that entries behind this entry got while this entry waited.
  overtaken integer not null default 0 check (overtaken >= 0),
  -- Set when the entry must not be overtaken again. Free slots are then reserved for this entry, at
  -- most until this time.
  keep_until timestamptz,
  -- The end of the offer. If the campaign closes earlier, the offer ends at that time.
  offer_expires_at timestamptz,
  participation_id uuid,
  -- Set for an offer that is made after the campaign has succeeded. Such an offer is an order that
  -- becomes a participation when it is paid. Its payment, proof and refunds use this id, and the
  -- participation gets the same id.
  order_id uuid,
  -- For a paid entry: the refund whose money is retained while the entry waits, the time at which
  -- the buyer paid that money, and the retained amount in whole rupiah. The amount is the price of
  -- the slots plus the part of the unique code that was paid. If the entry ends without slots, the
  -- refund is due again.
  refund_id uuid,
  paid_at timestamptz,
  kept_amount bigint,
  shipping_address text not null check (char_length(shipping_address) between 10 and 240),
  note text check (char_length(note) <= 160),
  -- The salt for the commitments of the entry's events in the public log. Deleted with the account.
  salt bytea default sambatan.new_salt(),
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
    and (status in ('offered', 'accepted', 'declined'))
      <= (offered_at is not null or refund_id is not null)
    and (offered_at is null) = (offer_expires_at is null)),
  constraint waiting_entries_keep_until check (keep_until is null or status = 'waiting'),
  constraint waiting_entries_accepted check (
    (status = 'accepted') = (participation_id is not null)),
  constraint waiting_entries_kept_money check (
    num_nonnulls(refund_id, paid_at, kept_amount) in (0, 3) and kept_amount > 0),
  -- A paid entry gets no offer: its slots are assigned at once.
  constraint waiting_entries_paid_is_given check (
    refund_id is null or status not in ('offered', 'declined')),
  constraint waiting_entries_order check (
    order_id is null or status <> 'waiting'),
  constraint waiting_entries_order_is_participation check (
    order_id is null or participation_id is null or order_id = participation_id)
);
-- A buyer may have one unpaid open entry, in addition to paid entries.
create unique index waiting_entries_one_open on sambatan.waiting_entries (campaign_id, user_id)
  where status in ('waiting', 'offered') and refund_id is null;
-- The money of a refund can be retained for only one entry, and can pay for slots only once.
create unique index waiting_entries_one_per_refund
  on sambatan.waiting_entries (campaign_id, refund_id)
  where refund_id is not null and status in ('waiting', 'accepted');
-- The order of the waiting list: paid entries first, by the time of their payment; then in order of
-- arrival.
create index waiting_entries_in_line on sambatan.waiting_entries (campaign_id, paid_at, position)
  where status = 'waiting';
create unique index waiting_entries_one_order on sambatan.waiting_entries (campaign_id, order_id)
  where order_id is not null;
create index waiting_entries_by_status
  on sambatan.waiting_entries (campaign_id, status, position);
create index waiting_entries_paid on sambatan.waiting_entries (campaign_id)
  where keep_until is not null;
create index waiting_entries_by_id on sambatan.waiting_entries (entry_id);
create index waiting_entries_by_user
  on sambatan.waiting_entries (user_id, campaign_id, position desc);
create index waiting_entries_open_by_user on sambatan.waiting_entries (user_id, position desc)
  where status in ('waiting', 'offered');
create index waiting_entries_by_order on sambatan.waiting_entries (order_id)
  where order_id is not null;

create function sambatan.check_waiting_transition() returns trigger language plpgsql as $$
begin
  if not (case
    when old.status = 'waiting' then new.status in ('offered', 'lapsed', 'withdrawn', 'closed')
      or (new.status = 'accepted' and new.refund_id is not null)
    when old.status = 'offered' then
      new.status in ('accepted', 'declined', 'lapsed', 'withdrawn', 'closed')
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

-- All orders to which money can belong: participations, and offers that were made after the
-- campaign had succeeded and have not become a participation. Because of these offers, the tables
-- with money have no foreign key to participants. Instead, an invariant checks that each of their
-- rows has an order.
create view sambatan.orders as
  select campaign_id, participation_id, user_id, quantity, false as is_offer
  from sambatan.participants
  union all
  select campaign_id, order_id, user_id, quantity, true
  from sambatan.waiting_entries
  where order_id is not null and participation_id is null;

-- The audit log: all events of every campaign, append-only. docs/events.md describes the events.
-- docs/public-log.md describes what is published of each row and how it is hashed.

create table sambatan.audit_logs (
  -- There is no foreign key, because PostgreSQL would check it for every row of a join. It is not
  -- needed: the functions that write to this table have locked the campaign's row, and a campaign
  -- is never deleted.
  campaign_id uuid not null,
  seq bigint not null,
  occurred_at timestamptz not null,
  participation_id uuid,
  actor_id uuid,
  -- Whole rupiah for one slot at the time of the event.
  price_per_slot bigint not null,
  event sambatan.audit_event not null,
  actor_kind sambatan.actor_kind not null,
  -- The number of slots that the event takes (positive) or frees (negative).
  slots integer not null,
  -- Taken and total slots after the event.
  slots_taken integer not null,
  total_slots integer not null,
  -- SHA-256 of the salt and the private record, and the hash of the public record.
  commitment bytea not null,
  leaf_hash bytea not null,
  -- Null if the event has no other data than the columns above. For a participant_joined event, the
  -- quantity is then the number of slots.
  metadata jsonb,
  primary key (campaign_id, seq),
  -- Only events about a participation have a participation_id, and only few of them change the
  -- number of taken slots.
  constraint audit_logs_values check (seq > 0
    and (actor_kind in ('user', 'operator')) = (actor_id is not null)
    and (event between 'participant_joined' and 'dispute_resolved') = (participation_id is not null)
    and slots_taken between 0 and total_slots
    and (slots = 0 or event between 'participant_joined' and 'participant_changed'))
);
-- Each index of this table slows down every join. So no index has the rows of joins: the first event
-- of a participation is found by its joined_seq, and an event at a time by a binary search over seq.
create index audit_logs_of_participation on sambatan.audit_logs (campaign_id, participation_id, seq)
  where participation_id is not null and event <> 'participant_joined';
-- Most events are about participations, and few are about a campaign itself. These partial indexes
-- contain only the events about campaigns. They find such events of one campaign, or of all
-- campaigns for operators.
create index audit_logs_of_campaign on sambatan.audit_logs (campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_time on sambatan.audit_logs (occurred_at, campaign_id, seq)
  where participation_id is null;
create index audit_logs_of_campaigns_by_event
  on sambatan.audit_logs (event, occurred_at, campaign_id, seq) where participation_id is null;

create trigger audit_logs_append_only before update or delete on sambatan.audit_logs
  for each row execute function sambatan.refuse_change();
create trigger audit_logs_no_truncate before truncate on sambatan.audit_logs
  for each statement execute function sambatan.refuse_change();

-- The events as the API and the notifications show them: the actor as text, and the metadata with
-- the numbers of slots.
create view sambatan.audit_events as
  select campaign_id, seq, occurred_at, participation_id, event,
    concat_ws(':', actor_kind, actor_id) as actor,
    jsonb_build_object('slots_taken', slots_taken, 'total_slots', total_slots)
      || case when metadata is null and event = 'participant_joined'
        then jsonb_build_object('quantity', slots) else coalesce(metadata, '{}') end as metadata
  from sambatan.audit_logs;

-- The public log: keys, trees, signed checkpoints and witnesses. docs/public-log.md describes them.

-- The keys that sign checkpoints, in the order of their announcement. The private keys are not in
-- the database.
create table sambatan.log_keys (
  number integer primary key,
  -- The log name. A new name needs a new key, because the key id depends on it.
  name text not null,
  key_id bytea not null,
  public_key bytea not null,
  -- The signature of the key before over its statement about this key. Null for the first key, and
  -- for a key that replaces a lost one.
  statement bytea,
  announced_at timestamptz not null default clock_timestamp(),
  -- The time from which the key signs; null while it is only announced.
  signs_from timestamptz,
  constraint log_keys_number check (number > 0),
  constraint log_keys_name check (name ~ '^[^[:space:]+]{1,100}$'),
  constraint log_keys_lengths check (octet_length(key_id) = 4 and octet_length(public_key) = 32
    and (statement is null or octet_length(statement) = 64)),
  constraint log_keys_first check (number > 1 or statement is null)
);
create unique index log_keys_by_public_key on sambatan.log_keys (name, public_key);
-- An announced key may be withdrawn or put into use. After that its row never changes.
create trigger log_keys_append_only before update or delete on sambatan.log_keys
  for each row when (old.signs_from is not null) execute function sambatan.refuse_change();

-- The only row of this table is the mutex of the workers that build the trees: a pass locks it until
-- its commit. If the worker dies, PostgreSQL ends the lock with its connection.
create table sambatan.log_writer (
  is_the_one boolean primary key default true,
  -- The number of the next checkpoint. Checkpoints are numbered in the order of their commits.
  next_number bigint not null default 1,
  -- When a pass last ended, and the time of the oldest event that had no checkpoint then.
  passed_at timestamptz not null default clock_timestamp(),
  oldest_pending_at timestamptz,
  -- The number of campaigns whose log contradicts its tree. They get no checkpoints.
  broken_campaigns integer not null default 0,
  constraint log_writer_is_the_one check (is_the_one)
);
insert into sambatan.log_writer default values;

-- The tree of each campaign as far as it is built: the hashes of its complete subtrees, largest
-- first.
create table sambatan.log_trees (
  campaign_id uuid primary key,
  size bigint not null,
  subtrees bytea not null,
  -- True while the newest checkpoint does not mention a restore of the database.
  is_outdated boolean not null default false,
  constraint log_trees_size check (size > 0),
  constraint log_trees_subtrees check (octet_length(subtrees) % 32 = 0)
) with (fillfactor = 50);

-- Full hash tiles: 256 hashes of a level, and the root of the subtree that they form. The service
-- only adds rows; a row that was changed contradicts the checkpoints that people keep.
create table sambatan.log_tiles (
  campaign_id uuid not null,
  level smallint not null,
  number bigint not null,
  hashes bytea not null,
  root bytea not null,
  primary key (campaign_id, level, number),
  constraint log_tiles_number check (level between 0 and 7 and number >= 0),
  constraint log_tiles_lengths check (octet_length(hashes) = 8192 and octet_length(root) = 32)
);
-- Hashes cannot be compressed.
alter table sambatan.log_tiles alter column hashes set storage external;

-- Signed checkpoints. The key number gives the log name, and so the first line of the note. No
-- statement of the service changes or deletes one. There is no trigger against that, because a
-- distributed table cannot have one; receipts and witnesses show a changed checkpoint.
create table sambatan.log_checkpoints (
  campaign_id uuid not null,
  size bigint not null,
  -- The extension lines, each with its newline: one for each restore. A restore leads to a second
  -- checkpoint of the same size.
  lines text not null,
  root bytea not null,
  key_number integer not null,
  signature bytea not null,
  signed_at timestamptz not null,
  number bigint not null,
  primary key (campaign_id, size, lines),
  constraint log_checkpoints_size check (size > 0),
  constraint log_checkpoints_lengths
    check (octet_length(root) = 32 and octet_length(signature) = 64)
);
-- Witnesses read the checkpoints of all campaigns in this order.
create index log_checkpoints_by_number on sambatan.log_checkpoints (number);

-- The restores of this database from a backup. Checkpoints mention them.
create table sambatan.log_restores (
  restored_at timestamptz primary key,
  -- When the backup was begun. All events up to this time are in it.
  backup_at timestamptz not null
);
create trigger log_restores_append_only before update or delete on sambatan.log_restores
  for each row execute function sambatan.refuse_change();

-- The position of each witness in the checkpoints.
create table sambatan.log_witnesses (
  witness text primary key,
  next_number bigint not null,
  failures integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp()
);

-- Bank accounts: where the platform receives transfers, and where buyers and brands get money.

create table sambatan.receiving_accounts (
  account_id uuid primary key,
  bank text not null check (char_length(bank) between 2 and 40),
  number text not null check (number ~ '^[0-9]{5,30}$'),
  holder text not null check (char_length(holder) between 2 and 80),
  is_default boolean not null default false,
  is_active boolean not null default true,
  -- The last day (Asia/Jakarta) up to which statements of this account are complete.
  statement_through date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (bank, number),
  constraint receiving_accounts_default_is_active check (is_active or not is_default)
);
create unique index receiving_accounts_one_default on sambatan.receiving_accounts (is_default)
  where is_default;

-- When statement_through changes, the lifecycle must run at once for every campaign that waits for
-- transfers to the account. A trigger ensures this, whoever changes the column. The rows of the
-- campaigns are locked in order of their ids.
create function sambatan.schedule_run_after_statement() returns trigger language plpgsql as $$
declare
  ids uuid[];
  now_at timestamptz;
begin
  select array_agg(l.campaign_id) into ids from (
    select c.campaign_id from sambatan.campaign_states c
    where c.status in ('verifying', 'fulfilled') and c.next_run_at is not null
      and exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
        and t.kind = 'payment' and t.account_id = new.account_id
        and t.status in ('due', 'rejected'))
    order by c.campaign_id for no key update) l;
  now_at := clock_timestamp();
  update sambatan.campaign_states c set next_run_at = least(c.next_run_at, now_at)
    where c.campaign_id = any (ids) and c.status in ('verifying', 'fulfilled')
      and c.next_run_at is not null;
  return null;
end
$$;
create trigger receiving_accounts_statement
  after update of statement_through on sambatan.receiving_accounts
  for each row when (old.statement_through is distinct from new.statement_through)
  execute function sambatan.schedule_run_after_statement();

-- Refund and payout accounts are personal data.
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

-- The ledger: payments, refunds, payouts and adjustments. A row is never deleted, and a settled row
-- keeps its amount.

create table sambatan.transactions (
  campaign_id uuid not null references sambatan.campaign_details,
  transaction_id uuid not null default gen_random_uuid(),
  kind sambatan.transaction_kind not null,
  status sambatan.transaction_status not null default 'due',
  -- The participation or the unpaid offer that this row belongs to (see the view orders).
  participation_id uuid,
  -- The amount in whole rupiah. Only an adjustment may be negative.
  amount bigint not null,
  -- For payments: the buyer transfers amount + unique_code. No other open payment to the same
  -- account has the same sum.
  unique_code integer not null default 0 check (unique_code between 0 and 99999),
  -- For settled payments: the rupiah that were received above the amount and are kept. They are at
  -- most the unique code.
  surcharge bigint not null default 0 check (surcharge between 0 and 99999),
  -- Why the row exists, for example 'payment:' and the id of the participation. A campaign has at
  -- most one row for each cause.
  cause text not null check (char_length(cause) between 1 and 120),
  actor text not null,
  reference text check (char_length(reference) <= 200),
  -- For payments: the account to transfer to, and the latest time to pay.
  account_id uuid references sambatan.receiving_accounts,
  pay_by timestamptz,
  -- When the buyer paid, not when the service noticed the payment. paid_at is the exact time.
  -- paid_on is the day (Asia/Jakarta), if the bank or a person reports no time. These columns
  -- decide whether the payment was in time.
  paid_at timestamptz,
  paid_on date,
  -- When a person last rejected the proof.
  rejected_at timestamptz,
  -- How much time of the hold was left when the buyer uploaded a proof of payment, which pauses the
  -- hold.
  hold_left interval,
  -- Why a payment was rejected, why the last attempt failed, or why nothing is owed any more.
  reason text check (char_length(reason) between 1 and 500),
  attempts integer not null default 0 check (attempts >= 0),
  -- Identifies the money that was received, for example 'line:' and the id of a statement line.
  -- Money with the same receipt is never counted twice.
  receipt text check (char_length(receipt) between 1 and 120),
  -- The payment provider, and the provider's id for this row. Both stay when the row is settled.
  provider text check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  provider_reference text check (char_length(provider_reference) between 1 and 200),
  -- For adjustments: the purpose, and the row that a reversal reverses. overpaid_refund: a refund
  -- reached its buyer twice; this row is the amount that the buyer must send back.
  purpose text check (purpose in ('unique_code', 'credit', 'reversal', 'overpaid_refund')),
  reverses uuid,
  -- The time of the payment, stored only in some refunds: the buyer paid in time, but the service
  -- noticed the money after other buyers had got the slots. Until the refund is sent, the buyer may
  -- choose the front of the waiting list instead of the money.
  paid_in_time timestamptz,
  -- For payouts: the time of the release. From then on the payout may be sent.
  released_at timestamptz,
  created_at timestamptz not null,
  settled_at timestamptz,
  primary key (campaign_id, transaction_id),
  unique (campaign_id, cause),
  foreign key (campaign_id, reverses) references sambatan.transactions,
  constraint transactions_amount check (amount > 0 or (kind = 'adjustment' and amount <> 0)),
  constraint transactions_settled_at check ((status = 'settled') = (settled_at is not null)),
  constraint transactions_of_participation check (
    (kind in ('payment', 'refund')) <= (participation_id is not null)),
  constraint transactions_purpose check ((kind = 'adjustment') = (purpose is not null)),
  constraint transactions_provider check ((provider is null) = (provider_reference is null)),
  constraint transactions_paid_in_time check (paid_in_time is null or kind = 'refund'),
  constraint transactions_reverses check ((purpose = 'reversal') = (reverses is not null))
);
create index transactions_by_kind on sambatan.transactions (campaign_id, kind, status);
create index transactions_by_id on sambatan.transactions (transaction_id);
create index transactions_of_participation on sambatan.transactions (campaign_id, participation_id)
  where participation_id is not null;
create unique index transactions_by_receipt on sambatan.transactions (campaign_id, receipt)
  where receipt is not null;
create unique index transactions_by_provider
  on sambatan.transactions (provider, provider_reference) where provider is not null;
create unique index transactions_reversed_once on sambatan.transactions (campaign_id, reverses)
  where reverses is not null;
-- No two open payments with a unique code to the same account have the same sum to transfer.
create unique index transactions_one_of_a_kind
  on sambatan.transactions (account_id, (amount + unique_code))
  where kind = 'payment' and unique_code > 0
    and status in ('due', 'proof_submitted', 'rejected', 'pending');
create index transactions_by_expected
  on sambatan.transactions (account_id, (amount + unique_code), created_at)
  where kind = 'payment' and account_id is not null;
-- Used by the work queues of operators, oldest item first.
create index transactions_open
  on sambatan.transactions (kind, status, created_at, transaction_id)
  where status in ('due', 'proof_submitted', 'rejected', 'pending');
-- Refunds and payouts that were sent, newest first. Operators search them when a transfer came
-- back.
create index transactions_made on sambatan.transactions (kind, settled_at desc, transaction_id)
  where status = 'settled' and kind in ('refund', 'payout');
-- Used by the list of overdue payments.
create index transactions_by_pay_by on sambatan.transactions (pay_by, transaction_id)
  where kind = 'payment' and status in ('due', 'rejected') and pay_by is not null;

-- A settled or void row keeps its status and amounts. The one exception: an overpaid refund that
-- was written off can still be recovered.
create function sambatan.check_transaction_transition() returns trigger
language plpgsql as $$
begin
  if (old.campaign_id, old.transaction_id, old.kind, old.cause, old.created_at)
      is distinct from (new.campaign_id, new.transaction_id, new.kind, new.cause, new.created_at)
    or (old.status in ('settled', 'void') and (old.status, old.amount, old.surcharge)
        is distinct from (new.status, new.amount, new.surcharge)
      and (old.purpose, old.status::text, new.status::text, new.amount)
        is distinct from ('overpaid_refund', 'void', 'settled', old.amount))
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
create trigger transactions_no_delete before delete on sambatan.transactions
  for each row execute function sambatan.refuse_change();
create trigger transactions_no_truncate before truncate on sambatan.transactions
  for each statement execute function sambatan.refuse_change();

-- The file that a buyer uploaded as proof of payment; only the latest file is kept. It is in the
-- database so that every process can show it.
create table sambatan.payment_proofs (
  campaign_id uuid not null,
  participation_id uuid not null,
  content_type text not null check (content_type in ('image/webp', 'application/pdf')),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_by text not null,
  uploaded_at timestamptz not null,
  primary key (campaign_id, participation_id)
);
-- PostgreSQL does not compress this column, because pictures are compressed already.
alter table sambatan.payment_proofs alter column content set storage external;

-- Calls to a payment gateway: one row per order or refund, written before the provider is called.
-- Status unknown: the result of the call is not known yet. Status open: the order waits until its
-- buyer pays. The statuses made and not_made are final. A row stays open even if its payment
-- becomes void, so that money that arrives after a hold has lapsed is still found and counted.
create table sambatan.gateway_calls (
  campaign_id uuid not null,
  -- The id that the service chose for the call. The provider stores it too.
  reference text not null check (reference ~ '^[A-Za-z0-9-]{8,50}$'),
  transaction_id uuid not null,
  participation_id uuid not null,
  kind sambatan.transaction_kind not null check (kind in ('payment', 'refund')),
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{1,30}$'),
  -- The reference of the provider's order. In the row of a payment, it equals the column reference.
  -- In the row of a refund, it is the reference of the payment that is refunded.
  order_reference text not null check (order_reference ~ '^[A-Za-z0-9-]{8,50}$'),
  amount bigint not null check (amount > 0),
  status text not null default 'unknown' check (status in ('unknown', 'open', 'made', 'not_made')),
  redirect_url text check (char_length(redirect_url) between 1 and 2000),
  attempts integer not null default 0 check (attempts >= 0),
  -- When to ask the provider for the status again. Null: the status is final.
  next_check_at timestamptz,
  -- The latest time at which the buyer can pay the order. It is never later than the pay_by of the
  -- payment.
  payable_until timestamptz,
  -- An order whose payment nobody has started cannot be paid after this time.
  expires_at timestamptz not null,
  created_at timestamptz not null,
  primary key (campaign_id, reference),
  constraint gateway_calls_closed check ((next_check_at is null) = (status in ('made', 'not_made')))
);
create unique index gateway_calls_by_reference on sambatan.gateway_calls (reference);
create index gateway_calls_of_ledger_entry on sambatan.gateway_calls (campaign_id, transaction_id);
create index gateway_calls_due on sambatan.gateway_calls (next_check_at)
  where next_check_at is not null;
-- A provider's notification contains the reference of an order; this index finds the refunds of
-- that order.
create index gateway_calls_refunds_of_order
  on sambatan.gateway_calls (campaign_id, order_reference) where kind = 'refund';

-- Bank statements of the receiving accounts. These tables contain the meaning of the columns of a
-- file, the imported files, the lines, and what each line pays for.

-- The meaning of the columns in the statement files of an account, as an operator has set it.
create table sambatan.statement_mappings (
  account_id uuid primary key references sambatan.receiving_accounts,
  mapping jsonb not null,
  saved_by text not null,
  saved_at timestamptz not null
);

-- One uploaded file. In the state uploaded, the file is stored and waits until somebody starts the
-- import. Then a worker stores the lines in batches (storing) and matches them with payments
-- (matching), until the import is done. Imports of one account run one after the other, in the
-- order they were started. The content is deleted when the import ends.
create table sambatan.statement_imports (
  import_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  state text not null check (state in ('uploaded', 'storing', 'matching', 'done', 'refused')),
  file_name text not null check (char_length(file_name) <= 200),
  file_hash bytea not null check (octet_length(file_hash) = 32),
  content bytea check (octet_length(content) between 1 and 16777216),
  -- How to read the file: 'auto', the name of a bank's format, or the meaning of each column as set
  -- by an operator.
  mapping jsonb not null,
  -- The last day whose transfers are all in the file, if an operator entered it.
  stated_through date,
  created_by text not null,
  created_at timestamptz not null,
  started_by text,
  started_at timestamptz,
  finished_at timestamptz,
  -- The number of lines in the file, of lines processed so far, of new lines among the processed
  -- ones, and of possible duplicates among the new ones.
  total_lines integer not null default 0 check (total_lines >= 0),
  stored_lines integer not null default 0 check (stored_lines between 0 and total_lines),
  added_lines integer not null default 0 check (added_lines between 0 and stored_lines),
  doubtful_lines integer not null default 0 check (doubtful_lines between 0 and added_lines),
  -- Rows of the file that are not incoming transfers, with the reason, row and amount of each.
  skipped_lines integer not null default 0 check (skipped_lines >= 0),
  skipped jsonb not null default '[]',
  -- The number of open lines of the account that fitted a payment when matching began, and the
  -- number of lines matched so far.
  to_match integer not null default 0 check (to_match >= 0),
  matched_lines integer not null default 0 check (matched_lines >= 0),
  -- Why the import was refused: a code of the service's error table with its parameters.
  error jsonb,
  -- The lease of the worker that runs the import. Until lease_until, no other worker may run it.
  lease_token uuid,
  lease_until timestamptz,
  constraint statement_imports_started check (
    (state = 'uploaded') = (started_at is null) or state = 'refused'),
  constraint statement_imports_finished check (
    (state in ('done', 'refused')) = (finished_at is not null)
    and (state in ('done', 'refused')) = (content is null)
    and (state = 'refused') = (error is not null))
);
alter table sambatan.statement_imports alter column content set storage external;
create index statement_imports_running
  on sambatan.statement_imports (account_id, started_at, import_id)
  where state in ('storing', 'matching');
create index statement_imports_by_time on sambatan.statement_imports (created_at, import_id);
create index statement_imports_waiting on sambatan.statement_imports (created_at)
  where state = 'uploaded';

-- One incoming transfer of a bank statement.
create table sambatan.statement_lines (
  line_id uuid primary key,
  account_id uuid not null references sambatan.receiving_accounts,
  -- A hash of the bank's data (day, amount, description, reference, balance) and of the line's
  -- number among lines with equal data.
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  -- The import that added the line, and the line's position in the file.
  import_id uuid references sambatan.statement_imports,
  position integer check (position >= 0),
  -- The id of another line of the account that may be the same transfer. A line with this id is not
  -- matched with a payment until a person has checked whether it is a duplicate.
  duplicate_of uuid references sambatan.statement_lines,
  booked_on date not null,
  -- The exact time, if the bank reports it.
  booked_at timestamptz,
  amount bigint not null check (amount > 0),
  description text not null check (char_length(description) <= 500),
  reference text check (char_length(reference) between 1 and 200),
  -- The balance of the account after the transfer, in sen.
  balance_sen bigint,
  status sambatan.statement_line_status not null default 'unmatched',
  campaign_id uuid,
  participation_id uuid,
  -- The result of a handled line: settled, given, credited or known (see receive_money); divided,
  -- if each part has its own result; or the reason why a person ignored the line.
  outcome text check (char_length(outcome) between 1 and 500),
  imported_by text not null,
  imported_at timestamptz not null,
  handled_by text,
  handled_at timestamptz,
  unique (account_id, fingerprint),
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
create index statement_lines_of_import on sambatan.statement_lines (import_id, position)
  where import_id is not null;

-- What a line pays for. A line has one part for each participation. While the line is allocated,
-- the sum of its parts is at most its amount. After the line is counted, the sum equals its amount.
-- Lines that pay for one participation together share a receipt. participation_id can also be the
-- id of an unpaid offer (see the view orders).
create table sambatan.statement_line_parts (
  line_id uuid not null references sambatan.statement_lines,
  part integer not null check (part between 1 and 50),
  campaign_id uuid not null,
  participation_id uuid not null,
  amount bigint not null check (amount > 0),
  assigned_by text not null,
  assigned_at timestamptz not null,
  -- The result; null until the part is counted.
  outcome text check (outcome in ('settled', 'given', 'credited', 'known')),
  receipt text check (char_length(receipt) between 1 and 120),
  primary key (line_id, part),
  constraint statement_line_parts_counted check ((outcome is null) = (receipt is null))
);
create index statement_line_parts_of_participation
  on sambatan.statement_line_parts (campaign_id, participation_id);

-- Disputes of buyers, and their pictures.

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

-- Up to three pictures of what is wrong, re-encoded as WebP. They are in the database so that every
-- process can show them. Deleting the buyer's account deletes them.
create table sambatan.dispute_pictures (
  campaign_id uuid not null,
  dispute_id uuid not null,
  number smallint not null check (number between 1 and 3),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_at timestamptz not null default clock_timestamp(),
  primary key (campaign_id, dispute_id, number),
  foreign key (campaign_id, dispute_id) references sambatan.disputes
);
-- PostgreSQL does not compress this column, because pictures are compressed already.
alter table sambatan.dispute_pictures alter column content set storage external;

-- Types for rows that settle_campaigns first collects in memory and then writes with one SQL
-- statement per table: changes of participations, new ledger rows, and audit events.

create type sambatan.participation_change as (
  campaign_id uuid,
  participation_id uuid,
  status sambatan.participant_status,
  moved_at timestamptz
);
create type sambatan.due_ledger_entry as (
  campaign_id uuid,
  kind sambatan.transaction_kind,
  participation_id uuid,
  amount bigint,
  cause text,
  actor text,
  created_at timestamptz,
  pay_by timestamptz
);
create type sambatan.pending_writes as (
  moves sambatan.participation_change[],
  dues sambatan.due_ledger_entry[],
  entries sambatan.audit_logs[]
);

-- Sum checkpoints of the public log: what each buyer of a campaign paid, as a Merkle sum tree.
-- docs/public-log.md specifies them. They are published from the first release of a payout on. The
-- rows are never changed or deleted; there is no trigger for that, because Citus accepts none.

create table sambatan.log_sums (
  campaign_id uuid not null,
  version integer not null,
  -- The number of events in the campaign's log when the sums were computed.
  seq bigint not null,
  root_hash bytea not null,
  -- All amounts are in whole rupiah.
  paid bigint not null,
  receivable bigint not null,
  payout bigint not null,
  fee bigint not null,
  refunds bigint not null,
  kept bigint not null,
  -- The signed note.
  checkpoint text not null,
  published_at timestamptz not null default now(),
  primary key (campaign_id, version),
  constraint log_sums_version check (version > 0),
  constraint log_sums_root_hash check (octet_length(root_hash) = 32),
  constraint log_sums_amounts check (
    least(paid, receivable, payout, fee, refunds, kept) >= 0
    and paid + receivable = payout + fee + refunds + kept)
);

-- The leaves of the trees. A row is valid from its version on, until a newer row of the same order.
-- The hash is stored so that the tree of the other buyers stays the same when an account, and with
-- it the salt of its orders, is deleted.
create table sambatan.log_sum_leaves (
  campaign_id uuid not null,
  order_id uuid not null,
  version integer not null,
  hash bytea not null,
  -- What the buyer paid in whole rupiah, before refunds.
  paid bigint not null,
  primary key (campaign_id, order_id, version),
  foreign key (campaign_id, version) references sambatan.log_sums,
  constraint log_sum_leaves_hash check (octet_length(hash) = 32),
  constraint log_sum_leaves_paid check (paid >= 0)
);

-- Campaigns whose sums may have changed since the last sum checkpoint. The event consumer inserts
-- the rows, and the sum publisher deletes them.
create table sambatan.log_sums_due (
  campaign_id uuid primary key,
  -- The number of the last event that was handled.
  seq bigint not null
);

-- Notifications, all derived from the audit log. No table of this file has a foreign key to
-- campaigns: checking the key would lock the campaign's row, which many concurrent joins need.

-- The position in each campaign's audit log up to which notifications were written. It has a
-- separate table so that the campaign's row need not be updated.
create table sambatan.notification_cursors (
  campaign_id uuid primary key,
  seq bigint not null check (seq >= 0),
  moved_at timestamptz not null default now()
);

-- One notification to one person about one event. The row does not contain the text. The text is
-- rendered each time the notification is shown or sent, in the language and time zone that the
-- person has chosen at that time.
create table sambatan.notifications (
  campaign_id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  -- What the notification is about: a position in the audit log, a reminder or a digest. A person
  -- gets only one notification per key.
  event_key text not null check (char_length(event_key) between 1 and 120),
  kind text not null check (char_length(kind) between 1 and 40),
  topic text not null check (char_length(topic) between 1 and 40),
  params jsonb not null,
  -- False: the person wants this topic by e-mail only.
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
-- Used by the export and the deletion of a person's data, which include notifications sent by
-- e-mail only.
create index notifications_by_mail_only on sambatan.notifications (user_id) where not in_app;
create index notifications_by_time on sambatan.notifications (created_at);

-- What a person wants to receive. The defaults of a topic apply if a person has no row for it.
create table sambatan.message_settings (
  user_id uuid not null,
  topic text not null check (char_length(topic) between 1 and 40),
  email boolean not null,
  in_app boolean not null,
  updated_at timestamptz not null default now(),
  primary key (user_id, topic)
);

-- The next digest of each campaign: a notification to the sellers that summarizes joins. Sellers
-- get only one notification per campaign and time window, whatever the number of joins in that
-- window.
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

-- Events for which all participants of a campaign get a notification. Such an event is handled in
-- steps. Participations with an id up to `after` already have their notification.
create table sambatan.notification_fanouts (
  campaign_id uuid not null,
  seq bigint not null,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  primary key (campaign_id, seq)
);

-- Notifications that are sent at a later time. A reminder is about one of these: a deadline, if the
-- person asked for a reminder; a hold that will lapse soon; a payment that became due when the
-- campaign completed and is still open; or goods whose receipt the buyer should confirm.
create table sambatan.reminders (
  campaign_id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in
    ('deadline_day', 'deadline_hour', 'hold', 'payment_half', 'payment_last',
    'receipt')),
  -- For reminders of a deadline, the id of the campaign; for all others, the id of the
  -- participation.
  subject_id uuid not null,
  due_at timestamptz not null,
  done_at timestamptz,
  primary key (campaign_id, user_id, kind, subject_id)
);
create index reminders_by_due on sambatan.reminders (due_at) where done_at is null;
create index reminders_done on sambatan.reminders (done_at) where done_at is not null;
create index reminders_by_user on sambatan.reminders (user_id);

-- Outgoing e-mails and webhooks. As in 410_notifications.sql, there is no foreign key to campaigns.

-- The URLs to which events are sent. If brand_id is null, the endpoint gets the events of every
-- brand; it is for the platform's own servers.
create table sambatan.webhook_endpoints (
  endpoint_id uuid primary key,
  brand_id uuid references sambatan.brands,
  url text not null check (char_length(url) between 10 and 500),
  description text not null default '' check (char_length(description) <= 200),
  -- The events that are sent; empty means every event.
  events text[] not null default '{}',
  secret text not null,
  -- Until previous_secret_until, requests are signed with the previous secret too, so that a
  -- receiver can change its secret without rejecting any request.
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

-- The outbox. The delivery_id of an e-mail is the id of its notification. A webhook has the
-- position of its event in the audit log (seq). The keys of this table are unique, so no e-mail and
-- no webhook can be queued twice.
create table sambatan.deliveries (
  campaign_id uuid not null,
  delivery_id uuid not null,
  channel text not null check (channel in ('email', 'webhook')),
  endpoint_id uuid,
  seq bigint,
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'failed', 'dropped')),
  attempts integer not null default 0 check (attempts >= 0),
  -- When the next attempt is due. During an attempt: the end of the lease, after which another
  -- worker may make the next attempt.
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
-- This is a hash index because a hash index cannot sort. With an ordered index here, the planner
-- would use it for lists too, although lists must use the indexes by status and by endpoint.
create index deliveries_by_id on sambatan.deliveries using hash (delivery_id);
create index deliveries_by_endpoint on sambatan.deliveries (endpoint_id, delivery_id)
  where channel = 'webhook';
create index deliveries_by_status on sambatan.deliveries (status, delivery_id);
create index deliveries_finished on sambatan.deliveries (finished_at)
  where finished_at is not null;

-- Sign-in of the stand-alone service. Codes, links and sessions are stored as hashes, so reading
-- these tables is not enough to sign in.

-- An e-mail address that its owner has verified with a code or a link.
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
  -- The browser that asked for the code. In that browser, the page of the link in the e-mail shows
  -- no warning about another browser.
  browser_hash bytea,
  -- Set for a code that confirms an existing session. Such a code does not sign in.
  session_id uuid,
  -- False if no e-mail is sent, because the address got one a short time ago.
  is_mailed boolean not null default true,
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
  -- The roles from the app_metadata of the token with which the user started the session. Empty if
  -- the user signed in by e-mail.
  roles text[] not null default '{}',
  device text not null default '' check (char_length(device) <= 200),
  second_factor boolean not null default false,
  -- The last time the user proved their identity. Sensitive actions need a recent time.
  reauthenticated_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_by_user on sambatan_auth.sessions (user_id);
create index sessions_by_end on sambatan_auth.sessions (expires_at);

-- Rate limits, counted by the hash of an IP address or an e-mail address. The table is unlogged:
-- losing the counts in a crash does no harm.
create unlogged table sambatan_auth.attempts (
  key text primary key,
  attempts integer not null,
  ends_at timestamptz not null
);
create index attempts_by_end on sambatan_auth.attempts (ends_at);

-- Browsers and networks from which somebody has signed in to an account before. Each key is a keyed
-- hash of the account's e-mail address and the browser or network. Requests from these browsers and
-- networks have separate rate limits, so strangers cannot use up the limits of the account's owner.
create table sambatan_auth.known_origins (
  key text primary key,
  ends_at timestamptz not null
);
create index known_origins_by_end on sambatan_auth.known_origins (ends_at);

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

-- Who is an operator, and an append-only record of who granted or revoked the role.

create table sambatan_auth.operators (
  user_id uuid primary key,
  granted_by text not null,
  granted_at timestamptz not null default now()
);

create table sambatan_auth.operator_changes (
  change_id uuid primary key,
  user_id uuid not null,
  change text not null check (change in ('granted', 'revoked')),
  actor text not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index operator_changes_by_user on sambatan_auth.operator_changes (user_id, change_id);
create trigger operator_changes_append_only
  before update or delete on sambatan_auth.operator_changes
  for each row execute function sambatan.refuse_change();
create trigger operator_changes_no_truncate before truncate on sambatan_auth.operator_changes
  for each statement execute function sambatan.refuse_change();

-- The access log: sign-ins and failed attempts. Each account has a separate hash chain. A
-- row identifies the person only by id, and contains no network address.

create table sambatan_auth.access_heads (
  user_id uuid primary key,
  seq bigint not null check (seq >= kept_after),
  hash bytea not null,
  -- Rows with a seq up to kept_after were deleted at the end of their retention. kept_hash is the
  -- hash of the last deleted row; the hash of the first remaining row depends on it.
  kept_after bigint not null default 0 check (kept_after >= 0),
  kept_hash bytea not null default decode(repeat('00', 32), 'hex')
);
create trigger access_heads_no_delete before delete on sambatan_auth.access_heads
  for each row execute function sambatan.refuse_change();
create trigger access_heads_no_truncate before truncate on sambatan_auth.access_heads
  for each statement execute function sambatan.refuse_change();

create table sambatan_auth.access_log (
  user_id uuid not null,
  seq bigint not null check (seq > 0),
  occurred_at timestamptz not null,
  event text not null check (event in (
    'code_requested', 'code_failed', 'codes_exhausted', 'signed_in', 'signed_out', 'session_ended',
    'sessions_ended', 'factor_added', 'factor_removed', 'factor_failed', 'recovery_codes_made',
    'proved_again', 'account_deleted')),
  -- Empty if the event has no method.
  method text not null check (method in ('', 'code', 'link', 'token', 'factor', 'recovery_code')),
  -- The browser, such as "Chrome · Android"; nothing more of the user agent is stored.
  browser text not null check (char_length(browser) <= 60 and position('|' in browser) = 0),
  hash bytea not null,
  primary key (user_id, seq)
);
create index access_log_by_age on sambatan_auth.access_log (occurred_at);

-- A row may be deleted when it is 400 days old, and not before.
create function sambatan_auth.refuse_recent_access() returns trigger language plpgsql as $$
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
  for each row execute function sambatan_auth.refuse_recent_access();
create trigger access_log_no_truncate before truncate on sambatan_auth.access_log
  for each statement execute function sambatan.refuse_change();

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

-- Idempotency keys of requests that change something. The row is written in the transaction of the
-- change. So when a request is repeated, either both the row and the change exist, or neither. The
-- keys of joins and of the waiting list are in the table idempotency_keys instead.
create table sambatan.request_keys (
  -- The caller, in the form of the audit log's actor.
  caller text not null check (char_length(caller) between 1 and 60),
  key text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- The result of the change, serialized with v8.serialize. If the answer was not stored, a
  -- repeated request gets an answer that is built from this result.
  result bytea,
  -- The HTTP answer as it was sent; null until it is sent.
  status smallint check (status between 200 and 299),
  content_type text,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller, key)
);
create index request_keys_by_time on sambatan.request_keys (created_at);

-- A popular campaign gets thousands of rows within seconds, long before autovacuum analyzes their
-- tables. If older statistics of campaign_id do not contain a campaign, the planner assumes that it
-- has no rows, and joins two tables by a nested loop that compares all pairs of the campaign's
-- rows. With such a plan, the books of 5,000 orders took 8.5 s instead of 17 ms. Without statistics
-- of this column, the planner assumes an average campaign, and the plan reads each row once.
do $$
declare
  relation regclass;
begin
  for relation in
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid
    where n.nspname = 'sambatan' and c.relkind in ('r', 'p') and a.attname = 'campaign_id'
      and c.relname not in ('campaign_details', 'campaign_states')
  loop
    execute format('alter table %s alter column campaign_id set statistics 0', relation);
  end loop;
end
$$;

-- Only the service may read or write the two schemas. A Supabase project lets browsers reach its
-- schemas through the roles `anon` and `authenticated`, and may grant them every new table and
-- function. Therefore every migration ends with this block. It enables row-level security on every
-- table (there are no policies) and revokes every privilege on every table, view, sequence and
-- function of both schemas. Row-level security alone does not protect views: a view reads with the
-- rights of its owner. Therefore privileges on views must be revoked.
do $$
declare
  relation regclass;
  grantee text;
  our_schema text;
begin
  for relation in
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('sambatan', 'sambatan_auth') and c.relkind in ('r', 'p')
      and not c.relrowsecurity
  loop
    execute format('alter table %s enable row level security', relation);
  end loop;
  for grantee in
    select 'public'
    union all
    select rolname from pg_roles where rolname in ('anon', 'authenticated')
  loop
    foreach our_schema in array array['sambatan', 'sambatan_auth'] loop
      execute format('revoke all on schema %I from %I', our_schema, grantee);
      execute format('revoke all on all tables in schema %I from %I', our_schema, grantee);
      execute format('revoke all on all sequences in schema %I from %I', our_schema, grantee);
      execute format('revoke all on all routines in schema %I from %I', our_schema, grantee);
    end loop;
  end loop;
end
$$;
