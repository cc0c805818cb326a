-- The participation, which must be reserved for the event to be possible. The caller holds the
-- campaign's row, which guards its participations as well.
create or replace function sambatan.reserved_participation(
  p_campaign_id uuid, p_participation_id uuid, p_event text
) returns sambatan.participants language plpgsql as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status <> 'pending_payment' then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', p_event));
  end if;
  return p;
end
$$;
