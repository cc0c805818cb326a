-- How often an entry of a waiting list may be overtaken: slots that are too few for it go to a
-- smaller one behind it so many times; after that they are gathered for it.
create or replace function sambatan.max_waiting_overtakes()
returns integer language sql immutable parallel safe as $$ select 3 $$;

-- Most entries of one campaign that may wait or have an offer at the same time: what one freed slot
-- may have to go through.
create or replace function sambatan.waiting_list_limit()
returns integer language sql immutable parallel safe as $$ select 1000 $$;

-- Whether what is free of a campaign is a remainder that anybody may join: less than the least per
-- buyer, and not gathered for an entry that nobody may overtake any more.
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
