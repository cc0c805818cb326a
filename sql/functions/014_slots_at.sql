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
