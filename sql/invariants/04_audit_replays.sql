-- The state that is computed from the audit log equals the stored state. This is checked for the
-- status, counters and reserved slots of every campaign, and for the status and quantity of every
-- participation and every waiting-list entry.
with participations as (
  select campaign_id, participation_id,
    (array_agg(event order by seq desc) filter (where event <> 'participant_changed'))[1]
      as last_event,
    (array_agg((metadata ->> 'quantity')::integer order by seq desc))[1] as quantity,
    min(seq) filter (where event = 'participant_joined') as joined_seq
  from sambatan.audit_events where event between 'participant_joined' and 'participant_changed'
  group by campaign_id, participation_id
), replayed_participations as (
  select campaign_id, participation_id, quantity, joined_seq, case
    when last_event = 'participant_joined' then 'pending_payment'
    else substr(last_event::text, 13) end as status
  from participations
), counters as (
  select campaign_id,
    coalesce(sum(quantity) filter (where status in ('pending_payment', 'confirmed', 'fulfilled')),
      0) as filled_slots,
    coalesce(sum(quantity) filter (where status in ('confirmed', 'fulfilled')), 0)
      as confirmed_slots,
    count(*) filter (where status in ('pending_payment', 'confirmed', 'fulfilled'))
      as participant_count
  from replayed_participations group by campaign_id
), waiting as (
  select campaign_id, (metadata ->> 'entry_id')::uuid as entry_id,
    (array_agg(event order by seq desc))[1] as last_event,
    (array_agg((metadata ->> 'quantity')::integer order by seq))[1] as quantity,
    min(seq) as position
  from sambatan.audit_events where event between 'waiting_joined' and 'waiting_closed'
  group by campaign_id, metadata ->> 'entry_id'
), replayed_waiting as (
  select campaign_id, entry_id, quantity, position, case
    when last_event = 'waiting_joined' then 'waiting' else substr(last_event::text, 9) end as status
  from waiting
), lines as (
  select campaign_id, count(*) filter (where status in ('waiting', 'offered')) as open_entries,
    coalesce(sum(quantity) filter (where status = 'offered'), 0) as offered_slots,
    bool_or(status = 'waiting') as is_waited_for
  from replayed_waiting group by campaign_id
), statuses as (
  select distinct on (campaign_id) campaign_id, case
    when event = 'campaign_created' then case
      when (metadata ->> 'published')::boolean then 'active'
      when metadata ->> 'opens_at' is not null then 'scheduled' else 'draft' end
    when event = 'campaign_opened' then 'active'
    when event = 'campaign_full' then 'locked'
    when event = 'campaign_reopened' then 'active'
    when event = 'campaign_verifying' then 'verifying'
    when event = 'campaign_completed' then 'fulfilled'
    when event = 'campaign_failed' then 'expired'
    when event = 'campaign_cancelled' then 'cancelled' end as status
  from sambatan.audit_events
  where event in ('campaign_created', 'campaign_opened', 'campaign_full', 'campaign_reopened',
    'campaign_verifying', 'campaign_completed', 'campaign_failed', 'campaign_cancelled')
  order by campaign_id, seq desc
), totals as (
  select distinct on (campaign_id) campaign_id, (metadata ->> 'total_slots')::integer as total_slots
  from sambatan.audit_events where participation_id is null
  order by campaign_id, seq desc
)
select c.campaign_id, null::uuid as participation_id, 'campaign' as what
from sambatan.campaigns c
left join counters r using (campaign_id)
left join statuses s using (campaign_id)
left join totals t using (campaign_id)
left join lines l using (campaign_id)
where c.status::text is distinct from s.status
  or c.total_slots is distinct from t.total_slots
  or c.filled_slots <> coalesce(r.filled_slots, 0)
  or c.confirmed_slots <> coalesce(r.confirmed_slots, 0)
  or c.participant_count <> coalesce(r.participant_count, 0)
  or c.waiting_entries <> coalesce(l.open_entries, 0)
  -- A closing campaign makes no offers, and its reserved slots are released in steps.
  or (c.closing_outcome is null and c.reserved_slots <> case when l.is_waited_for
      and not sambatan.has_open_remainder(c.campaign_id)
    then t.total_slots - coalesce(r.filled_slots, 0) else coalesce(l.offered_slots, 0) end)
union all
select campaign_id, participation_id, 'participation'
from sambatan.participants p
full join replayed_participations r using (campaign_id, participation_id)
where p.status::text is distinct from r.status or p.quantity is distinct from r.quantity
  or p.joined_seq is distinct from r.joined_seq
union all
select campaign_id, entry_id, 'waiting entry'
from sambatan.waiting_entries e
full join replayed_waiting r using (campaign_id, entry_id)
where e.status::text is distinct from r.status or e.quantity is distinct from r.quantity
  or e.position is distinct from r.position;
