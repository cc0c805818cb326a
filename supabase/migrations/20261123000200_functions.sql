-- Written by scripts/baseline.js from sql/functions. Edit the sources there, not this file.

-- The bytes that the public log publishes and hashes. docs/public-log.md specifies them. PostgreSQL
-- inlines these functions only if their arguments are plain columns or variables; a call that is not
-- inlined takes twenty times as long.

create or replace function sambatan.actor_kind_of(p_actor text)
returns sambatan.actor_kind language sql stable parallel safe as $$
  select split_part(p_actor, ':', 1)::sambatan.actor_kind
$$;

create or replace function sambatan.actor_id_of(p_actor text)
returns uuid language sql immutable parallel safe as $$
  select nullif(split_part(p_actor, ':', 2), '')::uuid
$$;

-- Returns the bytes of an event that nobody may see without the salt.
create or replace function sambatan.private_record(
  participation_id uuid, occurred_at timestamptz, actor_kind sambatan.actor_kind, actor_id uuid,
  event sambatan.audit_event, metadata jsonb
) returns bytea language sql stable parallel safe as $$
  select uuid_send(coalesce(participation_id, '00000000-0000-0000-0000-000000000000'))
    || timestamptz_send(occurred_at)
    || case when actor_kind = 'user' then '\x03'::bytea when actor_kind = 'operator' then '\x04'
      when actor_kind = 'system' then '\x01' else '\x02' end
    || uuid_send(coalesce(actor_id, '00000000-0000-0000-0000-000000000000'))
    || convert_to(event || '|' || coalesce(metadata::text, ''), 'UTF8')
$$;

-- Returns the code of an event in the public log. Events about one participation or one
-- waiting-list entry have a common code, so that the log does not show what happened to whom.
create or replace function sambatan.public_event_code(p_event sambatan.audit_event)
returns bytea language sql immutable parallel safe as $$
  select case
    when p_event = 'participant_joined' then '\x20'::bytea
    when p_event in ('participant_cancelled', 'participant_refunded') then '\x21'
    when p_event between 'participant_joined' and 'dispute_resolved' then '\x22'
    when p_event between 'waiting_joined' and 'waiting_closed' then '\x30'
    when p_event = 'campaign_created' then '\x01'
    when p_event = 'campaign_edited' then '\x02'
    when p_event = 'campaign_opened' then '\x03'
    when p_event = 'campaign_full' then '\x04'
    when p_event = 'campaign_reopened' then '\x05'
    when p_event = 'campaign_verifying' then '\x06'
    when p_event = 'campaign_completed' then '\x07'
    when p_event = 'campaign_failed' then '\x08'
    when p_event = 'campaign_cancelled' then '\x09'
    when p_event = 'deadline_extended' then '\x0a'
    when p_event = 'campaign_below_minimum' then '\x0b'
    when p_event = 'campaign_continued' then '\x0c'
    when p_event = 'campaign_shortfall' then '\x0d'
    when p_event = 'campaign_shipped' then '\x0e'
    when p_event = 'payout_released' then '\x0f'
    when p_event = 'payout_settled' then '\x10'
    when p_event = 'payout_reversed' then '\x11'
  end
$$;

-- Returns the first 13 bytes of a public record: version, sequence, and time in whole minutes.
create or replace function sambatan.public_record_head(seq bigint, occurred_at timestamptz)
returns bytea language sql immutable parallel safe as $$
  select '\x01'::bytea || int8send(seq)
    || int4send(floor(date_part('epoch', occurred_at at time zone 'UTC') / 60)::integer)
$$;

-- Returns the public record of an event: 66 bytes.
create or replace function sambatan.public_record(
  seq bigint, occurred_at timestamptz, event sambatan.audit_event, slots integer,
  slots_taken integer, total_slots integer, price_per_slot bigint, commitment bytea
) returns bytea language sql immutable parallel safe as $$
  select sambatan.public_record_head(seq, occurred_at) || sambatan.public_event_code(event)
    || int4send(slots) || int4send(slots_taken) || int4send(total_slots)
    || int8send(price_per_slot) || commitment
$$;

-- Returns the hash of a leaf of the campaign's tree (RFC 6962).
create or replace function sambatan.leaf_hash(public_record bytea)
returns bytea language sql immutable parallel safe as $$
  select sha256('\x00'::bytea || public_record)
$$;

-- Returns the salt for the commitment of an event: that of its order, of its waiting-list entry
-- or of its campaign. Returns a salt that nobody knows if the salt was deleted with an account.
create or replace function sambatan.salt_of_event(
  p_campaign_id uuid, p_campaign_salt bytea, p_event sambatan.audit_event, p_participation_id uuid,
  p_metadata jsonb
) returns bytea language plpgsql as $$
declare
  salt bytea;
begin
  if p_participation_id is not null then
    select p.salt into salt from sambatan.participants p
      where p.campaign_id = p_campaign_id and p.participation_id = p_participation_id;
    if not found then
      -- An offer that has not become a participation yet. The participation gets the same salt.
      select w.salt into salt from sambatan.waiting_entries w
        where w.campaign_id = p_campaign_id and w.order_id = p_participation_id;
    end if;
  elsif p_event between 'waiting_joined' and 'waiting_closed' then
    select w.salt into salt from sambatan.waiting_entries w
      where w.campaign_id = p_campaign_id and w.entry_id = (p_metadata ->> 'entry_id')::uuid;
  else
    salt := p_campaign_salt;
  end if;
  return coalesce(salt, sambatan.new_salt());
end
$$;

-- Builds the next event of a campaign's audit log and counts it in c. The event takes or frees the
-- slots by which c.filled_slots differs from the event before. Its time is p_at, or the time of the
-- event before if the database's clock was set back. This function stores nothing. The caller has
-- locked the campaign's row, passes the row's new state as c, and stores c and the event.
create or replace function sambatan.next_event(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz,
  p_participation_id uuid, p_metadata jsonb, out entry sambatan.audit_logs
) language plpgsql as $$
begin
  c.audit_seq := c.audit_seq + 1;
  entry.campaign_id := c.campaign_id;
  entry.seq := c.audit_seq;
  entry.occurred_at := greatest(p_at, c.updated_at);
  entry.participation_id := p_participation_id;
  entry.event := p_event::sambatan.audit_event;
  entry.actor_kind := sambatan.actor_kind_of(p_actor);
  entry.actor_id := sambatan.actor_id_of(p_actor);
  entry.slots := c.filled_slots - c.logged_slots;
  entry.slots_taken := c.filled_slots;
  entry.total_slots := c.total_slots;
  entry.price_per_slot := c.price_per_slot;
  entry.metadata := nullif(p_metadata, '{}');
  entry.commitment := sha256(sambatan.salt_of_event(c.campaign_id, c.log_salt, entry.event,
      p_participation_id, p_metadata)
    || sambatan.private_record(p_participation_id, entry.occurred_at, entry.actor_kind,
      entry.actor_id, entry.event, entry.metadata));
  entry.leaf_hash := sambatan.leaf_hash(sambatan.public_record(entry.seq,
    entry.occurred_at, entry.event, entry.slots, entry.slots_taken, entry.total_slots,
    entry.price_per_slot, entry.commitment));
  c.logged_slots := c.filled_slots;
  c.updated_at := entry.occurred_at;
end
$$;

-- Works like next_event, but also inserts the event into the audit log. The caller stores c.
create or replace function sambatan.append_event(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz,
  p_participation_id uuid, p_metadata jsonb, out entry sambatan.audit_logs
) language plpgsql as $$
declare
  r record;
begin
  select * into r
    from sambatan.next_event(c, p_event, p_actor, p_at, p_participation_id, p_metadata);
  c := r.c;
  entry := r.entry;
  insert into sambatan.audit_logs values (entry.*);
end
$$;

-- Appends one event to a campaign's audit log. The caller has locked the campaign's row.
create or replace function sambatan.record_event(
  p_campaign_id uuid, p_event text, p_actor text, p_at timestamptz,
  p_participation_id uuid default null, p_metadata jsonb default '{}'
) returns sambatan.audit_logs language plpgsql as $$
declare
  c sambatan.campaigns;
  r record;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id
    for no key update;
  select * into r
    from sambatan.append_event(c, p_event, p_actor, p_at, p_participation_id, p_metadata);
  c := r.c;
  update sambatan.campaign_states
    set audit_seq = c.audit_seq, logged_slots = c.logged_slots, updated_at = c.updated_at
    where campaign_id = p_campaign_id;
  return r.entry;
end
$$;

-- Appends several events of one kind in one statement, in order: one for each element of
-- p_metadata. All of them are about waiting-list entries, and none changes the taken slots. Apart
-- from that, it works like append_event.
create or replace function sambatan.append_events(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz, p_metadata jsonb[]
) language plpgsql as $$
#variable_conflict use_variable
declare
  event constant sambatan.audit_event := p_event::sambatan.audit_event;
  at constant timestamptz := greatest(p_at, c.updated_at);
  by_kind constant sambatan.actor_kind := sambatan.actor_kind_of(p_actor);
  by_id constant uuid := sambatan.actor_id_of(p_actor);
begin
  if p_metadata = '{}' then
    return;
  end if;
  insert into sambatan.audit_logs (campaign_id, seq, occurred_at, event, actor_kind, actor_id,
    slots, slots_taken, total_slots, price_per_slot, metadata, commitment, leaf_hash)
  select c.campaign_id, e.seq, at, event, by_kind, by_id, 0, c.logged_slots, c.total_slots,
    c.price_per_slot, e.metadata, e.commitment,
    sambatan.leaf_hash(sambatan.public_record(e.seq, at, event, 0, c.logged_slots,
      c.total_slots, c.price_per_slot, e.commitment))
  from (
    select c.audit_seq + m.n as seq, m.metadata,
      sha256(coalesce(w.salt, sambatan.new_salt())
        || sambatan.private_record(null, at, by_kind, by_id, event, m.metadata)) as commitment
    from unnest(p_metadata) with ordinality as m (metadata, n)
    left join sambatan.waiting_entries w on w.campaign_id = c.campaign_id
      and w.entry_id = (m.metadata ->> 'entry_id')::uuid
    -- Without this, the commitment would be computed twice.
    offset 0) e;
  c.audit_seq := c.audit_seq + cardinality(p_metadata);
  c.updated_at := at;
end
$$;

-- Returns the number of taken slots of a campaign at a time, from the audit log; 0 before its first
-- event. Finds the last event until then by a binary search, because the times of a campaign's events
-- never go back. It needs about twenty lookups for a million events. p_last is the seq of the
-- campaign's last event.
create or replace function sambatan.slots_at(p_campaign_id uuid, p_at timestamptz, p_last bigint)
returns integer language plpgsql stable as $$
declare
  low bigint := 0;                  -- an event at or before p_at, or 0
  high bigint := p_last + 1;        -- an event after p_at
  middle bigint;
  found_at timestamptz;
  taken integer := 0;
  found_slots integer;
begin
  while high - low > 1 loop
    middle := (low + high) / 2;
    select occurred_at, slots_taken into found_at, found_slots from sambatan.audit_logs
      where campaign_id = p_campaign_id and seq = middle;
    if found_at <= p_at then
      low := middle;
      taken := found_slots;
    else
      high := middle;
    end if;
  end loop;
  return taken;
end
$$;

-- Ends the transaction with a domain refusal: a code of the service's error table, and the
-- parameters of its message.
create or replace function sambatan.refuse(p_code text, p_params jsonb default '{}')
returns void language plpgsql as $$
begin
  raise exception using errcode = 'SB000', message = p_code, detail = p_params::text;
end
$$;

-- Locks one campaign's row and returns its current state. Waits up to lock_timeout. Refuses:
-- campaign_not_found.
create or replace function sambatan.lock_campaign(p_campaign_id uuid)
returns sambatan.campaigns language plpgsql as $$
declare
  c sambatan.campaigns;
begin
  select * into c from sambatan.campaigns where campaign_id = p_campaign_id for no key update;
  if not found then
    perform sambatan.refuse('campaign_not_found');
  end if;
  return c;
end
$$;

-- Returns a reserved participation of a campaign whose deadline has not passed and that is not
-- being closed. p_event is the event that the caller wants to record; it appears in the refusal.
-- The caller has locked the campaign's row, which also protects its participations. Refuses:
-- participation_not_found, participation_transition_not_allowed, campaign_closing, deadline_passed.
create or replace function sambatan.reserved_participation(
  c sambatan.campaigns, p_participation_id uuid, p_event text, p_at timestamptz
) returns sambatan.participants language plpgsql as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status <> 'pending_payment' then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', p_event));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif p_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  end if;
  return p;
end
$$;

-- Returns a participation that its buyer may cancel: a reserved participation, or a paid
-- participation that was made before the deadline was extended. The caller has locked the
-- campaign's row. Refuses with the same codes as reserved_participation.
create or replace function sambatan.cancellable_participation(
  c sambatan.campaigns, p_participation_id uuid, p_at timestamptz
) returns sambatan.participants language plpgsql as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if p.status = 'confirmed' and p.joined_at < c.extended_at and p_at < c.deadline
      and c.status in ('active', 'locked') and c.closing_outcome is null then
    return p;
  end if;
  return sambatan.reserved_participation(c, p_participation_id, 'participant_cancelled', p_at);
end
$$;

-- Returns the time that decides whether a payment was in time. This is the exact time from the
-- provider or the bank statement, if it is known. If only the day is known, it is the start of that
-- day (Asia/Jakarta), so that a payment at any time of the day of the deadline counts. If nothing
-- is known, it is p_now. The result is never later than p_now.
create or replace function sambatan.paid_moment(
  p_paid_at timestamptz, p_paid_on date, p_now timestamptz
) returns timestamptz language sql immutable parallel safe as $$
  select least(p_now, coalesce(p_paid_at, p_paid_on::timestamp at time zone 'Asia/Jakarta', p_now))
$$;

-- Returns whether it is possible that the service later finds money that was sent for an open
-- payment by p_by. This is possible while the payment's proof or online order is undecided, or
-- while a transfer may exist that the service does not know. No such transfer exists if the payment
-- has no account yet, because the buyer has not seen where to transfer. No such transfer exists
-- either if the statement of the account is imported through the day of p_by and a person has
-- assigned the lines with a similar amount: then every transfer that was in time is known. If a
-- person rejected the proof after p_by, the service expects no more money.
create or replace function sambatan.may_still_arrive(t sambatan.transactions, p_by timestamptz)
returns boolean language plpgsql stable as $$
begin
  if t.transaction_id is null or t.status in ('settled', 'void') then
    return false;
  elsif t.status in ('proof_submitted', 'pending') or exists (
    select 1 from sambatan.gateway_calls g where g.campaign_id = t.campaign_id
      and g.transaction_id = t.transaction_id and g.kind = 'payment'
      and g.status in ('unknown', 'open'))
    -- Part of the amount has arrived. It is not counted until the rest arrives, or until a person
    -- counts it.
    or exists (select 1 from sambatan.statement_line_parts s
      where s.campaign_id = t.campaign_id and s.participation_id = t.participation_id
        and s.outcome is null)
  then
    return true;
  elsif t.account_id is null or t.rejected_at >= p_by then
    return false;
  end if;
  return coalesce((select a.statement_through < (p_by at time zone 'Asia/Jakarta')::date
      from sambatan.receiving_accounts a where a.account_id = t.account_id), true)
    or sambatan.has_line_like(t, p_by);
end
$$;

-- Returns whether an open statement line could be the transfer for an open payment. Such a line is
-- on the payment's account, is booked by the day of p_by, and has an amount near the expected
-- amount. The expected amount is the amount of this order, or of all open orders of the buyer in
-- the campaign together. Near means at most 1,000 rupiah above the amount with unique codes, and at
-- most 1,000 rupiah below the amount without unique codes, because people round amounts, and
-- mistype or omit codes.
create or replace function sambatan.has_line_like(t sambatan.transactions, p_by timestamptz)
returns boolean language sql stable as $$
  with sums as (
    select t.amount as lowest, t.amount + t.unique_code as highest
    union all
    select sum(o.amount), sum(o.amount + o.unique_code)
    from sambatan.participants own
    join sambatan.participants p on p.campaign_id = own.campaign_id and p.user_id = own.user_id
      and (p.status in ('pending_payment', 'confirmed')
        or p.status in ('cancelled', 'refunded', 'fulfilled'))
    join sambatan.transactions o on o.campaign_id = p.campaign_id
      and o.cause = 'payment:' || p.participation_id and o.account_id = t.account_id
      and o.status in ('due', 'proof_submitted', 'rejected', 'pending')
    where own.campaign_id = t.campaign_id and own.participation_id = t.participation_id)
  select exists (select 1 from sums
    join sambatan.statement_lines l on l.account_id = t.account_id
      and l.status in ('unmatched', 'ambiguous', 'allocated')
      and l.amount between sums.lowest - 1000 and sums.highest + 1000
    where l.booked_on between (t.created_at at time zone 'Asia/Jakarta')::date - 1
      and (p_by at time zone 'Asia/Jakarta')::date)
$$;

-- Returns whether it is possible that the service later finds money that was paid in time for a
-- reserved participation. The deadline of the campaign has passed.
create or replace function sambatan.awaits_payments(c sambatan.campaigns)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.participants p
    join sambatan.transactions t on t.campaign_id = p.campaign_id
      and t.cause = 'payment:' || p.participation_id
    where p.campaign_id = c.campaign_id and p.status = 'pending_payment'
      and sambatan.may_still_arrive(t, c.deadline))
$$;

-- Schedules a lifecycle run of a verifying or completed campaign at p_at, because its outcome or
-- its unpaid orders may be decided now. Never moves a run to a later time. The caller has locked
-- the campaign's row.
create or replace function sambatan.schedule_run(p_campaign_id uuid, p_at timestamptz)
returns void language sql as $$
  update sambatan.campaign_states set next_run_at = least(next_run_at, p_at)
  where campaign_id = p_campaign_id and next_run_at > p_at
    and status in ('verifying', 'fulfilled')
$$;

-- Records that the statement of a receiving account is imported completely through a day
-- (Asia/Jakarta): a transfer that is not in the statement was not made by the end of that day. An
-- earlier day changes nothing. Returns the campaigns whose lifecycle run is due now.
create or replace function sambatan.statement_imported(p_account_id uuid, p_through date)
returns setof uuid language plpgsql as $$
begin
  update sambatan.receiving_accounts set statement_through = p_through, updated_at = now()
    where account_id = p_account_id
      and (statement_through is null or statement_through < p_through);
  if not found then
    return;
  end if;
  return query
  select c.campaign_id from sambatan.campaigns c
    where c.status in ('verifying', 'fulfilled') and c.next_run_at <= clock_timestamp()
      and exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
        and t.kind = 'payment' and t.account_id = p_account_id
        and t.status in ('due', 'rejected'));
end
$$;

-- Executes many join requests, for any campaigns, in one transaction. Each request gets its own
-- answer. The result is the same as if the requests ran one after the other, in the order of the
-- arrays.
--
-- Locks the campaigns' rows first, in order of their ids. Only then reads the clock and all data on
-- which the answers depend. With p_wait false, does not wait for a row that another transaction has
-- locked: the requests for that campaign get the answer 'campaign_busy' and write nothing, so that
-- one locked campaign does not delay the other joins of the batch.
--
-- Each array has one element per request. The requests for one campaign are adjacent and in order
-- of arrival. Key and request hash are null for a request without an Idempotency-Key. The actor is
-- null if the buyer acts. An array may be null instead of containing only nulls. p_attempt_limit is the maximum number of joins per minute for each
-- caller; 0 means no limit. p_again is true if the same batch was sent before and may have been
-- committed. In this case, a request whose participation exists already gets the answer 'joined',
-- and nothing is changed. The answer is final, because the campaign's row is locked. A refusal in a
-- retry is stored in refused_joins. If the first attempt runs later than the retry, it is refused
-- too and takes no slot.
--
-- Returns one row per request, in any order; request_id is the id of p_participation_ids. The outcome
-- is 'joined', or the code of a refusal with the parameters of its message. replayed is true if the
-- request had been answered before; joined_at is then the time of the first answer. seq, leaf_hash
-- and salt are the entry of a join in the public log. The salt is null if it is the salt that the
-- caller passed.
--
-- A simple join needs no idempotency keys, rate limits or bounds per buyer. This data is read once
-- for the whole batch, and only if one of the requests needs it. Nearly always every request of the
-- batch is accepted. Then the function only numbers the requests and does not check each of them.
create or replace function sambatan.join_campaigns(
  p_campaign_ids uuid[], p_participation_ids uuid[], p_user_ids uuid[], p_quantities integer[],
  p_addresses text[], p_notes text[], p_phones text[], p_salts bytea[], p_keys text[],
  p_request_hashes bytea[], p_actors text[], p_callers text[], p_attempt_limit integer,
  p_wait boolean, p_again boolean
) returns table (
  request_id uuid, outcome text, params jsonb, participation_id uuid, joined_at timestamptz,
  replayed boolean, seq bigint, leaf_hash bytea, salt bytea
) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
  n constant integer := cardinality(p_campaign_ids);
  -- PL/pgSQL keeps arrays in variables expanded, so access to an element is fast.
  campaign_ids constant uuid[] := p_campaign_ids;
  quantities constant integer[] := p_quantities;
  request_hashes constant bytea[] := p_request_hashes;
  has_keys constant boolean := coalesce(array_remove(p_keys, null) <> '{}', false);
  locked uuid[];                    -- the campaigns whose rows this transaction has locked
  r record;
  c record;
  c_is_locked boolean;
  now_at timestamptz;
  quantity integer;
  answer text;
  detail jsonb;
  slots_of_user integer;
  minimum integer;
  is_simple boolean;                -- no request needs more data than its campaign's row
  has_bounds boolean;
  -- One element per request.
  answers text[];
  details jsonb[];
  times timestamptz[] := array_fill(null::timestamptz, array[n]);
  holds timestamptz[] := array_fill(null::timestamptz, array[n]);
  seqs bigint[] := array_fill(null::bigint, array[n]);
  taken integer[] := array_fill(null::integer, array[n]);
  ids uuid[] := p_participation_ids;
  replays boolean[];
  -- An array stays empty if no request needs it.
  stored_at timestamptz[] := '{}';
  limited_until timestamptz[] := '{}';
  first_of_key integer[] := '{}';
  known_hash bytea[] := '{}';
  known_outcome text[] := '{}';
  known_params jsonb[] := '{}';
  known_id uuid[] := '{}';
  known_at timestamptz[] := '{}';
  -- For each request, the index of its buyer; for each index, the number of slots that this buyer
  -- has so far.
  buyer_of integer[] := '{}';
  slots_of_buyer integer[] := '{}';
  -- One element per campaign that changes.
  changed uuid[] := '{}';
  changed_slots integer[] := '{}';
  changed_count integer[] := '{}';
  changed_seq bigint[] := '{}';
  changed_taken integer[];
  changed_at timestamptz[] := '{}';
  changed_hold timestamptz[];
  changed_run timestamptz[] := '{}';
  changed_full boolean[] := '{}';
  g integer;
  last_seq bigint;
  last_taken integer;
begin
  if p_wait then
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaign_states where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update) l;
  else
    select array_agg(campaign_id) into locked from (
      select campaign_id from sambatan.campaign_states where campaign_id = any (p_campaign_ids)
      order by campaign_id for no key update skip locked) l;
  end if;

  if p_again then
    for r in
      select q.ordinal, s.joined_at
      from unnest(p_campaign_ids, p_participation_ids) with ordinality
        as q (campaign_id, participation_id, ordinal)
      join sambatan.participants s using (campaign_id, participation_id)
    loop
      stored_at[r.ordinal] := r.joined_at;
    end loop;
  end if;

  -- The table is almost always empty. Therefore this condition needs one lookup per campaign
  -- instead of one per join.
  if exists (select 1 from sambatan.refused_joins where campaign_id = any (locked)) then
    for r in
      select q.ordinal, d.outcome, d.params, d.answered_at
      from unnest(p_campaign_ids, p_participation_ids) with ordinality
        as q (campaign_id, participation_id, ordinal)
      join sambatan.refused_joins d using (campaign_id, participation_id)
    loop
      known_outcome[r.ordinal] := r.outcome;
      known_params[r.ordinal] := r.params;
      known_at[r.ordinal] := r.answered_at;
    end loop;
  end if;

  if p_attempt_limit > 0 then
    for r in
      with requests as materialized (
        -- Requests for a busy campaign are not counted, because the service sends them again.
        select q.caller, q.ordinal, row_number() over (partition by q.caller order by q.ordinal)
          as nth, count(*) over (partition by q.caller) as here
        from unnest(p_campaign_ids, p_callers) with ordinality
          as q (campaign_id, caller, ordinal)
        where q.campaign_id = any (locked)
      ), counted as (
        insert into sambatan.join_attempts as a (caller, window_started_at, attempts)
        select caller, clock_timestamp(), count(*) from requests group by caller order by caller
        on conflict (caller) do update set
          window_started_at = case when a.window_started_at
            > excluded.window_started_at - interval '1 minute'
            then a.window_started_at else excluded.window_started_at end,
          attempts = case when a.window_started_at
            > excluded.window_started_at - interval '1 minute'
            then a.attempts else 0 end + excluded.attempts
        returning caller, window_started_at, attempts
      )
      select q.ordinal, a.window_started_at + interval '1 minute' as until
      from requests q join counted a using (caller)
      where a.attempts - q.here + q.nth > p_attempt_limit
    loop
      limited_until[r.ordinal] := r.until;
    end loop;
  end if;

  if has_keys then
    for r in
      select q.ordinal, q.first, k.key, k.request_hash, k.outcome, k.params, k.participation_id,
        k.answered_at
      from (
        select u.*, first_value(u.ordinal::integer) over (
          partition by u.campaign_id, u.user_id, u.key order by u.ordinal) as first
        from unnest(p_campaign_ids, p_user_ids, p_keys) with ordinality
          as u (campaign_id, user_id, key, ordinal)
        where u.key is not null) q
      left join sambatan.idempotency_keys k
        on k.campaign_id = q.campaign_id and k.user_id = q.user_id and k.key = q.key
      where q.first < q.ordinal or k.key is not null
    loop
      first_of_key[r.ordinal] := r.first;
      if r.key is not null and known_outcome[r.ordinal] is null then
        known_hash[r.ordinal] := r.request_hash;
        known_outcome[r.ordinal] := r.outcome;
        known_params[r.ordinal] := r.params;
        known_id[r.ordinal] := r.participation_id;
        known_at[r.ordinal] := r.answered_at;
      end if;
    end loop;
  end if;

  now_at := clock_timestamp();
  is_simple := stored_at = '{}' and known_outcome = '{}' and limited_until = '{}'
    and first_of_key = '{}';
  if is_simple then
    -- The new state of each campaign, if all requests are accepted.
    select array_agg(q.campaign_id order by q.first), array_agg(q.slots order by q.first),
        array_agg(q.requests order by q.first),
        array_agg(k.audit_seq + q.requests + is_full::integer order by q.first),
        array_agg(k.filled_slots order by q.first), array_agg(t.at order by q.first),
        array_agg(t.hold order by q.first),
        array_agg(least(k.next_run_at, t.hold) order by q.first),
        array_agg(is_full order by q.first),
        coalesce(bool_and(q.campaign_id = any (locked) and k.status = 'active'
          and k.closing_outcome is null and greatest(now_at, k.updated_at) < k.deadline
          and k.max_slots_per_user is null and k.min_slots_per_user is null
          and k.filled_slots + k.reserved_slots + q.slots <= k.total_slots), false)
      into changed, changed_slots, changed_count, changed_seq, changed_taken, changed_at,
        changed_hold, changed_run, changed_full, is_simple
      from (select campaign_id, min(ordinal) as first, sum(quantity)::integer as slots,
          count(*)::integer as requests
        from unnest(p_campaign_ids, p_quantities) with ordinality as u (campaign_id, quantity, ordinal)
        group by campaign_id) q
      left join sambatan.campaigns k on k.campaign_id = q.campaign_id
      cross join lateral (
        select coalesce(k.filled_slots + q.slots = k.total_slots, false) as is_full,
          greatest(now_at, k.updated_at) as at) f
      cross join lateral (
        select f.at, case when k.payment_timing = 'upfront'
          then least(f.at + k.hold_seconds * interval '1 second', k.deadline) end as hold) t;
  end if;

  if is_simple then
    g := 0;
    for i in 1..n loop
      if i = 1 or campaign_ids[i] <> campaign_ids[i - 1] then
        g := g + 1;
        last_seq := changed_seq[g] - changed_count[g] - changed_full[g]::integer;
        last_taken := changed_taken[g];
      end if;
      last_seq := last_seq + 1;
      last_taken := last_taken + quantities[i];
      times[i] := changed_at[g];
      seqs[i] := last_seq;
      taken[i] := last_taken;
      if changed_hold[g] is not null then
        holds[i] := changed_hold[g];
      end if;
    end loop;
    if has_keys then
      answers := array_fill('joined'::text, array[n]);
      replays := array_fill(false, array[n]);
    end if;
  else
    answers := array_fill(null::text, array[n]);
    details := array_fill(null::jsonb, array[n]);
    replays := array_fill(false, array[n]);
    changed := '{}';
    changed_slots := '{}';
    changed_count := '{}';
    changed_seq := '{}';
    changed_at := '{}';
    changed_run := '{}';
    changed_full := '{}';
    has_bounds := exists (select 1 from sambatan.campaign_details b
      where b.campaign_id = any (locked)
        and (b.max_slots_per_user is not null or b.min_slots_per_user is not null));
    if has_bounds then
      for r in
        select q.ordinal, b.place, b.slots
        from unnest(p_campaign_ids, p_user_ids) with ordinality as q (campaign_id, user_id, ordinal)
        join (
          select u.campaign_id, u.user_id, row_number() over () as place,
            coalesce(sum(p.quantity), 0) as slots
          from (select distinct campaign_id, user_id
            from unnest(p_campaign_ids, p_user_ids) as u (campaign_id, user_id)) u
          left join sambatan.participants p
            on p.user_id = u.user_id and p.campaign_id = u.campaign_id
              and (p.status in ('pending_payment', 'confirmed') or p.status = 'fulfilled')
          group by u.campaign_id, u.user_id) b using (campaign_id, user_id)
      loop
        buyer_of[r.ordinal] := r.place;
        slots_of_buyer[r.place] := r.slots;
      end loop;
    end if;

    for i in 1..n loop
      if i = 1 or campaign_ids[i] <> campaign_ids[i - 1] then
        -- If the campaign does not exist, all fields of c are null.
        select k.* into c from sambatan.campaigns k where k.campaign_id = campaign_ids[i];
        c_is_locked := campaign_ids[i] = any (locked);
        now_at := greatest(clock_timestamp(), c.updated_at);
      end if;

      quantity := quantities[i];
      answer := null;
      detail := null;
      if c.status is null or c.status = 'draft' then
        answer := 'campaign_not_found';
      elsif c_is_locked is not true then
        answer := 'campaign_busy';
      elsif stored_at[i] is not null then
        answer := 'joined';
        times[i] := stored_at[i];
        replays[i] := true;
      elsif known_outcome[i] is not null and known_hash[i] is null then
        answer := known_outcome[i];
        detail := known_params[i];
        times[i] := known_at[i];
        replays[i] := true;
      elsif limited_until[i] is not null then
        answer := 'rate_limited';
        detail := jsonb_build_object('retry_after_seconds',
          greatest(1, ceil(extract(epoch from limited_until[i] - clock_timestamp()))));
      elsif first_of_key[i] is not null then
        if coalesce(known_hash[i], request_hashes[first_of_key[i]]) <> request_hashes[i] then
          answer := 'idempotency_key_reused';
        elsif known_outcome[i] is not null then
          answer := known_outcome[i];
          detail := known_params[i];
          ids[i] := coalesce(known_id[i], ids[i]);
          times[i] := known_at[i];
          replays[i] := true;
        else
          answer := answers[first_of_key[i]];
          detail := details[first_of_key[i]];
          ids[i] := ids[first_of_key[i]];
          times[i] := times[first_of_key[i]];
          replays[i] := true;
        end if;
      end if;

      if answer is not null then
        null;
      elsif c.closing_outcome is not null then
        answer := 'campaign_closing';
      elsif c.status not in ('active', 'locked') then
        answer := 'campaign_not_active';
        detail := jsonb_build_object('status', c.status);
      elsif now_at >= c.deadline then
        answer := 'deadline_passed';
      else
        slots_of_user := 0;
        minimum := coalesce(c.min_slots_per_user, 1);
        if c.max_slots_per_user is not null or c.min_slots_per_user is not null then
          slots_of_user := slots_of_buyer[buyer_of[i]];
          -- If fewer slots remain than the minimum per buyer, a buyer may take all of them.
          if c.filled_slots + c.reserved_slots < c.total_slots then
            minimum := least(minimum,
              slots_of_user + c.total_slots - c.filled_slots - c.reserved_slots);
          end if;
        end if;
        if slots_of_user + quantity not between minimum
          and coalesce(c.max_slots_per_user, 2147483647)
        then
          answer := 'quantity_out_of_bounds';
          detail := jsonb_build_object('minimum', minimum,
            'maximum', c.max_slots_per_user, 'held', slots_of_user);
        elsif quantity > c.total_slots - c.filled_slots - c.reserved_slots then
          answer := 'slots_unavailable';
          detail := jsonb_build_object('remaining',
            c.total_slots - c.filled_slots - c.reserved_slots);
        else
          answer := 'joined';
          times[i] := now_at;
          if buyer_of[i] is not null then
            slots_of_buyer[buyer_of[i]] := slots_of_user + quantity;
          end if;
          if changed[cardinality(changed)] is distinct from c.campaign_id then
            changed := changed || c.campaign_id;
            changed_slots := changed_slots || 0;
            changed_count := changed_count || 0;
            changed_seq := changed_seq || c.audit_seq;
            changed_at := changed_at || now_at;
            changed_run := changed_run || c.next_run_at;
            changed_full := changed_full || false;
          end if;
          c.filled_slots := c.filled_slots + quantity;
          changed_slots[cardinality(changed)] := changed_slots[cardinality(changed)] + quantity;
          changed_count[cardinality(changed)] := changed_count[cardinality(changed)] + 1;
          changed_seq[cardinality(changed)] := changed_seq[cardinality(changed)] + 1;
          seqs[i] := changed_seq[cardinality(changed)];
          taken[i] := c.filled_slots;
          if c.payment_timing = 'upfront' then
            holds[i] := least(now_at + c.hold_seconds * interval '1 second', c.deadline);
            changed_run[cardinality(changed)] := least(c.next_run_at, holds[i]);
          end if;
          if c.filled_slots = c.total_slots then
            c.status := 'locked';
            changed_full[cardinality(changed)] := true;
            changed_seq[cardinality(changed)] := changed_seq[cardinality(changed)] + 1;
          end if;
        end if;
      end if;
      answers[i] := answer;
      if detail is not null then
        details[i] := detail;
      end if;
      if times[i] is null then
        times[i] := now_at;
      end if;
    end loop;
  end if;

  update sambatan.campaign_states as t set
    status = case when s.is_full then 'locked' else t.status end,
    filled_slots = t.filled_slots + s.slots, logged_slots = t.filled_slots + s.slots,
    participant_count = t.participant_count + s.requests, next_run_at = s.next_run_at,
    audit_seq = s.seq, updated_at = s.at
  from unnest(changed, changed_slots, changed_count, changed_seq, changed_at, changed_run,
    changed_full) as s (campaign_id, slots, requests, seq, at, next_run_at, is_full)
  where t.campaign_id = s.campaign_id;

  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, joined_at,
    updated_at, hold_expires_at, shipping_address, note, phone, salt, joined_seq)
  select q.campaign_id, q.participation_id, q.user_id, q.quantity, q.joined_at, q.joined_at,
    q.hold_expires_at, q.shipping_address, q.note, q.phone, q.salt, q.seq
  from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times, holds,
      p_addresses, p_notes, p_phones, p_salts, seqs)
    as q (campaign_id, participation_id, user_id, quantity, joined_at, hold_expires_at,
      shipping_address, note, phone, salt, seq)
  where q.seq is not null;

  if true = any (changed_full) then
    update sambatan.campaign_details t set status = 'locked', filled_at = s.at
      from unnest(changed, changed_at, changed_full) as s (campaign_id, at, is_full)
      where s.is_full and t.campaign_id = s.campaign_id;
    perform sambatan.log_campaign_full(s.campaign_id, s.at)
      from unnest(changed, changed_at, changed_full) as s (campaign_id, at, is_full)
      where s.is_full;
  end if;

  if has_keys then
    insert into sambatan.idempotency_keys (campaign_id, user_id, key, request_hash, outcome, params,
      participation_id, answered_at)
    select q.campaign_id, q.user_id, q.key, q.request_hash, q.answer, q.detail,
      case when q.answer = 'joined' then q.participation_id end, q.answered_at
    from unnest(p_campaign_ids, p_user_ids, p_keys, p_request_hashes, answers, details, ids, times,
        replays)
      as q (campaign_id, user_id, key, request_hash, answer, detail, participation_id, answered_at,
        replayed)
    where q.key is not null and not q.replayed and q.answer not in
      ('campaign_not_found', 'campaign_busy', 'rate_limited', 'idempotency_key_reused');
  end if;

  if p_again then
    insert into sambatan.refused_joins (campaign_id, participation_id, outcome, params, answered_at)
    select q.campaign_id, q.participation_id, q.answer, q.detail, q.answered_at
    from unnest(p_campaign_ids, p_participation_ids, answers, details, times, replays)
      as q (campaign_id, participation_id, answer, detail, answered_at, replayed)
    where not q.replayed and q.answer not in ('joined', 'campaign_busy', 'campaign_not_found')
    on conflict do nothing;
  end if;

  if is_simple then
    return query
      select l.participation_id, 'joined', null::jsonb, l.participation_id, l.occurred_at, false,
        l.seq, l.leaf_hash, null::bytea
      from sambatan.log_joins(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times,
        seqs, taken, p_salts, p_actors) l;
    return;
  end if;
  perform sambatan.log_joins(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, times,
    seqs, taken, p_salts, p_actors);
  return query
    select t.request_id, t.answer, t.detail, t.participation_id, t.at, t.replayed, a.seq,
      a.leaf_hash, p.salt
    from unnest(p_campaign_ids, p_participation_ids, answers, details, ids, times, replays)
      as t (campaign_id, request_id, answer, detail, participation_id, at, replayed)
    left join sambatan.participants p on t.answer = 'joined' and p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id
    left join sambatan.audit_logs a on a.campaign_id = p.campaign_id and a.seq = p.joined_seq;
end
$$;

-- Appends the participant_joined events of a batch to the audit log, one for each element whose seq
-- is not null. Element by element, the arrays have the same meaning as in join_campaigns; p_taken
-- has the taken slots after the join. Returns the new rows.
create or replace function sambatan.log_joins(
  p_campaign_ids uuid[], p_participation_ids uuid[], p_user_ids uuid[], p_quantities integer[],
  p_times timestamptz[], p_seqs bigint[], p_taken integer[], p_salts bytea[], p_actors text[]
) returns table (
  participation_id uuid, occurred_at timestamptz, seq bigint, leaf_hash bytea
) language plpgsql as $$
#variable_conflict use_column
begin
  return query
    insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
      actor_kind, actor_id, slots, slots_taken, total_slots, price_per_slot, commitment, leaf_hash)
    select q.campaign_id, q.seq, q.at, q.participation_id, 'participant_joined', q.actor_kind,
      q.actor_id, q.quantity, q.taken, q.total_slots, q.price_per_slot, q.commitment,
      sambatan.leaf_hash(sambatan.public_record(q.seq, q.at, 'participant_joined', q.quantity,
        q.taken, q.total_slots, q.price_per_slot, q.commitment))
    from (
      select j.*, sha256(j.salt || sambatan.private_record(j.participation_id, j.at, j.actor_kind,
        j.actor_id, 'participant_joined', null)) as commitment
      from (
        select u.campaign_id, u.participation_id, u.quantity, u.at, u.seq, u.taken, u.salt,
          d.total_slots, d.price_per_slot,
          case when u.actor is null then 'user' else sambatan.actor_kind_of(u.actor) end
            as actor_kind,
          case when u.actor is null then u.user_id else sambatan.actor_id_of(u.actor) end
            as actor_id
        from unnest(p_campaign_ids, p_participation_ids, p_user_ids, p_quantities, p_times, p_seqs,
            p_taken, p_salts, p_actors)
          as u (campaign_id, participation_id, user_id, quantity, at, seq, taken, salt, actor)
        join sambatan.campaign_details d on d.campaign_id = u.campaign_id
        where u.seq is not null
        -- Each offset makes PostgreSQL compute the columns once, and inline the functions.
        offset 0) j
      offset 0) q
    returning participation_id, occurred_at, seq, leaf_hash;
end
$$;

-- Appends the campaign_full event of a campaign whose last slot was taken at p_at by a join.
-- join_campaigns has already counted the event in audit_seq.
create or replace function sambatan.log_campaign_full(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
declare
  c sambatan.campaigns;
  r record;
begin
  select k.* into strict c from sambatan.campaigns k where k.campaign_id = p_campaign_id;
  c.audit_seq := c.audit_seq - 1;
  select * into r from sambatan.append_event(c, 'campaign_full', 'system', p_at, null, '{}');
end
$$;

-- Returns how many times an entry of a waiting list may be overtaken. An entry is overtaken when
-- the free slots are too few for it and a smaller entry behind it gets them. After that number of
-- times, free slots are reserved until they are enough for the entry.
create or replace function sambatan.max_waiting_overtakes()
returns integer language sql immutable parallel safe as $$ select 3 $$;

-- Returns the maximum number of open entries of one campaign's waiting list. The number is limited
-- because, when a slot becomes free, the service may have to look at all open entries.
create or replace function sambatan.waiting_list_limit()
returns integer language sql immutable parallel safe as $$ select 1000 $$;

-- Returns whether anybody may take the free slots of a campaign although its waiting list has
-- entries. This is allowed if fewer slots are free than the minimum per buyer, and they are not
-- reserved for an entry that must not be overtaken again.
create or replace function sambatan.has_open_remainder(p_campaign_id uuid)
returns boolean language plpgsql stable as $$
declare
  free bigint;
  least_per_buyer integer;
begin
  select c.total_slots - c.filled_slots - coalesce((
      select sum(e.quantity) from sambatan.waiting_entries e
      where e.campaign_id = p_campaign_id and e.status = 'offered'), 0), c.min_slots_per_user
    into free, least_per_buyer
    from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  return coalesce(free > 0 and free < least_per_buyer, false)
    and not exists (select 1 from sambatan.waiting_entries
      where campaign_id = p_campaign_id and keep_until is not null);
end
$$;

-- Offers the free slots of a campaign to its waiting list, in order of arrival, each time to the
-- first entry whose quantity fits. If too few slots are free for an entry and an entry behind it
-- gets the offer, the first entry is overtaken. When an entry has been overtaken the maximum number
-- of times, entries behind it get no offers. The free slots are reserved for that entry, but only
-- until keep_until, so that slots do not stay unused for ever.
--
-- Some slots are revoked from orders of a completed campaign, because of a shortfall or an upheld
-- dispute. They are not offered, because there are no goods for them.
--
-- Paid entries come first, in order of the time of their payment. They get slots at once, without
-- an offer. A paid entry lapses if its buyer would have more slots than the maximum per buyer.
-- After the deadline, as long as the campaign has not succeeded, only paid entries get slots.
--
-- After the campaign has succeeded, an offer lasts as long as a hold, because the buyer accepts it
-- by paying. The offer already has the id of the participation that the payment creates.
--
-- Call this function in the transaction that freed slots or changed the waiting list. The caller
-- has locked the campaign's row, and stores c with its new number of reserved slots. Calling it a
-- second time changes nothing.
create or replace function sambatan.offer_slots(inout c sambatan.campaigns, p_at timestamptz)
language plpgsql set enable_seqscan = off as $$
declare
  max_overtakes constant integer := sambatan.max_waiting_overtakes();
  e record;
  under_offer integer;
  free integer;
  succeeded constant boolean := c.status = 'fulfilled';
  -- The number of further offers that entries behind a passed-over entry may get. Null if no entry
  -- was passed over.
  allowance integer;
  ends_at timestamptz;
  offered uuid[] := '{}';
  events jsonb[] := '{}';
  passed uuid[] := '{}';
  taken_before integer[] := '{}';
  -- The ids of the paid entries that get their slots, and the metadata of the paid entries that
  -- lapse.
  assigned uuid[] := '{}';
  lapsed jsonb[] := '{}';
  taken integer := 0;
  -- Each paid slot changes the payout, which must not change while it is being sent.
  may_give constant boolean := not succeeded or not exists (
    select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
      and t.kind = 'payout' and t.status = 'pending');
  blocked uuid;
begin
  select coalesce(sum(quantity), 0) into under_offer from sambatan.waiting_entries
    where campaign_id = c.campaign_id and status = 'offered';
  free := c.total_slots - c.filled_slots - under_offer - case when succeeded then
    sambatan.revoked_slots(c) else 0 end;
  ends_at := p_at + case when succeeded then c.hold_seconds else c.offer_seconds end
    * interval '1 second';

  for e in
    select w.entry_id, w.quantity, w.overtaken, w.kept_amount,
      case when w.kept_amount is not null and c.max_slots_per_user is not null then w.quantity
        + sambatan.slots_of_buyer(c.campaign_id, w.user_id, w.paid_at, w.position)
        > c.max_slots_per_user end as is_too_many
    from sambatan.waiting_entries w
    where w.campaign_id = c.campaign_id and w.status = 'waiting'
      and (w.refund_id is not null or succeeded or p_at < c.deadline)
    order by w.paid_at, w.position
  loop
    exit when free = 0 or allowance = 0 or (e.kept_amount is not null and not may_give);
    if e.kept_amount is not null and e.is_too_many then
      lapsed := lapsed || jsonb_build_object('entry_id', e.entry_id, 'quantity', e.quantity,
        'reason', 'bounds', 'amount', e.kept_amount);
    elsif e.quantity <= free and e.kept_amount is not null then
      free := free - e.quantity;
      allowance := allowance - 1;
      taken := taken + 1;
      assigned := assigned || e.entry_id;
    elsif e.quantity <= free then
      free := free - e.quantity;
      under_offer := under_offer + e.quantity;
      allowance := allowance - 1;
      taken := taken + 1;
      offered := offered || e.entry_id;
      events := events || jsonb_build_object('entry_id', e.entry_id, 'quantity', e.quantity,
        'expires_at', case when succeeded then ends_at else least(ends_at, c.deadline) end);
    else
      allowance := least(allowance, max_overtakes - e.overtaken);
      passed := passed || e.entry_id;
      taken_before := taken_before || taken;
    end if;
  end loop;

  if offered <> '{}' then
    update sambatan.waiting_entries set status = 'offered', offered_at = p_at,
        offer_expires_at = ends_at, keep_until = null, updated_at = p_at,
        order_id = case when succeeded then gen_random_uuid() end
      where campaign_id = c.campaign_id and entry_id = any (offered);
  end if;
  if taken > 0 then
    update sambatan.waiting_entries t
      set overtaken = t.overtaken + taken - w.taken_before, updated_at = p_at
      from unnest(passed, taken_before) as w (entry_id, taken_before)
      where t.campaign_id = c.campaign_id and t.entry_id = w.entry_id
        and w.taken_before < taken;
  end if;
  if lapsed <> '{}' then
    update sambatan.waiting_entries set status = 'lapsed', lapsed_at = p_at, keep_until = null,
        updated_at = p_at
      where campaign_id = c.campaign_id
        and entry_id = any (array(select (l ->> 'entry_id')::uuid from unnest(lapsed) l));
    c := sambatan.remove_waiting_entries(c, 'waiting_lapsed', 'system', p_at, lapsed);
  end if;
  if assigned <> '{}' then
    c.reserved_slots := under_offer;
    perform sambatan.store_campaigns(array[c]);
    foreach blocked in array assigned loop
      perform sambatan.assign_paid_slots(c.campaign_id, blocked, p_at);
    end loop;
    blocked := null;
    select * into strict c from sambatan.campaigns where campaign_id = c.campaign_id;
  end if;

  if free > 0 then
    select entry_id into blocked from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = 'waiting' and overtaken >= max_overtakes
      order by paid_at, position limit 1;
  end if;
  update sambatan.waiting_entries set keep_until = null, updated_at = p_at
    where campaign_id = c.campaign_id and keep_until is not null
      and entry_id is distinct from blocked;
  update sambatan.waiting_entries set keep_until = ends_at, updated_at = p_at
    where campaign_id = c.campaign_id and entry_id = blocked and keep_until is null;

  -- If fewer slots are free than the minimum per buyer, they are too few for every entry, so
  -- anybody may take them by joining.
  c.reserved_slots := case
    when free > 0 and free < c.min_slots_per_user and blocked is null then under_offer
    when exists (select from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = 'waiting')
    then c.total_slots - c.filled_slots else under_offer end;
  if offered <> '{}' or blocked is not null then
    c.next_run_at := least(c.next_run_at, ends_at);
  end if;
  if not may_give and free > 0 then
    c.next_run_at := least(c.next_run_at, p_at + interval '10 minutes');
  end if;
  c := sambatan.append_events(c, 'waiting_offered', 'system', p_at, events);
end
$$;

-- Returns the number of slots of a completed campaign that were revoked from whole orders. They are
-- free, but no goods are delivered for them.
create or replace function sambatan.revoked_slots(c sambatan.campaigns)
returns integer language sql stable as $$
  select coalesce(sum(p.quantity), 0)::integer from sambatan.participants p
  where p.campaign_id = c.campaign_id and p.status = 'refunded' and p.refunded_at >= c.completed_at
$$;

-- Renews the open offers of a campaign that has just succeeded. From now on, buyers accept these
-- offers by paying. The caller has locked the campaign's row and stores c.
create or replace function sambatan.renew_offers(inout c sambatan.campaigns, p_at timestamptz)
language plpgsql as $$
declare
  ends_at constant timestamptz := p_at + c.hold_seconds * interval '1 second';
  events jsonb[];
begin
  with renewed as (
    update sambatan.waiting_entries set order_id = gen_random_uuid(), offer_expires_at = ends_at,
        updated_at = p_at
      where campaign_id = c.campaign_id and status = 'offered' and order_id is null
      returning entry_id, quantity, position
  )
  select coalesce(array_agg(jsonb_build_object('entry_id', entry_id, 'quantity', quantity,
      'expires_at', ends_at) order by position), '{}') into events from renewed;
  c := sambatan.append_events(c, 'waiting_offered', 'system', p_at, events);
end
$$;

-- Reads the campaign's row, calls offer_slots, and stores the row. The caller has locked the row
-- and has already stored all other changes of it.
create or replace function sambatan.offer_freed_slots(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
declare
  c sambatan.campaigns;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, p_at)]);
end
$$;

-- Adds a buyer to the end of a campaign's waiting list, and offers free slots at once. If a request
-- with an idempotency key is repeated, the function returns the entry of the first request. A
-- refusal writes nothing. Refuses: campaign_not_found, idempotency_key_reused, campaign_closing,
-- campaign_not_active, deadline_passed, already_waiting, quantity_out_of_bounds, slots_available,
-- waiting_list_full.
create or replace function sambatan.wait_for_slots(
  p_campaign_id uuid, p_entry_id uuid, p_user_id uuid, p_quantity integer, p_address text,
  p_note text, p_key text, p_request_hash bytea, p_actor text
) returns sambatan.waiting_entries language plpgsql set enable_seqscan = off as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  known sambatan.idempotency_keys;
  e sambatan.waiting_entries;
  own_slots integer;
begin
  if c.status = 'draft' then
    perform sambatan.refuse('campaign_not_found');
  end if;
  select * into known from sambatan.idempotency_keys
    where campaign_id = p_campaign_id and user_id = p_user_id and key = p_key;
  if found then
    if known.request_hash <> p_request_hash then
      perform sambatan.refuse('idempotency_key_reused');
    end if;
    select * into strict e from sambatan.waiting_entries
      where campaign_id = p_campaign_id and entry_id = (known.params ->> 'entry_id')::uuid;
    return e;
  end if;

  select coalesce(sum(quantity), 0) into own_slots from sambatan.participants
    where user_id = p_user_id and campaign_id = p_campaign_id
      and status in ('pending_payment', 'confirmed', 'fulfilled');
  if c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status not in ('active', 'locked') then
    perform sambatan.refuse('campaign_not_active', jsonb_build_object('status', c.status));
  elsif now_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  elsif exists (select from sambatan.waiting_entries where campaign_id = p_campaign_id
    and user_id = p_user_id and status in ('waiting', 'offered'))
  then
    perform sambatan.refuse('already_waiting');
  elsif own_slots + p_quantity not between coalesce(c.min_slots_per_user, 1)
    and coalesce(c.max_slots_per_user, 2147483647) or p_quantity > c.total_slots
  then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', coalesce(c.min_slots_per_user, 1),
      'maximum', coalesce(c.max_slots_per_user, c.total_slots), 'held', own_slots));
  elsif c.filled_slots + c.reserved_slots < c.total_slots then
    perform sambatan.refuse('slots_available',
      jsonb_build_object('remaining', c.total_slots - c.filled_slots - c.reserved_slots));
  elsif c.waiting_entries >= sambatan.waiting_list_limit() then
    perform sambatan.refuse('waiting_list_full',
      jsonb_build_object('maximum', sambatan.waiting_list_limit()));
  end if;

  insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
      shipping_address, note, created_at, updated_at)
    values (p_campaign_id, p_entry_id, p_user_id, c.audit_seq + 1, p_quantity, p_address, p_note,
      now_at, now_at);
  c.waiting_entries := c.waiting_entries + 1;
  c := sambatan.append_events(c, 'waiting_joined', p_actor, now_at, array[
    jsonb_build_object('entry_id', p_entry_id, 'quantity', p_quantity)]);
  if p_key is not null then
    insert into sambatan.idempotency_keys (campaign_id, user_id, key, request_hash, outcome,
        params, answered_at)
      values (p_campaign_id, p_user_id, p_key, p_request_hash, 'waiting',
        jsonb_build_object('entry_id', p_entry_id), now_at);
  end if;
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, now_at)]);
  select * into strict e from sambatan.waiting_entries
    where campaign_id = p_campaign_id and entry_id = p_entry_id;
  return e;
end
$$;

-- Returns a waiting-list entry that is open (waiting or offered). Refuses if the campaign is being
-- closed or its deadline has passed. The deadline does not matter if the campaign has succeeded, or
-- if the entry is paid, because its buyer may choose the refund instead. If p_event has already
-- happened to the entry, returns it unchanged. The caller has locked the campaign's row, which also
-- protects its waiting list. Refuses: waiting_entry_not_found, waiting_transition_not_allowed,
-- campaign_closing, deadline_passed.
create or replace function sambatan.open_waiting_entry(
  c sambatan.campaigns, p_entry_id uuid, p_event text, p_at timestamptz
) returns sambatan.waiting_entries language plpgsql as $$
declare
  e sambatan.waiting_entries;
begin
  select * into e from sambatan.waiting_entries
    where campaign_id = c.campaign_id and entry_id = p_entry_id;
  if not found then
    perform sambatan.refuse('waiting_entry_not_found');
  elsif 'waiting_' || e.status = p_event then
    return e;
  elsif e.status not in ('waiting', 'offered')
    or (e.status = 'waiting' and p_event <> 'waiting_withdrawn')
  then
    perform sambatan.refuse('waiting_transition_not_allowed',
      jsonb_build_object('from', e.status, 'event', p_event));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif p_at >= c.deadline and c.status <> 'fulfilled' and e.refund_id is null then
    perform sambatan.refuse('deadline_passed');
  end if;
  return e;
end
$$;

-- Accepts an offer: creates a participation with the same rules, hold and events as a join. An
-- offer that is already accepted is returned unchanged. After the campaign has succeeded, an offer
-- can be accepted only by paying for it. Refuses: offer_expired, offer_is_paid, and the codes of
-- open_waiting_entry and join_campaigns.
create or replace function sambatan.accept_offer(
  p_campaign_id uuid, p_entry_id uuid, p_participation_id uuid, p_actor text
) returns sambatan.waiting_entries language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  e sambatan.waiting_entries := sambatan.open_waiting_entry(c, p_entry_id, 'waiting_accepted',
    now_at);
  answer text;
  detail jsonb;
begin
  if e.status = 'accepted' then
    return e;
  elsif e.order_id is not null then
    perform sambatan.refuse('offer_is_paid');
  elsif now_at >= e.offer_expires_at then
    perform sambatan.refuse('offer_expired');
  end if;
  -- This transaction releases the reserved slots and takes them with the join while it holds the
  -- lock of the campaign's row. So no other transaction sees them as free.
  c.reserved_slots := c.reserved_slots - e.quantity;
  c := sambatan.append_events(c, 'waiting_accepted', p_actor, now_at, array[
    jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'participation_id', p_participation_id)]);
  perform sambatan.store_campaigns(array[c]);
  select j.outcome, j.params into answer, detail from sambatan.join_campaigns(
    array[p_campaign_id], array[p_participation_id], array[e.user_id], array[e.quantity],
    array[e.shipping_address], array[e.note], array[sambatan.phone_in(e.shipping_address)],
    array[sambatan.new_salt()], null, null, array[p_actor], null, 0, true, false) j;
  if answer <> 'joined' then
    perform sambatan.refuse(answer, coalesce(detail, '{}'));
  end if;
  update sambatan.waiting_entries set status = 'accepted', accepted_at = now_at,
      updated_at = now_at, participation_id = p_participation_id
    where campaign_id = p_campaign_id and entry_id = p_entry_id
    returning * into e;
  update sambatan.campaign_states set waiting_entries = waiting_entries - 1
    where campaign_id = p_campaign_id;
  return e;
end
$$;

-- Records that entries have left a waiting list, with one event for each element of p_metadata, and
-- lowers the counter. The slots of these entries stay reserved until offer_slots runs. If no entry
-- is left on the list, the slots are free at once. The caller has locked the campaign's row and
-- stores c.
create or replace function sambatan.remove_waiting_entries(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz, p_metadata jsonb[]
) language plpgsql as $$
begin
  c.waiting_entries := c.waiting_entries - cardinality(p_metadata);
  if c.waiting_entries = 0 then
    c.reserved_slots := 0;
  end if;
  c := sambatan.append_events(c, p_event, p_actor, p_at, p_metadata);
end
$$;

-- Removes an entry from the waiting list at the request of its buyer. p_event is waiting_declined
-- (for an offer) or waiting_withdrawn (for any open entry). The slots that this frees are offered
-- to the next entry at once. If the same event has already removed the entry, it is returned
-- unchanged. Refuses with the same codes as open_waiting_entry.
create or replace function sambatan.withdraw_waiting_entry(
  p_campaign_id uuid, p_entry_id uuid, p_event text, p_actor text
) returns sambatan.waiting_entries language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  e sambatan.waiting_entries := sambatan.open_waiting_entry(c, p_entry_id, p_event, now_at);
begin
  if 'waiting_' || e.status = p_event then
    return e;
  end if;
  update sambatan.waiting_entries set updated_at = now_at, keep_until = null,
      status = case p_event when 'waiting_declined' then 'declined' else 'withdrawn'
        end::sambatan.waiting_status,
      declined_at = case p_event when 'waiting_declined' then now_at end,
      withdrawn_at = case p_event when 'waiting_withdrawn' then now_at end
    where campaign_id = p_campaign_id and entry_id = p_entry_id
    returning * into e;
  c := sambatan.remove_waiting_entries(c, p_event, p_actor, now_at, array[
    jsonb_strip_nulls(jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'amount', e.kept_amount))]);
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, now_at)]);
  perform sambatan.schedule_run(p_campaign_id, now_at);
  return e;
end
$$;

-- Runs one step for the waiting list of an open or completed campaign. At most p_limit entries
-- lapse: offers that their buyers did not answer in time, and entries whose reservation of slots
-- ended at keep_until. Then the step offers the free slots. An offer that is accepted by paying
-- does not lapse while it is possible that the service finds a payment that was made in time.
-- Returns how many entries lapsed. The caller has locked the campaign's row and stores c.
create or replace function sambatan.settle_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out lapsed integer
) language plpgsql set enable_seqscan = off as $$
declare
  kind sambatan.waiting_status;
  events jsonb[];
begin
  lapsed := 0;
  -- Offers lapse first. The slots that this frees may be enough for a waiting entry whose
  -- keep_until has also passed.
  foreach kind in array array['offered', 'waiting']::sambatan.waiting_status[] loop
    with picked as (
      select entry_id, position, quantity, kept_amount from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = kind
        and case when kind = 'offered' then offer_expires_at else keep_until end <= p_at
        and (order_id is null
          or offer_expires_at + c.verification_seconds * interval '1 second' <= p_at
          or not sambatan.may_still_arrive((select t from sambatan.transactions t
            where t.campaign_id = c.campaign_id and t.cause = 'payment:' || order_id),
            offer_expires_at))
      order by position limit p_limit - lapsed
    ), moved as (
      update sambatan.waiting_entries e set status = 'lapsed', lapsed_at = p_at,
        keep_until = null, updated_at = p_at
      from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
    )
    select coalesce(array_agg(jsonb_strip_nulls(jsonb_build_object('entry_id', entry_id,
        'quantity', quantity, 'amount', kept_amount,
        'reason', case when kind = 'offered' then 'offer' else 'slots' end)) order by position), '{}')
      into events from picked;
    lapsed := lapsed + cardinality(events);
    if events <> '{}' then
      c := sambatan.remove_waiting_entries(c, 'waiting_lapsed', 'system', p_at, events);
    end if;
    if kind = 'offered' or events <> '{}' then
      c := sambatan.offer_slots(c, p_at);
    end if;
  end loop;
end
$$;

-- Returns when the lifecycle must next run for a waiting list; null if no entry has a time limit.
-- For an offer that is accepted by paying and whose time is over at p_at, the result is the end of
-- the verification period. Until then, it is possible that the service finds a payment that was
-- made in time.
create or replace function sambatan.waiting_next_run_at(c sambatan.campaigns, p_at timestamptz)
returns timestamptz language sql stable as $$
  select min(case when status = 'waiting' then keep_until
    when order_id is not null and offer_expires_at <= p_at
      then offer_expires_at + c.verification_seconds * interval '1 second'
    else offer_expires_at end)
  from sambatan.waiting_entries
  where campaign_id = c.campaign_id and status in ('waiting', 'offered')
$$;

-- Runs one step of closing a campaign's waiting list: closes at most p_limit entries and returns
-- how many it closed. If p_keep_offers is true, open offers stay open until they are paid or lapse.
-- The caller has locked the campaign's row and stores c.
create or replace function sambatan.close_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer,
  p_keep_offers boolean default false, out closed integer
) language plpgsql set enable_seqscan = off as $$
declare
  events jsonb[];
begin
  with picked as (
    select entry_id, position, quantity, kept_amount from sambatan.waiting_entries
    where campaign_id = c.campaign_id
      and (status = 'waiting' or (status = 'offered' and not p_keep_offers))
    order by position limit p_limit
  ), moved as (
    update sambatan.waiting_entries e set status = 'closed', closed_at = p_at, keep_until = null,
      updated_at = p_at
    from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
  )
  select coalesce(array_agg(jsonb_strip_nulls(jsonb_build_object('entry_id', entry_id,
      'quantity', quantity, 'amount', kept_amount)) order by position), '{}')
    into events from picked;
  closed := cardinality(events);
  c := sambatan.remove_waiting_entries(c, 'waiting_closed',
    coalesce(c.closing_actor, 'system'), p_at, events);
end
$$;

-- Returns whether the money of a refund is retained for a paid waiting-list entry. Such a refund
-- must not be sent.
create or replace function sambatan.is_retained(p_campaign_id uuid, p_transaction_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.refund_id = p_transaction_id
      and w.status = 'waiting')
$$;

-- Refuses with refund_is_kept while the money of a refund is retained. The caller has locked the
-- campaign's row.
create or replace function sambatan.check_not_retained(p_campaign_id uuid, p_transaction_id uuid)
returns void language plpgsql as $$
begin
  if sambatan.is_retained(p_campaign_id, p_transaction_id) then
    perform sambatan.refuse('refund_is_kept');
  end if;
end
$$;

-- Returns the order p_order_id if it lapsed because nobody paid it in time. The order is a
-- participation, or an offer made after the campaign succeeded that never became a participation.
-- quantity does not include undelivered slots. pay_by is the end of the hold or of the offer. All
-- columns are null if there is no such order, or if the buyer cancelled it.
create or replace function sambatan.lapsed_order(
  p_campaign_id uuid, p_order_id uuid, out user_id uuid, out quantity integer,
  out shipping_address text, out note text, out pay_by timestamptz
) language plpgsql stable as $$
begin
  select p.user_id, p.quantity - p.undelivered_slots, p.shipping_address, p.note, p.hold_expires_at
    into user_id, quantity, shipping_address, note, pay_by
    from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.participation_id = p_order_id
      and p.status = 'cancelled' and p.cancel_reason in ('hold_lapsed', 'unpaid');
  if not found then
    select w.user_id, w.quantity, w.shipping_address, w.note, w.offer_expires_at
      into user_id, quantity, shipping_address, note, pay_by
      from sambatan.waiting_entries w
      where w.campaign_id = p_campaign_id and w.order_id = p_order_id and w.status = 'lapsed';
  end if;
end
$$;

-- Returns the number of slots of a campaign that are neither taken nor offered. Slots that a
-- completed campaign revoked from whole orders are not included, because there are no goods for
-- them.
create or replace function sambatan.free_slots(p_campaign_id uuid)
returns integer language plpgsql stable as $$
declare
  free integer;
begin
  select c.total_slots - c.filled_slots
      - coalesce((select sum(w.quantity) from sambatan.waiting_entries w
        where w.campaign_id = p_campaign_id and w.status = 'offered'), 0)
      - coalesce((select sum(p.quantity) from sambatan.participants p
        where p.campaign_id = p_campaign_id and p.status = 'refunded'
          and p.refunded_at >= c.completed_at), 0)
    into free from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  return free;
end
$$;

-- Returns whether a campaign's waiting list still accepts a paid entry for p_quantity slots. After
-- the campaign has succeeded, two more conditions apply. Enough slots must be free, or it must be
-- possible that slots become free. And delivery must not have begun: no goods are shipped or
-- received, and no payout is released or sent.
create or replace function sambatan.accepts_retained_refund(p_campaign_id uuid, p_quantity integer)
returns boolean language plpgsql stable as $$
declare
  is_open boolean;
  is_completed boolean;
begin
  select c.closing_outcome is null and (c.status in ('active', 'locked', 'verifying')
      or (c.status = 'fulfilled' and c.shipped_at is null
        and (c.decision_opened_at is null or c.decided_at is not null))),
      c.status = 'fulfilled'
    into is_open, is_completed from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  if is_open is not true or not is_completed then
    return coalesce(is_open, false);
  end if;
  return not sambatan.has_received_orders(p_campaign_id)
    and not exists (select 1 from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.kind = 'payout' and t.status <> 'void'
        and (t.status <> 'due' or t.released_at is not null))
    and (sambatan.free_slots(p_campaign_id) >= p_quantity
      or sambatan.has_open_orders(p_campaign_id)
      or exists (select 1 from sambatan.waiting_entries w
        where w.campaign_id = p_campaign_id and w.status = 'offered'));
end
$$;

-- Returns the time of a payment of p_amount rupiah for an order if its buyer may choose between the
-- refund and the front of the waiting list. The buyer may choose if the money pays the whole order,
-- was paid by the order's pay_by, and the waiting list is open. The result is null in all other
-- cases, and for a second payment of the same order. p_why is the result of why_not_owed for
-- p_paid, the time of the payment. The caller has locked the campaign's row.
create or replace function sambatan.paid_in_time(
  p_campaign_id uuid, p_order_id uuid, p_amount bigint, p_why text, p_paid timestamptz
) returns timestamptz language plpgsql stable as $$
declare
  o record;
  price bigint;
  due_by timestamptz;
begin
  if p_why not in ('hold_lapsed', 'unpaid') then
    return null;
  end if;
  select * into o from sambatan.lapsed_order(p_campaign_id, p_order_id);
  select o.quantity * c.price_per_slot, coalesce(
      (select t.pay_by from sambatan.transactions t
        where t.campaign_id = p_campaign_id and t.cause = 'payment:' || p_order_id),
      case when c.status = 'fulfilled' then o.pay_by else least(o.pay_by, c.deadline) end)
    into price, due_by from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  if o.quantity > 0 and p_amount >= price and p_paid <= due_by
    and sambatan.accepts_retained_refund(p_campaign_id, o.quantity)
    and not exists (select 1 from sambatan.transactions t where t.campaign_id = p_campaign_id
      and t.participation_id = p_order_id and t.paid_in_time is not null)
  then
    return p_paid;
  end if;
  return null;
end
$$;

-- Returns whether the buyer of a refund is allowed to choose the front of the waiting list instead.
-- The result is null if it is allowed, or else the code of the refusal.
create or replace function sambatan.why_no_choice(p_campaign_id uuid, p_refund_id uuid)
returns text language plpgsql stable as $$
declare
  r record;
begin
  select t.status, t.attempts, t.paid_in_time, o.quantity into r from sambatan.transactions t
    cross join lateral sambatan.lapsed_order(t.campaign_id, t.participation_id) o
    where t.campaign_id = p_campaign_id and t.transaction_id = p_refund_id;
  return case
    when r.paid_in_time is null then 'refund_has_no_choice'
    when r.status <> 'due' or r.attempts > 0 then 'refund_sent_already'
    when not sambatan.accepts_retained_refund(p_campaign_id, r.quantity) then 'waiting_list_closed'
  end;
end
$$;

-- Records that the buyer of a refund chooses the front of the waiting list instead of the money.
-- The service retains the price of the slots and the unique code, and refunds any amount above that
-- at once. If slots are free, they are assigned to the buyer at once. If the buyer repeats the
-- choice, the function returns the existing entry. Refuses: campaign_not_found,
-- refund_has_no_choice, refund_sent_already, waiting_list_closed, quantity_out_of_bounds.
create or replace function sambatan.wait_with_retained_refund(
  p_campaign_id uuid, p_refund_id uuid, p_entry_id uuid, p_actor text
) returns uuid language plpgsql as $$
declare
  now_at timestamptz;
  why text;
  known uuid;
  r record;
  o record;
  c record;
  own_slots bigint;
  retained bigint;
begin
  perform sambatan.lock_campaign(p_campaign_id);
  now_at := clock_timestamp();
  select w.entry_id into known from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.refund_id = p_refund_id
      and w.status in ('waiting', 'accepted');
  if found then
    return known;
  end if;
  why := sambatan.why_no_choice(p_campaign_id, p_refund_id);
  if why is not null then
    perform sambatan.refuse(why);
  end if;
  select t.participation_id, t.amount, t.cause, t.paid_in_time into strict r
    from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.transaction_id = p_refund_id;
  select * into strict o from sambatan.lapsed_order(p_campaign_id, r.participation_id);
  select x.price_per_slot, x.total_slots, x.max_slots_per_user, x.min_slots_per_user, x.audit_seq
    into strict c from sambatan.campaigns x where x.campaign_id = p_campaign_id;
  own_slots := sambatan.slots_of_buyer(p_campaign_id, o.user_id);
  if own_slots + o.quantity > c.max_slots_per_user then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', coalesce(c.min_slots_per_user, 1), 'maximum', c.max_slots_per_user,
      'held', own_slots));
  end if;

  retained := o.quantity * c.price_per_slot;
  retained := least(r.amount, retained + coalesce((select t.unique_code from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.cause = 'payment:' || r.participation_id), 0));
  if retained < r.amount then
    update sambatan.transactions set amount = retained
      where campaign_id = p_campaign_id and transaction_id = p_refund_id;
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (p_campaign_id, 'refund', 'due', r.participation_id, r.amount - retained,
        r.cause || ':rest', p_actor, now_at);
  end if;
  insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
      shipping_address, note, created_at, updated_at, refund_id, paid_at, kept_amount)
    values (p_campaign_id, p_entry_id, o.user_id, c.audit_seq + 1, o.quantity,
      o.shipping_address, o.note, now_at, now_at, p_refund_id, r.paid_in_time, retained);
  update sambatan.campaign_states set waiting_entries = waiting_entries + 1
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'waiting_joined', p_actor, now_at, null,
    jsonb_build_object('entry_id', p_entry_id, 'quantity', o.quantity, 'amount', retained,
      'paid_at', r.paid_in_time));
  perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  return p_entry_id;
end
$$;

-- Returns the number of slots that a buyer has in a campaign, plus the slots of the buyer's waiting
-- paid entries that are ahead of the entry with p_paid_at and p_position. Without these two
-- arguments, the result includes all waiting paid entries of the buyer.
create or replace function sambatan.slots_of_buyer(
  p_campaign_id uuid, p_user_id uuid, p_paid_at timestamptz default 'infinity',
  p_position bigint default 0
) returns bigint language sql stable as $$
  select coalesce((select sum(p.quantity) from sambatan.participants p
      where p.campaign_id = p_campaign_id and p.user_id = p_user_id
        and (p.status in ('pending_payment', 'confirmed') or p.status = 'fulfilled')), 0)
    + coalesce((select sum(w.quantity) from sambatan.waiting_entries w
      where w.campaign_id = p_campaign_id and w.user_id = p_user_id and w.status = 'waiting'
        and (w.paid_at, w.position) < (p_paid_at, p_position)), 0)
$$;

-- Assigns slots to the buyer of a paid entry: creates a participation that is confirmed and paid at
-- once. The caller has locked the campaign's row, has checked that the slots are free, and has
-- stored the row. This function changes the row, so the caller must read it again.
create or replace function sambatan.assign_paid_slots(
  p_campaign_id uuid, p_entry_id uuid, p_at timestamptz
) returns void language plpgsql as $$
declare
  made constant uuid := gen_random_uuid();
  e record;
  c record;
begin
  select w.user_id, w.quantity, w.shipping_address, w.note, w.refund_id, w.kept_amount
    into strict e from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.entry_id = p_entry_id;
  perform sambatan.record_event(p_campaign_id, 'waiting_accepted', 'system', p_at, null,
    jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'participation_id', made, 'amount', e.kept_amount));
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note, phone,
      joined_seq)
    select p_campaign_id, made, e.user_id, e.quantity, 'confirmed', p_at, p_at, p_at,
      e.shipping_address, e.note, sambatan.phone_in(e.shipping_address), audit_seq + 1
    from sambatan.campaigns where campaign_id = p_campaign_id;
  update sambatan.waiting_entries set status = 'accepted', accepted_at = p_at, updated_at = p_at,
      keep_until = null, participation_id = made
    where campaign_id = p_campaign_id and entry_id = p_entry_id;
  update sambatan.campaign_states set filled_slots = filled_slots + e.quantity,
      confirmed_slots = confirmed_slots + e.quantity, participant_count = participant_count + 1,
      waiting_entries = waiting_entries - 1,
      status = case when status = 'active' and filled_slots + e.quantity = total_slots
        then 'locked' else status end
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details d set status = s.status, filled_at = p_at
    from sambatan.campaign_states s
    where d.campaign_id = p_campaign_id and s.campaign_id = p_campaign_id
      and d.status = 'active' and s.status = 'locked';
  select e.quantity * price_per_slot as price, status = 'locked' as is_full,
      status = 'fulfilled' as is_completed
    into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'participant_joined', 'system', p_at, made,
    jsonb_build_object('quantity', e.quantity, 'entry_id', p_entry_id));
  perform sambatan.record_event(p_campaign_id, 'participant_confirmed', 'system', p_at, made,
    jsonb_build_object('quantity', e.quantity, 'amount', c.price, 'entry_id', p_entry_id));
  perform sambatan.pay_with_retained_refund(p_campaign_id, e.refund_id, made, c.price, p_at);
  perform sambatan.record_event(p_campaign_id, 'payment_settled', 'system', p_at, made,
    jsonb_build_object('amount', c.price, 'unique_code', e.kept_amount - c.price,
      'entry_id', p_entry_id));
  if c.is_full then
    perform sambatan.record_event(p_campaign_id, 'campaign_full', 'system', p_at);
  elsif c.is_completed then
    perform sambatan.refresh_payout(p_campaign_id, p_at, 'system');
  end if;
end
$$;

-- Pays a new participation with the money of a retained refund. Books the refund's amount out of
-- the credit, moves the receipt to the new payment, and voids the refund. The part of the amount
-- above p_price is the unique code. If more money arrives for the old order later, it counts as a
-- second payment. The caller has locked the campaign's row.
create or replace function sambatan.pay_with_retained_refund(
  p_campaign_id uuid, p_refund_id uuid, p_participation_id uuid, p_price bigint, p_at timestamptz
) returns void language plpgsql as $$
declare
  r record;
  paid record;
  code integer;
begin
  update sambatan.transactions set status = 'void', reason = 'given'
    where campaign_id = p_campaign_id and transaction_id = p_refund_id
    returning participation_id, amount, substr(cause, length('refund:credit:') + 1) as receipt
    into strict r;
  select t.reference, t.paid_at, t.paid_on into strict paid from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.cause = 'credit:' || r.receipt;
  update sambatan.transactions set receipt = null
    where campaign_id = p_campaign_id and cause = 'credit:' || r.receipt;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at, purpose)
    values (p_campaign_id, 'adjustment', 'settled', r.participation_id, -r.amount,
      'applied:' || r.receipt, 'system', p_at, p_at, 'credit');
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, reason)
    values (p_campaign_id, 'payment', 'void', r.participation_id, p_price,
      'payment:' || r.participation_id, 'system', p_at, 'given')
    on conflict (campaign_id, cause) do update set status = 'void', reason = 'given'
    returning unique_code into strict code;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, receipt, paid_at, paid_on, unique_code, surcharge)
    values (p_campaign_id, 'payment', 'settled', p_participation_id, p_price,
      'payment:' || p_participation_id, 'system', paid.reference, p_at, p_at, r.receipt,
      paid.paid_at, paid.paid_on, code, r.amount - p_price);
  if r.amount > p_price then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, settled_at, purpose)
      values (p_campaign_id, 'adjustment', 'settled', p_participation_id, r.amount - p_price,
        'code:' || p_participation_id, 'system', p_at, p_at, 'unique_code');
  end if;
end
$$;

-- Cancels one reserved participation and frees its slots. They are offered to the waiting list
-- first. If the campaign was full, it accepts joins again. A buyer may also cancel a paid
-- participation if the deadline was extended after the buyer had joined; such a participation is
-- refunded. p_reason is 'buyer' or 'operator'; p_note is a text that the person wrote, if any.
-- Refuses: campaign_not_found, participation_not_found, participation_transition_not_allowed,
-- campaign_closing, deadline_passed.
create or replace function sambatan.release_participation(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text,
  p_note text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants := sambatan.cancellable_participation(c, p_participation_id, now_at);
  was_paid constant boolean := p.status = 'confirmed';
begin
  update sambatan.participants
    set status = case when was_paid then 'refunded'
        else 'cancelled' end::sambatan.participant_status,
      cancelled_at = case when not was_paid then now_at end,
      cancel_reason = case when not was_paid then p_reason end,
      refunded_at = case when was_paid then now_at end, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  if was_paid then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      select p_campaign_id, 'refund', 'due', p_participation_id,
        p.quantity * c.price_per_slot + t.surcharge,
        'refund:' || p_participation_id, p_actor, now_at
      from sambatan.transactions t where t.campaign_id = p_campaign_id
        and t.cause = 'payment:' || p_participation_id and t.status = 'settled';
  end if;
  update sambatan.campaign_states set filled_slots = filled_slots - p.quantity,
      confirmed_slots = confirmed_slots - case when was_paid then p.quantity else 0 end,
      participant_count = participant_count - 1,
      status = case when status = 'locked' then 'active' else status end
    where campaign_id = p_campaign_id;
  if c.status = 'locked' then
    update sambatan.campaign_details set status = 'active', filled_at = null
      where campaign_id = p_campaign_id;
  end if;
  perform sambatan.record_event(p_campaign_id,
    case when was_paid then 'participant_refunded' else 'participant_cancelled' end,
    p_actor, now_at, p_participation_id, jsonb_strip_nulls(jsonb_build_object(
      'quantity', p.quantity, 'note', p_note,
      'reason', case when was_paid then 'deadline_extended' else p_reason end)));
  if c.status = 'locked' then
    perform sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
  end if;
  if c.waiting_entries > 0 then
    perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  end if;
  return p;
end
$$;

-- Confirms one reserved participation whose payment was verified, and settles that payment. The day
-- on which the buyer uploaded the proof counts as the day of the payment, so the payment counts
-- even if the deadline has passed since then. Refuses with the same codes as release_participation.
create or replace function sambatan.confirm_participation(
  p_campaign_id uuid, p_participation_id uuid, p_actor text, p_reference text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  paid_on constant date := sambatan.proof_day(p_campaign_id, p_participation_id);
  p sambatan.participants := sambatan.reserved_participation(c, p_participation_id,
    'participant_confirmed', sambatan.paid_moment(null, paid_on, now_at));
begin
  perform sambatan.settle_payment(c, p, null, now_at, p_actor, p_reference,
    sambatan.next_verified_receipt(p_campaign_id, p_participation_id), null, paid_on);
  p := sambatan.confirm_reserved(c, p, now_at, p_actor);
  perform sambatan.schedule_run(p_campaign_id, now_at);
  return p;
end
$$;

-- Records that the buyer of a completed campaign received the goods. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, and participation_not_paid,
-- because goods are not sent before they are paid.
create or replace function sambatan.fulfil_participation(
  p_campaign_id uuid, p_participation_id uuid, p_actor text
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status <> 'confirmed' or c.status <> 'fulfilled' then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_fulfilled'));
  elsif not exists (select 1 from sambatan.transactions
    where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id
      and status = 'settled')
  then
    perform sambatan.refuse('participation_not_paid');
  end if;
  update sambatan.participants
    set status = 'fulfilled', fulfilled_at = now_at, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  perform sambatan.record_event(p_campaign_id, 'participant_fulfilled', p_actor, now_at,
    p_participation_id, jsonb_build_object('quantity', p.quantity));
  perform sambatan.release_when_received(p_campaign_id, now_at);
  return p;
end
$$;

-- Returns a unique code between p_from and p_to for a payment of p_amount rupiah to an account,
-- such that no other open payment to that account has the same total. The search starts at a random
-- code, so that payments that are opened at the same moment rarely try the same code. Null if all
-- codes are taken.
create or replace function sambatan.free_code(
  p_account_id uuid, p_amount bigint, p_from integer, p_to integer
) returns integer language sql volatile as $$
  with start as materialized (select floor(random() * (p_to - p_from + 1))::integer as at),
  taken as materialized (
    select (t.amount + t.unique_code - p_amount)::integer as code from sambatan.transactions t
    where t.account_id = p_account_id
      and t.amount + t.unique_code between p_amount + p_from and p_amount + p_to
      and t.kind = 'payment' and t.unique_code > 0
      and t.status in ('due', 'proof_submitted', 'rejected', 'pending'))
  select g.n from start, generate_series(p_from, p_to) as g (n)
  where not exists (select 1 from taken where taken.code = g.n)
  order by (g.n - p_from + start.at) % (p_to - p_from + 1) limit 1
$$;

-- Chooses the account and the unique code for a new payment of p_amount rupiah. Prefers codes up to
-- 999, first of the default account, then of other accounts. A higher code is used only if all
-- codes up to 999 of every active account are taken for this amount. It is as low as possible,
-- because the buyer pays the code in addition to the price. Both are null if no account is active;
-- only the code is null if all 99,999 codes of every account are taken.
create or replace function sambatan.choose_code(
  p_amount bigint, out account_id uuid, out unique_code integer
) language plpgsql volatile as $$
declare
  accounts constant uuid[] := array(select a.account_id from sambatan.receiving_accounts a
    where a.is_active order by a.is_default desc, a.created_at, a.account_id);
  ends constant integer[] := array[0, 999, 1999, 4999, 9999, 19999, 49999, 99999];
begin
  for width in 2..cardinality(ends) loop
    foreach account_id in array accounts loop
      unique_code := sambatan.free_code(account_id, p_amount, ends[width - 1] + 1, ends[width]);
      if unique_code is not null then
        return;
      end if;
    end loop;
  end loop;
  account_id := accounts[1];
end
$$;

-- An offer that is made after the campaign has succeeded becomes a participation when it is paid.
-- Returns that participation before it exists. Its status is reserved while the offer is open, and
-- cancelled after that. All columns are null if there is no such offer.
create or replace function sambatan.offered_participation(p_campaign_id uuid, p_order_id uuid)
returns sambatan.participants language plpgsql stable as $$
declare
  e sambatan.waiting_entries;
  p sambatan.participants;
begin
  select * into e from sambatan.waiting_entries
    where campaign_id = p_campaign_id and order_id = p_order_id and participation_id is null;
  if found then
    p.campaign_id := e.campaign_id;
    p.participation_id := e.order_id;
    p.user_id := e.user_id;
    p.quantity := e.quantity;
    p.undelivered_slots := 0;
    if e.status = 'offered' then
      p.status := 'pending_payment';
    else
      p.status := 'cancelled';
      p.cancel_reason := 'hold_lapsed';
    end if;
    p.joined_at := e.offered_at;
    p.hold_expires_at := e.offer_expires_at;
    p.shipping_address := e.shipping_address;
    p.note := e.note;
    p.salt := e.salt;
  end if;
  return p;
end
$$;

-- Returns the payment of a participation. Assigns an account and a unique code if the payment has
-- none. The payment is created when somebody first views it, so that neither joins nor the closing
-- of a large campaign spend time on it. Concurrent callers get the same payment. A payment to an
-- account always has a unique code. Without the code, only the name of the sender would show for
-- which payment a transfer is.
--
-- An offer that is made after the campaign has succeeded also has a payment. When the buyer pays
-- it, the offer becomes a participation.
--
-- p_pays_online is true if buyers can pay through a provider. Then a payment is opened without an
-- account if no account is active, and gets an account when one is active.
--
-- The function takes no lock that a join would have to wait for. Returns null if there is nothing
-- to pay, or nothing to pay yet. Refuses: participation_not_found, payment_account_missing,
-- unique_codes_exhausted.
create or replace function sambatan.open_payment(
  p_campaign_id uuid, p_participation_id uuid, p_pays_online boolean default false
) returns sambatan.transactions language plpgsql as $$
declare
  c sambatan.campaigns;
  p sambatan.participants;
  t sambatan.transactions;
  is_there boolean;
  account uuid;
  code integer;
  base bigint;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    p := sambatan.offered_participation(p_campaign_id, p_participation_id);
    if p.participation_id is null then
      perform sambatan.refuse('participation_not_found');
    end if;
  end if;
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  for attempt in 1..20 loop
    select * into t from sambatan.transactions
      where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id;
    is_there := found;
    if is_there and (t.account_id is not null or t.status not in ('due', 'rejected')) then
      return t;
    elsif not is_there and not (c.closing_outcome is null and p.status = 'pending_payment'
      and ((c.payment_timing = 'upfront' and c.status in ('active', 'locked')
          and clock_timestamp() < c.deadline)
        or c.status = 'fulfilled'))
    then
      return null;
    end if;

    base := coalesce(t.amount, p.quantity * c.price_per_slot);
    select k.account_id, k.unique_code into account, code from sambatan.choose_code(base) k;
    if account is null and not p_pays_online then
      perform sambatan.refuse('payment_account_missing');
    elsif account is null and is_there and t.pay_by is not null then
      return t;
    elsif account is null then
      code := 0;
    elsif code is null then
      perform sambatan.refuse('unique_codes_exhausted');
    end if;

    begin
      if is_there then
        update sambatan.transactions set account_id = account, unique_code = code,
            pay_by = coalesce(pay_by, case when c.status = 'fulfilled' then p.hold_expires_at
              else least(p.hold_expires_at, c.deadline) end)
          where campaign_id = p_campaign_id and transaction_id = t.transaction_id
            and account_id is null and amount = base and status in ('due', 'rejected')
          returning * into t;
      else
        insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
            cause, actor, created_at, account_id, unique_code, pay_by)
          values (p_campaign_id, 'payment', 'due', p_participation_id, base,
            'payment:' || p_participation_id, 'system', clock_timestamp(), account, code,
            case when c.status = 'fulfilled' then p.hold_expires_at
              else least(p.hold_expires_at, c.deadline) end)
          on conflict do nothing
          returning * into t;
      end if;
      if found then
        return t;
      end if;
    exception when unique_violation then
      -- Another transaction has just taken the code: search again.
      null;
    end;
  end loop;
  raise exception using errcode = '40001', message = 'no code could be had in 20 attempts';
end
$$;

-- Records money that arrived and pays for nothing, and makes its refund due at once. p_why is
-- 'hold_lapsed', 'left', 'campaign_over', 'already_paid', 'too_little', 'too_much', 'too_late' or
-- 'unpaid'. p_paid_in_time is the time of the payment if the buyer may choose between the refund
-- and the front of the waiting list, and null otherwise. The caller has locked the campaign's row.
create or replace function sambatan.credit_money(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_at timestamptz, p_actor text,
  p_reference text, p_receipt text, p_why text, p_paid_at timestamptz default null,
  p_paid_on date default null, p_paid_in_time timestamptz default null
) returns void language plpgsql as $$
begin
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, paid_at, paid_on, purpose, receipt)
    values (c.campaign_id, 'adjustment', 'settled', p_participation_id, p_amount,
      'credit:' || p_receipt, p_actor, p_reference, p_at, p_at, p_paid_at, p_paid_on, 'credit',
      case when p_why <> 'too_much' then p_receipt end);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, paid_in_time)
    values (c.campaign_id, 'refund', 'due', p_participation_id, p_amount,
      'refund:credit:' || p_receipt, p_actor, p_at, p_paid_in_time);
  perform sambatan.record_event(c.campaign_id, 'payment_late', p_actor, p_at,
    p_participation_id, jsonb_strip_nulls(jsonb_build_object('amount', p_amount,
      'reason', p_why, 'may_wait', case when p_paid_in_time is not null then true end)));
end
$$;

-- Records that a participation was paid: p_amount is the amount that arrived, at least the price.
-- If the amount is above the price, the platform keeps up to the unique code, and the rest is
-- refunded. p_paid_at or p_paid_on is the time or day at which the buyer paid, if known. The caller
-- has locked the campaign's row.
create or replace function sambatan.settle_payment(
  c sambatan.campaigns, p sambatan.participants, p_amount bigint, p_at timestamptz, p_actor text,
  p_reference text, p_receipt text, p_paid_at timestamptz default null, p_paid_on date default null
) returns void language plpgsql as $$
declare
  t sambatan.transactions;
begin
  -- At the same moment, another transaction may be creating the row of the payment. The insert
  -- decides which of the two transactions is first.
  insert into sambatan.transactions as old (campaign_id, kind, status, participation_id, amount,
      cause, actor, reference, created_at, settled_at, receipt, paid_at, paid_on)
    values (c.campaign_id, 'payment', 'settled', p.participation_id,
      (p.quantity - p.undelivered_slots) * c.price_per_slot, 'payment:' || p.participation_id,
      p_actor,
      p_reference, p_at, p_at, p_receipt, p_paid_at, p_paid_on)
    on conflict (campaign_id, cause) do update set status = 'settled', actor = p_actor,
      reference = p_reference, settled_at = p_at, receipt = p_receipt, reason = null,
      paid_at = p_paid_at, paid_on = p_paid_on,
      surcharge = least(coalesce(p_amount, old.amount + old.unique_code) - old.amount,
        old.unique_code)
    returning * into strict t;
  if t.surcharge > 0 then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, settled_at, purpose)
      values (c.campaign_id, 'adjustment', 'settled', p.participation_id, t.surcharge,
        'code:' || p.participation_id, p_actor, p_at, p_at, 'unique_code');
  end if;
  perform sambatan.record_event(c.campaign_id, 'payment_settled', p_actor, p_at,
    p.participation_id, jsonb_build_object('amount', t.amount, 'unique_code', t.surcharge));
  if p_amount > t.amount + t.surcharge then
    perform sambatan.credit_money(c, p.participation_id, p_amount - t.amount - t.surcharge, p_at,
      p_actor, p_reference, p_receipt, 'too_much', p_paid_at, p_paid_on);
  end if;
end
$$;

-- Changes a reserved participation to confirmed and records the event. The caller has locked the
-- campaign's row.
create or replace function sambatan.confirm_reserved(
  c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) returns sambatan.participants language plpgsql as $$
begin
  update sambatan.participants
    set status = 'confirmed', confirmed_at = p_at, hold_expires_at = null, updated_at = p_at
    where campaign_id = c.campaign_id and participation_id = p.participation_id
    returning * into p;
  update sambatan.campaign_states set confirmed_slots = confirmed_slots + p.quantity
    where campaign_id = c.campaign_id;
  perform sambatan.record_event(c.campaign_id, 'participant_confirmed', p_actor, p_at,
    p.participation_id, jsonb_build_object('quantity', p.quantity,
      'amount', p.quantity * c.price_per_slot));
  return p;
end
$$;

-- Returns the reason why p_amount rupiah that were paid at p_paid do not pay for a participation,
-- or null if they pay for it. The reason is one of the reasons of the event payment_late. The
-- caller has locked the campaign's row.
create or replace function sambatan.why_not_owed(
  c sambatan.campaigns, p sambatan.participants, p_amount bigint, p_paid timestamptz
) returns text language plpgsql stable as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  return case
    when t.status = 'settled' or (t.status = 'void' and t.reason = 'given') then 'already_paid'
    when p.status = 'cancelled' and p.cancel_reason = 'unpaid' then 'unpaid'
    when t.status = 'void' then 'campaign_over'
    when p.status = 'cancelled' and p.cancel_reason = 'hold_lapsed' then 'hold_lapsed'
    when p.status = 'cancelled' then 'left'
    when p.status = 'refunded' then 'campaign_over'
    when p.status = 'pending_payment' and c.closing_outcome is not null then 'campaign_over'
    when p.status = 'pending_payment' and c.status = 'fulfilled' and p_paid > p.hold_expires_at
      then 'too_late'
    when p.status = 'pending_payment'
      and c.status not in ('active', 'locked', 'verifying', 'fulfilled') then 'campaign_over'
    when (p.status = 'pending_payment' and c.status <> 'fulfilled' and p_paid > c.deadline)
      or (p.status = 'confirmed' and p_paid > t.pay_by) then 'too_late'
    when p_amount < coalesce(t.amount, (p.quantity - p.undelivered_slots) * c.price_per_slot)
      then 'too_little'
  end;
end
$$;

-- Counts p_amount rupiah that arrived for a participation. p_receipt identifies the money, and each
-- receipt is counted once. It is 'line:…' for a statement line, 'verified:…' for a manual
-- verification, or the name of a provider and the provider's reference. p_paid_at or p_paid_on is
-- the time or day at which the buyer paid, if known. It decides whether the payment was in time;
-- the time at which the service noticed the money does not matter. Returns the participation that
-- has the slots, and what happened to the money:
--   settled   The money pays what was due. A reserved participation is confirmed. An offer that was
--             made after the campaign succeeded becomes a confirmed participation.
--   given     The hold had lapsed, but enough slots are free. The buyer gets slots again, in a new
--             participation.
--   credited  The money pays for nothing, for example because it was paid too late or twice, or is
--             too little. Its refund is due at once. If the buyer paid in time but other buyers
--             have got the slots, the buyer may choose between the refund and the front of the
--             waiting list (see paid_in_time).
--   known     A receipt with this name was counted before. Nothing changes.
-- Refuses: campaign_not_found, participation_not_found.
create or replace function sambatan.receive_money(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint, p_actor text, p_reference text,
  p_receipt text, p_paid_at timestamptz default null, p_paid_on date default null,
  out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at timestamptz := clock_timestamp();
  paid constant timestamptz := sambatan.paid_moment(p_paid_at, p_paid_on, now_at);
  p sambatan.participants;
  t sambatan.transactions;
  price bigint;
  why text;
  is_offer boolean;
begin
  participation_id := p_participation_id;
  select * into p from sambatan.participants x
    where x.campaign_id = p_campaign_id and x.participation_id = p_participation_id;
  is_offer := not found;
  if is_offer then
    p := sambatan.offered_participation(p_campaign_id, p_participation_id);
  end if;
  if p.participation_id is null then
    perform sambatan.refuse('participation_not_found');
  elsif exists (select 1 from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.receipt = p_receipt)
  then
    outcome := 'known';
    return;
  end if;
  select * into t from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.cause = 'payment:' || p_participation_id;
  price := coalesce(t.amount, (p.quantity - p.undelivered_slots) * c.price_per_slot);
  why := sambatan.why_not_owed(c, p, p_amount, paid);
  if why = 'hold_lapsed' and p_amount >= price and paid <= c.deadline
    and c.closing_outcome is null and c.status in ('active', 'locked', 'verifying')
  then
    participation_id := sambatan.rejoin_lapsed(c, p, p_actor);
    why := case when participation_id is null then 'hold_lapsed' end;
  end if;

  if why is not null then
    outcome := 'credited';
    participation_id := p_participation_id;
    perform sambatan.credit_money(c, p_participation_id, p_amount, now_at, p_actor, p_reference,
      p_receipt, why, p_paid_at, p_paid_on,
      sambatan.paid_in_time(p_campaign_id, p_participation_id, p_amount, why, paid));
    if why in ('too_little', 'too_late') and t.status in ('proof_submitted', 'pending') then
      perform sambatan.reopen_payment(c, p, t, why, now_at);
    elsif why in ('hold_lapsed', 'left', 'campaign_over', 'unpaid') then
      perform sambatan.void_payment(c.campaign_id, p_participation_id, why);
    end if;
    perform sambatan.schedule_run(p_campaign_id, now_at);
    return;
  end if;

  outcome := case when participation_id = p_participation_id then 'settled' else 'given' end;
  if outcome = 'given' then
    -- In the audit log, the next events follow the join, so their time must not be earlier than the
    -- time of the join.
    now_at := clock_timestamp();
    -- The unique code that was paid belongs to the new payment. If more money arrives for the old
    -- participation later, it counts as a second payment. This is also true if the old
    -- participation had no payment row before.
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, reason)
      values (c.campaign_id, 'payment', 'void', p_participation_id, price,
        'payment:' || p_participation_id, p_actor, now_at, 'given')
      on conflict (campaign_id, cause) do update set status = 'void', reason = 'given';
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, account_id, unique_code, pay_by)
      values (c.campaign_id, 'payment', 'due', participation_id, price,
        'payment:' || participation_id, p_actor, now_at, t.account_id,
        coalesce(t.unique_code, 0), least(now_at, c.deadline));
    select * into strict p from sambatan.participants x
      where x.campaign_id = p_campaign_id and x.participation_id = receive_money.participation_id;
  end if;
  if is_offer then
    perform sambatan.take_paid_offer(c, p, now_at, p_actor);
  end if;
  perform sambatan.settle_payment(c, p, p_amount, now_at, p_actor, p_reference, p_receipt,
    p_paid_at, p_paid_on);
  if is_offer then
    perform sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  elsif p.status = 'pending_payment' then
    perform sambatan.confirm_reserved(c, p, now_at, p_actor);
  end if;
  perform sambatan.schedule_run(p_campaign_id, now_at);
end
$$;

-- Joins again for a buyer whose hold lapsed although the buyer had paid in time. The rules of a
-- join apply: the slots must be free, not reserved for the waiting list, and within the bounds per
-- buyer. After the deadline, nobody can join, but this function still assigns slots that were paid
-- before the deadline. Returns the new participation, or null if it was refused. The caller has
-- locked the campaign's row.
create or replace function sambatan.rejoin_lapsed(
  c sambatan.campaigns, p sambatan.participants, p_actor text
) returns uuid language plpgsql as $$
declare
  made uuid := gen_random_uuid();
  now_at constant timestamptz := clock_timestamp();
  answer text;
  has integer;
begin
  if now_at < c.deadline then
    select j.outcome into answer from sambatan.join_campaigns(
      array[c.campaign_id], array[made], array[p.user_id], array[p.quantity],
      array[p.shipping_address], array[p.note], array[sambatan.phone_in(p.shipping_address)],
      array[sambatan.new_salt()], null, null, array[p_actor], null, 0, true, false) j;
    return case when answer = 'joined' then made end;
  end if;
  select coalesce(sum(x.quantity), 0) into has from sambatan.participants x
    where x.campaign_id = c.campaign_id and x.user_id = p.user_id
      and (x.status in ('pending_payment', 'confirmed') or x.status = 'fulfilled');
  if p.quantity > c.total_slots - c.filled_slots - c.reserved_slots
    or has + p.quantity > coalesce(c.max_slots_per_user, 2147483647)
  then
    return null;
  end if;
  perform sambatan.add_participation(c, p, made, 'pending_payment', now_at, p_actor);
  return made;
end
$$;

-- Adds a participation outside the normal join: for the same buyer, with the quantity and address
-- of p, reserved or confirmed at once. If p is the offer that becomes the participation, it also has
-- the salt of p. If the participation takes the last slots of an open
-- campaign, the campaign becomes full. The caller has locked the campaign's row and has checked
-- that the slots are free. Stores c.
create or replace function sambatan.add_participation(
  c sambatan.campaigns, p sambatan.participants, p_participation_id uuid,
  p_status sambatan.participant_status, p_at timestamptz, p_actor text
) returns sambatan.campaigns language plpgsql as $$
declare
  r record;
begin
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note, phone, salt,
      joined_seq)
    values (c.campaign_id, p_participation_id, p.user_id, p.quantity, p_status, p_at, p_at,
      case when p_status = 'confirmed' then p_at end, p.shipping_address, p.note,
      sambatan.phone_in(p.shipping_address),
      case when p_participation_id = p.participation_id then p.salt else sambatan.new_salt() end,
      c.audit_seq + 1);
  c.filled_slots := c.filled_slots + p.quantity;
  c.participant_count := c.participant_count + 1;
  select * into r from sambatan.append_event(c, 'participant_joined', p_actor, p_at,
    p_participation_id, jsonb_build_object('quantity', p.quantity));
  c := r.c;
  if p_status = 'confirmed' then
    c.confirmed_slots := c.confirmed_slots + p.quantity;
    select * into r from sambatan.append_event(c, 'participant_confirmed', p_actor, p_at,
      p_participation_id, jsonb_build_object('quantity', p.quantity,
        'amount', p.quantity * c.price_per_slot));
    c := r.c;
  elsif c.status = 'active' and c.filled_slots = c.total_slots then
    c.status := 'locked';
    c.filled_at := p_at;
    select * into r from sambatan.append_event(c, 'campaign_full', 'system', p_at, null, '{}');
    c := r.c;
  end if;
  perform sambatan.store_campaigns(array[c]);
  return c;
end
$$;

-- Accepts an offer that was made after the campaign succeeded and is now paid. p is the
-- participation that the offer becomes; it is added as confirmed. The caller has locked the
-- campaign's row.
create or replace function sambatan.take_paid_offer(
  c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) returns void language plpgsql as $$
declare
  accepted_id uuid;
begin
  select entry_id into strict accepted_id from sambatan.waiting_entries
    where campaign_id = c.campaign_id and order_id = p.participation_id;
  c.reserved_slots := c.reserved_slots - p.quantity;
  c := sambatan.remove_waiting_entries(c, 'waiting_accepted', p_actor, p_at, array[
    jsonb_build_object('entry_id', accepted_id, 'quantity', p.quantity,
      'participation_id', p.participation_id)]);
  c := sambatan.add_participation(c, p, p.participation_id, 'confirmed', p_at, p_actor);
  update sambatan.waiting_entries set status = 'accepted', accepted_at = p_at, updated_at = p_at,
      participation_id = p.participation_id
    where campaign_id = c.campaign_id and entry_id = accepted_id;
end
$$;

-- Voids the payment of a participation, if it is open. The caller has locked the campaign's row.
create or replace function sambatan.void_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text
) returns void language sql as $$
  update sambatan.transactions set status = 'void', reason = p_reason
  where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id
    and status in ('due', 'proof_submitted', 'rejected', 'pending')
$$;

-- Makes a payment payable again and stores the reason. If the proof had paused the hold, the hold
-- continues with the remaining time, but at least for an hour (or for hold_seconds, if that is
-- shorter), and never beyond the deadline. After the deadline, the hold does not continue.
-- p_is_rejected is true if a person has checked the proof and rejected it. The caller has locked
-- the campaign's row.
create or replace function sambatan.reopen_payment(
  c sambatan.campaigns, p sambatan.participants, t sambatan.transactions, p_reason text,
  p_at timestamptz, p_is_rejected boolean default false
) returns void language plpgsql as $$
declare
  until timestamptz;
begin
  if p.status = 'pending_payment' and c.payment_timing = 'upfront' and p.hold_expires_at is null
    and p_at < c.deadline
  then
    until := least(c.deadline,
      p_at + greatest(t.hold_left, least(c.hold_seconds, 3600) * interval '1 second'));
    update sambatan.participants set hold_expires_at = until, updated_at = p_at
      where campaign_id = c.campaign_id and participation_id = p.participation_id;
    update sambatan.campaign_states set next_run_at = least(next_run_at, until)
      where campaign_id = c.campaign_id;
  end if;
  update sambatan.transactions set status = 'rejected', reason = p_reason, hold_left = null,
      pay_by = coalesce(until, pay_by),
      rejected_at = case when p_is_rejected then p_at else rejected_at end
    where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
end
$$;

-- Returns the payment of a participation if it has one of the statuses p_from. Refuses:
-- payment_not_due, payment_not_open. The caller has locked the campaign's row.
create or replace function sambatan.payment_to_change(
  p_campaign_id uuid, p_participation_id uuid, variadic p_from sambatan.transaction_status[]
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions
    where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id;
  if not found then
    perform sambatan.refuse('payment_not_due');
  elsif t.status <> all (p_from) then
    perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
  end if;
  return t;
end
$$;

-- Stores a buyer's proof of payment. The payment then waits until a person verifies it, and the
-- order's hold does not lapse during this time. A later proof replaces an earlier proof. If the
-- payment was sent to a provider, it becomes a payment by transfer. The service still asks the
-- provider for the status of the provider's order, and the money that the service notices first
-- pays for the participation. Refuses: campaign_not_found, participation_not_found,
-- payment_not_due, payment_not_open.
create or replace function sambatan.submit_proof(
  p_campaign_id uuid, p_participation_id uuid, p_content_type text, p_content bytea, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t sambatan.transactions := sambatan.payment_to_change(p_campaign_id, p_participation_id,
    'due', 'rejected', 'proof_submitted', 'pending');
begin
  if t.status = 'pending' then
    t := sambatan.mark_failed(t.transaction_id, 'payment', 'paid by transfer');
  end if;
  insert into sambatan.payment_proofs (campaign_id, participation_id, content_type, content,
      uploaded_by, uploaded_at)
    values (p_campaign_id, p_participation_id, p_content_type, p_content, p_actor, now_at)
    on conflict (campaign_id, participation_id) do update set content_type = p_content_type,
      content = p_content, uploaded_by = p_actor, uploaded_at = now_at;
  if t.status <> 'proof_submitted' then
    update sambatan.transactions x set status = 'proof_submitted', reason = null,
        hold_left = (select p.hold_expires_at - now_at from sambatan.participants p
          where p.campaign_id = x.campaign_id and p.participation_id = x.participation_id
            and p.status = 'pending_payment')
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id
      returning * into t;
    update sambatan.participants set hold_expires_at = null, updated_at = now_at
      where campaign_id = p_campaign_id and participation_id = p_participation_id
        and status = 'pending_payment';
    perform sambatan.record_event(p_campaign_id, 'payment_proof_submitted', p_actor, now_at,
      p_participation_id, jsonb_build_object('amount', t.amount + t.unique_code));
  end if;
  return t;
end
$$;

-- Returns the amounts that people verified manually for a participation, with their references. If
-- a person verified more than the buyer owed, the books have the rest as a separate credit. The
-- result includes that credit.
create or replace function sambatan.manual_verifications(p_campaign_id uuid, p_participation_id uuid)
returns table (amount bigint, reference text) language sql stable as $$
  select t.amount + t.surcharge + coalesce(above.amount, 0), t.reference
  from sambatan.transactions t
  left join sambatan.transactions above on above.campaign_id = t.campaign_id
    and above.cause = 'credit:' || t.receipt and above.receipt is null
  where t.campaign_id = p_campaign_id and t.participation_id = p_participation_id
    and t.receipt like 'verified:%'
$$;

-- Returns the receipt for the next manual verification of a participation. A participation can have
-- several manual verifications, because an earlier amount may have been too little.
create or replace function sambatan.next_verified_receipt(
  p_campaign_id uuid, p_participation_id uuid
) returns text language sql stable as $$
  select 'verified:' || p_participation_id || case when count(*) > 0 then ':' || count(*) else '' end
  from sambatan.manual_verifications(p_campaign_id, p_participation_id)
$$;

-- Returns the day (Asia/Jakarta) on which the buyer last uploaded a proof of payment. The buyer had
-- paid by that day. Null if there is no proof.
create or replace function sambatan.proof_day(p_campaign_id uuid, p_participation_id uuid)
returns date language sql stable as $$
  select (f.uploaded_at at time zone 'Asia/Jakarta')::date from sambatan.payment_proofs f
  where f.campaign_id = p_campaign_id and f.participation_id = p_participation_id
$$;

-- Verifies an open payment manually: p_amount rupiah arrived, or the expected amount if it is null.
-- p_paid_on is the day of the transfer. If it is null, the day of the proof is used, or the present
-- time if there is no proof. The outcome is 'known', and nothing is counted again, in two cases.
-- First, the same amount was verified before with the same reference, or both times without a
-- reference. Second, a statement line of this amount was counted for the participation, and its
-- description contains p_reference or p_reference is null. Refuses: campaign_not_found,
-- payment_not_due, payment_not_open.
create or replace function sambatan.verify_payment(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint, p_actor text, p_reference text,
  p_paid_on date default null, out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  t constant sambatan.transactions := sambatan.payment_to_change(p_campaign_id,
    p_participation_id, 'due', 'proof_submitted', 'rejected', 'pending');
  arrived constant bigint := coalesce(p_amount, t.amount + t.unique_code);
begin
  if exists (select from sambatan.manual_verifications(p_campaign_id, p_participation_id) s
    where s.amount = arrived and s.reference is not distinct from p_reference)
    or exists (select 1 from sambatan.counted_sums(p_campaign_id, p_participation_id) l
      where l.amount = arrived and l.outcome <> 'known'
      and (p_reference is null or strpos(lower(l.description), lower(p_reference)) > 0))
  then
    outcome := 'known';
    participation_id := p_participation_id;
    return;
  end if;
  select r.outcome, r.participation_id into outcome, participation_id
    from sambatan.receive_money(p_campaign_id, p_participation_id, arrived, p_actor, p_reference,
      sambatan.next_verified_receipt(p_campaign_id, p_participation_id), null,
      coalesce(p_paid_on, sambatan.proof_day(p_campaign_id, p_participation_id))) r;
end
$$;

-- Rejects a proof of payment, so that the payment becomes payable again. Refuses:
-- campaign_not_found, payment_not_due, payment_not_open.
create or replace function sambatan.reject_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t sambatan.transactions := sambatan.payment_to_change(p_campaign_id, p_participation_id,
    'proof_submitted');
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  perform sambatan.reopen_payment(c, p, t, p_reason, now_at, true);
  perform sambatan.record_event(p_campaign_id, 'payment_rejected', p_actor, now_at,
    p_participation_id, jsonb_build_object('reason', p_reason));
  perform sambatan.schedule_run(p_campaign_id, now_at);
  select * into strict t from sambatan.transactions
    where campaign_id = p_campaign_id and transaction_id = t.transaction_id;
  return t;
end
$$;

-- Returns the amounts of bank statements that were counted for a participation. Each amount is a
-- whole transfer, a part of a transfer, or the sum of several transfers that were counted together.
create or replace function sambatan.counted_sums(p_campaign_id uuid, p_participation_id uuid)
returns table (amount bigint, outcome text, description text) language sql stable as $$
  select sum(s.amount)::bigint, min(s.outcome), string_agg(l.description, ' ')
  from sambatan.statement_line_parts s
  join sambatan.statement_lines l on l.line_id = s.line_id
  where s.campaign_id = p_campaign_id and s.participation_id = p_participation_id
    and s.receipt is not null
  group by s.receipt
$$;

-- Returns whether a person verified exactly this amount for a participation, and no statement line
-- has been matched with that verification yet.
create or replace function sambatan.is_manually_verified(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint
) returns boolean language sql stable as $$
  select count(*) > (select count(*) from sambatan.counted_sums(p_campaign_id, p_participation_id) l
    where l.amount = p_amount and l.outcome = 'known')
  from sambatan.manual_verifications(p_campaign_id, p_participation_id) s where s.amount = p_amount
$$;

-- Returns the payments that a transfer of p_amount rupiah, booked on p_booked_on, may be for. These
-- are open payments of exactly that amount to that account, if the transfer was booked between a
-- day before they were created and fourteen days after they were due (is_known false). If no open
-- payment fits, returns payments that a person verified manually (is_known true), and payments with
-- a unique code that were paid through a provider (is_known false, because the transfer pays a
-- second time and is refunded). A payment of these two kinds is returned only while no statement
-- line has been matched with it.
create or replace function sambatan.payments_for(
  p_account_id uuid, p_amount bigint, p_booked_on date
) returns table (campaign_id uuid, participation_id uuid, is_known boolean)
language sql stable as $$
  with fitting as materialized (
    select t.* from sambatan.transactions t
    where t.kind = 'payment' and t.account_id = p_account_id
      and t.amount + t.unique_code = p_amount
      and p_booked_on between (t.created_at at time zone 'Asia/Jakarta')::date - 1
        and (coalesce(t.pay_by, t.created_at) at time zone 'Asia/Jakarta')::date + 14
  ), open as (
    select * from fitting where status in ('due', 'proof_submitted', 'rejected', 'pending')
  )
  select o.campaign_id, o.participation_id, false from open o
  union all
  select f.campaign_id, f.participation_id, v.by_eye from fitting f
  cross join lateral (
    select sambatan.is_manually_verified(f.campaign_id, f.participation_id, p_amount) as by_eye) v
  where not exists (select from open) and f.status in ('settled', 'void')
    and (v.by_eye or (f.status = 'settled' and f.unique_code > 0
      and f.receipt !~ '^(line|verified):'
      and not exists (select 1
        from sambatan.counted_sums(f.campaign_id, f.participation_id) l
        where l.amount = p_amount)))
$$;

-- Returns the participation for which a person manually verified the amount of a statement line:
-- p_participation_id itself, or another participation of the same buyer in the campaign. The other
-- participation is searched only if the amount would not pay for p_participation_id; it exists if
-- the buyer got slots again or joined again. Null if there is no such participation. The caller has
-- locked the campaign's row.
create or replace function sambatan.manually_verified_for(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_paid timestamptz
) returns uuid language plpgsql stable as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if not found then
    p := sambatan.offered_participation(c.campaign_id, p_participation_id);
  end if;
  if sambatan.is_manually_verified(c.campaign_id, p_participation_id, p_amount) then
    return p_participation_id;
  elsif sambatan.why_not_owed(c, p, p_amount, p_paid) is null then
    return null;
  end if;
  return (select o.participation_id from sambatan.participants o
    where o.campaign_id = c.campaign_id and o.user_id = p.user_id
      and sambatan.is_manually_verified(c.campaign_id, o.participation_id, p_amount)
    order by o.joined_at, o.participation_id limit 1);
end
$$;

-- Changes the payment of a participation that will keep only p_quantity of its slots in a campaign
-- that has not ended. Lowers the amount of an open payment, or makes a partial refund of a settled
-- payment due. An open payment with a new amount gets a new unique code when it is next viewed.
-- Returns the rupiah that are refunded. Refuses: payment_not_open while a proof waits for
-- verification or a provider processes the payment, because the service does not know which amount
-- will arrive. The caller has locked the campaign's row.
create or replace function sambatan.pay_for_fewer(
  c sambatan.campaigns, p sambatan.participants, p_quantity integer, p_at timestamptz, p_actor text
) returns bigint language plpgsql as $$
declare
  t sambatan.transactions;
  back constant bigint := (p.quantity - p_quantity) * c.price_per_slot;
begin
  select * into t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  if not found then
    return 0;
  elsif t.status = 'settled' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (c.campaign_id, 'refund', 'due', p.participation_id, back,
        'fewer:' || p.participation_id || ':' || p_quantity, p_actor, p_at);
    return back;
  elsif t.status in ('due', 'rejected') then
    update sambatan.transactions set amount = p_quantity * c.price_per_slot, account_id = null,
        unique_code = 0
      where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
    return 0;
  end if;
  perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
end
$$;

-- Refuses if reducing a participation to p_quantity slots is not allowed at p_at:
-- more_slots_by_joining, campaign_closing, campaign_not_active, deadline_passed,
-- quantity_out_of_bounds. The caller has locked the campaign's row.
create or replace function sambatan.check_fewer(
  c sambatan.campaigns, p sambatan.participants, p_quantity integer, p_at timestamptz
) returns void language plpgsql as $$
declare
  others integer;
begin
  if p_quantity > p.quantity then
    perform sambatan.refuse('more_slots_by_joining', jsonb_build_object('quantity', p.quantity));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status not in ('active', 'locked') then
    perform sambatan.refuse('campaign_not_active', jsonb_build_object('status', c.status));
  elsif p_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  end if;
  select coalesce(sum(quantity), 0) into others from sambatan.participants
    where user_id = p.user_id and campaign_id = c.campaign_id
      and participation_id <> p.participation_id
      and status in ('pending_payment', 'confirmed', 'fulfilled');
  if others + p_quantity < c.min_slots_per_user then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', c.min_slots_per_user, 'maximum', c.max_slots_per_user, 'held', others));
  end if;
end
$$;

-- Changes the address, the note and the number of slots of a participation. A null argument changes
-- nothing; an empty note removes the note. Address and note can change while the participation is
-- reserved or confirmed. The number of slots can become smaller while the campaign accepts joins:
-- the freed slots are offered to the waiting list first, the money for them is refunded, and the
-- participation keeps its status. A request without a change writes nothing. The audit log names
-- the changed fields, but contains no address. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, and what check_fewer and
-- pay_for_fewer refuse.
create or replace function sambatan.change_participation(
  p_campaign_id uuid, p_participation_id uuid, p_quantity integer, p_address text, p_note text,
  p_actor text
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
  address text;
  words text;
  kept integer;
  freed integer;
  back bigint := 0;
  fields text[] := '{}';
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status not in ('pending_payment', 'confirmed') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_changed'));
  end if;
  address := coalesce(p_address, p.shipping_address);
  words := case when p_note is null then p.note else nullif(p_note, '') end;
  kept := coalesce(p_quantity, p.quantity);
  freed := p.quantity - kept;
  if address <> p.shipping_address then
    fields := fields || 'shipping_address'::text;
  end if;
  if words is distinct from p.note then
    fields := fields || 'note'::text;
  end if;
  if freed <> 0 then
    perform sambatan.check_fewer(c, p, kept, now_at);
    back := sambatan.pay_for_fewer(c, p, kept, now_at, p_actor);
    fields := fields || 'quantity'::text;
  end if;
  if fields = '{}' then
    return p;
  end if;

  update sambatan.participants
    set shipping_address = address, phone = sambatan.phone_in(address), note = words,
      quantity = kept, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  if freed > 0 then
    update sambatan.campaign_states set filled_slots = filled_slots - freed,
        confirmed_slots = confirmed_slots - case when p.status = 'confirmed' then freed else 0 end,
        status = case when status = 'locked' then 'active' else status end
      where campaign_id = p_campaign_id;
    update sambatan.campaign_details
      set status = case when status = 'locked' then 'active' else status end, filled_at = null
      where campaign_id = p_campaign_id;
  end if;
  perform sambatan.record_event(p_campaign_id, 'participant_changed', p_actor, now_at,
    p_participation_id, jsonb_build_object('quantity', kept, 'fields', to_jsonb(fields))
      || case when freed > 0 then jsonb_build_object('from', kept + freed, 'amount', back)
        else '{}' end);
  if freed > 0 and c.status = 'locked' then
    perform sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
  end if;
  if freed > 0 and c.waiting_entries > 0 then
    perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  end if;
  return p;
end
$$;

-- Counts p_amount rupiah of a statement for a participation, unless a person had verified exactly
-- that amount manually before. If p_refund is false, refuses an amount that is less than the
-- participation owes, because it may be one of several transfers. The caller has locked the
-- campaign's row. Refuses: statement_lines_too_little, and the codes of receive_money.
create or replace function sambatan.count_money(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_refund boolean, p_actor text,
  p_reference text, p_receipt text, p_booked_at timestamptz, p_booked_on date,
  out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  paid constant timestamptz :=
    sambatan.paid_moment(p_booked_at, p_booked_on, clock_timestamp());
  verified_for constant uuid :=
    sambatan.manually_verified_for(c, p_participation_id, p_amount, paid);
  missing constant bigint := sambatan.missing_of(c, p_participation_id, p_amount, paid);
begin
  if verified_for is not null then
    outcome := 'known';
    participation_id := verified_for;
    return;
  elsif missing > 0 and not p_refund then
    perform sambatan.refuse('statement_lines_too_little', jsonb_build_object(
      'participation_id', p_participation_id, 'missing', missing));
  end if;
  select r.outcome, r.participation_id into outcome, participation_id
    from sambatan.receive_money(c.campaign_id, p_participation_id, p_amount, p_actor, p_reference,
      p_receipt, p_booked_at, p_booked_on) r;
end
$$;

-- Returns how many rupiah are missing if p_amount, paid at p_paid, is used to pay for a
-- participation. Zero if it is enough; null if the money does not pay for the participation for
-- another reason. The caller has locked the campaign's row.
create or replace function sambatan.missing_of(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_paid timestamptz
) returns bigint language plpgsql stable as $$
declare
  p sambatan.participants;
  why text;
begin
  select * into p from sambatan.participants x
    where x.campaign_id = c.campaign_id and x.participation_id = p_participation_id;
  if not found then
    p := sambatan.offered_participation(c.campaign_id, p_participation_id);
  end if;
  if p.participation_id is null then
    return null;
  end if;
  why := sambatan.why_not_owed(c, p, p_amount, p_paid);
  if why is null then
    return 0;
  elsif why <> 'too_little' then
    return null;
  end if;
  return coalesce((select t.amount from sambatan.transactions t
      where t.campaign_id = c.campaign_id and t.cause = 'payment:' || p_participation_id),
    (p.quantity - p.undelivered_slots) * c.price_per_slot) - p_amount;
end
$$;

-- Locks an open statement line and returns it. Refuses: statement_line_not_found,
-- statement_line_handled.
create or replace function sambatan.open_line(p_line_id uuid)
returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
begin
  select * into l from sambatan.statement_lines where line_id = p_line_id for update;
  if not found then
    perform sambatan.refuse('statement_line_not_found');
  elsif l.status in ('matched', 'ignored') then
    perform sambatan.refuse('statement_line_handled');
  end if;
  return l;
end
$$;

-- Divides an open statement line into parts, each with an amount for one participation. This does
-- not count any money yet. The new parts replace earlier parts; if no parts are passed, earlier
-- parts are only removed. Refuses: statement_line_not_found, statement_line_handled,
-- statement_parts_exceed_line.
create or replace function sambatan.allocate_line(
  p_line_id uuid, p_campaign_ids uuid[], p_participation_ids uuid[], p_amounts bigint[], p_actor text
) returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines := sambatan.open_line(p_line_id);
  total constant bigint := coalesce((select sum(a) from unnest(p_amounts) a), 0);
begin
  if total > l.amount then
    perform sambatan.refuse('statement_parts_exceed_line', jsonb_build_object(
      'amount', l.amount, 'parts', total));
  end if;
  delete from sambatan.statement_line_parts where line_id = p_line_id;
  insert into sambatan.statement_line_parts (line_id, part, campaign_id, participation_id, amount,
      assigned_by, assigned_at)
    select p_line_id, u.part, u.campaign_id, u.participation_id, u.amount, p_actor, clock_timestamp()
    from unnest(p_campaign_ids, p_participation_ids, p_amounts) with ordinality
      as u (campaign_id, participation_id, amount, part);
  update sambatan.statement_lines
    set status = case when cardinality(p_amounts) = 0 then 'unmatched'
      else 'allocated' end::sambatan.statement_line_status
    where line_id = p_line_id
    returning * into l;
  return l;
end
$$;

-- Counts allocated lines. All parts for one participation count as one amount, so that several
-- transfers can pay one order together. If the parts of a line are less than the amount of the
-- line, the difference is added to its first part; money that pays for nothing is refunded to that
-- buyer. Either all lines are counted or none. If p_refund is true, an amount that is too little is
-- refunded. Refuses: statement_line_not_found, statement_line_handled, statement_line_not_divided,
-- and the codes of count_money.
create or replace function sambatan.count_lines(
  p_line_ids uuid[], p_refund boolean, p_actor text
) returns void language plpgsql as $$
declare
  wanted constant uuid[] := array(select distinct u from unnest(p_line_ids) u order by u);
  locked uuid[];
  open_lines integer;
  handled integer;
  allocated integer;
  r record;
  result record;
begin
  -- Locks campaigns before lines, both in order of their ids. Every function that locks several
  -- rows uses this order, so that no deadlock occurs.
  locked := array(select c.campaign_id from sambatan.campaigns c
    where c.campaign_id in (select s.campaign_id from sambatan.statement_line_parts s
      where s.line_id = any (wanted))
    order by c.campaign_id for no key update);
  perform 1 from sambatan.statement_lines where line_id = any (wanted) order by line_id for update;
  select count(*), count(*) filter (where status in ('matched', 'ignored')),
      count(*) filter (where status = 'allocated')
    into open_lines, handled, allocated
    from sambatan.statement_lines where line_id = any (wanted);
  if open_lines < cardinality(wanted) then
    perform sambatan.refuse('statement_line_not_found');
  elsif handled > 0 then
    perform sambatan.refuse('statement_line_handled');
  elsif allocated < cardinality(wanted) then
    perform sambatan.refuse('statement_line_not_divided');
  elsif exists (select 1 from sambatan.statement_line_parts s
    where s.line_id = any (wanted) and s.campaign_id <> all (locked))
  then
    raise exception using errcode = '40001', message = 'a line was divided anew meanwhile';
  end if;
  update sambatan.statement_line_parts s set amount = s.amount + l.amount - d.total
    from sambatan.statement_lines l, lateral (
      select sum(o.amount) as total, min(o.part) as first from sambatan.statement_line_parts o
      where o.line_id = l.line_id) d
    where l.line_id = any (wanted) and s.line_id = l.line_id and s.part = d.first
      and d.total < l.amount;

  for r in
    select s.campaign_id, s.participation_id, sum(s.amount)::bigint as amount,
      (array_agg(s.line_id || case when s.part > 1 then ':' || s.part else '' end
        order by l.booked_on, l.position, l.line_id))[1] as receipt,
      left(string_agg(l.description, ' + ' order by l.booked_on, l.position, l.line_id), 200)
        as description,
      (array_agg(l.booked_at order by l.booked_on desc, l.booked_at desc nulls first))[1]
        as booked_at,
      max(l.booked_on) as booked_on
    from sambatan.statement_line_parts s
    join sambatan.statement_lines l on l.line_id = s.line_id
    where s.line_id = any (wanted)
    group by s.campaign_id, s.participation_id
    order by s.campaign_id, s.participation_id
  loop
    result := sambatan.count_money(sambatan.lock_campaign(r.campaign_id), r.participation_id,
      r.amount, p_refund, p_actor, r.description, 'line:' || r.receipt, r.booked_at, r.booked_on);
    update sambatan.statement_line_parts set outcome = result.outcome,
        participation_id = result.participation_id, receipt = 'line:' || r.receipt
      where line_id = any (wanted) and campaign_id = r.campaign_id
        and participation_id = r.participation_id and outcome is null;
  end loop;
  perform sambatan.close_lines(wanted, p_actor);
end
$$;

-- Marks lines as handled once their parts are counted. If a line has a single part, the
-- participation of that part is stored in the line too.
create or replace function sambatan.close_lines(p_line_ids uuid[], p_actor text)
returns void language sql as $$
  update sambatan.statement_lines l set status = 'matched', handled_by = p_actor,
    handled_at = clock_timestamp(),
    campaign_id = case when d.parts = 1 then d.campaign_id end,
    participation_id = case when d.parts = 1 then d.participation_id end,
    outcome = case when d.parts = 1 then d.outcome else 'divided' end
  from (select s.line_id, count(*) as parts, (array_agg(s.campaign_id))[1] as campaign_id,
      (array_agg(s.participation_id))[1] as participation_id, min(s.outcome) as outcome
    from sambatan.statement_line_parts s where s.line_id = any (p_line_ids) group by s.line_id) d
  where l.line_id = d.line_id
$$;

-- Assigns a line to the participation that a person has chosen. If this line, together with other
-- uncounted lines for the same participation, pays what the participation owes, the lines are
-- counted at once. An amount that is too little stays uncounted until the rest arrives; if p_refund
-- is true, it is refunded instead. Refuses: campaign_not_found, statement_line_handled,
-- statement_line_not_found, and the codes of receive_money.
create or replace function sambatan.assign_line(
  p_line_id uuid, p_campaign_id uuid, p_participation_id uuid, p_refund boolean, p_actor text
) returns sambatan.statement_lines language plpgsql as $$
declare
  -- Locks the campaign before it reads the manual verifications, because at this moment a person
  -- may be verifying the same amount manually.
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  waiting constant uuid[] := array(select s.line_id from sambatan.statement_line_parts s
    join sambatan.statement_lines o on o.line_id = s.line_id
    where s.campaign_id = p_campaign_id and s.participation_id = p_participation_id
      and s.outcome is null and o.status = 'allocated' and s.amount = o.amount
      and o.line_id <> p_line_id);
  l sambatan.statement_lines;
  total bigint;
  paid timestamptz;
begin
  perform 1 from sambatan.statement_lines where line_id = any (waiting || p_line_id)
    order by line_id for update;
  l := sambatan.open_line(p_line_id);
  l := sambatan.allocate_line(p_line_id, array[p_campaign_id], array[p_participation_id],
    array[l.amount], p_actor);
  select l.amount + coalesce(sum(o.amount), 0),
      sambatan.paid_moment(null, greatest(l.booked_on, max(o.booked_on)), clock_timestamp())
    into total, paid from sambatan.statement_lines o
    where o.line_id = any (waiting) and o.status = 'allocated';
  if sambatan.manually_verified_for(c, p_participation_id, l.amount,
    sambatan.paid_moment(l.booked_at, l.booked_on, clock_timestamp())) is not null
  then
    perform sambatan.count_lines(array[p_line_id], true, p_actor);
  elsif coalesce(sambatan.missing_of(c, p_participation_id, total, paid), 0) = 0 then
    perform sambatan.count_lines(array(select o.line_id from sambatan.statement_lines o
      where o.line_id = any (waiting || p_line_id) and o.status = 'allocated'), true, p_actor);
  elsif p_refund then
    perform sambatan.count_lines(array[p_line_id], true, p_actor);
  end if;
  select * into strict l from sambatan.statement_lines where line_id = p_line_id;
  return l;
end
$$;

-- Counts each open line for which exactly one payment fits, in the order of the statement. Leaves
-- the other lines to a person, and records whether no payment or several payments fit. Returns the
-- lines that were counted.
create or replace function sambatan.match_lines(p_line_ids uuid[], p_actor text)
returns setof sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
  fits record;
  result record;
begin
  perform 1 from sambatan.campaigns c
    where c.campaign_id in (
      select f.campaign_id from sambatan.statement_lines o
      cross join lateral sambatan.payments_for(o.account_id, o.amount, o.booked_on) f
      where o.line_id = any (p_line_ids))
    order by c.campaign_id for no key update;
  perform 1 from sambatan.statement_lines where line_id = any (p_line_ids)
    order by line_id for update;
  for l in select * from sambatan.statement_lines
    where line_id = any (p_line_ids) and status in ('unmatched', 'ambiguous')
      and duplicate_of is null
    order by booked_on, position nulls first, line_id
  loop
    select count(*) as payments, (array_agg(f.campaign_id))[1] as campaign_id,
        (array_agg(f.participation_id))[1] as participation_id
      into fits
      from sambatan.payments_for(l.account_id, l.amount, l.booked_on) f;
    if fits.payments = 1 then
      result := sambatan.count_money(sambatan.lock_campaign(fits.campaign_id),
        fits.participation_id, l.amount, true, p_actor, left(l.description, 200),
        'line:' || l.line_id, l.booked_at, l.booked_on);
      insert into sambatan.statement_line_parts (line_id, part, campaign_id, participation_id,
          amount, assigned_by, assigned_at, outcome, receipt)
        values (l.line_id, 1, fits.campaign_id, result.participation_id, l.amount, p_actor,
          clock_timestamp(), result.outcome, 'line:' || l.line_id);
      update sambatan.statement_lines set status = 'matched', campaign_id = fits.campaign_id,
          participation_id = result.participation_id, outcome = result.outcome,
          handled_by = p_actor, handled_at = clock_timestamp()
        where line_id = l.line_id
        returning * into l;
      return next l;
    else
      update sambatan.statement_lines
        set status = case when fits.payments = 0 then 'unmatched'
          else 'ambiguous' end::sambatan.statement_line_status
        where line_id = l.line_id;
    end if;
  end loop;
end
$$;

-- Returns whether buyers of a campaign can pay once it is open: to a receiving account, or through
-- an online provider. A campaign whose payments are due on completion may open without either.
create or replace function sambatan.can_collect(c sambatan.campaigns, p_pays_online boolean)
returns boolean language sql stable as $$
  select c.payment_timing <> 'upfront' or p_pays_online
    or exists (select 1 from sambatan.receiving_accounts where is_active)
$$;

-- Opens a draft or scheduled campaign for joins, now. Refuses: campaign_not_found,
-- transition_not_allowed, deadline_passed, and receiving_account_missing if buyers must pay before
-- the campaign closes and there is no way to pay.
create or replace function sambatan.open_campaign(
  p_campaign_id uuid, p_actor text, p_pays_online boolean default false
)
returns sambatan.audit_logs language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('draft', 'scheduled') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_opened'));
  elsif now_at >= c.deadline and p_actor <> 'system' then
    perform sambatan.refuse('deadline_passed');
  elsif p_actor <> 'system' and not sambatan.can_collect(c, p_pays_online) then
    perform sambatan.refuse('receiving_account_missing');
  end if;
  update sambatan.campaign_states set status = 'active', next_run_at = c.deadline
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set status = 'active', opened_at = now_at
    where campaign_id = p_campaign_id;
  return sambatan.record_event(p_campaign_id, 'campaign_opened', p_actor, now_at);
end
$$;

-- Moves the deadline of an active or full campaign to a later time. Buyers who joined before this
-- change may cancel from now on, whether they have paid or not: see cancellable_participation.
-- Refuses: campaign_not_found, transition_not_allowed, campaign_closing, deadline_passed,
-- deadline_not_later.
create or replace function sambatan.extend_deadline(
  p_campaign_id uuid, p_deadline timestamptz, p_reason text, p_actor text
) returns sambatan.audit_logs language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('active', 'locked') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'deadline_extended'));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif now_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  elsif p_deadline <= c.deadline then
    perform sambatan.refuse('deadline_not_later', jsonb_build_object('deadline', c.deadline));
  end if;
  -- next_run_at does not change, because a hold or an offer may end between the old deadline and
  -- the new one. A lifecycle run that is too early changes nothing.
  update sambatan.campaign_details set deadline = p_deadline, extended_at = now_at
    where campaign_id = p_campaign_id;
  -- If a hold was shorter than hold_seconds only because of the old deadline, it is extended, up to
  -- the new deadline.
  update sambatan.participants set updated_at = now_at, hold_expires_at = greatest(
      hold_expires_at, least(joined_at + c.hold_seconds * interval '1 second', p_deadline))
    where campaign_id = p_campaign_id and status = 'pending_payment'
      and hold_expires_at = c.deadline;
  update sambatan.transactions t set pay_by = p.hold_expires_at
    from sambatan.participants p
    where t.campaign_id = p_campaign_id and p.campaign_id = p_campaign_id
      and t.kind = 'payment' and t.participation_id = p.participation_id
      and t.status in ('due', 'rejected') and p.status = 'pending_payment'
      and t.pay_by < p.hold_expires_at;
  return sambatan.record_event(p_campaign_id, 'deadline_extended', p_actor, now_at, null,
    jsonb_build_object('from', c.deadline, 'to', p_deadline, 'reason', p_reason));
end
$$;

-- Cancels a campaign. A campaign that was never open ends at once. A campaign that accepted joins
-- is marked as closing and accepts no more joins; settle_campaign then makes its refunds due and
-- ends it. Returns true if it has ended. Refuses: campaign_not_found, transition_not_allowed,
-- campaign_closing.
create or replace function sambatan.cancel_campaign(
  p_campaign_id uuid, p_reason text, p_actor text
) returns boolean language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('draft', 'scheduled', 'active', 'locked', 'verifying') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_cancelled'));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status in ('active', 'locked', 'verifying') then
    update sambatan.campaign_states set closing_outcome = 'cancelled', closing_actor = p_actor,
        closing_reason = p_reason, next_run_at = now_at, updated_at = now_at
      where campaign_id = p_campaign_id;
    update sambatan.campaign_details set slots_at_close = c.filled_slots
      where campaign_id = p_campaign_id;
    return false;
  end if;
  update sambatan.campaign_states set status = 'cancelled', next_run_at = null
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set status = 'cancelled', cancelled_at = now_at,
      slots_at_close = 0
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'campaign_cancelled', p_actor, now_at, null,
    jsonb_build_object('reason', p_reason));
  return true;
end
$$;

-- Returns the platform's share of an amount, in whole rupiah. A basis point is a hundredth of a
-- percent. The result is rounded half to even. The formula splits the amount first, because 10^15
-- rupiah times 10^4 basis points does not fit into a bigint.
create or replace function sambatan.platform_fee(p_amount bigint, p_basis_points integer)
returns bigint language sql immutable parallel safe as $$
  select q + case when 2 * r > 10000 or (2 * r = 10000 and q % 2 = 1) then 1 else 0 end
  from (
    select p_amount / 10000 * p_basis_points + p_amount % 10000 * p_basis_points / 10000 as q,
      p_amount % 10000 * p_basis_points % 10000 as r
  ) d
$$;

-- Stores the rows that settle_step collected for one or more campaigns, except the rows of the
-- campaigns themselves. It uses one SQL statement per table: PostgreSQL prepares the checks,
-- indexes and keys of a table once per SQL statement, which takes several times as long as writing
-- a row.
create or replace function sambatan.apply_writes(p_writes sambatan.pending_writes)
returns void language plpgsql set enable_seqscan = off as $$
begin
  if p_writes.moves <> '{}' then
    update sambatan.participants p set status = m.status, updated_at = m.moved_at,
      confirmed_at = case m.status when 'confirmed' then m.moved_at else p.confirmed_at end,
      cancelled_at = case m.status when 'cancelled' then m.moved_at end,
      cancel_reason = case m.status when 'cancelled' then 'hold_lapsed' end,
      refunded_at = case m.status when 'refunded' then m.moved_at end
    from unnest(p_writes.moves) m
    where p.campaign_id = m.campaign_id and p.participation_id = m.participation_id;
  end if;
  if p_writes.dues <> '{}' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, pay_by)
    select campaign_id, kind, 'due', participation_id, amount, cause, actor, created_at, pay_by
    from unnest(p_writes.dues);
  end if;
  if p_writes.entries <> '{}' then
    insert into sambatan.audit_logs select * from unnest(p_writes.entries);
  end if;
end
$$;

-- Runs one short step: computes the new status of up to p_limit participations of a campaign, and
-- collects their audit rows and the ledger rows that become due. Returns the number of these
-- participations. While the campaign is being closed, each participation gets the status that
-- follows from the outcome. Before that, the step only cancels participations whose hold has
-- lapsed. A full campaign then accepts joins again; the caller records that event. The caller has
-- locked the campaign's row and stores c and the writes.
create or replace function sambatan.settle_participants(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out settled integer,
  out writes sambatan.pending_writes
) language plpgsql set enable_seqscan = off as $$
declare
  by_actor constant text := coalesce(c.closing_actor, 'system');
  by_kind constant sambatan.actor_kind := sambatan.actor_kind_of(by_actor);
  by_id constant uuid := sambatan.actor_id_of(by_actor);
  logged_at constant timestamptz := greatest(p_at, c.updated_at);
  s record;
begin
  settled := 0;
  writes := row('{}', '{}', '{}');
  -- Preparing the statement below takes longer than running it for a few participations.
  if c.participant_count = 0 then
    return;
  end if;
  with picked as materialized (
    select p.participation_id, p.quantity, p.salt, p.status as from_status,
      case when c.closing_outcome = 'fulfilled' then
        case when c.payment_timing = 'on_completion' then 'confirmed' else 'cancelled' end
      when c.closing_outcome is null then 'cancelled'
      else 'refunded' end::sambatan.participant_status as to_status
    from (
      (select participation_id, quantity, salt, status from sambatan.participants
      where c.closing_outcome is null and campaign_id = c.campaign_id and status = 'pending_payment'
        and hold_expires_at <= p_at - c.hold_grace_seconds * interval '1 second'
      order by hold_expires_at, participation_id limit p_limit)
      union all
      (select participation_id, quantity, salt, status from sambatan.participants
      where c.closing_outcome is not null and campaign_id = c.campaign_id
        and participation_id > coalesce(c.closed_until, '00000000-0000-0000-0000-000000000000')
        and (status = 'pending_payment'
          or (status = 'confirmed' and c.closing_outcome <> 'fulfilled'))
      order by participation_id limit p_limit)
    ) p
  ), money as (
    -- If the campaign completes, the payments of its participations become due. If it fails or is
    -- cancelled, refunds of the paid money become due. Amounts whose refund is already due or sent
    -- are subtracted.
    select row(c.campaign_id, 'payment', k.participation_id, k.quantity * c.price_per_slot,
      'payment:' || k.participation_id, by_actor, p_at,
      p_at + (c.payment_term_seconds + c.payment_grace_seconds) * interval '1 second')
      ::sambatan.due_ledger_entry as due
    from picked k where k.to_status = 'confirmed'
    union all
    select row(c.campaign_id, 'refund', k.participation_id, t.amount + t.surcharge - b.given_back,
      'refund:' || k.participation_id, by_actor, p_at, null)::sambatan.due_ledger_entry
    from picked k
    join sambatan.transactions t on t.campaign_id = c.campaign_id
      and t.cause = 'payment:' || k.participation_id and t.status = 'settled'
    cross join lateral (
      select coalesce(sum(x.amount), 0)::bigint as given_back from sambatan.transactions x
      where x.campaign_id = c.campaign_id and x.participation_id = k.participation_id
        and x.kind = 'refund' and x.status <> 'void'
        and x.cause !~ '^(refund:credit|again|doubled):') b
    where k.to_status = 'refunded' and k.from_status = 'confirmed'
      and t.amount + t.surcharge > b.given_back
  ), events as materialized (
    select e.*, sum(case when to_status = 'confirmed' then 0 else quantity end)
        over (order by n) as slots_freed
    from (select k.*, row_number() over (order by participation_id) as n
      from picked k) e
  ), entries as materialized (
    select c.audit_seq + e.n as seq, e.participation_id,
      ('participant_' || e.to_status)::sambatan.audit_event as event,
      case when e.to_status = 'confirmed' then 0 else -e.quantity end as slots,
      (c.filled_slots - e.slots_freed)::integer as slots_taken,
      coalesce(e.salt, sambatan.new_salt()) as salt,
      jsonb_strip_nulls(jsonb_build_object('quantity', e.quantity,
        'reason', case when e.to_status = 'cancelled' then 'hold_lapsed' end)) as metadata
    from events e
  ), committed as materialized (
    select e.*, sha256(e.salt || sambatan.private_record(e.participation_id, logged_at, by_kind, by_id,
      e.event, e.metadata)) as commitment
    from entries e
  ), log as (
    select max(seq) as seq, array_agg(row(c.campaign_id, seq, logged_at, participation_id, by_id,
        c.price_per_slot, event, by_kind, slots, slots_taken, c.total_slots, commitment,
        sambatan.leaf_hash(sambatan.public_record(seq, logged_at, event, slots, slots_taken,
          c.total_slots, c.price_per_slot, commitment)), metadata)::sambatan.audit_logs
      order by seq) as entries
    from committed
  ), sums as (
    select count(*)::integer as n, (array_agg(participation_id order by participation_id desc))[1]
        as last,
      coalesce(sum(quantity) filter (where to_status <> 'confirmed'), 0)::integer as freed,
      (count(*) filter (where to_status <> 'confirmed'))::integer as left_count,
      coalesce(sum(quantity) filter (where to_status = 'confirmed'), 0)::integer as confirmed,
      coalesce(sum(quantity) filter (where from_status = 'confirmed'), 0)::integer as unconfirmed
    from picked
  )
  select sums.*, log.*,
    (select array_agg(row(c.campaign_id, participation_id, to_status, p_at)
      ::sambatan.participation_change) from picked) as moves,
    (select array_agg(due) from money) as dues
    into s from sums, log;

  settled := s.n;
  writes := row(coalesce(s.moves, '{}'), coalesce(s.dues, '{}'), coalesce(s.entries, '{}'));
  if settled = 0 then
    return;
  end if;
  c.filled_slots := c.filled_slots - s.freed;
  c.participant_count := c.participant_count - s.left_count;
  c.confirmed_slots := c.confirmed_slots + s.confirmed - s.unconfirmed;
  if c.closing_outcome is null then
    c.status := 'active';
    c.filled_at := null;
  else
    c.closed_until := s.last;
  end if;
  c.audit_seq := s.seq;
  c.logged_slots := c.filled_slots;
  c.updated_at := logged_at;
end
$$;

-- Brings one campaign to the state that it should have now. Opens it at its opening time, lets
-- holds and offers lapse, and decides its outcome at the deadline; if p_complete_full is true, it
-- succeeds as soon as it is full. Then closes it in steps of at most p_limit participations and
-- waiting entries. At the deadline of an upfront campaign, the decision waits while it is possible
-- that the service finds payments that were made in time, at most for the verification period. A
-- scheduled upfront campaign does not open while buyers have no way to pay; a later run tries
-- again. p_pays_online is true if buyers can pay through a provider. The caller has locked the
-- campaign's row. The caller stores c with store_campaigns, so that the row is written only once if
-- the campaign closes in one step, and stores the writes with apply_writes.
--
-- Returns the audit rows of the campaign's status changes, the number of settled participations and
-- entries, and in `more` whether another call (in a new transaction) is needed to finish.
create or replace function sambatan.settle_step(
  inout c sambatan.campaigns, p_complete_full boolean, p_limit integer, p_pays_online boolean,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean,
  out writes sambatan.pending_writes
) language plpgsql as $$
declare
  r record;
  now_at timestamptz;
  was_full boolean;
  counted integer;
  next_at timestamptz;
  verified_at timestamptz;
  amount bigint;
begin
  transitions := '{}';
  settled := 0;
  more := false;
  writes := row('{}', '{}', '{}');
  now_at := clock_timestamp();

  if c.status = 'scheduled' and c.opens_at <= now_at and now_at < c.deadline
    and not sambatan.can_collect(c, p_pays_online)
  then
    c.next_run_at := least(c.deadline, now_at + interval '1 minute');
    return;
  elsif c.status = 'scheduled' and c.opens_at <= now_at then
    transitions := transitions || sambatan.open_campaign(c.campaign_id, 'system');
    select * into c from sambatan.campaigns t where t.campaign_id = c.campaign_id;
    -- In the audit log, the next events follow the opening, so their time must not be earlier than
    -- the time of the opening.
    now_at := clock_timestamp();
  end if;
  if c.status = 'fulfilled' and c.closing_outcome is null then
    select * into r from sambatan.settle_after_success(c, now_at, p_limit);
    c := r.c;
    transitions := r.transitions;
    settled := r.settled;
    more := r.more;
    return;
  elsif c.status not in ('active', 'locked', 'verifying') and c.closing_outcome is null then
    return;
  end if;

  if c.closing_outcome is null and now_at < c.deadline then
    was_full := c.status = 'locked';
    select * into r from sambatan.settle_participants(c, now_at, p_limit);
    c := r.c;
    settled := r.settled;
    -- Stores the writes at once, because the next SQL statements read them.
    perform sambatan.apply_writes(r.writes);
    if settled > 0 and was_full then
      select * into r
        from sambatan.append_event(c, 'campaign_reopened', 'system', now_at, null, '{}');
      c := r.c;
      transitions := transitions || r.entry;
    end if;
    if c.waiting_entries > 0 then
      select * into r from sambatan.settle_waiting(c, now_at, p_limit - settled);
      c := r.c;
      settled := settled + r.lapsed;
    end if;
  end if;

  if c.closing_outcome is null then
    counted := case when c.payment_timing = 'upfront' then c.confirmed_slots
      else c.filled_slots end;
    verified_at := c.deadline + c.verification_seconds * interval '1 second';
    if now_at >= c.deadline and c.payment_timing = 'upfront' and now_at < verified_at
      and sambatan.awaits_payments(c)
    then
      -- The lifecycle checks this campaign again after ten minutes. In the meantime a person may
      -- mark a statement line as ignored, which can decide payments of many campaigns and does not
      -- start a lifecycle run.
      c.next_run_at := least(verified_at, now_at + interval '10 minutes');
      if c.status <> 'verifying' then
        c.status := 'verifying';
        c.verifying_at := now_at;
        select * into r from sambatan.append_event(c, 'campaign_verifying', 'system', now_at, null,
          jsonb_build_object('until', verified_at));
        c := r.c;
        transitions := transitions || r.entry;
      end if;
      return;
    elsif now_at >= c.deadline then
      c.closing_outcome := case when counted >= c.minimum_slots then 'fulfilled' else 'expired' end;
    elsif p_complete_full and c.status = 'locked' and counted = c.total_slots then
      c.closing_outcome := 'fulfilled';
    else
      select least(c.deadline, min(p.hold_expires_at) + c.hold_grace_seconds * interval '1 second')
        into next_at from sambatan.participants p
        where p.campaign_id = c.campaign_id and p.status = 'pending_payment'
          and p.hold_expires_at is not null;
      if c.waiting_entries > 0 then
        next_at := least(next_at, sambatan.waiting_next_run_at(c, now_at));
      end if;
      c.next_run_at := next_at;
      more := settled = p_limit;
      return;
    end if;
    c.slots_at_close := c.filled_slots;
    c.closing_actor := 'system';
    c.next_run_at := now_at;
  end if;

  settled := 0;
  -- After a campaign succeeds, its waiting list stays open. Slots of orders that are not paid are
  -- offered to the buyers on it.
  if c.waiting_entries > 0 and c.closing_outcome <> 'fulfilled' then
    select * into r from sambatan.close_waiting(c, now_at, p_limit);
    c := r.c;
    settled := r.closed;
  end if;
  select * into r from sambatan.settle_participants(c, now_at, p_limit - settled);
  c := r.c;
  settled := settled + r.settled;
  writes := r.writes;
  if settled = p_limit then
    more := true;
    return;
  end if;

  if c.closing_outcome = 'fulfilled' then
    c.slots_at_close := c.filled_slots;
    amount := c.confirmed_slots * c.price_per_slot;
    amount := amount - sambatan.platform_fee(amount, c.platform_fee_basis_points);
    if amount > 0 then
      writes.dues := writes.dues || row(c.campaign_id, 'payout', null, amount, 'payout',
        c.closing_actor, now_at, null)::sambatan.due_ledger_entry;
    end if;
  elsif c.status = 'fulfilled' then
    update sambatan.transactions set status = 'void', reason = c.closing_reason
      where campaign_id = c.campaign_id and kind = 'payout' and status = 'due';
  end if;
  select * into r from sambatan.next_event(c,
    case when c.closing_outcome = 'fulfilled' then 'campaign_completed'
      when c.closing_outcome = 'expired' then 'campaign_failed' else 'campaign_cancelled' end,
    c.closing_actor, now_at, null,
    jsonb_strip_nulls(jsonb_build_object('slots_taken', c.slots_at_close,
      'reason', c.closing_reason, 'payout', amount)));
  c := r.c;
  writes.entries := writes.entries || r.entry;
  transitions := transitions || r.entry;
  if c.closing_outcome = 'fulfilled' then
    c.completed_at := now_at;
  elsif c.closing_outcome = 'expired' then
    c.failed_at := now_at;
  else
    c.cancelled_at := now_at;
  end if;
  c.status := c.closing_outcome;
  c.closing_outcome := null;
  c.closing_actor := null;
  c.closing_reason := null;
  c.closed_until := null;
  c.next_run_at := null;
  if c.status = 'fulfilled' and c.waiting_entries > 0 then
    -- Slots that nobody paid for by the deadline are offered at once. The rest of the waiting list
    -- is settled in another transaction. Paid entries get their slots in this transaction too.
    -- Assigning these slots needs the ledger rows that the closing created, so these rows are
    -- stored first.
    if exists (select 1 from sambatan.waiting_entries where campaign_id = c.campaign_id
      and status = 'waiting' and refund_id is not null)
    then
      perform sambatan.apply_writes(writes);
      writes := row('{}', '{}', '{}');
    end if;
    c := sambatan.renew_offers(c, now_at);
    c := sambatan.offer_slots(c, now_at);
    c.next_run_at := now_at;
  elsif c.status = 'fulfilled' and c.payment_timing = 'on_completion' then
    c.next_run_at := now_at
      + (c.payment_term_seconds + c.payment_grace_seconds) * interval '1 second';
  end if;
end
$$;

-- Stores the campaigns that settle_step or offer_slots changed, in one SQL statement per table. The
-- caller has locked their rows. PostgreSQL prepares the checks of a table once per SQL statement,
-- which takes several times as long as writing a row.
create or replace function sambatan.store_campaigns(p_campaigns sambatan.campaigns[])
returns void language sql as $$
  update sambatan.campaign_states as t set
    status = s.status, filled_slots = s.filled_slots, confirmed_slots = s.confirmed_slots,
    participant_count = s.participant_count, waiting_entries = s.waiting_entries,
    reserved_slots = s.reserved_slots, audit_seq = s.audit_seq, logged_slots = s.logged_slots,
    updated_at = s.updated_at, next_run_at = s.next_run_at, closing_outcome = s.closing_outcome,
    closing_actor = s.closing_actor, closing_reason = s.closing_reason,
    closed_until = s.closed_until
  from unnest(p_campaigns) s
  where t.campaign_id = s.campaign_id
    and (t.audit_seq, t.next_run_at, t.closing_outcome, t.reserved_slots)
      is distinct from (s.audit_seq, s.next_run_at, s.closing_outcome, s.reserved_slots);
  update sambatan.campaign_details as t set
    status = s.status, slots_at_close = s.slots_at_close, filled_at = s.filled_at,
    verifying_at = s.verifying_at, decision_opened_at = s.decision_opened_at,
    completed_at = s.completed_at, failed_at = s.failed_at, cancelled_at = s.cancelled_at
  from unnest(p_campaigns) s
  where t.campaign_id = s.campaign_id
    and (t.status, t.slots_at_close, t.filled_at, t.decision_opened_at)
      is distinct from (s.status, s.slots_at_close, s.filled_at, s.decision_opened_at)
$$;

-- Runs settle_step for one campaign. Locks the campaign's row and checks again what is due, so
-- several workers may call it at the same time. Skips a row that another transaction has locked.
create or replace function sambatan.settle_campaign(
  p_campaign_id uuid, p_complete_full boolean, p_limit integer,
  p_process_clock timestamptz default null, p_pays_online boolean default false,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean
) language plpgsql as $$
begin
  select s.transitions, s.settled, s.more into transitions, settled, more
    from sambatan.settle_campaigns(array[p_campaign_id], p_complete_full, p_limit, p_process_clock,
      p_pays_online) s;
end
$$;

-- Returns the maximum difference between the clocks of the database and of a process. If the
-- difference is larger, no campaign is closed.
create or replace function sambatan.clock_tolerance()
returns interval language sql immutable parallel safe as $$ select interval '30 seconds' $$;

-- Settles several campaigns in one transaction, so that many campaigns that are due in the same
-- second need only one commit. Locks each row and checks again what is due, so several workers may
-- call it at the same time. Skips a row that another transaction has locked. Returns one row per
-- campaign. p_limit applies to all campaigns together, because their rows stay locked until the
-- commit. A campaign that is not processed because the limit was reached has more = true and must
-- be passed again.
--
-- p_process_clock is the time of the calling process. Closing cannot be undone, so nothing is
-- closed while that clock and the database's clock differ by more than clock_tolerance. Refuses:
-- clock_skewed.
create or replace function sambatan.settle_campaigns(
  p_campaign_ids uuid[], p_complete_full boolean, p_limit integer,
  p_process_clock timestamptz default null, p_pays_online boolean default false
) returns table (
  campaign_id uuid, transitions sambatan.audit_logs[], settled integer, more boolean
) language plpgsql as $$
declare
  left_over integer := p_limit;
  c sambatan.campaigns;
  r record;
  changed sambatan.campaigns[] := '{}';
  moves sambatan.participation_change[] := '{}';
  dues sambatan.due_ledger_entry[] := '{}';
  entries sambatan.audit_logs[] := '{}';
  skew constant interval := clock_timestamp() - p_process_clock;
begin
  if greatest(skew, -skew) > sambatan.clock_tolerance() then
    perform sambatan.refuse('clock_skewed',
      jsonb_build_object('seconds', round(extract(epoch from skew))));
  end if;
  foreach campaign_id in array p_campaign_ids loop
    transitions := '{}';
    settled := 0;
    more := left_over <= 0;
    if not more then
      select * into c from sambatan.campaigns t where t.campaign_id = settle_campaigns.campaign_id
        for no key update skip locked;
      if found then
        select * into r from sambatan.settle_step(c, p_complete_full, left_over,
          p_pays_online);
        c := r.c;
        changed := changed || c;
        moves := moves || (r.writes).moves;
        dues := dues || (r.writes).dues;
        entries := entries || (r.writes).entries;
        transitions := r.transitions;
        settled := r.settled;
        more := r.more;
        left_over := left_over - settled;
      end if;
    end if;
    return next;
  end loop;
  perform sambatan.apply_writes(row(moves, dues, entries));
  perform sambatan.store_campaigns(changed);
end
$$;

-- Cancels a confirmed order of a completed campaign that was not paid in time, and frees its slots
-- for the waiting list. The outcome of the campaign stays as it was. The payment stays open, so
-- that a later transfer is recognized and refunded. The caller has locked the campaign's row and
-- stores c.
create or replace function sambatan.cancel_unpaid(
  inout c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) language plpgsql as $$
declare
  r record;
begin
  update sambatan.participants set status = 'cancelled', cancelled_at = p_at,
      cancel_reason = 'unpaid', updated_at = p_at
    where campaign_id = c.campaign_id and participation_id = p.participation_id;
  c.filled_slots := c.filled_slots - p.quantity;
  c.confirmed_slots := c.confirmed_slots - p.quantity;
  c.participant_count := c.participant_count - 1;
  select * into r from sambatan.append_event(c, 'participant_cancelled', p_actor, p_at,
    p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', 'unpaid'));
  c := r.c;
end
$$;

-- Returns the orders of a completed campaign that are still unpaid. Each row has the participation,
-- the latest time to pay, and whether it is certain at p_at that the order was not paid in time. It
-- is certain once the statement of the account shows every transfer up to pay_by, or the
-- verification period after pay_by has ended.
create or replace function sambatan.open_orders(c sambatan.campaigns, p_at timestamptz)
returns table (participation_id uuid, pay_by timestamptz, is_unpaid boolean)
language sql stable as $$
  select t.participation_id, t.pay_by, t.pay_by <= p_at
    and (t.pay_by + c.verification_seconds * interval '1 second' <= p_at
      or (t.account_id is not null and not sambatan.may_still_arrive(t, t.pay_by)))
  from sambatan.transactions t
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id and p.status = 'confirmed'
  where t.campaign_id = c.campaign_id and t.kind = 'payment' and t.pay_by is not null
    and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
$$;

-- Returns the number of slots of a completed campaign that were paid, including those that the
-- seller could not deliver and those that were refunded after a dispute.
create or replace function sambatan.paid_slots(c sambatan.campaigns)
returns bigint language sql stable as $$
  select coalesce(sum(p.quantity), 0) from sambatan.participants p
  join sambatan.transactions t on t.campaign_id = p.campaign_id
    and t.cause = 'payment:' || p.participation_id and t.status = 'settled'
  where p.campaign_id = c.campaign_id
    and (p.refunded_at is null or p.refunded_at >= c.completed_at)
$$;

-- Runs one step for a completed campaign: cancels at most p_limit unpaid orders, lets unpaid offers
-- lapse, and offers the free slots to the waiting list. When no order and no offer can be paid any
-- more, closes the waiting list. If fewer slots were paid than the minimum because orders were not
-- paid, the seller must then decide whether the batch is made. Returns the same as settle_step. The
-- caller has locked the campaign's row and stores c.
create or replace function sambatan.settle_after_success(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean
) language plpgsql set enable_seqscan = off as $$
declare
  r record;
  p sambatan.participants;
  paid bigint;
begin
  transitions := '{}';
  settled := 0;
  more := false;
  -- Cancelling an unpaid order changes the amount of the payout. The amount must not change while
  -- the payout is being sent.
  if exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
    and t.kind = 'payout' and t.status = 'pending')
  then
    c.next_run_at := p_at + interval '10 minutes';
    return;
  end if;
  for p in select x.* from sambatan.open_orders(c, p_at) o
    join sambatan.participants x on x.campaign_id = c.campaign_id
      and x.participation_id = o.participation_id
    where o.is_unpaid order by o.participation_id limit p_limit
  loop
    c := sambatan.cancel_unpaid(c, p, p_at, 'system');
    settled := settled + 1;
  end loop;
  if settled > 0 then
    perform sambatan.store_campaigns(array[c]);
    perform sambatan.refresh_payout(c.campaign_id, p_at, 'system');
  end if;
  if c.waiting_entries > 0 then
    select * into r from sambatan.settle_waiting(c, p_at, p_limit - settled);
    c := r.c;
    settled := settled + r.lapsed;
  end if;
  more := settled = p_limit;

  select min(case when o.pay_by > p_at then o.pay_by
      else least(o.pay_by + c.verification_seconds * interval '1 second',
        p_at + interval '10 minutes') end) into c.next_run_at
    from sambatan.open_orders(c, p_at) o;
  if c.waiting_entries > 0 then
    c.next_run_at := least(c.next_run_at, sambatan.waiting_next_run_at(c, p_at));
  end if;
  if more then
    c.next_run_at := p_at;
  elsif c.next_run_at is null then
    select * into r from sambatan.close_waiting(c, p_at, p_limit - settled);
    c := r.c;
    settled := settled + r.closed;
    more := settled = p_limit;
    c.next_run_at := case when more then p_at end;
    paid := sambatan.paid_slots(c);
    if not more and c.decision_opened_at is null and paid < c.minimum_slots
      and exists (select 1 from sambatan.participants x where x.campaign_id = c.campaign_id
        and x.status = 'cancelled' and x.cancel_reason = 'unpaid')
      and sambatan.can_be_cancelled(c)
    then
      c.decision_opened_at := p_at;
      select * into r from sambatan.append_event(c, 'campaign_below_minimum', 'system', p_at, null,
        jsonb_build_object('paid_slots', paid, 'minimum_slots', c.minimum_slots,
          'until', p_at + c.decision_seconds * interval '1 second'));
      c := r.c;
      transitions := transitions || r.entry;
    elsif not more then
      -- The payout may have waited for an open offer or an unpaid order. All of these are decided
      -- now.
      perform sambatan.store_campaigns(array[c]);
      perform sambatan.release_when_received(c.campaign_id, p_at);
      select * into c from sambatan.campaigns x where x.campaign_id = c.campaign_id;
    end if;
  end if;
end
$$;

-- Returns whether any buyer of a campaign has received the goods. Counts orders that were refunded
-- afterwards too.
create or replace function sambatan.has_received_orders(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.status in ('fulfilled', 'refunded')
      and p.fulfilled_at is not null)
$$;

-- Returns whether a completed campaign can still be cancelled: it is not shipped, nobody has
-- received anything, and no payout is sent or is being sent.
create or replace function sambatan.can_be_cancelled(c sambatan.campaigns)
returns boolean language sql stable as $$
  select c.status = 'fulfilled' and c.closing_outcome is null and c.shipped_at is null
    and not sambatan.has_received_orders(c.campaign_id)
    and not exists (select 1 from sambatan.transactions t
      where t.campaign_id = c.campaign_id and t.kind = 'payout'
        and t.status in ('pending', 'settled'))
$$;

-- Decides whether a batch is made although fewer slots than its minimum were paid. During the first
-- decision_seconds, only the seller may decide. After that, an operator may decide too
-- (p_as_operator). If the batch is made, the campaign continues; otherwise the campaign is closed
-- as cancelled, and settle_campaign makes all refunds due. Returns whether it was cancelled.
-- Refuses: campaign_not_found, no_decision_open, decision_is_sellers, payout_settled_already,
-- goods_received_already, goods_shipped_already.
create or replace function sambatan.decide_below_minimum(
  p_campaign_id uuid, p_goes_on boolean, p_as_operator boolean, p_note text, p_actor text
) returns boolean language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status <> 'fulfilled' or c.closing_outcome is not null or c.decision_opened_at is null
    or c.decided_at is not null
  then
    perform sambatan.refuse('no_decision_open');
  elsif p_as_operator
    and now_at < c.decision_opened_at + c.decision_seconds * interval '1 second'
  then
    perform sambatan.refuse('decision_is_sellers', jsonb_build_object(
      'until', c.decision_opened_at + c.decision_seconds * interval '1 second'));
  elsif p_goes_on then
    update sambatan.campaign_details set decided_at = now_at where campaign_id = p_campaign_id;
    perform sambatan.record_event(p_campaign_id, 'campaign_continued', p_actor, now_at, null,
      jsonb_strip_nulls(jsonb_build_object('paid_slots', sambatan.paid_slots(c),
        'minimum_slots', c.minimum_slots, 'note', p_note)));
    perform sambatan.release_when_received(p_campaign_id, now_at);
    return false;
  elsif sambatan.has_received_orders(p_campaign_id) then
    perform sambatan.refuse('goods_received_already');
  elsif c.shipped_at is not null then
    perform sambatan.refuse('goods_shipped_already');
  elsif not sambatan.can_be_cancelled(c) then
    perform sambatan.refuse('payout_settled_already');
  end if;
  update sambatan.campaign_states set closing_outcome = 'cancelled', closing_actor = p_actor,
      closing_reason = 'below_minimum', next_run_at = now_at, updated_at = now_at
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set decided_at = now_at where campaign_id = p_campaign_id;
  return true;
end
$$;

-- Records that the seller has shipped the goods of a completed campaign. An order counts as
-- received if its buyer reports nothing for p_days days. A repeated call changes nothing. From now
-- on, no more slots are offered: the waiting list is closed and its buyers are notified, but open
-- offers can still be paid. Refuses: campaign_not_found, transition_not_allowed.
create or replace function sambatan.ship_campaign(
  p_campaign_id uuid, p_days integer, p_actor text
) returns void language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  closing record;
  ends_at constant timestamptz := now_at + p_days * interval '1 day';
begin
  if c.status <> 'fulfilled' then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_shipped'));
  elsif c.shipped_at is not null then
    return;
  end if;
  update sambatan.campaign_details
    set shipped_at = now_at, received_after = ends_at, receipts_due_at = ends_at
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'campaign_shipped', p_actor, now_at, null,
    jsonb_build_object('to', ends_at));
  if c.waiting_entries > 0 then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    closing := sambatan.close_waiting(c, now_at, c.waiting_entries, true);
    perform sambatan.store_campaigns(array[sambatan.offer_slots(closing.c, now_at)]);
  end if;
end
$$;

-- Runs one step: up to p_limit orders of a shipped campaign count as received, because their buyers
-- have reported nothing for the whole period after shipping. If an order was paid after it was
-- shipped, its period starts with the payment. Unpaid and disputed orders do not count as received.
-- Returns the number of these orders. Skips a row that another transaction has locked.
create or replace function sambatan.receive_unanswered(p_campaign_id uuid, p_limit integer)
returns integer language plpgsql as $$
declare
  c sambatan.campaigns;
  now_at timestamptz;
  p record;
  received integer := 0;
begin
  select * into c from sambatan.campaigns where campaign_id = p_campaign_id
    for no key update skip locked;
  now_at := clock_timestamp();
  if not found or c.receipts_due_at is null or c.receipts_due_at > now_at then
    return 0;
  elsif c.status <> 'fulfilled' then
    update sambatan.campaign_details set receipts_due_at = null where campaign_id = p_campaign_id;
    return 0;
  end if;
  for p in
    select o.participation_id, o.quantity from sambatan.participants o
    join sambatan.transactions t on t.campaign_id = p_campaign_id
      and t.cause = 'payment:' || o.participation_id and t.status = 'settled'
      and t.settled_at <= now_at - (c.received_after - c.shipped_at)
    where o.campaign_id = p_campaign_id and o.status = 'confirmed'
      and not exists (select 1 from sambatan.disputes d where d.campaign_id = p_campaign_id
        and d.participation_id = o.participation_id and d.resolved_at is null)
    order by o.participation_id limit p_limit
  loop
    update sambatan.participants
      set status = 'fulfilled', fulfilled_at = now_at, updated_at = now_at
      where campaign_id = p_campaign_id and participation_id = p.participation_id;
    perform sambatan.record_event(p_campaign_id, 'participant_fulfilled', 'system', now_at,
      p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', 'no_word'));
    received := received + 1;
  end loop;
  if received < p_limit then
    -- While offers are open, the next check is in an hour, because a buyer who pays an offer
    -- becomes a participant later.
    update sambatan.campaign_details set receipts_due_at = case when c.waiting_entries > 0 or exists (
        select 1 from sambatan.participants
        where campaign_id = p_campaign_id and status = 'confirmed')
      then now_at + interval '1 hour' end
      where campaign_id = p_campaign_id;
  end if;
  if received > 0 then
    perform sambatan.release_when_received(p_campaign_id, now_at);
  end if;
  return received;
end
$$;

-- Returns the progress of one campaign. progress is a percentage with two decimals,
-- total_contribution is in whole rupiah. Slots that are reserved for the waiting list are not
-- available. Returns no row for a campaign that does not exist.
create or replace function sambatan.campaign_progress(p_campaign_id uuid)
returns table (campaign_id uuid, total_slots integer, filled_slots integer,
  available_slots integer, progress numeric, participant_count integer,
  total_contribution bigint, status sambatan.campaign_status)
language sql stable as $$
  select c.campaign_id, c.total_slots, c.filled_slots,
    c.total_slots - c.filled_slots - c.reserved_slots,
    round(100.0 * c.filled_slots / c.total_slots, 2), c.participant_count,
    c.filled_slots * c.price_per_slot, c.status
  from sambatan.campaigns c where c.campaign_id = p_campaign_id
$$;

-- Returns the books of one campaign, in whole rupiah. The columns for money received are paid,
-- unique_codes, credits (paid too late, twice or too much) and returned (refunds and payouts that
-- came back). Money still to be received is in receivable, and in owed_back, which is the money
-- that buyers must send back after a duplicate refund. lost is money of duplicate refunds that was
-- written off; the platform bears it. Money sent is in refunds_settled and payouts_settled, and
-- money still to be sent in refunds_due and payouts_due. gross is the value of the slots to be
-- delivered, fee the platform's share of it in a completed campaign, and codes_kept the unique
-- codes that are not refunded with their payment. cash is the money in hand. It is negative if a
-- duplicate refund was paid with the money of other campaigns.
--
-- The books balance if
--   paid + unique_codes + credits + returned + receivable + owed_back + lost
--     = gross + codes_kept + payouts_returned + refunds_due + refunds_settled.
create or replace function sambatan.campaign_books(p_campaign_id uuid)
returns table (gross bigint, fee bigint, paid bigint, unique_codes bigint, credits bigint,
  returned bigint, payouts_returned bigint, receivable bigint, codes_kept bigint,
  refunds_due bigint, refunds_settled bigint, payouts_due bigint, payouts_settled bigint,
  cash bigint, owed_back bigint, lost bigint)
language sql stable as $$
  with sums as (
    select
      coalesce(sum(t.amount) filter (where t.kind = 'payment' and t.status = 'settled'), 0)
        as paid,
      coalesce(sum(t.amount) filter (where t.purpose = 'unique_code'), 0) as unique_codes,
      coalesce(sum(t.amount) filter (where t.purpose = 'credit'), 0) as credits,
      coalesce(sum(t.amount) filter (where t.purpose = 'reversal'
        or (t.purpose = 'overpaid_refund' and t.status = 'settled')), 0) as returned,
      coalesce(sum(t.amount) filter (where t.purpose = 'overpaid_refund' and t.status = 'due'), 0)
        as owed_back,
      coalesce(sum(t.amount) filter (where t.purpose = 'overpaid_refund' and t.status = 'void'), 0)
        as lost,
      coalesce(sum(t.amount) filter (where t.purpose = 'reversal'
        and t.participation_id is null), 0) as payouts_returned,
      coalesce(sum(t.amount) filter (where t.kind = 'payment'
        and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
        and p.status in ('confirmed', 'fulfilled')), 0) as receivable,
      coalesce(sum(t.surcharge) filter (where t.kind = 'payment' and t.status = 'settled'
        and p.status <> 'refunded'), 0) as codes_kept,
      coalesce(sum(t.amount) filter (where t.kind = 'refund'
        and t.status in ('due', 'pending')), 0) as refunds_due,
      coalesce(sum(t.amount) filter (where t.kind = 'refund' and t.status = 'settled'), 0)
        as refunds_settled,
      coalesce(sum(t.amount) filter (where t.kind = 'payout'
        and t.status in ('due', 'pending')), 0) as payouts_due,
      coalesce(sum(t.amount) filter (where t.kind = 'payout' and t.status = 'settled'), 0)
        as payouts_settled
    from sambatan.transactions t
    left join sambatan.participants p on p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id
    where t.campaign_id = p_campaign_id
  ), sold as (
    select c.status, c.platform_fee_basis_points, (c.confirmed_slots - coalesce((
        select sum(p.undelivered_slots) from sambatan.participants p
        where p.campaign_id = p_campaign_id and p.status in ('confirmed', 'fulfilled')), 0))
      * c.price_per_slot as gross
    from sambatan.campaigns c where c.campaign_id = p_campaign_id
  )
  select s.gross::bigint, case when s.status = 'fulfilled'
      then sambatan.platform_fee(s.gross::bigint, s.platform_fee_basis_points) else 0 end,
    paid::bigint, unique_codes::bigint, credits::bigint, returned::bigint,
    payouts_returned::bigint, receivable::bigint, codes_kept::bigint, refunds_due::bigint,
    refunds_settled::bigint, payouts_due::bigint, payouts_settled::bigint,
    (paid + unique_codes + credits + returned - refunds_settled - payouts_settled)::bigint,
    owed_back::bigint, lost::bigint
  from sold s cross join sums
$$;

-- Locks the campaign of a refund or payout and returns the ledger entry. Refuses:
-- movement_not_found.
create or replace function sambatan.lock_ledger_entry(p_transaction_id uuid, p_kind text)
returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions where transaction_id = p_transaction_id;
  if not found or t.kind::text <> p_kind then
    perform sambatan.refuse('movement_not_found');
  end if;
  perform sambatan.lock_campaign(t.campaign_id);
  select * into strict t from sambatan.transactions
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id;
  return t;
end
$$;

-- Settles a refund or payout whose money was sent, with the reference of the bank or provider. A
-- second call with the same reference changes nothing. An entry that was sent to a provider can be
-- settled only with the provider's reference, because only that provider may send the money. A
-- payout must be released and not disputed. The campaign's money in hand, less what it owes to
-- others, must be at least the amount of the payout. Refuses: movement_not_found,
-- movement_transition_not_allowed, refund_is_kept, payout_not_released, payout_disputed,
-- payout_not_covered.
create or replace function sambatan.settle_ledger_entry(
  p_transaction_id uuid, p_kind text, p_reference text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
  now_at constant timestamptz := clock_timestamp();
  free bigint;
begin
  if t.status = 'settled' and t.reference is not distinct from p_reference then
    return t;
  elsif t.status not in ('due', 'pending')
    or (t.status = 'pending' and p_reference is distinct from t.provider_reference)
  then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', p_kind || '_settled'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  if p_kind = 'payout' then
    perform sambatan.check_payout(t);
    -- The seller does not bear the cost of a duplicate refund.
    select b.cash + b.owed_back + b.lost - b.refunds_due - b.fee - b.codes_kept into free
      from sambatan.campaign_books(t.campaign_id) b;
    if free < t.amount then
      perform sambatan.refuse('payout_not_covered', jsonb_build_object('free', greatest(free, 0)));
    end if;
  end if;
  update sambatan.transactions set status = 'settled', settled_at = now_at, actor = p_actor,
      reference = p_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, p_kind || '_settled', p_actor, now_at,
    t.participation_id, jsonb_strip_nulls(jsonb_build_object('amount', t.amount,
      'provider', t.provider)));
  return t;
end
$$;

-- Settles several entries with settle_ledger_entry, all or none. Processes them in the order of the
-- campaigns' ids, because every transaction locks campaigns in that order.
create or replace function sambatan.settle_ledger_entries(
  p_transaction_ids uuid[], p_kind text, p_reference text, p_actor text
) returns setof sambatan.transactions language plpgsql as $$
declare
  id uuid;
begin
  for id in select u.id from unnest(p_transaction_ids) as u (id)
    left join sambatan.transactions t on t.transaction_id = u.id
    group by u.id, t.campaign_id order by t.campaign_id, u.id
  loop
    return next sambatan.settle_ledger_entry(id, p_kind, p_reference, p_actor);
  end loop;
end
$$;

-- Records that a refund could not be sent. The refund is due again, and the reason and the number
-- of attempts are stored. Refuses: movement_not_found, movement_transition_not_allowed,
-- refund_is_kept.
create or replace function sambatan.fail_refund(
  p_transaction_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'refund');
  now_at constant timestamptz := clock_timestamp();
begin
  if t.status not in ('due', 'pending') then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'refund_failed'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  update sambatan.transactions set status = 'due', attempts = attempts + 1, reason = p_reason,
      provider = null, provider_reference = null
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_failed', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason,
      'attempts', t.attempts));
  return t;
end
$$;

-- Records that money that was sent came back: adds an entry that reverses the refund or payout, and
-- makes the same amount due again. If one of two duplicate refunds came back, settles the overpaid
-- refund instead. The settled entry stays in the books. Returns the new entry, or the overpaid
-- refund. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.reverse_ledger_entry(
  p_transaction_id uuid, p_kind text, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t constant sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
  now_at constant timestamptz := clock_timestamp();
  again sambatan.transactions;
  overpaid uuid;
begin
  -- If one of two duplicate refunds came back, the buyer still has the other one, so nothing is due
  -- again.
  select x.transaction_id into overpaid from sambatan.transactions x
    where x.campaign_id = t.campaign_id and x.purpose = 'overpaid_refund'
      and x.status in ('due', 'void')
      and x.cause in ('overpaid:' || p_transaction_id, replace(t.cause, 'duplicate:', 'overpaid:'));
  if found then
    return sambatan.settle_overpaid_refund(overpaid, left(p_reason, 200), p_actor);
  end if;
  if t.status <> 'settled' or exists (select from sambatan.transactions
    where campaign_id = t.campaign_id and reverses = p_transaction_id)
  then
    perform sambatan.refuse('movement_transition_not_allowed', jsonb_build_object(
      'from', case when t.status = 'settled' then 'reversed' else t.status::text end,
      'event', p_kind || '_reversed'));
  end if;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at, purpose, reverses, reason)
    values (t.campaign_id, 'adjustment', 'settled', t.participation_id, t.amount,
      'reversal:' || p_transaction_id, p_actor, now_at, now_at, 'reversal', p_transaction_id,
      p_reason);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, attempts, reason, released_at)
    values (t.campaign_id, t.kind, 'due', t.participation_id, t.amount,
      'again:' || p_transaction_id, p_actor, now_at, t.attempts + 1, p_reason, t.released_at)
    returning * into again;
  perform sambatan.record_event(t.campaign_id, p_kind || '_reversed', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason));
  return again;
end
$$;

-- Marks a ledger entry as sent to a provider, with the provider's reference. The result is unknown
-- until the provider reports it. Success is recorded by receive_money for a payment, and by
-- settle_ledger_entry otherwise. Failure is recorded by mark_failed or fail_refund. Refuses:
-- movement_not_found, movement_transition_not_allowed, refund_is_kept.
create or replace function sambatan.mark_pending(
  p_transaction_id uuid, p_kind text, p_provider text, p_provider_reference text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
begin
  if t.status = 'pending' and (t.provider, t.provider_reference)
    = (p_provider, p_provider_reference)
  then
    return t;
  elsif t.status not in ('due', 'rejected') then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'pending'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  if p_kind = 'payout' then
    perform sambatan.check_payout(t);
  end if;
  update sambatan.transactions set status = 'pending', provider = p_provider,
      provider_reference = p_provider_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  return t;
end
$$;

-- Records that the provider has not executed a payment or transfer and will not execute it. The
-- ledger entry is due again. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.mark_failed(
  p_transaction_id uuid, p_kind text, p_reason text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
begin
  if t.status <> 'pending' then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'due'));
  end if;
  update sambatan.transactions set status = 'due', attempts = attempts + 1, reason = p_reason,
      provider = null, provider_reference = null
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.schedule_run(t.campaign_id, clock_timestamp());
  return t;
end
$$;

-- Returns whether the result of a completed campaign is still open: a buyer can still pay an offer,
-- the campaign is being closed, or somebody must decide whether the batch is made.
create or replace function sambatan.is_undecided(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.campaigns c where c.campaign_id = p_campaign_id
      and (c.closing_outcome is not null
        or (c.decision_opened_at is not null and c.decided_at is null)))
    or exists (select 1 from sambatan.waiting_entries e
      where e.campaign_id = p_campaign_id and e.status = 'offered')
$$;

-- Returns whether any order of a campaign is still unpaid.
create or replace function sambatan.has_open_orders(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.transactions t
    join sambatan.participants p on p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id and p.status = 'confirmed'
    where t.campaign_id = p_campaign_id and t.kind = 'payment'
      and t.status in ('due', 'proof_submitted', 'rejected', 'pending'))
$$;

-- Refuses if sending a payout is not allowed: payout_not_released, payout_disputed. The caller has
-- locked the campaign's row.
create or replace function sambatan.check_payout(t sambatan.transactions)
returns void language plpgsql as $$
begin
  if exists (select from sambatan.disputes
    where campaign_id = t.campaign_id and resolved_at is null)
  then
    perform sambatan.refuse('payout_disputed');
  elsif t.released_at is null then
    perform sambatan.refuse('payout_not_released');
  end if;
end
$$;

-- Marks the payouts of a campaign that are due as released. The caller has locked the campaign's
-- row.
create or replace function sambatan.release_due_payouts(
  p_campaign_id uuid, p_at timestamptz, p_actor text
) returns void language plpgsql as $$
declare
  total bigint;
begin
  with released as (
    update sambatan.transactions set released_at = p_at
    where campaign_id = p_campaign_id and kind = 'payout' and status = 'due'
      and released_at is null
    returning amount
  )
  select sum(amount) into total from released;
  if total is not null then
    perform sambatan.record_event(p_campaign_id, 'payout_released', p_actor, p_at, null,
      jsonb_build_object('amount', total));
  end if;
end
$$;

-- Releases the payout of a campaign once all buyers have received what is delivered to them, unless
-- a dispute is open. The caller has locked the campaign's row.
create or replace function sambatan.release_when_received(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
begin
  if not exists (select from sambatan.participants
      where campaign_id = p_campaign_id and status = 'confirmed')
    and not exists (select from sambatan.disputes
      where campaign_id = p_campaign_id and resolved_at is null)
    and not sambatan.is_undecided(p_campaign_id)
    and not sambatan.has_open_orders(p_campaign_id)
  then
    perform sambatan.release_due_payouts(p_campaign_id, p_at, 'system');
  end if;
end
$$;

-- Releases a payout because an operator asks for it before all buyers have confirmed receipt.
-- Enough money must still be in hand when the payout is settled. Refuses: movement_not_found,
-- movement_transition_not_allowed, payout_disputed, payout_unsettled.
create or replace function sambatan.release_payout(p_transaction_id uuid, p_actor text)
returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'payout');
begin
  if t.status <> 'due' then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'payout_released'));
  elsif exists (select from sambatan.disputes
    where campaign_id = t.campaign_id and resolved_at is null)
  then
    perform sambatan.refuse('payout_disputed');
  elsif sambatan.is_undecided(t.campaign_id) then
    perform sambatan.refuse('payout_unsettled');
  end if;
  perform sambatan.release_due_payouts(t.campaign_id, clock_timestamp(), p_actor);
  select * into strict t from sambatan.transactions
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id;
  return t;
end
$$;

-- Sets the payout of a completed campaign to the present value of its slots, less the fee and what
-- was sent already, and returns the amount still to be sent. Refuses: payout_settled_already if
-- more was sent than the seller should get, or if a provider is sending the payout. The caller has
-- locked the campaign's row.
create or replace function sambatan.refresh_payout(
  p_campaign_id uuid, p_at timestamptz, p_actor text
) returns bigint language plpgsql as $$
declare
  b record;
  t sambatan.transactions;
  rest bigint;
begin
  select * into strict b from sambatan.campaign_books(p_campaign_id);
  rest := b.gross - b.fee - (b.payouts_settled - b.payouts_returned);
  select * into t from sambatan.transactions
    where campaign_id = p_campaign_id and kind = 'payout' and status in ('due', 'pending');
  if rest < 0 or t.status = 'pending' then
    perform sambatan.refuse('payout_settled_already');
  elsif t.transaction_id is null and rest > 0 then
    insert into sambatan.transactions (campaign_id, kind, status, amount, cause, actor, created_at)
      values (p_campaign_id, 'payout', 'due', rest, 'payout:' || gen_random_uuid(), p_actor, p_at);
  elsif rest = 0 then
    update sambatan.transactions set status = 'void', reason = 'nothing is left of it'
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id;
  else
    update sambatan.transactions set amount = rest
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id and amount <> rest;
  end if;
  return rest;
end
$$;

-- Returns the part of a payment that must be refunded if p_slots of a participation are not
-- delivered. This is the price of the slots, plus the unique code if the whole participation is
-- refunded. Zero if the participation is not paid. Refuses: payment_not_open while a provider
-- processes the payment.
create or replace function sambatan.refund_of_slots(
  t sambatan.transactions, p_price bigint, p_slots integer, p_is_refunded boolean
) returns bigint language plpgsql stable as $$
begin
  if t.status = 'pending' then
    perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
  elsif t.status = 'settled' then
    return p_slots * p_price + case when p_is_refunded then t.surcharge else 0 end;
  end if;
  return 0;
end
$$;

-- Revokes p_slots of a participation in a completed campaign, because they are not delivered. Makes
-- a refund of their price due, or lowers the open payment. A participation that keeps no slot gets
-- the status refunded, and its unique code is refunded too. This is possible even after the buyer
-- received the goods. Returns the rupiah to be refunded. The caller has locked the campaign's row,
-- and updates the payout.
create or replace function sambatan.revoke_slots(
  c sambatan.campaigns, p sambatan.participants, p_slots integer, p_at timestamptz, p_actor text,
  p_reason text
) returns bigint language plpgsql as $$
declare
  is_refunded constant boolean := p.undelivered_slots + p_slots = p.quantity;
  worth constant bigint := p_slots * c.price_per_slot;
  t sambatan.transactions;
  back bigint;
begin
  select * into strict t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  back := sambatan.refund_of_slots(t, c.price_per_slot, p_slots, is_refunded);
  if t.status = 'settled' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (c.campaign_id, 'refund', 'due', p.participation_id, back,
        'short:' || p.participation_id || ':' || p.undelivered_slots + p_slots, p_actor, p_at);
  elsif is_refunded then
    perform sambatan.void_payment(c.campaign_id, p.participation_id, p_reason);
    -- This may have been the last unpaid order.
    perform sambatan.schedule_run(c.campaign_id, p_at);
  else
    -- The amount has changed, so the payment gets a new unique code when it is next viewed.
    update sambatan.transactions set amount = amount - worth, account_id = null, unique_code = 0
      where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
  end if;
  update sambatan.participants
    set undelivered_slots = undelivered_slots + p_slots, updated_at = p_at,
      status = case when is_refunded then 'refunded' else status end,
      refunded_at = case when is_refunded then p_at else refunded_at end
    where campaign_id = c.campaign_id and participation_id = p.participation_id;
  if is_refunded then
    update sambatan.campaign_states set filled_slots = filled_slots - p.quantity,
        confirmed_slots = confirmed_slots - p.quantity, participant_count = participant_count - 1
      where campaign_id = c.campaign_id;
    perform sambatan.record_event(c.campaign_id, 'participant_refunded', p_actor, p_at,
      p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', p_reason));
  end if;
  return back;
end
$$;

-- Records an operator's decision that a buyer of a completed campaign has not paid and will not
-- pay. The order is cancelled as unpaid, even before its payment term ends. If the goods were
-- delivered, they count as not sold. The payout no longer waits for this payment. Refuses:
-- campaign_not_found, participation_not_found, participation_transition_not_allowed,
-- payment_not_due, payment_not_open, payout_settled_already.
create or replace function sambatan.write_off_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text
) returns void language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t constant sambatan.transactions := sambatan.payment_to_change(p_campaign_id,
    p_participation_id, 'due', 'rejected');
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if c.status <> 'fulfilled' or p.status is null or p.status not in ('confirmed', 'fulfilled') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_cancelled'));
  end if;
  perform sambatan.record_event(p_campaign_id, 'payment_rejected', p_actor, now_at,
    p_participation_id, jsonb_build_object('reason', p_reason, 'written_off', true));
  if p.status = 'confirmed' then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    c := sambatan.cancel_unpaid(c, p, now_at, p_actor);
    perform sambatan.void_payment(p_campaign_id, p_participation_id, 'unpaid');
    -- The slots are offered at once. The lifecycle run checks whether this was the last open order.
    c.next_run_at := now_at;
    if c.waiting_entries > 0 then
      c := sambatan.offer_slots(c, now_at);
    end if;
    perform sambatan.store_campaigns(array[c]);
  else
    perform sambatan.revoke_slots(
      c, p, p.quantity - p.undelivered_slots, now_at, p_actor, 'unpaid');
  end if;
  perform sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  perform sambatan.release_when_received(p_campaign_id, now_at);
end
$$;

-- Returns how many slots of a completed campaign are to be delivered now, and the minimum and
-- maximum number of slots after a shortfall. The minimum is the number of slots that buyers have
-- received; the maximum is one less than are to be delivered now. Refuses: transition_not_allowed.
create or replace function sambatan.range_of_shortfall(
  p_campaign_id uuid, out delivered bigint, out minimum bigint, out maximum bigint
) language plpgsql stable as $$
declare
  c sambatan.campaigns;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  if c.status <> 'fulfilled' then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_shortfall'));
  end if;
  select coalesce(sum(quantity - undelivered_slots), 0),
      coalesce(sum(quantity - undelivered_slots) filter (where status = 'fulfilled'), 0)
    into delivered, minimum from sambatan.participants
    where campaign_id = p_campaign_id and status in ('confirmed', 'fulfilled');
  maximum := greatest(delivered - 1, minimum);
end
$$;

-- Computes how many slots each buyer gets if a completed campaign can deliver only p_slots. Buyers
-- who have received the goods are first, then the other buyers in the order in which they joined.
-- Each buyer gets the full quantity while slots remain, so at most one participation is delivered
-- in part. Each row has a participation's place in that order, the numbers of slots that it keeps
-- and loses, and the rupiah to be refunded. Refuses: transition_not_allowed,
-- shortfall_not_possible, payment_not_open.
--
-- The query is written in a form that makes the planner use one index lookup for each
-- participation, whatever its statistics say.
create or replace function sambatan.shares_of_shortfall(p_campaign_id uuid, p_slots integer)
returns table (place bigint, participation_id uuid, user_id uuid, keeps integer, loses integer,
  refund bigint)
language plpgsql stable as $$
declare
  c sambatan.campaigns;
  possible record;
begin
  select * into strict possible from sambatan.range_of_shortfall(p_campaign_id);
  if p_slots >= possible.delivered or p_slots < possible.minimum then
    perform sambatan.refuse('shortfall_not_possible',
      jsonb_build_object('minimum', possible.minimum, 'maximum', possible.maximum));
  end if;
  select * into strict c from sambatan.campaigns x where x.campaign_id = p_campaign_id;
  return query
  with line as (
    -- Uses the order of the audit log, because several buyers can have the same time of joining.
    select p.participation_id, p.user_id, p.status, p.quantity - p.undelivered_slots as has,
      row_number() over in_line as place,
      sum(p.quantity - p.undelivered_slots) over in_line - (p.quantity - p.undelivered_slots) as before
    from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.status in ('confirmed', 'fulfilled')
    window in_line as (order by p.status = 'fulfilled' desc, p.joined_seq)
  ), shares as (
    select l.*, greatest(least(l.has, p_slots - l.before), 0)::integer as keeps from line l
  )
  select s.place, s.participation_id, s.user_id, s.keeps, s.has - s.keeps,
    case when s.keeps = s.has then 0 else (
      select sambatan.refund_of_slots(t, c.price_per_slot, s.has - s.keeps,
        s.keeps = 0)
      from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.cause = 'payment:' || s.participation_id) end
  from shares s order by s.place;
end
$$;

-- Records that the seller of a completed campaign can deliver only p_slots; shares_of_shortfall
-- decides who gets them. Refunds the other slots, and sets the payout to the value of the delivered
-- slots. Closes the waiting list and all open offers, because no slots are left for them. The
-- function can be called again with fewer slots. Returns the rupiah to be refunded. Refuses:
-- campaign_not_found, transition_not_allowed, shortfall_not_possible, payout_settled_already,
-- payment_not_open.
create or replace function sambatan.declare_shortfall(
  p_campaign_id uuid, p_slots integer, p_reason text, p_actor text
) returns bigint language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  closing record;
  delivered bigint;
  share record;
  back bigint := 0;
  payout bigint;
begin
  select r.delivered into strict delivered from sambatan.range_of_shortfall(p_campaign_id) r;
  for share in select s.loses, p from sambatan.shares_of_shortfall(p_campaign_id, p_slots) s
    join sambatan.participants p on p.campaign_id = p_campaign_id
      and p.participation_id = s.participation_id
    where s.loses > 0 order by s.place
  loop
    back := back + sambatan.revoke_slots(c, share.p, share.loses, now_at, p_actor, 'shortfall');
  end loop;
  if c.waiting_entries > 0 then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    closing := sambatan.close_waiting(c, now_at, c.waiting_entries);
    perform sambatan.store_campaigns(array[closing.c]);
  end if;
  payout := sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  perform sambatan.record_event(p_campaign_id, 'campaign_shortfall', p_actor, now_at, null,
    jsonb_build_object('from', delivered, 'to', p_slots, 'reason', p_reason, 'refunds', back,
      'payout', payout));
  perform sambatan.release_when_received(p_campaign_id, now_at);
  return back;
end
$$;

-- Normalizes a text for comparison: only letters and digits, in lower case, separated by single
-- spaces.
create or replace function sambatan.bare_words(p_text text)
returns text language sql immutable parallel safe as $$
  select btrim(regexp_replace(lower(p_text), '[^[:alnum:]]+', ' ', 'g'))
$$;

-- Returns whether a buyer is allowed to open a dispute, or to open it again. The result is null if
-- it is allowed, or else the code of the refusal. A dismissed dispute can be opened once more
-- within seven days, with a different text. An upheld dispute, or a second dismissal, is final. If
-- p_reason is null, the text is not checked.
create or replace function sambatan.why_not_disputed(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_at timestamptz
) returns text language sql stable as $$
  select case
    when bool_or(d.resolved_at is null) then 'dispute_open_already'
    when bool_or(d.resolution = 'upheld') or count(*) > 1
      or max(d.resolved_at) <= p_at - interval '7 days' then 'dispute_decided'
    when bool_or(sambatan.bare_words(d.reason) = sambatan.bare_words(p_reason))
      then 'dispute_says_nothing_new'
  end
  from sambatan.disputes d
  where d.campaign_id = p_campaign_id and d.participation_id = p_participation_id
$$;

-- Opens a buyer's dispute about a paid order that was not refunded. The campaign's payout is
-- blocked until an operator resolves the dispute. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, dispute_not_paid,
-- dispute_open_already, dispute_decided, dispute_says_nothing_new.
create or replace function sambatan.open_dispute(
  p_campaign_id uuid, p_participation_id uuid, p_dispute_id uuid, p_reason text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
  d sambatan.disputes;
  why text;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif c.status <> 'fulfilled' or p.status not in ('confirmed', 'fulfilled') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'dispute_opened'));
  end if;
  why := sambatan.why_not_disputed(p_campaign_id, p_participation_id, p_reason, now_at);
  if why is not null then
    perform sambatan.refuse(why);
  elsif p.undelivered_slots >= p.quantity or not exists (
    select 1 from sambatan.transactions t where t.campaign_id = p_campaign_id
      and t.cause = 'payment:' || p_participation_id and t.status = 'settled')
  then
    perform sambatan.refuse('dispute_not_paid');
  end if;
  insert into sambatan.disputes (campaign_id, dispute_id, participation_id, reason, opened_by,
      opened_at)
    values (p_campaign_id, p_dispute_id, p_participation_id, p_reason, p_actor, now_at)
    returning * into d;
  perform sambatan.record_event(p_campaign_id, 'dispute_opened', p_actor, now_at,
    p_participation_id, jsonb_build_object('dispute_id', p_dispute_id));
  return d;
end
$$;

-- Resolves a dispute. If the resolution is upheld, the buyer gets a refund; if it is dismissed, the
-- seller keeps the money. Refuses: dispute_not_found, dispute_resolved_already,
-- payout_settled_already.
create or replace function sambatan.resolve_dispute(
  p_dispute_id uuid, p_resolution text, p_explanation text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  d sambatan.disputes;
  c sambatan.campaigns;
  p sambatan.participants;
  now_at timestamptz;
  back bigint := 0;
begin
  select * into d from sambatan.disputes where dispute_id = p_dispute_id;
  if not found then
    perform sambatan.refuse('dispute_not_found');
  end if;
  c := sambatan.lock_campaign(d.campaign_id);
  now_at := clock_timestamp();
  update sambatan.disputes set resolution = p_resolution, explanation = p_explanation,
      resolved_by = p_actor, resolved_at = now_at
    where campaign_id = c.campaign_id and dispute_id = p_dispute_id and resolved_at is null
    returning * into d;
  if not found then
    perform sambatan.refuse('dispute_resolved_already');
  end if;
  select * into strict p from sambatan.participants
    where campaign_id = d.campaign_id and participation_id = d.participation_id;
  if p_resolution = 'upheld' and p.status in ('confirmed', 'fulfilled')
    and p.undelivered_slots < p.quantity
  then
    back := sambatan.revoke_slots(
      c, p, p.quantity - p.undelivered_slots, now_at, p_actor, 'dispute');
    perform sambatan.refresh_payout(c.campaign_id, now_at, p_actor);
  end if;
  perform sambatan.record_event(d.campaign_id, 'dispute_resolved', p_actor, now_at,
    d.participation_id, jsonb_build_object('dispute_id', p_dispute_id,
      'resolution', p_resolution, 'refund', back, 'is_final', sambatan.why_not_disputed(
        d.campaign_id, d.participation_id, null, now_at) is not null));
  perform sambatan.release_when_received(d.campaign_id, now_at);
  return d;
end
$$;

-- Returns the reference of the provider's order through which the buyer paid the money of a refund,
-- so that the provider can send the money back. Null if the buyer paid in another way. If a refund
-- is for a credit, its cause contains the receipt of the credit.
create or replace function sambatan.refund_order(t sambatan.transactions, p_provider text)
returns text language sql stable as $$
  select o.reference from sambatan.gateway_calls o
  where o.campaign_id = t.campaign_id and o.kind = 'payment' and o.status = 'made'
    and o.provider = p_provider
    and o.reference = case
      when starts_with(t.cause, 'refund:credit:' || p_provider || ':')
        then substring(t.cause from length('refund:credit:' || p_provider || ':') + 1)
      when not starts_with(t.cause, 'refund:credit:') then (
        select substring(p.receipt from length(p_provider) + 2) from sambatan.transactions p
        where p.campaign_id = t.campaign_id and p.cause = 'payment:' || t.participation_id
          and starts_with(p.receipt, p_provider || ':'))
      end
$$;

-- Records that a provider has sent a refund. If the refund came back in the meantime and is due
-- again, settles the new ledger entry. If a person had already sent the refund too, the buyer got
-- the money twice. In this case, records the second refund, and an overpaid refund: an amount that
-- the buyer must send back. Returns whether the refund was sent twice. Refuses: movement_not_found.
create or replace function sambatan.refund_by_provider(
  p_transaction_id uuid, p_provider text, p_reference text, p_actor text
) returns boolean language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'refund');
  now_at constant timestamptz := clock_timestamp();
  again sambatan.transactions;
begin
  loop
    select * into again from sambatan.transactions
      where campaign_id = t.campaign_id and cause = 'again:' || t.transaction_id;
    exit when not found;
    t := again;
  end loop;
  if t.status in ('due', 'pending') or t.reference = p_reference then
    perform sambatan.settle_ledger_entry(t.transaction_id, 'refund', p_reference, p_actor);
    return false;
  end if;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, provider, provider_reference)
    values (t.campaign_id, 'refund', 'settled', t.participation_id, t.amount,
      'duplicate:' || t.transaction_id, p_actor, p_reference, now_at, now_at, p_provider,
      p_reference);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, purpose)
    values (t.campaign_id, 'adjustment', 'due', t.participation_id, t.amount,
      'overpaid:' || t.transaction_id, p_actor, now_at, 'overpaid_refund');
  perform sambatan.record_event(t.campaign_id, 'refund_doubled', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'provider', p_provider));
  return true;
end
$$;

-- Locks the campaign of an overpaid refund and returns the entry, which must have one of the given
-- statuses. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.lock_overpaid_refund(
  p_transaction_id uuid, p_event text, variadic p_from sambatan.transaction_status[]
) returns sambatan.transactions language plpgsql as $$
declare
  t constant sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'adjustment');
begin
  if t.purpose <> 'overpaid_refund' then
    perform sambatan.refuse('movement_not_found');
  elsif t.status <> all (p_from) then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', p_event));
  end if;
  return t;
end
$$;

-- Records that the buyer sent the money of an overpaid refund back. This is possible even after the
-- amount was written off. A repeated call with the same reference changes nothing. Refuses:
-- movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.settle_overpaid_refund(
  p_transaction_id uuid, p_reference text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_overpaid_refund(p_transaction_id, 'refund_recovered',
    'due', 'void', 'settled');
  now_at constant timestamptz := clock_timestamp();
begin
  if t.status = 'settled' then
    if t.reference = p_reference then
      return t;
    end if;
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'refund_recovered'));
  end if;
  update sambatan.transactions set status = 'settled', settled_at = now_at, actor = p_actor,
      reference = p_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_recovered', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount));
  return t;
end
$$;

-- Records a person's decision, with a reason, that an overpaid refund will not come back. The
-- platform bears the loss. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.write_off_overpaid_refund(
  p_transaction_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_overpaid_refund(p_transaction_id, 'refund_lost', 'due');
begin
  update sambatan.transactions set status = 'void', actor = p_actor, reason = p_reason
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_lost', p_actor, clock_timestamp(),
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason));
  return t;
end
$$;

-- Returns the work queues of operators: the number of items in each, counted up to p_max, and the
-- time since which the oldest item has been waiting (null if the queue is empty). The refund queue
-- contains only refunds that p_provider does not send automatically. If p_provider is null, it
-- contains all due refunds. The function needs only a few index lookups, also with a million
-- campaigns.
create or replace function sambatan.work_queues(p_max integer, p_provider text)
returns table (queue text, items integer, oldest timestamptz) language plpgsql stable as $$
begin
  return query
  select 'proofs', count(*)::integer, min(q.since) from (
    select coalesce(f.uploaded_at, t.created_at) as since from (
      select * from sambatan.transactions x
      where x.kind = 'payment' and x.status = 'proof_submitted'
      order by x.created_at limit p_max) t
    left join sambatan.payment_proofs f on f.campaign_id = t.campaign_id
      and f.participation_id = t.participation_id) q;
  return query
  select 'statement_lines', count(*)::integer, min(q.imported_at) from (
    select l.imported_at from sambatan.statement_lines l
    where l.status in ('unmatched', 'ambiguous', 'allocated') limit p_max) q;
  return query
  select 'disputes', count(*)::integer, min(q.opened_at) from (
    select d.opened_at from sambatan.disputes d
    where d.resolved_at is null order by d.opened_at limit p_max) q;
  return query
  select 'payouts', count(*)::integer, min(q.released_at) from (
    select t.released_at from sambatan.transactions t
    where t.kind = 'payout' and t.status = 'due' and t.released_at is not null
      and not exists (select 1 from sambatan.disputes d
        where d.campaign_id = t.campaign_id and d.resolved_at is null)
    order by t.created_at limit p_max) q;
  -- The queue leaves out lapsed and cancelled orders, because nothing must be paid for them. The
  -- query reads payments with the latest pay_by first, so that it does not read old payments that
  -- nobody will make.
  return query
  select 'overdue_payments', count(*)::integer, min(t.pay_by) from (
    select x.campaign_id, x.participation_id, x.pay_by from sambatan.transactions x
    where x.kind = 'payment' and x.status in ('due', 'rejected') and x.pay_by < now()
    order by x.pay_by desc limit p_max) t
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id
  where p.status in ('confirmed', 'fulfilled');
  return query
  select 'refunds', count(*)::integer, min(q.created_at) from (
    select t.created_at from sambatan.transactions t
    where t.kind = 'refund' and t.status = 'due'
      and (t.paid_in_time is null or not sambatan.is_retained(t.campaign_id, t.transaction_id))
      and (p_provider is null or t.attempts > 0
        or sambatan.refund_order(t, p_provider) is null)
    order by t.created_at limit p_max) q;
  return query
  select 'claims', count(*)::integer, min(q.created_at) from (
    select t.created_at from sambatan.transactions t
    where t.kind = 'adjustment' and t.status = 'due' order by t.created_at limit p_max) q;
  -- The seller decides first; an operator may decide once the seller's time is over.
  return query
  select 'decisions', count(*)::integer, min(q.since) from (
    select c.decision_opened_at as since from sambatan.campaigns c
    where c.status = 'fulfilled' and c.decision_opened_at is not null and c.decided_at is null
    order by c.decision_opened_at limit p_max) q;
end
$$;

-- Verifies the audit log of one campaign, or of all campaigns if p_campaign_id is null. Returns the
-- first broken row of each log: a row that is missing, a row whose hash does not match its content
-- or whose order does not exist, a row whose numbers of slots do not follow from the row before, or a row beyond the number of
-- events that the campaign has.
create or replace function sambatan.verify_audit(p_campaign_id uuid default null)
returns table (campaign_id uuid, seq bigint, problem text)
language sql stable as $$
  with linked as (
    select a.*, lag(a.seq, 1, 0::bigint) over log as previous_seq,
      lag(a.slots_taken, 1, 0) over log as previous_slots,
      lag(a.occurred_at, 1, '-infinity') over log as previous_time
    from sambatan.audit_logs a
    where p_campaign_id is null or a.campaign_id = p_campaign_id
    window log as (partition by a.campaign_id order by a.seq)
  ), salted as (
    select l.*, case when p.participation_id is not null then p.salt
      when l.participation_id is not null then o.salt
      when l.event between 'waiting_joined' and 'waiting_closed' then w.salt
      else c.log_salt end as salt,
      case when l.participation_id is not null
          then p.participation_id is null and o.entry_id is null
        else l.event between 'waiting_joined' and 'waiting_closed' and w.entry_id is null
      end as is_without_order
    from linked l
    left join sambatan.campaigns c on c.campaign_id = l.campaign_id
    left join sambatan.participants p on p.campaign_id = l.campaign_id
      and p.participation_id = l.participation_id
    left join sambatan.waiting_entries o on p.participation_id is null
      and o.campaign_id = l.campaign_id and o.order_id = l.participation_id
    left join sambatan.waiting_entries w on w.campaign_id = l.campaign_id
      and w.entry_id = (l.metadata ->> 'entry_id')::uuid
  ), rows_broken as (
    select l.campaign_id, l.seq,
      case when l.seq <> l.previous_seq + 1 then 'row missing before it'
        when l.slots_taken <> l.previous_slots + l.slots then 'slots do not follow'
        when l.occurred_at < l.previous_time then 'earlier than the row before it'
        when l.is_without_order then 'its order or waiting-list entry is missing'
        else 'content does not match its hash' end as problem
    from salted l
    where l.seq <> l.previous_seq + 1 or l.slots_taken <> l.previous_slots + l.slots
      or l.occurred_at < l.previous_time or l.is_without_order
      or l.leaf_hash <> sambatan.leaf_hash(sambatan.public_record(l.seq, l.occurred_at, l.event,
        l.slots, l.slots_taken, l.total_slots, l.price_per_slot, l.commitment))
      -- Without a salt the account was deleted, and only the hash of the leaf can be checked.
      or l.commitment <> sha256(l.salt || sambatan.private_record(l.participation_id,
        l.occurred_at, l.actor_kind, l.actor_id, l.event, l.metadata))
  ), heads_broken as (
    select c.campaign_id, least(l.seq, c.head) + 1 as seq,
      case when l.seq < c.head then 'row missing, and all after it'
        else 'row beyond the end of the log' end as problem
    from (
      -- The first audit row of a campaign records its creation, so every campaign has at least one
      -- row.
      select campaign_id, greatest(audit_seq, 1) as head from sambatan.campaigns
      where p_campaign_id is null or campaign_id = p_campaign_id) c
    cross join lateral (
      select coalesce(max(a.seq), 0) as seq from sambatan.audit_logs a
      where a.campaign_id = c.campaign_id) l
    where l.seq <> c.head
  )
  select distinct on (b.campaign_id) b.campaign_id, b.seq, b.problem
  from (select * from rows_broken union all select * from heads_broken) b
  order by b.campaign_id, b.seq
$$;

-- Reads and writes the trees of the public log. docs/public-log.md describes them.

-- Returns the leaf hashes of campaigns from p_sizes (exclusive) to p_targets (inclusive), in order,
-- with the number of rows and the times of the first and the last of them.
create or replace function sambatan.log_leaves(
  p_campaign_ids uuid[], p_sizes bigint[], p_targets bigint[]
) returns table (
  campaign_id uuid, leaves bytea, records bigint, oldest timestamptz, newest timestamptz
) language plpgsql stable as $$
begin
  return query
    select w.campaign_id, string_agg(a.leaf_hash, ''::bytea order by a.seq), count(*),
      min(a.occurred_at), max(a.occurred_at)
    from unnest(p_campaign_ids, p_sizes, p_targets) as w (campaign_id, size, target)
    join sambatan.audit_logs a on a.campaign_id = w.campaign_id
      and a.seq > w.size and a.seq <= w.target
    group by w.campaign_id;
end
$$;

-- Stores full tiles whose roots are given. A tile of level 0 has the leaf hashes of the audit log; a
-- tile of another level has the roots of the tiles below it.
create or replace function sambatan.insert_log_tiles(
  p_campaign_ids uuid[], p_levels smallint[], p_numbers bigint[], p_roots bytea[]
) returns void language plpgsql as $$
declare
  highest smallint;
begin
  insert into sambatan.log_tiles (campaign_id, level, number, hashes, root)
    select w.campaign_id, 0, w.number, string_agg(a.leaf_hash, ''::bytea order by a.seq), w.root
    from unnest(p_campaign_ids, p_levels, p_numbers, p_roots)
      as w (campaign_id, level, number, root)
    join sambatan.audit_logs a on a.campaign_id = w.campaign_id
      and a.seq > w.number * 256 and a.seq <= w.number * 256 + 256
    where w.level = 0
    group by w.campaign_id, w.number, w.root;
  select max(level) into highest from unnest(p_levels) as level;
  for tile_level in 1 .. highest loop
    insert into sambatan.log_tiles (campaign_id, level, number, hashes, root)
      select w.campaign_id, tile_level, w.number,
        string_agg(t.root, ''::bytea order by t.number), w.root
      from unnest(p_campaign_ids, p_levels, p_numbers, p_roots)
        as w (campaign_id, level, number, root)
      join sambatan.log_tiles t on t.campaign_id = w.campaign_id and t.level = tile_level - 1
        and t.number >= w.number * 256 and t.number < w.number * 256 + 256
      where w.level = tile_level
      group by w.campaign_id, w.number, w.root;
  end loop;
end
$$;

-- Returns the first p_width hashes of a tile. Null if the tile has no hashes.
create or replace function sambatan.log_tile(
  p_campaign_id uuid, p_level integer, p_number bigint, p_width integer
) returns bytea language plpgsql stable as $$
declare
  found_hashes bytea;
begin
  select substring(t.hashes from 1 for p_width * 32) into found_hashes
    from sambatan.log_tiles t
    where t.campaign_id = p_campaign_id and t.level = p_level and t.number = p_number;
  if found_hashes is not null then
    return found_hashes;
  end if;
  if p_level = 0 then
    select string_agg(a.leaf_hash, ''::bytea order by a.seq) into found_hashes
      from sambatan.audit_logs a
      where a.campaign_id = p_campaign_id
        and a.seq > p_number * 256 and a.seq <= p_number * 256 + p_width;
  else
    select string_agg(t.root, ''::bytea order by t.number) into found_hashes
      from sambatan.log_tiles t
      where t.campaign_id = p_campaign_id and t.level = p_level - 1
        and t.number >= p_number * 256 and t.number < p_number * 256 + p_width;
  end if;
  return found_hashes;
end
$$;

-- Returns the public records of a tile, each with its length (66) before it.
create or replace function sambatan.log_entries(
  p_campaign_id uuid, p_number bigint, p_width integer
) returns bytea language plpgsql stable as $$
declare
  entries bytea;
begin
  select string_agg('\x0042'::bytea || sambatan.public_record(a.seq, a.occurred_at, a.event,
      a.slots, a.slots_taken, a.total_slots, a.price_per_slot, a.commitment), ''::bytea
      order by a.seq) into entries
    from sambatan.audit_logs a
    where a.campaign_id = p_campaign_id
      and a.seq > p_number * 256 and a.seq <= p_number * 256 + p_width;
  return entries;
end
$$;

-- Records that the database was restored from a backup that was begun at p_backup_at. From then on
-- every checkpoint says so.
create or replace function sambatan.note_restore(p_backup_at timestamptz)
returns void language plpgsql as $$
begin
  insert into sambatan.log_restores (restored_at, backup_at)
    values (clock_timestamp(), p_backup_at);
  update sambatan.log_trees set is_outdated = true where not is_outdated;
end
$$;

-- Notices that this database was restored with other programs: then it has no row in
-- sambatan.installation. Records the restore, and adds the row, in quarantine. Returns whether it
-- did. The time of the newest checkpoint stands for the unknown time of the backup.
create or replace function sambatan.note_restore_by_hand()
returns boolean language plpgsql as $$
declare
  backup_at timestamptz;
begin
  insert into sambatan.installation (quarantined_since, quarantine_reason)
    values (clock_timestamp(), 'restored by hand')
    on conflict (is_the_one) do nothing;
  if not found then
    return false;
  end if;
  select c.signed_at into backup_at from sambatan.log_checkpoints c order by c.number desc limit 1;
  perform sambatan.note_restore(coalesce(backup_at, clock_timestamp()));
  return true;
end
$$;

-- Returns the money of a campaign as a sum checkpoint shows it (docs/public-log.md), in whole
-- rupiah: paid + receivable = payout + fee + refunds + kept. Refunds that were made twice are
-- counted once.
create or replace function sambatan.campaign_sums(
  p_campaign_id uuid, out paid bigint, out receivable bigint, out payout bigint, out fee bigint,
  out refunds bigint, out kept bigint
) language plpgsql stable as $$
declare
  b record;
begin
  select * into strict b from sambatan.campaign_books(p_campaign_id);
  paid := b.paid + b.unique_codes + b.credits;
  receivable := b.receivable;
  payout := b.payouts_due + b.payouts_settled - b.payouts_returned;
  fee := b.fee;
  refunds := b.refunds_due + b.refunds_settled - (b.returned - b.payouts_returned)
    - b.owed_back - b.lost;
  kept := b.codes_kept;
end
$$;

-- Returns the leaves of a campaign's sum tree as they are now: one for each order for which money
-- was received, or that was published before. is_changed is true for leaves that the newest sum
-- checkpoint does not have.
create or replace function sambatan.campaign_sum_leaves(p_campaign_id uuid)
returns table (order_id uuid, hash bytea, paid bigint, is_changed boolean)
language plpgsql stable as $$
#variable_conflict use_column
begin
  return query
    with received as (
      select t.participation_id as order_id, sum(t.amount)::bigint as paid
      from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.participation_id is not null
        and ((t.kind = 'payment' and t.status = 'settled')
          or t.purpose in ('unique_code', 'credit'))
      group by t.participation_id
    ), known as (
      select distinct on (l.order_id) l.order_id, l.hash, l.paid
      from sambatan.log_sum_leaves l where l.campaign_id = p_campaign_id
      order by l.order_id, l.version desc
    )
    select o.order_id,
      -- If the salt was deleted with an account, the hash is made from a salt that nobody knows.
      coalesce(o.hash, sha256('\x02'::bytea || sha256(
        coalesce(p.salt, w.salt, sambatan.new_salt()) || uuid_send(o.order_id)))),
      o.paid, o.was_paid is distinct from o.paid
    from (
      select coalesce(k.order_id, r.order_id) as order_id, k.hash, k.paid as was_paid,
        coalesce(r.paid, 0) as paid
      from received r full join known k on k.order_id = r.order_id
      where k.order_id is not null or r.paid > 0) o
    left join sambatan.participants p
      on p.campaign_id = p_campaign_id and p.participation_id = o.order_id
    left join sambatan.waiting_entries w on w.campaign_id = p_campaign_id
      and w.order_id = o.order_id and p.participation_id is null;
end
$$;

-- Verifies the tree of the public log of one campaign, or of all campaigns if p_campaign_id is null:
-- computes the root after each record from the leaf hashes of the audit log, and compares it with
-- the checkpoints, the stored tiles and the stored state of the tree. Reads each log once. Returns
-- the first contradiction of each campaign.
create or replace function sambatan.verify_log_trees(p_campaign_id uuid default null)
returns table (campaign_id uuid, seq bigint, problem text) language plpgsql stable as $$
declare
  tree record;
  leaf record;
  -- The hashes of the complete subtrees, largest first.
  subtrees bytea[];
  node bytea;
  tile_root bytea;
  merges integer;
begin
  for tree in
    select s.campaign_id, coalesce(t.size, 0) as size, t.subtrees,
      coalesce(c.signed_size, 0) as signed_size
    from sambatan.campaign_states s
    left join sambatan.log_trees t on t.campaign_id = s.campaign_id
    left join (
      select k.campaign_id, max(k.size) as signed_size from sambatan.log_checkpoints k
      where p_campaign_id is null or k.campaign_id = p_campaign_id
      group by k.campaign_id) c on c.campaign_id = s.campaign_id
    where p_campaign_id is null or s.campaign_id = p_campaign_id
  loop
    campaign_id := tree.campaign_id;
    seq := 0;
    problem := null;
    subtrees := '{}';
    for leaf in
      select a.seq as position, a.leaf_hash, c.roots, t.root as tile_root
      from sambatan.audit_logs a
      left join (
        select k.size, array_agg(k.root) as roots from sambatan.log_checkpoints k
        where k.campaign_id = tree.campaign_id group by k.size) c on c.size = a.seq
      left join sambatan.log_tiles t on t.campaign_id = a.campaign_id and t.level = 0
        and a.seq % 256 = 0 and t.number = a.seq / 256 - 1
      where a.campaign_id = tree.campaign_id and a.seq <= greatest(tree.size, tree.signed_size)
      order by a.seq
    loop
      exit when leaf.position <> seq + 1;
      seq := leaf.position;
      node := leaf.leaf_hash;
      merges := 0;
      while seq % (1::bigint << (merges + 1)) = 0 loop
        node := sha256('\x01'::bytea || subtrees[cardinality(subtrees)] || node);
        subtrees := trim_array(subtrees, 1);
        merges := merges + 1;
        if merges = 8 then
          tile_root := node;
        end if;
      end loop;
      subtrees := subtrees || node;
      if seq % 256 = 0 and leaf.tile_root is distinct from tile_root then
        problem := 'the tile that ends here contradicts the log';
      end if;
      if leaf.roots is not null then
        for place in reverse cardinality(subtrees) - 1 .. 1 loop
          node := case when place = cardinality(subtrees) - 1
            then sha256('\x01'::bytea || subtrees[place] || subtrees[place + 1])
            else sha256('\x01'::bytea || subtrees[place] || node) end;
        end loop;
        if node <> any (leaf.roots) then
          problem := 'a checkpoint of this size has another root than the log';
        end if;
      end if;
      exit when problem is not null;
    end loop;
    if problem is null and seq < greatest(tree.size, tree.signed_size) then
      seq := seq + 1;
      problem := 'a signed record is missing';
    elsif problem is null and tree.size <> tree.signed_size then
      problem := 'the stored tree is not that of the newest checkpoint';
    elsif problem is null and seq > 0 and tree.subtrees is distinct from (
      select string_agg(s.hash, ''::bytea order by s.place)
      from unnest(subtrees) with ordinality as s (hash, place)) then
      problem := 'the stored tree contradicts the log';
    elsif problem is null and tree.size >= 256 and (
      select count(*) from (
        select t.level, t.number from sambatan.log_tiles t
        where t.campaign_id = tree.campaign_id
          and t.hashes is distinct from case when t.level = 0 then (
            select string_agg(a.leaf_hash, ''::bytea order by a.seq) from sambatan.audit_logs a
            where a.campaign_id = t.campaign_id
              and a.seq > t.number * 256 and a.seq <= t.number * 256 + 256)
          else (
            select string_agg(b.root, ''::bytea order by b.number) from sambatan.log_tiles b
            where b.campaign_id = t.campaign_id and b.level = t.level - 1
              and b.number >= t.number * 256 and b.number < t.number * 256 + 256) end
        ) w) > 0 then
      problem := 'a stored tile contradicts the log';
    end if;
    if problem is not null then
      return next;
    end if;
  end loop;
end
$$;

-- Returns the campaigns whose newest sum checkpoint differs from their books, or from the leaves of
-- its tree. There is a sum checkpoint as soon as a payout was released. Campaigns that are being
-- closed, whose events are not all handled, or that wait for the sum publisher are left out.
create or replace function sambatan.wrong_sums()
returns table (campaign_id uuid, version integer, paid bigint, paid_by_leaves bigint,
  paid_by_books bigint)
language plpgsql stable as $$
#variable_conflict use_column
declare
  released uuid;
  events bigint;
  handled bigint;
  s record;
  b record;
begin
  for released in
    select distinct t.campaign_id from sambatan.transactions t
    where t.kind = 'payout' and t.released_at is not null
  loop
    select c.audit_seq into events from sambatan.campaigns c
      where c.campaign_id = released and c.closing_outcome is null;
    select k.seq into handled from sambatan.notification_cursors k
      where k.campaign_id = released;
    if events is null or handled is null or handled < events
      or exists (select 1 from sambatan.log_sums_due d where d.campaign_id = released)
    then
      continue;
    end if;
    version := null;
    paid := null;
    select v.version, v.paid, v.receivable, v.payout, v.fee, v.refunds, v.kept into s
      from sambatan.log_sums v where v.campaign_id = released order by v.version desc limit 1;
    select * into b from sambatan.campaign_sums(released);
    select coalesce(sum(n.paid), 0) into paid_by_leaves from (
      select distinct on (v.order_id) v.paid from sambatan.log_sum_leaves v
      where v.campaign_id = released order by v.order_id, v.version desc) n;
    if (s.paid, s.receivable, s.payout, s.fee, s.refunds, s.kept) is distinct from
        (b.paid, b.receivable, b.payout, b.fee, b.refunds, b.kept)
      or paid_by_leaves <> b.paid
    then
      campaign_id := released;
      version := s.version;
      paid := s.paid;
      paid_by_books := b.paid;
      return next;
    end if;
  end loop;
end
$$;

-- Returns whether this database is in quarantine. A database in quarantine sends no e-mails and
-- webhooks and moves no money. A restored copy is in quarantine until somebody declares it the
-- production database. A database without a row in sambatan.installation is in quarantine too,
-- because backups do not contain this row.
create or replace function sambatan.is_quarantined() returns boolean
language sql stable as $$
  select not exists (select from sambatan.installation where quarantined_since is null)
$$;

-- Returns the bytes of an access-log row from which its hash is computed, together with the hash of
-- the previous row. Fixed-width fields come first, and no text can contain a '|', so two different
-- rows never have the same content.
create or replace function sambatan.access_content(
  user_id uuid, seq bigint, occurred_at timestamptz, event text, method text, browser text
) returns bytea language sql stable parallel safe as $$
  select uuid_send(user_id) || int8send(seq) || timestamptz_send(occurred_at)
    || convert_to(event || '|' || method || '|' || browser, 'UTF8')
$$;

-- Appends a row to a user's access log. Locks the head of its chain until the transaction ends.
create or replace function sambatan.record_access(
  p_user_id uuid, p_event text, p_method text, p_browser text
) returns void language plpgsql as $$
declare
  head sambatan_auth.access_heads;
  v_at timestamptz;
  v_hash bytea;
begin
  insert into sambatan_auth.access_heads as h (user_id, seq, hash)
    values (p_user_id, 1, decode(repeat('00', 32), 'hex'))
    on conflict (user_id) do update set seq = h.seq + 1
    returning * into head;
  v_at := clock_timestamp();
  v_hash := sha256(head.hash || sambatan.access_content(
    p_user_id, head.seq, v_at, p_event, p_method, p_browser));
  insert into sambatan_auth.access_log (user_id, seq, occurred_at, event, method, browser, hash)
    values (p_user_id, head.seq, v_at, p_event, p_method, p_browser, v_hash);
  update sambatan_auth.access_heads set hash = v_hash where user_id = p_user_id;
end
$$;

-- Deletes expired rows of the access logs of at most p_people users. The hash of the last deleted
-- row is stored in access_heads, because the hash of the first remaining row depends on it. Returns
-- the number of deleted rows.
create or replace function sambatan.delete_old_access(p_people integer)
returns bigint language plpgsql as $$
declare
  v_user_id uuid;
  last_old sambatan_auth.access_log;
  gone bigint := 0;
  v_rows bigint;
begin
  for v_user_id in
    select h.user_id from sambatan_auth.access_heads h
    where h.user_id in (select o.user_id from (
      select a.user_id from sambatan_auth.access_log a
      where a.occurred_at < now() - interval '400 days'
      order by a.occurred_at limit p_people) o)
    for no key update skip locked
  loop
    -- If a clock was set back, the times are not in order. Therefore only the expired rows before
    -- the first row that is not expired are deleted.
    select a.* into last_old from sambatan_auth.access_log a
      where a.user_id = v_user_id and a.seq < coalesce((
        select min(y.seq) from sambatan_auth.access_log y
        where y.user_id = v_user_id and y.occurred_at >= now() - interval '400 days'),
        9223372036854775807)
      order by a.seq desc limit 1;
    continue when not found;
    delete from sambatan_auth.access_log a where a.user_id = v_user_id and a.seq <= last_old.seq;
    get diagnostics v_rows = row_count;
    gone := gone + v_rows;
    update sambatan_auth.access_heads
      set kept_after = last_old.seq, kept_hash = last_old.hash where user_id = v_user_id;
  end loop;
  return gone;
end
$$;

-- Verifies the access logs of these users, or of all users if p_user_ids is null. Returns the first
-- broken row of each log, as verify_audit does for campaigns.
create or replace function sambatan.verify_access(p_user_ids uuid[] default null)
returns table (user_id uuid, seq bigint, problem text)
language sql stable as $$
  with heads as (
    select * from sambatan_auth.access_heads h
    where p_user_ids is null or h.user_id = any (p_user_ids)
  ), linked as (
    select a.*, h.user_id is null as is_strange, h.seq as head_seq, h.hash as head_hash,
      lag(a.seq, 1, coalesce(h.kept_after, 0)) over chain as previous_seq,
      lag(a.hash, 1, h.kept_hash) over chain as previous_hash,
      lead(a.seq) over chain is null as is_last
    from sambatan_auth.access_log a
    left join heads h on h.user_id = a.user_id
    where p_user_ids is null or a.user_id = any (p_user_ids)
    window chain as (partition by a.user_id order by a.seq)
  ), broken as (
    select l.user_id, l.seq, case
        when l.is_strange then 'row without a head of its chain'
        when l.seq <> l.previous_seq + 1 then 'row missing before it'
        when l.hash <> sha256(l.previous_hash || sambatan.access_content(l.user_id, l.seq,
          l.occurred_at, l.event, l.method, l.browser)) then 'content does not match its hash'
        when l.is_last and l.seq < l.head_seq then 'row missing after it'
        when l.is_last and l.seq > l.head_seq then 'row beyond the head of the chain'
        when l.is_last and l.hash <> l.head_hash
          then 'the last row is not the head of the chain'
      end as problem
    from linked l
    union all
    select h.user_id, h.kept_after + 1, 'row missing, and all after it' from heads h
    where h.seq > h.kept_after and not exists (
      select from sambatan_auth.access_log a where a.user_id = h.user_id)
  )
  select distinct on (b.user_id) b.user_id, b.seq, b.problem from broken b
  where b.problem is not null order by b.user_id, b.seq
$$;

-- Claims due e-mails, the longest due first, and records the start of an attempt for each, with a
-- lease of p_lease_seconds. While PostgreSQL caches a query plan, an empty table can get millions
-- of rows. The settings of this function forbid plans that are fast only for a small table.
create or replace function sambatan.claim_emails(
  p_limit integer, p_lease_id uuid, p_lease_seconds double precision
) returns table (
  campaign_id uuid, delivery_id uuid, attempts integer, user_id uuid, kind text, topic text,
  params jsonb, email text, locale text, time_zone text, wanted boolean
) language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with due as (
    select d.campaign_id, d.delivery_id from sambatan.deliveries d
    where d.channel = 'email' and d.status = 'pending'
      and d.next_attempt_at <= (select clock_timestamp())
    order by d.next_attempt_at limit p_limit for update skip locked
  ), claimed as (
    update sambatan.deliveries d set attempts = d.attempts + 1, lease_id = p_lease_id,
      last_attempt_at = clock_timestamp(),
      next_attempt_at = clock_timestamp() + p_lease_seconds * interval '1 second'
    from due where d.campaign_id = due.campaign_id and d.delivery_id = due.delivery_id
    returning d.campaign_id, d.delivery_id, d.attempts
  )
  select c.campaign_id, c.delivery_id, c.attempts, n.user_id, n.kind, n.topic, n.params, p.email,
    p.locale, p.time_zone, s.email
  from claimed c
  left join sambatan.notifications n
    on n.campaign_id = c.campaign_id and n.notification_id = c.delivery_id
  left join sambatan.profiles p on p.user_id = n.user_id
  left join sambatan.message_settings s on s.user_id = n.user_id and s.topic = n.topic
$$;

-- Claims due webhooks and records the start of an attempt for each. Claims at most p_per_endpoint
-- webhooks for each endpoint. Skips the endpoints in p_busy. Apart from that, it works like
-- claim_emails.
create or replace function sambatan.claim_webhooks(
  p_limit integer, p_lease_id uuid, p_lease_seconds double precision, p_per_endpoint integer,
  p_busy uuid[]
) returns table (
  campaign_id uuid, delivery_id uuid, attempts integer, endpoint_id uuid, url text, secret text,
  previous_secret text, seq bigint, occurred_at timestamptz, participation_id uuid, event text,
  actor text, metadata jsonb
) language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with due as (
    select d.campaign_id, d.delivery_id, e.url, e.secret,
      case when e.previous_secret_until > clock_timestamp() then e.previous_secret end
        as previous_secret
    from sambatan.webhook_endpoints e
    cross join lateral (
      select w.campaign_id, w.delivery_id from sambatan.deliveries w
      where w.channel = 'webhook' and w.status = 'pending' and w.endpoint_id = e.endpoint_id
        and w.next_attempt_at <= (select clock_timestamp())
      order by w.next_attempt_at limit p_per_endpoint for update skip locked) d
    where e.status = 'enabled' and e.endpoint_id <> all (p_busy)
    limit p_limit
  ), claimed as (
    update sambatan.deliveries d set attempts = d.attempts + 1, lease_id = p_lease_id,
      last_attempt_at = clock_timestamp(),
      next_attempt_at = clock_timestamp() + p_lease_seconds * interval '1 second'
    from due where d.campaign_id = due.campaign_id and d.delivery_id = due.delivery_id
    returning d.campaign_id, d.delivery_id, d.attempts, d.endpoint_id, d.seq, due.url,
      due.secret, due.previous_secret
  )
  select c.campaign_id, c.delivery_id, c.attempts, c.endpoint_id, c.url, c.secret,
    c.previous_secret, c.seq, a.occurred_at, a.participation_id, a.event::text, a.actor, a.metadata
  from claimed c
  join sambatan.audit_events a on a.campaign_id = c.campaign_id and a.seq = c.seq
$$;

-- Extends the leases of running attempts, so that no other worker claims them.
create or replace function sambatan.extend_leases(
  p_campaign_ids uuid[], p_delivery_ids uuid[], p_lease_ids uuid[], p_seconds double precision
) returns void language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update sambatan.deliveries d
  set next_attempt_at = clock_timestamp() + p_seconds * interval '1 second'
  from unnest(p_campaign_ids, p_delivery_ids, p_lease_ids) as w (campaign_id, delivery_id, lease_id)
  where d.campaign_id = w.campaign_id and d.delivery_id = w.delivery_id
    and d.lease_id = w.lease_id and d.status = 'pending'
$$;

-- Stores the results of delivery attempts. Ignores an attempt if another worker has claimed its
-- delivery in the meantime. p_waits are the seconds until the next attempt; the value is null if
-- the delivery is finished.
create or replace function sambatan.end_attempts(
  p_campaign_ids uuid[], p_delivery_ids uuid[], p_lease_ids uuid[], p_statuses text[],
  p_waits double precision[], p_results text[]
) returns void language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update sambatan.deliveries d set status = w.status, lease_id = null, last_result = w.result,
    next_attempt_at = clock_timestamp() + w.wait * interval '1 second',
    finished_at = case when w.status <> 'pending' then clock_timestamp() end
  from unnest(p_campaign_ids, p_delivery_ids, p_lease_ids, p_statuses, p_waits, p_results)
    as w (campaign_id, delivery_id, lease_id, status, wait, result)
  where d.campaign_id = w.campaign_id and d.delivery_id = w.delivery_id
    and d.lease_id = w.lease_id and d.status = 'pending'
$$;

-- Inserts notifications and queues their e-mails, according to the settings of each user. The
-- defaults apply to a user without settings. A user who already has a notification with the same
-- event key does not get another one.
create or replace function sambatan.insert_messages(
  p_campaign_id uuid, p_ids uuid[], p_user_ids uuid[], p_event_keys text[], p_kinds text[],
  p_params jsonb[], p_topics text[], p_email_defaults boolean[], p_in_app_defaults boolean[],
  out made integer, out emails integer
) language sql
  set enable_seqscan = off set enable_mergejoin = off as $$
  with wished as (
    select w.*, coalesce(s.in_app, w.in_app_default) as in_app,
      coalesce(s.email, w.email_default) and p.email is not null as by_email
    from unnest(p_ids, p_user_ids, p_event_keys, p_kinds, p_params, p_topics, p_email_defaults,
        p_in_app_defaults)
      as w (id, user_id, event_key, kind, params, topic, email_default, in_app_default)
    left join sambatan.message_settings s on s.user_id = w.user_id and s.topic = w.topic
    left join sambatan.profiles p on p.user_id = w.user_id
  ), written as (
    insert into sambatan.notifications
      (campaign_id, notification_id, user_id, event_key, kind, topic, params, in_app)
    select p_campaign_id, id, user_id, event_key, kind, topic, params, in_app
    from wished where in_app or by_email
    on conflict (campaign_id, user_id, event_key) do nothing
    returning notification_id
  ), sent as (
    insert into sambatan.deliveries (campaign_id, delivery_id, channel, next_attempt_at)
    select p_campaign_id, id, 'email', clock_timestamp()
    from wished where by_email and id in (select notification_id from written)
    returning 1
  )
  select (select count(*) from written)::integer, (select count(*) from sent)::integer
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
