-- One step of the waiting list of an open campaign: at most p_limit offers that were not answered in
-- time lapse, and those for whom slots stood idle as long as they may; what is free is offered. Gives
-- how many lapsed. The caller holds the campaign's row and stores what becomes of it in c.
create or replace function sambatan.settle_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out lapsed integer
) language plpgsql set enable_seqscan = off as $$
declare
  kind sambatan.waiting_status;
  told jsonb[];
begin
  lapsed := 0;
  -- Offers first: what they give back may be what somebody waits for whose time is up as well.
  foreach kind in array array['offered', 'waiting']::sambatan.waiting_status[] loop
    with picked as (
      select entry_id, position, quantity from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = kind
        and case kind when 'offered' then offer_expires_at else keep_until end <= p_at
      order by position limit p_limit - lapsed
    ), moved as (
      update sambatan.waiting_entries e set status = 'lapsed', lapsed_at = p_at,
        keep_until = null, updated_at = p_at
      from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
    )
    select coalesce(array_agg(jsonb_build_object('entry_id', entry_id, 'quantity', quantity,
        'reason', case kind when 'offered' then 'offer' else 'slots' end) order by position), '{}')
      into told from picked;
    lapsed := lapsed + cardinality(told);
    if told <> '{}' then
      c := sambatan.forget_waiting(c, 'waiting_lapsed', 'system', p_at, told);
    end if;
    if kind = 'offered' or told <> '{}' then
      c := sambatan.offer_slots(c, p_at);
    end if;
  end loop;
end
$$;

-- When the lifecycle has to look at a waiting list next; null when nothing in it has a time.
create or replace function sambatan.waiting_due_at(p_campaign_id uuid)
returns timestamptz language sql stable as $$
  select min(case status when 'offered' then offer_expires_at else keep_until end)
  from sambatan.waiting_entries
  where campaign_id = p_campaign_id and status in ('waiting', 'offered')
$$;

-- One step of closing a campaign: at most p_limit entries of its waiting list are closed with it.
-- Gives how many. The caller holds the campaign's row and stores what becomes of it in c.
create or replace function sambatan.close_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out closed integer
) language plpgsql set enable_seqscan = off as $$
declare
  told jsonb[];
begin
  with picked as (
    select entry_id, position, quantity from sambatan.waiting_entries
    where campaign_id = c.campaign_id and status in ('waiting', 'offered')
    order by position limit p_limit
  ), moved as (
    update sambatan.waiting_entries e set status = 'closed', closed_at = p_at, keep_until = null,
      updated_at = p_at
    from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
  )
  select coalesce(array_agg(jsonb_build_object('entry_id', entry_id, 'quantity', quantity)
      order by position), '{}')
    into told from picked;
  closed := cardinality(told);
  c := sambatan.forget_waiting(c, 'waiting_closed', c.closing_actor, p_at, told);
end
$$;
