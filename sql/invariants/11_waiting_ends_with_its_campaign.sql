-- No entry waits or has an offer in a campaign that failed, was cancelled, or is not open yet. In a
-- completed campaign entries may still wait, because unpaid orders can free slots.
select c.campaign_id, c.status, e.entry_id, e.status as entry_status
from sambatan.campaigns c
join sambatan.waiting_entries e using (campaign_id)
where c.status not in ('active', 'locked', 'verifying', 'fulfilled')
  and e.status in ('waiting', 'offered');
