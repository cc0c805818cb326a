-- Returns the part of a payment that must be refunded if p_slots of a participation are not
-- delivered. This is the price of the slots, plus the unique code if the whole participation is
-- refunded. Zero if the participation is not paid. Refuses: payment_not_open while a provider
-- processes the payment.
create or replace function sambatan.refund_of_slots(
  t sambatan.transactions, p_price bigint, p_slots integer, p_is_refunded boolean
) returns bigint language plpgsql stable as $$
begin
  if t.status = 'pending' then
    perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
  elsif t.status = 'settled' then
    return p_slots * p_price + case when p_is_refunded then t.surcharge else 0 end;
  end if;
  return 0;
end
$$;

-- Revokes p_slots of a participation in a completed campaign, because they are not delivered. Makes
-- a refund of their price due, or lowers the open payment. A participation that keeps no slot gets
-- the status refunded, and its unique code is refunded too. This is possible even after the buyer
-- received the goods. Returns the rupiah to be refunded. The caller has locked the campaign's row,
-- and updates the payout.
create or replace function sambatan.revoke_slots(
  c sambatan.campaigns, p sambatan.participants, p_slots integer, p_at timestamptz, p_actor text,
  p_reason text
) returns bigint language plpgsql as $$
declare
  is_refunded constant boolean := p.undelivered_slots + p_slots = p.quantity;
  worth constant bigint := p_slots * c.price_per_slot;
  t sambatan.transactions;
  back bigint;
begin
  select * into strict t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  back := sambatan.refund_of_slots(t, c.price_per_slot, p_slots, is_refunded);
  if t.status = 'settled' then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (c.campaign_id, 'refund', 'due', p.participation_id, back,
        'short:' || p.participation_id || ':' || p.undelivered_slots + p_slots, p_actor, p_at);
  elsif is_refunded then
    perform sambatan.void_payment(c.campaign_id, p.participation_id, p_reason);
    -- This may have been the last unpaid order.
    perform sambatan.schedule_run(c.campaign_id, p_at);
  else
    -- The amount has changed, so the payment gets a new unique code when it is next viewed.
    update sambatan.transactions set amount = amount - worth, account_id = null, unique_code = 0
      where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
  end if;
  update sambatan.participants
    set undelivered_slots = undelivered_slots + p_slots, updated_at = p_at,
      status = case when is_refunded then 'refunded' else status end,
      refunded_at = case when is_refunded then p_at else refunded_at end
    where campaign_id = c.campaign_id and participation_id = p.participation_id;
  if is_refunded then
    update sambatan.campaign_states set filled_slots = filled_slots - p.quantity,
        confirmed_slots = confirmed_slots - p.quantity, participant_count = participant_count - 1
      where campaign_id = c.campaign_id;
    perform sambatan.record_event(c.campaign_id, 'participant_refunded', p_actor, p_at,
      p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', p_reason));
  end if;
  return back;
end
$$;

-- Records an operator's decision that a buyer of a completed campaign has not paid and will not
-- pay. The order is cancelled as unpaid, even before its payment term ends. If the goods were
-- delivered, they count as not sold. The payout no longer waits for this payment. Refuses:
-- campaign_not_found, participation_not_found, participation_transition_not_allowed,
-- payment_not_due, payment_not_open, payout_settled_already.
create or replace function sambatan.write_off_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text
) returns void language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t constant sambatan.transactions := sambatan.payment_to_change(p_campaign_id,
    p_participation_id, 'due', 'rejected');
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if c.status <> 'fulfilled' or p.status is null or p.status not in ('confirmed', 'fulfilled') then
    perform sambatan.refuse('participation_transition_not_allowed',
      jsonb_build_object('from', p.status, 'event', 'participant_cancelled'));
  end if;
  perform sambatan.record_event(p_campaign_id, 'payment_rejected', p_actor, now_at,
    p_participation_id, jsonb_build_object('reason', p_reason, 'written_off', true));
  if p.status = 'confirmed' then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    c := sambatan.cancel_unpaid(c, p, now_at, p_actor);
    perform sambatan.void_payment(p_campaign_id, p_participation_id, 'unpaid');
    -- The slots are offered at once. The lifecycle run checks whether this was the last open order.
    c.next_run_at := now_at;
    if c.waiting_entries > 0 then
      c := sambatan.offer_slots(c, now_at);
    end if;
    perform sambatan.store_campaigns(array[c]);
  else
    perform sambatan.revoke_slots(
      c, p, p.quantity - p.undelivered_slots, now_at, p_actor, 'unpaid');
  end if;
  perform sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  perform sambatan.release_when_received(p_campaign_id, now_at);
end
$$;
