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
