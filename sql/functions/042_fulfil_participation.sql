-- Records that the buyer of a completed campaign received the goods. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, and participation_not_paid,
-- because goods are not sent before they are paid.
create or replace function sambatan.fulfil_participation(
  p_campaign_id uuid, p_participation_id uuid, p_actor text
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status <> 'confirmed' or c.status <> 'fulfilled' then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_fulfilled'));
  elsif not exists (select 1 from sambatan.transactions
    where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id
      and status = 'settled')
  then
    perform sambatan.refuse('participation_not_paid');
  end if;
  update sambatan.participants
    set status = 'fulfilled', fulfilled_at = now_at, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  perform sambatan.record_event(p_campaign_id, 'participant_fulfilled', p_actor, now_at,
    p_participation_id, jsonb_build_object('quantity', p.quantity));
  perform sambatan.release_when_received(p_campaign_id, now_at);
  return p;
end
$$;
