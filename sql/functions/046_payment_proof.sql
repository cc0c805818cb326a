-- Makes a payment payable again and stores the reason. If the proof had paused the hold, the hold
-- continues with the remaining time, but at least for an hour (or for hold_seconds, if that is
-- shorter), and never beyond the deadline. After the deadline, the hold does not continue.
-- p_is_rejected is true if a person has checked the proof and rejected it. The caller has locked
-- the campaign's row.
create or replace function sambatan.reopen_payment(
  c sambatan.campaigns, p sambatan.participants, t sambatan.transactions, p_reason text,
  p_at timestamptz, p_is_rejected boolean default false
) returns void language plpgsql as $$
declare
  until timestamptz;
begin
  if p.status = 'pending_payment' and c.payment_timing = 'upfront' and p.hold_expires_at is null
    and p_at < c.deadline
  then
    until := least(c.deadline,
      p_at + greatest(t.hold_left, least(c.hold_seconds, 3600) * interval '1 second'));
    update sambatan.participants set hold_expires_at = until, updated_at = p_at
      where campaign_id = c.campaign_id and participation_id = p.participation_id;
    update sambatan.campaign_states set next_run_at = least(next_run_at, until)
      where campaign_id = c.campaign_id;
  end if;
  update sambatan.transactions set status = 'rejected', reason = p_reason, hold_left = null,
      pay_by = coalesce(until, pay_by),
      rejected_at = case when p_is_rejected then p_at else rejected_at end
    where campaign_id = c.campaign_id and transaction_id = t.transaction_id;
end
$$;

-- Returns the payment of a participation if it has one of the statuses p_from. Refuses:
-- payment_not_due, payment_not_open. The caller has locked the campaign's row.
create or replace function sambatan.payment_to_change(
  p_campaign_id uuid, p_participation_id uuid, variadic p_from sambatan.transaction_status[]
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions
    where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id;
  if not found then
    perform sambatan.refuse('payment_not_due');
  elsif t.status <> all (p_from) then
    perform sambatan.refuse('payment_not_open', jsonb_build_object('status', t.status));
  end if;
  return t;
end
$$;

-- Stores a buyer's proof of payment. The payment then waits until a person verifies it, and the
-- order's hold does not lapse during this time. A later proof replaces an earlier proof. If the
-- payment was sent to a provider, it becomes a payment by transfer. The service still asks the
-- provider for the status of the provider's order, and the money that the service notices first
-- pays for the participation. Refuses: campaign_not_found, participation_not_found,
-- payment_not_due, payment_not_open.
create or replace function sambatan.submit_proof(
  p_campaign_id uuid, p_participation_id uuid, p_content_type text, p_content bytea, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t sambatan.transactions := sambatan.payment_to_change(p_campaign_id, p_participation_id,
    'due', 'rejected', 'proof_submitted', 'pending');
begin
  if t.status = 'pending' then
    t := sambatan.mark_failed(t.transaction_id, 'payment', 'paid by transfer');
  end if;
  insert into sambatan.payment_proofs (campaign_id, participation_id, content_type, content,
      uploaded_by, uploaded_at)
    values (p_campaign_id, p_participation_id, p_content_type, p_content, p_actor, now_at)
    on conflict (campaign_id, participation_id) do update set content_type = p_content_type,
      content = p_content, uploaded_by = p_actor, uploaded_at = now_at;
  if t.status <> 'proof_submitted' then
    update sambatan.transactions x set status = 'proof_submitted', reason = null,
        hold_left = (select p.hold_expires_at - now_at from sambatan.participants p
          where p.campaign_id = x.campaign_id and p.participation_id = x.participation_id
            and p.status = 'pending_payment')
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id
      returning * into t;
    update sambatan.participants set hold_expires_at = null, updated_at = now_at
      where campaign_id = p_campaign_id and participation_id = p_participation_id
        and status = 'pending_payment';
    perform sambatan.record_event(p_campaign_id, 'payment_proof_submitted', p_actor, now_at,
      p_participation_id, jsonb_build_object('amount', t.amount + t.unique_code));
  end if;
  return t;
end
$$;

-- Returns the amounts that people verified manually for a participation, with their references. If
-- a person verified more than the buyer owed, the books have the rest as a separate credit. The
-- result includes that credit.
create or replace function sambatan.manual_verifications(p_campaign_id uuid, p_participation_id uuid)
returns table (amount bigint, reference text) language sql stable as $$
  select t.amount + t.surcharge + coalesce(above.amount, 0), t.reference
  from sambatan.transactions t
  left join sambatan.transactions above on above.campaign_id = t.campaign_id
    and above.cause = 'credit:' || t.receipt and above.receipt is null
  where t.campaign_id = p_campaign_id and t.participation_id = p_participation_id
    and t.receipt like 'verified:%'
$$;

-- Returns the receipt for the next manual verification of a participation. A participation can have
-- several manual verifications, because an earlier amount may have been too little.
create or replace function sambatan.next_verified_receipt(
  p_campaign_id uuid, p_participation_id uuid
) returns text language sql stable as $$
  select 'verified:' || p_participation_id || case when count(*) > 0 then ':' || count(*) else '' end
  from sambatan.manual_verifications(p_campaign_id, p_participation_id)
$$;

-- Returns the day (Asia/Jakarta) on which the buyer last uploaded a proof of payment. The buyer had
-- paid by that day. Null if there is no proof.
create or replace function sambatan.proof_day(p_campaign_id uuid, p_participation_id uuid)
returns date language sql stable as $$
  select (f.uploaded_at at time zone 'Asia/Jakarta')::date from sambatan.payment_proofs f
  where f.campaign_id = p_campaign_id and f.participation_id = p_participation_id
$$;

-- Verifies an open payment manually: p_amount rupiah arrived, or the expected amount if it is null.
-- p_paid_on is the day of the transfer. If it is null, the day of the proof is used, or the present
-- time if there is no proof. The outcome is 'known', and nothing is counted again, in two cases.
-- First, the same amount was verified before with the same reference, or both times without a
-- reference. Second, a statement line of this amount was counted for the participation, and its
-- description contains p_reference or p_reference is null. Refuses: campaign_not_found,
-- payment_not_due, payment_not_open.
create or replace function sambatan.verify_payment(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint, p_actor text, p_reference text,
  p_paid_on date default null, out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  t constant sambatan.transactions := sambatan.payment_to_change(p_campaign_id,
    p_participation_id, 'due', 'proof_submitted', 'rejected', 'pending');
  arrived constant bigint := coalesce(p_amount, t.amount + t.unique_code);
begin
  if exists (select from sambatan.manual_verifications(p_campaign_id, p_participation_id) s
    where s.amount = arrived and s.reference is not distinct from p_reference)
    or exists (select 1 from sambatan.counted_sums(p_campaign_id, p_participation_id) l
      where l.amount = arrived and l.outcome <> 'known'
      and (p_reference is null or strpos(lower(l.description), lower(p_reference)) > 0))
  then
    outcome := 'known';
    participation_id := p_participation_id;
    return;
  end if;
  select r.outcome, r.participation_id into outcome, participation_id
    from sambatan.receive_money(p_campaign_id, p_participation_id, arrived, p_actor, p_reference,
      sambatan.next_verified_receipt(p_campaign_id, p_participation_id), null,
      coalesce(p_paid_on, sambatan.proof_day(p_campaign_id, p_participation_id))) r;
end
$$;

-- Rejects a proof of payment, so that the payment becomes payable again. Refuses:
-- campaign_not_found, payment_not_due, payment_not_open.
create or replace function sambatan.reject_payment(
  p_campaign_id uuid, p_participation_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  t sambatan.transactions := sambatan.payment_to_change(p_campaign_id, p_participation_id,
    'proof_submitted');
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  perform sambatan.reopen_payment(c, p, t, p_reason, now_at, true);
  perform sambatan.record_event(p_campaign_id, 'payment_rejected', p_actor, now_at,
    p_participation_id, jsonb_build_object('reason', p_reason));
  perform sambatan.schedule_run(p_campaign_id, now_at);
  select * into strict t from sambatan.transactions
    where campaign_id = p_campaign_id and transaction_id = t.transaction_id;
  return t;
end
$$;
