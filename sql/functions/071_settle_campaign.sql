-- Brings one campaign to the state that it should have now. Opens it at its opening time, lets
-- holds and offers lapse, and decides its outcome at the deadline; if p_complete_full is true, it
-- succeeds as soon as it is full. Then closes it in steps of at most p_limit participations and
-- waiting entries. At the deadline of an upfront campaign, the decision waits while it is possible
-- that the service finds payments that were made in time, at most for the verification period. A
-- scheduled upfront campaign does not open while buyers have no way to pay; a later run tries
-- again. p_pays_online is true if buyers can pay through a provider. The caller has locked the
-- campaign's row. The caller stores c with store_campaigns, so that the row is written only once if
-- the campaign closes in one step, and stores the writes with apply_writes.
--
-- Returns the audit rows of the campaign's status changes, the number of settled participations and
-- entries, and in `more` whether another call (in a new transaction) is needed to finish.
create or replace function sambatan.settle_step(
  inout c sambatan.campaigns, p_complete_full boolean, p_limit integer, p_pays_online boolean,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean,
  out writes sambatan.pending_writes
) language plpgsql as $$
declare
  r record;
  now_at timestamptz;
  was_full boolean;
  counted integer;
  next_at timestamptz;
  verified_at timestamptz;
  amount bigint;
begin
  transitions := '{}';
  settled := 0;
  more := false;
  writes := row('{}', '{}', '{}');
  now_at := clock_timestamp();

  if c.status = 'scheduled' and c.opens_at <= now_at and now_at < c.deadline
    and not sambatan.can_collect(c, p_pays_online)
  then
    c.next_run_at := least(c.deadline, now_at + interval '1 minute');
    return;
  elsif c.status = 'scheduled' and c.opens_at <= now_at then
    transitions := transitions || sambatan.open_campaign(c.campaign_id, 'system');
    select * into c from sambatan.campaigns t where t.campaign_id = c.campaign_id;
    -- In the audit log, the next events follow the opening, so their time must not be earlier than
    -- the time of the opening.
    now_at := clock_timestamp();
  end if;
  if c.status = 'fulfilled' and c.closing_outcome is null then
    select * into r from sambatan.settle_after_success(c, now_at, p_limit);
    c := r.c;
    transitions := r.transitions;
    settled := r.settled;
    more := r.more;
    return;
  elsif c.status not in ('active', 'locked', 'verifying') and c.closing_outcome is null then
    return;
  end if;

  if c.closing_outcome is null and now_at < c.deadline then
    was_full := c.status = 'locked';
    select * into r from sambatan.settle_participants(c, now_at, p_limit);
    c := r.c;
    settled := r.settled;
    -- Stores the writes at once, because the next SQL statements read them.
    perform sambatan.apply_writes(r.writes);
    if settled > 0 and was_full then
      select * into r
        from sambatan.append_event(c, 'campaign_reopened', 'system', now_at, null, '{}');
      c := r.c;
      transitions := transitions || r.entry;
    end if;
    if c.waiting_entries > 0 then
      select * into r from sambatan.settle_waiting(c, now_at, p_limit - settled);
      c := r.c;
      settled := settled + r.lapsed;
    end if;
  end if;

  if c.closing_outcome is null then
    counted := case when c.payment_timing = 'upfront' then c.confirmed_slots
      else c.filled_slots end;
    verified_at := c.deadline + c.verification_seconds * interval '1 second';
    if now_at >= c.deadline and c.payment_timing = 'upfront' and now_at < verified_at
      and sambatan.awaits_payments(c)
    then
      -- The lifecycle checks this campaign again after ten minutes. In the meantime a person may
      -- mark a statement line as ignored, which can decide payments of many campaigns and does not
      -- start a lifecycle run.
      c.next_run_at := least(verified_at, now_at + interval '10 minutes');
      if c.status <> 'verifying' then
        c.status := 'verifying';
        c.verifying_at := now_at;
        select * into r from sambatan.append_event(c, 'campaign_verifying', 'system', now_at, null,
          jsonb_build_object('until', verified_at));
        c := r.c;
        transitions := transitions || r.entry;
      end if;
      return;
    elsif now_at >= c.deadline then
      c.closing_outcome := case when counted >= c.minimum_slots then 'fulfilled' else 'expired' end;
    elsif p_complete_full and c.status = 'locked' and counted = c.total_slots then
      c.closing_outcome := 'fulfilled';
    else
      select least(c.deadline, min(p.hold_expires_at) + c.hold_grace_seconds * interval '1 second')
        into next_at from sambatan.participants p
        where p.campaign_id = c.campaign_id and p.status = 'pending_payment'
          and p.hold_expires_at is not null;
      if c.waiting_entries > 0 then
        next_at := least(next_at, sambatan.waiting_next_run_at(c, now_at));
      end if;
      c.next_run_at := next_at;
      more := settled = p_limit;
      return;
    end if;
    c.slots_at_close := c.filled_slots;
    c.closing_actor := 'system';
    c.next_run_at := now_at;
  end if;

  settled := 0;
  -- After a campaign succeeds, its waiting list stays open. Slots of orders that are not paid are
  -- offered to the buyers on it.
  if c.waiting_entries > 0 and c.closing_outcome <> 'fulfilled' then
    select * into r from sambatan.close_waiting(c, now_at, p_limit);
    c := r.c;
    settled := r.closed;
  end if;
  select * into r from sambatan.settle_participants(c, now_at, p_limit - settled);
  c := r.c;
  settled := settled + r.settled;
  writes := r.writes;
  if settled = p_limit then
    more := true;
    return;
  end if;

  if c.closing_outcome = 'fulfilled' then
    c.slots_at_close := c.filled_slots;
    amount := c.confirmed_slots * c.price_per_slot;
    amount := amount - sambatan.platform_fee(amount, c.platform_fee_basis_points);
    if amount > 0 then
      writes.dues := writes.dues || row(c.campaign_id, 'payout', null, amount, 'payout',
        c.closing_actor, now_at, null)::sambatan.due_ledger_entry;
    end if;
  elsif c.status = 'fulfilled' then
    update sambatan.transactions set status = 'void', reason = c.closing_reason
      where campaign_id = c.campaign_id and kind = 'payout' and status = 'due';
  end if;
  select * into r from sambatan.next_event(c,
    case when c.closing_outcome = 'fulfilled' then 'campaign_completed'
      when c.closing_outcome = 'expired' then 'campaign_failed' else 'campaign_cancelled' end,
    c.closing_actor, now_at, null,
    jsonb_strip_nulls(jsonb_build_object('slots_taken', c.slots_at_close,
      'reason', c.closing_reason, 'payout', amount)));
  c := r.c;
  writes.entries := writes.entries || r.entry;
  transitions := transitions || r.entry;
  if c.closing_outcome = 'fulfilled' then
    c.completed_at := now_at;
  elsif c.closing_outcome = 'expired' then
    c.failed_at := now_at;
  else
    c.cancelled_at := now_at;
  end if;
  c.status := c.closing_outcome;
  c.closing_outcome := null;
  c.closing_actor := null;
  c.closing_reason := null;
  c.closed_until := null;
  c.next_run_at := null;
  if c.status = 'fulfilled' and c.waiting_entries > 0 then
    -- Slots that nobody paid for by the deadline are offered at once. The rest of the waiting list
    -- is settled in another transaction. Paid entries get their slots in this transaction too.
    -- Assigning these slots needs the ledger rows that the closing created, so these rows are
    -- stored first.
    if exists (select 1 from sambatan.waiting_entries where campaign_id = c.campaign_id
      and status = 'waiting' and refund_id is not null)
    then
      perform sambatan.apply_writes(writes);
      writes := row('{}', '{}', '{}');
    end if;
    c := sambatan.renew_offers(c, now_at);
    c := sambatan.offer_slots(c, now_at);
    c.next_run_at := now_at;
  elsif c.status = 'fulfilled' and c.payment_timing = 'on_completion' then
    c.next_run_at := now_at
      + (c.payment_term_seconds + c.payment_grace_seconds) * interval '1 second';
  end if;
end
$$;

-- Stores the campaigns that settle_step or offer_slots changed, in one SQL statement per table. The
-- caller has locked their rows. PostgreSQL prepares the checks of a table once per SQL statement,
-- which takes several times as long as writing a row.
create or replace function sambatan.store_campaigns(p_campaigns sambatan.campaigns[])
returns void language sql as $$
  update sambatan.campaign_states as t set
    status = s.status, filled_slots = s.filled_slots, confirmed_slots = s.confirmed_slots,
    participant_count = s.participant_count, waiting_entries = s.waiting_entries,
    reserved_slots = s.reserved_slots, audit_seq = s.audit_seq, logged_slots = s.logged_slots,
    updated_at = s.updated_at, next_run_at = s.next_run_at, closing_outcome = s.closing_outcome,
    closing_actor = s.closing_actor, closing_reason = s.closing_reason,
    closed_until = s.closed_until
  from unnest(p_campaigns) s
  where t.campaign_id = s.campaign_id
    and (t.audit_seq, t.next_run_at, t.closing_outcome, t.reserved_slots)
      is distinct from (s.audit_seq, s.next_run_at, s.closing_outcome, s.reserved_slots);
  update sambatan.campaign_details as t set
    status = s.status, slots_at_close = s.slots_at_close, filled_at = s.filled_at,
    verifying_at = s.verifying_at, decision_opened_at = s.decision_opened_at,
    completed_at = s.completed_at, failed_at = s.failed_at, cancelled_at = s.cancelled_at
  from unnest(p_campaigns) s
  where t.campaign_id = s.campaign_id
    and (t.status, t.slots_at_close, t.filled_at, t.decision_opened_at)
      is distinct from (s.status, s.slots_at_close, s.filled_at, s.decision_opened_at)
$$;

-- Runs settle_step for one campaign. Locks the campaign's row and checks again what is due, so
-- several workers may call it at the same time. Skips a row that another transaction has locked.
create or replace function sambatan.settle_campaign(
  p_campaign_id uuid, p_complete_full boolean, p_limit integer,
  p_process_clock timestamptz default null, p_pays_online boolean default false,
  out transitions sambatan.audit_logs[], out settled integer, out more boolean
) language plpgsql as $$
begin
  select s.transitions, s.settled, s.more into transitions, settled, more
    from sambatan.settle_campaigns(array[p_campaign_id], p_complete_full, p_limit, p_process_clock,
      p_pays_online) s;
end
$$;
