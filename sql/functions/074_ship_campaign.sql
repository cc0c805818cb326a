-- Records that the seller has shipped the goods of a completed campaign. An order counts as
-- received if its buyer reports nothing for p_days days. A repeated call changes nothing. From now
-- on, no more slots are offered: the waiting list is closed and its buyers are notified, but open
-- offers can still be paid. Refuses: campaign_not_found, transition_not_allowed.
create or replace function sambatan.ship_campaign(
  p_campaign_id uuid, p_days integer, p_actor text
) returns void language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  closing record;
  ends_at constant timestamptz := now_at + p_days * interval '1 day';
begin
  if c.status <> 'fulfilled' then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_shipped'));
  elsif c.shipped_at is not null then
    return;
  end if;
  update sambatan.campaign_details
    set shipped_at = now_at, received_after = ends_at, receipts_due_at = ends_at
    where campaign_id = p_campaign_id;
  perform sambatan.record_event(p_campaign_id, 'campaign_shipped', p_actor, now_at, null,
    jsonb_build_object('to', ends_at));
  if c.waiting_entries > 0 then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    closing := sambatan.close_waiting(c, now_at, c.waiting_entries, true);
    perform sambatan.store_campaigns(array[sambatan.offer_slots(closing.c, now_at)]);
  end if;
end
$$;

-- Runs one step: up to p_limit orders of a shipped campaign count as received, because their buyers
-- have reported nothing for the whole period after shipping. If an order was paid after it was
-- shipped, its period starts with the payment. Unpaid and disputed orders do not count as received.
-- Returns the number of these orders. Skips a row that another transaction has locked.
create or replace function sambatan.receive_unanswered(p_campaign_id uuid, p_limit integer)
returns integer language plpgsql as $$
declare
  c sambatan.campaigns;
  now_at timestamptz;
  p record;
  received integer := 0;
begin
  select * into c from sambatan.campaigns where campaign_id = p_campaign_id
    for no key update skip locked;
  now_at := clock_timestamp();
  if not found or c.receipts_due_at is null or c.receipts_due_at > now_at then
    return 0;
  elsif c.status <> 'fulfilled' then
    update sambatan.campaign_details set receipts_due_at = null where campaign_id = p_campaign_id;
    return 0;
  end if;
  for p in
    select o.participation_id, o.quantity from sambatan.participants o
    join sambatan.transactions t on t.campaign_id = p_campaign_id
      and t.cause = 'payment:' || o.participation_id and t.status = 'settled'
      and t.settled_at <= now_at - (c.received_after - c.shipped_at)
    where o.campaign_id = p_campaign_id and o.status = 'confirmed'
      and not exists (select 1 from sambatan.disputes d where d.campaign_id = p_campaign_id
        and d.participation_id = o.participation_id and d.resolved_at is null)
    order by o.participation_id limit p_limit
  loop
    update sambatan.participants
      set status = 'fulfilled', fulfilled_at = now_at, updated_at = now_at
      where campaign_id = p_campaign_id and participation_id = p.participation_id;
    perform sambatan.record_event(p_campaign_id, 'participant_fulfilled', 'system', now_at,
      p.participation_id, jsonb_build_object('quantity', p.quantity, 'reason', 'no_word'));
    received := received + 1;
  end loop;
  if received < p_limit then
    -- While offers are open, the next check is in an hour, because a buyer who pays an offer
    -- becomes a participant later.
    update sambatan.campaign_details set receipts_due_at = case when c.waiting_entries > 0 or exists (
        select 1 from sambatan.participants
        where campaign_id = p_campaign_id and status = 'confirmed')
      then now_at + interval '1 hour' end
      where campaign_id = p_campaign_id;
  end if;
  if received > 0 then
    perform sambatan.release_when_received(p_campaign_id, now_at);
  end if;
  return received;
end
$$;
