-- No participation is reserved in a final campaign, and none is live in a failed or cancelled one.
select c.campaign_id, c.status, p.participation_id, p.status as participant_status
from sambatan.campaigns c
join sambatan.participants p using (campaign_id)
where (c.status in ('fulfilled', 'expired', 'cancelled') and p.status = 'pending_payment')
  or (c.status in ('expired', 'cancelled') and p.status in ('confirmed', 'fulfilled'));
