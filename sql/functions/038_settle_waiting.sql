-- Runs one step for the waiting list of an open or completed campaign. At most p_limit entries
-- lapse: offers that their buyers did not answer in time, and entries whose reservation of slots
-- ended at keep_until. Then the step offers the free slots. An offer that is accepted by paying
-- does not lapse while it is possible that the service finds a payment that was made in time.
-- Returns how many entries lapsed. The caller has locked the campaign's row and stores c.
create or replace function sambatan.settle_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer, out lapsed integer
) language plpgsql set enable_seqscan = off as $$
declare
  kind sambatan.waiting_status;
  events jsonb[];
begin
  lapsed := 0;
  -- Offers lapse first. The slots that this frees may be enough for a waiting entry whose
  -- keep_until has also passed.
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
      into events from picked;
    lapsed := lapsed + cardinality(events);
    if events <> '{}' then
      c := sambatan.remove_waiting_entries(c, 'waiting_lapsed', 'system', p_at, events);
    end if;
    if kind = 'offered' or events <> '{}' then
      c := sambatan.offer_slots(c, p_at);
    end if;
  end loop;
end
$$;

-- Returns when the lifecycle must next run for a waiting list; null if no entry has a time limit.
-- For an offer that is accepted by paying and whose time is over at p_at, the result is the end of
-- the verification period. Until then, it is possible that the service finds a payment that was
-- made in time.
create or replace function sambatan.waiting_next_run_at(c sambatan.campaigns, p_at timestamptz)
returns timestamptz language sql stable as $$
  select min(case when status = 'waiting' then keep_until
    when order_id is not null and offer_expires_at <= p_at
      then offer_expires_at + c.verification_seconds * interval '1 second'
    else offer_expires_at end)
  from sambatan.waiting_entries
  where campaign_id = c.campaign_id and status in ('waiting', 'offered')
$$;

-- Runs one step of closing a campaign's waiting list: closes at most p_limit entries and returns
-- how many it closed. If p_keep_offers is true, open offers stay open until they are paid or lapse.
-- The caller has locked the campaign's row and stores c.
create or replace function sambatan.close_waiting(
  inout c sambatan.campaigns, p_at timestamptz, p_limit integer,
  p_keep_offers boolean default false, out closed integer
) language plpgsql set enable_seqscan = off as $$
declare
  events jsonb[];
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
    into events from picked;
  closed := cardinality(events);
  c := sambatan.remove_waiting_entries(c, 'waiting_closed',
    coalesce(c.closing_actor, 'system'), p_at, events);
end
$$;
