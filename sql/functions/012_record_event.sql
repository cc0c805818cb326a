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
