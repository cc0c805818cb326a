-- Claims due e-mails, the longest due first, and records the start of an attempt for each, with a
-- lease of p_lease_seconds. While PostgreSQL caches a query plan, an empty table can get millions
-- of rows. The settings of this function forbid plans that are fast only for a small table.
create or replace function sambatan.claim_emails(
  p_limit integer, p_lease_id uuid, p_lease_seconds double precision
) returns table (
  campaign_id uuid, delivery_id uuid, attempts integer, user_id uuid, kind text, topic text,
  params jsonb, email text, locale text, time_zone text, wanted boolean
) language sql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with due as (
    select d.campaign_id, d.delivery_id from sambatan.deliveries d
    where d.channel = 'email' and d.status = 'pending'
      and d.next_attempt_at <= (select clock_timestamp())
    order by d.next_attempt_at limit p_limit for update skip locked
  ), claimed as (
    update sambatan.deliveries d set attempts = d.attempts + 1, lease_id = p_lease_id,
      last_attempt_at = clock_timestamp(),
      next_attempt_at = clock_timestamp() + p_lease_seconds * interval '1 second'
    from due where d.campaign_id = due.campaign_id and d.delivery_id = due.delivery_id
    returning d.campaign_id, d.delivery_id, d.attempts
  )
  select c.campaign_id, c.delivery_id, c.attempts, n.user_id, n.kind, n.topic, n.params, p.email,
    p.locale, p.time_zone, s.email
  from claimed c
  left join sambatan.notifications n
    on n.campaign_id = c.campaign_id and n.notification_id = c.delivery_id
  left join sambatan.profiles p on p.user_id = n.user_id
  left join sambatan.message_settings s on s.user_id = n.user_id and s.topic = n.topic
$$;
