-- The counters of a campaign equal the sums over its participations, and never exceed its slots. The
-- last event of the audit log has the same number of taken slots.
select c.campaign_id, c.filled_slots, c.confirmed_slots, c.participant_count, s.*
from sambatan.campaigns c
left join lateral (
  select coalesce(sum(p.quantity), 0) as live_slots,
    coalesce(sum(p.quantity) filter (where p.status <> 'pending_payment'), 0) as confirmed,
    count(*) as live
  from sambatan.participants p
  where p.campaign_id = c.campaign_id
    and p.status in ('pending_payment', 'confirmed', 'fulfilled')
) s on true
where c.filled_slots <> s.live_slots or c.confirmed_slots <> s.confirmed
  or c.participant_count <> s.live or c.logged_slots <> c.filled_slots
  or c.filled_slots not between 0 and c.total_slots;
