-- Changes the payment of a participation that will keep only p_quantity of its slots in a campaign
-- that has not ended. Lowers the amount of an open payment, or makes a partial refund of a settled
-- payment due. An open payment with a new amount gets a new unique code when it is next viewed.
-- Returns the rupiah that are refunded. Refuses: payment_not_open while a proof waits for
-- verification or a provider processes the payment, because the service does not know which amount
-- will arrive. The caller has locked the campaign's row.
create or replace function sambatan.pay_for_fewer(
  c sambatan.campaigns, p sambatan.participants, p_quantity integer, p_at timestamptz, p_actor text
) returns bigint language plpgsql as $$
declare
  t sambatan.transactions;
  back constant bigint := (p.quantity - p_quantity) * c.price_per_slot;
begin
  select * into t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  if not found then
    return 0;
  elsif t.status = 'settled' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (c.campaign_id, 'refund', 'due', p.participation_id, back,
        'fewer:' || p.participation_id || ':' || p_quantity, p_actor, p_at);
    return back;
  elsif t.status in ('due', 'rejected') then
    update sambatan.transactions set amount = p_quantity * c.price_per_slot, account_id = null,
        unique_code = 0
      where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
    return 0;
  end if;
  perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
end
$$;

-- Refuses if reducing a participation to p_quantity slots is not allowed at p_at:
-- more_slots_by_joining, campaign_closing, campaign_not_active, deadline_passed,
-- quantity_out_of_bounds. The caller has locked the campaign's row.
create or replace function sambatan.check_fewer(
  c sambatan.campaigns, p sambatan.participants, p_quantity integer, p_at timestamptz
) returns void language plpgsql as $$
declare
  others integer;
begin
  if p_quantity > p.quantity then
    perform sambatan.refuse('more_slots_by_joining', jsonb_build_object('quantity', p.quantity));
  elsif c.closing_outcome is not null then
    perform sambatan.refuse('campaign_closing');
  elsif c.status not in ('active', 'locked') then
    perform sambatan.refuse('campaign_not_active', jsonb_build_object('status', c.status));
  elsif p_at >= c.deadline then
    perform sambatan.refuse('deadline_passed');
  end if;
  select coalesce(sum(quantity), 0) into others from sambatan.participants
    where user_id = p.user_id and campaign_id = c.campaign_id
      and participation_id <> p.participation_id
      and status in ('pending_payment', 'confirmed', 'fulfilled');
  if others + p_quantity < c.min_slots_per_user then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', c.min_slots_per_user, 'maximum', c.max_slots_per_user, 'held', others));
  end if;
end
$$;

-- Changes the address, the note and the number of slots of a participation. A null argument changes
-- nothing; an empty note removes the note. Address and note can change while the participation is
-- reserved or confirmed. The number of slots can become smaller while the campaign accepts joins:
-- the freed slots are offered to the waiting list first, the money for them is refunded, and the
-- participation keeps its status. A request without a change writes nothing. The audit log names
-- the changed fields, but contains no address. Refuses: campaign_not_found,
-- participation_not_found, participation_transition_not_allowed, and what check_fewer and
-- pay_for_fewer refuse.
create or replace function sambatan.change_participation(
  p_campaign_id uuid, p_participation_id uuid, p_quantity integer, p_address text, p_note text,
  p_actor text
) returns sambatan.participants language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  p sambatan.participants;
  address text;
  words text;
  kept integer;
  freed integer;
  back bigint := 0;
  fields text[] := '{}';
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif p.status not in ('pending_payment', 'confirmed') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_changed'));
  end if;
  address := coalesce(p_address, p.shipping_address);
  words := case when p_note is null then p.note else nullif(p_note, '') end;
  kept := coalesce(p_quantity, p.quantity);
  freed := p.quantity - kept;
  if address <> p.shipping_address then
    fields := fields || 'shipping_address'::text;
  end if;
  if words is distinct from p.note then
    fields := fields || 'note'::text;
  end if;
  if freed <> 0 then
    perform sambatan.check_fewer(c, p, kept, now_at);
    back := sambatan.pay_for_fewer(c, p, kept, now_at, p_actor);
    fields := fields || 'quantity'::text;
  end if;
  if fields = '{}' then
    return p;
  end if;

  update sambatan.participants
    set shipping_address = address, phone = sambatan.phone_in(address), note = words,
      quantity = kept, updated_at = now_at
    where campaign_id = p_campaign_id and participation_id = p_participation_id
    returning * into p;
  if freed > 0 then
    update sambatan.campaign_states set filled_slots = filled_slots - freed,
        confirmed_slots = confirmed_slots - case when p.status = 'confirmed' then freed else 0 end,
        status = case when status = 'locked' then 'active' else status end
      where campaign_id = p_campaign_id;
    update sambatan.campaign_details
      set status = case when status = 'locked' then 'active' else status end, filled_at = null
      where campaign_id = p_campaign_id;
  end if;
  perform sambatan.record_event(p_campaign_id, 'participant_changed', p_actor, now_at,
    p_participation_id, jsonb_build_object('quantity', kept, 'fields', to_jsonb(fields))
      || case when freed > 0 then jsonb_build_object('from', kept + freed, 'amount', back)
        else '{}' end);
  if freed > 0 and c.status = 'locked' then
    perform sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
  end if;
  if freed > 0 and c.waiting_entries > 0 then
    perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  end if;
  return p;
end
$$;
