-- Counts p_amount rupiah of a statement for a participation, unless a person had verified exactly
-- that amount manually before. If p_refund is false, refuses an amount that is less than the
-- participation owes, because it may be one of several transfers. The caller has locked the
-- campaign's row. Refuses: statement_lines_too_little, and the codes of receive_money.
create or replace function sambatan.count_money(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_refund boolean, p_actor text,
  p_reference text, p_receipt text, p_booked_at timestamptz, p_booked_on date,
  out outcome text, out participation_id uuid
) language plpgsql as $$
declare
  paid constant timestamptz :=
    sambatan.paid_moment(p_booked_at, p_booked_on, clock_timestamp());
  verified_for constant uuid :=
    sambatan.manually_verified_for(c, p_participation_id, p_amount, paid);
  missing constant bigint := sambatan.missing_of(c, p_participation_id, p_amount, paid);
begin
  if verified_for is not null then
    outcome := 'known';
    participation_id := verified_for;
    return;
  elsif missing > 0 and not p_refund then
    perform sambatan.refuse('statement_lines_too_little', jsonb_build_object(
      'participation_id', p_participation_id, 'missing', missing));
  end if;
  select r.outcome, r.participation_id into outcome, participation_id
    from sambatan.receive_money(c.campaign_id, p_participation_id, p_amount, p_actor, p_reference,
      p_receipt, p_booked_at, p_booked_on) r;
end
$$;

-- Returns how many rupiah are missing if p_amount, paid at p_paid, is used to pay for a
-- participation. Zero if it is enough; null if the money does not pay for the participation for
-- another reason. The caller has locked the campaign's row.
create or replace function sambatan.missing_of(
  c sambatan.campaigns, p_participation_id uuid, p_amount bigint, p_paid timestamptz
) returns bigint language plpgsql stable as $$
declare
  p sambatan.participants;
  why text;
begin
  select * into p from sambatan.participants x
    where x.campaign_id = c.campaign_id and x.participation_id = p_participation_id;
  if not found then
    p := sambatan.offered_participation(c.campaign_id, p_participation_id);
  end if;
  if p.participation_id is null then
    return null;
  end if;
  why := sambatan.why_not_owed(c, p, p_amount, p_paid);
  if why is null then
    return 0;
  elsif why <> 'too_little' then
    return null;
  end if;
  return coalesce((select t.amount from sambatan.transactions t
      where t.campaign_id = c.campaign_id and t.cause = 'payment:' || p_participation_id),
    (p.quantity - p.undelivered_slots) * c.price_per_slot) - p_amount;
end
$$;

-- Locks an open statement line and returns it. Refuses: statement_line_not_found,
-- statement_line_handled.
create or replace function sambatan.open_line(p_line_id uuid)
returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
begin
  select * into l from sambatan.statement_lines where line_id = p_line_id for update;
  if not found then
    perform sambatan.refuse('statement_line_not_found');
  elsif l.status in ('matched', 'ignored') then
    perform sambatan.refuse('statement_line_handled');
  end if;
  return l;
end
$$;

-- Divides an open statement line into parts, each with an amount for one participation. This does
-- not count any money yet. The new parts replace earlier parts; if no parts are passed, earlier
-- parts are only removed. Refuses: statement_line_not_found, statement_line_handled,
-- statement_parts_exceed_line.
create or replace function sambatan.allocate_line(
  p_line_id uuid, p_campaign_ids uuid[], p_participation_ids uuid[], p_amounts bigint[], p_actor text
) returns sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines := sambatan.open_line(p_line_id);
  total constant bigint := coalesce((select sum(a) from unnest(p_amounts) a), 0);
begin
  if total > l.amount then
    perform sambatan.refuse('statement_parts_exceed_line', jsonb_build_object(
      'amount', l.amount, 'parts', total));
  end if;
  delete from sambatan.statement_line_parts where line_id = p_line_id;
  insert into sambatan.statement_line_parts (line_id, part, campaign_id, participation_id, amount,
      assigned_by, assigned_at)
    select p_line_id, u.part, u.campaign_id, u.participation_id, u.amount, p_actor, clock_timestamp()
    from unnest(p_campaign_ids, p_participation_ids, p_amounts) with ordinality
      as u (campaign_id, participation_id, amount, part);
  update sambatan.statement_lines
    set status = case when cardinality(p_amounts) = 0 then 'unmatched'
      else 'allocated' end::sambatan.statement_line_status
    where line_id = p_line_id
    returning * into l;
  return l;
end
$$;

-- Counts allocated lines. All parts for one participation count as one amount, so that several
-- transfers can pay one order together. If the parts of a line are less than the amount of the
-- line, the difference is added to its first part; money that pays for nothing is refunded to that
-- buyer. Either all lines are counted or none. If p_refund is true, an amount that is too little is
-- refunded. Refuses: statement_line_not_found, statement_line_handled, statement_line_not_divided,
-- and the codes of count_money.
create or replace function sambatan.count_lines(
  p_line_ids uuid[], p_refund boolean, p_actor text
) returns void language plpgsql as $$
declare
  wanted constant uuid[] := array(select distinct u from unnest(p_line_ids) u order by u);
  locked uuid[];
  open_lines integer;
  handled integer;
  allocated integer;
  r record;
  result record;
begin
  -- Locks campaigns before lines, both in order of their ids. Every function that locks several
  -- rows uses this order, so that no deadlock occurs.
  locked := array(select c.campaign_id from sambatan.campaigns c
    where c.campaign_id in (select s.campaign_id from sambatan.statement_line_parts s
      where s.line_id = any (wanted))
    order by c.campaign_id for no key update);
  perform 1 from sambatan.statement_lines where line_id = any (wanted) order by line_id for update;
  select count(*), count(*) filter (where status in ('matched', 'ignored')),
      count(*) filter (where status = 'allocated')
    into open_lines, handled, allocated
    from sambatan.statement_lines where line_id = any (wanted);
  if open_lines < cardinality(wanted) then
    perform sambatan.refuse('statement_line_not_found');
  elsif handled > 0 then
    perform sambatan.refuse('statement_line_handled');
  elsif allocated < cardinality(wanted) then
    perform sambatan.refuse('statement_line_not_divided');
  elsif exists (select 1 from sambatan.statement_line_parts s
    where s.line_id = any (wanted) and s.campaign_id <> all (locked))
  then
    raise exception using errcode = '40001', message = 'a line was divided anew meanwhile';
  end if;
  update sambatan.statement_line_parts s set amount = s.amount + l.amount - d.total
    from sambatan.statement_lines l, lateral (
      select sum(o.amount) as total, min(o.part) as first from sambatan.statement_line_parts o
      where o.line_id = l.line_id) d
    where l.line_id = any (wanted) and s.line_id = l.line_id and s.part = d.first
      and d.total < l.amount;

  for r in
    select s.campaign_id, s.participation_id, sum(s.amount)::bigint as amount,
      (array_agg(s.line_id || case when s.part > 1 then ':' || s.part else '' end
        order by l.booked_on, l.position, l.line_id))[1] as receipt,
      left(string_agg(l.description, ' + ' order by l.booked_on, l.position, l.line_id), 200)
        as description,
      (array_agg(l.booked_at order by l.booked_on desc, l.booked_at desc nulls first))[1]
        as booked_at,
      max(l.booked_on) as booked_on
    from sambatan.statement_line_parts s
    join sambatan.statement_lines l on l.line_id = s.line_id
    where s.line_id = any (wanted)
    group by s.campaign_id, s.participation_id
    order by s.campaign_id, s.participation_id
  loop
    result := sambatan.count_money(sambatan.lock_campaign(r.campaign_id), r.participation_id,
      r.amount, p_refund, p_actor, r.description, 'line:' || r.receipt, r.booked_at, r.booked_on);
    update sambatan.statement_line_parts set outcome = result.outcome,
        participation_id = result.participation_id, receipt = 'line:' || r.receipt
      where line_id = any (wanted) and campaign_id = r.campaign_id
        and participation_id = r.participation_id and outcome is null;
  end loop;
  perform sambatan.close_lines(wanted, p_actor);
end
$$;

-- Marks lines as handled once their parts are counted. If a line has a single part, the
-- participation of that part is stored in the line too.
create or replace function sambatan.close_lines(p_line_ids uuid[], p_actor text)
returns void language sql as $$
  update sambatan.statement_lines l set status = 'matched', handled_by = p_actor,
    handled_at = clock_timestamp(),
    campaign_id = case when d.parts = 1 then d.campaign_id end,
    participation_id = case when d.parts = 1 then d.participation_id end,
    outcome = case when d.parts = 1 then d.outcome else 'divided' end
  from (select s.line_id, count(*) as parts, (array_agg(s.campaign_id))[1] as campaign_id,
      (array_agg(s.participation_id))[1] as participation_id, min(s.outcome) as outcome
    from sambatan.statement_line_parts s where s.line_id = any (p_line_ids) group by s.line_id) d
  where l.line_id = d.line_id
$$;

-- Assigns a line to the participation that a person has chosen. If this line, together with other
-- uncounted lines for the same participation, pays what the participation owes, the lines are
-- counted at once. An amount that is too little stays uncounted until the rest arrives; if p_refund
-- is true, it is refunded instead. Refuses: campaign_not_found, statement_line_handled,
-- statement_line_not_found, and the codes of receive_money.
create or replace function sambatan.assign_line(
  p_line_id uuid, p_campaign_id uuid, p_participation_id uuid, p_refund boolean, p_actor text
) returns sambatan.statement_lines language plpgsql as $$
declare
  -- Locks the campaign before it reads the manual verifications, because at this moment a person
  -- may be verifying the same amount manually.
  c constant sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  waiting constant uuid[] := array(select s.line_id from sambatan.statement_line_parts s
    join sambatan.statement_lines o on o.line_id = s.line_id
    where s.campaign_id = p_campaign_id and s.participation_id = p_participation_id
      and s.outcome is null and o.status = 'allocated' and s.amount = o.amount
      and o.line_id <> p_line_id);
  l sambatan.statement_lines;
  total bigint;
  paid timestamptz;
begin
  perform 1 from sambatan.statement_lines where line_id = any (waiting || p_line_id)
    order by line_id for update;
  l := sambatan.open_line(p_line_id);
  l := sambatan.allocate_line(p_line_id, array[p_campaign_id], array[p_participation_id],
    array[l.amount], p_actor);
  select l.amount + coalesce(sum(o.amount), 0),
      sambatan.paid_moment(null, greatest(l.booked_on, max(o.booked_on)), clock_timestamp())
    into total, paid from sambatan.statement_lines o
    where o.line_id = any (waiting) and o.status = 'allocated';
  if sambatan.manually_verified_for(c, p_participation_id, l.amount,
    sambatan.paid_moment(l.booked_at, l.booked_on, clock_timestamp())) is not null
  then
    perform sambatan.count_lines(array[p_line_id], true, p_actor);
  elsif coalesce(sambatan.missing_of(c, p_participation_id, total, paid), 0) = 0 then
    perform sambatan.count_lines(array(select o.line_id from sambatan.statement_lines o
      where o.line_id = any (waiting || p_line_id) and o.status = 'allocated'), true, p_actor);
  elsif p_refund then
    perform sambatan.count_lines(array[p_line_id], true, p_actor);
  end if;
  select * into strict l from sambatan.statement_lines where line_id = p_line_id;
  return l;
end
$$;

-- Counts each open line for which exactly one payment fits, in the order of the statement. Leaves
-- the other lines to a person, and records whether no payment or several payments fit. Returns the
-- lines that were counted.
create or replace function sambatan.match_lines(p_line_ids uuid[], p_actor text)
returns setof sambatan.statement_lines language plpgsql as $$
declare
  l sambatan.statement_lines;
  fits record;
  result record;
begin
  perform 1 from sambatan.campaigns c
    where c.campaign_id in (
      select f.campaign_id from sambatan.statement_lines o
      cross join lateral sambatan.payments_for(o.account_id, o.amount, o.booked_on) f
      where o.line_id = any (p_line_ids))
    order by c.campaign_id for no key update;
  perform 1 from sambatan.statement_lines where line_id = any (p_line_ids)
    order by line_id for update;
  for l in select * from sambatan.statement_lines
    where line_id = any (p_line_ids) and status in ('unmatched', 'ambiguous')
      and duplicate_of is null
    order by booked_on, position nulls first, line_id
  loop
    select count(*) as payments, (array_agg(f.campaign_id))[1] as campaign_id,
        (array_agg(f.participation_id))[1] as participation_id
      into fits
      from sambatan.payments_for(l.account_id, l.amount, l.booked_on) f;
    if fits.payments = 1 then
      result := sambatan.count_money(sambatan.lock_campaign(fits.campaign_id),
        fits.participation_id, l.amount, true, p_actor, left(l.description, 200),
        'line:' || l.line_id, l.booked_at, l.booked_on);
      insert into sambatan.statement_line_parts (line_id, part, campaign_id, participation_id,
          amount, assigned_by, assigned_at, outcome, receipt)
        values (l.line_id, 1, fits.campaign_id, result.participation_id, l.amount, p_actor,
          clock_timestamp(), result.outcome, 'line:' || l.line_id);
      update sambatan.statement_lines set status = 'matched', campaign_id = fits.campaign_id,
          participation_id = result.participation_id, outcome = result.outcome,
          handled_by = p_actor, handled_at = clock_timestamp()
        where line_id = l.line_id
        returning * into l;
      return next l;
    else
      update sambatan.statement_lines
        set status = case when fits.payments = 0 then 'unmatched'
          else 'ambiguous' end::sambatan.statement_line_status
        where line_id = l.line_id;
    end if;
  end loop;
end
$$;
