-- Claims due webhooks and records the start of an attempt for each. Claims at most p_per_endpoint
-- webhooks for each endpoint. Skips the endpoints in p_busy. Apart from that, it works like
-- claim_emails.
create or replace function sambatan.claim_webhooks(
  p_limit integer, p_lease_id uuid, p_lease_seconds double precision, p_per_endpoint integer,
  p_busy uuid[]
) returns table (
  campaign_id uuid, delivery_id uuid, attempts integer, endpoint_id uuid, url text, secret text,
  previous_secret text, seq bigint, occurred_at timestamptz, participation_id uuid, event text,
  actor text, metadata jsonb
) language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with due as (
    select d.campaign_id, d.delivery_id, e.url, e.secret,
      case when e.previous_secret_until > clock_timestamp() then e.previous_secret end
        as previous_secret
    from sambatan.webhook_endpoints e
    cross join lateral (
      select w.campaign_id, w.delivery_id from sambatan.deliveries w
      where w.channel = 'webhook' and w.status = 'pending' and w.endpoint_id = e.endpoint_id
        and w.next_attempt_at <= (select clock_timestamp())
      order by w.next_attempt_at limit p_per_endpoint for update skip locked) d
    where e.status = 'enabled' and e.endpoint_id <> all (p_busy)
    limit p_limit
  ), claimed as (
    update sambatan.deliveries d set attempts = d.attempts + 1, lease_id = p_lease_id,
      last_attempt_at = clock_timestamp(),
      next_attempt_at = clock_timestamp() + p_lease_seconds * interval '1 second'
    from due where d.campaign_id = due.campaign_id and d.delivery_id = due.delivery_id
    returning d.campaign_id, d.delivery_id, d.attempts, d.endpoint_id, d.seq, due.url,
      due.secret, due.previous_secret
  )
  select c.campaign_id, c.delivery_id, c.attempts, c.endpoint_id, c.url, c.secret,
    c.previous_secret, c.seq, a.occurred_at, a.participation_id, a.event::text, a.actor, a.metadata
  from claimed c
  join sambatan.audit_events a on a.campaign_id = c.campaign_id and a.seq = c.seq
$$;
