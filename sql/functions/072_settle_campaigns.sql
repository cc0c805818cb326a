-- settle_campaign for several campaigns in one transaction: one commit for many that are due in
-- the same second. One row per campaign. The limit is for all of them together, because their rows
-- are held until the commit: a campaign that it leaves nothing for is to be sent again.
create or replace function sambatan.settle_campaigns(
  p_campaign_ids uuid[], p_complete_full boolean, p_limit integer
) returns table (
  campaign_id uuid, transitions sambatan.audit_logs[], settled integer, more boolean
) language plpgsql as $$
declare
  left_over integer := p_limit;
begin
  foreach campaign_id in array p_campaign_ids loop
    if left_over > 0 then
      select s.transitions, s.settled, s.more into transitions, settled, more
        from sambatan.settle_campaign(campaign_id, p_complete_full, left_over) s;
      left_over := left_over - settled;
    else
      transitions := '{}';
      settled := 0;
      more := true;
    end if;
    return next;
  end loop;
end
$$;
