-- Returns a participation that its buyer may cancel: a reserved participation, or a paid
-- participation that was made before the deadline was extended. The caller has locked the
-- campaign's row. Refuses with the same codes as reserved_participation.
create or replace function sambatan.cancellable_participation(
  c sambatan.campaigns, p_participation_id uuid, p_at timestamptz
) returns sambatan.participants language plpgsql as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if p.status = 'confirmed' and p.joined_at < c.extended_at and p_at < c.deadline
      and c.status in ('active', 'locked') and c.closing_outcome is null then
    return p;
  end if;
  return sambatan.reserved_participation(c, p_participation_id, 'participant_cancelled', p_at);
end
$$;
