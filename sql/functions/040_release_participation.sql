-- Cancels one reserved participation and gives its slots back: to those who wait, if
-- anybody does. A full campaign takes joins again.
-- p_reason is 'buyer' or 'operator'; p_note is the person's own words, if any.
-- Refuses: campaign_not_found, participation_not_found, participation_transition_not_allowed,
-- campaign_closing, deadline_passed.
create or replace function sambatan.release_participation(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text,
  p_note text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants := sambatan.reserved_participation(c, p_participation_id,
    'participant_cancelled', now_at);
begin
  update sambatan.participants
    set status = 'cancelled', cancelled_at = now_at, cancel_reason = p_reason, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  update sambatan.campaigns set filled_slots = filled_slots - p.quantity,
      participant_count = participant_count - 1,
      status = case status when 'locked' then 'active' else status end,
      filled_at = null
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'participant_cancelled', p_actor, now_at,
    p_participation_id, jsonb_strip_nulls(jsonb_build_object(
      'quantity', p.quantity, 'reason', p_reason, 'note', p_note)));
  if c.status = 'locked' then
    perform sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
  end if;
  if c.waiting_entries > 0 then
    perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  end if;
  return p;
end
$$;
