-- Whether a person has seen this very sum arrive for a participation, by eye, and no line of a
-- statement stands for that yet.
create or replace function sambatan.was_seen(
  p_campaign_id uuid, p_participation_id uuid, p_amount bigint
) returns boolean language sql stable as $$
  select count(*) > (select count(*) from sambatan.statement_lines l
    where l.campaign_id = p_campaign_id and l.participation_id = p_participation_id
      and l.amount = p_amount and l.outcome = 'known')
  from sambatan.verified_sums(p_campaign_id, p_participation_id) s where s.amount = p_amount
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
    select sambatan.was_seen(f.campaign_id, f.participation_id, p_amount) as by_eye) v
  where not exists (select from open) and f.status in ('settled', 'void')
    and (v.by_eye or (f.status = 'settled' and f.unique_code > 0
      and f.receipt !~ '^(line|verified):'
      and not exists (select from sambatan.statement_lines l
        where l.campaign_id = f.campaign_id and l.participation_id = f.participation_id
          and l.amount = p_amount)))
$$;

-- Of which participation a person has seen the sum that a line says is for another one: of that one
-- itself, or, where it would pay nothing there, of another one that its buyer has in the campaign (the
-- slots that they were given again, or have taken anew). Null when nobody has. The caller holds the
-- campaign's row.
create or replace function sambatan.seen_for(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_paid timestamptz
) returns uuid language plpgsql stable as $$
declare
  p sambatan.participants;
begin
  select * into p from sambatan.participants
    where campaign_id = c.campaign_id and participation_id = p_participation_id;
  if sambatan.was_seen(c.campaign_id, p_participation_id, p_amount) then
    return p_participation_id;
  elsif sambatan.why_not_owed(c, p, p_amount, p_paid) is null then
    return null;
  end if;
  return (select o.participation_id from sambatan.participants o
    where o.campaign_id = c.campaign_id and o.user_id = p.user_id
      and sambatan.was_seen(c.campaign_id, o.participation_id, p_amount)
    order by o.joined_at, o.participation_id limit 1);
end
$$;

-- Counts a line of a statement for a participation: its money is received, unless a person had
-- verified that very sum by eye before. Refuses: statement_line_handled, statement_line_not_found,
-- and as receive_money does.
create or replace function sambatan.assign_line(
  p_line_id uuid, p_campaign_id uuid, p_participation_id uuid, p_actor text
) returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
  c sambatan.campaigns;
  seen uuid;
  result record;
begin
  select * into l from sambatan.statement_lines where line_id = p_line_id for update;
  if not found then
    perform sambatan.refuse('statement_line_not_found');
  elsif l.status in ('matched', 'ignored') then
    perform sambatan.refuse('statement_line_handled');
  end if;
  -- Before it is asked what was seen: somebody may be verifying that very sum just now.
  c := sambatan.lock_campaign(p_campaign_id);
  seen := sambatan.seen_for(c, p_participation_id, l.amount,
    sambatan.paid_moment(null, l.booked_on, clock_timestamp()));
  if seen is not null then
    select 'known' as outcome, seen as participation_id into result;
  else
    select * into result from sambatan.receive_money(p_campaign_id, p_participation_id, l.amount,
      p_actor, left(l.description, 200), 'line:' || p_line_id, null, l.booked_on);
  end if;
  update sambatan.statement_lines set status = 'matched', campaign_id = p_campaign_id,
      participation_id = result.participation_id, outcome = result.outcome, handled_by = p_actor,
      handled_at = clock_timestamp()
    where line_id = p_line_id
    returning * into l;
  return l;
end
$$;

-- Counts an open line for the one payment that it fits; otherwise it is left to a person, who is
-- told whether none fits or several do.
create or replace function sambatan.match_line(p_line_id uuid, p_actor text)
returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
  found_count integer;
  c_id uuid;
  p_id uuid;
begin
  select * into l from sambatan.statement_lines where line_id = p_line_id for update;
  if l.status not in ('unmatched', 'ambiguous') then
    return l;
  end if;
  select count(*), (array_agg(f.campaign_id))[1], (array_agg(f.participation_id))[1]
    into found_count, c_id, p_id
    from sambatan.payments_for(l.account_id, l.amount, l.booked_on) f;
  if found_count = 1 then
    return sambatan.assign_line(p_line_id, c_id, p_id, p_actor);
  end if;
  update sambatan.statement_lines
    set status = case when found_count = 0 then 'unmatched'
      else 'ambiguous' end::sambatan.statement_line_status
    where line_id = p_line_id
    returning * into l;
  return l;
end
$$;
