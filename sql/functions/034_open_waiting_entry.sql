-- Returns a waiting-list entry that is open (waiting or offered). Refuses if the campaign is being
-- closed or its deadline has passed. The deadline does not matter if the campaign has succeeded, or
-- if the entry is paid, because its buyer may choose the refund instead. If p_event has already
-- happened to the entry, returns it unchanged. The caller has locked the campaign's row, which also
-- protects its waiting list. Refuses: waiting_entry_not_found, waiting_transition_not_allowed,
-- campaign_closing, deadline_passed.
create or replace function sambatan.open_waiting_entry(
  c sambatan.campaigns, p_entry_id uuid, p_event text, p_at timestamptz
) returns sambatan.waiting_entries language plpgsql as $$
declare
  e sambatan.waiting_entries;
begin
  select * into e from sambatan.waiting_entries
    where campaign_id = c.campaign_id and entry_id = p_entry_id;
  if not found then
    perform sambatan.refuse('waiting_entry_not_found');
  elsif 'waiting_' || e.status = p_event then
    return e;
  elsif e.status not in ('waiting', 'offered')
    or (e.status = 'waiting' and p_event <> 'waiting_withdrawn')
  then
    perform sambatan.refuse('waiting_transition_not_allowed',
      jsonb_build_object('from', e.status, 'event', p_event));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif p_at >= c.deadline and c.status <> 'fulfilled' and e.refund_id is null then
    perform sambatan.refuse('deadline_passed');
  end if;
  return e;
end
$$;
