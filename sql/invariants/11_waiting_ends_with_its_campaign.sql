-- Nobody waits for slots of a campaign that failed or was called off, or has an offer of them; nor
-- before it opens. After success only orders that are still to be paid can free any.
select c.campaign_id, c.status, e.entry_id, e.status as entry_status
from sambatan.campaigns c
join sambatan.waiting_entries e using (campaign_id)
where c.status not in ('active', 'locked', 'verifying', 'fulfilled')
  and e.status in ('waiting', 'offered');
