-- A final campaign has no reserved participation, and a failed or cancelled one has no live one.
select c.campaign_id, c.status, p.participation_id, p.status as participant_status
from sambatan.campaigns c
join sambatan.participants p using (campaign_id)
where (c.status in ('fulfilled', 'expired', 'cancelled') and p.status = 'pending_payment')
  or (c.status in ('expired', 'cancelled') and p.status in ('confirmed', 'fulfilled'));
