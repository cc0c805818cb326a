-- Records that a provider has sent a refund. If the refund came back in the meantime and is due
-- again, settles the new ledger entry. If a person had already sent the refund too, the buyer got
-- the money twice. In this case, records the second refund, and an overpaid refund: an amount that
-- the buyer must send back. Returns whether the refund was sent twice. Refuses: movement_not_found.
create or replace function sambatan.refund_by_provider(
  p_transaction_id uuid, p_provider text, p_reference text, p_actor text
) returns boolean language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'refund');
  now_at constant timestamptz := clock_timestamp();
  again sambatan.transactions;
begin
  loop
    select * into again from sambatan.transactions
      where campaign_id = t.campaign_id and cause = 'again:' || t.transaction_id;
    exit when not found;
    t := again;
  end loop;
  if t.status in ('due', 'pending') or t.reference = p_reference then
    perform sambatan.settle_ledger_entry(t.transaction_id, 'refund', p_reference, p_actor);
    return false;
  end if;
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, reference, created_at, settled_at, provider, provider_reference)
    values (t.campaign_id, 'refund', 'settled', t.participation_id, t.amount,
      'duplicate:' || t.transaction_id, p_actor, p_reference, now_at, now_at, p_provider,
      p_reference);
  insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount, cause,
      actor, created_at, purpose)
    values (t.campaign_id, 'adjustment', 'due', t.participation_id, t.amount,
      'overpaid:' || t.transaction_id, p_actor, now_at, 'overpaid_refund');
  perform sambatan.record_event(t.campaign_id, 'refund_doubled', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount, 'provider', p_provider));
  return true;
end
$$;

-- Locks the campaign of an overpaid refund and returns the entry, which must have one of the given
-- statuses. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.lock_overpaid_refund(
  p_transaction_id uuid, p_event text, variadic p_from sambatan.transaction_status[]
) returns sambatan.transactions language plpgsql as $$
declare
  t constant sambatan.transactions := sambatan.lock_ledger_entry(p_transaction_id, 'adjustment');
begin
  if t.purpose <> 'overpaid_refund' then
    perform sambatan.refuse('movement_not_found');
  elsif t.status <> all (p_from) then
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', p_event));
  end if;
  return t;
end
$$;

-- Records that the buyer sent the money of an overpaid refund back. This is possible even after the
-- amount was written off. A repeated call with the same reference changes nothing. Refuses:
-- movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.settle_overpaid_refund(
  p_transaction_id uuid, p_reference text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_overpaid_refund(p_transaction_id, 'refund_recovered',
    'due', 'void', 'settled');
  now_at constant timestamptz := clock_timestamp();
begin
  if t.status = 'settled' then
    if t.reference = p_reference then
      return t;
    end if;
    perform sambatan.refuse('movement_transition_not_allowed',
      jsonb_build_object('from', t.status, 'event', 'refund_recovered'));
  end if;
  update sambatan.transactions set status = 'settled', settled_at = now_at, actor = p_actor,
      reference = p_reference
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_recovered', p_actor, now_at,
    t.participation_id, jsonb_build_object('amount', t.amount));
  return t;
end
$$;

-- Records a person's decision, with a reason, that an overpaid refund will not come back. The
-- platform bears the loss. Refuses: movement_not_found, movement_transition_not_allowed.
create or replace function sambatan.write_off_overpaid_refund(
  p_transaction_id uuid, p_reason text, p_actor text
) returns sambatan.transactions language plpgsql as $$
declare
  t sambatan.transactions := sambatan.lock_overpaid_refund(p_transaction_id, 'refund_lost', 'due');
begin
  update sambatan.transactions set status = 'void', actor = p_actor, reason = p_reason
    where campaign_id = t.campaign_id and transaction_id = p_transaction_id
    returning * into t;
  perform sambatan.record_event(t.campaign_id, 'refund_lost', p_actor, clock_timestamp(),
    t.participation_id, jsonb_build_object('amount', t.amount, 'reason', p_reason));
  return t;
end
$$;
