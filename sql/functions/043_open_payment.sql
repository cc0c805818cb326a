-- A unique code for a payment of p_amount rupiah to an account, such that no other open payment there
-- is of the same sum: 1 to 999, tried from a place of chance so that payments opened in the same
-- moment seldom try the same one. Null when all are taken.
create or replace function sambatan.free_code(p_account_id uuid, p_amount bigint)
returns integer language sql volatile as $$
  with start as materialized (select floor(random() * 999)::bigint as at)
  select g.n::integer from start, generate_series(1, 999) as g (n)
  where not exists (select from sambatan.transactions t
    where t.account_id = p_account_id and t.amount + t.unique_code = p_amount + g.n
      and t.kind = 'payment' and t.unique_code > 0
      and t.status in ('due', 'proof_submitted', 'rejected', 'pending'))
  order by (g.n + start.at) % 999 limit 1
$$;

-- The payment of a participation as it is, with an account and a unique code from now on: what is
-- to be paid is made when somebody first looks at it, so that neither joins nor the closing of a
-- large campaign pay for it. Any number of callers at once get the same one. The codes of the
-- default account are given first, then those of the others; when all are taken the default
-- account without a code, and a person finds its transfer by the name.
--
-- Takes no lock that a join would wait for. Gives null when there is nothing to pay (yet). Refuses:
-- participation_not_found, payment_account_missing.
create or replace function sambatan.open_payment(
  p_campaign_id uuid, p_participation_id uuid, p_term interval
) returns sambatan.transactions language plpgsql as $$
declare
  c sambatan.campaigns;
  p sambatan.participants;
  t sambatan.transactions;
  is_there boolean;
  account uuid;
  code integer;
  base bigint;
begin
  select * into p from sambatan.participants
    where campaign_id = p_campaign_id and participation_id = p_participation_id;
  if not found then
    perform sambatan.refuse('participation_not_found');
  end if;
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  for attempt in 1..20 loop
    select * into t from sambatan.transactions
      where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id;
    is_there := found;
    if is_there and (t.account_id is not null or t.status not in ('due', 'rejected')) then
      return t;
    elsif not is_there and not (p.status = 'pending_payment' and c.payment_timing = 'upfront'
      and c.closing_as is null and c.status in ('active', 'locked'))
    then
      return null;
    end if;

    base := coalesce(t.amount, p.quantity * c.price_per_slot);
    code := null;
    for account in select account_id from sambatan.receiving_accounts where is_active
      order by is_default desc, created_at, account_id
    loop
      code := sambatan.free_code(account, base);
      exit when code is not null;
    end loop;
    if code is null then
      code := 0;
      select account_id into account from sambatan.receiving_accounts where is_active
        order by is_default desc, created_at, account_id limit 1;
      if not found then
        perform sambatan.refuse('payment_account_missing');
      end if;
    end if;

    begin
      if is_there then
        update sambatan.transactions set account_id = account, unique_code = code,
            pay_by = coalesce(pay_by, p.hold_expires_at, created_at + p_term)
          where campaign_id = p_campaign_id and transaction_id = t.transaction_id
            and account_id is null and amount = base and status in ('due', 'rejected')
          returning * into t;
      else
        insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
            cause, actor, created_at, account_id, unique_code, pay_by)
          values (p_campaign_id, 'payment', 'due', p_participation_id, base,
            'payment:' || p_participation_id, 'system', clock_timestamp(), account, code,
            coalesce(p.hold_expires_at, clock_timestamp() + p_term))
          on conflict do nothing
          returning * into t;
      end if;
      if found then
        return t;
      end if;
    exception when unique_violation then
      -- Somebody took the code in this moment: look again.
      null;
    end;
  end loop;
  raise exception using errcode = '40001', message = 'no code could be had in 20 attempts';
end
$$;
