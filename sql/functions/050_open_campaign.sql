-- Opens a draft or scheduled campaign for joins, now. Refuses: campaign_not_found,
-- transition_not_allowed, deadline_passed.
create or replace function sambatan.open_campaign(p_campaign_id uuid, p_actor text)
returns sambatan.audit_logs language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('draft', 'scheduled') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_opened'));
  elsif now_at >= c.deadline and p_actor <> 'system' then
    perform sambatan.refuse('deadline_passed');
  end if;
  update sambatan.campaigns set status = 'active', opened_at = now_at, due_at = deadline
    where campaign_id = p_campaign_id;
  return sambatan.record_event(p_campaign_id, 'campaign_opened', p_actor, now_at);
end
$$;
