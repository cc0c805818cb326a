-- Returns whether the result of a completed campaign is still open: a buyer can still pay an offer,
-- the campaign is being closed, or somebody must decide whether the batch is made.
create or replace function sambatan.is_undecided(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.campaigns c where c.campaign_id = p_campaign_id
      and (c.closing_outcome is not null
        or (c.decision_opened_at is not null and c.decided_at is null)))
    or exists (select 1 from sambatan.waiting_entries e
      where e.campaign_id = p_campaign_id and e.status = 'offered')
$$;

-- Returns whether any order of a campaign is still unpaid.
create or replace function sambatan.has_open_orders(p_campaign_id uuid)
returns boolean language sql stable as $$
  select exists (select 1 from sambatan.transactions t
    join sambatan.participants p on p.campaign_id = t.campaign_id
      and p.participation_id = t.participation_id and p.status = 'confirmed'
    where t.campaign_id = p_campaign_id and t.kind = 'payment'
      and t.status in ('due', 'proof_submitted', 'rejected', 'pending'))
$$;

-- Refuses if sending a payout is not allowed: payout_not_released, payout_disputed. The caller has
-- locked the campaign's row.
create or replace function sambatan.check_payout(t sambatan.transactions)
returns void language plpgsql as $$
begin
  if exists (select from sambatan.disputes
    where campaign_id = t.campaign_id and resolved_at is null)
  then
    perform sambatan.refuse('payout_disputed');
  elsif t.released_at is null then
    perform sambatan.refuse('payout_not_released');
  end if;
end
$$;

-- Marks the payouts of a campaign that are due as released. The caller has locked the campaign's
-- row.
create or replace function sambatan.release_due_payouts(
  p_campaign_id uuid, p_at timestamptz, p_actor text
) returns void language plpgsql as $$
declare
  total bigint;
begin
  with released as (
    update sambatan.transactions set released_at = p_at
    where campaign_id = p_campaign_id and kind = 'payout' and status = 'due'
      and released_at is null
    returning amount
  )
  select sum(amount) into total from released;
  if total is not null then
    perform sambatan.record_event(p_campaign_id, 'payout_released', p_actor, p_at, null,
      jsonb_build_object('amount', total));
  end if;
end
$$;

-- Releases the payout of a campaign once all buyers have received what is delivered to them, unless
-- a dispute is open. The caller has locked the campaign's row.
create or replace function sambatan.release_when_received(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
begin
  if not exists (select from sambatan.participants
      where campaign_id = p_campaign_id and status = 'confirmed')
    and not exists (select from sambatan.disputes
      where campaign_id = p_campaign_id and resolved_at is null)
    and not sambatan.is_undecided(p_campaign_id)
    and not sambatan.has_open_orders(p_campaign_id)
  then
    perform sambatan.release_due_payouts(p_campaign_id, p_at, 'system');
  end if;
end
$$;

-- Releases a payout because an operator asks for it before all buyers have confirmed receipt.
-- Enough money must still be in hand when the payout is settled. Refuses: movement_not_found,
-- movement_transition_not_allowed, payout_disputed, payout_unsettled.
create or replace function sambatan.release_payout(p_transaction_id uuid, p_actor text)
returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'payout');
begin
  if t.status <> 'due' then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'payout_released'));
  elsif exists (select from sambatan.disputes
    where campaign_id = t.campaign_id and resolved_at is null)
  then
    perform sambatan.refuse('payout_disputed');
  elsif sambatan.is_undecided(t.campaign_id) then
    perform sambatan.refuse('payout_unsettled');
  end if;
  perform sambatan.release_due_payouts(t.campaign_id, clock_timestamp(), p_actor);
  select * into strict t from sambatan.transactions
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id;
  return t;
end
$$;

-- Sets the payout of a completed campaign to the present value of its slots, less the fee and what
-- was sent already, and returns the amount still to be sent. Refuses: payout_settled_already if
-- more was sent than the seller should get, or if a provider is sending the payout. The caller has
-- locked the campaign's row.
create or replace function sambatan.refresh_payout(
  p_campaign_id uuid, p_at timestamptz, p_actor text
) returns bigint language plpgsql as $$
declare
  b record;
  t sambatan.transactions;
  rest bigint;
begin
  select * into strict b from sambatan.campaign_books(p_campaign_id);
  rest := b.gross - b.fee - (b.payouts_settled - b.payouts_returned);
  select * into t from sambatan.transactions
    where campaign_id = p_campaign_id and kind = 'payout' and status in ('due', 'pending');
  if rest < 0 or t.status = 'pending' then
    perform sambatan.refuse('payout_settled_already');
  elsif t.transaction_id is null and rest > 0 then
    insert into sambatan.transactions (campaign_id, kind, status, amount, cause, actor, created_at)
      values (p_campaign_id, 'payout', 'due', rest, 'payout:' || gen_random_uuid(), p_actor, p_at);
  elsif rest = 0 then
    update sambatan.transactions set status = 'void', reason = 'nothing is left of it'
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id;
  else
    update sambatan.transactions set amount = rest
      where campaign_id = p_campaign_id and transaction_id = t.transaction_id and amount <> rest;
  end if;
  return rest;
end
$$;
