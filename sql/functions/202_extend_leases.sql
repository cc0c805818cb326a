-- Extends the leases of running attempts, so that no other worker claims them.
create or replace function sambatan.extend_leases(
  p_campaign_ids uuid[], p_delivery_ids uuid[], p_lease_ids uuid[], p_seconds double precision
) returns void language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update sambatan.deliveries d
  set next_attempt_at = clock_timestamp() + p_seconds * interval '1 second'
  from unnest(p_campaign_ids, p_delivery_ids, p_lease_ids) as w (campaign_id, delivery_id, lease_id)
  where d.campaign_id = w.campaign_id and d.delivery_id = w.delivery_id
    and d.lease_id = w.lease_id and d.status = 'pending'
$$;
