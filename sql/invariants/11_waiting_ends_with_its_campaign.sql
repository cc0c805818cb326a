-- Nobody waits for slots of a campaign that is over, or has an offer of them; nor before it opens.
select c.campaign_id, c.status, e.entry_id, e.status as entry_status
from sambatan.campaigns c
join sambatan.waiting_entries e using (campaign_id)
where c.status not in ('active', 'locked') and e.status in ('waiting', 'offered');
