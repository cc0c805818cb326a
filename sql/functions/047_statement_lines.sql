-- The sums that statements have shown for a participation and that were counted for it: one for each
-- transfer, part of a transfer, or several transfers that paid together.
create or replace function sambatan.counted_sums(p_campaign_id uuid, p_participation_id uuid)
returns table (amount bigint, outcome text, description text) language sql stable as $$
  select sum(s.amount)::bigint, min(s.outcome), string_agg(l.description, ' ')
  from sambatan.statement_line_parts s
  join sambatan.statement_lines l on l.line_id = s.line_id
  where s.campaign_id = p_campaign_id and s.participation_id = p_participation_id
    and s.receipt is not null
  group by s.receipt
$$;

-- Whether a person has seen this very sum arrive for a participation, by eye, and no line of a
-- statement stands for that yet.
create or replace function sambatan.is_manually_verified(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint
) returns boolean language sql stable as $$
  select count(*) > (select count(*) from sambatan.counted_sums(p_campaign_id, p_participation_id) l
    where l.amount = p_amount and l.outcome = 'known')
  from sambatan.manually_verified_sums(p_campaign_id, p_participation_id) s where s.amount = p_amount
$$;

-- The payments that a transfer of p_amount rupiah on a day may be for: open ones of exactly that sum
-- to that account, from a day before they were made to fourteen days after they were to be paid
-- (is_known false). Where there is none, those that a person has verified by eye (is_known true),
-- and those with a unique code that were paid through a provider: who transferred as well is given
-- that back (is_known false); each as long as no line of a statement stands for it yet.
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

-- Of which participation a person has seen the sum that a line says is for another one: of that one
-- itself, or, where it would pay nothing there, of another one that its buyer has in the campaign (the
-- slots that they were given again, or have taken anew). Null when nobody has. The caller holds the
-- campaign's row.
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
