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
