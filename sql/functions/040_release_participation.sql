-- Cancels one reserved participation and frees its slots. They are offered to the waiting list
-- first. If the campaign was full, it accepts joins again. A buyer may also cancel a paid
-- participation if the deadline was extended after the buyer had joined; such a participation is
-- refunded. p_reason is 'buyer' or 'operator'; p_note is a text that the person wrote, if any.
-- Refuses: campaign_not_found, participation_not_found, participation_transition_not_allowed,
-- campaign_closing, deadline_passed.
create or replace function sambatan.release_participation(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text,
  p_note text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants := sambatan.cancellable_participation(c, p_participation_id, now_at);
  was_paid constant boolean := p.status = 'confirmed';
begin
  update sambatan.participants
    set status = case when was_paid then 'refunded'
        else 'cancelled' end::sambatan.participant_status,
      cancelled_at = case when not was_paid then now_at end,
      cancel_reason = case when not was_paid then p_reason end,
      refunded_at = case when was_paid then now_at end, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  if was_paid then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      select p_campaign_id, 'refund', 'due', p_participation_id,
        p.quantity * c.price_per_slot + t.surcharge,
        'refund:' || p_participation_id, p_actor, now_at
      from sambatan.transactions t where t.campaign_id = p_campaign_id
        and t.cause = 'payment:' || p_participation_id and t.status = 'settled';
  end if;
  update sambatan.campaign_states set filled_slots = filled_slots - p.quantity,
      confirmed_slots = confirmed_slots - case when was_paid then p.quantity else 0 end,
      participant_count = participant_count - 1,
      status = case when status = 'locked' then 'active' else status end
    where campaign_id = p_campaign_id;
  if c.status = 'locked' then
    update sambatan.campaign_details set status = 'active', filled_at = null
      where campaign_id = p_campaign_id;
  end if;
  perform sambatan.record_event(p_campaign_id,
    case when was_paid then 'participant_refunded' else 'participant_cancelled' end,
    p_actor, now_at, p_participation_id, jsonb_strip_nulls(jsonb_build_object(
      'quantity', p.quantity, 'note', p_note,
      'reason', case when was_paid then 'deadline_extended' else p_reason end)));
  if c.status = 'locked' then
    perform sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
  end if;
  if c.waiting_entries > 0 then
    perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  end if;
  return p;
end
$$;
