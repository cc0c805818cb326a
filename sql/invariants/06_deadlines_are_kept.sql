-- While a worker runs, no campaign stays open for more than ten seconds after its deadline. No
-- campaign stays verifying for more than ten seconds after its verification period. For a campaign
-- that is being closed in steps, the limit is one minute.
select campaign_id, status, deadline
from sambatan.campaigns
where status in ('active', 'locked', 'verifying')
  and deadline + case when status = 'verifying' then verification_seconds else 0 end
    * interval '1 second' < clock_timestamp() - case when closing_outcome is null then interval '10 seconds'
    else interval '1 minute' end
  and exists (select from sambatan.workers
    where started_at < clock_timestamp() - interval '1 minute'
      and seen_at > clock_timestamp() - interval '15 seconds');
