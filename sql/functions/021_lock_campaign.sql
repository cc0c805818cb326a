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
