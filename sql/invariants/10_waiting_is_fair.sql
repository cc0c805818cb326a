-- No entry is overtaken more often than the rule allows, and its column overtaken equals the number
-- computed from the audit log. No entry waits while enough slots are free that the rules allow it
-- to take. Paid entries come first and get slots without an offer; the other entries are in order
-- of arrival.
with offers as (
  -- An offer that is open when the campaign succeeds gets a second waiting_offered event. Only the
  -- first event of an entry counts.
  select campaign_id, min(seq) as offered_at, (metadata ->> 'entry_id')::uuid as entry_id
  from sambatan.audit_logs where event in ('waiting_offered', 'waiting_accepted')
  group by campaign_id, metadata ->> 'entry_id'
), ends as (
  -- The event that ended an entry's wait: its offer, or another event if it got no offer.
  select campaign_id, (metadata ->> 'entry_id')::uuid as entry_id, min(seq) as ended_at
  from sambatan.audit_logs where event between 'waiting_joined' and 'waiting_closed' and event <> 'waiting_joined'
  group by campaign_id, metadata ->> 'entry_id'
), told as (
  select e.campaign_id, e.entry_id, count(o.entry_id) as overtaken
  from sambatan.waiting_entries e
  left join ends using (campaign_id, entry_id)
  left join sambatan.waiting_entries other on other.campaign_id = e.campaign_id
    and (coalesce(other.paid_at, 'infinity'), other.position)
      > (coalesce(e.paid_at, 'infinity'), e.position)
  left join offers o on o.campaign_id = other.campaign_id and o.entry_id = other.entry_id
    and o.offered_at > e.position and (ends.ended_at is null or o.offered_at < ends.ended_at)
  group by e.campaign_id, e.entry_id
)
select e.campaign_id, e.entry_id, e.overtaken, t.overtaken as told
from sambatan.waiting_entries e
join told t using (campaign_id, entry_id)
where e.overtaken > sambatan.max_waiting_overtakes() or e.overtaken <> t.overtaken
union all
select c.campaign_id, e.entry_id, e.overtaken, null
from sambatan.campaigns c
join sambatan.waiting_entries e on e.campaign_id = c.campaign_id and e.status = 'waiting'
where c.status in ('active', 'locked', 'fulfilled') and c.closing_outcome is null
  and e.quantity <= c.total_slots - c.filled_slots - (
    select coalesce(sum(o.quantity), 0) from sambatan.waiting_entries o
    where o.campaign_id = c.campaign_id and o.status = 'offered')
    - case when c.status = 'fulfilled' then sambatan.revoked_slots(c) else 0 end
  -- While a payout is being sent no paid entry gets a slot, and entries behind it wait too.
  and not (c.status = 'fulfilled' and exists (select from sambatan.waiting_entries paid
      where paid.campaign_id = c.campaign_id and paid.status = 'waiting'
        and paid.refund_id is not null)
    and exists (select from sambatan.transactions t
      where t.campaign_id = c.campaign_id and t.kind = 'payout' and t.status = 'pending'))
  and not exists (select from sambatan.waiting_entries before
    where before.campaign_id = c.campaign_id and before.status = 'waiting'
      and (coalesce(before.paid_at, 'infinity'), before.position)
        < (coalesce(e.paid_at, 'infinity'), e.position)
      and before.overtaken >= sambatan.max_waiting_overtakes());
