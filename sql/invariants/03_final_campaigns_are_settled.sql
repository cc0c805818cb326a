-- A completed, failed or cancelled campaign has no reserved participation. A failed or cancelled
-- campaign has no confirmed or fulfilled participation either.
select c.campaign_id, c.status, p.participation_id, p.status as participant_status
from sambatan.campaigns c
join sambatan.participants p using (campaign_id)
where (c.status in ('fulfilled', 'expired', 'cancelled') and p.status = 'pending_payment')
  or (c.status in ('expired', 'cancelled') and p.status in ('confirmed', 'fulfilled'));
