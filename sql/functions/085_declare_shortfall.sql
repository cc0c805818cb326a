-- Returns how many slots of a completed campaign are to be delivered now, and the minimum and
-- maximum number of slots after a shortfall. The minimum is the number of slots that buyers have
-- received; the maximum is one less than are to be delivered now. Refuses: transition_not_allowed.
create or replace function sambatan.range_of_shortfall(
  p_campaign_id uuid, out delivered bigint, out minimum bigint, out maximum bigint
) language plpgsql stable as $$
declare
  c sambatan.campaigns;
begin
  select * into strict c from sambatan.campaigns where campaign_id = p_campaign_id;
  if c.status <> 'fulfilled' then
    perform sambatan.refuse('transition_not_allowed',
      jsonb_build_object('from', c.status, 'event', 'campaign_shortfall'));
  end if;
  select coalesce(sum(quantity - undelivered_slots), 0),
      coalesce(sum(quantity - undelivered_slots) filter (where status = 'fulfilled'), 0)
    into delivered, minimum from sambatan.participants
    where campaign_id = p_campaign_id and status in ('confirmed', 'fulfilled');
  maximum := greatest(delivered - 1, minimum);
end
$$;

-- Computes how many slots each buyer gets if a completed campaign can deliver only p_slots. Buyers
-- who have received the goods are first, then the other buyers in the order in which they joined.
-- Each buyer gets the full quantity while slots remain, so at most one participation is delivered
-- in part. Each row has a participation's place in that order, the numbers of slots that it keeps
-- and loses, and the rupiah to be refunded. Refuses: transition_not_allowed,
-- shortfall_not_possible, payment_not_open.
--
-- The query is written in a form that makes the planner use one index lookup for each
-- participation, whatever its statistics say.
create or replace function sambatan.shares_of_shortfall(p_campaign_id uuid, p_slots integer)
returns table (place bigint, participation_id uuid, user_id uuid, keeps integer, loses integer,
  refund bigint)
language plpgsql stable as $$
declare
  c sambatan.campaigns;
  possible record;
begin
  select * into strict possible from sambatan.range_of_shortfall(p_campaign_id);
  if p_slots >= possible.delivered or p_slots < possible.minimum then
    perform sambatan.refuse('shortfall_not_possible',
      jsonb_build_object('minimum', possible.minimum, 'maximum', possible.maximum));
  end if;
  select * into strict c from sambatan.campaigns x where x.campaign_id = p_campaign_id;
  return query
  with line as (
    -- Uses the order of the audit log, because several buyers can have the same time of joining.
    select p.participation_id, p.user_id, p.status, p.quantity - p.undelivered_slots as has,
      row_number() over in_line as place,
      sum(p.quantity - p.undelivered_slots) over in_line - (p.quantity - p.undelivered_slots) as before
    from sambatan.participants p
    where p.campaign_id = p_campaign_id and p.status in ('confirmed', 'fulfilled')
    window in_line as (order by p.status = 'fulfilled' desc, p.joined_seq)
  ), shares as (
    select l.*, greatest(least(l.has, p_slots - l.before), 0)::integer as keeps from line l
  )
  select s.place, s.participation_id, s.user_id, s.keeps, s.has - s.keeps,
    case when s.keeps = s.has then 0 else (
      select sambatan.refund_of_slots(t, c.price_per_slot, s.has - s.keeps,
        s.keeps = 0)
      from sambatan.transactions t
      where t.campaign_id = p_campaign_id and t.cause = 'payment:' || s.participation_id) end
  from shares s order by s.place;
end
$$;

-- Records that the seller of a completed campaign can deliver only p_slots; shares_of_shortfall
-- decides who gets them. Refunds the other slots, and sets the payout to the value of the delivered
-- slots. Closes the waiting list and all open offers, because no slots are left for them. The
-- function can be called again with fewer slots. Returns the rupiah to be refunded. Refuses:
-- campaign_not_found, transition_not_allowed, shortfall_not_possible, payout_settled_already,
-- payment_not_open.
create or replace function sambatan.declare_shortfall(
  p_campaign_id uuid, p_slots integer, p_reason text, p_actor text
) returns bigint language plpgsql as $$
declare
  c sambatan.campaigns := sambatan.lock_campaign(p_campaign_id);
  now_at constant timestamptz := clock_timestamp();
  closing record;
  delivered bigint;
  share record;
  back bigint := 0;
  payout bigint;
begin
  select r.delivered into strict delivered from sambatan.range_of_shortfall(p_campaign_id) r;
  for share in select s.loses, p from sambatan.shares_of_shortfall(p_campaign_id, p_slots) s
    join sambatan.participants p on p.campaign_id = p_campaign_id
      and p.participation_id = s.participation_id
    where s.loses > 0 order by s.place
  loop
    back := back + sambatan.revoke_slots(c, share.p, share.loses, now_at, p_actor, 'shortfall');
  end loop;
  if c.waiting_entries > 0 then
    select * into c from sambatan.campaigns where campaign_id = p_campaign_id;
    closing := sambatan.close_waiting(c, now_at, c.waiting_entries);
    perform sambatan.store_campaigns(array[closing.c]);
  end if;
  payout := sambatan.refresh_payout(p_campaign_id, now_at, p_actor);
  perform sambatan.record_event(p_campaign_id, 'campaign_shortfall', p_actor, now_at, null,
    jsonb_build_object('from', delivered, 'to', p_slots, 'reason', p_reason, 'refunds', back,
      'payout', payout));
  perform sambatan.release_when_received(p_campaign_id, now_at);
  return back;
end
$$;
