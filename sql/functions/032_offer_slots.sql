-- Offers the free slots of a campaign to its waiting list, in order of arrival, each time to the
-- first entry whose quantity fits. If too few slots are free for an entry and an entry behind it
-- gets the offer, the first entry is overtaken. When an entry has been overtaken the maximum number
-- of times, entries behind it get no offers. The free slots are reserved for that entry, but only
-- until keep_until, so that slots do not stay unused for ever.
--
-- Some slots are revoked from orders of a completed campaign, because of a shortfall or an upheld
-- dispute. They are not offered, because there are no goods for them.
--
-- Paid entries come first, in order of the time of their payment. They get slots at once, without
-- an offer. A paid entry lapses if its buyer would have more slots than the maximum per buyer.
-- After the deadline, as long as the campaign has not succeeded, only paid entries get slots.
--
-- After the campaign has succeeded, an offer lasts as long as a hold, because the buyer accepts it
-- by paying. The offer already has the id of the participation that the payment creates.
--
-- Call this function in the transaction that freed slots or changed the waiting list. The caller
-- has locked the campaign's row, and stores c with its new number of reserved slots. Calling it a
-- second time changes nothing.
create or replace function sambatan.offer_slots(inout c sambatan.campaigns, p_at timestamptz)
language plpgsql set enable_seqscan = off as $$
declare
  max_overtakes constant integer := sambatan.max_waiting_overtakes();
  e record;
  under_offer integer;
  free integer;
  succeeded constant boolean := c.status = 'fulfilled';
  -- The number of further offers that entries behind a passed-over entry may get. Null if no entry
  -- was passed over.
  allowance integer;
  ends_at timestamptz;
  offered uuid[] := '{}';
  events jsonb[] := '{}';
  passed uuid[] := '{}';
  taken_before integer[] := '{}';
  -- The ids of the paid entries that get their slots, and the metadata of the paid entries that
  -- lapse.
  assigned uuid[] := '{}';
  lapsed jsonb[] := '{}';
  taken integer := 0;
  -- Each paid slot changes the payout, which must not change while it is being sent.
  may_give constant boolean := not succeeded or not exists (
    select 1 from sambatan.transactions t where t.campaign_id = c.campaign_id
      and t.kind = 'payout' and t.status = 'pending');
  blocked uuid;
begin
  select coalesce(sum(quantity), 0) into under_offer from sambatan.waiting_entries
    where campaign_id = c.campaign_id and status = 'offered';
  free := c.total_slots - c.filled_slots - under_offer - case when succeeded then
    sambatan.revoked_slots(c) else 0 end;
  ends_at := p_at + case when succeeded then c.hold_seconds else c.offer_seconds end
    * interval '1 second';

  for e in
    select w.entry_id, w.quantity, w.overtaken, w.kept_amount,
      case when w.kept_amount is not null and c.max_slots_per_user is not null then w.quantity
        + sambatan.slots_of_buyer(c.campaign_id, w.user_id, w.paid_at, w.position)
        > c.max_slots_per_user end as is_too_many
    from sambatan.waiting_entries w
    where w.campaign_id = c.campaign_id and w.status = 'waiting'
      and (w.refund_id is not null or succeeded or p_at < c.deadline)
    order by w.paid_at, w.position
  loop
    exit when free = 0 or allowance = 0 or (e.kept_amount is not null and not may_give);
    if e.kept_amount is not null and e.is_too_many then
      lapsed := lapsed || jsonb_build_object('entry_id', e.entry_id, 'quantity', e.quantity,
        'reason', 'bounds', 'amount', e.kept_amount);
    elsif e.quantity <= free and e.kept_amount is not null then
      free := free - e.quantity;
      allowance := allowance - 1;
      taken := taken + 1;
      assigned := assigned || e.entry_id;
    elsif e.quantity <= free then
      free := free - e.quantity;
      under_offer := under_offer + e.quantity;
      allowance := allowance - 1;
      taken := taken + 1;
      offered := offered || e.entry_id;
      events := events || jsonb_build_object('entry_id', e.entry_id, 'quantity', e.quantity,
        'expires_at', case when succeeded then ends_at else least(ends_at, c.deadline) end);
    else
      allowance := least(allowance, max_overtakes - e.overtaken);
      passed := passed || e.entry_id;
      taken_before := taken_before || taken;
    end if;
  end loop;

  if offered <> '{}' then
    update sambatan.waiting_entries set status = 'offered', offered_at = p_at,
        offer_expires_at = ends_at, keep_until = null, updated_at = p_at,
        order_id = case when succeeded then gen_random_uuid() end
      where campaign_id = c.campaign_id and entry_id = any (offered);
  end if;
  if taken > 0 then
    update sambatan.waiting_entries t
      set overtaken = t.overtaken + taken - w.taken_before, updated_at = p_at
      from unnest(passed, taken_before) as w (entry_id, taken_before)
      where t.campaign_id = c.campaign_id and t.entry_id = w.entry_id
        and w.taken_before < taken;
  end if;
  if lapsed <> '{}' then
    update sambatan.waiting_entries set status = 'lapsed', lapsed_at = p_at, keep_until = null,
        updated_at = p_at
      where campaign_id = c.campaign_id
        and entry_id = any (array(select (l ->> 'entry_id')::uuid from unnest(lapsed) l));
    c := sambatan.remove_waiting_entries(c, 'waiting_lapsed', 'system', p_at, lapsed);
  end if;
  if assigned <> '{}' then
    c.reserved_slots := under_offer;
    perform sambatan.store_campaigns(array[c]);
    foreach blocked in array assigned loop
      perform sambatan.assign_paid_slots(c.campaign_id, blocked, p_at);
    end loop;
    blocked := null;
    select * into strict c from sambatan.campaigns where campaign_id = c.campaign_id;
  end if;

  if free > 0 then
    select entry_id into blocked from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = 'waiting' and overtaken >= max_overtakes
      order by paid_at, position limit 1;
  end if;
  update sambatan.waiting_entries set keep_until = null, updated_at = p_at
    where campaign_id = c.campaign_id and keep_until is not null
      and entry_id is distinct from blocked;
  update sambatan.waiting_entries set keep_until = ends_at, updated_at = p_at
    where campaign_id = c.campaign_id and entry_id = blocked and keep_until is null;

  -- If fewer slots are free than the minimum per buyer, they are too few for every entry, so
  -- anybody may take them by joining.
  c.reserved_slots := case
    when free > 0 and free < c.min_slots_per_user and blocked is null then under_offer
    when exists (select from sambatan.waiting_entries
      where campaign_id = c.campaign_id and status = 'waiting')
    then c.total_slots - c.filled_slots else under_offer end;
  if offered <> '{}' or blocked is not null then
    c.next_run_at := least(c.next_run_at, ends_at);
  end if;
  if not may_give and free > 0 then
    c.next_run_at := least(c.next_run_at, p_at + interval '10 minutes');
  end if;
  c := sambatan.append_events(c, 'waiting_offered', 'system', p_at, events);
end
$$;

-- Returns the number of slots of a completed campaign that were revoked from whole orders. They are
-- free, but no goods are delivered for them.
create or replace function sambatan.revoked_slots(c sambatan.campaigns)
returns integer language sql stable as $$
  select coalesce(sum(p.quantity), 0)::integer from sambatan.participants p
  where p.campaign_id = c.campaign_id and p.status = 'refunded' and p.refunded_at >= c.completed_at
$$;

-- Renews the open offers of a campaign that has just succeeded. From now on, buyers accept these
-- offers by paying. The caller has locked the campaign's row and stores c.
create or replace function sambatan.renew_offers(inout c sambatan.campaigns, p_at timestamptz)
language plpgsql as $$
declare
  ends_at constant timestamptz := p_at + c.hold_seconds * interval '1 second';
  events jsonb[];
begin
  with renewed as (
    update sambatan.waiting_entries set order_id = gen_random_uuid(), offer_expires_at = ends_at,
        updated_at = p_at
      where campaign_id = c.campaign_id and status = 'offered' and order_id is null
      returning entry_id, quantity, position
  )
  select coalesce(array_agg(jsonb_build_object('entry_id', entry_id, 'quantity', quantity,
      'expires_at', ends_at) order by position), '{}') into events from renewed;
  c := sambatan.append_events(c, 'waiting_offered', 'system', p_at, events);
end
$$;

-- Reads the campaign's row, calls offer_slots, and stores the row. The caller has locked the row
-- and has already stored all other changes of it.
create or replace function sambatan.offer_freed_slots(p_campaign_id uuid, p_at timestamptz)
returns void language plpgsql as $$
declare
  c sambatan.campaigns;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  perform sambatan.store_campaigns(array[sambatan.offer_slots(c, p_at)]);
end
$$;
