-- Removes an entry from the waiting list at the request of its buyer. p_event is waiting_declined
-- (for an offer) or waiting_withdrawn (for any open entry). The slots that this frees are offered
-- to the next entry at once. If the same event has already removed the entry, it is returned
-- unchanged. Refuses with the same codes as open_waiting_entry.
create or replace function sambatan.withdraw_waiting_entry(
  p_campaign_id uuid, p_entry_id uuid, p_event text, p_actor text
) returns sambatan.waiting_entries language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  e sambatan.waiting_entries := sambatan.open_waiting_entry(c, p_entry_id, p_event, now_at);
begin
  if 'waiting_' || e.status = p_event then
    return e;
  end if;
  update sambatan.waiting_entries set updated_at = now_at, keep_until = null,
      status = case p_event when 'waiting_declined' then 'declined' else 'withdrawn'
        end::sambatan.waiting_status,
      declined_at = case p_event when 'waiting_declined' then now_at end,
      withdrawn_at = case p_event when 'waiting_withdrawn' then now_at end
    where campaign_id = p_campaign_id and entry_id = p_entry_id
    returning * into e;
  c := sambatan.remove_waiting_entries(c, p_event, p_actor, now_at, array[
    jsonb_strip_nulls(jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'amount', e.kept_amount))]);
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, now_at)]);
  perform sambatan.schedule_run(p_campaign_id, now_at);
  return e;
end
$$;
