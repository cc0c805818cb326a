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
