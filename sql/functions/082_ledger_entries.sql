-- Locks the campaign of a refund or payout and returns the ledger entry. Refuses:
-- movement_not_found.
create or replace function sambatan.lock_ledger_entry(p_transaction_id uuid, p_kind text)
returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions;
begin
  select * into t from sambatan.transactions where transaction_id = p_transaction_id;
  if not found or t.kind::text <> p_kind then
    perform sambatan.refuse('movement_not_found');
  end if;
  perform sambatan.lock_campaign(t.campaign_id);
  select * into strict t from sambatan.transactions
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id;
  return t;
end
$$;

-- Settles a refund or payout whose money was sent, with the reference of the bank or provider. A
-- second call with the same reference changes nothing. An entry that was sent to a provider can be
-- settled only with the provider's reference, because only that provider may send the money. A
-- payout must be released and not disputed. The campaign's money in hand, less what it owes to
-- others, must be at least the amount of the payout. Refuses: movement_not_found,
-- movement_transition_not_allowed, refund_is_kept, payout_not_released, payout_disputed,
-- payout_not_covered.
create or replace function sambatan.settle_ledger_entry(
  p_transaction_id uuid, p_kind text, p_reference text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
  now_at constant timestamptz := clock_timestamp();
  free bigint;
begin
  if t.status = 'settled' and t.reference is not distinct from p_reference then
    return t;
  elsif t.status not in ('due', 'pending')
    or (t.status = 'pending' and p_reference is distinct from t.provider_reference)
  then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', p_kind || '_settled'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  if p_kind = 'payout' then
    perform sambatan.check_payout(t);
    -- The seller does not bear the cost of a duplicate refund.
    select b.cash + b.owed_back + b.lost - b.refunds_due - b.fee - b.codes_kept into free
      from sambatan.campaign_books(t.campaign_id) b;
    if free < t.amount then
      perform sambatan.refuse('payout_not_covered', jsonb_build_object('free', greatest(free, 0)));
    end if;
  end if;
  update sambatan.transactions set status = 'settled', settled_at = now_at, actor = p_actor,
      reference = p_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, p_kind || '_settled', p_actor, now_at,
    t.participation_id, jsonb_strip_nulls(jsonb_build_object('amount', t.amount,
      'provider', t.provider)));
  return t;
end
$$;

-- Settles several entries with settle_ledger_entry, all or none. Processes them in the order of the
-- campaigns' ids, because every transaction locks campaigns in that order.
create or replace function sambatan.settle_ledger_entries(
  p_transaction_ids uuid[], p_kind text, p_reference text, p_actor text
) returns setof sambatan.transactions language plpgsql as $$
declare
  id uuid;
begin
  for id in select u.id from unnest(p_transaction_ids) as u (id)
    left join sambatan.transactions t on t.transaction_id = u.id
    group by u.id, t.campaign_id order by t.campaign_id, u.id
  loop
    return next sambatan.settle_ledger_entry(id, p_kind, p_reference, p_actor);
  end loop;
end
$$;

-- Records that a refund could not be sent. The refund is due again, and the reason and the number
-- of attempts are stored. Refuses: movement_not_found, movement_transition_not_allowed,
-- refund_is_kept.
create or replace function sambatan.fail_refund(
  p_transaction_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'refund');
  now_at constant timestamptz := clock_timestamp();
begin
  if t.status not in ('due', 'pending') then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'refund_failed'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  update sambatan.transactions set status = 'due', attempts = attempts + 1, reason = p_reason,
      provider = null, provider_reference = null
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_failed', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason,
      'attempts', t.attempts));
  return t;
end
$$;

-- Records that money that was sent came back: adds an entry that reverses the refund or payout, and
-- makes the same amount due again. If one of two duplicate refunds came back, settles the overpaid
-- refund instead. The settled entry stays in the books. Returns the new entry, or the overpaid
-- refund. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.reverse_ledger_entry(
  p_transaction_id uuid, p_kind text, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t constant sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
  now_at constant timestamptz := clock_timestamp();
  again sambatan.transactions;
  overpaid uuid;
begin
  -- If one of two duplicate refunds came back, the buyer still has the other one, so nothing is due
  -- again.
  select x.transaction_id into overpaid from sambatan.transactions x
    where x.campaign_id = t.campaign_id and x.purpose = 'overpaid_refund'
      and x.status in ('due', 'void')
      and x.cause in ('overpaid:' || p_transaction_id, replace(t.cause, 'duplicate:', 'overpaid:'));
  if found then
    return sambatan.settle_overpaid_refund(overpaid, left(p_reason, 200), p_actor);
  end if;
  if t.status <> 'settled' or exists (select from sambatan.transactions
    where campaign_id = t.campaign_id and reverses = p_transaction_id)
  then
    perform sambatan.refuse('movement_transition_not_allowed', jsonb_build_object(
      'from', case when t.status = 'settled' then 'reversed' else t.status::text end,
      'event', p_kind || '_reversed'));
  end if;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, settled_at, purpose, reverses, reason)
    values (t.campaign_id, 'adjustment', 'settled', t.participation_id, t.amount,
      'reversal:' || p_transaction_id, p_actor, now_at, now_at, 'reversal', p_transaction_id,
      p_reason);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, attempts, reason, released_at)
    values (t.campaign_id, t.kind, 'due', t.participation_id, t.amount,
      'again:' || p_transaction_id, p_actor, now_at, t.attempts + 1, p_reason, t.released_at)
    returning * into again;
  perform sambatan.record_event(t.campaign_id, p_kind || '_reversed', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason));
  return again;
end
$$;

-- Marks a ledger entry as sent to a provider, with the provider's reference. The result is unknown
-- until the provider reports it. Success is recorded by receive_money for a payment, and by
-- settle_ledger_entry otherwise. Failure is recorded by mark_failed or fail_refund. Refuses:
-- movement_not_found, movement_transition_not_allowed, refund_is_kept.
create or replace function sambatan.mark_pending(
  p_transaction_id uuid, p_kind text, p_provider text, p_provider_reference text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
begin
  if t.status = 'pending' and (t.provider, t.provider_reference)
    = (p_provider, p_provider_reference)
  then
    return t;
  elsif t.status not in ('due', 'rejected') then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'pending'));
  end if;
  perform sambatan.check_not_retained(t.campaign_id, p_transaction_id);
  if p_kind = 'payout' then
    perform sambatan.check_payout(t);
  end if;
  update sambatan.transactions set status = 'pending', provider = p_provider,
      provider_reference = p_provider_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  return t;
end
$$;

-- Records that the provider has not executed a payment or transfer and will not execute it. The
-- ledger entry is due again. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.mark_failed(
  p_transaction_id uuid, p_kind text, p_reason text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
begin
  if t.status <> 'pending' then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'due'));
  end if;
  update sambatan.transactions set status = 'due', attempts = attempts + 1, reason = p_reason,
      provider = null, provider_reference = null
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.schedule_run(t.campaign_id, clock_timestamp());
  return t;
end
$$;
