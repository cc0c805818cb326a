-- Returns a reserved participation of a campaign whose deadline has not passed and that is not
-- being closed. p_event is the event that the caller wants to record; it appears in the refusal.
-- The caller has locked the campaign's row, which also protects its participations. Refuses:
-- participation_not_found, participation_transition_not_allowed, campaign_closing, deadline_passed.
create or replace function sambatan.reserved_participation(
  c sambatan.campaigns, p_participation_id uuid, p_event text, p_at timestamptz
) returns sambatan.participants language plpgsql as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status <> 'pending_payment' then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', p_event));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif p_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  end if;
  return p;
end
$$;
