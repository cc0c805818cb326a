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
