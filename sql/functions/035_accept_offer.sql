-- Accepts an offer: creates a participation with the same rules, hold and events as a join. An
-- offer that is already accepted is returned unchanged. After the campaign has succeeded, an offer
-- can be accepted only by paying for it. Refuses: offer_expired, offer_is_paid, and the codes of
-- open_waiting_entry and join_campaigns.
create or replace function sambatan.accept_offer(
  p_campaign_id uuid, p_entry_id uuid, p_participation_id uuid, p_actor text
) returns sambatan.waiting_entries language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  e sambatan.waiting_entries := sambatan.open_waiting_entry(c, p_entry_id, 'waiting_accepted',
    now_at);
  answer text;
  detail jsonb;
begin
  if e.status = 'accepted' then
    return e;
  elsif e.order_id is not null then
    perform sambatan.refuse('offer_is_paid');
  elsif now_at >= e.offer_expires_at then
    perform sambatan.refuse('offer_expired');
  end if;
  -- This transaction releases the reserved slots and takes them with the join while it holds the
  -- lock of the campaign's row. So no other transaction sees them as free.
  c.reserved_slots := c.reserved_slots - e.quantity;
  c := sambatan.append_events(c, 'waiting_accepted', p_actor, now_at, array[
    jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'participation_id', p_participation_id)]);
  perform sambatan.store_campaigns(array[c]);
  select j.outcome, j.params into answer, detail from sambatan.join_campaigns(
    array[p_campaign_id], array[p_participation_id], array[e.user_id], array[e.quantity],
    array[e.shipping_address], array[e.note], array[sambatan.phone_in(e.shipping_address)],
    array[sambatan.new_salt()], null, null, array[p_actor], null, 0, true, false) j;
  if answer <> 'joined' then
    perform sambatan.refuse(answer, coalesce(detail, '{}'));
  end if;
  update sambatan.waiting_entries set status = 'accepted', accepted_at = now_at,
      updated_at = now_at, participation_id = p_participation_id
    where campaign_id = p_campaign_id and entry_id = p_entry_id
    returning * into e;
  update sambatan.campaign_states set waiting_entries = waiting_entries - 1
    where campaign_id = p_campaign_id;
  return e;
end
$$;
