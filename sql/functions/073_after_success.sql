-- Cancels a confirmed order of a completed campaign that was not paid in time, and frees its slots
-- for the waiting list. The outcome of the campaign stays as it was. The payment stays open, so
-- that a later transfer is recognized and refunded. The caller has locked the campaign's row and
-- stores c.
create or replace function sambatan.cancel_unpaid(
  inout c sambatan.campaigns, p sambatan.participants, p_at timestamptz, p_actor text
) language plpgsql as $$
declare
  r record;
begin
  update sambatan.participants set status = 'cancelled', cancelled_at = p_at,
      cancel_reason = 'unpaid', updated_at = p_at
    where campaign_id = c.campaign_id and participation_id = p.participation_id;
  c.filled_slots := c.filled_slots - p.quantity;
  c.confirmed_slots := c.confirmed_slots - p.quantity;
  c.participant_count := c.participant_count - 1;
  select * into r from sambatan.append_event(c, 'participant_cancelled', p_actor, p_at,
    p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', 'unpaid'));
  c := r.c;
end
$$;

-- Returns the orders of a completed campaign that are still unpaid. Each row has the participation,
-- the latest time to pay, and whether it is certain at p_at that the order was not paid in time. It
-- is certain once the statement of the account shows every transfer up to pay_by, or the
-- verification period after pay_by has ended.
create or replace function sambatan.open_orders(c sambatan.campaigns, p_at timestamptz)
returns table (participation_id uuid, pay_by timestamptz, is_unpaid boolean)
language sql stable as $$
  select t.participation_id, t.pay_by, t.pay_by <= p_at
    and (t.pay_by + c.verification_seconds * interval '1 second' <= p_at
      or (t.account_id is not null and not sambatan.may_still_arrive(t, t.pay_by)))
  from sambatan.transactions t
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id and p.status = 'confirmed'
  where t.campaign_id = c.campaign_id and t.kind = 'payment' and t.pay_by is not null
    and t.status in ('due', 'proof_submitted', 'rejected', 'pending')
$$;

-- Returns the number of slots of a completed campaign that were paid, including those that the
-- seller could not deliver and those that were refunded after a dispute.
create or replace function sambatan.paid_slots(c sambatan.campaigns)
returns bigint language sql stable as $$
  select coalesce(sum(p.quantity), 0) from sambatan.participants p
  join sambatan.transactions t on t.campaign_id = p.campaign_id
    and t.cause = 'payment:' || p.participation_id and t.status = 'settled'
  where p.campaign_id = c.campaign_id
    and (p.refunded_at is null or p.refunded_at >= c.completed_at)
$$;

-- Runs one step for a completed campaign: cancels at most p_limit unpaid orders, lets unpaid offers
-- lapse, and offers the free slots to the waiting list. When no order and no offer can be paid any
-- more, closes the waiting list. If fewer slots were paid than the minimum because orders were not
-- paid, the seller must then decide whether the batch is made. Returns the same as settle_step. The
-- caller has locked the campaign's row and stores c.
create or replace function sambatan.settle_after_success(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean
) language plpgsql set enable_seqscan = off as $$
declare
  r record;
  p sambatan.participants;
  paid bigint;
begin
  transitions := '{}';
  settled := 0;
  more := false;
  -- Cancelling an unpaid order changes the amount of the payout. The amount must not change while
  -- the payout is being sent.
  if exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
    and t.kind = 'payout' and t.status = 'pending')
  then
    c.next_run_at := p_at + interval '10 minutes';
    return;
  end if;
  for p in select x.* from sambatan.open_orders(c, p_at) o
    join sambatan.participants x on x.campaign_id = c.campaign_id
      and x.participation_id = o.participation_id
    where o.is_unpaid order by o.participation_id limit p_limit
  loop
    c := sambatan.cancel_unpaid(c, p, p_at, 'system');
    settled := settled + 1;
  end loop;
  if settled > 0 then
    perform sambatan.store_campaigns(array[c]);
    perform sambatan.refresh_payout(c.campaign_id, p_at, 'system');
  end if;
  if c.waiting_entries > 0 then
    select * into r from sambatan.settle_waiting(c, p_at, p_limit - settled);
    c := r.c;
    settled := settled + r.lapsed;
  end if;
  more := settled = p_limit;

  select min(case when o.pay_by > p_at then o.pay_by
      else least(o.pay_by + c.verification_seconds * interval '1 second',
        p_at + interval '10 minutes') end) into c.next_run_at
    from sambatan.open_orders(c, p_at) o;
  if c.waiting_entries > 0 then
    c.next_run_at := least(c.next_run_at, sambatan.waiting_next_run_at(c, p_at));
  end if;
  if more then
    c.next_run_at := p_at;
  elsif c.next_run_at is null then
    select * into r from sambatan.close_waiting(c, p_at, p_limit - settled);
    c := r.c;
    settled := settled + r.closed;
    more := settled = p_limit;
    c.next_run_at := case when more then p_at end;
    paid := sambatan.paid_slots(c);
    if not more and c.decision_opened_at is null and paid < c.minimum_slots
      and exists (select 1 from sambatan.participants x where x.campaign_id = c.campaign_id
        and x.status = 'cancelled' and x.cancel_reason = 'unpaid')
      and sambatan.can_be_cancelled(c)
    then
      c.decision_opened_at := p_at;
      select * into r from sambatan.append_event(c, 'campaign_below_minimum', 'system', p_at, null,
        jsonb_build_object('paid_slots', paid, 'minimum_slots', c.minimum_slots,
          'until', p_at + c.decision_seconds * interval '1 second'));
      c := r.c;
      transitions := transitions || r.entry;
    elsif not more then
      -- The payout may have waited for an open offer or an unpaid order. All of these are decided
      -- now.
      perform sambatan.store_campaigns(array[c]);
      perform sambatan.release_when_received(c.campaign_id, p_at);
      select * into c from sambatan.campaigns x where x.campaign_id = c.campaign_id;
    end if;
  end if;
end
$$;

-- Returns whether any buyer of a campaign has received the goods. Counts orders that were refunded
-- afterwards too.
create or replace function sambatan.has_received_orders(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.status in ('fulfilled', 'refunded')
      and p.fulfilled_at is not null)
$$;

-- Returns whether a completed campaign can still be cancelled: it is not shipped, nobody has
-- received anything, and no payout is sent or is being sent.
create or replace function sambatan.can_be_cancelled(c sambatan.campaigns)
returns boolean language sql stable as $$
  select c.status = 'fulfilled' and c.closing_outcome is null and c.shipped_at is null
    and not sambatan.has_received_orders(c.campaign_id)
    and not exists (select 1 from sambatan.transactions t
      where t.campaign_id = c.campaign_id and t.kind = 'payout'
        and t.status in ('pending', 'settled'))
$$;

-- Decides whether a batch is made although fewer slots than its minimum were paid. During the first
-- decision_seconds, only the seller may decide. After that, an operator may decide too
-- (p_as_operator). If the batch is made, the campaign continues; otherwise the campaign is closed
-- as cancelled, and settle_campaign makes all refunds due. Returns whether it was cancelled.
-- Refuses: campaign_not_found, no_decision_open, decision_is_sellers, payout_settled_already,
-- goods_received_already, goods_shipped_already.
create or replace function sambatan.decide_below_minimum(
  p_campaign_id uuid, p_goes_on boolean, p_as_operator boolean, p_note text, p_actor text
) returns boolean language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
begin
  if c.status <> 'fulfilled' or c.closing_outcome is not null or c.decision_opened_at is null
    or c.decided_at is not null
  then
    perform sambatan.refuse('no_decision_open');
  elsif p_as_operator
    and now_at < c.decision_opened_at + c.decision_seconds * interval '1 second'
  then
    perform sambatan.refuse('decision_is_sellers', jsonb_build_object(
      'until', c.decision_opened_at + c.decision_seconds * interval '1 second'));
  elsif p_goes_on then
    update sambatan.campaign_details set decided_at = now_at where campaign_id = p_campaign_id;
    perform sambatan.record_event(p_campaign_id, 'campaign_continued', p_actor, now_at, null,
      jsonb_strip_nulls(jsonb_build_object('paid_slots', sambatan.paid_slots(c),
        'minimum_slots', c.minimum_slots, 'note', p_note)));
    perform sambatan.release_when_received(p_campaign_id, now_at);
    return false;
  elsif sambatan.has_received_orders(p_campaign_id) then
    perform sambatan.refuse('goods_received_already');
  elsif c.shipped_at is not null then
    perform sambatan.refuse('goods_shipped_already');
  elsif not sambatan.can_be_cancelled(c) then
    perform sambatan.refuse('payout_settled_already');
  end if;
  update sambatan.campaign_states set closing_outcome = 'cancelled', closing_actor = p_actor,
      closing_reason = 'below_minimum', next_run_at = now_at, updated_at = now_at
    where campaign_id = p_campaign_id;
  update sambatan.campaign_details set decided_at = now_at where campaign_id = p_campaign_id;
  return true;
end
$$;
