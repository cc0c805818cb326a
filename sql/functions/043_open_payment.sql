-- Returns a unique code between p_from and p_to for a payment of p_amount rupiah to an account,
-- such that no other open payment to that account has the same total. The search starts at a random
-- code, so that payments that are opened at the same moment rarely try the same code. Null if all
-- codes are taken.
create or replace function sambatan.free_code(
  p_account_id uuid, p_amount bigint, p_from integer, p_to integer
) returns integer language sql volatile as $$
  with start as materialized (select floor(random() * (p_to - p_from + 1))::integer as at),
  taken as materialized (
    select (t.amount + t.unique_code - p_amount)::integer as code from sambatan.transactions t
    where t.account_id = p_account_id
      and t.amount + t.unique_code between p_amount + p_from and p_amount + p_to
      and t.kind = 'payment' and t.unique_code > 0
      and t.status in ('due', 'proof_submitted', 'rejected', 'pending'))
  select g.n from start, generate_series(p_from, p_to) as g (n)
  where not exists (select 1 from taken where taken.code = g.n)
  order by (g.n - p_from + start.at) % (p_to - p_from + 1) limit 1
$$;

-- Chooses the account and the unique code for a new payment of p_amount rupiah. Prefers codes up to
-- 999, first of the default account, then of other accounts. A higher code is used only if all
-- codes up to 999 of every active account are taken for this amount. It is as low as possible,
-- because the buyer pays the code in addition to the price. Both are null if no account is active;
-- only the code is null if all 99,999 codes of every account are taken.
create or replace function sambatan.choose_code(
  p_amount bigint, out account_id uuid, out unique_code integer
) language plpgsql volatile as $$
declare
  accounts constant uuid[] := array(select a.account_id from sambatan.receiving_accounts a
    where a.is_active order by a.is_default desc, a.created_at, a.account_id);
  ends constant integer[] := array[0, 999, 1999, 4999, 9999, 19999, 49999, 99999];
begin
  for width in 2..cardinality(ends) loop
    foreach account_id in array accounts loop
      unique_code := sambatan.free_code(account_id, p_amount, ends[width - 1] + 1, ends[width]);
      if unique_code is not null then
        return;
      end if;
    end loop;
  end loop;
  account_id := accounts[1];
end
$$;

-- An offer that is made after the campaign has succeeded becomes a participation when it is paid.
-- Returns that participation before it exists. Its status is reserved while the offer is open, and
-- cancelled after that. All columns are null if there is no such offer.
create or replace function sambatan.offered_participation(p_campaign_id uuid, p_order_id uuid)
returns sambatan.participants language plpgsql stable as $$
declare
  e sambatan.waiting_entries;
  p sambatan.participants;
begin
  select * into e from sambatan.waiting_entries
    where campaign_id = p_campaign_id and order_id = p_order_id and participation_id is null;
  if found then
    p.campaign_id := e.campaign_id;
    p.participation_id := e.order_id;
    p.user_id := e.user_id;
    p.quantity := e.quantity;
    p.undelivered_slots := 0;
    if e.status = 'offered' then
      p.status := 'pending_payment';
    else
      p.status := 'cancelled';
      p.cancel_reason := 'hold_lapsed';
    end if;
    p.joined_at := e.offered_at;
    p.hold_expires_at := e.offer_expires_at;
    p.shipping_address := e.shipping_address;
    p.note := e.note;
    p.salt := e.salt;
  end if;
  return p;
end
$$;

-- Returns the payment of a participation. Assigns an account and a unique code if the payment has
-- none. The payment is created when somebody first views it, so that neither joins nor the closing
-- of a large campaign spend time on it. Concurrent callers get the same payment. A payment to an
-- account always has a unique code. Without the code, only the name of the sender would show for
-- which payment a transfer is.
--
-- An offer that is made after the campaign has succeeded also has a payment. When the buyer pays
-- it, the offer becomes a participation.
--
-- p_pays_online is true if buyers can pay through a provider. Then a payment is opened without an
-- account if no account is active, and gets an account when one is active.
--
-- The function takes no lock that a join would have to wait for. Returns null if there is nothing
-- to pay, or nothing to pay yet. Refuses: participation_not_found, payment_account_missing,
-- unique_codes_exhausted.
create or replace function sambatan.open_payment(
  p_campaign_id uuid, p_participation_id uuid, p_pays_online boolean default false
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
    p := sambatan.offered_participation(p_campaign_id, p_participation_id);
    if p.participation_id is null then
      perform sambatan.refuse('participation_not_found');
    end if;
  end if;
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  for attempt in 1..20 loop
    select * into t from sambatan.transactions
      where campaign_id = p_campaign_id and cause = 'payment:' || p_participation_id;
    is_there := found;
    if is_there and (t.account_id is not null or t.status not in ('due', 'rejected')) then
      return t;
    elsif not is_there and not (c.closing_outcome is null and p.status = 'pending_payment'
      and ((c.payment_timing = 'upfront' and c.status in ('active', 'locked')
          and clock_timestamp() < c.deadline)
        or c.status = 'fulfilled'))
    then
      return null;
    end if;

    base := coalesce(t.amount, p.quantity * c.price_per_slot);
    select k.account_id, k.unique_code into account, code from sambatan.choose_code(base) k;
    if account is null and not p_pays_online then
      perform sambatan.refuse('payment_account_missing');
    elsif account is null and is_there and t.pay_by is not null then
      return t;
    elsif account is null then
      code := 0;
    elsif code is null then
      perform sambatan.refuse('unique_codes_exhausted');
    end if;

    begin
      if is_there then
        update sambatan.transactions set account_id = account, unique_code = code,
            pay_by = coalesce(pay_by, case when c.status = 'fulfilled' then p.hold_expires_at
              else least(p.hold_expires_at, c.deadline) end)
          where campaign_id = p_campaign_id and transaction_id = t.transaction_id
            and account_id is null and amount = base and status in ('due', 'rejected')
          returning * into t;
      else
        insert into sambatan.transactions (campaign_id, kind, status, participation_id, amount,
            cause, actor, created_at, account_id, unique_code, pay_by)
          values (p_campaign_id, 'payment', 'due', p_participation_id, base,
            'payment:' || p_participation_id, 'system', clock_timestamp(), account, code,
            case when c.status = 'fulfilled' then p.hold_expires_at
              else least(p.hold_expires_at, c.deadline) end)
          on conflict do nothing
          returning * into t;
      end if;
      if found then
        return t;
      end if;
    exception when unique_violation then
      -- Another transaction has just taken the code: search again.
      null;
    end;
  end loop;
  raise exception using errcode = '40001', message = 'no code could be had in 20 attempts';
end
$$;
