-- Copies of the definitions in sql/functions.

-- Begins attempts of e-mails that are due, the longest due first: what is taken is leased for so
-- many seconds. The tables grow from nothing to millions while plans are kept, so no plan may be
-- the one for a small table.
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

-- Begins attempts of webhooks that are due, so many of each endpoint at most, and none of those that
-- are busy. As claim_emails.
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
    c.previous_secret, c.seq, a.occurred_at, a.participation_id, a.event, a.actor, a.metadata
  from claimed c
  join sambatan.audit_logs a on a.campaign_id = c.campaign_id and a.seq = c.seq
$$;

-- Keeps attempts that are under way from being taken over.
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

-- Writes what came of attempts, each unless its lease was lost. A wait (seconds until the next
-- attempt) is null when the delivery is over.
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

-- Writes messages to people and puts their e-mails on their way, as each person's settings have it;
-- the defaults apply where a person has said nothing. Who has a message already gets no second.
create or replace function sambatan.insert_messages(
  p_campaign_id uuid, p_ids uuid[], p_user_ids uuid[], p_event_keys text[], p_kinds text[],
  p_params jsonb[], p_topics text[], p_email_defaults boolean[], p_in_app_defaults boolean[],
  out made integer, out emails integer
) language sql
  set enable_seqscan = off set enable_mergejoin = off as $$
  with wished as (
    select w.*, coalesce(s.in_app, w.in_app_default) as in_app,
      coalesce(s.email, w.email_default) and p.email is not null as by_email
    from unnest(p_ids, p_user_ids, p_event_keys, p_kinds, p_params, p_topics, p_email_defaults,
        p_in_app_defaults)
      as w (id, user_id, event_key, kind, params, topic, email_default, in_app_default)
    left join sambatan.message_settings s on s.user_id = w.user_id and s.topic = w.topic
    left join sambatan.profiles p on p.user_id = w.user_id
  ), written as (
    insert into sambatan.notifications
      (campaign_id, notification_id, user_id, event_key, kind, topic, params, in_app)
    select p_campaign_id, id, user_id, event_key, kind, topic, params, in_app
    from wished where in_app or by_email
    on conflict (campaign_id, user_id, event_key) do nothing
    returning notification_id
  ), sent as (
    insert into sambatan.deliveries (campaign_id, delivery_id, channel, next_attempt_at)
    select p_campaign_id, id, 'email', clock_timestamp()
    from wished where by_email and id in (select notification_id from written)
    returning 1
  )
  select (select count(*) from written)::integer, (select count(*) from sent)::integer
$$;

revoke all on all functions in schema sambatan from public;
