-- Adds a buyer to the end of a campaign's waiting list, and offers free slots at once. If a request
-- with an idempotency key is repeated, the function returns the entry of the first request. A
-- refusal writes nothing. Refuses: campaign_not_found, idempotency_key_reused, campaign_closing,
-- campaign_not_active, deadline_passed, already_waiting, quantity_out_of_bounds, slots_available,
-- waiting_list_full.
create or replace function sambatan.wait_for_slots(
  p_campaign_id uuid, p_entry_id uuid, p_user_id uuid, p_quantity integer, p_address text,
  p_note text, p_key text, p_request_hash bytea, p_actor text
) returns sambatan.waiting_entries language plpgsql set enable_seqscan = off as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  known sambatan.idempotency_keys;
  e sambatan.waiting_entries;
  own_slots integer;
begin
  if c.status = 'draft' then
    perform sambatan.refuse('campaign_not_found');
  end if;
  select * into known from sambatan.idempotency_keys
    where campaign_id = p_campaign_id and user_id = p_user_id and key = p_key;
  if found then
    if known.request_hash <> p_request_hash then
      perform sambatan.refuse('idempotency_key_reused');
    end if;
    select * into strict e from sambatan.waiting_entries
      where campaign_id = p_campaign_id and entry_id = (known.params ->> 'entry_id')::uuid;
    return e;
  end if;

  select coalesce(sum(quantity), 0) into own_slots from sambatan.participants
    where user_id = p_user_id and campaign_id = p_campaign_id
      and status in ('pending_payment', 'confirmed', 'fulfilled');
  if c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status not in ('active', 'locked') then
    perform sambatan.refuse('campaign_not_active', jsonb_build_object('status', c.status));
  elsif now_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  elsif exists (select from sambatan.waiting_entries where campaign_id = p_campaign_id
    and user_id = p_user_id and status in ('waiting', 'offered'))
  then
    perform sambatan.refuse('already_waiting');
  elsif own_slots + p_quantity not between coalesce(c.min_slots_per_user, 1)
    and coalesce(c.max_slots_per_user, 2147483647) or p_quantity > c.total_slots
  then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', coalesce(c.min_slots_per_user, 1),
      'maximum', coalesce(c.max_slots_per_user, c.total_slots), 'held', own_slots));
  elsif c.filled_slots + c.reserved_slots < c.total_slots then
    perform sambatan.refuse('slots_available',
      jsonb_build_object('remaining', c.total_slots - c.filled_slots - c.reserved_slots));
  elsif c.waiting_entries >= sambatan.waiting_list_limit() then
    perform sambatan.refuse('waiting_list_full',
      jsonb_build_object('maximum', sambatan.waiting_list_limit()));
  end if;

  insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
      shipping_address, note, created_at, updated_at)
    values (p_campaign_id, p_entry_id, p_user_id, c.audit_seq + 1, p_quantity, p_address, p_note,
      now_at, now_at);
  c.waiting_entries := c.waiting_entries + 1;
  c := sambatan.append_events(c, 'waiting_joined', p_actor, now_at, array[
    jsonb_build_object('entry_id', p_entry_id, 'quantity', p_quantity)]);
  if p_key is not null then
    insert into sambatan.idempotency_keys (campaign_id, user_id, key, request_hash, outcome,
        params, answered_at)
      values (p_campaign_id, p_user_id, p_key, p_request_hash, 'waiting',
        jsonb_build_object('entry_id', p_entry_id), now_at);
  end if;
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, now_at)]);
  select * into strict e from sambatan.waiting_entries
    where campaign_id = p_campaign_id and entry_id = p_entry_id;
  return e;
end
$$;
