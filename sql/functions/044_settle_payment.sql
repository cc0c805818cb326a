-- Records money that arrived and pays for nothing, and makes its refund due at once. p_why is
-- 'hold_lapsed', 'left', 'campaign_over', 'already_paid', 'too_little', 'too_much', 'too_late' or
-- 'unpaid'. p_paid_in_time is the time of the payment if the buyer may choose between the refund
-- and the front of the waiting list, and null otherwise. The caller has locked the campaign's row.
create or replace function sambatan.credit_money(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_at timestamptz, p_actor text,
  p_reference text, p_receipt text, p_why text, p_paid_at timestamptz default null,
  p_paid_on date default null, p_paid_in_time timestamptz default null
) returns void language plpgsql as $$
begin
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, paid_at, paid_on, purpose, receipt)
    values (c.campaign_id, 'adjustment', 'settled', p_participation_id, p_amount,
      'credit:' || p_receipt, p_actor, p_reference, p_at, p_at, p_paid_at, p_paid_on, 'credit',
      case when p_why <> 'too_much' then p_receipt end);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, paid_in_time)
    values (c.campaign_id, 'refund', 'due', p_participation_id, p_amount,
      'refund:credit:' || p_receipt, p_actor, p_at, p_paid_in_time);
  perform sambatan.record_event(c.campaign_id, 'payment_late', p_actor, p_at,
    p_participation_id, jsonb_strip_nulls(jsonb_build_object('amount', p_amount,
      'reason', p_why, 'may_wait', case when p_paid_in_time is not null then true end)));
end
$$;

-- Records that a participation was paid: p_amount is the amount that arrived, at least the price.
-- If the amount is above the price, the platform keeps up to the unique code, and the rest is
-- refunded. p_paid_at or p_paid_on is the time or day at which the buyer paid, if known. The caller
-- has locked the campaign's row.
create or replace function sambatan.settle_payment(
  c sambatan.campaigns, p sambatan.participants, p_amount bigint, p_at timestamptz, p_actor text,
  p_reference text, p_receipt text, p_paid_at timestamptz default null, p_paid_on date default null
) returns void language plpgsql as $$
declare
  t sambatan.transactions;
begin
  -- At the same moment, another transaction may be creating the row of the payment. The insert
  -- decides which of the two transactions is first.
  insert into sambatan.transactions as old (campaign_id, kind, status, participation_id, amount,
      cause, actor, reference, created_at, settled_at, receipt, paid_at, paid_on)
    values (c.campaign_id, 'payment', 'settled', p.participation_id,
      (p.quantity - p.undelivered_slots) * c.price_per_slot, 'payment:' || p.participation_id,
      p_actor,
      p_reference, p_at, p_at, p_receipt, p_paid_at, p_paid_on)
    on conflict (campaign_id, cause) do update set status = 'settled', actor = p_actor,
      reference = p_reference, settled_at = p_at, receipt = p_receipt, reason = null,
      paid_at = p_paid_at, paid_on = p_paid_on,
      surcharge = least(coalesce(p_amount, old.amount + old.unique_code) - old.amount,
        old.unique_code)
    returning * into strict t;
  if t.surcharge > 0 then
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, settled_at, purpose)
      values (c.campaign_id, 'adjustment', 'settled', p.participation_id, t.surcharge,
        'code:' || p.participation_id, p_actor, p_at, p_at, 'unique_code');
  end if;
  perform sambatan.record_event(c.campaign_id, 'payment_settled', p_actor, p_at,
    p.participation_id, jsonb_build_object('amount', t.amount, 'unique_code', t.surcharge));
  if p_amount > t.amount + t.surcharge then
    perform sambatan.credit_money(c, p.participation_id, p_amount - t.amount - t.surcharge, p_at,
      p_actor, p_reference, p_receipt, 'too_much', p_paid_at, p_paid_on);
  end if;
end
$$;

-- Changes a reserved participation to confirmed and records the event. The caller has locked the
-- campaign's row.
create or replace function sambatan.confirm_reserved(
  c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) returns sambatan.participants language plpgsql as $$
begin
  update sambatan.participants
    set status = 'confirmed', confirmed_at = p_at, hold_expires_at = null, updated_at = p_at
    where campaign_id = c.campaign_id and participation_id = p.participation_id
    returning * into p;
  update sambatan.campaign_states set confirmed_slots = confirmed_slots + p.quantity
    where campaign_id = c.campaign_id;
  perform sambatan.record_event(c.campaign_id, 'participant_confirmed', p_actor, p_at,
    p.participation_id, jsonb_build_object('quantity', p.quantity,
      'amount', p.quantity * c.price_per_slot));
  return p;
end
$$;
