-- Builds the next event of a campaign's audit log and updates the head of the hash chain in c. Adds
-- the numbers of taken and total slots to the metadata. This function stores nothing. The caller
-- has locked the campaign's row, passes the row's new state as c, and stores c and the event.
create or replace function sambatan.next_event(
  inout c sambatan.campaigns, p_event text, p_actor text, p_at timestamptz,
  p_participation_id uuid, p_metadata jsonb, out entry sambatan.audit_logs
) language plpgsql as $$
begin
  entry.campaign_id := c.campaign_id;
  entry.seq := c.audit_seq + 1;
  entry.occurred_at := p_at;
  entry.participation_id := p_participation_id;
  entry.event := p_event;
  entry.actor := p_actor;
  entry.metadata := jsonb_build_object(
    'slots_taken', c.filled_slots, 'total_slots', c.total_slots) || p_metadata;
  entry.hash := sha256(c.audit_hash || sambatan.audit_content(c.campaign_id, entry.seq, p_at,
    p_participation_id, p_event, p_actor, entry.metadata));
  c.audit_seq := entry.seq;
  c.audit_hash := entry.hash;
  c.updated_at := p_at;
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

-- Appends one event to a campaign's audit log and updates the head of its chain. The caller has
-- locked the campaign's row.
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
  update sambatan.campaigns
    set audit_seq = c.audit_seq, audit_hash = c.audit_hash, updated_at = c.updated_at
    where campaign_id = p_campaign_id;
  return r.entry;
end
$$;
