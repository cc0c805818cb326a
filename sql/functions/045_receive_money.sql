-- Why p_amount rupiah for a participation would not pay what it owes, as payment_late has it; null
-- when they would. The caller holds the campaign's row.
create or replace function sambatan.why_not_owed(
  c sambatan.campaigns, p sambatan.participants, p_amount bigint, p_at timestamptz
) returns text language plpgsql stable as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions
    where campaign_id = c.campaign_id and cause = 'payment:' || p.participation_id;
  return case
    when t.status = 'settled' or (t.status = 'void' and t.reason = 'given') then 'already_paid'
    when t.status = 'void' then 'campaign_over'
    when p.status = 'cancelled' and p.cancel_reason = 'hold_lapsed' then 'hold_lapsed'
    when p.status = 'cancelled' then 'left'
    when p.status = 'refunded' then 'campaign_over'
    when p.status = 'pending_payment' and (c.closing_as is not null or p_at >= c.deadline
      or c.status not in ('active', 'locked')) then 'campaign_over'
    when p_amount < coalesce(t.amount, (p.quantity - p.short_slots) * c.price_per_slot)
      then 'too_little'
  end;
end
$$;

-- Money for a participation arrived: p_amount rupiah, once per receipt ('line:…' of a statement,
-- 'verified:…' by a person, a provider's own name for it). It is
--   settled   it pays what was due; a reserved participation is confirmed
--   given     its hold had lapsed, but the campaign still takes as many slots: they are its buyer's
--             again, as a new participation
--   credited  anything else: too late, twice, too little; the refund is due at once
--   known     this receipt was counted before; nothing changed
-- Gives which, and the participation that has the slots. Refuses: campaign_not_found,
-- participation_not_found.
create or replace function sambatan.receive_money(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint, p_actor text, p_reference text,
  p_receipt text, out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at timestamptz := clock_timestamp();
  p sambatan.participants;
  t sambatan.transactions;
  price bigint;
  why text;
begin
  participation_id := p_participation_id;
  select * into p from sambatan.participants x
    where x.campaign_id = p_campaign_id and x.participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  elsif exists (select from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.receipt = p_receipt)
  then
    outcome := 'known';
    return;
  end if;
  select * into t from sambatan.transactions x
    where x.campaign_id = p_campaign_id and x.cause = 'payment:' || p_participation_id;
  price := coalesce(t.amount, (p.quantity - p.short_slots) * c.price_per_slot);
  why := sambatan.why_not_owed(c, p, p_amount, now_at);
  if why = 'hold_lapsed' and p_amount >= price and now_at < c.deadline
    and c.closing_as is null and c.status in ('active', 'locked')
  then
    participation_id := sambatan.give_slots_again(c, p, p_actor);
    why := case when participation_id is null then 'hold_lapsed' end;
  end if;

  if why is not null then
    outcome := 'credited';
    participation_id := p_participation_id;
    perform sambatan.credit_money(c, p_participation_id, p_amount, now_at, p_actor, p_reference,
      p_receipt, why);
    if why = 'too_little' and t.status in ('proof_submitted', 'pending') then
      perform sambatan.put_back_payment(c, p, t, 'too_little', now_at);
    elsif why in ('hold_lapsed', 'left', 'campaign_over') then
      perform sambatan.void_payment(c.campaign_id, p_participation_id, why);
    end if;
    return;
  end if;

  outcome := case when participation_id = p_participation_id then 'settled' else 'given' end;
  if outcome = 'given' then
    -- What follows comes after the join in the log, so its time may not be before it.
    now_at := clock_timestamp();
    -- The code that was paid belongs to what it pays for now; what is paid for the old participation
    -- from here on is paid twice, also where nobody had looked at its payment.
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, reason)
      values (c.campaign_id, 'payment', 'void', p_participation_id, price,
        'payment:' || p_participation_id, p_actor, now_at, 'given')
      on conflict (campaign_id, cause) do update set status = 'void', reason = 'given';
    insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
        actor, created_at, account_id, unique_code, pay_by)
      values (c.campaign_id, 'payment', 'due', participation_id, price,
        'payment:' || participation_id, p_actor, now_at, t.account_id,
        coalesce(t.unique_code, 0), now_at);
    select * into strict p from sambatan.participants x
      where x.campaign_id = p_campaign_id and x.participation_id = receive_money.participation_id;
  end if;
  perform sambatan.settle_payment(c, p, p_amount, now_at, p_actor, p_reference, p_receipt);
  if p.status = 'pending_payment' then
    perform sambatan.confirm_reserved(c, p, now_at, p_actor);
  end if;
end
$$;

-- Joins once more for a buyer whose hold had lapsed, by the very rules of a join: the slots have to
-- be free, also of those who wait, and within the buyer's bounds. Gives the new participation, or
-- null when it was refused. The caller holds the campaign's row.
create or replace function sambatan.give_slots_again(
  c sambatan.campaigns, p sambatan.participants, p_actor text
) returns uuid language plpgsql as $$
declare
  made uuid := gen_random_uuid();
  answer text;
begin
  select j.outcome into answer from sambatan.join_campaigns(
    array[c.campaign_id], array[made], array[p.user_id], array[p.quantity],
    array[p.shipping_address], array[p.note], array[null::text], array[null::bytea],
    array[p_actor], array[p.user_id::text], 0, true, false) j;
  return case when answer = 'joined' then made end;
end
$$;

-- The payment of a participation is owed no more, if it is open. The caller holds the campaign's row.
create or replace function sambatan.void_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text
) returns void language sql as $$
  update sambatan.transactions set status = 'void', reason = p_reason
  where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id
    and status in ('due', 'proof_submitted', 'rejected', 'pending')
$$;
