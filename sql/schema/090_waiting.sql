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
