-- settle_campaign for several campaigns in one transaction: one commit for many that are due in
-- the same second. One row per campaign.
create or replace function sambatan.settle_campaigns(
  p_campaign_ids uuid[], p_complete_full boolean, p_limit integer
) returns table (campaign_id uuid, transitions sambatan.audit_logs[], more boolean)
language plpgsql as $$
begin
  foreach campaign_id in array p_campaign_ids loop
    select s.transitions, s.more into transitions, more
      from sambatan.settle_campaign(campaign_id, p_complete_full, p_limit) s;
    return next;
  end loop;
end
$$;
