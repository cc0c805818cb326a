-- Stores the results of delivery attempts. Ignores an attempt if another worker has claimed its
-- delivery in the meantime. p_waits are the seconds until the next attempt; the value is null if
-- the delivery is finished.
create or replace function sambatan.end_attempts(
  p_campaign_ids uuid[], p_delivery_ids uuid[], p_lease_ids uuid[], p_statuses text[],
  p_waits double precision[], p_results text[]
) returns void language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update sambatan.deliveries d set status = w.status, lease_id = null, last_result = w.result,
    next_attempt_at = clock_timestamp() + w.wait * interval '1 second',
    finished_at = case when w.status <> 'pending' then clock_timestamp() end
  from unnest(p_campaign_ids, p_delivery_ids, p_lease_ids, p_statuses, p_waits, p_results)
    as w (campaign_id, delivery_id, lease_id, status, wait, result)
  where d.campaign_id = w.campaign_id and d.delivery_id = w.delivery_id
    and d.lease_id = w.lease_id and d.status = 'pending'
$$;
