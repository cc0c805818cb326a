-- Returns whether the money of a refund is retained for a paid waiting-list entry. Such a refund
-- must not be sent.
create or replace function sambatan.is_retained(p_campaign_id uuid, p_transaction_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.refund_id = p_transaction_id
      and w.status = 'waiting')
$$;

-- Refuses with refund_is_kept while the money of a refund is retained. The caller has locked the
-- campaign's row.
create or replace function sambatan.check_not_retained(p_campaign_id uuid, p_transaction_id uuid)
returns void language plpgsql as $$
begin
  if sambatan.is_retained(p_campaign_id, p_transaction_id) then
    perform sambatan.refuse('refund_is_kept');
  end if;
end
$$;

-- Returns the order p_order_id if it lapsed because nobody paid it in time. The order is a
-- participation, or an offer made after the campaign succeeded that never became a participation.
-- quantity does not include undelivered slots. pay_by is the end of the hold or of the offer. All
-- columns are null if there is no such order, or if the buyer cancelled it.
create or replace function sambatan.lapsed_order(
  p_campaign_id uuid, p_order_id uuid, out user_id uuid, out quantity integer,
  out shipping_address text, out note text, out pay_by timestamptz
) language plpgsql stable as $$
begin
  select p.user_id, p.quantity - p.undelivered_slots, p.shipping_address, p.note, p.hold_expires_at
    into user_id, quantity, shipping_address, note, pay_by
    from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.participation_id = p_order_id
      and p.status = 'cancelled' and p.cancel_reason in ('hold_lapsed', 'unpaid');
  if not found then
    select w.user_id, w.quantity, w.shipping_address, w.note, w.offer_expires_at
      into user_id, quantity, shipping_address, note, pay_by
      from sambatan.waiting_entries w
      where w.campaign_id = p_campaign_id and w.order_id = p_order_id and w.status = 'lapsed';
  end if;
end
$$;

-- Returns the number of slots of a campaign that are neither taken nor offered. Slots that a
-- completed campaign revoked from whole orders are not included, because there are no goods for
-- them.
create or replace function sambatan.free_slots(p_campaign_id uuid)
returns integer language plpgsql stable as $$
declare
  free integer;
begin
  select c.total_slots - c.filled_slots
      - coalesce((select sum(w.quantity) from sambatan.waiting_entries w
        where w.campaign_id = p_campaign_id and w.status = 'offered'), 0)
      - coalesce((select sum(p.quantity) from sambatan.participants p
        where p.campaign_id = p_campaign_id and p.status = 'refunded'
          and p.refunded_at >= c.completed_at), 0)
    into free from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  return free;
end
$$;

-- Returns whether a campaign's waiting list still accepts a paid entry for p_quantity slots. After
-- the campaign has succeeded, two more conditions apply. Enough slots must be free, or it must be
-- possible that slots become free. And delivery must not have begun: no goods are shipped or
-- received, and no payout is released or sent.
create or replace function sambatan.accepts_retained_refund(p_campaign_id uuid, p_quantity integer)
returns boolean language plpgsql stable as $$
declare
  is_open boolean;
  is_completed boolean;
begin
  select c.closing_outcome is null and (c.status in ('active', 'locked', 'verifying')
      or (c.status = 'fulfilled' and c.shipped_at is null
        and (c.decision_opened_at is null or c.decided_at is not null))),
      c.status = 'fulfilled'
    into is_open, is_completed from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  if is_open is not true or not is_completed then
    return coalesce(is_open, false);
  end if;
  return not sambatan.has_received_orders(p_campaign_id)
    and not exists (select 1 from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.kind = 'payout' and t.status <> 'void'
        and (t.status <> 'due' or t.released_at is not null))
    and (sambatan.free_slots(p_campaign_id) >= p_quantity
      or sambatan.has_open_orders(p_campaign_id)
      or exists (select 1 from sambatan.waiting_entries w
        where w.campaign_id = p_campaign_id and w.status = 'offered'));
end
$$;

-- Returns the time of a payment of p_amount rupiah for an order if its buyer may choose between the
-- refund and the front of the waiting list. The buyer may choose if the money pays the whole order,
-- was paid by the order's pay_by, and the waiting list is open. The result is null in all other
-- cases, and for a second payment of the same order. p_why is the result of why_not_owed for
-- p_paid, the time of the payment. The caller has locked the campaign's row.
create or replace function sambatan.paid_in_time(
  p_campaign_id uuid, p_order_id uuid, p_amount bigint, p_why text, p_paid timestamptz
) returns timestamptz language plpgsql stable as $$
declare
  o record;
  price bigint;
  due_by timestamptz;
begin
  if p_why not in ('hold_lapsed', 'unpaid') then
    return null;
  end if;
  select * into o from sambatan.lapsed_order(p_campaign_id, p_order_id);
  select o.quantity * c.price_per_slot, coalesce(
      (select t.pay_by from sambatan.transactions t
        where t.campaign_id = p_campaign_id and t.cause = 'payment:' || p_order_id),
      case when c.status = 'fulfilled' then o.pay_by else least(o.pay_by, c.deadline) end)
    into price, due_by from sambatan.campaigns c where c.campaign_id = p_campaign_id;
  if o.quantity > 0 and p_amount >= price and p_paid <= due_by
    and sambatan.accepts_retained_refund(p_campaign_id, o.quantity)
    and not exists (select 1 from sambatan.transactions t where t.campaign_id = p_campaign_id
      and t.participation_id = p_order_id and t.paid_in_time is not null)
  then
    return p_paid;
  end if;
  return null;
end
$$;

-- Returns whether the buyer of a refund is allowed to choose the front of the waiting list instead.
-- The result is null if it is allowed, or else the code of the refusal.
create or replace function sambatan.why_no_choice(p_campaign_id uuid, p_refund_id uuid)
returns text language plpgsql stable as $$
declare
  r record;
begin
  select t.status, t.attempts, t.paid_in_time, o.quantity into r from sambatan.transactions t
    cross join lateral sambatan.lapsed_order(t.campaign_id, t.participation_id) o
    where t.campaign_id = p_campaign_id and t.transaction_id = p_refund_id;
  return case
    when r.paid_in_time is null then 'refund_has_no_choice'
    when r.status <> 'due' or r.attempts > 0 then 'refund_sent_already'
    when not sambatan.accepts_retained_refund(p_campaign_id, r.quantity) then 'waiting_list_closed'
  end;
end
$$;

-- Records that the buyer of a refund chooses the front of the waiting list instead of the money.
-- The service retains the price of the slots and the unique code, and refunds any amount above that
-- at once. If slots are free, they are assigned to the buyer at once. If the buyer repeats the
-- choice, the function returns the existing entry. Refuses: campaign_not_found,
-- refund_has_no_choice, refund_sent_already, waiting_list_closed, quantity_out_of_bounds.
create or replace function sambatan.wait_with_retained_refund(
  p_campaign_id uuid, p_refund_id uuid, p_entry_id uuid, p_actor text
) returns uuid language plpgsql as $$
declare
  now_at timestamptz;
  why text;
  known uuid;
  r record;
  o record;
  c record;
  own_slots bigint;
  retained bigint;
begin
  perform sambatan.lock_campaign(p_campaign_id);
  now_at := clock_timestamp();
  select w.entry_id into known from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.refund_id = p_refund_id
      and w.status in ('waiting', 'accepted');
  if found then
    return known;
  end if;
  why := sambatan.why_no_choice(p_campaign_id, p_refund_id);
  if why is not null then
    perform sambatan.refuse(why);
  end if;
  select t.participation_id, t.amount, t.cause, t.paid_in_time into strict r
    from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.transaction_id = p_refund_id;
  select * into strict o from sambatan.lapsed_order(p_campaign_id, r.participation_id);
  select x.price_per_slot, x.total_slots, x.max_slots_per_user, x.min_slots_per_user, x.audit_seq
    into strict c from sambatan.campaigns x where x.campaign_id = p_campaign_id;
  own_slots := sambatan.slots_of_buyer(p_campaign_id, o.user_id);
  if own_slots + o.quantity > c.max_slots_per_user then
    perform sambatan.refuse('quantity_out_of_bounds', jsonb_build_object(
      'minimum', coalesce(c.min_slots_per_user, 1), 'maximum', c.max_slots_per_user,
      'held', own_slots));
  end if;

  retained := o.quantity * c.price_per_slot;
  retained := least(r.amount, retained + coalesce((select t.unique_code from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.cause = 'payment:' || r.participation_id), 0));
  if retained < r.amount then
    update sambatan.transactions set amount = retained
      where campaign_id = p_campaign_id and transaction_id = p_refund_id;
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at)
      values (p_campaign_id, 'refund', 'due', r.participation_id, r.amount - retained,
        r.cause || ':rest', p_actor, now_at);
  end if;
  insert into sambatan.waiting_entries (campaign_id, entry_id, user_id, position, quantity,
      shipping_address, note, created_at, updated_at, refund_id, paid_at, kept_amount)
    values (p_campaign_id, p_entry_id, o.user_id, c.audit_seq + 1, o.quantity,
      o.shipping_address, o.note, now_at, now_at, p_refund_id, r.paid_in_time, retained);
  update sambatan.campaign_states set waiting_entries = waiting_entries + 1
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'waiting_joined', p_actor, now_at, null,
    jsonb_build_object('entry_id', p_entry_id, 'quantity', o.quantity, 'amount', retained,
      'paid_at', r.paid_in_time));
  perform sambatan.offer_freed_slots(p_campaign_id, now_at);
  return p_entry_id;
end
$$;

-- Returns the number of slots that a buyer has in a campaign, plus the slots of the buyer's waiting
-- paid entries that are ahead of the entry with p_paid_at and p_position. Without these two
-- arguments, the result includes all waiting paid entries of the buyer.
create or replace function sambatan.slots_of_buyer(
  p_campaign_id uuid, p_user_id uuid, p_paid_at timestamptz default 'infinity',
  p_position bigint default 0
) returns bigint language sql stable as $$
  select coalesce((select sum(p.quantity) from sambatan.participants p
      where p.campaign_id = p_campaign_id and p.user_id = p_user_id
        and (p.status in ('pending_payment', 'confirmed') or p.status = 'fulfilled')), 0)
    + coalesce((select sum(w.quantity) from sambatan.waiting_entries w
      where w.campaign_id = p_campaign_id and w.user_id = p_user_id and w.status = 'waiting'
        and (w.paid_at, w.position) < (p_paid_at, p_position)), 0)
$$;

-- Assigns slots to the buyer of a paid entry: creates a participation that is confirmed and paid at
-- once. The caller has locked the campaign's row, has checked that the slots are free, and has
-- stored the row. This function changes the row, so the caller must read it again.
create or replace function sambatan.assign_paid_slots(
  p_campaign_id uuid, p_entry_id uuid, p_at timestamptz
) returns void language plpgsql as $$
declare
  made constant uuid := gen_random_uuid();
  e record;
  c record;
begin
  select w.user_id, w.quantity, w.shipping_address, w.note, w.refund_id, w.kept_amount
    into strict e from sambatan.waiting_entries w
    where w.campaign_id = p_campaign_id and w.entry_id = p_entry_id;
  perform sambatan.record_event(p_campaign_id, 'waiting_accepted', 'system', p_at, null,
    jsonb_build_object('entry_id', p_entry_id, 'quantity', e.quantity,
      'participation_id', made, 'amount', e.kept_amount));
  insert into sambatan.participants (campaign_id, participation_id, user_id, quantity, status,
      joined_at, updated_at, confirmed_at, shipping_address, note, phone,
      joined_seq)
    select p_campaign_id, made, e.user_id, e.quantity, 'confirmed', p_at, p_at, p_at,
      e.shipping_address, e.note, sambatan.phone_in(e.shipping_address), audit_seq + 1
    from sambatan.campaigns where campaign_id = p_campaign_id;
  update sambatan.waiting_entries set status = 'accepted', accepted_at = p_at, updated_at = p_at,
      keep_until = null, participation_id = made
    where campaign_id = p_campaign_id and entry_id = p_entry_id;
  update sambatan.campaign_states set filled_slots = filled_slots + e.quantity,
      confirmed_slots = confirmed_slots + e.quantity, participant_count = participant_count + 1,
      waiting_entries = waiting_entries - 1,
      status = case when status = 'active' and filled_slots + e.quantity = total_slots
        then 'locked' else status end
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details d set status = s.status, filled_at = p_at
    from sambatan.campaign_states s
    where d.campaign_id = p_campaign_id and s.campaign_id = p_campaign_id
      and d.status = 'active' and s.status = 'locked';
  select e.quantity * price_per_slot as price, status = 'locked' as is_full,
      status = 'fulfilled' as is_completed
    into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'participant_joined', 'system', p_at, made,
    jsonb_build_object('quantity', e.quantity, 'entry_id', p_entry_id));
  perform sambatan.record_event(p_campaign_id, 'participant_confirmed', 'system', p_at, made,
    jsonb_build_object('quantity', e.quantity, 'amount', c.price, 'entry_id', p_entry_id));
  perform sambatan.pay_with_retained_refund(p_campaign_id, e.refund_id, made, c.price, p_at);
  perform sambatan.record_event(p_campaign_id, 'payment_settled', 'system', p_at, made,
    jsonb_build_object('amount', c.price, 'unique_code', e.kept_amount - c.price,
      'entry_id', p_entry_id));
  if c.is_full then
    perform sambatan.record_event(p_campaign_id, 'campaign_full', 'system', p_at);
  elsif c.is_completed then
    perform sambatan.refresh_payout(p_campaign_id, p_at, 'system');
  end if;
end
$$;

-- Pays a new participation with the money of a retained refund. Books the refund's amount out of
-- the credit, moves the receipt to the new payment, and voids the refund. The part of the amount
-- above p_price is the unique code. If more money arrives for the old order later, it counts as a
-- second payment. The caller has locked the campaign's row.
create or replace function sambatan.pay_with_retained_refund(
  p_campaign_id uuid, p_refund_id uuid, p_participation_id uuid, p_price bigint, p_at timestamptz
) returns void language plpgsql as $$
declare
  r record;
  paid record;
  code integer;
begin
  update sambatan.transactions set status = 'void', reason = 'given'
    where campaign_id = p_campaign_id and transaction_id = p_refund_id
    returning participation_id, amount, substr(cause, length('refund:credit:') + 1) as receipt
    into strict r;
  select t.reference, t.paid_at, t.paid_on into strict paid from sambatan.transactions t
    where t.campaign_id = p_campaign_id and t.cause = 'credit:' || r.receipt;
  update sambatan.transactions set receipt = null
    where campaign_id = p_campaign_id and cause = 'credit:' || r.receipt;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at, purpose)
    values (p_campaign_id, 'adjustment', 'settled', r.participation_id, -r.amount,
      'applied:' || r.receipt, 'system', p_at, p_at, 'credit');
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, reason)
    values (p_campaign_id, 'payment', 'void', r.participation_id, p_price,
      'payment:' || r.participation_id, 'system', p_at, 'given')
    on conflict (campaign_id, cause) do update set status = 'void', reason = 'given'
    returning unique_code into strict code;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, receipt, paid_at, paid_on, unique_code, surcharge)
    values (p_campaign_id, 'payment', 'settled', p_participation_id, p_price,
      'payment:' || p_participation_id, 'system', paid.reference, p_at, p_at, r.receipt,
      paid.paid_at, paid.paid_on, code, r.amount - p_price);
  if r.amount > p_price then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, settled_at, purpose)
      values (p_campaign_id, 'adjustment', 'settled', p_participation_id, r.amount - p_price,
        'code:' || p_participation_id, 'system', p_at, p_at, 'unique_code');
  end if;
end
$$;
