-- Records that entries have left a waiting list, one event for each element of p_metadata, and
-- counts them no more. What was kept for them is kept until offer_slots says anew; when nobody is
-- left it is free. The caller holds the campaign's row and stores what becomes of it in c.
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
