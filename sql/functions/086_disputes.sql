-- A buyer says that something is wrong with what they bought: the payout is held until an operator
-- has resolved it. Refuses: campaign_not_found, participation_not_found,
-- participation_transition_not_allowed, dispute_open_already.
create or replace function sambatan.open_dispute(
  p_campaign_id uuid, p_participation_id uuid, p_dispute_id uuid, p_reason text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
  d sambatan.disputes;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif c.status <> 'fulfilled' or p.status not in ('confirmed', 'fulfilled') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'dispute_opened'));
  elsif exists (select from sambatan.disputes where campaign_id = p_campaign_id
    and participation_id = p_participation_id and resolved_at is null)
  then
    perform sambatan.refuse('dispute_open_already');
  end if;
  insert into sambatan.disputes (campaign_id, dispute_id, participation_id, reason, opened_by,
      opened_at)
    values (p_campaign_id, p_dispute_id, p_participation_id, p_reason, p_actor, now_at)
    returning * into d;
  perform sambatan.record_event(p_campaign_id, 'dispute_opened', p_actor, now_at,
    p_participation_id, jsonb_build_object('dispute_id', p_dispute_id));
  return d;
end
$$;

-- Resolves a dispute: upheld gives the buyer their money back, dismissed leaves it with the seller.
-- Refuses: dispute_not_found, dispute_resolved_already, payout_settled_already, payment_not_open.
create or replace function sambatan.resolve_dispute(
  p_dispute_id uuid, p_resolution text, p_explanation text, p_actor text
) returns sambatan.disputes language plpgsql as $$
declare
  d sambatan.disputes;
  c sambatan.campaigns;
  p sambatan.participants;
  now_at timestamptz;
  back bigint := 0;
begin
  select * into d from sambatan.disputes where dispute_id = p_dispute_id;
  if not found then
    perform sambatan.refuse('dispute_not_found');
  end if;
  c := sambatan.lock_campaign(d.campaign_id);
  now_at := clock_timestamp();
  update sambatan.disputes set resolution = p_resolution, explanation = p_explanation,
      resolved_by = p_actor, resolved_at = now_at
    where campaign_id = c.campaign_id and dispute_id = p_dispute_id and resolved_at is null
    returning * into d;
  if not found then
    perform sambatan.refuse('dispute_resolved_already');
  end if;
  select * into strict p from sambatan.participants
    where campaign_id = d.campaign_id and participation_id = d.participation_id;
  if p_resolution = 'upheld' and p.status in ('confirmed', 'fulfilled')
    and p.short_slots < p.quantity
  then
    back := sambatan.take_back_slots(c, p, p.quantity - p.short_slots, now_at, p_actor, 'dispute');
    perform sambatan.refresh_payout(c.campaign_id, now_at, p_actor);
  end if;
  perform sambatan.record_event(d.campaign_id, 'dispute_resolved', p_actor, now_at,
    d.participation_id, jsonb_build_object('dispute_id', p_dispute_id,
      'resolution', p_resolution, 'refund', back));
  perform sambatan.release_when_received(d.campaign_id, now_at);
  return d;
end
$$;
