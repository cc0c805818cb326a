-- Returns the amounts of bank statements that were counted for a participation. Each amount is a
-- whole transfer, a part of a transfer, or the sum of several transfers that were counted together.
create or replace function sambatan.counted_sums(p_campaign_id uuid, p_participation_id uuid)
returns table (amount bigint, outcome text, description text) language sql stable as $$
  select sum(s.amount)::bigint, min(s.outcome), string_agg(l.description, ' ')
  from sambatan.statement_line_parts s
  join sambatan.statement_lines l on l.line_id = s.line_id
  where s.campaign_id = p_campaign_id and s.participation_id = p_participation_id
    and s.receipt is not null
  group by s.receipt
$$;

-- Returns whether a person verified exactly this amount for a participation, and no statement line
-- has been matched with that verification yet.
create or replace function sambatan.is_manually_verified(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint
) returns boolean language sql stable as $$
  select count(*) > (select count(*) from sambatan.counted_sums(p_campaign_id, p_participation_id) l
    where l.amount = p_amount and l.outcome = 'known')
  from sambatan.manual_verifications(p_campaign_id, p_participation_id) s where s.amount = p_amount
$$;

-- Returns the payments that a transfer of p_amount rupiah, booked on p_booked_on, may be for. These
-- are open payments of exactly that amount to that account, if the transfer was booked between a
-- day before they were created and fourteen days after they were due (is_known false). If no open
-- payment fits, returns payments that a person verified manually (is_known true), and payments with
-- a unique code that were paid through a provider (is_known false, because the transfer pays a
-- second time and is refunded). A payment of these two kinds is returned only while no statement
-- line has been matched with it.
create or replace function sambatan.payments_for(
  p_account_id uuid, p_amount bigint, p_booked_on date
) returns table (campaign_id uuid, participation_id uuid, is_known boolean)
language sql stable as $$
  with fitting as materialized (
    select t.* from sambatan.transactions t
    where t.kind = 'payment' and t.account_id = p_account_id
      and t.amount + t.unique_code = p_amount
      and p_booked_on between (t.created_at at time zone 'Asia/Jakarta')::date - 1
        and (coalesce(t.pay_by, t.created_at) at time zone 'Asia/Jakarta')::date + 14
  ), open as (
    select * from fitting where status in ('due', 'proof_submitted', 'rejected', 'pending')
  )
  select o.campaign_id, o.participation_id, false from open o
  union all
  select f.campaign_id, f.participation_id, v.by_eye from fitting f
  cross join lateral (
    select sambatan.is_manually_verified(f.campaign_id, f.participation_id, p_amount) as by_eye) v
  where not exists (select from open) and f.status in ('settled', 'void')
    and (v.by_eye or (f.status = 'settled' and f.unique_code > 0
      and f.receipt !~ '^(line|verified):'
      and not exists (select 1
        from sambatan.counted_sums(f.campaign_id, f.participation_id) l
        where l.amount = p_amount)))
$$;

-- Returns the participation for which a person manually verified the amount of a statement line:
-- p_participation_id itself, or another participation of the same buyer in the campaign. The other
-- participation is searched only if the amount would not pay for p_participation_id; it exists if
-- the buyer got slots again or joined again. Null if there is no such participation. The caller has
-- locked the campaign's row.
create or replace function sambatan.manually_verified_for(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_paid timestamptz
) returns uuid language plpgsql stable as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if not found then
    p := sambatan.offered_participation(c.campaign_id, p_participation_id);
  end if;
  if sambatan.is_manually_verified(c.campaign_id, p_participation_id, p_amount) then
    return p_participation_id;
  elsif sambatan.why_not_owed(c, p, p_amount, p_paid) is null then
    return null;
  end if;
  return (select o.participation_id from sambatan.participants o
    where o.campaign_id = c.campaign_id and o.user_id = p.user_id
      and sambatan.is_manually_verified(c.campaign_id, o.participation_id, p_amount)
    order by o.joined_at, o.participation_id limit 1);
end
$$;
