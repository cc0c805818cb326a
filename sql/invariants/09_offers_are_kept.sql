-- Nobody else has taken the slots of an open offer. A campaign reserves exactly the slots of its
-- open offers, or all free slots while an entry waits without an offer. Its counter of waiting
-- entries is correct.
select c.campaign_id, c.waiting_entries, c.reserved_slots, s.*
from sambatan.campaigns c
left join lateral (
  select count(*) as open_entries,
    coalesce(sum(e.quantity) filter (where e.status = 'offered'), 0) as offered_slots,
    count(*) filter (where e.status = 'waiting') as waiting
  from sambatan.waiting_entries e
  where e.campaign_id = c.campaign_id and e.status in ('waiting', 'offered')
) s on true
where c.waiting_entries <> s.open_entries
  or c.filled_slots + greatest(c.reserved_slots, case when c.closing_outcome is null then s.offered_slots
    else 0 end) > c.total_slots
  or (c.closing_outcome is null and c.reserved_slots <> case when s.waiting > 0
      and not sambatan.has_open_remainder(c.campaign_id)
    then c.total_slots - c.filled_slots else s.offered_slots end);
