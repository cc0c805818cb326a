-- Moves the deadline of an active or full campaign to a later time. Buyers who joined before this
-- change may cancel from now on, whether they have paid or not: see cancellable_participation.
-- Refuses: campaign_not_found, transition_not_allowed, campaign_closing, deadline_passed,
-- deadline_not_later.
create or replace function sambatan.extend_deadline(
  p_campaign_id uuid, p_deadline timestamptz, p_reason text, p_actor text
) returns sambatan.audit_logs language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status not in ('active', 'locked') then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'deadline_extended'));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif now_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  elsif p_deadline <= c.deadline then
    perform sambatan.refuse('deadline_not_later', jsonb_build_object('deadline', c.deadline));
  end if;
  -- next_run_at does not change, because a hold or an offer may end between the old deadline and
  -- the new one. A lifecycle run that is too early changes nothing.
  update sambatan.campaign_details set deadline = p_deadline, extended_at = now_at
    where campaign_id = p_campaign_id;
  -- If a hold was shorter than hold_seconds only because of the old deadline, it is extended, up to
  -- the new deadline.
  update sambatan.participants set updated_at = now_at, hold_expires_at = greatest(
      hold_expires_at, least(joined_at + c.hold_seconds * interval '1 second', p_deadline))
    where campaign_id = p_campaign_id and status = 'pending_payment'
      and hold_expires_at = c.deadline;
  update sambatan.transactions t set pay_by = p.hold_expires_at
    from sambatan.participants p
    where t.campaign_id = p_campaign_id and p.campaign_id = p_campaign_id
      and t.kind = 'payment' and t.participation_id = p.participation_id
      and t.status in ('due', 'rejected') and p.status = 'pending_payment'
      and t.pay_by < p.hold_expires_at;
  return sambatan.record_event(p_campaign_id, 'deadline_extended', p_actor, now_at, null,
    jsonb_build_object('from', c.deadline, 'to', p_deadline, 'reason', p_reason));
end
$$;
