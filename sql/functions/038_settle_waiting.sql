-- One step of the waiting list of an open or completed campaign: at most p_limit offers that were not
-- answered in time lapse, and those for whom slots stood idle as long as they may; what is free is
-- offered. An offer that is accepted by paying lapses once no payment in time can turn up any more.
-- Gives how many lapsed. The caller holds the campaign's row and stores what becomes of it in c.
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
      select entry_id, position, quantity, kept_amount from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = kind
        and case when kind = 'offered' then offer_expires_at else keep_until end <= p_at
        and (order_id is null
          or offer_expires_at + c.verification_seconds * interval '1 second' <= p_at
          or not sambatan.may_still_arrive((select t from sambatan.transactions t
            where t.campaign_id = c.campaign_id and t.cause = 'payment:' || order_id),
            offer_expires_at))
      order by position limit p_limit - lapsed
    ), moved as (
      update sambatan.waiting_entries e set status = 'lapsed', lapsed_at = p_at,
        keep_until = null, updated_at = p_at
      from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
    )
    select coalesce(array_agg(jsonb_strip_nulls(jsonb_build_object('entry_id', entry_id,
        'quantity', quantity, 'amount', kept_amount,
        'reason', case when kind = 'offered' then 'offer' else 'slots' end)) order by position), '{}')
      into told from picked;
    lapsed := lapsed + cardinality(told);
    if told <> '{}' then
      c := sambatan.remove_waiting_entries(c, 'waiting_lapsed', 'system', p_at, told);
    end if;
    if kind = 'offered' or told <> '{}' then
      c := sambatan.offer_slots(c, p_at);
    end if;
  end loop;
end
$$;

-- When the lifecycle has to look at a waiting list next; null when nothing in it has a time. An offer
-- that is accepted by paying, and whose time is over at p_at, waits for its payment to be decided.
create or replace function sambatan.waiting_next_run_at(c sambatan.campaigns, p_at timestamptz)
returns timestamptz language sql stable as $$
  select min(case when status = 'waiting' then keep_until
    when order_id is not null and offer_expires_at <= p_at
      then offer_expires_at + c.verification_seconds * interval '1 second'
    else offer_expires_at end)
  from sambatan.waiting_entries
  where campaign_id = c.campaign_id and status in ('waiting', 'offered')
$$;

-- One step of closing a campaign's waiting list: at most p_limit entries are closed. Gives how many.
-- With p_keep_offers the offers that were made stay open until they are paid or lapse. The caller
-- holds the campaign's row and stores what becomes of it in c.
create or replace function sambatan.close_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer,
  p_keep_offers boolean default false, out closed integer
) language plpgsql set enable_seqscan = off as $$
declare
  told jsonb[];
begin
  with picked as (
    select entry_id, position, quantity, kept_amount from sambatan.waiting_entries
    where campaign_id = c.campaign_id
      and (status = 'waiting' or (status = 'offered' and not p_keep_offers))
    order by position limit p_limit
  ), moved as (
    update sambatan.waiting_entries e set status = 'closed', closed_at = p_at, keep_until = null,
      updated_at = p_at
    from picked where e.campaign_id = c.campaign_id and e.entry_id = picked.entry_id
  )
  select coalesce(array_agg(jsonb_strip_nulls(jsonb_build_object('entry_id', entry_id,
      'quantity', quantity, 'amount', kept_amount)) order by position), '{}')
    into told from picked;
  closed := cardinality(told);
  c := sambatan.remove_waiting_entries(c, 'waiting_closed', coalesce(c.closing_actor, 'system'), p_at, told);
end
$$;
