-- Locks one campaign's row and gives it as it is now. Waits as long as lock_timeout allows.
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
