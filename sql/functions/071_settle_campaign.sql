-- Brings one campaign to where it has to be by now: opens it at its time, lets lapsed holds go,
-- decides at the deadline (or, with p_complete_full, as soon as it is full), and closes it in steps
-- of at most p_limit participations. Locks the row and checks again, so that any number of workers
-- may call it; a row that somebody else holds is left to them.
--
-- Gives the audit rows of the campaign's own transitions made here, how many participations it
-- settled, and in more whether it has to be called again (in a new transaction) to finish.
create or replace function sambatan.settle_campaign(
  p_campaign_id uuid, p_complete_full boolean, p_limit integer,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean
) language plpgsql as $$
declare
  c sambatan.campaigns;
  now_at timestamptz;
  counted integer;
  next_at timestamptz;
  amount bigint;
begin
  transitions := '{}';
  settled := 0;
  more := false;
  select * into c from sambatan.campaigns where campaign_id = p_campaign_id
    for no key update skip locked;
  if not found then
    return;
  end if;
  now_at := clock_timestamp();

  if c.status = 'scheduled' and c.opens_at <= now_at then
    transitions := transitions || sambatan.open_campaign(p_campaign_id, 'system');
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    -- What follows comes after the opening in the log, so its time may not be before it.
    now_at := clock_timestamp();
  end if;
  if c.status not in ('active', 'locked') then
    return;
  end if;

  if c.closing_as is null and now_at < c.deadline then
    settled := sambatan.settle_participants(p_campaign_id, now_at, p_limit);
    if settled > 0 and c.status = 'locked' then
      transitions := transitions
        || sambatan.record_event(p_campaign_id, 'campaign_reopened', 'system', now_at);
    end if;
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
  end if;

  if c.closing_as is null then
    counted := case c.payment_timing when 'upfront' then c.confirmed_slots else c.filled_slots end;
    if now_at >= c.deadline then
      c.closing_as := case when counted >= c.minimum_slots then 'fulfilled' else 'expired' end;
    elsif p_complete_full and c.status = 'locked' and counted = c.total_slots then
      c.closing_as := 'fulfilled';
    else
      select least(c.deadline, min(p.hold_expires_at)) into next_at from sambatan.participants p
        where p.campaign_id = p_campaign_id and p.status = 'pending_payment'
          and p.hold_expires_at is not null;
      update sambatan.campaigns set due_at = next_at
        where campaign_id = p_campaign_id and due_at <> next_at;
      more := settled = p_limit;
      return;
    end if;
    c.slots_at_close := c.filled_slots;
    c.closing_actor := 'system';
    update sambatan.campaigns set closing_as = c.closing_as, closing_actor = c.closing_actor,
        slots_at_close = c.slots_at_close, due_at = now_at
      where campaign_id = p_campaign_id;
  end if;

  settled := sambatan.settle_participants(p_campaign_id, now_at, p_limit);
  if settled = p_limit then
    more := true;
    return;
  end if;

  update sambatan.campaigns set status = c.closing_as, closing_as = null, closing_actor = null,
      closing_reason = null, due_at = null,
      slots_at_close = case c.closing_as when 'fulfilled' then filled_slots else slots_at_close end,
      completed_at = case c.closing_as when 'fulfilled' then now_at end,
      failed_at = case c.closing_as when 'expired' then now_at end,
      cancelled_at = case c.closing_as when 'cancelled' then now_at end
    where campaign_id = p_campaign_id
    returning confirmed_slots * price_per_slot, slots_at_close into amount, c.slots_at_close;
  if c.closing_as = 'fulfilled' then
    amount := amount - sambatan.platform_fee(amount, c.platform_fee_basis_points);
    if amount > 0 then
      insert into sambatan.transactions (campaign_id, kind, status, amount, cause, actor,
          created_at)
        values (p_campaign_id, 'payout', 'due', amount, 'payout', c.closing_actor, now_at);
    end if;
  end if;
  transitions := transitions || sambatan.record_event(p_campaign_id,
    case c.closing_as when 'fulfilled' then 'campaign_completed' when 'expired'
      then 'campaign_failed' else 'campaign_cancelled' end,
    c.closing_actor, now_at, null,
    jsonb_strip_nulls(jsonb_build_object('slots_taken', c.slots_at_close,
      'reason', c.closing_reason, 'payout', case when c.closing_as = 'fulfilled' then amount end)));
end
$$;
