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
