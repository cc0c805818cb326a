-- Confirms one reserved participation whose payment was verified, and records that payment as
-- settled. Refuses as release_participation does.
create or replace function sambatan.confirm_participation(
  p_campaign_id uuid, p_participation_id uuid, p_actor text, p_reference text default null
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants := sambatan.reserved_participation(c, p_participation_id,
    'participant_confirmed', now_at);
begin
  update sambatan.participants
    set status = 'confirmed', confirmed_at = now_at, hold_expires_at = null, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  update sambatan.campaigns set confirmed_slots = confirmed_slots + p.quantity
    where campaign_id = p_campaign_id;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at)
    values (p_campaign_id, 'payment', 'settled', p_participation_id, p.quantity * c.price_per_slot,
      'payment:' || p_participation_id, p_actor, p_reference, now_at, now_at);
  perform sambatan.record_event(p_campaign_id, 'participant_confirmed', p_actor, now_at,
    p_participation_id, jsonb_build_object('quantity', p.quantity,
      'amount', p.quantity * c.price_per_slot));
  return p;
end
$$;
