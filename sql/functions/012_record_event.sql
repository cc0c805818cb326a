-- Appends one event to a campaign's audit log and moves the head of its chain. The caller's
-- transaction holds the campaign's row. Slots taken and total slots are added to every event.
create or replace function sambatan.record_event(
  p_campaign_id uuid, p_event text, p_actor text, p_at timestamptz,
  p_participation_id uuid default null, p_metadata jsonb default '{}'
) returns sambatan.audit_logs language plpgsql as $$
declare
  c sambatan.campaigns;
  entry sambatan.audit_logs;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id
    for no key update;
  entry.campaign_id := p_campaign_id;
  entry.seq := c.audit_seq + 1;
  entry.occurred_at := p_at;
  entry.participation_id := p_participation_id;
  entry.event := p_event;
  entry.actor := p_actor;
  entry.metadata := jsonb_build_object(
    'slots_taken', c.filled_slots, 'total_slots', c.total_slots) || p_metadata;
  entry.hash := sha256(c.audit_hash || sambatan.audit_content(p_campaign_id, entry.seq, p_at,
    p_participation_id, p_event, p_actor, entry.metadata));
  insert into sambatan.audit_logs values (entry.*);
  update sambatan.campaigns
    set audit_seq = entry.seq, audit_hash = entry.hash, updated_at = p_at
    where campaign_id = p_campaign_id;
  return entry;
end
$$;
