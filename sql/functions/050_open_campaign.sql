-- Returns whether buyers of a campaign can pay once it is open: to a receiving account, or through
-- an online provider. A campaign whose payments are due on completion may open without either.
create or replace function sambatan.can_collect(c sambatan.campaigns, p_pays_online boolean)
returns boolean language sql stable as $$
  select c.payment_timing <> 'upfront' or p_pays_online
    or exists (select 1 from sambatan.receiving_accounts where is_active)
$$;

-- Opens a draft or scheduled campaign for joins, now. Refuses: campaign_not_found,
-- transition_not_allowed, deadline_passed, and receiving_account_missing if buyers must pay before
-- the campaign closes and there is no way to pay.
create or replace function sambatan.open_campaign(
  p_campaign_id uuid, p_actor text, p_pays_online boolean default false
)
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
  elsif p_actor <> 'system' and not sambatan.can_collect(c, p_pays_online) then
    perform sambatan.refuse('receiving_account_missing');
  end if;
  update sambatan.campaign_states set status = 'active', next_run_at = c.deadline
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set status = 'active', opened_at = now_at
    where campaign_id = p_campaign_id;
  return sambatan.record_event(p_campaign_id, 'campaign_opened', p_actor, now_at);
end
$$;
