-- A refund or payout by its id alone, its campaign locked; or a refusal.
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

-- The money of one refund or payout has left: settles it, with the bank's or provider's reference.
-- Settling it again with the same reference changes nothing. One that a provider has is settled under
-- the name that the provider knows it by, and no other: nobody may have sent it as well. A payout has
-- to be released, not disputed, and covered by what is in hand and owed to nobody else. Refuses:
-- movement_not_found, movement_transition_not_allowed, refund_is_kept, payout_not_released,
-- payout_disputed, payout_not_covered.
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
    -- What was refunded twice is not the seller's to bear.
    select b.held + b.owed_back + b.lost - b.refunds_due - b.fee - b.codes_kept into free
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

-- settle_ledger_entry for several, in one transaction: all or none. In order of their campaigns, as
-- everybody locks them.
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

-- A refund could not be made: it stays due, with why and how often it was tried. Refuses:
-- movement_not_found, movement_transition_not_allowed, refund_is_kept.
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

-- Money that had left came back: an entry takes the refund or payout back, and the same sum is due
-- once more; of a refund that was made twice, the claim for it is settled instead. What was settled
-- stays in the books as it was. Gives the new movement, or the claim. Refuses:
-- movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.reverse_ledger_entry(
  p_transaction_id uuid, p_kind text, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t constant sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, p_kind);
  now_at constant timestamptz := clock_timestamp();
  again sambatan.transactions;
  claim uuid;
begin
  -- Of a refund that was made twice, one came back: nothing is due again.
  select x.transaction_id into claim from sambatan.transactions x
    where x.campaign_id = t.campaign_id and x.purpose = 'claim' and x.status in ('due', 'void')
      and x.cause in ('claim:' || p_transaction_id, replace(t.cause, 'doubled:', 'claim:'));
  if found then
    return sambatan.settle_overpaid_refund(claim, left(p_reason, 200), p_actor);
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

-- A movement is with a provider, under the name that the provider is asked for it by; until the
-- provider says what came of it, that is not known. Then receive_money (of a payment) or
-- settle_ledger_entry says that it was made, mark_failed or fail_refund that it was not. Refuses:
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

-- The provider has not made it, and will not: it is due again. Refuses: movement_not_found,
-- movement_transition_not_allowed.
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
