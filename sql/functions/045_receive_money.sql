-- Returns the reason why p_amount rupiah that were paid at p_paid do not pay for a participation,
-- or null if they pay for it. The reason is one of the reasons of the event payment_late. The
-- caller has locked the campaign's row.
create or replace function sambatan.why_not_owed(
  c sambatan.campaigns, p sambatan.participants, p_amount bigint, p_paid timestamptz
) returns text language plpgsql stable as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  return case
    when t.status = 'settled' or (t.status = 'void' and t.reason = 'given') then 'already_paid'
    when p.status = 'cancelled' and p.cancel_reason = 'unpaid' then 'unpaid'
    when t.status = 'void' then 'campaign_over'
    when p.status = 'cancelled' and p.cancel_reason = 'hold_lapsed' then 'hold_lapsed'
    when p.status = 'cancelled' then 'left'
    when p.status = 'refunded' then 'campaign_over'
    when p.status = 'pending_payment' and c.closing_outcome is not null then 'campaign_over'
    when p.status = 'pending_payment' and c.status = 'fulfilled' and p_paid > p.hold_expires_at
      then 'too_late'
    when p.status = 'pending_payment'
      and c.status not in ('active', 'locked', 'verifying', 'fulfilled') then 'campaign_over'
    when (p.status = 'pending_payment' and c.status <> 'fulfilled' and p_paid > c.deadline)
      or (p.status = 'confirmed' and p_paid > t.pay_by) then 'too_late'
    when p_amount < coalesce(t.amount, (p.quantity - p.undelivered_slots) * c.price_per_slot)
      then 'too_little'
  end;
end
$$;

-- Counts p_amount rupiah that arrived for a participation. p_receipt identifies the money, and each
-- receipt is counted once. It is 'line:…' for a statement line, 'verified:…' for a manual
-- verification, or the name of a provider and the provider's reference. p_paid_at or p_paid_on is
-- the time or day at which the buyer paid, if known. It decides whether the payment was in time;
-- the time at which the service noticed the money does not matter. Returns the participation that
-- has the slots, and what happened to the money:
--   settled   The money pays what was due. A reserved participation is confirmed. An offer that was
--             made after the campaign succeeded becomes a confirmed participation.
--   given     The hold had lapsed, but enough slots are free. The buyer gets slots again, in a new
--             participation.
--   credited  The money pays for nothing, for example because it was paid too late or twice, or is
--             too little. Its refund is due at once. If the buyer paid in time but other buyers
--             have got the slots, the buyer may choose between the refund and the front of the
--             waiting list (see paid_in_time).
--   known     A receipt with this name was counted before. Nothing changes.
-- Refuses: campaign_not_found, participation_not_found.
create or replace function sambatan.receive_money(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint, p_actor text, p_reference text,
  p_receipt text, p_paid_at timestamptz default null, p_paid_on date default null,
  out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at timestamptz := clock_timestamp();
  paid constant timestamptz := sambatan.paid_moment(p_paid_at, p_paid_on, now_at);
  p sambatan.participants;
  t sambatan.transactions;
  price bigint;
  why text;
  is_offer boolean;
begin
  participation_id := p_participation_id;
  select * into p from sambatan.participants x
    where x.campaign_id = p_campaign_id and x.participation_id = p_participation_id;
  is_offer := not found;
  if is_offer then
    p := sambatan.offered_participation(p_campaign_id, p_participation_id);
  end if;
  if p.participation_id is null then
    perform sambatan.refuse('participation_not_found');
  elsif exists (select 1 from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.receipt = p_receipt)
  then
    outcome := 'known';
    return;
  end if;
  select * into t from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.cause = 'payment:' || p_participation_id;
  price := coalesce(t.amount, (p.quantity - p.undelivered_slots) * c.price_per_slot);
  why := sambatan.why_not_owed(c, p, p_amount, paid);
  if why = 'hold_lapsed' and p_amount >= price and paid <= c.deadline
    and c.closing_outcome is null and c.status in ('active', 'locked', 'verifying')
  then
    participation_id := sambatan.rejoin_lapsed(c, p, p_actor);
    why := case when participation_id is null then 'hold_lapsed' end;
  end if;

  if why is not null then
    outcome := 'credited';
    participation_id := p_participation_id;
    perform sambatan.credit_money(c, p_participation_id, p_amount, now_at, p_actor, p_reference,
      p_receipt, why, p_paid_at, p_paid_on,
      sambatan.paid_in_time(p_campaign_id, p_participation_id, p_amount, why, paid));
    if why in ('too_little', 'too_late') and t.status in ('proof_submitted', 'pending') then
      perform sambatan.reopen_payment(c, p, t, why, now_at);
    elsif why in ('hold_lapsed', 'left', 'campaign_over', 'unpaid') then
      perform sambatan.void_payment(c.campaign_id, p_participation_id, why);
    end if;
    perform sambatan.schedule_run(p_campaign_id, now_at);
    return;
  end if;

  outcome := case when participation_id = p_participation_id then 'settled' else 'given' end;
  if outcome = 'given' then
    -- In the audit log, the next events follow the join, so their time must not be earlier than the
    -- time of the join.
    now_at := clock_timestamp();
    -- The unique code that was paid belongs to the new payment. If more money arrives for the old
    -- participation later, it counts as a second payment. This is also true if the old
    -- participation had no payment row before.
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, reason)
      values (c.campaign_id, 'payment', 'void', p_participation_id, price,
        'payment:' || p_participation_id, p_actor, now_at, 'given')
      on conflict (campaign_id, cause) do update set status = 'void', reason = 'given';
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, account_id, unique_code, pay_by)
      values (c.campaign_id, 'payment', 'due', participation_id, price,
        'payment:' || participation_id, p_actor, now_at, t.account_id,
        coalesce(t.unique_code, 0), least(now_at, c.deadline));
    select * into strict p from sambatan.participants x
      where x.campaign_id = p_campaign_id and x.participation_id = receive_money.participation_id;
  end if;
  if is_offer then
    perform sambatan.take_paid_offer(c, p, now_at, p_actor);
  end if;
  perform sambatan.settle_payment(c, p, p_amount, now_at, p_actor, p_reference, p_receipt,
    p_paid_at, p_paid_on);
  if is_offer then
    perform sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  elsif p.status = 'pending_payment' then
    perform sambatan.confirm_reserved(c, p, now_at, p_actor);
  end if;
  perform sambatan.schedule_run(p_campaign_id, now_at);
end
$$;

-- Joins again for a buyer whose hold lapsed although the buyer had paid in time. The rules of a
-- join apply: the slots must be free, not reserved for the waiting list, and within the bounds per
-- buyer. After the deadline, nobody can join, but this function still assigns slots that were paid
-- before the deadline. Returns the new participation, or null if it was refused. The caller has
-- locked the campaign's row.
create or replace function sambatan.rejoin_lapsed(
  c sambatan.campaigns, p sambatan.participants, p_actor text
) returns uuid language plpgsql as $$
declare
  made uuid := gen_random_uuid();
  now_at constant timestamptz := clock_timestamp();
  answer text;
  has integer;
begin
  if now_at < c.deadline then
    select j.outcome into answer from sambatan.join_campaigns(
      array[c.campaign_id], array[made], array[p.user_id], array[p.quantity],
      array[p.shipping_address], array[p.note], array[sambatan.phone_in(p.shipping_address)],
      array[sambatan.new_salt()], null, null, array[p_actor], null, 0, true, false) j;
    return case when answer = 'joined' then made end;
  end if;
  select coalesce(sum(x.quantity), 0) into has from sambatan.participants x
    where x.campaign_id = c.campaign_id and x.user_id = p.user_id
      and (x.status in ('pending_payment', 'confirmed') or x.status = 'fulfilled');
  if p.quantity > c.total_slots - c.filled_slots - c.reserved_slots
    or has + p.quantity > coalesce(c.max_slots_per_user, 2147483647)
  then
    return null;
  end if;
  perform sambatan.add_participation(c, p, made, 'pending_payment', now_at, p_actor);
  return made;
end
$$;

-- Adds a participation outside the normal join: for the same buyer, with the quantity and address
-- of p, reserved or confirmed at once. If p is the offer that becomes the participation, it also has
-- the salt of p. If the participation takes the last slots of an open
-- campaign, the campaign becomes full. The caller has locked the campaign's row and has checked
-- that the slots are free. Stores c.
create or replace function sambatan.add_participation(
  c sambatan.campaigns, p sambatan.participants, p_participation_id uuid,
  p_status sambatan.participant_status, p_at timestamptz, p_actor text
) returns sambatan.campaigns language plpgsql as $$
declare
  r record;
begin
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note, phone, salt,
      joined_seq)
    values (c.campaign_id, p_participation_id, p.user_id, p.quantity, p_status, p_at, p_at,
      case when p_status = 'confirmed' then p_at end, p.shipping_address, p.note,
      sambatan.phone_in(p.shipping_address),
      case when p_participation_id = p.participation_id then p.salt else sambatan.new_salt() end,
      c.audit_seq + 1);
  c.filled_slots := c.filled_slots + p.quantity;
  c.participant_count := c.participant_count + 1;
  select * into r from sambatan.append_event(c, 'participant_joined', p_actor, p_at,
    p_participation_id, jsonb_build_object('quantity', p.quantity));
  c := r.c;
  if p_status = 'confirmed' then
    c.confirmed_slots := c.confirmed_slots + p.quantity;
    select * into r from sambatan.append_event(c, 'participant_confirmed', p_actor, p_at,
      p_participation_id, jsonb_build_object('quantity', p.quantity,
        'amount', p.quantity * c.price_per_slot));
    c := r.c;
  elsif c.status = 'active' and c.filled_slots = c.total_slots then
    c.status := 'locked';
    c.filled_at := p_at;
    select * into r from sambatan.append_event(c, 'campaign_full', 'system', p_at, null, '{}');
    c := r.c;
  end if;
  perform sambatan.store_campaigns(array[c]);
  return c;
end
$$;

-- Accepts an offer that was made after the campaign succeeded and is now paid. p is the
-- participation that the offer becomes; it is added as confirmed. The caller has locked the
-- campaign's row.
create or replace function sambatan.take_paid_offer(
  c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) returns void language plpgsql as $$
declare
  accepted_id uuid;
begin
  select entry_id into strict accepted_id from sambatan.waiting_entries
    where campaign_id = c.campaign_id and order_id = p.participation_id;
  c.reserved_slots := c.reserved_slots - p.quantity;
  c := sambatan.remove_waiting_entries(c, 'waiting_accepted', p_actor, p_at, array[
    jsonb_build_object('entry_id', accepted_id, 'quantity', p.quantity,
      'participation_id', p.participation_id)]);
  c := sambatan.add_participation(c, p, p.participation_id, 'confirmed', p_at, p_actor);
  update sambatan.waiting_entries set status = 'accepted', accepted_at = p_at, updated_at = p_at,
      participation_id = p.participation_id
    where campaign_id = c.campaign_id and entry_id = accepted_id;
end
$$;

-- Voids the payment of a participation, if it is open. The caller has locked the campaign's row.
create or replace function sambatan.void_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text
) returns void language sql as $$
  update sambatan.transactions set status = 'void', reason = p_reason
  where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id
    and status in ('due', 'proof_submitted', 'rejected', 'pending')
$$;
