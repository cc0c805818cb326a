-- Cancels a campaign. A campaign that was never open ends at once. A campaign that accepted joins
-- is marked as closing and accepts no more joins; settle_campaign then makes its refunds due and
-- ends it. Returns true if it has ended. Refuses: campaign_not_found, transition_not_allowed,
-- campaign_closing.
create or replace function sambatan.cancel_campaign(
  p_campaign_id uuid, p_reason text, p_actor text
) returns boolean language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('draft', 'scheduled', 'active', 'locked', 'verifying') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_cancelled'));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status in ('active', 'locked', 'verifying') then
    update sambatan.campaign_states set closing_outcome = 'cancelled', closing_actor = p_actor,
        closing_reason = p_reason, next_run_at = now_at, updated_at = now_at
      where campaign_id = p_campaign_id;
    update sambatan.campaign_details set slots_at_close = c.filled_slots
      where campaign_id = p_campaign_id;
    return false;
  end if;
  update sambatan.campaign_states set status = 'cancelled', next_run_at = null
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set status = 'cancelled', cancelled_at = now_at,
      slots_at_close = 0
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'campaign_cancelled', p_actor, now_at, null,
    jsonb_build_object('reason', p_reason));
  return true;
end
$$;
