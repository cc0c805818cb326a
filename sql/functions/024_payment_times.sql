-- Returns the time that decides whether a payment was in time. This is the exact time from the
-- provider or the bank statement, if it is known. If only the day is known, it is the start of that
-- day (Asia/Jakarta), so that a payment at any time of the day of the deadline counts. If nothing
-- is known, it is p_now. The result is never later than p_now.
create or replace function sambatan.paid_moment(
  p_paid_at timestamptz, p_paid_on date, p_now timestamptz
) returns timestamptz language sql immutable parallel safe as $$
  select least(p_now, coalesce(p_paid_at, p_paid_on::timestamp at time zone 'Asia/Jakarta', p_now))
$$;

-- Returns whether it is possible that the service later finds money that was sent for an open
-- payment by p_by. This is possible while the payment's proof or online order is undecided, or
-- while a transfer may exist that the service does not know. No such transfer exists if the payment
-- has no account yet, because the buyer has not seen where to transfer. No such transfer exists
-- either if the statement of the account is imported through the day of p_by and a person has
-- assigned the lines with a similar amount: then every transfer that was in time is known. If a
-- person rejected the proof after p_by, the service expects no more money.
create or replace function sambatan.may_still_arrive(t sambatan.transactions, p_by timestamptz)
returns boolean language plpgsql stable as $$
begin
  if t.transaction_id is null or t.status in ('settled', 'void') then
    return false;
  elsif t.status in ('proof_submitted', 'pending') or exists (
    select 1 from sambatan.gateway_calls g where g.campaign_id = t.campaign_id
      and g.transaction_id = t.transaction_id and g.kind = 'payment'
      and g.status in ('unknown', 'open'))
    -- Part of the amount has arrived. It is not counted until the rest arrives, or until a person
    -- counts it.
    or exists (select 1 from sambatan.statement_line_parts s
      where s.campaign_id = t.campaign_id and s.participation_id = t.participation_id
        and s.outcome is null)
  then
    return true;
  elsif t.account_id is null or t.rejected_at >= p_by then
    return false;
  end if;
  return coalesce((select a.statement_through < (p_by at time zone 'Asia/Jakarta')::date
      from sambatan.receiving_accounts a where a.account_id = t.account_id), true)
    or sambatan.has_line_like(t, p_by);
end
$$;

-- Returns whether an open statement line could be the transfer for an open payment. Such a line is
-- on the payment's account, is booked by the day of p_by, and has an amount near the expected
-- amount. The expected amount is the amount of this order, or of all open orders of the buyer in
-- the campaign together. Near means at most 1,000 rupiah above the amount with unique codes, and at
-- most 1,000 rupiah below the amount without unique codes, because people round amounts, and
-- mistype or omit codes.
create or replace function sambatan.has_line_like(t sambatan.transactions, p_by timestamptz)
returns boolean language sql stable as $$
  with sums as (
    select t.amount as lowest, t.amount + t.unique_code as highest
    union all
    select sum(o.amount), sum(o.amount + o.unique_code)
    from sambatan.participants own
    join sambatan.participants p on p.campaign_id = own.campaign_id and p.user_id = own.user_id
      and (p.status in ('pending_payment', 'confirmed')
        or p.status in ('cancelled', 'refunded', 'fulfilled'))
    join sambatan.transactions o on o.campaign_id = p.campaign_id
      and o.cause = 'payment:' || p.participation_id and o.account_id = t.account_id
      and o.status in ('due', 'proof_submitted', 'rejected', 'pending')
    where own.campaign_id = t.campaign_id and own.participation_id = t.participation_id)
  select exists (select 1 from sums
    join sambatan.statement_lines l on l.account_id = t.account_id
      and l.status in ('unmatched', 'ambiguous', 'allocated')
      and l.amount between sums.lowest - 1000 and sums.highest + 1000
    where l.booked_on between (t.created_at at time zone 'Asia/Jakarta')::date - 1
      and (p_by at time zone 'Asia/Jakarta')::date)
$$;

-- Returns whether it is possible that the service later finds money that was paid in time for a
-- reserved participation. The deadline of the campaign has passed.
create or replace function sambatan.awaits_payments(c sambatan.campaigns)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.participants p
    join sambatan.transactions t on t.campaign_id = p.campaign_id
      and t.cause = 'payment:' || p.participation_id
    where p.campaign_id = c.campaign_id and p.status = 'pending_payment'
      and sambatan.may_still_arrive(t, c.deadline))
$$;

-- Schedules a lifecycle run of a verifying or completed campaign at p_at, because its outcome or
-- its unpaid orders may be decided now. Never moves a run to a later time. The caller has locked
-- the campaign's row.
create or replace function sambatan.schedule_run(p_campaign_id uuid, p_at timestamptz)
returns void language sql as $$
  update sambatan.campaign_states set next_run_at = least(next_run_at, p_at)
  where campaign_id = p_campaign_id and next_run_at > p_at
    and status in ('verifying', 'fulfilled')
$$;

-- Records that the statement of a receiving account is imported completely through a day
-- (Asia/Jakarta): a transfer that is not in the statement was not made by the end of that day. An
-- earlier day changes nothing. Returns the campaigns whose lifecycle run is due now.
create or replace function sambatan.statement_imported(p_account_id uuid, p_through date)
returns setof uuid language plpgsql as $$
begin
  update sambatan.receiving_accounts set statement_through = p_through, updated_at = now()
    where account_id = p_account_id
      and (statement_through is null or statement_through < p_through);
  if not found then
    return;
  end if;
  return query
  select c.campaign_id from sambatan.campaigns c
    where c.status in ('verifying', 'fulfilled') and c.next_run_at <= clock_timestamp()
      and exists (select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
        and t.kind = 'payment' and t.account_id = p_account_id
        and t.status in ('due', 'rejected'));
end
$$;
